"""Cued digits: several whole digits in each image, and a small cue that says which one counts.

In `ClutteredDigits` the object is the only whole digit, so a network can find it without a mask.
Here nothing inside the target distinguishes it from the other digits: a network has to find the
cue, read it, and then prefer one digit over the others. That is a task for attention.

Everything is made from raw random words by whole-number arithmetic (`bits`, `render`), so that a
seed gives the same bytes on every machine.
"""

import numpy as np
import torch

from resattn.checks import check_choice
from resattn.data.bits import below, check_seed, stream
from resattn.data.cluttered import INK_THRESHOLD, MAX_NOISE
from resattn.data.digits import SPLITS, check_split, load_digits, split_members
from resattn.data.loading import InMemoryImages
from resattn.data.render import add_noise, enlarge

CUES = ("colour", "place")
PALETTE = np.array(
    [(230, 40, 40), (40, 210, 40), (60, 80, 250), (220, 200, 30), (200, 50, 210)], np.int64
)
"""Colours of digits: red, green, blue, yellow, magenta. An image uses the first ``digits``."""
GREY = np.array((200, 200, 200), np.int64)
"""Colour of a cue that speaks by its place; no digit has it."""

MIN_SIZE, MAX_SIZE = 24, 256
GRID = 3  # cells per side

_LABELS, _SCENE, _NOISE = range(10, 13)  # purposes of streams; those below are other modules'
_CHUNK = 512  # images made at a time


class CuedDigits(InMemoryImages):
    """Images of several whole digits, of which a cue names one; the label is that digit's class.

    The canvas is a grid of 3 x 3 cells. Each digit fills a cell of its own, and all of them have
    different classes and different colours. The cue, a small square, lies in another cell:

    - ``cue="colour"``: the cue has the colour of the target.
    - ``cue="place"``: the cue is grey, and the target lies opposite to it: mirrored at the middle
      of the image. No colour says anything, so a gate that has one value per channel cannot use it.

    Each glyph is shifted by a few pixels inside its cell. Where two of them overlap, the pixel
    shows the one with more ink. Then noise is added, and the sum is clipped to 0 to 255.

    Two error rates say what a network has understood. One that reads digits and ignores the cue is
    wrong in ``1 - 1 / digits`` of all images (66.7 % for three). One that guesses a class is wrong
    in 90 %.

    Image ``i`` does not depend on ``n``: the first 100 of 1,000 images are the 100 of a set of 100.

    Attributes:
        images: uint8 ``(n, 3, size, size)``.
        labels: int64 ``(n,)``: images ``10k`` to ``10k + 9`` hold each class once, in random order.
        object_masks: bool ``(n, size, size)``: the target shows, with ink >= `INK_THRESHOLD`.
        distractor_masks: bool ``(n, size, size)``: another digit shows, with that much ink.
        cue_masks: bool ``(n, size, size)``: the cue shows. No two of the three masks overlap.

    Args:
        split: "train", "val" or "test"; they share no source digit.
        n: number of images.
        size: side of the canvas in pixels, 24 to 256. A digit's side is 5/16 of it, the cue's 1/8.
        digits: whole digits per image, 2 to 5.
        cue: "colour" or "place".
        noise: standard deviation of the noise before clipping, in units of full scale, 0 to 0.5.
        seed: whole number, 0 to 2^32 - 1.

    Raises:
        ValueError: for an argument out of range, naming the value and the limit.
    """

    def __init__(
        self,
        split: str,
        n: int,
        *,
        size: int = 32,
        digits: int = 3,
        cue: str = "colour",
        noise: float = 0.08,
        seed: int = 0,
    ) -> None:
        _check(split, n, size, digits, cue, noise, seed)
        key = (seed, SPLITS.index(split))
        scenes = _Scenes(split, n, size, digits, cue, seed)
        grain = stream(_NOISE, *key)
        images = np.empty((n, 3, size, size), np.uint8)
        owners = np.empty((n, size, size), np.uint8)
        for start in range(0, n, _CHUNK):
            rows = slice(start, min(start + _CHUNK, n))
            clean, owners[rows] = scenes.draw(rows)
            images[rows] = add_noise(clean, noise, grain)
        super().__init__(torch.from_numpy(images), torch.from_numpy(scenes.labels))
        self.object_masks = torch.from_numpy(owners == 1)
        self.distractor_masks = torch.from_numpy((owners > 1) & (owners <= digits))
        self.cue_masks = torch.from_numpy(owners == digits + 1)


class _Scenes:
    """The glyphs, cells and colours of each image; draws slices of images in order.

    Glyph 1 is the target, glyphs 2 to ``digits`` the distractors, glyph ``digits + 1`` the cue.
    """

    def __init__(self, split: str, n: int, size: int, digits: int, cue: str, seed: int) -> None:
        self.size, self.digits, self.cue = size, digits, cue
        self.side, self.cue_side = size * 5 // 16, size // 8
        self.glyphs = load_digits()[0].astype(np.float32)
        self.members = split_members(split)
        key = (seed, SPLITS.index(split))
        blocks = stream(_LABELS, *key).random_raw((-(-n // 10), 10))
        self.labels = np.argsort(blocks, axis=1, kind="stable").reshape(-1)[:n]
        self.words = stream(_SCENE, *key)

    def draw(self, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return colours (b, 3, H, W), 0 to 255, and the glyph of each pixel (b, H, W), 0 none."""
        labels = self.labels[rows]
        count, most = len(labels), len(PALETTE) + 1
        words = self.words.random_raw((count, 10 + len(PALETTE) + GRID**2 + 5 * most))
        order, colour, place, rest = np.split(words, np.cumsum([10, len(PALETTE), GRID**2]), axis=1)
        classes = self._classes(labels, order)
        colours = np.argsort(colour[:, : self.digits], axis=1, kind="stable")
        cells = self._cells(place)
        ink = np.zeros((count, self.size, self.size), np.int64)
        owner = np.zeros((count, self.size, self.size), np.uint8)
        canvas = np.zeros((count, 3, self.size, self.size), np.int64)
        for k in range(self.digits + 1):
            picks = rest[:, 5 * k : 5 * k + 5]
            top, left = self._corner(cells[:, k], picks)
            if k < self.digits:
                glyph = self._glyph(classes[:, k], picks[:, 4])
                sides = np.full(count, self.side)
                drawn = enlarge(glyph, sides, -top, -left, self.size)
                tint = PALETTE[colours[:, k]]
            else:
                drawn = self._square(top, left, picks)
                tint = PALETTE[colours[:, 0]] if self.cue == "colour" else GREY[None]
            front = drawn > ink
            owner[front & (drawn >= INK_THRESHOLD)] = k + 1
            ink = np.maximum(ink, drawn)
            shown = np.broadcast_to(tint[:, :, None, None], canvas.shape) * drawn[:, None] // 255
            canvas = np.where(front[:, None], shown, canvas)
        return canvas, owner

    def _classes(self, labels: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Return the class of each digit (b, digits), all distinct; the label is the first."""
        ranked = np.argsort(words, axis=1, kind="stable")
        others = ranked[ranked != labels[:, None]].reshape(len(labels), 9)
        return np.concatenate([labels[:, None], others[:, : self.digits - 1]], axis=1)

    def _cells(self, words: np.ndarray) -> np.ndarray:
        """Return the cell of each glyph (b, digits + 1), all distinct; the cue's is the last."""
        ranked = np.argsort(words, axis=1, kind="stable")
        if self.cue == "colour":
            return ranked[:, : self.digits + 1]
        middle, last = GRID**2 // 2, GRID**2 - 1
        off_middle = ranked[ranked != middle].reshape(len(ranked), -1)
        target = off_middle[:, :1]
        free = (ranked != target) & (ranked != last - target)
        others = ranked[free].reshape(len(ranked), -1)[:, : self.digits - 1]
        return np.concatenate([target, others, last - target], axis=1)

    def _corner(self, cells: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the upper left corner of each glyph: its cell's, shifted by 0 to the slack."""
        slack = self.size - GRID * self.side
        row, column = np.divmod(cells, GRID)
        down, right = (below(words[:, axis], slack + 1) for axis in (0, 1))
        return row * self.side + down, column * self.side + right

    def _glyph(self, classes: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Return a source digit (b, 8, 8) of each class."""
        counts = np.array([len(of_class) for of_class in self.members])
        starts = np.cumsum(counts) - counts
        index = np.concatenate(self.members)[starts[classes] + below(words, counts[classes])]
        return self.glyphs[index]

    def _square(self, top: np.ndarray, left: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Return full ink (b, H, W) in a square at a random place of the cell."""
        room = self.side - self.cue_side + 1
        top, left = top + below(words[:, 2], room), left + below(words[:, 3], room)
        at = np.arange(self.size)
        rows = (at >= top[:, None]) & (at < top[:, None] + self.cue_side)
        columns = (at >= left[:, None]) & (at < left[:, None] + self.cue_side)
        return 255 * (rows[:, :, None] & columns[:, None, :]).astype(np.int64)


def _check(split: str, n: int, size: int, digits: int, cue: str, noise: float, seed: int) -> None:
    check_split(split)
    check_seed(seed)
    check_choice("cue", cue, CUES)
    for name, value, least, most in (
        ("n", n, 1, None),
        ("size", size, MIN_SIZE, MAX_SIZE),
        ("digits", digits, 2, len(PALETTE)),
    ):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and least <= value and (most is None or value <= most):
            continue
        span = f"{least} or more" if most is None else f"{least} to {most}"
        raise ValueError(f"{name} must be a whole number, {span}, got {value!r}")
    if not isinstance(noise, int | float) or not 0 <= noise <= MAX_NOISE:
        raise ValueError(f"noise must be a number from 0 to {MAX_NOISE}, got {noise!r}")
