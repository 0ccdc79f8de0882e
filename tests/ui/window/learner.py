"""A learner at the window: everything goes through mouse and keyboard events on what is visible.

A test says what the learner does and what they then see. Only waiting looks behind the screen: at the
session's status, so that no test has to sleep.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QSlider, QWidget
from pytestqt.qtbot import QtBot

from desktop.app import Glassbox
from desktop.runtime.session import Status
from desktop.ui.lesson.control import Control
from desktop.ui.lesson.goal_card import GoalCard
from desktop.ui.lesson.lesson_view import LessonView
from desktop.ui.lesson.prediction_card import PredictionCard
from desktop.ui.panels.base import Panel
from desktop.ui.panels.look import look

LOADING_MS = 60_000
RUNNING_MS = 25_000
LEFT = Qt.MouseButton.LeftButton
CHINESE = re.compile("[\u4e00-\u9fff]")


class Learner:
    """Hands and eyes of one person in front of one window."""

    def __init__(self, glassbox: Glassbox, qtbot: QtBot) -> None:
        self.glassbox, self.qtbot = glassbox, qtbot
        self.window = glassbox.window

    # ---- what there is

    @property
    def view(self) -> LessonView:
        """The lesson page."""
        return self.glassbox.lesson_view

    @property
    def status(self) -> Status:
        """What the experiment says of itself."""
        return self.glassbox.session.status

    @property
    def step_id(self) -> str:
        """The step of the lesson that is open."""
        assert self.view.lesson is not None
        return self.view.lesson.steps[self.view.index].id

    def losses(self, name: str = "loss") -> list[float]:
        """The curve of the run shown, from step 0 to now."""
        run = next(run for run in self.status.runs if run.id == self.status.run)
        return [float(value) for value in run.history.series(name)[1]]

    def value(self, name: str) -> Any:
        """A setting that is in force."""
        return getattr(self.status.parameters, name)

    def panel(self, name: str) -> Panel:
        """A panel on screen."""
        assert name in self.view.grid.shown, f"{name} is not among {self.view.grid.shown}"
        return self.view.grid.panels[name]

    def texts(self, within: QWidget | None = None) -> list[str]:
        """All words on labels, buttons, lists and in the prose that can be seen now."""
        return [text for text in self._texts(within or self.window) if text.strip()]

    def _texts(self, within: QWidget) -> Iterator[str]:
        for widget in within.findChildren(QWidget):
            if not widget.isVisible():
                continue
            if isinstance(widget, (QLabel, QAbstractButton)):
                yield widget.text()
            elif isinstance(widget, QComboBox):
                yield widget.currentText()
        if self.view.prose.isVisible():
            yield self.view.prose.text.toPlainText()

    # ---- waiting

    def wait(self, holds: Callable[[], bool], timeout: int = RUNNING_MS) -> None:
        """Until it holds."""
        self.qtbot.waitUntil(holds, timeout=timeout)

    def wait_step(self, step: int) -> None:
        """Until the run stands at or beyond a step."""
        self.wait(lambda: self.status.step >= step)

    def settle(self) -> None:
        """Until nothing is on its way: paused, and the worker idle."""
        if self.status.playing:
            self.press(Qt.Key.Key_Space)
        self.wait(lambda: not self.status.playing and self.status.busy is None)

    # ---- mouse and keyboard

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """A left click on something that can be seen."""
        assert widget.isVisible(), f"{widget} is not visible"
        self.qtbot.mouseClick(widget, LEFT, pos=at or widget.rect().center())

    def press(
        self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    ) -> None:
        """A key for the lesson, wherever the focus was."""
        self.view.setFocus()
        QTest.keyClick(self.view, key, modifier)

    def drag(self, widget: QWidget, path: list[QPoint]) -> None:
        """Press, move along the path, release."""
        QTest.mousePress(widget, LEFT, pos=path[0])
        for place in path[1:]:
            QTest.mouseMove(widget, place)
        QTest.mouseRelease(widget, LEFT, pos=path[-1])

    # ---- going through the lesson

    def next(self) -> None:
        """The button under the prose."""
        before = self.view.index
        self.click(self.view.prose.steps.next)
        assert self.view.index == before + 1

    def back(self) -> None:
        """The arrow beside it."""
        before = self.view.index
        self.click(self.view.prose.steps.back)
        assert self.view.index == before - 1

    def go_to(self, step_id: str) -> None:
        """The dot of a step."""
        assert self.view.lesson is not None
        ids = [step.id for step in self.view.lesson.steps]
        self.click(self.view.prose.steps.dots[ids.index(step_id)])
        assert self.step_id == step_id

    def follow(self, words: str) -> None:
        """Click the link in the prose that reads so."""
        text = self.view.prose.text
        cursor = text.document().find(words)
        while not cursor.isNull() and not cursor.charFormat().isAnchor():
            cursor = text.document().find(words, cursor)
        assert not cursor.isNull(), f"no link “{words}” in: {text.toPlainText()}"
        middle = QTextCursor(text.document())
        middle.setPosition((cursor.selectionStart() + cursor.selectionEnd()) // 2)
        place = text.cursorRect(middle).center()
        self.view.prose.area.ensureVisible(0, text.mapTo(self.view.prose.area.widget(), place).y())
        self.qtbot.mouseClick(text.viewport(), LEFT, pos=place)

    def links(self) -> list[str]:
        """The words of every ``do:`` link of the step."""
        found, document = [], self.view.prose.text.document()
        block = document.begin()
        while block.isValid():
            for piece in block:
                form = piece.fragment().charFormat()
                if form.anchorHref().startswith("do:"):
                    found.append(form.anchorHref())
            block = block.next()
        return list(dict.fromkeys(found))

    # ---- controls

    def control(self, name: str) -> Control:
        """The control of a setting; the fold is opened when it is behind it."""
        control = self.view.controls.controls[name]
        if not control.isVisible():
            self.click(self.view.controls.more)
        assert control.isVisible(), f"there is no control for {name} here"
        self.view.controls._scroll.ensureWidgetVisible(control)
        return control

    def slide(self, name: str, part: float) -> None:
        """Drag the handle of a slider to a part of its way."""
        slider = self.control(name).findChild(QSlider)
        assert slider is not None
        span = slider.width() - 16
        now = (slider.value() - slider.minimum()) / (slider.maximum() - slider.minimum())
        middle = slider.height() // 2
        places = [8 + round(span * at) for at in (now, (now + part) / 2, part)]
        self.drag(slider, [QPoint(x, middle) for x in places])

    def type(self, name: str, text: str) -> None:
        """Type into a setting's field and press Enter."""
        field = self.control(name).findChild(QLineEdit)
        assert field is not None
        self.qtbot.mouseDClick(field, LEFT)
        field.selectAll()
        QTest.keyClick(field, Qt.Key.Key_Delete)
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)

    def choose(self, name: str, words: str) -> None:
        """Pick a choice by its words, from a list or a row of buttons."""
        control = self.control(name)
        combo = control.findChild(QComboBox)
        if combo is None:
            buttons = {button.text(): button for button in control.findChildren(QAbstractButton)}
            self.click(buttons[words])
            return
        combo.setFocus()
        index = combo.findText(words)
        assert index >= 0, (
            f"{words} is not among {[combo.itemText(i) for i in range(combo.count())]}"
        )
        while combo.currentIndex() != index:
            down = combo.currentIndex() < index
            QTest.keyClick(combo, Qt.Key.Key_Down if down else Qt.Key.Key_Up)

    def at_full_speed(self) -> None:
        """Choose “max” in the speed list."""
        combo = self.view.transport.speed
        combo.setFocus()
        QTest.keyClick(combo, Qt.Key.Key_End)
        self.wait(lambda: self.status.speed == 0)

    # ---- transport

    def run_to(self, step: int) -> None:
        """Play until a step, then pause."""
        if not self.status.playing and self.status.step < step:
            self.press(Qt.Key.Key_Space)
        self.wait(lambda: self.status.step >= step or self.status.finished)
        self.settle()

    def press_play(self) -> None:
        """Space, if it does not run yet."""
        if not self.status.playing:
            self.press(Qt.Key.Key_Space)
            self.wait(lambda: self.status.playing)

    def scrub(self, step: int) -> None:
        """Drag the handle of the timeline back to a step."""
        line = self.view.transport.timeline
        start, end = round(line.x_of(self.status.step)), round(line.x_of(step))
        y = line.height() - 8
        self.drag(line, [QPoint(start, y), QPoint((start + end) // 2, y), QPoint(end, y)])
        wanted = line.step_at(end)
        self.wait(lambda: self.status.step == wanted and self.status.busy is None)

    def fork(self) -> None:
        """The fork button: a second run from here."""
        before = len(self.status.runs)
        self.click(self.view.transport.fork)
        self.wait(lambda: len(self.status.runs) == before + 1)
        assert self.view.transport.runs.isVisible()

    # ---- checks

    def truth_of(self, check: str) -> str:
        """What the run said to a question, as it is remembered."""
        assert self.view.lesson is not None
        return self.glassbox.store.answers(self.view.lesson.slug)[check].truth

    def predict(self, option: str, timeout: int = RUNNING_MS) -> PredictionCard:
        """Commit to an answer and wait for the run to settle it."""
        card = self.view.prose.predictions()[0]
        row = next(row for row in card.rows if row.option.id == option)
        assert not card.commit.isEnabled()
        self._show(row)
        self.click(row.text)
        self._show(card.commit)
        self.click(card.commit)
        assert card.running
        self.wait(lambda: not card.running, timeout)
        assert card.verdict.isVisible()
        assert card.explanation.isVisible()
        return card

    def reach_goal(self) -> GoalCard:
        """“Show me”, and wait until the goal is reached."""
        card = self.view.prose.goals()[0]
        self._show(card.show_me)
        self.click(card.show_me)
        self.wait(lambda: card.done)
        assert card.verdict.isVisible()
        return card

    def _show(self, widget: QWidget) -> None:
        self.view.prose.area.ensureWidgetVisible(widget)

    # ---- panels

    def click_on(self, panel: str, at: QPointF) -> None:
        """A click at a place of a panel's picture."""
        self.click(self.panel(panel).canvas, at.toPoint())

    def click_data(self, panel: str, x: float, y: float) -> None:
        """A click at data coordinates."""
        shown = self.panel(panel)
        self.wait(lambda: shown.current_view is not None)  # type: ignore[attr-defined]
        self.click_on(panel, shown.current_view.point(x, y))  # type: ignore[attr-defined]

    def click_cell(self, panel: str, index: int) -> None:
        """A click on one of the read-outs."""
        shown = self.panel(panel)
        cells = shown.cells(shown.canvas.width(), look())  # type: ignore[attr-defined]
        self.click_on(panel, cells[index].center())

    def arithmetic(self, panel: str) -> str:
        """The text of the arithmetic that opened on a panel."""
        shown = self.panel(panel)
        self.wait(lambda: shown._popover is not None and shown._popover.isVisible())
        return shown._popover.text()  # type: ignore[union-attr]

    # ---- language, theme, pictures

    def switch_language(self) -> None:
        """Its shortcut, as an action of the window."""
        self.window.actions_by_name["switch_language"].trigger()

    def switch_theme(self) -> None:
        """The other theme."""
        self.window.actions_by_name["switch_theme"].trigger()

    def inside(self, widget: QWidget) -> bool:
        """Whether all of a widget lies inside the window."""
        corner = widget.mapTo(self.window, QPoint(0, 0))
        return self.window.rect().contains(QRect(corner, widget.size()))
