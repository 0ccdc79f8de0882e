"""What works the same in every lesson: code, sharing, own data, languages and themes midway."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from desktop import paths
from desktop.course.catalog import find_lessons
from desktop.ui.strings import language
from desktop.ui.theme import theme
from tests.ui.window.learner import CHINESE, LOADING_MS, Learner

SLUGS = [folder.name for folder in find_lessons(paths.lessons())]
Start = Callable[..., Learner]


@pytest.mark.parametrize("slug", SLUGS)
def test_language_and_theme_change_midway_and_nothing_is_reset(start: Start, slug: str) -> None:
    learner = start(slug)
    learner.next()
    learner.press(Qt.Key.Key_Right)
    learner.wait(lambda: learner.status.step >= 1)
    learner.settle()
    place = (learner.step_id, learner.status.step, learner.status.head, learner.status.parameters)
    runs = [run.id for run in learner.status.runs]
    english = learner.texts()
    assert not [text for text in english if CHINESE.search(text) and text not in _OWN_WORDS]
    learner.switch_language()
    learner.switch_theme()
    assert (language().current, theme().name) == ("zh", "dark")
    chinese = learner.texts()
    left = [text for text in chinese if text in english and _is_english(text)]
    assert not left, f"still English: {left}"
    assert any(CHINESE.search(text) for text in chinese)
    learner.wait(lambda: learner.view.grid.isVisible())
    learner.window.grab()
    assert place == (
        learner.step_id,
        learner.status.step,
        learner.status.head,
        learner.status.parameters,
    )
    assert runs == [run.id for run in learner.status.runs]
    learner.switch_language()
    learner.switch_theme()
    assert learner.texts() == english


_OWN_WORDS = {"简体中文", "中文"}
_NAMES = {
    "sin",
    "SGD",
    "AdaGrad",
    "RMSProp",
    "Adam",
    "AdamW",
    "Nesterov",
    "tanh",
    "sigmoid",
    "ReLU",
    "max",
    "BPE",
}


def _is_english(text: str) -> bool:
    """Words that ought to change: more than a symbol, a number or a name."""
    words = [word for word in text.replace(",", " ").split() if word.isalpha() and len(word) > 2]
    return bool(words) and not all(word in _NAMES for word in words)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_code_on_screen_is_copied_and_runs(start: Start, slug: str, tmp_path: Path) -> None:
    learner = start(slug)
    learner.settle()
    learner.click(learner.view.header.code)
    code = learner.view.code
    learner.wait(lambda: "import torch" in code.source or "def " in code.source)
    assert code.text.isVisible()
    assert "Glassbox" not in code.source
    learner.click(code.script_tab)
    learner.click(code.copy)
    script = QGuiApplication.clipboard().text()
    assert script == code.source
    compile(script, "script.py", "exec")
    assert "desktop." not in script
    learner.press(Qt.Key.Key_Escape)
    assert learner.view.grid.isVisible()


@pytest.mark.slow
@pytest.mark.parametrize("slug", ["gradient-descent", "playground"])
def test_the_saved_script_runs_alone(
    start: Start, slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = start(slug)
    learner.settle()
    learner.press(Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    learner.wait(lambda: learner.view.code.save.isEnabled())
    path = tmp_path / "lesson.py"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    learner.click(learner.view.code.save)
    text = path.read_text(encoding="utf-8")
    assert "steps=" in text
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "step 1 " in done.stdout


@pytest.mark.parametrize("slug", SLUGS)
def test_a_shared_text_brings_everything_back(start: Start, slug: str) -> None:
    learner = start(slug)
    learner.settle()
    learner.press(Qt.Key.Key_R)
    learner.wait(lambda: learner.status.head == 0)
    for count in (1, 2, 3):
        learner.press(Qt.Key.Key_Right)
        learner.wait(lambda count=count: learner.status.step == count)
    learner.settle()
    parameters = learner.status.parameters
    losses = repr(learner.status.runs[-1].history.at(3))
    QGuiApplication.clipboard().clear()
    learner.view.sharing.actions["copy_text"].trigger()
    learner.wait(lambda: QGuiApplication.clipboard().text().startswith("GLASSBOX"))
    text = QGuiApplication.clipboard().text()
    other = next(known for known in SLUGS if known != slug)
    learner.window.outline.lesson_chosen.emit(other)
    learner.wait(lambda: learner.status.lesson == other and bool(learner.status.runs), LOADING_MS)
    QGuiApplication.clipboard().setText(text)
    learner.view.sharing.actions["paste_text"].trigger()
    learner.wait(
        lambda: learner.status.lesson == slug and learner.status.step == 3, timeout=LOADING_MS
    )
    learner.settle()
    assert learner.window.slug == slug
    assert learner.status.parameters == parameters
    assert repr(learner.status.runs[-1].history.at(3)) == losses  # NaN equals NaN here
    learner.wait(lambda: any("last bit" in toast.text for toast in learner.window.toasts.shown))


@pytest.mark.parametrize("slug", SLUGS)
def test_no_panel_needs_scrolling_in_a_small_window(start: Start, slug: str) -> None:
    learner = start(slug)
    learner.window.resize(1280, 720)
    view = learner.view
    assert view.lesson is not None
    for index, step in enumerate(view.lesson.steps):
        learner.go_to(step.id)
        assert view.index == index
        learner.wait(lambda: all(view.grid.panels[one].has_content() for one in view.grid.shown))
        learner.wait(lambda: view.panels.verticalScrollBar().maximum() == 0)
