"""New scenes in every epoch, so that nothing can be memorised."""

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.utils.data import Dataset

from resattn.data.bits import below, check_seed, stream
from resattn.data.loading import InMemoryImages

_FRESH = 20  # purpose of the stream that gives each epoch its seed


class FreshScenes(Dataset):
    """A dataset of this package that is made anew for every epoch, with a seed of its own.

    A network that sees each image once cannot over-fit to it: its error on new scenes is limited by
    what it has understood, not by what it has memorised. `resattn.data.make_loader` calls
    `set_epoch`, so a resumed run sees the same scenes as one that was never interrupted.

    Example:
        >>> from resattn.data import CuedDigits, FreshScenes
        >>> train = FreshScenes(lambda seed: CuedDigits("train", 6400, seed=seed), seed=0)

    Attributes:
        labels: int64 ``(N,)``, the labels of the current epoch.

    Args:
        make: gives the dataset of a seed; each one has the same length.
        seed: whole number, 0 to 2^32 - 1. The scenes of an epoch are a function of it and of the
            epoch's number alone.

    Raises:
        ValueError: if an epoch's dataset has another length than the first one.
    """

    def __init__(self, make: Callable[[int], InMemoryImages], *, seed: int = 0) -> None:
        self._make, self._seed = make, check_seed(seed)
        self._epoch, self._scenes = 0, make(self._seed_of(0))

    def set_epoch(self, epoch: int) -> None:
        """Make the scenes of this epoch, unless they are there already."""
        if epoch == self._epoch:
            return
        scenes = self._make(self._seed_of(epoch))
        if len(scenes) != len(self._scenes):
            raise ValueError(
                f"every epoch needs the same number of scenes: {len(self._scenes)} in the first "
                f"and {len(scenes)} in epoch {epoch}; make() must not change its n"
            )
        self._epoch, self._scenes = epoch, scenes

    @property
    def labels(self) -> Tensor:
        """Return the labels of the current epoch."""
        return self._scenes.labels

    def __len__(self) -> int:
        return len(self._scenes)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._scenes[index]

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return images float32 ``(B, C, H, W)`` and labels int64 ``(B,)`` of a batch, stacked."""
        return self._scenes.__getitems__(indices)

    def _seed_of(self, epoch: int) -> int:
        return int(below(stream(_FRESH, self._seed, epoch).random_raw(1), 2**32 - 1)[0])
