"""What stacked merges do to the signal on its way down, and to the gradient on its way back."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from resattn.attention import AttentionModule
from resattn.checks import check_at_least
from resattn.drawings.attention import MERGE_WORDS
from resattn.drawings.layout import beside, headed
from resattn.drawings.page import Drawing, fitted, page
from resattn.drawings.shapes import Block, Line, Role, Shape, Text, block, rectangle
from resattn.drawings.steps import DISC, Style

STEP = 78.0  # height of one module
APART = 15.0  # from the axis to the signal's line, and to the gradient's


@dataclass(frozen=True)
class _Stack:
    """Stacked modules under one rule.

    Attributes:
        signal: on the way between modules, from the input to the output.
        gradient: of the output with respect to each of these.
    """

    signal: tuple[float, ...]
    gradient: tuple[float, ...]


def signal_and_gradient(modules: int = 3, mask: float = 0.5) -> Drawing:
    """The path of the signal and of the gradient through stacked modules under each merge rule.

    Drawn is what the identity path alone carries: each module is a real `AttentionModule` whose
    units add nothing and whose mask has one value, and a signal of 1 goes through. What the units
    add on the way, and what batch norm does to it, is not in the drawing: lessons 04 and 05 measure
    the sum.

    >>> print(signal_and_gradient(3, 0.5).title)
    One factor per module, down and back

    Args:
        modules: how many are stacked, at least 1.
        mask: the value of M everywhere, 0 to 1.

    Raises:
        ValueError: for an argument out of range.
    """
    check_at_least("modules", modules, 1)
    if not 0 <= mask <= 1:
        raise ValueError(f"a mask's value must lie in 0 to 1, got {mask!r}")
    stacks = {rule: _through(rule, modules, mask) for rule in MERGE_WORDS}
    nal, arl = stacks["nal"].signal[-1], stacks["arl"].signal[-1]

    def make(scale: float) -> Drawing:
        style = Style(scale)
        columns = [
            headed(MERGE_WORDS[rule], _column(stack, rule, style), style)
            for rule, stack in stacks.items()
        ]
        caption = (
            f"With M = {mask:g}, {modules} modules leave {nal:.3g} of the input under naive "
            f"attention and {arl:.3g} times the input under residual attention. The gradient "
            "(dashed) comes back along the same path and meets the same factors."
        )
        alt = [_told(MERGE_WORDS[rule], stack) for rule, stack in stacks.items()]
        return page(
            "One factor per module, down and back", beside(columns, 18), caption, alt, style
        )

    return fitted(make)


class _Value(nn.Module):
    """A mask that is one value everywhere."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        return torch.full_like(x, self.value)


def _through(rule: str, modules: int, mask: float) -> _Stack:
    """Send 1 through modules whose units add nothing, and the gradient 1 back."""
    module = AttentionModule(
        before=nn.Identity(),
        trunk=nn.Identity(),
        mask=None if rule == "none" else _Value(mask),
        after=nn.Identity(),
        rule=rule,
    )
    values = [torch.ones(1, 1, 1, 1, dtype=torch.float64, requires_grad=True)]
    for _ in range(modules):
        values.append(module(values[-1]).clone())
    gradients = torch.autograd.grad(values[-1].sum(), values, retain_graph=True)
    return _Stack(tuple(v.item() for v in values), tuple(g.item() for g in gradients))


def _column(stack: _Stack, rule: str, style: Style) -> Block:
    """One stack: the signal runs down at the left, the gradient up at the right."""
    shapes: list[Shape] = []
    last = len(stack.signal) - 1
    head = 2.1 * style.small
    for i, (signal, gradient) in enumerate(zip(stack.signal, stack.gradient, strict=True)):
        y = head + i * STEP
        shapes.append(_value(-APART - 8, y, signal, style, "end"))
        shapes.append(_value(APART + 8, y, gradient, style, "start"))
        if i == last:
            break
        top, bottom = y + 0.5 * style.small, y + STEP - 1.1 * style.small
        middle = (top + bottom) / 2
        after, behind = stack.signal[i + 1], stack.gradient[i + 1]
        over, under = middle - (style.line + 6) / 2, middle + (style.line + 6) / 2
        down = [(-APART, top), (-APART, over)], [(-APART, under), (-APART, bottom)]
        up = [(APART, bottom), (APART, under)], [(APART, over), (APART, top)]
        for points, value, end in zip(down, (signal, after), (False, True), strict=True):
            shapes.append(Line(tuple(points), "trunk", end, thickness=_thickness(value)))
        for points, value, end in zip(up, (behind, gradient), (False, True), strict=True):
            shapes.append(
                Line(tuple(points), "back", end, dashed=True, thickness=_thickness(value))
            )
        shapes += _merge(rule, middle, style)
    titles = Text(-APART - 8, style.small, "signal", style.small, "end", role="trunk")
    back = Text(APART + 8, style.small, "gradient", style.small, role="back")
    return block([titles, back, *shapes], head + last * STEP + 0.5 * style.small)


def _merge(rule: str, y: float, style: Style) -> list[Shape]:
    """The factor of a module, across both paths."""
    words = {"none": "× 1", "nal": "× M", "arl": "× (1 + M)"}[rule]
    wide, high = 2 * APART + 2 * DISC + 22, style.line + 6
    role: Role = "unit" if rule == "none" else "mask"
    area = rectangle(-wide / 2, y - high / 2, wide, high, role, radius=high / 2)
    return [area, Text(0, y + 0.36 * style.text, words, style.text, "middle")]


def _value(x: float, y: float, value: float, style: Style, anchor: Literal["start", "end"]) -> Text:
    return Text(x, y + 0.1 * style.small, f"{value:.3g}", style.small, anchor)


def _thickness(value: float) -> float:
    """Of a line, the thicker, the more it carries."""
    return round(max(0.8, min(5.0, 1.6 * abs(value))), 2)


def _told(name: str, stack: _Stack) -> str:
    signal = ", ".join(f"{v:.3g}" for v in stack.signal)
    gradient = ", ".join(f"{v:.3g}" for v in reversed(stack.gradient))
    return (
        f"{' '.join(name.split())}: from module to module the signal is {signal}; "
        f"from the last module back to the first the gradient is {gradient}."
    )
