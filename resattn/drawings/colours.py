"""The colours of the roles, on light paper and on dark."""

from dataclasses import dataclass

from resattn.drawings.shapes import Role


@dataclass(frozen=True)
class Colours:
    """Fill and outline of each role, and the colours of paper and text."""

    paper: str
    text: str
    faint: str
    fills: dict[Role, str]
    lines: dict[Role, str]


LIGHT = Colours(
    paper="#ffffff",
    text="#1b1f24",
    faint="#535c67",
    fills={
        "unit": "#edf0f3",
        "trunk": "#d6e9f8",
        "mask": "#fce0cd",
        "gate": "#cdeee0",
        "skip": "#f5dfec",
        "back": "#fff1cc",
        "here": "#f7e463",
        "plain": "#ffffff",
        "ink": "#3d4650",
    },
    lines={
        "unit": "#6b7683",
        "trunk": "#0072b2",
        "mask": "#c24e00",
        "gate": "#00805d",
        "skip": "#ad4f86",
        "back": "#946200",
        "here": "#8a7400",
        "plain": "#6b7683",
        "ink": "#3d4650",
    },
)


DARK = Colours(
    paper="#14181d",
    text="#eef1f4",
    faint="#a9b3bf",
    fills={
        "unit": "#2a3139",
        "trunk": "#0f3a57",
        "mask": "#55290d",
        "gate": "#0d4535",
        "skip": "#4a2540",
        "back": "#4a3800",
        "here": "#6b5d00",
        "plain": "#14181d",
        "ink": "#c3cad2",
    },
    lines={
        "unit": "#8d99a6",
        "trunk": "#56b4e9",
        "mask": "#f0894a",
        "gate": "#3fc79b",
        "skip": "#e08fbd",
        "back": "#e6b23c",
        "here": "#f0e442",
        "plain": "#8d99a6",
        "ink": "#c3cad2",
    },
)
"""Tints of the palette of Okabe and Ito (2008); each line stands out from its paper."""
