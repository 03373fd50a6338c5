"""`python -m resattn models`: the table of networks that `resattn.create_model` knows."""

import argparse

from resattn.presets import PRESETS


def run(options: argparse.Namespace) -> int:
    """Prints the table; returns 0."""
    print(table())
    return 0


def table() -> str:
    """The presets as a Markdown table, with the numbers that the suite recomputes."""
    lines = [
        "| name | depth | parameters | multiply-adds | at | source |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for name, preset in PRESETS.items():
        lines.append(
            f"| `{name}` | {preset.depth} | {preset.parameters:,} | {preset.multiply_adds:,} "
            f"| {preset.config.image_size} px | {preset.source} |"
        )
    return "\n".join(lines)
