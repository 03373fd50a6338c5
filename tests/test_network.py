"""Whole networks: the wiring from image to logits, and what a user may do with one."""

import copy
import io
import itertools
import pickle
import random
from dataclasses import replace

import pytest
import torch
from oracles import MISTAKES, Naive, Rules, distance, floating_maps, randomised
from torch import nn

from resattn import (
    NetworkConfig,
    ResidualAttentionNetwork,
    StageConfig,
    create_model,
    get_config,
)
from resattn.gates import BAM, CBAM, SqueezeExcitation
from resattn.masks import MASK_ACTIVATIONS
from resattn.resampling import UPSAMPLINGS

SMALL = ("small_attention8", "small_resnet8", "small_se8", "small_cbam8", "small_bam8")


def thin56(**options: object) -> NetworkConfig:
    """Attention-56 with an eighth of its channels and five classes."""
    config = get_config("attention56")
    stages = tuple(
        replace(stage, channels=stage.channels // 16, width=stage.width // 16)
        for stage in config.stages
    )
    return replace(config, stages=stages, stem_channels=8, num_classes=5, **options)


def tiny(**options: object) -> NetworkConfig:
    """Two stages on 8 and 4 pixels, with everything that an option can touch."""
    stages = (
        StageConfig(channels=16, width=8, modules=1, poolings=2),
        StageConfig(channels=24, width=8, stride=2, modules=1, poolings=1, plain=1),
    )
    fields = {"stem": "small", "stem_channels": 8, "image_size": 8, "num_classes": 3}
    return NetworkConfig(stages=stages, **fields, reduction=4, **options)


def shallow(**options: object) -> NetworkConfig:
    """One stage with one module, for what takes its time for each layer."""
    stages = (StageConfig(channels=16, width=8, modules=1, poolings=2),)
    return replace(tiny(**options), stages=stages, t=1)


def seeded(config: NetworkConfig, seed: int = 0) -> ResidualAttentionNetwork:
    torch.manual_seed(seed)
    return ResidualAttentionNetwork(config)


# --- the wiring, end to end --------------------------------------------------------------------


def test_attention56_equals_its_naive_forward_pass():
    model = randomised(create_model("attention56", 7))
    image = floating_maps(1, 3, 64, 80)
    with torch.no_grad():
        logits = model(image)
        assert logits.shape == (1, 7)
        assert distance(Naive(model).attention56(image), logits) < 1e-10
        for added in ("skips and maps", "skips and trunk"):
            port = Naive(model, Rules(added=added)).attention56(image)
            assert distance(port, logits) > 0.02


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_dropped_quirk_gives_other_logits(mistake):
    model, image = randomised(seeded(thin56())), floating_maps(2, 3, 64, 77)
    with torch.no_grad():
        assert distance(Naive(model).attention56(image), model(image)) < 1e-10
        assert distance(Naive(model, mistake).attention56(image), model(image)) > 1e-4


def test_the_small_stem_leaves_norm_and_relu_to_a_preactivation_unit():
    assert [type(m) for m in create_model("cifar_attention56").stem] == [nn.Conv2d]
    post = ResidualAttentionNetwork(tiny(unit="post"))
    assert [type(m) for m in post.stem] == [nn.Conv2d, nn.Sequential]
    assert isinstance(post.head[0], nn.AdaptiveAvgPool2d)


def test_attention_modules_are_named_from_image_to_logits():
    names = [name for name, _ in create_model("small_attention8", modules=2).attention_modules()]
    assert names == [f"stages.{i}.{j}" for i in range(3) for j in (1, 2)]


@pytest.mark.parametrize(("gate", "kind"), [("se", SqueezeExcitation), ("cbam", CBAM)])
def test_a_gate_is_in_every_unit_outside_the_masks(gate, kind):
    model = ResidualAttentionNetwork(tiny(gate=gate))
    gated = {name for name, m in model.named_modules() if isinstance(m, kind)}
    units = {name for name, m in model.named_modules() if hasattr(m, "branch")}
    assert gated == {f"{name}.gate" for name in units if ".mask." not in name}


@pytest.mark.parametrize("repeats", [1, 3])
def test_bam_ends_every_stage_but_the_last(repeats):
    stage = StageConfig(channels=16, width=8)
    config = replace(tiny(gate="bam"), stages=(stage,) * repeats)  # one object, used again
    model = ResidualAttentionNetwork(config)
    assert [isinstance(stage[-1], BAM) for stage in model.stages] == [True] * (repeats - 1) + [
        False
    ]


def test_weights_start_as_he_et_al_and_upsamplers_as_bilinear():
    torch.manual_seed(0)
    model = create_model("attention56", upsampling="transposed")
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 50_000:
            fan_out = module.out_channels * module.weight[0, 0].numel()
            assert module.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.02), name
        if isinstance(module, nn.ConvTranspose2d):
            ramp = torch.tensor([0.25, 0.75, 0.75, 0.25])
            assert torch.equal(module.weight[0, 0], torch.outer(ramp, ramp)), name


# --- image sizes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cifar_attention56", "small_attention8", "small_attention32"])
@pytest.mark.parametrize("size", [(17, 23), (32, 19), (21, 40)])
def test_any_size_gives_logits(name, size):
    model = create_model(name).eval()
    channels, classes = model.config.in_channels, model.config.num_classes
    with torch.no_grad():
        logits = model(torch.randn(1, channels, *size))
    assert logits.shape == (1, classes) and logits.isfinite().all()


@pytest.mark.parametrize(
    ("config", "smallest"),
    [
        (thin56(), 31),
        (thin56(mask="local"), 3),
        (thin56(merge="none"), 3),
        (replace(get_config("se_resnet50"), gate="none"), 3),
        (get_config("cifar_attention56"), 8),
        (get_config("small_attention32"), 9),
        (get_config("small_resnet8"), 1),
        (tiny(), 4),
    ],
    ids=lambda value: value if isinstance(value, int) else value.stem,
)
def test_the_smallest_image_is_the_smallest(config, smallest, monkeypatch):
    with torch.device("meta"):
        model = ResidualAttentionNetwork(config).eval()

        def shape(height: int, width: int) -> tuple[int, ...]:
            return model(torch.zeros(1, config.in_channels, height, width)).shape

        assert config.smallest_image == smallest
        assert shape(smallest, smallest) == shape(smallest, smallest + 9) == (1, config.num_classes)
        for size in ((smallest - 1, smallest + 9), (smallest + 9, smallest - 1)):
            with pytest.raises(ValueError) as caught:
                shape(*size)
            message = str(caught.value)
            assert f"at least {smallest}x{smallest}, got {size[0]}x{size[1]}" in message
            assert "use larger images" in message and "\n" not in message
        if smallest > 1:  # without the check it would fail somewhere inside: the limit is tight
            monkeypatch.setattr(NetworkConfig, "check_image_size", lambda *_: None)
            with pytest.raises((ValueError, RuntimeError)):
                shape(smallest - 1, smallest - 1)


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (1, 8, 8), (8, 8), (1, 1, 1, 8, 8)])
def test_an_image_of_the_wrong_shape_is_refused(shape):
    model = create_model("small_attention8").eval()
    with pytest.raises(ValueError) as caught:
        model(torch.zeros(shape))
    assert f"(B, 1, H, W), got {shape}; set in_channels" in str(caught.value)


# --- what PyTorch offers -------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_a_batch_equals_its_images_one_by_one_in_eval_mode(name):
    model, x = randomised(create_model(name)), floating_maps(3, 1, 8, 9)
    with torch.no_grad():
        alone = torch.cat([model(image[None]) for image in x])
        together = model(x)
    assert together.dtype == torch.float64
    torch.testing.assert_close(alone, together, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", SMALL)
def test_bfloat16_autocast_stays_near(name):
    torch.manual_seed(0)
    model, x = create_model(name).eval(), torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        exact = model(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = model(x)
    assert rough.dtype == torch.bfloat16
    assert 0 < distance(rough.float(), exact) < 0.1


@pytest.mark.parametrize("name", SMALL)
def test_channels_last_gives_the_same(name):
    model, x = randomised(create_model(name)), floating_maps(2, 1, 8, 9)
    with torch.no_grad():
        expected = model(x)
        model = model.to(memory_format=torch.channels_last)
        out = model(x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(out, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("activation", MASK_ACTIVATIONS)
def test_a_network_compiles_without_a_graph_break(activation):
    # Dynamo alone: to make machine code of it takes minutes.
    model = randomised(seeded(shallow(activation=activation, gate="cbam"))).train()
    other, x = copy.deepcopy(model), floating_maps(2, 3, 8, 9)
    torch.compiler.reset()
    compiled = torch.compile(other, fullgraph=True, backend="eager")
    for net in (model, compiled):
        net(x).square().sum().backward()
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    torch.testing.assert_close(compiled.eval()(x), model.eval()(x))


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
def test_an_exported_network_computes_the_same(upsampling):
    model, x = seeded(shallow(upsampling=upsampling)).eval(), torch.randn(2, 3, 8, 9)
    file = io.BytesIO()
    torch.export.save(torch.export.export(model, (x,)), file)
    file.seek(0)
    with torch.no_grad():
        torch.testing.assert_close(torch.export.load(file).module()(x), model(x))


@pytest.mark.parametrize("name", SMALL)
def test_weights_copies_and_pickles_give_the_same_logits(name):
    model, x = randomised(create_model(name)).float(), torch.randn(2, 1, 8, 8)
    other = create_model(name).eval()
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    with torch.no_grad():
        expected = model(x)
        assert not torch.equal(other(x), expected)
        other.load_state_dict(torch.load(file, weights_only=True), strict=True)
        for same in (other, copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model):
            assert torch.equal(same(x), expected)
            assert same.config == model.config


@pytest.mark.parametrize("name", SMALL)
def test_a_seed_fixes_the_weights(name):
    nets = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        nets.append(create_model(name).state_dict())
    first, again, other = nets
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


# --- gradients -----------------------------------------------------------------------------------

OPTIONS = {
    "merge": ("arl", "nal", "none"),
    "mask": ("hourglass", "local"),
    "activation": tuple(MASK_ACTIVATIONS),
    "upsampling": UPSAMPLINGS,
    "unit": ("preact", "post", "inception"),
    "gate": ("none", "se", "cbam", "bam"),
    "final_norm": (False, True),
    "skips": (True, False),
}


def pairs(options: dict[str, object]) -> set[tuple]:
    return set(itertools.combinations(sorted(options.items()), 2))


def covering() -> list[dict[str, object]]:
    """Few combinations in which every pair of option values meets at least once."""
    every = [dict(zip(OPTIONS, v, strict=True)) for v in itertools.product(*OPTIONS.values())]
    random.Random(0).shuffle(every)
    missing = set().union(*map(pairs, every))
    chosen = []
    while missing:
        best = max(every[:200], key=lambda options: len(pairs(options) & missing))
        if not pairs(best) & missing:
            best = next(options for options in every if pairs(options) & missing)
        chosen.append(best)
        missing -= pairs(best)
    return chosen


@pytest.mark.parametrize("options", covering(), ids=lambda o: "-".join(map(str, o.values())))
def test_a_gradient_reaches_every_parameter(options):
    model = randomised(seeded(tiny(**options)))
    for module in list(model.modules()):  # no ReLU shut everywhere by chance: the wiring is tested
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.LeakyReLU(0.1))
    x = floating_maps(3, 3, 8, 9)
    model(x).square().sum().backward()
    zero = set()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        if parameter.grad.abs().max() < 1e-9:
            zero.add(name)
    if options["activation"] == "spatial":  # f3 subtracts the mean: a bias before it has no effect
        zero = {name for name in zero if not name.endswith("final_norm.bias")}
    assert not zero
    model.train().zero_grad()
    model(x).square().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_a_training_step_of_a_preset_moves_every_weight(name):
    torch.manual_seed(0)
    # SE at r = 16 has two hidden units for 32 channels, and chance may shut both: so r = 4 there.
    model, x = create_model(name), torch.randn(16, 1, 8, 8)
    before = {key: value.clone() for key, value in model.named_parameters()}
    nn.functional.cross_entropy(model(x), torch.arange(16) % 10).backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    still = {key for key, value in model.named_parameters() if torch.equal(value, before[key])}
    assert not still
