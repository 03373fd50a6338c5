"""The paper's own task: declared by its recipe, run end to end on archives written here."""

import os
from dataclasses import replace

import pytest
import torch
from paper_kit import NAME, SHORT, command, places, short_run
from PIL import Image
from recipes_kit import run_tiny
from test_data_cifar import write_archive
from training_kit import in_two_processes

from resattn.__main__ import main
from resattn.data import NoisyLabels, make_loader
from resattn.experiments import EVERY_RECIPE, RECIPES, get_recipe, paper_numbers, runs_of, train
from resattn.experiments.images import CifarImages, FolderOfImages
from resattn.experiments.paper import PAPER_RECIPES, TASKS
from resattn.experiments.recipe import Network, Run, Variant
from resattn.experiments.reproduction import GPU, TERAFLOPS, estimated_hours, paper_table
from resattn.experiments.store import find_result
from resattn.network import ResidualAttentionNetwork
from resattn.presets import get_config
from resattn.training import classification, paper_cifar, paper_imagenet, seed_everything


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_archive("cifar10", root)
    write_archive("cifar100", root)
    return root


def first(name: str, scale: str = "paper") -> Run:
    ((run, *_),) = runs_of(get_recipe(name), scale).values()
    return run


def test_every_network_of_the_issue_has_its_recipe():
    attention = [f"attention{depth}{nal}" for depth in (56, 92, 128, 164) for nal in ("", "-nal")]
    wanted = {f"{d}-{n}" for d in ("cifar10", "cifar100") for n in (*attention, "resnet164")}
    assert wanted | {"imagenet-attention56"} <= set(PAPER_RECIPES)
    assert set(EVERY_RECIPE) == set(RECIPES) | set(PAPER_RECIPES)
    assert len(EVERY_RECIPE) == len(RECIPES) + len(PAPER_RECIPES)


@pytest.mark.parametrize("name", PAPER_RECIPES)
def test_the_recipe_is_the_papers(name):
    task, run = TASKS[name], first(name)
    imagenet = name.startswith("imagenet")
    published = paper_imagenet() if imagenet else paper_cifar()
    assert run.train == replace(published, checkpoint_every=run.train.checkpoint_every)
    assert run.train.precision == "float32" and run.train.eval_every == 0
    fast = first(name, "fast")
    assert fast.train == replace(run.train, precision="bfloat16", channels_last=True)
    assert fast.variant.network == run.variant.network
    assert fast.variant.data == run.variant.data
    classes = 1000 if imagenet else 100 if name.startswith("cifar100") else 10
    preset = get_config(task.model if imagenet else f"cifar_{task.model}")
    merge = "nal" if "-nal" in name else "arl"
    network = run.variant.network.config()
    assert network == replace(preset, num_classes=classes, merge=merge)
    clean = 1 - int(name.partition("noise")[2] or 0) / 100
    if not imagenet:
        expected = CifarImages(name.partition("-")[0], pytest.approx(clean))
        assert run.variant.data == expected


def test_the_sizes_are_table_6s():
    millions = {"resnet164": 1.7, "attention92": 1.9, "attention236": 5.1}
    for model, size in millions.items():
        parameters, _ = first(f"cifar100-{model}").variant.network.cost()
        assert parameters / 1e6 == pytest.approx(size, abs=0.05), model


def test_every_number_of_the_paper_stands_in_its_row():
    tables = {
        "T3": {
            f"cifar10-{model}" + "-nal" * (merge == "nal"): number
            for model, numbers in paper_numbers.T3.items()
            for merge, number in numbers.items()
        },
        "T5": {
            f"cifar10-{model}-noise{noise}": number
            for model, numbers in paper_numbers.T5.items()
            for noise, number in numbers.items()
        },
        "T6": {
            f"{data}-{model}": numbers[data]
            for model, numbers in paper_numbers.T6.items()
            for data in ("cifar10", "cifar100")
        },
        "T7": {f"imagenet-{model}": row["top1"] for model, row in paper_numbers.T7.items()},
    }
    tables = {  # the paper also reports networks that are others' work
        table: {name: number for name, number in numbers.items() if name in PAPER_RECIPES}
        for table, numbers in tables.items()
    }
    rows = {line.split("`")[1]: line for line in paper_table().splitlines() if line[:3] == "| `"}
    assert set(rows) == set(PAPER_RECIPES)
    expected = {name: number for table in tables.values() for name, number in table.items()}
    for name, row in rows.items():
        _, cell, table, *_ = row.split(" | ")
        assert cell == (f"{expected[name]:.2f}" if name in expected else "not reported")
        assert name in tables[table] if name in expected else table == ""
    for table, numbers in tables.items():
        for name, number in numbers.items():
            assert TASKS[name].reported[0] == number, (table, name)


def test_what_is_missing_says_so_with_its_command_and_hours():
    row = next(r for r in paper_table(lambda run: None).splitlines() if f"`{NAME}`" in r)
    hours = 160_000 * 64 * 122_825_216 * 2 * 3 / 2e12 / 3600
    assert row.endswith(f"| not run | `python -m resattn train {NAME}` | ~{hours:.1f} |")
    assert estimated_hours(first(NAME), 2.0) == pytest.approx(hours)
    note = paper_table(lambda run: None).splitlines()[-1]
    assert GPU in note and "assumed" in note
    assert all(f"{rate:g} TFLOP/s" in note and name in note for name, rate in TERAFLOPS.items())


def test_what_is_recorded_stands_beside_the_papers():
    def find(run):
        if run.recipe != NAME or run.seed == 2:
            return None
        error, source = (0.05, 0.06)[run.seed], {"device": "a GPU"}
        return {"test": {"error": error}, "provenance": source, "seconds": 5400}

    row = next(r for r in paper_table(find).splitlines() if f"`{NAME}`" in r)
    assert row == f"| `{NAME}` | 5.52 | T3 | 5.50 ± 0.71 | 2 on a GPU | 1.5 |"


def test_train_all_leaves_the_papers_task_out(monkeypatch):
    seen = []
    monkeypatch.setattr(train, "train", lambda runs, **options: seen.extend(runs))
    assert main(["train", "all"]) == 0
    assert {run.recipe for run in seen} <= set(RECIPES)
    seen.clear()
    assert main(["train", NAME, "--seeds", "0"]) == 0
    assert seen == [first(NAME)] and seen[0].file == f"paper/{NAME}/attention56-seed0.json"


def test_cifar_is_judged_on_its_test_images(data):
    splits = CifarImages("cifar10").load(3, data)
    assert splits.val is splits.test and len(splits.test) == 12 and len(splits.train) == 60
    assert splits.train.augment and not splits.test.augment and splits.train.seed == 3
    noisy = CifarImages("cifar100", clean_ratio=0.0).load(0, data).train
    assert isinstance(noisy, NoisyLabels) and (noisy.labels != noisy.true_labels).all()
    assert noisy.labels.max() > 9  # of a hundred classes


def test_missing_cifar_is_told_the_command_that_fetches_it(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", NAME, "--device", "cpu", "--root", "elsewhere"]) == 2
    error = capsys.readouterr().err
    assert "fetch it with `python -m resattn data cifar10 --root elsewhere`" in error
    assert error.count("\n") == 1 and not list(tmp_path.rglob("*.json"))


def test_the_declared_network_runs_end_to_end(data, tmp_path):
    run = first(NAME)
    schedule = replace(run.train, **SHORT | {"steps": 2, "milestones": (1,)})
    run = replace(run, variant=replace(run.variant, train=schedule))
    result = run_tiny(run, tmp_path, data=data)
    assert result["configuration"]["parameters"] == 1_030_362 and result["steps"] == 2
    assert result["test"] == result["validation"] and result["test"]["images"] == 12
    assert [step for step, *_ in result["curves"]["validation"]] == [2]
    assert str(data) not in str(result["configuration"])
    assert len(result["probes"]["end"]["masks"]) == 3


def write_images(folder, classes):
    for split, names in classes.items():
        for i, name in enumerate(names):
            (folder / split / name).mkdir(parents=True)
            for j in range(4):
                image = Image.new("RGB", (40, 36), (60 * i, 50 * j, 90))
                image.save(folder / split / name / f"{j}.png")


def test_a_folder_of_images_runs_end_to_end(tmp_path):
    write_images(tmp_path / "data" / "imagenet", {"train": "ab", "val": "ab"})
    network = replace(get_config("small_attention32"), in_channels=3, num_classes=2)
    schedule = replace(paper_imagenet(), steps=2, milestones=(1,), batch_size=4)
    images = FolderOfImages(size=32, classes=2)
    run = Run("imagenet", "tiny", "thin", Variant(Network(network), images, schedule), 0)
    result = run_tiny(run, tmp_path, data=tmp_path / "data")
    assert result["test"]["images"] == 8 and result["steps"] == 2


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ({"train": "abc", "val": "abc"}, "has 3 classes where the recipe has 2"),
        ({"train": "ab", "val": "ac"}, "only one of train and val in .* has the class 'b'"),
    ],
)
def test_a_folder_of_other_classes_is_refused(classes, said, tmp_path):
    write_images(tmp_path / "imagenet", classes)
    with pytest.raises(ValueError, match=said) as caught:
        FolderOfImages(size=32, classes=2).load(0, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def two(data, tmp_path_factory):
    """What two processes recorded, and what they printed."""
    if os.name == "nt":
        pytest.skip("torchrun was never tried on Windows")
    folder = tmp_path_factory.mktemp("two")
    script = os.path.join(os.path.dirname(__file__), "paper_kit.py")
    return folder, in_two_processes(script, folder, data)


def recorded(variant, folder):
    return find_result(short_run(variant), places(folder).results)


def test_two_processes_give_the_result_of_one(two, data, tmp_path, monkeypatch):
    """With batch norm frozen: its statistics are those of each process's own images."""
    command(tmp_path, data, "frozen", monkeypatch)
    alone, shared = recorded("frozen", tmp_path), recorded("frozen", two[0])
    assert shared["configuration"] == alone["configuration"]
    assert len(alone["curves"]["loss"]) == 3
    for step, ours in zip(alone["curves"]["loss"], shared["curves"]["loss"], strict=True):
        assert ours == pytest.approx(step, rel=1e-4)
    for key in ("test", "validation"):
        assert shared[key] == pytest.approx(alone[key], rel=1e-4)
    for step, trace in alone["curves"]["trace"].items():
        ours = shared["curves"]["trace"][step]
        assert ours["gradient"] == pytest.approx(trace["gradient"], rel=1e-3)


def test_each_process_normalises_with_its_own_images(two, data):
    run = short_run("thin")
    splits = run.variant.data.load(0, data)
    seed_everything(0)
    model = ResidualAttentionNetwork(run.variant.network.config()).train()
    losses = []
    for rank in (0, 1):
        options = {"shuffle_seed": 0, "rank": rank, "world_size": 2, "drop_last": True}
        batch = next(iter(make_loader(splits.train, 8, **options)))
        assert len(batch[1]) == 4
        with torch.no_grad():
            losses.append(classification(model, batch).item())
    step, loss = recorded("thin", two[0])["curves"]["loss"][0]
    assert step == 1 and loss == pytest.approx(sum(losses) / 2, rel=1e-4)


def test_the_first_process_alone_speaks_and_records(two):
    folder, said = two
    assert said.count("0 of 1 runs are recorded") == 2  # thin, then frozen
    assert said.count("1 of 1 runs are recorded") == 1  # frozen again
    assert said.count("test error") == 2
    source = recorded("thin", folder)["provenance"]
    assert source["command"].startswith("torchrun --nproc-per-node 2 -m resattn train cifar10-att")
    assert not list(places(folder).runs.rglob("*.pt"))
