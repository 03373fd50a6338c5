"""Cluttered digits against a naive re-drawing, and the promises of their docstring."""

import hashlib

import numpy as np
import pytest
import torch

from resattn.data import ClutteredDigits
from resattn.data.digits import load_digits, split_members
from resattn.data.render import enlarge


def digest(data):
    parts = (data.images, data.labels, data.object_masks, data.distractor_masks)
    joined = b"".join(part.numpy().astype("<i8").tobytes() for part in parts)
    return hashlib.sha256(joined).hexdigest()


@pytest.mark.parametrize(
    ("split", "n", "options", "expected"),
    [
        ("train", 25, {}, "6454b2bf6ee45d39368cfc8083fc4978e0f48719ff6b8d450601e40d21ff5542"),
        (
            "val",
            12,
            {"size": 17, "fragments": 4, "seed": 5},
            "421c0226c54de5f43d2655016f35c5897a5de7a33b1b76e4f5660f7c3d068ae5",
        ),
        (
            "test",
            11,
            {"colour": True, "noise": 0.2},
            "837950ab308450cb174ad877ebe775af5029bec8047aaadb7d722a637f171755",
        ),
        (
            "train",
            3,
            {"size": 64, "fragments": 64, "noise": 0},
            "e8c9bd5c1ba27a42ede07eb44e696f864000d019801d6e2b522afcebcb39bccd",
        ),
    ],
)
def test_a_seed_gives_the_same_bytes_on_every_machine(split, n, options, expected):
    assert digest(ClutteredDigits(split, n, **options)) == expected


def naive_bilinear(glyph, side):
    """Half-pixel centres in 1/256, one pixel at a time, in Python's whole numbers."""
    out = np.zeros((side, side), np.int64)
    for y in range(side):
        for x in range(side):
            total = 0
            at = [min(max((2 * i + 1) * 2048 // (2 * side) - 128, 0), 1792) for i in (y, x)]
            for row in range(8):
                for column in range(8):
                    weights = (
                        max(0, 256 - abs(at[0] - 256 * row)),
                        max(0, 256 - abs(at[1] - 256 * column)),
                    )
                    total += weights[0] * weights[1] * int(glyph[row, column])
            out[y, x] = (total * 255 // 16 + 32768) >> 16
    return out


@pytest.mark.parametrize("side", [8, 9, 17, 20])
def test_enlarge_is_bilinear_interpolation(side):
    glyphs = load_digits()[0][:3].astype(np.float32)
    corner = np.zeros(3, np.int64)
    drawn = enlarge(glyphs, np.full(3, side), corner, corner, side)
    for glyph, image in zip(glyphs, drawn, strict=True):
        assert np.array_equal(image, naive_bilinear(glyph, side))
    resized = torch.nn.functional.interpolate(
        torch.from_numpy(glyphs).double()[:, None], size=side, mode="bilinear"
    )
    assert np.abs(drawn - resized[:, 0].numpy() * 255 / 16).max() < 2.5  # steps of 1/256 pixel


def test_enlarge_cuts_a_window_and_is_empty_outside():
    glyphs = np.full((2, 8, 8), 16, np.float32)
    glyphs[1] = load_digits()[0][5]
    whole = enlarge(glyphs, np.array([12, 12]), np.array([0, 0]), np.array([0, 0]), 12)
    cut = enlarge(glyphs, np.array([12, 12]), np.array([-2, 3]), np.array([4, -5]), 11)
    padded = np.pad(whole, ((0, 0), (11, 11), (11, 11)))
    assert np.array_equal(cut[0], padded[0, 9:20, 15:26])
    assert np.array_equal(cut[1], padded[1, 14:25, 6:17])


def test_each_digit_is_whole_from_its_split_and_of_its_label():
    data = ClutteredDigits("test", 30, fragments=0, noise=0, seed=3)
    glyphs = load_digits()[0]
    members = split_members("test")
    for image, label, mask in zip(data.images, data.labels, data.object_masks, strict=True):
        rows, columns = (torch.nonzero(image[0].sum(d)).flatten() for d in (1, 0))
        cropped = image[0, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].numpy()
        assert any(
            cropped.tobytes() == _trim(naive).astype(np.uint8).tobytes()
            for naive in _candidates(glyphs[members[label]], cropped.shape)
        )
        assert torch.equal(mask, image[0] >= 64)


def _candidates(glyphs, shape):
    for side in range(16, 21):
        zero = np.zeros(len(glyphs), np.int64)
        for image in enlarge(glyphs.astype(np.float32), zero + side, zero, zero, side):
            if _trim(image).shape == shape:
                yield image


def _trim(image):
    rows, columns = np.flatnonzero(image.sum(1)), np.flatnonzero(image.sum(0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def test_masks_tell_object_distractor_and_background_apart():
    options = {"noise": 0, "seed": 2}
    alone = ClutteredDigits("val", 50, fragments=0, **options)
    data = ClutteredDigits("val", 50, fragments=6, **options)
    assert torch.equal(data.object_masks, alone.object_masks)
    assert not (data.object_masks & data.distractor_masks).any()
    assert not alone.distractor_masks.any()
    shown = data.images[:, 0]
    assert torch.equal(shown[data.object_masks], alone.images[:, 0][data.object_masks])
    assert torch.equal(shown >= 64, data.object_masks | data.distractor_masks)
    assert data.object_masks.flatten(1).any(1).all()
    assert data.distractor_masks.flatten(1).any(1).all()


def test_fragments_come_from_other_classes():
    """Ink of the label's own class alone must not explain a fragment: swap classes and look."""
    from resattn.data import cluttered

    seen = []

    class Spy(cluttered._Scenes):
        def _pick(self, labels, which, side):
            seen.append(labels)
            return super()._pick(labels, which, side)

    scenes = Spy("train", 200, 32, 5, 0)
    scenes.draw(slice(0, 200))
    *others, own = seen
    assert np.array_equal(own, scenes.labels) and len(others) == 5
    assert all((other != own).all() for other in others)
    assert set(np.unique(np.concatenate(others))) == set(range(10))


def test_image_i_does_not_depend_on_n_nor_on_later_options():
    few, many = ClutteredDigits("train", 7), ClutteredDigits("train", 600)
    for name in ("images", "labels", "object_masks", "distractor_masks"):
        assert torch.equal(getattr(few, name), getattr(many, name)[:7])
    harder = ClutteredDigits("train", 7, fragments=12, noise=0.3, colour=True)
    assert torch.equal(harder.labels, few.labels)
    assert torch.equal(harder.object_masks, few.object_masks)
    covered = few.distractor_masks & ~harder.distractor_masks
    assert not covered.any()  # the first six fragments are still there


def test_seeds_and_splits_differ():
    sets = [
        ClutteredDigits("train", 20),
        ClutteredDigits("train", 20, seed=1),
        ClutteredDigits("val", 20),
        ClutteredDigits("test", 20),
    ]
    assert len({digest(data) for data in sets}) == 4


def test_every_ten_images_hold_each_class_once_in_changing_order():
    labels = ClutteredDigits("train", 205).labels
    blocks = labels[:200].view(20, 10)
    assert torch.equal(blocks.sort(1).values, torch.arange(10).expand(20, 10))
    assert len(blocks.unique(dim=0)) == 20


@pytest.mark.parametrize("noise", [0.02, 0.08])
def test_noise_has_the_deviation_asked_for(noise):
    clean = ClutteredDigits("train", 200, noise=0).images.double()
    noisy = ClutteredDigits("train", 200, noise=noise).images.double()
    unclipped = (clean >= 110) & (clean <= 145)  # 510 * 0.08 * 255 / 148 = 70 at most
    difference = (noisy - clean)[unclipped] / 255
    count = unclipped.sum().item()
    assert count > 2_000
    assert abs(difference.mean()) < 5 * noise / count**0.5
    assert abs(difference.std() / noise - 1) < 0.05


@pytest.mark.parametrize("size", [16, 19, 33, 256])
@pytest.mark.parametrize("colour", [False, True])
def test_shapes_types_and_ranges(size, colour):
    data = ClutteredDigits("val", 3, size=size, colour=colour)
    channels = 3 if colour else 1
    assert data.images.shape == (3, channels, size, size) and data.images.dtype == torch.uint8
    assert data.labels.shape == (3,) and data.labels.dtype == torch.int64
    for masks in (data.object_masks, data.distractor_masks):
        assert masks.shape == (3, size, size) and masks.dtype == torch.bool
    image, label = data[2]
    assert image.shape == (channels, size, size) and image.dtype == torch.float32
    assert type(label) is int and 0 <= image.min() and image.max() <= 1
    assert len(list(data)) == len(data) == 3


def test_colour_tints_each_glyph_and_the_background_apart():
    data = ClutteredDigits("train", 20, colour=True, noise=0)
    background = ~(data.object_masks | data.distractor_masks)
    for image, ground, thing in zip(data.images, background, data.object_masks, strict=True):
        brightest = image[:, thing].double().amax(1)
        assert (image[:, ground].amin(1) < 64).all() and (brightest > 64).all()
    tints = data.images.double().amax((2, 3))
    assert (tints.std(1) > 0).sum() > 15  # not grey


@pytest.mark.parametrize(
    ("split", "n", "options", "told"),
    [
        ("dev", 10, {}, "unknown split 'dev'; choose one of 'train', 'val', 'test'"),
        ("train", 0, {}, "n must be a whole number, 1 or more, got 0; the nearest is 1"),
        ("train", 9.5, {}, "n must be a whole number, 1 or more, got 9.5"),
        ("train", 9, {"size": 8}, "16 to 256, got 8; the nearest is 16 (for 8 pixels: PlainDigits"),
        ("train", 9, {"size": 500}, "16 to 256, got 500; the nearest is 256"),
        ("train", 9, {"size": 32.0}, "size must be a whole number, 16 to 256, got 32.0"),
        ("train", 9, {"fragments": -1}, "0 to 64, got -1; the nearest is 0"),
        ("train", 9, {"fragments": 65}, "0 to 64, got 65; the nearest is 64"),
        ("train", 9, {"noise": 0.6}, "noise must be a number from 0 to 0.5, got 0.6"),
        ("train", 9, {"noise": float("nan")}, "from 0 to 0.5, got nan"),
        ("train", 9, {"noise": "much"}, "from 0 to 0.5, got 'much'"),
        ("train", 9, {"seed": -1}, "a seed must be a whole number from 0 to 4294967295, got -1"),
    ],
)
def test_bad_options_get_one_clear_sentence(split, n, options, told):
    with pytest.raises(ValueError) as caught:
        ClutteredDigits(split, n, **options)
    assert told in str(caught.value) and "\n" not in str(caught.value)
