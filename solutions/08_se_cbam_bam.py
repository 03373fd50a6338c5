# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 08: SE, CBAM and BAM
#
# x is a map of shape (B, C, H, W), and M is what multiplies it, in one of three ways: SE, CBAM or
# BAM. All three **ask** a small network about channels: a 1x1 convolution to h = C / r hidden
# values, ReLU, a 1x1 convolution back to C. r is the **reduction**; all these convolutions have
# biases. F is a residual branch. Run the next cell first; then every task stands on its own.

# %% setup
import math
from statistics import mean, stdev

import torch
from torch import nn

from coursekit.checks import Check, exercise_set

exercise_set("08_se_cbam_bam")


# %% masks [markdown] task={"difficulty": 2, "minutes": 20}
# ## Task 1: Three masks, and a look through holes
#
# Write the three M, without multiplying x by them. The layers are given; none ends in a sigmoid:
#
# - `ask`, the small network, from (B, C, 1, 1) to the same shape;
# - `look`, for CBAM's spatial half, from (B, 2, H, W) to (B, 1, H, W). Its two channels are the
#   mean and the maximum, in this order, over the channels of x *as the channel half has weighted
#   it*;
# - `norm`, the BN at the end of BAM's channel half, and `where`, BAM's whole spatial half, from
#   (B, C, H, W) to (B, 1, H, W).
#
# Then build `where` as an `nn.Sequential` of eight layers: a 1x1 convolution to C / r channels and
# a ReLU; twice a 3x3 of dilation 4 and a ReLU; a 1x1 to one channel; BN. H and W stay as they are.

# %% masks-answer
def se_mask(x, ask):  # (B, C, H, W) -> (B, C, 1, 1)
    """SE's M."""
    # answer
    return torch.sigmoid(ask(x.mean((2, 3), keepdim=True)))
    # end answer


def cbam_mask(x, ask, look):  # (B, C, H, W) -> (B, C, H, W)
    """CBAM's M: what both halves together multiply x by."""
    # answer
    average, peak = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    what = torch.sigmoid(ask(average) + ask(peak))
    y = what * x
    described = torch.cat([y.mean(1, keepdim=True), y.amax(1, keepdim=True)], dim=1)
    return what * torch.sigmoid(look(described))
    # end answer


def bam_mask(x, ask, norm, where):  # (B, C, H, W) -> (B, C, H, W)
    """BAM's M, for the form (1 + M) x."""
    # answer
    what = norm(ask(x.mean((2, 3), keepdim=True)))
    return torch.sigmoid(what + where(x))
    # end answer


def where_layers(C, r):  # channels, reduction -> nn.Sequential of eight layers
    """BAM's spatial half, from (B, C, H, W) to (B, 1, H, W)."""
    # answer
    h = C // r
    return nn.Sequential(
        nn.Conv2d(C, h, 1), nn.ReLU(),
        nn.Conv2d(h, h, 3, padding=4, dilation=4), nn.ReLU(),
        nn.Conv2d(h, h, 3, padding=4, dilation=4), nn.ReLU(),
        nn.Conv2d(h, 1, 1), nn.BatchNorm2d(1),
    )
    # end answer


# %% masks-parts
def ask_network(C, r):  # (B, C, 1, 1) -> (B, C, 1, 1)
    """The small network over channels."""
    return nn.Sequential(nn.Conv2d(C, C // r, 1), nn.ReLU(), nn.Conv2d(C // r, C, 1))


def layers_of(kind, C, check):
    """The layers that this kind's function takes after x."""
    ask = check.fill(ask_network(C, 2), "ask")
    if kind == "se":
        return [ask]
    if kind == "cbam":
        return [ask, check.fill(nn.Conv2d(2, 1, 7, padding=3, bias=False), "look")]
    where = nn.Sequential(nn.Conv2d(C, 1, 3, padding=1), nn.BatchNorm2d(1))
    return [ask, check.fill(nn.BatchNorm2d(C), "norm"), check.fill(where, "where")]


def through(kind, shape, check):
    """The mask of a drawn map; BN in training mode if there are two images or more."""
    layers = [each.train(shape[0] > 1) for each in layers_of(kind, shape[1], check)]
    mask = {"se": se_mask, "cbam": cbam_mask, "bam": bam_mask}[kind]
    return mask(check.normal(*shape) + 0.5, *layers)


def input_gradient(kind, shape, check):
    """The gradient at x of a weighted sum of the mask."""
    x = check.normal(*shape).requires_grad_()
    mask = {"se": se_mask, "cbam": cbam_mask, "bam": bam_mask}[kind]
    M = mask(x, *layers_of(kind, shape[1], check))
    (M * torch.arange(M.numel()).view_as(M).cos()).sum().backward()
    return x.grad


# %% masks-check points=7
check = Check("masks-check")
for kind in ("se", "cbam"):
    for shape in [(2, 8, 7, 5), (1, 4, 1, 9), (3, 2, 6, 6)]:
        check(f"{kind}, {shape}", through, kind, shape, check)
    check(f"{kind}, its gradient", input_gradient, kind, (2, 4, 5, 3), check)
check.done()

# %% masks-check-2 points=5
check = Check("masks-check-2")
for shape in [(2, 8, 7, 5), (1, 4, 1, 9), (3, 2, 6, 6)]:
    check(f"bam, {shape}", through, "bam", shape, check)
check("bam, its gradient", input_gradient, "bam", (2, 4, 5, 3), check)
check.done()

# %% masks-check-3 points=5
check = Check("masks-check-3")


def where_of(shape, r):
    where = check.fill(where_layers(shape[1], r)).train(shape[0] > 1)
    return where(check.normal(*shape))


for shape, r in [((2, 8, 17, 14), 2), ((1, 6, 5, 18), 1), ((3, 16, 7, 7), 4)]:
    check(f"where, {shape}, r = {r}", where_of, shape, r)
check("where, C = 512, r = 16", where_layers, 512, 16)
check.done()

# %% masks-hidden points=3
check = Check("masks-hidden")
shape = (2, 2 * check.integers(1, 5), check.integers(3, 12), check.integers(3, 12))
for kind in ("se", "cbam", "bam"):
    check(f"{kind}, a drawn shape", through, kind, shape, check)
check("where, a drawn shape", where_of, shape, 2)
check.done()


# %% masks-hints [markdown]
# <details><summary>Hint 1</summary>How many sigmoids has each gate? SE one, CBAM two. BAM
# adds its halves before its only one.</details>
#
# <details><summary>Hint 2</summary>CBAM asks the same network twice, and adds the answers before
# the first sigmoid. Its second half needs y = what * x. For the holes: what padding does a 3x3 need
# if its outer values lie 4 positions from the middle?</details>
#
# <details><summary>Hint 3</summary>SE: <code>sigmoid(ask(x.mean((2, 3), keepdim=True)))</code>.
# BAM: <code>sigmoid(norm(ask(mean)) + where(x))</code>. CBAM: <code>what</code> times
# <code>sigmoid(look(torch.cat([y.mean(1, keepdim=True), y.amax(1, keepdim=True)], 1)))</code>.
# The 3x3 are <code>nn.Conv2d(h, h, 3, padding=4, dilation=4)</code>.</details>

# %% count [markdown] task={"difficulty": 2, "minutes": 20}
# ## Task 2: Count before you build
#
# Use pencil and paper, and build nothing. How many parameters has a gate of C channels? How many
# multiply-adds does it cost on a map of H x W, counting convolutions only? CBAM's spatial half is a
# 7x7 convolution without bias. BAM has a BN of C channels, and the eight layers of lesson 08's
# `where` with a BN of one channel at their end. Then count what a network adds: `stages` holds the
# channels and the units of each of its stages. SE and CBAM stand in every unit, BAM once at the
# end of every stage but the last.

# %% count-answer
def parameters(kind, C, r):  # "se", "cbam" or "bam", channels, reduction -> a number
    """Weights and biases of one gate; r divides C."""
    # answer
    h = C // r
    ask = 2 * C * h + h + C
    if kind == "se":
        return ask
    if kind == "cbam":
        return ask + 2 * 7 * 7
    narrow, dilated, last = C * h + h, 9 * h * h + h, h + 1
    return ask + 2 * C + narrow + 2 * dilated + last + 2
    # end answer


def multiply_adds(kind, C, r, H, W):  # the same, and the map's sides -> a number
    """Multiply-adds of one gate's convolutions, for one image."""
    # answer
    h = C // r
    ask = 2 * C * h
    if kind == "se":
        return ask
    if kind == "cbam":
        return 2 * ask + 2 * 7 * 7 * H * W
    return ask + H * W * (C * h + 2 * 9 * h * h + h)
    # end answer


def added(kind, stages, r):  # ((C, units), ...) from first stage to last -> a number
    """Parameters that a network's gates add to it."""
    # answer
    if kind == "bam":
        return sum(parameters(kind, C, r) for C, _ in stages[:-1])
    return sum(units * parameters(kind, C, r) for C, units in stages)
    # end answer


# %% count-check points=6
check = Check("count-check")
for kind in ("se", "cbam", "bam"):
    for C, r in [(256, 16), (64, 4), (10, 5), (7, 1)]:
        check(f"parameters of {kind}, C = {C}, r = {r}", parameters, kind, C, r)
check.done()

# %% count-check-2 points=5
check = Check("count-check-2")
for kind in ("se", "cbam", "bam"):
    for C, r, H, W in [(256, 16, 56, 56), (32, 4, 9, 14), (7, 1, 1, 5)]:
        check(f"multiply-adds of {kind}, C = {C}, r = {r}, {H} x {W}",
              multiply_adds, kind, C, r, H, W)
check.done()

# %% count-check-3 points=4
check = Check("count-check-3")
networks = {"ResNet-50": ((256, 3), (512, 4), (1024, 6), (2048, 3)),
            "two stages": ((32, 5), (96, 2)), "one stage": ((48, 4),)}
for kind in ("se", "cbam", "bam"):
    for name, stages in networks.items():
        check(f"{kind} in {name}", added, kind, stages, 16)
check.done()


# %% count-hints [markdown]
# <details><summary>Hint 1</summary>Make a table with one row a layer: channels in, channels out,
# kernel, biases, and at how many positions it works.</details>
#
# <details><summary>Hint 2</summary>A convolution from a to b channels with a k x k kernel has
# a b k² + b parameters, and costs a b k² multiply-adds a position; holes count for nothing. A BN
# has two parameters a channel. The small network works at one position. CBAM asks it how
# often?</details>
#
# <details><summary>Hint 3</summary>Asking: 2 C h + h + C parameters, 2 C h multiply-adds. CBAM:
# 98 parameters more, and twice the asking plus 98 H W. BAM adds C h + h, twice 9 h² + h, then
# h + 1, and 2 C + 2 for the BNs; its work is 2 C h + H W (C h + 18 h² + h).</details>

# %% place [markdown] task={"difficulty": 3, "minutes": 15}
# ## Task 3: Find what stands in the wrong place
#
# A stage is a row of units x + F(x). With `place` "inside", like SE and CBAM, each unit has a gate
# of its own. With "main", like BAM, one gate stands at the end of the stage: `gates` then holds
# this one. A gate maps what it weighs, (B, C, H, W), to its M of that shape or of (B, C, 1, 1). The
# code below runs, and gives the right shapes. Three things are wrong: mend them.

# %% place-answer
def stage(x, branches, gates, place):  # (B, C, H, W), n modules, n or 1 -> (B, C, H, W)
    """n units in a row, with gates inside them, or one on the main path behind them."""
    # answer
    for k, branch in enumerate(branches):
        y = branch(x)
        if place == "inside":
            y = gates[k](y) * y
        x = x + y
    if place == "main":
        x = (1 + gates[0](x)) * x
    return x
    # given
    # for k, branch in enumerate(branches):
    #     x = x + branch(x)
    #     if place == "inside":
    #         x = gates[k](x) * x
    #     else:
    #         x = gates[0](x) * x
    # return x
    # end answer


# %% place-parts
def staged(place, n, shape, kind, check):
    """What a stage of n units makes of a drawn map."""
    from resattn import gates

    C = shape[1]
    made = {"se": gates.SqueezeExcitation, "bam": gates.BAM}[kind]
    modules = [check.fill(made(C, 1).eval(), f"gate {k}") for k in range(n)]
    branches = [check.fill(nn.Conv2d(C, C, 3, padding=1), f"branch {k}") for k in range(n)]
    masks = [module.gate for module in (modules if place == "inside" else modules[:1])]
    return stage(check.normal(*shape), branches, masks, place)


# %% place-check points=7
check = Check("place-check")
for n in (1, 2, 5):
    check(f"inside, {n} units", staged, "inside", n, (2, 4, 6, 6), "se", check)
check("inside, 3 units, one image, M of x's shape", staged, "inside", 3, (1, 3, 5, 7), "bam", check)
check.done()

# %% place-check-2 points=8
check = Check("place-check-2")
for n in (1, 2, 5):
    check(f"main path, {n} units", staged, "main", n, (2, 4, 6, 6), "bam", check)
check("main path, 3 units, one image, M per channel", staged, "main", 3, (1, 3, 5, 7), "se", check)
check.done()


# %% place-hints [markdown]
# <details><summary>Hint 1</summary>Let every M be nearly 0, and follow x through each kind of
# stage. What should come out? What does?</details>
#
# <details><summary>Hint 2</summary>Inside, M weighs the branch alone, before the sum, and reads
# what it weighs. On the main path look for two things: how often the gate is used, and what
# happens to the identity.</details>
#
# <details><summary>Hint 3</summary>Inside: <code>y = branch(x)</code>, then
# <code>y = gates[k](y) * y</code>, then <code>x = x + y</code>. Main: the plain units first, and
# after the loop, once, <code>x = (1 + gates[0](x)) * x</code>.</details>

# %% holes [markdown] task={"difficulty": 3, "minutes": 25}
# ## Task 4: Predict what is read, and explain
#
# Convolutions stand in a row, first to last; all have a `kernel` x `kernel` kernel of odd size,
# stride 1, a dilation of their own, and padding that keeps the map's size. How many positions of
# the input does the output at one `place` read? What lies beyond the map's edge is padding, in
# every layer: it is no position, and nothing is read through it. Then: which dilations, smallest
# first, let n such layers read the *largest square without a hole*, far from the edge? Count on
# paper, or with sets; no convolution is needed.

# %% holes-answer
def reads(kernel, dilations, size, place):  # odd, one a layer, (H, W), (row, column) -> a number
    """How many input positions the output at this place reads."""
    # answer
    def on_axis(length, start):
        reached = {start}
        for d in reversed(dilations):
            steps = [d * o for o in range(-(kernel // 2), kernel // 2 + 1)]
            reached = {p + s for p in reached for s in steps if 0 <= p + s < length}
        return len(reached)

    return on_axis(size[0], place[0]) * on_axis(size[1], place[1])
    # end answer


def widest_solid(kernel, n):  # odd, layers -> n dilations, smallest first
    """The dilations whose n layers read the largest square without a hole."""
    # answer
    return [kernel**k for k in range(n)]
    # end answer


# %% holes-check points=5
check = Check("holes-check")
far = ((99, 99), (49, 49))
for kernel, dilations in [(3, (4, 4)), (3, (1, 1, 1)), (7, (1,)), (3, (2, 4)), (3, (1, 3)),
                          (5, (4, 4)), (3, (1, 2, 5))]:
    text = ", ".join(map(str, dilations))
    check(f"far from the edge, kernel {kernel}, dilations {text}", reads, kernel, dilations, *far)
check.done()

# %% holes-check-2 points=5
check = Check("holes-check-2")
for dilations in [(4, 4), (1, 3), (3, 1), (2, 4), (4, 2)]:
    for size, place in [((8, 5), (0, 0)), ((14, 14), (12, 6)), ((3, 9), (1, 2))]:
        text = f"{dilations[0]} then {dilations[1]}"
        check(f"{text}, map {size}, place {place}", reads, 3, dilations, size, place)
check.done()

# %% holes-check-3 points=5
check = Check("holes-check-3")
for kernel, n in [(3, 1), (3, 2), (3, 3), (5, 2), (7, 3)]:
    check(f"{n} layers with kernel {kernel}", widest_solid, kernel, n)
check.done()


# %% holes-words [markdown] manual=5
# In three or four sentences: somebody gives BAM's spatial half the two dilations that you found for
# kernel 3, instead of 4 and 4. What does it gain, and what does it lose: think of lesson 08's task
# *near*? And why do BAM's holes matter less inside a network than they do for one gate alone?
#
# <!-- answer -->
# It now reads every position of its square, and more of them than before, at the same cost: no
# small thing can hide in a hole. But its square is smaller: it sees four positions to each side
# where BAM sees eight, so that of the task *near* it no longer sees the answer 8 positions away.
# Inside a network the holes matter less, because each position of x is itself the output of
# convolutions that have looked at its neighbours: what lies in a hole is in the dots around it.
# <!-- end answer -->

# %% holes-hints [markdown]
# <details><summary>Hint 1</summary>Rows and columns do not mix, so count on one axis and multiply.
# On one axis, which offsets does a layer with kernel 3 and dilation 4 read? And two of
# them?</details>
#
# <details><summary>Hint 2</summary>Walk back from the output: begin with a set that holds the one
# place, and for each layer, the last one first, put in every position that lies one of its offsets
# away and inside the map. A set forgets doubles by itself. For the second function: at
# most how many different positions can n layers read on an axis?</details>
#
# <details><summary>Hint 3</summary>Offsets are <code>d * o</code> for o from
# <code>-(kernel // 2)</code> to <code>kernel // 2</code>; keep <code>0 &lt;= p &lt; length</code>
# after each layer. n layers reach at most kernel ** n positions on an axis, all different if
# each layer steps over all that the smaller ones fill: 1, kernel, kernel², and so on.</details>

# %% dead [markdown] task={"difficulty": 4, "minutes": 25}
# ## Task 5: Born dead
#
# A gate is **dead** for a batch of images if none of its hidden units opens: all h values after the
# ReLU are 0, for every image, and for everything that its network is asked about. Then M is the
# same for all images. SE's network is asked about the mean over positions, that of CBAM's channel
# half about the mean and about the maximum.
#
# 1. At the start weights and biases are drawn evenly around 0, each by itself. A classifier has one
#    SE gate for each number in `hidden`, with so many hidden units. What is the probability that at
#    least one gate is dead for a batch of *one* image? Pencil and paper.
# 2. Tell whether a given small network `ask` is dead for x.
# 3. Measure the share of dead ones among 500 of `fresh(C, r)`, for the batch `branch_outputs(C)`.

# %% dead-parts
def fresh(C, r):  # (B, C, 1, 1) -> (B, C, 1, 1)
    """A new small network in float64, with torch's own random start."""
    network = nn.Sequential(nn.Conv2d(C, C // r, 1), nn.ReLU(), nn.Conv2d(C // r, C, 1))
    return network.double()


def branch_outputs(C):  # -> (8, C, 16, 16)
    """Eight images' maps where a branch ends in a norm: normal, of mean 0."""
    return Check("dead-parts", 0).normal(8, C, 16, 16)


# %% dead-answer
def any_dead(hidden):  # a list of hidden units, one number a gate -> a number
    """The probability that at least one of these SE gates is dead for a batch of one image."""
    # answer
    all_alive = 1.0
    for h in hidden:
        all_alive *= 1 - 0.5**h
    return 1 - all_alive
    # end answer


def is_dead(ask, x, kind):  # such as fresh(C, r), (B, C, H, W), "se" or "cbam" -> bool
    """Whether the gate with this network is dead for the batch x."""
    # answer
    asked = [x.mean((2, 3), keepdim=True)]
    if kind == "cbam":
        asked.append(x.amax((2, 3), keepdim=True))
    return all((ask[:2](z) == 0).all().item() for z in asked)
    # end answer


def share_dead(C, r, kind):  # channels, reduction, "se" or "cbam" -> a number
    """The share of 500 fresh networks that are dead for branch_outputs(C)."""
    # answer
    x = branch_outputs(C)
    return sum(is_dead(fresh(C, r), x, kind) for _ in range(500)) / 500
    # end answer


# %% dead-check points=4
check = Check("dead-check")
for hidden in ([1], [2], [2, 2], [1, 3, 8], [8] * 6 + [16] * 6 + [32] * 6, [2] * 6 + [4] * 6):
    counts = ", ".join(f"{hidden.count(h)} of h = {h}" for h in sorted(set(hidden)))
    check(f"any dead, {counts}", any_dead, hidden)
check.done()

# %% dead-check-2 points=5
check = Check("dead-check-2")


def patient(kind, threshold, image, raised):
    """Four hidden units, of which the first alone can open; one of three images is raised."""
    network = check.fill(fresh(8, 2))
    x = 0.1 * check.normal(3, 8, 5, 7)
    with torch.no_grad():
        network[0].weight.copy_(network[0].weight.abs())
        network[0].bias.fill_(-100.0)
        network[0].bias[0] = -threshold
        if raised == "everywhere":
            x[image] += 5.0
        elif raised == "at one place":
            x[image, :, 2, 3] += 5.0
    return is_dead(network, x, kind)


for kind in ("se", "cbam"):
    for image in (0, 2):
        check(f"{kind}, image {image} raised everywhere", patient, kind, 1.0, image, "everywhere")
        check(f"{kind}, image {image} raised at one place", patient, kind, 1.0, image,
              "at one place")
    check(f"{kind}, nothing raised", patient, kind, 1.0, 0, "nowhere")
    check(f"{kind}, a unit that is always open", patient, kind, -3.0, 0, "nowhere")
check.done()

# %% dead-check-3 points=6
check = Check("dead-check-3")
for r in (32, 16):
    for kind in ("se", "cbam"):
        check.measure(f"share dead, {kind}, h = {32 // r}", share_dead, 32, r, kind)
check.done()


# %% dead-hints [markdown]
# <details><summary>Hint 1</summary>Turn round the signs of all weights and of the bias of one
# hidden unit: that start is just as likely. What does it do to the value before the ReLU? So how
# probable is it that this unit is shut for the image?</details>
#
# <details><summary>Hint 2</summary>h units, each by itself, are all shut with probability 1/2 to
# the power of h. "At least one gate" is easiest from its opposite: every gate alive. For the
# second function, <code>ask[:2]</code> is the part of the network up to its ReLU.</details>
#
# <details><summary>Hint 3</summary>1 minus the product of 1 - 0.5 ** h. Dead is:
# <code>(ask[:2](z) == 0).all()</code> for z the mean, and for CBAM also for z the maximum over
# axes 2 and 3. For the share, call <code>fresh(C, r)</code> anew in each of 500 turns.</details>

# %% race [markdown] task={"difficulty": 4, "minutes": 25}
# ## Task 6: Read the race
#
# A table maps a network's name to its test errors in per cent, one a seed, seeds in the same order
# everywhere. Compare within seeds: take the differences, and give their mean with the interval
# mean +- t95(n) s / sqrt(n), where s is their standard deviation, the one over n - 1. Then sort
# all networks but the reference into "fewer" errors than it, "more", or "open" where the
# interval holds 0. Last, ask what the same cost buys *without* attention: `none` is the plain
# trunk, `-wide` networks have the parameters of `masked`, `-long` ones the multiply-adds of its
# training, and `masked` needs no such twin of its own. Give the interval of `kind` minus the plain
# trunk, both at this budget.

# %% race-table
def race():  # -> {name: [test error in %, one a seed]}
    """The networks of lesson 08 on the cluttered digits."""
    from resattn.experiments.recorded import recorded

    return {name: [100 * run["test"]["error"] for run in runs]
            for name, runs in recorded("neighbours").items() if "reduction" not in name}


def t95(n):  # -> a number
    """Student's t for a two-sided 95 % interval of n values; about 2 for many."""
    from resattn.experiments.intervals import t_quantile

    return t_quantile(0.975, n - 1)


# %% race-answer
def interval(table, name, reference):  # -> three numbers: mean, low, high
    """The errors of a network minus those of the reference, with their 95 % interval."""
    # answer
    gaps = [a - b for a, b in zip(table[name], table[reference], strict=True)]
    half = t95(len(gaps)) * stdev(gaps) / math.sqrt(len(gaps))
    return mean(gaps), mean(gaps) - half, mean(gaps) + half
    # end answer


def verdicts(table, reference):  # -> {name: "fewer", "more" or "open"}
    """What the intervals say of every network but the reference."""
    # answer
    said = {}
    for name in table:
        if name != reference:
            _, low, high = interval(table, name, reference)
            said[name] = "fewer" if high < 0 else "more" if low > 0 else "open"
    return said
    # end answer


def beyond_cost(table, kind, budget):  # "masked", "se", ...; "wide" or "long" -> as interval
    """What a kind of attention adds to the plain trunk of the same cost."""
    # answer
    name = kind if kind == "masked" else f"{kind}-{budget}"
    return interval(table, name, f"none-{budget}")
    # end answer


# %% race-check points=6
check = Check("race-check")


def drawn(n):  # a race of n seeds; what a seed makes hard is hard for all
    seeds = 15 + 4 * check.normal(n)
    offsets = {"masked": 0, "none": 6, "none-wide": -3, "none-long": 0.3, "se": -5,
               "se-wide": 2, "se-long": 0}
    return {name: (seeds + offset + check.normal(n)).tolist() for name, offset in offsets.items()}


for n in (2, 3, 10):
    table = drawn(n)
    for name in ("none", "se"):
        check(f"{name} minus masked, {n} seeds", interval, table, name, "masked")
check("se minus none-wide, 4 seeds", interval, drawn(4), "se", "none-wide")
for name in ("none-wide", "bam-long"):
    check(f"{name} minus masked, recorded", interval, race(), name, "masked")
check.done()

# %% race-check-2 points=5
check = Check("race-check-2")
for n in (3, 10):
    for reference in ("masked", "se-wide"):
        check(f"{n} seeds, reference {reference}", verdicts, drawn(n), reference)
check("equal errors", verdicts, {"masked": [9.0, 12.0, 16.0], "se": [9.0, 12.0, 16.0],
                                 "bam": [8.0, 11.0, 15.0], "cbam": [9.5, 12.5, 16.5]}, "masked")
check("the recorded race", verdicts, race(), "masked")
check.done()

# %% race-check-3 points=4
check = Check("race-check-3")
for kind in ("masked", "se"):
    for budget in ("wide", "long"):
        check(f"{kind}, {budget}, drawn", beyond_cost, drawn(5), kind, budget)
for kind in ("masked", "cbam", "bam"):
    for budget in ("wide", "long"):
        check(f"{kind}, {budget}, recorded", beyond_cost, race(), kind, budget)
check.done()

# %% race-hints [markdown]
# <details><summary>Hint 1</summary>Subtract first, seed by seed; only then take mean and standard
# deviation. Fewer errors than the reference: which sign has the difference?</details>
#
# <details><summary>Hint 2</summary><code>stdev</code> of the setup cell divides by n - 1. A network
# has clearly fewer errors if its interval lies below 0 from end to end, and an interval that ends
# at 0 holds 0. Which network is <code>masked</code> at the budget "wide", and which is the plain
# one?</details>
#
# <details><summary>Hint 3</summary><code>half = t95(n) * stdev(gaps) / math.sqrt(n)</code>. "fewer"
# if <code>high &lt; 0</code>, "more" if <code>low &gt; 0</code>. The last is
# <code>interval(table, name, f"none-{budget}")</code>, where name is <code>masked</code> itself or
# <code>f"{kind}-{budget}"</code>.</details>
