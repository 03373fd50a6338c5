# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 Attention residual learning

# %% [markdown]
# ## What you will build
#
# - The attention module of the paper, (1 + M) T, from scratch, proved equal to the
#   package's.
# - A measure of how much of a stage's output is still its input, carried along.
# - One figure on which every other repair that you might think of finds its place.
# - The stack of lesson 04, learning.

# %% [markdown]
# ## Why it matters
#
# Lesson 04 left us with masks that multiply, H = M T: one is harmless, and a stack of
# them has a gradient that explodes on its way to the stem. The paper's repair is to add
# T once more. That is one character of code, and it comes with two promises: stacks
# train, and "it can do no worse than its trunk". The first is easily seen. The second
# is repeated in many blog posts, and is not a theorem.
#
# As before, T is the trunk's output, M the soft mask, m the number of modules in each
# of three stages. **NAL** (naive attention learning) is M T; **ARL** (attention
# residual learning) is what we build now; **none** is the same trunk without masks.

# %% setup
from copy import deepcopy

import matplotlib.pyplot as plt
import torch
from torch import nn

import resattn
from resattn import plots, probes
from resattn.attention import AttentionModule, merge
from resattn.data import PlainDigits
from resattn.masks import HourglassMask, MaskHead
from resattn.recipes.claims import CLAIMS
from resattn.recipes.recorded import origin, recorded
from resattn.recipes.verdicts import try_claim
from resattn.training import TrainConfig, fit
from resattn.units import PreActBottleneck

torch.set_num_threads(1)  # small maps gain nothing from a second thread
RULES = ("none", "nal", "arl")

# %% [markdown]
# ## From M T to T + M T
#
# Lesson 01 mended a stack by adding the input back. Do the same with the trunk:
#
# $$H = T + M \cdot T = (1 + M) \cdot T$$
#
# This is equation 3. Where lesson 01 had x + F(x), here T plays x and M T plays F(x):
# hence the name. Read from the right, it weighs T by 1 + M, which lies between 1 and 2:
# **the mask can strengthen a value, and cannot erase it.**
#
# The module puts p units before the split and p after the merge; the trunk has t units.

# %% module
WEIGHT = {"nal": lambda M: M, "arl": lambda M: 1 + M}


class Module(nn.Module):
    def __init__(self, before, trunk, mask, after, rule):
        super().__init__()
        self.before, self.trunk, self.mask, self.after = before, trunk, mask, after
        self.weight = WEIGHT[rule]

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        x = self.before(x)
        T, M = self.trunk(x), self.mask(x)
        return self.after(self.weight(M) * T)


# %% parts
def parts(C=8):  # p = 1, t = 2, r = 1, one pooling
    def unit():
        return PreActBottleneck(C, C, width=4)

    head = MaskHead(C, preact=True)
    mask = HourglassMask(C, unit, poolings=1, r=1, head=head)
    return {"before": unit(), "trunk": nn.Sequential(unit(), unit()), "mask": mask,
            "after": unit()}


# %% proof
for rule in ("nal", "arl"):
    torch.manual_seed(0)
    given = parts()
    mine = Module(**given, rule=rule).double()
    theirs = AttentionModule(**deepcopy(given), rule=rule).double()
    worst = 0.0
    for size in ((7, 5), (13, 9)):
        for training in (True, False):
            x = torch.randn(2, 8, *size, dtype=torch.float64, requires_grad=True)
            y, z = mine.train(training)(x), theirs.train(training)(x)
            gy, gz = (torch.autograd.grad(out.square().sum(), x)[0] for out in (y, z))
            worst = max(worst, (y - z).abs().max().item(), (gy - gz).abs().max().item())
    print(f"{rule}: outputs and gradients differ by less than 1e-10: {worst < 1e-10}")
T, M = torch.randn(2, 3, 7, 5).double(), torch.rand(2, 3, 7, 5).double()
print("the merge alone:", torch.allclose(merge(T, M, "arl"), T + M * T, atol=1e-12))


# %% [markdown]
# ## The trunk is inside, at the edge
#
# With M = 0 the module is its trunk. Can we see that exactly? A sigmoid is 0 only where
# its logit is minus infinity. The released head has no bias to push with: BN, ReLU and
# a 1x1 convolution, and no more. But the package's head keeps an empty place just
# before the sigmoid, `final_norm`, for an experiment of lesson 12. There we add a
# constant to all logits. At -1000 even float64 rounds the sigmoid to 0.

# %% push
class Push(nn.Module):
    def __init__(self, by):
        super().__init__()
        self.by = by

    def forward(self, logits):
        return logits + self.by


x = torch.randn(2, 8, 7, 5, dtype=torch.float64)
given["mask"].double()
T = given["trunk"].double()(x)
for rule in ("nal", "arl"):
    for by in (-1000, 1000):
        given["mask"].head.final_norm = Push(by)
        H = merge(T, given["mask"](x), rule)
        same = {"0": 0 * T, "T": T, "2 T": 2 * T}
        found = [name for name, value in same.items() if torch.equal(H, value)]
        print(f"{rule}, logits pushed by {by:5}: H is exactly {' '.join(found)}")

# %% [markdown]
# ARL has its trunk at one end, M = 0. But NAL has it too, at the *other* end, M = 1! So
# "the trunk is contained in it" cannot be what tells the two apart. And both ends are
# limits: no finite logit gets there, and the slope of the sigmoid, M (1 - M), dies on
# the way.

# %% slope
for logit in (0, -2, -4, -8):
    M = torch.sigmoid(torch.tensor(float(logit)))
    print(f"logit {logit:2}: M = {M:.4f}, slope {M * (1 - M):.4f}")

# %% [markdown]
# ## Where it starts
#
# A fresh mask is centred on a half (lesson 03), so a fresh ARL module is *not* its trunk.
# Take the first module of a fresh network. How far is H from T, as the length of H - T
# over the length of T? And is NAL's H further away, or nearer?

# %% guess-distance
my_guess = {"arl": 0.1, "nal": 0.9}  # change me before you run on

# %% distance
digits = PlainDigits("train")  # 8x8 digits, as in lesson 01
images, labels = digits.images[:32].double() / 255, digits.labels[:32]


def start(rule, m, seed):  # a fresh network in training mode, float64
    torch.manual_seed(seed)
    net = resattn.create_model("small_attention8", merge=rule, modules=m)
    return net.double().train()


@torch.no_grad()
def distances(net):
    x = net.stages[0][0](net.stem(images))  # (B, 32, 8, 8): what the module gets
    module = net.stages[0][1]
    split = module.before(x)
    T, M = module.trunk(split), module.mask(split)  # both (B, 32, 8, 8)
    print(f"M: mean {M.mean():.2f}, standard deviation {M.std():.2f}")
    print(f"one residual unit moves its input by {(split - x).norm() / x.norm():.2f}")
    for rule, weight in WEIGHT.items():
        H = weight(M) * T
        scale = (H * T).sum() / (T * T).sum()
        print(f"{rule}: you said {my_guess[rule]}; measured {(H - T).norm() / T.norm():.2f};"
              f" H is {scale:.2f} T, and {(H - scale * T).norm() / H.norm():.0%} else")


distances(start("arl", 1, seed=0))


# %% [markdown]
# Both are off by about as much, roughly a half, and so is what one plain residual unit
# does. At the start ARL is no identity; it is about 1.5 T. But look at the last number.
# Next to 1.5 the mask's pattern is a ripple, next to 0.5 it is a storm. And the two
# halves err in opposite directions, which matters as soon as we stack.

# %% [markdown]
# ## What a stack does to its input
#
# Every unit is x + F(x), so a stage's input is carried through all of it, and weighed by
# each module it passes: a factor M under NAL, 1 + M under ARL. We follow it. First with
# the trunk's branches silent (their last convolution set to 0), then live. Four modules,
# the first stage. The **share** is the length of what was carried over the length of the
# whole output.

# %% carried
@torch.no_grad()
def follow(net):  # -> sizes and shares, after 0, 1, ... modules
    stage = net.stages[0]
    x = carried = stage[0](net.stem(images))  # (B, 32, 8, 8)
    sizes, shares = [x.norm()], [1.0]
    for module in stage[1:-1]:
        split = module.before(x)
        T, w = module.trunk(split), torch.ones(())
        if module.mask is not None:
            w = WEIGHT[module.merge](module.mask(split))
        carried, x = w * carried, module.after(w * T)
        sizes.append(x.norm())
        shares.append((carried.norm() / x.norm()).item())
    return (torch.stack(sizes) / sizes[0]).tolist(), shares


def silence(net):
    for _, module in net.attention_modules():
        for unit in (module.before[0], *module.trunk, module.after[0]):
            nn.init.zeros_(unit.branch[-1].weight)
    return net


# %% silent
for rule in RULES:
    sizes, _ = follow(silence(start(rule, 4, seed=0)))
    print(f"{rule:4} silent branches, size after 0 to 4 modules:",
          *(f"{size:.2f}" for size in sizes))
print("compare: 1.5 to the powers", *(f"{1.5**k:.2f}" for k in range(5)))
print("         0.5 to the powers", *(f"{0.5**k:.2f}" for k in range(5)))

# %% [markdown]
# The sizes go a little above the powers: a mask that varies carries more than its mean.
# Alone, neither would hurt: the next BN rescales whatever arrives. It cannot, however,
# rescale *one part* of a sum. What counts is the mix. With live branches, what share is
# left after four modules? Without masks it will be somewhat less than a half.

# %% guess-share
my_guess = {"nal": 0.06, "arl": 0.3}  # change me before you run on

# %% live
share = {}
for rule in RULES:
    runs = [follow(start(rule, 4, seed)) for seed in range(5)]
    share[rule] = torch.tensor([shares for _, shares in runs])  # (seeds, modules + 1)
    last = share[rule][:, -1]
    said = f"you said {my_guess[rule]}; " if rule in my_guess else ""
    print(f"{rule:4} {said}measured {last.mean():.2f},",
          f"from {last.min():.2f} to {last.max():.2f} (5 seeds)")

# %% share-figure
ends = {rule: runs[:, -1] for rule, runs in share.items()}
assert ends["nal"].max() < ends["none"].min() and ends["none"].max() < ends["arl"].min()
fig = plots.curves(
    range(5), share, xlabel="modules passed (first stage, at the start)",
    ylabel="share of the output's length",
    title="Under 1 + M the input's share levels off; under M it is drowned")
fig.axes[0].set(ylim=(0, 1), xticks=range(5))
plots.show(fig, alt="Share of the stage's input in its output against modules passed. "
           "Under the residual rule it falls to a bit above one half and stays; without "
           "masks it goes on falling slowly; under plain multiplication it nears zero.")

# %% [markdown]
# 1 + M does not merely *keep* the input's share: it holds more of it than no masks do.
# The main path grows by half at each module, while the branches, with BN inside, speak
# at the same voice as before. That has a price. Late modules of a deep stage change
# less and less. In a stage you can think of ARL as a network that leans on its identity.

# %% [markdown]
# ## And the gradient
#
# Going back through the merge with M held fixed, a gradient is multiplied by M or by
# 1 + M. (The path through M itself comes on top; lesson 07 looks at it.) So under ARL
# no module can shrink it, nor more than double it:

# %% bound
net = start("arl", 4, seed=0)
torch.manual_seed(0)
factors = {"nal": [], "arl": []}
for M in probes.attention_maps(net, images).values():  # twelve masks
    for rule, weight in WEIGHT.items():
        T = torch.randn_like(M, requires_grad=True)
        v = torch.randn_like(M)  # a gradient that arrives at H
        (g,) = torch.autograd.grad(weight(M) * T, T, v)
        factors[rule].append((g.norm() / v.norm()).item())
for rule, found in factors.items():
    print(f"{rule}: from {min(found):.2f} to {max(found):.2f} in {len(found)} modules")

# %% [markdown]
# Twelve factors of about 1.5 multiply to more than a hundred. What, then, is the
# gradient at the stem with four modules a stage, as a multiple of the gradient without
# masks?

# %% guess-gradient
my_guess = 100  # times the gradient without masks; change me before you run on

# %% gradients
depths = (1, 2, 4)
stem = {rule: torch.tensor([
    [probes.gradient_norms(start(rule, m, seed), images, labels)["stem"] for m in depths]
    for seed in range(3)]) for rule in RULES}  # (3 seeds, 3 depths) each
print("m a stage:" + "".join(f"{m:11}" for m in depths))
for rule, runs in stem.items():
    print(f"{rule:10}" + "".join(f"{g:11.1e}" for g in runs.mean(0)))
ratio = (stem["arl"][:, -1].mean() / stem["none"][:, -1].mean()).item()
print(f"you said {my_guess} times; measured {ratio:.2f} times")

# %% gradients-figure
assert (stem["nal"][:, -1].min() > 100 * stem["none"][:, -1].max()
        and stem["arl"][:, -1].max() < stem["none"][:, -1].min())
fig = plots.curves(
    depths, stem, log_x=True, log_y=True, xlabel="modules a stage, m",
    ylabel="gradient at the stem (nats / unit)",
    title="M explodes the gradient; 1 + M holds it below that of no masks")
plots.show(fig, alt="Gradient at the stem against modules a stage, both axes "
           "logarithmic. Plain multiplication climbs by three to four powers of ten; no "
           "masks climb by about one; the residual rule climbs least.")

# %% [markdown]
# *Smaller* than without masks. The factor is above 1, but so is the growth of the
# signal, and each BN divides the gradient by the size of what it normalised. The two
# cancel along the main path, and what remains grows with the branches' part of the mix,
# which 1 + M makes small. Under NAL the same account runs the other way.

# %% [markdown]
# ## Why not start at M = 0? Why not 2M? Why not zero weights?
#
# Good questions, and all of them can be put to the same instrument.
#
# - **Push the logits** so that M starts near 0 and ARL near its trunk. For fairness, push
#   NAL's towards M = 1.
# - **2M** (sigmoid doubled): mean factor 1, between 0 and 2. Its sibling "M in [-1, 1]",
#   1 + tanh, is the same function up to the logit's scale: $2\sigma(x) = 1 + \tanh(x/2)$.
# - **Zero weights** in the mask's last convolution: as for residual branches.
#
# Before the figure: push ARL's logits by -4, so that M is about 0.03. Will the gradient
# at the stem fall or rise?

# %% guess-push
my_guess = "fall"  # or "rise"; change me before you run on


# %% change
class Doubled(nn.Module):  # under the rule "arl", 1 + (2 M - 1) is 2 M
    def forward(self, M):
        return 2 * M - 1


def change(net, rule, by=0.0, zero=False, doubled=False):
    """A copy of the network, with another rule or other logits."""
    net = deepcopy(net)
    for _, module in net.attention_modules():
        head = module.mask.head
        module.merge, head.final_norm = rule, Push(by)
        if zero:
            nn.init.zeros_(head.convs[-1].weight)
        if doubled:
            module.mask = nn.Sequential(module.mask, Doubled())
        if rule == "none":
            module.mask = None
    return net


def measure(rule, **changes):  # -> mean factor, and gradients (3 seeds)
    nets = [change(start("arl", 4, seed), rule, **changes) for seed in range(3)]
    gradients = [probes.gradient_norms(net, images, labels)["stem"] for net in nets]
    masks = probes.attention_maps(nets[0], images).values()
    factors = [M.mean().item() + (rule == "arl") for M in masks] or [1.0]
    return sum(factors) / len(factors), torch.tensor(gradients)


# %% sweep
pushes = (-4, -2, 0, 2, 4)
line = {rule: [measure(rule, by=by) for by in pushes] for rule in ("nal", "arl")}
bare = measure("none")[1]
spots = {"2 M": measure("arl", doubled=True),
         "2 M, zero weights": measure("arl", doubled=True, zero=True),
         "1 + M, zero weights": measure("arl", zero=True)}
for rule, found in line.items():
    for by, (factor, gradients) in zip(pushes, found):
        print(f"{rule}, pushed by {by:2}: mean factor {factor:.2f}, "
              f"gradient {gradients.mean():.1e}")
print(f"no masks, the same trunks: gradient {bare.mean():.1e}")
for name, (factor, gradients) in spots.items():
    print(f"{name}: mean factor {factor:.2f}, gradient {gradients.mean():.1e}")
rises = line["arl"][0][1].mean() > line["arl"][2][1].mean()
print(f"you said {my_guess}; measured: {'rise' if rises else 'fall'}")

# %% sweep-figure
assert rises and (spots["2 M"][1] > 3 * bare).all()
fig, axis = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
for (rule, found), colour in zip(line.items(), plots.COLOURS[1:]):
    factor = [each[0] for each in found]
    runs = torch.stack([each[1] for each in found])  # (pushes, seeds)
    axis.plot(factor, runs.mean(1), "o-", color=colour, label=f"{rule}, logits pushed")
    axis.fill_between(factor, runs.amin(1), runs.amax(1), color=colour, alpha=0.2)
for (name, (factor, gradients)), marker in zip(spots.items(), "*Ds"):
    axis.plot(factor, gradients.mean(), marker, color="black", markersize=9, label=name)
axis.axhline(bare.mean(), color="grey", ls="--", label="no masks")
axis.set(yscale="log", xlabel="mean factor on the main path, M or 1 + M (no unit)",
         ylabel="gradient at the stem (nats / unit)",
         title="The factor on the main path decides; a mask's spread adds to it")
axis.legend(frameon=False)
plots.show(fig, alt="Gradient at the stem against the mean factor on the main path. It "
           "falls steeply from factor 0 to 1 along the naive curve, meets the dashed "
           "line of no masks near 1, and sinks a little further under 1 + M. Doubled "
           "masks lie well above the line at factor 1, and on it with zero weights.")

# %% [markdown]
# Read the figure from left to right, as one curve.
#
# - **ARL pushed towards its trunk** behaves like its trunk: the gradient *rises*, to
#   what no masks have. Nothing is gained at the start by M = 0, and the slope of the
#   sigmoid is lost.
# - **NAL pushed towards its trunk** is mended, too. So it is not multiplication as such
#   that kills: it is a main path that is weaker than its branches.
# - **2M** has the right mean and still a far larger gradient than its trunk: its factors
#   scatter about 1, and what one module strengthens another erases.
# - **Zero weights** do not give M = 0 but M = 0.5, everywhere: the mask is flat, and
#   (1 + M) T is exactly 1.5 T. For 2M they give factor 1: the exact trunk at the start,
#   at a *finite* setting of the weights, which 1 + M cannot offer.
#
# That last one is a real alternative, and the paper does not discuss it. It is safe at
# the start only: after training its factor may go anywhere from 0 to 2. Whatever
# weights 1 + M learns, its factor stays above 1.

# %% [markdown]
# ## The same stack trains
#
# Four modules a stage, twelve in all, on the plain 8x8 digits. The same few steps, the
# same learning rate 0.1, for the stack that failed and for its repairs.

# %% train
on_gpu = torch.cuda.is_available()
steps, long = (400 if torch.cuda.is_available() else 40), 400
validation = PlainDigits("val")


def learn(rule, **changes):
    net = change(start("arl", 4, seed=0), rule, **changes).float()
    config = TrainConfig(steps=steps, batch_size=32, learning_rate=0.1, warmup_steps=10,
                         precision="bfloat16", channels_last=True)
    history = fit(net, digits, validation, config, progress=False)
    return torch.tensor(history.loss).view(-1, 10).mean(1)  # means of 10 steps


# %% train-both tags=["nbval-ignore-output"]
print("the full run on this GPU" if on_gpu else
      f"short run: {steps} of {long} steps on the CPU")
losses = {"nal: M T": learn("nal"), "arl: (1 + M) T": learn("arl")}
for name, loss in losses.items():
    print(f"{name:15} loss {loss[0]:.2f} at first, {loss[-1]:.2f} at the end")
assert losses["arl: (1 + M) T"][-1] < 0.6 * losses["nal: M T"][-1]

# %% train-others tags=["nbval-ignore-output"]
losses["2 M T"] = learn("arl", doubled=True)
losses["2 M T, zero weights"] = learn("arl", doubled=True, zero=True)
final = {name: loss[-1].item() for name, loss in losses.items()}
assert final["2 M T, zero weights"] < 0.8 * final["2 M T"] or on_gpu
fig = plots.curves(
    torch.arange(len(loss)) * 10 + 5, losses, xlabel="step (means of 10)",
    ylabel="training loss (nats)",
    title="The stack learns where the factor is 1 or more at the start")
plots.show(fig, alt="Training loss against step for four rules, one seed. The residual "
           "rule and the doubled mask with zero weights fall together; naive and "
           "doubled masks with ordinary weights stay near their start.")

# %% [markdown]
# One seed and a few seconds, so read no ranking into the two that learn. What would a
# longer run on a harder task say? The recorded runs have 800 steps on cluttered digits of
# 16x16 pixels, three seeds, and 5,000 test images each.

# %% recorded
ms = (1, 2, 4)
runs = recorded("stacking")


def errors(variant):  # (3,): test error in per cent, one a seed
    return torch.tensor([100 * run["test"]["error"] for run in runs[variant]])


def row(variants):
    found = [errors(variant) for variant in variants]
    return "".join(f"{e.mean():9.1f} ± {e.std():3.1f}" for e in found)


print("test error %, mean ± standard deviation over 3 seeds")
print("lr 0.1      " + "".join(f"{f'm = {m}':>15}" for m in ms))
for rule in RULES:
    print(f"{rule:12}{row([f'{rule}-m{m}' for m in ms])}")
print(f"lr 0.01     {'m = 4':>15}")
for rule in RULES:
    print(f"{rule:12}{row([f'{rule}-m4-slow'])}")
print(origin(runs))
print("Again: python -m resattn train stacking --scale small")
