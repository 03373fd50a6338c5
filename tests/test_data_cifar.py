"""CIFAR from archives in its own format, filled with random bytes; no network."""

import hashlib
import pickle
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
import torch

from resattn.data import Cifar, fetch, make_loader
from resattn.data.cifar import crop_and_flip
from resattn.data.cifar_files import ARCHIVES

EACH = 12  # images a file


def write_archive(name, root, *, seed=0):
    """Write the files of a dataset as their authors did (pickle protocol 2); return the images."""
    archive = ARCHIVES[name]
    rng = np.random.default_rng(seed)
    folder = root / archive.folder
    folder.mkdir(parents=True)
    written = {}
    for file in archive.train + archive.test:
        data = rng.integers(0, 256, (EACH, 3072), dtype=np.uint8)
        labels = rng.integers(0, archive.num_classes, EACH).tolist()
        content = {"data": data, archive.label_key: labels, "batch_label": "x"}
        (folder / file).write_bytes(pickle.dumps(content, protocol=2))
        written[file] = data.reshape(-1, 3, 32, 32), labels
    return written


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_images_labels_and_the_mean_of_the_training_set(tmp_path, name):
    written = write_archive(name, tmp_path)
    archive = ARCHIVES[name]
    for split, files in (("train", archive.train), ("test", archive.test)):
        data = Cifar(name, split, root=tmp_path, augment=False)
        images = np.concatenate([written[file][0] for file in files])
        labels = sum((written[file][1] for file in files), [])
        trained = np.concatenate([written[file][0] for file in archive.train])
        expected = images / 255 - trained.mean(axis=0) / 255
        assert len(data) == len(files) * EACH and data.labels.tolist() == labels
        batch, _ = data.__getitems__(range(len(data)))
        assert batch.dtype == torch.float32
        torch.testing.assert_close(batch.double(), torch.from_numpy(expected), atol=1e-6, rtol=0)
        assert torch.equal(data[3][0], batch[3]) and data[3][1] == labels[3]


def test_crop_and_flip_against_a_pixel_by_pixel_one():
    images = torch.randn(6, 3, 7, 9, generator=torch.Generator().manual_seed(0)).double()
    draws = torch.tensor([[0, 0, 0], [8, 8, 1], [4, 4, 0], [4, 4, 1], [0, 8, 1], [3, 5, 0]])
    drawn = crop_and_flip(images, draws)
    expected = torch.zeros_like(images)
    for i, (top, left, flip) in enumerate(draws.tolist()):
        for y in range(7):
            for x in range(9):
                row, column = y + top - 4, (8 - x if flip else x) + left - 4
                if 0 <= row < 7 and 0 <= column < 9:
                    expected[i, :, y, x] = images[i, :, row, column]
    assert torch.equal(drawn, expected)
    assert torch.equal(drawn[2], images[2])


def test_augmentation_depends_on_seed_epoch_and_index_only(tmp_path):
    write_archive("cifar10", tmp_path)

    def epoch(number, seed=0, **options):
        data = Cifar("cifar10", "train", root=tmp_path, seed=seed)
        return [images for images, _ in make_loader(data, epoch=number, **options)]

    whole = torch.cat(epoch(1, batch_size=60))
    assert torch.equal(torch.cat(epoch(1, batch_size=7)), whole)
    assert torch.equal(torch.cat(epoch(1, batch_size=20, skip_batches=2)), whole[40:])
    assert torch.equal(torch.cat(epoch(1, batch_size=20, workers=1)), whole)
    ranks = [torch.cat(epoch(1, batch_size=20, rank=r, world_size=2)) for r in range(2)]
    assert torch.equal(torch.stack(ranks, dim=1).flatten(0, 1), whole)
    assert not torch.equal(torch.cat(epoch(2, batch_size=60)), whole)
    assert not torch.equal(torch.cat(epoch(1, seed=1, batch_size=60)), whole)


def test_every_crop_and_both_directions_occur_alike(tmp_path):
    write_archive("cifar10", tmp_path)
    data = Cifar("cifar10", "train", root=tmp_path)
    draws = []
    for epoch in range(100):
        data.set_epoch(epoch)
        draws.append(data._draws)
    rows, columns, flips = torch.cat(draws).T
    for values, kinds in ((rows, 9), (columns, 9), (flips, 2)):
        share = len(values) / kinds
        assert (torch.bincount(values, minlength=kinds) - share).abs().max() < 5 * share**0.5
        assert len(values.unique()) == kinds


def test_evaluation_is_never_augmented(tmp_path):
    write_archive("cifar10", tmp_path)
    plain = Cifar("cifar10", "test", root=tmp_path, augment=False)
    data = Cifar("cifar10", "test", root=tmp_path)
    data.set_epoch(3)
    assert torch.equal(data.__getitems__([0, 5])[0], plain.__getitems__([0, 5])[0])


def test_a_missing_dataset_names_the_command_that_fetches_it(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        Cifar("cifar100", "train", root=tmp_path / "here")
    assert f"`python -m resattn data cifar100 --root {tmp_path / 'here'}`" in str(caught.value)
    assert not (tmp_path / "here").exists()  # nothing was downloaded or made


def test_unknown_names_are_refused(tmp_path):
    for act in (lambda: Cifar("cifar", "train", root=tmp_path), lambda: fetch("cifar", tmp_path)):
        with pytest.raises(ValueError, match="unknown dataset 'cifar'; choose 'cifar10' or"):
            act()
    with pytest.raises(ValueError, match="unknown split 'val' of cifar10; choose 'train' or"):
        Cifar("cifar10", "val", root=tmp_path)


class _Bomb:
    def __reduce__(self):
        return print, ("this must not run",)


def _damage(kind, path):
    entry = pickle.loads(path.read_bytes(), encoding="latin1")
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "empty":
        path.write_bytes(b"")
    else:
        entry |= {
            "label out of range": {"labels": [10] * EACH},
            "too few labels": {"labels": [1] * (EACH - 1)},
            "not bytes": {"data": entry["data"].astype(np.int64)},
            "code": {"more": _Bomb()},
        }[kind]
        path.write_bytes(pickle.dumps(entry, protocol=2))


@pytest.mark.parametrize(
    "kind",
    ["truncated", "empty", "label out of range", "too few labels", "not bytes", "code"],
)
def test_a_damaged_file_gets_one_clear_sentence(tmp_path, capsys, kind):
    write_archive("cifar10", tmp_path)
    path = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    _damage(kind, path)
    with pytest.raises(ValueError) as caught:
        Cifar("cifar10", "train", root=tmp_path)
    told = str(caught.value)
    assert told.startswith(f"{path} is damaged") and "\n" not in told
    assert f"`python -m resattn data cifar10 --root {tmp_path}`" in told
    assert capsys.readouterr().out == ""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """An archive of random bytes that torchvision takes for the real one, on this machine."""
    from torchvision.datasets import CIFAR10

    write_archive("cifar10", tmp_path / "made")
    archive = tmp_path / "served" / "cifar-10-python.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "made" / "cifar-10-batches-py", "cifar-10-batches-py")
    handler = partial(_Quiet, directory=str(archive.parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    url = f"http://127.0.0.1:{server.server_port}/{archive.name}"
    monkeypatch.setattr(CIFAR10, "url", url)
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    yield archive
    server.shutdown()
    server.server_close()


def test_fetch_downloads_once_and_mends_damage(tmp_path, served):
    root = tmp_path / "deep" / "root"
    folder = fetch("cifar10", root)
    made = Cifar("cifar10", "train", root=tmp_path / "made")
    assert torch.equal(Cifar("cifar10", "train", root=root).images, made.images)
    assert sorted(p.name for p in root.iterdir()) == [folder.name, served.name]

    (folder / "test_batch").write_bytes(b"")
    served.unlink()  # the archive in root is used again
    assert torch.equal(
        Cifar("cifar10", "test", root=root, download=True).images,
        Cifar("cifar10", "test", root=tmp_path / "made").images,
    )


@pytest.mark.parametrize("kind", ["no server", "truncated", "not an archive"])
def test_a_failed_fetch_leaves_nothing_half_written(tmp_path, served, monkeypatch, kind):
    from torchvision.datasets import CIFAR10

    if kind == "no server":
        served.unlink()
    elif kind == "truncated":  # the MD5 tells
        served.write_bytes(served.read_bytes()[:-1000])
    else:
        served.write_bytes(b"<html>not found</html>")
        monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(served.read_bytes()).hexdigest())
    root = tmp_path / "root"
    with pytest.raises(RuntimeError) as caught:
        fetch("cifar10", root)
    told = str(caught.value)
    assert told.startswith(f"could not fetch cifar10 from {CIFAR10.url} into {root}")
    assert "\n" not in told and "run it again" in told
    assert not [path for path in root.iterdir() if path.is_dir()]
