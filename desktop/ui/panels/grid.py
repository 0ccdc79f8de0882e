"""A table of coloured cells: layout, painting, what is under a place. Used by matrix and matrices.

Imports Qt, frames, numpy; no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from desktop.engine.frames import Matrix
from desktop.ui.panels.look import SMALL, Look, image_of, limits_of
from desktop.ui.panels.numbers import fixed, number, short
from desktop.ui.strings import pick

CELL_WIDE, CELL_HIGH = 76.0, 40.0
SMALL_CELL = 22.0
TALL, TALLEST, WIDEST = 1.15, 1.4, 2.6
"""A cell's height in widths, if it is small and otherwise, and its width in heights, at most: a map
of many cells keeps its shape, a table of few may use the room for its numbers."""
SIGNS = 2
ROUNDED_FROM = 2.0
"""Where the largest number is at least this, one decimal is enough."""
VALUES_FROM = 15.0
"""Cells at least this high, and wide enough for the number, show it."""


NAMES_APART = 8.0


@dataclass(frozen=True)
class Grid:
    """Where the cells of one matrix lie."""

    cells: QRectF
    rows: int
    columns: int
    upright: bool
    """Whether column names stand on their heads for want of width."""

    @property
    def wide(self) -> float:
        """Width of a cell."""
        return self.cells.width() / max(1, self.columns)

    @property
    def high(self) -> float:
        """Height of a cell."""
        return self.cells.height() / max(1, self.rows)

    def cell(self, row: int, column: int) -> QRectF:
        """The rectangle of one cell."""
        return QRectF(
            self.cells.left() + column * self.wide,
            self.cells.top() + row * self.high,
            self.wide,
            self.high,
        )

    def at(self, place: QPointF) -> tuple[int, int] | None:
        """(row, column) under a place."""
        if not self.cells.contains(place) or not self.rows or not self.columns:
            return None
        row = min(self.rows - 1, int((place.y() - self.cells.top()) / self.high))
        return row, min(self.columns - 1, int((place.x() - self.cells.left()) / self.wide))


def matrix_limits(item: Matrix) -> tuple[float, float]:
    """The ends of the colour scale, hidden cells left out."""
    values = np.asarray(item.values, float)
    if item.mask is not None:
        values = np.where(item.mask, np.nan, values)
    return limits_of(values, diverging=item.diverging, limits=item.value.limits)


def lay_out(item: Matrix, area: QRectF, drawn_with: Look, *, names: bool = True) -> Grid:
    """Place the cells in ``area``, with room for names when wanted."""
    rows, columns = item.values.shape
    metrics = drawn_with.metrics(SMALL)
    if not names:
        return Grid(_fitted(area, rows, columns, square=True), rows, columns, False)
    axis = metrics.height() + 1 if pick(item.row_axis) or pick(item.column_axis) else 0.0
    widest_row = max((metrics.horizontalAdvance(name) for name in item.rows), default=0.0)
    widest_row = max(widest_row, metrics.horizontalAdvance(pick(item.row_axis)))
    left = min(widest_row + 8, area.width() * 0.32)
    widest = max((metrics.horizontalAdvance(name) for name in item.columns), default=0.0)
    wide = min(_cap(CELL_WIDE, columns), (area.width() - left) / max(1, columns))
    # Words too wide for their column stand upright; a sign or two reads better left out now and then.
    upright = widest + 4 > wide and any(len(name) > SIGNS for name in item.columns)
    head = min(widest + 6, area.height() * 0.3) if upright else metrics.height() + 3
    inner = area.adjusted(left, head + axis, 0, -2)
    return Grid(_fitted(inner, rows, columns, square=False), rows, columns, upright)


def _cap(usual: float, count: int) -> float:
    """The largest side of a cell; a table of few cells may use larger ones."""
    return max(usual, min(2 * usual, 6.5 * usual / max(1, count)))


def _fitted(room: QRectF, rows: int, columns: int, *, square: bool) -> QRectF:
    wide = min(_cap(CELL_WIDE, columns), room.width() / max(1, columns))
    high = min(_cap(CELL_HIGH, rows), room.height() / max(1, rows))
    if square:
        wide = high = min(room.width() / max(1, columns), room.height() / max(1, rows))
    else:
        high = min(high, wide * (TALLEST if wide >= SMALL_CELL else TALL))
        wide = min(wide, high * WIDEST)
    return QRectF(room.left(), room.top(), wide * columns, max(1.0, high * rows))


def paint_cells(
    painter: QPainter,
    item: Matrix,
    grid: Grid,
    limits: tuple[float, float],
    drawn_with: Look,
    *,
    values: bool = True,
) -> None:
    """The cells, with their numbers where there is room."""
    shown = np.asarray(item.values, float)
    packed = drawn_with.pack(shown, diverging=item.diverging, limits=limits)
    if item.mask is not None:
        packed = packed.copy()
        packed[item.mask] = 0xFF000000 | (drawn_with.color("hover").rgb() & 0xFFFFFF)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(grid.cells, image_of(packed))
    if grid.wide >= 7 and grid.high >= 7:
        _paint_lines(painter, grid, drawn_with)
    if values:
        _paint_values(painter, item, grid, packed, drawn_with)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(drawn_with.color("hairline"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(grid.cells)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


def _paint_lines(painter: QPainter, grid: Grid, drawn_with: Look) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(drawn_with.color("surface"), 1))
    for row in range(1, grid.rows):
        y = grid.cells.top() + row * grid.high
        painter.drawLine(QPointF(grid.cells.left(), y), QPointF(grid.cells.right(), y))
    for column in range(1, grid.columns):
        x = grid.cells.left() + column * grid.wide
        painter.drawLine(QPointF(x, grid.cells.top()), QPointF(x, grid.cells.bottom()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


def _paint_values(
    painter: QPainter, item: Matrix, grid: Grid, packed: np.ndarray, drawn_with: Look
) -> None:
    if grid.high < VALUES_FROM * drawn_with.scale or grid.rows * grid.columns > 900:
        return
    texts = _fitting_texts(item, grid.wide - 4, drawn_with)
    painter.setFont(drawn_with.font(SMALL))
    for i, row in enumerate(texts):
        for j, text in enumerate(row):
            if text:
                painter.setPen(readable_on(QColor.fromRgb(int(packed[i, j]))))
                painter.drawText(grid.cell(i, j), Qt.AlignmentFlag.AlignCenter, text)


def _fitting_texts(item: Matrix, room: float, drawn_with: Look) -> list[list[str]]:
    """The numbers if they fit into cells so wide, with a decimal less where that is enough."""
    metrics = drawn_with.metrics(SMALL)
    for fewer in (0, 1):
        texts = cell_texts(item, fewer=fewer)
        if all(metrics.horizontalAdvance(text) <= room for row in texts for text in row):
            return texts
    return []


def cell_texts(item: Matrix, *, fewer: int = 0) -> list[list[str]]:
    """Each cell's number as short as it can be while columns stay comparable; with ``fewer``
    decimals where at least two digits of the large ones remain."""
    values = np.asarray(item.values, float)
    hidden = item.mask if item.mask is not None else np.zeros(values.shape, bool)
    shown = values[np.isfinite(values) & ~hidden]
    if not shown.size:
        return [
            [number(v) if not h else "" for v, h in zip(*pair, strict=True)]
            for pair in zip(values.tolist(), hidden.tolist(), strict=True)
        ]
    largest = float(np.abs(shown).max())
    whole = bool(np.all(shown == np.rint(shown))) and largest < 1e6
    decimals = 0 if whole else int(np.clip(2 - math.floor(math.log10(max(largest, 0.05))), 0, 2))
    if largest >= ROUNDED_FROM:
        decimals = max(min(1, decimals), decimals - fewer)
    extreme = largest >= 1e5 or (0 < largest < 5e-3)
    return [
        [
            "" if h else short(v) if extreme else fixed(v, decimals)
            for v, h in zip(row, hide, strict=True)
        ]
        for row, hide in zip(values.tolist(), hidden.tolist(), strict=True)
    ]


def readable_on(ground: QColor) -> QColor:
    """Black or white, whichever reads better on this ground."""
    light = 0.299 * ground.red() + 0.587 * ground.green() + 0.114 * ground.blue()
    return QColor("#14171B") if light > 135 else QColor("#FFFFFF")


def paint_names(
    painter: QPainter, item: Matrix, grid: Grid, area: QRectF, drawn_with: Look
) -> None:
    """Names of rows, columns and of what they are."""
    metrics = drawn_with.metrics(SMALL)
    painter.setFont(drawn_with.font(SMALL))
    painter.setPen(drawn_with.color("ink"))
    every = max(1, math.ceil(metrics.height() / max(1.0, grid.high) - 0.15))
    left = grid.cells.left() - area.left() - 6
    for i in range(0, len(item.rows), every):
        name = metrics.elidedText(item.rows[i], Qt.TextElideMode.ElideRight, left)
        box = QRectF(area.left(), grid.cells.top() + i * grid.high, left, grid.high * every)
        if every > 1:
            box.setHeight(grid.high)
            box.adjust(0, -metrics.height() / 2, 0, metrics.height() / 2)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, flags, name)
    axis = metrics.height() + 1 if pick(item.row_axis) or pick(item.column_axis) else 0.0
    head = grid.cells.top() - area.top() - axis
    if grid.upright:
        _paint_upright(painter, item, grid, head, drawn_with)
    else:
        widest = max((metrics.horizontalAdvance(name) for name in item.columns), default=0.0)
        every = max(1, math.ceil((widest + 1) / max(1.0, grid.wide)))
        spare = (every - 1) * grid.wide / 2
        for j in range(0, len(item.columns), every):
            box = QRectF(grid.cells.left() + j * grid.wide, area.top() + axis, grid.wide, head - 2)
            box.adjust(-spare, 0, spare, 0)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, item.columns[j])
    painter.setPen(drawn_with.color("muted"))
    for x, text in axis_names(item, grid, area.left(), drawn_with):
        painter.drawText(QPointF(x, area.top() + metrics.ascent()), text)


def axis_names(item: Matrix, grid: Grid, left: float, drawn_with: Look) -> list[tuple[float, str]]:
    """(left end, text) of what rows and columns are: one over the rows' names, one over the cells,
    side by side. Where both are long, the second one is cut short."""
    metrics, cells = drawn_with.metrics(SMALL), grid.cells
    found: list[tuple[float, str]] = []
    if text := pick(item.row_axis):
        x = max(left, cells.left() - 6 - metrics.horizontalAdvance(text))
        found.append((x, text))
        left = x + metrics.horizontalAdvance(text) + NAMES_APART
    if text := pick(item.column_axis):
        wide = metrics.horizontalAdvance(text)
        x = max(cells.left(), left, cells.center().x() - wide / 2)
        if x + wide > cells.right():
            x = max(left, cells.right() - wide)
            room = max(0.0, cells.right() - x)
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        found.append((x, text))
    return found


def _paint_upright(
    painter: QPainter, item: Matrix, grid: Grid, head: float, drawn_with: Look
) -> None:
    metrics = drawn_with.metrics(SMALL)
    every = max(1, math.ceil(metrics.height() / max(1.0, grid.wide) - 0.15))
    for j in range(0, len(item.columns), every):
        name = metrics.elidedText(item.columns[j], Qt.TextElideMode.ElideRight, head - 4)
        painter.save()
        x = grid.cells.left() + (j + 0.5) * grid.wide
        painter.translate(x, grid.cells.top() - 4)
        painter.rotate(-90)
        painter.drawText(QPointF(0, (metrics.ascent() - metrics.descent()) / 2), name)
        painter.restore()
