"""The real application in a temporary data folder, and a learner who uses it by mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.app import Glassbox, Options
from tests.ui.window.learner import LOADING_MS, Learner

SIZE = (1280, 720)
Start = Callable[..., Learner]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Where the application keeps its things; not there yet."""
    return tmp_path / "data"


@pytest.fixture
def start(qapp: QApplication, qtbot: QtBot, data_dir: Path) -> Iterator[Start]:
    """Starts the application: ``start("playground", "spiral", language="zh")``."""
    running: list[Glassbox] = []

    def make(lesson: str = "", step: str = "", **more: object) -> Learner:
        wanted = {"language": "en", "theme": "light", "data_dir": data_dir} | more
        glassbox = Glassbox(qapp, Options(lesson=lesson, step=step, **wanted))  # type: ignore[arg-type]
        running.append(glassbox)
        with qtbot.waitSignal(glassbox.first_painted):
            glassbox.start(SIZE)
        qtbot.waitUntil(lambda: bool(glassbox.session.status.runs), timeout=LOADING_MS)
        learner = Learner(glassbox, qtbot)
        assert learner.view.lesson is not None
        if learner.view.lesson.steps[learner.view.index].autoplay:
            learner.wait(lambda: learner.status.playing or learner.status.head > 0)
        return learner

    yield make
    for glassbox in running:
        glassbox.window.close()
        glassbox.close()
        glassbox.window.deleteLater()
        glassbox.deleteLater()
