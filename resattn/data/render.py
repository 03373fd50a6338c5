"""Glyphs to pixels, in whole numbers only: the same on every machine.

The one matrix product runs in float32 on whole numbers below 2^24, where it is exact in whatever
order a BLAS adds.
"""

import numpy as np

from resattn.data.bits import below
from resattn.data.digits import FULL_INK

MAX_FRAGMENTS = 64
OBJECT_OWNER = 255
"""Owners of a pixel: 0 nobody, 1 to `MAX_FRAGMENTS` the fragments, 255 the digit."""


def enlarge(
    glyphs: np.ndarray, sides: np.ndarray, top: np.ndarray, left: np.ndarray, window: int
) -> np.ndarray:
    """Ink, 0 to 255, in a square window whose corner is (top, left) of each enlarged glyph."""
    rows = _bilinear(sides, top, window)  # (b, window, 8)
    columns = _bilinear(sides, left, window).transpose(0, 2, 1)
    weighted = (rows @ glyphs @ columns).astype(np.int32)  # at most 2^16 * FULL_INK: exact
    return (weighted * 255 // FULL_INK + (1 << 15)) >> 16


def _bilinear(sides: np.ndarray, start: np.ndarray, window: int) -> np.ndarray:
    """Weights (b, window, 8), in 1/256, of 8 source pixels for the enlarged pixels from start on.

    Half-pixel centres, the border repeated, zero outside the enlarged glyph.
    """
    at = start[:, None] + np.arange(window)
    inside = (at >= 0) & (at < sides[:, None])
    centre = (2 * at + 1) * 8 * 256 // (2 * sides[:, None]) - 128
    distance = np.abs(np.clip(centre, 0, 7 * 256)[:, :, None] - 256 * np.arange(8))
    return (np.maximum(256 - distance, 0) * inside[:, :, None]).astype(np.float32)


def stamp(ink: np.ndarray, owner: int) -> np.ndarray:
    """``256 * ink + owner`` where there is ink, else 0: the larger stamp wins a pixel."""
    return (ink << 8) + owner * (ink > 0)


def tint(ink: np.ndarray, owner: np.ndarray, tints: np.random.PCG64) -> np.ndarray:
    """Colour (b, 3, H, W): from a dark background's tint to each glyph's own, by ink.

    Each image has the words of all possible owners, so the tints depend on no other option.
    """
    words = tints.random_raw((len(ink), 3, MAX_FRAGMENTS + 2))
    background = below(words[:, :, :1], 64)[:, :, :, None]
    palette = 96 + below(words, 160)  # owner 0 is never seen; the digit's tint is the last
    slot = np.minimum(owner, MAX_FRAGMENTS + 1).reshape(len(ink), 1, -1)
    bright = np.take_along_axis(palette, slot, axis=2).reshape(len(ink), 3, *ink.shape[1:])
    return background + (bright - background) * ink[:, None] // 255


def add_noise(clean: np.ndarray, noise: float, grain: np.random.PCG64) -> np.ndarray:
    """Add a centred sum of four uniform bytes, scaled to ``noise`` of full scale; clip."""
    if not noise:
        return clean.astype(np.uint8)
    pixels = clean[0].size
    words = grain.random_raw((len(clean), -(-pixels // 2))).astype("<u8", copy=False)
    grains = words.view(np.uint8).reshape(len(clean), 4, -1)[:, :, :pixels]
    total = grains.sum(axis=1, dtype=np.int32).reshape(clean.shape) - 510
    deviation = (4 * (256**2 - 1) / 12) ** 0.5  # of a sum of four uniform bytes
    scale = round(noise * 255 * (1 << 16) / deviation)
    return np.clip(clean + ((total * scale + (1 << 15)) >> 16), 0, 255).astype(np.uint8)
