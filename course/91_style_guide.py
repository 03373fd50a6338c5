# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 91 The style guide

# %% [markdown]
# ## What you will build
#
# - A lesson in miniature, on masks in a row, rule by rule as we write them here.
# - The mistakes that each rule is there for, and what the linter says to them.
# - A last cell in which this notebook is judged by its own rules.

# %% [markdown]
# ## Why it matters
#
# A course is read by people who are tired, in a hurry, or in doubt. They forgive a
# hard idea. They do not forgive a number that nobody can find again, or a cell that
# does three things. And whoever writes after us learns more from how the neighbours
# look than from any list of rules; so this is no list, but a neighbour.
#
# Some rules are held by a linter, which `make test` runs over every lesson. The
# others are held by readers, you among them. We say each time which it is.

# %% setup
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from coursekit.source.lint import faults, numbers_in
from coursekit.source.pairs import read_source
from resattn import attention, plots
from resattn.experiments import paper_numbers

QUOTABLE = numbers_in(paper_numbers)  # what the papers report may be quoted


# %% [markdown]
# To show the linter at work, we hand it small bad notebooks. It says what a lesson
# lacks as a whole, too; of that, more below. Here we keep what it says about one cell.

# %% judge
def judge(*cells):
    """Print what the linter says about these cells."""
    bad = new_notebook(cells=[*cells])
    found = faults(bad, Path("05_bad.ipynb"), quotable=QUOTABLE)
    print("\n".join(fault for fault in found if ": cell " in fault) or "no fault")


judge(new_code_cell("!ls", id="listing"))

# %% [markdown]
# A fault is one sentence: where, what, and what to do. That is how all our errors
# read.

# %% [markdown]
# ## Predict, then look
#
# A result that readers merely see, they forget. One that contradicts what they wrote
# down, they remember. So each surprise has a cell before it that stores a guess, with
# a comment that the linter looks for, and a cell after it that prints the guess
# beside the measurement.
#
# Twelve soft masks in a row, each 1/2 everywhere, multiply one map. What share of it
# arrives?

# %% guess
my_guess = 0.1  # a share of 1; change me before you run on


# %% [markdown]
# ## First the thing that fails
#
# A repair makes sense to those who have seen what it repairs. So the failing thing
# comes first, in its most innocent form, and is measured. No warning gives it away.

# %% naive
def naive(trunk, mask):  # (B, C, H, W) twice -> (B, C, H, W)
    """Naive attention learning (NAL), equation 1: M T."""
    return mask * trunk


T, M = torch.ones(1, 4, 5, 7), torch.full((1, 4, 5, 7), 0.5)
H = T
for _ in range(12):
    H = naive(H, M)
arrives = H.mean().item()
print(f"you said {my_guess}; measured: {arrives:.5f}")


# %% [markdown]
# Then the repair, as small a change as it can be. One character of code is easier to
# believe in than a new class.

# %% residual
def residual(trunk, mask):  # (B, C, H, W) twice -> (B, C, H, W)
    """Attention residual learning (ARL), equation 3: (1 + M) T."""
    return (1 + mask) * trunk


shut = torch.zeros_like(M)
print("a shut mask erases, NAL:", not naive(T, shut).any().item())
print("a shut mask erases, ARL:", not residual(T, shut).any().item())

# %% [markdown]
# And at once what the repair does *not* do. Claims are stated no larger than they are
# measured: this one keeps a value, and it does not keep its size.

# %% caveat
H = T
for _ in range(12):
    H = residual(H, M)
print(f"after twelve modules under ARL: {H.mean().item():.0f} times as large")

# %% [markdown]
# ## From scratch, equal, then the package's
#
# A lesson defines the thing itself, in the fewest lines that say what it is. Then it
# proves that its version equals `resattn`'s, on awkward input: drawn, not square, in
# float64. From there on it uses the package's. So the reader knows that what was
# shown is what is run, and nothing stays magic.

# %% proof
torch.manual_seed(0)
T, M = torch.randn(2, 3, 5, 7).double(), torch.rand(2, 3, 5, 7).double()
for rule, mine in {"nal": naive, "arl": residual}.items():
    theirs = attention.merge(T, M, rule)
    print(rule, "equal:", torch.allclose(mine(T, M), theirs))

# %% [markdown]
# The same holds for tests: equality with an oracle, not "it runs". A test that cannot
# fail is worse than none, as it lets people stop looking. So we try a check by
# something that is wrong:

# %% can-fail
wrong = 1 + M * T  # the brackets forgotten
print("a wrong merge passes:", torch.allclose(wrong, attention.merge(T, M, "arl")))

# %% [markdown]
# ## Names
#
# We take the paper's and the field's: trunk, mask, stem, logits, M, T, H. A symbol is
# introduced once, in words, and then means the same everywhere. Shapes stand at the
# end of the line that defines a function, as in `naive` above: they are what readers
# ask first. A docstring says what is computed, with its equation; a comment says why.
#
# A name of a cell is as good as a name of a variable: students' reports, the site and
# the map of the paper point to cells by it. So we call one `proof`, and not `cell-7`.

# %% [markdown]
# ## One idea a cell
#
# If you cannot say in a few words what a cell shows, there are two cells in it. The
# linter cannot read ideas, and counts lines instead; and it measures them, since long
# lines hide their ends on a small screen.

# %% one-idea
judge(new_code_cell("x = 1\n" * 26, id="everything-at-once"))
judge(new_code_cell(f"x = 1  # {'and so on ' * 9}", id="long-line"))

# %% [markdown]
# A lesson runs anywhere: without a network, and without worker processes, which some
# systems cannot start from a notebook.

# %% anywhere
judge(new_code_cell("import requests", id="fetch"))
judge(new_code_cell("loader = make_loader(data, num_workers=2)", id="load"))

# %% [markdown]
# ## No number by hand
#
# A number in prose is a promise that the reader can find it. So a cell prints it, or
# it is one that a paper reports. The linter goes through the text and looks.

# %% numbers
claim = new_markdown_cell("Masks lower the error by 17.3 points.", id="claim")
judge(claim)
printed = new_output("stream", name="stdout", text="difference 17.3 points\n")
shown = new_code_cell("print(f'difference {gap} points')", id="gap", outputs=[printed])
judge(shown, claim)
judge(new_markdown_cell("The paper reports 5.52 % on CIFAR-10.", id="quoted"))

# %% [markdown]
# Small whole numbers are words like any other and need no cell. Beyond the linter's
# reach, and just as binding: a difference is printed with its interval and the number
# of seeds, and "cannot tell" is a result.

# %% [markdown]
# ## Figures that speak
#
# A figure has axes with units, and a title that says what was found, not what was
# plotted. The title is computed as well: should the finding change, so does the
# sentence. Its text for those who cannot see it says what one *should see* in it.

# %% figure
k = torch.arange(13)
left = {"NAL": 0.5**k, "ARL": 1.5**k}
ends = ", ".join(f"{rule} {share[-1]:.3g}" for rule, share in left.items())
fig, axis = plt.subplots(figsize=(6, 3), layout="constrained")
for (rule, share), colour in zip(left.items(), plots.COLOURS):
    axis.plot(k, share, "o-", color=colour, label=rule)
axis.set(yscale="log", xlabel="modules in a row", ylabel="size of the map (1 is T)",
         title=f"Masks of 1/2, twelve times: {ends}")
axis.legend(frameon=False)
plots.show(fig, alt="Size of a map against the number of modules it has passed, on a "
           f"logarithmic scale: two straight lines from 1, which end at {ends}.")

# %% [markdown]
# `plots.show` puts the text where browsers look for it, and refuses one that is too
# short. Without it:

# %% silent-figure
picture = new_output("display_data", {"image/png": "aGVsbG8="})
judge(new_code_cell("plt.show()", id="silent", outputs=[picture]))

# %% [markdown]
# ## Errors that help
#
# Whoever meets an error wants to go on. It names the value that was given, the limit
# it broke, and the mend; and it comes before any work is done. Show it in the lesson
# when readers are likely to meet it.

# %% helpful
try:
    attention.merge(T, M, "ral")
except ValueError as error:
    print(error)

# %% [markdown]
# ## The house's sections, and a length
#
# Readers who come back look for a place, not for a page. So all lessons open and
# close alike: what you will build, why it matters; what you measured, recap, where
# next. The end names the homes in the package, and the linter looks each up. And a
# lesson has a length, since one that cannot be read in an evening is not read.
#
# What does a notebook of one cell lack?

# %% bare
bare = new_notebook(cells=[new_markdown_cell("# 05 Bare", id="top")])
for fault in faults(bare, Path("05_bare.ipynb"), quotable=QUOTABLE):
    print(fault)

# %% [markdown]
# ## In the package
#
# The code follows the same taste. Read `resattn/attention.py` from the top: one
# concept, imports that only go one way, docstrings with equation, shapes, errors and
# source, typed arguments, and options that are passed by name. If you can take a line
# out and nothing fails, take it out. If you must explain a trick, first try to do
# without it.

# %% [markdown]
# ## What you measured
#
# - What masks in a row leave of a map, beside your guess, and what the repair leaves.
# - That both merges equal the package's, and that the comparison can fail.
# - The linter's sentence for each mistake that it can see.
#
# One thing is missing: does this notebook keep the rules? Its source is judged, as it
# has no outputs yet while it runs; the suite judges the executed notebook as well.

# %% this-notebook
this = Path("91_style_guide.py")
found = faults(read_source(this), this, quotable=QUOTABLE)
print("\n".join(found) or f"{this}: no fault")
assert not found

# %% [markdown]
# ## Recap
#
# Predict before you look. Fail before you mend. One idea a cell, one sentence an
# error, no number without its cell, no picture without its words. Say what you
# measured, and where it ends. The rest is courtesy: write as you would like to be
# taught.

# %% [markdown]
# ## Where next
#
# **Where this lives in `resattn`:** figures in `plots.show`. The rules of lessons and the
# names of cells are the engine's, in `coursekit/source/`; the mistakes above, and more, are
# tried in `tests/test_lessons.py`.
#
# `CONTRIBUTING.md` says in five lines each how to add a lesson, a task, a wrong answer,
# a recipe or a preset. `solutions/README.md` is the guide for tasks.
