"""A short text that identifies a value, the same on every machine.

Numbers have six significant digits, which float64 reproduces on any processor. The text of an array
has its type, its shape, and all its values; of a large array, the first three values, the sum, and
two weighted sums. Their random weights come from a seed, so arrays that differ anywhere have
different texts.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

WHOLE = 8  # values of an array that is printed as a whole
LONGEST = 24  # a sequence of more items is printed by its beginning and a fingerprint
TEXT = 200  # characters of a string
DEEPEST = 6


def digest(value: object, seed: int = 0, depth: int = 0) -> str:
    """Return the text of a value: a number, string, array, or a nested structure of these."""
    if depth > DEEPEST:
        return "too deeply nested"
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, str):
        return repr(value) if len(value) <= TEXT else f"{value[:20]!r}... {fingerprint([value])}"
    array = _as_array(value)
    if array is not None:
        return digest(array.item(), seed) if array.ndim == 0 else _array(array, value, seed)
    if isinstance(value, dict):
        parts = [f"{key!r}: {digest(value[key], seed, depth + 1)}" for key in value]
        return "{" + _joined(sorted(parts)) + "}"
    if isinstance(value, set | frozenset):
        return "set (" + _joined(sorted(digest(item, seed, depth + 1) for item in value)) + ")"
    if isinstance(value, list | tuple):
        return "(" + _joined(digest(item, seed, depth + 1) for item in value) + ")"
    if isinstance(value, Iterator):
        return digest(list(islice(value, 10_000)), seed, depth)
    if hasattr(value, "parameters") and hasattr(value, "state_dict"):
        sizes = [parameter.numel() for parameter in value.parameters()]
        return f"module of {sum(sizes)} parameters in {len(sizes)} tensors"
    return f"{'function' if callable(value) else type(value).__name__}"


def number(value: float, scale: float = 1.0) -> str:
    """Return a number to six significant digits; below 1e-9 of ``scale`` (or of 1) it is 0."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value)) if abs(value) < 10**15 else f"{float(value):.6g}"
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    if abs(value) < 1e-9 * max(1.0, scale):
        return "0"
    near = round(value)
    if abs(near) < 10**15 and abs(value - near) <= 1e-9 * max(1.0, abs(value)) and near:
        return str(near)
    return f"{value:.6g}"


def fingerprint(lines: Iterable[str]) -> str:
    """Return sixteen characters that identify some lines of text."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def stream(*key: object) -> "np.random.RandomState":
    """Return the random generator of a key; numpy promises that its numbers never change."""
    import numpy as np

    words = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return np.random.RandomState(np.frombuffer(words, dtype=np.uint32).copy())


@lru_cache(maxsize=256)
def _weights(size: int, seed: int) -> "np.ndarray":
    return stream("digest", seed, size).standard_normal((2, size))


def _joined(parts: Iterable[str]) -> str:
    parts = list(parts)
    if len(parts) <= LONGEST:
        return ", ".join(parts)
    return f"{', '.join(parts[:3])}, ... {len(parts)} in all, {fingerprint(parts)}"


def _as_array(value: object) -> "np.ndarray | None":
    """Return the numpy array of a tensor or an array, else None."""
    kind = type(value).__module__.partition(".")[0]
    if kind == "torch" or hasattr(value, "detach"):
        import torch

        if isinstance(value, torch.Tensor):
            value = value.detach().cpu()
            if value.layout != torch.strided:
                value = value.to_dense()
            wide = torch.complex128 if value.is_complex() else torch.float64
            return (value.resolve_conj().to(wide) if value.dtype != torch.bool else value).numpy()
    if kind == "numpy":
        import numpy as np

        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc":
            return np.asarray(value)
    return None


def _array(array: "np.ndarray", value: Any, seed: int) -> str:
    import numpy as np

    name = str(value.dtype).removeprefix("torch.")
    head = f"{name} {'array' if isinstance(value, np.ndarray) else 'tensor'} {array.shape}"
    if array.size == 0:
        return head
    flat = (
        np.concatenate([array.real.ravel(), array.imag.ravel()])
        if (np.iscomplexobj(array))
        else array.astype(np.float64).ravel()
    )
    odd = ~np.isfinite(flat)
    finite = np.where(odd, 0.0, flat)
    scale = float(np.abs(finite).max())
    if flat.size <= WHOLE:
        return f"{head} values " + " ".join(number(float(entry), scale) for entry in flat)
    first = " ".join(number(float(entry), scale) for entry in flat[:3])
    sums = [finite.sum(), *(finite * _weights(flat.size, seed)).sum(1)]
    total, *mixes = (number(float(entry), scale) for entry in sums)
    lost = f", {odd.sum()} nan or inf" if odd.any() else ""
    return f"{head} first {first}, sum {total}, mixes {' '.join(mixes)}{lost}"
