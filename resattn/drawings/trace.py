"""From a module and one forward pass to the structure of its drawing.

Nothing is known in advance about the module: its layers are watched by hooks, its sums, products
and other functions by a `TorchFunctionMode`, and which tensor went where is read off the tensors
themselves. So a wrong port gives another drawing than the right network, though both have the same
parameter count.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resattn.drawings.flow import Flow, Fork, Group, Kind, Sizes, Step, steps
from resattn.drawings.shapes import Role
from resattn.masks import HourglassMask, LocalConvolutionMask, MaskHead
from resattn.resampling import Upsample
from resattn.units import InceptionUnit, PostActBottleneck, PreActBottleneck

Boxes: TypeAlias = Mapping[type[nn.Module] | str, str]
"""Modules that are drawn as one box: their class, or the last part of their name; and its text.

Empty text stands for the usual one, which tells a module's settings.
"""

UNITS: Boxes = dict.fromkeys((PreActBottleneck, PostActBottleneck, InceptionUnit), "unit")
HEADS: Boxes = {MaskHead: ""}
MASKS: Boxes = dict.fromkeys((HourglassMask, LocalConvolutionMask), "soft mask M")

_NAMES: dict[type[nn.Module], str] = {
    nn.BatchNorm2d: "BN",
    nn.AdaptiveAvgPool2d: "mean\nover positions",
    nn.Linear: "linear",
}
_SAME_VALUES = (nn.Identity, nn.Flatten, nn.Dropout, nn.Dropout2d)
_VIEWS = {
    *("view", "reshape", "flatten", "getitem", "unsqueeze", "squeeze", "expand", "contiguous"),
    *("to", "float", "double", "detach", "clone", "view_as", "expand_as", "type", "permute"),
}
_ROLES: dict[str, Role] = {
    "mask": "mask",
    "trunk": "trunk",
    "skip": "skip",
    "skips": "skip",
    "shortcut": "skip",
    "projection": "skip",
    "gate": "gate",
}


@dataclass(frozen=True)
class Trace:
    """What a forward pass showed.

    Attributes:
        sizes: of the input for one image.
        flow: what the input meets, up to the output.
    """

    sizes: Sizes
    flow: Flow


@dataclass
class _Node:
    step: Step
    inputs: list[int]


@dataclass
class _Graph:
    """Steps and which of them reads which; number 0 is the input."""

    nodes: list[_Node] = field(default_factory=list)
    made_by: dict[int, int] = field(default_factory=dict)  # id of a tensor to its step
    kept: list[Tensor] = field(default_factory=list)  # so that no id is used twice

    def know(self, tensor: Tensor, node: int) -> None:
        self.made_by[id(tensor)] = node
        self.kept.append(tensor)

    def sources(self, values: Iterable[object]) -> list[int]:
        found = [self.made_by[id(v)] for v in values if id(v) in self.made_by]
        return list(dict.fromkeys(found))

    def add(self, step: Step, inputs: list[int]) -> int:
        self.nodes.append(_Node(step, inputs))
        return len(self.nodes) - 1


def trace(
    module: nn.Module,
    sizes: Sizes,
    *,
    whole: Boxes | None = None,
    role: Role = "unit",
) -> Trace:
    """Run a module once on zeros, in evaluation mode, and return what the input met.

    The module's modes and statistics are left as they were. On the ``"meta"`` device nothing is
    computed, so that even Attention-92 takes no memory.

    Args:
        module: any module that maps one tensor to one tensor.
        sizes: of its input for one image, such as (C, H, W).
        whole: modules that are drawn as one box; their inside is not looked at.
        role: of steps whose dotted name says nothing about it.

    Raises:
        ValueError: if the paths through the module cross, so that it is no nest of forks.
    """
    graph = _Graph()
    watcher = _Watcher(graph, whole or {}, role)
    modes = {part: part.training for part in module.modules()}
    owned = next(iter([*module.parameters(), *module.buffers()]), torch.zeros(()))
    kind = owned.dtype if owned.dtype.is_floating_point else torch.get_default_dtype()
    x = torch.zeros(1, *sizes, device=owned.device, dtype=kind)
    graph.know(x, graph.add(Step("input", sizes=sizes), []))
    hooks = [hook for name, part in module.named_modules() for hook in watcher.watch(name, part)]
    try:
        module.eval()
        with torch.no_grad(), watcher:
            output = module(x)
    finally:
        for hook in hooks:
            hook.remove()
        for part, training in modes.items():
            part.training = training
    if not isinstance(output, Tensor) or id(output) not in graph.made_by:
        raise ValueError(
            f"{type(module).__name__} cannot be drawn: it must return one tensor that it computed "
            "from its input"
        )
    _factor_out(graph.nodes)
    flow = _nest(graph.nodes, graph.made_by[id(output)], type(module).__name__)
    return Trace(sizes, _straightened(flow))


class _Watcher(TorchFunctionMode):
    """Writes down each layer and each function that reads something computed from the input."""

    def __init__(self, graph: _Graph, whole: Boxes, role: Role) -> None:
        super().__init__()
        self.graph, self.whole, self.role = graph, whole, role
        self.inside: list[str] = []  # names of the modules that are running
        self.deaf = 0  # how many modules are running that are one box

    def watch(self, name: str, part: nn.Module) -> list[Any]:
        """Hooks on a module: it is one box if it has no parts, or belongs to `whole`."""
        given = [text for key, text in self.whole.items() if _is(part, name, key)]
        label = next(filter(None, given), label_of(part))
        empty = isinstance(part, nn.Sequential) and not len(part)
        one_box = bool(given) or isinstance(part, Upsample) or not list(part.children())
        one_box = one_box and not empty

        def enter(*_: object) -> None:
            self.inside.append(name)
            self.deaf += one_box

        def leave(_: nn.Module, inputs: tuple[object, ...], output: object) -> None:
            self.inside.pop()
            self.deaf -= one_box
            if one_box and not self.deaf and isinstance(output, Tensor):
                self._note_module(name, label, part, inputs, output)

        return [part.register_forward_pre_hook(enter), part.register_forward_hook(leave)]

    def _note_module(
        self,
        name: str,
        label: str,
        part: nn.Module,
        given: tuple[object, ...],
        output: Tensor,
    ) -> None:
        inputs = self.graph.sources(given)
        if isinstance(part, _SAME_VALUES):
            self.graph.know(output, inputs[0])
        else:
            self._note(label, kind_of(part), inputs, output, name)

    def _note(self, label: str, kind: Kind, inputs: list[int], output: Tensor, name: str) -> None:
        parts = [p for p in name.split(".") if p]
        role = next((_ROLES[p] for p in reversed(parts) if p in _ROLES), self.role)
        step = Step(label, kind, role, tuple(output.shape[1:]), (name,) if name else ())
        self.graph.know(output, self.graph.add(step, inputs))

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Called by torch for each function; whatever computes a tensor is written down."""
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        if self.deaf or not isinstance(output, Tensor):
            return output
        inputs = self.graph.sources(_flat([*args, *kwargs.values()]))
        if inputs:
            name = getattr(func, "__name__", "function").strip("_")
            self._note_function(name, args, kwargs, inputs, output)
        return output

    def _note_function(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], inputs: list[int], out: Any
    ) -> None:
        where = self.inside[-1] if self.inside else ""
        name = {"radd": "add", "iadd": "add", "rmul": "mul", "imul": "mul"}.get(name, name)
        if name in _VIEWS:
            self.graph.know(out, inputs[0])
        elif name == "addcmul":  # a + b * c
            a, b, c = args[:3]
            product = torch.empty_like(out)
            self._note("×", "product", self.graph.sources([b, c]), product, where)
            self._note("+", "sum", self.graph.sources([a, product]), out, where)
        elif name in ("add", "mul"):
            self._note(*_sum_or_product(name, args, inputs), inputs, out, where)
        elif name == "cat":
            self._note("concatenate", "join", inputs, out, where)
        else:
            label, kind = _named_function(name, args, kwargs)
            self._note(label, kind, inputs, out, where)


def _is(part: nn.Module, name: str, key: type[nn.Module] | str) -> bool:
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


def _sum_or_product(name: str, args: tuple[Any, ...], inputs: list[int]) -> tuple[str, Kind]:
    if len(inputs) > 1:
        return ("+", "sum") if name == "add" else ("×", "product")
    number = next((a for a in args if isinstance(a, int | float)), "parameter")
    if name == "add" and number == 1:
        return "1 +", "one"
    return f"{'+' if name == 'add' else '×'} {number}", "box"


def _named_function(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Kind]:
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


def _flat(values: Iterable[Any]) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        flat += _flat(value) if isinstance(value, list | tuple) else [value]
    return flat


def _factor_out(nodes: list[_Node]) -> None:
    """Writes a + a * b as a * (1 + b), the same number: then the paths do not cross."""
    readers = Counter(source for node in nodes for source in node.inputs)
    for number, node in enumerate(nodes):
        if node.step.kind != "sum" or len(node.inputs) != 2:
            continue
        for a, product in (node.inputs, node.inputs[::-1]):
            inner = nodes[product]
            if inner.step.kind == "product" and a in inner.inputs and readers[product] == 1:
                (b,) = (each for each in inner.inputs if each != a)
                mask = nodes[b].step
                one = replace(inner.step, label="1 +", kind="one", sizes=mask.sizes)
                nodes[product] = _Node(replace(one, role=mask.role), [b])
                nodes[number] = _Node(replace(node.step, label="×", kind="product"), [a, product])
                break


def _nest(nodes: list[_Node], last: int, what: str) -> Flow:
    """The graph as a nest of forks: steps in series and ways in parallel are joined to one."""
    needed = _ancestors(nodes, last)
    edges: dict[tuple[int, int], list[Flow]] = {}
    for reader in sorted(needed):
        for source in nodes[reader].inputs:
            edges.setdefault((source, reader), []).append(())
    while len(edges) > 1:
        before = len(edges)
        for number in sorted(needed - {0, last}):
            ins = [e for e in edges if e[1] == number]
            outs = [e for e in edges if e[0] == number]
            if len(ins) == len(outs) == 1:
                way = (*_one(edges.pop(ins[0])), nodes[number].step, *_one(edges.pop(outs[0])))
                edges.setdefault((ins[0][0], outs[0][1]), []).append(way)
                needed.discard(number)
        if len(edges) == before:
            raise ValueError(
                f"{what} cannot be drawn: its paths cross, so it is no nest of forks; "
                "draw its parts one by one"
            )
    (ways,) = edges.values()
    flow: Flow = (*_one(ways), nodes[last].step)
    return flow


def _one(ways: list[Flow]) -> Flow:
    """One way as it is; several as a fork."""
    if len(ways) == 1:
        return ways[0]
    branches: list[Flow] = []
    for way in ways:
        lone = way[0] if len(way) == 1 else None
        branches += lone.branches if isinstance(lone, Fork) else [way]
    branches.sort(key=lambda way: not way)  # the identity last
    return (Fork(tuple(branches)),)


def _straightened(flow: Flow) -> Flow:
    """The flow with the main way of each fork chosen, which is drawn as a straight line.

    It is the trunk where there is one. A product's is the way that makes no mask, any other step's
    the longest.
    """
    straight: list[Step | Fork | Group] = []
    for item, after in zip(flow, [*flow[1:], None], strict=False):
        if isinstance(item, Fork):
            ways = tuple(map(_straightened, item.branches))
            product = isinstance(after, Step) and after.kind == "product"
            ranks = [(_masks(way) if product else 0, -_length(way)) for way in ways]
            trunks = [i for i, way in enumerate(ways) if any(s.role == "trunk" for s in steps(way))]
            item = Fork(ways, trunks[0] if trunks else ranks.index(min(ranks)))
        straight.append(item)
    return tuple(straight)


def _masks(way: Flow) -> bool:
    """Whether a way ends in a mask: a sigmoid, f2, f3, or 1 added to one."""
    last = way[-1] if way else None
    if not isinstance(last, Step):
        return False
    return (
        last.kind in ("one", "hourglass")
        or last.role in ("mask", "gate")
        or "sigmoid" in last.label
    )


def _length(flow: Flow) -> int:
    """Steps on the longest way through a flow."""
    return sum(max(map(_length, item.branches)) if isinstance(item, Fork) else 1 for item in flow)


def _ancestors(nodes: list[_Node], last: int) -> set[int]:
    found, waiting = {last}, [last]
    while waiting:
        for source in nodes[waiting.pop()].inputs:
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found
