"""Fixtures of the interface's tests: the look as the application sets it, and the window's shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.course.catalog import Course
from desktop.course.store import Store
from desktop.ui.appearance import Appearance
from desktop.ui.glossary_page import GlossaryPage
from desktop.ui.main_window import MainWindow


@pytest.fixture
def appearance(qapp: QApplication, store: Store) -> Iterator[Appearance]:
    """The look, in English and light; choices go to the test's own store."""
    made = Appearance(qapp, store, only_now_language="en", only_now_theme="light")
    yield made
    made.deleteLater()


@pytest.fixture
def window(qtbot: QtBot, course: Course, appearance: Appearance) -> MainWindow:
    """The window with its glossary, without a lesson view behind it."""
    return make_window(qtbot, course, appearance)


def make_window(
    qtbot: QtBot,
    course: Course,
    appearance: Appearance,
    progress: Callable[[str], str] = lambda slug: "new",
) -> MainWindow:
    """Shown at 1500 × 820."""
    made = MainWindow(course, appearance, progress)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.add_late_page("glossary", lambda: GlossaryPage(course))
    made.resize(1500, 820)
    made.show_lesson(course.lessons[0].slug)
    made.show()
    qtbot.waitExposed(made)
    return made
