"""Named values as horizontal bars with their numbers, for instance next-token probabilities.

Imports Qt, frames; no torch.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen

from desktop.engine.frames import Bars
from desktop.ui.panels.axes import axis_title
from desktop.ui.panels.base import Panel
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.look import BODY, SMALL, Look, look
from desktop.ui.panels.numbers import number, with_unit
from desktop.ui.panels.tokens import visible
from desktop.ui.strings import pick, tr

ROOMY = 1.9
"""So much higher than it must be a row may become."""


class BarsPanel(Panel):
    """Draws ``Bars``; a click selects a bar: ``gesture("select", index)``."""

    scrolls = True
    item: Bars

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._order: list[int] = []
        self._ghost_values: dict[str, float] = {}
        super().__init__(*arguments, **named)

    def has_content(self) -> bool:
        return self.item is not None and len(self.item.labels) > 0

    def item_changed(self) -> None:
        self._order = []
        if self.item is None:
            return
        values = np.nan_to_num(np.asarray(self.item.values, float), nan=-np.inf)
        order = range(len(values)) if self.item.keep_order else np.argsort(-values, kind="stable")
        self._order = [int(index) for index in order]
        self._ghost_values = {}
        for ghost in self.ghosts:
            self._ghost_values.update(zip(ghost.labels, ghost.values.tolist(), strict=True))

    def _row_height(self, drawn_with: Look) -> float:
        return drawn_with.metrics(BODY).height() + drawn_with.pixels(3)

    def _head(self, drawn_with: Look) -> float:
        return drawn_with.metrics(SMALL).height() + 4 if axis_title(self.item.value) else 2.0

    def content_height(self, width: float) -> float:
        drawn_with = look()
        return self._head(drawn_with) + self._row_height(drawn_with) * len(self._order) + 4

    def figure_fills(self, width: float, height: float) -> tuple[float, float]:
        return width, min(height, ROOMY * self.content_height(width))

    def shape(self) -> Hashable:
        return len(self._order)

    def _scale(self) -> tuple[float, float]:
        if self.item.value.limits is not None:
            return self.item.value.limits
        values = np.asarray(self.item.values, float)
        values = values[np.isfinite(values)]
        if not values.size:
            return 0.0, 1.0
        return min(0.0, float(values.min())), max(0.0, float(values.max())) or 1.0

    def rows(self, area: QRectF, drawn_with: Look) -> list[tuple[int, QRectF]]:
        """(index, place) of each bar from the top."""
        room = (area.height() - self._head(drawn_with) - 2) / max(1, len(self._order))
        least = self._row_height(drawn_with)
        high = min(ROOMY * least, max(least, room))
        top = area.top() + self._head(drawn_with)
        return [
            (index, QRectF(area.left(), top + k * high, area.width(), high))
            for k, index in enumerate(self._order)
        ]

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        small, body = drawn_with.metrics(SMALL), drawn_with.metrics(BODY)
        names = [visible(label) for label in self.item.labels]
        texts = [self._text(index) for index in range(len(names))]
        left = max((body.horizontalAdvance(name) for name in names), default=0.0) + 10
        left = min(left, area.width() * 0.4)
        right = max((body.horizontalAdvance(text) for text in texts), default=0.0) + 10
        span = max(20.0, area.width() - left - right)
        low, high = self._scale()
        painter.setFont(drawn_with.font(SMALL))
        painter.setPen(drawn_with.color("muted"))
        painter.drawText(
            QPointF(area.left() + left, area.top() + small.ascent()), axis_title(self.item.value)
        )
        zero = area.left() + left + span * (0.0 - low) / ((high - low) or 1.0)
        for index, row in self.rows(area, drawn_with):
            self._paint_row(
                painter, index, row, zero, span / ((high - low) or 1.0), left, drawn_with
            )
            baseline = row.center().y() + (body.ascent() - body.descent()) / 2
            painter.setFont(drawn_with.font(BODY, 600 if index == self.item.highlight else 400))
            painter.setPen(drawn_with.color("ink"))
            name = body.elidedText(names[index], Qt.TextElideMode.ElideRight, left - 8)
            wide = body.horizontalAdvance(name)
            painter.drawText(QPointF(area.left() + left - 8 - wide, baseline), name)
            painter.setFont(drawn_with.font(BODY))
            value = float(np.nan_to_num(self.item.values[index]))
            after = max(zero, zero + value * span / ((high - low) or 1.0)) + 6
            last = area.right() - body.horizontalAdvance(texts[index])
            painter.drawText(QPointF(min(after, last), baseline), texts[index])
        bottom = self.rows(area, drawn_with)[-1][1].bottom()
        painter.setPen(QPen(drawn_with.color("mark"), 1))
        painter.drawLine(QPointF(zero, area.top() + self._head(drawn_with)), QPointF(zero, bottom))

    def _paint_row(
        self,
        painter: QPainter,
        index: int,
        row: QRectF,
        zero: float,
        unit: float,
        left: float,
        drawn_with: Look,
    ) -> None:
        value = float(self.item.values[index])
        if not np.isfinite(value):
            return
        thick = row.height() * 0.62
        top = row.center().y() - thick / 2
        end = min(max(zero + value * unit, row.left() + left), row.right())
        bar = QRectF(min(zero, end), top, max(1.0, abs(end - zero)), thick)
        chosen = index == self.item.highlight
        color = drawn_with.category(
            1 if chosen else 0, 1.0 if chosen or self.item.highlight < 0 else 0.6
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRoundedRect(bar, 2, 2)
        other = self._ghost_values.get(self.item.labels[index])
        if other is not None and np.isfinite(other):
            pen = QPen(drawn_with.color("ink", 0.6), 1.4, Qt.PenStyle.DotLine)
            painter.setPen(pen)
            x = zero + other * unit
            painter.drawLine(QPointF(x, top - 2), QPointF(x, top + thick + 2))

    def _text(self, index: int) -> str:
        value = float(self.item.values[index])
        return with_unit(number(value, 3), self.item.value.unit)

    def _index_at(self, at: QPointF) -> int | None:
        if not self.has_content():
            return None
        for index, row in self.rows(self.canvas.area(), look()):
            if row.contains(at):
                return index
        return None

    def hover_at(self, at: QPointF) -> Hover | None:
        index = self._index_at(at)
        if index is None:
            return None
        value = with_unit(number(float(self.item.values[index]), 5), self.item.value.unit)
        name = pick(self.item.value.label) or tr("panel.value")
        return Hover(at, visible(self.item.labels[index]), ((None, name, value),))

    def paint_overlay(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        at = self.canvas.pointer
        index = self._index_at(at) if at is not None else None
        for other, row in self.rows(area, drawn_with) if index is not None else ():
            if other == index:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(drawn_with.color("accent", 0.09))
                painter.drawRoundedRect(row, 3, 3)

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        index = self._index_at(at)
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self.gesture.emit("select", index)

    def double_click(self, at: QPointF, event: QMouseEvent) -> None:
        """Nothing to reset."""

    def key(self, event: QKeyEvent) -> bool:
        return False
