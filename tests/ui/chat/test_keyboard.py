"""The pane without a mouse: Tab reaches everything, in the order in which it is read, by name."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QPlainTextEdit, QRadioButton, QWidget

from desktop.ui.chat.question_view import QuestionView
from desktop.ui.strings import language

from .conftest import WAIT, say

MOST_STOPS = 60


@pytest.fixture
def used(qtbot, ready):
    """The pane in the active window: only there a widget has the focus."""
    with qtbot.waitActive(ready):
        ready.activateWindow()
    return ready


def stops(pane):
    """What has the focus, Tab by Tab, from the pane's first button once round."""
    first = pane.header.list_button
    first.setFocus()
    found = [first]
    for _ in range(MOST_STOPS):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        focus = QApplication.focusWidget()
        if focus is first:
            return found
        found.append(focus)
    raise AssertionError(f"Tab never came round: {found[-9:]}")


def check(pane, found):
    missed = [
        one
        for one in pane.findChildren(QAbstractButton)
        if one.isVisible() and one.isEnabled() and one not in found and one.objectName() == ""
    ]
    # Arrow keys go on among the answers, as everywhere.
    assert all(isinstance(one, QRadioButton) for one in missed), missed
    for one in found:
        assert one.accessibleName() or getattr(one, "text", str)(), one
    return [(one.mapTo(pane, QPoint(0, one.height() // 2)).y(), one) for one in found]


def in_parts(found, parts):
    return [
        next(i for i, part in enumerate(parts) if part is one or part.isAncestorOf(one))
        for one in found
    ]


@pytest.mark.parametrize("spoken", ["zh", "en"])
def test_tab_goes_through_the_talk_as_it_is_read(qtbot, used, spoken):
    language().set(spoken)
    say(qtbot, used)
    say(qtbot, used, "a small")
    with qtbot.waitSignal(used.controller.answer_ended, timeout=WAIT):
        used.transcript.answers()[-1].again_button.click()
    found = stops(used)
    check(used, found)
    messages = list(used.transcript.views.values())
    parts: list[QWidget] = [used.header, *messages, used.transcript, used.composer]
    places = in_parts([one for one in found if one is not used.transcript], parts)
    assert places == sorted(places)
    last = used.transcript.answers()[-1]
    within = [one for one in found if last.isAncestorOf(one)]
    assert within == [last.older, last._blocks[0].view, last.copy_button, last.again_button]


def test_tab_goes_through_the_look_inside_between_answer_and_field(qtbot, used):
    say(qtbot, used)
    with qtbot.waitSignal(used.controller.looked, timeout=WAIT):
        used.composer.look_button.click()
    for tab in range(3):
        used.inside.tabs.setCurrentIndex(tab)
        found = stops(used)
        check(used, found)
        assert used.transcript.answers()[-1].tokens in found
        parts = [used.header, used.transcript, used.inside, used.composer]
        places = in_parts(found, parts)
        assert places == sorted(places)


@pytest.mark.parametrize("name", ["show_list", "show_sampling", "show_models"])
def test_tab_goes_down_a_page(qtbot, used, name):
    say(qtbot, used)
    getattr(used.pages, name)()
    qtbot.waitUntil(lambda: bool(used.shelf.models), timeout=WAIT)
    page = used.pages.currentWidget()
    tops = [top for top, one in check(used, stops(used)) if one is not page.area]
    lines = [top // 24 for top in tops]  # two on one line may differ a little in height
    assert all(after >= before - 1 for before, after in itertools.pairwise(lines)), lines


def test_a_question_is_changed_by_keys_alone(qtbot, used):
    say(qtbot, used)
    question = next(v for v in used.transcript.views.values() if isinstance(v, QuestionView))
    question.edit_button.setFocus()
    QTest.keyClick(question.edit_button, Qt.Key.Key_Space)
    field = question.findChild(QPlainTextEdit)
    assert QApplication.focusWidget() is field
    QTest.keyClick(field, Qt.Key.Key_Tab)
    assert field.toPlainText() == "Once upon"
    assert QApplication.focusWidget() is not field
    assert question.isAncestorOf(QApplication.focusWidget())
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is question.edit_button
