"""Runs that are killed, interrupted, damaged or out of disk go on exactly, or say why not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.data import TensorDataset
from training_kit import conv_net, images, small_config, small_run

from resattn.training import fit, trainer
from resattn.training.checkpoint import load_checkpoint
from resattn.training.evaluation import shared_score

KIT = Path(__file__).with_name("training_kit.py")

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither SIGKILL nor SIGINT to send")


def start(task: str, folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, KIT, task, folder],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The uninterrupted run: its folder, model and history."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, *small_run(folder)


def assert_same_run(folder, model, history, whole):
    other_folder, other_model, other_history = whole
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, other_model.state_dict()[name]), name
    assert history.loss == other_history.loss
    assert history.validation == other_history.validation
    metrics = (folder / "metrics.jsonl").read_bytes()
    assert metrics == (other_folder / "metrics.jsonl").read_bytes()


@posix
def test_a_killed_run_resumes_bit_for_bit(tmp_path, whole):
    child = start("killed", tmp_path)
    _, errors = child.communicate(timeout=600)
    assert child.returncode == -signal.SIGKILL, errors
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 10
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 8
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 11, "lo')  # as a kill in the middle of a write leaves it
    steps = []
    model, history = small_run(tmp_path, on_step=lambda step, _: steps.append(step))
    assert steps[0] == 9
    assert_same_run(tmp_path, model, history, whole)


@posix
def test_ctrl_c_finishes_the_step_and_leaves_a_checkpoint(tmp_path, whole):
    child = start("slow", tmp_path)
    while (line := child.stdout.readline()) not in ("6\n", ""):
        pass
    assert line, child.stderr.read()
    time.sleep(0.1)  # step 7 now waits for its images, which take 0.4 s
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: the loading process gets it too
    _, errors = child.communicate(timeout=600)
    last = errors.strip().splitlines()[-1]
    assert last.startswith("KeyboardInterrupt: stopped after step"), errors
    assert f"run_dir={str(tmp_path)!r}" in last
    step = load_checkpoint(tmp_path / "checkpoint.pt")["step"]
    assert 6 <= step < 22 and f"after step {step};" in last
    assert_same_run(tmp_path, *small_run(tmp_path), whole)


def test_ctrl_c_without_a_folder_says_that_nothing_was_kept():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="after step 1; without a run_dir nothing was kept"):
        small_run(None, on_step=lambda *_: signal.raise_signal(signal.SIGINT))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_stops_at_once():
    def twice(step, model):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second Ctrl-C did not raise")

    with pytest.raises(KeyboardInterrupt):
        small_run(None, on_step=twice)


def test_what_a_callback_draws_or_switches_does_not_change_the_run(whole, tmp_path):
    def meddle(step, model):
        torch.rand(step)
        model.eval()

    assert_same_run(tmp_path, *small_run(tmp_path, on_step=meddle), whole)


def test_a_finished_run_is_only_read(whole):
    folder = whole[0]
    files = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    model, history = small_run(folder, on_step=lambda *_: pytest.fail("a step was made"))
    assert_same_run(folder, model, history, whole)
    assert history.seconds == whole[2].seconds
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == files


@pytest.fixture
def copied(tmp_path, whole):
    for path in whole[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_a_checkpoint_of_another_run_names_the_field(copied):
    train, val = images(83, seed=1), images(37, seed=2)

    def resume(model, config, train=train):
        fit(model, train, val, config, run_dir=copied, device="cpu", progress=False)

    with pytest.raises(ValueError, match="learning_rate is 0.05 there and 0.1 here"):
        resume(conv_net(), small_config(learning_rate=0.1))
    with pytest.raises(ValueError, match="train_images is 83 there and 90 here"):
        resume(conv_net(), small_config(), images(90, seed=1))
    wide = conv_net()
    wide[-1] = torch.nn.Linear(8, 3)
    with pytest.raises(ValueError, match=r"the model's 8.weight is \(2, 8\) there and \(3, 8\)"):
        resume(wide, small_config())
    with pytest.raises(ValueError, match=r"the model's 1.weight is \(8,\) there and None here"):
        resume(conv_net(norm=False), small_config())


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "pickle"])
def test_a_damaged_checkpoint_says_so_and_how_to_go_on(copied, damage):
    path = copied / "checkpoint.pt"
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        weights = load_checkpoint(path)["model"]["4.weight"].numpy().tobytes()
        content[content.index(weights) + 5] ^= 1
    elif damage == "pickle":
        torch.save({"step": print}, path)
        content = path.read_bytes()
    else:
        content = {"cut": content[: len(content) // 2], "empty": b"", "text": b"hello"}[damage]
    path.write_bytes(content)
    with pytest.raises(ValueError, match="checkpoint.pt is damaged .*delete it to start") as caught:
        small_run(copied)
    assert "\n" not in str(caught.value)


def test_metrics_that_lack_a_step_are_refused(copied):
    path = copied / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3] + lines[4:]))
    with pytest.raises(ValueError, match="lacks some of the steps 1 to 21"):
        small_run(copied)


def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path, whole):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "learning_rate": 9, "loss": 9}\n')
    assert_same_run(tmp_path, *small_run(tmp_path), whole)


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path, whole):
    resource = pytest.importorskip("resource")  # POSIX: a file that may not grow is a full disk
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_disk(step, model):
        if step == 7:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))

    try:
        with pytest.raises(OSError, match="checkpoint.pt could not be written .* is intact"):
            small_run(tmp_path, on_step=fill_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint.pt", "metrics.jsonl"]
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 4
    assert_same_run(tmp_path, *small_run(tmp_path), whole)


def test_a_file_for_a_folder_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ValueError, match="taken' is a file; name a folder"):
        small_run(tmp_path / "taken")


class Breaks(TensorDataset):
    """Validation images that cannot be read the ``at``-th time that image 30 is asked for."""

    def __init__(self, at: int) -> None:
        super().__init__(*images(37, seed=2).tensors)
        self.left = at + 1  # the look before any work takes it too

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.left -= index == 30
        if self.left == 0:
            raise OSError("the disk of the images is gone")
        return super().__getitem__(index)


@pytest.mark.parametrize(("at", "step"), [(1, 5), (4, 20), (5, 22)])
def test_a_validation_that_fails_loses_no_step(tmp_path, whole, at, step):
    """Validations come after steps 5, 10, 15, 20 and 22; a checkpoint is due at 20 and 22 alone."""
    seen = []
    with pytest.raises(OSError, match="is gone"):
        small_run(tmp_path, val=Breaks(at), on_step=lambda step, _: seen.append(step))
    assert seen == list(range(1, step + 1))
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == step
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == step - 1
    model, history = small_run(tmp_path, on_step=lambda step, _: seen.append(step))
    assert seen == list(range(1, 23))  # each step was made once
    assert_same_run(tmp_path, model, history, whole)


def test_the_last_checkpoint_is_written_before_the_last_validation(tmp_path, whole, monkeypatch):
    """A crash that Python cannot catch loses nothing either."""
    kept = []

    def look(*args, **options):
        if (tmp_path / "checkpoint.pt").exists():
            kept.append(load_checkpoint(tmp_path / "checkpoint.pt")["step"])
        return shared_score(*args, **options)

    monkeypatch.setattr(trainer, "shared_score", look)
    assert_same_run(tmp_path, *small_run(tmp_path), whole)
    assert kept == [4, 8, 12, 20, 22]  # at the validations after 5, 10, 15, 20 and 22


def test_a_checkpoint_without_the_last_line_is_that_of_an_earlier_version(copied, whole):
    path = copied / "checkpoint.pt"
    state = load_checkpoint(path)
    del state["line"]
    torch.save(state, path)
    assert_same_run(copied, *small_run(copied), whole)
    lines = (copied / "metrics.jsonl").read_text().splitlines(keepends=True)
    (copied / "metrics.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(ValueError, match="lacks some of the steps 1 to 22"):
        small_run(copied)
