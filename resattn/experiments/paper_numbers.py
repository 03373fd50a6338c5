"""What papers report: the only place where their numbers stand.

Of arXiv 1704.06904v1 unless said otherwise; one number a cell, without seeds or spread. Errors are
per cent of the test images, parameters in millions, FLOPs (multiply-adds) in units of 10^9. Lessons
may quote these numbers; `coursekit.source.lint` refuses any other that no cell produced.
"""

T1 = {"mixed": 5.52, "channel": 6.24, "spatial": 6.33}
"""CIFAR-10, Attention-56: the mask's activation."""

T2 = {
    "attention56": {"parameters": 31.9, "flops": 6.2, "depth": 56},
    "attention92": {"parameters": 51.3, "flops": 10.4, "depth": 92},
}
"""The ImageNet networks at 224 px."""

T3 = {
    "attention56": {"arl": 5.52, "nal": 5.89},
    "attention92": {"arl": 4.99, "nal": 5.35},
    "attention128": {"arl": 4.44, "nal": 5.57},
    "attention164": {"arl": 4.31, "nal": 7.18},
}
"""CIFAR-10: attention residual learning and naive attention learning."""

T4 = {"local": 6.48, "hourglass": 5.52}
"""CIFAR-10, Attention-56: the mask's structure, at equal multiply-adds."""

T5 = {
    "resnet164": {10: 5.93, 30: 6.61, 50: 8.35, 70: 17.21},
    "attention92": {10: 5.15, 30: 5.79, 50: 7.27, 70: 15.75},
}
"""CIFAR-10 with so many per cent of the training labels wrong."""

T6 = {
    "resnet164": {"parameters": 1.7, "cifar10": 5.46, "cifar100": 24.33},
    "resnet1001": {"parameters": 10.3, "cifar10": 4.64, "cifar100": 22.71},
    "wrn16-8": {"parameters": 11.0, "cifar10": 4.81, "cifar100": 22.07},
    "wrn28-10": {"parameters": 36.5, "cifar10": 4.17, "cifar100": 20.50},
    "attention92": {"parameters": 1.9, "cifar10": 4.99, "cifar100": 21.71},
    "attention236": {"parameters": 5.1, "cifar10": 4.14, "cifar100": 21.16},
    "attention452": {"parameters": 8.6, "cifar10": 3.90, "cifar100": 20.45},
}
"""Both CIFARs, without label noise. The conclusion says 20.67 where the table has 20.45."""

CONCLUSION = {"attention452": {"cifar100": 20.67}}

T7 = {
    "resnet152": {"parameters": 60.2, "flops": 11.3, "size": 224, "top1": 22.16, "top5": 6.16},
    "attention56": {"parameters": 31.9, "flops": 6.3, "size": 224, "top1": 21.76, "top5": 5.9},
    "resnext101": {"parameters": 44.5, "flops": 7.8, "size": 224, "top1": 21.2, "top5": 5.6},
    "attentionnext56": {"parameters": 31.9, "flops": 6.3, "size": 224, "top1": 21.2, "top5": 5.6},
    "inceptionresnet1": {"size": 299, "top1": 21.3, "top5": 5.5},
    "attentioninception56": {
        "parameters": 31.9,
        "flops": 6.3,
        "size": 299,
        "top1": 20.36,
        "top5": 5.29,
    },
    "resnet200": {"parameters": 64.7, "flops": 15.0, "size": 320, "top1": 20.1, "top5": 4.8},
    "inceptionresnet2": {"size": 299, "top1": 19.9, "top5": 4.9},
    "attention92": {"parameters": 51.3, "flops": 10.4, "size": 320, "top1": 19.5, "top5": 4.8},
}
"""ImageNet, one crop."""

FIGURE4 = {
    "arl": (1.0, 0.524, 0.299),
    "nal": (1.0, 0.0164, 0.0086),
    "none": (1.0, 0.566, 0.302),
}
"""Attention-164 and ResNet-164: mean response at the end of each stage, divided by stage 1's."""

CIFAR_RECIPE = {
    "padding": 4,
    "crop": 32,
    "momentum": 0.9,
    "batch size": 64,
    "weight decay": 1e-4,
    "learning rate": 0.1,
    "milestones": (64_000, 96_000),
    "steps": 160_000,
}
IMAGENET_RECIPE = {
    "crop": 224,
    "momentum": 0.9,
    "learning rate": 0.1,
    "milestones": (200_000, 400_000, 500_000),
    "steps": 530_000,
}
"""Section 4's training schedules. ImageNet's batch size and weight decay are not stated."""

PUBLIC_REPRODUCTION = {
    "batch size": 256,
    "weight decay": 1e-4,
    "top-1 accuracy": 77.64,
    "the paper's": 78.24,
}
"""Attention-56 on ImageNet, trained by others with these settings."""

HALVED_SHORTCUT = {"plain": 6.61, "halved": 12.35, "factor": 0.5, "depth": 110}
"""He et al. 2016 (arXiv 1603.05027), table 1: ResNet-110 on CIFAR-10; some halved runs diverged."""

SE = {
    "resnet50": {"parameters": 25.6, "top1": 24.80, "top5": 7.48},
    "se_resnet50": {"parameters": 28.1, "top1": 23.29, "top5": 6.62},
    "reduction": {4: 23.21, 8: 23.19, 16: 23.29, 32: 23.40},
}
"""Hu et al., CVPR 2018, ImageNet."""

CBAM = {
    "resnet50": {"top1": 24.56, "top5": 7.50},
    "se_resnet50": {"top1": 23.14, "top5": 6.70},
    "cbam_resnet50": {"parameters": 28.09, "top1": 22.66, "top5": 6.31},
    "channel gate": {"max": 23.20, "mean and max": 22.80},
    "kernel": {3: 22.68, 7: 22.66},
    "order": {"channel first": 22.66, "spatial first": 22.78, "parallel": 22.95},
}
"""Woo et al., ECCV 2018, ImageNet."""


def reported(model: str, data: str, *, merge: str, noise: int) -> tuple[float, str] | None:
    """The paper's number and its table; None where it reports none.

    Args:
        model: without the prefix, for example "attention56".
        data: "cifar10", "cifar100" or "imagenet".
        merge: "arl" or "nal"; of no meaning for a network without masks.
        noise: per cent of wrong labels.
    """
    imagenet = (data, merge, noise) == ("imagenet", "arl", 0)
    cells = [
        ("T7", T7.get(model, {}).get("top1") if imagenet else None),
        ("T5", T5.get(model, {}).get(noise) if (data, merge) == ("cifar10", "arl") else None),
        ("T3", T3.get(model, {}).get(merge) if (data, noise) == ("cifar10", 0) else None),
        ("T6", T6.get(model, {}).get(data) if (merge, noise) == ("arl", 0) else None),
    ]
    return next(((number, table) for table, number in cells if number is not None), None)
