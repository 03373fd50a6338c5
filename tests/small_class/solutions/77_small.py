# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 77: a small set
#
# Maps have shape (B, C, H, W). This set is what the grader is tested with.

# %% setup
import torch
from torch import nn

from coursekit.checks import Check, exercise_set

exercise_set("77_small")

# %% square [markdown] task={"difficulty": 1, "minutes": 5}
# ## Task 1: Square a map
#
# Square every value of a map (B, C, H, W), and keep its sign.


# %% square-answer
def square(x):  # (B, C, H, W) -> (B, C, H, W)
    """x times its absolute value."""
    # answer
    return x * x.abs()
    # end answer


# %% square-check points=10
check = Check("square-check")
for shape in [(2, 3, 5, 7), (1, 2, 1, 4)]:
    check(f"maps of {shape}", square, check.normal(*shape))
check.done()

# %% square-check-2 points=5
check = Check("square-check-2")
check(
    "a gradient",
    lambda x: torch.autograd.grad(square(x.requires_grad_()).sum(), x)[0],
    check.normal(1, 2, 3, 3),
)
check.done()

# %% square-hidden points=10
check = Check("square-hidden")
check("other maps", square, check.normal(3, 1, 4, 2))
check.done()

# %% square-hints [markdown]
# <details><summary>Hint 1</summary>What happens to the sign when a value is squared?</details>
#
# <details><summary>Hint 2</summary>Multiply x by something of its size that has no sign.</details>

# %% merge [markdown] task={"difficulty": 1, "minutes": 5}
# ## Task 2: Merge two branches
#
# Merge a trunk and a mask, both (B, C, H, W), by equation 3.


# %% merge-answer
def merge(trunk, mask):  # (B, C, H, W) twice -> (B, C, H, W)
    """Attention residual learning."""
    # answer
    return (1 + mask) * trunk
    # end answer


# %% merge-check points=15
check = Check("merge-check")
check("maps", merge, check.normal(2, 3, 4, 5), check.uniform(2, 3, 4, 5))
check("a shut mask", merge, check.normal(1, 2, 3, 3), torch.zeros(1, 2, 3, 3).double())
check.done()

# %% merge-hidden points=10
check = Check("merge-hidden")
check("other maps", merge, check.normal(1, 4, 2, 3), check.uniform(1, 4, 2, 3))
check.done()

# %% merge-hints [markdown]
# <details><summary>Hint 1</summary>What is left where the mask is 0?</details>
#
# <details><summary>Hint 2</summary>Add 1 to the mask before you multiply.</details>

# %% gate [markdown] task={"difficulty": 2, "minutes": 10, "imports": ["resattn.units"]}
# ## Task 3: A gate
#
# Write a module that scales each channel by the sigmoid of a linear map of its mean. Its weights
# are in `self.linear`. In one sentence, say why the mean is taken.


# %% gate-answer
class Gate(nn.Module):
    """x times sigmoid(linear(mean of x over its places))."""

    def __init__(self, channels):
        super().__init__()
        self.linear = nn.Linear(channels, channels)

    def forward(self, x):  # (B, C, H, W) -> (B, C, H, W)
        # answer
        scale = torch.sigmoid(self.linear(x.mean(dim=(2, 3))))
        return x * scale[:, :, None, None]
        # end answer


# %% gate-check points=20
check = Check("gate-check")
for shape in [(2, 3, 5, 7), (1, 4, 2, 2)]:

    def scaled(x):
        return check.fill(Gate(x.shape[1]))(x)

    check(f"maps of {shape}", scaled, check.normal(*shape))
check.done()

# %% gate-hidden points=10
check = Check("gate-hidden")
check("other maps", lambda x: check.fill(Gate(x.shape[1]), "other")(x), check.normal(2, 5, 3, 3))
check.done()

# %% gate-words [markdown] manual=5
# Why the mean?
#
# <!-- answer -->
# It tells each channel's strength wherever in the map it is.
# <!-- end answer -->

# %% gate-hints [markdown]
# <details><summary>Hint 1</summary>Which axes does the mean run over?</details>
#
# <details><summary>Hint 2</summary>The scale is (B, C): add two axes of length 1.</details>

# %% noise [markdown] task={"difficulty": 2, "minutes": 5}
# ## Task 4: Measure a spread
#
# Draw n values from the standard normal distribution, and return their standard deviation.


# %% noise-answer
def spread(n):  # int -> float
    """The standard deviation of n values that are drawn anew."""
    # answer
    return float(torch.randn(n, dtype=torch.float64).std())
    # end answer


# %% noise-check points=15
check = Check("noise-check")
check.measure("of 4,000 values", spread, 4000)
check.done()

# %% noise-hints [markdown]
# <details><summary>Hint 1</summary>torch.randn draws such values.</details>
#
# <details><summary>Hint 2</summary>A tensor has the method <code>std</code>.</details>
