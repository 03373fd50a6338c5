"""What the browser tests share: a copy of the course, a browser, a place for screenshots.

Selenium is imported late: `make test` reads this file on its way, and lives without it.
"""

from pathlib import Path

import pytest
from copied import ROOT, course_copy

SHOTS = ROOT / "runs" / "browser"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """One Chromium for the tests of a file; a notebook that is not saved would hold it back."""
    from chromium import chromium, missing

    if missing():
        pytest.fail(missing(), pytrace=False)
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="session")
def course(tmp_path_factory) -> Path:
    """A copy of the course, free to be worked in."""
    return course_copy(tmp_path_factory.mktemp("copy") / "course")


@pytest.fixture(scope="session")
def lab(course, tmp_path_factory) -> str:
    """The address of `make lab` in that copy."""
    import laboratory

    with laboratory.lab(course, tmp_path_factory.mktemp("lab") / "lab.log") as address:
        yield address


@pytest.fixture(scope="session")
def shots() -> Path:
    """A folder whose pictures are for people to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS
