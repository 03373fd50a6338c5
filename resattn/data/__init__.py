"""The data of the course: embedded cluttered digits, CIFAR and image folders, label noise.

torchvision is imported only by the functions that need it, so this import stays cheap.
"""

from resattn.data.cifar import Cifar, fetch
from resattn.data.cluttered import ClutteredDigits
from resattn.data.cued import CuedDigits
from resattn.data.digits import PlainDigits
from resattn.data.folder import FolderImages
from resattn.data.fresh import FreshScenes
from resattn.data.loading import InMemoryImages, make_loader
from resattn.data.masked import WithObjectMasks
from resattn.data.noise import NoisyLabels, noisy_labels

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
