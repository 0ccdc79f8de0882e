"""Predict, then run: the card that asks a question, has the real run answer it, and remembers.

Imports Qt, the course's checks and the strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QProgressBar, QRadioButton, QWidget

from desktop.course.checks import settle
from desktop.course.lesson import Prediction, PredictionOption
from desktop.course.store import Answer
from desktop.engine.history import History
from desktop.ui.lesson.check_card import CheckCard, series_of
from desktop.ui.lesson.look import button, label, set_part
from desktop.ui.markdown import spaced
from desktop.ui.strings import pick, tr
from desktop.ui.theme import theme

RING, RING_EDGE = 15, 11
"""A ring's width at the usual size of text, and what stands around it."""
ONE_LINE = 10_000
"""So wide that no answer breaks."""


class OptionRow(QWidget):
    """One answer: a radio button and a text that may need several lines."""

    chosen = Signal()

    def __init__(self, option: PredictionOption) -> None:
        super().__init__()
        self.option = option
        self.radio = QRadioButton()
        self.text = label("body", wrap=True)
        self.text.setCursor(Qt.CursorShape.PointingHandCursor)
        self.text.installEventFilter(self)
        self.radio.toggled.connect(lambda on: self.chosen.emit() if on else None)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.radio, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.text, 1)
        theme().changed.connect(self._fit_ring)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_ring()

    def _fit_ring(self) -> None:
        """The ring stands in the middle of the first line, whatever the size of the text."""
        line = self.text.heightForWidth(ONE_LINE)
        high = max(line, self.radio.sizeHint().height())
        self.radio.setFixedSize(theme().icon_pixels(RING) + RING_EDGE, high)

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        pressed = isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonRelease
        if pressed and self.radio.isEnabled():
            self.radio.setChecked(True)
            self.radio.setFocus()
        return False

    def retranslate(self) -> None:
        """The answer in the language in force."""
        self.text.setText(spaced(pick(self.option.text)))
        self.radio.setAccessibleName(pick(self.option.text))


class PredictionCard(CheckCard):
    """Choose, commit, watch, learn. ``committed`` asks for the runs; ``settle`` gives the verdict."""

    committed = Signal(object)
    settled = Signal(str, str)

    def __init__(self, prediction: Prediction, answer: Answer | None) -> None:
        super().__init__("question")
        self.prediction = prediction
        self.running = False
        self._truth = answer.truth if answer else ""
        self._given = answer.answer if answer else ""
        self.question = label("strong", wrap=True)
        self.column.addWidget(self.question)
        self.rows = [OptionRow(option) for option in prediction.options]
        self._group = QButtonGroup(self)
        for row in self.rows:
            self._group.addButton(row.radio)
            row.chosen.connect(self._choose)
            self.column.addWidget(row)
        self.verdict, self.explanation = label("verdict-good", wrap=True), label("body", wrap=True)
        self.waiting, self.bar = label("muted", wrap=True), QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.commit = button("primary", self._commit)
        self.again = button("link", self._again)
        buttons = QHBoxLayout()
        buttons.addWidget(self.commit)
        buttons.addWidget(self.again)
        buttons.addStretch(1)
        for widget in (self.waiting, self.bar, self.verdict, self.explanation):
            self.column.addWidget(widget)
        self.column.addLayout(buttons)
        self._restore()
        self.retranslate()

    def _restore(self) -> None:
        for row in self.rows:
            if row.option.id == self._given:
                row.radio.setChecked(True)
        self._refresh()

    @property
    def open_question(self) -> bool:
        return not self._truth

    def _selected(self) -> str:
        return next((row.option.id for row in self.rows if row.radio.isChecked()), "")

    def _choose(self) -> None:
        self.commit.setEnabled(bool(self._selected()) and not self.running)

    def _commit(self) -> None:
        if self._selected() and not self.running:
            self._given, self.running = self._selected(), True
            self._refresh()
            self.committed.emit(self.prediction)

    def _again(self) -> None:
        self._truth = self._given = ""
        self._group.setExclusive(False)
        for row in self.rows:
            row.radio.setChecked(False)
        self._group.setExclusive(True)
        self._refresh()
        self.state_changed.emit()

    def show_progress(self, part: float | None) -> None:
        """How far the runs have come."""
        if self.running:
            self.bar.setValue(round(1000 * (part or 0.0)))

    def settle(self, histories: Mapping[str, History]) -> None:
        """The runs have ended: compare what they say with what was committed."""
        if not self.running:
            return
        self.running = False
        every = {name: series_of(history) for name, history in histories.items()}
        truth = settle(self.prediction, every)
        if truth is None:
            self.give_up()
            return
        self._truth = truth
        self._refresh()
        self.celebrate()
        self.settled.emit(self._given, truth)
        self.state_changed.emit()

    def give_up(self) -> None:
        """The runs were stopped or failed: the question is open again."""
        self.running = False
        self._refresh()

    def _refresh(self) -> None:
        done = bool(self._truth)
        right = done and self._truth == self._given
        for row in self.rows:
            row.setEnabled(not done and not self.running)
            role = "strong" if done and row.option.id == self._truth else "body"
            set_part(row.text, "role", role)
        self.waiting.setVisible(self.running)
        self.bar.setVisible(self.running)
        self.verdict.setVisible(done)
        self.explanation.setVisible(done)
        self.commit.setVisible(not done)
        self.commit.setEnabled(bool(self._selected()) and not self.running)
        self.again.setVisible(done)
        set_part(self, "tone", ("good" if right else "warning") if done else "")
        set_part(self.verdict, "role", "verdict-good" if right else "verdict-bad")
        self.icon.set_icon(*(("check", "good") if right else ("question", "accent")))
        self._say()

    def _say(self) -> None:
        right = self._truth == self._given
        truth = next((row.option for row in self.rows if row.option.id == self._truth), None)
        key = "lesson_checks.right" if right else "lesson_checks.wrong"
        self.verdict.setText(
            spaced(tr(key, answer=pick(truth.text).rstrip("。.")) if truth else "")
        )

    def retranslate(self) -> None:
        """All texts in the language in force."""
        self.heading.setText(tr("lesson_checks.prediction"))
        self.question.setText(spaced(pick(self.prediction.question)))
        for row in self.rows:
            row.retranslate()
        self.commit.setText(tr("lesson_checks.commit"))
        self.again.setText(tr("lesson_checks.again"))
        self.waiting.setText(tr("lesson_checks.running"))
        self.explanation.setText(spaced(pick(self.prediction.explanation)))
        self._say()
