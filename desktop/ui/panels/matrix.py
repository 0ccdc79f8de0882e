"""A table of numbers as coloured cells; a click asks how a cell came about.

Arrow keys move a cursor, Enter asks (``explain_requested((row, column))``). Imports Qt, frames.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen

from desktop.engine.frames import Matrix
from desktop.ui.panels import axes as drawing
from desktop.ui.panels.axes import ColorBar
from desktop.ui.panels.base import Panel
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.grid import (
    Grid,
    axis_names,
    lay_out,
    matrix_limits,
    paint_cells,
    paint_names,
)
from desktop.ui.panels.look import SMALL, Look, look
from desktop.ui.panels.numbers import number, with_unit
from desktop.ui.strings import pick, tr


class MatrixPanel(Panel):
    """Draws ``Matrix``."""

    item: Matrix

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._cursor = (0, 0)
        super().__init__(*arguments, **named)

    def _bar(self) -> ColorBar:
        label = pick(self.item.value.label)
        label = f"{label} ({self.item.value.unit})" if self.item.value.unit else label
        return ColorBar(label, matrix_limits(self.item), self.item.diverging)

    def grid(self, area: QRectF, drawn_with: Look) -> Grid:
        """Where the cells lie."""
        return self._placed(area, drawn_with)[0]

    def _placed(self, area: QRectF, drawn_with: Look) -> tuple[Grid, QRectF, QPointF]:
        """The cells, the area that they and their names take, and where the colour bar's name
        stands: above the bar, or if it is too wide for that on a line of its own."""
        bar, metrics = self._bar(), drawn_with.metrics(SMALL)
        side = drawing.bar_width(bar, drawn_with, area.height()) + 12
        first = lay_out(self.item, area.adjusted(0, 0, -side, 0), drawn_with)
        side = drawing.bar_width(bar, drawn_with, first.cells.height(), exact=True) + 12
        found = lay_out(self.item, area.adjusted(0, 0, -side, 0), drawn_with)
        wide = metrics.horizontalAdvance(bar.label)
        strip = found.cells.right() + 12
        base = area.top() + metrics.ascent()
        if strip + wide <= area.right():
            top = max(found.cells.top(), area.top() + metrics.height() + 4)
            return found, area, QPointF(strip, top - 5)
        left = max(area.left(), area.right() - wide)
        names = axis_names(self.item, found, area.left(), drawn_with)
        end = max((x + metrics.horizontalAdvance(text) for x, text in names), default=left)
        if pick(self.item.column_axis) and end + 10 < left:
            return found, area, QPointF(left, base)
        lower = area.adjusted(0, metrics.height() + 2, 0, 0)
        return (
            lay_out(self.item, lower.adjusted(0, 0, -side, 0), drawn_with),
            lower,
            QPointF(left, base),
        )

    def figure_fills(self, width: float, height: float) -> tuple[float, float]:
        if not self.has_content() or not self.item.values.size:
            return width, height
        cells = self.grid(QRectF(0, 0, width, height), look()).cells
        beside = drawing.bar_width(self._bar(), look(), cells.height(), exact=True) + 12
        return min(width, cells.right() + beside), min(height, cells.bottom() + 3)

    def shape(self) -> Hashable:
        return self.item.values.shape if self.has_content() else None

    def _on_screen(self) -> Grid | None:
        if not self.has_content() or not self.item.values.size:
            return None
        return self.grid(self.canvas.area(), look())

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        if not self.item.values.size:
            return
        grid, inner, name_at = self._placed(area, drawn_with)
        line = drawn_with.metrics(SMALL).height() + 4
        paint_cells(painter, self.item, grid, matrix_limits(self.item), drawn_with)
        paint_names(painter, self.item, grid, inner, drawn_with)
        bar = self._bar()
        top = max(grid.cells.top(), area.top() + line)
        height = max(40.0, min(grid.cells.height(), area.bottom() - top - 2))
        strip = QRectF(grid.cells.right() + 12, top, 40, height)
        drawing.draw_color_bar(painter, strip, bar, drawn_with)
        painter.setFont(drawn_with.font(SMALL))
        painter.setPen(drawn_with.color("muted"))
        painter.drawText(name_at, bar.label)

    def hover_at(self, at: QPointF) -> Hover | None:
        grid = self._on_screen()
        cell = grid.at(at) if grid is not None else None
        if cell is None:
            return None
        return self._hover_cell(at, cell)

    def _hover_cell(self, at: QPointF, cell: tuple[int, int]) -> Hover:
        row, column = cell
        hidden = self.item.mask is not None and bool(self.item.mask[row, column])
        value = with_unit(number(self.item.values[row, column]), self.item.value.unit)
        title = f"{self.item.rows[row]} · {self.item.columns[column]}"
        name = pick(self.item.value.label) or tr("panel.value")
        shown = tr("panel.masked") if hidden else value
        hint = tr("panel.explain_hint") if self.spec.options.get("explain", True) else ""
        return Hover(at, title, ((None, name, shown),), hint)

    def paint_overlay(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        grid = self._on_screen()
        if grid is None:
            return
        at = self.canvas.pointer
        cell = grid.at(at) if at is not None else None
        if cell is None and self.canvas.hasFocus():
            cell = self._cursor
        if cell is None or cell[0] >= grid.rows or cell[1] >= grid.columns:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(drawn_with.color("surface"), 3.5))
        painter.drawRect(grid.cell(*cell))
        painter.setPen(QPen(drawn_with.color("accent"), 2))
        painter.drawRect(grid.cell(*cell))

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        grid = self._on_screen()
        cell = grid.at(at) if grid is not None else None
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._cursor = cell
            self.explain_requested.emit(cell)

    def double_click(self, at: QPointF, event: QMouseEvent) -> None:
        """Nothing to reset."""

    def key(self, event: QKeyEvent) -> bool:
        grid = self._on_screen()
        if grid is None:
            return False
        row, column = self._cursor
        moves = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        key = Qt.Key(event.key())
        if key in moves:
            down, across = moves[key]
            row = min(max(0, row + down), grid.rows - 1)
            column = min(max(0, column + across), grid.columns - 1)
            self._cursor = (row, column)
            self.canvas.pointer = None
            self.canvas.hover = self._hover_cell(grid.cell(row, column).center(), self._cursor)
            self.canvas.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.explain_requested.emit(self._cursor)
        else:
            return False
        return True

    def explained_rect(self) -> QRectF:
        grid = self._on_screen()
        if grid is None or self._cursor[0] >= grid.rows or self._cursor[1] >= grid.columns:
            return super().explained_rect()
        return grid.cell(*self._cursor)

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        grid = self._on_screen()
        over = grid is not None and grid.at(at) is not None
        return Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
