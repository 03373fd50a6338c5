"""A trial of the model on two images before any work: what fails is explained in one sentence.

Nothing that works is refused: only when the trial fails is the likely reason looked for.
"""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from resattn.data.loading import kind
from resattn.modes import modes_kept
from resattn.training.devices import autocast
from resattn.training.inputs import check_labels, known_labels, sample
from resattn.training.seeding import draws_kept


def check_model(model: Any) -> None:
    """Raise ValueError unless ``model`` is a module."""
    if not isinstance(model, nn.Module):
        raise ValueError(
            f"model must be a torch.nn.Module, got {kind(model)}; for example "
            "resattn.create_model('small_attention8')"
        )


def check_trainable(model: nn.Module) -> None:
    """Raise ValueError unless ``model`` has something to train."""
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError(
            "the model has no parameter that requires a gradient, so there is nothing to train; "
            "call requires_grad_(True) on the layers that shall learn"
        )


def check_trial(name: str, dataset: Any, model: nn.Module, precision: str) -> int:
    """Classify two images of a dataset where the model lies, in eval mode; change nothing.

    Returns:
        The number of logits.

    Raises:
        ValueError: with the reason if the model cannot take the images, gives no logits, or has no
            logit for a label.
    """
    device = _device(model)
    with draws_kept(device):
        indices, images, labels = sample(name, dataset)
        try:
            with modes_kept(model), torch.no_grad(), autocast(device, precision):
                logits = model.eval()(images[:2].to(device))
        except Exception as error:  # whatever layers raise
            raise ValueError(_reason(name, images, model, error)) from error
    classes = check_logits(logits, len(images[:2])).shape[1]
    check_labels(name, labels, classes)
    known = known_labels(dataset)
    if known is not None and torch.equal(known[torch.tensor(indices)], labels):
        check_labels(name, known, classes)
    return classes


def check_single_image(train: Any, model: nn.Module, precision: str) -> None:
    """Raise ValueError if the model learns from no single image, as BN on maps of 1x1."""
    device = _device(model)
    with draws_kept(device):
        _, images, _ = sample("train", train)
        try:
            with torch.no_grad(), autocast(device, precision):
                deepcopy(model).train()(images[:1].to(device))
        except ValueError as error:
            raise ValueError(
                f"the model cannot learn from 1 image per process and step ({_first(error)}); use "
                "a batch_size of 2 or more per process"
            ) from error


def check_logits(logits: Any, images: int) -> Tensor:
    """Return a model's output; raise ValueError unless it is one tensor ``(images, classes)``."""
    if isinstance(logits, Tensor) and logits.ndim == 2 and len(logits) == images:
        return logits
    shape = f" of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else ""
    raise ValueError(
        f"the model must return one tensor of logits, here of shape ({images}, classes), got "
        f"{kind(logits)}{shape}; let its forward return the logits alone"
    )


def check_loss(loss: Any) -> Tensor:
    """Return an objective's loss; raise ValueError unless it is a scalar with a gradient."""
    if isinstance(loss, Tensor) and loss.ndim == 0 and loss.requires_grad:
        return loss
    got = kind(loss)
    if isinstance(loss, Tensor):
        got = f"shape {tuple(loss.shape)}" + ("" if loss.requires_grad else " without a gradient")
    raise ValueError(
        f"the objective must return the batch's mean loss, a scalar tensor with a gradient, got "
        f"{got}; compute it from the network's output, and end with .mean()"
    )


def _device(model: nn.Module) -> torch.device:
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def _reason(name: str, images: Tensor, model: nn.Module, error: Exception) -> str:
    """Say why a model cannot take a batch of images, as far as it can be guessed."""
    shape = tuple(images.shape[1:])
    dtype = next((p.dtype for p in model.parameters()), torch.float32)
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    if not images.is_floating_point():
        found = f"are {images.dtype}, and the model computes in {dtype}"
        return f"the images of {name} {found}; convert them with image.float() / 255"
    if first is not None and len(shape) != 3:
        return f"an image of {name} must have shape (C, H, W), got {shape}; add C=1 by image[None]"
    if first is not None and shape[0] != first.in_channels:
        fix = f"build the model with in_channels={shape[0]}, or convert the images"
        if shape[-1] == first.in_channels:
            fix = "turn (H, W, C) into (C, H, W) with image.permute(2, 0, 1)"
        return (
            f"an image of {name} has {shape[0]} channels in shape {shape}, and the model takes "
            f"{first.in_channels}; {fix}"
        )
    if images.dtype != dtype:
        found = f"are {images.dtype}, and the model computes in {dtype}"
        return f"the images of {name} {found}; convert them with image.to({dtype})"
    return (
        f"the model cannot take images of shape {shape}, as {name} has them ({_first(error)}); "
        "give it images of the size that it is made for"
    )


def _first(error: Exception) -> str:
    """The first line of an error's message, to stand inside a sentence."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
