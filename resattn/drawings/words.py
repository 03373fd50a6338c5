"""A flow in words, from its input to its output: the alternative text of a drawing."""

from resattn.drawings.flow import Flow, Fork, Group, Sizes, Step, last_sizes


def counted(count: int, noun: str) -> str:
    """A number and its noun, in the plural where that is needed.

    >>> counted(1, "unit"), counted(2, "unit")
    ('1 unit', '2 units')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def spoken(sizes: Sizes) -> str:
    """The sizes of a tensor for one image as words: ``64 channels of 56 by 56``.

    >>> spoken((64, 56, 56))
    '64 channels of 56 by 56'
    """
    if len(sizes) == 3:
        return f"{counted(sizes[0], 'channel')} of {sizes[1]} by {sizes[2]}"
    return f"{sizes[0]} values" if sizes else ""


def told(flow: Flow, sizes: Sizes) -> str:
    """Everything that a flow draws, in the order in which data meets it.

    Args:
        flow: the structure of the drawing.
        sizes: of the tensor that enters.
    """
    start = f"Input: {spoken(sizes)}. " if sizes else ""
    return f"{start}{_clauses(flow, sizes)}."


def _clauses(flow: Flow, sizes: Sizes) -> str:
    parts: list[str] = []
    for item in flow:
        if isinstance(item, Step):
            parts.append(_step(item, sizes))
            sizes = item.sizes
        elif isinstance(item, Group):
            parts.append(f"[{item.title}: {_clauses(item.inside, sizes)}]")
            sizes = last_sizes(item.inside, sizes)
        else:
            parts.append(_fork(item, sizes))
    return "; then ".join(parts)


def _fork(fork: Fork, sizes: Sizes) -> str:
    ways = [_clauses(way, sizes) if way else "unchanged" for way in fork.branches]
    numbered = ", ".join(f"way {i}: ({way})" for i, way in enumerate(ways, 1))
    return f"a split into {len(ways)} ways, {numbered}, which meet"


def _step(step: Step, before: Sizes) -> str:
    names = {"sum": "a sum", "product": "a product", "one": "1 added"}
    text = names.get(step.kind, " ".join(step.label.split()))
    return f"{text} ({spoken(step.sizes)})" if step.sizes and step.sizes != before else text
