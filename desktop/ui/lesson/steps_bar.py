"""Going through a lesson: back, a dot for each step, next.

Imports Qt, theme and strings.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QWidget

from desktop.course.lesson import Step
from desktop.ui.lesson.look import GlyphButton, button, set_part
from desktop.ui.strings import pick, tr
from desktop.ui.theme import palette, theme


class StepDot(QAbstractButton):
    """One step: filled when it is shown, solid when it has been read, hollow otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.setCheckable(True)
        self.visited = False
        self.setFixedSize(18, 26)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        current = self.isChecked()
        color = palette().color("accent" if current else "mark")
        filled = current or self.visited
        painter.setPen(QPen(color, 1.4))
        painter.setBrush(color if filled else Qt.BrushStyle.NoBrush)
        center = QPointF(self.width() / 2, self.height() / 2)
        radius = 4.5 if current else 3.4
        painter.drawEllipse(center, radius, radius)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette().color("accent"), 1.4))
            painter.drawEllipse(center, 7.5, 7.5)
        painter.end()

    def sizeHint(self) -> QSize:
        return QSize(18, 26)


class StepsBar(QWidget):
    """The navigation under the prose."""

    chosen = Signal(int)
    left_lesson = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[Step, ...] = ()
        self._index = 0
        self._has_following = False
        self.dots: list[StepDot] = []
        self.back = GlyphButton("chevron-left", kind="outlined")
        self.back.clicked.connect(lambda: self.chosen.emit(self._index - 1))
        self.next = button("primary", self._go_on)
        self._dot_row = QHBoxLayout()
        self._dot_row.setSpacing(0)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.addWidget(self.back)
        row.addStretch(1)
        row.addLayout(self._dot_row)
        row.addStretch(1)
        row.addWidget(self.next)

    def set_steps(self, steps: tuple[Step, ...], visited: set[str], has_following: bool) -> None:
        """The steps of a lesson; ``has_following`` says whether another lesson comes after."""
        self._steps, self._has_following = steps, has_following
        for dot in self.dots:
            self._dot_row.removeWidget(dot)
            dot.hide()  # at once; it may take a while until it is deleted
            dot.deleteLater()
        self.dots = []
        for index, step in enumerate(steps):
            dot = StepDot()
            dot.visited = step.id in visited
            dot.clicked.connect(lambda _checked=False, at=index: self.chosen.emit(at))
            self._dot_row.addWidget(dot)
            self.dots.append(dot)
        self.retranslate()

    def show_step(self, index: int) -> None:
        """Mark where the learner is."""
        self._index = index
        for at, dot in enumerate(self.dots):
            dot.setChecked(at == index)
            dot.visited = dot.visited or at == index
            dot.update()
        self.back.setEnabled(index > 0)
        self.retranslate()

    def set_primary(self, primary: bool) -> None:
        """Whether going on is the one main action now, or something on the page is."""
        set_part(self.next, "kind", "primary" if primary else "")

    def _go_on(self) -> None:
        if self._index + 1 < len(self._steps):
            self.chosen.emit(self._index + 1)
        else:
            self.left_lesson.emit()

    def retranslate(self) -> None:
        """All texts in the language in force."""
        self.back.name_it(tr("lesson_view.back"), "Alt+←")
        last = self._index + 1 >= len(self._steps)
        self.next.setText(tr("lesson_view.next_lesson" if last else "lesson_view.next"))
        self.next.setVisible(not last or self._has_following)
        self.next.setToolTip(f"{self.next.text()}  Alt+→")
        for index, (dot, step) in enumerate(zip(self.dots, self._steps, strict=True)):
            name = tr("lesson_view.step_name", number=index + 1, title=pick(step.title))
            dot.setToolTip(name)
            dot.setAccessibleName(name)
