"""SE against torchvision; CBAM and BAM against plain loops over numpy arrays."""

import numpy as np
import pytest
import torch
import torchvision
from oracles import distance, floating_maps, randomised

from resattn.gates import BAM, CBAM, ChannelGate, SpatialGate, SqueezeExcitation

SIZES = [(5, 7), (1, 1), (2, 3)]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def arrays(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in module.state_dict().items()}


def perceptron(v: np.ndarray, w: dict[str, np.ndarray], key: str) -> np.ndarray:
    """One vector over channels through C - C/r - C."""
    hidden = np.maximum(0, w[f"{key}.0.weight"][:, :, 0, 0] @ v + w[f"{key}.0.bias"])
    return w[f"{key}.2.weight"][:, :, 0, 0] @ hidden + w[f"{key}.2.bias"]


def convolved(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, dilation: int = 1
) -> np.ndarray:
    """One image (C, H, W), zero-padded so that its size stays."""
    out_channels, _, size, _ = weight.shape
    reach = dilation * (size // 2)
    height, width = x.shape[1:]
    out = np.zeros((out_channels, height, width))
    for i in range(height):
        for j in range(width):
            for a in range(size):
                for b in range(size):
                    y, z = i + dilation * a - reach, j + dilation * b - reach
                    if 0 <= y < height and 0 <= z < width:
                        out[:, i, j] += weight[:, :, a, b] @ x[:, y, z]
            if bias is not None:
                out[:, i, j] += bias
    return out


def normed(x: np.ndarray, w: dict[str, np.ndarray], key: str) -> np.ndarray:
    """Batch norm in eval mode of an array with channels first."""
    shape = (-1,) + (1,) * (x.ndim - 1)
    mean, var = w[f"{key}.running_mean"].reshape(shape), w[f"{key}.running_var"].reshape(shape)
    gain, bias = w[f"{key}.weight"].reshape(shape), w[f"{key}.bias"].reshape(shape)
    return (x - mean) / np.sqrt(var + 1e-5) * gain + bias


def naive_cbam(
    x: np.ndarray, w: dict[str, np.ndarray], *, peak=np.max, spatial_first: bool = False
) -> np.ndarray:
    def channel(x: np.ndarray) -> np.ndarray:
        mean = np.array([channel.mean() for channel in x])
        top = np.array([peak(channel) for channel in x])
        gate = sigmoid(perceptron(mean, w, "channel.mlp") + perceptron(top, w, "channel.mlp"))
        return x * gate[:, None, None]

    def spatial(x: np.ndarray) -> np.ndarray:
        described = np.zeros((2, *x.shape[1:]))
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                described[:, i, j] = x[:, i, j].mean(), peak(x[:, i, j])
        return x * sigmoid(convolved(described, w["spatial.conv.weight"]))

    return channel(spatial(x)) if spatial_first else spatial(channel(x))


def naive_bam(x: np.ndarray, w: dict[str, np.ndarray], *, residual: bool = True) -> np.ndarray:
    mean = np.array([channel.mean() for channel in x])
    channel = normed(perceptron(mean, w, "channel.0"), w, "channel.1")
    y = x
    for layer, dilation in ((0, 1), (2, 4), (4, 4)):
        weight, bias = w[f"spatial.{layer}.weight"], w[f"spatial.{layer}.bias"]
        y = np.maximum(0, convolved(y, weight, bias, dilation))
    y = normed(convolved(y, w["spatial.6.weight"], w["spatial.6.bias"]), w, "spatial.7")
    gate = sigmoid(channel[:, None, None] + y)
    return x * ((1 if residual else 0) + gate)


def each(naive, x: torch.Tensor, w: dict[str, np.ndarray], **options: object) -> torch.Tensor:
    return torch.from_numpy(np.stack([naive(image, w, **options) for image in x.numpy()]))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reduction", [1, 4, 16])
def test_se_equals_torchvision(size, reduction):
    ours = randomised(SqueezeExcitation(16, reduction))
    theirs = torchvision.ops.SqueezeExcitation(16, 16 // reduction).double()
    renamed = {"mlp.0": "fc1", "mlp.2": "fc2"}
    state = {renamed[k[:5]] + k[5:]: v for k, v in ours.state_dict().items()}
    theirs.load_state_dict(state)
    x = floating_maps(3, 16, *size)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-12)
    gate = ours.gate(x)
    assert gate.shape == (3, 16, 1, 1) and 0 < gate.min() and gate.max() < 1


@pytest.mark.parametrize("size", SIZES)
def test_cbam_equals_plain_loops(size):
    cbam, x = randomised(CBAM(16, 4)), floating_maps(2, 16, *size)
    expected = each(naive_cbam, x, arrays(cbam))
    torch.testing.assert_close(cbam(x), expected, rtol=1e-10, atol=1e-10)


def test_the_usual_mistakes_in_cbam_are_seen():
    cbam, x = randomised(CBAM(16, 4)), floating_maps(2, 16, 5, 7)
    assert distance(each(naive_cbam, x, arrays(cbam), peak=np.mean), cbam(x)) > 1e-2
    assert distance(each(naive_cbam, x, arrays(cbam), peak=np.argmax), cbam(x)) > 1e-2
    assert distance(each(naive_cbam, x, arrays(cbam), spatial_first=True), cbam(x)) > 1e-3
    assert distance(x + cbam(x), cbam(x)) > 1e-2


def test_the_halves_of_cbam_have_the_shapes_of_their_gates():
    x = floating_maps(2, 16, 5, 7)
    assert randomised(ChannelGate(16, 4)).gate(x).shape == (2, 16, 1, 1)
    assert randomised(SpatialGate()).gate(x).shape == (2, 1, 5, 7)


@pytest.mark.parametrize("size", [*SIZES, (11, 10)])
def test_bam_equals_plain_loops(size):
    bam, x = randomised(BAM(8, 4)), floating_maps(2, 8, *size)
    expected = each(naive_bam, x, arrays(bam))
    torch.testing.assert_close(bam(x), expected, rtol=1e-10, atol=1e-10)
    assert distance(each(naive_bam, x, arrays(bam), residual=False), bam(x)) > 0.1


def test_one_value_of_bams_spatial_half_sees_17_by_17_positions():
    bam = randomised(BAM(8, 4))
    x = floating_maps(1, 8, 25, 25).requires_grad_()
    with torch.no_grad():  # all ReLUs open, so that no path is shut by chance
        for layer in (0, 2, 4):
            bam.spatial[layer].weight.abs_()
            bam.spatial[layer].bias.fill_(100.0)
    bam.spatial(x)[0, 0, 12, 12].backward()
    seen = x.grad[0].abs().sum(0).nonzero()
    assert seen.min(0).values.tolist() == [4, 4] and seen.max(0).values.tolist() == [20, 20]


@pytest.mark.parametrize("gate", [SqueezeExcitation, ChannelGate, CBAM, BAM])
@pytest.mark.parametrize(
    ("channels", "reduction", "message"),
    [
        (64, 7, "got 64 channels and reduction 7; the nearest that divides is 8"),
        (12, 16, "got 12 channels and reduction 16; the nearest that divides is 12"),
        (64, 0, "reduction must be an integer of at least 1, got 0"),
        (64, 2.0, "reduction must be an integer of at least 1, got 2.0"),
        (64, "16", "reduction must be an integer of at least 1, got '16'"),
        (0, 1, "channels must be an integer of at least 1, got 0"),
    ],
)
def test_channels_that_a_gate_cannot_divide_are_refused(gate, channels, reduction, message):
    with pytest.raises(ValueError) as caught:
        gate(channels, reduction)
    assert message in str(caught.value) and "\n" not in str(caught.value)
