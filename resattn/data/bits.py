"""Random whole numbers that are the same on every machine and under every numpy version.

numpy guarantees the raw 64-bit output of a named bit generator for ever, but lets the methods of
``Generator`` (integers, permutation, normal) change between versions. So everything random in
`resattn.data` is made from raw words by whole-number arithmetic.
"""

import numpy as np


def stream(*key: int) -> np.random.PCG64:
    """The bit generator named by a key of whole numbers below 2^32.

    Distinct keys of one length are independent; the package begins each key with its purpose.
    """
    return np.random.PCG64(np.random.SeedSequence(key))


def below(words: np.ndarray, limit: int | np.ndarray) -> np.ndarray:
    """Map 64-bit words to whole numbers in ``[0, limit)``; ``limit`` (< 2^32) broadcasts.

    The upper half of the word times the limit, shifted down: uniform up to ``limit / 2^32``.
    """
    limit = np.asarray(limit).astype(np.uint64)
    return (((words >> np.uint64(32)) * limit) >> np.uint64(32)).astype(np.int64)


def permutation(n: int, *key: int) -> np.ndarray:
    """A uniform permutation of ``0 .. n-1`` that is a pure function of ``n`` and the key."""
    return np.argsort(stream(*key).random_raw(n), kind="stable")


def check_seed(seed: int) -> int:
    """Return ``seed``, or raise ValueError unless it is a whole number from 0 to 2^32 - 1."""
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"a seed must be a whole number from 0 to {2**32 - 1}, got {seed!r}")
    return seed
