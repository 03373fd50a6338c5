"""Make ``digits.npz`` from the digits that scikit-learn ships (students never need this).

    pip download --no-deps scikit-learn --dest scratch
    python -m resattn.data.make_digits scratch/scikit_learn-*.whl

Takes the wheel, or the ``digits.csv.gz`` inside it. The source is recognised by its SHA-256, and
the file written is the same byte for byte everywhere: nothing is compressed, so no zlib version
can change it, and the archive's dates and system are fixed.
"""

import argparse
import gzip
import hashlib
import io
import os
import zipfile
from pathlib import Path

import numpy as np

SOURCE_SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"
"""SHA-256 of the csv text after gzip: 1,797 lines of 64 values 0 to 16 and a class 0 to 9."""
_MEMBER = "sklearn/datasets/data/digits.csv.gz"


def read_source(path: Path) -> bytes:
    """The csv text inside a scikit-learn wheel or a ``.csv.gz``.

    Raises:
        ValueError: if its SHA-256 is not `SOURCE_SHA256`.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as wheel:
            text = gzip.decompress(wheel.read(_MEMBER))
    else:
        text = gzip.decompress(path.read_bytes())
    digest = hashlib.sha256(text).hexdigest()
    if digest != SOURCE_SHA256:
        raise ValueError(
            f"{path} holds digits with SHA-256 {digest}, not {SOURCE_SHA256}; "
            "take the wheel of another scikit-learn release"
        )
    return text


def pack(text: bytes) -> bytes:
    """The bytes of ``digits.npz``: ``images`` uint8 (N, 8, 8), 0 to 16; ``labels`` uint8 (N,).

    Raises:
        ValueError: if a line has not 65 values, or a value is out of its range.
    """
    table = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.int64, ndmin=2)
    if table.shape[1] != 65:
        raise ValueError(f"a line must hold 64 pixels and a class, got {table.shape[1]} values")
    pixels, labels = table[:, :64], table[:, 64]
    if pixels.min() < 0 or pixels.max() > 16 or labels.min() < 0 or labels.max() > 9:
        raise ValueError("pixels must lie in 0 to 16 and classes in 0 to 9")
    arrays = {"images": pixels.reshape(-1, 8, 8), "labels": labels}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as npz:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # else the byte depends on who writes
            content = io.BytesIO()
            np.lib.format.write_array(content, array.astype(np.uint8), version=(1, 0))
            npz.writestr(member, content.getvalue())
    return archive.getvalue()


def main() -> None:
    """Write ``digits.npz`` beside this file and print its SHA-256."""
    parser = argparse.ArgumentParser(description="Make digits.npz from a scikit-learn wheel.")
    parser.add_argument("source", type=Path, help="the wheel, or digits.csv.gz")
    content = pack(read_source(parser.parse_args().source))
    target = Path(__file__).with_name("digits.npz")
    unfinished = target.with_suffix(".tmp")
    unfinished.write_bytes(content)
    os.replace(unfinished, target)
    print(f"{target}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
