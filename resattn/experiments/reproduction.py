"""The paper's numbers beside ours, and what the missing ones would cost."""

from statistics import mean, stdev

from resattn.cost import TRAINING_PASSES
from resattn.experiments import runs_of
from resattn.experiments.paper import PAPER_RECIPES, TASKS, Task
from resattn.experiments.recipe import Run
from resattn.experiments.store import Result, find_result
from resattn.experiments.verdicts import Find

GPU = "NVIDIA A100"
TERAFLOPS = {"cifar10": 2.0, "cifar100": 2.0, "imagenet": 10.0}
"""**Assumed** to be sustained in float32 training on one `GPU`; nobody measured it. Batches of 64
small images keep a GPU waiting for its next kernel: hence CIFAR's lower rate."""

FLOPS_A_MULTIPLY_ADD = 2

HEAD = (
    "| recipe | paper: test error % | table | ours: test error % | runs | hours a run |\n"
    "|---|--:|---|--:|---|--:|"
)


def paper_table(find: Find = find_result) -> str:
    """A row for each of the paper's tasks, in the published float32 recipe."""
    return "\n".join([HEAD, *(_row(task, find) for task in TASKS.values()), "", _note()])


def _note() -> str:
    steps = {recipe.scales[0].train.steps for recipe in PAPER_RECIPES.values()}
    by_rate: dict[float, list[str]] = {}
    for data, rate in TERAFLOPS.items():
        by_rate.setdefault(rate, []).append(data)
    rates = [f"{rate:g} TFLOP/s on {' and '.join(names)}" for rate, names in by_rate.items()]
    return (
        "The paper gives one number a cell, without seeds; ours are mean ± standard deviation over "
        "the runs, one a seed (`--seeds 0` makes one), judged once on the test images, after the "
        "last step. Hours with a ~ are not measured but estimated: "
        f"{' or '.join(f'{count:,}' for count in sorted(steps))} steps, {TRAINING_PASSES} "
        f"passes of {FLOPS_A_MULTIPLY_ADD} operations a multiply-add, on one {GPU} that is "
        f"**assumed** to sustain, in float32, {', '.join(rates)}."
    )


def estimated_hours(run: Run, teraflops: float) -> float:
    """Of one run, from its network's multiply-adds, batch and steps at a sustained rate."""
    images = run.train.steps * run.train.batch_size
    operations = TRAINING_PASSES * FLOPS_A_MULTIPLY_ADD * run.variant.network.cost()[1]
    return images * operations / (teraflops * 1e12) / 3600


def spread(values: list[float], digits: int = 2) -> str:
    """Mean and standard deviation; nothing for no values."""
    if not values:
        return ""
    deviation = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{deviation}"


def _row(task: Task, find: Find) -> str:
    (runs,) = runs_of(PAPER_RECIPES[task.name], "paper").values()
    results = [result for run in runs if (result := find(run))]
    number, table = task.reported or (None, "")
    paper = "not reported" if number is None else f"{number:.2f}"
    cells = [f"`{task.name}`", paper, table, *_ours(task, runs[0], results)]
    return f"| {' | '.join(cells)} |"


def _ours(task: Task, run: Run, results: list[Result]) -> list[str]:
    if not results:
        hours = estimated_hours(run, TERAFLOPS[task.data])
        return ["not run", f"`python -m resattn train {task.name}`", f"~{hours:.1f}"]
    where = ", ".join(sorted({result["provenance"]["device"] for result in results}))
    return [
        spread([100 * result["test"]["error"] for result in results]),
        f"{len(results)} on {where}",
        f"{mean(result['seconds'] for result in results) / 3600:.1f}",
    ]
