"""The transport: play, step, reset, speed, timeline, step count, seed, fork and the runs there are.

Always in the same place, always saying what is going on: long work shows its name, its progress and
a way to stop it. Speaks in signals; ``LessonView`` connects them to the session. Imports Qt.
"""

from __future__ import annotations

import random
import re

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QFontMetrics, QIcon, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QProgressBar,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from desktop.engine.parameters import ScalarSpec
from desktop.runtime.messages import RunHistory, Status
from desktop.ui.lesson.control_kinds import QuietCombo
from desktop.ui.lesson.look import GlyphButton, button, label, set_part
from desktop.ui.lesson.numbers import counted
from desktop.ui.lesson.timeline import Timeline
from desktop.ui.strings import pick, tr
from desktop.ui.theme import theme

SPEEDS: tuple[float, ...] = (0.25, 0.5, 1, 2, 5, 20, 0)
LARGEST_SEED = 2**31 - 1
SEED_PIXELS, MIDDLE_LEAST, SPACING = 58, 80, 4


class Transport(QFrame):
    """The bar under the controls."""

    play_toggled = Signal()
    step_requested = Signal()
    reset_requested = Signal()
    reseeded = Signal(int)
    speed_chosen = Signal(float)
    seek_requested = Signal(int)
    fork_requested = Signal()
    run_chosen = Signal(int)
    run_removed = Signal(int)
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "strip")
        self.status = Status()
        self.play = GlyphButton("play", "accent_ink", kind="round", size=18)
        self.step = GlyphButton("step")
        self.reset = GlyphButton("reset")
        self.fork = GlyphButton("fork")
        self.dice = GlyphButton("seed", size=16)
        self.timeline = Timeline()
        self.count = label("muted")
        self.speed = self._make_speed()
        self.seed = self._make_seed()
        self.seed_name = label("small")
        self.runs = QToolButton()
        self.busy_name, self.bar = label("small"), QProgressBar()
        self.cancel = button("quiet", self.cancelled.emit)
        self._runs_shown: tuple[tuple[int, str], ...] | None = None
        self._compact = False
        self._lay_out()
        self._connect()
        self._restyle()

    def _make_speed(self) -> QuietCombo:
        speed = QuietCombo()
        for factor in SPEEDS:
            speed.addItem("", factor)
        speed.setCurrentIndex(SPEEDS.index(1))
        return speed

    def _make_seed(self) -> QLineEdit:
        seed = QLineEdit()
        seed.setProperty("kind", "compact")
        seed.setMaxLength(10)
        seed.setAlignment(Qt.AlignmentFlag.AlignRight)
        return seed

    def _lay_out(self) -> None:
        self.runs.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.runs.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.runs.setCursor(Qt.CursorShape.PointingHandCursor)
        self.runs.hide()
        self.bar.setTextVisible(False)
        # Long work takes the timeline's place, so that nothing on the page moves.
        self.work = QWidget()
        work_row = QHBoxLayout(self.work)
        work_row.setContentsMargins(6, 0, 0, 0)
        self.busy_name.setMinimumWidth(20)
        self.bar.setMinimumWidth(30)
        work_row.addWidget(self.busy_name)
        work_row.addWidget(self.bar, 1)
        work_row.addWidget(self.cancel)
        self.middle = QStackedWidget()
        self.middle.setFixedHeight(self.timeline.height())
        self.middle.setMinimumWidth(MIDDLE_LEAST)
        self.middle.addWidget(self.timeline)
        self.middle.addWidget(self.work)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 8, 6)
        row.setSpacing(SPACING)
        for widget in (self.play, self.step, self.reset):
            row.addWidget(widget)
        row.addWidget(self.speed)
        row.addSpacing(4)
        row.addWidget(self.middle, 1)
        row.addWidget(self.count)
        row.addWidget(self.fork)
        row.addWidget(self.runs)
        row.addSpacing(4)
        row.addWidget(self.seed_name)
        row.addWidget(self.seed)
        row.addWidget(self.dice)

    def in_order(self) -> tuple[QWidget, ...]:
        """What Tab goes through, from left to right."""
        middle = (self.timeline, self.cancel)
        left = (self.play, self.step, self.reset, self.speed)
        return (*left, *middle, self.fork, self.runs, self.seed, self.dice)

    def _connect(self) -> None:
        self.play.clicked.connect(self.play_toggled)
        self.step.clicked.connect(self.step_requested)
        self.reset.clicked.connect(self.reset_requested)
        self.fork.clicked.connect(self.fork_requested)
        self.dice.clicked.connect(self._roll)
        self.seed.editingFinished.connect(self._seed_typed)
        self.speed.activated.connect(lambda index: self.speed_chosen.emit(float(SPEEDS[index])))
        self.timeline.seek_requested.connect(self.seek_requested)
        theme().changed.connect(self._restyle)

    # ---- room

    def _restyle(self) -> None:
        self.seed.setFixedWidth(theme().pixels(SEED_PIXELS))

    def _full_width(self) -> int:
        """What everything needs, with all words."""
        return super().minimumSizeHint().width() + (self._words_width() if self._compact else 0)

    def _words_width(self) -> int:
        """How much the words take that a narrow bar leaves out: the seed's name, and “step” before
        its number."""
        name = self.seed_name.sizeHint().width() + SPACING
        return name + self._count_width(compact=False) - self._count_width(compact=True)

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        hint.setWidth(self._full_width() - self._words_width())
        return hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_words()

    def _fit_words(self) -> None:
        compact = self.width() < self._full_width()
        if compact != self._compact:
            self._compact = compact
            self.seed_name.setVisible(not compact)
            self._show_count()

    # ---- showing

    def set_scalar(self, scalar: ScalarSpec | None) -> None:
        """The number whose curve the timeline draws."""
        self.timeline.set_scalar(scalar)

    def show_status(self, status: Status) -> None:
        """Everything from the session's status."""
        before, self.status = self.status, status
        self.timeline.show_status(status)
        if (status.playing, status.finished) != (before.playing, before.finished):
            self.play.show_glyph("pause" if status.playing else "play")
            self._name_play()
        self.step.setEnabled(not status.finished or status.step < status.head)
        self.fork.setEnabled(status.head > 0)
        self._show_count()
        if not self.seed.hasFocus() and self.seed.text() != str(status.seed):
            self.seed.setText(str(status.seed))
            set_part(self.seed, "invalid", "false")
        if status.speed in SPEEDS and not self.speed.view().isVisible():
            self.speed.setCurrentIndex(SPEEDS.index(status.speed))
        self._show_work(status)
        self._show_runs(status)

    def _show_count(self) -> None:
        self.count.setText(self._count_text(self._compact))
        self.count.setMinimumWidth(self._count_width(compact=self._compact))
        if self._compact or self.width() < self._full_width():
            self._fit_words()

    def _count_text(self, compact: bool) -> str:
        step, head = counted(self.status.step), counted(self.status.head)
        if self.status.step < self.status.head:
            key = "lesson_transport.step_of"
            return f"{step} / {head}" if compact else tr(key, step=step, head=head)
        return step if compact else tr("lesson_transport.step", step=step)

    def _count_width(self, *, compact: bool) -> int:
        """Room for the widest digits, so that the timeline's width does not dance while counting."""
        digits = re.sub(r"\d", "0", self._count_text(compact))
        return QFontMetrics(self.count.font()).horizontalAdvance(digits) + 6

    def _show_work(self, status: Status) -> None:
        self.middle.setCurrentWidget(self.timeline if status.busy is None else self.work)
        if status.busy is not None:
            self.busy_name.setText(pick(status.busy))
            if status.progress is None:
                self.bar.setRange(0, 0 if not theme().reduced_motion else 1)
            else:
                self.bar.setRange(0, 1000)
                self.bar.setValue(round(1000 * status.progress))

    def _show_runs(self, status: Status) -> None:
        shown = (*((run.id, pick(run.label)) for run in status.runs), (status.run, ""))
        if shown == self._runs_shown:
            return
        self._runs_shown = shown
        self.runs.setVisible(len(status.runs) > 1)
        menu = QMenu(self.runs)
        for run in status.runs:
            self._add_run(menu, run, run.id == status.run)
        if len(status.runs) > 1:
            menu.addSeparator()
            for run in status.runs:
                if run.id != status.run:
                    remove = menu.addAction(tr("lesson_transport.remove_run", name=pick(run.label)))
                    remove.triggered.connect(
                        lambda _checked=False, run_id=run.id: self.run_removed.emit(run_id)
                    )
        old = self.runs.menu()
        self.runs.setMenu(menu)
        if old is not None:
            old.deleteLater()
        self.runs.setText(str(len(status.runs)))
        current = next((run for run in status.runs if run.id == status.run), None)
        if current is not None:
            self.runs.setIcon(_dot(current))

    def _add_run(self, menu: QMenu, run: RunHistory, current: bool) -> None:
        action = menu.addAction(_dot(run), pick(run.label))
        action.setCheckable(True)
        action.setChecked(current)
        action.triggered.connect(lambda _checked=False, run_id=run.id: self.run_chosen.emit(run_id))

    # ---- seed

    def _roll(self) -> None:
        self.seed.clearFocus()
        self.reseeded.emit(random.randrange(1, 10_000))

    def _seed_typed(self) -> None:
        if not self.seed.isModified():
            return
        self.seed.setModified(False)
        text = self.seed.text().strip()
        if not text.isdecimal() or int(text) > LARGEST_SEED:
            set_part(self.seed, "invalid", "true")
            self.seed.setToolTip(tr("lesson_transport.seed_wrong", most=counted(LARGEST_SEED)))
            return
        set_part(self.seed, "invalid", "false")
        self.seed.setToolTip(tr("lesson_transport.seed_help"))
        if int(text) != self.status.seed:
            self.reseeded.emit(int(text))

    # ---- texts

    def _name_play(self) -> None:
        status = self.status
        key = "pause" if status.playing else "again" if status.finished else "play"
        self.play.name_it(tr(f"lesson_transport.{key}"), tr("lesson_transport.space"))

    def retranslate(self) -> None:
        """All texts again in the language in force."""
        self._name_play()
        self.step.name_it(tr("lesson_transport.one_step"), "→")
        self.reset.name_it(tr("lesson_transport.reset"), "R")
        self.fork.name_it(tr("lesson_transport.fork"), "F")
        self.fork.setToolTip(
            f"{tr('lesson_transport.fork')}  (F)\n{tr('lesson_transport.fork_help')}"
        )
        self.dice.name_it(tr("lesson_transport.dice"))
        self.seed_name.setText(tr("lesson_transport.seed"))
        self.seed.setAccessibleName(tr("lesson_transport.seed"))
        self.seed.setToolTip(tr("lesson_transport.seed_help"))
        self.speed.setAccessibleName(tr("lesson_transport.speed"))
        self.speed.setToolTip(tr("lesson_transport.speed"))
        self.runs.setToolTip(tr("lesson_transport.runs"))
        self.runs.setAccessibleName(tr("lesson_transport.runs"))
        self.timeline.setAccessibleName(tr("lesson_transport.timeline"))
        self.cancel.setText(tr("lesson_transport.cancel"))
        for index, factor in enumerate(SPEEDS):
            self.speed.setItemText(index, _speed_name(factor))
        self._show_count()
        self._runs_shown = None
        self._show_runs(self.status)
        self._show_work(self.status)


def _speed_name(factor: float) -> str:
    if factor == 0:
        return tr("lesson_transport.fastest")
    return {0.25: "¼×", 0.5: "½×"}.get(factor, f"{factor:g}×")


def _dot(run: RunHistory) -> QIcon:
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QBrush(theme().category(run.color)))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawEllipse(QPointF(16, 16), 9, 9)
    painter.end()
    return QIcon(pixmap)
