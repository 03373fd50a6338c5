"""What people hand to `fit` by mistake: one sentence each, before any work."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset
from torch.utils.data import TensorDataset as Pairs
from training_kit import conv_net, small_config

from resattn.training import TrainConfig, evaluate, fit

X, Y = torch.rand(40, 1, 6, 6), torch.arange(40) % 2


def with_nan(at: int) -> torch.Tensor:
    spoilt = X.clone()
    spoilt[at, 0, 3, 3] = math.nan
    return spoilt


def named(classes: list[str]) -> Dataset:
    data = Pairs(X, Y)
    data.classes = classes
    return data


class Items(Dataset):
    """Any items in a list, behind the interface of a dataset."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(Pairs(X, Y))


SIZES = [torch.rand(1, 6 + i % 2, 6) for i in range(40)]

MISTAKES = {
    "labels from 1": (Pairs(X, Y + 1), "has the label 2, and the model gives 2 logits"),
    "a label below 0": (Pairs(X, Y - 1), "has the label -1"),
    "a late label": (Pairs(X, torch.where(torch.arange(40) == 17, 7, Y)), "has the label 7"),
    "a late label of a part": (
        Subset(Pairs(X, torch.where(torch.arange(40) == 17, 7, Y)), range(38)),
        "has the label 7",
    ),
    "float labels": (Pairs(X, Y.float()), r"got torch.float32; convert the labels with .long\(\)"),
    "labels of 32 bits": (Pairs(X, Y.int()), r"got torch.int32; convert"),
    "bool labels": (Pairs(X, Y.bool()), "got torch.bool; convert"),
    "one-hot labels": (Pairs(X, F.one_hot(Y)), r"got a tensor of shape \(2,\); turn one-hot"),
    "labels in a column": (Pairs(X, Y[:, None]), r"got a tensor of shape \(1,\)"),
    "names for labels": (Items([(x, "cat") for x in X]), "got 'cat'; number the classes from 0"),
    "no labels": (Items([(x, None) for x in X]), "cannot be stacked .*NoneType"),
    "uint8 images": (
        Pairs((X * 255).byte(), Y),
        "are torch.uint8, and the model computes in torch.float32; convert .* / 255",
    ),
    "images of double precision": (Pairs(X.double(), Y), "are torch.float64.* image.to"),
    "images of half precision": (Pairs(X.half(), Y), "are torch.float16.* image.to"),
    "PIL images": (
        Items([(Image.new("L", (6, 6)), 0)] * 40),
        "an image must be a tensor, got an Image; give the dataset a transform",
    ),
    "three channels": (
        Pairs(X.expand(40, 3, 6, 6), Y),
        r"has 3 channels in shape \(3, 6, 6\), and the model takes 1; build .* in_channels=3",
    ),
    "channels last": (Pairs(X.permute(0, 2, 3, 1), Y), r"image.permute\(2, 0, 1\)"),
    "no channels": (Pairs(X[:, 0], Y), r"must have shape \(C, H, W\), got \(6, 6\)"),
    "numpy images of double precision": (
        Items([(x.double().numpy(), int(y)) for x, y in zip(X, Y, strict=True)]),
        "are torch.float64",
    ),
    "sizes that differ": (
        Items(list(zip(SIZES, Y, strict=True))),
        r"must have one shape, got \(1, 6, 6\) and \(1, 7, 6\); resize or crop",
    ),
    "nan in an image": (Pairs(with_nan(0), Y), "image 0 of .* holds values that are not finite"),
    "a loader": (DataLoader(Pairs(X, Y), 8), "is a DataLoader; give the dataset inside it"),
    "a stream": (Stream(), "must be a map-style dataset.* got a Stream"),
    "a generator": ((pair for pair in Pairs(X, Y)), "must be a map-style.* got a generator"),
    "nothing": (None, "must be a map-style dataset.* got None"),
    "a path": ("images/train", "must be a pair.* got 'i'"),
    "a tensor": (X, r"must be a pair \(image, label\), got a Tensor"),
    "an array": (X.numpy(), r"must be a pair \(image, label\), got a ndarray"),
    "tensors in a tuple": ((X, Y), "must be a pair.*TensorDataset"),
    "dicts": (Items([{"image": x, "label": 0} for x in X]), "must be a pair.* got a dict"),
    "images alone": (Pairs(X), "must be a pair"),
    "no images": (Pairs(X[:0], Y[:0]), "holds 0 images; it needs 1 or more"),
}


def refused(words: str, model=None, train=None, val=None, at_step_1=False, **options) -> None:
    """Assert one sentence, and that neither weights nor random generators have changed."""
    model = conv_net() if model is None else model
    weights = list(model.parameters()) if isinstance(model, nn.Module) else []
    before = [weight.clone() for weight in weights]
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match=words) as caught:
        fit(
            model,
            Pairs(X, Y) if train is None else train,
            Pairs(X, Y) if val is None else val,
            **{"config": small_config(batch_size=4)} | options,
            device="cpu",
            progress=False,
        )
    assert "\n" not in str(caught.value)
    assert at_step_1 or torch.equal(torch.get_rng_state(), state)
    assert all(map(torch.equal, weights, before))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_data_that_do_not_fit_are_refused_in_one_sentence(mistake, tmp_path):
    data, words = MISTAKES[mistake]
    if data is not None:
        refused(words, train=data, run_dir=tmp_path / "run")
        refused(words, val=data, run_dir=tmp_path / "run")
        assert not (tmp_path / "run").exists()
    model = conv_net()
    modes = [module.training for module in model.modules()]
    with pytest.raises(ValueError, match=words):
        evaluate(model, data, device="cpu")
    assert [module.training for module in model.modules()] == modes


class Returns(nn.Module):
    """A model whose output is made from its logits by a function."""

    def __init__(self, change):
        super().__init__()
        self.net, self.change = conv_net(), change

    def forward(self, x):
        return self.change(self.net(x))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y: (y, y), r"must return one tensor of logits.* \(2, classes\), got a tuple"),
        (lambda y: {"out": y}, "got a dict"),
        (lambda y: None, "got None"),
        (lambda y: y[:, 0], r"got a Tensor of shape \(2,\)"),
        (lambda y: y.mean(), r"got a Tensor of shape \(\)"),
        (lambda y: y[..., None, None], r"got a Tensor of shape \(2, 2, 1, 1\)"),
        (lambda y: y[:1], r"got a Tensor of shape \(1, 2\)"),
        (lambda y: y[:, :1], "has the label 1, and the model gives 1 logits"),
        (lambda y: y @ torch.ones(3, 1), "the model cannot take images of shape .*mat1 and mat2"),
    ],
)
def test_models_that_give_no_logits_are_refused(change, words):
    refused(words, model=Returns(change))


def test_logits_are_looked_at_in_training_mode_too():
    model = Returns(lambda y: y)
    model.change = lambda y: (y, y) if model.training else y  # as networks with auxiliary heads
    refused("must return one tensor of logits.* got a tuple", model=model, at_step_1=True)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("attention56", "model must be a torch.nn.Module, got 'attention56'"),
        (conv_net, "model must be a torch.nn.Module, got a function"),
        (nn.Flatten(), "nothing to train"),
        (conv_net().requires_grad_(False), r"nothing to train; call requires_grad_\(True\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(25, 2)), r"shape \(1, 6, 6\).*25x2"),
        (nn.Sequential(nn.Conv2d(1, 2, 7), nn.Flatten()), r"shape \(1, 6, 6\).*[Kk]ernel size"),
    ],
)
def test_other_models_are_refused(model, words):
    refused(words, model=model)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"config": {"steps": 3}}, "config must be a TrainConfig, got a dict"),
        ({"config": None}, "config must be a TrainConfig, got None"),
        ({"objective": "mse"}, "objective must be a function, got 'mse'"),
        ({"on_step": 5}, "on_step must be a function, got an int"),
        ({"objective": lambda n, b: n(b[0])}, r"mean loss.* got shape \(4, 2\)"),
        ({"objective": lambda n, b: n(b[0]).mean().item()}, "mean loss.* got a float"),
        ({"objective": lambda n, b: n(b[0]).mean().detach()}, "without a gradient"),
        ({"objective": lambda n, b: None}, "mean loss.* got None"),
    ],
)
def test_other_arguments_are_refused(options, words):
    refused(words, at_step_1=callable(options.get("objective")), **options)


def test_classes_that_differ_between_the_splits_are_refused():
    refused("only one of them has 'a'", train=named(["a", "b"]), val=named(["b", "c"]))
    refused("their order differs", train=named(["a", "b"]), val=named(["b", "a"]))
    parts = Subset(named(["a", "b"]), range(30)), Subset(named(["b", "c"]), range(30))
    refused("only one of them has 'a'", train=parts[0], val=parts[1])


def on_small_maps(norm: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 6), norm, nn.Flatten(), nn.Linear(4, 2))


def test_one_image_on_one_position_has_no_batch_statistics():
    single = small_config(batch_size=1)
    words = "cannot learn from 1 image per process and step .* batch_size of 2 or more"
    refused(words, model=on_small_maps(nn.BatchNorm2d(4)), config=single)
    for model in (on_small_maps(nn.Identity()), conv_net()):
        fit(model, Pairs(X, Y), Pairs(X, Y), single, device="cpu", progress=False)
    tracked = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(36, 2))
    config = TrainConfig(steps=1, batch_size=1)
    fit(tracked, Pairs(X, Y), Pairs(X, Y), config, device="cpu", progress=False)
    assert tracked[0].num_batches_tracked == 1  # the trial left no trace


class Hidden(Dataset):
    """Pairs that tell nothing of their labels before they are loaded."""

    def __init__(self, images, labels):
        self.pairs = Pairs(images, labels)

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        return self.pairs[index]


MANY = torch.rand(100, 1, 6, 6), torch.arange(100) % 2
UNSEEN = 1  # of a hundred items, the look before any work takes every third or so


def test_what_the_first_look_missed_is_refused_at_its_batch():
    x, y = MANY
    bad_label = Hidden(x, torch.where(torch.arange(100) == UNSEEN, 5, y))
    spoilt = x.clone()
    spoilt[UNSEEN] = math.inf
    good, config = Pairs(x, y), TrainConfig(steps=25, batch_size=4, learning_rate=0.01)
    for train, val, words in (
        (bad_label, good, "train has the label 5, and the model gives 2 logits"),
        (good, bad_label, "the evaluated dataset has the label 5"),
        (Hidden(spoilt, y), good, r"an image of step \d+ holds values that are not finite"),
        (good, Hidden(spoilt, y), "image 1 of the evaluated dataset holds values that are not"),
    ):
        with pytest.raises(ValueError, match=words):
            fit(conv_net(), train, val, config, device="cpu", progress=False)
    with pytest.raises(ValueError, match="image 1 of the evaluated dataset"):
        evaluate(conv_net(), Hidden(spoilt, y), device="cpu")


def test_labels_that_a_dataset_changes_itself_are_believed():
    class FromOne(Pairs):
        def __init__(self):
            super().__init__(X, Y)
            self.labels = Y + 1  # as the file has them

    data = FromOne()
    assert len(fit(conv_net(), data, data, small_config(), device="cpu", progress=False).loss) == 22


@pytest.mark.parametrize(
    "data",
    [
        list(Pairs(X, Y)),
        Items([[x.numpy(), int(y)] for x, y in zip(X, Y, strict=True)]),
        Items([(x, np.int64(y)) for x, y in zip(X, Y, strict=True)]),
        ConcatDataset([Pairs(X, Y), Pairs(X, Y)]),
        Subset(Pairs(X, Y), range(20)),
    ],
)
def test_all_that_works_is_allowed(data):
    config = small_config(batch_size=4, steps=2, warmup_steps=0)
    fit(conv_net(), data, data, config, device="cpu", progress=False)


def test_models_that_convert_their_images_may_have_any():
    class Converts(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = conv_net()

        def forward(self, x):
            return self.net(x.float() / 255)

    data = Pairs((X * 255).byte(), Y)
    fit(Converts(), data, data, small_config(), device="cpu", progress=False)


def test_an_own_objective_may_have_soft_labels():
    soft = Pairs(X, F.one_hot(Y).float())

    def objective(network, batch):
        return F.cross_entropy(network(batch[0]), batch[1])

    history = fit(
        conv_net(),
        soft,
        Pairs(X, Y),
        small_config(),
        device="cpu",
        progress=False,
        objective=objective,
    )
    assert len(history.loss) == 22


def test_the_trial_changes_nothing_of_the_run():
    """Random augmentation draws from all generators; the run is the one without the trial."""

    class Augmented(Pairs):
        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            return x + torch.rand(1) + float(np.random.rand() * 0), y

    data = Augmented(X, Y)
    model = conv_net()  # seeds all generators
    fit(model, data, Pairs(X, Y), small_config(steps=3), device="cpu", progress=False)
    assert np.random.get_state()[2] == 2 * 3 * 8  # two words for each image of three batches
