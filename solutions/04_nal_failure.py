# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 04: naive attention
#
# T is the trunk's output, M the soft mask, with values between 0 and 1. **NAL** is H = M T; the
# **control** is the same network with H = T. The *stream* is the map that runs through all units:
# each unit adds its branch to it, x + F(x), and F begins with batch norm, **BN**. Maps have shape
# (B, C, H, W). Run the next cell first; then every task stands on its own.

# %% setup
import math

import torch
import torch.nn.functional as F
from torch import nn

from coursekit.checks import Check, exercise_set

exercise_set("04_nal_failure")


def network(C, m, seed=0):
    """A stem, m naive modules of C channels, a classifier; in training mode, float64."""
    from resattn.attention import AttentionModule
    from resattn.units import PreActBottleneck

    def unit():
        return PreActBottleneck(C, C, width=C // 2)

    net = nn.Sequential(nn.Conv2d(1, C, 3, padding=1, bias=False))
    for _ in range(m):
        mask = nn.Sequential(nn.BatchNorm2d(C), nn.ReLU(), nn.Conv2d(C, C, 1), nn.Sigmoid())
        trunk = nn.Sequential(unit(), unit())
        net.append(AttentionModule(before=unit(), trunk=trunk, mask=mask, after=unit(), rule="nal"))
    net.extend([nn.BatchNorm2d(C), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()])
    net.append(nn.Linear(C, 10))
    return Check("network", seed).fill(net)


# %% probes [markdown] task={"difficulty": 2, "minutes": 15}
# ## Task 1: Two probes
#
# Write the two probes of the lesson, for the map x at some place of a network. `response` is the
# mean of |x|. For `pull`, `rest` is all that follows x, down to the logits (B, 10), and L is the
# *sum* over the batch of the cross-entropies. An image's pull is the L2 norm, over its channels and
# positions, of its part of dL/dx; return the mean over the images. Leave `rest` in the mode it is
# in.

# %% probes-answer
def response(x):  # (B, C, H, W) -> a number
    """Mean absolute response."""
    # answer
    return x.abs().mean()
    # end answer


def pull(rest, x, labels):  # a module, (B, C, H, W), (B,) -> a number
    """Mean over the images of the norm of dL/dx."""
    # answer
    x = x.clone().requires_grad_()
    loss = F.cross_entropy(rest(x), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return gradient.flatten(1).norm(dim=1).mean()
    # end answer


# %% probes-check points=3
check = Check("probes-check")
for shape in [(2, 3, 5, 7), (1, 4, 1, 9)]:
    check(f"response, {shape}", response, check.normal(*shape))
check.done()

# %% probes-check-2 points=7
check = Check("probes-check-2")


def pulled(shape, m, training, times=1):
    """The pull at a map before m modules; a batch may be repeated."""
    rest = network(shape[1], m)[1:].train(training)
    x, labels = check.normal(*shape), check.integers(0, 10, shape[0])
    return pull(rest, x.repeat(times, 1, 1, 1), labels.repeat(times))


check("pull, m = 0 modules behind it", pulled, (3, 4, 5, 7), 0, True)
for m in (1, 3):
    check(f"pull, m = {m}", pulled, (6, 4, 5, 7), m, True)
check("pull, one image, evaluating", pulled, (1, 6, 4, 3), 1, False)
check("pull, three images, evaluating", pulled, (3, 6, 4, 3), 1, False)
check("pull, a batch that holds each image twice", pulled, (3, 4, 6, 6), 1, True, 2)
check.done()

# %% probes-hidden points=5
check = Check("probes-hidden")
shape = (2 + check.integers(0, 4), 4, 3 + check.integers(0, 5), 3 + check.integers(0, 5))
check("a drawn map, its response", response, check.normal(*shape))
check("a drawn map, its pull", pulled, shape, 2, True)
check.done()


# %% probes-hints [markdown]
# <details><summary>Hint 1</summary>The gradient has the shape of x. How many norms does it hold,
# and of how many numbers is each?</details>
#
# <details><summary>Hint 2</summary>Make a copy of x that asks for its gradient, put the whole batch
# through <code>rest</code> at once, and use <code>reduction="sum"</code>. BN lets the images of a
# batch look at each other, so one image at a time would be another network.</details>
#
# <details><summary>Hint 3</summary>With <code>(gradient,) = torch.autograd.grad(loss, x)</code>,
# the pulls are <code>gradient.flatten(1).norm(dim=1)</code>, one an image.</details>

# %% halved [markdown] task={"difficulty": 2, "minutes": 15}
# ## Task 2: What BN makes of a faint map
#
# BN, with scale 1, shift 0 and an `eps` added to the variance, is given c x instead of x. A channel
# of x has the variance v. How long does BN make up for a map that fades, and what does that do to
# slopes? With pencil and paper, for v, eps > 0, give
#
# - `size`: the standard deviation of what comes out;
# - `slopes`: the output's slope with respect to BN's own input, c x, and its slope with respect to
#   x; hold BN's mean and variance still for both;
# - `halvings`: how often x may be halved in all, from 0 to `most` times, such that the output's
#   standard deviation is still `share` or more; `None` if it is less without any halving.

# %% halved-answer
def size(c, v, eps):  # factor >= 0, variance, epsilon -> a number
    """Standard deviation of the output."""
    # answer
    return c * math.sqrt(v / (c**2 * v + eps))
    # end answer


def slopes(c, v, eps):  # the same -> two numbers
    """The output's slope with respect to c x, and with respect to x."""
    # answer
    slope = 1 / math.sqrt(c**2 * v + eps)
    return slope, c * slope
    # end answer


def halvings(v, eps, share, most):  # variance, epsilon, 0 < share < 1, limit -> a number or None
    """The largest k <= most with a standard deviation of `share` or more after k halvings."""
    # answer
    found = None
    for k in range(most + 1):
        if size(0.5**k, v, eps) >= share:
            found = k
    return found
    # end answer


# %% halved-check points=3
check = Check("halved-check")
for c in (1, 0.5, 0.0625, 0.001, 0):
    for v, eps in [(1, 1e-5), (7.5, 0.01)]:
        check(f"size, c = {c}, v = {v}, eps = {eps}", size, c, v, eps)
check.done()

# %% halved-check-2 points=4
check = Check("halved-check-2")
for c in (1, 0.5, 0.0625, 0.001, 0):
    for v, eps in [(1, 1e-5), (7.5, 0.01)]:
        check(f"slopes, c = {c}, v = {v}, eps = {eps}", slopes, c, v, eps)
check.done()

# %% halved-check-3 points=3
check = Check("halved-check-3")
for v, eps, share in [(1, 1e-5, 0.99), (1, 1e-5, 0.5), (40, 1e-5, 0.9), (0.02, 0.01, 0.9),
                      (0.02, 0.01, 0.8), (3, 1, 0.5), (1, 1e-12, 0.7), (1, 1e-30, 0.7)]:
    check(f"halvings, v = {v}, eps = {eps}, share = {share}", halvings, v, eps, share, 40)
check.done()

# %% halved-hidden points=5
check = Check("halved-hidden")
for k in range(3):
    c, v, eps, share = (float(check.uniform(1, low=low, high=high))
                        for low, high in [(0, 1), (1, 9), (1e-4, 1e-2), (0.3, 0.9)])
    check(f"drawn numbers, size {k}", size, c, v, eps)
    check(f"drawn numbers, slopes {k}", slopes, c, v, eps)
    check(f"drawn numbers, halvings {k}", halvings, v, eps, share, 20)
check.done()


# %% halved-hints [markdown]
# <details><summary>Hint 1</summary>What is the variance of c x? And what does BN divide
# by?</details>
#
# <details><summary>Hint 2</summary>BN subtracts the mean and multiplies by
# 1 / sqrt(c² v + eps), one factor for all values. That is its slope; by the chain rule the
# slope with respect to x has one factor c more. The same factor also says how large the output
# is.</details>
#
# <details><summary>Hint 3</summary>The size is c sqrt(v) / sqrt(c² v + eps). For the last function
# go through k = 0, ..., most, and keep the last k for which c = 0.5 ** k still gives
# <code>share</code> or more.</details>

# %% stream [markdown] task={"difficulty": 3, "minutes": 25}
# ## Task 3: Predict and explain
#
# A pencil model of a stack: v is the mean square of the stream, and the stem sends v = 1. Each unit
# adds a branch of mean square 1, however large or small the stream is; that is BN's doing. Branches
# have nothing to do with the stream or with each other, so mean squares add. A module is one unit,
# two units of the trunk, the product with a constant mask, 0 < M <= 1, and one unit more. After k
# modules in a row, give
#
# - `mean_square`: v at the end; and `end_of_it`: what it tends to as k grows, `math.inf` if it has
#   no bound;
# - `stem_share`: how much of v at the end is what the stem sent, as a share of v;
# - `modules_until`: the smallest k, from 0 to `most`, for which this share is *less* than `share`;
#   `None` if there is none.

# %% stream-answer
def mean_square(k, M):  # modules, the mask's value -> a number
    """v at the end of k modules."""
    # answer
    v = 1.0
    for _ in range(k):
        v = M**2 * (v + 3) + 1
    return v
    # end answer


def stem_share(k, M):  # the same -> a number
    """The share of v, at the end of k modules, that the stem sent."""
    # answer
    return M ** (2 * k) / mean_square(k, M)
    # end answer


def modules_until(share, M, most):  # 0 < share <= 1, the mask's value, limit -> modules or None
    """The smallest k <= most whose stem_share is less than `share`."""
    # answer
    for k in range(most + 1):
        if stem_share(k, M) < share:
            return k
    return None
    # end answer


def end_of_it(M):  # the mask's value -> a number, or math.inf
    """What mean_square(k, M) tends to as k grows."""
    # answer
    return math.inf if M == 1 else (3 * M**2 + 1) / (1 - M**2)
    # end answer


# %% stream-check points=5
check = Check("stream-check")
for M in (1.0, 0.5, 0.9):
    for k in (0, 1, 4, 12):
        check(f"M = {M}, k = {k}, v", mean_square, k, M)
    check(f"M = {M}, v in the end", end_of_it, M)
check.done()

# %% stream-check-2 points=5
check = Check("stream-check-2")
for M in (1.0, 0.5, 0.9):
    for k in (0, 1, 4, 12):
        check(f"M = {M}, k = {k}, the stem's share", stem_share, k, M)
for M, share in [(1.0, 0.2), (1.0, 0.01), (1.0, 0.001), (0.5, 0.01), (0.5, 1e-6), (0.9, 0.01),
                 (0.5, 1.0)]:
    check(f"M = {M}, modules until the share is less than {share}", modules_until, share, M, 99)
for most in (24, 25):
    check(f"M = 1.0, the same for 0.01, {most} at most", modules_until, 0.01, 1.0, most)
check.done()

# %% stream-hidden points=5
check = Check("stream-hidden")
for line in range(3):
    k, M = check.integers(1, 9), float(check.uniform(1, low=0.2, high=0.95))
    check(f"drawn modules and mask, v {line}", mean_square, k, M)
    check(f"drawn modules and mask, share {line}", stem_share, k, M)
    check(f"drawn modules and mask, until {line}", modules_until, 0.001, M, 99)
    check(f"drawn modules and mask, the end {line}", end_of_it, M)
check.done()


# %% stream-words [markdown] manual=5
# In three or four sentences: look at your numbers for M = 1 and M = 1/2 at 12 modules. What fades
# under NAL, and what does not? Which two measurements of the lesson does that explain? And what of
# the lesson can this model *not* give you, since it holds M constant and never looks backwards?
#
# <!-- answer -->
# The values do not fade: v settles at 7/3, because every branch speaks at full voice. What fades is
# the stem's share, a quarter with each module, where the control's falls only as 1 / (1 + 4k).
# So the responses stay in reach, while the maps come to depend on what the branches make of an ever
# fainter input, and a change of one per cent scrambles them. The model says nothing of gradients:
# how BN's slope grows on a faint stream, or what comes back by way of M, which depends on x; and
# nothing of learning.
# <!-- end answer -->

# %% stream-hints [markdown]
# <details><summary>Hint 1</summary>Follow one module with a pencil: v, after the first unit, after
# the trunk, after the mask, after the last unit. What does a factor of 1/2 on all values do to
# their mean square?</details>
#
# <details><summary>Hint 2</summary>One module makes v into M² (v + 3) + 1. Nothing is ever added to
# what the stem sent: it is only multiplied. In the end v stays as it is: solve that
# equation.</details>
#
# <details><summary>Hint 3</summary>The stem's share is M to the power 2k, over v. The end is
# (3 M² + 1) / (1 - M²); at M = 1 four are added for ever. For the number of modules go
# through k = 0, ..., most, and return the first whose share is less than
# <code>share</code>.</details>

# %% leash [markdown] task={"difficulty": 3, "minutes": 15}
# ## Task 4: Find the bugs
#
# One step of training on a leash, for a network whose gradients explode. The leash is each tensor's
# own: a parameter's gradient that is longer than `leash` is shortened to that length, and keeps its
# direction; a shorter one stays as it is. Cut with `nn.utils.clip_grad_norm_`. Gradients that the
# network still holds from before must not count. Three things are wrong: mend them.

# %% leash-answer
def step(net, descent, images, labels, leash):  # an SGD optimiser, a number -> a number
    """One step on the mean cross-entropy; returns the loss before it."""
    # answer
    loss = F.cross_entropy(net(images), labels)
    descent.zero_grad()
    loss.backward()
    for weight in net.parameters():
        nn.utils.clip_grad_norm_(weight, leash)
    descent.step()
    return loss.item()
    # given
    # loss = F.cross_entropy(net(images), labels)
    # nn.utils.clip_grad_value_(net.parameters(), leash)
    # loss.backward()
    # descent.step()
    # return loss.item()
    # end answer


# %% leash-check points=5
check = Check("leash-check")


def trained(steps, leash, shape, stale=False):
    """The losses of some steps, and all weights after them."""
    net = network(4, 2)
    descent = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    if stale:
        net(check.normal(*shape)).square().sum().backward()
    losses = []
    for _ in range(steps):
        images, labels = check.normal(*shape), check.integers(0, 10, shape[0])
        losses.append(step(net, descent, images, labels, leash))
    weights = torch.cat([weight.detach().flatten() for weight in net.parameters()])
    return torch.tensor(losses).double(), weights


def losses_of(*arguments):
    return trained(*arguments)[0]


def weights_of(*arguments):
    return trained(*arguments)[1]


for leash in (1e6, 0.5, 0.02):
    check(f"weights after one step, leash {leash:g}", weights_of, 1, leash, (4, 1, 5, 7))
check("loss before the step", losses_of, 1, 0.5, (4, 1, 5, 7))
check.done()

# %% leash-check-2 points=5
check = Check("leash-check-2")
for leash in (1e6, 0.1):
    check(f"weights after three steps, leash {leash:g}", weights_of, 3, leash, (5, 1, 6, 6))
check("losses of three steps", losses_of, 3, 0.1, (5, 1, 6, 6))
check("one step, old gradients still there", weights_of, 1, 0.1, (4, 1, 5, 7), True)
check.done()

# %% leash-hidden points=5
check = Check("leash-hidden")
shape = (2 + check.integers(0, 4), 1, 4 + check.integers(0, 4), 4 + check.integers(0, 4))
check("a drawn shape, weights after two steps", weights_of, 2, 0.3, shape)
check("a drawn shape, old gradients still there", weights_of, 1, 0.3, shape, True)
check.done()


# %% leash-hints [markdown]
# <details><summary>Hint 1</summary>A step has five parts: the loss, old gradients away, new
# gradients, the leash, the move. Are all five here, and in that order?</details>
#
# <details><summary>Hint 2</summary>Before <code>backward</code> there is nothing to put on a leash,
# or something old. And what does <code>clip_grad_value_</code> cut: the length of a tensor, or each
# number in it? Does a cut number by number keep the direction?</details>
#
# <details><summary>Hint 3</summary>After <code>descent.zero_grad()</code> and
# <code>loss.backward()</code>, loop over <code>net.parameters()</code> and call
# <code>nn.utils.clip_grad_norm_(weight, leash)</code> for each: given all at once, they would share
# one length.</details>

# %% figure [markdown] task={"difficulty": 3, "minutes": 25}
# ## Task 5: Read figure 4, and then the runs
#
# The paper shows a relative curve: each stage's mean response divided by stage 1's. Our records
# have absolute sizes, and gradients. Write four readers of such tables:
#
# - `stories`, from NAL's relative curve and the control's: NAL's stage 1 over the control's, if
#   both are equally large at the *last* stage; and NAL's last stage over the control's, if both are
#   equally large at stage 1.
# - `factors`, from absolute sizes: NAL's size over the control's at each stage, seed by seed, then
#   the geometric mean over the seeds.
# - `culprit`: the stage, counted from 1, whose factor is furthest from 1. A half is as far as 2.
# - `died`, from the gradients at the stem at some steps: the first of these steps from which on, to
#   the end of the record, NAL's is below the control's in *every* seed; `None` if there is none.

# %% figure-answer
def stories(nal, none):  # two relative curves (stages,) -> two numbers
    """NAL / control at stage 1 if the last stages agree; at the last if the first agree."""
    # answer
    return none[-1] / nal[-1], nal[-1] / none[-1]
    # end answer


def factors(nal, none):  # absolute sizes (seeds, stages), twice -> (stages,)
    """NAL / control, the geometric mean over seeds; row i of both is seed i."""
    # answer
    return (nal / none).log().mean(0).exp()
    # end answer


def culprit(nal, none):  # the same -> a whole number
    """The stage, from 1, whose factor is furthest from 1, up or down."""
    # answer
    return int(factors(nal, none).log().abs().argmax()) + 1
    # end answer


def died(steps, nal, none):  # a list of steps, (seeds, steps) twice -> one of the steps, or None
    """The first step from which on NAL's gradient is below the control's in every seed."""
    # answer
    found = None
    for step, below in zip(reversed(steps), (nal < none).all(0).flip(0)):
        if not below:
            break
        found = step
    return found
    # end answer


# %% figure-runs
def paper():
    """Figure 4's relative curves, of NAL and of the network without masks."""
    from resattn.experiments.paper_numbers import FIGURE4

    return [torch.tensor(FIGURE4[rule]).double() for rule in ("nal", "none")]


def sizes(m, when):
    """Recorded mean responses (seeds, stages) at the "start" or "end", of NAL and control."""
    from resattn.experiments.recorded import recorded

    runs = recorded("stacking", f"nal-m{m}", f"none-m{m}")
    found = ([run["probes"][when]["responses"]["absolute"] for run in runs[f"{rule}-m{m}"]]
             for rule in ("nal", "none"))
    return [torch.tensor(each).double() for each in found]


def gradients(m):
    """The recorded steps, and the gradients at the stem (seeds, steps) of NAL and control."""
    from resattn.experiments.recorded import recorded

    runs = recorded("stacking", f"nal-m{m}", f"none-m{m}")
    steps = sorted(int(step) for step in runs[f"nal-m{m}"][0]["curves"]["trace"])
    found = ([[run["probes"]["start"]["gradient"]["stem"]]
              + [run["curves"]["trace"][str(step)]["gradient"]["stem"] for step in steps]
              for run in runs[f"{rule}-m{m}"]] for rule in ("nal", "none"))
    return [0, *steps], *(torch.tensor(each).double() for each in found)


# %% figure-check points=4
check = Check("figure-check")
check("stories, the paper's figure", stories, *paper())
curves = torch.tensor([[1, 0.9, 1.5, 2], [1, 0.8, 0.75, 0.5]]).double()
check("stories, four stages", stories, *curves)
check.done()

# %% figure-check-2 points=5
check = Check("figure-check-2")
for m in (1, 4):
    for when in ("start", "end"):
        check(f"factors, recorded runs, m = {m}, {when}", factors, *sizes(m, when))
        check(f"culprit, recorded runs, m = {m}, {when}", culprit, *sizes(m, when))
for scale in [(3.0, 1.5, 0.2, 0.25), (1.5, 0.9, 0.6, 0.25)]:
    none = check.uniform(5, 4, low=0.9)
    nal = torch.tensor(scale).double() * check.uniform(5, 4, low=0.9)
    check(f"factors, about {scale}", factors, nal, none)
    check(f"culprit, factors of about {scale}", culprit, nal, none)
    check(f"culprit, factors of about 1 over {scale}", culprit, none, nal)
check.done()

# %% figure-check-3 points=3
check = Check("figure-check-3")
for m in (1, 2, 4):
    check(f"died, recorded runs, m = {m}", died, *gradients(m))
steps, one = [0, 3, 8, 20, 50], torch.ones(2, 5).double()
for name, rows in {
    "one seed later": [[2.0, 0.5, 0.5, 0.5, 0.5], [2.0, 1.2, 1.2, 0.5, 0.5]],
    "back again": [[0.5, 0.5, 2.0, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5, 0.5]],
    "above at the end": [[2.0, 0.5, 0.5, 0.5, 2.0], [2.0, 0.5, 0.5, 0.5, 0.5]],
    "below from the start": [[0.5, 0.5, 0.5, 0.5, 0.5], [0.9, 0.9, 0.9, 0.9, 0.9]],
    "never the same as below": [[2.0, 1.0, 1.0, 0.5, 0.5], [2.0, 0.5, 0.5, 0.5, 0.5]],
}.items():
    check(f"died, {name}", died, steps, torch.tensor(rows).double(), one)
check.done()

# %% figure-hidden points=3
check = Check("figure-hidden")
nal, none = (check.uniform(4, 3, low=0.2, high=5) for _ in range(2))
check("drawn sizes, stories", stories, nal[0] / nal[0, 0], none[0] / none[0, 0])
check("drawn sizes, factors", factors, nal, none)
check("drawn sizes, culprit", culprit, nal, none)
rising = torch.arange(9).double() / 4 * check.uniform(3, 1, low=0.5)
check("drawn gradients", died, list(range(9)), check.uniform(3, 9), rising)
check.done()


# %% figure-hints [markdown]
# <details><summary>Hint 1</summary>A relative curve is last / first. Write NAL's as a / b and the
# control's as c / d. What do you get if a = c, and what if b = d?</details>
#
# <details><summary>Hint 2</summary>Divide seed by seed, and average the logarithms: half as large
# and twice as large are equally far from 1. For the gradients read the record backwards,
# from its last step.</details>
#
# <details><summary>Hint 3</summary>The stories are <code>none[-1] / nal[-1]</code> and its inverse;
# the factors <code>(nal / none).log().mean(0).exp()</code>. <code>(nal &lt; none).all(0)</code> is
# one True or False a step: go back from the last as long as it is True.</details>

# %% fade [markdown] task={"difficulty": 4, "minutes": 25}
# ## Task 6: Fade or scramble
#
# Perhaps the naive reasoning, halve it and halve it again, is right for a network without BN. Try
# it, with a constant `factor` for a mask, and first note what you expect of 1 and of 1/2.
#
# - `run` sends x through a list of units, four a module, and multiplies the stream by `factor`
#   after the *third* unit of each four.
# - `change` is the lesson's sensitivity. Scale `noise` so that its norm, over the whole batch, is
#   1 % of the norm of x, and add it to x. Return the norm of the output's change, divided by the
#   norm of what is left of the output for x when its mean over the images is subtracted.
# - `measure` gives two numbers for `pictures()`, `static()` as noise, and `units(8, norm, seed)`:
#   the norm of the output over that of x, and the change. Both are geometric means over the seeds
#   0, 1 and 2.

# %% fade-units
class Unit(nn.Module):
    """x + F(x), with two convolutions, and with BN before each or without any."""

    def __init__(self, C, norm):
        super().__init__()

        def layers():
            bn = [nn.BatchNorm2d(C)] if norm else []
            return [*bn, nn.ReLU(), nn.Conv2d(C, C, 3, padding=1, bias=False)]

        self.branch = nn.Sequential(*layers(), *layers())

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        return x + self.branch(x)


def units(m, norm, seed):
    """A list of the 4 m units of m modules, 6 channels, at a random start; norm: True or False."""
    return list(Check("fade-units", seed).fill(nn.ModuleList(Unit(6, norm) for _ in range(4 * m))))


def pictures():  # -> (8, 6, 6, 6)
    """Eight random images."""
    return Check("fade-pictures", 0).normal(8, 6, 6, 6)


def static():  # -> (8, 6, 6, 6)
    """Noise for them."""
    return Check("fade-static", 0).normal(8, 6, 6, 6)


# %% fade-answer
def run(x, units, factor):  # (B, C, H, W), a list of 4 m units, a number -> (B, C, H, W)
    """The output of m modules whose mask is `factor` everywhere."""
    # answer
    for i, unit in enumerate(units):
        x = unit(x)
        if i % 4 == 2:
            x = factor * x
    return x
    # end answer


def change(x, noise, units, factor):  # (B, C, H, W) twice, units, a number -> a number
    """Change of the output for 1 % of noise, relative to how much it varies over images."""
    # answer
    shaken = x + 0.01 * noise * x.norm() / noise.norm()
    y, z = run(x, units, factor), run(shaken, units, factor)
    return (z - y).norm() / (y - y.mean(0)).norm()
    # end answer


def measure(norm, factor):  # True for BN or False, a number -> two numbers
    """The output's size over the input's, and its change: geometric means, seeds 0, 1, 2."""
    # answer
    x, noise = pictures(), static()
    logs = []
    for seed in range(3):
        stack = units(8, norm, seed)
        size = run(x, stack, factor).norm() / x.norm()
        logs.append([size.log(), change(x, noise, stack, factor).log()])
    return torch.tensor(logs).mean(0).exp()
    # end answer


# %% fade-check points=5
check = Check("fade-check")


def quick(function, *arguments):
    with torch.no_grad():
        return function(*arguments)


def ran(m, norm, factor, shape, training=True):
    stack = [unit.train(training) for unit in units(m, norm, check.seed + 3)]
    return quick(run, check.normal(*shape), stack, factor)


def changed(m, norm, factor, shape):
    x, noise = check.normal(*shape), 5 * check.normal(*shape)
    return float(quick(change, 2 * x + 1, noise, units(m, norm, check.seed + 4), factor))


for norm in (True, False):
    name = "BN" if norm else "no BN"
    check(f"run, {name}, one module", ran, 1, norm, 0.25, (2, 6, 5, 7))
    check(f"run, {name}, three modules", ran, 3, norm, 0.5, (3, 6, 4, 4))
    check(f"change, {name}, two modules", changed, 2, norm, 0.5, (3, 6, 5, 4))
check("run, evaluating, one image", ran, 2, True, 0.5, (1, 6, 3, 5), False)
check.done()

# %% fade-check-2 points=7
check = Check("fade-check-2")
found = {}


def one_of(place, *case):
    if case not in found:
        found[case] = quick(measure, *case)
    return found[case][place]


for norm in (True, False):
    for factor in (1.0, 0.5):
        name = f"{'BN' if norm else 'no BN'}, factor {factor}"
        check.measure(f"{name}, size", one_of, 0, norm, factor)
        check.measure(f"{name}, change", one_of, 1, norm, factor)
check.done()

# %% fade-hidden points=3
check = Check("fade-hidden")
shape = (2 + check.integers(0, 3), 6, 3 + check.integers(0, 4), 3 + check.integers(0, 4))
check("a drawn shape, run", ran, 2, True, 0.7, shape)
check("a drawn shape, change", changed, 2, True, 0.7, shape)
check.done()

# %% fade-words [markdown] manual=5
# In three or four sentences: in which of the four cases do the values fade, and in which are the
# pictures scrambled? Without BN a factor of 1/2 leaves the change as it was: why? And to which of
# the four networks does the paper's account of NAL, values that fade, belong?
#
# <!-- answer -->
# Values fade without BN, where every module halves them. But there all is halved alike, branches
# and identity, since a branch of ReLUs and convolutions without bias answers in proportion to its
# input: the picture is fainter, and none of it is lost. With BN the branches do not shrink with the
# stream, so the size stays, the input's share falls, and a change of one per cent grows to a large
# part of the whole. The paper's account is that of the network without BN; networks such as its own
# have BN. What happened inside its runs we cannot know.
# <!-- end answer -->

# %% fade-hints [markdown]
# <details><summary>Hint 1</summary>Three functions that call each other. In <code>run</code>, which
# indices from 0 are the third of each four?</details>
#
# <details><summary>Hint 2</summary><code>i % 4 == 2</code>. The scaled noise is
# <code>0.01 * noise * x.norm() / noise.norm()</code>, of the whole batch. The mean over the images
# is a mean over axis 0. A geometric mean is exp of the mean of the logarithms.</details>
#
# <details><summary>Hint 3</summary>With <code>y</code> and <code>z</code> the outputs for x and for
# x + d, the change is <code>(z - y).norm() / (y - y.mean(0)).norm()</code>. In
# <code>measure</code>, build the units once a seed, and collect the logarithms of
# <code>run(...).norm() / x.norm()</code> and of the change.</details>
