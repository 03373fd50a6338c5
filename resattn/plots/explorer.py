"""One mask at a time: a picture of an image and its map, and sliders that choose which."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from resattn.plots.pictures import _HEAT, _outline
from resattn.plots.style import COLOURS, DPI, as_array, new_figure

MEAN = "mean"
"""The choice that shows the mean over channels in place of one channel."""

_NO_WIDGETS = "the explorer needs ipywidgets 8, which is not installed; run: pip install ipywidgets"


def map_view(
    maps: Mapping[str, Tensor],
    images: Tensor,
    object_masks: Tensor,
    *,
    image: int,
    module: str,
    channel: int | str = MEAN,
) -> Figure:
    """An image beside one map of it; the title compares the map on and off the object.

    The object is outlined in both. The colours span the smallest to the largest value shown.

    Args:
        maps: name to ``(N, C, h, w)``, as `resattn.probes.attention_maps` gives.
        images: ``(N, 1, H, W)``, uint8 or floats in [0, 1].
        object_masks: bool ``(N, H, W)``; each pixel takes the value of the map's cell it lies in.
        image: which of the N.
        module: a name of ``maps``.
        channel: which of the C, or ``"mean"``: the mean over them.

    Raises:
        ValueError: for maps, images and masks that do not fit, or a choice that does not exist.
    """
    _check(maps, images, object_masks)
    channels = maps[module].shape[1] if module in maps else 0
    for what, value, known in (
        ("module", module, list(maps)),
        ("image", image, range(len(images))),
        ("channel", channel, [MEAN, *range(channels)]),
    ):
        if value not in known:
            raise ValueError(f"there is no {what} {value!r}; choose one of {_ends(known)}")
    whole, mask = maps[module][image], as_array(object_masks[image])
    shown = as_array(whole.mean(0) if isinstance(channel, str) else whole[channel])  # (h, w)
    rows, columns = (np.arange(n) * m // n for n, m in zip(mask.shape, shown.shape, strict=True))
    values = shown[np.ix_(rows, columns)]  # (H, W)
    which = f"mean of {channels} channels" if channel == MEAN else f"channel {channel}"
    inside, outside = values[mask].mean(), values[~mask].mean()
    title = f"{module}, {which}: {inside:.2f} on the object, {outside:.2f} elsewhere"
    fig, axes = new_figure(1, 2, height=3.4, title=title)
    box = (-0.5, mask.shape[1] - 0.5, mask.shape[0] - 0.5, -0.5)
    axes[0].imshow(as_array(images[image, 0]), cmap="gray", extent=box)
    heat = axes[1].imshow(shown, cmap=_HEAT, extent=box)
    captions = (f"image {image}", f"its map, {shown.shape[0]} x {shown.shape[1]} cells")
    for ax, caption in zip(axes, captions, strict=True):
        _outline(ax, mask, COLOURS[1], "solid", box)
        ax.set_title(caption, fontsize=10)
        ax.set_xlabel("column (pixels of the image)")
    axes[0].set_ylabel("row")
    fig.colorbar(heat, ax=axes[1], label="map value")
    return fig


class Explorer:
    """`map_view` with four sliders: image, stage, module and channel.

    A front end with widgets, such as JupyterLab, shows the sliders; all others, and a stored
    notebook, show the view chosen when it was displayed. The sliders are attributes (``image``,
    ``stage``, ``module``, ``channel``), so that code can move them: ``explorer.image.value = 3``.
    The stage is a module's dotted name up to its last dot, the module the rest.

    Args:
        maps, images, object_masks: as for `map_view`.

    Raises:
        ValueError: for maps, images and masks that do not fit.
        ModuleNotFoundError: without ipywidgets.
    """

    def __init__(self, maps: Mapping[str, Tensor], images: Tensor, object_masks: Tensor) -> None:
        try:
            import ipywidgets as widgets  # here: figures need none of it
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(_NO_WIDGETS, name="ipywidgets") from error
        _check(maps, images, object_masks)
        self._data = (dict(maps), images, object_masks)
        self._modules: dict[str, list[str]] = {}
        for name in maps:
            stage, _, module = name.rpartition(".")
            self._modules.setdefault(stage, []).append(module)

        def slider(name: str, options: Sequence[object]) -> Any:
            return widgets.SelectionSlider(
                options=options, description=name, continuous_update=False
            )

        self.image = slider("image", list(range(len(images))))
        self.stage = slider("stage", list(self._modules))
        self.module = slider("module", self._modules[self.stage.value])
        self.channel = slider("channel", [MEAN])
        self.picture = widgets.HTML()
        sliders = (self.image, self.stage, self.module, self.channel)
        self.box = widgets.VBox([widgets.VBox(sliders), self.picture])
        for moved in sliders:
            moved.observe(self._moved, names="value")
        self._settling = False
        self._moved({"owner": self.stage})

    @property
    def name(self) -> str:
        """The dotted name of the module chosen."""
        return ".".join(filter(None, (self.stage.value, self.module.value)))

    def _moved(self, change: Mapping[str, Any]) -> None:
        """Offers what the choice leaves open, keeping what is still possible, and redraws once."""
        if self._settling:  # a slider that this method itself moved
            return
        self._settling = True
        if change["owner"] is self.stage:
            _offer(self.module, self._modules[self.stage.value])
        channels = self._data[0][self.name].shape[1]
        _offer(self.channel, [MEAN, *range(channels)])
        self._settling = False
        png, text = self._drawn()
        source = f"data:image/png;base64,{b64encode(png).decode()}"
        self.picture.value = f'<img alt="{escape(text)}" src="{source}" style="max-width: 100%">'

    def _drawn(self) -> tuple[bytes, str]:
        """The view as PNG, and what it shows in words."""
        fig = map_view(
            *self._data, image=self.image.value, module=self.name, channel=self.channel.value
        )
        png = BytesIO()
        fig.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
        text = f"Image {self.image.value} and a map of it, the object outlined in both. "
        return png.getvalue(), text + fig.get_suptitle() + "."

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, object], dict[str, object]]:
        """The sliders for who can show them, and the present view as a picture for who cannot."""
        png, text = self._drawn()
        bundle = self.box._repr_mimebundle_()
        return bundle | {"image/png": png, "text/plain": text}, {"image/png": {"alt": text}}


def _offer(slider: Any, options: list[Any]) -> None:
    """Changes a slider's options; its value stays where it is one of them, else is the first."""
    if list(slider.options) != options:
        value = slider.value
        slider.options = options  # which moves it to the first
        slider.value = value if value in options else options[0]


def _ends(known: Iterable[object]) -> str:
    listed = [repr(choice) for choice in known]
    return ", ".join(listed if len(listed) <= 8 else [*listed[:3], "...", listed[-1]])


def _check(maps: Mapping[str, Tensor], images: Tensor, object_masks: Tensor) -> None:
    if not maps or images.ndim != 4 or images.shape[1] != 1 or len(images) == 0:
        raise ValueError(
            "an explorer needs at least 1 map and images of shape (N, 1, H, W), "
            f"got {len(maps)} maps and images of shape {tuple(images.shape)}"
        )
    expected = (len(images), *images.shape[2:])
    if tuple(object_masks.shape) != expected:
        raise ValueError(
            f"object_masks must have shape {expected}, as the images, "
            f"got {tuple(object_masks.shape)}"
        )
    for name, module_maps in maps.items():
        if module_maps.ndim != 4 or len(module_maps) != len(images):
            raise ValueError(
                f"map {name!r} must have shape (N, C, h, w) with N = {len(images)}, as the images, "
                f"got {tuple(module_maps.shape)}"
            )
