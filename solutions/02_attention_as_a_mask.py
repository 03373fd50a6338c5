# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 02: attention as a mask
#
# T is a feature map of shape (B, C, H, W): images, channels, height, width. The mask M has T's
# shape, or 1 in place of some of its sizes; s is M's **logit**, the number before the squashing.
# The output is M T. Run the next cell first; then every task stands on its own.

# %% setup
import math

import torch
import torch.nn.functional as F
from torch import nn

from coursekit.checks import Check, exercise_set

exercise_set("02_attention_as_a_mask")


# %% squash [markdown] task={"difficulty": 1, "minutes": 10}
# ## Task 1: Three ways from logit to mask
#
# Turn logits (B, C, H, W) into a mask of the same shape and dtype. `"soft"` is the sigmoid.
# `"hard"` is 1 where the logit is above 0, and 0 elsewhere. `"softmax"` is taken over the positions
# of each channel of each image, so that these H x W weights sum to 1. Logits may be large.

# %% squash-answer
def squash(s, kind):  # (B, C, H, W), "soft", "hard" or "softmax" -> (B, C, H, W)
    """The mask that this kind makes of the logits s."""
    # answer
    if kind == "soft":
        return torch.sigmoid(s)
    if kind == "hard":
        return (s > 0).to(s.dtype)
    return torch.softmax(s.flatten(2), dim=2).view_as(s)
    # end answer


# %% squash-check points=5
check = Check("squash-check")


def gradient(logits, kind):
    """The gradient that reaches the logits; zeros where there is no way back to them."""
    s = logits.clone().requires_grad_()
    loss = (squash(s, kind) * torch.arange(s.numel()).view_as(s)).sum()
    if loss.requires_grad:
        loss.backward()
    return torch.zeros_like(logits) if s.grad is None else s.grad


for kind in ("soft", "hard"):
    for shape in [(2, 3, 5, 7), (1, 4, 1, 9)]:
        check(f"{kind}, {shape}", squash, check.normal(*shape), kind)
    check(f"{kind}, logits of 0", squash, torch.zeros(1, 1, 2, 2).double(), kind)
    check(f"{kind}, the gradient that reaches s", gradient, check.normal(2, 3, 4, 5), kind)
check.done()

# %% squash-check-2 points=5
check = Check("squash-check-2")
for shape in [(2, 3, 5, 7), (1, 4, 1, 9)]:
    check(f"softmax, {shape}", squash, check.normal(*shape), "softmax")
check("softmax, large logits", squash, 800 * check.normal(1, 2, 3, 3), "softmax")
check("softmax, the gradient that reaches s", gradient, check.normal(2, 3, 4, 5), "softmax")
check.done()


# %% squash-hints [markdown]
# <details><summary>Hint 1</summary>Two of the three look at one value at a time. Which axes does
# the third look along?</details>
#
# <details><summary>Hint 2</summary>For the hard mask, a comparison gives bools; the mask has the
# dtype of the logits. For the softmax, make H and W one axis, and afterwards two again.</details>
#
# <details><summary>Hint 3</summary><code>(s > 0).to(s.dtype)</code>, and
# <code>torch.softmax(s.flatten(2), dim=2).view_as(s)</code>: torch's own softmax survives large
# logits.</details>

# %% energy [markdown] task={"difficulty": 2, "minutes": 10}
# ## Task 2: Score a mask
#
# What share of a mask's mass lies inside the object? Score N masks of C channels. Take the mean
# over channels first; what is negative then holds no mass and counts as 0. A faint mask scores as a
# strong one of its form does; a mask without any mass, as a uniform one.

# %% energy-answer
def energy_inside(masks, objects):  # (N, C, H, W) and bool (N, H, W) -> (N,)
    """The share of each mask's mass that lies inside its object."""
    # answer
    mass = masks.mean(1).clamp(min=0)
    total = mass.sum((1, 2))
    share = (mass * objects).sum((1, 2)) / total
    uniform = objects.double().mean((1, 2))
    return torch.where(total > 0, share, uniform)
    # end answer


# %% energy-check points=8
check = Check("energy-check")
for N, C, H, W in [(3, 4, 5, 7), (1, 1, 6, 3)]:
    objects = check.uniform(N, H, W) > 0.7
    check(f"masks of {(N, C, H, W)}", energy_inside, check.uniform(N, C, H, W), objects)
faint = torch.tensor([1e-6, 1, 1000]).double().view(3, 1, 1, 1)
objects = check.uniform(3, 4, 6) > 0.5
check("faint and strong masks", energy_inside, faint * check.uniform(3, 2, 4, 6), objects)
check.done()

# %% energy-check-2 points=7
check = Check("energy-check-2")
objects = check.uniform(4, 5, 6) > 0.6
check("values of both signs", energy_inside, check.normal(4, 3, 5, 6), objects)
masks = check.normal(3, 2, 5, 5)
masks[1] = 0.0
masks[2] = -1.0
objects = check.uniform(3, 5, 5) > 0.6
check("two masks without mass", energy_inside, masks, objects)
check.done()


# %% energy-hints [markdown]
# <details><summary>Hint 1</summary>Four steps: mean over channels, negatives away, the mass
# inside, the mass in all. Which axes are left at the end?</details>
#
# <details><summary>Hint 2</summary><code>mass * objects</code> keeps what is inside. Sum it, and
# the whole, over the last two axes only: each image has its own score.</details>
#
# <details><summary>Hint 3</summary>A uniform mask scores the object's share of the pixels,
# <code>objects.double().mean((1, 2))</code>; <code>torch.where(total > 0, share, uniform)</code>
# picks it where there is nothing to divide by.</details>

# %% compete [markdown] task={"difficulty": 2, "minutes": 15}
# ## Task 3: Predict and explain
#
# A map has n positions. All logits are 0, but one is r. Give the weight of that position and the
# weight of each other position, under a sigmoid (`"soft"`) and under a softmax over the n positions
# (`"softmax"`). Then turn it round: which r gives that position the weight w, 0 < w < 1? Use pencil
# and paper; the functions return plain numbers.

# %% compete-answer
def weights(r, n, kind):  # a logit, positions, "soft" or "softmax" -> two numbers
    """The weight of the position with logit r, and that of each other position."""
    # answer
    if kind == "soft":
        return 1 / (1 + math.exp(-r)), 0.5
    total = math.exp(r) + n - 1
    return math.exp(r) / total, 1 / total
    # end answer


def logit_for(w, n, kind):  # a weight, positions, "soft" or "softmax" -> a number
    """The logit r with which that position has the weight w."""
    # answer
    odds = w / (1 - w)
    return math.log(odds if kind == "soft" else odds * (n - 1))
    # end answer


# %% compete-check points=5
check = Check("compete-check")
for kind in ("soft", "softmax"):
    for n in (2, 49, 3136):
        for r in (-2.0, 0.0, 5.0):
            check(f"{kind}, {n} positions, r = {r:g}", weights, r, n, kind)
check.done()

# %% compete-check-2 points=5
check = Check("compete-check-2")
for kind in ("soft", "softmax"):
    for n in (2, 49, 3136):
        for w in (0.02, 0.5, 0.9):
            check(f"{kind}, {n} positions, w = {w:g}", logit_for, w, n, kind)
check.done()


# %% compete-words [markdown] manual=5
# In three or four sentences: an image has two objects that matter alike. Take one position on each:
# how large can their two weights become at once, under either kind? What happens to M T as the map
# grows from 7 x 7 to 56 x 56, and would it help to multiply the softmax's weights by n?
#
# <!-- answer -->
# With sigmoids both can be near 1. With a softmax they share a sum of 1, so that equal ones have
# 1/2 at most, and every position more of each object takes its part. A weight like 1/n falls 64
# times from side 7 to side 56, and M T falls with it. Multiplying by n mends the size of even
# weights, but not the competition: what one position gains, the others lose still.
# <!-- end answer -->

# %% compete-hints [markdown]
# <details><summary>Hint 1</summary>Which of the two kinds lets a position know of the others? For
# that one, write down what stands below the line.</details>
#
# <details><summary>Hint 2</summary>exp(0) is 1, so the softmax divides by exp(r) + n - 1: one
# raised position and n - 1 others. The sigmoid of 0 is a number that you know.</details>
#
# <details><summary>Hint 3</summary>Solve w = exp(r) / (exp(r) + k) for r: exp(r) = k w / (1 - w).
# Under the softmax k = n - 1. Under the sigmoid, 1 / (1 + exp(-r)), k = 1.</details>

# %% best [markdown] task={"difficulty": 3, "minutes": 20}
# ## Task 4: The best mask of a shape
#
# Find the mask M of a given shape for which M T comes nearest to what is wanted, in squared error,
# **and** whose values lie between 0 and 1, as a sigmoid's do. The shape is T's with 1 in place of
# some sizes, perhaps of the batch too. Where T is 0 for a whole value of M, that value is 0; a T
# that is merely faint deserves the same mask as a bright one. Then give the squared error of the
# best M T, as a share of the energy (the sum of squares) of what is wanted.

# %% best-answer
def best_mask(T, wanted, shape):  # (B, C, H, W) twice, a tuple -> shape
    """The mask of this shape, with values in [0, 1], that brings M * T nearest to wanted."""
    # answer
    overlap = (T * wanted).sum_to_size(shape)
    energy = (T * T).sum_to_size(shape)
    ratio = overlap / energy
    return torch.where(energy > 0, ratio, torch.zeros_like(ratio)).clamp(0, 1)
    # end answer


def share_lost(T, wanted, shape):  # as above -> a number
    """The squared error of the best M * T, as a share of the energy of what is wanted."""
    # answer
    left = best_mask(T, wanted, shape) * T - wanted
    return left.square().sum() / wanted.square().sum()
    # end answer


# %% best-check points=8
check = Check("best-check")
B, C, H, W = 2, 3, 4, 5
shapes = {"spatial": (B, 1, H, W), "channel": (B, C, 1, 1), "mixed": (B, C, H, W),
          "one map for the batch": (1, 1, H, W), "one number": (1, 1, 1, 1)}
for name, shape in shapes.items():
    T = check.uniform(B, C, H, W)
    check(f"{name}, T above 0", best_mask, T, T * check.uniform(B, C, H, W), shape)
    T = check.normal(B, C, H, W)
    check(f"{name}, both signs", best_mask, T, T + 2 * check.normal(B, C, H, W), shape)
check.done()

# %% best-check-2 points=5
check = Check("best-check-2")
T = check.uniform(1, 2, 3, 7)
T[0, 1] = 0.0
check("an empty channel", best_mask, T, check.uniform(1, 2, 3, 7), (1, 2, 1, 1))
T = 1e-8 * check.uniform(1, 2, 5, 3)
check("a faint T", best_mask, T, T * check.uniform(1, 2, 5, 3), (1, 1, 5, 3))
check.done()

# %% best-check-3 points=7
check = Check("best-check-3")
for name, shape in shapes.items():
    T = check.normal(B, C, H, W)
    check(f"{name}, share lost", share_lost, T, T + 0.5 * check.normal(B, C, H, W), shape)
T, wanted = torch.zeros(2, 1, 2, 3, 3).double()
T[0, :, 0, 0] = T[0, :, 1, 2] = 3.0  # lesson 02's two targets, three times as bright
wanted[0, 0, 0, 0] = wanted[0, 1, 1, 2] = 3.0
for name, shape in {"spatial": (1, 1, 3, 3), "channel": (1, 2, 1, 1)}.items():
    check(f"{name}, two targets", share_lost, T, wanted, shape)
check.done()


# %% best-hints [markdown]
# <details><summary>Hint 1</summary>Each value m of the mask weighs a group of T's values, and the
# groups do not meet. Write the cost of one group: what kind of curve is it in m?</details>
#
# <details><summary>Hint 2</summary>The sum of (m T - wanted)² over a group is a parabola in m,
# lowest at the sum of T wanted over the sum of T². Where is it lowest within [0, 1], if that point
# lies outside?</details>
#
# <details><summary>Hint 3</summary><code>(T * wanted).sum_to_size(shape)</code> sums each group.
# Divide by that of <code>T * T</code>, put 0 where there is nothing to divide by (a floor such as
# 1e-12 is brighter than a faint map's energy), and <code>.clamp(0, 1)</code>.</details>

# %% gates [markdown] task={"difficulty": 3, "minutes": 15}
# ## Task 5: Write one gate, mend another
#
# Write the forward pass of SE: average over positions, ask the small network, weigh the channels by
# the sigmoid of its answer. Below it stands a CBAM as one may find it published: first `channel`,
# which asks the same network for the mean and for the maximum over positions, then `spatial`, which
# describes each position by the mean and the maximum over channels. It runs, and gives the right
# shapes. Three things are wrong: mend them.

# %% gates-answer
class SE(nn.Module):
    """x * sigmoid(ask(mean of x over positions))."""

    def __init__(self, channels, reduction):
        super().__init__()
        self.narrow = nn.Linear(channels, channels // reduction)
        self.widen = nn.Linear(channels // reduction, channels)

    def ask(self, z):  # (B, C) -> (B, C)
        return self.widen(torch.relu(self.narrow(z)))

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        # answer
        gate = torch.sigmoid(self.ask(x.mean((2, 3))))
        return x * gate[:, :, None, None]
        # end answer


class CBAM(SE):
    """The channel gate, then the spatial gate."""

    def __init__(self, channels, reduction, kernel_size=7):
        super().__init__(channels, reduction)
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def channel(self, x):  # (B, C, H, W) -> (B, C, H, W)
        # answer
        average = F.adaptive_avg_pool2d(x, 1).flatten(1)
        largest = F.adaptive_max_pool2d(x, 1).flatten(1)
        gate = torch.sigmoid(self.ask(average) + self.ask(largest))
        return x * gate[:, :, None, None]
        # given
        # average = F.adaptive_avg_pool2d(x, 1).flatten(1)
        # largest = F.adaptive_avg_pool2d(x, 1).flatten(1)
        # gate = torch.sigmoid(self.ask(average) + self.ask(largest))
        # return x * gate[:, :, None, None]
        # end answer

    def spatial(self, x):  # (B, C, H, W) -> (B, C, H, W)
        # answer
        mean = x.mean(1, keepdim=True)
        peak = x.max(1, keepdim=True)[0]
        return x * torch.sigmoid(self.conv(torch.cat([mean, peak], dim=1)))
        # given
        # mean = x.mean().expand_as(x[:, :1])
        # peak = x.max(1, keepdim=True)[1]
        # return x * torch.sigmoid(self.conv(torch.cat([mean, peak], dim=1)))
        # end answer

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        return self.spatial(self.channel(x))


# %% gates-check points=6
check = Check("gates-check")


def se(shape, reduction, training=True):
    return check.fill(SE(shape[1], reduction)).train(training)(check.normal(*shape))


def se_gradient(shape):
    module = check.fill(SE(shape[1], 2))
    module(check.normal(*shape)).square().mean().backward()
    return module.widen.weight.grad


for shape, reduction in [((2, 8, 7, 5), 2), ((1, 6, 1, 3), 1), ((3, 4, 6, 6), 4)]:
    check(f"SE, {shape}, reduction {reduction}", se, shape, reduction)
check("SE, evaluating", se, (2, 4, 3, 5), 2, False)
check("SE, the gradient of its last layer", se_gradient, (2, 8, 3, 5))
check.done()

# %% gates-check-2 points=6
check = Check("gates-check-2")


def half(name, shape, reduction):
    module = check.fill(CBAM(shape[1], reduction))
    return getattr(module, name)(check.normal(*shape))


for shape, reduction in [((2, 8, 7, 5), 2), ((1, 6, 1, 3), 1), ((3, 4, 6, 6), 4)]:
    check(f"channel, {shape}, reduction {reduction}", half, "channel", shape, reduction)
check.done()

# %% gates-check-3 points=8
check = Check("gates-check-3")


def whole(shape, kernel_size):
    return check.fill(CBAM(shape[1], 2, kernel_size))(check.normal(*shape))


for shape in [(2, 8, 7, 5), (1, 6, 1, 9), (3, 4, 6, 6)]:
    check(f"spatial, {shape}", half, "spatial", shape, 2)
check("both halves, a 3 x 3 convolution", whole, (2, 6, 5, 4), 3)
check.done()


# %% gates-hints [markdown]
# <details><summary>Hint 1</summary>Print the shapes of what is called a mean or a maximum, and a
# few of its values. Do they look like a mean, like a maximum? Over which axes?</details>
#
# <details><summary>Hint 2</summary>In <code>channel</code>, compare two lines letter by letter. In
# <code>spatial</code>: over which axes does <code>x.mean()</code> go, and what are the two things
# that <code>x.max(1)</code> returns?</details>
#
# <details><summary>Hint 3</summary><code>adaptive_max_pool2d</code> for the second pooling,
# <code>x.mean(1, keepdim=True)</code>, and <code>[0]</code> for the maximum, where
# <code>[1]</code> is the number of the channel that has it. In SE,
# <code>gate[:, :, None, None]</code> lets (B, C) multiply (B, C, H, W).</details>

# %% doctor [markdown] task={"difficulty": 4, "minutes": 25}
# ## Task 6: Diagnose without looking inside
#
# A test that compares shapes lets every broken gate through. Write three better ones, each for a
# gate that you can only call: it maps (B, C, H, W) to the same shape, x times its weights. Does
# image 0's result depend on the other images? Do a *spatial* gate's weights change when the
# channels change their order? Does a *channel* gate give a flat map and a peak of the same mean
# the same weights? Each returns True or False. Gates and maps are float64; leave the gate's mode as
# it is.

# %% doctor-answer
def reads_neighbours(gate, x):  # a gate, (B, C, H, W) with B > 1 -> bool
    """Whether what the gate makes of image 0 depends on the images beside it."""
    # answer
    other = torch.cat([x[:1], 9 * x[1:] + 1])
    return not torch.allclose(gate(x)[0], gate(other)[0])
    # end answer


def minds_order(gate, x):  # a gate, (B, C, H, W), no value 0 -> bool
    """Whether a spatial gate's weights depend on the order of the channels."""
    # answer
    return not torch.allclose(gate(x), gate(x.flip(1)).flip(1))
    # end answer


def misses_peak(gate, C):  # a gate for C channels -> bool
    """Whether a channel gate weighs a flat map as it does a peak of the same mean."""
    # answer
    flat = torch.full((1, C, 4, 4), 1 / 16).double()
    peak = torch.zeros_like(flat)
    peak[:, :, 1, 2] = 1.0
    return torch.allclose(gate(flat).sum((2, 3)), gate(peak).sum((2, 3)))
    # end answer


# %% doctor-patients
class Patient(nn.Module):
    """x * sigmoid(layers(describe(x))): a gate, whole or broken."""

    def __init__(self, describe, *layers):
        super().__init__()
        self.describe, self.layers = describe, nn.Sequential(*layers)

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        return x * torch.sigmoid(self.layers(self.describe(x)))


def both(mean, peak):
    """A spatial gate's description of x: two maps, one above the other."""
    return lambda x: torch.cat([mean(x).expand_as(x[:, :1]), peak(x)], dim=1)


def over_channels(x):
    return x.mean(1, keepdim=True)


def largest(x):
    return x.amax(1, keepdim=True)


DESCRIPTIONS = {
    "mean and max": both(over_channels, largest),
    "mean of everything": both(torch.mean, largest),
    "mean over the batch": both(lambda x: x.mean((0, 1)), largest),
    "argmax for max": both(over_channels, lambda x: x.argmax(1, keepdim=True).double()),
    "first channel for max": both(over_channels, lambda x: x[:, :1]),
    "sum and min": both(lambda x: x.sum(1, keepdim=True), lambda x: x.amin(1, keepdim=True)),
}


def spatial_patient(name, *layers, kernel_size=7):
    conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)
    return Patient(DESCRIPTIONS[name], conv, *layers)


def channel_patient(name, C):
    """SE; or CBAM's channel half, whole or with a mean where the maximum belongs."""
    from resattn import gates

    if name == "SE":
        return gates.SqueezeExcitation(C, 1)
    gate = gates.ChannelGate(C, 1)
    if name == "mean for max":
        gate.gate = lambda x: torch.sigmoid(2 * gate.mlp(x.mean((2, 3), keepdim=True)))
    return gate


# %% doctor-check points=5
check = Check("doctor-check")


def neighbours(name, training, *layers):
    gate = check.fill(spatial_patient(name, *layers)).train(training)
    return reads_neighbours(gate, check.normal(3, 4, 5, 7))


for name in ("mean and max", "mean of everything", "mean over the batch", "argmax for max"):
    check(f"neighbours, {name}", neighbours, name, True)
for training in (True, False):
    mode = "training" if training else "evaluating"
    check(f"neighbours, a norm, {mode}", neighbours, "mean and max", training, nn.BatchNorm2d(1))
check.done()

# %% doctor-check-2 points=5
check = Check("doctor-check-2")


def order(name, shape, kernel_size=7):
    gate = check.fill(spatial_patient(name, kernel_size=kernel_size))
    return minds_order(gate, check.normal(*shape))


for name in ("mean and max", "argmax for max", "first channel for max"):
    for shape in [(2, 16, 17, 15), (1, 21, 13, 19)]:
        check(f"order, {name}, {shape}", order, name, shape)
check("order, mean and max, two channels", order, "mean and max", (2, 2, 5, 7))
check("order, argmax for max, a 1 x 1 convolution", order, "argmax for max", (2, 6, 7, 5), 1)
check.done()

# %% doctor-check-3 points=5
check = Check("doctor-check-3")


def missed(name, C):
    return misses_peak(check.fill(channel_patient(name, C)), C)


for name in ("SE", "mean and max", "mean for max"):
    for C in (16, 21):
        check(f"peak, {name}, {C} channels", missed, name, C)
check.done()

# %% doctor-hidden points=5
check = Check("doctor-hidden")
shape = (2 + check.integers(0, 3), 6, 5 + check.integers(0, 6), 5 + check.integers(0, 6))
C = 16 + check.integers(0, 9)


def all_three(name):
    gate = check.fill(spatial_patient(name))
    x = check.normal(*shape)
    return reads_neighbours(gate, x), minds_order(gate, x)


for name in DESCRIPTIONS:
    check(f"hidden, {name}", all_three, name)
for name in ("SE", "mean and max", "mean for max"):
    check(f"hidden, {name}, a drawn number of channels", missed, name, C)
check.done()

# %% doctor-hints [markdown]
# <details><summary>Hint 1</summary>Each test is a pair of inputs between which a healthy gate sees
# no difference (or must see one), and a comparison of what comes out. Which pair, for each of the
# three? Lesson 02 has the symptoms under "One wrong word in a gate".</details>
#
# <details><summary>Hint 2</summary>Change images 1 and up, and compare only image 0. Reverse the
# channels with <code>x.flip(1)</code>, and turn the result back before you compare. Sums in another
# order round differently: use <code>torch.allclose</code>, and never <code>==</code>.</details>
#
# <details><summary>Hint 3</summary>For the peak: a map of 1/16 everywhere on 4 x 4 positions, and
# one of zeros with a single 1, both float64 and the same in all channels. Both sum to 1 over the
# positions, so the sum of the output over (2, 3) is the channel's weight. True if they are
# close.</details>
