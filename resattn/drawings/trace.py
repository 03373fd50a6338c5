"""From a module and one forward pass to the structure of its drawing.

Nothing is known in advance about the module: its layers are watched by hooks, its sums, products
and other functions by a `TorchFunctionMode`, and which tensor went where is read off the tensors
themselves. So a wrong port gives another drawing than the right network, though both have the same
parameter count.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resattn.drawings.flow import Flow, Kind, Sizes, Step
from resattn.drawings.labels import (
    Boxes,
    is_meant,
    kind_of,
    label_of,
    named_function,
    sum_or_product,
)
from resattn.drawings.nest import Graph, factor_out, nest, straightened
from resattn.drawings.shapes import Role
from resattn.resampling import Upsample

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
    graph = Graph()
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
    factor_out(graph.nodes)
    flow = nest(graph.nodes, graph.made_by[id(output)], type(module).__name__)
    return Trace(sizes, straightened(flow))


class _Watcher(TorchFunctionMode):
    """Writes down each layer and each function that reads something computed from the input."""

    def __init__(self, graph: Graph, whole: Boxes, role: Role) -> None:
        super().__init__()
        self.graph, self.whole, self.role = graph, whole, role
        self.inside: list[str] = []  # names of the modules that are running
        self.deaf = 0  # how many modules are running that are one box

    def watch(self, name: str, part: nn.Module) -> list[Any]:
        """Hooks on a module: it is one box if it has no parts, or belongs to `whole`."""
        given = [text for key, text in self.whole.items() if is_meant(part, name, key)]
        label = next(filter(None, given), label_of(part))
        empty = isinstance(part, nn.Sequential) and not len(part)
        one_box = bool(given) or isinstance(part, Upsample) or not list(part.children())
        if empty or (not name and not type(part).__module__.startswith("torch.")):
            one_box = False  # what is to be drawn has an inside, even if it has no layers

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
            self._note(*sum_or_product(name, args, inputs), inputs, out, where)
        elif name == "cat":
            self._note("concatenate", "join", inputs, out, where)
        else:
            label, kind = named_function(name, args, kwargs)
            self._note(label, kind, inputs, out, where)


def _flat(values: Iterable[Any]) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        flat += _flat(value) if isinstance(value, list | tuple) else [value]
    return flat
