"""Label noise: which labels are wrong, and how much of their gradient reaches the trunk."""

import torch

from resattn.attention import MERGE_RULES, merge
from resattn.data.noise import noisy_labels
from resattn.drawings.attention import MERGE_WORDS
from resattn.drawings.layout import below, beside, headed
from resattn.drawings.page import Drawing, fitted, page
from resattn.drawings.shapes import Block, Line, Role, Shape, Text, block, rectangle
from resattn.drawings.steps import Style

CLASSES = 10
CELL = 29.0


def label_noise(clean_ratio: float = 0.7, mask: float = 0.1, *, seed: int = 0) -> Drawing:
    """Ten labels after equation 7, and the gradient that a wrong one sends to the trunk.

    The flips are those of `resattn.data.noisy_labels`, the factors those of autograd through
    `resattn.attention.merge`.

    Args:
        clean_ratio: r of equation 7, the share of labels that stay true.
        mask: the value of M where the wrong label's gradient arrives.
        seed: of the flips.

    Raises:
        ValueError: for a ratio that is not in 0 to 1.
    """
    true = torch.arange(CLASSES)
    given = noisy_labels(true, clean_ratio, CLASSES, seed=seed)
    wrong = int((true != given).sum())
    factors = {rule: _factor(rule, mask) for rule in MERGE_RULES}
    other = (1 - clean_ratio) / (CLASSES - 1)

    def make(scale: float) -> Drawing:
        style = Style(scale)
        columns = [
            headed(MERGE_WORDS[rule], _back(rule, mask, factors[rule], style), style)
            for rule in MERGE_WORDS
        ]
        labels = _labels(true.tolist(), given.tolist(), style)
        caption = (
            f"With r = {clean_ratio:g} a label stays true with probability {clean_ratio:g}, and "
            f"becomes each other class with {other:.3f}; here {wrong} of {CLASSES} are wrong. "
            f"Where M = {mask:g}, naive attention hands {factors['nal']:g} times the gradient g of "
            f"a wrong label to the trunk, and residual attention {factors['arl']:g} times."
        )
        alt = [
            f"The true labels are {', '.join(map(str, true.tolist()))}.",
            f"The given labels are {', '.join(map(str, given.tolist()))}.",
            *(
                f"{' '.join(MERGE_WORDS[r].split())}: trunk T gets {f:g} times g."
                for r, f in factors.items()
            ),
        ]
        picture = below([labels, beside(columns, 24)], 22)
        return page("Wrong labels, and what the gradient sees", picture, caption, alt, style)

    return fitted(make)


def _factor(rule: str, mask: float) -> float:
    """The derivative of the merged value with respect to the trunk's."""
    trunk = torch.ones(1, 1, 1, 1, dtype=torch.float64, requires_grad=True)
    weight = torch.full_like(trunk, mask)
    merged = trunk * 1 if rule == "none" else merge(trunk, weight, rule)
    (slope,) = torch.autograd.grad(merged.sum(), trunk)
    return round(slope.item(), 6)


def _labels(true: list[int], given: list[int], style: Style) -> Block:
    """True labels over given ones; the flipped are marked by colour and by a thick number."""
    shapes: list[Shape] = []
    left = -CELL * len(true) / 2 + 22
    for row, (name, labels) in enumerate((("true", true), ("given", given))):
        y = row * (CELL + 6)
        base = y + CELL / 2 + 0.36 * style.text
        shapes.append(Text(left - 8, base, name, style.text, "end"))
        for i, label in enumerate(labels):
            flipped = label != true[i]
            x = left + i * CELL
            role: Role = "back" if flipped else "plain"
            box = rectangle(x + 2, y, CELL - 4, CELL, role, radius=4)
            shapes.append(box)
            middle = x + CELL / 2
            shapes.append(Text(middle, base, str(label), style.text, "middle", bold=flipped))
    return block(shapes, 2 * CELL + 6)


def _back(rule: str, mask: float, factor: float, style: Style) -> Block:
    """From the loss up to the trunk: the gradient g meets the merge."""
    high = style.line + 9
    y1, y2, y3 = high, high + 44, 2 * high + 44
    factor_words = {"none": "× 1", "nal": f"× {mask:g}", "arl": f"× {1 + mask:g}"}[rule]
    role: Role = "unit" if rule == "none" else "mask"
    bottom = y3 + 44
    shapes: list[Shape] = [
        *_box(0, high, "trunk T", "trunk", style),
        *_box(y2, high, factor_words, role, style),
        *_box(bottom, high, "wrong label", "back", style),
        Line(((0, y2), (0, y1)), "back", True, True, _thick(factor)),
        Line(((0, bottom), (0, y3)), "back", True, True, _thick(1.0)),
        Text(12, (y1 + y2) / 2 + 4, f"{factor:g} · g", style.small, faint=True),
        Text(12, (y3 + bottom) / 2 + 4, "g", style.small, faint=True),
    ]
    return block(shapes, bottom + high)


def _box(y: float, high: float, words: str, role: Role, style: Style) -> list[Shape]:
    area = rectangle(-46 * style.scale, y, 92 * style.scale, high, role)
    return [area, Text(0, y + high / 2 + 0.36 * style.text, words, style.text, "middle")]


def _thick(value: float) -> float:
    return round(max(0.8, min(6.0, 3.0 * value)), 2)
