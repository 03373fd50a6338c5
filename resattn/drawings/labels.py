"""What a layer or a function of torch is called in a drawing, and the outline it gets."""

from typing import Any, TypeAlias

from torch import nn

from resattn.drawings.flow import Kind
from resattn.masks import HourglassMask, LocalConvolutionMask, MaskHead
from resattn.resampling import Upsample
from resattn.units import InceptionUnit, PostActBottleneck, PreActBottleneck

Boxes: TypeAlias = dict[type[nn.Module] | str, str]
"""Modules that are drawn as one box: their class, or the last part of their name; and its text.

Empty text stands for the usual one, which tells a module's settings.
"""


UNIT_CLASSES = (PreActBottleneck, PostActBottleneck, InceptionUnit)


UNITS: Boxes = dict.fromkeys(UNIT_CLASSES, "unit")


HEADS: Boxes = {MaskHead: ""}


MASKS: Boxes = dict.fromkeys((HourglassMask, LocalConvolutionMask), "soft mask M")


_NAMES: dict[type[nn.Module], str] = {
    nn.BatchNorm2d: "BN",
    nn.AdaptiveAvgPool2d: "mean\nover positions",
    nn.Linear: "linear",
}


def is_meant(part: nn.Module, name: str, key: type[nn.Module] | str) -> bool:
    """Whether a key of `Boxes` means this module."""
    return name.split(".")[-1] == key if isinstance(key, str) else isinstance(part, key)


def label_of(part: nn.Module) -> str:
    """The text in a module's box."""
    if isinstance(part, nn.Conv2d):
        return _convolution(part)
    if isinstance(part, nn.MaxPool2d):
        return f"max-pool {part.kernel_size}×{part.kernel_size}, /{part.stride}"
    if isinstance(part, Upsample):
        return "upsample" if part.kind == "bilinear" else f"upsample,\n{part.kind}"
    if isinstance(part, MaskHead):
        norm = ", BN" if isinstance(part.final_norm, nn.BatchNorm2d) else ""
        last = {"mixed": "sigmoid", "channel": "f2", "spatial": "f3"}[part.activation]
        return f"two 1×1 conv{norm},\n{last}"
    return _NAMES.get(type(part), type(part).__name__)


def kind_of(part: nn.Module) -> Kind:
    """The outline of a module's box."""
    if isinstance(part, (nn.MaxPool2d, nn.AvgPool2d)):
        return "pool"
    if isinstance(part, Upsample):
        return "enlarge"
    return "hourglass" if isinstance(part, HourglassMask) else "box"


def _convolution(conv: nn.Conv2d) -> str:
    label = f"{conv.kernel_size[0]}×{conv.kernel_size[1]} conv"
    if conv.stride[0] > 1:
        label += f", /{conv.stride[0]}"
    if conv.groups > 1:
        label += f",\n{conv.groups} groups"
    if conv.dilation[0] > 1:
        label += f",\ndilation {conv.dilation[0]}"
    return label


def sum_or_product(name: str, args: tuple[Any, ...], inputs: list[int]) -> tuple[str, Kind]:
    if len(inputs) > 1:
        return ("+", "sum") if name == "add" else ("×", "product")
    number = next((a for a in args if isinstance(a, int | float)), "parameter")
    if name == "add" and number == 1:
        return "1 +", "one"
    return f"{'+' if name == 'add' else '×'} {number}", "box"


def named_function(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Kind]:
    """Label and kind of a function of torch, by its name."""
    if name == "max_pool2d":
        return "max-pool", "pool"
    if name == "interpolate":
        return "upsample", "enlarge"
    if name.startswith("adaptive_"):
        return ("mean" if "avg" in name else "max") + "\nover positions", "box"
    if name in ("mean", "amax", "max"):
        axes = kwargs.get("dim", args[1] if len(args) > 1 else None)
        over = "channels" if axes in (1, (1,), [1]) else "positions"
        return f"{'mean' if name == 'mean' else 'max'}\nover {over}", "box"
    return {"relu": "ReLU", "relu_": "ReLU", "normalize": "f2", "mm": "linear"}.get(name, name), (
        "box"
    )
