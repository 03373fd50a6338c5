"""The site as a reader meets it: opened from disk, on a desktop and on a phone."""

import json
import re

import pytest
from chromium import DESKTOP, PHONE, keep, resize
from copied import ROOT
from selenium.common.exceptions import TimeoutException
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

HTML = ROOT / "site" / "_build" / "html"
PATIENCE = 30  # seconds
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])

pytestmark = pytest.mark.skipif(
    not (HTML / "index.html").exists(), reason="the site is not built; run make site"
)


@pytest.fixture
def front(page):
    """The front page, from disk, as wide as a desktop."""
    resize(page, DESKTOP)
    page.get((HTML / "index.html").as_uri())
    return page


def contents(page) -> list[str]:
    """The addresses that the contents beside a page lead to."""
    links = page.find_elements(By.CSS_SELECTOR, ".sidebar-tree a.internal")
    return list(dict.fromkeys(link.get_attribute("href").partition("#")[0] for link in links))


def asked_for(page) -> list[str]:
    """What pages have asked for by a network since this was last called."""
    events = (json.loads(entry["message"])["message"] for entry in page.get_log("performance"))
    addresses = (
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    )
    return [each for each in addresses if not each.startswith(("file:", "data:", "blob:"))]


@SIZES
def test_every_page_of_the_contents_opens_and_fits(front, shots, size):
    pages = contents(front)
    assert len(pages) > 30  # lessons and exercises alone are 24
    asked_for(front), front.get_log("browser")
    faults = []
    resize(front, size)
    for address in pages:
        front.get(address)
        name = re.sub(r"\W+", "-", address.removeprefix(HTML.as_uri()).removesuffix(".html"))
        picture = str(shots / f"site{name}-{size[0]}.png")
        WebDriverWait(front, PATIENCE, ignored_exceptions=[TimeoutException]).until(
            lambda page, picture=picture: page.save_screenshot(picture)
        )  # once Chromium shows it
        if not front.find_elements(By.CSS_SELECTOR, "article h1"):
            faults.append(f"{name}: no heading")
        wide = front.execute_script("return document.documentElement.scrollWidth")
        if wide > size[0]:
            faults.append(f"{name}: {wide} pixels wide on a screen of {size[0]}")
        broken = front.execute_script(
            "return [...document.images].filter((i) => i.complete && !i.naturalWidth)"
            ".map((i) => i.src)"
        )
        faults += [f"{name}: no picture {each}" for each in broken]
        faults += [
            f"{name}: {each['message']}"
            for each in front.get_log("browser")
            if each["level"] == "SEVERE"
        ]
    assert faults == []
    assert asked_for(front) == []


def test_a_search_finds_the_lesson(front, shots):
    field = front.find_element(By.CSS_SELECTOR, "input.sidebar-search")
    field.send_keys("hourglass", Keys.ENTER)
    found = WebDriverWait(front, PATIENCE).until(
        lambda page: page.find_elements(By.CSS_SELECTOR, "ul.search li a"), "nothing found"
    )
    assert any("03_mask_hourglass" in link.get_attribute("href") for link in found)
    keep(front, shots / "site-search")
    next(link for link in found if "course/03_mask" in link.get_attribute("href")).click()
    heading = WebDriverWait(front, PATIENCE).until(
        lambda page: page.find_elements(By.CSS_SELECTOR, "article h1")
    )[0]
    assert "hourglass" in heading.text


@SIZES
def test_a_hint_unfolds(front, shots, size):
    (address,) = (each for each in contents(front) if "exercises/01" in each)
    resize(front, size)
    front.get(address)
    fold = front.find_element(By.XPATH, "//details[summary='Hint 1']")
    assert not fold.get_attribute("open")
    front.execute_script(
        "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", fold
    )
    fold.find_element(By.TAG_NAME, "summary").click()
    assert fold.get_attribute("open") and len(fold.text) > 30
    front.save_screenshot(str(shots / f"site-hint-{size[0]}.png"))
