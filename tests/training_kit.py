"""Small runs for the tests of `resattn.training`; also the script that they start as a process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from resattn.training import History, TrainConfig, classification, fit, seed_everything

STEPS = 22  # two epochs of 10 steps and a bit: resuming crosses the boundary of an epoch


def images(n: int, *, seed: int, dtype: torch.dtype = torch.float32) -> TensorDataset:
    """Noise with a bright row or column, whichever the label (0 or 1) says, at a random place."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 1, 6, 6, generator=draw, dtype=dtype)
    y = torch.randint(2, (n,), generator=draw)
    for image, label, place in zip(x, y, torch.randint(6, (n,), generator=draw), strict=True):
        image[0].select(int(label), int(place)).add_(2)
    return TensorDataset(x, y)


def conv_net(*, norm: bool = True, dropout: float = 0.2, seed: int = 0) -> nn.Sequential:
    """A network with batch norm's running statistics and dropout's random draws, to catch both."""
    seed_everything(seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )


def small_config(**changes: object) -> TrainConfig:
    fields = {
        "steps": STEPS,
        "batch_size": 8,
        "learning_rate": 0.05,
        "warmup_steps": 3,
        "eval_every": 5,
        "checkpoint_every": 4,
        "seed": 7,
    }
    return TrainConfig(**fields | changes)


def small_run(
    run_dir: Path | None,
    *,
    train: TensorDataset | None = None,
    val: TensorDataset | None = None,
    **options: object,
) -> tuple[nn.Module, History]:
    """The run that is killed, interrupted and resumed; on one thread, so that bits can be equal."""
    torch.set_num_threads(1)
    model = conv_net()
    history = fit(
        model,
        train or images(83, seed=1),
        val or images(37, seed=2),
        small_config(),
        run_dir=run_dir,
        device="cpu",
        progress=False,
        **options,
    )
    return model, history


def distributed_scenarios(folder: Path) -> dict[str, object]:
    """What one of two processes sees; every number is compared by the test that started it."""
    seen = {}
    model = conv_net(norm=False, dropout=0).double()
    data = [images(n, seed=n, dtype=torch.float64) for n in (83, 37)]
    history = fit(model, *data, small_config(), run_dir=folder / "plain", progress=False)
    seen["plain"] = [t.tolist() for t in model.state_dict().values()]
    seen["loss"] = history.loss
    seen["validation"] = {step: list(score) for step, score in history.validation.items()}

    normed = conv_net(seed=int(os.environ["RANK"]))  # unequal at first: the first process's count
    fit(normed, images(83, seed=1), images(37, seed=2), small_config(), progress=False)
    seen["normed"] = [t.tolist() for t in normed.state_dict().values()]

    def poisoned(network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        loss = classification(network, batch)
        return loss * torch.nan if os.environ["RANK"] == "1" else loss

    try:
        fit(
            conv_net(),
            images(83, seed=1),
            images(37, seed=2),
            small_config(),
            progress=False,
            objective=poisoned,
        )
    except FloatingPointError as error:
        seen["nan"] = str(error)
    try:
        fit(conv_net().double(), *data, small_config(batch_size=7), progress=False)
    except ValueError as error:
        seen["indivisible"] = str(error)
    return seen


def in_two_processes(script: Path, *words: object) -> str:
    """Run a script under ``torchrun``, on the CPU; what it printed."""
    launched = subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
        + [script, *map(str, words)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said, errors = launched.communicate(timeout=600)
    finally:
        launched.terminate()  # torchrun then ends its processes; a kill would orphan them
    assert launched.returncode == 0, errors
    return said


def kill_at(step: int):
    def on_step(done: int, model: nn.Module) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


class Slow(TensorDataset):
    """Images that take their time, so that Ctrl-C comes while a step waits for them."""

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        time.sleep(0.05)
        return super().__getitem__(index)


def flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([t.detach().double().flatten() for t in tensors])


def main(task: str, folder: Path) -> None:
    if task == "killed":
        small_run(folder, on_step=kill_at(11))
    elif task == "slow":
        torch.multiprocessing.set_start_method("spawn")  # else the worker inherits the handler
        slow = Slow(*images(83, seed=1).tensors)
        small_run(folder, train=slow, workers=1, on_step=lambda step, _: print(step, flush=True))
    elif task == "distributed":
        torch.set_num_threads(1)
        seen = distributed_scenarios(folder)
        (folder / f"rank{os.environ['RANK']}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
