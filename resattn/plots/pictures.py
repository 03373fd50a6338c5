"""Figures of maps: images with their masks, heat maps, receptive fields."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from resattn.plots.style import COLOURS, WIDTH, Numbers, as_array, new_figure

_HEAT = "viridis"
_CONTOURS = (COLOURS[1], COLOURS[5])  # object, distractor: both seen on black, grey and white


def image_grid(
    images: Numbers,
    *,
    title: str,
    labels: Sequence[object] | None = None,
    object_masks: Numbers | None = None,
    distractor_masks: Numbers | None = None,
    columns: int = 8,
) -> Figure:
    """Images in rows, each with its label above, and the outlines of its masks.

    The outline of the object is a full line, that of the distractors a dashed one.

    Args:
        images: ``(N, C, H, W)`` with C 1 or 3: uint8, or floats in [0, 1].
        title: the finding.
        labels: N things to print above them.
        object_masks, distractor_masks: bool ``(N, H, W)``.
        columns: images a row.

    Raises:
        ValueError: for images that are no batch of 1 or 3 channels, or masks or labels that do
            not match them.
    """
    whole = "uint8" in str(getattr(images, "dtype", ""))
    pixels = as_array(images) / (255 if whole else 1)
    if pixels.ndim != 4 or pixels.shape[1] not in (1, 3) or len(pixels) == 0:
        raise ValueError(f"images must have shape (N, 1 or 3, H, W), got {pixels.shape}")
    outlines = [_masks(masks, pixels) for masks in (object_masks, distractor_masks)]
    if labels is not None and len(labels) != len(pixels):
        raise ValueError(f"labels must be one an image, {len(pixels)}, got {len(labels)}")
    fig, axes = _grid(pixels.shape, columns, title, captions=labels is not None)
    for i, (ax, image) in enumerate(zip(axes, pixels, strict=False)):
        shown = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
        ax.imshow(shown.clip(0, 1), cmap="gray", vmin=0, vmax=1)
        for masks, colour, line in zip(outlines, _CONTOURS, ("solid", "dashed"), strict=True):
            if masks is not None:
                _outline(ax, masks[i], colour, line)
        if labels is not None:
            ax.set_title(str(labels[i]), fontsize=10)
    return fig


def map_grid(
    maps: Numbers | Mapping[str, Numbers],
    *,
    title: str,
    unit: str,
    object_masks: Numbers | None = None,
    limits: tuple[float, float] | None = None,
    columns: int = 8,
) -> Figure:
    """Heat maps in rows with one colour scale for all, and its bar.

    Args:
        maps: ``(N, H, W)``, or name to ``(H, W)``; the names stand above the maps. Named maps may
            differ in size.
        title: the finding.
        unit: what a value means, beside the bar: ``"mask value"``.
        object_masks: bool ``(N, H', W')`` of any size; the object's outline is drawn.
        limits: smallest and largest value of the scale; the maps' own by default.
        columns: maps a row.

    Raises:
        ValueError: for maps that are not two-dimensional, or masks that do not match in number.
    """
    names = list(maps) if isinstance(maps, Mapping) else None
    listed = maps.values() if isinstance(maps, Mapping) else as_array(maps)
    arrays = [as_array(numbers).astype(np.float64) for numbers in listed]
    if not arrays or any(a.ndim != 2 for a in arrays):
        raise ValueError("maps must have shape (N, H, W), or be names to (H, W), with at least 1")
    masks = None if object_masks is None else as_array(object_masks)
    if masks is not None and len(masks) != len(arrays):
        raise ValueError(f"object_masks must be one a map, {len(arrays)}, got {len(masks)}")
    low, high = limits or (min(a.min() for a in arrays), max(a.max() for a in arrays))
    shape = (len(arrays), 1, *arrays[0].shape)
    fig, axes = _grid(shape, columns, title, captions=names is not None, width=WIDTH - 0.9)
    for i, (ax, array) in enumerate(zip(axes, arrays, strict=False)):
        height, width = array.shape
        box = (0, width, height, 0)  # left, right, bottom, top: cells' edges at whole numbers
        picture = ax.imshow(array, cmap=_HEAT, vmin=low, vmax=high, extent=box)
        if masks is not None:
            _outline(ax, masks[i], COLOURS[1], "solid", box)
        if names:
            ax.set_title(names[i], fontsize=10)
    fig.colorbar(picture, ax=axes, label=unit, shrink=0.9)
    return fig


def receptive_field(
    supports: Mapping[str, Numbers], position: tuple[int, int], *, title: str
) -> Figure:
    """What one output position sees of the input, one panel a module, its box drawn and measured.

    Args:
        supports: name to bool ``(H, W)``, as `resattn.probes.receptive_field` gives.
        position: row and column marked with a cross, in input positions.
        title: the finding.

    Raises:
        ValueError: for no supports, or one that is not two-dimensional.
    """
    arrays = {name: as_array(support).astype(bool) for name, support in supports.items()}
    if not arrays or any(a.ndim != 2 for a in arrays.values()):
        raise ValueError("supports must be names to bool maps (H, W), at least 1")
    fig, axes = new_figure(1, len(arrays), height=WIDTH / max(2.4, len(arrays)) + 0.6, title=title)
    row, column = position
    for ax, (name, support) in zip(axes, arrays.items(), strict=True):
        ax.imshow(support, cmap="Blues", vmin=0, vmax=1.6)
        ax.plot(column, row, marker="x", color=COLOURS[1], markersize=8, markeredgewidth=2)
        rows, columns = (np.flatnonzero(support.any(axis)) for axis in (1, 0))
        size = (0, 0)
        if len(rows):
            size = (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
            corner = (columns[0] - 0.5, rows[0] - 0.5)
            ax.add_patch(Rectangle(corner, size[1], size[0], fill=False, color=COLOURS[1]))
        ax.set_title(f"{name}: {size[0]} x {size[1]}", fontsize=10)
        ax.set_xlabel("column (input positions)")
    axes[0].set_ylabel("row (input positions)")
    return fig


def _grid(
    shape: tuple[int, ...], columns: int, title: str, *, captions: bool, width: float = WIDTH
) -> tuple[Figure, list[Axes]]:
    """Axes without ticks for N maps, as high as the maps need; the rest are hidden."""
    count = shape[0]
    columns = min(columns, count)
    rows = -(-count // columns)
    side = width / max(columns, 3)
    cell = side * shape[2] / shape[3] + (0.22 if captions else 0.05)
    fig, axes = new_figure(rows, columns, height=rows * cell + 0.5, title=title)
    for i, ax in enumerate(axes):
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_visible(i < count)
    return fig, axes


def _masks(masks: Numbers | None, pixels: np.ndarray) -> np.ndarray | None:
    if masks is None:
        return None
    array = as_array(masks)
    expected = (len(pixels), *pixels.shape[2:])
    if array.shape != expected:
        raise ValueError(f"masks must have shape {expected}, as the images, got {array.shape}")
    return array


def _outline(
    ax: Axes,
    mask: np.ndarray,
    colour: str,
    line: str,
    box: tuple[float, float, float, float] | None = None,
) -> None:
    """The mask's edge along the borders of pixels; padded, so that it closes at the image's."""
    height, width = mask.shape
    left, right, bottom, top = box or (-0.5, width - 0.5, height - 0.5, -0.5)
    fine = np.kron(np.pad(mask, 1).astype(float), np.ones((8, 8)))
    x, y = ((np.arange(n) + 0.5) / 8 - 1 for n in (fine.shape[1], fine.shape[0]))
    ax.contour(
        left + x * (right - left) / width,
        top + y * (bottom - top) / height,
        fine,
        levels=[0.5],
        colors=[colour],
        linestyles=line,
        linewidths=1.1,
    )
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
