"""Verdicts on made-up numbers whose answers are known, and the tables."""

import math
import re
from functools import partial
from itertools import count

import pytest
import torch
from recipes_kit import TINY

from resattn.experiments import get_recipe, tables
from resattn.experiments.claims import CLAIMS, Claim, Contrast
from resattn.experiments.intervals import Interval, t_interval, t_quantile, t_within
from resattn.experiments.measure import Probe, _agreement
from resattn.experiments.verdicts import (
    CANNOT_TELL,
    NOT_RUN,
    NOT_SUPPORTED,
    SUPPORTED,
    contrast_verdict,
    examine,
    try_claim,
)


def test_t_agrees_with_printed_tables():
    printed = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 30: 2.042, 120: 1.980}
    for freedom, value in printed.items():
        assert t_quantile(0.975, freedom) == pytest.approx(value, abs=6e-4)
    assert t_quantile(0.95, 2) == pytest.approx(2.920, abs=6e-4)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 8])
def test_t_within_is_the_integral_of_the_density(freedom):
    scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(freedom * math.pi)
    step = 1e-3
    middles = (step * (i + 0.5) for i in range(2500))
    area = 2 * step * sum(scale * (1 + x * x / freedom) ** (-(freedom + 1) / 2) for x in middles)
    assert t_within(2.5, freedom) == pytest.approx(area, abs=1e-6)


def test_t_is_that_of_scipy():
    t = pytest.importorskip("scipy.stats").t
    for freedom in (1, 2, 3, 4, 5, 9, 10, 29, 60, 301):
        for value in (0.01, 0.3, 1.0, 2.5, 12.0):
            assert t_within(value, freedom) == pytest.approx(1 - 2 * t.sf(value, freedom), abs=1e-9)
        for p in (0.6, 0.9, 0.975, 0.995, 0.9995):
            assert t_quantile(p, freedom) == pytest.approx(t.ppf(p, freedom), rel=1e-8)


def test_an_interval_of_three_by_hand():
    found = t_interval([0.01, 0.02, 0.03])
    half = 4.302653 * 0.01 / math.sqrt(3)
    assert found == pytest.approx((0.02, 0.02 - half, 0.02 + half, 3), abs=1e-8)
    assert t_interval([1.0]) == (1.0, -math.inf, math.inf, 1)
    with pytest.raises(ValueError, match="at least one value"):
        t_interval([])


@pytest.mark.parametrize(
    ("claimed", "low", "high", "verdict"),
    [
        ("below", -0.05, -0.01, SUPPORTED),
        ("below", -0.03, 0.001, CANNOT_TELL),  # 0 is inside, and so is the effect
        ("below", -0.009, 0.03, NOT_SUPPORTED),  # the effect is excluded
        ("below", -0.009, -0.001, NOT_SUPPORTED),  # certain, and too small to matter
        ("below", -0.015, -0.001, CANNOT_TELL),
        ("below", 0.02, 0.04, NOT_SUPPORTED),
        ("above", 0.01, 0.05, SUPPORTED),
        ("above", -0.05, -0.01, NOT_SUPPORTED),
        ("above", -0.2, 0.2, CANNOT_TELL),
        ("at most", -0.5, 0.009, SUPPORTED),
        ("at most", 0.005, 0.03, NOT_SUPPORTED),
        ("at most", -0.02, 0.03, CANNOT_TELL),
        ("same", -0.009, 0.009, SUPPORTED),
        ("same", -0.009, 0.02, CANNOT_TELL),
        ("same", 0.005, 0.03, NOT_SUPPORTED),
        ("same", -0.03, -0.005, NOT_SUPPORTED),
        ("same", -math.inf, math.inf, CANNOT_TELL),
    ],
)
def test_judging_an_interval(claimed, low, high, verdict):
    middle = (low + high) / 2 if math.isfinite(low) else 0.0
    contrast = Contrast("width", "test error", ("a",), ("b",), claimed, 0.01)
    assert contrast_verdict(Interval(middle, low, high, 3), contrast) == verdict


def finder(errors: dict[str, list[float | None]]):
    """Results with these test errors, by the name in the recipe that owns the run and the seed."""

    def find(run):
        error = errors.get(run.name, [None] * 3)[run.seed]
        return None if error is None else {"test": {"error": error}, "probes": {"end": None}}

    return find


WIDTH = Contrast("width", "test error", ("wide-m1",), ("masked-m1",), "below", 0.01)


@pytest.mark.parametrize(
    ("wide", "masked", "verdict", "seeds"),
    [
        ([0.20, 0.21, 0.22], [0.30, 0.31, 0.32], SUPPORTED, 3),
        ([0.30, 0.31, 0.32], [0.20, 0.21, 0.22], NOT_SUPPORTED, 3),
        ([0.20, 0.30, 0.25], [0.30, 0.21, 0.28], CANNOT_TELL, 3),
        ([0.20, None, 0.22], [0.30, 0.31, None], CANNOT_TELL, 1),  # one pair has no interval
        ([0.20, None, None], [None, 0.31, 0.32], NOT_RUN, None),
        ([None] * 3, [0.3] * 3, NOT_RUN, None),
    ],
)
def test_a_contrast_pairs_the_seeds(wide, masked, verdict, seeds):
    # masked-m1 is a run of `stacking`, where it is called arl-m1
    finding = examine(WIDTH, "small", finder({"wide-m1": wide, "arl-m1": masked}))
    assert finding.verdict == verdict
    assert (finding.interval and finding.interval.n) == seeds


def test_pairing_takes_the_spread_of_seeds_away():
    seeds = [0.20, 0.40, 0.60]
    errors = {"arl-m1": seeds, "wide-m1": [0.15, 0.351, 0.549]}
    finding = examine(WIDTH, "small", finder(errors))
    assert finding.verdict == SUPPORTED and finding.interval.high < -0.04


def test_a_difference_of_differences():
    contrast = Contrast(
        "label_noise", "test error", ("arl-50", "none-0"), ("arl-0", "none-50"), "below", 0.01
    )
    errors = {
        "arl-m1": [0.2, 0.2, 0.2],
        "none-m1": [0.2, 0.2, 0.2],
        "arl-50": [0.3, 0.31, 0.29],
        "none-50": [0.4, 0.4, 0.4],
    }
    found = examine(contrast, "small", finder(errors))
    assert found.verdict == SUPPORTED and found.interval.mean == pytest.approx(-0.1)


def test_runs_without_the_number_cannot_tell():
    contrast = Contrast("width", "attention IoU", ("masked-m1",), (), "above", 0.1)
    finding = examine(contrast, "small", finder({"arl-m1": [0.9] * 3}))
    assert (finding.verdict, finding.interval) == (CANNOT_TELL, None)


def test_a_claim_stands_if_all_its_contrasts_do():
    good = WIDTH
    bad = Contrast("width", "test error", ("wide-m1",), ("masked-m1",), "above", 0.01)
    absent = Contrast("width", "test error", ("wide-m2",), ("masked-m2",), "below", 0.01)
    find = finder({"wide-m1": [0.2, 0.21, 0.22], "arl-m1": [0.3, 0.31, 0.32]})
    for contrasts, verdict in (
        ((good,), SUPPORTED),
        ((good, bad), NOT_SUPPORTED),
        ((good, absent), NOT_RUN),
        ((bad, absent), NOT_RUN),
    ):
        assert try_claim(Claim(0, "", "", contrasts), "small", find)[0] == verdict


def test_the_table_of_claims_has_fourteen_verdicts_and_their_recipes():
    steps = count()
    shades = [0.2, 0.21, 0.19, 0.205]

    def find(run):
        return {"test": {"error": shades[next(steps) % 4]}, "probes": None} if run.seed else None

    absent = tables.claims_table("small", lambda run: None)
    assert absent.count("**not run**") == len(CLAIMS) == 14
    for line, claim in zip(absent.splitlines()[2:], CLAIMS, strict=True):
        assert all(f"[{contrast.recipe}]" in line for contrast in claim.contrasts)
    errors_alone = [c for c in CLAIMS if all(x.metric == "test error" for x in c.contrasts)]
    for claim in errors_alone:
        verdict, findings = try_claim(claim, "small", find)
        assert verdict != NOT_RUN and all(finding.interval.n == 2 for finding in findings)


def result(error: float, *, diverged: bool = False) -> dict:
    return {
        "test": {"error": error, "images": 2000},
        "validation": {"error": error / 2},
        "seconds": 60.0,
        "ms_per_step": 150.0,
        "diverged": {"step": 3} if diverged else None,
        "configuration": {"parameters": 12345, "multiply_adds": 67890},
        "probes": {"end": None},
        "provenance": {
            "command": "python -m resattn train width",
            "date": "2026-01-02 03:04 UTC",
            "device": "a processor",
            "threads": 2,
            "git_commit": "0123456789",
            "versions": {"python": "3.11.1", "torch": "2.14.0"},
        },
    }


def test_a_recipes_table_shows_mean_spread_and_source():
    errors = {0: 0.2, 1: 0.22, 2: 0.24}

    def find(run):
        return result(errors[run.seed], diverged=run.seed == 2) if run.name == "wide-m1" else None

    text = tables.recipe_table(get_recipe("width"), "small", find)
    row = next(line for line in text.splitlines() if line.startswith("| wide-m1 |"))
    assert "| 22.00 ± 2.00 | 11.00 ± 1.00 |  | 3 (1 diverged) | 1.0 | 12,345 | 67,890 |" in row
    assert text.count("| not run |") == 5
    for part in ("2000 test images", "2026-01-02", "a processor", "2 threads", "torch 2.14.0"):
        assert part in text
    assert "commit 0123456" in text and "15 runs are not recorded: `python -m resattn" in text


def test_a_claims_text_fits_a_table():
    for claim in CLAIMS:
        assert claim.text.endswith(".") and not re.search(r"[|\n]", claim.text)


def test_agreement_is_one_for_equal_maps_and_minus_one_for_opposite():
    maps = torch.rand(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    assert _agreement({"a": maps, "b": 2 * maps + 1}, (4, 4)) == pytest.approx(1)
    assert _agreement({"a": maps, "b": -maps}, (4, 4)) == pytest.approx(-1)
    assert _agreement({"a": maps, "b": torch.ones_like(maps)}, (4, 4)) is None


def test_lifts_of_masks_whose_answer_is_known():
    probe = Probe(TINY.data.load(0).val)
    ours = probe.object[:, None].float()
    flat = torch.full_like(ours, 0.3)
    lifts = partial(probe._lifts, object_masks=probe.object)
    assert lifts(flat) == pytest.approx({"object": 1, "distractor": 1, "background": 1})
    on_object = lifts(ours)
    assert on_object["object"] == pytest.approx(1 / probe.object.double().mean().item())
    assert on_object["distractor"] == on_object["background"] == 0
    assert lifts(-flat) == lifts(flat)
