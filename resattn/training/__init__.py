"""Training: one loop for a CPU, one GPU and ``torchrun``, that can be interrupted and resumed."""

from .config import TrainConfig, learning_rate_at, paper_cifar, paper_imagenet
from .evaluation import Score, evaluate
from .loop import fit
from .metrics import History
from .seeding import seed_everything
from .stepping import Objective, classification

__all__ = [
    "History",
    "Objective",
    "Score",
    "TrainConfig",
    "classification",
    "evaluate",
    "fit",
    "learning_rate_at",
    "paper_cifar",
    "paper_imagenet",
    "seed_everything",
]
