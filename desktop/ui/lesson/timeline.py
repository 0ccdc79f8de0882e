"""The timeline: every run's loss in small, where each branched off, and a handle to scrub with.

Draws at most two points a pixel whatever the length of the history. Imports Qt, NumPy, the theme and
the run histories.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.engine.history import History
from desktop.engine.parameters import ScalarSpec
from desktop.runtime.messages import RunHistory, Status
from desktop.ui.lesson.numbers import counted
from desktop.ui.panels.lines import polygon_of
from desktop.ui.panels.numbers import number
from desktop.ui.strings import pick, tr
from desktop.ui.theme import palette, theme

SEEK_INTERVAL_MS = 40
PAINT_INTERVAL_MS = 70
"""While a run goes on the small curve is painted at most this often."""
_MARGIN, _HANDLE = 9.0, 6.5
_SHORTEST_SPAN = 20


class Timeline(QWidget):
    """A slider over the steps of the runs; ``seek_requested`` while scrubbing, latest wins."""

    seek_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Timeline")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(40)
        self.setMinimumWidth(80)
        self._status = Status()
        self._scalar: ScalarSpec | None = None
        self._dragged: int | None = None
        self._wanted: int | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SEEK_INTERVAL_MS)
        self._timer.timeout.connect(self._send)
        self._repaint = QTimer(self)
        self._repaint.setSingleShot(True)
        self._repaint.setInterval(PAINT_INTERVAL_MS)
        self._repaint.timeout.connect(self._show_newest)
        theme().changed.connect(self.update)

    # ---- what to show

    def set_scalar(self, scalar: ScalarSpec | None) -> None:
        """The number whose curve is drawn."""
        self._scalar = scalar
        self.update()

    def show_status(self, status: Status) -> None:
        """Runs, head and the step shown."""
        moving = status.playing and self._status.playing and status.run == self._status.run
        self._status = status
        if not moving:
            self._show_newest()
        elif not self._repaint.isActive():
            self._repaint.start()

    def _show_newest(self) -> None:
        self._repaint.stop()
        step, head = counted(self._status.step), counted(self._status.head)
        self.setAccessibleDescription(tr("lesson_transport.step_of", step=step, head=head))
        self.update()

    @property
    def span(self) -> int:
        """The last step the axis reaches: the head, with a little room while training."""
        longest = max((run.head for run in self._status.runs), default=0)
        return max(_SHORTEST_SPAN, longest, self._status.head)

    @property
    def shown_step(self) -> int:
        """Where the handle is: under the pointer while it is dragged."""
        return self._status.step if self._dragged is None else self._dragged

    # ---- geometry

    def x_of(self, step: float) -> float:
        """Horizontal place of a step."""
        return _MARGIN + (self.width() - 2 * _MARGIN) * step / self.span

    def step_at(self, x: float) -> int:
        """The step of the run shown that lies at ``x``."""
        part = (x - _MARGIN) / max(1.0, self.width() - 2 * _MARGIN)
        return min(self._status.head, max(0, round(part * self.span)))

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        base = self.height() - 8.0
        self._paint_axis(painter, base)
        low, high = self._limits()
        current = self._status.run
        for run in sorted(self._status.runs, key=lambda run: run.id == current):
            self._paint_run(painter, run, low, high, run.id == current)
        self._paint_handle(painter, base)
        painter.end()

    def _paint_axis(self, painter: QPainter, base: float) -> None:
        painter.setPen(QPen(palette().color("hairline"), 3, c=Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(_MARGIN, base), QPointF(self.width() - _MARGIN, base))
        painter.setPen(QPen(palette().color("mark"), 3, c=Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(_MARGIN, base), QPointF(self.x_of(self._status.head), base))

    def _values(self, history: History) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        if self._scalar is None:
            return np.empty(0, dtype=np.int64), np.empty(0)
        steps, values = history.series(self._scalar.name)
        with np.errstate(all="ignore"):
            drawn = np.log10(values) if self._scalar.log else values.astype(float)
        return steps, np.where(np.isfinite(drawn), drawn, np.nan)

    def _limits(self) -> tuple[float, float]:
        lows, highs = [], []
        for run in self._status.runs:
            values = self._values(run.history)[1]
            finite = values[np.isfinite(values)]
            if finite.size:
                lows.append(float(finite.min()))
                highs.append(float(np.percentile(finite, 99.5)))
        if not lows:
            return 0.0, 1.0
        low, high = min(lows), max(highs)
        return low, high if high > low else low + 1.0

    def _paint_run(
        self, painter: QPainter, run: RunHistory, low: float, high: float, current: bool
    ) -> None:
        color = QColor(theme().category(run.color))
        if not current:
            color.setAlpha(130)
        top, bottom = 4.0, self.height() - 14.0

        steps, values = thinned(*self._values(run.history), 2 * max(60, self.width()))
        x = _MARGIN + (self.width() - 2 * _MARGIN) * steps / self.span
        y = bottom - np.clip((values - low) / (high - low), 0.0, 1.05) * (bottom - top)
        painter.setPen(QPen(color, 1.8 if current else 1.2))
        for first, last in _finite_stretches(y):
            painter.drawPolyline(polygon_of(x[first:last], y[first:last]))
        if run.parent is not None:
            self._paint_fork(painter, run, color)

    def _paint_fork(self, painter: QPainter, run: RunHistory, color: QColor) -> None:
        """A small branch on the axis where this run left its parent."""
        base, x = self.height() - 8.0, self.x_of(run.fork_step)
        painter.setPen(QPen(color, 1.5))
        painter.setBrush(palette().color("surface"))
        painter.drawLine(QPointF(x, base), QPointF(x, base - 7))
        painter.drawEllipse(QPointF(x, base), 3.0, 3.0)

    def _paint_handle(self, painter: QPainter, base: float) -> None:
        x = self.x_of(self.shown_step)
        painter.setPen(QPen(palette().color("accent"), 1.2))
        painter.drawLine(QPointF(x, 3), QPointF(x, base))
        focus = self.hasFocus()
        painter.setPen(QPen(palette().color("accent"), 3 if focus else 2))
        painter.setBrush(palette().color("raised"))
        painter.drawEllipse(QRectF(x - _HANDLE, base - _HANDLE, 2 * _HANDLE, 2 * _HANDLE))

    # ---- mouse and keyboard

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._dragged is not None:
            self._drag_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragged is not None:
            self._drag_to(event.position().x())
            self._timer.stop()
            self._send()
            self._dragged = None
            self.update()

    def _drag_to(self, x: float) -> None:
        self._dragged = self._wanted = self.step_at(x)
        if not self._timer.isActive():
            self._timer.start()
        self.update()

    def _send(self) -> None:
        if self._wanted is not None:
            step, self._wanted = self._wanted, None
            self.seek_requested.emit(step)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        head, step = self._status.head, self._status.step
        page = max(1, head // 10)
        targets = {
            Qt.Key.Key_Left: step - 1,
            Qt.Key.Key_Right: step + 1,
            Qt.Key.Key_PageDown: step - page,
            Qt.Key.Key_PageUp: step + page,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: head,
        }
        target = targets.get(Qt.Key(event.key()))
        if target is None or event.modifiers() & Qt.KeyboardModifier.AltModifier:
            super().keyPressEvent(event)
            return
        self.seek_requested.emit(min(head, max(0, target)))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.describe(self.step_at(event.pos().x())), self)
            return True
        return super().event(event)

    def describe(self, step: int) -> str:
        """What the tooltip says about a step: every run's value there."""
        lines = [tr("lesson_transport.step", step=counted(step))]
        for run in self._status.runs:
            if self._scalar is None:
                break
            value = run.history.at(step).get(self._scalar.name)
            if value is not None:
                lines.append(f"{pick(run.label)}: {pick(self._scalar.label)} {number(value)}")
        return "\n".join(lines)

    def sizeHint(self) -> QSize:
        return QSize(320, 40)


def _finite_stretches(values: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Where a curve goes on without a break: it is broken where the loss is not a number."""
    good = np.isfinite(values).astype(np.int8)
    edges = np.flatnonzero(np.diff(good, prepend=0, append=0))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a > 1]


def thinned(
    steps: NDArray[np.int64], values: NDArray[np.float64], most: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """At most ``most`` points that keep each stretch's lowest and highest value."""
    count = len(steps)
    if count <= most:
        return steps, values
    size = math.ceil(2 * count / most)
    whole = count - count % size
    blocks = values[:whole].reshape(-1, size)
    filled_low = np.where(np.isfinite(blocks), blocks, np.inf)
    filled_high = np.where(np.isfinite(blocks), blocks, -np.inf)
    start = np.arange(len(blocks)) * size
    picked = np.stack([start + filled_low.argmin(1), start + filled_high.argmax(1)], axis=1)
    index = np.append(np.unique(picked), count - 1)
    return steps[index], values[index]
