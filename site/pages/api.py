"""The reference of the package's public names, from their docstrings."""

import importlib

MODULES = {
    "resattn": "networks by name, their configuration and their cost",
    "resattn.units": "residual units",
    "resattn.masks": "soft masks and their activations",
    "resattn.attention": "the attention module and its merge rules",
    "resattn.gates": "SE, CBAM and BAM",
    "resattn.resampling": "pooling and upsampling inside a mask",
    "resattn.data": "images, true masks and wrong labels",
    "resattn.training": "the loop, its settings and its history",
    "resattn.probes": "measurements of responses, gradients and masks",
    "resattn.plots": "figures with alternative text",
    "resattn.drawings": "blocks and networks, drawn from a forward pass",
    "resattn.experiments": "the experiments, declared",
    "resattn.experiments.recorded": "what the experiments gave",
    "resattn.experiments.claims": "fourteen claims of the field",
    "resattn.experiments.verdicts": "how a verdict is made",
    "resattn.experiments.intervals": "intervals of a mean difference",
    "coursekit.checks": "what the check cells of exercises use",
}


def pages() -> dict[str, str]:
    """A page a module, and the list of them."""
    rows = "\n".join(f"| [`{name}`]({name}.md) | {about} |" for name, about in MODULES.items())
    index = f"# The package\n\n{_INTRODUCTION}\n| module | what is in it |\n|---|---|\n{rows}\n"
    tree = "\n".join(MODULES)
    index += f"\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"
    return {"api/index.md": index} | {f"api/{name}.md": _module(name) for name in MODULES}


_INTRODUCTION = """\
What `import resattn` gives, from its docstrings: shapes, units, errors and sources.
"""


def documented(name: str) -> str | None:
    """The full name under which something of `resattn` stands in the reference, if it does."""
    module, _, last = f"resattn.{name}".rpartition(".")
    if module in MODULES and last in public(module):
        return f"{module}.{last}"
    return f"resattn.{name}" if f"resattn.{name}" in MODULES else None


def public(module: str) -> list[str]:
    """The public names of a module: its `__all__`, else what it defines itself."""
    found = importlib.import_module(module)
    own = [
        name
        for name, value in vars(found).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module
    ]
    skipped = {"data", "drawings", "plots", "probes", "training"}  # these have pages of their own
    return [name for name in getattr(found, "__all__", own) if name not in skipped]


def _module(name: str) -> str:
    members = ", ".join(public(name))
    return (
        f"# {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n"
        f"   :members: {members}\n   :imported-members:\n```\n"
    )
