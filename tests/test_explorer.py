"""The mask explorer: its picture, its sliders without a front end, and what a notebook stores."""

import json
import subprocess
import sys
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
import torch

from coursekit.source.build import build
from coursekit.source.pairs import WIDGET_VIEW, differences
from resattn import plots
from resattn.plots.style import DPI

LESSON = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A lesson with sliders

# %% explore tags=["nbval-ignore-output"]
import torch
from resattn import plots

masks = torch.zeros(1, 4, 4, dtype=torch.bool)
masks[:, 1] = True
plots.Explorer({"a": torch.rand(1, 2, 4, 4)}, torch.rand(1, 1, 4, 4), masks)
"""


@pytest.fixture
def data():
    """Maps of two stages, of which the first has two modules; images, and masks of the object."""
    generator = torch.Generator().manual_seed(0)
    shapes = {"stages.0.1": (3, 4, 8, 8), "stages.0.2": (3, 4, 8, 8), "stages.1.1": (3, 6, 2, 4)}
    maps = {name: torch.rand(shape, generator=generator) for name, shape in shapes.items()}
    masks = torch.zeros(3, 8, 8, dtype=torch.bool)
    masks[:, 2:5, 1:7] = True
    return maps, torch.rand(3, 1, 8, 8, generator=generator), masks


def png_of(fig):
    png = BytesIO()
    fig.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
    return png.getvalue()


def pixels(explorer):
    """The PNG that the explorer shows now."""
    return b64decode(explorer.picture.value.split("base64,")[1].split('"')[0])


@pytest.mark.parametrize("channel", ["mean", 2])
def test_view_holds_the_map_and_compares_it_on_and_off_the_object(data, channel):
    maps, images, masks = data
    fig = plots.map_view(*data, image=1, module="stages.1.1", channel=channel)
    chosen = maps["stages.1.1"][1]
    expected = chosen.mean(0) if channel == "mean" else chosen[channel]
    np.testing.assert_allclose(fig.axes[1].images[0].get_array(), expected, rtol=1e-6)
    np.testing.assert_allclose(fig.axes[0].images[0].get_array(), images[1, 0], rtol=1e-6)
    full = expected.repeat_interleave(4, 0).repeat_interleave(2, 1)  # (8, 8)
    on, off = full[masks[1]].mean(), full[~masks[1]].mean()
    assert f"{on:.2f} on the object, {off:.2f} elsewhere" in fig.get_suptitle()
    assert all(ax.get_xlabel() for ax in fig.axes[:2])


def test_each_slider_changes_the_picture_to_the_view_it_names(data):
    explorer = plots.Explorer(*data)
    before = pixels(explorer)
    moves = [
        ("image", 2, {"image": 2, "module": "stages.0.1", "channel": "mean"}),
        ("module", "2", {"image": 2, "module": "stages.0.2", "channel": "mean"}),
        ("channel", 3, {"image": 2, "module": "stages.0.2", "channel": 3}),
        ("stage", "stages.1", {"image": 2, "module": "stages.1.1", "channel": 3}),
        ("channel", 5, {"image": 2, "module": "stages.1.1", "channel": 5}),
        ("stage", "stages.0", {"image": 2, "module": "stages.0.1", "channel": "mean"}),
    ]
    for slider, value, view in moves:
        getattr(explorer, slider).value = value
        assert before != pixels(explorer) == png_of(plots.map_view(*data, **view))
        before = pixels(explorer)


def test_a_move_draws_once(data, monkeypatch):
    explorer = plots.Explorer(*data)
    explorer.module.value, explorer.channel.value = "2", 3
    drawn, draw = [], explorer._drawn
    monkeypatch.setattr(explorer, "_drawn", lambda: drawn.append(explorer.name) or draw())
    explorer.stage.value = "stages.1"  # moves the module too, and offers more channels
    assert drawn == ["stages.1.1"]


def test_a_bare_gate_without_a_name_can_be_explored(data):
    maps, images, masks = data
    explorer = plots.Explorer({"": maps["stages.0.1"]}, images, masks)
    explorer.channel.value = 1
    assert explorer.name == ""


def test_the_page_gets_sliders_and_a_picture_with_its_text(data):
    explorer = plots.Explorer(*data)
    explorer.image.value = 1
    bundle, metadata = explorer._repr_mimebundle_()
    assert bundle[WIDGET_VIEW]["model_id"] == explorer.box.model_id
    assert bundle["image/png"] == pixels(explorer)
    assert bundle["text/plain"] == metadata["image/png"]["alt"]
    assert "Image 1" in bundle["text/plain"] and "on the object" in bundle["text/plain"]
    assert f'alt="{bundle["text/plain"]}"' in explorer.picture.value


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"image": 3, "module": "stages.0.1"}, "no image 3; choose one of 0, 1, 2"),
        ({"image": -1, "module": "stages.0.1"}, "no image -1"),
        (
            {"image": 0, "module": "stages.2.1"},
            "no module 'stages.2.1'; choose one of 'stages.0.1'",
        ),
        (
            {"image": 0, "module": "stages.0.1", "channel": 4},
            "no channel 4; choose one of 'mean', 0",
        ),
    ],
)
def test_a_choice_that_does_not_exist_is_refused(data, choice, said):
    with pytest.raises(ValueError, match=said):
        plots.map_view(*data, **choice)


def test_data_that_do_not_fit_are_refused(data):
    maps, images, masks = data
    with pytest.raises(ValueError, match="at least 1 map"):
        plots.Explorer({}, images, masks)
    with pytest.raises(ValueError, match="object_masks must have shape"):
        plots.Explorer(maps, images, masks[:2])
    with pytest.raises(ValueError, match="map 'a' must have shape"):
        plots.Explorer({"a": maps["stages.0.1"][:2]}, images, masks)


def test_without_ipywidgets_one_sentence_says_what_to_install(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ModuleNotFoundError, match="pip install ipywidgets"):
        plots.Explorer(*data)
    plots.map_view(*data, image=0, module="stages.0.1")  # the picture needs none


def test_importing_plots_imports_no_widgets():
    code = "import sys, resattn.plots; sys.exit('ipywidgets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=600).returncode == 0


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """The source of a lesson with an explorer, in a course folder of its own."""
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "course" / "00_small.py"
    source.parent.mkdir()
    source.write_text(LESSON)
    return source


def test_a_built_notebook_stores_the_picture_and_no_widget(lesson):
    build(lesson)
    stored = json.loads(lesson.with_suffix(".ipynb").read_text())
    (output,) = stored["cells"][1]["outputs"]
    assert set(output["data"]) == {"image/png", "text/plain"}
    assert "widgets" not in stored["metadata"]
    assert differences(lesson) == []


def test_sliders_saved_from_a_front_end_are_caught_and_built_away(lesson):
    build(lesson)
    twin = lesson.with_suffix(".ipynb")
    stored = json.loads(twin.read_text())
    stored["cells"][1]["outputs"][0]["data"][WIDGET_VIEW] = {"model_id": "gone"}
    twin.write_text(json.dumps(stored))
    assert "stores sliders" in " ".join(differences(lesson))
    build(lesson)
    assert differences(lesson) == []
