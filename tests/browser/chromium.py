"""A headless Chromium from the system's packages, driven by Selenium."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

DESKTOP, PHONE = (1280, 900), (390, 844)  # pixels
QUIET = (
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INSTALL = (
    "These tests need Chromium and its driver: on Debian and Ubuntu `apt install chromium "
    "chromium-driver`, elsewhere any chromium and chromedriver on the PATH."
)


def missing() -> str | None:
    """One sentence that says what to install; None if all is here."""
    return None if _browser() and shutil.which("chromedriver") else INSTALL


def _browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """A browser with an empty profile, at desktop size; closed at the end."""
    options = ChromeOptions()
    options.binary_location = _browser()
    for each in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(each)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium refuses root otherwise
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    page = Chrome(options, Service(shutil.which("chromedriver")))
    try:
        resize(page, DESKTOP)
        yield page
    finally:
        page.quit()


def resize(page: Chrome, size: tuple[int, int]) -> None:
    """Lay the page out for a screen of this size; a window can be no narrower than about 500."""
    width, height = size
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
    )


def keep(page: Chrome, picture: Path) -> None:
    """Save what a screen of each width shows, and go back to the desktop."""
    for name, size in (("phone", PHONE), ("desktop", DESKTOP)):
        resize(page, size)
        page.save_screenshot(str(picture.with_name(f"{picture.name}-{name}.png")))
