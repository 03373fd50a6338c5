# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 The soft mask's hourglass
#
# ## What you will build
#
# The branch that makes the mask M. It shrinks a map, thinks where the map is small, and
# comes back to full size: an hourglass, "bottom-up top-down" in the paper's words. You
# write it in two short cells, prove it equal to the package's, and measure what each
# part is for.

# %% [markdown]
# ## Why it matters
#
# Lesson 02 multiplied a map by a mask, value by value. It left open where a good mask
# comes from. "Is this stroke part of the digit, or a scrap of another?" cannot be
# answered by looking at the stroke alone. Yet the answer is needed at every position
# and for every channel. The hourglass does both: it sees far, and it answers in detail.
#
# Symbols: T is the trunk's output, M the soft mask, both (B, C, H, W). *d* is the
# number of poolings in the mask, *r* the number of residual units between two of them.

# %% setup
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

import resattn
from resattn import masks, plots, probes, resampling
from resattn.data import ClutteredDigits
from resattn.units import PreActBottleneck, conv1x1

C = 8  # channels of the small maps in this lesson
torch.set_num_threads(1)  # on maps this small, more threads only get in the way


def unit():
    return PreActBottleneck(C, C, width=C)  # lesson 01's unit: (B, C, H, W) -> the same


# %% [markdown]
# ## A mask value should depend on the whole object
#
# Take digits on a canvas of 56 by 56, the size of the first maps in the ImageNet
# networks. Stand on one pixel of a digit and look through a square window. How much of
# that digit is in view? Three residual units, one after another, look through a 7 by 7
# window. Guess the share of the digit's pixels that it holds, on average.

# %% guess-window
my_guess = 0.5  # change me before you run on

# %% measure-window
digits = ClutteredDigits("train", 100, size=56)
ink = digits.object_masks.double()[:, None]  # (100, 1, 56, 56): the true object masks


def share_in_view(side):
    """Mean share of a digit inside a window of odd `side` around one of its pixels."""
    mean = F.avg_pool2d(ink, side, stride=1, padding=side // 2)  # zeros around count
    seen = mean * side**2 / ink.sum((2, 3), keepdim=True)
    return (seen * ink).sum((2, 3)).div(ink.sum((2, 3))).mean().item()


print(f"you said {my_guess}; measured {share_in_view(7):.2f}")
for side in (7, 17, 31, 55):
    print(f"window {side:2} x {side:2}: {share_in_view(side):.2f} of the digit")


# %% [markdown]
# A mask that looks through so small a window judges strokes, not digits.

# %% [markdown]
# ## Ask the gradient what an output sees
#
# We need not trust arithmetic about windows: autograd knows. Put in a random map, pick
# one output position, and differentiate. Where the gradient is not zero, the output
# depends on the input: its **receptive field**. One input is not enough, since a shut
# ReLU passes no gradient, so take the union over many. And use `eval()`: in training
# mode batch norm ties every position to every other.

# %% receptive-field
def seen_from(module, side, place):
    """Bool (side, side): the inputs that the output at (place, place) depends on."""
    module = module.double().eval()
    torch.manual_seed(0)
    x = torch.randn(64, C, side, side, dtype=torch.float64, requires_grad=True)
    module(x)[:, :, place, place].sum().backward()
    return (x.grad != 0).any(dim=0).any(dim=0)  # over the inputs, over the channels


torch.manual_seed(0)
for n in (1, 3, 8):
    stack = nn.Sequential(*[unit() for _ in range(n)])
    mine = seen_from(stack, 32, 16)
    width = int(mine.any(dim=0).sum())
    theirs = probes.receptive_field(stack, (C, 32, 32), (16, 16))
    print(f"{n} plain units see {width} x {width};",
          f"the package's probe agrees: {theirs.width == width}")


# %% [markdown]
# Each unit has one 3x3 convolution and adds one position on every side: *n* units see
# $1 + 2n$ positions. From here on we use the package's probe. It also sees every path
# through a max-pooling, whose gradient follows only one of nine.
#
# To see far by units alone you need very many. There is a cheaper way: make the map
# smaller.

# %% [markdown]
# ## Down: a pooling with a quirk
#
# The released networks pool 3x3 with stride 2, **without padding, in ceil mode** (the
# last window may hang over the edge). Let us see what that does to a side of *n*.

# %% pool-sizes
def pool(x):  # (B, C, H, W) -> (B, C, H // 2, W // 2)
    return F.max_pool2d(x, 3, stride=2, ceil_mode=True)


def side_after(n, **options):
    return F.max_pool2d(torch.zeros(1, 1, n, n), 3, stride=2, **options).shape[-1]


print(" n   ours   n // 2   padding 1, ceil   padding 1, floor")
for n in (56, 28, 14, 32, 13, 9):
    ours = pool(torch.zeros(1, 1, n, n)).shape[-1]
    padded = side_after(n, padding=1, ceil_mode=True)
    print(f"{n:2} {ours:6} {n // 2:8} {padded:12} {side_after(n, padding=1):18}")
    assert ours == n // 2

# %% [markdown]
# So *n* becomes *n* // 2, whether *n* is odd or even. Padding by 1, a natural slip,
# gives other sizes: always one more in ceil mode, and one more for odd sides in floor
# mode.
#
# Now the paper's choice explains itself: three poolings for maps of 56, two for 28, one
# for 14.

# %% lowest-map
lowest = []
for n, d in ((56, 3), (28, 2), (14, 1)):
    sides = [n]
    for _ in range(d):
        sides.append(pool(torch.zeros(1, 1, sides[-1], sides[-1])).shape[-1])
    lowest.append(sides[-1])
    print(f"d = {d}: " + " -> ".join(map(str, sides)))
print(f"every mask ends on a map of one size: {len(set(lowest)) == 1}")

# %% [markdown]
# On a 7 by 7 map, two units see 5 by 5: most of the image.

# %% [markdown]
# ## Up: three ways back
#
# The mask must end at T's size. Three upsamplers are on offer: *nearest* repeats
# values, *bilinear* draws straight lines between them, and a *transposed convolution*
# learns its weights, starting here at bilinear ones. Bilinear comes in two kinds:
# `align_corners=True` puts the outermost values on the outermost positions; `False`
# treats values as cells with an area. Feed all of them the same ramp.

# %% upsamplers
ramp = torch.tensor([1.0, 2, 3, 4]).expand(1, 1, 4, 4)  # the same four values a row
learned = resampling.Upsample(1, "transposed")
ups = {
    "nearest": F.interpolate(ramp, size=(8, 8), mode="nearest"),
    "bilinear, align_corners=True": F.interpolate(
        ramp, size=(8, 8), mode="bilinear", align_corners=True),
    "bilinear, align_corners=False": F.interpolate(
        ramp, size=(8, 8), mode="bilinear", align_corners=False),
    "transposed, at its start": learned(ramp, (8, 8)).detach(),
}
for name, up in ups.items():
    print(f"{name:30}", " ".join(f"{v:5.2f}" for v in up[0, 0, 4]))

# %% upsamplers-figure
fig, axis = plt.subplots(figsize=(7.5, 4), layout="constrained")
shapes = ({"marker": "s", "drawstyle": "steps-mid"}, {"marker": "o"}, {"marker": "^"},
          {"marker": "x", "color": "black", "linestyle": ":"})
for (name, up), colour, shape in zip(ups.items(), plots.COLOURS, shapes):
    axis.plot(range(8), up[0, 0, 4], label=name, **({"color": colour} | shape))
inside = slice(1, -1)
cells, taps = ups["bilinear, align_corners=False"], ups["transposed, at its start"]
assert torch.allclose(cells[..., inside, inside], taps[..., inside, inside])
assert (taps[0, 0, 4, [0, -1]] < cells[0, 0, 4, [0, -1]]).all()
axis.set(title="Inside, the learned one starts as bilinear; at the border it fades",
         xlabel="position in the enlarged row (positions)", ylabel="value (no unit)")
axis.legend()
plots.show(fig, alt="A ramp of four values enlarged to eight by four upsamplers: "
           "nearest is a staircase, align_corners=True a straight line, "
           "align_corners=False is flatter at the ends, and the transposed convolution "
           "drops at both borders.")

# %% [markdown]
# The released networks use `align_corners=True`, and so does `resattn` by default. The
# transposed convolution fades at the border because nothing beyond it adds a share; it
# may learn to make up for that. Whether learning the way up pays is left to a later
# lesson.

# %% [markdown]
# ## "Why does my input size crash?"
#
# Because many ports upsample *by a factor of two*. That undoes a pooling only while
# every side is even.

# %% fixed-factor-crash
T = torch.rand(1, C, 13, 9)
low = pool(T)  # (1, C, 6, 4)
M = F.interpolate(low, scale_factor=2, mode="bilinear", align_corners=True)
print("T:", tuple(T.shape[-2:]), " pooled:", tuple(low.shape[-2:]),
      " times two:", tuple(M.shape[-2:]))
try:
    (1 + M) * T
except RuntimeError as error:
    print("RuntimeError:", error)


# %% [markdown]
# The repair: upsample to the *size of the map it joins*, whatever that is.

# %% size-repair
def enlarge(x, like):  # (B, C, h, w), (B, C, H, W) -> (B, C, H, W)
    size = like.shape[-2:]
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


print("now:", tuple(((1 + enlarge(low, T)) * T).shape))


# %% [markdown]
# ## The whole hourglass
#
# An hourglass with *d* poolings is: pool, *r* units, **a smaller hourglass**, *r*
# units, enlarge. Around the smaller hourglass runs a **skip**: one unit of its own, and
# a sum. The smallest hourglass has nothing inside, and nothing runs around the
# outermost one.

# %% hourglass
class Hourglass(nn.Module):
    def __init__(self, unit, d, r=1):
        super().__init__()
        self.down = nn.Sequential(*[unit() for _ in range(r)])
        self.inner = type(self)(unit, d - 1, r) if d > 1 else None
        self.skip = unit() if d > 1 else None
        self.up = nn.Sequential(*[unit() for _ in range(r)])

    def join(self, low):
        return self.inner(low) + self.skip(low)

    def forward(self, x):  # (B, C, H, W)
        low = self.down(pool(x))  # (B, C, H // 2, W // 2)
        if self.inner is not None:
            low = self.join(low)
        return enlarge(self.up(low), x)  # (B, C, H, W)


# %% [markdown]
# Then the **head**: BN-ReLU-1x1 twice, and a sigmoid. The 1x1 convolutions mix channels
# at one position, so each channel can have a map of its own. (Soft mask or softmax?
# Soft mask: the sigmoid squashes each value alone, and nothing has to add up to 1.)

# %% mask-from-scratch
class Mask(nn.Module):
    def __init__(self, channels, unit, d, r=1, body=Hourglass):
        super().__init__()
        self.body = body(unit, d, r)
        self.head = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(), conv1x1(channels, channels),
            nn.BatchNorm2d(channels), nn.ReLU(), conv1x1(channels, channels),
            nn.Sigmoid(),
        )

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W), values in (0, 1)
        return self.head(self.body(x))


# %% [markdown]
# Is it the real thing? The package's `HourglassMask` keeps its units in lists: `down`
# and `skips` from the top, `up` from the bottom. We copy our weights into it and
# compare the two in float64, at odd sizes, in both modes.

# %% copy-weights
def package_twin(mine, d, r=1):
    """The package's mask with the weights of ours."""
    head = masks.MaskHead(C, preact=True)
    twin = masks.HourglassMask(C, unit, poolings=d, r=r, head=head).double()
    level = mine.body
    for i in range(d):
        twin.down[i].load_state_dict(level.down.state_dict())
        twin.up[d - 1 - i].load_state_dict(level.up.state_dict())
        if level.inner is not None:
            twin.skips[i].load_state_dict(level.skip.state_dict())
            level = level.inner
    values = mine.head.state_dict().values()
    twin.head.load_state_dict(dict(zip(twin.head.state_dict(), values, strict=True)))
    return twin


# %% proof
torch.manual_seed(0)
for d, r, size in ((1, 1, (13, 9)), (2, 2, (13, 9)), (3, 1, (13, 9)), (3, 2, (56, 31))):
    mine = Mask(C, unit, d, r).double()
    x = torch.randn(2, C, *size, dtype=torch.float64)
    mine(x)  # in training mode: gives BN statistics worth copying
    twin = package_twin(mine, d, r)
    gaps = [(mine.train(mode)(x) - twin.train(mode)(x)).abs().max().item()
            for mode in (True, False)]
    print(f"d = {d}, r = {r}, {size[0]} x {size[1]}:",
          f"largest difference < 1e-12: {max(gaps) < 1e-12}")

# %% [markdown]
# A map that is too small for its poolings is refused in one sentence:

# %% too-small
try:
    twin(torch.zeros(1, C, 7, 7, dtype=torch.float64))
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# ## How deep is it?
#
# Read the count off the class. Let $u(d)$ be the units in an hourglass of *d* poolings.
# The smallest has $u(1) = 2r$. Each further level adds *r* down, *r* up and one skip:
# $u(d) = u(d-1) + 2r + 1$. Together:
#
# $$u(d) = 2r + (d - 1)(2r + 1)$$
#
# Count it in the real Attention-56, built on the `meta` device, which needs no memory.

# %% count-units
with torch.device("meta"):
    attention56 = resattn.create_model("attention56")
r = attention56.config.r
for name, module in attention56.attention_modules():
    d = module.mask.poolings
    counted = sum(isinstance(part, PreActBottleneck) for part in module.mask.modules())
    formula = 2 * r + (d - 1) * (2 * r + 1)
    assert counted == formula
    print(f"{name}: d = {d}, {counted} units in the mask, formula {formula},",
          f"{resattn.count_parameters(module.mask):,} parameters")

# %% [markdown]
# ## How far does it see?
#
# An hourglass with three poolings has eight units. Eight plain units see 17 by 17.
# Guess the side of the window that the middle of the mask sees, on a map of 56 by 56.

# %% guess-reach
my_guess = 25  # change me before you run on

# %% measure-reach
torch.manual_seed(0)
fields = {}
for d in (1, 2, 3):
    fields[d] = probes.receptive_field(Mask(C, unit, d), (C, 56, 56), (28, 28))
    print(f"d = {d}: the middle sees {fields[d].height} x {fields[d].width}")
print(f"you said {my_guess}; measured {fields[3].width}")
corner = probes.receptive_field(Mask(C, unit, 3), (C, 56, 56), (0, 0))
print(f"d = 3: the top left corner sees {corner.height} x {corner.width}")
plain = next(n for n in range(1, 99) if 1 + 2 * n >= fields[3].width)
print(f"plain units needed for the same: {plain}")

# %% [markdown]
# Now lay these fields over a digit. What the dot does *not* see is veiled.

# %% reach-figure
three = nn.Sequential(*[unit() for _ in range(3)])
seen = {"3 plain units": probes.receptive_field(three, (C, 56, 56), (28, 28))}
seen |= {f"hourglass, d = {d}": field for d, field in fields.items()}
centred = next(i for i in range(100) if digits.object_masks[i, 28, 28])
fig, axes = plt.subplots(1, 4, figsize=(9.5, 3.6), layout="constrained", sharey=True)
for axis, (name, field) in zip(axes, seen.items()):
    axis.imshow(digits.images[centred, 0], cmap="gray", vmin=0, vmax=255)
    axis.imshow(torch.where(field.support, torch.nan, 1.0), cmap="Blues", alpha=0.75,
                vmin=0, vmax=1)
    axis.plot(28, 28, "o", color="#D55E00", markersize=6)
    axis.set(title=f"{name}:\n{field.height} x {field.width}",
             xlabel="column (positions)")
axes[0].set_ylabel("row (positions)")
widths = [field.width for field in seen.values()]
assert widths == sorted(widths) and widths[-1] == 56
fig.suptitle("Each pooling widens the view; with three, the middle sees the whole map")
plots.show(fig, alt="Four copies of a cluttered digit. What lies outside the receptive "
           "field of the middle is covered: three plain units see a small patch, and "
           "hourglasses with one, two and three poolings see ever more, at last all.")

# %% [markdown]
# Two cautions. A corner sees less, though far more than local units would. And the
# probe says *whether* an input matters, not *how much*.

# %% [markdown]
# ## The skips bring back where
#
# What sees far on a tiny map forgets *where* things were. Each skip carries the map of
# its own resolution across to the way up. To see what that is worth, ask two masks,
# with and without skips, for something that needs no judgement, only position: to
# redraw the input's ink. Both have three poolings and get the same 100 steps. How well
# will the one without skips do? The score is intersection over union (IoU) with the ink
# of new images: 1 is perfect.

# %% guess-redraw
my_guess = 0.8  # change me before you run on

# %% redraw-data
train = ClutteredDigits("train", 200, noise=0.0).images.float() / 255  # (200, 1, H, W)
test = ClutteredDigits("test", 50, noise=0.0).images.float() / 255  # (50, 1, H, W)


def ink_iou(drawn):  # (50, 1, 32, 32), values in (0, 1)
    guess, truth = drawn > 0.5, test > 0.25
    return ((guess & truth).sum() / (guess | truth).sum()).item()


# %% redraw-training
def redraw(skips, seed, r=1, steps=100):
    """Train channel 0 of a mask to redraw ink; returns it for new images."""
    torch.manual_seed(seed)
    head = masks.MaskHead(C, preact=True)
    mask = masks.HourglassMask(C, unit, poolings=3, r=r, head=head, skips=skips)
    model = nn.Sequential(nn.Conv2d(1, C, 1), mask)  # (B, 1, H, W) -> (B, C, H, W)
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=steps)
    for _ in range(steps):
        x = train[torch.randint(len(train), (16,))]
        loss = F.binary_cross_entropy(model(x)[:, :1], (x > 0.25).float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return model.eval()(test)[:, :1]


# %% redraw tags=["nbval-ignore-output"]
without = [redraw(skips=False, seed=seed) for seed in range(3)]
with_skips = [redraw(skips=True, seed=seed) for seed in range(3)]
iou_without = [ink_iou(drawn) for drawn in without]
iou_with = [ink_iou(drawn) for drawn in with_skips]
print(f"without skips: you said {my_guess};",
      "measured, three seeds:", *(f"{iou:.2f}" for iou in iou_without))
print("with skips, three seeds:", *(f"{iou:.2f}" for iou in iou_with))
assert min(iou_with) > max(iou_without) + 0.05

# %% redraw-figure tags=["nbval-ignore-output"]
fig, axes = plt.subplots(2, 3, figsize=(8.5, 5.8), layout="constrained")
panels = {"input": test, f"without skips, IoU {iou_without[0]:.2f}": without[0],
          f"with skips, IoU {iou_with[0]:.2f}": with_skips[0]}
for column, (name, maps) in enumerate(panels.items()):
    for row in range(2):
        axes[row, column].imshow(maps[row, 0], cmap="gray", vmin=0, vmax=1)
        axes[row, column].set_xlabel("column (px)")
    axes[0, column].set_title(name)
for axis in axes[:, 0]:
    axis.set_ylabel("row (px)")
assert iou_with[0] > iou_without[0] + 0.05
fig.suptitle("Without skips the ink is a blur; with them it has its shape back")
plots.show(fig, alt="Two cluttered digits, redrawn by two masks. Without skips the "
           "strokes are blurred blobs; with skips they have nearly the input's shape.")

# %% [markdown]
# Is that fair? The mask without skips also has two units fewer. So give it more than
# the other has: *r* = 2.

# %% redraw-control tags=["nbval-ignore-output"]
control = [ink_iou(redraw(skips=False, seed=seed, r=2)) for seed in range(2)]
print("12 units, no skips, two seeds:", *(f"{iou:.2f}" for iou in control))
print(" 8 units, two of them on skips:", *(f"{iou:.2f}" for iou in iou_with))
assert max(control) < min(iou_with)

# %% [markdown]
# Here, more units do not stand in for skips. Note that there is **no skip at the top**:
# the finest map that crosses has half the resolution, and M's last step to full size is
# pure interpolation.

# %% [markdown]
# ## "Why are things added twice in port X?"
#
# Several public ports add the map from *before* the skip unit as well. The skip unit is
# residual, so that map is already in its output. No parameter is added, so no parameter
# count can notice. With the same weights, by how much does M change, as a relative L2
# difference?

# %% guess-twice
my_guess = 0.01  # change me before you run on


# %% adds-twice
class AddsTwice(Hourglass):
    def join(self, low):
        return self.inner(low) + self.skip(low) + low  # the slip


# %% measure-twice
torch.manual_seed(0)
right = Mask(C, unit, 3).double()
for layer in right.modules():  # He's start, which the package's networks use
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
wrong = Mask(C, unit, 3, body=AddsTwice).double()
wrong.load_state_dict(right.state_dict())
x = torch.randn(16, C, 32, 32, dtype=torch.float64)
with torch.no_grad():
    M, M_twice = right(x), wrong(x)  # (16, C, 32, 32)
counts = [resattn.count_parameters(mask) for mask in (right, wrong)]
print(f"parameters: {counts[0]:,} and {counts[1]:,}")
difference = ((M - M_twice).norm() / M.norm()).item()
print(f"you said {my_guess}; measured {difference:.2f}")

# %% [markdown]
# Equal counts, equal shapes, another function. That is why this course proves equality
# on values.

# %% [markdown]
# ## What M looks like at the start
#
# Before any training, what values does the sigmoid give? "About 0.5" is a fair thought.
# Guess the share of mask values that lie between 0.4 and 0.6.

# %% guess-start
my_guess = 0.9  # change me before you run on

# %% measure-start
torch.manual_seed(0)
model = resattn.create_model("small_attention32")  # in training mode, as at step 1
images = ClutteredDigits("train", 64).images.float() / 255  # (64, 1, 32, 32)
maps = probes.attention_maps(model, images)
M = maps["stages.0.1"]  # (64, 32, 16, 16)
near = ((M > 0.4) & (M < 0.6)).float().mean().item()
print(f"you said {my_guess}; measured {near:.2f}")
for name, mask in maps.items():
    found = probes.mask_statistics(mask)
    print(f"{name}: mean {found.mean:.2f}, standard deviation {found.std:.2f};",
          f"before the sigmoid {mask.logit().std():.1f}")

# %% start-figure
fig, axis = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
axis.hist(M.flatten().numpy(), bins=50, range=(0, 1), density=True, color="#0072B2")
axis.axvspan(0.4, 0.6, color="#E69F00", alpha=0.3, label="0.4 to 0.6")
assert abs(M.mean() - 0.5) < 0.05 and near < 0.5
axis.set(title="At the start M is centred on a half, and most of it lies elsewhere",
         xlabel="mask value M (no unit)", ylabel="density (share per unit of M)")
axis.legend()
plots.show(fig, alt="Histogram of the first mask's values before training: one broad "
           "hump centred near one half; most values lie outside 0.4 to 0.6.")

# %% [markdown]
# He initialisation sets the scale of the head's outputs: before the sigmoid they spread
# by nearly 1, and the sigmoid of that is broad. And 1 + M is near 3/2 on average, not
# near 1. Lesson 05 asks what that does to a deep stack.

# %% [markdown]
# ## The rival: three units at full size
#
# Is the detour worth it? The paper's table 4 sets the hourglass against *local
# convolutions*: three residual units at full resolution and the same head, "with the
# same FLOPs". It reports 6.48 % error for local, 5.52 % for the hourglass (CIFAR-10,
# Attention-56). One number each, no seeds: a claim. Here is what can be counted today,
# at the widths that best fit that network (the paper does not give them).

# %% rival
local = masks.LocalConvolutionMask(unit, units=3, head=masks.MaskHead(C, preact=True))
reach = probes.receptive_field(local, (C, 32, 32), (16, 16))
print(f"local convolutions see {reach.height} x {reach.width}, on a map of any size")
print("map  mask          sees   parameters   multiply-adds")
spent = {}
for kind in ("hourglass", "local"):
    with torch.device("meta"):
        network = resattn.create_model("cifar_attention56", mask=kind)
    stages = zip(network.attention_modules(), network.config.stages, (32, 16, 8))
    for (_, module), stage, side in stages:
        spent[kind, side] = resattn.count_multiply_adds(
            module.mask, (stage.channels, side, side))
        small = local if kind == "local" else Mask(C, unit, stage.poolings)
        reach = probes.receptive_field(small, (C, side, side), (side // 2, side // 2))
        parameters = resattn.count_parameters(module.mask)
        print(f"{side:3}  {kind:10} {reach.height:3} x {reach.width:2}",
              f"{parameters:12,} {spent[kind, side]:15,}")

# %% rival-ratio
for side in (32, 16, 8):
    ratio = spent["local", side] / spent["hourglass", side]
    print(f"map {side:2}: local spends {ratio:.2f} x the hourglass's multiply-adds")

# %% [markdown]
# By our count "the same FLOPs" does not hold: the local mask spends *more*
# multiply-adds, though on the two larger maps it has fewer parameters, and it sees a
# fraction. Whether seeing far is truly why the hourglass wins, or whether pooling
# merely smooths noise away, is on trial in lesson 12.

# %% [markdown]
# ## What you measured
#
# - A 7 by 7 window holds a small share of a digit. The middle of a mask with three
#   poolings sees the whole map; plain units alone need several times as many.
# - Pooling makes *n* into *n* // 2, and the masks of 56, 28 and 14 all end on 7 by 7.
# - A fixed factor of two crashes at odd sizes; upsampling to a size does not.
# - Your recursive mask equals the package's to 1e-12, and its units follow the formula.
# - Skips sharpen the redrawn ink, and more units do not replace them. Adding twice
#   changes M and no count.
# - M starts broad around 0.5. Local convolutions cost more multiply-adds, and see less.

# %% [markdown]
# ## Recap
#
# Pool, think, enlarge, and let skips carry position across: that gives an answer for
# each position and channel that has seen far beyond its own stroke. Sizes come from the
# map being joined, and equality is proved on values.

# %% [markdown]
# ## Where next
#
# **Where this lives in `resattn`**: `resattn.masks` (`HourglassMask`, `MaskHead`,
# `LocalConvolutionMask`), `resattn.resampling` (`Upsample`, `pool`, `check_map_size`)
# and `resattn.probes.receptive_field`.
#
# **Practise:** [exercise set 03](../exercises/03_mask_hourglass.ipynb). Lesson 04
# puts M on the main path as equation 1 says, and asks what a deep stack of such modules
# does to signal and gradient; lesson 05 is about the 1 + M of equation 3.
