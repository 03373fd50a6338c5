"""Training: one loop for a CPU, one GPU and ``torchrun``, that can be interrupted and resumed."""

from resattn.training.config import TrainConfig, learning_rate_at, paper_cifar, paper_imagenet
from resattn.training.evaluation import Score, evaluate
from resattn.training.loop import fit
from resattn.training.metrics import History
from resattn.training.seeding import seed_everything
from resattn.training.stepping import Objective, classification

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
