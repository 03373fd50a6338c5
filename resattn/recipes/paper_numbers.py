"""What the paper reports for the networks that it trains: top-1 test error in per cent.

Tables 3, 5, 6 and 7 of arXiv 1704.06904v1; one number a cell, without seeds or spread. Tables 3 and
6 agree on Attention-92.
"""

T3 = {
    "attention56": {"arl": 5.52, "nal": 5.89},
    "attention92": {"arl": 4.99, "nal": 5.35},
    "attention128": {"arl": 4.44, "nal": 5.57},
    "attention164": {"arl": 4.31, "nal": 7.18},
}
"""CIFAR-10: attention residual learning and naive attention learning."""

T5 = {
    "resnet164": {10: 5.93, 30: 6.61, 50: 8.35, 70: 17.21},
    "attention92": {10: 5.15, 30: 5.79, 50: 7.27, 70: 15.75},
}
"""CIFAR-10 with so many per cent of the training labels wrong."""

T6 = {
    "resnet164": {"cifar10": 5.46, "cifar100": 24.33},
    "attention92": {"cifar10": 4.99, "cifar100": 21.71},
    "attention236": {"cifar10": 4.14, "cifar100": 21.16},
}
"""Both CIFARs, without label noise."""

T7 = {"attention56": 21.76}
"""ImageNet, one crop of 224."""


def reported(model: str, data: str, *, merge: str, noise: int) -> tuple[float, str] | None:
    """The paper's number and its table; None where it reports none.

    Args:
        model: without the prefix, for example "attention56".
        data: "cifar10", "cifar100" or "imagenet".
        merge: "arl" or "nal"; of no meaning for a network without masks.
        noise: per cent of wrong labels.
    """
    cells = [
        ("T7", T7.get(model) if (data, merge, noise) == ("imagenet", "arl", 0) else None),
        ("T5", T5.get(model, {}).get(noise) if (data, merge) == ("cifar10", "arl") else None),
        ("T3", T3.get(model, {}).get(merge) if (data, noise) == ("cifar10", 0) else None),
        ("T6", T6.get(model, {}).get(data) if (merge, noise) == ("arl", 0) else None),
    ]
    return next(((number, table) for table, number in cells if number is not None), None)
