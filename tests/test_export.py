"""Tracers and exporters against eager outputs, at the traced size and at others."""

import copy
import io
import warnings
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from oracles import distance
from torch import Tensor, fx, nn
from torch.export import Dim
from torchvision.models.feature_extraction import create_feature_extractor

from resattn import PRESETS, ResidualAttentionNetwork, create_model

ONE_OF_EACH = (
    *("attention56", "cifar_attention56", "small_attention32"),
    *("small_resnet8", "small_se8", "small_cbam8", "small_bam8"),
)
"""A preset for every stem and gate; the units are among the options below."""

OPTIONS = (
    {"upsampling": "nearest", "activation": "channel", "unit": "inception"},
    {"upsampling": "transposed", "activation": "spatial", "final_norm": True},
    {"mask": "local", "merge": "nal", "unit": "post", "groups": 4},
    {"merge": "none"},
    {"skips": False, "gate": "cbam"},
)


NEWER = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 15)
"""True where named ranges and the newer ONNX exporter with free sizes are tried.

Torch 2.15 was seen to do both, and torch 2.6 refuses both. Older torch keeps sizes free by
``Dim.DYNAMIC``.
"""


def every_preset(*, often: tuple[str, ...] = ONE_OF_EACH) -> list[object]:
    """Every preset as a test's parameter; those not in ``often`` are slow."""
    return [pytest.param(name, marks=() if name in often else pytest.mark.slow) for name in PRESETS]


def built(name: str, **options: object) -> ResidualAttentionNetwork:
    """A network in eval mode whose norms have seen images: deep ones overflow without."""
    torch.manual_seed(0)
    model = create_model(name, **options)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean over all batches seen, which is one
    with torch.no_grad():
        model(images(model, 4, 0, 0))
    return model.eval()


def images(model: ResidualAttentionNetwork, batch: int, taller: int, wider: int) -> Tensor:
    """Images a little over the smallest size at which every map has two positions a side.

    torch.export takes a map of one position for a special case. Networks without masks divide a
    side by up to 32, and of 34 pixels they keep one position.
    """
    config = model.config
    stages = tuple(replace(stage, poolings=stage.poolings + 1) for stage in config.stages)
    side = max(36, replace(config, stages=stages, image_size=512).smallest_image)
    generator = torch.Generator().manual_seed(batch)
    shape = (batch, config.in_channels, side + taller, side + wider)
    return torch.randn(shape, generator=generator)


def batches(model: ResidualAttentionNetwork) -> tuple[Tensor, Tensor, Tensor]:
    """Images to trace with, and others with another batch, height and width."""
    return images(model, 2, 3, 6), images(model, 3, 8, 1), images(model, 1, 0, 4)


def assert_same(
    traced: Callable[[Tensor], Tensor], model: ResidualAttentionNetwork, *, within: float
) -> None:
    """Assert that a traced network gives the eager logits at every size."""
    with torch.no_grad():
        for x in batches(model):
            assert distance(traced(x), model(x)) <= within


def assert_as_exact(exported: Callable[[Tensor], Tensor], model: ResidualAttentionNetwork) -> None:
    """Assert that an exported network is as near to float64 as the eager one, at every size.

    Another runtime adds in another order. A deep network enlarges such rounding: eager float32
    itself is up to 5e-4 from float64. Ten times that is allowed, or 1e-4 where that is more.
    """
    reference = copy.deepcopy(model).double()
    with torch.no_grad():
        exact = [reference(x.double()) for x in batches(model)]
        eager = [distance(model(x), y) for x, y in zip(batches(model), exact, strict=True)]
        for x, y in zip(batches(model), exact, strict=True):
            assert distance(exported(x), y) <= max(1e-4, 10 * max(eager))


@pytest.mark.parametrize("name", ["small_attention32", "cbam_resnet50"])
def test_a_fault_of_one_percent_is_no_rounding(name):
    """The second network has the largest rounding of all presets."""
    model = built(name)
    assert_as_exact(model, model)
    with pytest.raises(AssertionError):
        assert_as_exact(lambda x: 1.01 * model(x), model)


@pytest.mark.parametrize("name", every_preset())
def test_fx_follows_every_preset(name):
    model = built(name)
    assert_same(fx.symbolic_trace(model), model, within=0)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_fx_follows_every_option(options):
    model = built("small_attention8", **options)
    assert_same(fx.symbolic_trace(model), model, within=0)


@pytest.mark.parametrize("name", every_preset())
def test_torchvision_extracts_features(name):
    model = built(name)
    extractor = create_feature_extractor(model, {"stages.1": "second", "head": "logits"})
    x = batches(model)[1]
    with torch.no_grad():
        expected = model.stages[1](model.stages[0](model.stem(x)))
        found = extractor(x)
        assert torch.equal(found["second"], expected) and torch.equal(found["logits"], model(x))


def jit_traced(model: ResidualAttentionNetwork) -> torch.jit.ScriptModule:
    """The network by torch.jit.trace; a warning that something was fixed is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        return torch.jit.trace(model, batches(model)[0])


@pytest.mark.parametrize("name", every_preset())
def test_jit_traces_every_preset_for_any_size(name):
    model = built(name)
    assert_same(jit_traced(model), model, within=0)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_jit_traces_every_option_for_any_size(options):
    model = built("small_attention8", **options)
    assert_same(jit_traced(model), model, within=0)


def exported(model: ResidualAttentionNetwork) -> nn.Module:
    """The network by torch.export, with free batch, height and width."""
    free = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}
    if NEWER:
        side = images(model, 1, 0, 0).shape[-1]
        free = {0: Dim("batch", max=64), 2: Dim("height", min=side, max=512)}
        free |= {3: Dim("width", min=side, max=512)}
    program = torch.export.export(model, batches(model)[:1], dynamic_shapes={"x": free})
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    return torch.export.load(file).module()


@pytest.mark.parametrize("name", every_preset(often=("small_attention32", "small_bam8")))
def test_export_keeps_every_size_free(name):
    model = built(name)
    assert_same(exported(model), model, within=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_export_keeps_every_size_free_with_every_option(options):
    model = built("small_attention8", **options)
    assert_same(exported(model), model, within=1e-5)


def onnx_exported(model: ResidualAttentionNetwork, *, dynamo: bool) -> Callable[[Tensor], Tensor]:
    """The network by an exporter to ONNX, as ONNX Runtime computes it."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    file, free = io.BytesIO(), {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}
    example = batches(model)[:1]
    if dynamo:
        program = torch.onnx.export(
            model, example, dynamo=True, verbose=False, dynamic_shapes={"x": free}
        )
        program.save(file)
    else:
        axes = {"x": {0: "batch", 2: "height", 3: "width"}}
        torch.onnx.export(model, example, file, dynamo=False, input_names=["x"], dynamic_axes=axes)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {"x": x.numpy()})[0])


@pytest.mark.parametrize("name", every_preset())
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_older_onnx_exporter_keeps_every_size_free(name):
    model = built(name)
    assert_as_exact(onnx_exported(model, dynamo=False), model)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_older_onnx_exporter_keeps_every_size_free_with_every_option(options):
    model = built("small_attention8", **options)
    assert_as_exact(onnx_exported(model, dynamo=False), model)


@pytest.mark.skipif(not NEWER, reason="torch 2.6 cannot upsample to a free size here")
@pytest.mark.parametrize("name", every_preset(often=("small_attention32",)))
def test_the_newer_onnx_exporter_keeps_every_size_free(name):
    model = built(name)
    assert_as_exact(onnx_exported(model, dynamo=True), model)


@pytest.mark.skipif(not NEWER, reason="torch 2.6 cannot upsample to a free size here")
@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_newer_onnx_exporter_keeps_every_size_free_with_every_option(options):
    model = built("small_attention8", **options)
    assert_as_exact(onnx_exported(model, dynamo=True), model)


def test_a_traced_network_still_computes_at_the_smallest_image():
    model = built("small_attention8")
    traced, followed = jit_traced(model), fx.symbolic_trace(model)
    side = model.config.smallest_image
    x = torch.randn(1, 1, side, side)
    with torch.no_grad():
        assert torch.equal(traced(x), model(x)) and torch.equal(followed(x), model(x))
