# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 Naive attention
#
# Lesson 02 said what a mask can do, lesson 03 built the network that makes one. Now
# we do the obvious thing: multiply, and stack. It goes wrong. The question of this
# lesson is *what exactly* goes wrong.

# %% [markdown]
# ## What you will build
#
# - The **naive attention module**, H = M * T, from the parts of lessons 01 and 03.
# - A measurement of values, gradients and learning in stacks of 1, 2 and 4 modules a
#   stage.
# - The paper's figure 4, rebuilt on two axes and split into object and background.
# - Two experiments on the cause: a leash on the gradient, and a halved path without
#   any mask.

# %% [markdown]
# ## Why it matters
#
# The paper's central formula, (1 + M) T, is the cure for a disease, and section 3.1
# says what the disease is: features multiplied by numbers below 1, again and again,
# lose their value in deep layers. Blog posts repeat it: the numbers get smaller and
# smaller. But three different things could fail: the **values**, the **gradients**,
# or the **learning**. They need not fail together, and we understand a cure only when
# we know which did.

# %% setup
import math
from statistics import mean, stdev

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

import resattn
from resattn import masks, plots, probes
from resattn.attention import AttentionModule
from resattn.data import PlainDigits
from resattn.experiments.claims import CLAIMS
from resattn.experiments.intervals import t_interval
from resattn.experiments.recorded import origin, recorded
from resattn.units import PreActBottleneck

torch.set_default_dtype(torch.float64)  # so that every machine prints the same digits
torch.set_num_threads(1)  # maps this small gain nothing from a second thread

# %% [markdown]
# ## The naive module
#
# One residual unit, a split into trunk T (two units) and mask M, their product, one
# more unit. Units and mask are those of lessons 01 and 03, where we proved ours equal
# to the package's. Equation 1 of the paper is the product in the last line.

# %% naive
C = 8  # channels, for the proof only


def unit():
    return PreActBottleneck(C, C, width=4)  # lesson 01


def hourglass():
    head = masks.MaskHead(C, preact=True)
    return masks.HourglassMask(C, unit, poolings=2, r=1, head=head)  # lesson 03


class Naive(nn.Module):
    def __init__(self):
        super().__init__()
        self.before = unit()
        self.trunk = nn.Sequential(unit(), unit())
        self.mask = hourglass()
        self.after = unit()

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        x = self.before(x)
        return self.after(self.mask(x) * self.trunk(x))


# %% [markdown]
# Is it the package's? Same weights, odd sizes, float64, both modes, outputs and
# gradients. We ask the residual rule too: if it agreed as well, the test would be
# worth nothing.

# %% proof
def package_module(rule, state):
    parts = {"before": unit(), "trunk": nn.Sequential(unit(), unit()),
             "mask": hourglass(), "after": unit()}
    module = AttentionModule(**parts, rule=rule)
    module.load_state_dict(state)
    return module


torch.manual_seed(0)
mine = Naive()
for rule in ("nal", "arl"):
    theirs = package_module(rule, mine.state_dict())
    worst = 0.0
    for training in (True, False):
        x = torch.randn(3, C, 13, 9, requires_grad=True)
        y, z = mine.train(training)(x), theirs.train(training)(x)
        gy, gz = (torch.autograd.grad(o.square().sum(), x)[0] for o in (y, z))
        worst = max(worst, (y - z).abs().max().item(), (gy - gz).abs().max().item())
    print(f'merge="{rule}": largest difference < 1e-10: {worst < 1e-10}')

# %% [markdown]
# ## Do the values fade?
#
# From here on we take the package's networks: three stages, with *m* modules in each.
# `merge="nal"` is the naive rule, `merge="none"` the same trunk without masks, our
# control. M starts near a half (lesson 03), and with m = 4 the path through a stage
# is multiplied by M four times.
#
# So guess, before any training: at the end of **stage 3**, with m = 4, how large is
# the mean absolute response under NAL, as a share of the control's?

# %% guess-values
guess_values = 0.5**4  # change me before you run on


# %% measure-start
def network(rule, m, seed):
    torch.manual_seed(seed)
    return resattn.create_model("small_attention8", merge=rule, modules=m)


digits = PlainDigits("val")
x = digits.images[:32].double() / 255  # (32, 1, 8, 8)
labels = digits.labels[:32]
MODULES, SEEDS = (1, 2, 4), range(5)
values, gradients = {}, {}  # (rule, m): (5 seeds, 3 stages) and (5 seeds, stem + 3)
for rule in ("none", "nal"):
    for m in MODULES:
        nets = [network(rule, m, seed).train() for seed in SEEDS]
        found = [probes.responses(net, x).absolute for net in nets]
        values[rule, m] = torch.stack(found)
        norms = [probes.gradient_norms(net, x, labels) for net in nets]
        gradients[rule, m] = torch.tensor([list(norm.values()) for norm in norms])

# %% show-values
print("mean |response| at the end of stage   1     2     3   (5 seeds)")
for (rule, m), found in values.items():
    print(f"{rule:5} m = {m}                        ",
          " ".join(f"{v:5.2f}" for v in found.mean(0)))
kept = (values["nal", 4][:, -1] / values["none", 4][:, -1]).mean().item()
print(f"\nyou said {guess_values:g} of the control's; measured {kept:.2f}")

# %% [markdown]
# Smaller, yes: the control's sum grows from unit to unit, and NAL's does not. But
# that is no fading to nothing, and from m = 1 to m = 4 it changes little. Lesson 01
# tells why: each residual branch begins with batch norm (BN), which rescales whatever
# it is given, so a branch speaks at full voice however faint the path beside it.

# %% [markdown]
# ## And the gradients?
#
# Now the other direction. The probe `gradient_norms` measures how strongly the loss
# pulls at each map. With m = 4, how many times the control's gradient does NAL's have
# at the **stem**, the first map of all? Below 1 means that it vanishes.

# %% guess-gradient
guess_gradient = 0.5**12  # twelve masks; change me before you run on

# %% show-gradients
print("gradient norm at the         stem  stage 1  stage 2  stage 3   (nats per unit)")
for (rule, m), found in gradients.items():
    print(f"{rule:5} m = {m}         ",
          " ".join(f"{v:8.1e}" for v in found.mean(0)))
grown = {m: (gradients["nal", m][:, 0] / gradients["none", m][:, 0]) for m in MODULES}
for m in MODULES:
    times = float(f"{grown[m].mean():.2g}")  # two digits: more would not be robust
    print(f"m = {m}: NAL / control at the stem x {times:.0f},",
          f"all 5 seeds above 1: {bool((grown[m] > 1).all())}")
print(f"\nyou said x {guess_gradient:.1g}; measured x {times:.0f}")


# %% panel
def panel(axis, x, series, **labels):
    """The mean over runs, in a band from the smallest to the largest; log y."""
    for (name, runs), colour, mark in zip(series.items(), plots.COLOURS, "os^D"):
        runs = torch.as_tensor(runs)  # (runs, len(x))
        axis.plot(x, runs.mean(0), marker=mark, color=colour, label=name)
        axis.fill_between(x, runs.amin(0), runs.amax(0), color=colour, alpha=0.2)
    axis.set(yscale="log", **labels)
    axis.legend()


# %% start-figure
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6), layout="constrained")
for axis, data, place, what in (
    (left, values, -1, "mean |response|, stage 3"),
    (right, gradients, 0, "gradient at the stem (nats per unit)"),
):
    series = {name: torch.stack([data[rule, m][:, place] for m in MODULES], dim=1)
              for name, rule in (("no mask", "none"), ("NAL", "nal"))}
    panel(axis, MODULES, series, xlabel="modules a stage, m", ylabel=what)
    axis.set_xticks(MODULES)
left.set_ylim(0.1, 10)
assert values["nal", 4].min() > 0.1 and (grown[4] > 50).all()
fig.suptitle("Before training: the values stay in reach, the gradient explodes")
plots.show(fig, alt="Two panels against modules a stage, log axes. Left: the response "
           "of stage 3 is nearly level for NAL and rises a little without masks. "
           "Right: the gradient at the stem rises slowly without masks and steeply "
           "for NAL.")


# %% [markdown]
# The naive reasoning multiplies the factors 0.5 and forgets BN. BN divides by the
# size of its input. Halve that size, and its *derivative* doubles: that is how a
# quiet path makes a loud gradient.
#
# ## What so large a gradient means
#
# A gradient is a sensitivity. So change the images by 1 %, with random noise, and see
# by how much the maps change, relative to how much they vary at all.

# %% sensitivity
def maps_of(net, images):
    outputs = []
    places = [net.stem, *net.stages]
    hooks = [p.register_forward_hook(lambda m, i, o: outputs.append(o)) for p in places]
    with torch.no_grad():
        net(images)
    for hook in hooks:
        hook.remove()
    return outputs


torch.manual_seed(0)
noise = torch.randn_like(x)
shaken = x + 0.01 * noise * x.norm() / noise.norm()
print("change of the map after       stem  stage 1  stage 2  stage 3   (3 seeds)")
for rule in ("none", "nal"):
    changes = []
    for seed in range(3):
        net = network(rule, 4, seed).train()
        pairs = zip(maps_of(net, x), maps_of(net, shaken))
        changes.append([((b - a).norm() / (a - a.mean(0)).norm()).item()
                        for a, b in pairs])
    row = torch.tensor(changes).mean(0)
    print(f"{rule:5} m = 4          ", " ".join(f"{v:8.2f}" for v in row))

# %% [markdown]
# Near 1 or above, two nearly equal images look as different as two strangers. Without
# masks that point comes near the end of the network. Under NAL the first stage has
# already gone more than half of the way. The values are all there; what they say
# about the image is not. (This is why the setup cell asks for float64: in float32,
# two processors that round the first weights differently get visibly different
# gradients.)

# %% [markdown]
# ## Does it learn?
#
# A short race on the 8x8 digits, m = 4, at the paper's learning rate 0.1. What will
# NAL's training loss be at the end? Guessing blindly among ten classes costs the
# logarithm of 10, about 2.3 nats.

# %% guess-loss
guess_loss = 1.0  # change me before you run on


# %% train
def train(rule, seed, steps, leash=None):
    """The losses, and the norm of the stem's weights before and after step 1."""
    net = network(rule, 4, seed).float()
    net = net.to(device, memory_format=torch.channels_last)
    descent = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    stem, losses = [net.stem[0].weight.norm().item()], []
    for _ in range(steps):
        pick = torch.randint(len(train_labels), (32,)).to(device)
        loss = F.cross_entropy(net(train_images[pick]), train_labels[pick])
        descent.zero_grad()
        loss.backward()
        if leash:  # no tensor's gradient may be longer than this
            for weight in net.parameters():
                nn.utils.clip_grad_norm_(weight, leash)
        descent.step()
        losses.append(loss.item())
        stem.append(net.stem[0].weight.norm().item())
    return torch.tensor(losses).view(-1, 5).mean(1), stem[:2]  # means of 5 steps


# %% train-data
on_gpu = torch.cuda.is_available()
device = "cuda" if on_gpu else "cpu"
train_digits = PlainDigits("train")
train_images = (train_digits.images.float() / 255).to(device)  # (N, 1, 8, 8)
train_labels = train_digits.labels.to(device)
print(f"blind guessing costs {math.log(10):.1f} nats")

# %% race tags=["nbval-ignore-output"]
LONG, SHORT = 120, 30
steps = LONG if on_gpu else SHORT
print(f"the full run, {LONG} steps on this GPU" if on_gpu else
      f"short run: {SHORT} of {LONG} steps on the CPU")
losses, stems = {}, {}
for name, rule in (("no mask", "none"), ("NAL", "nal")):
    runs = [train(rule, seed, steps) for seed in range(2)]
    losses[name] = torch.stack([loss for loss, _ in runs])
    stems[name] = [stem for _, stem in runs]
    print(f"{name:8} loss of the last 5 steps:",
          *(f"{loss[-1]:.2f}" for loss in losses[name]), "nats;",
          "stem weights before and after step 1:",
          *(f"{a:.1f} -> {b:,.0f}" for a, b in stems[name]))
print(f"you said {guess_loss} for NAL; measured {losses['NAL'][:, -1].mean():.2f}")
assert losses["NAL"][:, -1].min() > losses["no mask"][:, -1].max() + 0.5
assert min(b for _, b in stems["NAL"]) > 50 * max(b for _, b in stems["no mask"])

# %% race-figure tags=["nbval-ignore-output"]
fig = plots.curves(
    torch.arange(3, steps + 1, 5), losses, xlabel="step",
    ylabel="training loss (nats; mean of 5 steps)",
    title=f"After {steps} steps NAL stands at {losses['NAL'][:, -1].mean():.1f} nats, "
          f"its trunk alone at {losses['no mask'][:, -1].mean():.1f}")
plots.show(fig, alt="Training loss against step, two seeds each. Without masks the "
           "loss falls; NAL's stays near the loss of blind guessing.")

# %% [markdown]
# NAL does not get going, and the printed weights look like the culprit: the first
# step follows the exploding gradient and throws the stem's weights to a monstrous
# size.

# %% [markdown]
# ## Is it the giant step?
#
# Then a leash should help: cut every tensor's gradient to length 1. That is an
# experiment on the cause. We give NAL four times as many steps as the short run. Will
# it, on the leash, learn as fast as its trunk does on the same leash?

# %% guess-leash
guess_leash = "yes"  # yes or no; change me before you run on

# %% leash tags=["nbval-ignore-output"]
trunk, _ = train("none", 0, SHORT, leash=1.0)
held, stem = train("nal", 0, LONG, leash=1.0)
print(f"stem weights in step 1: {stem[0]:.1f} -> {stem[1]:.1f}")
print("on a leash, training loss (nats; mean of 5 steps):")
print(f"  no mask  step {SHORT:3}: {trunk[-1]:.2f}")
for step in range(SHORT, LONG + 1, SHORT):
    print(f"  NAL      step {step:3}: {held[step // 5 - 1]:.2f}")
late = held[SHORT // 5 - 1] > trunk[-1] + 0.3
print(f"you said {guess_leash}; measured: {'no' if late else 'yes'}")
assert late and held[-1] < 2.1 and abs(stem[1] - stem[0]) < 0.5

# %% [markdown]
# On the leash the weights stay put, and in the end NAL begins to learn. It is no
# cure: the trunk alone is there in a fraction of the steps. So the giant step is not
# the whole failure. (How much of it is it? Call `train("nal", 0, LONG)`, without the
# leash, and compare.) Our reading of the rest: where tiny changes of the input
# scramble the maps, the slope on one batch says little about the next, whatever its
# length.

# %% [markdown]
# ## The recorded long runs
#
# Thirty steps are few. These runs are longer, on 16x16 digits in clutter, with three
# seeds; the command that made them is printed below. "Slow" is a tenth of the
# learning rate.

# %% recorded
names = [f"{rule}-{kind}" for kind in ("m1", "m2", "m4", "m4-slow")
         for rule in ("none", "nal")]
runs = recorded("stacking", *names)
print(f"{runs['nal-m4'][0]['steps']} steps. {origin(runs)}")
print("python -m resattn train stacking --scale small\n")


def errors(name):  # test error in per cent, one a seed
    return [100 * run["test"]["error"] for run in runs[name]]


print("test error %: mean, standard deviation, seeds")
for name in names:
    found = errors(name)
    print(f"{name:13} {mean(found):5.1f}  {stdev(found):4.1f}  {len(found)}")

# %% recorded-difference
gaps = {}
for kind in ("m1", "m2", "m4", "m4-slow"):
    pairs = zip(errors(f"nal-{kind}"), errors(f"none-{kind}"), strict=True)
    gap = gaps[kind] = t_interval([nal - none for nal, none in pairs])
    says = ("NAL is worse" if gap.low > 0 else
            "NAL is better" if gap.high < 0 else "these seeds cannot tell")
    print(f"{kind:8} NAL minus control: {gap.mean:5.1f} points,",
          f"95 % interval {gap.low:5.1f} to {gap.high:5.1f} (n = {gap.n}): {says}")
deeper = gaps["m1"].mean < gaps["m2"].mean < gaps["m4"].mean
print("the gap grows with every doubling of m:", deeper)
assert deeper and gaps["m1"].low > 0 and gaps["m4"].low > 10
print("at a tenth of the rate these seeds allow no gap:", gaps["m4-slow"].low <= 0)


# %% [markdown]
# The interval is Student's t over differences within a seed: it says how large a gap
# these seeds allow at each m, and no more. Even one module a stage costs something
# here; depth makes it a collapse. Read the slow pair with care: at that rate the
# control itself is barely trained when the steps run out. The runs show that a small
# step does not rescue NAL in this time, not that it never would.
#
# In the paper's table 3, NAL at Attention-164 reaches 7.18 % on CIFAR-10, against
# 4.31 % for ARL: it learns, only worse. Its runs are far longer than ours. So the
# direction agrees; the collapse is ours.

# %% [markdown]
# ## Figure 4, rebuilt
#
# The paper's evidence for fading values is figure 4: the mean response of each stage,
# *divided by stage 1*. For NAL it falls to 0.0086 at stage 3. Here are our trained
# networks, in both views.

# %% figure-4
def end(name, region="absolute"):  # (seeds, stages), after training, in eval mode
    return torch.tensor(
        [run["probes"]["end"]["responses"][region] for run in runs[name]])


none, nal = end("none-m4"), end("nal-m4")
relative = (nal / nal[:, :1]).mean(0)[-1].item()
first, last = ((nal / none).log().mean(0).exp()[i].item() for i in (0, -1))
print(f"NAL, stage 3 relative to stage 1: {relative:.4f} (the paper's: 0.0086)")
print(f"NAL / control, absolute (geometric mean): stage 1 x {first:.0f},",
      f"stage 3 x {last:.2f}")
assert relative < 0.1 and nal[:, 0].min() > none[:, 0].max()
culprit = "stage 1 blows up" if first > 1 / last else "stage 3 fades"
fig = plots.stage_responses(
    {"no mask, m = 4": none, "NAL, m = 4": nal},
    title=f"The relative curve falls because {culprit}")
plots.show(fig, alt="Mean response of each trained stage, three seeds. Left, absolute "
           "on a log axis; right, relative to stage 1, where NAL drops to zero: "
           f"{culprit}.")

# %% [markdown]
# The right panel looks like the paper's figure 4; the left one tells another story. A
# ratio falls when its top shrinks or when its bottom grows. Whether that is so in the
# *paper's* networks cannot be known: it prints the ratio alone.

# %% [markdown]
# ## "A good mask should lower the mean"
#
# A blog post objects to figure 4 on other grounds. Most of an image is background; a
# good mask sets it to zero; so a small mean is a sign of *success*. And on one shared
# axis, of course NAL looks like nothing. We know where the object is, so we can test
# that. If NAL's masks do their work, they quiet the background more than the object,
# and the ratio of object to background is **higher** than the control's. (The
# control's is no 1: ink is bright.)

# %% split
print("object / background, mean over seeds, at the end of stage  1     2     3")
select = {}
for kind in ("m1", "m4"):
    ratio = {}
    for rule in ("none", "nal"):
        name = f"{rule}-{kind}"
        ratio[rule] = end(name, "object") / end(name, "background")
        print(f"{name:10}                                        ",
              " ".join(f"{v:5.2f}" for v in ratio[rule].mean(0)))
    gap = select[kind] = t_interval((ratio["nal"] - ratio["none"])[:, -1].tolist())
    says = ("NAL selects the object more" if gap.low > 0 else
            "NAL selects it less" if gap.high < 0 else "no difference shown")
    print(f"  stage 3, NAL minus control: {gap.mean:+.2f},",
          f"95 % interval {gap.low:+.2f} to {gap.high:+.2f} (n = {gap.n}): {says}")

# %% split-figure
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.6), layout="constrained", sharey=True)
regions = ("object", "distractor", "background")
for axis, (title, name) in zip(axes, {"no mask": "none-m4", "NAL": "nal-m4"}.items()):
    series = {region: end(name, region) for region in regions}
    panel(axis, (1, 2, 3), series, xlabel="stage", title=f"{title}, m = 4",
          ylabel="mean |response| there")
    axis.set_xticks((1, 2, 3))
share = {region: (end("nal-m4", region) / end("none-m4", region))[:, -1].mean().item()
         for region in regions}
fig.suptitle(f"At stage 3, NAL's object is {share['object']:.0%} of the control's, "
             f"its background {share['background']:.0%}")
assert select["m1"].low <= 0 and select["m4"].low <= 0  # what the text below says
plots.show(fig, alt="Response of object, distractors and background for each stage, "
           "log axes, without masks and under NAL. Under NAL all three regions are "
           "huge at stage 1 and fall together.")


# %% [markdown]
# The post is right that the mean cannot tell, and that the axis misleads. But its
# reading, that NAL's low curve shows masks at work, finds no support here: not with
# four modules, where the network learned next to nothing, and not with one, where it
# did learn. The intervals above say how much these three seeds can exclude.

# %% [markdown]
# ## The gradient through training
#
# The recordings also kept the gradient at the stem and the responses at certain
# steps.

# %% trace
def trace(name, steps):  # (seeds, steps) of gradient at the stem, response of stage 1
    pulls, sizes = [], []
    for run in runs[name]:
        at = {0: run["probes"]["start"]} | {
            int(step): found for step, found in run["curves"]["trace"].items()}
        pulls.append([at[step]["gradient"]["stem"] for step in steps])
        sizes.append([at[step]["response"][0] for step in steps])
    return torch.tensor(pulls), torch.tensor(sizes)


marks = [0, *sorted(int(step) for step in runs["nal-m4"][0]["curves"]["trace"])]
pull, size = {}, {}
for title, name in {"no mask": "none-m4", "NAL": "nal-m4"}.items():
    pull[title], size[title] = trace(name, marks)
print("steps done   gradient at the stem      response of stage 1")
print("              no mask       NAL          no mask       NAL    (3 seeds)")
for i, step in enumerate(marks):
    row = [data[k][:, i].mean() for data in (pull, size) for k in ("no mask", "NAL")]
    print(f"{step:8}    {row[0]:9.1e} {row[1]:9.1e}        {row[2]:9.1e} {row[3]:9.1e}")

# %% trace-figure
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6), layout="constrained")
for axis, data, what in (
    (left, pull, "gradient at the stem (nats per unit)"),
    (right, size, "mean |response|, stage 1"),
):
    panel(axis, [step + 1 for step in marks], data, xlabel="steps done + 1 (log scale)",
          ylabel=what)
    axis.set_xscale("log")
before = (pull["NAL"] / pull["no mask"])[:, 0].mean().item()
after = (pull["no mask"] / pull["NAL"])[:, -1].mean().item()
grew = (size["NAL"][:, -1] / size["NAL"][:, 0]).min().item()
assert before > 10 and after > 2 and grew > 10  # what the text below says
fig.suptitle(f"NAL's gradient at the stem starts at {before:.0f} times the control's "
             f"and ends at 1/{after:.0f};\nits stage 1 grows {grew:,.0f} times or more")
plots.show(fig, alt="Two panels against training steps, log axes. Left: NAL's gradient "
           "at the stem starts far above the control's and falls far below it within a "
           "few steps. Right: NAL's stage 1 response rises by orders of magnitude.")


# %% [markdown]
# Here is figure 4 in slow motion. The exploding gradient kicks the early weights, as
# you saw in the race; stage 1's response grows. BN hides the size from the next
# layer, but weights that are huge before a BN meet a tiny gradient, and each further
# step hardly turns them. The gradient that exploded is, a few steps later, one that
# has died. Who looks only at the end will report that it vanishes.

# %% [markdown]
# ## The outside witness
#
# He et al. (2016, table 1) met the same illness with no attention in sight, by
# scaling the shortcut of each residual unit. If we are right about the mechanism, we
# need no learned mask either. So take the trunk without masks, and (a) put H = T / 2
# in each module; (b) do what He et al. did, and halve the shortcut of every unit.

# %% halves
class Half(nn.Module):
    def forward(self, x):  # (B, C, H, W) -> a mask that is 0.5 everywhere
        return torch.full_like(x, 0.5)


def halved(kind, m, seed):
    net = network("none", m, seed).train()
    for _, module in net.attention_modules():
        if kind == "H = T / 2":
            module.mask, module.merge = Half(), "nal"
    for unit in net.modules():
        identity = isinstance(unit, PreActBottleneck) and unit.projection is None
        if kind == "shortcut / 2" and identity:  # x + F(x) becomes x / 2 + F(x)
            unit.register_forward_hook(lambda unit, inputs, y: y - inputs[0] / 2)
    return net


# %% measure-halves
he_2016 = {"whole shortcut": 6.61, "halved, if it converges": 12.35}
print("He et al. 2016, table 1, error % of ResNet-110 on CIFAR-10:", he_2016)
stem = {(kind, m): torch.tensor([
            probes.gradient_norms(halved(kind, m, seed), x, labels)["stem"]
            for seed in range(3)]).mean().item()
        for kind in ("H = T / 2", "shortcut / 2") for m in MODULES}
for name, rule in (("no mask", "none"), ("NAL", "nal")):
    stem |= {(name, m): gradients[rule, m][:3, 0].mean().item() for m in MODULES}
print("\ngradient at the stem, 3 seeds   " + "".join(f"m = {m}     " for m in MODULES))
for name in ("no mask", "H = T / 2", "NAL", "shortcut / 2"):
    print(f"{name:30}", "  ".join(f"{stem[name, m]:7.1e}" for m in MODULES))
powers = {name: math.log10(stem[name, 4] / stem["no mask", 4])
          for name in ("H = T / 2", "NAL")}
assert powers["H = T / 2"] > powers["NAL"] / 2 > 0.5
assert stem["shortcut / 2", 4] > 30 * stem["H = T / 2", 4]

# %% [markdown]
# A constant half, which selects nothing and learns nothing, already brings most of
# the explosion in powers of ten. NAL adds to it: M depends on x, and that path
# carries a gradient of its own (lesson 07). Halving every shortcut, four times as
# often, is far worse still. So what breaks is what lessons 01 and 02 said would: the
# identity on the main path. It is less what the mask says than where it stands.

# %% [markdown]
# ## What fails, by name
#
# What counts as faded, exploded or failed? We take the margins of claims 1 and 3 of
# lesson 12, set before anything was recorded.

# %% verdict
fading, = CLAIMS[0].contrasts
pulling, erring = CLAIMS[2].contrasts
low, high = 10**-fading.effect, 10**pulling.effect
start = (values["nal", 4][:, -1] / values["none", 4][:, -1]).mean().item()
print(f"values:    stage 3 is x {start:.2f} of the control's before training and",
      f"x {last:.2f} after:",
      f"{'faded' if min(start, last) < low else 'not faded'} (margin x {low:.1f})")
print(f"gradients: at the stem x {before:.0f} of the control's before training:",
      f"{'exploded' if before > high else 'not exploded'} (margin x {high:.1f})")
worst, fair = mean(errors("nal-m4")), mean(errors("none-m4"))
points = 100 * erring.effect
print(f"learning:  {worst:.0f} % error against {fair:.0f} %:",
      f"{'failed' if gaps['m4'].low > points else 'not failed'}",
      f"(margin {points:.0f} point)")

# %% [markdown]
# > **In the margin.** The paper says that the values fade. At this scale, read the
# > first line above. It rests on small networks, three seeds and one data set, and
# > does not say what happened inside the paper's. But its published figure cannot
# > tell the two stories apart.
#
# If a port of yours multiplies without the 1 + M, this is how you will notice: one
# module a stage costs some points, and the deep version stays close to blind
# guessing.

# %% [markdown]
# ## What you measured
#
# - Your naive module equals the package's.
# - Before training, NAL's values are smaller than the control's and do not fade with
#   m; its gradient at the stem explodes with m, and a tiny change of the image
#   scrambles its maps.
# - In a short run at m = 4 the trunk learns and NAL does not. A leash on the gradient
#   is no cure.
# - In the recorded runs NAL is behind its control at every m, and the gap grows with
#   m.
# - Figure 4's shape comes back; on the absolute axis, stage 1 has blown up.
# - The split into object and background showed no masks at work.
# - A constant half in place of M brings an explosion too.

# %% [markdown]
# ## Recap
#
# Multiplying the main path by a mask replaces the identity. With BN in every branch
# the signal survives in size, but a tiny change of the image scrambles it. The
# gradient explodes toward the input, flings the early weights, and dies. A relative
# plot of mean responses shows none of this. Plot absolute numbers, plot gradients,
# and keep a control.

# %% [markdown]
# ## Where next
#
# **Where this lives in `resattn`:** `attention.AttentionModule` and `attention.merge`
# (rule `"nal"`), `create_model(..., merge="nal", modules=4)`; `probes.responses`,
# `probes.gradient_norms`; `plots.stage_responses`; the recipe `stacking` and
# `experiments.recorded.recorded`.
#
# **Practise:** [exercise set 04](../exercises/04_nal_failure.ipynb).
#
# Lesson 05 adds one to the mask, and repeats these measurements.
