"""Mask activations, upsamplers, pooling and whole masks against naive re-computations."""

import math

import pytest
import torch
import torch.nn.functional as F
from oracles import (
    MISTAKES,
    Naive,
    Rules,
    bilinear,
    distance,
    floating_maps,
    nearest,
    pool,
    randomised,
    transposed,
)

import resattn.masks as masks
import resattn.resampling as resampling
from resattn.masks import HourglassMask, LocalConvolutionMask, MaskHead, Upsample
from resattn.units import InceptionUnit, PostActBottleneck, PreActBottleneck

UNITS = {"preact": PreActBottleneck, "post": PostActBottleneck, "inception": InceptionUnit}
MASK_MISTAKES = [
    rules
    for rules in MISTAKES
    if {"pooling", "added", "align_corners", "final_norm", "eps"}
    & {k for k, v in vars(rules).items() if v != getattr(Rules(), k)}
    and rules.added != "skips and trunk"  # needs a trunk: see test_attention.py
]


def hourglass(kind: str = "preact", *, poolings: int, activation: str = "mixed", **options):
    head = MaskHead(
        8,
        preact=kind != "post",
        activation=activation,
        final_norm=options.pop("final_norm", False),
    )
    options.setdefault("r", 1)
    mask = HourglassMask(
        8, lambda: UNITS[kind](8, 8, width=4), poolings=poolings, head=head, **options
    )
    return randomised(mask)


def naive_f1(x: torch.Tensor) -> torch.Tensor:
    return x.clone().apply_(lambda v: 1 / (1 + math.exp(-v)))


def naive_f2(x: torch.Tensor, axis: int = 1) -> torch.Tensor:
    """One vector at a time along an axis: the right one is 1, the channels."""
    out = x.movedim(axis, -1).clone(memory_format=torch.contiguous_format)
    for vector in out.reshape(-1, out.shape[-1]).unbind():
        norm = math.sqrt(sum(v * v for v in vector.tolist()))
        vector /= norm
    return out.movedim(-1, axis)


def naive_f3(x: torch.Tensor, over: str = "positions", correction: int = 0) -> torch.Tensor:
    out = x.clone()
    if over == "positions":
        groups = [out[b, c] for b in range(x.shape[0]) for c in range(x.shape[1])]
    elif over == "channels":
        groups = [
            out[b, :, i, j]
            for b in range(x.shape[0])
            for i in range(x.shape[2])
            for j in range(x.shape[3])
        ]
    else:
        groups = [out[:, c] for c in range(x.shape[1])]  # the batch too: batch norm
    for group in groups:
        values = group.flatten().tolist()
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / (len(values) - correction)
        group.copy_(1 / (1 + torch.exp(-(group - mean) / math.sqrt(variance + 1e-5))))
    return out


NAIVE = {"mixed": naive_f1, "channel": naive_f2, "spatial": naive_f3}


@pytest.mark.parametrize("name", NAIVE)
@pytest.mark.parametrize("shape", [(2, 5, 3, 4), (1, 3, 7, 2), (1, 1, 1, 1), (2, 3, 1, 1)])
def test_an_activation_equals_plain_loops(name, shape):
    x = 3 * floating_maps(*shape)
    out = masks.MASK_ACTIVATIONS[name](x)
    torch.testing.assert_close(out, NAIVE[name](x), rtol=1e-12, atol=1e-12)


def test_a_wrong_axis_is_seen():
    x = 3 * floating_maps(2, 5, 3, 4)
    for axis in (0, 2, 3):
        assert distance(naive_f2(x, axis), masks.channel_activation(x)) > 0.1
    assert distance(naive_f3(x, "channels"), masks.spatial_activation(x)) > 0.1
    assert distance(naive_f3(x, "batch"), masks.spatial_activation(x)) > 1e-2
    assert distance(naive_f3(x, correction=1), masks.spatial_activation(x)) > 1e-3


def test_activations_keep_their_promises_at_the_edges():
    x = 3 * floating_maps(2, 5, 3, 4)
    norms = masks.channel_activation(x).pow(2).sum(1).sqrt()
    torch.testing.assert_close(norms, torch.ones_like(norms))
    zero = torch.zeros(1, 3, 2, 2, requires_grad=True)
    for activation in masks.MASK_ACTIVATIONS.values():
        out = activation(zero)
        assert out.isfinite().all()
        out.sum().backward()
    assert zero.grad.isfinite().all()
    assert masks.spatial_activation(torch.full((1, 2, 1, 1), 7.0)).eq(0.5).all()


SIZES = [
    *(((4, 5), (8, 10)), ((4, 5), (9, 11)), ((3, 6), (7, 12))),
    *(((1, 2), (2, 5)), ((1, 1), (3, 3))),
]


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_an_upsampler_equals_its_formula(source, target):
    x = floating_maps(2, 3, *source)
    corners = Upsample(3, "bilinear")(x, target)
    torch.testing.assert_close(corners, bilinear(x, target), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(Upsample(3, "nearest")(x, target), nearest(x, target))
    learned = randomised(Upsample(3, "transposed"))
    expected = transposed(x, target, learned.conv.weight.detach())
    torch.testing.assert_close(learned(x, target), expected, rtol=1e-12, atol=1e-12)
    if min(source) > 1:
        assert distance(bilinear(x, target, align_corners=False), corners) > 1e-2


def test_the_transposed_convolution_starts_as_bilinear_interpolation_by_two():
    x = floating_maps(2, 3, 6, 7)
    out = Upsample(3, "transposed").double()(x, (12, 14))
    expected = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    torch.testing.assert_close(out[inside], expected[inside])


@pytest.mark.parametrize("size", [(2, 2), (3, 2), (7, 4), (8, 13), (9, 6)])
def test_pooling_equals_window_by_window_and_halves(size):
    x = floating_maps(2, 3, *size)
    out = masks.pool(x)
    assert out.shape[2:] == (size[0] // 2, size[1] // 2)
    assert torch.equal(out, pool(x, "ceil"))
    assert torch.equal(F.max_pool2d(x, 3, 2, 1), pool(x, "padded"))  # the oracle's own rivals
    if min(size) > 2:
        assert torch.equal(F.max_pool2d(x, 3, 2), pool(x, "floor"))


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize(("poolings", "r"), [(1, 1), (2, 1), (3, 1), (2, 2)])
@pytest.mark.parametrize("size", [(13, 9), (8, 8)])
@pytest.mark.parametrize("skips", [True, False])
def test_the_hourglass_equals_its_naive_recomputation(kind, poolings, r, size, skips):
    mask, x = hourglass(kind, poolings=poolings, r=r, skips=skips), floating_maps(2, 8, *size)
    for training in (False, True):
        naive = Naive(mask, batch_statistics=training)
        expected = naive_f1(naive.hourglass(x, poolings=poolings, kind=kind))
        torch.testing.assert_close(mask.train(training)(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("how", resampling.UPSAMPLINGS)
@pytest.mark.parametrize("activation", NAIVE)
@pytest.mark.parametrize("final_norm", [True, False])
def test_the_hourglass_with_each_option_equals_its_naive_recomputation(how, activation, final_norm):
    mask = hourglass(poolings=2, upsampling=how, activation=activation, final_norm=final_norm)
    x = floating_maps(2, 8, 6, 11)
    numbers = Naive(mask).hourglass(x, poolings=2, how=how)
    torch.testing.assert_close(mask(x), NAIVE[activation](numbers), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("mistake", MASK_MISTAKES, ids=str)
def test_a_dropped_quirk_of_the_mask_is_another_function(mistake):
    mask, x = hourglass(poolings=2), floating_maps(2, 8, 13, 10)
    right, wrong = (Naive(mask, rules).hourglass(x, poolings=2) for rules in (Rules(), mistake))
    assert distance(torch.sigmoid(right), mask(x)) < 1e-12
    assert distance(torch.sigmoid(wrong), mask(x)) > 1e-5


@pytest.mark.parametrize(
    "broken",
    [
        lambda x: F.max_pool2d(x, 3, stride=2, padding=1),
        lambda x: F.max_pool2d(x, 2, stride=2),
        lambda x: F.avg_pool2d(x, 3, stride=2, ceil_mode=True),
    ],
)
def test_the_pin_on_pooling_breaks_when_the_package_does(monkeypatch, broken):
    mask, x = hourglass(poolings=2), floating_maps(2, 8, 13, 10)
    monkeypatch.setattr(masks, "pool", broken)
    expected = torch.sigmoid(Naive(mask).hourglass(x, poolings=2))
    assert distance(mask(x), expected) > 1e-3


def test_the_pin_on_upsampling_breaks_when_the_package_does(monkeypatch):
    mask, x = hourglass(poolings=2), floating_maps(2, 8, 13, 10)
    real = F.interpolate
    monkeypatch.setattr(
        masks.F, "interpolate", lambda x, size, mode, align_corners: real(x, size, mode=mode)
    )
    expected = torch.sigmoid(Naive(mask).hourglass(x, poolings=2))
    assert distance(mask(x), expected) > 1e-3


@pytest.mark.parametrize(("poolings", "r", "units"), [(3, 1, 8), (2, 1, 5), (1, 1, 2), (2, 3, 13)])
def test_the_hourglass_has_as_many_units_as_the_released_one(poolings, r, units):
    mask = hourglass(poolings=poolings, r=r)
    assert sum(isinstance(m, PreActBottleneck) for m in mask.modules()) == units
    assert len(mask.skips) == poolings - 1
    bare = hourglass(poolings=poolings, r=r, skips=False)
    assert sum(isinstance(m, PreActBottleneck) for m in bare.modules()) == units - (poolings - 1)


@pytest.mark.parametrize(("preact", "norms"), [(True, 2), (False, 1)])
def test_the_head_is_two_bare_convolutions_without_a_last_norm(preact, norms):
    head = MaskHead(8, preact=preact)
    assert [tuple(p.shape) for n, p in head.named_parameters() if p.ndim > 1] == [(8, 8, 1, 1)] * 2
    assert sum(p.numel() for p in head.parameters()) == 2 * 8 * 8 + norms * 2 * 8


@pytest.mark.parametrize("kind", UNITS)
def test_the_local_mask_is_units_and_a_head_at_full_size(kind):
    head = MaskHead(8, preact=kind != "post")
    mask = randomised(LocalConvolutionMask(lambda: UNITS[kind](8, 8, width=4), units=3, head=head))
    naive, x = Naive(mask), floating_maps(2, 8, 5, 3)
    numbers = naive.head(naive.units(x, "units", kind), "head", kind)
    torch.testing.assert_close(mask(x), torch.sigmoid(numbers), rtol=1e-10, atol=1e-10)
    assert len(mask.units) == 3


@pytest.mark.parametrize("poolings", [1, 2, 3])
def test_a_map_too_small_for_the_poolings_is_refused(poolings):
    mask, smallest = hourglass(poolings=poolings), 2**poolings
    assert mask(floating_maps(1, 8, smallest, smallest + 1)).shape == (1, 8, smallest, smallest + 1)
    for size in ((smallest - 1, 40), (40, smallest - 1)):
        with pytest.raises(ValueError) as caught:
            mask(floating_maps(1, 8, *size))
        message = str(caught.value)
        assert f"at least {smallest}x{smallest}, got {size[0]}x{size[1]}" in message
        assert "use a larger image" in message and "\n" not in message
        assert (f"at most {poolings - 1} poolings" in message) == (poolings > 1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Upsample(8, "bilinaer"), "did you mean 'bilinear'?"),
        (lambda: MaskHead(8, preact=True, activation="chanel"), "did you mean 'channel'?"),
        (lambda: hourglass(poolings=0), "poolings must be an integer of at least 1, got 0"),
        (lambda: hourglass(poolings=1, r=0), "r must be an integer of at least 1, got 0"),
        (lambda: hourglass(poolings=1, upsampling="cubic"), "choose one of bilinear, nearest, tra"),
        (lambda: masks.check_map_size(9, 9, 10**9), "at least 2**1000000000x2**10000"),
    ],
)
def test_impossible_masks_are_refused(build, message):
    with pytest.raises(ValueError) as caught:
        build()
    assert message in str(caught.value) and "\n" not in str(caught.value)
