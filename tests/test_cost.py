"""Counting multiply-adds, against formulas by hand and against PyTorch's own counter."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from resattn import count_multiply_adds, count_parameters, create_model


@pytest.mark.parametrize(
    ("layer", "by_hand"),
    [
        (nn.Conv2d(6, 8, 3, padding=1), 8 * 10 * 12 * 6 * 9),
        (nn.Conv2d(6, 8, 3, stride=2, padding=1), 8 * 5 * 6 * 6 * 9),
        (nn.Conv2d(6, 8, 3, padding=1, groups=2), 8 * 10 * 12 * 3 * 9),
        (nn.Conv2d(6, 4, (1, 5), dilation=2), 4 * 10 * 4 * 6 * 5),
        (nn.ConvTranspose2d(6, 8, 4, stride=2, padding=1), 6 * 10 * 12 * 8 * 16),
        (nn.ConvTranspose2d(6, 6, 4, stride=2, padding=1, groups=6), 6 * 10 * 12 * 16),
        (nn.Sequential(nn.Flatten(), nn.Linear(720, 5)), 720 * 5),
        (nn.Linear(12, 5), 6 * 10 * 12 * 5),
        (nn.Sequential(nn.Conv2d(6, 6, 1), nn.BatchNorm2d(6), nn.ReLU()), 6 * 10 * 12 * 6),
    ],
    ids=str,
)
def test_multiply_adds_equal_the_formula_by_hand(layer, by_hand):
    assert count_multiply_adds(layer, (6, 10, 12)) == by_hand
    assert count_multiply_adds(layer.to("meta"), (6, 10, 12)) == by_hand


def test_a_layer_used_twice_counts_twice():
    layer = nn.Conv2d(6, 6, 1)
    twice = nn.Sequential(layer, layer)
    assert count_multiply_adds(twice, (6, 4, 4)) == 2 * 6 * 16 * 6
    assert count_parameters(twice) == 6 * 6 + 6


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("small_attention16", {}),
        ("small_attention16", {"upsampling": "transposed", "mask": "hourglass"}),
        ("small_attention16", {"unit": "inception", "mask": "local"}),
        ("small_cbam16", {}),
        ("small_bam16", {}),
        ("cifar_attention56", {"unit": "post", "groups": 4}),
    ],
)
def test_half_of_pytorchs_flops(name, options):
    with torch.device("meta"):
        model = create_model(name, **options).eval()
        shape = (model.config.in_channels, 19, 24)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(torch.zeros(1, *shape))
    assert 2 * count_multiply_adds(model, shape) == counter.get_total_flops() > 0


def test_counting_leaves_the_model_as_it_was():
    model = create_model("small_attention8").train()
    model.stages[0].eval()  # a frozen stage
    modes = [module.training for module in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    count_multiply_adds(model, (1, 8, 8))
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with pytest.raises(ValueError):
        count_multiply_adds(model, (3, 8, 8))
    assert [module.training for module in model.modules()] == modes
    assert not any(module._forward_hooks for module in model.modules())
