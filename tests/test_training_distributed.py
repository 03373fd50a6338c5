"""Two processes under ``torchrun`` on this machine give the result of one."""

import json
import os
from pathlib import Path

import pytest
import torch
from training_kit import conv_net, images, in_two_processes, small_config

from resattn.training import fit

KIT = Path(__file__).with_name("training_kit.py")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="torchrun was never tried on Windows")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two gloo processes saw, and their folder."""
    folder = tmp_path_factory.mktemp("ranks")
    in_two_processes(KIT, "distributed", folder)
    return folder, *(json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1))


def test_two_processes_give_the_result_of_one(ranks):
    model = conv_net(norm=False, dropout=0).double()
    data = [images(n, seed=n, dtype=torch.float64) for n in (83, 37)]
    alone = fit(model, *data, small_config(), device="cpu", progress=False)
    for seen in ranks[1:]:
        assert seen["loss"] == pytest.approx(alone.loss, rel=1e-10)
        for tensor, value in zip(model.state_dict().values(), seen["plain"], strict=True):
            assert torch.allclose(tensor, torch.tensor(value, dtype=torch.float64), atol=1e-12)
        for step, (error, loss) in alone.validation.items():
            assert seen["validation"][str(step)] == pytest.approx([error, loss], rel=1e-10)


def test_both_processes_end_with_the_same_weights_and_running_statistics(ranks):
    _, first, second = ranks
    assert first["normed"] == second["normed"]


def test_one_process_writes(ranks):
    folder, first, _ = ranks
    lines = [json.loads(line) for line in (folder / "plain" / "metrics.jsonl").open()]
    assert [line["step"] for line in lines] == list(range(1, 23))
    assert [line["loss"] for line in lines] == first["loss"]
    model = conv_net(norm=False, dropout=0).double()
    data = [images(n, seed=n, dtype=torch.float64) for n in (83, 37)]
    run_dir = folder / "plain"
    read = fit(model, *data, small_config(), run_dir=run_dir, device="cpu", progress=False)
    assert read.loss == first["loss"]
    assert [t.tolist() for t in model.state_dict().values()] == first["plain"]


def test_a_nan_in_one_process_stops_both(ranks):
    for seen in ranks[1:]:
        assert "training loss became nan at step 1" in seen["nan"]


def test_a_batch_that_does_not_divide_is_refused(ranks):
    for seen in ranks[1:]:
        assert seen["indivisible"].startswith(
            "batch_size is shared by 2 processes and must be a multiple of 2, got 7"
        )
