"""Matrices side by side as small multiples on one colour scale each kind; a click selects one.

``gesture("select", index)`` when the lesson listens to it, otherwise a click asks for a cell's
arithmetic: ``explain_requested((matrix, row, column))``. Imports Qt, frames; no torch.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen

from desktop.engine.frames import Matrices, Matrix
from desktop.ui.panels import axes as drawing
from desktop.ui.panels.axes import ColorBar
from desktop.ui.panels.base import Panel
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.grid import Grid, lay_out, matrix_limits, paint_cells, paint_names
from desktop.ui.panels.look import SMALL, Look, look
from desktop.ui.panels.numbers import number, with_unit
from desktop.ui.panels.subscripts import draw_name
from desktop.ui.strings import pick, tr

NAMES_FROM = 150.0
HEAD_LINES = 2
"""Above the cells where rows and columns have names."""
FEW = 4
"""So many matrices are set in as many columns as make them large."""


class MatricesPanel(Panel):
    """Draws ``Matrices``."""

    item: Matrices

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._cursor = 0
        self._cell = (0, 0)
        super().__init__(*arguments, **named)

    def has_content(self) -> bool:
        return self.item is not None and bool(self.item.matrices)

    def _limits(self, drawn_with: Look) -> list[tuple[float, float]]:
        """One scale for all that are coloured alike, so that they can be compared."""
        alike: dict[tuple[bool, str], list[tuple[float, float]]] = {}
        for matrix in self.item.matrices:
            key = (matrix.diverging, pick(matrix.value.label))
            alike.setdefault(key, []).append(matrix_limits(matrix))
        joined = {k: (min(a for a, _ in v), max(b for _, b in v)) for k, v in alike.items()}
        return [joined[(m.diverging, pick(m.value.label))] for m in self.item.matrices]

    def _bar(self, drawn_with: Look) -> ColorBar:
        first = self.item.matrices[0]
        return ColorBar(pick(first.value.label), self._limits(drawn_with)[0], first.diverging)

    def _strip_height(self, area: QRectF, drawn_with: Look) -> float:
        return min(area.height() - drawn_with.metrics(SMALL).height() - 10, 220.0)

    def _side(self, area: QRectF, drawn_with: Look) -> float:
        """Room for the colour bar and its name."""
        bar = self._bar(drawn_with)
        wide = drawing.bar_width(bar, drawn_with, self._strip_height(area, drawn_with))
        return max(wide, drawn_with.metrics(SMALL).horizontalAdvance(bar.label)) + 12

    def tiles(self, area: QRectF, drawn_with: Look) -> list[QRectF]:
        """The place of each matrix with its title."""
        count = len(self.item.matrices)
        room = area.adjusted(0, 0, -self._side(area, drawn_with), 0)
        hint = min(count, max(1, self.item.columns_hint))
        if (
            count > FEW and not count % hint
        ):  # rows and columns say something, such as layer and head
            return self._tiled(room, hint, drawn_with)
        ways = [self._tiled(room, columns, drawn_with) for columns in range(1, count + 1)]
        sizes = [self._cells_of(0, way[0], drawn_with).height() for way in ways]
        return (
            ways[hint - 1] if sizes[hint - 1] >= 0.9 * max(sizes) else ways[sizes.index(max(sizes))]
        )

    def _tiled(self, room: QRectF, columns: int, drawn_with: Look) -> list[QRectF]:
        """So many in a row; rows close up instead of leaving holes."""
        count = len(self.item.matrices)
        rows = math.ceil(count / columns)
        gap = drawn_with.pixels(10)
        wide = (room.width() - gap * (columns - 1)) / columns
        high = (room.height() - gap * (rows - 1)) / rows
        tile = QRectF(room.left(), room.top(), wide, high)
        used = max(self._cells_of(k, tile, drawn_with).bottom() for k in range(count))
        high = min(high, used - room.top() + 4)
        return [
            QRectF(
                room.left() + (k % columns) * (wide + gap),
                room.top() + (k // columns) * (high + gap),
                wide,
                high,
            )
            for k in range(count)
        ]

    def _cells_of(self, k: int, tile: QRectF, drawn_with: Look) -> QRectF:
        return self._grid(self.item.matrices[k], tile, drawn_with)[0].cells

    def figure_fills(self, width: float, height: float) -> tuple[float, float]:
        if not self.has_content():
            return width, height
        area = QRectF(0, 0, width, height)
        tiles = self.tiles(area, look())
        cells = [self._cells_of(k, tile, look()) for k, tile in enumerate(tiles)]
        bare = max(tile.right() - cell.right() for tile, cell in zip(tiles, cells, strict=True))
        in_row = sum(tile.top() == tiles[0].top() for tile in tiles)
        bottom = max(cell.bottom() for cell in cells) + 4
        return max(20.0, width - in_row * max(0.0, bare - 6)), min(height, bottom)

    def shape(self) -> Hashable:
        if not self.has_content():
            return None
        return self.item.columns_hint, *(matrix.values.shape for matrix in self.item.matrices)

    def _grid(self, matrix: Matrix, tile: QRectF, drawn_with: Look) -> tuple[Grid, QRectF, bool]:
        title = drawn_with.metrics(SMALL, 600).height() + 3 if matrix.title else 0.0
        inner = tile.adjusted(3, title + 2, -3, -3)
        line = drawn_with.metrics(SMALL).height()
        legible = inner.height() >= line * (matrix.values.shape[0] + HEAD_LINES)
        names = inner.width() >= NAMES_FROM and legible
        return lay_out(matrix, inner, drawn_with, names=names), inner, names

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        limits = self._limits(drawn_with)
        tiles = self.tiles(area, drawn_with)
        metrics = drawn_with.metrics(SMALL, 600)
        for k, (matrix, tile) in enumerate(zip(self.item.matrices, tiles, strict=True)):
            grid, inner, names = self._grid(matrix, tile, drawn_with)
            chosen = k == self.item.selected
            painter.setPen(drawn_with.color("accent" if chosen else "ink"))
            at = tile.topLeft() + QPointF(3, metrics.ascent() + 1)
            title, room = pick(matrix.title), tile.width() - 4
            draw_name(painter, at, title, drawn_with, SMALL, 600, room=room)
            paint_cells(painter, matrix, grid, limits[k], drawn_with)
            if names:
                paint_names(painter, matrix, grid, inner, drawn_with)
            if chosen:
                painter.setPen(QPen(drawn_with.color("accent"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(grid.cells.adjusted(-2, -2, 2, 2), 3, 3)
        bar = self._bar(drawn_with)
        strip = QRectF(
            area.right() - self._side(area, drawn_with) + 12,
            area.top() + metrics.height() + 5,
            40,
            self._strip_height(area, drawn_with),
        )
        drawing.draw_color_bar(painter, strip, bar, drawn_with)
        painter.setPen(drawn_with.color("muted"))
        painter.setFont(drawn_with.font(SMALL))
        painter.drawText(QPointF(strip.left(), area.top() + metrics.ascent()), bar.label)

    def _at(self, at: QPointF) -> tuple[int, tuple[int, int] | None] | None:
        if not self.has_content():
            return None
        drawn_with = look()
        tiles = self.tiles(self.canvas.area(), drawn_with)
        for k, tile in enumerate(tiles):
            if tile.contains(at):
                grid = self._grid(self.item.matrices[k], tile, drawn_with)[0]
                return k, grid.at(at)
        return None

    def hover_at(self, at: QPointF) -> Hover | None:
        found = self._at(at)
        if found is None or found[1] is None:
            return None
        matrix, (row, column) = self.item.matrices[found[0]], found[1]
        hidden = matrix.mask is not None and bool(matrix.mask[row, column])
        value = with_unit(number(matrix.values[row, column]), matrix.value.unit)
        title = " · ".join(
            part for part in (pick(matrix.title), matrix.rows[row], matrix.columns[column]) if part
        )
        name = pick(matrix.value.label) or tr("panel.value")
        return Hover(at, title, ((None, name, tr("panel.masked") if hidden else value),))

    def paint_overlay(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        if not self.has_content():
            return
        at = self.canvas.pointer
        found = self._at(at) if at is not None else None
        index = found[0] if found is not None else self._cursor if self.canvas.hasFocus() else -1
        if not 0 <= index < len(self.item.matrices):
            return
        tile = self.tiles(area, drawn_with)[index]
        grid = self._grid(self.item.matrices[index], tile, drawn_with)[0]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(drawn_with.color("accent", 0.7), 1.5))
        painter.drawRoundedRect(grid.cells.adjusted(-2, -2, 2, 2), 3, 3)
        if found is not None and found[1] is not None:
            painter.drawRect(grid.cell(*found[1]))

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        found = self._at(at)
        if found is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._cursor, cell = found
        self._choose(self._cursor, cell)

    def _choose(self, index: int, cell: tuple[int, int] | None) -> None:
        if "select" in self.spec.gestures:
            self.gesture.emit("select", index)
        elif cell is not None:
            self._cell = cell
            self.explain_requested.emit((index, *cell))

    def double_click(self, at: QPointF, event: QMouseEvent) -> None:
        """Nothing to reset."""

    def key(self, event: QKeyEvent) -> bool:
        if not self.has_content():
            return False
        count, columns = len(self.item.matrices), max(1, self.item.columns_hint)
        moves = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -columns,
            Qt.Key.Key_Down: columns,
        }
        key = Qt.Key(event.key())
        if key in moves:
            self._cursor = min(max(0, self._cursor + moves[key]), count - 1)
            self.canvas.pointer = None
            self.canvas.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self._cursor, self._cell)
        else:
            return False
        return True

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        over = self._at(at) is not None
        return Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
