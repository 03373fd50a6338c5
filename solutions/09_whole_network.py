# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 09: the whole network
#
# p units stand before the split of an attention module and p after its merge, t units in its trunk,
# r units between two poolings of its mask; d is the number of poolings in a mask. Every unit is a
# pre-activation bottleneck: BN-ReLU-1x1, BN-ReLU-3x3, BN-ReLU-1x1. Run the next two cells first:
# the second holds parts that several tasks share. Then every task stands on its own.

# %% setup
import torch
import torch.nn.functional as F
from torch import nn

from coursekit.checks import Check, exercise_set

exercise_set("09_whole_network")


# %% parts
def unit(c_in, c_out, stride=1):  # (B, c_in, H, W) -> (B, c_out, H, W), each side over stride
    """The bottleneck of lesson 01; its inner width is a quarter of c_out."""
    from resattn.units import PreActBottleneck

    return PreActBottleneck(c_in, c_out, width=c_out // 4, stride=stride)


def module(c, d):  # (B, c, H, W) -> (B, c, H, W)
    """An attention module with d poolings in its mask, p = 1, t = 2 and r = 1."""
    from resattn.attention import AttentionModule
    from resattn.masks import HourglassMask, MaskHead

    head = MaskHead(c, preact=True)
    mask = HourglassMask(c, lambda: unit(c, c), poolings=d, r=1, head=head)
    trunk = nn.Sequential(unit(c, c), unit(c, c))
    return AttentionModule(before=unit(c, c), trunk=trunk, mask=mask, after=unit(c, c))


def pool(x):  # (B, C, H, W) -> (B, C, H // 2, W // 2)
    return F.max_pool2d(x, 3, stride=2, ceil_mode=True)


# %% depth [markdown] task={"difficulty": 2, "minutes": 15}
# ## Task 1: Count the layers
#
# A network has a stem with one convolution, three stages, each a unit and then its modules, three
# units more, and a linear classifier. Only convolutions and linear layers count. Give its depth
# along the trunk; the most layers on *any* path from image to logits, masks included; and the
# number m of modules, the same in each stage, of a network of a given depth along the trunk: None
# if no whole m of 1 or more has it. Projections on shortcuts never lie on the longest way.

# %% depth-answer
def depth(modules, p, t):  # modules of each stage, such as (1, 2, 3) -> layers
    """Layers that an image meets along the trunk."""
    # answer
    units = sum(modules) * (2 * p + t)
    return 3 * units + 3 * 6 + 2
    # end answer


def longest(modules, poolings, p, t, r):  # modules and d of each stage -> layers
    """The most layers on any path, through trunks or masks."""
    # answer
    layers = 20
    for m, d in zip(modules, poolings):
        mask = 3 * 2 * r * d + 2
        layers += m * (6 * p + max(3 * t, mask))
    return layers
    # end answer


def modules_for(layers, p, t):  # depth along the trunk -> modules in each stage, or None
    """The m whose network has this depth."""
    # answer
    m, left = divmod(layers - 20, 9 * (2 * p + t))
    return m if left == 0 and m >= 1 else None
    # end answer


# %% depth-check points=5
check = Check("depth-check")
for modules, p, t in [((1, 1, 1), 1, 2), ((1, 2, 3), 1, 2), ((6, 6, 6), 2, 4),
                      ((0, 0, 0), 1, 2), ((4, 0, 1), 3, 1)]:
    check(f"depth, modules {modules}, p = {p}, t = {t}", depth, modules, p, t)
check.done()

# %% depth-check-2 points=6
check = Check("depth-check-2")
for modules, d, p, t, r in [
    ((1, 1, 1), (3, 2, 1), 1, 2, 1),
    ((6, 6, 6), (3, 2, 1), 2, 4, 3),
    ((2, 0, 1), (3, 2, 1), 1, 4, 1),
    ((1, 2, 1), (1, 1, 1), 2, 9, 1),
]:
    label = f"longest path, modules {modules}, d = {d}, p = {p}, t = {t}, r = {r}"
    check(label, longest, modules, d, p, t, r)
check.done()

# %% depth-check-3 points=4
check = Check("depth-check-3")
for layers, p, t in [(56, 1, 2), (164, 1, 2), (452, 2, 4), (452, 1, 2), (110, 1, 2), (20, 1, 2),
                     (65, 2, 1)]:
    check(f"modules for depth {layers}, p = {p}, t = {t}", modules_for, layers, p, t)
check.done()


# %% depth-hints [markdown]
# <details><summary>Hint 1</summary>How many layers has a unit? How many units of a module lie on
# the way along its trunk, and what stands outside the modules?</details>
#
# <details><summary>Hint 2</summary>Where trunk and mask part, a path takes one of the two. On a
# mask's longest way lie r units after each pooling and r before each enlargement, and two 1x1
# convolutions at the end; a skip is a shorter way.</details>
#
# <details><summary>Hint 3</summary>Outside stand 1 + 6 · 3 + 1 = 20 layers. A module adds 6p and
# then the larger of 3t and 6rd + 2. For the last function, divide what is left above 20 by
# 9 (2p + t), and look at the remainder.</details>

# %% table [markdown] task={"difficulty": 2, "minutes": 15}
# ## Task 2: Which count did they print?
#
# Count a network twice: its parameters, frozen ones too, and these together with the running means
# and variances of its batch norms; nothing else that is stored. Then say whether a count, rounded
# as a table's entry in millions is, gives that entry. Last, name the count behind the entry:
# `"parameters"`, `"with statistics"`, `"both"` or `"neither"`.

# %% table-answer
def counts(network):  # -> two whole numbers
    """Its parameters, and these with the running statistics of its batch norms."""
    # answer
    parameters = sum(weight.numel() for weight in network.parameters())
    statistics = sum(stored.numel() for name, stored in network.named_buffers()
                     if name.endswith(("running_mean", "running_var")))
    return parameters, parameters + statistics
    # end answer


def gives(count, entry):  # a whole number, millions such as "31.9", "5.10" or "12" -> bool
    """Whether the count, rounded to as many decimals as the entry has, is the entry."""
    # answer
    decimals = len(entry.partition(".")[2])
    return f"{count / 1e6:.{decimals}f}" == entry
    # end answer


def behind(network, entry):  # -> "parameters", "with statistics", "both" or "neither"
    """Which of the two counts gives the entry of the table."""
    # answer
    plain, more = (gives(count, entry) for count in counts(network))
    if plain and more:
        return "both"
    return "parameters" if plain else "with statistics" if more else "neither"
    # end answer


# %% table-check points=6
check = Check("table-check")


def counted(kind):
    norm = {"norm without statistics": {"track_running_stats": False},
            "norm without scale and shift": {"affine": False}}
    layers = [nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8, **norm.get(kind, {})), unit(8, 8)]
    network = nn.Sequential(*layers, nn.Linear(8, 10))
    if kind == "frozen first layer":
        network[0].requires_grad_(False)
    if kind == "stored mean colour":
        network.register_buffer("mean_colour", torch.zeros(3))
    return counts(network)


for kind in ("plain network", "norm without statistics", "norm without scale and shift",
             "frozen first layer", "stored mean colour"):
    check(kind, counted, kind)
check.done()

# %% table-check-2 points=4
check = Check("table-check-2")
for count, entry in [(8_566_000, "8.6"), (8_566_000, "8.5"), (8_566_000, "8.57"),
                     (8_549_000, "8.6"), (12_000_400, "12.00"), (11_700_000, "12"),
                     (62_000_000, "59.1"), (52_466_344, "51.3")]:
    check(f"{count:,} and {entry} M", gives, count, entry)
check.done()

# %% table-check-3 points=5
check = Check("table-check-3")


def released(name):
    import resattn

    with torch.device("meta"):
        return resattn.create_model(name)


def named(entry):
    return behind(attention56, entry)


def invented(entry):  # 1,001,000 parameters and 1,000 statistics
    layers = [nn.Conv2d(1000, 1000, 1, bias=False, device="meta")]
    layers += [nn.BatchNorm2d(500, device="meta")]
    return behind(nn.Sequential(*layers), entry)


attention56 = released("attention56")
for entry in ("31.9", "31.8", "32"):
    check(f"Attention-56, {entry} M", named, entry)
for entry in ("1.0", "1.001", "1.002", "1.003"):
    check(f"one convolution and one norm, {entry} M", invented, entry)
check.done()


# %% table-hints [markdown]
# <details><summary>Hint 1</summary>Print the names in <code>network.state_dict()</code>, and cross
# out what is neither a parameter nor a statistic.</details>
#
# <details><summary>Hint 2</summary>A norm's buffers are called <code>running_mean</code>,
# <code>running_var</code> and <code>num_batches_tracked</code>; the last is only a counter. To
# compare as a table rounds, format the count with as many decimals as the entry has.</details>
#
# <details><summary>Hint 3</summary>Sum over <code>network.named_buffers()</code> where the name
# ends with one of the first two. With <code>decimals = len(entry.partition(".")[2])</code> the
# comparison is <code>f"{count / 1e6:.{decimals}f}" == entry</code>.</details>

# %% price [markdown] task={"difficulty": 3, "minutes": 20}
# ## Task 3: The price of a module
#
# Derive, for units of c channels with c // 4 inside, the parameters of a unit (no convolution has a
# bias; each BN has a scale and a shift a channel), of a mask and of a module; and what the norms of
# a module store in running statistics. A mask has 2r units at the lowest resolution; each of the
# d - 1 levels above it has r units going down, r going up, and one on the skip. Its head,
# BN-ReLU-1x1 twice, has c channels throughout. Last, the fair rival: how many whole units could be
# added to a trunk for the price of a mask? Pencil and paper: build no network.

# %% price-answer
def unit_parameters(c):  # channels -> a whole number
    """Of a unit from c channels to c channels."""
    # answer
    w = c // 4
    convolutions = c * w + 9 * w * w + w * c
    return convolutions + 2 * (c + w + w)
    # end answer


def mask_parameters(c, d, r):  # channels, poolings, r -> a whole number
    """Of a whole mask, with its head."""
    # answer
    units = 2 * r + (d - 1) * (2 * r + 1)
    head = 2 * (2 * c + c * c)
    return units * unit_parameters(c) + head
    # end answer


def module_parameters(c, d, p, t, r):  # -> a whole number
    """Of an attention module."""
    # answer
    return (2 * p + t) * unit_parameters(c) + mask_parameters(c, d, r)
    # end answer


def module_statistics(c, d, p, t, r):  # -> a whole number
    """Running means and variances of all norms in an attention module."""
    # answer
    w = c // 4
    every = (2 * p + t) + 2 * r + (d - 1) * (2 * r + 1)
    channels = every * (c + 2 * w) + 2 * c
    return 2 * channels
    # end answer


def rival(c, d, r):  # -> units
    """The most trunk units that cost no more parameters than the mask."""
    # answer
    return mask_parameters(c, d, r) // unit_parameters(c)
    # end answer


# %% price-check points=6
check = Check("price-check")
for c in (8, 256, 1024):
    check(f"a unit of {c} channels", unit_parameters, c)
for c, d, r in [(256, 3, 1), (512, 2, 1), (1024, 1, 1), (16, 1, 3), (64, 4, 2)]:
    check(f"a mask, c = {c}, d = {d}, r = {r}", mask_parameters, c, d, r)
    check(f"its rival, c = {c}, d = {d}, r = {r}", rival, c, d, r)
check.done()

# %% price-check-2 points=4
check = Check("price-check-2")
for c, d, p, t, r in [(256, 3, 1, 2, 1), (1024, 1, 1, 2, 1), (64, 3, 2, 4, 3), (16, 2, 3, 1, 2)]:
    label = f"a module, c = {c}, d = {d}, p = {p}, t = {t}, r = {r}"
    check(label, module_parameters, c, d, p, t, r)
check.done()

# %% price-check-3 points=5
check = Check("price-check-3")
for c, d, p, t, r in [(256, 3, 1, 2, 1), (1024, 1, 1, 2, 1), (64, 3, 2, 4, 3), (16, 2, 3, 1, 2)]:
    label = f"statistics, c = {c}, d = {d}, p = {p}, t = {t}, r = {r}"
    check(label, module_statistics, c, d, p, t, r)
check.done()


# %% price-hints [markdown]
# <details><summary>Hint 1</summary>List the six layers of a unit that own weights, each with its
# channels in and out. Which of them have c, and which c // 4?</details>
#
# <details><summary>Hint 2</summary>With w = c // 4, the convolutions of a unit have c w + 9 w w + w
# c weights, and its norms c + 2 w channels in all, each with two numbers. A mask has
# 2r + (d - 1)(2r + 1) units, a module (2p + t) more.</details>
#
# <details><summary>Hint 3</summary>The head has 2 (2 c + c c) parameters. A norm has as many
# statistics as parameters: two a channel, so 2 (c + 2 w) in each unit and 4 c in the head. The
# rival is a whole division, <code>//</code>.</details>

# %% assemble [markdown] task={"difficulty": 3, "minutes": 20}
# ## Task 4: Put it together
#
# Make the list of layers of a network from the given parts, for images (B, 3, H, W) and any number
# of stages. The stem gives c // 4 channels. Stage 1 has c channels and keeps the stem's map; each
# later stage has twice the channels and half the side of the one before. A stage is one `unit`,
# which makes these changes, and then its modules. The masks of the last stage pool once, those of
# each stage before once more. Behind the stages stand three units with twice the channels and half
# the side of the last stage, and the head.

# %% assemble-parts
def stem(c):  # (B, 3, H, W) -> (B, c, about H / 4, about W / 4)
    conv = nn.Conv2d(3, c, 7, stride=2, padding=3, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(c), nn.ReLU(),
                         nn.MaxPool2d(3, stride=2, ceil_mode=True))


def head(c, classes):  # (B, c, H, W) -> (B, classes)
    return nn.Sequential(nn.BatchNorm2d(c), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(c, classes))


# %% assemble-answer
def assemble(c, modules, classes):  # channels of stage 1, modules of each stage -> list of layers
    """All layers in their order: stem, units and modules, head."""
    # answer
    layers, c_in = [stem(c // 4)], c // 4
    for i, m in enumerate(modules):
        c_out, d = c * 2**i, len(modules) - i
        layers.append(unit(c_in, c_out, stride=1 if i == 0 else 2))
        layers += [module(c_out, d) for _ in range(m)]
        c_in = c_out
    last = 2 * c_in
    layers += [unit(c_in, last, stride=2), unit(last, last), unit(last, last)]
    return [*layers, head(last, classes)]
    # end answer


# %% assemble-check points=14
check = Check("assemble-check")


def logits(c, modules, classes, shape, training):
    network = check.fill(nn.Sequential(*assemble(c, modules, classes)))
    return network.train(training)(check.normal(*shape))


def in_full(modules):
    with torch.device("meta"):
        return nn.Sequential(*assemble(256, modules, 1000))


check("Attention-56 in full", in_full, (1, 1, 1))
check("three stages, one image", logits, 8, (1, 1, 1), 10, (1, 3, 65, 50), False)
check("two stages, training", logits, 8, (2, 1), 7, (2, 3, 33, 46), True)
check("one stage", logits, 16, (2,), 5, (2, 3, 21, 12), False)
check("a stage without modules", logits, 8, (0, 2), 4, (1, 3, 30, 31), False)
check.done()

# %% assemble-hidden points=4
check = Check("assemble-hidden")
modules, size = (1 + check.integers(0, 2), check.integers(0, 3)), 24 + check.integers(0, 20)
check("a drawn network", logits, 8, modules, 3, (2, 3, size, 30), True)
check.done()


# %% assemble-hints [markdown]
# <details><summary>Hint 1</summary>Write down, for three stages, the channels, the stride of the
# first unit and the poolings of each. Which of them follow from the stage's number?</details>
#
# <details><summary>Hint 2</summary>Stage i, counted from 0, has c * 2**i channels and len(modules)
# - i poolings. Only the units of stage 1 and the last two of the tail have stride 1.</details>
#
# <details><summary>Hint 3</summary>Begin with <code>layers, c_in = [stem(c // 4)], c // 4</code>.
# In the loop append <code>unit(c_in, c_out, stride=1 if i == 0 else 2)</code>, then m *new*
# modules, and set <code>c_in = c_out</code>. Three units to 2 * c_in follow, the first with stride
# 2, and then the head.</details>

# %% bug [markdown] task={"difficulty": 3, "minutes": 15}
# ## Task 5: Mend the port, and catch the next one
#
# `Port` is the hourglass of a mask with d poolings and r = 1, from (B, c, H, W) to the same shape.
# It passes every count and runs on the maps of the given `side`. Mend its `forward`: it should do
# what lesson 09's `Hourglass` does, on maps of any size. Then write the test that no count can
# replace: give `mine` the weights of `theirs` (the names are the same), and return the relative L2
# difference of their outputs in evaluation mode, |mine(x) - theirs(x)| / |theirs(x)|.

# %% bug-answer
class Port(nn.Module):
    """One level of the hourglass; `inner` is the next."""

    def __init__(self, c, d, side):
        super().__init__()
        self.d, self.side = d, side
        self.down, self.up = unit(c, c), unit(c, c)
        self.skip = unit(c, c) if d > 1 else None
        self.inner = Port(c, d - 1, side // 2) if d > 1 else None

    def forward(self, x):  # (B, c, H, W) -> (B, c, H, W)
        # answer
        low = y = self.down(pool(x))
        if self.d > 1:
            y = self.skip(low) + self.inner(low)
        size = x.shape[-2:]
        return F.interpolate(self.up(y), size=size, mode="bilinear", align_corners=True)
        # given
        # low = y = self.down(pool(x))
        # if self.d > 1:
        #     y = y + self.skip(low) + self.inner(low)
        # size = (self.side, self.side)
        # return F.interpolate(self.up(y), size=size, mode="bilinear", align_corners=True)
        # end answer


def gap(mine, theirs, x):  # two modules with the same names, a batch -> a number
    """How far apart their outputs are, once the weights are the same."""
    # answer
    mine.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        a, b = mine.eval()(x), theirs.eval()(x)
    return ((a - b).norm() / b.norm()).item()
    # end answer


# %% bug-check points=12
check = Check("bug-check")


def ported(d, side, shape, training):
    port = check.fill(Port(shape[1], d, side)).train(training)
    return port(check.normal(*shape))


check("d = 3, maps of its side", ported, 3, 8, (2, 4, 8, 8), False)
check("d = 2, odd maps of its side, training", ported, 2, 9, (2, 8, 9, 9), True)
check("d = 1, another side, odd maps", ported, 1, 8, (1, 4, 5, 7), False)
check("d = 2, another side, one image", ported, 2, 16, (1, 4, 13, 10), False)
check("d = 3, another side, training", ported, 3, 56, (2, 4, 17, 23), True)
check.done()

# %% bug-check-2 points=6
check = Check("bug-check-2")


class AddsMore(nn.Sequential):
    """A module with the names of another, and another function."""

    def forward(self, x):
        return super().forward(x) + x


def caught(added, shape):
    kind = AddsMore if added else nn.Sequential

    def layers():
        return nn.BatchNorm2d(shape[1]), nn.Conv2d(shape[1], shape[1], 3, padding=1)

    mine, theirs = check.fill(kind(*layers()), "mine"), nn.Sequential(*layers())
    return gap(mine, check.fill(theirs, "theirs"), check.normal(*shape))


for shape in [(2, 3, 5, 7), (1, 4, 6, 3)]:
    check(f"the same function, {shape}", caught, False, shape)
    check(f"one map too many, {shape}", caught, True, shape)
check.done()


# %% bug-hints [markdown]
# <details><summary>Hint 1</summary>Draw one level of the hourglass: which maps meet in its sum, and
# which of them has met a unit of its own on the way? Then feed it a map that is not
# square.</details>
#
# <details><summary>Hint 2</summary>Two things are wrong. Three maps are added where two should be.
# And the size to enlarge to is known without asking for <code>side</code>.</details>
#
# <details><summary>Hint 3</summary>The sum is <code>self.skip(low) + self.inner(low)</code>, the
# size <code>x.shape[-2:]</code>. For the test, <code>mine.load_state_dict(theirs.state_dict())
# </code>, then both outputs after <code>.eval()</code>, and <code>.norm()</code> of the difference
# over that of theirs.</details>

# %% memory [markdown] task={"difficulty": 4, "minutes": 25}
# ## Task 6: What training remembers
#
# On paper: every convolution and every norm of a unit stores the map that it reads, for the
# backward pass; a ReLU works in place, and a sum stores nothing. How many numbers do n units in a
# row store on maps (B, c, H, W), with c // 4 channels inside? Next, training holds weights,
# gradients and momentum, and a share for each image: what batch fits? Then measure: `stored` gives
# the bytes that `network(x)` stores, each storage once, the network's own parameters and buffers
# left out; `doubled`, by what factor that grows with twice the side, for `picture(c, side)`.

# %% memory-picture
def picture(c, side):  # -> (1, c, side, side)
    """One noise image in float64; the networks here are in float64 and in training mode."""
    return Check("memory-picture", 0).normal(1, c, side, side)


# %% memory-answer
def stored_numbers(n, c, shape):  # units, channels, (B, H, W) -> a whole number
    """The numbers in the maps that n units store; the few per channel are left out."""
    # answer
    B, H, W = shape
    w = c // 4
    norms, convolutions = c + w + w, c + w + w
    return n * (norms + convolutions) * B * H * W
    # end answer


def largest_batch(memory, weights, image):  # bytes: there are, of weights, an image -> images
    """The most images whose training fits; 0 if none does."""
    # answer
    free = memory - 3 * weights
    return max(0, free // image)
    # end answer


def stored(network, x):  # a module and its input -> bytes
    """What network(x) stores for its backward pass."""
    # answer
    own = {tensor.untyped_storage().data_ptr()
           for tensor in [*network.parameters(), *network.buffers()]}
    sizes = {}

    def weigh(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(weigh, lambda tensor: tensor):
        network(x)
    return sum(sizes.values())
    # end answer


def doubled(network, c, side):  # a module, its input's channels, a side -> a number
    """Bytes stored for a picture of twice the side, over those for `side`."""
    # answer
    return stored(network, picture(c, 2 * side)) / stored(network, picture(c, side))
    # end answer


# %% memory-check points=5
check = Check("memory-check")
for n, c, shape in [(1, 16, (1, 8, 8)), (3, 64, (2, 5, 7)), (4, 256, (32, 56, 56))]:
    check(f"{n} units of {c} channels, maps {shape}", stored_numbers, n, c, shape)
check.done()

# %% memory-check-2 points=3
check = Check("memory-check-2")
for memory, weights, image in [(8_000, 127, 470), (2_000, 500, 250), (1_000, 300, 101),
                               (300, 127, 47)]:
    label = f"{memory} MB, weights {weights} MB, an image {image} MB"
    check(label, largest_batch, memory * 10**6, weights * 10**6, image * 10**6)
check.done()

# %% memory-check-3 points=6
check = Check("memory-check-3")


def weighed(make, *shape):
    return stored(check.fill(make()), check.normal(*shape))


def twice(make, c, side):
    return doubled(check.fill(make()), c, side)


check.measure("bytes of one unit", weighed, lambda: unit(16, 16), 1, 16, 8, 8)
check.measure("bytes of two units, two images", weighed,
              lambda: nn.Sequential(unit(8, 8), unit(8, 8)), 2, 8, 9, 6)
check.measure("two units, twice the side", twice,
              lambda: nn.Sequential(unit(8, 8), unit(8, 8)), 8, 8)
check.measure("a module, twice the side", twice, lambda: module(8, 2), 8, 16)
check.done()

# %% memory-words [markdown] manual=5
# Attention-56 does not fit your GPU. "Take units out of stage 4," says a friend, "it has most of
# the parameters." Answer in three or four sentences: why does this help so little, and what would
# you do instead? Name two remedies, and what each of them costs.
#
# <!-- answer -->
# Weights, gradients and momentum are the small part of the bill at any batch worth having; the
# large part are stored maps. These lie in the stem and in stage 1, where maps are large; stage 4
# has many channels, but tiny maps. Half the batch halves the stored maps, at the price of more
# steps and noisier statistics in batch norm; half the side divides them by about four, at the price
# of detail. (Taking out the masks of stage 1 also saves much; but it is another network then.)
# <!-- end answer -->

# %% memory-hints [markdown]
# <details><summary>Hint 1</summary>Go through a unit layer by layer, and note the channels of what
# each norm and each convolution reads. Is any of these six maps the same as another?</details>
#
# <details><summary>Hint 2</summary>Norms read c, w and w channels, convolutions c, w and w, with
# w = c // 4. The batch must satisfy 3 weights + batch · image ≤ memory. For the measurement,
# <code>torch.autograd.graph.saved_tensors_hooks</code> calls a function of yours with each tensor
# that is about to be stored, as in lesson 09.</details>
#
# <details><summary>Hint 3</summary>In the hook, key a dictionary by
# <code>tensor.untyped_storage().data_ptr()</code>, store <code>.nbytes()</code> there unless the
# key belongs to a parameter or buffer, and return <code>tensor.detach()</code>. The bytes are the
# sum of the dictionary's values.</details>
