"""What the recipes declare: equal where they say so, distinct where they are, and small enough."""

import ast
import importlib
from pathlib import Path

import pytest
import torch
from recipes_kit import TINY
from torch import nn

from resattn.commands import DATASETS
from resattn.data import NoisyLabels, WithObjectMasks, make_loader
from resattn.data.cifar_files import ARCHIVES
from resattn.experiments import (
    EVERY_RECIPE,
    RECIPES,
    get_recipe,
    keeps_checkpoint,
    names,
    questions,
    runs_of,
)
from resattn.experiments.claims import CLAIMS
from resattn.experiments.metrics import METRICS
from resattn.experiments.recipe import Run, configuration_hash
from resattn.experiments.scales import FULL, SMALL
from resattn.presets import get_config
from resattn.training import TrainConfig, fit, seed_everything
from resattn.widen import widened

SCALES = ("small", "full")


def every_run(scale: str) -> dict[str, Run]:
    runs = [
        run
        for r in RECIPES.values()
        for of_one_variant in runs_of(r, scale).values()
        for run in of_one_variant
    ]
    return {run.file: run for run in runs}


def test_every_question_is_registered_and_says_what_would_count():
    files = {p.stem for p in Path(questions.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(RECIPES) and tuple(RECIPES) == names.QUESTIONS
    for name, recipe in RECIPES.items():
        module = importlib.import_module(f"resattn.experiments.questions.{name}")
        assert recipe.name == name
        assert recipe.question.endswith("?") and module.__doc__.splitlines()[0].endswith("?"), name
        assert set(recipe.checkpoints) <= set(recipe.declare(SMALL))


def test_the_names_that_a_command_line_is_checked_with_are_those_of_the_recipes():
    assert names.RECIPE_NAMES == tuple(EVERY_RECIPE)
    for name, recipe in EVERY_RECIPE.items():
        assert names.scale_names(name) == tuple(scale.name for scale in recipe.scales)
    assert tuple(ARCHIVES) == DATASETS


@pytest.mark.parametrize("scale", SCALES)
def test_every_claim_is_decided_by_variants_that_exist(scale):
    assert [claim.number for claim in CLAIMS] == list(range(1, 15))
    for claim in CLAIMS:
        for contrast in claim.contrasts:
            declared = RECIPES[contrast.recipe].declare(RECIPES[contrast.recipe].scale(scale))
            assert {*contrast.plus, *contrast.minus} <= set(declared), claim.number
            assert contrast.metric in METRICS and contrast.effect > 0


def test_at_least_three_seeds_and_five_at_full_scale():
    assert len(SMALL.seeds) >= 3 and len(FULL.seeds) >= 5
    assert all(recipe.scales == (SMALL, FULL) for recipe in RECIPES.values())


def test_a_shared_run_is_one_run():
    shared = runs_of(get_recipe("roles"), "small")["arl-m4"]
    assert shared == runs_of(get_recipe("stacking"), "small")["arl-m4"]
    assert shared[0].file == "small/stacking/arl-m4-seed0.json"
    assert "train stacking" in shared[0].command


def test_what_is_trained_twice_differs():
    seen = {}
    for run in every_run("small").values():
        if run.seed == 0:
            mark = configuration_hash(run.configuration())
            assert mark not in seen, f"{run.file} is {seen[mark]} under another name"
            seen[mark] = run.file
    assert len(seen) > 50


def test_the_configuration_holds_the_seed_and_every_difference():
    run = next(iter(every_run("small").values()))
    other = Run(run.recipe, run.scale, run.name, run.variant, 1)
    assert run.configuration()["train"]["seed"] == 0
    assert configuration_hash(run.configuration()) != configuration_hash(other.configuration())
    assert run.configuration() == run.configuration()
    noisy = TINY.variant(data={"clean_ratio": 0.5})
    marks = {
        configuration_hash(Run("", "", "", variant, 0).configuration())
        for variant in (TINY.variant(), noisy, TINY.variant(mask_weight=1.0))
    }
    assert len(marks) == 3


def cost(recipe: str, variant: str) -> tuple[int, int]:
    return RECIPES[recipe].declare(SMALL)[variant].network.cost()


def test_equal_parameters_are_equal_within_two_per_cent():
    masked = cost("width", "masked-m1")[0]
    pairs = [("width", "wide-m1"), ("label_noise", "wide-0"), ("neighbours", "none-wide")]
    pairs += [("neighbours", f"{gate}-wide") for gate in ("se", "cbam", "bam")]
    for recipe, variant in pairs:
        assert cost(recipe, variant)[0] == pytest.approx(masked, rel=0.02), variant
    assert cost("width", "wide-m2")[0] == pytest.approx(cost("width", "masked-m2")[0], rel=0.02)


def test_equal_multiply_adds_are_equal():
    assert cost("mask_shape", "local-1")[1] == pytest.approx(
        cost("mask_shape", "hourglass")[1], rel=0.05
    )
    for scale in (SMALL, FULL):
        declared = RECIPES["neighbours"].declare(scale)

        def training(variant):
            return variant.network.cost()[1] * variant.train.steps

        for kind in ("none", "se", "cbam", "bam"):
            assert training(declared[f"{kind}-long"]) == pytest.approx(
                training(declared["masked"]), rel=0.005
            )
            assert declared[f"{kind}-long"].network == declared[kind].network


def test_one_seed_keeps_its_checkpoint_wherever_it_is_declared():
    runs = every_run("small")
    kept = {file for file, run in runs.items() if keeps_checkpoint(run)}
    assert "small/stacking/arl-m1-seed0.json" in kept
    assert "small/neighbours/se-seed0.json" in kept
    assert not any(run.seed for file, run in runs.items() if file in kept)
    for file in kept:
        parameters, _ = runs[file].variant.network.cost()
        assert 2 * parameters < 1_000_000, file


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: get_recipe("staking"), "did you mean 'stacking'"),
        (lambda: runs_of(get_recipe("width"), "big"), "choose one of small, full"),
        (
            lambda: runs_of(get_recipe("width"), "small", variants=["wide"]),
            "unknown variant of width 'wide'; did you mean 'wide-m",
        ),
    ],
)
def test_wrong_names_become_one_sentence(call, said):
    with pytest.raises(ValueError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_data_of_a_run_follow_its_seed_and_judges_stay():
    first, second = (TINY.variant().data.load(seed) for seed in (0, 1))
    assert not torch.equal(first.train.images, second.train.images)
    for split in ("val", "test"):
        ours, theirs = getattr(first, split), getattr(second, split)
        assert torch.equal(ours.images, theirs.images) and torch.equal(ours.labels, theirs.labels)
    noisy = TINY.variant(data={"clean_ratio": 0.0}).data.load(0)
    assert (noisy.train.labels != noisy.train.true_labels).all()
    assert torch.equal(noisy.val.labels, first.val.labels)


def test_no_recipe_has_a_loop_of_its_own():
    for path in Path(names.__file__).parent.rglob("*.py"):
        called = {
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert not called & {"backward", "zero_grad"}, path


def test_batches_carry_the_masks_of_their_images():
    plain = TINY.data.load(0).train
    masked = WithObjectMasks(plain)
    images, labels, masks = next(iter(make_loader(masked, 8, shuffle_seed=3)))
    wanted, _ = next(iter(make_loader(plain, 8, shuffle_seed=3)))
    assert torch.equal(images, wanted) and len(masked) == len(plain) == 24
    for image, label, mask in zip(images, labels, masks, strict=True):
        i = next(i for i in range(24) if torch.equal(plain[i][0], image))
        assert plain.labels[i] == label and torch.equal(plain.object_masks[i], mask)
        item = masked[i]
        assert torch.equal(item[0], image) and item[1] == label and torch.equal(item[2], mask)
    with pytest.raises(ValueError, match="NoisyLabels has no object_masks"):
        WithObjectMasks(NoisyLabels(plain, 0.5))


def test_fit_minimises_the_objective_it_is_given():
    def away_from_zero(network, batch):
        images, _, masks = batch
        assert masks.shape == (8, 16, 16)
        return (network(images) - 3).square().mean()

    seed_everything(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(256, 10))
    splits = TINY.data.load(0)
    config = TrainConfig(steps=60, batch_size=8, learning_rate=0.01)
    train = WithObjectMasks(splits.train)
    history = fit(
        model, train, splits.val, config, device="cpu", progress=False, objective=away_from_zero
    )
    assert history.loss[-1] < 0.1 * history.loss[0]
    assert model(splits.val[0][0][None]).mean().item() == pytest.approx(3, abs=1)


def test_only_smaller_networks_without_masks_are_widened():
    bare = get_config("small_se16")
    with pytest.raises(ValueError, match="without masks"):
        widened(get_config("small_attention16"), 10**6)
    with pytest.raises(ValueError, match="has 216842 parameters already, more than 1000"):
        widened(bare, 1000)
