"""The embedded digits: their file, how it is made, and how it is divided."""

import gzip
import hashlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from resattn.data import PlainDigits, digits, make_digits


@pytest.fixture
def small_csv():
    rows = np.random.default_rng(0).integers(0, 17, (30, 65))
    rows[:, 64] = np.arange(30) % 10
    return rows, "\n".join(",".join(map(str, row)) for row in rows).encode()


def embedded_csv():
    images, labels = digits.load_digits()
    table = np.concatenate([images.reshape(-1, 64), labels[:, None]], axis=1)
    return "\n".join(",".join(map(str, row)) for row in table).encode() + b"\n"


def test_the_embedded_file_is_the_source_and_is_made_byte_for_byte():
    text = embedded_csv()
    assert hashlib.sha256(text).hexdigest() == make_digits.SOURCE_SHA256
    assert make_digits.pack(text) == digits.DIGITS_PATH.read_bytes()


@pytest.mark.parametrize("kind", ["wheel", "csv.gz"])
def test_the_script_reads_a_wheel_or_the_csv(tmp_path, kind):
    packed = gzip.compress(embedded_csv())
    source = tmp_path / f"source.{kind}"
    if kind == "wheel":
        with zipfile.ZipFile(source, "w") as wheel:
            wheel.writestr("sklearn/datasets/data/digits.csv.gz", packed)
    else:
        source.write_bytes(packed)
    assert make_digits.read_source(source) == embedded_csv()


def test_the_script_refuses_other_digits(tmp_path, small_csv):
    source = tmp_path / "digits.csv.gz"
    source.write_bytes(gzip.compress(small_csv[1]))
    with pytest.raises(ValueError, match="take the wheel of another scikit-learn release"):
        make_digits.read_source(source)


def test_pack_refuses_values_out_of_range(small_csv):
    rows, text = small_csv
    assert len(make_digits.pack(text)) > rows.size
    for row, column, value in ((3, 5, 17), (4, 64, 10), (5, 0, -1)):
        bad = rows.copy()
        bad[row, column] = value
        with pytest.raises(ValueError, match="0 to 16 and classes in 0 to 9"):
            make_digits.pack("\n".join(",".join(map(str, r)) for r in bad).encode())
    with pytest.raises(ValueError, match="got 3 values"):
        make_digits.pack(b"1,2,3\n4,5,6")


def test_a_missing_or_damaged_file_names_the_mend(tmp_path):
    path = tmp_path / "digits.npz"
    with pytest.raises(FileNotFoundError, match="git checkout resattn/data/digits.npz"):
        digits.load_digits(path)
    path.write_bytes(digits.DIGITS_PATH.read_bytes()[:-1])
    with pytest.raises(ValueError, match="damaged.*git checkout resattn/data/digits.npz"):
        digits.load_digits(path)


def test_the_page_beside_the_file_states_its_digests():
    page = digits.DIGITS_PATH.with_suffix(".md").read_text()
    assert digits.DIGITS_SHA256 in page and make_digits.SOURCE_SHA256 in page


def test_splits_are_stratified_and_share_no_digit():
    _, labels = digits.load_digits()
    members = {split: digits.split_members(split) for split in digits.SPLITS}
    every = np.concatenate([np.concatenate(of_split) for of_split in members.values()])
    assert sorted(every) == list(range(1797))
    shares = {"train": 0.6, "val": 0.2, "test": 0.2}
    for split, of_split in members.items():
        for digit, indices in enumerate(of_split):
            assert (labels[indices] == digit).all()
            assert abs(len(indices) - shares[split] * (labels == digit).sum()) < 2
    with pytest.raises(ValueError, match="unknown split 'valid'; choose one of 'train', 'val'"):
        digits.split_members("valid")


def test_no_picture_is_in_two_splits():
    images, _ = digits.load_digits()
    seen = {
        split: {images[i].tobytes() for i in np.concatenate(digits.split_members(split))}
        for split in digits.SPLITS
    }
    assert not seen["train"] & seen["val"]
    assert not seen["train"] & seen["test"]
    assert not seen["val"] & seen["test"]


@pytest.mark.parametrize(("split", "count"), [("train", 1085), ("val", 357), ("test", 355)])
def test_plain_digits_are_the_source_scaled(split, count):
    data = PlainDigits(split)
    assert len(data) == count and f"{count:,}" in PlainDigits.__doc__
    images, labels = digits.load_digits()
    index = sorted(np.concatenate(digits.split_members(split)))
    for i in (0, count // 2, count - 1):
        image, label = data[i]
        source = images[index[i]]
        assert label == labels[index[i]]
        assert torch.equal(
            image, torch.tensor([[int(v) * 255 // 16 for v in r] for r in source])[None] / 255
        )
        assert torch.equal(data.object_masks[i], torch.from_numpy(source >= 4))
    assert data.distractor_masks.shape == data.object_masks.shape
    assert not data.distractor_masks.any()


def test_importing_the_data_imports_neither_torchvision_nor_matplotlib():
    code = "import sys, resattn.data; print({'torchvision', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
