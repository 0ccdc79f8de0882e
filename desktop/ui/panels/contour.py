"""A surface from above: filled contours, paths on it, arrows, labelled places.

The contours are painted once per ``Field`` object and view; each frame only lays the paths over
them. A click leaves as ``gesture("click", (x, y))``. With ``options.equal_units`` one unit is equally
long both ways, so that right angles stay right. Imports Qt, frames; no torch.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from desktop.engine.frames import Axis, Mark, Path, Surface
from desktop.ui.panels.axes import ColorBar, LegendEntry, View
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.fields import (
    FILL,
    Levels,
    contour_image,
    field_limits,
    levels_of,
    value_at,
)
from desktop.ui.panels.lines import FAR, cut_far, draw_curve, draw_dots
from desktop.ui.panels.look import SMALL, Look, look
from desktop.ui.panels.numbers import number, with_unit
from desktop.ui.panels.plot import PlotPanel, Range
from desktop.ui.strings import pick, tr

MANY_POINTS = 60


class ContourPanel(PlotPanel):
    """Draws ``Surface`` as a map."""

    grid = False
    pad = 0.0
    item: Surface

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._levels: tuple[Any, Levels] | None = None
        super().__init__(*arguments, **named)
        self.square = bool(self.spec.options.get("equal_units", False))

    def levels(self) -> Levels:
        """The levels of the current field, computed once per ``Field`` object."""
        field = self.item.height
        if self._levels is None or self._levels[0] is not field:
            self._levels = (field, levels_of(field))
        return self._levels[1]

    def axes(self) -> tuple[Axis, Axis]:
        return self.item.x, self.item.y

    def data_range(self) -> Range | None:
        xs, ys = self.item.height.xs, self.item.height.ys
        return float(xs[0]), float(xs[-1]), float(ys[0]), float(ys[-1])

    def color_bar(self) -> ColorBar:
        field = self.item.height
        label = with_unit(pick(field.label), f"({field.unit})" if field.unit else "")
        return ColorBar(
            label, field_limits(field), field.diverging, self.levels().values, strength=FILL
        )

    def legend(self, drawn_with: Look) -> list[LegendEntry]:
        entries = [
            LegendEntry(pick(path.label), drawn_with.category(path.color))
            for path in self.item.paths
            if path.label
        ]
        entries += [
            LegendEntry(pick(arrow.label), drawn_with.category(arrow.color), "arrow")
            for arrow in self.item.arrows
            if arrow.label
        ]
        return entries

    def static_key(self) -> Hashable:
        # The object itself keeps its identity while it is in the key; an id could be re-used.
        return _Same(self.item.height)

    def paint_static(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        ratio = 2.0 if self.exporting else self.canvas.devicePixelRatioF()
        field = self.item.height
        painter.drawImage(view.plot, contour_image(field, self.levels(), view, drawn_with, ratio))

    def paint_data(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        for mark in self.item.marks:
            draw_mark(painter, mark, view, drawn_with)
        for ghost in self.ghosts:
            for path in ghost.paths:
                self._paint_path(painter, path, view, drawn_with, ghost=True)
        for path in self.item.paths:
            self._paint_path(painter, path, view, drawn_with)
        for arrow in self.item.arrows:
            start = view.point(*arrow.start)
            end = view.point(arrow.start[0] + arrow.vector[0], arrow.start[1] + arrow.vector[1])
            draw_arrow(painter, start, end, drawn_with.category(arrow.color), drawn_with)
        for mark in self.item.marks:  # last, so that no path crosses a name out
            draw_name(painter, mark, view, drawn_with)

    def _paint_path(
        self, painter: QPainter, path: Path, view: View, drawn_with: Look, *, ghost: bool = False
    ) -> None:
        points = thinned(path.points)
        if not len(points):
            return
        x, y = view.x.to_pixels(points[:, 0]), view.y.to_pixels(points[:, 1])
        draw_trail(painter, x, y, drawn_with.category(path.color), drawn_with, ghost=ghost)

    def hover_at(self, at: QPointF) -> Hover | None:
        view = self.current_view
        if view is None or not view.plot.contains(at):
            return None
        x, y = view.x.value(at.x()), view.y.value(at.y())
        field = self.item.height
        names = (pick(self.item.x.label) or "x", pick(self.item.y.label) or "y")
        title, row_color = "", None
        near = nearest_point(self.item.paths, view, at)
        if near is not None:
            path, index = near
            x, y = (float(v) for v in path.points[index])
            value = float(path.heights[index])
            title = f"{pick(path.label)} · {tr('panel.step', step=f'{index:,}')}"
            row_color = look().category(path.color)
        else:
            value = value_at(field, x, y)
        rows = (
            (
                row_color,
                pick(field.label) or tr("panel.value"),
                with_unit(number(value), field.unit),
            ),
            (None, names[0], with_unit(number(x, 3), self.item.x.unit)),
            (None, names[1], with_unit(number(y, 3), self.item.y.unit)),
        )
        return Hover(at, title, rows)


class _Same:
    """Compares by identity and keeps what it compares alive."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.thing is self.thing

    def __hash__(self) -> int:
        return id(self.thing)


def thinned(points: Any, at_most: int = 1500) -> Any:
    """Every k-th point of a very long path, its newest end kept exactly."""
    if len(points) <= at_most:
        return points
    stride = -(-len(points) // at_most)
    return np.concatenate([points[:-1:stride], points[-1:]])


def nearest_point(paths: Any, view: View, at: QPointF) -> tuple[Path, int] | None:
    """The path point within a few pixels of the pointer."""
    best: tuple[Path, int] | None = None
    closest = 8.0
    for path in paths:
        if not len(path.points):
            continue
        dx = view.x.to_pixels(path.points[:, 0]) - at.x()
        dy = view.y.to_pixels(path.points[:, 1]) - at.y()
        distance = np.where(np.isfinite(dx + dy), np.hypot(dx, dy), np.inf)
        index = int(distance.argmin())
        if distance[index] < closest:
            closest, best = float(distance[index]), (path, index)
    return best


def draw_trail(
    painter: QPainter, x: Any, y: Any, color: QColor, drawn_with: Look, *, ghost: bool = False
) -> None:
    """A path: a line on a pale halo, its steps as dots while they are few, its end a large one."""
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if not len(x):
        return
    halo = drawn_with.color("surface", 0.5 if ghost else 0.85)
    line_x, line_y = cut_far(x, y)
    few = len(x) < 600
    if not ghost:
        draw_curve(painter, line_x, line_y, halo, width=3.6, exact=few)
    shown = QColor(color)
    shown.setAlphaF(0.55 if ghost else 1.0)
    style = "dashed" if ghost else "line"
    draw_curve(painter, line_x, line_y, shown, width=1.3 if ghost else 1.9, style=style, exact=few)
    if ghost:
        return
    if len(x) <= MANY_POINTS:
        draw_dots(painter, x[1:-1], y[1:-1], shown, radius=2.4, outline=halo)
    page = drawn_with.color("surface")
    for at, radius, fill, edge in ((0, 3.4, page, shown), (-1, 5.2, shown, page)):
        if max(abs(x[at]), abs(y[at])) < FAR:
            painter.setBrush(fill)
            painter.setPen(QPen(edge, 1.8 if at == 0 else 1.6))
            painter.drawEllipse(QPointF(x[at], y[at]), radius, radius)


def draw_arrow(
    painter: QPainter, start: QPointF, end: QPointF, color: QColor, drawn_with: Look
) -> None:
    """An arrow with a filled head; too short a one is left out."""
    along = end - start
    length = math.hypot(along.x(), along.y())
    if not math.isfinite(length) or length < 2:
        return
    along = along / length
    across = QPointF(-along.y(), along.x())
    head = min(9.0, length * 0.5)
    neck = end - along * head
    shape = QPolygonF([end, neck + across * head * 0.45, neck - across * head * 0.45])
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(drawn_with.color("surface", 0.85), 4.2))
    painter.drawLine(start, neck)
    painter.setPen(QPen(color, 2.2))
    painter.drawLine(start, neck)
    painter.setPen(QPen(drawn_with.color("surface", 0.85), 1.0))
    painter.setBrush(color)
    painter.drawPolygon(shape)


def draw_mark(painter: QPainter, mark: Mark, view: View, drawn_with: Look) -> None:
    """A labelled place: a small cross."""
    at = view.point(*mark.at)
    if not view.plot.contains(at):
        return
    for color, width in ((drawn_with.color("surface"), 3.6), (drawn_with.color("ink"), 1.5)):
        painter.setPen(QPen(color, width))
        painter.drawLine(at - QPointF(4.5, 0), at + QPointF(4.5, 0))
        painter.drawLine(at - QPointF(0, 4.5), at + QPointF(0, 4.5))


def draw_name(painter: QPainter, mark: Mark, view: View, drawn_with: Look) -> None:
    """The name of a place beside it, on a pale ground and whole within the plot."""
    at, text = view.point(*mark.at), pick(mark.label)
    if not text or not view.plot.contains(at):
        return
    metrics = drawn_with.metrics(SMALL)
    wide = metrics.horizontalAdvance(text)
    left = at.x() + 8 if at.x() + 12 + wide < view.plot.right() else at.x() - 12 - wide
    top = min(at.y() - metrics.height() / 2, view.plot.bottom() - metrics.height() - 1)
    box = QRectF(left, max(view.plot.top() + 1, top), wide + 6, metrics.height())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(drawn_with.color("surface", 0.82))
    painter.drawRoundedRect(box, 3, 3)
    painter.setFont(drawn_with.font(SMALL))
    painter.setPen(drawn_with.color("ink"))
    painter.drawText(QPointF(box.left() + 3, box.top() + metrics.ascent()), text)
