"""An arithmetic with the actual numbers, typeset line by line. Imports Qt, frames; no torch."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF, QTimer
from PySide6.QtGui import QPainter

from desktop.engine.frames import Worked
from desktop.ui.panels.base import Panel
from desktop.ui.panels.formula_lines import FormulaLines
from desktop.ui.panels.look import Look, look

COLUMNS = 2
PAUSE_MILLISECONDS = 30
"""Between two formulas, so that typesetting never takes more than part of the window's time."""


class WorkedPanel(Panel):
    """Draws ``Worked``; while numbers run, the lines follow as fast as they can be set."""

    scrolls = True
    item: Worked

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.lines = FormulaLines(columns=COLUMNS)
        self._timer = QTimer()
        self._next: Worked | None = None
        super().__init__(*arguments, **named)
        self._timer.setParent(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._set_next)

    def has_content(self) -> bool:
        return self.item is not None and bool(self.item.lines)

    def item_changed(self) -> None:
        if self.item is None:
            self.lines.set_lines(())
            self._timer.stop()
            return
        if self._timer.isActive():
            self._next = self.item  # finish the lines being set, then take the newest
            return
        self.lines.set_lines(self.item.lines)
        self._next = None
        self._timer.start(0)

    def _set_next(self) -> None:
        if self.lines.prepare(look(), self.canvas.devicePixelRatioF()):
            self._timer.start(PAUSE_MILLISECONDS if self.lines.complete else 0)
        elif self._next is not None:
            self.lines.set_lines(self._next.lines)
            self._next = None
            self._timer.start(PAUSE_MILLISECONDS)
        self._fit_height()
        self.canvas.redraw()

    def content_height(self, width: float) -> float:
        return self.lines.height(width - 4, look()) + 6

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        inner = area.adjusted(2, 2, -2, 0)
        if not self.exporting:
            self.lines.paint(painter, inner, drawn_with)
            return
        saved = FormulaLines(columns=COLUMNS)
        saved.set_lines(self.item.lines)
        saved.prepare_all(drawn_with, 2.0)
        saved.paint(painter, inner, drawn_with, vector=True)
