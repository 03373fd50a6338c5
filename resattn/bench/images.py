"""What generating the embedded data costs."""

from functools import partial
from statistics import median

from resattn.bench import Row, seconds
from resattn.data import ClutteredDigits


def measure(rounds: int = 5) -> list[Row]:
    """Median seconds for 6,000 images of 32x32 with labels and both masks."""
    taken = median(
        seconds(partial(ClutteredDigits, "train", 6000, seed=seed)) for seed in range(rounds)
    )
    return [("6,000 images of 32x32, with masks", f"{taken:.2f} s")]
