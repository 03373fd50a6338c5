"""From what read what, to forks: a graph of steps becomes a nest of ways that split and meet."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from torch import Tensor

from resattn.drawings.flow import Flow, Fork, Group, Step, steps


@dataclass
class Node:
    step: Step
    inputs: list[int]


@dataclass
class Graph:
    """Steps and which of them reads which; number 0 is the input."""

    nodes: list[Node] = field(default_factory=list)
    made_by: dict[int, int] = field(default_factory=dict)  # id of a tensor to its step
    kept: list[Tensor] = field(default_factory=list)  # so that no id is used twice

    def know(self, tensor: Tensor, node: int) -> None:
        self.made_by[id(tensor)] = node
        self.kept.append(tensor)

    def sources(self, values: Iterable[object]) -> list[int]:
        found = [self.made_by[id(v)] for v in values if id(v) in self.made_by]
        return list(dict.fromkeys(found))

    def add(self, step: Step, inputs: list[int]) -> int:
        self.nodes.append(Node(step, inputs))
        return len(self.nodes) - 1


def factor_out(nodes: list[Node]) -> None:
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
                nodes[product] = Node(replace(one, role=mask.role), [b])
                nodes[number] = Node(replace(node.step, label="×", kind="product"), [a, product])
                break


def nest(nodes: list[Node], last: int, what: str) -> Flow:
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


def straightened(flow: Flow) -> Flow:
    """The flow with the main way of each fork chosen, which is drawn as a straight line.

    It is the trunk where there is one. A product's is the way that makes no mask, any other step's
    the longest.
    """
    straight: list[Step | Fork | Group] = []
    for item, after in zip(flow, [*flow[1:], None], strict=False):
        if isinstance(item, Fork):
            ways = tuple(map(straightened, item.branches))
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


def _ancestors(nodes: list[Node], last: int) -> set[int]:
    found, waiting = {last}, [last]
    while waiting:
        for source in nodes[waiting.pop()].inputs:
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found
