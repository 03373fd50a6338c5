# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 90 The failure museum
#
# Six ways in which a residual attention network breaks, each seen in public code or in ours. An
# exhibit has a **symptom** (what you notice), a **diagnosis** (the one measurement that names the
# cause) and a **mend**. Come here when something is odd; the exhibits do not build on each other.

# %% setup
import copy

import torch
import torch.nn.functional as F
from torch import nn

import resattn
from resattn import gates, masks, probes
from resattn.attention import merge
from resattn.data import PlainDigits
from resattn.resampling import pool
from resattn.training import TrainConfig, evaluate, fit
from resattn.units import PreActBottleneck

torch.set_num_threads(1)
C = 8  # channels of the maps below


# %% [markdown]
# | symptom | exhibit |
# |---|---|
# | "The size of tensor a must match the size of tensor b" | 1, shape crash |
# | the loss moves, the mask never does | 2, dead mask |
# | everything trains, and is a little worse than it should be | 3, forgotten skip unit |
# | a prediction changes with the other images in the batch | 4, the wrong axis |
# | good in training, chance in evaluation | 5, BN in eval |
# | no mask value ever falls below one half | 6, squashed twice |

# %% [markdown]
# ## 1. Shape crash
#
# **Symptom.** The network runs on its training size, and falls over on another.

# %% shape-symptom
def double(x):
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


def naive_mask(T):  # pool twice, double twice
    return double(double(pool(pool(T)))).sigmoid()


for side in (16, 18):
    T = torch.rand(1, C, side, side)
    try:
        print(side, "->", tuple(merge(T, naive_mask(T), "arl").shape))
    except RuntimeError as error:
        print(side, "->", error)

# %% [markdown]
# **Diagnosis.** Follow the side down and up. Where a pooling met an odd side, doubling does not
# undo it.

# %% shape-diagnosis
sides = [18]
for _ in range(2):
    sides.append(pool(torch.zeros(1, 1, sides[-1], sides[-1])).shape[-1])
print("down:", sides, " up by doubling:", [sides[-1] * 2**i for i in range(3)])


# %% [markdown]
# **Mend.** Enlarge to the size of the map that you are about to join. (Cropping or padding the
# result hides the crash and shifts the mask against the trunk.)

# %% shape-mend
def enlarge(x, like):
    size = like.shape[-2:]
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def mended_mask(T):
    half = pool(T)
    return enlarge(enlarge(pool(half), half), T).sigmoid()


for size in ((16, 16), (18, 18), (13, 27)):
    T = torch.rand(1, C, *size)
    print(size, "->", tuple(merge(T, mended_mask(T), "arl").shape))

# %% [markdown]
# ## 2. Dead mask
#
# **Symptom.** Training goes on, but pictures of the mask never change: black, or white.

# %% dead-symptom
torch.manual_seed(0)
T = torch.randn(16, C, 8, 8)
head = masks.MaskHead(C, preact=True)
dead = copy.deepcopy(head)
with torch.no_grad():
    dead.convs[-1].weight.mul_(100)  # as a much too large start, or step, leaves it
for name, each in {"healthy": head, "dead": dead}.items():
    s = probes.mask_statistics(each(T))
    print(f"{name:8} below 0.05: {s.low:.0%}, above 0.95: {s.high:.0%}")


# %% [markdown]
# **Diagnosis.** A sigmoid far from zero is flat. Compare the gradient that reaches the head's
# first convolution with what its size should bring: a weight a hundred times larger ought to pass
# on a gradient a hundred times larger.

# %% dead-diagnosis
def first_gradient(head):
    head.zero_grad()
    merge(T, head(T), "arl").square().mean().backward()
    return head.convs[0].weight.grad.norm().item()


growth = first_gradient(dead) / first_gradient(head)
print(f"a hundred times the weight, but only {growth:.1f} times the gradient")
assert growth < 50

# %% [markdown]
# **Mend.** Keep logits near zero at the start: BN before the head's convolutions and He's
# initialisation do it (lesson 03). If a run dies midway, lower the learning rate or warm up; print
# the share of saturated values as you train. Under M * T a black mask also shuts its trunk's
# gradient off; under (1 + M) * T the trunk goes on learning:

# %% dead-mend
black = torch.zeros(1, C, 4, 4)
for rule in ("nal", "arl"):
    T = torch.randn(1, C, 4, 4, requires_grad=True)
    merge(T, black, rule).sum().backward()
    print(f"{rule}: gradient at a trunk under a black mask {T.grad.abs().mean():.0f}")


# %% [markdown]
# ## 3. Forgotten skip unit
#
# **Symptom.** None. Shapes fit, the parameter count is right, the loss falls.

# %% skip-symptom
class Forgetful(nn.Module):
    def __init__(self):
        super().__init__()
        units = [PreActBottleneck(C, C, width=4) for _ in range(3)]
        self.down, self.skip, self.up = units

    def forward(self, x):  # (B, C, H, W)
        low = self.down(pool(x))
        return enlarge(self.up(low), x) + x  # the skip's input, not its output


class Mended(Forgetful):
    def forward(self, x):
        low = self.down(pool(x))
        return enlarge(self.up(low), x) + self.skip(x)


T = torch.randn(2, C, 8, 8)
for kind in (Forgetful, Mended):
    model = kind()
    shape, count = tuple(model(T).shape), resattn.count_parameters(model)
    print(f"{kind.__name__:9} {shape}, parameters {count}")

# %% [markdown]
# **Diagnosis.** After one backward pass, ask which parameters have no gradient at all. This line
# belongs in the tests of every model.

# %% skip-diagnosis
for kind in (Forgetful, Mended):
    model = kind()
    model(T).sum().backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None]
    print(f"{kind.__name__:9} without a gradient: {idle or 'none'}")


# %% [markdown]
# **Mend.** Send the map through the unit that was built for it, as `Mended` does. Then compare
# *values* with an oracle: a sum that takes one map too many has no idle parameter either, and only
# an equality sees it (lesson 09).

# %% [markdown]
# ## 4. The wrong axis
#
# **Symptom.** The same image gets another output in another batch, though the model is in
# evaluation mode.

# %% axis-symptom
class WrongAxis(nn.Module):
    """A spatial gate that means to average over channels."""

    dim = None  # every axis at once

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):  # (B, C, H, W) -> the same
        top = x.amax(1, keepdim=True)
        mean = x.mean(self.dim, keepdim=True).expand_as(top)
        return x * torch.sigmoid(self.conv(torch.cat([mean, top], dim=1)))


# %% axis-neighbours
def depends_on_neighbours(gate):
    x = torch.randn(4, C, 6, 6, generator=torch.Generator().manual_seed(0))
    louder = torch.cat([x[:1], 10 * x[1:]])
    return not torch.allclose(gate(x)[0], gate(louder)[0], atol=1e-6)


torch.manual_seed(0)
gate = WrongAxis().eval()
print("image 0 depends on its neighbours:", depends_on_neighbours(gate))

# %% [markdown]
# **Diagnosis.** Do it one axis at a time: make one part of the input louder, and see where the
# gate's answer moves. Here the batch axis leaks. **Mend.** Name the axis.

# %% axis-mend
mended = WrongAxis().eval()
mended.dim = 1  # channels
mended.load_state_dict(gate.state_dict())
print("image 0 depends on its neighbours:", depends_on_neighbours(mended))
package = gates.SpatialGate().eval()
package.load_state_dict(dict(zip(package.state_dict(), mended.state_dict().values())))
x = torch.randn(2, C, 5, 7)
print("equal to the package's:", torch.allclose(mended(x), package(x), atol=1e-6))


# %% [markdown]
# ## 5. BN in eval
#
# **Symptom.** Training loss falls, yet evaluation is no better than chance. Or: a batch of one
# image gives nonsense.

# %% bn-symptom tags=["nbval-ignore-output"]
def train(momentum):
    """A small network on plain digits, its BN layers with this momentum."""
    torch.manual_seed(0)
    model = resattn.create_model("small_resnet8")
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = momentum
    config = TrainConfig(steps=60, batch_size=64, learning_rate=0.1, warmup_steps=10)
    fit(model, digits, unseen, config, device="cpu", progress=False)
    return model


digits, unseen = PlainDigits("train"), PlainDigits("test")
model = train(momentum=0.001)
error = evaluate(model, unseen).error
print(f"error in evaluation mode {error:.0%}")
assert error > 0.5

# %% [markdown]
# **Diagnosis.** In evaluation BN divides by its *running* statistics. Compare them with the
# statistics of a batch. Frameworks differ in what "momentum" means: what one calls m is 1 - m in
# another, and with the wrong one sixty steps hardly move them from 0 and 1.

# %% bn-diagnosis tags=["nbval-ignore-output"]
images = torch.stack([unseen[i][0] for i in range(256)])
labels = torch.tensor([unseen[i][1] for i in range(256)])
twin, ratios = copy.deepcopy(model), []


def compare(norm, inputs):  # before the forward pass moves the running statistics
    ratios.append(inputs[0].var((0, 2, 3)).mean() / norm.running_var.mean())


for module in twin.modules():
    if isinstance(module, nn.BatchNorm2d):
        module.register_forward_pre_hook(compare)
with torch.no_grad():
    by_batch = (twin.train()(images).argmax(1) != labels).double().mean()
print(f"error with the batch's own statistics {by_batch:.0%}")
print(f"a batch's variance, as a multiple of the running one: up to {max(ratios):.1f}")
assert by_batch + 0.3 < error

# %% [markdown]
# **Mend.** Set the momentum right (0.1 in PyTorch's sense), or measure the statistics again, with
# the weights as they are. And call `model.eval()` before you predict on few images.

# %% bn-mend tags=["nbval-ignore-output"]
mended = copy.deepcopy(model)
for module in mended.modules():
    if isinstance(module, nn.BatchNorm2d):
        module.reset_running_stats()
        module.momentum = None  # a plain average over all batches seen
with torch.no_grad():
    mended.train()(torch.stack([digits[i][0] for i in range(512)]))
print(f"statistics measured again: error {evaluate(mended.eval(), unseen).error:.0%}")
print(f"momentum 0.1 from the start: error {evaluate(train(0.1), unseen).error:.0%}")
assert evaluate(mended, unseen).error + 0.3 < error

# %% [markdown]
# ## 6. Squashed twice
#
# **Symptom.** The mask has a narrow range and never says no.

# %% twice-symptom
torch.manual_seed(0)
T = torch.randn(16, C, 8, 8)
head = masks.MaskHead(C, preact=True)
twice = torch.sigmoid(head(T))  # the head ends in a sigmoid already
for name, M in {"once": head(T), "twice": twice}.items():
    print(f"{name:6} above one half {(M > 0.5).float().mean():.0%}")

# %% [markdown]
# **Diagnosis.** The sigmoid of a number between 0 and 1 lies between these two:

# %% twice-diagnosis
low, high = torch.sigmoid(torch.tensor([0.0, 1.0])).tolist()
print(f"{low:.2f} to {high:.2f}")

# %% [markdown]
# **Mend.** Squash once. Decide whether a module returns logits or mask values, say so in its
# docstring, and look at `probes.mask_statistics` before you look at pictures: a colour scale that
# stretches itself from minimum to maximum hides this fault completely.

# %% [markdown]
# ## Where this lives in `resattn`
#
# `resampling.Upsample` (1), `probes.mask_statistics` (2, 6), `tests/test_network.py` (3: "a
# gradient reaches every parameter"), `gates.SpatialGate` (4), `training.evaluate` (5). The known
# traps of published code are also the "find the bug" tasks of the exercises.
