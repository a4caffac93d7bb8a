"""Each lesson runs from top to bottom as a notebook, and shows what it speaks of."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

import jupytext
import pytest
from nbclient import NotebookClient

LESSONS = files("samestep_experiments") / "lessons"
SHOWN = {
    "run_an_exercise.py": ("held - ", "<caption>Exercises</caption>", "largest gap between"),
    "why_do_they_differ.py": ("decay", "update at step 31"),
    "what_a_gradient_is.py": ("tensor([  4., -12.])", "PyTorch: None", "abs-at-0"),
}


def test_every_lesson_is_tried() -> None:
    scripts = {item.name for item in LESSONS.iterdir() if item.name.endswith(".py")}
    assert scripts - {"__init__.py"} == set(SHOWN)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_a_lesson_runs_as_a_notebook(name: str) -> None:
    with as_file(LESSONS / name) as path:
        notebook = jupytext.read(path)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = "\n".join(_texts(cell) for cell in notebook.cells if cell.cell_type == "code")
    for text in SHOWN[name]:
        assert text in shown


def _texts(cell: Any) -> str:
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        texts.extend(str(value) for value in output.get("data", {}).values())
    return "\n".join(texts)
