# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 09 The whole network
#
# Units, masks, merge: every part is on the table. Today they become one network, and
# every number of it is counted.

# %% [markdown]
# ## What you will build
#
# - Attention-56 and Attention-92 in three short cells: equal to `resattn`'s in their
#   logits, and to the released networks in their counts;
# - an instrument that reads a network's depth off its gradient graph, and one that
#   weighs what training must remember;
# - a wrong port that passes every count.

# %% [markdown]
# ## Why it matters
#
# Most people meet this network as somebody's port, and then ask: why is my parameter
# count not the paper's? Why are things added twice here? Why does my input size crash?
# How much memory will it take? Each has an answer that can be measured before anything
# is trained.

# %% setup
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

import resattn
from resattn import plots
from resattn.data import ClutteredDigits
from resattn.experiments.paper_numbers import T2, T6
from resattn.resampling import pool
from resattn.units import PreActBottleneck, conv1x1, norm_relu

torch.set_num_threads(1)  # steadier on a busy machine

# %% [markdown]
# ## Four letters and a depth
#
# The paper's p, t and r shape a module; m says how many stand in a stage.
#
# | letter | counts | usual value |
# |---|---|---|
# | *p* | units before the split into trunk and mask, and again after the merge | 1 |
# | *t* | units of the trunk, between split and merge | 2 |
# | *r* | units between two poolings of the mask | 1 |
# | *m* | attention modules in each of three stages | 1 |
#
# The number in "Attention-56" is a depth: the convolutions and linear layers that an
# image meets on its way along the **trunk**. Let us count. A module has $p + t + p$
# units on that way, of three convolutions each: $3(2p + t)$. There are $m$ modules in
# each of three stages: $9m(2p + t)$. Outside the modules stand the stem's convolution,
# six more units and the classifier: $1 + 6 \cdot 3 + 1 = 20$. Together:
#
# $$\text{depth} = 9m(2p + t) + 20$$
#
# With the usual $p = 1$, $t = 2$ that is $36m + 20$. The paper's deepest network has
# $p = 2$, $t = 4$, $r = 3$, $m = 6$. Which number does it carry?

# %% guess-depth
my_guess = 236  # change me before you run on


# %% [markdown]
# A formula can be misread, so let the built network count. Autograd keeps a graph of
# what was computed from what; depth is the most convolutions and linear layers on any
# path through it. To see the trunk alone we build the network without masks. The `meta`
# device computes shapes and graphs but no numbers, so this needs no memory.

# %% longest-path
def longest_path(output):
    """The most convolutions and linear layers on one path to `output`."""
    most, waiting = {}, [output.grad_fn]
    while waiting:
        node = waiting[-1]
        sources = [source for source, _ in node.next_functions if source is not None]
        unseen = [source for source in sources if source not in most]
        if unseen:  # these first
            waiting += unseen
            continue
        waiting.pop()
        weighted = node.name().startswith(("Convolution", "Addmm"))
        most[node] = weighted + max((most[source] for source in sources), default=0)
    return most[output.grad_fn]


def measured_depth(name, **options):
    with torch.device("meta"):
        model = resattn.create_model(name, **options)
        side = model.config.image_size
        return longest_path(model(torch.zeros(1, 3, side, side)))


# %% depths
print("network             p  t  modules  formula  measured")
for name in ("attention56", "attention92", "cifar_attention236", "cifar_attention452"):
    config = resattn.get_config(name)
    modules = [stage.modules for stage in config.stages if stage.modules]
    formula = 3 * sum(modules) * (2 * config.p + config.t) + 20
    measured = measured_depth(name, merge="none")
    assert measured == formula
    print(f"{name:18}{config.p:3}{config.t:3}{'/'.join(map(str, modules)):>9}"
          f"{formula:9}{measured:10}")
print(f"you said {my_guess}; measured {measured}")

# %% [markdown]
# Attention-92 on ImageNet has 1, 2 and 3 modules: six in all, as if *m* were 2. And *r*
# is not in the formula: the name ignores the masks. Put them back, and ask for the
# longest path again.

# %% with-masks
for name in ("attention56", "attention92"):
    print(f"{name}: {measured_depth(name)} layers on the longest path, masks included")


# %% [markdown]
# The longest path runs through every mask. With $r = 1$, a mask of $d$ poolings has
# $2d$ units on its longest way and two 1x1 convolutions behind them: $6d + 2$ layers,
# where the trunk beside it has six. The trunk is the short way through.

# %% [markdown]
# ## Attention-56, written out
#
# The unit is lesson 01's, its inner width a quarter of its channels. The hourglass is
# lesson 03's, with *d* poolings; everything it adds, it adds in `join`.

# %% bricks
def unit(c_in, c_out, stride=1):
    return PreActBottleneck(c_in, c_out, width=c_out // 4, stride=stride)


def units(c, n):
    return nn.Sequential(*[unit(c, c) for _ in range(n)])


class Hourglass(nn.Module):
    def __init__(self, c, d, r=1):
        super().__init__()
        self.d, self.down, self.up = d, units(c, r), units(c, r)
        self.skip = unit(c, c) if d > 1 else None
        self.inner = type(self)(c, d - 1, r) if d > 1 else None

    def join(self, low):
        return self.skip(low) + self.inner(low)

    def enlarge(self, y, like):  # to the size of the map that y joins
        size = like.shape[-2:]
        return F.interpolate(y, size=size, mode="bilinear", align_corners=True)

    def forward(self, x):  # (B, c, H, W) -> (B, c, H, W)
        low = self.down(pool(x))  # (B, c, H // 2, W // 2)
        return self.enlarge(self.up(low if self.d == 1 else self.join(low)), x)


# %% [markdown]
# The module: *p* units, the split, lesson 05's merge, *p* units. Mind where the mask
# reads: the raw output of the first *p* units.

# %% module
class Module(nn.Module):
    def __init__(self, c, d, p=1, t=2, r=1, hourglass=Hourglass):
        super().__init__()
        self.before = units(c, p)
        self.trunk = units(c, t)
        self.mask = nn.Sequential(
            hourglass(c, d, r),
            norm_relu(c), conv1x1(c, c), norm_relu(c), conv1x1(c, c), nn.Sigmoid(),
        )
        self.after = units(c, p)

    def forward(self, x):  # (B, c, H, W) -> (B, c, H, W)
        x = self.before(x)
        T, M = self.trunk(x), self.mask(x)
        return self.after((1 + M) * T)


# %% [markdown]
# And the network, table 2 of the paper from top to bottom. The comments give the side
# of the map for an image of side 224.

# %% network
def attention_network(modules=(1, 1, 1), hourglass=Hourglass):
    layers = [
        nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),  # 112
        norm_relu(64),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),  # 56
    ]
    c_in = 64
    for i, m in enumerate(modules):  # 56, 28, 14
        c, d = 256 * 2**i, 3 - i
        layers.append(unit(c_in, c, stride=1 if i == 0 else 2))
        layers += [Module(c, d, hourglass=hourglass) for _ in range(m)]
        c_in = c
    layers += [unit(1024, 2048, stride=2), unit(2048, 2048), unit(2048, 2048)]  # 7
    layers += [norm_relu(2048), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(2048, 1000))


# %% [markdown]
# ## First check: the counts
#
# The authors released their networks as layer lists. Here is what adding those up
# gives, by the same rules as ours.

# %% counts
released = {"Attention-56": (31_810_728, 6_270_836_736),
            "Attention-92": (52_466_344, 10_533_789_696)}
for (name, expected), modules in zip(released.items(), ((1, 1, 1), (1, 2, 3))):
    with torch.device("meta"):
        network = attention_network(modules)
    found = (resattn.count_parameters(network),
             resattn.count_multiply_adds(network, (3, 224, 224)))
    print(f"{name}: {found[0]:,} parameters, {found[1]:,} multiply-adds;",
          f"as released: {found == expected}")

# %% [markdown]
# ## "Why is my parameter count not the paper's?"
#
# Batch norm also stores a running mean and variance for each channel. They are not
# trained, and PyTorch does not call them parameters; other tools did.

# %% paper-counts
print("              parameters   with statistics   table 2   multiply-adds   table 2")
for key, paper in T2.items():
    with torch.device("meta"):
        network = resattn.create_model(key)
    parameters = resattn.count_parameters(network)
    stored = parameters + sum(b.numel() for b in network.buffers() if b.dim() == 1)
    work = resattn.PRESETS[key].multiply_adds / 1e9
    print(f"{key:13}{parameters:11,}{stored:18,}{paper['parameters']:8} M"
          f"{work:14.2f} G{paper['flops']:8} G")


# %% [markdown]
# With the statistics, Attention-56 has the paper's 31.9 M. (Table 2 has 6.2 G, table 7
# has 6.3 for the same network; we count 6.27.) For Attention-92 the released file and
# the table disagree, with the statistics or without, and the cause is unknown. If your
# port has exactly the released count, blame the table.

# %% [markdown]
# ## Second check: the logits
#
# Equal counts prove little, as you will see. So give both networks the same weights and
# the same images. The layers have other names and another order in the package, but an
# image *meets* them in the same order in both. So we note who is met when, and pair
# them. (The trick also serves to load other people's weights.)

# %% layers-met
def layers_met(network):
    """The layers that own weights, by name, in the order an image meets them."""
    met = []

    def note(name):
        return lambda *_: met.append(name)

    owners = [(name, layer) for name, layer in network.named_modules()
              if list(layer.parameters(recurse=False))]
    hooks = [layer.register_forward_hook(note(name)) for name, layer in owners]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, 64, 64).to(next(network.parameters())))
    for hook in hooks:
        hook.remove()
    return met


def adopt(network, other):
    """Give `network` the very tensors of `other`: a second copy would cost memory."""
    values, adopted = other.state_dict(), {}
    for mine, theirs in zip(layers_met(network), layers_met(other), strict=True):
        for key in other.get_submodule(theirs).state_dict():
            adopted[f"{mine}.{key}"] = values[f"{theirs}.{key}"]
    network.load_state_dict(adopted, assign=True)


# %% same-logits
torch.manual_seed(0)
theirs = resattn.attention56()  # the only 32 million weights of this lesson
with torch.device("meta"):
    mine = attention_network()
adopt(mine, theirs)
digits = ClutteredDigits("test", 10, size=97).images.float() / 255
images = digits[:4, :, :, 20:84].expand(-1, 3, -1, -1)  # (4, 3, 97, 64)


def logits(network, training):
    with torch.no_grad():
        return network.train(training)(images)  # (4, 1000)


def apart(a, b):  # relative L2 difference
    return ((a - b).norm() / b.norm()).item()


for training in (True, False):  # the first also gives BN statistics worth comparing
    gap = apart(logits(mine, training), logits(theirs, training))
    print(f"training={training}: relative difference < 1e-4: {gap < 1e-4}")


# %% [markdown]
# What is left is the rounding of float32. (One side of the images is odd, on purpose.)

# %% [markdown]
# ## Third check: what a wrong port passes
#
# "Why are things added twice in port X?" Several public ports add the map from *before*
# the skip unit as well. Lesson 03 saw what that does to one mask. Here it is in every
# mask that has skips, with the rest of the network behind it.

# %% wrong-port
class AddsTwice(Hourglass):
    def join(self, low):
        return self.skip(low) + self.inner(low) + low  # the slip


with torch.device("meta"):
    wrong, right = attention_network(hourglass=AddsTwice), attention_network()
    zeros = torch.zeros(1, 3, 224, 224)
    checks = {
        "parameters": resattn.count_parameters,
        "multiply-adds": lambda n: resattn.count_multiply_adds(n, (3, 224, 224)),
        "longest path": lambda n: longest_path(n(zeros)),
        "shape of logits": lambda n: tuple(n(zeros).shape),
    }
    for what, check in checks.items():
        found, wanted = check(wrong), check(right)
        print(f"{what}: {found} in the wrong port, {wanted} in the right one")
print("state dict:", wrong.load_state_dict(mine.state_dict(), assign=True))

# %% [markdown]
# Nothing tells them apart. With the same weights, by what share will the logits differ
# (relative L2 difference)?

# %% guess-twice
my_guess = 0.02  # change me before you run on

# %% measure-twice
for training in (True, False):
    gap = apart(logits(wrong, training), logits(theirs, training))
    print(f"training={training}: you said {my_guess:.0%}; measured {gap:.0%}")
    assert gap > 0.05


# %% [markdown]
# These weights are at their start; trained ones would give another share. Whether the
# wrong port *learns* worse we did not test. It is another network all the same, and
# weights trained in one mean something else in the other. A count cannot say so.

# %% [markdown]
# ## "Why does my input size crash?"
#
# The classifier averages over positions, so no layer needs one size of image. Yet many
# ports have one built in: their upsamplers are told 56, 28 and 14, the sizes that an
# image of side 224 gives.

# %% fixed-sizes
class FixedSizes(Hourglass):
    def enlarge(self, y, like):
        side = 7 * 2**self.d  # from 7 up to 56, 28 or 14
        return F.interpolate(y, (side, side), mode="bilinear", align_corners=True)


with torch.device("meta"):
    fixed = attention_network(hourglass=FixedSizes)
fixed.load_state_dict(mine.state_dict(), assign=True)
for side in (224, 200):
    try:
        with torch.inference_mode():
            print(side, "px:", tuple(fixed.eval()(torch.rand(1, 3, side, side)).shape))
    except RuntimeError as error:
        print(side, "px: RuntimeError:", error)

# %% [markdown]
# The repair is already in our `Hourglass`: enlarge to the size of the map that is
# joined, whatever it is.

# %% any-size
columns = ("stem", "stage 1", "stage 2", "stage 3", "stage 4")
print(f"{'image':12}", *(f"{name:>9}" for name in columns), "logits")
with torch.inference_mode():
    for size in ((224, 224), (200, 200), (97, 131), (31, 31)):
        x, sides = torch.rand(1, 3, *size), []
        for part in (theirs.eval().stem, *theirs.stages):
            x = part(x)
            sides.append("{} x {}".format(*x.shape[-2:]))
        print(f"{'{} x {}'.format(*size):12}", *(f"{side:>9}" for side in sides),
              tuple(theirs.head(x).shape))

# %% [markdown]
# Any size down to 31: that leaves 8 positions in stage 1, and its masks halve them
# three times. Below, the package refuses before it computes anything:

# %% smallest
try:
    theirs(torch.rand(1, 3, 30, 30))
except ValueError as error:
    print("ValueError:", error)


# %% [markdown]
# That a size *runs* does not mean that weights trained at another are any good there.

# %% [markdown]
# ## "How much memory?"
#
# Training holds the weights, their gradients and the optimiser's momentum, whatever the
# batch. And it holds what the forward pass **stores** for the backward pass, and this
# grows with the batch. PyTorch offers each tensor it is about to store to a hook, so
# that we can weigh it. (Weights are not weighed again, and a tensor stored twice counts
# once.)

# %% stored
def stored(part, x, network):
    """Bytes that `part(x)` stores for its backward pass, and the result."""
    held = [*network.parameters(), *network.buffers()]
    weights = {tensor.untyped_storage().data_ptr() for tensor in held}
    sizes = {}

    def weigh(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # the tensor itself would never be freed

    with torch.autograd.graph.saved_tensors_hooks(weigh, lambda tensor: tensor):
        y = part(x)
    return sum(sizes.values()), y


def megabytes(network, side, batch=1):
    size, _ = stored(network, torch.rand(batch, 3, side, side), network)
    return size / 1e6


# %% [markdown]
# One image of side 112, then two images, then one image of twice the side. By what
# factor will the last multiply the first?

# %% guess-side
my_guess = 2  # change me before you run on

# %% measure-memory
with torch.device("meta"):
    bare = resattn.create_model("attention56", merge="none")  # the trunk alone
missing = bare.load_state_dict(theirs.state_dict(), strict=False, assign=True)
assert not missing.missing_keys  # only the masks' weights found no place
held = {}
for side, batch in ((112, 1), (112, 2), (224, 1)):
    held[side, batch] = megabytes(theirs.train(), side, batch)
    trunk = megabytes(bare.train(), side, batch)
    print(f"{batch} x {side} px: {held[side, batch]:4.0f} MB stored,",
          f"{trunk:4.0f} MB without masks; ratio {held[side, batch] / trunk:.2f}")
print(f"twice the batch: x {held[112, 2] / held[112, 1]:.1f}")
print(f"you said {my_guess}; measured x {held[224, 1] / held[112, 1]:.1f}")

# %% memory-bill
weights = 4 * resattn.count_parameters(theirs) / 1e6  # float32: 4 bytes each
print(f"weights {weights:.0f} MB; with gradients and momentum {3 * weights:.0f} MB")
for batch in (1, 8, 32, 256):
    total = 3 * weights + batch * held[224, 1]
    print(f"batch {batch:3} at 224 px: {total / 1000:5.1f} GB")
x = torch.rand(1, 3, 224, 224)
print(f"eval() alone still stores {stored(theirs.eval(), x, theirs)[0] / 1e6:.0f} MB")
with torch.inference_mode():
    print(f"inference_mode stores {stored(theirs, x, theirs)[0] / 1e6:.0f} MB")

# %% [markdown]
# Memory goes with the *area* of the image, and linearly with the batch. The bill is a
# lower bound: the peak also holds results in passing, and the gradients of maps. To
# predict, use `inference_mode`: `eval()` only changes what batch norm does, and the
# network goes on storing.

# %% [markdown]
# ## Where it all lies
#
# First the parameters, module by module. What share of all of them do the three masks
# have?

# %% guess-share
my_guess = 0.1  # change me before you run on

# %% modules
count = resattn.count_parameters
columns = ("before", "trunk", "mask", "after", "all")
print("module", *(f"{name:>10}" for name in columns))
masks, everything = 0, 0
for letter, (_, module) in zip("ABC", theirs.attention_modules()):
    parts = [module.before, module.trunk, module.mask, module.after, module]
    print(f"{letter:6}", *(f"{count(part):10,}" for part in parts))
    masks, everything = masks + count(module.mask), everything + count(module)
print(f"outside the modules {count(theirs) - everything:,}")
print(f"masks: you said {my_guess:.1%}; measured {masks / count(theirs):.1%}")


# %% [markdown]
# Now multiply-adds and stored bytes as well, part by part, with and without masks.

# %% price
def price(network, x):
    """Parameters, multiply-adds and stored bytes of the six parts: (6, 3)."""
    rows = []
    for part in (network.stem, *network.stages, network.head):
        work = resattn.count_multiply_adds(part, tuple(x.shape[1:]))
        size, x = stored(part, x, network)
        rows.append((count(part), work, size))
    return torch.tensor(rows, dtype=torch.float64)


x = torch.rand(1, 3, 224, 224)
total = price(theirs.train(), x)
trunk = price(bare.train(), x)
shares = 100 * total / total.sum(0)  # (6, 3), per cent
of_masks = 100 * (total - trunk) / total.sum(0)
for what, share in zip(("parameters", "multiply-adds", "stored"), of_masks.sum(0)):
    print(f"masks' share of {what}: {share:.1f} %")

# %% price-figure
rows = ["parameters", "multiply-adds", "stored for\nbackward"]
parts = ["stem", "stage 1", "stage 2", "stage 3", "stage 4", "head"]
fig, axis = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
left = torch.zeros(3, dtype=torch.float64)
for part, share, mask, colour in zip(parts, shares, of_masks, plots.COLOURS):
    axis.barh(rows, share - mask, left=left, color=colour, label=part)
    axis.barh(rows, mask, left=left + share - mask, color=colour, hatch="////",
              edgecolor="white", linewidth=0)
    left += share
early, late = shares[:2].sum(0), shares[4:].sum(0)
assert early[2] > 50 > late[2] and late[0] > 50 > early[0]
axis.invert_yaxis()
axis.set(title=f"Stem and stage 1 hold {early[2]:.0f} % of the memory,\n"
         f"stage 4 and head {late[0]:.0f} % of the parameters", xlim=(0, 100),
         xlabel="share of Attention-56 (%), one image of side 224; masks hatched")
axis.legend(ncols=6, loc="upper center", bbox_to_anchor=(0.45, -0.22), frameon=False)
plots.show(fig, alt="Three stacked bars: parameters, multiply-adds and stored memory, "
           "each divided among stem, four stages and head, masks hatched. Most memory "
           "is in stem and stage 1, most parameters in stage 4 and head.")


# %% [markdown]
# Early maps are large and have few channels; late maps are small and have many. Weights
# follow the channels, memory follows the map, and multiply-adds follow both. If a
# network does not fit your GPU, look at its first stage.
#
# And the masks are no small addition. A fair rival would be the same trunk, made wider
# until it costs as much. Lesson 12 comes back to that.

# %% [markdown]
# ## The CIFAR networks
#
# For images of side 32 the paper never gives widths or poolings. The package takes
# ResNet-164's widths, one plain unit at either end of a stage, and poolings 3/2/1: the
# reading that fits table 6 best. For the deepest we try other *r* too.

# %% cifar
def cifar_row(name, **options):
    with torch.device("meta"):
        model = resattn.create_model(name, **options)
    ten = count(model)
    hundred = ten + 90 * (model.config.stages[-1].channels + 1)  # a wider classifier
    paper = T6[name.removeprefix("cifar_")]["parameters"]
    print(f"{name:19}{model.config.r:3}{ten / 1e6:12.2f} M{hundred / 1e6:13.2f} M"
          f"{paper:9} M")


print(f"{'network':19}{'r':>3}{'10 classes':>14}{'100 classes':>15}{'table 6':>11}")
cifar_row("cifar_attention92")
cifar_row("cifar_attention236")
for r in (1, 2, 3):
    cifar_row("cifar_attention452", r=r)

# %% [markdown]
# Two fit, if the classes are 100. The deepest fits for no *r*: 2 comes near, but the
# paper says 3. So these presets are the best-supported guess, not a fact.

# %% [markdown]
# ## Other units, same plan
#
# AttentionNeXt puts lesson 01's grouped unit in trunk and masks; its layers were
# released too. AttentionInception never was: the package's is a *reading*, its width
# chosen to fit the paper's 31.9 M and 6.3 G, and it says so.

# %% other-units
for name, preset in resattn.PRESETS.items():
    if name.startswith("attention"):
        print(f"{name:21}{preset.parameters:12,}{preset.multiply_adds / 1e9:7.2f} G",
              preset.source.split(";")[0])

# %% [markdown]
# ## What you measured
#
# - The depth formula, on the gradient graphs of four networks; the longest path through
#   the masks is longer than the name says.
# - Your network: the released counts to the last digit, and the package's logits.
# - The paper's 31.9 M counts batch norm's statistics; its 51.3 M nobody has explained.
# - A port that adds twice passes every count, and gives other logits.
# - Fixed upsampling crashes off its one size; joining by size runs down to side 31.
# - Twice the side, four times the stored memory. Masks add about half to the trunk's.
#
# What was **not** shown: that any of these networks reaches the paper's errors. No
# amount of counting can show that.

# %% [markdown]
# ## Recap
#
# Four letters and a table of stages say it all. Depth is counted along the trunk. Equal
# counts are a first check, equal logits the one that matters. Memory grows with area
# and batch, and lies where maps are large.

# %% [markdown]
# ## Where next
#
# **Where this lives in `resattn`:** `resattn.network` assembles;
# `resattn.config.NetworkConfig` holds *p*, *t*, *r* and the stages, and computes
# `depth`; `resattn.PRESETS` has every integer above, each recomputed by the test suite
# (`python -m resattn models` prints them); `resattn.count_parameters`,
# `resattn.count_multiply_adds` and `resattn.config_cost` count.
#
# **Practise:** [exercise set 09](../exercises/09_whole_network.ipynb).
# Lesson 10 takes this network to a GPU and trains it for
# real.
