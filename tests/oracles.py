"""Naive re-computations of the model, read from a state dict: the other side of the equalities.

Nothing here imports the model. `Rules` holds the released networks' quirks; a test drops one and
shows that the function becomes another one, so that each pin is itself tested.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How the released networks do it; each other value is a mistake that somebody has made."""

    pooling: str = "ceil"  # or "padded", "floor"
    projection_reads: str = "activated"  # or "raw"
    projection_norm: bool = False
    mask_reads: str = "raw"  # or "activated"
    added: str = "skips"  # or "skips and maps", "skips and trunk", "skips and top", "nothing"
    align_corners: bool = True
    final_norm: bool = False
    stride_on: str = "3x3"  # or "1x1"
    eps: float = 1e-5


MISTAKES = (
    Rules(pooling="padded"),
    Rules(pooling="floor"),
    Rules(projection_reads="raw"),
    Rules(projection_norm=True),
    Rules(mask_reads="activated"),
    Rules(added="skips and maps"),
    Rules(added="skips and trunk"),
    Rules(added="skips and top"),
    Rules(added="nothing"),
    Rules(align_corners=False),
    Rules(final_norm=True),
    Rules(stride_on="1x1"),
    Rules(eps=1e-3),
)


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module in float64 and eval mode, with no bias, gain or statistic left at 0 or 1."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(like: Tensor, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(like.shape, generator=generator, dtype=like.dtype)

    module = module.double().eval()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim == 1:
                low = -0.5 if name.endswith("bias") else 0.5
                parameter.copy_(uniform(parameter, low, low + 1.0))
            else:
                fan_in = parameter[0].numel()
                parameter.copy_(uniform(parameter, -1.0, 1.0) * (3.0 / fan_in) ** 0.5)
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(uniform(buffer, -0.5, 0.5))
            elif name.endswith("running_var"):
                buffer.copy_(uniform(buffer, 0.5, 2.0))
    return module


def distance(a: Tensor, b: Tensor) -> float:
    """Relative L2 distance of a from b."""
    return (torch.linalg.vector_norm(a - b) / torch.linalg.vector_norm(b)).item()


def pool(x: Tensor, kind: str) -> Tensor:
    """3x3 max-pooling with stride 2, window by window."""
    height, width = x.shape[2:]
    start = -1 if kind == "padded" else 0

    def windows(n: int) -> list[slice]:
        if kind == "floor":
            return [slice(i, i + 3) for i in range(0, n - 2, 2)]
        starts = range(start, n - 1, 2)  # the last window may reach over the edge
        return [slice(max(0, i), i + 3) for i in starts]

    rows = [
        torch.stack([x[:, :, a, b].amax(dim=(2, 3)) for b in windows(width)], dim=-1)
        for a in windows(height)
    ]
    return torch.stack(rows, dim=-2)


def interpolation(n_in: int, n_out: int, align_corners: bool) -> Tensor:
    """The (n_out, n_in) matrix of linear interpolation."""
    matrix = torch.zeros(n_out, n_in, dtype=torch.float64)
    for i in range(n_out):
        if align_corners:
            place = i * (n_in - 1) / (n_out - 1) if n_out > 1 else 0.0
        else:
            place = min(max((i + 0.5) * n_in / n_out - 0.5, 0.0), n_in - 1)
        low = min(int(place), n_in - 1)
        matrix[i, low] += 1 - (place - low)
        matrix[i, min(low + 1, n_in - 1)] += place - low
    return matrix


def bilinear(x: Tensor, size: tuple[int, int], align_corners: bool = True) -> Tensor:
    """Rows, then columns, by matrices."""
    rows = interpolation(x.shape[2], size[0], align_corners)
    columns = interpolation(x.shape[3], size[1], align_corners)
    return torch.einsum("ih,bchw,jw->bcij", rows, x, columns)


def nearest(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Every target position takes the source position ``floor(i * n_in / n_out)``."""
    rows = [i * x.shape[2] // size[0] for i in range(size[0])]
    columns = [j * x.shape[3] // size[1] for j in range(size[1])]
    return torch.stack([torch.stack([x[:, :, i, j] for j in columns], -1) for i in rows], -2)


def transposed(x: Tensor, size: tuple[int, int], weight: Tensor) -> Tensor:
    """Every source position adds its weighted 4x4 stamp, around (2i, 2j), to the target."""
    canvas = x.new_zeros(*x.shape[:2], size[0], size[1])
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            for a in range(4):
                for b in range(4):
                    y, z = 2 * i - 1 + a, 2 * j - 1 + b
                    if 0 <= y < size[0] and 0 <= z < size[1]:
                        canvas[:, :, y, z] += x[:, :, i, j] * weight[:, 0, a, b]
    return canvas


class Naive:
    """Units, masks and networks as functions of a state dict."""

    def __init__(
        self, module: nn.Module, rules: Rules | None = None, *, batch_statistics: bool = False
    ) -> None:
        self.state = module.state_dict()
        self.rules = rules or Rules()
        self.batch_statistics = batch_statistics
        self.gate: Callable[[Tensor], Tensor] = lambda x: x
        self.groups = 1

    def conv(self, x: Tensor, key: str, **options: int) -> Tensor:
        return F.conv2d(x, self.state[f"{key}.weight"], self.state.get(f"{key}.bias"), **options)

    def norm(self, x: Tensor, key: str) -> Tensor:
        if self.batch_statistics:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        else:
            mean, variance = self.state[f"{key}.running_mean"], self.state[f"{key}.running_var"]
        gain, bias = self.state[f"{key}.weight"], self.state[f"{key}.bias"]
        scale = gain / (variance + self.rules.eps) ** 0.5
        return (x - mean[:, None, None]) * scale[:, None, None] + bias[:, None, None]

    def norm_relu(self, x: Tensor, key: str) -> Tensor:
        return self.norm(x, f"{key}.0").clamp(min=0)

    def key(self, prefix: str, name: str) -> str:
        return f"{prefix}.{name}" if prefix else name

    def has(self, key: str) -> bool:
        return any(name.startswith(f"{key}.") for name in self.state)

    def bottleneck(self, x: Tensor, key: str, stride: int) -> Tensor:
        early = stride if self.rules.stride_on == "1x1" else 1
        x = self.norm_relu(self.conv(x, f"{key}.0", stride=early), f"{key}.1")
        x = self.conv(x, f"{key}.2", stride=stride // early, padding=1, groups=self.groups)
        return self.conv(self.norm_relu(x, f"{key}.3"), f"{key}.4")

    def shortcut(self, raw: Tensor, activated: Tensor, key: str, stride: int) -> Tensor:
        if not self.has(key):
            return raw
        source = raw if self.rules.projection_reads == "raw" else activated
        out = self.conv(source, key, stride=stride)
        return F.batch_norm(out, None, None, training=True) if self.rules.projection_norm else out

    def preact(self, x: Tensor, key: str = "", stride: int = 1) -> Tensor:
        activated = self.norm_relu(x, self.key(key, "preact"))
        branch = self.bottleneck(activated, self.key(key, "branch"), stride)
        return self.gate(branch) + self.shortcut(x, activated, self.key(key, "projection"), stride)

    def post(self, x: Tensor, key: str = "", stride: int = 1) -> Tensor:
        branch, projection = self.key(key, "branch"), self.key(key, "projection")
        out = self.gate(self.norm(self.bottleneck(x, branch, stride), f"{branch}.5"))
        if self.has(projection):
            x = self.norm(self.conv(x, f"{projection}.0", stride=stride), f"{projection}.1")
        return (out + x).clamp(min=0)

    def inception(self, x: Tensor, key: str = "", stride: int = 1) -> Tensor:
        paths, join = self.key(key, "paths"), self.key(key, "join")
        a = self.norm_relu(x, self.key(key, "preact"))
        one = self.conv(a, f"{paths}.0", stride=stride)
        two = self.norm_relu(self.conv(a, f"{paths}.1.0"), f"{paths}.1.1")
        two = self.conv(two, f"{paths}.1.2", stride=stride, padding=1)
        three = self.norm_relu(self.conv(a, f"{paths}.2.0"), f"{paths}.2.1")
        three = self.conv(three, f"{paths}.2.2", stride=stride, padding=1)
        three = self.conv(self.norm_relu(three, f"{paths}.2.3"), f"{paths}.2.4", padding=1)
        joined = self.norm_relu(torch.cat([one, two, three], dim=1), f"{join}.0")
        branch = self.gate(self.conv(joined, f"{join}.1"))
        return branch + self.shortcut(x, a, self.key(key, "projection"), stride)

    def units(self, x: Tensor, key: str, kind: str) -> Tensor:
        count = 0
        while self.has(f"{key}.{count}"):
            x = getattr(self, kind)(x, f"{key}.{count}")
            count += 1
        return x

    def upsample(self, x: Tensor, size: tuple[int, int], key: str, how: str) -> Tensor:
        if how == "transposed":
            return transposed(x, size, self.state[f"{key}.conv.weight"])
        if how == "nearest":
            return nearest(x, size)
        return bilinear(x, size, self.rules.align_corners)

    def head(self, x: Tensor, key: str, kind: str) -> Tensor:
        """The numbers before the mask's activation."""
        if kind != "post":
            x = self.norm_relu(x, f"{key}.preact")
        x = self.norm_relu(self.conv(x, f"{key}.convs.0"), f"{key}.convs.1")
        x = self.conv(x, f"{key}.convs.2")
        if self.has(f"{key}.final_norm"):
            x = self.norm(x, f"{key}.final_norm")
        return F.batch_norm(x, None, None, training=True) if self.rules.final_norm else x

    def hourglass(
        self,
        x: Tensor,
        key: str = "",
        *,
        poolings: int,
        kind: str = "preact",
        how: str = "bilinear",
        trunk: Tensor | None = None,
    ) -> Tensor:
        """The mask before its activation; told as a recursion from the top map downwards."""
        added = self.rules.added

        def rebuilt(x: Tensor, level: int) -> Tensor:
            """What lies below x, brought back to x's size."""
            inner = self.units(pool(x, self.rules.pooling), self.key(key, f"down.{level}"), kind)
            bottom, skip = inner, self.key(key, f"skips.{level}")
            if level < poolings - 1:
                inner = rebuilt(bottom, level + 1)
                if self.has(skip) and added != "nothing":
                    inner = inner + getattr(self, kind)(bottom, skip)
                if added == "skips and maps":
                    inner = inner + bottom
            step = poolings - 1 - level
            inner = self.units(inner, self.key(key, f"up.{step}"), kind)
            return self.upsample(inner, x.shape[2:], self.key(key, f"upsample.{step}"), how)

        out = rebuilt(x, 0)
        if added == "skips and top":
            out = out + x
        if added == "skips and trunk" and trunk is not None:
            out = out + trunk
        return self.head(out, self.key(key, "head"), kind)

    def module(self, x: Tensor, key: str, poolings: int) -> Tensor:
        """A whole attention module with p = 1, pre-activation units, f1 and equation 3."""
        x = self.preact(x, f"{key}.before.0")
        trunk = self.units(x, f"{key}.trunk", "preact")
        activated = self.rules.mask_reads == "activated"
        seen = self.norm_relu(x, f"{key}.trunk.0.preact") if activated else x
        numbers = self.hourglass(seen, f"{key}.mask", poolings=poolings, trunk=trunk)
        merged = (1 + 1 / (1 + torch.exp(-numbers))) * trunk
        return self.preact(merged, f"{key}.after.0")

    def attention56(self, image: Tensor) -> Tensor:
        """Logits of Attention-56, row by row of table 2."""
        x = self.norm_relu(self.conv(image, "stem.0", stride=2, padding=3), "stem.1")
        x = pool(x, self.rules.pooling)
        for stage, stride, poolings in ((0, 1, 3), (1, 2, 2), (2, 2, 1)):
            x = self.preact(x, f"stages.{stage}.0", stride)
            x = self.module(x, f"stages.{stage}.1", poolings)
        for unit, stride in ((0, 2), (1, 1), (2, 1)):
            x = self.preact(x, f"stages.3.{unit}", stride)
        x = self.norm_relu(x, "head.0").mean((2, 3))
        return x @ self.state["head.3.weight"].T + self.state["head.3.bias"]


def floating_maps(*shape: int, seed: int = 0) -> Tensor:
    """Seeded float64 maps."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def named(rules: Rules) -> str:
    """What differs from the released networks, for a test's name."""
    return " ".join(f"{k}={v}" for k, v in changed(rules))


def changed(rules: Rules) -> Iterator[tuple[str, object]]:
    default = Rules()
    for field in rules.__dataclass_fields__:
        if getattr(rules, field) != getattr(default, field):
            yield field, getattr(rules, field)
