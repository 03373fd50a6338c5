"""The data of the course: embedded cluttered digits, CIFAR and image folders, label noise.

torchvision is imported only by the functions that need it, so this import stays cheap.
"""

from .cluttered import ClutteredDigits
from .digits import PlainDigits
from .loading import InMemoryImages, make_loader

__all__ = ["ClutteredDigits", "InMemoryImages", "PlainDigits", "make_loader"]
