"""The order of batches, resuming inside an epoch, and sharing a batch between processes."""

import pytest
import torch

from resattn.data import InMemoryImages, make_loader
from resattn.data.bits import below, permutation, stream


@pytest.fixture
def numbered():
    labels = torch.arange(53)
    return InMemoryImages(labels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 2, 3, 4), labels)


def epoch_labels(dataset, batch_size, **options):
    return [labels.tolist() for _, labels in make_loader(dataset, batch_size, **options)]


def test_raw_words_are_pinned():
    assert stream(1, 2, 3).random_raw(2).tolist() == [12368030237656201616, 2047858591075935483]
    assert permutation(7, 1, 2, 3).tolist() == [1, 3, 5, 2, 0, 4, 6]


def test_below_reaches_both_ends_and_no_further():
    words = torch.tensor([0, -1]).numpy().view("uint64")  # the smallest and the largest word
    assert below(words, 7).tolist() == [0, 6]
    counts = torch.bincount(torch.from_numpy(below(stream(5).random_raw(70_000), 7)))
    assert counts.sum() == 70_000 and (counts - 10_000).abs().max() < 5 * 10_000**0.5


def test_every_image_once_and_the_order_depends_on_seed_and_epoch_only(numbered):
    orders = {}
    for seed in (0, 1):
        for epoch in (0, 1):
            batches = epoch_labels(numbered, 8, shuffle_seed=seed, epoch=epoch)
            assert [len(batch) for batch in batches] == [8] * 6 + [5]
            assert sorted(sum(batches, [])) == list(range(53))
            assert batches == epoch_labels(numbered, 8, shuffle_seed=seed, epoch=epoch)
            orders[seed, epoch] = tuple(sum(batches, []))
    assert len(set(orders.values())) == 4
    assert sum(epoch_labels(numbered, 8), []) == list(range(53))


def test_images_travel_with_their_labels_as_floats_in_0_to_1(numbered):
    for images, labels in make_loader(numbered, 8, shuffle_seed=0):
        assert images.shape == (len(labels), 2, 3, 4) and images.dtype == torch.float32
        assert torch.equal(images[:, 1, 2, 3], labels.float() / 255)
    image, label = numbered[51]
    assert label == 51 and torch.equal(image, torch.full((2, 3, 4), 51 / 255))


def test_skipping_batches_loads_none_of_them(numbered):
    whole = epoch_labels(numbered, 8, shuffle_seed=3, epoch=2)
    loaded = []

    class Spy(InMemoryImages):
        def __getitems__(self, indices):
            loaded.extend(indices)
            return super().__getitems__(indices)

    spy = Spy(numbered.images, numbered.labels)
    for skip in (0, 4, 7):
        loaded.clear()
        rest = epoch_labels(spy, 8, shuffle_seed=3, epoch=2, skip_batches=skip)
        assert rest == whole[skip:]
        assert loaded == sum(whole[skip:], [])


def test_ranks_share_each_global_batch_evenly(numbered):
    whole = epoch_labels(numbered, 8, shuffle_seed=3)
    parts = [
        epoch_labels(numbered, 8, shuffle_seed=3, rank=rank, world_size=2) for rank in range(2)
    ]
    assert [len(batch) for batch in parts[0]] == [len(batch) for batch in parts[1]] == [4] * 6 + [2]
    for together, *shares in zip(whole, *parts, strict=True):
        assert sorted(sum(shares, [])) == sorted(together[: len(together) // 2 * 2])


def test_drop_last_drops_only_a_short_batch(numbered):
    assert len(epoch_labels(numbered, 8, drop_last=True)) == 6
    assert len(epoch_labels(numbered, 53, drop_last=True)) == 1
    assert len(make_loader(numbered, 54, drop_last=True)) == 0


def test_workers_change_nothing_and_the_global_random_state_stays(numbered):
    before = torch.get_rng_state()
    alone = epoch_labels(numbered, 8, shuffle_seed=1)
    assert epoch_labels(numbered, 8, shuffle_seed=1, workers=1) == alone
    assert torch.equal(torch.get_rng_state(), before)


def test_a_plain_dataset_of_items_is_stacked_too():
    items = [(torch.full((1, 2, 2), float(i)), i) for i in range(5)]
    batches = list(make_loader(items, 2))
    assert [labels.tolist() for _, labels in batches] == [[0, 1], [2, 3], [4]]
    assert torch.equal(batches[1][0], torch.stack([items[2][0], items[3][0]]))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number, 1 or more, got 2.5"),
        ({"epoch": -1}, "epoch must be a whole number, 0 or more, got -1"),
        ({"workers": -1}, "workers must be a whole number, 0 or more, got -1"),
        ({"shuffle_seed": -5}, "a seed must be a whole number from 0 to 4294967295, got -5"),
        ({"rank": 2, "world_size": 2}, "rank must be 0 to world_size - 1 = 1, got 2"),
        ({"world_size": 3}, "multiple of it, got 8; the nearest is 9"),
        ({"skip_batches": 8}, "cannot skip 8 batches of an epoch that has 7"),
    ],
)
def test_bad_options_get_one_clear_sentence(numbered, options, told):
    with pytest.raises(ValueError) as caught:
        make_loader(numbered, **{"batch_size": 8, **options})
    assert told in str(caught.value) and "\n" not in str(caught.value)
