# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 01: the residual unit
#
# x is a map of shape (B, C, H, W): images, channels, height, width. A unit computes y = x + F(x):
# F is its **branch**, the way round it its **shortcut**. Tasks 5 and 6 scale the shortcut,
# y = s x + F(x). **BN** is batch normalisation. Run the next cell first; then every task stands on
# its own.

# %% setup
import math

import torch
from torch import nn

from coursekit.checks import Check, exercise_set

exercise_set("01_residual_unit")


def gradient(function, x, *more):
    """The gradient of the summed squares of function(x, *more), at x."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x, *more).square().sum(), x)[0]


# %% orders [markdown] task={"difficulty": 1, "minutes": 10}
# ## Task 1: The same layers, in two orders
#
# You are given two convolutions and two BNs; all of them keep the shape (B, C, H, W). Make of them
# a *post-activation* residual unit, and a *pre-activation* one. Each of the two applies ReLU twice;
# you say where.

# %% orders-answer
def post_activation(x, conv1, bn1, conv2, bn2):  # (B, C, H, W), layers -> (B, C, H, W)
    """He et al. (2015)."""
    # answer
    y = bn2(conv2(torch.relu(bn1(conv1(x)))))
    return torch.relu(x + y)
    # end answer


def pre_activation(x, conv1, bn1, conv2, bn2):  # (B, C, H, W), layers -> (B, C, H, W)
    """He et al. (2016)."""
    # answer
    y = conv1(torch.relu(bn1(x)))
    return x + conv2(torch.relu(bn2(y)))
    # end answer


# %% orders-layers
def layers(C):
    """Two convolutions and two BNs for C channels, in their order."""
    convs = [nn.Conv2d(C, C, 3, padding=1, bias=False) for _ in range(2)]
    return nn.ModuleList([convs[0], nn.BatchNorm2d(C), convs[1], nn.BatchNorm2d(C)])


# %% orders-check points=5
check = Check("orders-check")


def post(x, parts):
    return post_activation(x, *parts)


for shape in [(2, 3, 5, 7), (1, 4, 6, 1)]:
    for training in (True, False):
        parts = check.fill(layers(shape[1])).train(training)
        mode = "training" if training else "evaluating"
        check(f"post-activation, {shape}, {mode}", post, check.normal(*shape), parts)
check("post-activation, gradient at x", gradient, post, check.normal(*shape), parts)
check.done()

# %% orders-check-2 points=5
check = Check("orders-check-2")


def pre(x, parts):
    return pre_activation(x, *parts)


for shape in [(2, 3, 5, 7), (1, 4, 6, 1)]:
    for training in (True, False):
        parts = check.fill(layers(shape[1])).train(training)
        mode = "training" if training else "evaluating"
        check(f"pre-activation, {shape}, {mode}", pre, check.normal(*shape), parts)
check("pre-activation, gradient at x", gradient, pre, check.normal(*shape), parts)
check.done()


# %% orders-hints [markdown]
# <details><summary>Hint 1</summary>Write both branches as a row of words: conv, BN, ReLU, ... Where
# does the sum stand in each, and what comes after it?</details>
#
# <details><summary>Hint 2</summary>Post: conv, BN, ReLU, conv, BN, then the sum, then the second
# ReLU. Pre: BN, ReLU, conv, twice, then the sum, and nothing after it.</details>
#
# <details><summary>Hint 3</summary>In both units the shortcut is x as it came in. The last line of
# the second is <code>return x + conv2(torch.relu(bn2(y)))</code>, where y is what the first BN,
# ReLU and convolution have made of x.</details>

# %% count [markdown] task={"difficulty": 2, "minutes": 20}
# ## Task 2: What a bottleneck costs
#
# Count the trained parameters of a pre-activation bottleneck, and the multiply-adds of its
# convolutions for one image of H x W, by formulas. Then find the largest width that a budget of
# parameters allows. The unit is the lesson's, with a 3x3 in groups:
#
# - a 1x1 from `c_in` to `width` channels, a 3x3 in `groups` groups, a 1x1 to `c_out`; before each
#   of the three stands a BN with scale and shift, and no convolution has a bias;
# - the stride, which may not divide H or W, sits on the 3x3, whose padding is 1;
# - a 1x1 projection, without a BN of its own, is there only if channels or resolution change.

# %% count-answer
def parameters(c_in, c_out, width, stride, groups):  # five ints -> an int
    """Trained parameters of the unit."""
    # answer
    weights = c_in * width + 9 * width * width // groups + width * c_out
    if c_in != c_out or stride != 1:
        weights += c_in * c_out
    norms = 2 * (c_in + width + width)
    return weights + norms
    # end answer


def multiply_adds(c_in, c_out, width, stride, groups, H, W):  # seven ints -> an int
    """Multiply-adds of the unit's convolutions, for one image."""
    # answer
    before = H * W
    after = math.ceil(H / stride) * math.ceil(W / stride)
    total = c_in * width * before
    total += (9 * width * width // groups + width * c_out) * after
    if c_in != c_out or stride != 1:
        total += c_in * c_out * after
    return total
    # end answer


def widest(c, groups, budget):  # three ints -> an int
    """The largest width, a multiple of `groups`, whose unit has at most `budget` parameters.

    The unit has c channels in and out, and stride 1. If no width fits, 0.
    """
    # answer
    width = 0
    while parameters(c, c, width + groups, 1, groups) <= budget:
        width += groups
    return width
    # end answer


# %% count-check points=8
check = Check("count-check")
for sizes in [(256, 256, 64, 1, 1), (64, 256, 64, 1, 1), (32, 32, 8, 2, 1), (48, 96, 24, 2, 4),
              (256, 256, 128, 1, 32), (8, 8, 12, 1, 12)]:
    check("c_in {}, c_out {}, width {}, stride {}, groups {}".format(*sizes), parameters, *sizes)
check.done()

# %% count-check-2 points=7
check = Check("count-check-2")
for sizes in [(256, 256, 64, 1, 1, 56, 56), (64, 256, 64, 1, 1, 7, 5), (32, 32, 8, 2, 1, 8, 6),
              (48, 96, 24, 2, 4, 7, 9), (256, 256, 128, 1, 32, 1, 3), (8, 16, 12, 3, 12, 10, 8)]:
    label = "c_in {}, c_out {}, width {}, stride {}, groups {}, {} x {}".format(*sizes)
    check(label, multiply_adds, *sizes)
check.done()

# %% count-check-3 points=5
check = Check("count-check-3")
for c, groups, budget in [(256, 1, 70_400), (256, 1, 70_399), (256, 32, 70_400), (64, 8, 5_000),
                          (64, 5, 10_000), (64, 32, 1_000), (16, 1, 0)]:
    check(f"c {c}, groups {groups}, budget {budget}", widest, c, groups, budget)
check.done()


# %% count-hints [markdown]
# <details><summary>Hint 1</summary>List the layers on paper, one a line: three convolutions, three
# BNs, perhaps a projection. How many channels does each of the three BNs see?</details>
#
# <details><summary>Hint 2</summary>A k x k convolution from a to b channels in g groups has k k a b
# / g weights, and each of them is used once at every position of its output map. Which of the
# convolutions have the large map as output, which the small one?</details>
#
# <details><summary>Hint 3</summary>The weights are c_in width + 9 width² / groups + width c_out,
# and c_in c_out for a projection; the BNs have 2 (c_in + 2 width). The first 1x1 works on H x W
# positions, all others on ceil(H / stride) x ceil(W / stride). For the width, go up in steps of
# <code>groups</code> as long as the next step still fits.</details>

# %% bottleneck [markdown] task={"difficulty": 2, "minutes": 15}
# ## Task 3: The unit of the attention network
#
# Put the bottleneck together from given layers: `bn` and `conv` hold three each, in their order,
# and `projection` is a 1x1 convolution, or None where the shape stays. From (B, c_in, H, W) it
# makes (B, c_out, H', W'). Mind what the released networks give the projection to read.

# %% bottleneck-answer
def bottleneck(x, bn, conv, projection):  # (B, c_in, H, W), layers -> (B, c_out, H', W')
    """The pre-activation bottleneck, its shortcut included."""
    # answer
    activated = torch.relu(bn[0](x))
    y = conv[0](activated)
    y = conv[1](torch.relu(bn[1](y)))
    y = conv[2](torch.relu(bn[2](y)))
    return y + (x if projection is None else projection(activated))
    # end answer


# %% bottleneck-layers
def package_unit(*channels, width, stride):
    """The package's unit, whose layers yours is given."""
    from resattn.units import PreActBottleneck

    return PreActBottleneck(*channels, width=width, stride=stride)


def built(x, unit):
    """What you make of x with a unit's layers."""
    branch = unit.branch
    bn = [unit.preact[0], branch[1][0], branch[3][0]]
    return bottleneck(x, bn, [branch[0], branch[2], branch[4]], unit.projection)


def distance(x, unit):
    """How far your output is from that of the package's unit."""
    theirs = unit(x)
    return (built(x, unit) - theirs).norm() / theirs.norm()


def moved(x, unit):
    """The running mean of the first BN after x has passed."""
    built(x, unit)
    return unit.preact[0].running_mean


# %% bottleneck-check points=7
check = Check("bottleneck-check")
for shape, width in [((2, 8, 5, 7), 3), ((1, 4, 6, 1), 5)]:
    for training in (True, False):
        C, mode = shape[1], "training" if training else "evaluating"
        unit = check.fill(package_unit(C, C, width=width, stride=1)).train(training)
        check(f"the shape stays, {shape}, {mode}", built, check.normal(*shape), unit)
check("gradient at x", gradient, built, check.normal(2, 4, 3, 5), unit)
check("relative distance to the package's unit", distance, check.normal(2, 4, 3, 5), unit)
check.done()

# %% bottleneck-check-2 points=8
check = Check("bottleneck-check-2")
for shape, c_out, stride in [((2, 6, 5, 7), 8, 1), ((1, 4, 6, 6), 8, 2), ((3, 6, 7, 4), 6, 2)]:
    for training in (False, True):
        mode = "training" if training else "evaluating"
        unit = check.fill(package_unit(shape[1], c_out, width=4, stride=stride)).train(training)
        label = f"{shape} to {c_out} channels, stride {stride}, {mode}"
        check(label, built, check.normal(*shape), unit)
check("gradient at x", gradient, built, check.normal(2, 6, 3, 5), unit)
check("relative distance to the package's unit", distance, check.normal(2, 6, 3, 5), unit)
check("running mean of bn[0] after a pass", moved, check.normal(1, 6, 3, 5), unit)
check.done()

# %% bottleneck-hidden points=5
check = Check("bottleneck-hidden")
for k in range(3):
    B, c_in, H, W = (1 + check.integers(1, 8) for _ in range(4))
    c_out, stride = 1 + check.integers(1, 8), 1 + check.integers(0, 3)
    unit = check.fill(package_unit(c_in, c_out, width=4, stride=stride))
    check(f"a drawn unit, {k}", built, check.normal(B, c_in, H, W), unit)
check.done()


# %% bottleneck-hints [markdown]
# <details><summary>Hint 1</summary>Three times the same three words, in the pre-activation order.
# Which map is needed twice, and so deserves a name?</details>
#
# <details><summary>Hint 2</summary>The shortcut is x itself, raw, unless there is a projection; the
# projection reads what the first convolution reads. Compute that map once: a BN that runs twice in
# training also moves its running statistics twice.</details>
#
# <details><summary>Hint 3</summary>With <code>activated = torch.relu(bn[0](x))</code>, the branch
# starts with <code>conv[0](activated)</code>, and the shortcut is <code>x if projection is None
# else projection(activated)</code>.</details>

# %% bug [markdown] task={"difficulty": 3, "minutes": 15}
# ## Task 4: Find the bugs
#
# This is meant to be the same bottleneck, from (B, c_in, H, W) to (B, c_out, H', W'), written as a
# class. It runs, its shapes are right, and so is its parameter count. Three things are wrong: mend
# them. Leave the names of the layers and their order in `branch` as they are, so that the check can
# set the weights.

# %% bug-answer
class Bottleneck(nn.Module):
    """The pre-activation bottleneck."""

    def __init__(self, c_in, c_out, width, stride=1):
        super().__init__()
        self.projection = None
        if c_in != c_out or stride != 1:
            self.projection = nn.Conv2d(c_in, c_out, 1, stride, bias=False)
        # answer
        self.preact = nn.Sequential(nn.BatchNorm2d(c_in), nn.ReLU())
        self.branch = nn.Sequential(
            nn.Conv2d(c_in, width, 1, bias=False),
            nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, c_out, 1, bias=False),
        )
        # given
        # self.preact = nn.Sequential(nn.BatchNorm2d(c_in), nn.ReLU())
        # self.branch = nn.Sequential(
        #     nn.Conv2d(c_in, width, 1, stride, bias=False),
        #     nn.BatchNorm2d(width), nn.ReLU(),
        #     nn.Conv2d(width, width, 3, padding=1, bias=False),
        #     nn.BatchNorm2d(width), nn.ReLU(),
        #     nn.Conv2d(width, c_out, 1, bias=False),
        # )
        # end answer

    def forward(self, x):  # (B, c_in, H, W) -> (B, c_out, H', W')
        # answer
        activated = self.preact(x)
        shortcut = x if self.projection is None else self.projection(activated)
        return self.branch(activated) + shortcut
        # given
        # x = self.preact(x)
        # shortcut = x if self.projection is None else self.projection(x)
        # return torch.relu(self.branch(x) + shortcut)
        # end answer


# %% bug-check points=7
check = Check("bug-check")


def through(x, c_out, stride, training):
    """What the class makes of x."""
    return check.fill(Bottleneck(x.shape[1], c_out, 4, stride)).train(training)(x)


def branch_off(x):
    """What is left of x if the branch adds nothing."""
    unit = check.fill(Bottleneck(x.shape[1], x.shape[1], 4))
    nn.init.zeros_(unit.branch[-1].weight)
    return unit(x)


for shape in [(2, 8, 5, 7), (1, 4, 6, 1)]:
    check(f"the shape stays, {shape}", through, check.normal(*shape), shape[1], 1, True)
check("the shape stays, evaluating", through, check.normal(2, 8, 4, 4), 8, 1, False)
check("the shape stays, gradient at x", gradient, through, check.normal(2, 8, 4, 3), 8, 1, True)
check("the branch switched off", branch_off, check.normal(1, 2, 2, 2))
check.done()

# %% bug-check-2 points=8
check = Check("bug-check-2")


def seen(side):
    """How many positions of a map reach the output at all."""
    at_x = gradient(through, check.normal(1, 16, side, side), 16, 2, False)
    return int((at_x.abs().sum(1) > 0).sum())


for side in (6, 7):
    check(f"positions of a {side} x {side} map that are seen at stride 2", seen, side)
for shape, c_out in [((2, 6, 5, 7), 8), ((1, 4, 6, 6), 8), ((3, 6, 7, 4), 6)]:
    x = check.normal(*shape)
    check(f"{shape} to {c_out} channels, stride 2", through, x, c_out, 2, True)
check("stride 2, evaluating", through, check.normal(2, 6, 6, 4), 8, 2, False)
check("stride 2, gradient at x", gradient, through, check.normal(2, 6, 6, 4), 8, 2, True)
check.done()


# %% bug-hints [markdown]
# <details><summary>Hint 1</summary>One fault is in the layers, two in the forward pass. Switch the
# branch off in your mind: what should come out of a unit that keeps the shape? And at stride 2: how
# many of the positions does a 1x1 look at?</details>
#
# <details><summary>Hint 2</summary>Follow the name <code>x</code> through the forward pass: what
# does it stand for in the second line, and in the third? What follows the sum in a pre-activation
# unit? In the layers: which of the three convolutions has the stride?</details>
#
# <details><summary>Hint 3</summary>Give the activated map a name of its own, so that the identity
# shortcut is the raw x; return the sum without a ReLU; and move the stride from the first 1x1 to
# the 3x3.</details>

# %% halved [markdown] task={"difficulty": 3, "minutes": 20}
# ## Task 5: Through k halved shortcuts
#
# On paper, let F be as simple as can be: F(x) = a x with a > 0, in each of k units y = s x + F(x).
# The gradient through all k, (s + a)^k, is then a sum over paths; each path takes, in each unit,
# either the shortcut or the branch. Give what all the paths through exactly j branches add to that
# sum, and the mean number of branches on a path, each path weighted by what it carries.

# %% halved-answer
def part(k, j, s, a):  # units, branches on the path, two numbers -> a number
    """What the paths through exactly j of the k branches add to the gradient."""
    # answer
    return math.comb(k, j) * s ** (k - j) * a**j
    # end answer


def mean_branches(k, s, a):  # units, two numbers -> a number
    """Mean number of branches on a path, each path weighted by what it carries."""
    # answer
    return k * a / (s + a)
    # end answer


# %% halved-check points=8
check = Check("halved-check")
for s, a in [(1.0, 0.25), (0.5, 0.75)]:
    for k, j in [(1, 0), (1, 1), (5, 2), (12, 0), (12, 12), (12, 9)]:
        check(f"s = {s}, a = {a}, k = {k}, j = {j}", part, k, j, s, a)
check.done()

# %% halved-check-2 points=7
check = Check("halved-check-2")
for s, a in [(1.0, 0.1), (0.5, 0.1), (0.5, 0.5), (0.5, 1.0), (0.9, 0.3)]:
    for k in (1, 64):
        check(f"s = {s}, a = {a}, k = {k}", mean_branches, k, s, a)
check.done()


# %% halved-words [markdown] manual=5
# In three or four sentences: with s = 1/2 the shortcut alone carries 0.5 to the power 64 through 64
# units, almost nothing. The lesson measured a gradient that *exploded*. By which paths did it come,
# and what made their slopes so large? Would you expect the same without BN?
#
# <!-- answer -->
# By the paths through the branches: there are so many of them that the one path by the shortcut
# does not matter. Each halving leaves a smaller sum, and BN divides by the size of what the branch
# is given; dividing by something small makes the slope large, so that the branch wins and the stack
# behaves like a plain one with BN, whose gradient explodes. Without BN the slopes are what the
# weights make them: with small starting weights the gradient does fade, with larger ones it grows.
# <!-- end answer -->

# %% halved-hints [markdown]
# <details><summary>Hint 1</summary>Take k = 2 and multiply (s + a) (s + a) out. Which of the four
# terms go through no branch, through one, through two?</details>
#
# <details><summary>Hint 2</summary>One path through j branches carries a^j for these, and s once
# for each of the other units. How many ways are there to choose j of k units?</details>
#
# <details><summary>Hint 3</summary><code>math.comb(k, j)</code> counts the paths. For the mean: in
# each unit the branch carries a of s + a, whatever the other units do; or add up j times
# <code>part(k, j, s, a)</code>, and divide by the sum of the parts.</details>

# %% lesion [markdown] task={"difficulty": 4, "minutes": 20}
# ## Task 6: Take a unit out
#
# How much does a stack miss one of its units? Take each out in turn (the next one then reads what
# it would have read) and give the *damage*: the norm of the change of the stack's output, divided
# by the norm of the whole stack's output. Then, for a shortcut s, average the damage over the units
# of `stack(s, 8, seed)` and over seeds 0, 1 and 2, with `images()`. The check runs this for a whole
# shortcut, a halved one and none; note down first what you expect.

# %% lesion-stack
class PreAct(nn.Module):
    """A pre-activation unit y = s x + F(x) that keeps the shape."""

    def __init__(self, C, s):
        super().__init__()
        self.s = s
        self.branch = nn.Sequential(
            nn.BatchNorm2d(C), nn.ReLU(), nn.Conv2d(C, C, 3, padding=1, bias=False),
            nn.BatchNorm2d(C), nn.ReLU(), nn.Conv2d(C, C, 3, padding=1, bias=False))

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        return self.s * x + self.branch(x)


def stack(s, k, seed):
    """A list of k units of 6 channels at a random start, in training mode."""
    units = nn.ModuleList(PreAct(6, s) for _ in range(k))
    return list(Check("lesion-stack", seed).fill(units))


def images():  # -> (4, 6, 7, 7)
    """Four noise images."""
    return Check("lesion-images", 0).normal(4, 6, 7, 7)


# %% lesion-answer
def damage(units, x):  # a list of k units, (B, C, H, W) -> k numbers
    """Relative change of the output if unit i is taken out, for i = 0 to k - 1."""
    # answer
    def run(units):
        y = x
        for unit in units:
            y = unit(y)
        return y

    whole = run(units)
    lesions = [run(units[:i] + units[i + 1 :]) for i in range(len(units))]
    return [((each - whole).norm() / whole.norm()).item() for each in lesions]
    # end answer


def mean_damage(s):  # a number -> a number
    """Mean damage over 8 units and over seeds 0, 1 and 2."""
    # answer
    every = [each for seed in (0, 1, 2) for each in damage(stack(s, 8, seed), images())]
    return sum(every) / len(every)
    # end answer


# %% lesion-check points=9
check = Check("lesion-check")


def damages(s, k, shape, training):
    units = [unit.train(training) for unit in stack(s, k, check.seed + 3)]
    with torch.no_grad():
        return [float(each) for each in damage(units, check.normal(*shape))]


for s in (1.0, 0.5):
    for k, shape in [(1, (2, 6, 5, 7)), (2, (1, 6, 4, 3)), (4, (3, 6, 1, 6))]:
        check(f"k = {k}, s = {s}, {shape}", damages, s, k, shape, True)
check("k = 3, s = 0.5, evaluating", damages, 0.5, 3, (2, 6, 5, 5), False)
check.done()

# %% lesion-check-2 points=6
check = Check("lesion-check-2")


def measured(s):
    with torch.no_grad():
        return mean_damage(s)


for s in (1.0, 0.5, 0.0):
    check.measure(f"mean damage, s = {s}", measured, s)
check.done()

# %% lesion-hints [markdown]
# <details><summary>Hint 1</summary>Write a little function that runs x through any list of units.
# Which list is the stack without unit i?</details>
#
# <details><summary>Hint 2</summary><code>units[:i] + units[i + 1:]</code> is a new list, and leaves
# the old one as it is. Divide by the norm of the stack's output with nothing taken out.</details>
#
# <details><summary>Hint 3</summary>With <code>whole = run(units)</code>, the damage of unit i is
# <code>(run(units[:i] + units[i + 1:]) - whole).norm() / whole.norm()</code>. For the mean, call
# <code>damage(stack(s, 8, seed), images())</code> for three seeds, and take the mean of all 24
# numbers.</details>
