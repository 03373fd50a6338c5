"""Drawings of blocks and networks, made from what they are: a guide for teachers.

A figure in a lesson is one line, and the last line of its cell::

    from resattn import drawings

    drawings.network("attention56", here="mask")     # the top of a lesson
    drawings.units("plain", "residual", "pre-activation")
    drawings.hourglass(model.stages[0][1].mask, size=56)
    drawings.attention_module(model.stages[0][1], size=56, inside=True)
    drawings.merge_rules()
    drawings.signal_and_gradient(modules=3, mask=0.5)
    drawings.gates()
    drawings.mask_activations()
    drawings.label_noise(clean_ratio=0.7)
    drawings.checked_and_graded()

and, for whatever a student has just written::

    drawings.draw(MyUnit(16), (16, 12, 12), caption="Nothing stands on the shortcut.")
    drawings.side_by_side({"right": Hourglass(16, 2), "wrong": AddsTwice(16, 2)}, (16, 32, 32),
                          title="One sum more", whole={MyUnit: "unit"})

**Where the numbers come from.** A module runs once on zeros. Hooks on its layers and a watch on
torch's functions write down what was computed from what, and of which size (`trace`). No size, no
count and no factor is typed by hand, so a drawing cannot disagree with the code beside it; the
suite compares every size with hooks of its own. A network on the ``"meta"`` device is drawn without
computing anything.

**What can be drawn.** Any module of one tensor in, one tensor out, whose ways split and meet like
nested brackets: all units, masks, gates and networks of this package, and their wrong ports. Ways
that cross raise ValueError. ``T + M * T`` is drawn as ``(1 + M) * T``, the same number.

**How to read one.** Data runs downward. Colours mean the same everywhere: blue is the trunk, orange
the mask, green a gate, purple a shortcut or skip, amber a gradient, yellow the reader's place. The
words on an edge are the tensor's sizes for one image: C×H×W, or H×W where all maps have the same
channels.

**How it reaches the page.** Each function returns a `Drawing`. A notebook stores it as SVG, and as
an image with alternative text for JupyterLab; the bytes depend on nothing but what is drawn, so
``nbval`` compares them. It is laid out for a phone of 390 pixels, is dark where the reader's system
is, and stays readable where style sheets are ignored. `Drawing.alt` tells it in words, and
`Drawing.save` writes a file.

Nothing of the model imports this package.
"""

from resattn.drawings.attention import attention_module, hourglass, merge_rules
from resattn.drawings.axes import mask_activations
from resattn.drawings.blocks import draw, side_by_side
from resattn.drawings.exercises import checked_and_graded
from resattn.drawings.gates import gates
from resattn.drawings.networks import network
from resattn.drawings.noise import label_noise
from resattn.drawings.page import Drawing
from resattn.drawings.paths import signal_and_gradient
from resattn.drawings.units import units

__all__ = [
    "Drawing",
    "attention_module",
    "checked_and_graded",
    "draw",
    "gates",
    "hourglass",
    "label_noise",
    "mask_activations",
    "merge_rules",
    "network",
    "side_by_side",
    "signal_and_gradient",
    "units",
]
