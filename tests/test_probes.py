"""Probes of a model: each against a naive float64 recomputation, and that they leave no trace."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resattn import create_model, probes
from resattn.gates import BAM, CBAM, ChannelGate, SpatialGate, SqueezeExcitation
from resattn.masks import HourglassMask, MaskHead
from resattn.probes.responses import covered_fraction
from resattn.units import PreActBottleneck

HEIGHT, WIDTH = 37, 29


@pytest.fixture
def model():
    torch.manual_seed(3)
    net = create_model("small_attention32", poolings=1).double()
    net(torch.rand(8, 1, HEIGHT, WIDTH, dtype=torch.float64))  # moves the running statistics
    return net


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(3, 1, HEIGHT, WIDTH, generator=generator, dtype=torch.float64)
    objects = torch.zeros(3, HEIGHT, WIDTH, dtype=torch.bool)
    objects[0, :7, :5] = True  # touches two borders
    objects[1, 20:, 11:] = True
    objects[2, 13:14, 17:18] = True  # a single pixel
    distractors = torch.rand(3, HEIGHT, WIDTH, generator=generator) < 0.3
    return images, objects, distractors & ~objects, torch.tensor([3, 0, 9])


def stage_outputs(model, images):
    x = model.stem(images)
    for stage in model.stages:
        x = stage(x)
        yield x


def naive_fraction(mask, size):
    """Cuts each pixel into h by w parts, so that every cell is a whole number of parts."""
    height, width = size
    fine = torch.kron(mask.double(), torch.ones(height, width, dtype=torch.float64))
    rows, columns = mask.shape
    return fine.reshape(height, rows, width, columns).mean(dim=(1, 3))


@pytest.mark.parametrize("size", [(5, 4), (7, 3), (1, 1), (13, 9), (19, 11)])
def test_covered_fraction_is_exact_for_any_sizes(size):
    masks = torch.rand(2, 13, 9, generator=torch.Generator().manual_seed(1)) < 0.4
    expected = torch.stack([naive_fraction(mask, size) for mask in masks])
    torch.testing.assert_close(covered_fraction(masks, size), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("train", [False, True])
def test_responses_equal_a_naive_recomputation(model, batch, train):
    images, objects, distractors, _ = batch
    result = probes.responses(
        model.train(train), images, object_masks=objects, distractor_masks=distractors
    )
    regions = {
        "object": objects,
        "distractor": distractors,
        "background": ~objects & ~distractors,
    }
    assert list(result.regions) == list(regions)
    for s, x in enumerate(stage_outputs(model, images)):
        assert result.absolute[s].item() == pytest.approx(x.abs().mean().item(), rel=1e-12)
        for name, masks in regions.items():
            total = area = 0.0
            for image, mask in zip(x, masks, strict=True):
                weight = naive_fraction(mask, image.shape[1:])
                total += (image.abs() * weight).sum().item() / len(image)
                area += weight.sum().item()
            assert result.regions[name][s].item() == pytest.approx(total / area, rel=1e-9)
    assert result.relative[0] == 1
    assert result.relative[2] == result.absolute[2] / result.absolute[0]
    relative = result.relative_regions["object"]
    assert relative[1] == result.regions["object"][1] / result.regions["object"][0]


def test_responses_find_the_region_that_responds():
    net = create_model("small_resnet32").eval()
    net.stem, net.stages = nn.Identity(), nn.ModuleList([nn.AvgPool2d(2)])
    net.head = nn.Flatten()
    images = torch.zeros(1, 1, 4, 4)
    images[:, :, :2, :2] = -3
    mask = torch.zeros(1, 4, 4, dtype=torch.bool)
    mask[:, :2, :2] = True
    net.register_parameter("weight", nn.Parameter(torch.zeros(1)))
    result = probes.responses(net, images, object_masks=mask)
    assert result.regions["object"].item() == 3
    assert result.regions["background"].item() == 0
    assert result.absolute.item() == 0.75


def test_a_region_that_no_image_has_is_nan(model, batch):
    images, objects, _, _ = batch
    result = probes.responses(
        model, images, object_masks=objects, distractor_masks=torch.zeros_like(objects)
    )
    assert result.regions["distractor"].isnan().all()
    assert result.regions["object"].isfinite().all()


def test_without_masks_there_are_no_regions(model, batch):
    assert probes.responses(model, batch[0]).regions == {}


@pytest.mark.parametrize("frozen", [False, True])
def test_gradient_norms_equal_single_images_through_the_tail(model, batch, frozen):
    images, _, _, labels = batch
    model.eval()
    expected = dict.fromkeys(("stem", "stage 1", "stage 2", "stage 3"), 0.0)
    for image, label in zip(images, labels, strict=True):
        x = model.stem(image[None])
        for i, place in enumerate(expected):
            leaf = x.detach().requires_grad_()
            y = leaf
            for stage in model.stages[i:]:
                y = stage(y)
            loss = -F.log_softmax(model.head(y), 1)[0, label]
            (gradient,) = torch.autograd.grad(loss, leaf)
            expected[place] += math.sqrt((gradient**2).sum().item()) / len(images)
            x = model.stages[i](x) if i < 3 else x
    model.requires_grad_(not frozen)
    with torch.no_grad():
        result = probes.gradient_norms(model, images, labels)
    assert result == pytest.approx(expected, rel=1e-9)
    assert all(p.grad is None and p.requires_grad != frozen for p in model.parameters())


def test_gradient_norms_do_not_grow_with_the_batch(model, batch):
    images, _, _, labels = batch
    once = probes.gradient_norms(model.eval(), images, labels)
    twice = probes.gradient_norms(model, images.repeat(2, 1, 1, 1), labels.repeat(2))
    assert twice == pytest.approx(once, rel=1e-9)


def fail(*_):
    raise RuntimeError("planted")


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("name", ["small_attention16", "small_bam16"])
def test_probes_leave_no_trace(name, train):
    torch.manual_seed(0)
    model = create_model(name).train(train)
    model.stages[0].eval()  # a mixed state, to be kept as it is
    modes = [m.training for m in model.modules()]
    state = {k: v.clone() for k, v in model.state_dict().items()}
    images, labels = torch.rand(4, 1, 16, 16), torch.arange(4)
    random = torch.get_rng_state()
    probes.responses(model, images)
    probes.gradient_norms(model, images, labels)
    probes.attention_maps(model, images)
    probes.receptive_field(model.stages[0], (16, 9, 9), (0, 0))
    planted = model.head.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="planted"):  # after all statistics have moved
        probes.responses(model, images)
    planted.remove()
    assert torch.equal(random, torch.get_rng_state())
    assert modes == [m.training for m in model.modules()]
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())


def test_attention_maps_are_the_masks_that_the_modules_use(model, batch):
    images = batch[0]
    maps = probes.attention_maps(model.eval(), images)
    assert list(maps) == [name for name, _ in model.attention_modules()]
    x = model.stem(images)
    for (name, module), stage in zip(model.attention_modules(), model.stages, strict=True):
        before = module.before(stage[0](x))
        expected = module.mask(before)
        torch.testing.assert_close(maps[name], expected, rtol=0, atol=1e-12)
        assert not maps[name].requires_grad
        x = stage(x)


@pytest.mark.parametrize("gate", [SqueezeExcitation, ChannelGate, SpatialGate, CBAM, BAM])
@pytest.mark.parametrize("train", [False, True])
def test_a_gates_map_times_its_input_is_its_output(gate, train):
    torch.manual_seed(1)
    module = (gate(7) if gate is SpatialGate else gate(8, 4)).double().train(train)
    x = torch.randn(3, 8, 7, 5, dtype=torch.float64)
    (mask,) = probes.attention_maps(module, x).values()
    expected = x * (1 + mask) if gate is BAM else x * mask
    torch.testing.assert_close(module(x), expected, rtol=0, atol=1e-12)
    assert mask.shape == x.shape


def test_gates_inside_a_network_are_found_once_each():
    images = torch.rand(2, 1, 16, 16)
    cbam = probes.attention_maps(create_model("small_cbam16").eval(), images)
    assert len(cbam) == 18 and all(name.endswith(".gate") for name in cbam)
    assert len(probes.attention_maps(create_model("small_bam16").eval(), images)) == 2
    assert probes.attention_maps(create_model("small_attention16", merge="none"), images) == {}
    assert probes.attention_maps(create_model("small_resnet16"), images) == {}


def test_mask_statistics_equal_naive_loops():
    mask = torch.rand(3, 4, 5, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def std(values):
        mean = sum(values) / len(values)
        return math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))

    n, c, h, w = map(range, mask.shape)
    at = {(i, j, y, x): mask[i, j, y, x].item() for i in n for j in c for y in h for x in w}
    every = list(at.values())
    by_map = [std([at[i, j, y, x] for y in h for x in w]) for i in n for j in c]
    by_place = [std([at[i, j, y, x] for j in c]) for i in n for y in h for x in w]
    by_channel = [std([at[i, j, y, x] for i in n]) for j in c for y in h for x in w]
    result = probes.mask_statistics(mask)
    assert result.mean == pytest.approx(sum(every) / len(every))
    assert result.std == pytest.approx(std(every))
    assert result.std_positions == pytest.approx(sum(by_map) / len(by_map))
    assert result.std_channels == pytest.approx(sum(by_place) / len(by_place))
    assert result.std_images == pytest.approx(sum(by_channel) / len(by_channel))
    assert result.low == sum(v < 0.05 for v in every) / len(every)
    assert result.high == sum(v > 0.95 for v in every) / len(every)
    assert result.low > 0 and result.high > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x, o: probes.responses(m, x[0]), r"images\[None\]"),
        (lambda m, x, o: probes.responses(m, x[:0]), "at least 1"),
        (lambda m, x, o: probes.responses(m, (x * 255).byte()), "255"),
        (lambda m, x, o: probes.responses(m, x, object_masks=o[:, 1:]), "object_masks"),
        (lambda m, x, o: probes.responses(m, x, object_masks=o.long()), "bool"),
        (lambda m, x, o: probes.responses(m, x, distractor_masks=o), "give both"),
        (
            lambda m, x, o: probes.responses(m, x, object_masks=o, distractor_masks=o),
            "overlap",
        ),
        (lambda m, x, o: probes.gradient_norms(m, x, torch.zeros(2).long()), r"\(3,\)"),
        (lambda m, x, o: probes.mask_statistics(x[0]), r"\(N, C, H, W\)"),
        (lambda m, x, o: probes.receptive_field(m.stages[0], (16, 9, 9), (5, 0)), "rows 0 to 4"),
        (lambda m, x, o: probes.receptive_field(m.stages[0], (16, 9, 9), (0, -1)), "outside"),
        (lambda m, x, o: probes.receptive_field(m, (1, 32, 32), (0, 0)), "must give maps"),
    ],
)
def test_bad_input_is_refused_with_the_mend(model, batch, call, message):
    with pytest.raises(ValueError, match=message):
        call(model, batch[0], batch[1])


def conv(size, stride=1, dilation=1):
    return nn.Conv2d(2, 2, size, stride=stride, padding=size // 2, dilation=dilation)


@pytest.mark.parametrize(
    ("layers", "shape", "position"),
    [
        ([conv(3), conv(3)], (2, 11, 8), (5, 4)),
        ([conv(3), conv(3)], (2, 11, 8), (0, 7)),
        ([conv(3, stride=2), nn.ReLU(), conv(3)], (2, 13, 9), (3, 2)),
        ([nn.Conv2d(2, 2, 3, padding=2, dilation=2)], (2, 9, 9), (4, 4)),
        ([conv(3), nn.ReLU(), nn.MaxPool2d(3, stride=2, ceil_mode=True)], (2, 10, 7), (2, 1)),
    ],
)
def test_receptive_field_equals_what_perturbing_each_position_shows(layers, shape, position):
    torch.manual_seed(0)
    module = nn.Sequential(*layers).double()
    generator = torch.Generator().manual_seed(4)
    support = torch.zeros(shape[1:], dtype=torch.bool)
    for _ in range(30):
        x = torch.randn(1, *shape, generator=generator, dtype=torch.float64)
        before = module(x)[0, :, *position]
        for row in range(shape[1]):
            for column in range(shape[2]):
                moved = x.clone()
                moved[..., row, column] += 3
                support[row, column] |= (module(moved)[0, :, *position] != before).any()
    field = probes.receptive_field(module, shape, position)
    assert torch.equal(field.support, support)
    rows, columns = support.nonzero().T
    assert (field.top, field.left) == (rows.min(), columns.min())
    assert (field.height, field.width) == (
        rows.max() - rows.min() + 1,
        columns.max() - columns.min() + 1,
    )


@pytest.mark.parametrize("seed", range(3))
def test_receptive_field_of_an_hourglass_is_the_whole_of_its_box(seed):
    """With units of width 2 many paths are shut by a ReLU for every input; they count as well."""
    torch.manual_seed(seed)
    mask = HourglassMask(
        8,
        lambda: PreActBottleneck(8, 8, width=2),
        poolings=1,
        r=1,
        head=MaskHead(8, preact=True),
    )
    field = probes.receptive_field(mask, (8, 40, 40), (20, 20))
    # a 3x3 on the pooled map before and after, read at two places by the upsampling: 6 cells,
    # each a window of 3 pixels at stride 2
    assert (field.height, field.width) == (2 * 6 + 1, 2 * 6 + 1)
    assert field.support.sum() == field.height * field.width


def test_receptive_field_of_nothing_is_empty():
    layer = nn.Conv2d(1, 1, 3, padding=1)
    nn.init.zeros_(layer.weight)
    field = probes.receptive_field(layer, (1, 5, 5), (2, 2))
    assert not field.support.any() and (field.height, field.width) == (0, 0)


def test_receptive_field_ignores_the_modules_mode_and_dtype():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
    for candidate in (module.train(), module.half(), module.bfloat16()):
        field = probes.receptive_field(candidate, (1, 9, 9), (4, 4))
        assert field.support.sum() == 9
    assert module.training and module[0].weight.dtype == torch.bfloat16


def test_a_network_without_stages_is_refused_by_name():
    other, images = nn.Sequential(nn.Conv2d(1, 2, 3)), torch.rand(1, 1, 8, 8)
    for probe in (
        probes.responses,
        lambda *given: probes.gradient_norms(*given, torch.tensor([0])),
    ):
        with pytest.raises(ValueError, match="the stages of a Resid.* and Sequential has none"):
            probe(other, images)
