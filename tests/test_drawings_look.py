"""Drawings are readable on a phone, in light and dark, and by those who cannot see them."""

import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from drawings_kit import DRAWINGS, collisions, drawing, texts
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from resattn.drawings.colours import DARK, LIGHT
from resattn.drawings.page import PHONE, READABLE, Drawing
from resattn.drawings.shapes import Text, rectangle
from resattn.drawings.text import width, wrap

SVG = "{http://www.w3.org/2000/svg}"
every_drawing = pytest.mark.parametrize("name", list(DRAWINGS))


@every_drawing
def test_no_text_lies_on_anything_else(name):
    assert list(collisions(drawing(name))) == []


def test_a_text_on_a_box_a_line_or_the_edge_of_the_page_is_found():
    box = rectangle(0, 0, 20, 20, "unit")
    for place, fault in {(15.0, 15.0): "crosses", (95.0, 50.0): "leaves"}.items():
        lone = Drawing("", "", (box, Text(*place, "word", 12)), 100, 100)
        assert any(fault in found for found in collisions(lone))


@every_drawing
def test_text_is_large_enough_on_a_phone(name):
    found = drawing(name)
    smallest = min(text.size for text in texts(found)) * min(1, PHONE / found.width)
    assert smallest == pytest.approx(found.smallest_text)
    assert smallest >= READABLE == 9


@every_drawing
def test_svg_is_sound_and_names_itself_to_screen_readers(name):
    found = drawing(name)
    root = ET.fromstring(found.svg)
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    named = {e.get("id"): e.text for e in root if e.tag in (f"{SVG}title", f"{SVG}desc")}
    assert root.get("aria-labelledby").split() == list(named)
    assert list(named.values()) == [found.title, found.alt]
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    assert not re.search(
        r"nan|inf\b|-0[\" ,]", re.sub(r"<desc.*?</desc>", "", found.svg, flags=re.S)
    )
    assert "http" not in found.svg.replace("http://www.w3.org/2000/svg", "")


@every_drawing
def test_the_drawing_is_told_in_words(name):
    found = drawing(name)
    told = " ".join(found.alt.split())
    assert found.title and found.title in told
    for text in texts(found):
        if not text.faint and len(text.text) > 2 and not text.text.startswith(("×", "1 +")):
            bare = text.text.rstrip(",")
            assert bare.replace("…", "") in told or any(
                bare in line for line in told.split("; ")
            ), bare


@every_drawing
def test_every_colour_has_its_dark_one(name):
    root = ET.fromstring(drawing(name).svg)
    rules = root.find(f"{SVG}style").text
    assert rules.startswith("@media (prefers-color-scheme: dark)")
    assert rules.count("{") == rules.count("}")
    own = root.get("class")
    assert all(
        part.strip().startswith(f".{own} ") for part in re.findall(r"[{},](\.[^{},]+)", rules)
    )
    for each in root.iter():
        if each.get("fill", "none") != "none" or each.get("stroke"):
            names = each.get("class").split()
            assert any(
                re.search(rf"\.{names[0]}(\.{names[-1]})?\b", rule) for rule in rules.split("}")
            ), names


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_lines_stand_out(colours):
    for fill in {*colours.fills.values(), colours.paper} - {colours.fills["ink"]}:
        assert contrast(colours.text, fill) >= 4.5
    assert contrast(colours.faint, colours.paper) >= 4.5
    for role, line in colours.lines.items():
        assert contrast(line, colours.paper) >= 3, role


def contrast(a: str, b: str) -> float:
    """The contrast of two colours by WCAG 2.2."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@every_drawing
def test_text_needs_no_more_room_than_was_reckoned_with(name):
    for text in texts(drawing(name)):
        font = FontProperties(family="DejaVu Sans", weight="bold" if text.bold else "normal")
        drawn = TextPath((0, 0), text.text, text.size, prop=font).get_extents()
        assert drawn.x1 <= width(text.text, text.size, bold=text.bold) + 0.5, text.text


def test_lines_are_broken_at_spaces_and_lose_no_word():
    text = "one two three four seventeen-letter-word five"
    lines = wrap(text, 10, 60)
    assert " ".join(lines) == text and len(lines) > 3
    assert all(width(line, 10) <= 60 or " " not in line for line in lines)


def test_bytes_depend_on_what_is_drawn_alone():
    names = ("hourglass", "gates", "label noise", "paths", "student")
    code = (
        "from drawings_kit import drawing\nfrom hashlib import sha256\n"
        f"for name in {names}:\n    print(sha256(drawing(name).svg.encode()).hexdigest())\n"
    )
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parent)])
    env = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours = [sha256(drawing(name).svg.encode()).hexdigest() for name in names]
    assert done.stdout.split() == ours


def test_two_drawings_on_a_page_share_no_name():
    names = [ET.fromstring(drawing(name).svg).get("class") for name in DRAWINGS]
    assert len(set(names)) == len(names)


def test_a_notebook_stores_svg_and_an_image_with_its_text():
    from IPython.core.interactiveshell import InteractiveShell

    found = drawing("hourglass")
    data, metadata = InteractiveShell.instance().display_formatter.format(found)
    assert set(data) == {"image/svg+xml", "text/html", "text/plain"}
    assert data["image/svg+xml"] == found.svg and data["text/plain"] == found.alt
    assert metadata["image/svg+xml"]["alt"] == found.alt
    image = ET.fromstring(data["text/html"].replace(">", "/>", 1))
    assert image.tag == "img" and image.get("alt") == found.alt
    assert image.get("src").startswith("data:image/svg+xml;base64,")


def test_a_drawing_is_saved_as_it_is(tmp_path):
    found = drawing("merge rules")
    assert found.save(tmp_path / "rules.svg").read_text(encoding="utf-8") == found.svg
