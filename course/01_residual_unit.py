# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 The residual unit

# %% [markdown]
# ## What you will build
#
# - Three ways to stack convolutions: a **plain** block, a **post-activation** residual
#   unit and a **pre-activation** one, and two instruments that compare them at any depth.
# - The **bottleneck** unit that the residual attention network is made of, written from
#   scratch and proved equal to `resattn.units.PreActBottleneck`.
# - A price list for the three kinds of unit in the paper: pre-activation, ResNeXt and
#   Inception.
#
# You need a convolutional network, backpropagation and batch normalisation (BN).
# Attention starts in lesson 02.

# %% [markdown]
# ## Why it matters
#
# The trunk T of an attention module is a row of residual units, and so is most of its
# soft mask M. The paper's central formula, (1 + M) T, is defended with an argument about
# residual units: do not break the identity path. You can judge that argument only if you
# have seen what the path does, and what happens when somebody halves it. Both take
# seconds to measure, on networks that nobody has trained.

# %% setup
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import nn

import resattn
from resattn import plots
from resattn.data import PlainDigits
from resattn.units import InceptionUnit, PostActBottleneck, PreActBottleneck

torch.set_default_dtype(torch.float64)  # so that every machine prints the same digits
torch.set_num_threads(1)  # maps this small gain nothing from a second thread

# %% [markdown]
# ## A plain stack, and two instruments
#
# A plain block is what you would write first: convolution, BN, ReLU, and again. `norm`
# lets us take the BN out. All blocks here keep C = 16 channels and the map's size, so
# that any number of them can follow each other.

# %% plain
C = 16


def conv():
    return nn.Conv2d(C, C, 3, padding=1, bias=False)


def bn(norm):
    return nn.BatchNorm2d(C) if norm else nn.Identity()


class Plain(nn.Module):
    def __init__(self, norm=True):
        super().__init__()
        self.branch = nn.Sequential(
            conv(), bn(norm), nn.ReLU(), conv(), bn(norm), nn.ReLU()
        )

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        return self.branch(x)


# %% [markdown]
# The instruments, for a stack of L units at its random start:
#
# - **signal**: the mean absolute response after the last unit, divided by that of the
#   input;
# - **gradient**: we send a gradient of length 1 into the output, in a random direction,
#   and measure its length when it arrives at the input.
#
# Both have a natural goal: 1 means "passes through unchanged". We take the mean of three
# random starts; in the figures a band shows their range.

# %% instruments
DEPTHS = (2, 4, 8, 16, 32, 64)  # L, in units of two convolutions each


def probe(unit, depth, seed):
    torch.manual_seed(seed)
    stack = nn.Sequential(*(unit() for _ in range(depth)))
    x = torch.randn(4, C, 12, 12, requires_grad=True)  # (B, C, H, W)
    y = stack(x)  # (B, C, H, W)
    v = torch.randn_like(y)
    (g,) = torch.autograd.grad(y, x, grad_outputs=v / v.norm())
    return (y.abs().mean() / x.abs().mean()).item(), g.norm().item()


def sweep(unit):  # -> signal and gradient, each (3 seeds, 6 depths)
    runs = [[probe(unit, L, seed) for L in DEPTHS] for seed in range(3)]
    return torch.tensor(runs).unbind(-1)


def show_row(name, values):
    print(f"{name:24}" + "".join(f"{v:10.1e}" for v in values.mean(0)))


# %% plain-without-norm
bare_signal, bare_gradient = sweep(lambda: Plain(norm=False))
print(f"{'units L':24}" + "".join(f"{L:10}" for L in DEPTHS))
show_row("plain, no BN: signal", bare_signal)
show_row("plain, no BN: gradient", bare_gradient)

# %% [markdown]
# Each convolution, started as PyTorch starts it, shrinks what it is given, and shrinks
# the gradient as much. At 64 units nothing is left in either direction.

# %% [markdown]
# ## Batch norm repairs the signal
#
# BN rescales every map, so the signal cannot fade. What will the gradient do? Write down
# how long you think it is at the input, for 64 plain units **with** BN. 1 is "unchanged",
# 0.001 "has almost vanished".

# %% guess-plain
guess_plain = 0.001  # change me before you run on

# %% plain-with-norm
plain_signal, plain_gradient = sweep(Plain)
show_row("plain, BN: signal", plain_signal)
show_row("plain, BN: gradient", plain_gradient)
print(f"\nyou said {guess_plain:g}; measured {plain_gradient[:, -1].mean():.1e}")

# %% plain-figure
assert bare_signal[:, -1].max() < 1e-20 and bare_gradient[:, -1].max() < 1e-20
assert plain_signal.min() > 0.1 and plain_gradient[:, -1].min() > 1e6
fig = plots.curves(
    DEPTHS,
    {
        "no BN: signal": bare_signal,
        "no BN: gradient": bare_gradient,
        "BN: signal": plain_signal,
        "BN: gradient": plain_gradient,
    },
    title="Plain units: all fades without BN; with BN the gradient explodes",
    xlabel="depth L (units)",
    ylabel="signal or gradient, 1 = unchanged",
    log_x=True,
    log_y=True,
)
plots.show(
    fig,
    alt="Signal and gradient of plain stacks against depth, log axes. Without BN both "
    "fall by more than twenty powers of ten by 64 units. With BN the signal is flat "
    "and the gradient rises past a million.",
)

# %% [markdown]
# "Deep plain networks suffer from vanishing gradients": not these, once they have BN. The
# signal is held level by force, and the gradient pays: on its way to the input it grows
# by nearly the same factor at each convolution (Yang et al. 2019, arXiv 1902.08129, derive
# it). The factor is small. The depth is not.

# %% growth
for low, high in ((16, 32), (32, 64)):
    ends = [plain_gradient[:, DEPTHS.index(L)].log().mean() for L in (low, high)]
    factor = ((ends[1] - ends[0]) / (2 * (high - low))).exp()  # 2 convolutions a unit
    print(f"from {low} to {high} units: x {factor:.2f} a convolution")


# %% [markdown]
# One learning rate will hardly suit both ends of such a network.

# %% [markdown]
# ## Add the input back
#
# He et al. (2015) let each unit compute a *change*: y = x + F(x). F is called the
# **branch**, the way round it the **shortcut**. Their first unit puts a ReLU after the
# sum (post-activation). Their second (2016, arXiv 1603.05027) moves BN and ReLU to the
# front of each convolution (pre-activation), so that nothing at all touches the sum.
# `s` scales the shortcut; leave it at 1 for now.

# %% residual-units
class PostAct(nn.Module):
    def __init__(self, norm=True):
        super().__init__()
        self.branch = nn.Sequential(conv(), bn(norm), nn.ReLU(), conv(), bn(norm))

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        return F.relu(x + self.branch(x))


class PreAct(nn.Module):
    def __init__(self, norm=True, s=1.0):
        super().__init__()
        self.s = s
        self.branch = nn.Sequential(
            bn(norm), nn.ReLU(), conv(), bn(norm), nn.ReLU(), conv()
        )

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        return self.s * x + self.branch(x)


# %% residual-sweep
post_signal, post_gradient = sweep(PostAct)
pre_signal, pre_gradient = sweep(PreAct)
print(f"{'units L, all with BN':24}" + "".join(f"{L:10}" for L in DEPTHS))
show_row("plain: signal", plain_signal)
show_row("post-activation: signal", post_signal)
show_row("pre-activation: signal", pre_signal)
show_row("plain: gradient", plain_gradient)
show_row("post-act.: gradient", post_gradient)
show_row("pre-act.: gradient", pre_gradient)

# %% residual-figure
last = [g[:, -1] for g in (plain_gradient, post_gradient, pre_gradient)]
assert last[0].min() > 1e4 * last[1].max() and last[1].min() > 2 * last[2].max()
fig = plots.curves(
    DEPTHS,
    {
        "plain": plain_gradient,
        "post-activation": post_gradient,
        "pre-activation": pre_gradient,
    },
    title="A shortcut tames the gradient; pre-activation keeps it closest to 1",
    xlabel="depth L (units, all with BN)",
    ylabel="gradient at the input, 1 = unchanged",
    log_x=True,
    log_y=True,
)
plots.show(
    fig,
    alt="Gradient at the input against depth, log axes, all units with BN. At 64 units "
    "the plain stack is past a million, post-activation units are thousands of times "
    "lower, and pre-activation units are lower still.",
)


# %% [markdown]
# The derivative of x + F(x) is 1 + F'(x). Whatever F' does, the 1 goes through all L
# units untouched. The signal does grow, slowly: each unit *adds* to the sum. That is why
# a pre-activation network ends in one more BN and ReLU before its classifier.

# %% [markdown]
# ## What "identity" means
#
# The sharpest test of a shortcut is to switch the branches off: set the last weights of
# every branch to zero and look at what is left of 64 units.

# %% branches-off
def what_is_left(unit, x):
    stack = nn.Sequential(*(unit() for _ in range(64)))
    for layer in stack:
        final = [m for m in layer.branch if isinstance(m, nn.Conv2d)][-1]
        nn.init.zeros_(final.weight)
    return stack(x)


x = torch.randn(2, C, 7, 5)  # (B, C, H, W)
plain, post, pre = (what_is_left(unit, x) for unit in (Plain, PostAct, PreAct))
print("plain leaves nothing:           ", torch.equal(plain, torch.zeros_like(x)))
print("post-activation leaves relu(x): ", torch.equal(post, F.relu(x)))
print("pre-activation leaves x itself: ", torch.equal(pre, x))

# %% [markdown]
# To do no harm, a plain unit has to *learn* the identity. A residual unit has to learn
# zero. And only the pre-activation sum is a true identity: post-activation lets the
# positive half pass.

# %% [markdown]
# ## Halve the shortcut
#
# Attention by plain multiplication, M T, puts
# a number between 0 and 1 on the main path. Its simplest relative is y = s x + F(x) with
# s = 0.5. He et al. (2016, table 1) tried it in a ResNet-110 on CIFAR-10: 12.35 % error
# or no convergence at all, against 6.61 % with the identity.
#
# The usual explanation: through 64 such units, the shortcut alone carries 0.5 to the
# power 64. How long will the gradient be at the input (64 pre-activation units, BN)?

# %% guess-half
guess_half = 0.5**64  # change me before you run on

# %% half-sweep
half_signal, half_gradient = sweep(lambda: PreAct(s=0.5))
most_signal, most_gradient = sweep(lambda: PreAct(s=0.9))
print(f"{'units L':24}" + "".join(f"{L:10}" for L in DEPTHS))
show_row("s = 1.0: gradient", pre_gradient)
show_row("s = 0.9: gradient", most_gradient)
show_row("s = 0.5: gradient", half_gradient)
show_row("s = 0.5: signal", half_signal)
print(f"\nyou said {guess_half:.1e}; measured {half_gradient[:, -1].mean():.1e}")

# %% half-figure
by_scale = [g[:, -1].mean() for g in (pre_gradient, most_gradient, half_gradient)]
assert by_scale[1] > 5 * by_scale[0] and by_scale[2] > 1e3 * by_scale[1]
assert half_signal.min() > 0.1 and half_signal.max() < 10
fig = plots.curves(
    DEPTHS,
    {
        "gradient, s = 1": pre_gradient,
        "gradient, s = 0.9": most_gradient,
        "gradient, s = 0.5": half_gradient,
        "signal, s = 0.5": half_signal,
    },
    title="A halved shortcut: the signal does not fade, and the gradient explodes",
    xlabel="depth L (pre-activation units with BN)",
    ylabel="signal or gradient, 1 = unchanged",
    log_x=True,
    log_y=True,
)
plots.show(
    fig,
    alt="Gradient at the input against depth for shortcuts scaled by 1, 0.9 and 0.5, "
    "log axes. At 64 units the smallest scale has by far the largest gradient. The "
    "signal for 0.5 stays level.",
)


# %% [markdown]
# It does not vanish; it explodes. The shortcut's own share does fade, but the branch has
# BN inside, and BN rescales whatever it is given. The next cell compares the sizes of the
# two things that are added, in the first and in later units.

# %% branch-share
def branch_share(s, at, seed=0):
    torch.manual_seed(seed)
    x = torch.randn(4, C, 12, 12)  # (B, C, H, W)
    shares = []
    for _ in range(64):
        unit = PreAct(s=s)
        shares.append(unit.branch(x).std() / (s * x).std())
        x = unit(x)
    return [shares[i - 1].item() for i in at]


at = (1, 8, 64)
print("size of branch / size of shortcut in unit", *at)
for s in (1.0, 0.5):
    print(f"  s = {s}: " + "  ".join(f"{v:.1f}" for v in branch_share(s, at)))


# %% [markdown]
# With s = 1 the sum grows, so each further unit changes it less: the stack becomes an
# identity with small corrections. With s = 0.5 the sum stays small, the branch soon wins
# and goes on winning, and the stack is a plain one in disguise.

# %% [markdown]
# ## Is that only this random start?
#
# We used the weights that `nn.Conv2d` starts with. The paper, and the networks in
# `resattn`, start as He et al. advise, with larger weights. We repeat the deepest column,
# with one seed.

# %% he-start
def he(unit):
    for m in unit.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    return unit


cases = {
    "plain, BN": Plain,
    "post-activation, BN": PostAct,
    "pre-activation, BN": PreAct,
    "pre-act., s = 0.5, BN": lambda: PreAct(s=0.5),
    "pre-activation, no BN": lambda: PreAct(norm=False),
    "pre-act., s = 0.5, no BN": lambda: PreAct(norm=False, s=0.5),
}
print(f"{'64 units: gradient':26}{'PyTorch start':>14}{'He start':>12}")
for name, unit in cases.items():
    default = probe(unit, 64, 0)[1]
    larger = probe(lambda unit=unit: he(unit()), 64, 0)[1]
    print(f"{name:26}{default:14.1e}{larger:12.1e}")


# %% [markdown]
# With BN the order is the same from both starts, but pre-activation's lead shrinks: part
# of it was its branch, which no BN follows and which therefore started small.
#
# **Without** BN the answer depends on the weights. With the smaller start a halved
# shortcut does fade, as the usual explanation says; with the larger one even the true
# identity explodes, and needs BN to hold it. Remember this table when you read that
# stacked masks "fade the features to zero". Lesson 04 puts that on trial.

# %% [markdown]
# ## Does it matter for learning?
#
# A short race: 16 units (32 convolutions) on the 8x8 digits, 50 steps of 32 images, two
# seeds, same learning rate. The losses differ a little between machines; the cell asserts
# the order.

# %% race
def race(unit, seed, steps=50):
    torch.manual_seed(seed)
    body = [unit() for _ in range(16)]
    net = nn.Sequential(
        nn.Conv2d(1, C, 3, padding=1), *body, nn.BatchNorm2d(C), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, 10),
    ).float()  # (B, 1, 8, 8) -> (B, 10)
    descent = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    losses = []
    for _ in range(steps):
        pick = torch.randint(len(labels), (32,))
        loss = F.cross_entropy(net(images[pick]), labels[pick])
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(loss.item())
    return torch.tensor(losses).view(-1, 5).mean(1)  # means of 5 steps: (10,)


digits = PlainDigits("train")
images, labels = digits.images.float() / 255, digits.labels  # (N, 1, 8, 8), (N,)

# %% race-figure tags=["nbval-ignore-output"]
units = {"plain": Plain, "pre, s = 0.5": lambda: PreAct(s=0.5), "pre, s = 1": PreAct}
losses = {name: torch.stack([race(u, 0), race(u, 1)]) for name, u in units.items()}
final = {name: runs[:, -2:].mean().item() for name, runs in losses.items()}
print("mean loss of the last 10 steps:", {k: f"{v:.2f}" for k, v in final.items()})
assert final["pre, s = 1"] < min(final["plain"], final["pre, s = 0.5"]) - 0.2
fig = plots.curves(
    torch.arange(3, 51, 5),
    losses,
    title="With a whole shortcut 16 units learn; plain or halved, they lag",
    xlabel="step",
    ylabel="training loss (nats; mean of 5 steps)",
)
plots.show(
    fig,
    alt="Training loss against step for three stacks of 16 units, two seeds each. The "
    "pre-activation stack with a whole shortcut falls fastest; the plain stack and the "
    "halved shortcut stay well above it.",
)

# %% [markdown]
# Fifty steps say nothing about the final accuracy. They do show that the instruments
# predicted, before any training, who would start well.

# %% [markdown]
# ## The bottleneck: thin in the middle
#
# Real networks have 256 channels and more, where 3x3 convolutions are dear. The
# **bottleneck** goes down to a *width* w by 1x1, does its 3x3 there, and comes back to
# 4w channels by 1x1. Its rival: two 3x3 convolutions at the full 4w channels.
#
# How many times fewer parameters has the bottleneck?

# %% guess-bottleneck
guess_bottleneck = 4  # change me before you run on

# %% count-by-formula
w, side = 64, 56  # stage 1 of Attention-56: 4w = 256 channels, maps of 56x56
weights = 4 * w * w + 9 * w * w + w * 4 * w  # 1x1, 3x3, 1x1
norms = 2 * (4 * w + w + w)  # a scale and a shift for each channel of three BNs
rival_weights = 2 * 9 * (4 * w) ** 2
rival_norms = 2 * (4 * w + 4 * w)
print(f"bottleneck:  parameters {weights + norms:>9,}; "
      f"multiply-adds {weights * side**2:>13,}")
print(f"two 3x3:     parameters {rival_weights + rival_norms:>9,}; "
      f"multiply-adds {rival_weights * side**2:>13,}")
ratio = (rival_weights + rival_norms) / (weights + norms)
print(f"you said {guess_bottleneck} times fewer; measured {ratio:.1f}")

# %% [markdown]
# A multiply-add is one product and one addition; papers call it a FLOP. BN and ReLU
# are not counted. Does the package, which counts real layers, find our integers?

# %% count-by-package
wide = 4 * w
thin = PreActBottleneck(wide, wide, width=w)
thick = nn.Sequential(
    nn.BatchNorm2d(wide), nn.ReLU(), nn.Conv2d(wide, wide, 3, padding=1, bias=False),
    nn.BatchNorm2d(wide), nn.ReLU(), nn.Conv2d(wide, wide, 3, padding=1, bias=False),
)  # the branch of PreAct, at 4w channels
image = (wide, side, side)
assert resattn.count_parameters(thin) == weights + norms
assert resattn.count_parameters(thick) == rival_weights + rival_norms
assert resattn.count_multiply_adds(thin, image) == weights * side**2
assert resattn.count_multiply_adds(thick, image) == rival_weights * side**2
print("formulas and package agree on all four numbers")

# %% [markdown]
# *Why is my parameter count not the paper's?* Often because BN also keeps a running mean
# and variance for each channel. They are stored but not trained, and PyTorch does not
# count them among the parameters; other tools do. The paper's table 2 says 31.9 M for
# Attention-56.

# %% running-statistics
with torch.device("meta"):  # shapes only, no memory
    model = resattn.attention56()
trained = resattn.count_parameters(model)
running = sum(b.numel() for b in model.buffers() if b.dim() == 1)
print(f"trained {trained:,}; with BN's running statistics {trained + running:,}")


# %% [markdown]
# Counted so, the two agree. For Attention-92 they do not: the released network and the
# table differ either way, and the cause is unknown.

# %% [markdown]
# ## The pre-activation bottleneck, from scratch
#
# Three times BN, ReLU, convolution; then the sum. Where the unit must change the number of
# channels or the resolution (`stride` 2), x no longer fits the sum, and a 1x1 convolution,
# the **projection**, makes it fit. Mind what the projection reads: not x, but the
# *activated* x.

# %% bottleneck
class Bottleneck(nn.Module):
    def __init__(self, c_in, c_out, width, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(c_in)
        self.conv1 = nn.Conv2d(c_in, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, c_out, 1, bias=False)
        self.projection = None
        if c_in != c_out or stride != 1:
            self.projection = nn.Conv2d(c_in, c_out, 1, stride, bias=False)

    def shortcut(self, x, activated):
        return x if self.projection is None else self.projection(activated)

    def forward(self, x):  # (B, c_in, H, W)
        activated = F.relu(self.bn1(x))  # (B, c_in, H, W)
        y = self.conv1(activated)  # (B, width, H, W)
        y = self.conv2(F.relu(self.bn2(y)))  # (B, width, H', W'), H' = ceil(H / stride)
        y = self.conv3(F.relu(self.bn3(y)))  # (B, c_out, H', W')
        return y + self.shortcut(x, activated)


# %% [markdown]
# Is it the package's unit? We give both the same weights and random BN statistics (at
# their starting values a swapped BN would go unnoticed), and compare outputs and input
# gradients in training and in evaluation mode, on maps of odd size, with every kind of
# shortcut.

# %% twins
def twins(mine, c_in, c_out, width, stride):
    theirs = PreActBottleneck(c_in, c_out, width=width, stride=stride)
    for value in theirs.state_dict().values():
        if value.dim() == 1:  # BN's scale, shift, running mean and variance
            value.uniform_(0.5, 1.5)
    ours = mine(c_in, c_out, width, stride)
    values = theirs.state_dict().values()  # the same layers in the same order
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
    return ours, theirs


def run_both(pair, x, training):
    x.requires_grad_()
    y, z = (unit.train(training)(x) for unit in pair)
    gradients = (torch.autograd.grad(out.square().sum(), x)[0] for out in (y, z))
    return y.detach(), z.detach(), *gradients


# %% proof
torch.manual_seed(0)
for c_in, c_out, stride in ((16, 16, 1), (16, 32, 1), (16, 32, 2), (16, 16, 2)):
    pair = twins(Bottleneck, c_in, c_out, 8, stride)
    worst = 0.0
    for training in (True, False):
        x = torch.randn(3, c_in, 7, 5)  # (B, c_in, H, W)
        y, z, gy, gz = run_both(pair, x, training)
        worst = max(worst, (y - z).abs().max().item(), (gy - gz).abs().max().item())
    print(f"{c_in} -> {c_out}, stride {stride}: {tuple(x.shape)} -> {tuple(y.shape)}; "
          f"max |difference| < 1e-10: {worst < 1e-10}")

# %% [markdown]
# ## The quirk: what the projection reads
#
# It is easy to project the raw x instead. It looks harmless: same layers, same number of
# parameters, and the other unit's weights load without a word. By how many per cent will
# the outputs differ, with the same weights?

# %% guess-quirk
guess_quirk = 1  # per cent; change me before you run on


# %% quirk
class RawProjection(Bottleneck):
    def shortcut(self, x, activated):
        return x if self.projection is None else self.projection(x)


torch.manual_seed(0)
raw, right = twins(RawProjection, 16, 32, 8, 1)
x = torch.randn(3, 16, 7, 5)
y, z, _, _ = run_both((raw, right), x, training=False)
counts = [resattn.count_parameters(unit) for unit in (raw, right)]
off = 100 * ((y - z).norm() / z.norm()).item()
assert counts[0] == counts[1] and off > 10
print("parameters, raw and activated:", *counts)
print(f"you said {guess_quirk} %; measured {off:.0f} %")


# %% [markdown]
# A parameter count cannot catch this; only comparing outputs can. It will not be the last
# such trap: lesson 03 has one in the mask, where some ports add things twice. Which of the
# two trains better we did not test. The released attention networks read the activated
# x, so we do.

# %% [markdown]
# ## ResNeXt: many small convolutions side by side
#
# AttentionNeXt swaps the unit: post-activation, with a **grouped** 3x3. With g groups the
# channels are cut into g slices, and each slice gets a small convolution of its own. We
# take the package's unit, replace its grouped convolution by real parallel ones, and look
# for a difference.

# %% grouped
class Parallel(nn.Module):
    def __init__(self, grouped):
        super().__init__()
        self.pieces = grouped.weight.chunk(grouped.groups)  # g of (w/g, w/g, 3, 3)

    def forward(self, x):  # (B, w, H, W) -> (B, w, H, W)
        slices = x.chunk(len(self.pieces), dim=1)  # g of (B, w/g, H, W)
        pairs = zip(slices, self.pieces, strict=True)
        maps = [F.conv2d(a, k, padding=1) for a, k in pairs]
        return torch.cat(maps, dim=1)


torch.manual_seed(0)
unit = PostActBottleneck(64, 64, width=32, groups=8)
by_hand = deepcopy(unit)
by_hand.branch[2] = Parallel(by_hand.branch[2])
x = torch.randn(2, 64, 7, 5)
full = PostActBottleneck(64, 64, width=32).branch[2].weight.numel()
print("same output:", torch.allclose(unit(x), by_hand(x), atol=1e-12))
print("3x3 weights, 1 group and 8:", full, unit.branch[2].weight.numel())

# %% [markdown]
# A grouped 3x3 costs 1/g of a full one.

# %% [markdown]
# ## Inception: several views at once
#
# The paper also tries Inception units but never released them. The package's is a
# *reading*, and says so: three paths that see 1x1, 3x3 and 5x5 (as two 3x3), laid side by
# side and joined by a 1x1, in pre-activation order.

# %% inception
unit = InceptionUnit(64, 64, width=16)
activated = unit.preact(x)
paths = [path(activated) for path in unit.paths]  # (B, 8, H, W), twice (B, 4, H, W)
y = x + unit.join(torch.cat(paths, dim=1))  # (B, 64, H, W)
print("channels of the paths:", [path.shape[1] for path in paths])
print("same output:", torch.allclose(y, unit(x), atol=1e-12))


# %% [markdown]
# ## What the three cost
#
# First at the same width, then at the widths that the three ImageNet networks give them.
# Every unit maps 256 channels of 56x56 to the same.

# %% price-list
def price(kind, width, groups):
    build = {"preact": PreActBottleneck, "post": PostActBottleneck,
             "inception": InceptionUnit}[kind]
    with torch.device("meta"):
        unit = build(256, 256, width=width, groups=groups)
    cost = resattn.count_multiply_adds(unit, (256, 56, 56))
    print(f"{kind:10}{width:6}{groups:7}{resattn.count_parameters(unit):12,}"
          f"{cost / 1e6:10.0f} M")


print("kind       width groups  parameters  multiply-adds")
for kind, groups in (("preact", 1), ("post", 32), ("inception", 1)):
    price(kind, 64, groups)
print("as in attention56, attentionnext56, attentioninception56")
for name in ("attention56", "attentionnext56", "attentioninception56"):
    config = resattn.get_config(name)
    price(config.unit, config.stages[0].width, config.groups)

# %% [markdown]
# At equal width the grouped and the split 3x3 are much cheaper; the presets spend the
# savings on width until the prices nearly meet. So the three networks compare kinds of
# unit, not budgets.

# %% [markdown]
# ## What you measured
#
# At random start, 64 units deep, 16 channels:
#
# - plain without BN: signal and gradient both vanish;
# - plain with BN: the signal is level, the gradient **explodes**;
# - with a shortcut the gradient stays within reach, closest to 1 for pre-activation;
# - with a halved shortcut and BN it explodes again, though 0.5 to the power 64 is
#   almost nothing; without BN it depends on the starting weights.
#
# And on parts: a bottleneck is many times cheaper than two full 3x3; your unit equals the
# package's; a projection that reads the wrong map keeps the parameter count and changes
# the output.
#
# What was **not** shown: that any of this decides the final accuracy. Lesson 04 repeats
# the measurement with real attention modules.

# %% [markdown]
# ## Recap
#
# - y = x + F(x): the unit learns a change, and the 1 in 1 + F'(x) reaches every layer.
# - Pre-activation keeps the sum raw, so the shortcut is an exact identity.
# - Scaling the shortcut down lets the branch win: the stack turns plain.
# - Where the shape changes, a 1x1 projection reads BN-ReLU(x), without a BN of its own.
# - ResNeXt groups the 3x3, Inception splits it into paths; the sum stays.

# %% [markdown]
# ## Where next
#
# **Where this lives in `resattn`:** `resattn.units` has `PreActBottleneck`,
# `PostActBottleneck` (ResNeXt with `groups=32`) and `InceptionUnit`;
# `resattn.count_parameters` and `resattn.count_multiply_adds` do the counting;
# `create_model(..., unit="preact" | "post" | "inception")` picks the brick.
#
# **Practise:** in [exercise set 01](../exercises/01_residual_unit.ipynb) you lay a few of these
# bricks yourself. Lesson 02 multiplies their output by a mask, and asks what a mask can say.
