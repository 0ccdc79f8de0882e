"""Numbers to read off: name, value with unit, a link to the glossary. Imports Qt, frames."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen

from desktop.engine.frames import Readouts
from desktop.ui.panels.base import Panel
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.look import SMALL, Look, look
from desktop.ui.panels.numbers import number
from desktop.ui.strings import pick, tr

VALUE_PIXELS = 19.0


class ReadoutsPanel(Panel):
    """Draws ``Readouts`` in as many columns as fit; names with a term are links."""

    scrolls = True
    item: Readouts

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._cursor = 0
        self._widest = 0.0
        """Of the numbers shown so far: columns may become wider, but not to and fro."""
        self._measured: Hashable = None
        super().__init__(*arguments, **named)

    def has_content(self) -> bool:
        return self.item is not None and bool(self.item.values)

    def cells(self, width: float, drawn_with: Look) -> list[QRectF]:
        """The place of each number."""
        count = len(self.item.values)
        value_m, name_m = drawn_with.metrics(VALUE_PIXELS, 500), drawn_with.metrics(SMALL)
        for r in self.item.values:
            usual = value_m.horizontalAdvance(number(-0.123456, r.digits))
            now = value_m.horizontalAdvance(number(r.value, r.digits))
            wide = max(usual, now) + name_m.horizontalAdvance(r.unit)
            self._widest = max(self._widest, wide)
        names = (name_m.horizontalAdvance(pick(r.label)) for r in self.item.values)
        least = max(self._widest, *names, 80.0)
        columns = max(1, min(count, int(width // min(width, least + 18))))
        rows = math.ceil(count / columns)
        columns = math.ceil(count / rows)
        high = value_m.height() + name_m.height() + drawn_with.pixels(12)
        wide = width / columns
        return [
            QRectF((k % columns) * wide, (k // columns) * high, wide, high) for k in range(count)
        ]

    def content_height(self, width: float) -> float:
        cells = self.cells(width, look())
        return cells[-1].bottom() if cells else 40

    def item_changed(self) -> None:
        key = (len(self.item.values), look()) if self.item is not None else None
        if key != self._measured:
            self._measured, self._widest = key, 0.0

    def shape(self) -> Hashable:
        return len(self.item.values) if self.item is not None else None

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        name_m = drawn_with.metrics(SMALL)
        value_m = drawn_with.metrics(VALUE_PIXELS, 500)
        for readout, cell in zip(
            self.item.values, self.cells(area.width(), drawn_with), strict=True
        ):
            box = cell.translated(area.topLeft()).adjusted(0, 3, -10, 0)
            painter.setFont(drawn_with.font(SMALL))
            painter.setPen(drawn_with.color("muted"))
            name = name_m.elidedText(pick(readout.label), Qt.TextElideMode.ElideRight, box.width())
            base = box.top() + name_m.ascent()
            painter.drawText(QPointF(box.left(), base), name)
            if readout.term and not self.exporting:
                painter.setPen(QPen(drawn_with.color("mark", 0.7), 1, Qt.PenStyle.DotLine))
                end = box.left() + name_m.horizontalAdvance(name)
                painter.drawLine(QPointF(box.left(), base + 3), QPointF(end, base + 3))
            broken = not math.isfinite(readout.value)
            painter.setPen(drawn_with.color("bad" if broken else "ink"))
            painter.setFont(drawn_with.font(VALUE_PIXELS, 500))
            text = number(readout.value, readout.digits)
            base = box.top() + name_m.height() + 3 + value_m.ascent()
            painter.drawText(QPointF(box.left(), base), text)
            if readout.unit:
                painter.setFont(drawn_with.font(SMALL))
                painter.setPen(drawn_with.color("muted"))
                after = box.left() + value_m.horizontalAdvance(text) + 4
                painter.drawText(QPointF(after, base), readout.unit)

    def _index_at(self, at: QPointF) -> int | None:
        if not self.has_content():
            return None
        for index, cell in enumerate(self.cells(self.canvas.width(), look())):
            if cell.contains(at):
                return index
        return None

    def hover_at(self, at: QPointF) -> Hover | None:
        index = self._index_at(at)
        if index is None:
            return None
        readout = self.item.values[index]
        value = f"{number(readout.value, max(6, readout.digits))} {readout.unit}".strip()
        text = pick(readout.help)
        if self._explains:
            text = f"{text}\n{tr('panel.explain_hint')}".strip()
        elif readout.term:
            text = f"{text}\n{tr('panel.open_term')}".strip()
        return Hover(at, pick(readout.label), ((None, tr("panel.value"), value),), text)

    def paint_overlay(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        if not (self.canvas.hasFocus() and self.has_content() and self.canvas.pointer is None):
            return
        cell = self.cells(area.width(), drawn_with)[min(self._cursor, len(self.item.values) - 1)]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(drawn_with.color("accent"), 1.5))
        painter.drawRoundedRect(cell.adjusted(1, 1, -4, -1), 4, 4)

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        index = self._index_at(at)
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self._open(index)

    @property
    def _explains(self) -> bool:
        """Whether the lesson has the arithmetic of its read-outs (``options.explain``)."""
        return bool(self.spec.options.get("explain"))

    def _open(self, index: int) -> None:
        if self._explains:
            self._cursor = index
            self.explain_requested.emit((index,))
        elif term := self.item.values[index].term:
            self.term_requested.emit(term)

    def explained_rect(self) -> QRectF:
        return self.cells(self.canvas.width(), look())[self._cursor]

    def double_click(self, at: QPointF, event: QMouseEvent) -> None:
        """Nothing to reset."""

    def key(self, event: QKeyEvent) -> bool:
        if not self.has_content():
            return False
        by = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Down: 1,
        }.get(Qt.Key(event.key()))
        if by is not None:
            self._cursor = min(max(0, self._cursor + by), len(self.item.values) - 1)
            self.canvas.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._open(min(self._cursor, len(self.item.values) - 1))
        else:
            return False
        return True

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        index = self._index_at(at)
        link = index is not None and (self._explains or bool(self.item.values[index].term))
        return Qt.CursorShape.PointingHandCursor if link else Qt.CursorShape.ArrowCursor
