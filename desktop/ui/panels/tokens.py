"""A strip of tokens: each a chip with its id, coloured by a value if there is one.

A click or Enter selects: ``gesture("select", index)``. Imports Qt, frames; no torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen

from desktop.engine.frames import Tokens
from desktop.ui.panels.base import Panel
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.grid import readable_on
from desktop.ui.panels.look import SMALL, Look, image_of, limits_of, look
from desktop.ui.panels.numbers import number, with_unit
from desktop.ui.strings import pick, tr

TOKEN_PIXELS = 14.0
_VISIBLE = str.maketrans({" ": "·", "\n": "⏎", "\t": "→", "Ġ": "·", "Ċ": "⏎", "▁": "·"})


def visible(token: str) -> str:
    """A token with its white space made visible; an empty one still shows."""
    return token.translate(_VISIBLE) or "∅"


class TokensPanel(Panel):
    """Draws ``Tokens``."""

    scrolls = True
    item: Tokens

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._cursor = 0
        super().__init__(*arguments, **named)

    def has_content(self) -> bool:
        return self.item is not None and bool(self.item.tokens)

    def _diverging(self) -> bool:
        values = self.item.values
        return values is not None and bool(np.nanmin(values, initial=0.0) < 0)

    def _limits(self) -> tuple[float, float]:
        assert self.item.values is not None
        pinned = self.item.value.limits if self.item.value is not None else None
        values = np.asarray(self.item.values, float)
        return limits_of(values, diverging=self._diverging(), limits=pinned)

    def _bar_height(self, drawn_with: Look) -> float:
        return drawn_with.metrics(SMALL).height() + 8 if self.item.values is not None else 0.0

    def chips(self, width: float, drawn_with: Look) -> list[QRectF]:
        """The place of each token in a figure ``width`` wide."""
        metrics = QFontMetricsF(drawn_with.mono(TOKEN_PIXELS))
        small = drawn_with.metrics(SMALL)
        high = metrics.height() + 8 + (small.height() if self.item.ids else 0)
        gap = drawn_with.pixels(5)
        x, y = 2.0, 2.0 + self._bar_height(drawn_with)
        found = []
        for index, token in enumerate(self.item.tokens):
            wide = metrics.horizontalAdvance(visible(token)) + 12
            if index < len(self.item.ids):
                wide = max(wide, small.horizontalAdvance(str(self.item.ids[index])) + 10)
            wide = max(wide, 22.0)
            if x + wide > width - 2 and x > 2:
                x, y = 2.0, y + high + gap
            found.append(QRectF(x, y, min(wide, width - 4), high))
            x += wide + gap
        return found

    def content_height(self, width: float) -> float:
        chips = self.chips(width, look())
        return chips[-1].bottom() + 4 if chips else 40

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        colors = self._colors(drawn_with)
        if self.item.values is not None:
            self._paint_bar(painter, area, drawn_with)
        for index, chip in enumerate(self.chips(area.width(), drawn_with)):
            ground = colors[index] if colors else drawn_with.color("hover")
            box = chip.translated(area.topLeft())
            chosen = index == self.item.selected
            border = drawn_with.color("accent" if chosen else "hairline")
            painter.setPen(QPen(border, 2.2 if chosen else 1))
            painter.setBrush(ground)
            painter.drawRoundedRect(box, 4, 4)
            ink = readable_on(ground)
            painter.setPen(ink)
            painter.setFont(drawn_with.mono(TOKEN_PIXELS))
            metrics = QFontMetricsF(drawn_with.mono(TOKEN_PIXELS))
            upper = QRectF(box.left(), box.top() + 4, box.width(), metrics.height())
            painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, visible(self.item.tokens[index]))
            if index < len(self.item.ids):
                ink.setAlphaF(0.72)
                painter.setPen(ink)
                painter.setFont(drawn_with.font(SMALL - 1))
                lower = QRectF(
                    box.left(), upper.bottom(), box.width(), box.bottom() - upper.bottom() - 2
                )
                painter.drawText(lower, Qt.AlignmentFlag.AlignCenter, str(self.item.ids[index]))

    def _colors(self, drawn_with: Look) -> list[QColor]:
        if self.item.values is None:
            return []
        values = np.asarray(self.item.values, float)
        packed = drawn_with.pack(values, diverging=self._diverging(), limits=self._limits())
        return [QColor.fromRgb(int(color)) for color in packed]

    def _paint_bar(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        """A small lying colour bar with its ends."""
        metrics = drawn_with.metrics(SMALL)
        low, high = self._limits()
        ends = (number(low, 3), number(high, 3))
        name = pick(self.item.value.label) if self.item.value is not None else ""
        painter.setFont(drawn_with.font(SMALL))
        painter.setPen(drawn_with.color("muted"))
        base = area.top() + metrics.ascent() + 1
        x = area.left() + 2
        painter.drawText(QPointF(x, base), name)
        x += metrics.horizontalAdvance(name) + (10 if name else 0)
        painter.drawText(QPointF(x, base), ends[0])
        x += metrics.horizontalAdvance(ends[0]) + 6
        strip = QRectF(x, area.top() + metrics.height() / 2 - 3, 90, 8)
        painter.drawImage(strip, image_of(drawn_with.lut(self._diverging()).reshape(1, -1)))
        painter.drawText(QPointF(strip.right() + 6, base), ends[1])

    def _index_at(self, at: QPointF) -> int | None:
        if not self.has_content():
            return None
        for index, chip in enumerate(self.chips(self.canvas.width(), look())):
            if chip.contains(at):
                return index
        return None

    def hover_at(self, at: QPointF) -> Hover | None:
        index = self._index_at(at)
        if index is None:
            return None
        rows: list[Any] = [(None, tr("panel.position"), f"{index:,}")]
        if index < len(self.item.ids):
            rows.append((None, tr("panel.token_id"), f"{self.item.ids[index]}"))
        if self.item.values is not None:
            axis = self.item.value
            name = pick(axis.label) if axis is not None else ""
            value = number(float(self.item.values[index]))
            rows.append(
                (None, name or tr("panel.value"), with_unit(value, axis.unit if axis else ""))
            )
        return Hover(at, visible(self.item.tokens[index]), tuple(rows))

    def paint_overlay(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        at = self.canvas.pointer
        index = self._index_at(at) if at is not None else None
        if index is None and self.canvas.hasFocus() and self.has_content():
            index = min(self._cursor, len(self.item.tokens) - 1)
        if index is None:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(drawn_with.color("accent"), 1.6))
        chip = self.chips(area.width(), drawn_with)[index]
        painter.drawRoundedRect(chip, 4, 4)

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        index = self._index_at(at)
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self._cursor = index
            self.gesture.emit("select", index)

    def double_click(self, at: QPointF, event: QMouseEvent) -> None:
        """Nothing to reset."""

    def key(self, event: QKeyEvent) -> bool:
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if not self.has_content():
            return False
        if by is not None:
            self._cursor = min(max(0, self._cursor + by), len(self.item.tokens) - 1)
            self.canvas.pointer = None
            self.canvas.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.gesture.emit("select", self._cursor)
        else:
            return False
        return True

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        over = self._index_at(at) is not None and "select" in self.spec.gestures
        return Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
