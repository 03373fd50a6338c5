"""The merge rules and the attention module against equations 1 and 3."""

import pytest
import torch
from oracles import MISTAKES, Naive, Rules, distance, floating_maps, randomised
from torch import nn

from resattn.attention import AttentionModule, merge
from resattn.masks import HourglassMask, MaskHead
from resattn.units import PreActBottleneck


def unit() -> nn.Module:
    return PreActBottleneck(8, 8, width=4)


def module(rule: str = "arl", poolings: int = 2) -> AttentionModule:
    head = MaskHead(8, preact=True)
    mask = HourglassMask(8, unit, poolings=poolings, r=1, head=head)
    built = AttentionModule(
        before=nn.Sequential(unit()),
        trunk=nn.Sequential(unit(), unit()),
        mask=None if rule == "none" else mask,
        after=nn.Sequential(unit()),
        rule=rule,
    )
    return randomised(built)


class InA(nn.Module):
    """Gives the module a name, as it has in a network."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner


def test_the_merge_rules_are_equations_1_and_3_position_by_position():
    trunk, mask = floating_maps(2, 3, 4, 5), floating_maps(2, 3, 4, 5, seed=1)
    naive = merge(trunk, mask, "nal")
    residual = merge(trunk, mask, "arl")
    for at in ((0, 0, 0, 0), (1, 2, 3, 4), (0, 1, 2, 3)):
        t, m = trunk[at].item(), mask[at].item()
        assert naive[at].item() == pytest.approx(m * t, rel=1e-12)
        assert residual[at].item() == pytest.approx((1 + m) * t, rel=1e-12)
    assert torch.equal(merge(trunk, torch.zeros_like(trunk), "arl"), trunk)
    torch.testing.assert_close(residual - naive, trunk)


def test_the_module_equals_its_naive_recomputation():
    built, x = module(), floating_maps(2, 8, 9, 6)
    expected = Naive(InA(built)).module(x, "inner", 2)
    torch.testing.assert_close(built(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rule", ["nal", "none"])
def test_the_other_rules_merge_the_same_trunk_and_mask(rule):
    built, x = module(rule), floating_maps(2, 8, 9, 6)
    naive = Naive(InA(built))
    inner = naive.preact(x, "inner.before.0")
    merged = naive.units(inner, "inner.trunk", "preact")
    if rule == "nal":
        merged = torch.sigmoid(naive.hourglass(inner, "inner.mask", poolings=2)) * merged
    expected = naive.preact(merged, "inner.after.0")
    torch.testing.assert_close(built(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "mistake",
    [rules for rules in MISTAKES if (rules.mask_reads, rules.added) != ("raw", "skips")],
    ids=str,
)
def test_a_dropped_quirk_of_the_module_is_another_function(mistake):
    built, x = module(), floating_maps(2, 8, 9, 6)
    assert distance(Naive(InA(built), Rules()).module(x, "inner", 2), built(x)) < 1e-12
    assert distance(Naive(InA(built), mistake).module(x, "inner", 2), built(x)) > 1e-4


def test_the_residual_rule_lets_a_gradient_through_a_shut_mask():
    grads = {}
    for rule in ("arl", "nal"):
        trunk = floating_maps(1, 2, 3, 3).requires_grad_()
        merge(trunk, torch.zeros(1, 2, 3, 3, dtype=torch.float64), rule).sum().backward()
        grads[rule] = trunk.grad
    assert grads["arl"].eq(1).all() and grads["nal"].eq(0).all()


def test_a_rule_that_does_not_exist_or_does_not_fit_is_refused():
    parts = {"before": nn.Identity(), "trunk": nn.Identity(), "after": nn.Identity()}
    with pytest.raises(ValueError, match="unknown merge rule 'alr'; .*one of arl, nal, none"):
        AttentionModule(**parts, mask=nn.Identity(), rule="alr")
    with pytest.raises(ValueError, match="'arl' was given no mask; only 'none' goes without one"):
        AttentionModule(**parts, mask=None)
    with pytest.raises(ValueError, match="'none' was given a mask"):
        AttentionModule(**parts, mask=nn.Identity(), rule="none")
    for rule in ("none", "residual"):
        with pytest.raises(ValueError, match=f"unknown merge rule '{rule}'; .* arl, nal"):
            merge(torch.ones(1), torch.ones(1), rule)
