# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00 Start here
#
# Welcome. In this course you build a residual attention network (Wang et al. 2017,
# [arXiv 1704.06904](https://arxiv.org/abs/1704.06904)) piece by piece, and measure what
# each piece does. You need Python and basic neural networks, a laptop, and nothing
# about attention.

# %% [markdown]
# ## What you will build
#
# - The data of the course: digits in clutter, with the truth about where the digit is.
# - A plain convolutional network that reads them, and a list of its mistakes.
# - A first **attention score**: how much of the network's evidence lies on the digit.

# %% [markdown]
# ## Why it matters
#
# Attention is usually shown as a coloured picture: the network looks at the bird, so it
# must be right. A picture can be chosen; a score cannot. To score attention you must
# know where the object is, and be able to say what a map that knows nothing would get.
# This lesson sets up both. The lessons after it build on both.

# %% [markdown]
# ## The map
#
# | | lesson | what you find out |
# |---|---|---|
# | **00** | Start here | what we measure, and on what |
# | **01** | [The residual unit](01_residual_unit.ipynb) | why depth needs identity |
# | **02** | [Attention as a mask](02_attention_as_a_mask.ipynb) | what a mask can say |
# | **03** | [The mask's hourglass](03_mask_hourglass.ipynb) | where a mask comes from |
# | **04** | [Naive attention](04_nal_failure.ipynb) | what goes wrong when masks are stacked |
# | **05** | [Attention residual learning](05_arl_fix.ipynb) | how 1 + M mends it |
# | **06** | [Kinds of attention](06_attention_kinds.ipynb) | what the activation decides |
# | **07** | [The gradient filter](07_gradient_filter.ipynb) | do masks stand wrong labels? |
# | **08** | [SE, CBAM and BAM](08_se_cbam_bam.ipynb) | how the neighbours differ |
# | **09** | [The whole network](09_whole_network.ipynb) | how it all fits, counted |
# | **10** | [Training for real](10_training_for_real.ipynb) | the paper's recipe on a GPU |
# | **11** | [What the masks see](11_what_the_masks_see.ipynb) | drawing masks, and scoring them |
# | **12** | [Claims on trial](12_claims_on_trial.ipynb) | which of the field's claims hold |
#
# At hand all the while: the [glossary](glossary.md), the [map from the paper to the
# code](paper_to_code.md), and, when something breaks, the [failure
# museum](90_failure_museum.ipynb).
#
# Where does it lead? The picture after the next two cells shows the whole network. Each
# box is a **stage**, whose blocks keep the size of their maps. A dashed box is an
# **attention module**. It has two branches: the **trunk** T (blue) processes the maps,
# and the **soft mask** M (orange) says how much each value of T counts. The head ends in
# **logits**, one score per class; the largest one names the class.

# %% [markdown]
# ## How a lesson works
#
# **Run cell by cell.** Press Shift+Enter, read the result, go on. A cell that only draws
# is folded; click it to see its code.
#
# **Predict, run, compare.** Before each result, a cell asks for your prediction. Replace
# its `None`, and the next cell compares your guess with the measurement. A wrong guess is
# the moment in which you learn something. If you skip it, the lesson still runs.
#
# **Everything is computed.** The numbers come from cells that you can run. Losses and
# errors of trained networks will differ a little on your machine; where they do, an
# `assert` in the cell says what must hold all the same.
#
# **Short runs are honest, and short.** Training here takes seconds on a laptop. A
# question that needs longer gets a recorded run beside the short one, with its command,
# seed and device, and the page says which is which. A GPU is welcome, never needed.
#
# First: does your machine have what the course needs? We call
# `python -m coursekit doctor` from Python. It prints what fails, and how to mend it.

# %% setup
import matplotlib.pyplot as plt
import torch
from torch import nn

from coursekit import doctor
from coursekit.predictions import compare
from resattn import drawings, plots, probes
from resattn.data import ClutteredDigits
from resattn.data.digits import load_digits, split_members
from resattn.training import TrainConfig, evaluate, fit, seed_everything

torch.set_num_threads(1)  # so small a network gains little from more, and may stall

# %% doctor tags=["nbval-ignore-output"]
needs = list(doctor.checks())
for need in needs:
    if not need.ok:
        print(need)
print(f"{len(needs)} needs checked, {sum(not need.ok for need in needs)} to mend")
print(f"PyTorch {torch.__version__},",
      f"GPU: {'yes' if torch.cuda.is_available() else 'none, the CPU will do'}")
assert all(need.ok for need in doctor.check_packages())

# %% the-network
drawings.network("attention56")

# %% [markdown]
# ## Digits in clutter, and the truth about them
#
# Each image holds one whole handwritten **digit**, to be named. Around it lie
# **fragments** cut from digits of *other* classes, and over all of it lies **noise**.
# Fragments have the same ink and strokes as the digit. Brightness tells ink from
# background, but not a digit from a fragment: the network must find out which strokes
# belong together.

# %% data
train = ClutteredDigits("train", 4000)
val = ClutteredDigits("val", 500)
test = ClutteredDigits("test", 1000)
x_test = test.images.float() / 255  # (1000, 1, 32, 32), values in [0, 1]
truth = test.object_masks  # (1000, 32, 32), True on the digit
print("images:", tuple(test.images.shape), test.images.dtype)
print("labels:", tuple(test.labels.shape), " first ten:", test.labels[:10].tolist())
print("each label occurs", torch.bincount(test.labels).unique().tolist(), "times")
print("object masks:", tuple(truth.shape), truth.dtype)
print("distractor masks:", tuple(test.distractor_masks.shape))

# %% contact-sheet tags=["hide-input"]
assert truth.any(2).any(1).all() and not (truth & test.distractor_masks).any()
fig = plots.image_grid(
    test.images[:12], labels=test.labels[:12].tolist(), object_masks=truth[:12],
    distractor_masks=test.distractor_masks[:12], columns=6,
    title="One whole digit in every image (orange), among fragments (blue, dashed)")
plots.show(fig, alt="Twelve grey images, each with its label above. An orange outline "
           "follows the one whole digit, dashed blue outlines the fragments around it; "
           "some fragments touch the digit.")

# %% [markdown]
# We made the images, so we know the **object mask**: True where the digit's ink shows.
# (The **distractor mask** is True where a fragment's does.) How big is the object?

# %% object-share
shares = truth.double().mean((1, 2))  # (1000,): the digit's share of each image
clutter = test.distractor_masks.double().mean()
print(f"the digit covers {shares.mean():.1%} of an image on average,",
      f"from {shares.min():.1%} to {shares.max():.1%}")
print(f"fragments cover {clutter:.1%} on average")

# %% object-share-figure tags=["hide-input"]
fig, axis = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
axis.hist(100 * shares.numpy(), bins=30, color=plots.COLOURS[0])
axis.axvline(100 * clutter, color=plots.COLOURS[1], ls="--",
             label="fragments, mean over images")
assert shares.mean() < clutter
axis.set(title="The digit is small, and the clutter around it is larger on average",
         xlabel="share of the image covered by the digit (%)", ylabel="test images",
         xlim=(0, 25))
axis.legend()
plots.show(fig, alt="Histogram of the share of each test image that the digit covers: "
           "one hump, all of it below a quarter of the image; the fragments' mean "
           "share is marked to the right of the hump's middle.")

# %% [markdown]
# Why this data? Because **the truth makes attention a thing to be scored**. In a
# photograph somebody must first decide what the object is. Here nobody can argue.
#
# The source is the UCI *Optical Recognition of Handwritten Digits* (Alpaydin and Kaynak
# 1998, licence CC BY 4.0), shipped with the package. A test is worth little if the
# digit was seen in training, so the splits must share no source digit. Count:

# %% splits
members = {split: {i for of_class in split_members(split) for i in of_class.tolist()}
           for split in ("train", "val", "test")}
print({split: len(found) for split, found in members.items()})
print("train and val share:", len(members["train"] & members["val"]),
      " train and test:", len(members["train"] & members["test"]),
      " val and test:", len(members["val"] & members["test"]))
together = set.union(*members.values())
print("together they are the whole source:", len(together) == len(load_digits()[1]))


# %% [markdown]
# One caution: the source does not name its writers, so one hand may appear in several
# splits.

# %% [markdown]
# ## A plain network to beat
#
# Three times convolution, batch norm, ReLU and pooling, then one linear layer. No
# attention anywhere.

# %% baseline
def block(before, after):  # (B, before, H, W) -> (B, after, H / 2, W / 2)
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def baseline():  # (B, 1, 32, 32) -> (B, 10)
    return nn.Sequential(
        block(1, 16), block(16, 32), block(32, 64),
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 10),
    )


print(f"{sum(p.numel() for p in baseline().parameters()):,} parameters")

# %% [markdown]
# `fit` is the one training loop of the course: stochastic gradient descent with
# Nesterov momentum, as in the paper. The learning rate climbs for 200 steps, then falls
# along a cosine. What share of the test digits will the network misread? Somebody who
# guesses blindly misreads nine in ten.

# %% guess-error
guess_error = None  # per cent misread; change me before you run on


# %% train tags=["nbval-ignore-output"]
def train_baseline(seed):
    seed_everything(seed)  # the network's first weights
    net = baseline()
    config = TrainConfig(steps=400, batch_size=64, learning_rate=0.1, warmup_steps=200,
                         channels_last=True, seed=seed)
    return net, fit(net, train, val, config, device="cpu", progress=False)


net, history = train_baseline(seed=0)
error = evaluate(net, test, device="cpu").error
print(f"{history.seconds:.1f} s on the {history.device};",
      f"each training image seen about {history.config.epochs(4000):.1f} times")
print(compare(guess_error, round(100 * error, 1), " %"))
assert error < 0.5

# %% loss-curve tags=["nbval-ignore-output", "hide-input"]
chunks = torch.tensor(history.loss).reshape(40, 10).mean(1)  # means of 10 steps
assert chunks[-1] < 1 < chunks[0]
fig = plots.curves(
    torch.arange(1, 41) * 10, {"training loss": chunks}, xlabel="step",
    ylabel="cross entropy (nats)",
    title=f"The loss falls from {chunks[0]:.1f} to {chunks[-1]:.2f} nats")
plots.show(fig, alt="Training loss against step, means of ten steps: after a restless "
           "start it falls, and it levels out near zero.")

# %% [markdown]
# If the loss rises before it falls, as in our run, nothing is broken. It ends low while
# a good many test digits are still misread: the network has partly learnt its training
# images by heart. That is a fair baseline for a laptop, and no record. (What is the
# climb for? Set `warmup_steps=0` and see.)

# %% [markdown]
# ## What does the clutter cost?
#
# Here is a comparison that real photographs never allow. In `ClutteredDigits` the
# option `fragments` changes nothing but the clutter: the same digits stay at the same
# places. So take the same network and the same test digits, without fragments. It was
# never trained on such images. What share does it misread now?

# %% guess-clean
guess_clean = None  # per cent misread; change me before you run on

# %% clutter tags=["nbval-ignore-output"]
errors = {}
for fragments in (0, 3, 6, 10):
    data = ClutteredDigits("test", 1000, fragments=fragments)
    assert (data.labels == test.labels).all() and (data.object_masks == truth).all()
    errors[fragments] = 100 * evaluate(net, data, device="cpu").error
print(compare(guess_clean, round(errors[0], 1), " %"))
assert errors[0] < 0.7 * errors[6] and errors[6] < errors[10]

# %% clutter-figure tags=["nbval-ignore-output", "hide-input"]
fig = plots.curves(
    list(errors), {"the same digits at the same places": list(errors.values())},
    xlabel="fragments in an image", ylabel="test images misread (%)",
    title=f"Six fragments raise the error from {errors[0]:.0f} to {errors[6]:.0f} %")
plots.show(fig, alt="Error in per cent against the number of fragments, 0 to 10: it "
           "rises from left to right, and ever more steeply.")

# %% [markdown]
# The digits are no harder: the clutter alone does this, on a network that was *trained*
# to live with clutter. For this network, the gap between zero and six fragments is what
# attention could win at most, if it removed the clutter and did nothing else. Keep it
# in mind whenever attention is sold to you: ask first how much there was to win.

# %% [markdown]
# ## Where it fails
#
# Before you believe a number, look at some of the images behind it. These are the
# misread test digits of which the network was most certain.

# %% misread tags=["nbval-ignore-output"]
net.eval()
with torch.no_grad():
    certainty, read = net(x_test).softmax(1).max(1)  # both (1000,)
wrong = read != test.labels
worst = certainty.where(wrong, torch.zeros(())).topk(8).indices
assert wrong[worst].all()
fig = plots.image_grid(
    test.images[worst], object_masks=truth[worst], columns=4,
    labels=[f"a {test.labels[i]}, read as {read[i]}" for i in worst.tolist()],
    title=f"Certain and wrong: eight of {int(wrong.sum())} misread digits")
plots.show(fig, alt="Eight misread test images with the true digit outlined in orange, "
           "its label and the network's reading above. In several of them fragments "
           "touch the digit.")


# %% [markdown]
# Look at what lies close to each outline. Sometimes a fragment seems to add the stroke
# that makes another digit; sometimes the hand was just odd. These are stories, though,
# and stories are cheap. Can we measure where the network takes its evidence from?

# %% [markdown]
# ## A first attention score
#
# Ask backpropagation: if a pixel changed a little, how much would the network's answer
# change? That is the absolute gradient of the winning logit with respect to the input,
# a **saliency map** S of the image's size.

# %% saliency
def saliency(net, images):  # (B, 1, H, W) -> (B, H, W)
    x = images.clone().requires_grad_()
    winning = net(x).max(1).values  # (B,): the logit of the digit that it reads
    (gradient,) = torch.autograd.grad(winning.sum(), x)
    return gradient.abs()[:, 0]


S = saliency(net, x_test)  # (1000, 32, 32)
print(tuple(S.shape), " finite:", bool(S.isfinite().all()))


# %% [markdown]
# And to score it: which share of the map's mass lies inside the object mask? We call it
# the **energy inside**. Two lines, and the package's version agrees:

# %% energy
def energy_inside(maps, masks):  # (B, H, W), (B, H, W) -> (B,)
    return (maps * masks).sum((1, 2)) / maps.sum((1, 2))


S = S.double()
mine, theirs = energy_inside(S, truth), probes.energy_inside(S, truth)
print("equal to 1e-12:", torch.allclose(mine, theirs, rtol=0, atol=1e-12))

# %% [markdown]
# What share of the mass of S lies on the digit, on average? All of it would be perfect.
# A map that is the same everywhere gets the digit's share of the image, which you saw
# above.

# %% guess-energy
guess_energy = None  # per cent; change me before you run on

# %% measure-energy tags=["nbval-ignore-output"]
energy = mine.mean().item()
print(compare(guess_energy, round(100 * energy), " %"))
assert shares.mean() + 0.05 < energy < 0.5

# %% saliency-figure tags=["nbval-ignore-output", "hide-input"]
shown = S[:8] / S[:8].amax((1, 2), keepdim=True)  # each by its own largest value
fig = plots.map_grid(
    shown, object_masks=truth[:8], columns=4, unit="|gradient|, largest = 1",
    title=f"The network leans towards the digit: {energy:.0%} of the mass lies inside")
plots.show(fig, alt="Saliency maps of the first eight test images with the digit "
           "outlined. Bright pixels gather on and near the digit, but many lie "
           "outside it.")

# %% [markdown]
# Is that much? A score means something only beside **baselines**, maps that know
# nothing of the network: *uniform*, a bump at the *centre*, and *input energy*, the
# image's own brightness. And one score is one opinion, so here are two more: the
# **pointing game** (is the map's largest value on the digit?) and **IoU**, the overlap
# of the digit with equally many of the map's largest pixels, as intersection over
# union.

# %% baselines tags=["nbval-ignore-output"]
maps = {"network": S, **probes.baseline_maps(x_test)}
scores = {name: probes.attention_scores(m, truth) for name, m in maps.items()}
print("map            energy  pointing   IoU")
for name, score in scores.items():
    print(f"{name:14} {score.energy.mean():6.2f} {score.pointing.mean():9.2f}",
          f"{score.iou.mean():5.2f}")
network, brightness = scores["network"], scores["input energy"]
assert network.pointing.mean() > brightness.pointing.mean() + 0.1
assert network.energy.mean() < brightness.energy.mean() + 0.1


# %% [markdown]
# Compare the first line with the last. The network's strongest pixel lies on the digit
# far oftener than the brightest pixel does. But look at the energies: in our runs mere
# *brightness*, which knows nothing of digits, does about as well as the network's
# gradient. Report the pointing game alone, and the network attends beautifully; report
# the energy alone, and it does no better than the image itself. So in this course a map
# is always named, scored in more than one way, and set beside its baselines.

# %% [markdown]
# ## What a number looks like here
#
# A mean over 1,000 images is an estimate. To see how far it could be off, draw 1,000 of
# those images again and again, with repetition, and watch the mean move: a **bootstrap
# interval**. Does the network's evidence lie elsewhere when it is wrong?

# %% bootstrap tags=["nbval-ignore-output"]
def interval(values):  # (n,) -> the middle 95 % of 2,000 redrawn means
    generator = torch.Generator().manual_seed(0)
    picks = torch.randint(len(values), (2000, len(values)), generator=generator)
    ends = torch.tensor([0.025, 0.975], dtype=torch.float64)
    return values[picks].mean(1).quantile(ends).tolist()


groups = {"share misread": wrong.double(),
          "energy, read well": mine[~wrong], "energy, misread": mine[wrong],
          "energy minus brightness's": mine - brightness.energy}
for name, values in groups.items():
    low, high = interval(values)
    print(f"{name:26} {values.mean():6.3f}, 95 % interval {low:6.3f} to {high:6.3f},",
          f"n = {len(values)}")
assert mine[~wrong].mean() > mine[wrong].mean()

# %% [markdown]
# Where the network misreads, less of its evidence lies on the digit. In our run the two
# intervals lie well apart, so that is hardly an accident of these images. It still
# proves no cause: perhaps small digits are both harder to read and harder to hit. And
# read the last line with care. An interval that leaves out zero says that a difference
# is there, not that it matters.
#
# And all of this is *one* network. Another seed gives other first weights and another
# order of the images. So train two more:

# %% seeds tags=["nbval-ignore-output"]
runs = {"error": [error], "energy": [energy],
        "pointing": [network.pointing.mean().item()]}
for seed in (1, 2):
    other, _ = train_baseline(seed)
    score = probes.attention_scores(saliency(other.eval(), x_test), truth)
    runs["error"].append(evaluate(other, test, device="cpu").error)
    runs["energy"].append(score.energy.mean().item())
    runs["pointing"].append(score.pointing.mean().item())
for name, found in runs.items():
    print(f"{name:9} mean {sum(found) / len(found):.3f},",
          f"from {min(found):.3f} to {max(found):.3f}",
          f"({len(found)} seeds, {len(test):,} test images)")
assert max(runs["error"]) < 0.5

# %% seeds-figure tags=["nbval-ignore-output", "hide-input"]
by_brightness = brightness.pointing.mean().item()
assert min(runs["pointing"]) > by_brightness
fig = plots.bars(
    {"network,\nenergy inside": runs["energy"],
     "brightness,\nenergy inside": brightness.energy.mean().item(),
     "network,\npointing game": runs["pointing"],
     "brightness,\npointing game": by_brightness},
    baselines={"uniform map": shares.mean().item()}, ylabel="score (share, 0 to 1)",
    title="All three seeds point at the digit oftener than brightness does")
plots.show(fig, alt="Four bars. In energy inside, the network, a mean over three "
           "seeds, and brightness are close; in the pointing game the network is far "
           "ahead. A dashed line marks the uniform map, below all four.")

# %% [markdown]
# The two spreads answer two questions. The bootstrap asks: what if the *test images*
# had been others? The seeds ask: what if the *training run* had been another? A claim
# that one network is better than another must survive both. Many tables in this field,
# the paper's among them, give one number a cell; lesson 12 comes back to what that is
# worth.

# %% [markdown]
# ## What you measured
#
# - The digit covers a small part of an image, less than the clutter, and the splits
#   share no source digit.
# - A plain network misreads far fewer than a blind guess. Taking the clutter away from
#   the very same digits saves it a large part of its errors.
# - Its gradient leans towards the digit, yet most of the mass lies elsewhere. It beats
#   brightness clearly in the pointing game, and in our runs not in energy.
# - Less of its evidence lies on the digit where it misreads.
# - All that with n, seeds and spread.

# %% [markdown]
# ## Recap
#
# The truth about the object turns attention from a picture into a score, and a score
# needs baselines, n and seeds. A plain network already attends a little, without being
# told. The question of the course is whether a mask that is *built in* does it better,
# and what it costs.

# %% [markdown]
# ## Where next
#
# **Where this lives in `resattn`**: `resattn.data` (`ClutteredDigits`, `PlainDigits`),
# `resattn.training` (`TrainConfig`, `fit`, `evaluate`, `seed_everything`),
# `resattn.probes` (`attention_scores`, `energy_inside`, `pointing_game`, `iou_at_area`,
# `baseline_maps`), `resattn.plots` and `coursekit.doctor`. This lesson has no exercises
# of its own; they begin with
# [exercise set 01](../exercises/01_residual_unit.ipynb), after lesson 01.
#
# [Lesson 01](01_residual_unit.ipynb) starts to build: the residual unit, the brick of
# everything that follows.
