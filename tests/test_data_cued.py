"""Cued digits: the picture, the label and the masks agree, and only the cue names the target."""

import hashlib

import numpy as np
import pytest
import torch

from resattn.data import CuedDigits, FreshScenes, InMemoryImages, make_loader
from resattn.data.cued import CUES, PALETTE
from resattn.data.digits import load_digits, split_members


def clean(split="train", n=200, **options):
    return CuedDigits(split, n, noise=0, **options)


def colour_of(image, mask):
    """The palette's colour nearest to the brightest pixels of a region."""
    pixels = image[:, mask].T.double()
    bright = pixels[pixels.sum(1) >= pixels.sum(1).quantile(0.8)].mean(0)
    unit = torch.from_numpy(PALETTE).double()
    unit = unit / unit.norm(dim=1, keepdim=True)
    return int((unit @ (bright / bright.norm())).argmax())


def centre(mask):
    rows, columns = mask.nonzero(as_tuple=True)
    return rows.double().mean(), columns.double().mean()


@pytest.mark.parametrize("cue", CUES)
def test_shapes_kinds_and_balance(cue):
    data = CuedDigits("val", 40, cue=cue)
    assert data.images.shape == (40, 3, 32, 32) and data.images.dtype == torch.uint8
    assert torch.bincount(data.labels).tolist() == [4] * 10
    masks = data.object_masks.int() + data.distractor_masks.int() + data.cue_masks.int()
    assert masks.max() == 1
    for each in (data.object_masks, data.distractor_masks, data.cue_masks):
        assert each.flatten(1).any(1).all()
    image, label = data[3]
    assert image.dtype == torch.float32 and 0 <= image.min() <= image.max() <= 1
    assert label == int(data.labels[3])


@pytest.mark.parametrize("digits", [2, 3, 5])
def test_the_colour_cue_has_the_targets_colour_and_no_other_digit_has_it(digits):
    data = clean(digits=digits)
    for image, target, others, cue in zip(
        data.images, data.object_masks, data.distractor_masks, data.cue_masks, strict=True
    ):
        named = colour_of(image, cue)
        assert colour_of(image, target) == named
        unit = torch.from_numpy(PALETTE[named]).double()
        pixels = image[:, others].double()
        bright = pixels[:, pixels.sum(0) > 150]
        likeness = (unit / unit.norm()) @ (bright / bright.norm(dim=0))
        assert (likeness < 0.98).all()


def test_the_place_cue_lies_opposite_to_the_target_and_is_grey():
    data = clean(cue="place")
    for image, target, cue in zip(data.images, data.object_masks, data.cue_masks, strict=True):
        (y, x), (v, u) = centre(target), centre(cue)
        assert abs(y + v - 31) < 9 and abs(x + u - 31) < 9  # cells of 10 px, shifts within
        pixels = image[:, cue]
        assert (pixels[0] == pixels[1]).all() and (pixels[1] == pixels[2]).all()


def test_colour_says_nothing_about_the_target_where_the_cue_is_its_place():
    data = clean(n=3000, cue="place")
    counts = np.bincount(
        [colour_of(i, m) for i, m in zip(data.images, data.object_masks, strict=True)], minlength=5
    )
    assert counts[3:].sum() == 0
    assert abs(counts[:3] - 1000).max() < 100  # 4 standard deviations are 103


def test_places_say_nothing_about_the_target_where_the_cue_is_its_colour():
    """The cue's cell and the target's are independent but for being different."""
    data = clean(n=4000)
    cells = []
    for masks in (data.object_masks, data.cue_masks):
        pairs = [centre(mask) for mask in masks]
        cells.append([int(min(2, y // 10.7) * 3 + min(2, x // 10.7)) for y, x in pairs])
    same = np.mean([8 - a == b for a, b in zip(*cells, strict=True) if b != 4])
    assert same < 0.2  # one in eight by chance; always for the place cue


def test_the_target_is_a_source_digit_of_its_class_and_split():
    """Slide every digit of the split over the target: the best cover has the label's class."""
    data = clean("test", 20, size=64)
    classes = [c for c, members in enumerate(split_members("test")) for _ in members]
    glyphs = torch.from_numpy(load_digits()[0][np.concatenate(split_members("test"))]).float()
    large = torch.nn.functional.interpolate(glyphs[:, None] * (255 / 16), (20, 20), mode="bilinear")
    shapes = (large >= 64).float()
    for label, mask in zip(data.labels, data.object_masks, strict=True):
        covered = torch.nn.functional.conv2d(mask[None, None].float(), shapes)[0].amax((1, 2))
        union = mask.sum() + shapes.sum((1, 2, 3)) - covered
        best = int((covered / union).argmax())
        assert (covered / union)[best] > 0.8  # neighbours may cover a rim of 4 pixels
        assert classes[best] == int(label)


@pytest.mark.parametrize("cue", CUES)
def test_the_same_seed_gives_the_same_bytes_on_every_machine(cue):
    digest = {
        "colour": "edd86aa898d452e4",
        "place": "a4fd7460bbfd4871",
    }[cue]
    data = CuedDigits("train", 64, cue=cue, seed=7)
    content = data.images.numpy().tobytes() + data.labels.numpy().tobytes()
    assert hashlib.sha256(content).hexdigest()[:16] == digest


@pytest.mark.parametrize("cue", CUES)
def test_an_image_depends_on_neither_the_number_of_images_nor_the_chunk(cue, monkeypatch):
    many = CuedDigits("train", 600, cue=cue)
    few = CuedDigits("train", 50, cue=cue)
    assert torch.equal(many.images[:50], few.images)
    monkeypatch.setattr("resattn.data.cued._CHUNK", 7)
    assert torch.equal(CuedDigits("train", 50, cue=cue).images, few.images)


def test_seeds_and_splits_give_other_images():
    first = CuedDigits("train", 10)
    for other in (CuedDigits("train", 10, seed=1), CuedDigits("test", 10)):
        assert not torch.equal(first.images, other.images)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"n": 0}, "n must"),
        ({"n": True}, "n must"),
        ({"size": 23}, "24 to 256"),
        ({"size": 300}, "24 to 256"),
        ({"digits": 1}, "2 to 5"),
        ({"digits": 6}, "2 to 5"),
        ({"cue": "color"}, "did you mean 'colour'"),
        ({"noise": -0.1}, "noise"),
        ({"seed": -1}, "seed"),
        ({"split": "dev"}, "split"),
    ],
)
def test_bad_arguments_are_refused_by_name(options, named):
    with pytest.raises(ValueError, match=named):
        CuedDigits(**{"split": "train", "n": 10} | options)


@pytest.mark.parametrize("size", [24, 31, 33, 64])
def test_odd_sizes_keep_every_glyph_inside(size):
    data = clean(n=100, size=size)
    areas = data.object_masks.flatten(1).sum(1)
    assert areas.min() > 0.3 * areas.double().mean()
    assert data.cue_masks.flatten(1).sum(1).max() == (size // 8) ** 2


# New scenes in every epoch


def made(seed):
    return CuedDigits("train", 20, seed=seed)


def test_every_epoch_has_scenes_of_its_own_and_they_come_back():
    data = FreshScenes(made, seed=3)
    seen = []
    for epoch in (0, 1, 2, 1, 0):
        images, labels = next(iter(make_loader(data, 20, epoch=epoch)))
        assert torch.equal(labels, data.labels)
        seen.append(images)
    assert not torch.equal(seen[0], seen[1]) and not torch.equal(seen[1], seen[2])
    assert torch.equal(seen[1], seen[3]) and torch.equal(seen[0], seen[4])


def test_the_scenes_of_an_epoch_depend_on_the_seed():
    first, second = FreshScenes(made, seed=0), FreshScenes(made, seed=1)
    assert not torch.equal(first[0][0], second[0][0])
    assert torch.equal(FreshScenes(made, seed=1)[0][0], second[0][0])


def test_an_epoch_of_another_length_is_refused():
    sizes = iter([5, 6])

    def changing(seed):
        n = next(sizes)
        return InMemoryImages(torch.zeros(n, 3, 4, 4, dtype=torch.uint8), torch.zeros(n).long())

    data = FreshScenes(changing)
    with pytest.raises(ValueError, match="5 in the first and 6 in epoch 1"):
        data.set_epoch(1)
    assert len(data) == 5
