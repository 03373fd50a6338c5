"""Attention scores against loops over pixels, with ties broken in every possible way."""

from itertools import combinations
from statistics import mean

import pytest
import torch

from resattn import probes


def naive_upsample(values, height, width):
    """Bilinear, cells' centres at half integers, edges repeated: one formula a pixel."""
    rows, columns = len(values), len(values[0])

    def along(i, n, cells):
        at = min(max((i + 0.5) * cells / n - 0.5, 0), cells - 1)
        low = int(at)
        return low, min(low + 1, cells - 1), at - low

    out = []
    for y in range(height):
        y0, y1, v = along(y, height, rows)
        for x in range(width):
            x0, x1, u = along(x, width, columns)
            top = values[y0][x0] * (1 - u) + values[y0][x1] * u
            low = values[y1][x0] * (1 - u) + values[y1][x1] * u
            out.append(top * (1 - v) + low * v)
    return out


def tied(a, b, values):
    return abs(a - b) <= 1e-9 * max(map(abs, values))


def naive_scores(values, inside):
    """Energy, pointing, IoU of one flat map; IoU as the mean over every choice among ties."""
    mass = [max(v, 0.0) for v in values]
    share = sum(inside) / len(inside)
    total = sum(mass)
    energy = sum(m for m, i in zip(mass, inside, strict=True) if i) / total if total else share
    winners = [i for v, i in zip(values, inside, strict=True) if tied(v, max(values), values)]
    k = sum(inside)
    kth = sorted(values)[-k]
    ties = [n for n, v in enumerate(values) if tied(v, kth, values)]
    above = [n for n, v in enumerate(values) if v > kth and n not in ties]
    ious = []
    for chosen in combinations(ties, k - len(above)):
        both = sum(inside[n] for n in (*above, *chosen))
        ious.append(both / (2 * k - both))
    return energy, mean(winners), mean(ious)


def compare(maps, masks):
    scores = probes.attention_scores(maps, masks)
    for n, (attention_map, mask) in enumerate(zip(maps, masks, strict=True)):
        scalar = (
            attention_map.double() if attention_map.ndim == 2 else attention_map.double().mean(0)
        ).tolist()
        values = naive_upsample(scalar, *mask.shape)
        expected = naive_scores(values, mask.flatten().int().tolist())
        measured = scores.energy[n].item(), scores.pointing[n].item(), scores.iou[n].item()
        assert measured == pytest.approx(expected, abs=1e-9)


def masks_of(height, width):
    """Objects inside, on a border, in a corner, of one pixel, and everywhere."""
    masks = torch.zeros(5, height, width, dtype=torch.bool)
    masks[0, 2:5, 2:4] = True
    masks[1, :3, :] = True
    masks[2, -2:, -2:] = True
    masks[3, 1, 0] = True
    masks[4] = True
    return masks


@pytest.mark.parametrize("size", [(4, 4), (3, 5), (7, 6), (1, 1), (11, 9), (13, 8)])
@pytest.mark.parametrize("channels", [None, 3])
def test_scores_equal_loops_over_pixels(size, channels):
    generator = torch.Generator().manual_seed(0)
    shape = (5, *size) if channels is None else (5, channels, *size)
    maps = torch.rand(shape, generator=generator, dtype=torch.float64)
    if size != (1, 1):
        compare(maps, masks_of(11, 9))
    compare(maps - 0.5, masks_of(5, 3))


def test_scores_with_ties_are_the_mean_over_all_ways_to_break_them():
    generator = torch.Generator().manual_seed(1)
    for levels in (1, 2, 3):
        maps = torch.randint(0, levels, (5, 3, 4), generator=generator).double()
        masks = torch.rand(5, 3, 4, generator=generator) < 0.4
        masks[:, 0, 0] = True
        compare(maps, masks)
        compare(maps - 1, masks)


def test_a_constant_map_scores_as_the_uniform_baseline_whatever_its_rounding():
    generator = torch.Generator().manual_seed(2)
    masks = torch.rand(4, 31, 27, generator=generator) < 0.2
    images = torch.rand(4, 1, 31, 27, generator=generator)
    uniform = probes.attention_scores(probes.baseline_maps(images)["uniform"], masks)
    gates = torch.rand(4, 37, 1, 1, generator=generator).expand(-1, -1, 7, 5)  # like SE's
    for maps in (gates, gates.double() / 3, -gates, torch.zeros(4, 7, 5)):
        scores = probes.attention_scores(maps, masks)
        torch.testing.assert_close(scores.energy, uniform.energy, rtol=0, atol=1e-9)
        torch.testing.assert_close(scores.pointing, uniform.pointing, rtol=0, atol=1e-9)
        torch.testing.assert_close(scores.iou, uniform.iou, rtol=0, atol=1e-9)
    area = masks.double().mean((1, 2))
    torch.testing.assert_close(uniform.energy, area)
    torch.testing.assert_close(uniform.pointing, area)


def test_the_object_itself_scores_one_and_its_opposite_zero():
    masks = masks_of(9, 7)[:4]
    best = probes.attention_scores(masks.float(), masks)
    worst = probes.attention_scores((~masks).float(), masks)
    for score in ("energy", "pointing", "iou"):
        torch.testing.assert_close(getattr(best, score), torch.ones(4, dtype=torch.float64))
        assert not getattr(worst, score).any()


def test_a_map_in_channels_counts_by_its_mean():
    masks = masks_of(9, 7)
    maps = torch.randn(5, 6, 4, 3, generator=torch.Generator().manual_seed(3))
    whole, scalar = (probes.attention_scores(m, masks) for m in (maps, maps.double().mean(1)))
    assert torch.equal(whole.energy, scalar.energy) and torch.equal(whole.iou, scalar.iou)


def test_large_objects_keep_the_expected_iou_finite():
    masks = torch.zeros(1, 224, 224, dtype=torch.bool)
    masks[:, :150] = True
    (iou,) = probes.iou_at_area(torch.ones(1, 7, 7), masks).tolist()
    share = 150 / 224  # of many draws the share inside is nearly certain
    assert iou == pytest.approx(share / (2 - share), abs=1e-4)


def test_baselines_are_what_they_say():
    images = torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(4))
    maps = probes.baseline_maps(images)
    assert list(maps) == ["uniform", "centre", "input energy"]
    assert all(m.shape == (2, 6, 5) and m.dtype == torch.float64 for m in maps.values())
    torch.testing.assert_close(maps["input energy"], images.double().mean(1))
    centre = maps["centre"][1]
    assert torch.equal(centre, centre.flip(0)) and torch.equal(centre, centre.flip(1))
    for y in range(6):
        for x in range(5):
            distance = ((y - 2.5) / (6 / 4)) ** 2 + ((x - 2) / (5 / 4)) ** 2
            expected = torch.tensor(-distance / 2, dtype=torch.float64).exp()
            torch.testing.assert_close(centre[y, x], expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda maps, masks: (maps, masks & False), "image 0 has no pixels"),
        (lambda maps, masks: (maps[0, 0], masks), r"\(N, h, w\)"),
        (lambda maps, masks: (maps[:, :, :0], masks), r"\(N, h, w\)"),
        (lambda maps, masks: (maps[:3], masks), r"object_masks .*\(3, 9, 7\)"),
        (lambda maps, masks: (maps, masks[0]), "object_masks"),
        (lambda maps, masks: (maps, masks.float()), "bool"),
        (lambda maps, masks: (maps / 0, masks), "not finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(change, message):
    maps, masks = change(torch.zeros(5, 2, 4, 4), masks_of(9, 7))
    for score in (probes.energy_inside, probes.pointing_game, probes.iou_at_area):
        with pytest.raises(ValueError, match=message):
            score(maps, masks)
