# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 03: the mask's hourglass
#
# All maps have shape (B, C, H, W). An hourglass has *d* poolings, and *r* residual units between
# two of them. Every pooling is 3x3 with stride 2, without padding, in ceil mode; every enlargement
# is bilinear with `align_corners=True`. Run the next cell first; then every task stands on its own.

# %% setup
import torch
import torch.nn.functional as F
from torch import nn

from coursekit.checks import Check, exercise_set

exercise_set("03_mask_hourglass")


# %% resize [markdown] task={"difficulty": 1, "minutes": 10}
# ## Task 1: Down and up
#
# Write the two steps between sizes. `pool` makes (B, C, H // 2, W // 2) of (B, C, H, W), for odd
# and for even sides. `enlarge` brings x, (B, C, h, w), to the height and width of the map `like`
# that it is to join, (B, C', H, W), and keeps x's own channels.

# %% resize-answer
def pool(x):  # (B, C, H, W) -> (B, C, H // 2, W // 2)
    """3x3 max-pooling, stride 2, no padding, ceil mode."""
    # answer
    return F.max_pool2d(x, 3, stride=2, ceil_mode=True)
    # end answer


def enlarge(x, like):  # (B, C, h, w), (B, C', H, W) -> (B, C, H, W)
    """Bilinear, with align_corners=True, to the height and width of `like`."""
    # answer
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=True)
    # end answer


# %% resize-check points=5
check = Check("resize-check")
for shape in [(2, 3, 8, 6), (1, 2, 13, 9), (1, 1, 2, 7)]:
    check(f"pool, {shape}", pool, check.normal(*shape))
check("pool, all values below 0", pool, -1 - check.uniform(2, 1, 6, 4))
check.done()

# %% resize-check-2 points=5
check = Check("resize-check-2")
for small, large in [((2, 3, 4, 3), (2, 3, 8, 6)), ((1, 2, 6, 4), (1, 5, 13, 9))]:
    check(f"enlarge, {small} to {large}", enlarge, check.normal(*small), torch.zeros(large))
check("enlarge, from a single value", enlarge, check.normal(1, 2, 1, 1), torch.zeros(1, 2, 3, 2))
check.done()


# %% resize-hints [markdown]
# <details><summary>Hint 1</summary>One function of <code>torch.nn.functional</code> each, with the
# right options. Which option of the pooling lets its last window hang over the edge?</details>
#
# <details><summary>Hint 2</summary><code>F.max_pool2d(x, 3, ...)</code> and
# <code>F.interpolate(x, ...)</code>. The second takes a <code>scale_factor</code> or a
# <code>size</code>: which of them works when H is odd?</details>
#
# <details><summary>Hint 3</summary><code>stride=2, ceil_mode=True</code> for the pooling;
# <code>size=like.shape[-2:], mode="bilinear", align_corners=True</code> for the way up.</details>

# %% count [markdown] task={"difficulty": 2, "minutes": 20}
# ## Task 2: Count before you build
#
# Write five functions, the last of which reads a table of published masks. The size of the lowest
# map. The most poolings that leave both sides at least `least`. The units of a mask, those on skips
# included. Its parameters: a unit is BN-ReLU-1x1, BN-ReLU-3x3, BN-ReLU-1x1 with C // 4 channels
# inside; the head, BN-ReLU-1x1 twice, has C everywhere; no convolution has a bias. Last, the r of a
# mask that is published with so many parameters, or None if no whole r of 1 or more fits.

# %% count-answer
def lowest(H, W, d):  # sides, poolings -> two sides
    """Height and width of the lowest map."""
    # answer
    return H // 2**d, W // 2**d
    # end answer


def poolings(H, W, least):  # sides, a side -> d
    """The most poolings after which both sides are still at least `least`."""
    # answer
    d = 0
    while min(lowest(H, W, d + 1)) >= least:
        d += 1
    return d
    # end answer


def units(d, r):  # -> a number
    """The residual units in a mask of d poolings."""
    # answer
    return 2 * r + (d - 1) * (2 * r + 1)
    # end answer


def parameters(C, d, r):  # -> a number
    """The parameters of a mask: its units and its head."""
    # answer
    w = C // 4
    unit = 2 * C + C * w + 2 * w + 9 * w * w + 2 * w + w * C
    head = 2 * (2 * C + C * C)
    return units(d, r) * unit + head
    # end answer


def fitting_r(C, d, published):  # -> r or None
    """The r with which a mask has just as many parameters as published."""
    # answer
    r = 1
    while parameters(C, d, r) < published:
        r += 1
    return r if parameters(C, d, r) == published else None
    # end answer


# %% count-check points=5
check = Check("count-check")
for H, W, d in [(56, 56, 3), (13, 9, 2), (31, 100, 4)]:
    check(f"lowest map, {H} x {W}, d = {d}", lowest, H, W, d)
for H, W, least in [(56, 56, 7), (28, 28, 7), (63, 200, 8), (33, 15, 2), (6, 9, 7)]:
    check(f"poolings, {H} x {W}, at least {least}", poolings, H, W, least)
check.done()

# %% count-check-2 points=6
check = Check("count-check-2")
for d, r in [(1, 1), (1, 3), (3, 1), (2, 3), (4, 2)]:
    check(f"units, d = {d}, r = {r}", units, d, r)
for C, d, r in [(256, 3, 1), (8, 1, 2), (64, 2, 3)]:
    check(f"parameters, C = {C}, d = {d}, r = {r}", parameters, C, d, r)
check.done()


# %% count-published
def published(C, d, r, skips=True):
    """What a table would say of such a mask, with or without its skips."""
    from resattn import count_parameters, masks
    from resattn.units import PreActBottleneck

    def unit():
        return PreActBottleneck(C, C, width=C // 4)

    head = masks.MaskHead(C, preact=True)
    return count_parameters(
        masks.HourglassMask(C, unit, poolings=d, r=r, head=head, skips=skips))


TABLE = {"A": (256, 3, published(256, 3, 1)), "B": (128, 2, published(128, 2, 3)),
         "C": (512, 1, published(512, 1, 2)), "D": (64, 3, published(64, 3, 2, skips=False)),
         "E": (32, 4, published(32, 4, 5))}
print("mask    C  d  parameters")
for name, (C, d, total) in TABLE.items():
    print(f"{name:4} {C:4} {d:2}  {total:10,}")

# %% count-check-3 points=4
check = Check("count-check-3")
for name, (C, d, total) in TABLE.items():
    check(f"r of mask {name}", fitting_r, C, d, total)
check.done()


# %% count-hints [markdown]
# <details><summary>Hint 1</summary>A pooling makes n into n // 2. For the units, draw the mask with
# d = 2: which units does one more pooling add?</details>
#
# <details><summary>Hint 2</summary>Down and up add r units each at every level, and each level but
# one has a skip. A BN of n channels has 2n parameters, a k x k convolution from a to b channels has
# k k a b.</details>
#
# <details><summary>Hint 3</summary>u = 2 r + (d - 1)(2 r + 1). With w = C // 4 a unit has the norms
# 2C, 2w, 2w and the weights C w, 9 w w, w C; the head has 2 (2C + C C). For the table, count r up
# from 1 until the parameters are reached or passed.</details>

# %% tools [markdown]
# The next cell has three tools for the tasks below: a residual unit, and the package's own versions
# of task 1. So a mistake up there does no harm down here.

# %% tools-code
def unit(C):
    """Lesson 01's residual unit: (B, C, H, W) -> the same."""
    from resattn.units import PreActBottleneck

    return PreActBottleneck(C, C, width=C)


def shrink(x):  # (B, C, H, W) -> (B, C, H // 2, W // 2)
    """The pooling of task 1."""
    from resattn.resampling import pool

    return pool(x)


def grow(x, like):  # (B, C, h, w), (B, C', H, W) -> (B, C, H, W)
    """The enlargement of task 1."""
    from resattn.resampling import Upsample

    return Upsample(x.shape[1])(x, like.shape[-2:])


# %% mask [markdown] task={"difficulty": 3, "minutes": 25}
# ## Task 3: The mask
#
# Write the head: one flat `nn.Sequential` of seven modules. Then write the hourglass, from
# (B, C, H, W) to the same shape, with `shrink` and `grow` of the cell above. Going down, each step
# is a pooling and its `down`. Going up, each step is its `up` and an enlargement to the size of the
# map one level higher; then, at every level but the top, the skip is added: that level's map, put
# through a unit of its own.

# %% mask-answer
def head(C):  # -> nn.Sequential, (B, C, H, W) -> (B, C, H, W)
    """BN-ReLU-1x1, BN-ReLU-1x1, sigmoid: C channels everywhere, no bias."""
    # answer
    layers = []
    for _ in range(2):
        layers += [nn.BatchNorm2d(C), nn.ReLU(), nn.Conv2d(C, C, 1, bias=False)]
    return nn.Sequential(*layers, nn.Sigmoid())
    # end answer


class Hourglass(nn.Module):
    """An hourglass of d poolings. `down` and `skips` count from the top, `up` from the bottom."""

    def __init__(self, C, d, r=1):
        super().__init__()
        self.down = nn.ModuleList(nn.Sequential(*[unit(C) for _ in range(r)]) for _ in range(d))
        self.skips = nn.ModuleList(unit(C) for _ in range(d - 1))
        self.up = nn.ModuleList(nn.Sequential(*[unit(C) for _ in range(r)]) for _ in range(d))

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        # answer
        levels = [x]
        for down in self.down:
            levels.append(down(shrink(levels[-1])))
        y = levels.pop()
        skips = list(self.skips)
        for up in self.up:
            level = levels.pop()
            y = grow(up(y), level)
            if skips:
                y = y + skips.pop()(level)
        return y
        # end answer


# %% mask-check points=8
check = Check("mask-check")


def through_head(shape, training):
    return check.fill(head(shape[1])).train(training)(check.normal(*shape))


for training in (True, False):
    for shape in [(2, 6, 5, 7), (1, 3, 4, 9)]:
        mode = "training" if training else "evaluating"
        check(f"head, {shape}, {mode}", through_head, shape, training)
check.done()

# %% mask-check-2 points=12
check = Check("mask-check-2")


def through(d, r, shape, training=True):
    body = check.fill(Hourglass(shape[1], d, r)).train(training)
    return body(check.normal(*shape))


def gradient(part):
    body = check.fill(Hourglass(4, 3))
    body(check.normal(2, 4, 18, 17)).square().mean().backward()
    return body.get_submodule(part).branch[-1].weight.grad


check("d = 1, even sides", through, 1, 1, (2, 4, 8, 6))
check("d = 1, r = 2, one image, odd sides", through, 1, 2, (1, 3, 13, 9))
check("d = 2, odd sides", through, 2, 1, (2, 4, 13, 9))
check("d = 2, r = 2, evaluating", through, 2, 2, (1, 3, 11, 20), False)
check("d = 3", through, 3, 1, (2, 4, 24, 16))
check("d = 3, odd sides, evaluating", through, 3, 1, (1, 5, 31, 17), False)
for part in ("down.0.0", "skips.0", "skips.1"):
    check(f"gradient of {part}", gradient, part)
check.done()

# %% mask-hidden points=5
check = Check("mask-hidden")
shape = (2, 3, 16 + check.integers(0, 9), 16 + check.integers(0, 9))
check(f"a drawn shape, {shape}", through, 3, 1 + check.integers(0, 2), shape, False)
check(f"its head, {shape}", through_head, shape, True)
check.done()


# %% mask-hints [markdown]
# <details><summary>Hint 1</summary>Draw it for d = 3, with the sizes: 24, 12, 6, 3. How many maps
# lie on the way down, and which of them does the way up meet again, in which order?</details>
#
# <details><summary>Hint 2</summary>Keep the maps of the way down in a list that begins with x, and
# take them off its end on the way up. The last one is where the way up begins; the first one, x,
# only says how large the result is.</details>
#
# <details><summary>Hint 3</summary>Down: <code>levels.append(down(shrink(levels[-1])))</code>. Up,
# after <code>level = levels.pop()</code>: <code>y = grow(up(y), level)</code>, and while skips are
# left, add <code>skip(level)</code>, the lowest skip first.</details>

# %% bug [markdown] task={"difficulty": 3, "minutes": 15}
# ## Task 4: Find the bugs
#
# This hourglass has three poolings, written out one by one, as ports often do. Its parameters count
# right and its shapes are right. Three things are wrong: one in `descend`, which gives the three
# maps of the way down, and two in `climb`. Mend them, so that the class does what task 3 asks.

# %% bug-answer
class Port(nn.Module):
    """An hourglass with three poolings and r = 1."""

    def __init__(self, C):
        super().__init__()
        self.down1, self.down2, self.down3 = unit(C), unit(C), unit(C)
        self.skip1, self.skip2 = unit(C), unit(C)
        self.up3, self.up2, self.up1 = unit(C), unit(C), unit(C)

    def descend(self, x):  # (B, C, H, W) -> three maps, the lowest last
        # answer
        one = self.down1(shrink(x))
        two = self.down2(shrink(one))
        low = self.down3(shrink(two))
        return one, two, low
        # given
        # one = self.down1(shrink(x))
        # two = self.down2(shrink(x))
        # low = self.down3(shrink(two))
        # return one, two, low
        # end answer

    def climb(self, one, two, low, like):  # three maps, (B, C, H, W) -> (B, C, H, W)
        # answer
        y = grow(self.up3(low), two) + self.skip2(two)
        y = grow(self.up2(y), one) + self.skip1(one)
        return grow(self.up1(y), like)
        # given
        # skipped1, skipped2 = self.skip1(one), self.skip2(two)
        # y = grow(self.up3(low), two) + skipped2 + two
        # y = grow(self.up2(y), one) + one
        # return grow(self.up1(y), like)
        # end answer

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        return self.climb(*self.descend(x), x)


# %% bug-check points=5
check = Check("bug-check")


def descended(shape, training):
    port = check.fill(Port(shape[1])).train(training)
    return port.descend(check.normal(*shape))


check("descend, even sides", descended, (2, 4, 24, 16), True)
check("descend, odd sides, one image", descended, (1, 3, 17, 31), False)
check.done()

# %% bug-check-2 points=7
check = Check("bug-check-2")


def climbed(H, W, training):
    port = check.fill(Port(4)).train(training)
    sides = [(H // 2**k, W // 2**k) for k in (1, 2, 3, 0)]
    return port.climb(*[check.normal(2, 4, *side) for side in sides])


check("climb, even sides", climbed, 24, 16, True)
check("climb, odd sides", climbed, 17, 31, False)
check.done()

# %% bug-check-3 points=3
check = Check("bug-check-3")


def whole(shape, training):
    return check.fill(Port(shape[1])).train(training)(check.normal(*shape))


check("the whole, even sides", whole, (2, 4, 24, 16), True)
check("the whole, odd sides, one image", whole, (1, 3, 17, 31), False)
check.done()


# %% bug-hints [markdown]
# <details><summary>Hint 1</summary>Write the size beside each of the six maps, for an input of 24.
# Are they 12, 6 and 3 on the way down? Then count the terms in each sum: the enlarged map, the
# skip, and nothing else.</details>
#
# <details><summary>Hint 2</summary>In <code>descend</code>: what should the second pooling read?
# In <code>climb</code>: a unit is residual, so its input is in its output already. Which sum takes
# it in twice, and which sum leaves the unit out?</details>
#
# <details><summary>Hint 3</summary>The second pooling reads <code>one</code>. The first sum loses
# its <code>+ two</code>; the second adds <code>skipped1</code> instead of
# <code>one</code>.</details>

# %% reads [markdown] task={"difficulty": 4, "minutes": 25}
# ## Task 5: Derive what it sees
#
# First a chain of convolutions and poolings, each a pair (kernel, stride): the side of the window
# of the input that one value of the last map depends on, away from the borders. Then task 3's
# hourglass, along one axis: the first and the last row of its n input rows that the output
# rows `first` to `last` depend on. A pooling's row i reads rows 2i to 2i + 2, and a unit's reads
# i - 1 to i + 1, where the map has them. Enlarging m rows to n puts row i at (m - 1) i / (n - 1),
# and reads the row at that place, or the two around it.

# %% reads-answer
def window(layers):  # [(kernel, stride), ...], the first layer first -> a number
    """The side of the window that one value of the last map sees."""
    # answer
    side, step = 1, 1
    for kernel, stride in layers:
        side += (kernel - 1) * step
        step *= stride
    return side
    # end answer


def reads(n, d, r, first, last):  # rows, poolings, r, two rows -> two rows
    """The first and last of n rows that the output rows `first` to `last` depend on."""
    # answer
    m = n // 2
    top = (m - 1) * first // (n - 1)  # enlarge: rounded down
    bottom = -(-(m - 1) * last // (n - 1))  # and rounded up
    top, bottom = max(0, top - r), min(m - 1, bottom + r)  # units on the way up
    if d > 1:
        top, bottom = reads(m, d - 1, r, top, bottom)  # the skip sees less than this
    top, bottom = max(0, top - r), min(m - 1, bottom + r)  # units on the way down
    return 2 * top, min(n - 1, 2 * bottom + 2)
    # end answer


# %% reads-check points=6
check = Check("reads-check")
check("three units", window, [(3, 1)] * 3)
check("a stem, 7x7 with stride 2, and a pooling", window, [(7, 2), (3, 2)])
check("1x1 convolutions only", window, [(1, 1), (1, 1)])
check("no layer", window, [])
for d, r in [(1, 1), (3, 1), (2, 3)]:
    layers = ([(3, 2)] + r * [(3, 1)]) * d + r * [(3, 1)]
    check(f"down to the lowest map, d = {d}, r = {r}", window, layers)
check.done()

# %% reads-check-2 points=9
check = Check("reads-check-2")
for n, d, r, row in [(56, 1, 1, 28), (56, 2, 1, 28), (56, 3, 1, 0), (40, 1, 1, 39),
                     (200, 3, 2, 117), (57, 2, 3, 56), (101, 3, 1, 50), (63, 1, 1, 31)]:
    check(f"n = {n}, d = {d}, r = {r}, row {row}", reads, n, d, r, row, row)
check("n = 100, d = 2, r = 1, rows 30 to 44", reads, 100, 2, 1, 30, 44)
check.done()


# %% reads-hints [markdown]
# <details><summary>Hint 1</summary>In a chain, one step on a late map is several steps on the
# input: keep count of how many. In the hourglass, walk from the output back to the input, and ask
# at each map which of its rows matter.</details>
#
# <details><summary>Hint 2</summary>Each layer adds kernel - 1 steps to the window, and a stride
# makes all later steps longer. In the hourglass the order backwards is: enlarge, r units, the
# smaller hourglass if there is one, r units, pooling. Does the skip ever see further than the
# smaller hourglass beside it?</details>
#
# <details><summary>Hint 3</summary><code>side += (kernel - 1) * step; step *= stride</code>. With
# m = n // 2: divide <code>(m - 1) * first</code> by <code>n - 1</code> and round down, the same of
# <code>last</code> and round up; widen by r; call <code>reads(m, d - 1, r, ...)</code> if d > 1;
# widen by r; return 2 top and 2 bottom + 2. Cut off at the borders each time.</details>

# %% near [markdown] task={"difficulty": 4, "minutes": 25}
# ## Task 6: Whether, and how much
#
# A receptive field says whether an input matters, not how much. Measure how much. The **influence**
# of an input position on the output at (row, column): take each image's gradient of the sum of that
# output over the channels, square it, sum it over the input's channels, and average over the
# images, with the module in evaluation mode. Then the share of all influence that comes from the
# square window of odd `side` around that place, cut off at the borders. Last, for each kind of
# mask, the mean over seeds 0, 1, 2 of the share of a 7 by 7 window around (16, 16), with
# `pictures(4)`.

# %% near-network
def network(kind, seed):
    """A mask before training: "plain" (three units), "hourglass" (d = 3), or "no skips"."""
    from resattn import masks

    head = masks.MaskHead(8, preact=True)
    if kind == "plain":
        mask = masks.LocalConvolutionMask(lambda: unit(8), units=3, head=head)
    else:
        mask = masks.HourglassMask(
            8, lambda: unit(8), poolings=3, r=1, head=head, skips=kind == "hourglass")
    return Check("near-network", seed).fill(mask)


def pictures(n):  # -> (n, 8, 32, 32)
    """n noise maps."""
    return Check("near-pictures", 0).normal(n, 8, 32, 32)


# %% near-answer
def influence(module, x, row, column):  # (B, C, H, W) -> (H, W)
    """How much each input position moves the output at (row, column)."""
    # answer
    x = x.clone().requires_grad_()
    output = module.eval()(x)[:, :, row, column].sum()
    (gradient,) = torch.autograd.grad(output, x)
    return gradient.square().sum(1).mean(0)
    # end answer


def share_within(shares, row, column, side):  # (H, W), a place, an odd side -> a number
    """The share of the whole that lies in the window around (row, column)."""
    # answer
    half = side // 2
    rows = slice(max(0, row - half), row + half + 1)
    columns = slice(max(0, column - half), column + half + 1)
    return shares[rows, columns].sum() / shares.sum()
    # end answer


def near(kind):  # "plain", "hourglass" or "no skips" -> a number
    """Mean share of a 7 by 7 window around (16, 16), seeds 0, 1, 2, pictures(4)."""
    # answer
    x, found = pictures(4), []
    for seed in range(3):
        shares = influence(network(kind, seed), x, 16, 16)
        found.append(share_within(shares, 16, 16, 7).item())
    return sum(found) / 3
    # end answer


# %% near-check points=6
check = Check("near-check")


def moved(shape, row, column, training):
    module = nn.Sequential(unit(shape[1]), unit(shape[1]))
    module = check.fill(module).train(training)
    return influence(module, check.normal(*shape), row, column)


check("influence, odd sides", moved, (3, 4, 7, 9), 3, 5, False)
check("influence, a corner, one image", moved, (1, 5, 6, 5), 0, 4, False)
check("influence, a module left in training mode", moved, (4, 3, 5, 5), 2, 2, True)
check.done()

# %% near-check-2 points=4
check = Check("near-check-2")
for place, side in [((4, 5), 3), ((0, 8), 5), ((6, 2), 7), ((3, 3), 1), ((3, 4), 99)]:
    check(f"window of {side} around {place}", share_within, check.uniform(7, 9), *place, side)
check.done()

# %% near-check-3 points=5
check = Check("near-check-3")
for kind in ("plain", "hourglass", "no skips"):
    check.measure(f"from within 7 by 7, {kind}", near, kind)
check.done()

# %% near-words [markdown] manual=5
# In three or four sentences: the field of both hourglasses is the whole map. Why do their shares
# differ so much, and what has that to do with the blur that lesson 03 saw without skips? And why is
# the share of the plain units just what it is?
#
# <!-- answer -->
# Without skips every path runs through the lowest map, 4 by 4 here, where one value stands for a
# whole patch: influence comes from far and wide, and the mask cannot tell neighbours apart. A skip
# opens short paths at half and at quarter resolution; their few layers reach little further than
# the place itself, and their influence is large. That is the sharpness which came back in the
# lesson. Three plain units see 7 by 7, so all of their influence lies in that window, by necessity.
# <!-- end answer -->

# %% near-hints [markdown]
# <details><summary>Hint 1</summary>Three functions: one takes a gradient with respect to the input,
# one slices a map, and one calls both for three networks. For the first: which tensor needs
# <code>requires_grad_()</code>?</details>
#
# <details><summary>Hint 2</summary>In evaluation mode images do not meet, so one gradient of the
# sum over images and channels holds every image's own. For the window, mind that a slice that
# begins below 0 begins somewhere else.</details>
#
# <details><summary>Hint 3</summary>After <code>x = x.clone().requires_grad_()</code> take
# <code>torch.autograd.grad(module.eval()(x)[:, :, row, column].sum(), x)</code>, then
# <code>.square().sum(1).mean(0)</code> of the first item. The window's rows are
# <code>slice(max(0, row - half), row + half + 1)</code>.</details>
