"""Cluttered digits: one whole digit among fragments of others, with the true masks of both.

Everything is made from raw random words by whole-number arithmetic (`bits`, `render`), so that a
seed gives the same bytes on every machine.

The task descends from the cluttered digits of Mnih et al. 2014 (arXiv 1406.6247, section 4.1);
departures: UCI digits in place of MNIST, a random size of digit, and masks of what is visible.
"""

import numpy as np
import torch

from resattn.data.bits import below, check_seed, stream
from resattn.data.digits import check_split, load_digits, split_members
from resattn.data.loading import InMemoryImages
from resattn.data.render import MAX_FRAGMENTS, OBJECT_OWNER, add_noise, enlarge, stamp, tint

INK_THRESHOLD = 64
"""A pixel belongs to a glyph where its ink is at least this, of 255: a quarter of full ink."""

MIN_SIZE, MAX_SIZE = 16, 256
MAX_NOISE = 0.5

_LABELS, _OBJECT, _FRAGMENT, _TINT, _NOISE = range(2, 7)  # purposes of streams; loading has 1
_SPLIT_KEYS = {"train": 0, "val": 1, "test": 2}
_CHUNK_PIXELS = 1 << 19  # of images made at a time: small enough for the caches


class ClutteredDigits(InMemoryImages):
    """Images of one whole digit among fragments of digits of other classes, under noise.

    A digit is enlarged bilinearly to 1/2 to 5/8 of the canvas and placed anywhere inside it.
    Each fragment is a window of a quarter of the canvas, cut at random out of a likewise enlarged
    digit of another class, and placed anywhere. The digit lies in front: its pixels of
    `INK_THRESHOLD` or more cover what is behind them. Elsewhere each pixel shows whichever glyph
    has most ink. Then noise is added, and the sum is clipped to 0 to 255.

    Image ``i`` depends on neither ``n`` nor later options: the first 100 of 1,000 images are the
    100 of a set of 100; more fragments, more noise or colour leave digits, places and the first
    fragments as they were.

    Attributes:
        images: uint8 ``(n, C, size, size)``; C is 1, or 3 with colour.
        labels: int64 ``(n,)``: images ``10k`` to ``10k + 9`` hold each class once, in random
            order, so the classes are balanced exactly when ``n`` is a multiple of 10.
        object_masks: bool ``(n, size, size)``: the digit has ink >= `INK_THRESHOLD`.
        distractor_masks: bool ``(n, size, size)``: a fragment shows, with ink >= `INK_THRESHOLD`.
            The two are disjoint; the rest is background.

    Args:
        split: "train", "val" or "test"; they share no source digit.
        n: number of images.
        size: side of the canvas in pixels, 16 to 256.
        fragments: distractors an image, 0 to 64.
        noise: standard deviation of the noise before clipping, in units of full scale, 0 to 0.5
            (a sum of four uniform bytes, so nearly normal).
        colour: three channels, a random tint for each glyph and a dark one for the background.
        seed: whole number, 0 to 2^32 - 1.

    Raises:
        ValueError: for an argument out of range, naming the value, the limit and the nearest
            valid choice.
    """

    def __init__(
        self,
        split: str,
        n: int,
        *,
        size: int = 32,
        fragments: int = 6,
        noise: float = 0.08,
        colour: bool = False,
        seed: int = 0,
    ) -> None:
        _check(split, n, size, fragments, noise, seed)
        scenes = _Scenes(split, n, size, fragments, seed)
        key = (seed, _SPLIT_KEYS[split])
        tints = stream(_TINT, *key)
        grain = stream(_NOISE, *key)
        images = np.empty((n, 3 if colour else 1, size, size), np.uint8)
        objects = np.empty((n, size, size), bool)
        distractors = np.empty((n, size, size), bool)
        chunk = max(1, _CHUNK_PIXELS // size**2)
        for start in range(0, n, chunk):
            rows = slice(start, min(start + chunk, n))
            ink, owner = scenes.draw(rows)
            inked = ink >= INK_THRESHOLD
            objects[rows] = inked & (owner == OBJECT_OWNER)
            distractors[rows] = inked & (owner != OBJECT_OWNER)
            clean = tint(ink, owner, tints) if colour else ink[:, None]
            images[rows] = add_noise(clean, noise, grain)
        super().__init__(torch.from_numpy(images), torch.from_numpy(scenes.labels))
        self.object_masks = torch.from_numpy(objects)
        self.distractor_masks = torch.from_numpy(distractors)


class _Scenes:
    """The glyphs of each image and their places; draws slices of images in order."""

    def __init__(self, split: str, n: int, size: int, fragments: int, seed: int) -> None:
        members = split_members(split)
        self.members = np.concatenate(members)
        self.counts = np.array([len(of_class) for of_class in members])
        self.starts = np.cumsum(self.counts) - self.counts
        self.glyphs = load_digits()[0].astype(np.float32)
        self.size = size
        key = (seed, _SPLIT_KEYS[split])
        blocks = stream(_LABELS, *key).random_raw((-(-n // 10), 10))
        self.labels = np.argsort(blocks, axis=1, kind="stable").reshape(-1)[:n]
        self.object_stream = stream(_OBJECT, *key)
        self.fragment_streams = [stream(_FRAGMENT, *key, j) for j in range(fragments)]

    def draw(self, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Ink, 0 to 255, and owner (0 nobody, then fragments, 255 the digit), each (b, H, W).

        Each pixel holds ``front * 2^16 + ink * 2^8 + owner``, so one maximum decides them all.
        """
        labels = self.labels[rows]
        canvas = np.zeros((len(labels), self.size, self.size), np.int32)
        for j, stream_j in enumerate(self.fragment_streams, start=1):
            self._add_fragment(canvas, labels, stream_j, j)
        words = self.object_stream.random_raw((len(labels), 4)).T
        glyphs, sides = self._pick(labels, words[0], words[1])
        top, left = (below(w, self.size - sides + 1) for w in words[2:])
        digit = stamp(enlarge(glyphs, sides, -top, -left, self.size), OBJECT_OWNER)
        digit += (digit >= INK_THRESHOLD << 8).astype(np.int32) << 16  # in front of all clutter
        np.maximum(canvas, digit, out=canvas)
        return (canvas >> 8) & 255, canvas & 255

    def _add_fragment(
        self, canvas: np.ndarray, labels: np.ndarray, stream_j: np.random.PCG64, j: int
    ) -> None:
        window = self.size // 4
        words = stream_j.random_raw((len(labels), 7)).T
        others = (labels + 1 + below(words[0], 9)) % 10
        glyphs, sides = self._pick(others, words[1], words[2])
        cut_top, cut_left = (below(w, sides - window + 1) for w in words[3:5])
        patch = stamp(enlarge(glyphs, sides, cut_top, cut_left, window), j)
        span = np.arange(window)
        y, x = (below(w, self.size - window + 1)[:, None] + span for w in words[5:])
        place = np.arange(len(labels))[:, None, None], y[:, :, None], x[:, None, :]
        canvas[place] = np.maximum(canvas[place], patch)

    def _pick(
        self, labels: np.ndarray, which: np.ndarray, side: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """A source digit (b, 8, 8) of each label, and the side to enlarge it to."""
        index = self.members[self.starts[labels] + below(which, self.counts[labels])]
        least, most = self.size // 2, self.size * 5 // 8
        return self.glyphs[index], least + below(side, most - least + 1)


def _check(split: str, n: int, size: int, fragments: int, noise: float, seed: int) -> None:
    check_split(split)
    check_seed(seed)
    for name, value, least, most in (
        ("n", n, 1, None),
        ("size", size, MIN_SIZE, MAX_SIZE),
        ("fragments", fragments, 0, MAX_FRAGMENTS),
    ):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and least <= value and (most is None or value <= most):
            continue
        span = f"{least} or more" if most is None else f"{least} to {most}"
        nearest = most if whole and value > least else least
        hint = " (for 8 pixels: PlainDigits)" if name == "size" and value == 8 else ""
        raise ValueError(
            f"{name} must be a whole number, {span}, got {value!r}; the nearest is {nearest}{hint}"
        )
    if not isinstance(noise, int | float) or not 0 <= noise <= MAX_NOISE:
        raise ValueError(f"noise must be a number from 0 to {MAX_NOISE}, got {noise!r}")
