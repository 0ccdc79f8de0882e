"""A lesson view on a toy course: with a session that only writes down what it is asked, and with
the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop import paths
from desktop.course.catalog import Course, load_course
from desktop.course.store import Store
from desktop.runtime.session import Session
from desktop.ui import style
from desktop.ui.lesson.lesson_view import LessonView
from tests.ui.lesson.support import FakeSession

TOYS = Path(__file__).parent / "toy_course"


@pytest.fixture(scope="session")
def toys() -> Course:
    """One toy lesson with the real glossary."""
    made = load_course(TOYS, paths.resources() / "glossary")
    assert not made.problems
    return made


@pytest.fixture
def fake() -> FakeSession:
    """A session that only listens."""
    return FakeSession()


@pytest.fixture
def view(
    qtbot: QtBot, qapp: QApplication, toys: Course, store: Store, fake: FakeSession
) -> LessonView:
    """The toy lesson at its first step, 1228 × 690, over the fake session."""
    style.apply_style(qapp)
    made = LessonView(toys, store, fake)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(1228, 690)
    made.open("line")
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def live(qtbot: QtBot, qapp: QApplication, toys: Course, store: Store) -> Iterator[LessonView]:
    """The toy lesson over the real session, its worker and torch."""
    style.apply_style(qapp)
    session = Session()
    made = LessonView(toys, store, session)
    qtbot.addWidget(made)
    made.resize(1228, 690)
    with qtbot.waitSignal(session.loaded, timeout=60_000):
        made.open("line")
    made.show()
    qtbot.waitExposed(made)
    yield made
    session.close()
