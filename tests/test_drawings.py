"""Drawings show what is there: each size as a forward pass has it, and every module."""

import doctest
import importlib
import pkgutil
import re
from collections import Counter

import pytest
import torch
from drawings_kit import drawing, edge_words, first_module, on_meta, texts
from torch import nn

import resattn.drawings
from resattn import create_model, drawings
from resattn.attention import AttentionModule, merge
from resattn.cost import count_parameters
from resattn.drawings.flow import Fork, steps
from resattn.drawings.shapes import Area, Disc
from resattn.drawings.trace import trace
from resattn.masks import HourglassMask, MaskHead
from resattn.units import InceptionUnit, PostActBottleneck, PreActBottleneck

UNITS = (PreActBottleneck, PostActBottleneck, InceptionUnit)


def hooked(module: nn.Module, sizes) -> list[tuple[str, tuple[int, ...]]]:
    """Name and output size of each module as it runs, by hooks of our own."""
    met = []
    hooks = [
        part.register_forward_hook(
            lambda _, given, out, name=name: met.append((name, tuple(out.shape[1:])))
        )
        for name, part in module.named_modules()
    ]
    with torch.no_grad():
        module(torch.zeros(1, *sizes, device=next(module.parameters()).device))
    for hook in hooks:
        hook.remove()
    return met


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        ("small_attention16", {}, (16, 16)),
        ("small_attention16", {"merge": "nal", "activation": "spatial"}, (17, 23)),
        ("small_attention32", {"upsampling": "transposed", "final_norm": True}, (33, 40)),
        ("small_attention8", {"mask": "local", "p": 2, "t": 3, "r": 2}, (11, 9)),
        ("small_attention16", {"unit": "post", "groups": 4}, (19, 16)),
        ("small_attention16", {"unit": "inception", "skips": False}, (16, 21)),
        ("small_se16", {}, (15, 18)),
        ("small_cbam16", {}, (16, 17)),
        ("small_bam16", {}, (13, 16)),
        ("cifar_attention92", {}, (32, 41)),
    ],
)
def test_every_layer_appears_once_per_run_with_the_size_of_its_output(name, options, size):
    model = on_meta(name, **options).eval()
    sizes = (model.config.in_channels, *size)
    found = trace(model, sizes, whole={MaskHead: ""})
    drawn = Counter((n, s.sizes) for s in steps(found.flow) for n in s.names if layer(model, n))
    there = Counter(each for each in hooked(model, sizes) if layer(model, each[0]))
    assert drawn == there and len(there) > 50


def layer(model: nn.Module, name: str) -> bool:
    """Whether a name means a layer with weights, or a head or upsampling, which are drawn whole."""
    part = model.get_submodule(name)
    outer = [model.get_submodule(name[: m.start()]) for m in re.finditer(r"\.", name)]
    if any(isinstance(each, MaskHead) for each in outer) or type(outer[-1:]) is MaskHead:
        return False
    return isinstance(part, (nn.Conv2d, nn.BatchNorm2d, nn.Linear, MaskHead))


@pytest.mark.parametrize("size", [(56, 56), (57, 31), (8, 100), (19, 64)])
@pytest.mark.parametrize("r", [1, 3])
@pytest.mark.parametrize("skips", [True, False])
def test_an_hourglass_has_the_size_of_the_tensor_on_every_edge(size, r, skips):
    mask = first_module("attention56", r=r, skips=skips).mask
    found = drawings.hourglass(mask, size)
    out = {name: f"{s[-2]}×{s[-1]}" for name, s in hooked(mask, (256, *size))}
    straight = [f"{size[0]}×{size[1]}"]
    for level in range(3):
        straight += [out[f"down.{level}"]] * (1 if level == 2 else 2)  # after pooling, after units
    for level in range(3):
        straight += [out[f"up.{level}"], out[f"upsample.{level}"]]
        straight += [out[f"upsample.{level}"]] if skips and level < 2 else []  # after the sum
    straight.append(out["head"])
    words = edge_words(found)
    axis = min(words, key=lambda text: text.y).x
    assert [text.text for text in words if text.x == axis] == straight
    aside = sorted(text.text for text in words if text.x != axis)
    assert aside == sorted(out[f"skips.{level}"] for level in range(2 if skips else 0))


@pytest.mark.parametrize("poolings", [1, 2, 3])
@pytest.mark.parametrize("r", [1, 2])
def test_an_hourglass_shows_all_units_of_its_mask(poolings, r):
    mask = first_module("attention56", poolings=poolings, r=r).mask
    found = drawings.hourglass(mask, 56)
    boxes = [text.text for text in texts(found)]
    shown = boxes.count("unit") + sum(
        int(t.split()[0]) for t in boxes if re.match(r"\d+ units$", t)
    )
    assert shown == 2 * r + (poolings - 1) * (2 * r + 1)
    assert boxes.count("max-pool") == boxes.count("upsample") == poolings
    assert sum(isinstance(shape, Disc) for shape in found.shapes) == poolings - 1


def test_a_larger_map_has_a_wider_box():
    found = drawings.hourglass(first_module("attention56").mask, 56)
    axis = min(edge_words(found), key=lambda text: text.y).x - 7
    boxes = [s.extent for s in found.shapes if isinstance(s, Area) and s.role == "mask"]
    middle = [(box[1], box[2] - box[0]) for box in boxes if abs((box[0] + box[2]) / 2 - axis) < 1]
    widths = [wide for _, wide in sorted(middle)]
    narrowest = widths.index(min(widths))
    assert widths[:narrowest] == sorted(widths[:narrowest], reverse=True)
    assert widths[narrowest:] == sorted(widths[narrowest:])


@pytest.mark.parametrize("rule", ["arl", "nal", "none"])
def test_an_attention_module_shows_its_merge(rule):
    module = first_module("attention56", merge=rule, p=2, t=3)
    found = drawings.attention_module(module, (56, 40))
    words = [text.text for text in texts(found)]
    assert words.count("2 units") == 2 and words.count("3 units") == 1
    assert ("1 +" in words) == (rule == "arl")
    assert ("soft mask M" in words) == (rule != "none")
    assert {w.split(": ")[-1] for w in words if "×" in w} == {"56×40"}
    formula = {"arl": "H = (1 + M) · T", "nal": "H = M · T", "none": "H = T"}[rule]
    assert formula in found.alt


@pytest.mark.parametrize(
    "name",
    ["attention56", "attention92", "cifar_attention128", "cifar_resnet164", "bam_resnet50"],
)
def test_a_network_shows_every_module_and_unit(name):
    model, found = on_meta(name), drawings.network(name)
    areas = [shape for shape in found.shapes if isinstance(shape, Area)]
    modules = model.attention_modules()
    assert sum(len(area.points) == 6 for area in areas) == len(modules)  # hourglasses
    assert sum(area.role == "trunk" for area in areas) == model.config.t * len(modules)
    assert sum(isinstance(shape, Disc) for shape in found.shapes) == len(modules)
    assert sum(area.kind == "panel" for area in areas) == len(model.stages) + 2
    gates = sum(type(part).__name__ == "BAM" for part in model.modules())
    assert sum(area.role == "gate" for area in areas) == gates
    shown = sum(area.kind == "box" and area.role in ("unit", "trunk") for area in areas)
    ends = sum(
        1 for end in (model.stem, model.head) for p in end.modules() if not list(p.children())
    )
    flat = sum(isinstance(part, nn.Flatten) for part in model.modules())
    outside = sum(isinstance(part, UNITS) for part in model.modules())
    outside -= sum(isinstance(p, UNITS) for _, m in modules for p in m.mask.modules())
    assert shown == outside + ends - flat


@pytest.mark.parametrize(
    ("name", "size"),
    [("attention56", (224, 224)), ("attentionnext92", (257, 190)), ("cifar_attention56", (35, 32))],
)
def test_a_network_has_the_size_after_each_stage(name, size):
    model, found = on_meta(name), drawings.network(name, size=size)
    out = dict(hooked(model, (3, *size)))
    stages = ["stem", *(f"stages.{i}" for i in range(len(model.stages)))]
    expected = []
    for stage in stages:
        c, h, w = out[stage]
        expected += [f"{h}×{w}", f"{c} ch."]
    expected += [str(out["head"][0]), "logits"]
    words = sorted(edge_words(found), key=lambda text: (text.x, text.y))
    assert [text.text for text in words] == expected


@pytest.mark.parametrize("here", ["stem", "unit", "trunk", "mask", "merge", "head", "stage 2"])
def test_the_place_of_a_lesson_is_marked_and_named(here):
    plain, found = drawings.network("attention56"), drawings.network("attention56", here=here)
    marked = [s for s in found.shapes if getattr(s, "role", None) == "here"]
    assert marked and not any(getattr(s, "role", None) == "here" for s in plain.shapes)
    assert "you are at" in found.alt and "you are at" not in plain.alt
    if here in ("mask", "merge"):
        assert len(marked) == 3


def test_a_wrong_port_gives_another_drawing_with_the_same_weights():
    class Right(nn.Module):
        def __init__(self):
            super().__init__()
            self.skip, self.inner = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x):
            return self.inner(x) + self.skip(x)

    class AddsTwice(Right):
        def forward(self, x):
            return self.inner(x) + self.skip(x) + x

    right, wrong = (trace(module(), (4, 5, 5)) for module in (Right, AddsTwice))
    assert count_parameters(Right()) == count_parameters(AddsTwice())
    sums = [sum(step.kind == "sum" for step in steps(found.flow)) for found in (right, wrong)]
    assert sums == [1, 2]


class Merged(nn.Module):
    """A trunk and a mask, merged in one of the ways in which people write it."""

    def __init__(self, how):
        super().__init__()
        self.trunk, self.mask, self.how = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1), how

    def forward(self, x):
        return self.how(self.trunk(x), torch.sigmoid(self.mask(x)))


@pytest.mark.parametrize(
    "how",
    [
        lambda T, M: (1 + M) * T,
        lambda T, M: T * (M + 1),
        lambda T, M: T + M * T,
        lambda T, M: T * M + T,
        lambda T, M: torch.addcmul(T, M, T),
        lambda T, M: merge(T, M, "arl"),
    ],
)
def test_attention_residual_learning_is_drawn_alike_however_it_is_written(how):
    found = trace(Merged(how), (4, 3, 5))
    fork, product = found.flow
    assert isinstance(fork, Fork) and product.kind == "product"
    trunk, mask = fork.branches
    assert [s.names for s in trunk] == [("trunk",)]
    assert [s.kind for s in mask] == ["box", "box", "one"]
    assert fork.main == 0


def test_the_numbers_of_the_merge_rules_are_those_of_merge():
    words = [text.text for text in texts(drawing("merge rules"))]
    T, M = torch.full((1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1), 0.5)
    for rule in ("nal", "arl"):
        assert f"H = {merge(T, M, rule).item():g}" in words
    assert "1 +" in words and words.count("M = 0.5") == 2


@pytest.mark.parametrize(("modules", "mask"), [(1, 0.5), (3, 0.5), (5, 0.9), (4, 0.0)])
def test_signal_and_gradient_meet_one_factor_per_module(modules, mask):
    words = [text.text for text in texts(drawings.signal_and_gradient(modules, mask))]
    for factor in (mask, 1 + mask):
        for power in range(modules + 1):
            assert f"{factor**power:.3g}" in words


def test_a_gate_stands_in_the_branch_or_on_the_main_path():
    found = drawings.gates(64, 28)
    words = Counter(text.text for text in texts(found))
    assert words["64×1×1"] == 2 and words["1×28×28"] == 1  # SE's and CBAM's gates
    assert words["channel gate"] == 2 and words["1 +"] == 2
    skips = [s for s in found.shapes if getattr(s, "role", None) == "skip"]
    assert len(skips) == 4  # two shortcuts, of two lines each


def test_an_activation_reads_what_its_derivative_says():
    found = drawings.mask_activations()
    cells = [s for s in found.shapes if isinstance(s, Area) and s.role == "mask"]
    assert len(cells) == 1 + 3 + 16
    for count in ("1 value decides", "3 values decide", "16 values decide"):
        assert count in found.alt


@pytest.mark.parametrize(("ratio", "wrong"), [(1.0, 0), (0.0, 10)])
def test_flipped_labels_are_those_of_the_data(ratio, wrong):
    found = drawings.label_noise(ratio)
    assert f"here {wrong} of 10 are wrong" in " ".join(found.alt.split())
    boxes = [s for s in found.shapes if isinstance(s, Area) and s.role == "back"]
    assert len(boxes) == wrong + 3


def test_a_module_is_left_as_it_was():
    model = create_model("small_bam16").train()
    model.stages[0].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [part.training for part in model.modules()]
    trace(model, (1, 16, 16))
    assert modes == [part.training for part in model.modules()]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


def test_a_failing_module_is_left_as_it_was_too():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 3)).train()
    with pytest.raises(RuntimeError):
        drawings.draw(model, (1, 8, 8))
    assert model.training and not any(part._forward_hooks for part in model.modules())


class Crossing(nn.Module):
    def forward(self, x):
        a, b = torch.sin(x), torch.cos(x)
        return (a + b) * a


class Constant(nn.Module):
    def forward(self, x):
        return torch.zeros(1, 1)


@pytest.mark.parametrize(("module", "fault"), [(Crossing(), "cross"), (Constant(), "computed")])
def test_what_cannot_be_drawn_is_refused_in_one_sentence(module, fault):
    with pytest.raises(ValueError, match=fault) as error:
        drawings.draw(module, (1, 4, 4))
    assert type(module).__name__ in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: drawings.units("basic"), "choose one of plain"),
        (lambda: drawings.units(channels=100), "100; take 128"),
        (lambda: drawings.network("attention57"), "did you mean 'attention56'"),
        (lambda: drawings.network("attention56", here="stages 2"), "did you mean 'stage 2'"),
        (lambda: drawings.signal_and_gradient(0), "at least 1"),
        (lambda: drawings.signal_and_gradient(3, 1.5), "0 to 1, got 1.5"),
        (lambda: drawings.label_noise(1.5), "0 to 1, got 1.5"),
        (lambda: drawings.hourglass(first_module("attention56").mask, 7), "at least 8x8"),
        (lambda: drawings.hourglass(nn.ReLU(), 7), "use draw"),
    ],
)
def test_a_wrong_argument_is_answered_with_the_limit_and_the_fix(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_examples_of_the_docstrings_are_true():
    modules = [m.name for m in pkgutil.iter_modules(resattn.drawings.__path__)]
    tried = 0
    for name in modules:
        found = doctest.testmod(importlib.import_module(f"resattn.drawings.{name}"))
        assert not found.failed, name
        tried += found.attempted
    assert tried >= 8


def test_the_model_does_not_import_its_drawings():
    root = resattn.drawings.__path__[0].removesuffix("drawings")
    for module in pkgutil.iter_modules([root]):
        if not module.ispkg and module.name != "__init__":
            with open(f"{root}/{module.name}.py", encoding="utf-8") as file:
                assert "drawings" not in file.read(), module.name


def test_the_mask_of_a_lesson_is_drawn_as_the_package_one():
    """A hourglass of other classes, as lesson 03 writes it, has the same edges."""

    class Level(nn.Module):
        def __init__(self, c, d):
            super().__init__()
            self.down, self.up = (PreActBottleneck(c, c, width=c // 4) for _ in range(2))
            self.skip = PreActBottleneck(c, c, width=c // 4) if d > 1 else None
            self.inner = Level(c, d - 1) if d > 1 else None

        def forward(self, x):
            low = self.down(nn.functional.max_pool2d(x, 3, 2, ceil_mode=True))
            if self.inner is not None:
                low = self.inner(low) + self.skip(low)
            return nn.functional.interpolate(
                self.up(low), size=x.shape[-2:], mode="bilinear", align_corners=True
            )

    mask = HourglassMask(
        16,
        lambda: PreActBottleneck(16, 16, width=4),
        poolings=3,
        r=1,
        head=MaskHead(16, preact=True),
    )
    mine = drawings.hourglass(nn.Sequential(Level(16, 3), mask.head), (29, 40))
    theirs = drawings.hourglass(mask, (29, 40))
    assert [t.text for t in edge_words(mine)] == [t.text for t in edge_words(theirs)]
    assert isinstance(first_module("attention56"), AttentionModule)
