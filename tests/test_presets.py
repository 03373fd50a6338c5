"""The table of presets, recomputed on the meta device; the integers of the literature as oracle."""

import inspect
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, asdict, fields, replace
from functools import cache
from itertools import chain

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

import resattn
from resattn import (
    PRESETS,
    NetworkConfig,
    ResidualAttentionNetwork,
    StageConfig,
    count_multiply_adds,
    count_parameters,
    create_model,
    get_config,
    list_models,
    widened_trunk,
)
from resattn.gates import SqueezeExcitation
from resattn.units import InceptionUnit, PostActBottleneck, PreActBottleneck

UNITS = (PreActBottleneck, PostActBottleneck, InceptionUnit)

# Written here from the released networks and the literature, not read from the package.
PARAMETERS = {
    "attention56": 31_810_728,
    "attention92": 52_466_344,
    "attentionnext56": 31_318_824,
    "attentionnext92": 52_102_952,
    "se_resnet50": 28_088_024,
    "cifar_attention56": 1_030_362,
    "cifar_attention92": 1_841_242,
    "cifar_attention128": 2_652_122,
    "cifar_attention164": 3_463_002,
    "cifar_attention236": 5_084_762,
    "cifar_attention452": 10_181_210,
    "cifar_resnet164": 1_703_258,
}
MULTIPLY_ADDS = {"attention56": 6_270_836_736, "attention92": 10_533_789_696}
ROUNDED_MULTIPLY_ADDS = {"attentionnext56": 6.419e9, "attentionnext92": 10.704e9}
MASKED = [name for name, preset in PRESETS.items() if preset.config.has_masks]


def on_meta(config: NetworkConfig) -> ResidualAttentionNetwork:
    with torch.device("meta"):
        return ResidualAttentionNetwork(config)


@cache
def preset_on_meta(name: str) -> ResidualAttentionNetwork:
    return on_meta(get_config(name))


def parameters(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


def multiply_adds(model: ResidualAttentionNetwork) -> int:
    config = model.config
    return count_multiply_adds(model, (config.in_channels, config.image_size, config.image_size))


@pytest.mark.parametrize("name", PRESETS)
def test_the_table_says_what_the_network_is(name):
    preset, model = PRESETS[name], preset_on_meta(name)
    assert preset.parameters == parameters(model)
    assert preset.multiply_adds == multiply_adds(model)
    units = [n for n, m in model.named_modules() if isinstance(m, UNITS) and ".mask." not in n]
    assert preset.depth == preset.config.depth == 1 + 3 * len(units) + 1
    assert preset.source


def test_the_table_agrees_with_the_literature():
    assert {name: PRESETS[name].parameters for name in PARAMETERS} == PARAMETERS
    assert {name: PRESETS[name].multiply_adds for name in MULTIPLY_ADDS} == MULTIPLY_ADDS
    for name, rounded in ROUNDED_MULTIPLY_ADDS.items():
        assert round(PRESETS[name].multiply_adds, -6) == rounded
    assert round(PRESETS["cbam_resnet50"].parameters / 1e6, 2) == 28.09
    assert round(PRESETS["attentioninception56"].parameters / 31.9e6, 2) == 1.0
    assert round(PRESETS["attentioninception56"].multiply_adds / 1e9, 1) == 6.3
    for name, preset in PRESETS.items():
        stated = "".join(c for c in name.removeprefix("small_") if c.isdigit())
        assert name.startswith("small_") or preset.depth == int(stated)


def test_attention56_part_by_part():
    model = preset_on_meta("attention56")
    modules = [module for _, module in model.attention_modules()]
    # The released files draw a unit's first BN to the block before it, so that a trunk (its p unit
    # with it) goes without the first one, and the last unit has the next stage's.
    norms = [parameters(m.before[0].preact) for m in modules]
    assert norms == [2 * 256, 2 * 512, 2 * 1024]
    assert norms == [parameters(stage[0].preact) for stage in list(model.stages)[1:]]
    trunks = [parameters(m.before) + parameters(m.trunk) for m in modules]
    trunks = [trunk - norm for trunk, norm in zip(trunks, norms, strict=True)]
    assert trunks == [210_688, 839_168, 3_349_504]
    assert [parameters(m.mask) for m in modules] == [695_296, 1_926_656, 4_335_616]
    last = [parameters(m.after) + norm for m, norm in zip(modules, norms, strict=True)]
    assert last == [70_912, 281_088, 1_119_232]
    assert parameters(model) - sum(map(parameters, modules)) == 18_982_568
    counts = [sum(isinstance(m, UNITS) for m in module.mask.modules()) for module in modules]
    assert counts == [8, 5, 2]
    statistics = [b for n, b in model.named_buffers() if n.endswith(("mean", "var"))]
    assert parameters(model) + sum(b.numel() for b in statistics) == 31_883_432


@pytest.mark.parametrize(
    ("name", "of_parameters", "of_multiply_adds"),
    [("attention56", 21.9, 27.8), ("attention92", 33.5, 32.2)],
)
def test_what_the_masks_cost(name, of_parameters, of_multiply_adds):
    whole, bare = preset_on_meta(name), on_meta(replace(get_config(name), merge="none"))
    assert round(100 * (1 - parameters(bare) / parameters(whole)), 1) == of_parameters
    assert round(100 * (1 - multiply_adds(bare) / multiply_adds(whole)), 1) == of_multiply_adds
    if name == "attention56":
        assert round(parameters(bare) / 1e6, 2) == 24.85
        assert round(multiply_adds(bare) / 1e9, 2) == 4.53


@pytest.mark.parametrize(
    ("name", "count"), [("cifar_attention92", 1_864_372), ("cifar_attention236", 5_107_892)]
)
def test_cifar_networks_with_100_classes(name, count):
    with torch.device("meta"):
        assert parameters(create_model(name, num_classes=100)) == count


def test_resnet50_without_gates_is_torchvisions():
    with torch.device("meta"):
        theirs = torchvision.models.resnet50()
    for name in ("se_resnet50", "cbam_resnet50", "bam_resnet50"):
        ours = on_meta(replace(get_config(name), gate="none"))
        assert parameters(ours) == parameters(theirs) == 25_557_032
        ours_shapes = sorted(tuple(p.shape) for p in ours.parameters())
        assert ours_shapes == sorted(tuple(p.shape) for p in theirs.parameters())
        assert multiply_adds(ours) == count_multiply_adds(theirs, (3, 224, 224))


@pytest.mark.parametrize("m", [1, 2, 5])
@pytest.mark.parametrize(("p", "t"), [(1, 2), (2, 4), (1, 1)])
def test_depth_of_three_stages_of_modules(m, p, t):
    one = StageConfig(channels=8, width=4, modules=m, poolings=1, plain=1)
    config = NetworkConfig(stages=(one,) * 3, stem="small", stem_channels=8, image_size=8, p=p, t=t)
    assert config.depth == 9 * m * (2 * p + t) + 20


@pytest.mark.parametrize("name", MASKED)
def test_a_widened_trunk_has_the_size_of_its_masked_network(name):
    config = get_config(name)
    wide = widened_trunk(config)
    assert wide.merge == "none" and wide.depth == config.depth
    assert parameters(on_meta(wide)) == pytest.approx(PRESETS[name].parameters, rel=0.02)
    same = replace(wide, merge=config.merge, stages=config.stages)
    assert same == config  # nothing but the widths and the masks has changed
    for before, after in zip(config.stages, wide.stages, strict=True):
        assert replace(after, width=before.width) == before and after.width >= before.width


def test_a_widened_trunk_computes():
    config = widened_trunk(get_config("small_attention16"))
    logits = ResidualAttentionNetwork(config).eval()(torch.randn(2, 1, 16, 16))
    assert logits.shape == (2, 10) and logits.isfinite().all()


def test_only_a_network_with_masks_can_be_matched():
    for config in (get_config("se_resnet50"), replace(get_config("attention56"), merge="none")):
        with pytest.raises(ValueError, match="matches a network with masks; this one has none"):
            widened_trunk(config)


# --- names and options -----------------------------------------------------------------------


BUILDERS = (
    *("attention56", "attention92", "cifar_attention92"),
    *("small_attention8", "small_attention32"),
)


def test_every_preset_is_a_model():
    assert list_models() == list(PRESETS)
    asked = [*PARAMETERS, "attentioninception56", "cbam_resnet50", "bam_resnet50"]
    small = [f"small_{kind}{size}" for kind in ("attention", "resnet") for size in (8, 16, 32)]
    assert {*asked, *small} <= set(PRESETS)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_named_builder_builds_its_preset_with_the_options_given(name):
    builder = getattr(resattn, name)
    with torch.device("meta"):
        assert builder().config == get_config(name)
        changed = replace(get_config(name), num_classes=3, merge="nal")
        assert builder(3, merge="nal").config == changed
    shown = list(inspect.signature(builder).parameters.values())
    assert shown == list(inspect.signature(create_model).parameters.values())[1:]


def test_the_package_offers_its_names_and_no_others():
    assert set(BUILDERS) == set(resattn.__all__) & set(PRESETS)
    assert {"create_model", "NetworkConfig", "data", "training"} <= set(resattn.__all__)
    assert all(hasattr(resattn, name) for name in resattn.__all__)
    assert set(resattn.__all__) <= set(dir(resattn))
    for name in ("attention57", "small_se8", "create", "nothing"):
        if name not in vars(resattn):  # `create` is, once its module has been imported
            with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
                getattr(resattn, name)


def test_importing_the_package_loads_nothing_that_is_not_used():
    code = "import resattn, sys; dir(resattn); print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_every_option_reaches_the_configuration():
    values = {
        "num_classes": 7,
        "in_channels": 2,
        "image_size": 24,
        "unit": "post",
        "groups": 2,
        "p": 2,
        "t": 1,
        "r": 2,
        "merge": "nal",
        "mask": "local",
        "local_units": 2,
        "activation": "spatial",
        "upsampling": "nearest",
        "skips": False,
        "final_norm": True,
        "gate": "se",
        "reduction": 8,
        "stem": "imagenet",
        "stem_channels": 24,
        "stages": (StageConfig(channels=32, width=8, modules=2, poolings=1),),
    }
    assert set(values) == {field.name for field in fields(NetworkConfig)}
    options = set(inspect.signature(create_model).parameters)
    assert options == {*values, "name", "modules", "poolings"}
    default = get_config("small_attention16")
    with torch.device("meta"):
        config = create_model("small_attention16", **values).config
        assert config == replace(default, **values)
        assert all(getattr(default, key) != value for key, value in values.items())
        assert create_model("small_attention16").config == default


def test_modules_and_poolings_are_one_number_or_one_a_stage():
    with torch.device("meta"):

        def of(key: str, **options: object) -> list[int]:
            config = create_model("attention56", **options).config
            return [getattr(stage, key) for stage in config.stages]

        assert of("modules", modules=2) == [2, 2, 2, 0]
        assert of("modules", modules=(1, 2, 3)) == [1, 2, 3, 0]
        assert of("poolings", poolings=1) == [1, 1, 1, 1]
        assert of("poolings", poolings=(2, 1, 1)) == [2, 1, 1, 1]
        assert of("poolings", modules=(0, 1, 1), poolings=(1, 2, 1)) == [1, 2, 1, 1]
        assert of("modules", modules=0, poolings=2) == [0, 0, 0, 0]


def test_modules_and_poolings_change_the_stages_given():
    stages = (StageConfig(channels=16, width=8, modules=1), StageConfig(channels=16, width=8))
    with torch.device("meta"):
        config = create_model("small_resnet16", stages=stages, modules=3, poolings=2).config
    assert config.stages == (replace(stages[0], modules=3, poolings=2), stages[1])


def test_none_keeps_the_presets_value():
    with torch.device("meta"):
        options = dict.fromkeys(inspect.signature(create_model).parameters)
        config = create_model(**{**options, "name": "small_attention16"}).config
    assert config == get_config("small_attention16")


class Whole:
    """An integer of some library, which only says which one it is."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int32, Whole, torch.tensor, np.array])
def test_an_integer_of_any_library_counts_as_one(kind):
    counts = {"num_classes": 7, "in_channels": 2, "image_size": 24, "p": 2, "t": 1, "r": 2}
    per_stage = {"modules": 2, "poolings": 1}
    options = {key: kind(value) for key, value in (counts | per_stage).items()}
    several = (kind(2), 1, kind(1))
    with torch.device("meta"):
        config = create_model("small_attention16", **options).config
        assert config == create_model("small_attention16", **counts, **per_stage).config
        same = create_model("small_attention16", poolings=several).config
        assert same == get_config("small_attention16")
    numbers = [*asdict(config).values(), *chain(*(asdict(s).values() for s in config.stages))]
    assert {type(value) for value in numbers} <= {int, str, bool, tuple}
    assert json.dumps(asdict(config)) and hash(config) is not None
    assert SqueezeExcitation(32, kind(4)).mlp[0].out_channels == 8


def test_a_configuration_cannot_be_changed_and_can_be_a_key():
    config = get_config("attention56")
    with pytest.raises(FrozenInstanceError):
        config.p = 2
    assert {config: 1}[replace(config)] == 1


# --- bad input -------------------------------------------------------------------------------

SMALL = "small_attention16"
WHOLE = ("stem_channels", "image_size", "in_channels", "num_classes", "groups", "reduction")
COUNTS = (*WHOLE, "p", "t", "r", "local_units")


def refusal(build) -> str:
    """The one sentence with which something is refused."""
    with pytest.raises(ValueError) as caught:
        build()
    message = str(caught.value)
    assert "\n" not in message and ". " not in message
    return message


@pytest.mark.parametrize(
    "value",
    [0, -1, 1.0, "2", True, [1], float("nan"), np.int64(0), np.float64(2.0), np.True_]
    + [torch.tensor(True), np.array(True), np.array([2])],
    ids=repr,
)
@pytest.mark.parametrize("name", COUNTS)
def test_a_count_that_is_no_count_is_refused(name, value):
    message = refusal(lambda: replace(get_config(SMALL), **{name: value}))
    assert f"{name} must be an integer of at least 1, got {value!r}" == message


@pytest.mark.parametrize("value", [-1, 1.0, "2", True, None])
@pytest.mark.parametrize("name", ["channels", "width", "stride", "poolings", "modules", "plain"])
def test_a_stage_of_impossible_numbers_is_refused(name, value):
    least = 0 if name in ("modules", "plain") else 1
    message = refusal(lambda: StageConfig(**{"channels": 8, "width": 4, name: value}))
    assert message == f"a stage's {name} must be an integer of at least {least}, got {value!r}"


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("unit", "pre-act", "did you mean 'preact'? choose one of preact, post, inception"),
        ("gate", "SE", "choose one of none, se, cbam, bam"),
        ("gate", None, "choose one of none, se, cbam, bam"),
        ("merge", "alr", "choose one of arl, nal, none"),
        ("mask", "hour-glass", "did you mean 'hourglass'?"),
        ("activation", "sigmoid", "choose one of mixed, channel, spatial"),
        ("activation", 1, "choose one of mixed, channel, spatial"),
        ("upsampling", "bilinaer", "did you mean 'bilinear'?"),
        ("stem", "image-net", "did you mean 'imagenet'?"),
    ],
)
def test_an_unknown_choice_is_refused(option, value, near):
    message = refusal(lambda: replace(get_config(SMALL), **{option: value}))
    assert f"{value!r}; " in message and near in message


@pytest.mark.parametrize("value", ["no", 0, None])
@pytest.mark.parametrize("option", ["skips", "final_norm"])
def test_a_flag_that_is_no_flag_is_refused(option, value):
    message = refusal(lambda: replace(get_config(SMALL), **{option: value}))
    assert message == f"{option} must be True or False, got {value!r}"


@pytest.mark.parametrize("stages", [(), [], None, [StageConfig(channels=8, width=4)], (1,), "abc"])
def test_stages_that_are_no_stages_are_refused(stages):
    message = refusal(lambda: replace(get_config(SMALL), stages=stages))
    assert message == f"stages must be a tuple of 1 or more StageConfig: {stages!r}"


@pytest.mark.parametrize(
    ("name", "options", "parts"),
    [
        ("attention-56", {}, ["unknown model 'attention-56'", "did you mean 'attention56'?"]),
        ("vgg", {}, ["unknown model 'vgg'", "choose one of attention56"]),
        (None, {}, ["unknown model None"]),
        (SMALL, {"mergee": "nal"}, ["unknown option 'mergee'", "did you mean 'merge'?"]),
        (SMALL, {"in_chans": 3}, ["unknown option 'in_chans'", "did you mean 'in_channels'?"]),
        (SMALL, {"module": 2}, ["unknown option 'module'", "did you mean 'modules'?"]),
        (SMALL, {"pretrained": True}, ["unknown option 'pretrained'; ", "one of stages, stem"]),
        (SMALL, {"stages": "abc", "modules": 2}, ["stages must be a tuple of 1 or more"]),
        (SMALL, {"poolings": 5}, ["5 poolings", "32x32, got 16x16", "at most 4 poolings"]),
        (SMALL, {"poolings": 10**9}, ["2**1000000000", "got 16x16", "at most 4 poolings"]),
        (SMALL, {"poolings": (2, 1, 3)}, ["8x8, got 4x4", "at most 2 poolings"]),
        (SMALL, {"image_size": 4}, ["2x2, got 1x1; use a larger image"]),
        ("attention56", {"image_size": 30}, ["3 poolings", "8x8, got 7x7", "at most 2 poolings"]),
        ("se_resnet50", {"image_size": 2}, ["at least 3x3, got 2x2; use larger images"]),
        (SMALL, {"groups": 3}, ["width 8 and 3 groups", "the nearest width is 9"]),
        (SMALL, {"groups": 64}, ["width 8 and 64 groups", "the nearest width is 64"]),
        (SMALL, {"unit": "inception", "groups": 2}, ["got groups=2; use 1"]),
        (SMALL, {"gate": "se", "reduction": 7}, ["32 channels and reduction 7", "nearest", "is 8"]),
        (SMALL, {"gate": "bam", "reduction": 99}, ["reduction 99", "that divides is 32"]),
        (SMALL, {"modules": (1, 1)}, ["modules needs one number, or 3", "got 2: (1, 1)"]),
        (SMALL, {"poolings": (1, 1, 1, 1)}, ["poolings needs one number, or 3", "got 4"]),
        (SMALL, {"modules": "3"}, ["modules must be an integer of at least 0, got '3'"]),
        (SMALL, {"modules": 2.5}, ["modules must be an integer of at least 0, got 2.5"]),
        (SMALL, {"modules": -1}, ["modules must be an integer of at least 0, got -1"]),
        (SMALL, {"modules": (1, True, 1)}, ["an integer of at least 0, got True"]),
        (SMALL, {"poolings": 0}, ["poolings must be an integer of at least 1, got 0"]),
        ("small_resnet16", {"modules": 2}, ["modules=2 has no place in small_resnet16"]),
        ("se_resnet50", {"poolings": 1}, ["start from a preset with 'attention' in its name"]),
    ],
)
def test_an_impossible_model_is_refused(name, options, parts):
    message = refusal(lambda: create_model(name, **options))
    assert all(part in message for part in parts), message


def test_an_impossible_model_is_refused_before_any_weight_is_drawn():
    state = torch.random.get_rng_state()
    refusal(lambda: create_model("attention56", poolings=7))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_network_without_masks_may_have_maps_of_any_size():
    for options in ({"merge": "none"}, {"mask": "local"}):
        with torch.device("meta"):
            model = create_model(SMALL, poolings=5, image_size=1, **options).eval()
            assert model(torch.zeros(1, 1, 1, 1)).shape == (1, 10)
    assert count_parameters(model) > 0
