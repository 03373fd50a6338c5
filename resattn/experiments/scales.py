"""The two sizes at which every question can be put."""

from resattn.experiments.recipe import Clutter, Scale
from resattn.training import TrainConfig

SMALL = Scale(
    name="small",
    data=Clutter(size=16, train=4000, val=1000, test=5000, fragments=4),
    train=TrainConfig(
        steps=800,
        warmup_steps=20,
        precision="bfloat16",
        channels_last=True,
        eval_every=100,
        checkpoint_every=50,
    ),
    seeds=(0, 1, 2),
)
"""About a minute a run on one CPU core, at one module a stage."""

FULL = Scale(
    name="full",
    data=Clutter(size=32, train=20_000, val=2000, test=5000, fragments=6),
    train=TrainConfig(
        steps=3000,
        warmup_steps=100,
        precision="bfloat16",
        channels_last=True,
        eval_every=300,
        checkpoint_every=300,
    ),
    seeds=(0, 1, 2, 3, 4),
)
"""About a minute or two a run on one GPU."""
