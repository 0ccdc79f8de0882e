"""Every lesson of the course fits a 1280 × 720 window at every step, in both languages."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop import paths
from desktop.course.catalog import Course, find_lessons
from desktop.course.store import Store
from desktop.ui import style
from desktop.ui.lesson.lesson_view import LessonView
from desktop.ui.strings import language
from desktop.ui.theme import theme
from tests.ui.lesson.support import FakeSession

SLUGS = [folder.name for folder in find_lessons(paths.lessons())]
SIZE = (1228, 690)  # what the window leaves beside the folded outline


@pytest.mark.parametrize("slug", SLUGS)
def test_every_step_fits_with_all_controls_open(
    qtbot: QtBot, qapp: QApplication, course: Course, store: Store, slug: str
) -> None:
    style.apply_style(qapp)
    view = LessonView(course, store, FakeSession())  # type: ignore[arg-type]
    qtbot.addWidget(view)
    view.resize(*SIZE)
    view.open(slug)
    view.show()
    qtbot.waitExposed(view)
    view.controls.toggle_more()
    assert view.lesson is not None
    for code in ("en", "zh"):
        language().set(code)  # type: ignore[arg-type]
        for index in range(len(view.lesson.steps)):
            view.go_to(index)
            qtbot.waitUntil(lambda: view.panels.height() + view.transport.height() < view.height())
            assert (view.width(), view.height()) == SIZE
            assert view.transport.geometry().bottom() < SIZE[1]
            assert view.prose.area.horizontalScrollBar().maximum() == 0
            assert view.panels.height() >= 200


@pytest.mark.parametrize("slug", SLUGS)
def test_panels_scroll_only_where_there_is_no_room(
    qtbot: QtBot, qapp: QApplication, course: Course, store: Store, slug: str
) -> None:
    """Usual text in a usual window never scrolls; twice the text does, and each row stays legible."""
    style.apply_style(qapp)
    view = LessonView(course, store, FakeSession())  # type: ignore[arg-type]
    qtbot.addWidget(view)
    view.resize(*SIZE)
    view.open(slug)
    view.show()
    qtbot.waitExposed(view)
    assert view.lesson is not None
    bar = view.panels.verticalScrollBar()
    for index, step in enumerate(view.lesson.steps):
        view.go_to(index)
        qtbot.wait(1)  # let the layout settle
        assert bar.maximum() == 0, step.id
    theme().set(text_scale=2.0)
    qtbot.waitUntil(lambda: view.grid.height() >= 240)
