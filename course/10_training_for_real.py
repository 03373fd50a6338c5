# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 Training for real
#
# The network stands; lesson 09 counted it to the last integer. Now it has to learn, and
# for more than a minute.

# %% [markdown]
# ## What you will build
#
# - The paper's recipe, read line by line, and its schedule drawn.
# - A whole training loop by hand, proved equal to `resattn.training.fit`.
# - A run that is cut off and goes on as if nothing had happened.
# - The sums that several GPUs share, and the one thing they do not share.
# - The table of what this course reproduced, and of what it did not.

# %% [markdown]
# ## Why it matters
#
# "Why can't I reproduce the error?" people ask about public code for this network. The
# architecture need not be the answer. A recipe has a dozen numbers, some of them never
# printed; a loop can be wrong and still learn; two errors can differ by luck. Each of
# these can be checked.

# %% setup
import tempfile
from copy import deepcopy
from dataclasses import replace
from statistics import median, stdev
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

import resattn
from resattn import plots
from resattn.data import Cifar, ClutteredDigits, PlainDigits
from resattn.data.cifar import crop_and_flip
from resattn.data.loading import batch_indices
from resattn.experiments import paper, reproduction, runs_of, store
from resattn.experiments.paper_numbers import T3
from resattn.experiments.recorded import origin, recorded, trained
from resattn.training import fit, learning_rate_at, paper_cifar, seed_everything

torch.set_num_threads(1)  # bits can only be equal if sums are made in one order

# %% [markdown]
# ## The recipe, line by line
#
# This is what the paper says about training on CIFAR, as a configuration. (Augmentation
# comes below; the weights start as He et al. advise, as ours always do.) One **step**,
# the paper's "iteration", is one update of the weights, from one **batch** of images.

# %% recipe
recipe = paper_cifar()
meaning = {
    "steps": "updates of the weights",
    "batch_size": "images a step",
    "learning_rate": "how far a step goes, to begin with",
    "momentum": "share of the last step's velocity that is kept",
    "nesterov": "look ahead along the velocity",
    "weight_decay": "pulls each weight towards zero, as a share of it",
    "schedule": "how the learning rate changes",
    "milestones": "it is multiplied after these steps ...",
    "factor": "... by this",
    "warmup_steps": "none: the first step goes at full rate",
}
for field, text in meaning.items():
    print(f"{field:14}{getattr(recipe, field)!s:>17}   {text}")

# %% [markdown]
# CIFAR has `50_000` training images. People think in **epochs**, passes over all of
# them. How many epochs is this run?

# %% guess-epochs
my_guess = 100  # epochs; change me before you run on

# %% epochs
epochs = recipe.steps * recipe.batch_size / 50_000
print(f"you said {my_guess}; computed {epochs:.1f}")

# %% schedule-figure
steps = torch.arange(1, recipe.steps + 1, 500)
rates = torch.tensor([learning_rate_at(recipe, step) for step in steps.tolist()])
first = steps <= recipe.milestones[0]  # before the first drop
share, way = first.double().mean(), rates[first].sum() / rates.sum()
assert share < 0.5 and way > 0.9
fig = plots.curves(
    steps / 1000, {"learning rate": rates}, log_y=True,
    title=f"The first {share:.0%} of the steps hold {way:.0%} of the summed rates",
    xlabel="step (thousands)", ylabel="learning rate (no unit)")
plots.show(fig, alt="Learning rate against step, a staircase on a logarithmic axis: "
           "two drops, each to a tenth of the rate before.")


# %% [markdown]
# So nearly all of the way is travelled before the first drop; the small steps after it
# average the noise of the batches away. Whoever shortens this run must move the drops
# along with its end.

# %% [markdown]
# ## The loop by hand
#
# Here is a whole training run without an optimiser object. Each weight w, with gradient
# g, gets a **velocity** v. With weight decay λ, momentum μ and learning rate η,
# Nesterov's step is
#
# $$g \leftarrow g + \lambda w, \qquad v \leftarrow \mu v + g, \qquad
# w \leftarrow w - \eta\,(g + \mu v)$$

# %% loop
def rate(config, step):  # the staircase of the figure
    drops = sum(milestone < step for milestone in config.milestones)
    return config.learning_rate * config.factor**drops


def train(net, config, steps, velocity=None, nesterov=True):
    """Train on x, y at the given steps; returns losses and velocities."""
    weights = list(net.train().parameters())
    velocity = velocity or [torch.zeros_like(w) for w in weights]
    losses = []
    for step in steps:
        epoch, i = divmod(step - 1, len(x) // config.batch_size)
        pick = batch_indices(len(x), config.batch_size, shuffle_seed=config.seed,
                             epoch=epoch, drop_last=True)[i]
        loss = F.cross_entropy(net(x[pick]), y[pick])  # the mean over the batch
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for w, v, g in zip(weights, velocity, gradients):
                g = g + config.weight_decay * w
                v.mul_(config.momentum).add_(g)
                w -= rate(config, step) * (g + config.momentum * v if nesterov else v)
        losses.append(loss.item())
    return losses, velocity


# %% [markdown]
# `batch_indices` is the package's order of the images: shuffled anew for each epoch, as
# a function of (seed, epoch) and of nothing else. Remember that; it will save a run.
#
# Is our loop the package's? Take an attention network, a hundred digits (so that a few
# are left over in each epoch), and the paper's recipe shrunk to ten steps, both drops
# included. As a control, the same loop with plain momentum.

# %% proof
digits = PlainDigits("train")
x, y = digits.images[:100].double() / 255, digits.labels[:100]  # (100, 1, 8, 8), (100,)
data = TensorDataset(x, y)
mini = replace(recipe, steps=10, batch_size=16, milestones=(4, 7))
torch.set_default_dtype(torch.float64)  # drawn as float32, they depend on the processor
torch.manual_seed(0)
start = resattn.create_model("small_attention8")
torch.set_default_dtype(torch.float32)

by_fit = deepcopy(start)
history = fit(by_fit, data, data, mini, device="cpu", progress=False)
for nesterov in (False, True):
    by_hand = deepcopy(start)
    losses, _ = train(by_hand, mini, range(1, 11), nesterov=nesterov)
    pairs = zip(by_hand.state_dict().values(), by_fit.state_dict().values())
    apart = max((a - b).abs().max().item() for a, b in pairs)
    apart = max(apart, *(abs(a - b) for a, b in zip(losses, history.loss)))
    print(f"{'Nesterov' if nesterov else 'plain momentum'}: all losses, weights and "
          f"BN statistics equal to 1e-9: {apart < 1e-9}")

# %% [markdown]
# Both run, and nothing but the comparison tells them apart.

# %% [markdown]
# ## Cut off, and taken up again
#
# Long runs die: the power fails, the job's time is over. `fit` writes a **checkpoint**
# every few steps if it gets a `run_dir`. We cut a run off after step 7, with the last
# checkpoint after step 4, and call `fit` again. How far will its weights end from those
# of the run that was never cut?

# %% guess-resume
my_guess = 0.001  # largest difference of any weight; change me before you run on


# %% resume
def power_cut(step, net):
    if step == 7:
        raise KeyboardInterrupt("the power failed after step 7")


saving = replace(mini, checkpoint_every=4)
with tempfile.TemporaryDirectory() as folder:
    options = {"run_dir": folder, "device": "cpu", "progress": False}
    try:
        fit(deepcopy(start), data, data, saving, on_step=power_cut, **options)
    except KeyboardInterrupt as error:
        print(error)
    stored = torch.load(f"{folder}/checkpoint.pt")
    resumed = deepcopy(start)
    fit(resumed, data, data, saving, **options)
print("in the checkpoint, written after step", stored["step"], ":", *stored)
pairs = list(zip(resumed.state_dict().values(), by_fit.state_dict().values()))
apart = max((a - b).abs().max().item() for a, b in pairs)
print(f"you said {my_guess}; measured {apart:g}")
assert all(torch.equal(a, b) for a, b in pairs)


# %% [markdown]
# Not close: *equal*, bit for bit. (On a GPU that takes deterministic kernels besides.)
# The optimiser's entry holds the velocities. You find no state of a random generator:
# order, crops and flips are functions of (seed, epoch, image), so the step is enough to
# find them again. A loop that draws from one running generator must store its state.
#
# What if something is left out? With our own loop we go on from step 5, each time with
# one thing lost, and measure how far the weights end from the whole run's, as a share
# of the way that the whole run travelled.

# %% lost
def flat(net):
    return torch.cat([w.detach().flatten() for w in net.parameters()])


half, went_on = deepcopy(start), {}
_, velocity = train(half, mini, range(1, 5))
on = range(5, 11)
for lost, (config, steps, kept) in {
    "nothing": (mini, on, velocity),
    "velocities": (mini, on, None),
    "order of the images": (replace(mini, seed=1), on, velocity),
    "count of the steps": (mini, range(1, 7), velocity),
}.items():
    went_on[lost] = deepcopy(half)
    train(went_on[lost], config, steps, deepcopy(kept))
way = (flat(by_hand) - flat(start)).norm()
off = {lost: (flat(n) - flat(by_hand)).norm() / way for lost, n in went_on.items()}
for lost, share in off.items():
    print(f"lost: {lost:20} ends off by {share:.2f} of the way")

# %% [markdown]
# Without the count, schedule and order begin again. None of these losses raises an
# error. Here is one that does not even move a weight: keep the *parameters*, and lose
# BN's running statistics.

# %% lost-statistics
forgetful = deepcopy(by_hand)
for layer in forgetful.modules():
    if isinstance(layer, nn.BatchNorm2d):
        layer.reset_running_stats()
print("weights equal:", torch.equal(flat(forgetful), flat(by_hand)))
with torch.no_grad():
    answers = [net.eval()(x).argmax(1) for net in (forgetful, by_hand)]
alike = int((answers[0] == answers[1]).sum())
print(f"digits that the two read alike: {alike} of {len(x)}")

# %% [markdown]
# ## Half the bits
#
# **bfloat16** has the range of float32, and a third of its significant bits. Maps take
# half the memory, and hardware made for it is fast. So why not keep the weights in it
# too? Because 0.001, added to 1 a thousand times, should give 2:

# %% bfloat16
for dtype in (torch.float32, torch.bfloat16):
    w, update = torch.tensor([1.0, 0.001], dtype=dtype)
    for _ in range(1000):
        w = w + update
    print(f"{dtype}: {w:.3f}")

# %% [markdown]
# Each update is less than half of the last bit, and is rounded away. Training *is* such
# updates. So **autocast** leaves the weights in float32, and runs the layers in
# bfloat16:

# %% autocast
net = resattn.create_model("small_attention8")
kinds = {}


def note(module, inputs, output):
    kinds.setdefault(f"map after {type(module).__name__}", output.dtype)


for layer in net.modules():
    if isinstance(layer, nn.Conv2d | nn.BatchNorm2d | nn.Sigmoid | nn.Linear):
        layer.register_forward_hook(note)
with torch.autocast("cpu", torch.bfloat16):
    loss = F.cross_entropy(net(x.float()), y)
loss.backward()
w = net.stages[0][0].branch[0].weight
kinds |= {"loss": loss.dtype, "weight": w.dtype, "its gradient": w.grad.dtype,
          "BN's running mean": net.stages[0][0].preact[0].running_mean.dtype}
for what, kind in kinds.items():
    print(f"{what:24} {kind}")

# %% [markdown]
# Older code has a `GradScaler` here. It belongs to **float16**, whose range is small:

# %% grad-scaler
small = torch.tensor(1e-8)  # a small gradient
for dtype in (torch.float16, torch.bfloat16):
    scaled = (small * 2**16).to(dtype).float() / 2**16
    print(f"{dtype}: smallest normal number {torch.finfo(dtype).tiny:.0e}; "
          f"1e-8 survives {bool(small.to(dtype) > 0)}, scaled {bool(scaled > 0)}")

# %% [markdown]
# bfloat16 needs no scaling. The other cheap trick is **channels_last**: the same map,
# in another order in memory.

# %% channels-last
T = torch.zeros(64, 32, 16, 16)  # (B, C, H, W)
print("strides of a map:", T.stride(),
      " channels_last:", T.to(memory_format=torch.channels_last).stride())

# %% [markdown]
# Stride 1 has moved to the channels: those of one position now lie side by side, as a
# 1x1 convolution wants them. Does it pay *here*? How many times faster than plain
# float32 will the fastest way be, on your machine?

# %% a-batch
clutter = ClutteredDigits("train", 64)
images, labels = clutter.images.float() / 255, clutter.labels  # (64, 1, 32, 32), (64,)

# %% guess-speed
my_guess = 4.0  # times faster; change me before you run on

# %% speed tags=["nbval-ignore-output"]
ways = {"float32": (False, False), "channels_last": (True, False),
        "bfloat16": (False, True), "both": (True, True)}
seed_everything(0)
net = resattn.create_model("small_attention32")
taken, losses = {way: [] for way in ways}, {}
for _ in range(6):  # in turn, so that a busy machine slows all of them
    for way, (last, bf16) in ways.items():
        layout = torch.channels_last if last else torch.contiguous_format
        net, batch = net.to(memory_format=layout), images.to(memory_format=layout)
        began = perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = F.cross_entropy(net(batch), labels)
        loss.backward()
        taken[way].append(perf_counter() - began)
        losses[way] = loss.item()
ms = {way: 1000 * median(times[1:]) for way, times in taken.items()}  # not the first
for way, time in ms.items():
    print(f"{way:14} {time:5.0f} ms a step, {ms['float32'] / time:.2f} times the speed")
print(f"you said {my_guess}; measured {ms['float32'] / min(ms.values()):.2f}")
assert max(abs(value - losses["float32"]) for value in losses.values()) < 0.1


# %% [markdown]
# If that is less than you hoped: each operation of so small a network is small, and
# starting it costs what it costs in any precision. A processor without bfloat16
# arithmetic may even lose. So measure, in turn, on the machine that will do the work;
# `python -m resattn bench` does.
#
# **`torch.compile`** fuses operations into kernels made for one network, so that fewer
# are started. It is not run here: its first call takes minutes. In the README's
# measured table it did not pay on that CPU, for the small network or for Attention-56;
# on a GPU we did not measure it. So it is off, unless you say
# `TrainConfig(compile=True)`.

# %% [markdown]
# ## Several GPUs
#
# To share a batch among processes, give each a part, let each compute the gradient of
# its part's mean loss, and **average the gradients**. The mean of equal parts' means is
# the whole mean, so nothing should change. We play all the processes ourselves, in
# float64, on a network that a recorded run trained; first with BN in evaluation mode,
# where it is a fixed scale and shift.

# %% shares
def gradient(net, images, labels):
    loss = F.cross_entropy(net(images), labels)
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, net.parameters())])


def averaged(net, images, labels, processes):
    parts = zip(images.chunk(processes), labels.chunk(processes))
    return torch.stack([gradient(net, *part) for part in parts]).mean(0)


net, cluttered = trained("stacking", "arl-m1")
net = net.double()
pixels = cluttered.images[:128].double() / 255  # (128, 1, 16, 16)
batch, other = zip(pixels.chunk(2), cluttered.labels[:128].chunk(2))  # 64 images each
whole = gradient(net, *batch)
for n in (2, 4, 8):
    off = (averaged(net, *batch, n) - whole).norm() / whole.norm()
    print(f"{n} processes, BN in evaluation mode: equal to 1e-9: {off < 1e-9}")

# %% [markdown]
# In training mode BN normalises with the mean and variance of the images it sees, and
# each process sees only its own. By how much is the gradient off, relative to its
# length, when four processes share 64 images?

# %% guess-shares
my_guess = 0.01  # change me before you run on

# %% shares-with-bn
net.train()
whole = gradient(net, *batch)
off = {n: ((averaged(net, *batch, n) - whole).norm() / whole.norm()).item()
       for n in (2, 4, 8)}
another = ((gradient(net, *other) - whole).norm() / whole.norm()).item()
print(f"you said {my_guess}; measured {off[4]:.2f}")
assert off[2] < off[4] < off[8]
fig = plots.bars(
    {f"{n} processes,\n{64 // n} images each": value for n, value in off.items()},
    baselines={"64 other images": another},
    title=f"Shared by 8, batch norm moves the gradient by {off[8]:.0%} of its length",
    ylabel="|difference| / |gradient| (no unit)")
plots.show(fig, alt="Relative difference between averaged and whole gradient for 2, 4 "
           "and 8 processes: it grows with their number. A dashed line shows the "
           "difference to the gradient of another batch.")

# %% [markdown]
# That is no bug, but it is *another recipe*. Whether it harms, we did not measure; the
# dashed line shows how much the gradient changes from one batch to the next, which
# training lives with. `nn.SyncBatchNorm` (GPUs only) restores the old recipe. How many
# GPUs shared the paper's batch, it does not say.
#
# In practice you write none of this: `torchrun` starts the processes, `fit` notices.

# %% torchrun
task = "cifar10-attention56"
print(f"python -m resattn train {task}  # one GPU")
print(f"torchrun --nproc-per-node 4 -m resattn train {task}  # four, one run")

# %% [markdown]
# A test of the suite compares two real processes on the CPU with one. Several GPUs were
# never tried.

# %% [markdown]
# ## CIFAR, and its augmentation
#
# Nothing in the course downloads behind your back. Without the files you are told what
# to type:

# %% cifar-missing
try:
    Cifar("cifar10", "train", root="nowhere")
except FileNotFoundError as error:
    print(error)


# %% [markdown]
# The paper **subtracts the per-pixel mean** of the training images, **pads** by 4,
# takes a random **crop** of the old size, and **flips** half of them. By hand, and
# compared with the package's:

# %% augmentation
def view(image, row, column, flip):  # (C, H, W) -> (C, H, W)
    height, width = image.shape[-2:]
    crop = F.pad(image, [4] * 4)[:, row:row + height, column:column + width]
    return crop.flip(-1) if flip else crop


centred = images - images.mean(0)  # one mean for each pixel, (1, 32, 32)
print("mean of a pixel is 0 afterwards:", bool(centred.mean(0).abs().max() < 1e-6))
draws = torch.cartesian_prod(torch.arange(9), torch.arange(9), torch.arange(2))
mine = torch.stack([view(centred[0], *draw) for draw in draws.tolist()])
theirs = crop_and_flip(centred[:1].expand(len(draws), -1, -1, -1), draws)
print("every view equal to the package's:", torch.equal(mine, theirs))
print(f"one image has {len(mine.unique(dim=0))} views; it is drawn {epochs:.0f} times")

# %% augmentation-figure
some = [80, 0, 161, 17, 144, 53, 88, 127]
names = ["row {}, column {}{}".format(*draw[:2], ", flipped" * draw[2])
         for draw in draws[some].tolist()]
shown = crop_and_flip(images[:1].expand(len(some), -1, -1, -1), draws[some])
assert len(shown.unique(dim=0)) == len(some)
fig = plots.image_grid(shown, labels=names, columns=4,
                       title=f"One digit, {len(some)} of its {len(draws)} views")
plots.show(fig, alt="Eight views of one cluttered digit, shifted by up to four pixels "
           "with a black border where the padding shows; some are mirrored.")

# %% [markdown]
# A mirrored horse is a horse. But look at the mirrored digits: they are no digits.
# Augmentation must keep the label true, so the recipes on our digits use none.

# %% [markdown]
# ## The recipe, run
#
# With a GPU and CIFAR at hand, the next cell trains Attention-56 by the paper's recipe,
# a hundred times shorter. Otherwise it trains the small network on plain 8x8 digits, a
# *thousand* times shorter and without augmentation: that shows the loop, not CIFAR. It
# prints which. Both run in bfloat16, to save time. (This page was made without a GPU.)

# %% train tags=["nbval-ignore-output"]
on_gpu = False
if torch.cuda.is_available():
    try:
        sets = [Cifar("cifar10", split, root="../data") for split in ("train", "test")]
        on_gpu = True
    except FileNotFoundError as error:
        print(error)
if on_gpu:
    name, what, shorter = "cifar_attention56", "CIFAR-10 on this GPU", 100
else:
    name, what, shorter = "small_attention8", "8x8 digits on the CPU, not CIFAR", 1000
    sets = [PlainDigits("train"), PlainDigits("test")]
short = replace(recipe, steps=recipe.steps // shorter,
                milestones=tuple(m // shorter for m in recipe.milestones),
                precision="bfloat16", channels_last=True)
seed_everything(0)
history = fit(resattn.create_model(name), *sets, short, progress=False,
              device="cuda" if on_gpu else "cpu")
error = history.validation[short.steps].error
print(f"short run: {short.steps:,} of {recipe.steps:,} steps, {what}; "
      f"{history.seconds:.0f} s; test error {error:.1%}")
assert error < (0.7 if on_gpu else 0.15)

# %% train-figure tags=["nbval-ignore-output"]
chunks = torch.tensor(history.loss).reshape(32, -1).mean(1)  # means of 1 / 32 of it
assert chunks[-1] < chunks[0]
fig = plots.curves(
    torch.arange(1, 33) * (short.steps // 32), {"training loss": chunks}, log_y=True,
    title=f"{what}: the loss falls from {chunks[0]:.2f} to {chunks[-1]:.3f} nats",
    xlabel="step (dashed: the learning rate falls to a tenth)", ylabel="loss (nats)")
for milestone in short.milestones:
    fig.axes[0].axvline(milestone, color=plots.COLOURS[1], ls="--")
plots.show(fig, alt="Training loss against step, logarithmic, with a dashed line at "
           "each of the two drops of the learning rate.")

# %% [markdown]
# If a thousandth of the recipe is plenty, that says more about the digits than about
# the recipe.

# %% [markdown]
# ## What was run, and what was not
#
# The package declares the networks of the paper's CIFAR tables, and its ImageNet
# Attention-56, with the published schedule, in float32. Here are the main rows (tables
# 3, 6 and 7) beside ours; `python -m resattn results paper` prints all.

# %% reproduction
print(f"{'recipe':24}{'paper, %':>9}{'ours, %':>14}   hours a run, estimated")
not_run = []
for name, task in paper.TASKS.items():
    (runs,) = runs_of(paper.PAPER_RECIPES[name], "paper").values()  # one a seed
    errors = [100 * found["test"]["error"] for run in runs
              if (found := store.find_result(run))]
    if not errors:
        not_run.append(name)
    if task.data != "cifar100" and task.merge == "arl" and not task.noise:
        ours = reproduction.spread(errors) or "not run"
        speed = reproduction.TERAFLOPS[task.data]
        hours = reproduction.estimated_hours(runs[0], speed)
        print(f"{name:24}{task.reported[0]:9.2f}{ours:>14}   {hours:5.1f}")
print(f"\n{len(not_run)} of {len(paper.TASKS)} tasks were not run, with any seed")
for name in not_run[:1]:
    print(f"to run one: python -m resattn train {name}")

# %% [markdown]
# "Not run" means that we do not know. The hours rest on an *assumed* speed of one GPU,
# which the full table's foot states. What was run are small recipes, on our own
# digits. One of them is the network whose gradients we just shared out:

# %% recorded
runs = recorded("stacking", "arl-m1")
errors = [100 * run["test"]["error"] for run in runs["arl-m1"]]
print("python -m resattn train stacking --scale small\n" + origin(runs))
p, n = sum(errors) / len(errors) / 100, runs["arl-m1"][0]["test"]["images"]
print(f"test errors of {len(errors)} seeds:", *(f"{e:.2f} %" for e in errors))
print(f"standard deviation over the seeds {stdev(errors):.2f} points; "
      f"the luck of {n:,} test images alone: {100 * (p * (1 - p) / n) ** 0.5:.2f}")

# %% [markdown]
# ## "Why can't I reproduce the error?"
#
# First ask how exact an error is. CIFAR has `10_000` test images. Take two networks of
# *exactly* the same skill, that of the paper's Attention-56. How often will their
# measured errors differ by 0.3 points or more?

# %% guess-luck
my_guess = 5  # per cent of the comparisons; change me before you run on

# %% luck
p, n = T3["attention56"]["arl"] / 100, 10_000
standard_error = 100 * (p * (1 - p) / n) ** 0.5  # in points
wrong = np.random.default_rng(0).binomial(n, p, (100_000, 2))  # of two networks, often
apart = 100 * abs(wrong[:, 0] - wrong[:, 1]) / n  # in points
print(f"standard error of {100 * p:.2f} %: {standard_error:.2f} points")
print(f"you said {my_guess} %; simulated {(apart >= 0.3).mean():.0%}")

# %% [markdown]
# That is for networks with test images of their own; on the same images their mistakes
# overlap, and luck is smaller. But the luck of the seeds comes on top; you saw the two
# side by side above. How do the paper's gaps between naive attention (NAL) and
# attention residual learning (ARL), its table 3, look in this light?

# %% gaps-figure
depths = {name: int(name.removeprefix("attention")) for name in T3}
fig, axis = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
bars, clear = {}, []
for k, merge in enumerate(("nal", "arl")):
    e = np.array([T3[name][merge] for name in T3])
    bars[merge] = (e, 2 * (e * (100 - e) / n) ** 0.5)  # two standard errors, in points
    axis.errorbar(np.array(list(depths.values())) + 3 * k, *bars[merge], fmt="o",
                  capsize=4, color=plots.COLOURS[1 - k], label=merge.upper())
for depth, gap, *two in zip(depths.values(), bars["nal"][0] - bars["arl"][0],
                            bars["nal"][1], bars["arl"][1]):
    noise = (two[0] ** 2 + two[1] ** 2) ** 0.5
    clear.append(gap > noise)
    print(f"Attention-{depth}: gap {gap:.2f} points; two standard errors {noise:.2f}")
assert 0 < sum(clear) < len(clear)
axis.set(title=f"{sum(clear)} of {len(clear)} gaps exceed the luck of the test images",
         xlabel="trunk depth (layers; ARL drawn beside NAL)", ylim=(0, 8),
         ylabel="CIFAR-10 error (%), ± 2 standard errors", xticks=list(depths.values()))
axis.legend(loc="lower left")
plots.show(fig, alt="The paper's errors for NAL and ARL against depth, with whiskers "
           "of two standard errors: they overlap for the shallow networks and lie far "
           "apart for the deepest.")

# %% [markdown]
# A gap within the noise may be real; one number a cell cannot tell. So, if your error
# is not the paper's, ask in this order:
#
# 1. Is it luck? Run more seeds.
# 2. Is it the choice? Whoever keeps the best of many checks on the test images reports
#    a lucky one. Our recipes judge once, after the last step.
# 3. Is it the network? Compare outputs, not counts (lessons 03 and 09). The paper does
#    not give its CIFAR widths; ours are the best-supported guess.
# 4. Is it the loop? Prove yours equal to another, as above.
# 5. Is it what nobody printed? That is this lesson's last question.

# %% [markdown]
# ## "Which ImageNet hyper-parameters?"

# %% imagenet
imagenet = resattn.training.paper_imagenet()
unstated = {"batch_size", "weight_decay"}
for field in ("steps", "milestones", "learning_rate", "momentum", "nesterov",
              "batch_size", "weight_decay"):
    source = "NOT stated; a public reproduction's" if field in unstated else "paper"
    print(f"{field:14}{getattr(imagenet, field)!s:>27}   {source}")
for batch in (64, 128, 256, 512):
    epochs = imagenet.steps * batch / 1_281_167  # images in ImageNet's training set
    print(f"with batches of {batch:3}: {epochs:3.0f} epochs")

# %% [markdown]
# Without the batch size not even the length of the training is known. A public
# reproduction with batches of 256, weight decay `1e-4` and Nesterov momentum reached
# 77.64 % top-1 with Attention-56; the paper says 78.24 %. What makes the difference is
# not known.

# %% [markdown]
# ## What you measured
#
# - The recipe is a staircase, and most of its way lies before the first drop.
# - A short loop equals `fit`; a wrong momentum only shows when compared.
# - A run that was cut off goes on bit for bit. Lose its velocities, order, count or BN
#   statistics, and no error tells you.
# - bfloat16 loses small updates, so autocast keeps the weights in float32. What it
#   saves in time, your machine has told you.
# - Averaged gradients are exact until batch norm sees only its share.
# - The rows marked "not run" are unknown here, and not every gap in the paper's table 3
#   exceeds luck.

# %% [markdown]
# ## Recap
#
# Read a recipe to its last line, and write down which lines are missing. Prove a loop
# equal to another. Store everything that the next step needs. Say what was run, on
# what, how often; and say "not run" where it was not.

# %% [markdown]
# ## Where next
#
# **Where this lives in `resattn`:** `resattn.training` (`fit`, `TrainConfig`,
# `paper_cifar`, `paper_imagenet`, `learning_rate_at`, `evaluate`), `resattn.data`
# (`Cifar`, `FolderImages`), `resattn.experiments.paper` and `resattn.experiments.reproduction`,
# and the commands `python -m resattn data`, `train`, `results` and `bench`.
#
# **Practise:** this lesson has no exercise set. Instead, take one "not run" off the
# table; or give the thousandfold shorter recipe other seeds, and watch the spread.
#
# Lesson 11 opens trained networks, and asks what their masks see.
