# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 Attention as a mask
#
# Attention in a vision network can be one multiplication: a map of numbers, each multiplied by a
# weight that says how much it matters. This lesson is about that weight.

# %% [markdown]
# ## What you will build
#
# - soft and hard masks, and the gradient that tells them apart;
# - masks of three shapes (spatial, channel, mixed) and an input that shows what each cannot do;
# - an SE gate, a CBAM gate, and three published mistakes, caught by comparison;
# - a first score of a mask against the truth.

# %% [markdown]
# ## Why it matters
#
# Papers draw attention as a coloured picture. But a mask's shape decides what it can keep, its
# activation whether it can learn, and its place in the network what becomes of the signal. All
# three can be measured in seconds.

# %% imports
import torch
import torch.nn.functional as F
from torch import nn

from resattn import gates, plots, probes
from resattn.data import ClutteredDigits, InMemoryImages
from resattn.training import TrainConfig, fit
from resattn.units import PreActBottleneck

torch.set_num_threads(1)  # steadier on a busy machine, and our tensors are small

# %% [markdown]
# ## A mask re-weights a map
#
# Call the feature map **T** (the *trunk*, what the network computed so far) and the mask **M**.
# The output is their product, position by position and channel by channel:
#
# $$H = M \cdot T$$
#
# A map has shape (B, C, H, W): images, channels, height, width. (The paper calls the output H as
# well; in a shape, H is the height.) Our first T is the simplest feature map there is: an image
# of lesson 00, whose true mask we know.

# %% the-product
data = ClutteredDigits("test", 1000)
T = data.images[:4].float() / 255  # (B, 1, H, W)
M = data.object_masks[:4, None].float()  # (B, 1, H, W)
H = M * T  # (B, 1, H, W)

print("T, M and H:", *(tuple(x.shape) for x in (T, M, H)))
print(f"mean value of T {T.mean():.3f}, of H {H.mean():.3f}")

# %% the-product-figure
rows = {f"T, image {i}": T[i, 0] for i in range(4)}
rows |= {f"H, image {i}": H[i, 0] for i in range(4)}
assert bool((H <= T).all()) and bool((H[M == 0] == 0).all())
fig = plots.map_grid(
    rows,
    title="The true mask keeps the digit and nothing else",
    unit="pixel value (full scale = 1)",
    object_masks=torch.cat([M[:, 0], M[:, 0]]).bool(),
    columns=4,
)
plots.show(
    fig,
    alt="Four cluttered images with the digit outlined, and below them the same images "
    "times their true masks: only the digit is left, on zeros.",
)

# %% [markdown]
# ## A hard mask cannot learn
#
# A **hard** mask is 0 or 1. A **soft** mask lies between. Both come from a number per position,
# the *logit* s: a sigmoid makes it soft, a threshold makes it hard. We ask each for the true mask
# of one image, and look at the gradient that reaches s.

# %% three-ways
wanted = H[:1]  # the digit alone, (1, 1, H, W)
ways = {
    "soft: sigmoid(s)": torch.sigmoid,
    "hard: round(sigmoid(s))": lambda s: torch.round(torch.sigmoid(s)),
    "hard: s > 0": lambda s: (s > 0).float(),
}
for name, squash in ways.items():
    torch.manual_seed(0)
    s = torch.randn(1, 1, 32, 32, requires_grad=True)
    loss = ((squash(s) * T[:1] - wanted) ** 2).mean()
    if not loss.requires_grad:
        print(f"{name:24} autograd has no path back to s")
        continue
    loss.backward()
    share = (s.grad[T[:1] > 0] != 0).float().mean()
    print(f"{name:24} logits with a gradient: {share:.0%} (where T > 0)")

# %% [markdown]
# Rounding is flat everywhere but at its step, so its derivative is zero; a comparison has none at
# all. No optimiser can do anything with either:

# %% descend
for name, squash in list(ways.items())[:2]:
    torch.manual_seed(0)
    s = torch.randn(1, 1, 32, 32, requires_grad=True)
    optimiser = torch.optim.Adam([s], lr=0.1)
    losses = []
    for _ in range(200):
        loss = ((squash(s) * T[:1] - wanted) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    print(f"{name:24} loss {losses[0]:.3f} at first, {losses[-1]:.3f} after 200 steps")

# %% [markdown]
# Hard attention is learned in other ways: sample the mask and reward the samples that helped
# (REINFORCE), or pretend on the way back that the step was a slope. The Residual Attention
# Network chooses softness, so that plain backpropagation will do.

# %% [markdown]
# ## Soft mask is not softmax
#
# Readers of the paper ask: "is it *soft mask* or *softmax*?" Soft mask. A sigmoid squashes each
# value alone. A softmax over positions makes them share a sum of 1. Give both the same logits,
# all zero, on maps of growing size:

# %% sigmoid-or-softmax
sides = [7, 14, 28, 56]
weights = {"sigmoid": [], "softmax over positions": []}
for side in sides:
    s = torch.zeros(1, 1, side, side)
    soft = torch.sigmoid(s)
    competing = torch.softmax(s.flatten(2), dim=-1).view_as(s)
    weights["sigmoid"].append(soft[0, 0, 0, 0].item())
    weights["softmax over positions"].append(competing[0, 0, 0, 0].item())
    print(f"{side:2} x {side:2}: sum {soft.sum():6.1f} and {competing.sum():.1f}, "
          f"one weight {soft.max():.2f} and {competing.max():.5f}")

# %% softmax-figure
shrink = weights["softmax over positions"][0] / weights["softmax over positions"][-1]
assert weights["sigmoid"][0] == weights["sigmoid"][-1]
fig = plots.curves(
    sides, weights, log_x=True, log_y=True,
    title=f"Softmax weights shrink {shrink:.0f} times from side 7 to 56; sigmoids stay",
    xlabel="side of the map (positions)", ylabel="weight of one position (no unit)",
)
fig.axes[0].set_xticks(sides)
plots.show(
    fig,
    alt="Weight of one position against the side of the map, both axes logarithmic: "
    "the sigmoid is a flat line, the softmax falls with the number of positions.",
)

# %% [markdown]
# The second difference is competition. Raise one logit, and look at a position elsewhere:

# %% competition
s = torch.zeros(1, 1, 7, 7)
raised = s.clone()
raised[0, 0, 3, 3] = 5.0
for name, squash in {
    "sigmoid": torch.sigmoid,
    "softmax": lambda s: torch.softmax(s.flatten(2), dim=-1).view_as(s),
}.items():
    before, after = squash(s)[0, 0, 0, 0], squash(raised)[0, 0, 0, 0]
    print(f"{name}: the corner's weight becomes {after / before:.2f} of what it was")

# %% [markdown]
# With sigmoids, two objects can both have weight near 1. With softmax one takes from the other,
# and H shrinks with the map. (The sigmoid's two rivals in the paper do couple values: f2 over the
# channels of a position, f3 over the positions of a channel. Neither is a softmax; see lesson
# 06.)

# %% [markdown]
# ## Three domains, by shape
#
# A mask need not have all of T's shape. Broadcasting repeats it along the axes where its size is
# 1:
#
# | domain | shape of M | says |
# |---|---|---|
# | spatial | (B, 1, H, W) | *where*, the same for all channels |
# | channel | (B, C, 1, 1) | *what*, the same at all positions |
# | mixed | (B, C, H, W) | *what is where* |
#
# Here is an input built to tell them apart: two channels, two places a and b. The target is in
# channel 0 at a. One distractor is in the **same channel** elsewhere, another at the **same
# place** in the other channel.

# %% one-target
a, b = (0, 0), (1, 2)  # two places on a 3 x 3 map
one = torch.zeros(1, 2, 3, 3)  # (B, C, H, W)
one[0, 0][a] = one[0, 0][b] = one[0, 1][a] = 1.0
one_wanted = torch.zeros_like(one)
one_wanted[0, 0][a] = 1.0
print("channel 0:", one[0, 0].tolist())
print("channel 1:", one[0, 1].tolist())

# %% [markdown]
# Predict: how many of the three domains can keep the target and drop both distractors?

# %% guess-domains
guess_domains = 2  # change me before you run on

# %% [markdown]
# The best mask needs no training. Values that share one weight m cost the sum of (m T - wanted)²,
# which is smallest at the ratio below: a least-squares fit in each group.

# %% best-mask
shapes = {"spatial": (1, 1, 3, 3), "channel": (1, 2, 1, 1), "mixed": (1, 2, 3, 3)}


def best_mask(T, wanted, shape):  # (B, C, H, W) twice -> shape
    """The mask of this shape for which M * T comes nearest to what is wanted."""
    overlap = (T * wanted).sum_to_size(shape)
    return overlap / (T * T).sum_to_size(shape).clamp_min(1e-12)


def error(M, T, wanted):
    """Squared error of M * T, as a share of the energy of what is wanted."""
    return (((M * T - wanted) ** 2).sum() / (wanted**2).sum()).item()


errors = {}
for name, shape in shapes.items():
    errors[name] = error(best_mask(one, one_wanted, shape), one, one_wanted)
able = [name for name, e in errors.items() if e < 1e-9]
print({name: round(e, 3) for name, e in errors.items()})
print(f"you said {guess_domains}; measured {len(able)}: {', '.join(able)}")

# %% [markdown]
# The spatial mask halves both things at place a. The channel mask halves both things in channel
# 0. Each leaves half of the target's energy as error; only the mixed mask leaves none.

# %% [markdown]
# ## An outer product is not a full mask
#
# A mixed mask has C x H x W values. CBAM is content with C + H x W: a channel vector times a
# spatial map. For one target that is enough:

# %% outer-for-one
by_channel = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)  # (1, C, 1, 1)
by_place = torch.zeros(1, 1, 3, 3)  # (1, 1, H, W)
by_place[0, 0][a] = 1.0
outer = by_channel * by_place  # (1, C, H, W)
print(f"outer product, one target: error {error(outer, one, one_wanted):.3f}")

# %% [markdown]
# Now two targets: channel 0 at place a, channel 1 at place b, with a distractor in each of the
# two other corners. The values of M that matter form a table, channels by places:
#
# | | place a | place b |
# |---|---|---|
# | channel 0 | keep | drop |
# | channel 1 | drop | keep |
#
# Predict the smallest error that an outer product can reach, as a share of the targets' energy.

# %% guess-outer
guess_outer = 0.0  # change me before you run on

# %% two-targets
two = torch.zeros(1, 2, 3, 3)
two_wanted = torch.zeros(1, 2, 3, 3)
for place in (a, b):
    two[0, 0][place] = two[0, 1][place] = 1.0
two_wanted[0, 0][a] = two_wanted[0, 1][b] = 1.0

levels = torch.linspace(0, 1, 21)  # every outer product with values 0, 0.05, ..., 1
c0, c1, pa, pb = torch.meshgrid(levels, levels, levels, levels, indexing="ij")
cost = (1 - c0 * pa) ** 2 + (c0 * pb) ** 2 + (c1 * pa) ** 2 + (1 - c1 * pb) ** 2
least = cost.min().item() / 2  # the two targets have energy 2
print(f"tried {cost.numel():,} outer products")
print(f"you said {guess_outer}; measured {least:.2f}")

# %% [markdown]
# Nor would a finer search help: an outer product has rank one, and the best matrix of rank one
# misses the squares of all singular values but the first. BAM *adds* its two halves before the
# sigmoid, which is no way round: the logits of the two corners to keep then have the same sum as
# those of the two to drop.

# %% rank-one
keep = torch.eye(2)  # the table above: channels x places
singular = torch.linalg.svdvals(keep)
bound = singular[1:].square().sum() / keep.square().sum()
print(f"bound from the singular values: {bound:.2f}")

logits = torch.linspace(-12, 12, 49)
c0, c1, pa, pb = torch.meshgrid(logits, logits, logits, logits, indexing="ij")
squash = torch.sigmoid
cost = (1 - squash(c0 + pa)) ** 2 + squash(c0 + pb) ** 2
cost += squash(c1 + pa) ** 2 + (1 - squash(c1 + pb)) ** 2
print(f"best sum of two halves inside one sigmoid: {cost.min() / 2:.2f}")
for name, shape in shapes.items():
    print(f"{name}: {error(best_mask(two, two_wanted, shape), two, two_wanted):.2f}")

# %% domains-figure
assert abs(error(outer, two, two_wanted) - least) < 1e-6  # one of the best
columns = {"T": two, "wanted": two_wanted}
for name, shape in shapes.items():
    columns[name] = best_mask(two, two_wanted, shape) * two
columns["outer"] = outer * two  # channel vector times spatial map
panels = {f"{k}\nchannel {c}": x[0, c] for c in (0, 1) for k, x in columns.items()}
fig = plots.map_grid(
    panels, columns=6, limits=(0, 1), unit="value",
    title="Only the mixed mask keeps both targets and drops the rest",
)
plots.show(
    fig,
    alt="Two channels of a 3 by 3 map under the best mask of each kind. Spatial and "
    "channel masks leave four half-strength spots, the outer product keeps one target "
    "only, the mixed mask gives what was wanted.",
)


# %% [markdown]
# Blog posts call CBAM and BAM "mixed" because they use both domains; the Residual Attention
# Network's mask is mixed in the full sense. Mind that the limit is of **one** mask on **one**
# map: the convolutions between two gates can move a target into a channel of its own.

# %% [markdown]
# ## Two gates from scratch
#
# A *gate* is a small module that computes its mask from T itself. Squeeze-and-Excitation (SE)
# averages over positions and asks a small network for one weight a channel. CBAM's channel gate
# asks the same network twice, for the mean and for the maximum.

# %% my-se
class MySE(nn.Module):
    """x * sigmoid(W2 relu(W1 z)), z the mean of x over positions."""

    def __init__(self, channels, reduction):
        super().__init__()
        self.narrow = nn.Linear(channels, channels // reduction)
        self.widen = nn.Linear(channels // reduction, channels)

    def ask(self, z):  # (B, C) -> (B, C)
        return self.widen(torch.relu(self.narrow(z)))

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        gate = torch.sigmoid(self.ask(x.mean((2, 3))))  # (B, C)
        return x * gate[:, :, None, None]


class MyChannelGate(MySE):
    """CBAM's channel half: the same question for the mean and for the maximum."""

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        logits = self.ask(x.mean((2, 3))) + self.ask(x.amax((2, 3)))  # (B, C)
        return x * torch.sigmoid(logits)[:, :, None, None]


# %% [markdown]
# CBAM's spatial gate turns the axes round: mean and maximum over *channels*, then a 7 x 7
# convolution, give one weight a position.

# %% my-spatial
def mean_and_max(x):  # (B, C, H, W) -> (B, 2, H, W)
    return torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)


class MySpatialGate(nn.Module):
    """x * sigmoid(conv(describe(x)))."""

    def __init__(self, describe=mean_and_max):
        super().__init__()
        self.describe = describe
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        return x * torch.sigmoid(self.conv(self.describe(x)))


# %% [markdown]
# Proof: the package's gates with our weights, in float64, on odd sizes.

# %% proof
def copy_se(mine, theirs):
    """Our linear layers' weights into the package's 1x1 convolutions."""
    for ours, conv in ((mine.narrow, theirs.mlp[0]), (mine.widen, theirs.mlp[2])):
        conv.weight.data = ours.weight.data[:, :, None, None].clone()
        conv.bias.data = ours.bias.data.clone()


torch.manual_seed(0)
my_se, my_channel = MySE(8, 2).double(), MyChannelGate(8, 2).double()
my_spatial = MySpatialGate().double()
se, cbam = gates.SqueezeExcitation(8, 2).double(), gates.CBAM(8, 2).double()
copy_se(my_se, se)
copy_se(my_channel, cbam.channel)
cbam.spatial.load_state_dict(my_spatial.state_dict())
for shape in [(2, 8, 7, 5), (1, 8, 1, 3), (3, 8, 16, 16)]:
    x = torch.randn(shape, dtype=torch.float64)
    same_se = torch.allclose(my_se(x), se(x), rtol=0, atol=1e-12)
    same_spatial = torch.allclose(my_spatial(x), cbam.spatial(x), rtol=0, atol=1e-12)
    same_cbam = torch.allclose(my_spatial(my_channel(x)), cbam(x), rtol=0, atol=1e-12)
    print(shape, "SE", same_se, "| spatial", same_spatial, "| CBAM", same_cbam)


# %% [markdown]
# ## One wrong word in a gate
#
# Three mistakes stand in published snippets of CBAM, each one word away from the truth. All run,
# and give the right shape and number of parameters.

# %% three-mistakes
def mean_of_everything(x):  # the mean over every axis instead of over channels
    mean = x.mean().expand(x.shape[0], 1, *x.shape[2:])
    return torch.cat([mean, x.amax(1, keepdim=True)], dim=1)


def argmax_for_max(x):  # which channel is largest, instead of how large it is
    index = x.argmax(1, keepdim=True).to(x.dtype)
    return torch.cat([x.mean(1, keepdim=True), index], dim=1)


class MeanTwice(MyChannelGate):
    """Average pooling where the maximum was meant."""

    def forward(self, x):
        return x * torch.sigmoid(2 * self.ask(x.mean((2, 3))))[:, :, None, None]


mean_twice = MeanTwice(8, 2).double()
mean_twice.load_state_dict(my_channel.state_dict())
wrong = [MySpatialGate(f).double() for f in (mean_of_everything, argmax_for_max)]
for gate in wrong:
    gate.load_state_dict(my_spatial.state_dict())

# %% [markdown]
# An oracle with the same weights finds them. Compare in float64: the smallest difference is one
# that a loose tolerance would let pass.

# %% compare
torch.manual_seed(1)
x = torch.rand(2, 8, 7, 5, dtype=torch.float64)
pairs = {
    "correct channel gate": (my_channel, cbam.channel),
    "mean for max": (mean_twice, cbam.channel),
    "correct spatial gate": (my_spatial, cbam.spatial),
    "mean over everything": (wrong[0], cbam.spatial),
    "argmax for max": (wrong[1], cbam.spatial),
}
for name, (mine, theirs) in pairs.items():
    apart = (mine(x) - theirs(x)).norm() / theirs(x).norm()
    shape = mine(x).shape == theirs(x).shape
    count = sum(p.numel() for p in mine.parameters())
    same = count == sum(p.numel() for p in theirs.parameters())
    print(f"{name:21} same shape {shape}, same count {same}, output off by {apart:.1%}")

# %% [markdown]
# A difference says *that* something is wrong. Three questions say *what*. Does an image's gate
# depend on its neighbours in the batch? On the order of the channels? Does it miss a peak?

# %% symptoms
by_itself, in_batch = wrong[0](x[:1]), wrong[0](torch.cat([x[:1], 9 * x[1:]]))[:1]
changed = not torch.allclose(by_itself, in_batch)
print(f"mean over everything: the batch changes image 0: {changed}")
shuffled = x[:, torch.randperm(8)]
moved = not torch.allclose(argmax_for_max(x), argmax_for_max(shuffled))
steady = torch.allclose(mean_and_max(x), mean_and_max(shuffled))
print(f"argmax: channel order changes the description: {moved} (max: {not steady})")

flat = torch.full((1, 8, 4, 4), 1 / 16, dtype=torch.float64)
peak = torch.zeros_like(flat)
peak[:, :, 1, 2] = 1.0  # the same mean, all of it at one position
for name, gate in {"mean for max": mean_twice, "correct": my_channel}.items():
    weights = [(gate(x).sum((2, 3)) / x.sum((2, 3))) for x in (flat, peak)]  # (1, C)
    print(f"{name}: sees the peak: {not torch.allclose(*weights)}")

# %% [markdown]
# ## Where the gate sits
#
# Lesson 01's residual unit is x + f(x). A gate can stand **inside** the branch, x + M f(x), as in
# SE and CBAM, or on the **main path**, M (x + f(x)), as a plain attention mask does. Let M be 0.5
# everywhere, near where a sigmoid starts, and stack 20 units. First with silent branches (f = 0),
# to see the identity path alone.
#
# Predict: with the gate on the main path, what share of the signal is left at the end?

# %% guess-main-path
guess_left = 0.5  # change me before you run on


# %% main-path
class Half(nn.Module):
    def forward(self, x):  # (B, C, H, W) -> the same
        return 0.5 * x


def stack(where, silent):
    """20 pre-activation units, gated inside the branch, on the main path, or not."""
    torch.manual_seed(0)
    units = []
    for _ in range(20):
        gate = (lambda channels: Half()) if where == "inside" else None
        unit = PreActBottleneck(16, 16, width=8, gate=gate)
        if silent:
            nn.init.zeros_(unit.branch[-1].weight)
        units.append(nn.Sequential(unit, Half()) if where == "main path" else unit)
    return nn.Sequential(*units).double()


torch.manual_seed(1)
x = torch.randn(8, 16, 8, 8, dtype=torch.float64)
for where in ("inside", "main path"):
    y = stack(where, silent=True)(x)
    left = (y.abs().mean() / x.abs().mean()).item()
    print(f"gate {where}: 1 part in {1 / left:,.0f} is left")
print(f"(you said {guess_left:g} on the main path; it is 0.5 to the power of 20)")

# %% [markdown]
# So a stack of masked units fades to nothing? That is the usual conclusion. Let the branches
# speak before you believe it.

# %% live-branches
signal = {}
for where in ("no gate", "inside", "main path"):
    inputs = x.clone().requires_grad_()
    h, signal[where] = inputs, [1.0]
    for unit in stack(where, silent=False):
        h = unit(h)
        signal[where].append((h.abs().mean() / x.abs().mean()).item())
    alike = F.cosine_similarity(h.flatten(1), x.flatten(1)).mean()
    torch.manual_seed(2)
    pull = torch.randn_like(h)
    h.backward(pull)  # a random gradient, from the output back to the input
    growth = inputs.grad.norm() / pull.norm()
    print(f"{where:10} signal {signal[where][-1]:.2f}, likeness to the input "
          f"{alike:.2f}, gradient at the input x {growth:.0f}")

# %% gate-figure
assert signal["main path"][-1] > 1e4 * 0.5**20
signal["main path, silent"] = [0.5**i for i in range(21)]
fig = plots.curves(
    range(21), signal, log_y=True,
    title="On the main path the signal does not fade: the branches replace it",
    xlabel="units passed", ylabel="mean |signal| / that of the input",
)
fig.axes[0].set_xticks(range(0, 21, 5))
plots.show(
    fig,
    alt="Mean signal against units passed, logarithmic. With silent branches a main "
    "path gate halves it twenty times; with live branches it levels off. Without a "
    "gate, or with one inside, it grows a little.",
)

# %% [markdown]
# The size of the signal levels off, because batch normalisation lets each branch speak at full
# voice, however faint its input. What is lost is the *identity*: the output no longer resembles
# the input, and the gradient grows on its way back instead of passing through. Multiplication
# leaves the identity alone inside a branch, and breaks it on the main path. Lesson 04 follows
# this up; lesson 05 repairs it.

# %% [markdown]
# ## Why one mask is not enough
#
# How much is a mask worth? We have the truth, so we can hand it over. We cut the canvas into
# square cells and keep each cell that the digit touches. A cell of 32 pixels keeps everything: no
# mask. Smaller cells are better masks, down to the true one.

# %% cell-masks
train = ClutteredDigits("train", 3000)


def cell_masks(objects, cell):  # bool (N, H, W) -> float (N, 1, H, W) of 0 and 1
    touched = F.max_pool2d(objects[:, None].float(), cell)
    return F.interpolate(touched, scale_factor=cell)  # nearest neighbour


cells = {"no mask": 32, "8-pixel cells": 8, "4-pixel cells": 4, "true mask": 1}
for name, cell in cells.items():
    kept = cell_masks(data.object_masks, cell).mean()
    print(f"{name:13} keeps {kept:.0%} of the canvas")

# %% [markdown]
# One small convolutional net learns behind each mask: the same start, the same few steps. Predict
# the test error behind the true mask, as a share of the error without a mask.

# %% guess-oracle
guess_oracle = 0.5  # change me before you run on


# %% small-net
def small_net():
    torch.manual_seed(0)
    layers, width = [], 1
    for wider in (16, 32, 64):  # each halves the map
        conv = nn.Conv2d(width, wider, 3, stride=2, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(wider), nn.ReLU()]
        width = wider
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(*layers, *head)


# %% test-error
def test_error(cell, with_image=True):
    """Percent of test images misread behind a mask, or from the mask alone."""
    def shown(d):
        M = cell_masks(d.object_masks, cell)
        return ((d.images if with_image else 255) * M).byte()

    config = TrainConfig(steps=200, batch_size=64, learning_rate=0.1, warmup_steps=20)
    seen, unseen = (InMemoryImages(shown(d), d.labels) for d in (train, data))
    history = fit(small_net(), seen, unseen, config, device="cpu", progress=False)
    return 100 * history.validation[config.steps].error


# %% train-behind-masks tags=["nbval-ignore-output"]
behind = {}
for name, cell in cells.items():
    behind[name] = test_error(cell)
    print(f"{name:13} test error {behind[name]:.1f} %")
ratio = behind["true mask"] / behind["no mask"]
print(f"you said {guess_oracle}; measured {ratio:.2f}")
assert behind["true mask"] + 15 < behind["no mask"]

# %% [markdown]
# Before you cheer: the true mask is the digit's outline. Could a net read the label off the mask
# itself? Train it on the masks alone, without one pixel of the images.

# %% train-on-masks tags=["nbval-ignore-output"]
alone = {}
for name, cell in list(cells.items())[1:]:  # 32 would be a blank page
    alone[name] = test_error(cell, with_image=False)
    print(f"{name:13} alone: test error {alone[name]:.1f} %")
alone["no mask"] = 100 * (1 - 1 / 10)  # blank: one guess in ten is right
assert alone["true mask"] + 15 < min(behind["no mask"], alone["8-pixel cells"])

# %% oracle-figure tags=["nbval-ignore-output"]
falls = list(behind.values()) == sorted(behind.values(), reverse=True)
finding = "Finer masks, smaller errors" if falls else "The true mask helps"
fig = plots.curves(
    list(cells.values()),
    {"behind the mask": list(behind.values()), "mask alone": [alone[k] for k in cells]},
    log_x=True,
    title=finding + "; but an outline alone tells much",
    xlabel="side of the mask's cells (pixels): 32 is no mask, 1 is the true mask",
    ylabel="test error (%), one seed",
)
fig.axes[0].set_ylim(0, 100)
plots.show(
    fig,
    alt="Test error against the side of the mask's cells. Behind finer masks the error "
    "falls. For the mask alone it starts at chance, and falls too.",
)


# %% [markdown]
# So an oracle mask does two things: it removes clutter, and it *tells*. At the true mask the two
# are hard to tell apart. At 8-pixel cells the mask alone tells little, so the net's gain there
# comes more likely from clutter gone.
#
# Each step from point to point is work that a **further** mask could do: what the first let
# through, the second takes out. That is the paper's case for stacking (section 3). A network with
# one mask has one chance, and what it gets wrong stays wrong. And features differ: the paper's
# figure 1 has a sky mask on low-level colours and a balloon mask on high-level parts. One mask
# for all, it says, would need exponentially many channels to cover all combinations of factors.
# It gives no proof of "exponential". Nor did we show that a network *learns* such masks: ours
# came from the truth. Lesson 12 puts that on trial.

# %% [markdown]
# ## Score a mask against the truth
#
# A mask can be judged without training anything: what share of its mass lies inside the object?

# %% energy-inside
def my_energy_inside(maps, objects):  # float and bool (N, H, W) -> (N,)
    return (maps * objects).sum((1, 2)) / maps.sum((1, 2))


objects = data.object_masks
maps = probes.baseline_maps(data.images.float() / 255)
for name, cell in list(cells.items())[1:]:
    maps[name] = cell_masks(objects, cell)[:, 0].double()  # (N, H, W)
inside = {}
for name, m in maps.items():
    mine, theirs = my_energy_inside(m, objects), probes.energy_inside(m, objects)
    inside[name] = mine.mean().item()
    print(f"{name:13} {inside[name]:.3f}, equal to the package's:",
          torch.allclose(mine, theirs, rtol=0, atol=1e-12))

# %% energy-figure
assert inside["uniform"] < inside["8-pixel cells"] < inside["input energy"]
fig = plots.bars(
    inside,
    title="Brightness outscores a mask that truly knows where the digit is",
    ylabel="share of the mass inside the digit",
)
for label in fig.axes[0].get_xticklabels():
    label.set_fontsize(9)
plots.show(
    fig,
    alt="Bars of energy inside the object for uniform, centre and input energy maps, "
    "for masks of 8 and 4 pixel cells, and for the true mask, which reaches 1.",
)

# %% [markdown]
# Uniform scores the digit's share of the canvas. Brightness, which has learned nothing, does much
# better, and even beats the 8-pixel cells, though those were cut from the truth and helped the
# net. So a score means little without its baselines, and one score is never enough. A mask of a
# single pixel makes the point:

# %% three-scores
brightest = (data.images[:, 0] * objects).flatten(1).argmax(1)  # (N,)
one_pixel = F.one_hot(brightest, 32 * 32).view(-1, 32, 32).double()  # (N, H, W)
for name, m in {**maps, "one pixel": one_pixel}.items():
    scores = probes.attention_scores(m, objects)
    print(f"{name:13} energy {scores.energy.mean():.2f}, "
          f"pointing {scores.pointing.mean():.2f}, IoU {scores.iou.mean():.2f}")

# %% [markdown]
# Two of the three scores call the pixel perfect; overlap at the object's area (IoU) does not.
#
# "How do I draw a mask as the paper's figure 1 does?" A mixed mask has C maps, and choosing one
# is choosing the answer. `probes` scores the mean over channels; lesson 11 compares ways.

# %% [markdown]
# ## What you measured
#
# - A sigmoid passes a gradient to every logit that mattered; a threshold passes none.
# - Softmax weights shrink with the map and compete; sigmoids do neither.
# - Spatial masks, channel masks, outer products and sums of halves all left half of the targets'
#   energy as error on an input built for it. The mixed mask left none.
# - Three one-word mistakes kept shape and count, and changed the values.
# - A gate on the main path destroys the identity, not the size of the signal.
# - Finer masks gave smaller errors, in part because an outline gives the label away.
# - One pixel inside the digit fools two of three scores.

# %% [markdown]
# ## Recap
#
# Attention here is H = M * T: soft, so that it learns; a sigmoid, so that positions do not
# compete; mixed, so that it can say *what is where*; stacked, so that one mask can mend another's
# work. Where it stands matters as much as what it says.

# %% [markdown]
# ## Where next
#
# Our masks were given. Lesson 03 builds the small network that computes one.
#
# **Where this lives in `resattn`:** `gates.SqueezeExcitation`, `gates.ChannelGate`,
# `gates.SpatialGate`, `gates.CBAM`, `gates.BAM`; `attention.merge` (rule `"nal"` is H = M * T);
# `probes.energy_inside`, `probes.pointing_game`, `probes.iou_at_area`, `probes.baseline_maps`;
# `data.ClutteredDigits`.
#
# **Practise:** [exercise set 02](../exercises/02_attention_as_a_mask.ipynb).
