"""A newcomer's day in JupyterLab, which has no layout for a phone: lesson, task, slider."""

import json
import re
import subprocess
import time

from copied import changed
from laboratory import PATIENCE, Notebook, open_notebook
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

ACTIVATED_SHORTCUT = '''
def post_activation(x, conv1, bn1, conv2, bn2):
    """He et al. (2015)."""
    y = torch.relu(bn1(conv1(x)))
    return torch.relu(bn2(conv2(y)) + x)


def pre_activation(x, conv1, bn1, conv2, bn2):
    """He et al. (2016)."""
    x = torch.relu(bn1(x))
    y = torch.relu(bn2(conv1(x)))
    return x + conv2(y)
'''
RAW_SHORTCUT = ACTIVATED_SHORTCUT.replace(
    """    x = torch.relu(bn1(x))
    y = torch.relu(bn2(conv1(x)))
""",
    """    y = conv1(torch.relu(bn1(x)))
    y = torch.relu(bn2(y))
""",
)
MARKDOWN = re.compile(r"`|\*\w[^*]*\w\*")  # signs that a reader of the page should never see


def test_the_first_click_opens_lesson_00_and_it_runs_to_its_end(page, lab, shots):
    page.get(lab)
    lesson = Notebook(page)
    assert lesson.path == "course/00_start_here.ipynb"
    page.save_screenshot(str(shots / "lesson-00-opened.png"))
    lesson.run_all()
    assert lesson.errors() == {}
    lesson.save()
    page.save_screenshot(str(shots / "lesson-00-run.png"))
    task = lesson.follow("where-next", "exercise set 01")
    assert task.path == "exercises/01_residual_unit.ipynb"


def test_a_task_is_solved_in_its_cell(page, lab, course, shots):
    task = open_notebook(page, lab, "exercises/01_residual_unit.ipynb")
    assert "Set 01: not checked yet" in task.run("setup")
    task.run("orders-layers")

    task.write("orders-answer", ACTIVATED_SHORTCUT)
    task.run("orders-answer")
    assert "orders-check: 5 of 5 points" in task.run("orders-check")
    told = task.run("orders-check-2")
    assert "orders-check-2: 0 of 5 points" in told
    assert "A known mistake: your pre-activation shortcut carries relu(bn1(x))" in told
    page.save_screenshot(str(shots / "task-wrong.png"))

    for name in ("Hint 1", "Hint 2", "Hint 3"):
        fold = task.unfold("orders-hints", name)
        assert len(fold.text) > len(name) + 20 and not MARKDOWN.search(fold.text), fold.text
    page.save_screenshot(str(shots / "task-hints.png"))

    task.write("orders-answer", RAW_SHORTCUT)
    task.run("orders-answer")
    assert "\N{CHECK MARK} orders-check-2: 5 of 5 points" in task.run("orders-check-2")
    page.save_screenshot(str(shots / "task-solved.png"))

    task.save()
    found = subprocess.run(
        [".venv/bin/python", "-m", "coursekit", "check", "01"],
        cwd=course,
        capture_output=True,
        text=True,
    )
    assert re.search(
        r"^\N{CHECK MARK} 1 The same layers, in two orders +10 of +10$", found.stdout, re.MULTILINE
    ), found.stdout + found.stderr
    assert re.search(r"all tasks +10 of", found.stdout)


def test_the_mask_explorer_follows_its_slider(page, lab, shots):
    lesson = open_notebook(page, lab, "course/11_what_the_masks_see.ipynb")
    lesson.run_all()
    assert lesson.errors() == {}
    cell = lesson.show("explorer")

    def picture():
        return lesson.wait(
            "const shown = cells[at('explorer')].node.querySelector('.widget-html img');"
            "return shown && [shown.src, shown.alt]"
        )

    before = picture()
    page.save_screenshot(str(shots / "explorer-before.png"))
    (handle, *_), names = (
        cell.find_elements(By.CSS_SELECTOR, f".widget-slider {part}")
        for part in (".noUi-handle", ".widget-label")
    )
    assert names[0].text == "image"
    ActionChains(page).drag_and_drop_by_offset(handle, 60, 0).perform()
    WebDriverWait(page, PATIENCE).until(
        lambda _: picture()[0] != before[0], "the picture stays as it was"
    )
    assert before[1].startswith("Image 0 ") and not picture()[1].startswith("Image 0 ")
    page.save_screenshot(str(shots / "explorer-after.png"))


ENDLESS = (
    ACTIVATED_SHORTCUT
    + """
import time
for second in range(600):
    print(second)
    time.sleep(1)
"""
)
DEADLY = (
    ACTIVATED_SHORTCUT
    + """
import os
os._exit(1)
"""
)


def answer_on_disk(course):
    """The answer cell of set 01 as the student's file has it."""
    cells = json.loads((course / "work/exercises/01_residual_unit.ipynb").read_text())["cells"]
    return "".join(next(cell for cell in cells if cell["id"] == "orders-answer")["source"])


def test_an_interrupted_run_and_a_killed_kernel_lose_no_answer(page, lab, course):
    task = open_notebook(page, lab, "exercises/01_residual_unit.ipynb")
    task.run("setup")
    task.write("orders-answer", ENDLESS)
    task.start("orders-answer")
    time.sleep(3)
    task.menu("Kernel", "Interrupt Kernel")
    task.rest()
    task.save()
    assert answer_on_disk(course).strip() == ENDLESS.strip()

    task.write("orders-answer", DEADLY)
    task.start("orders-answer")
    task.rest()  # JupyterLab starts another
    task.save()
    assert answer_on_disk(course).strip() == DEADLY.strip()
    assert "Set 01" in task.run("setup")


def test_an_edit_outside_is_shown_and_survives_a_save(page, lab, course):
    path = course / "work/exercises/01_residual_unit.ipynb"
    content = json.loads(path.read_text())
    cell = next(cell for cell in content["cells"] if cell["id"] == "orders-answer")
    cell["source"] = RAW_SHORTCUT.strip().splitlines(keepends=True)
    content["metadata"]["kernelspec"]["display_name"] = ".venv (Python 3.12)"
    path.write_text(json.dumps(content))
    task = open_notebook(page, lab, "exercises/01_residual_unit.ipynb")
    task.wait(
        "return cells[at('orders-answer')].model.sharedModel.source.includes(arguments[0])",
        "y = conv1(torch.relu(bn1(x)))",
    )
    task.run("setup")
    task.save()
    assert answer_on_disk(course) == RAW_SHORTCUT.strip()


def test_after_all_this_nothing_that_is_tracked_has_changed(course):
    """The last test of this file: lessons and exercises were run, and saved by autosave too."""
    assert changed(course) == ""
    words = [".venv/bin/python", "-m", "coursekit", "build", "--check", "course/00_start_here.py"]
    found = subprocess.run(words, cwd=course, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
