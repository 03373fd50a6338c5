"""Label noise against the transition matrix of equation 7."""

import pytest
import torch

from resattn.data import ClutteredDigits, NoisyLabels, make_loader, noisy_labels


@pytest.mark.parametrize(
    ("ratio", "classes"), [(0.9, 10), (0.3, 10), (0.0, 10), (0.5, 2), (0.5, 3)]
)
def test_the_transition_matrix_is_equation_7(ratio, classes):
    per_class = 20_000
    labels = torch.arange(classes).repeat(per_class)
    noisy = noisy_labels(labels, ratio, classes, seed=4)
    counts = torch.zeros(classes, classes, dtype=torch.float64)
    counts.index_put_((labels, noisy), torch.ones(1, dtype=torch.float64), accumulate=True)
    expected = torch.full_like(counts, (1 - ratio) / (classes - 1)).fill_diagonal_(ratio)
    deviation = (per_class * expected * (1 - expected)).sqrt()  # binomial
    assert ((counts - per_class * expected).abs() <= 4.5 * deviation).all()


def test_the_noise_is_pinned():
    noisy = noisy_labels(torch.arange(10).repeat(3), 0.5, seed=1)
    assert noisy.tolist() == [
        2,
        1,
        2,
        6,
        4,
        5,
        5,
        1,
        8,
        9,
        0,
        1,
        2,
        3,
        4,
        4,
        6,
        2,
        8,
        5,
        7,
        1,
        2,
        9,
        4,
        5,
        7,
        2,
        9,
        2,
    ]


def test_ratio_1_returns_the_same_labels_and_0_none_of_them():
    labels = torch.arange(10).repeat(500)
    assert torch.equal(noisy_labels(labels, 1, seed=3), labels)
    assert torch.equal(noisy_labels(labels, 1.0, seed=3), labels)
    assert not (noisy_labels(labels, 0, seed=3) == labels).any()


def test_labels_are_left_alone_and_the_noise_depends_on_seed_and_place_only():
    labels = torch.arange(10).repeat(50)
    kept = labels.clone()
    noisy = noisy_labels(labels, 0.5, seed=3)
    assert torch.equal(labels, kept)
    assert torch.equal(noisy[:100], noisy_labels(labels[:100], 0.5, seed=3))
    assert not torch.equal(noisy, noisy_labels(labels, 0.5, seed=4))
    noisier = noisy_labels(labels, 0.2, seed=3)
    flipped = noisy != labels
    assert (
        torch.equal(noisier[flipped], noisy[flipped]) and (noisier != labels).sum() > flipped.sum()
    )


def test_the_wrapper_carries_noisy_labels_and_keeps_the_true_ones():
    clean = ClutteredDigits("train", 60, size=16)
    data = NoisyLabels(clean, 0.4, seed=1)
    assert torch.equal(data.labels, noisy_labels(clean.labels, 0.4, seed=1))
    assert torch.equal(data.true_labels, clean.labels)
    assert not torch.equal(data.labels, data.true_labels)
    images, labels = next(iter(make_loader(data, 60)))
    assert torch.equal(images, clean.images / 255) and torch.equal(labels, data.labels)
    image, label = data[7]
    assert torch.equal(image, clean[7][0]) and label == data.labels[7]


def test_the_wrapper_passes_the_epoch_on():
    class Epochs(ClutteredDigits):
        def set_epoch(self, epoch):
            self.epoch = epoch

    clean = Epochs("train", 10, size=16)
    make_loader(NoisyLabels(clean, 0.5), 5, epoch=6)
    assert clean.epoch == 6
    make_loader(NoisyLabels(ClutteredDigits("train", 10, size=16), 0.5), 5, epoch=6)


@pytest.mark.parametrize(
    ("labels", "ratio", "classes", "told"),
    [
        ([0, 1], 1.2, 10, "clean_ratio must be a number from 0 to 1, got 1.2"),
        ([0, 1], -0.1, 10, "clean_ratio must be a number from 0 to 1, got -0.1"),
        ([0, 1], float("nan"), 10, "clean_ratio must be a number from 0 to 1, got nan"),
        ([0, 0], 0.5, 1, "num_classes must be a whole number, 2 or more, got 1"),
        ([0, 10], 0.5, 10, "labels must lie in 0 to num_classes - 1 = 9, got 10"),
        ([-1, 1], 0.5, 10, "labels must lie in 0 to num_classes - 1 = 9, got -1"),
    ],
)
def test_bad_input_gets_one_clear_sentence(labels, ratio, classes, told):
    with pytest.raises(ValueError) as caught:
        noisy_labels(torch.tensor(labels), ratio, classes)
    assert told in str(caught.value) and "\n" not in str(caught.value)
