"""What lessons read: recorded runs, where they come from in one sentence, and trained networks."""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from resattn.data.loading import LabelledImages
from resattn.experiments import get_recipe, keeps_checkpoint, runs_of
from resattn.experiments.scales import SMALL
from resattn.experiments.store import RESULTS, Result, find_result, read_checkpoint
from resattn.network import ResidualAttentionNetwork


def recorded(recipe: str, *variants: str, scale: str = SMALL.name) -> dict[str, list[Result]]:
    """The recorded results of a recipe: variant to one result a seed, in the seeds' order.

    Args:
        recipe: its name.
        variants: some of the recipe's; none means all.
        scale: "small" or "full".

    Raises:
        ValueError: for a name that does not exist.
        FileNotFoundError: if a run is not recorded; the sentence gives the command that makes it.
    """
    chosen = get_recipe(recipe)
    found: dict[str, list[Result]] = {}
    for name, runs in runs_of(chosen, scale, variants=variants or None).items():
        found[name] = []
        for run in runs:
            result = find_result(run)
            if result is None:
                raise FileNotFoundError(
                    f"{recipe} {name} with seed {run.seed} is not recorded at {scale} scale; "
                    f"make it with: {run.command}"
                )
            found[name].append(result)
    return found


def origin(results: dict[str, Sequence[Result]]) -> str:
    """Where recorded numbers come from: when, on what, with which versions and code."""
    return origin_of(chain.from_iterable(results.values()))


def origin_of(results: Iterable[Result]) -> str:
    """As `origin`, of results in one row. Raises ValueError for none at all."""
    sources = [result["provenance"] for result in results]
    if not sources:
        raise ValueError("nothing is recorded here, so nothing can be said of its origin")
    dates = sorted({source["date"][:10] for source in sources})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    versions = each_once(
        f"Python {s['versions']['python']}, torch {s['versions']['torch']}" for s in sources
    )
    threads = each_once(s["threads"] for s in sources)
    return (
        f"Recorded {when} on {each_once(source['device'] for source in sources)}, {threads} "
        f"{'thread' if threads == '1' else 'threads'}; {versions}; "
        f"commit {each_once(str(s['git_commit'])[:7] for s in sources)}."
    )


def trained(
    recipe: str, variant: str, *, scale: str = SMALL.name
) -> tuple[ResidualAttentionNetwork, LabelledImages]:
    """The network that a run left, ready to predict, and the test images that judged it.

    The run is the one with the recipe's first seed. Its weights were kept in half precision, so
    its error can differ from the recorded one in the last digit.

    Raises:
        ValueError: for a name that does not exist, or a variant whose weights do not ship.
        FileNotFoundError: if they should, and are not recorded.
    """
    run = runs_of(get_recipe(recipe), scale, variants=[variant])[variant][0]
    if not keeps_checkpoint(run):
        kept = get_recipe(recipe).checkpoints
        raise ValueError(f"{recipe} ships no weights of {variant!r}; it does of {', '.join(kept)}")
    path = (RESULTS / run.file).with_suffix(".safetensors")
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is not recorded; make it with: {run.command}")
    model = ResidualAttentionNetwork(run.variant.network.config())
    model.load_state_dict(read_checkpoint(path))
    return model.eval(), run.variant.data.load(run.seed, Path("data")).test


def each_once(values: Iterable[object]) -> str:
    """What occurs among the values, sorted, in one line."""
    return ", ".join(sorted({str(value) for value in values}))
