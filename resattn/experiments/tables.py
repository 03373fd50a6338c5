"""`python -m resattn results`: what was recorded, as Markdown tables, and the claims' verdicts."""

import argparse
from statistics import mean

from resattn.experiments import RECIPES, get_recipe, runs_of
from resattn.experiments.claims import CLAIMS, Contrast
from resattn.experiments.metrics import METRICS
from resattn.experiments.recipe import Recipe, Run
from resattn.experiments.recorded import each_once, origin_of
from resattn.experiments.reproduction import paper_table, spread
from resattn.experiments.scales import SMALL
from resattn.experiments.store import Result, find_result
from resattn.experiments.verdicts import Find, Finding, try_claim

HEAD = (
    "| variant | test error % | validation error % | attention IoU | seeds | minutes a run "
    "| parameters | multiply-adds |\n|---|--:|--:|--:|--:|--:|--:|--:|"
)


def run(options: argparse.Namespace) -> int:
    """Print the tables; returns 0."""
    if options.recipe == "claims":
        print(claims_table(options.scale or SMALL.name))
        return 0
    if options.recipe == "paper":
        print(paper_table())
        return 0
    recipes = [get_recipe(options.recipe)] if options.recipe else RECIPES.values()
    tables = [recipe_table(recipe, recipe.scale(options.scale).name) for recipe in recipes]
    print("\n\n".join(tables))
    return 0


def recipe_table(recipe: Recipe, scale: str, find: Find = find_result) -> str:
    """A recipe's results: mean and standard deviation over seeds, and where they come from."""
    rows, found, missing = [], [], []
    for name, runs in runs_of(recipe, scale).items():
        recorded = [find(run) for run in runs]
        results = [result for result in recorded if result]
        missing += [run for run, result in zip(runs, recorded, strict=True) if not result]
        found += results
        rows.append(_row(name, results, runs[0]))
    lines = [f"### {recipe.name} ({scale} scale): {recipe.question}", "", HEAD, *rows, ""]
    return "\n".join([*lines, *_provenance(found), *_missing(recipe, scale, missing)])


def _row(name: str, results: list[Result], run: Run) -> str:
    parameters, multiply_adds = (
        (results[0]["configuration"][key] for key in ("parameters", "multiply_adds"))
        if results
        else run.variant.network.cost()
    )
    cells = [
        spread([100 * result["test"]["error"] for result in results]),
        spread([100 * result["validation"]["error"] for result in results]),
        spread([v for r in results if (v := METRICS["attention IoU"](r)) is not None], 3),
        _seeds(results),
        f"{mean(result['seconds'] for result in results) / 60:.1f}" if results else "",
        f"{parameters:,}",
        f"{multiply_adds:,}",
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def _seeds(results: list[Result]) -> str:
    if not results:
        return "not run"
    diverged = sum(bool(result["diverged"]) for result in results)
    return f"{len(results)}" + (f" ({diverged} diverged)" if diverged else "")


def _provenance(results: list[Result]) -> list[str]:
    if not results:
        return []
    images = each_once(result["test"]["images"] for result in results)
    return [
        f"Mean ± standard deviation over seeds; {images} test images a run, judged once, at the "
        "end. Minutes are wall time, on a machine that may have had other work too: compare costs "
        f"by multiply-adds. {origin_of(results)}"
    ]


def _missing(recipe: Recipe, scale: str, missing: list[Run]) -> list[str]:
    if not missing:
        return [
            f"Again: delete the files and run `python -m resattn train {recipe.name} "
            f"--scale {scale}`."
        ]
    return [
        f"{len(missing)} runs are not recorded: `python -m resattn train {recipe.name} "
        f"--scale {scale}`"
    ]


def claims_table(scale: str, find: Find = find_result) -> str:
    """The fourteen verdicts, each with the contrasts and intervals that decide it."""
    lines = [
        f"| | claim | source | verdict ({scale} scale) | decided by: difference, 95 % interval |",
        "|--:|---|---|---|---|",
    ]
    for claim in CLAIMS:
        verdict, findings = try_claim(claim, scale, find)
        deciding = "<br>".join(map(_deciding, claim.contrasts, findings))
        lines.append(
            f"| {claim.number} | {claim.text} | {claim.source} | **{verdict}** | {deciding} |"
        )
    return "\n".join(lines)


def _deciding(contrast: Contrast, finding: Finding) -> str:
    recipe = f"[{contrast.recipe}](resattn/experiments/questions/{contrast.recipe}.py)"
    minus = f" - ({' + '.join(contrast.minus)})" if contrast.minus else ""
    what = f"{recipe}: {contrast.metric}, {' + '.join(contrast.plus)}{minus}, "
    claimed = f"claimed {contrast.claimed} {_margin(contrast)}: "
    if finding.interval is None:
        return f"{what}{claimed}{finding.verdict}"
    middle, low, high, n = finding.interval
    return f"{what}{claimed}{middle:.3g} [{low:.3g}, {high:.3g}], n = {n}, {finding.verdict}"


def _margin(contrast: Contrast) -> str:
    if contrast.claimed == "same":
        return f"within {contrast.effect:g}"
    sign = "-" if contrast.claimed == "below" else ""
    return f"{sign}{contrast.effect:g}"
