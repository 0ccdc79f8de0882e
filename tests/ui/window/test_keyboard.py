"""The whole lesson without a mouse: Tab reaches everything, in the order in which the page is read."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QRadioButton, QWidget

from tests.ui.window.learner import Learner

Start = Callable[..., Learner]
MOST_STOPS = 150


def _stops(learner: Learner) -> list[QWidget]:
    """What has the focus, Tab by Tab, once round; links within the prose count once."""
    page, found = learner.view, []
    page.setFocus()
    for _ in range(MOST_STOPS):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        focus = QApplication.focusWidget()
        if focus is page:
            return found
        if not found or focus is not found[-1]:
            found.append(focus)
    raise AssertionError("Tab never came round")


def test_tab_reaches_everything_in_the_order_of_reading(start: Start) -> None:
    learner = start("playground", "why-hidden")
    learner.settle()
    stops = _stops(learner)
    view = learner.view
    parts = [view.header, view.prose, *view.grid.panels.values(), view.controls, view.transport]
    places = [
        next(place for place, part in enumerate(parts) if part.isAncestorOf(stop))
        for stop in stops
        if view.isAncestorOf(stop)
    ]
    assert places == sorted(places)
    missed = [
        button
        for button in view.findChildren(QAbstractButton)
        if button.isVisible() and button.isEnabled() and button not in stops
    ]
    # Arrow keys go on among the answers, as everywhere.
    assert all(isinstance(button, QRadioButton) for button in missed), missed


def test_a_lesson_is_run_and_left_by_keys_alone(start: Start) -> None:
    learner = start("playground", "why-hidden")
    learner.settle()
    view = learner.view
    play = view.transport.play
    while QApplication.focusWidget() is not play:
        QTest.keyClick(QApplication.focusWidget() or view, Qt.Key.Key_Tab)
    step = learner.status.step
    QTest.keyClick(play, Qt.Key.Key_Space)
    learner.wait(lambda: learner.status.step > step)
    learner.settle()
    follow = view.prose.steps.next
    while QApplication.focusWidget() is not follow:
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Backtab)
    before = view.index
    QTest.keyClick(follow, Qt.Key.Key_Space)
    learner.wait(lambda: view.index == before + 1)
