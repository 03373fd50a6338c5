"""Figures hold the numbers they were given, are labelled, and reach the page with their text."""

import ast
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import resattn.plots
from resattn import plots

ALT = "Mean response against depth: the plain stack falls, the residual one stays."


def figures():
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(10, 9, 7, generator=generator)
    images = torch.rand(10, 3, 9, 7, generator=generator)
    return {
        "curves": lambda: plots.curves(
            [2, 4, 8], {"a": [1, 2, 3.0]}, title="It rises", xlabel="depth (units)", ylabel="loss"
        ),
        "bars": lambda: plots.bars({"a": 1.0, "b": [2.0, 3.0]}, title="b wins", ylabel="share"),
        "responses": lambda: plots.stage_responses({"a": [2.0, 1.0]}, title="It halves"),
        "forest": lambda: plots.intervals(
            {"error (points)": {"a long name of a row": (1, -1, 2), "b": None}}, title="It is 1"
        ),
        "images": lambda: plots.image_grid(images, title="Ten images", labels=range(10)),
        "maps": lambda: plots.map_grid(maps, title="Ten maps", unit="mask value"),
        "field": lambda: plots.receptive_field({"a": maps[0] > 0.5}, (4, 3), title="It sees half"),
    }


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_has_a_title_fits_a_laptop_and_is_unknown_to_pyplot(name):
    known = pyplot.get_fignums()
    fig = figures()[name]()
    assert isinstance(fig, Figure)
    assert fig.get_suptitle()
    fig.draw_without_rendering()
    width, height = fig.get_size_inches()
    assert width <= 8 and 1 <= height <= 8
    assert pyplot.get_fignums() == known
    right = fig.get_window_extent().x1
    for ax in fig.axes:
        if ax.get_visible():
            assert ax.get_tightbbox().x1 <= right + 1


def test_a_forest_shows_each_interval_beside_its_claim_in_the_colour_of_its_kind():
    panels = {
        "points": {"a": (-2, -3, -1), "b": (4, -np.inf, np.inf), "c": None},
        "ratio": {"d": (0.5, 0.25, 0.75)},
    }
    claimed = {"a": (-np.inf, -1), "b": (-1, 1), "d": (0.1, np.inf)}
    fig = plots.intervals(
        panels, title="t", claimed=claimed, kinds={"no": [], "yes": ["a", "d"], "open": ["b"]}
    )
    points, ratio = fig.axes
    assert [ax.get_xlabel() for ax in fig.axes] == list(panels)
    assert [text.get_text() for text in points.get_yticklabels()] == ["a", "b", "c"]
    assert points.yaxis_inverted()
    low, high = points.get_xlim()
    assert low < -3 and high > 4  # all finite numbers, those of the infinite interval too
    lines = [line.get_segments()[0].tolist() for line in points.collections]
    assert lines == [[[-3, 0], [-1, 0]], [[low, 1], [high, 1]]]
    marks = [line for line in points.lines if line.get_marker() not in ("None", None)]
    assert [mark.get_xydata().tolist() for mark in marks] == [[[-2, 0]], [[4, 1]]]
    assert [text.get_text() for text in points.texts] == ["not measured"]
    shades = [patch.get_bbox().intervalx.tolist() for patch in points.patches]
    assert shades == [[low, -1], [-1, 1]]  # nothing is claimed of c
    assert ratio.patches[0].get_bbox().intervalx.tolist() == [0.1, ratio.get_xlim()[1]]
    same, other = ratio.lines[0], marks[1]
    assert marks[0].get_color() == same.get_color() != other.get_color()
    assert marks[0].get_marker() == same.get_marker() != other.get_marker()
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == ["yes", "open", "claimed"]


def test_a_forests_kinds_keep_their_looks_where_one_is_empty():
    rows = {"x": {"a": (1, 0, 2)}}
    first = plots.intervals(rows, title="t", kinds={"yes": ["a"], "no": []})
    second = plots.intervals(rows, title="t", kinds={"yes": [], "no": ["a"]})
    colours = [fig.axes[0].lines[0].get_color() for fig in (first, second)]
    assert colours[0] != colours[1]
    unrun = plots.intervals({"x": {"a": None}}, title="t", kinds={"not run": ["a"]})
    assert unrun.axes[0].texts[0].get_text() == "not run"


@pytest.mark.parametrize("name", ["curves", "responses", "field", "forest"])
def test_charts_label_their_axes(name):
    axes = figures()[name]().axes
    assert all(ax.get_xlabel() for ax in axes)
    assert axes[0].get_ylabel() or name == "forest"  # whose rows have names


def test_curves_draw_the_mean_in_a_band_from_least_to_most():
    runs = torch.tensor([[1.0, 4.0, 2.0], [3.0, 2.0, 8.0], [2.0, 3.0, 2.0]])
    fig = plots.curves(
        torch.tensor([1, 2, 4]),
        {"two": runs, "one": [5, 6, 7]},
        title="t",
        xlabel="x",
        ylabel="y",
        log_x=True,
        log_y=True,
    )
    (ax,) = fig.axes
    two, one = ax.lines
    np.testing.assert_array_equal(two.get_xydata(), [[1, 2], [2, 3], [4, 4]])
    np.testing.assert_array_equal(one.get_ydata(), [5, 6, 7])
    (band,) = ax.collections
    corners = {tuple(v) for v in band.get_paths()[0].vertices.tolist()}
    assert {(1, 1), (1, 3), (2, 2), (2, 4), (4, 2), (4, 8)} <= corners
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert two.get_color() != one.get_color() and two.get_marker() != one.get_marker()


def test_bars_are_means_with_their_range_and_baselines():
    fig = plots.bars({"a": [1.0, 4.0], "b": 2}, title="t", ylabel="y", baselines={"chance": 0.5})
    (ax,) = fig.axes
    assert [bar.get_height() for bar in ax.patches] == [2.5, 2]
    (whisker,) = ax.collections
    np.testing.assert_array_equal(whisker.get_segments()[0], [[0, 1], [0, 4]])
    assert [text.get_text() for text in ax.texts] == ["2.5", "2"]
    (line,) = ax.lines
    assert set(line.get_ydata()) == {0.5} and line.get_label() == "chance"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b"]


def test_stage_responses_shows_both_axes():
    fig = plots.stage_responses({"nal": [180.0, 1.8, 0.8], "arl": [4.0, 2.0, 6.0]}, title="t")
    left, right = fig.axes
    assert left.get_yscale() == "log" and right.get_yscale() == "linear"
    assert left.get_ylim() == (0.1, 1000)
    np.testing.assert_allclose(left.lines[0].get_ydata(), [180, 1.8, 0.8])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [1, 0.01, 0.8 / 180])
    np.testing.assert_allclose(right.lines[1].get_ydata(), [1, 0.5, 1.5])
    assert right.get_ylim()[0] == 0


def test_images_show_their_pixels_and_the_outline_lies_on_the_masks_edge():
    images = torch.randint(0, 256, (3, 1, 6, 5), dtype=torch.uint8)
    masks = torch.zeros(3, 6, 5, dtype=torch.bool)
    masks[:, 0:3, 1:5] = True  # touches the top and the right border
    fig = plots.image_grid(images, title="t", object_masks=masks, distractor_masks=~masks)
    shown = fig.axes[1].images[0]
    np.testing.assert_allclose(shown.get_array(), images[1, 0] / 255)
    assert shown.get_clim() == (0, 1)
    outline, other = fig.axes[1].collections
    (box,) = (path.get_extents() for path in outline.get_paths())
    np.testing.assert_allclose([box.x0, box.y0, box.x1, box.y1], [0.5, -0.5, 4.5, 2.5], atol=0.07)
    assert outline.get_linestyle() != other.get_linestyle()
    colour = plots.image_grid(torch.rand(2, 3, 4, 4), title="t").axes[0].images[0]
    assert colour.get_array().shape == (4, 4, 3)


def test_maps_share_one_scale_and_outlines_fit_any_size():
    maps = {"a": torch.tensor([[0.0, 1.0]]), "b": torch.full((4, 8), 3.0, dtype=torch.bfloat16)}
    masks = torch.zeros(2, 8, 16, dtype=torch.bool)
    masks[:, :4, :8] = True  # the top left quarter
    fig = plots.map_grid(maps, title="t", unit="mask value", object_masks=masks)
    first, second, bar = fig.axes
    assert first.images[0].get_clim() == second.images[0].get_clim() == (0, 3)
    assert bar.get_ylabel() == "mask value"
    for ax, (height, width) in ((first, (1, 2)), (second, (4, 8))):
        (box,) = (path.get_extents() for path in ax.collections[0].get_paths())
        ends = box.x0 / width, box.x1 / width, box.y0 / height, box.y1 / height
        np.testing.assert_allclose(ends, [0, 0.5, 0, 0.5], atol=0.01)
    assert first.get_title() == "a"
    fixed = plots.map_grid(maps, title="t", unit="u", limits=(-1, 1))
    assert fixed.axes[0].images[0].get_clim() == (-1, 1)


def test_receptive_fields_box_is_drawn_and_named():
    support = torch.zeros(9, 11, dtype=torch.bool)
    support[2:5, 3] = support[3, 1:6] = True
    (ax,) = plots.receptive_field({"cross": support}, (3, 3), title="t").axes
    (box,) = (patch for patch in ax.patches if isinstance(patch, Rectangle))
    assert (*box.get_xy(), box.get_width(), box.get_height()) == (0.5, 1.5, 5, 3)
    assert ax.get_title() == "cross: 3 x 5"
    np.testing.assert_array_equal(ax.images[0].get_array(), support)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.curves([1], {}, title="t", xlabel="x", ylabel="y"), "at least 1"),
        (
            lambda: plots.curves([1, 2], {"a": [1]}, title="t", xlabel="x", ylabel="y"),
            "'a' needs 2 points",
        ),
        (
            lambda: plots.curves([1], {"a": [1]}, title=" ", xlabel="x", ylabel="y"),
            "says its finding",
        ),
        (lambda: plots.bars({}, title="t", ylabel="y"), "at least 1"),
        (lambda: plots.stage_responses({"a": [1, 2], "b": [1]}, title="t"), "'b' needs 2"),
        (lambda: plots.stage_responses({"a": [0.0, 0.0]}, title="t"), "above 0"),
        (lambda: plots.intervals({}, title="t"), "at least 1 panel"),
        (lambda: plots.intervals({"x": {}}, title="t"), "1 name in each"),
        (lambda: plots.intervals({"x": {"a": None}, "y": {"a": None}}, title="t"), "'a' twice"),
        (lambda: plots.intervals({"x": {"a": None}}, title="t", claimed={"b": (0, 1)}), "'b'"),
        (
            lambda: plots.intervals(
                {"x": {"a": None}}, title="t", kinds={str(i): [] for i in range(5)}
            ),
            "looks for 4 kinds, got 5",
        ),
        (lambda: plots.image_grid(torch.rand(2, 2, 4, 4), title="t"), "1 or 3"),
        (
            lambda: plots.image_grid(torch.rand(2, 1, 4, 4), title="t", labels=[1]),
            "one an image, 2, got 1",
        ),
        (
            lambda: plots.image_grid(
                torch.rand(2, 1, 4, 4), title="t", object_masks=torch.ones(2, 4, 5)
            ),
            r"\(2, 4, 4\)",
        ),
        (lambda: plots.map_grid(torch.rand(4, 4), title="t", unit="u"), r"\(N, H, W\)"),
        (
            lambda: plots.map_grid(
                torch.rand(2, 4, 4), title="t", unit="u", object_masks=torch.ones(1, 4, 4)
            ),
            "one a map, 2, got 1",
        ),
        (lambda: plots.receptive_field({}, (0, 0), title="t"), "at least 1"),
    ],
)
def test_bad_input_is_refused_with_the_mend(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("alt", ["", "A figure.", "x" * 40, "  spaces   only     "])
def test_a_figure_without_a_sentence_is_refused(alt):
    with pytest.raises(ValueError, match="at least 20 characters"):
        plots.show(Figure(), alt=alt)


def test_plots_import_nothing_of_the_model():
    for path in Path(resattn.plots.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", []) if alias.name]
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert all(n.startswith("resattn.plots") for n in names if n.startswith("resattn"))


SOURCE = f"""
from matplotlib import pyplot as plt
from resattn import plots
figure = plots.bars({{"a": 1.0}}, title="One bar", ylabel="share")
plots.show(figure, alt={ALT!r})
"""
PYPLOT = """
figure, ax = plt.subplots()
ax.plot([1, 2])
plots.show(figure, alt='Quotes " and <tags> & lines\\nare kept as text')
"""


@pytest.mark.filterwarnings("ignore")  # of the notebook stack itself
def test_shown_figures_reach_the_page_once_with_their_text(monkeypatch):
    import nbformat
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (SOURCE, PYPLOT)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=600).execute()
    stored = nbformat.reads(nbformat.writes(notebook), as_version=4)
    for cell in stored.cells:
        (output,) = cell.outputs
        assert output.output_type == "display_data"
        assert sorted(output.data) == ["image/png", "text/plain"]
        assert output.data["text/plain"] == output.metadata["image/png"]["alt"]
    first, second = (cell.outputs[0].data["text/plain"] for cell in stored.cells)
    assert first == ALT and second == 'Quotes " and <tags> & lines are kept as text'
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(stored)
    images = [tag for tag in page.split("<img ")[1:] if "data:image/png" in tag]
    assert len(images) == 2
    assert f'alt="{ALT}"' in images[0]
    assert "&lt;tags&gt; &amp; lines are kept as text" in images[1]


def test_the_png_carries_the_text_and_the_figure_is_closed(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: shown.append(args[0]))
    figure, _ = pyplot.subplots()
    assert plots.show(figure, alt=ALT) is None
    assert not pyplot.fignum_exists(figure.number)
    (data,) = shown
    assert data["image/png"].startswith(b"\x89PNG") and ALT.encode() in data["image/png"]
    assert data["text/plain"] == ALT


def test_a_slow_legend_leaves_no_warning(recwarn, monkeypatch):
    """Matplotlib warns by the clock: a busy machine must not put that into a notebook."""
    from matplotlib import legend

    ticks = itertools.count(step=10)
    monkeypatch.setattr(legend.time, "perf_counter", lambda: next(ticks))
    fig, axis = pyplot.subplots()
    axis.plot([1, 2], label="rises")
    axis.legend()
    plots.show(fig, alt="A line that rises from one to two.")
    assert next(ticks) > 20, "the legend did not look at the clock"
    assert not [w for w in recwarn if "legend" in str(w.message)]
