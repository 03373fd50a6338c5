"""An image folder of a few small pictures against the transforms written out by hand."""

import numpy as np
import pytest
import torch
from PIL import Image

from resattn.data import FolderImages, make_loader
from resattn.data.folder import IMAGENET_MEAN, IMAGENET_STD


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for label, name in enumerate(("ant", "bee", "cat")):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for i in range(3 - label % 2):
                pixels = rng.integers(0, 256, (40 + 9 * i, 60, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
    return tmp_path


def test_classes_labels_and_shapes(root):
    data = FolderImages(root, "train", size=24)
    assert data.classes == ["ant", "bee", "cat"]
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 2, 2, 2] and len(data) == 8
    images, labels = next(iter(make_loader(data, 8, shuffle_seed=0)))
    assert images.shape == (8, 3, 24, 24) and images.dtype == torch.float32
    assert labels.tolist() != data.labels.tolist() and sorted(labels) == sorted(data.labels)


def test_evaluation_resizes_crops_the_centre_and_normalises(root):
    image, label = FolderImages(root, "val", size=35)[0]
    picture = Image.open(root / "val" / "ant" / "0.png")  # 60 wide, 40 high; 35 * 256 / 224 = 40
    pixels = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).double() / 255
    centre = pixels[:, 2:37, 12:47]
    mean, std = (torch.tensor(v).double()[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    assert label == 0
    torch.testing.assert_close(image.double(), (centre - mean) / std, atol=1e-5, rtol=0)


def test_augmentation_depends_on_seed_epoch_and_index_only(root):
    def epoch(number, seed=0, **options):
        data = FolderImages(root, "train", size=16, seed=seed)
        return torch.cat([images for images, _ in make_loader(data, epoch=number, **options)])

    torch.manual_seed(1)
    whole = epoch(1, batch_size=8)
    before = torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(epoch(1, batch_size=3), whole)
    assert torch.equal(epoch(1, batch_size=4, skip_batches=1), whole[4:])
    assert torch.equal(epoch(1, batch_size=4, workers=1), whole)
    assert not torch.equal(epoch(2, batch_size=8), whole)
    assert not torch.equal(epoch(1, seed=5, batch_size=8), whole)
    torch.manual_seed(1)
    epoch(1, batch_size=8)
    assert torch.equal(torch.get_rng_state(), before)  # and the global state is given back
    assert torch.equal(before, torch.manual_seed(1).get_state())


def test_training_images_are_augmented_in_place_and_colour(tmp_path):
    (tmp_path / "train" / "grey").mkdir(parents=True)
    Image.new("RGB", (50, 50), (120, 120, 120)).save(tmp_path / "train" / "grey" / "0.png")
    ramp = np.tile(np.arange(50, dtype=np.uint8)[None, :, None] * 5, (50, 1, 3))
    Image.fromarray(ramp).save(tmp_path / "train" / "grey" / "1.png")
    data = FolderImages(tmp_path, "train", size=16)
    levels, directions = set(), set()
    for epoch in range(20):
        data.set_epoch(epoch)
        levels.add(round(data[0][0][0].mean().item(), 4))
        directions.add(bool(data[1][0][0, 8, -1] > data[1][0][0, 8, 0]))
    assert len(levels) > 10 and directions == {True, False}


def test_a_missing_folder_names_the_layout(root):
    for split in ("test", "val"):
        if split == "val":
            for path in (root / "val" / "bee").iterdir():
                path.unlink()
        with pytest.raises(FileNotFoundError) as caught:
            FolderImages(root, split)
        told = str(caught.value)
        assert told.startswith(f"no images at {root / split}")
        assert f"{root / split}/<class>/<file>.jpg" in told and "\n" not in told


def test_a_damaged_image_is_named(root):
    path = root / "train" / "bee" / "1.png"
    path.write_bytes(path.read_bytes()[:200])
    data = FolderImages(root, "train", size=16)
    with pytest.raises(ValueError) as caught:
        data[4]
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [0, -3, 2.5])
def test_a_bad_size_is_refused(root, size):
    with pytest.raises(ValueError, match=f"size must be a whole number, 1 or more, got {size}"):
        FolderImages(root, "train", size=size)
