"""A tiny slice of every recipe from its declaration to its file, and what may go wrong between."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from recipes_kit import TINY, places, run_tiny, tiny_run

from resattn.__main__ import main
from resattn.data import WithObjectMasks
from resattn.experiments import RECIPES, lock, runner, train
from resattn.experiments.mask_loss import with_mask_loss
from resattn.experiments.measure import Probe
from resattn.experiments.metrics import METRICS
from resattn.experiments.recipe import Recipe, Run
from resattn.experiments.store import KEYS, find_result, read_checkpoint, read_result, write_result
from resattn.network import ResidualAttentionNetwork
from resattn.probes import attention_maps
from resattn.training import seed_everything

SLICE = {  # the variant of each recipe that is least like the others
    "stacking": "nal-m2",
    "activation": "channel",
    "mask_shape": "local-1-noisy",
    "final_norm": "nal-norm",
    "width": "wide-m1",
    "label_noise": "arl-70",
    "neighbours": "cbam",
    "supervision": "weight-3",
    "roles": "arl-m2",
    "depth": "p2",
    "units": "resnext-arl",
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_slice_of_every_recipe_runs_end_to_end(name, tmp_path):
    variant = RECIPES[name].declare(TINY)[SLICE[name]]
    run = Run(name, "tiny", SLICE[name], variant, 1)
    run_tiny(run, tmp_path)
    result = read_result(places(tmp_path).results / run.file)
    assert result["configuration"] == run.configuration()
    assert set(KEYS) <= result.keys() and not result["diverged"]
    assert result["steps"] == variant.train.steps == result["curves"]["loss"][-1][0]
    assert 0 <= result["test"]["error"] <= 1 and result["test"]["images"] == 20
    assert result["curves"]["trace"].keys() == {"1", "2"}
    metrics = {name: metric(result) for name, metric in METRICS.items()}
    masked = bool(result["probes"]["end"]["masks"])
    assert masked == (name != "width")
    assert all((value is not None) == masked for value in metrics.values()) or not masked
    source = result["provenance"]
    assert f"train {name} --scale tiny --variants {SLICE[name]} --seeds 1" in source["command"]
    assert all(source[key] for key in ("date", "device", "threads", "versions", "system"))
    assert not list(places(tmp_path).runs.rglob("*.*"))  # nothing unfinished is left behind


def test_a_killed_run_resumes_to_the_same_numbers(tmp_path):
    run = tiny_run(steps=5)
    script = [sys.executable, "tests/recipes_kit.py", str(tmp_path), "3"]
    done = subprocess.run(script, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert list(places(tmp_path).runs.rglob("checkpoint.pt"))
    assert find_result(run, places(tmp_path).results) is None
    steps = []
    fit = runner.fit

    def counting(*args, on_step, **options):
        def count(step, model):
            steps.append(step)
            on_step(step, model)

        return fit(*args, on_step=count, **options)

    runner.fit = counting
    try:
        resumed = run_tiny(run, tmp_path)
    finally:
        runner.fit = fit
    assert steps == [3, 4, 5]  # the checkpoint of step 2 was the last before the kill
    whole = run_tiny(run, tmp_path / "whole")
    for key in ("test", "validation", "curves", "probes", "configuration"):
        assert resumed[key] == whole[key], key


def test_divergence_is_a_result(tmp_path):
    run = tiny_run(steps=6, learning_rate=1e30, warmup_steps=0)
    run_tiny(run, tmp_path, keep_checkpoint=True)
    result = find_result(run, places(tmp_path).results)
    assert result["diverged"]["step"] == result["steps"] + 1 <= 6
    assert "learning rate" in result["diverged"]["reason"]
    assert result["test"] == {"error": 0.9, "loss": None, "images": 20}
    assert result["probes"]["end"] is None and result["probes"]["start"]["masks"]
    assert METRICS["attention IoU"](result) is None and METRICS["test error"](result) == 0.9
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_kept_checkpoint_gives_the_masks_back(tmp_path):
    run = tiny_run()
    result = run_tiny(run, tmp_path, keep_checkpoint=True)
    path = (places(tmp_path).results / run.file).with_suffix(".safetensors")
    assert path.stat().st_size < 1_000_000
    model = ResidualAttentionNetwork(run.variant.network.config()).eval()
    model.load_state_dict(read_checkpoint(path))
    probe = Probe(run.variant.data.load(0).val)
    for name, mask in attention_maps(model, probe.images).items():
        stored = result["probes"]["end"]["masks"][name]["mean"]
        assert mask.mean().item() == pytest.approx(stored, abs=2e-3)


def test_too_large_a_checkpoint_is_refused(tmp_path):
    run = tiny_run(TINY.variant(options={"modules": 4}), steps=1)
    with pytest.raises(ValueError, match="at most 1000000: take the recipe's flag away"):
        run_tiny(run, tmp_path, keep_checkpoint=True)
    assert not list(places(tmp_path).results.rglob("*.*"))


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"recipe": "stacking"}'])
def test_a_damaged_result_becomes_one_sentence(content, tmp_path):
    path = tmp_path / "arl-seed0.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="is damaged .*; delete it and run its recipe") as caught:
        read_result(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "small" / "width" / "x.json"
    with pytest.raises(OSError, match="No space left on device.*; nothing half-written"):
        write_result({"recipe": "x"}, path)
    assert not list(tmp_path.rglob("*.*"))


def test_numbers_beyond_range_become_null(tmp_path):
    path = tmp_path / "x.json"
    write_result({"a": [float("nan"), float("inf"), 1.23456789, 3], "b": (1,)}, path)
    assert json.loads(path.read_text()) == {"a": [None, None, 1.23457, 3], "b": [1]}


def test_train_skips_what_is_recorded_and_refuses_what_changed(tmp_path, capsys):
    torch.set_num_threads(1)
    runs = [tiny_run(steps=1), tiny_run(TINY.variant(options={"merge": "none"}), name="none")]
    train.train(runs[:1], device="cpu", places=places(tmp_path))
    train.train(runs, device="cpu", places=places(tmp_path))
    said = capsys.readouterr().out
    assert "0 of 1 runs are recorded" in said and "1 of 2 runs are recorded" in said
    assert said.count("[1/1]") == 2 and "test error" in said
    before = (places(tmp_path).results / runs[0].file).read_bytes()
    changed = tiny_run(steps=1, learning_rate=0.05)
    with pytest.raises(ValueError, match="another configuration.*delete it and run: python -m"):
        train.train([changed], device="cpu", places=places(tmp_path))
    assert (places(tmp_path).results / runs[0].file).read_bytes() == before


@pytest.mark.skipif(lock.fcntl is None, reason="Windows has no such locks")
def test_processes_share_the_work(tmp_path, capsys):
    torch.set_num_threads(1)
    ours, theirs = tiny_run(steps=1), tiny_run(TINY.variant(options={"t": 1}), name="t1", steps=1)
    where = places(tmp_path)
    hold = (
        "import sys, pathlib; from resattn.experiments.lock import held\n"
        "with held(pathlib.Path(sys.argv[1])) as ours: print(ours, flush=True); input()"
    )
    path = (where.runs / theirs.file).with_suffix(".lock")
    with subprocess.Popen(
        [sys.executable, "-c", hold, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"True\n"
        train.train([theirs, ours], device="cpu", places=where)
        assert find_result(theirs, where.results) is None
        assert find_result(ours, where.results) is not None
        other.kill()  # a dead process holds no lock
    train.train([theirs, ours], device="cpu", places=where)
    assert find_result(theirs, where.results) is not None
    assert "[2/2] tried arl" in capsys.readouterr().out


def test_an_interrupted_command_says_how_to_go_on(monkeypatch, capsys):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "train", interrupt)
    assert main(["train", "width"]) == 130
    assert "the same command goes on from here" in capsys.readouterr().err


def test_the_command_runs_seeds_in_pairs_and_shared_runs_once(monkeypatch):
    seen = []
    monkeypatch.setattr(train, "train", lambda runs, **options: seen.extend(runs))
    assert main(["train", "width", "--seeds", "0", "1"]) == 0
    assert [run.seed for run in seen] == [0] * 6 + [1] * 6
    seen.clear()
    assert main(["train", "all"]) == 0
    assert len({run.file for run in seen}) == len(seen)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "width", "--variants", "maskd-m1"], "did you mean 'masked-m1'"),
        (["train", "width", "--device", "xpu"], "there is no device 'xpu' here"),
    ],
)
def test_what_only_torch_can_tell_becomes_one_sentence(words, said, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "fit", lambda *args, **options: pytest.fail("it began to train"))
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_missing_data_become_one_sentence(tmp_path):
    class Absent:
        def load(self, seed, root):
            raise FileNotFoundError("CIFAR-10 is not here; fetch it with python -m resattn data")

    run = tiny_run(replace(TINY.variant()))
    broken = replace(run, variant=replace(run.variant, data=replace(run.variant.data)))
    object.__setattr__(broken.variant, "data", Absent())
    with pytest.raises(FileNotFoundError, match="fetch it with"):
        runner.execute(replace_configuration(broken), device="cpu", places=places(tmp_path))
    assert not list(tmp_path.rglob("*.*"))


def replace_configuration(run: Run) -> Run:
    """The run, whose data are no dataclass, with a configuration all the same."""

    class Stated(Run):
        def configuration(self):
            return {"network": {"num_classes": 10}}

    return Stated(run.recipe, run.scale, run.name, run.variant, run.seed)


def test_the_mask_loss_is_the_cross_entropy_of_the_channels_mean():
    seed_everything(0)
    model = ResidualAttentionNetwork(TINY.variant().network.config()).double().train()
    images, labels, masks = WithObjectMasks(TINY.data.load(0).train).__getitems__(range(8))
    images = images.double()
    masks_given = attention_maps(model, images)
    expected = [
        F.binary_cross_entropy(
            m.mean(1).double(), F.adaptive_avg_pool2d(masks.double()[:, None], m.shape[2:])[:, 0]
        )
        for m in masks_given.values()
    ]
    wanted = F.cross_entropy(model(images), labels) + 0.3 * torch.stack(expected).mean()
    loss = with_mask_loss(0.3)(model, (images, labels, masks))
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-6)
    loss.backward()
    for _, module in model.attention_modules():
        assert all(p.grad is not None and p.grad.isfinite().all() for p in module.mask.parameters())


def test_a_recipe_on_other_data_fits_the_same_shape():
    """One seed, another schedule and scale: what a recipe for the paper's task needs."""
    paper = replace(TINY, name="paper", train=replace(TINY.train, steps=3), seeds=(0,))
    recipe = Recipe("paper", "How far?", lambda scale: {"only": scale.variant()}, (paper,))
    assert recipe.scale("paper").seeds == (0,)
    with pytest.raises(ValueError, match="choose one of paper"):
        recipe.scale("small")
