"""The attention module: a trunk, a mask, and the rule that merges them."""

import torch
from torch import Tensor, nn

from resattn.checks import check_choice

MERGE_RULES = ("arl", "nal", "none")


def merge(trunk: Tensor, mask: Tensor, rule: str) -> Tensor:
    """Merges trunk T and mask M, both ``(B, C, H, W)``, into H of the same shape.

    - ``"nal"``, naive attention learning, equation 1: ``H = M * T``.
    - ``"arl"``, attention residual learning, equation 3: ``H = (1 + M) * T``. With M = 0 the
      module is its trunk; a sigmoid mask near 0.5 at the start makes it 1.5 T, not T.

    Raises:
        ValueError: for any other rule.
    """
    if rule == "nal":
        return mask * trunk
    if rule == "arl":
        return torch.addcmul(trunk, mask, trunk)
    raise ValueError(f"unknown merge rule {rule!r}; choose one of arl, nal")


class AttentionModule(nn.Module):
    """p units, the split into trunk and mask, the merge, p units.

    ``after(merge(trunk(x'), mask(x')))`` with ``x' = before(x)``. The mask reads the output of the
    p units before any BN of its own. All maps are ``(B, C, H, W)`` with one shape.

    Args:
        before: the p units before the split.
        trunk: the t units of the trunk branch.
        mask: the soft mask branch; None for the rule ``"none"``.
        after: the p units after the merge.
        rule: ``"arl"``, ``"nal"``, or ``"none"``: the same trunk without a mask.

    Raises:
        ValueError: for an unknown rule, or one that does not fit the mask given.

    Source: Wang et al. 2017, sections 3 and 3.1, figure 2.
    """

    def __init__(
        self,
        *,
        before: nn.Module,
        trunk: nn.Module,
        mask: nn.Module | None,
        after: nn.Module,
        rule: str = "arl",
    ) -> None:
        super().__init__()
        check_choice("merge rule", rule, MERGE_RULES)
        if (mask is None) != (rule == "none"):
            given = "no mask" if mask is None else "a mask"
            raise ValueError(f"merge rule {rule!r} was given {given}; only 'none' goes without one")
        self.before = before
        self.trunk = trunk
        self.mask = mask
        self.after = after
        self.merge = rule

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        x = self.before(x)
        trunk = self.trunk(x)
        if self.mask is not None:
            trunk = merge(trunk, self.mask(x), self.merge)
        return self.after(trunk)
