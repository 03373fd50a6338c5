"""The data of the course: embedded cluttered digits, CIFAR and image folders, label noise.

torchvision is imported only by the functions that need it, so this import stays cheap.
"""

from .cifar import Cifar, fetch
from .cluttered import ClutteredDigits
from .cued import CuedDigits
from .digits import PlainDigits
from .folder import FolderImages
from .fresh import FreshScenes
from .loading import InMemoryImages, make_loader
from .masked import WithObjectMasks
from .noise import NoisyLabels, noisy_labels

__all__ = [
    "Cifar",
    "ClutteredDigits",
    "CuedDigits",
    "FolderImages",
    "FreshScenes",
    "InMemoryImages",
    "NoisyLabels",
    "PlainDigits",
    "WithObjectMasks",
    "fetch",
    "make_loader",
    "noisy_labels",
]
