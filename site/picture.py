"""The README's picture: what the masks of two trained networks see, from their recorded weights.

Both networks are small and have one attention module per stage. One learned its masks from the
labels alone; the other was also shown, in training, where the digits are. The images are the first
ones of the test set, so that nobody chose them. Colours are those of a card of its own, which can
be read on light and dark pages.
"""

import io
from base64 import b64encode
from xml.sax.saxutils import escape

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image
from torch import Tensor

from resattn import probes
from resattn.experiments.recorded import trained

RUNS = {
    "Masks from labels alone": ("stacking", "arl-m1"),
    "Masks shown the outlines": ("supervision", "weight-0.3"),
}
IMAGES, SCORED = 8, 1000
WIDTH, MARGIN, GAP = 640, 24, 8
TILE = (WIDTH - 2 * MARGIN - (IMAGES - 1) * GAP) / IMAGES
CARD, TEXT, DIM, LINE, OUTLINE = "#10192b", "#f1f5f9", "#a9b6c9", "#7dd3fc", "#ff9f43"


def picture() -> str:
    """Return the SVG."""
    parts, top = [_network()], 118.0
    for number, (name, run) in enumerate(RUNS.items()):
        model, test = trained(*run)
        images = test.images[:SCORED].float() / 255
        objects = test.object_masks[:SCORED]
        mask = next(iter(probes.attention_maps(model, images).values())).mean(1)  # (N, H, W)
        if number == 0:
            parts.append(
                _row(top, "Test images, with the true outline of each digit", images[:, 0], objects)
            )
            top += TILE + 38
        share = probes.pointing_game(mask, objects).mean().item()
        says = f"{name}: brightest on the digit in {share:.0%} of {SCORED:,} images"
        parts.append(_row(top, says, mask, objects, heat=True))
        top += TILE + 38
    height = round(top - 8)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" font-family="system-ui, sans-serif">\n'
        f"<title>{escape(ALT)}</title>\n"
        f'<rect width="{WIDTH}" height="{height}" rx="14" fill="{CARD}"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


ALT = (
    "Above, the network: an image, three stages that each multiply a trunk by one plus a mask, and "
    "the digit. Below, eight small images of digits among fragments, and the first mask of two "
    "trained networks for each. Learned from labels alone, the mask is dark where the digit is; "
    "shown the digits' outlines in training, it is bright there."
)


def _network() -> str:
    """Return the network in one line, with the sizes that its masks have in a forward pass."""
    model, test = trained(*next(iter(RUNS.values())))
    image = test.images[:1].float() / 255
    sizes = [tuple(mask.shape[1:]) for mask in probes.attention_maps(model, image).values()]
    boxes = [("image", "x".join(str(side) for side in image.shape[2:]))]
    boxes += [("(1 + M) · T", "{} x {}x{}".format(*size)) for size in sizes]
    boxes += [("digit", "0 to 9")]
    wide = [76.0, *[118.0] * len(sizes), 76.0]
    gap = (WIDTH - 2 * MARGIN - sum(wide)) / (len(wide) - 1)
    parts, left = [], float(MARGIN)
    for i, ((name, size), width) in enumerate(zip(boxes, wide, strict=True)):
        inner = 0 < i < len(boxes) - 1
        parts.append(
            f'<rect x="{left:g}" y="24" width="{width:g}" height="56" rx="8" fill="none" '
            f'stroke="{LINE if inner else DIM}" stroke-width="1.5"/>'
            + _text(left + width / 2, 48, name, size=16, anchor="middle")
            + _text(left + width / 2, 69, size, size=14, anchor="middle", colour=DIM)
        )
        left += width + gap
        if i < len(boxes) - 1:
            parts.append(
                f'<path d="M{left - gap + 3:g} 52h{gap - 8:g}m-5 -4l5 4l-5 4" fill="none" '
                f'stroke="{DIM}" stroke-width="1.5"/>'
            )
    return "\n".join(parts)


def _row(top: float, says: str, maps: Tensor, objects: Tensor, *, heat: bool = False) -> str:
    """Return a line of text and the first maps below it, each with its object's outline."""
    parts = [_text(MARGIN, top, says, size=16)]
    for i in range(IMAGES):
        x, y = MARGIN + i * (TILE + GAP), top + 10
        parts.append(
            f'<image x="{x:g}" y="{y:g}" width="{TILE:g}" height="{TILE:g}" '
            f'style="image-rendering:pixelated" href="{_png(maps[i], heat)}"/>'
            f'<path transform="translate({x:g} {y:g}) scale({TILE / maps.shape[-1]:g})" '
            f'd="{_outline(objects[i])}" fill="none" stroke="{OUTLINE}" stroke-width=".45"/>'
        )
    return "\n".join(parts)


def _text(
    x: float, y: float, words: str, *, size: int, anchor: str = "start", colour: str = TEXT
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(words)}</text>"
    )


def _png(values: Tensor, heat: bool) -> str:
    """Return a map as a data URI, stretched to its own range if it is a heat map."""
    array = values.numpy().astype(np.float64)
    if heat:
        array = (array - array.min()) / (array.max() - array.min())
        shown = (colormaps["viridis"](array)[..., :3] * 255).round()
    else:
        shown = (array.clip(0, 1) * 255).round()
    file = io.BytesIO()
    Image.fromarray(shown.astype(np.uint8)).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"


def _outline(mask: Tensor) -> str:
    """Return the path along the edges between the pixels of a mask and the rest."""
    inside = torch.nn.functional.pad(mask.bool(), (1, 1, 1, 1)).numpy()
    rows, columns = np.nonzero(inside[1:, 1:] != inside[:-1, 1:])  # edges above these pixels
    across = [f"M{x} {y}h1" for y, x in zip(rows, columns, strict=True)]
    rows, columns = np.nonzero(inside[1:, 1:] != inside[1:, :-1])  # edges left of these pixels
    down = [f"M{x} {y}v1" for y, x in zip(rows, columns, strict=True)]
    return "".join(across + down)
