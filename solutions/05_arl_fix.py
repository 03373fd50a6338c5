# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 05: attention residual learning
#
# T is the trunk's output, M the soft mask, H what the module makes of both. **NAL** is H = M T,
# **ARL** is H = (1 + M) T. All maps have shape (B, C, H, W). Run the next cell first; then every
# task stands on its own.

# %% setup
import torch
import torch.nn.functional as F
from torch import nn

from coursekit.checks import Check, exercise_set

exercise_set("05_arl_fix")


# %% merge [markdown] task={"difficulty": 1, "minutes": 5}
# ## Task 1: Merge the branches
#
# Merge a trunk (B, C, H, W) and a mask into H of the trunk's shape, by attention residual learning,
# equation 3. The mask has the trunk's shape, or (B, 1, H, W): one value for all channels.

# %% merge-answer
def merge(trunk, mask):  # (B, C, H, W) and (B, C or 1, H, W) -> (B, C, H, W)
    """Attention residual learning, equation 3."""
    # answer
    return (1 + mask) * trunk
    # end answer


# %% merge-check points=10
check = Check("merge-check")
for shape in [(2, 3, 5, 7), (1, 4, 1, 9)]:
    check(f"maps of {shape}", merge, check.normal(*shape), check.uniform(*shape))
T, M = check.normal(2, 3, 4, 6), check.uniform(2, 1, 4, 6)
check("one mask for all channels", merge, T, M)
check("a shut mask", merge, check.normal(2, 2, 3, 3), torch.zeros(2, 2, 3, 3).double())
check.done()


# %% merge-hints [markdown]
# <details><summary>Hint 1</summary>What should H be where the mask is 0? And where it is
# 1?</details>
#
# <details><summary>Hint 2</summary>Write T + M T, and take T out of the sum.</details>
#
# <details><summary>Hint 3</summary>It is one line: <code>return (1 + mask) * trunk</code>.
# Broadcasting repeats a mask of one channel by itself.</details>

# %% slopes [markdown] task={"difficulty": 2, "minutes": 10}
# ## Task 2: Two slopes
#
# The mask is the sigmoid of a logit s, so H depends on T and on s. Give the slopes dH/dT and dH/ds
# at each value, under both rules, from pencil and paper: no autograd. All four are (B, C, H, W).

# %% slopes-answer
def slopes(T, s, rule):  # (B, C, H, W) twice, "nal" or "arl" -> two of (B, C, H, W)
    """dH/dT and dH/ds, with M = sigmoid(s)."""
    # answer
    M = torch.sigmoid(s)
    factor = M if rule == "nal" else 1 + M
    return factor, T * M * (1 - M)
    # end answer


# %% slopes-check points=10
check = Check("slopes-check")
for rule in ("nal", "arl"):
    T, s = check.normal(2, 3, 5, 7), check.normal(2, 3, 5, 7)
    check(f"any mask, {rule}", slopes, T, s, rule)
check.done()

# %% slopes-check-2 points=5
check = Check("slopes-check-2")
for rule in ("nal", "arl"):
    for logit in (-60.0, 60.0):
        s = torch.full((1, 2, 2, 2), logit).double()
        check(f"logits of {logit:g}, {rule}", slopes, check.normal(1, 2, 2, 2), s, rule)
check.done()


# %% slopes-hints [markdown]
# <details><summary>Hint 1</summary>Hold one of T and M still, and ask how H moves with the
# other.</details>
#
# <details><summary>Hint 2</summary>dH/ds is dH/dM times dM/ds, and dH/dM is the same under both
# rules. Does the added T depend on s?</details>
#
# <details><summary>Hint 3</summary>The slope of the sigmoid is M (1 - M). So dH/ds = T M (1 - M),
# and dH/dT is the factor in front of T: M, or 1 + M.</details>

# %% attend [markdown] task={"difficulty": 3, "minutes": 15}
# ## Task 3: The attention module
#
# Write the module's forward pass. It is given its parts: the units `before` the split, the `trunk`,
# the `mask` (its sigmoid included) and the units `after` the merge. Each maps (B, C, H, W) to the
# same shape. The mask reads what the trunk reads.

# %% attend-answer
class Attend(nn.Module):
    """after((1 + mask(x')) * trunk(x')), with x' = before(x)."""

    def __init__(self, before, trunk, mask, after):
        super().__init__()
        self.before, self.trunk, self.mask, self.after = before, trunk, mask, after

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        # answer
        x = self.before(x)
        return self.after((1 + self.mask(x)) * self.trunk(x))
        # end answer


# %% attend-parts
def parts(C):
    """Small parts for an attention module of C channels."""
    def part(*last):
        return nn.Sequential(nn.BatchNorm2d(C), nn.Conv2d(C, C, 3, padding=1), *last)

    return {"before": part(), "trunk": part(nn.ReLU()), "mask": part(nn.Sigmoid()),
            "after": part()}


# %% attend-check points=15
check = Check("attend-check")


def attended(shape, training):
    module = check.fill(Attend(**parts(shape[1]))).train(training)
    return module(check.normal(*shape))


def gradient(part):
    module = check.fill(Attend(**parts(4)))
    module(check.normal(2, 4, 5, 7)).square().mean().backward()
    return module.get_submodule(part)[1].weight.grad


for training in (False, True):
    for shape in [(2, 3, 7, 5), (1, 4, 3, 6)]:
        check(f"{shape}, {'training' if training else 'evaluating'}", attended, shape, training)
for part in ("before", "trunk", "mask"):
    check(f"gradient of the part {part}", gradient, part)
check.done()

# %% attend-hidden points=5
check = Check("attend-hidden")
shape = (1 + check.integers(1, 4), 2, 3 + check.integers(0, 6), 3 + check.integers(0, 6))
check("a drawn shape", attended, shape, True)
check.done()


# %% attend-hints [markdown]
# <details><summary>Hint 1</summary>Draw the four parts as boxes, and the one place where the path
# splits in two.</details>
#
# <details><summary>Hint 2</summary>Put x through <code>before</code> once, and use the result
# twice: for the trunk and for the mask.</details>
#
# <details><summary>Hint 3</summary>After <code>x = self.before(x)</code>, what is returned is
# <code>self.after(...)</code> of task 1's merge of <code>self.trunk(x)</code> and
# <code>self.mask(x)</code>.</details>

# %% bug [markdown] task={"difficulty": 3, "minutes": 10}
# ## Task 4: Find the bug
#
# This stage puts m modules in a row, each with its own trunk and its own mask, whose logits need a
# sigmoid. It should follow H = (1 + M) T in every module. It runs, and trains after a fashion. One
# thing is wrong: find it and mend it.

# %% bug-answer
def stage(x, trunks, masks):  # (B, C, H, W), m modules twice -> (B, C, H, W)
    """m attention modules in a row."""
    # answer
    for trunk, mask in zip(trunks, masks):
        T, M = trunk(x), torch.sigmoid(mask(x))
        x = T + M * T
    return x
    # given
    # h = x
    # for trunk, mask in zip(trunks, masks):
    #     T, M = trunk(h), torch.sigmoid(mask(h))
    #     h = M * T
    # return x + h
    # end answer


# %% bug-check points=15
check = Check("bug-check")


def through(m, shape):
    def convs(name):
        C = shape[1]
        convs = nn.ModuleList(nn.Conv2d(C, C, 3, padding=1) for _ in range(m))
        return check.fill(convs, name)

    return stage(check.normal(*shape), convs("trunks"), convs("masks"))


for m in (1, 2, 5):
    check(f"m = {m}, square maps", through, m, (2, 4, 6, 6))
check("m = 3, one image, odd maps", through, 3, (1, 3, 5, 7))
check.done()


# %% bug-hints [markdown]
# <details><summary>Hint 1</summary>Follow one value through two modules with all masks shut. What
# should be left, and what is?</details>
#
# <details><summary>Hint 2</summary>There is a sum in this code. Is it in the right place, and
# does it add the right thing? Equation 3 speaks of each module, and of its trunk.</details>
#
# <details><summary>Hint 3</summary>Every module must make T + M T and hand it to the next;
# nothing is added at the end.</details>

# %% depth [markdown] task={"difficulty": 2, "minutes": 15}
# ## Task 5: Predict and explain
#
# A fresh mask is about 1/2 everywhere. Let M be exactly 1/2, and follow what the identity path
# alone carries through k modules. Give the factor on it, and the smallest number of modules after
# which that factor has grown to *more* than `times`, or fallen to *less* than 1 / `times`.

# %% depth-answer
def factor(rule, k):  # "nal" or "arl", modules -> a number
    """What k modules with M = 1/2 multiply the identity path by."""
    # answer
    return (0.5 if rule == "nal" else 1.5) ** k
    # end answer


def modules_until(rule, times):  # "nal" or "arl", a number > 1 -> modules
    """The smallest k whose factor is more than `times`, or less than 1 / `times`."""
    # answer
    k = 0
    while 1 / times <= factor(rule, k) <= times:
        k += 1
    return k
    # end answer


# %% depth-check points=6
check = Check("depth-check")
for rule in ("nal", "arl"):
    for k in (0, 1, 12):
        check(f"factor of {k} modules, {rule}", factor, rule, k)
check.done()

# %% depth-check-2 points=9
check = Check("depth-check-2")
for rule in ("nal", "arl"):
    for times in (1.2, 2, 100, 1e6):
        check(f"modules until {times:g} times, {rule}", modules_until, rule, times)
check.done()


# %% depth-words [markdown] manual=5
# In three or four sentences: under NAL your factor goes to 0. Do the activations of a real stack go
# to 0 with it? And why does the factor of ARL, which grows without limit, do no harm?
#
# <!-- answer -->
# No: the units' branches are normalised and speak at full voice, however faint their input, so
# the activations stay. What fades is the identity, the input's share of the mix, and the gradient
# explodes on its way back. Under ARL the main path outgrows the branches, and batch normalisation
# divides by the size it has reached: growth of the signal and of the factors cancel.
# <!-- end answer -->

# %% depth-hints [markdown]
# <details><summary>Hint 1</summary>One module multiplies by M, or by 1 + M. What do two modules
# in a row multiply by?</details>
#
# <details><summary>Hint 2</summary>Powers of one half and of three halves. For the second
# function a loop is safer than a logarithm: mind "more than", which is not "at least".</details>
#
# <details><summary>Hint 3</summary>Begin with k = 0 and add 1 while the factor still lies between
# 1 / times and times, both included. For the words, look at "What you measured" in lesson
# 05.</details>

# %% growth [markdown] task={"difficulty": 4, "minutes": 20}
# ## Task 6: What reaches the stem
#
# Measure how the gradient at the stem grows with depth. First the norm of the gradient of the
# mean cross-entropy with respect to the weights of `net.stem`, for a network in training mode.
# Then, for a rule, the mean of this norm over seeds 0 and 1 with m = 8 modules, divided by the
# same with m = 1.

# %% growth-network
def network(rule, m, seed):
    """A small classifier with m attention modules; `net.stem` is its first convolution."""
    from resattn.attention import AttentionModule
    from resattn.units import PreActBottleneck

    net = nn.Sequential()
    net.add_module("stem", nn.Conv2d(1, 8, 3, padding=1, bias=False))
    for _ in range(m):
        mask = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.Sigmoid())
        net.append(AttentionModule(
            before=nn.Identity(), trunk=PreActBottleneck(8, 8, width=4), mask=mask,
            after=nn.Identity(), rule=rule))
    net.extend([nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()])
    net.append(nn.Linear(8, 10))
    return Check("growth-network", seed).fill(net)


def pictures(n):  # -> (n, 1, 8, 8) and (n,)
    """n noise images and their labels."""
    return Check("growth-pictures", 0).normal(n, 1, 8, 8), torch.arange(n) % 10


# %% growth-answer
def stem_gradient(net, images, labels):  # (B, 1, H, W), (B,) -> a number
    """Norm of the gradient of the mean cross-entropy with respect to net.stem.weight."""
    # answer
    loss = F.cross_entropy(net.train()(images), labels)
    (gradient,) = torch.autograd.grad(loss, [net.stem.weight])
    return gradient.norm().item()
    # end answer


def growth(rule):  # "nal" or "arl" -> a number
    """Mean norm over seeds 0 and 1 with 8 modules, over that with 1, for pictures(8)."""
    # answer
    images, labels = pictures(8)
    norms = {m: [stem_gradient(network(rule, m, seed), images, labels) for seed in (0, 1)]
             for m in (1, 8)}
    return sum(norms[8]) / sum(norms[1])
    # end answer


# %% growth-check points=10
check = Check("growth-check")


def once(rule, m, training):
    net = network(rule, m, check.seed + 2).train(training)
    return stem_gradient(net, check.normal(4, 1, 5, 7), torch.tensor([1, 0, 9, 4]))


for rule in ("nal", "arl"):
    check(f"one network, {rule}", once, rule, 1, True)
check("a network left in evaluation mode", once, "arl", 2, False)
check.done()

# %% growth-check-2 points=10
check = Check("growth-check-2")
for rule in ("nal", "arl"):
    check.measure(f"growth from 1 to 8 modules, {rule}", growth, rule)
check.done()

# %% growth-hints [markdown]
# <details><summary>Hint 1</summary>Three steps: logits, loss, gradient of the loss. Which mode
# must the network be in for the first?</details>
#
# <details><summary>Hint 2</summary><code>F.cross_entropy</code> takes the mean already;
# <code>torch.autograd.grad(loss, [weight])</code> returns a tuple with one gradient.</details>
#
# <details><summary>Hint 3</summary>After <code>loss = F.cross_entropy(net.train()(images),
# labels)</code> take the gradient at <code>net.stem.weight</code> and return
# <code>.norm().item()</code>. For the growth, build <code>network(rule, m, seed)</code> four times:
# m of 1 and 8, seeds 0 and 1.</details>
