"""What ships as recorded: each file belongs to a recipe as it is now, and says where it is from."""

import re

import pytest
import torch

from resattn.experiments import EVERY_RECIPE, keeps_checkpoint, runs_of
from resattn.experiments.recipe import Run
from resattn.experiments.recorded import origin, recorded, trained
from resattn.experiments.runner import Places
from resattn.experiments.scales import SMALL
from resattn.experiments.store import MAX_CHECKPOINT_BYTES, RESULTS, read_checkpoint, read_result
from resattn.experiments.train import check_current


def declared() -> dict[str, Run]:
    runs = [
        run
        for recipe in EVERY_RECIPE.values()
        for scale in recipe.scales
        for of_one_variant in runs_of(recipe, scale.name).values()
        for run in of_one_variant
    ]
    return {run.file: run for run in runs}


DECLARED = declared()
RECORDED = sorted(path.relative_to(RESULTS).as_posix() for path in RESULTS.rglob("*.json"))


def test_every_recorded_file_belongs_to_a_recipe_as_it_is_now():
    for file in RECORDED:
        assert file in DECLARED, f"{file} is of no recipe: delete it"
        run, result = DECLARED[file], read_result(RESULTS / file)
        check_current(run, result)
        place = (result["scale"], result["recipe"], result["variant"], result["seed"])
        assert place == (run.scale, run.recipe, run.name, run.seed)


def test_a_recorded_file_whose_recipe_changed_is_told_the_command():
    run = next(iter(DECLARED.values()))
    configuration = run.configuration()
    check_current(run, {"configuration": configuration})
    configuration["train"]["learning_rate"] *= 2
    with pytest.raises(ValueError, match=re.escape(f"delete it and run: {run.command}")):
        check_current(run, {"configuration": configuration}, Places())


def test_no_recorded_number_lacks_its_provenance():
    for file in RECORDED:
        source = read_result(RESULTS / file)["provenance"]
        said = source["command"].partition(" -m ")[2]  # after python, or torchrun and its options
        assert said.startswith(DECLARED[file].command.removeprefix("python -m ")), file
        assert re.fullmatch(r"[0-9a-f]{40}", source["git_commit"] or ""), f"{file}: no commit"
        assert source["git_changed"] == [], f"{file} was made by code that was not committed"
        assert re.match(r"20\d\d-\d\d-\d\d", source["date"])
        assert source["device"] and source["threads"] >= 1
        assert all(source["versions"][name] for name in ("python", "torch", "numpy", "resattn"))


def test_recorded_numbers_are_possible():
    for file in RECORDED:
        result = read_result(RESULTS / file)
        if not result["diverged"]:
            assert result["steps"] == result["configuration"]["train"]["steps"], file
            assert result["probes"]["end"], file
        images = result["test"]["images"]
        assert images == result["configuration"]["data"].get("test", images)
        wrong = result["test"]["error"] * images
        assert wrong == pytest.approx(round(wrong), abs=0.01) and 0 <= wrong <= images
        assert result["seconds"] > 0 and result["ms_per_step"] > 0


def test_checkpoints_ship_where_they_are_wanted_and_stay_small():
    wanted = {
        file
        for file in RECORDED
        if keeps_checkpoint(DECLARED[file]) and not read_result(RESULTS / file)["diverged"]
    }
    shipped = {p.relative_to(RESULTS).as_posix() for p in RESULTS.rglob("*.safetensors")}
    assert {file.replace(".json", ".safetensors") for file in wanted} == shipped
    for file in shipped:
        assert (RESULTS / file).stat().st_size <= MAX_CHECKPOINT_BYTES
        assert all(value.isfinite().all() for value in read_checkpoint(RESULTS / file).values())


def test_nothing_else_lies_among_the_results():
    strange = [
        path
        for path in RESULTS.rglob("*")
        if path.is_file() and path.suffix not in (".json", ".safetensors")
    ]
    assert not strange


def test_lessons_read_recorded_runs_by_name():
    results = recorded("stacking", "nal-m4", "arl-m4")
    assert list(results) == ["nal-m4", "arl-m4"]
    assert [r["seed"] for r in results["arl-m4"]] == list(SMALL.seeds)
    sentence = origin(results)
    first = results["nal-m4"][0]["provenance"]
    for part in (first["device"], first["date"][:10], first["versions"]["torch"]):
        assert part in sentence
    with pytest.raises(ValueError, match="nothing is recorded"):
        origin({})


def test_a_run_that_is_not_recorded_names_its_command():
    with pytest.raises(FileNotFoundError, match="train stacking --scale full --variants arl-m1"):
        recorded("stacking", "arl-m1", scale="full")


def test_trained_networks_predict_as_well_as_their_record_says():
    model, test = trained("stacking", "arl-m1")
    n = 1000
    with torch.no_grad():
        logits = model(torch.stack([test[i][0] for i in range(n)]))
    error = (logits.argmax(1) != test.labels[:n]).double().mean().item()
    said = recorded("stacking", "arl-m1")["arl-m1"][0]["test"]["error"]
    assert abs(error - said) < 3 * (said * (1 - said) / n) ** 0.5 + 0.002


def test_weights_that_do_not_ship_are_refused_with_those_that_do():
    with pytest.raises(ValueError, match="no weights of 'arl-m4'; it does of none-m1"):
        trained("stacking", "arl-m4")
