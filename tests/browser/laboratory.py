"""`make lab` in a folder, and the pages that it shows: what a person sees, clicks and types.

JupyterLab draws only the cells in view. So a cell is looked up, and brought into view, by way of
the application; everything else goes through mouse, keyboard and the page.
"""

import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

TOKEN = "browser"
PATIENCE = 60  # seconds, for a page or a widget
RUNNING = 600  # seconds, for a whole notebook on a busy machine

NOTEBOOK = """
const front = [...window.jupyterapp.shell.widgets('main')].filter((each) => each.isVisible);
const panel = front.find((each) => each.content?.widgets);
const book = panel.content, cells = book.widgets;
const at = (id) => cells.findIndex((cell) => cell.model.id === id);
const outputs = (cell) => cell.model.type === 'code' ? cell.model.outputs.toJSON() : [];
"""


@contextmanager
def lab(folder: Path, log: Path) -> Iterator[str]:
    """`make lab` in this folder; gives the address that opens it, and stops it at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = (
        f"--no-browser --port {port} --ServerApp.port_retries=0 "
        f"--IdentityProvider.token={TOKEN} --LabApp.expose_app_in_browser=True"
    )
    own = {
        f"JUPYTER_{name}_DIR": str(log.parent / name.lower())
        for name in ("CONFIG", "DATA", "RUNTIME")
    }
    own |= {
        "IPYTHONDIR": str(log.parent / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(log.parent / "settings"),
    }
    with log.open("w") as says:
        server = subprocess.Popen(
            ["make", "lab", f"LAB_ARGS={options}"],
            cwd=folder,
            env=os.environ | own,
            stdout=says,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        WebDriverWait(server, PATIENCE).until(
            lambda _: _answers(f"{address}/api/status?token={TOKEN}") or _ended(server, log),
            f"make lab did not answer within {PATIENCE} s",
        )
        yield f"{address}/?token={TOKEN}"  # goes where a person's browser is sent
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(PATIENCE)


def _answers(address: str) -> bool:
    try:
        return urllib.request.urlopen(address, timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


def _ended(server: subprocess.Popen, log: Path) -> bool:
    assert server.poll() is None, f"make lab ended: {log.read_text()[-2000:]}"
    return False


def open_notebook(page: Chrome, lab: str, path: str) -> "Notebook":
    """Go to a notebook by its address."""
    page.get(lab.replace("/?", f"/lab/tree/{path}?"))
    WebDriverWait(page, PATIENCE).until(
        lambda _: Notebook(page).path == path, f"{path} does not come to the front"
    )
    return Notebook(page)


class Notebook:
    """The notebook in front, once it is there and its kernel is ready."""

    def __init__(self, page: Chrome) -> None:
        self.page = page
        self.wait(
            "const k = panel.sessionContext.session?.kernel;"
            "return cells.length && k && k.status === 'idle'"
        )

    @property
    def path(self) -> str:
        """The path of the notebook, from the student's folder."""
        return self.ask("return panel.context.path")

    def ask(self, script: str, *arguments):
        """The value of a script that may use `book`, `cells`, `at(id)` and `outputs(cell)`."""
        return self.page.execute_script(NOTEBOOK + script, *arguments)

    def wait(self, script: str, *arguments, seconds: float = PATIENCE):
        """Ask until the answer is true; an application that is still loading counts as false."""
        guarded = f"try {{ {NOTEBOOK + script} }} catch (error) {{ return false }}"
        return WebDriverWait(self.page, seconds, 0.2).until(
            lambda page: page.execute_script(guarded, *arguments), f"waited for: {script}"
        )

    def show(self, cell: str) -> WebElement:
        """Bring a cell into view, by its id, and wait until the page has come to rest."""
        places: list = []

        def rests(_) -> WebElement | None:
            node, *place = self.wait(
                "const k = at(arguments[0]); if (k < 0) return false;"
                "if (book.activeCellIndex !== k) book.activeCellIndex = k;"
                "book.scrollToItem(k, 'start'); const node = cells[k].node;"
                "const box = node.getBoundingClientRect(), all = book.node.getBoundingClientRect();"
                "return node.isConnected && box.height && box.top < all.bottom "
                "&& box.bottom > all.top && [node, box.top, box.bottom]",
                cell,
            )
            places.append(place)
            return node if places[-2:] == [place, place] else None

        return WebDriverWait(self.page, PATIENCE, 0.2).until(rests, f"{cell} will not rest")

    def write(self, cell: str, text: str) -> None:
        """Click into a cell, twice into a rendered text, clear it, and type."""
        node = self.show(cell)
        if self.ask("return cells[at(arguments[0])].rendered", cell):
            ActionChains(self.page).double_click(node).perform()
        editor = WebDriverWait(self.page, PATIENCE).until(
            lambda _: next(
                (
                    each
                    for each in node.find_elements(By.CSS_SELECTOR, ".cm-content")
                    if each.is_displayed()
                ),
                None,
            )
        )
        ActionChains(self.page).click(editor).key_down(Keys.CONTROL).send_keys("a").key_up(
            Keys.CONTROL
        ).send_keys(Keys.DELETE).perform()
        lines = text.strip("\n").split("\n")
        for k, line in enumerate(lines):
            typing = ActionChains(self.page)
            if k:  # over the indentation that the editor offers
                typing.send_keys(Keys.ENTER).key_down(Keys.SHIFT).send_keys(Keys.HOME)
                typing.key_up(Keys.SHIFT).send_keys(line if line else Keys.DELETE)
            else:
                typing.send_keys(line)
            typing.perform()
        written = self.ask("return cells[at(arguments[0])].model.sharedModel.source", cell)
        assert written.split("\n") == lines, f"typed into {cell}: {written}"

    def run(self, cell: str) -> str:
        """Run a cell with Control and Enter; returns what it prints, or its error."""
        request = "cells[at(arguments[0])].outputArea.future?.msg.header.msg_id"
        before = self.ask(f"return {request}", cell)
        self.show(cell).click()
        ActionChains(self.page).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(
            Keys.CONTROL
        ).perform()
        self.wait(
            f"return {request} !== arguments[1] && cells[at(arguments[0])].model.executionCount",
            cell,
            before,
            seconds=RUNNING,
        )
        return self.printed(cell)

    def start(self, cell: str) -> None:
        """Run a cell, and wait only until it is running."""
        self.show(cell).click()
        ActionChains(self.page).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(
            Keys.CONTROL
        ).perform()
        self.wait("return panel.sessionContext.session.kernel.status === 'busy'")

    def rest(self) -> None:
        """Wait until the kernel is ready again; a dialog that reports its death is closed."""

        def ready(page: Chrome) -> bool:
            for button in page.find_elements(By.CSS_SELECTOR, ".jp-Dialog .jp-mod-accept"):
                button.click()
            return bool(self.ask("return panel.sessionContext.session?.kernel?.status === 'idle'"))

        WebDriverWait(self.page, PATIENCE, 0.5).until(ready, "the kernel does not come to rest")

    def printed(self, cell: str) -> str:
        """All text in a cell's output."""
        return self.ask(
            "return outputs(cells[at(arguments[0])]).filter((o) => !o.metadata?.progress).map("
            "(o) => [].concat(o.text ?? o.evalue ?? o.data?.['text/plain'] ?? '').join('')"
            ").join('')",
            cell,
        )

    def run_all(self) -> None:
        """Clear what was stored, Run All Cells of the menu Run, and wait for the last of them."""
        self.menu("Edit", "Clear Outputs of All Cells")
        self.menu("Run", "Run All Cells")
        self.wait(
            "return cells.every((cell) => cell.model.type !== 'code' || "
            "cell.model.executionCount && cell.model.executionState === 'idle') || "
            "cells.some((cell) => outputs(cell).some((o) => o.output_type === 'error'))",
            seconds=RUNNING,
        )

    def errors(self) -> dict[str, str]:
        """The errors that are shown, by cell."""
        return self.ask(
            "return Object.fromEntries(cells.flatMap((cell) => outputs(cell).filter((o) => "
            "o.output_type === 'error').map((o) => [cell.model.id, `${o.ename}: ${o.evalue}`])))"
        )

    def unfold(self, cell: str, name: str) -> WebElement:
        """Click on a fold of a text cell; returns it, open."""
        self.show(cell)
        fold = self.page.find_element(
            By.XPATH, f"//*[contains(@class, 'jp-mod-active')]//details[summary='{name}']"
        )
        fold.find_element(By.TAG_NAME, "summary").click()
        WebDriverWait(self.page, PATIENCE).until(lambda _: fold.get_attribute("open"))
        return fold

    def follow(self, cell: str, text: str) -> "Notebook":
        """Click on a link of a text cell; returns the notebook that it opens."""
        link = self.show(cell).find_element(By.PARTIAL_LINK_TEXT, text)
        before = self.path
        link.click()
        WebDriverWait(self.page, PATIENCE).until(
            lambda page: Notebook(page).path != before, f"the link {text!r} opens nothing"
        )
        return Notebook(self.page)

    def menu(self, *names: str) -> None:
        """Click through the menu at the top."""
        for k, name in enumerate(names):
            kind = "lm-MenuBar-itemLabel" if k == 0 else "lm-Menu-itemLabel"
            path = f"//div[contains(@class, '{kind}') and normalize-space()='{name}']"
            item = WebDriverWait(self.page, PATIENCE).until(
                lambda page, path=path: next(
                    (each for each in page.find_elements(By.XPATH, path) if each.is_displayed()),
                    None,
                ),
                f"no {name} in the menu",
            )
            item.click()

    def save(self) -> None:
        """Control and s, until the file is written."""
        ActionChains(self.page).key_down(Keys.CONTROL).send_keys("s").key_up(Keys.CONTROL).perform()
        self.wait("return !panel.context.model.dirty")
