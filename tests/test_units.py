"""Residual units against naive re-computations, and the quirks of the released ones."""

import pytest
import torch
from oracles import Naive, Rules, distance, floating_maps, randomised
from torch import nn
from torchvision.models.resnet import Bottleneck

from resattn.gates import CBAM, SqueezeExcitation
from resattn.units import InceptionUnit, PostActBottleneck, PreActBottleneck

UNITS = {"preact": PreActBottleneck, "post": PostActBottleneck, "inception": InceptionUnit}
CASES = [
    (kind, in_channels, stride, groups)
    for kind in UNITS
    for in_channels in (16, 12)
    for stride in (1, 2)
    for groups in ((1,) if kind == "inception" else (1, 4))
]


@pytest.mark.parametrize(("kind", "in_channels", "stride", "groups"), CASES)
@pytest.mark.parametrize("size", [(9, 6), (1, 4)])
def test_a_unit_equals_its_naive_recomputation(kind, in_channels, stride, groups, size):
    unit = UNITS[kind](in_channels, 16, width=8, stride=stride, groups=groups)
    x = floating_maps(2, in_channels, *size)
    for training in (False, True):
        naive = Naive(randomised(unit), batch_statistics=training)
        naive.groups = groups
        expected = getattr(naive, kind)(x, stride=stride)
        out = unit.train(training)(x)
        assert out.shape == (2, 16, -(-size[0] // stride), -(-size[1] // stride))
        torch.testing.assert_close(out, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("groups", "in_channels", "stride"), [(1, 16, 1), (1, 8, 2), (4, 8, 1)])
def test_the_post_activation_unit_is_torchvisions_bottleneck(groups, in_channels, stride):
    ours = randomised(PostActBottleneck(in_channels, 16, width=4, stride=stride, groups=groups))
    theirs = Bottleneck(
        *(in_channels, 4, stride),
        downsample=ours.projection,
        groups=groups,
        base_width=64 // groups,
    )
    weights = dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True))
    theirs.double().eval().load_state_dict(weights)
    x = floating_maps(2, in_channels, 7, 6)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize("gate", [SqueezeExcitation, CBAM])
def test_a_gate_stands_on_the_branch_and_not_on_the_shortcut(kind, gate):
    unit = randomised(UNITS[kind](16, 16, width=8, gate=lambda channels: gate(channels, 4)))
    x = floating_maps(2, 16, 5, 6)
    naive = Naive(unit)
    bare = getattr(naive, kind)(x)
    naive.gate = unit.gate
    torch.testing.assert_close(unit(x), getattr(naive, kind)(x), rtol=1e-10, atol=1e-10)
    assert distance(unit(x), bare) > 1e-2
    assert distance(unit(x), unit.gate(bare)) > 1e-2  # a gate round the whole sum


@pytest.mark.parametrize(
    "mistake",
    [
        Rules(projection_reads="raw"),
        Rules(projection_norm=True),
        Rules(stride_on="1x1"),
        Rules(eps=1e-3),
    ],
    ids=str,
)
def test_a_dropped_quirk_of_the_unit_is_another_function(mistake):
    unit = randomised(PreActBottleneck(12, 16, width=8, stride=2))
    x = floating_maps(2, 12, 9, 6)
    assert distance(Naive(unit).preact(x, stride=2), unit(x)) < 1e-12
    assert distance(Naive(unit, mistake).preact(x, stride=2), unit(x)) > 1e-4


def test_the_projection_is_a_bare_convolution_and_only_where_the_shape_changes():
    assert PreActBottleneck(16, 16, width=4).projection is None
    for in_channels, stride in ((12, 1), (16, 2)):
        unit = PreActBottleneck(in_channels, 16, width=4, stride=stride)
        assert set(unit.projection.state_dict()) == {"weight"}
        assert unit.projection.weight.shape == (16, in_channels, 1, 1)


def test_the_identity_path_of_a_preactivation_unit_is_raw():
    unit = randomised(PreActBottleneck(8, 8, width=4))
    with torch.no_grad():
        unit.branch[-1].weight.zero_()
    x = floating_maps(2, 8, 5, 5)  # half of it negative: a ReLU on the path would show
    assert torch.equal(unit(x), x)


@pytest.mark.parametrize("kind", UNITS)
def test_no_unit_changes_its_input(kind):
    unit, x = randomised(UNITS[kind](8, 8, width=4)), floating_maps(2, 8, 4, 5)
    before = x.clone()
    for training in (True, False):
        unit.train(training)(x)
        assert torch.equal(x, before)


def test_running_statistics_move_by_a_tenth():
    unit = PreActBottleneck(8, 8, width=4).double()
    x = 3 + 2 * floating_maps(4, 8, 5, 5)
    unit(x)
    norm = unit.preact[0]
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=1)
    torch.testing.assert_close(norm.running_mean, 0.1 * mean)
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * variance)


@pytest.mark.parametrize("kind", UNITS)
def test_every_batch_norm_has_the_same_eps_and_momentum(kind):
    norms = [m for m in UNITS[kind](8, 16, width=4).modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and {(m.eps, m.momentum) for m in norms} == {(1e-5, 0.1)}


def test_inception_widths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"divisible by 4, got 10; the nearest is 8"):
        InceptionUnit(8, 8, width=10)
    with pytest.raises(ValueError, match=r"got groups=32; use 1"):
        InceptionUnit(8, 8, width=32, groups=32)
