"""Base of the panels with two axes: layout, pan, zoom, hover and what does not move.

A kind says its axes, its data's range, its legend, and paints data into a ``View``. Axes, names and
legend are painted once into a layer and copied until one of them changes; what else stays between
frames (contours) joins them through ``paint_static`` and its key. Imports Qt, frames; no torch.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QWheelEvent

from desktop.engine.frames import Axis
from desktop.ui.panels import axes as drawing
from desktop.ui.panels.axes import ColorBar, LegendEntry, View
from desktop.ui.panels.base import DRAG_STARTS, Panel
from desktop.ui.panels.layers import Layer
from desktop.ui.panels.look import SMALL, Look, look
from desktop.ui.panels.scales import Scale

Range = tuple[float, float, float, float]
WIDE_ENOUGH = 8000.0


class PlotPanel(Panel):
    """A panel over an (x, y) plane."""

    square = False
    """Whether a unit is as long in x as in y."""
    grid = True
    pad = 0.05
    pad_x = 0.0
    zooms = "xy"
    whole = (False, False)
    """Whether x and y count whole things."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._zoom: Range | None = None
        self._pressed: QPointF | None = None
        self._dragged = False
        self._view: View | None = None
        self._page = Layer()
        self._wanted: tuple[Hashable, int] = (None, 0)
        super().__init__(*arguments, **named)

    # -- what a kind says ------------------------------------------------------------------------

    def axes(self) -> tuple[Axis, Axis]:
        """The two quantities."""
        raise NotImplementedError

    def data_range(self) -> Range | None:
        """x0, x1, y0, y1 of what there is to see; None when nothing finite."""
        raise NotImplementedError

    def paint_data(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        """Draw what moves."""

    def paint_static(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        """Draw what stays while ``static_key`` stays."""

    def static_key(self) -> Hashable:
        """Identity of what ``paint_static`` draws."""
        return None

    def legend(self, drawn_with: Look) -> list[LegendEntry]:
        """Names of what is drawn."""
        return []

    def color_bar(self) -> ColorBar | None:
        """What the colours mean."""
        return None

    # -- layout ----------------------------------------------------------------------------------

    def view(self, area: QRectF, drawn_with: Look) -> View:
        """Where everything goes in ``area``."""
        return self._laid_out(area, drawn_with)[0]

    def _laid_out(
        self, area: QRectF, drawn_with: Look
    ) -> tuple[View, list[list[tuple[LegendEntry, float]]], QRectF]:
        """The view, the legend's rows and their place: beside the axis' name if they fit there,
        otherwise on rows of their own below it."""
        y_axis = self.axes()[1]
        metrics = drawn_with.metrics(SMALL)
        line = metrics.height() + 2
        bar = self.color_bar()
        y_title = metrics.horizontalAdvance(drawing.axis_title(y_axis))
        bar_title = metrics.horizontalAdvance(bar.label) if bar else 0.0
        entries = self.legend(drawn_with)
        titled = bool(y_title or bar_title)
        view = self._placed(area, line if titled or entries else 0.0, drawn_with)
        end = view.plot.right()
        if view.bar is not None:
            end = _bar_title_end(area, view.bar, bar_title) - bar_title - 14
        room = end - area.left() - (y_title + 14 if y_title else 0.0)
        rows = drawing.legend_rows(entries, max(60.0, room), drawn_with)
        widest = max((sum(w for _, w in row) for row in rows), default=0.0)
        if widest - 12 <= room and len(rows) <= 1:
            return view, rows, QRectF(area.left(), area.top(), end - area.left(), line)
        room = (area.right() if self.square else view.plot.right()) - area.left()
        rows = drawing.legend_rows(entries, max(60.0, room), drawn_with)
        view = self._placed(area, line * (len(rows) + titled), drawn_with)
        end = area.right() if self.square else view.plot.right()
        top = area.top() + (line if titled else 0.0)
        return view, rows, QRectF(area.left(), top, end - area.left(), line)

    def _placed(self, area: QRectF, head: float, drawn_with: Look) -> View:
        """The view below ``head`` pixels of names."""
        x_axis, y_axis = self.axes()
        x, y = self._scales(x_axis, y_axis)
        metrics = drawn_with.metrics(SMALL)
        bar = self.color_bar()
        top = area.top() + (head + 4 if head else 6)
        bottom = area.bottom() - metrics.height() - 5
        if drawing.axis_title(x_axis):
            bottom -= metrics.height()
        right = area.right() - 8
        if bar:
            right = area.right() - drawing.bar_width(bar, drawn_with, bottom - top) - 10
        left = area.left() + drawing.number_width(replace(y, start=bottom, end=top), drawn_with) + 8
        plot = QRectF(left, top, max(20.0, right - left), max(20.0, bottom - top))
        if self.square:
            room, plot = plot, self._squared(plot, x, y)
            # A lower plot has other numbers beside it, and they may be longer.
            beside = drawing.number_width(
                replace(y, start=plot.bottom(), end=plot.top()), drawn_with
            )
            if beside + 8 > plot.left() - area.left():
                room.setLeft(area.left() + beside + 8)
                plot = self._squared(room, x, y)
        return View(
            plot,
            replace(x, start=plot.left(), end=plot.right()),
            replace(y, start=plot.bottom(), end=plot.top()),
            QRectF(plot.right() + 10, plot.top(), 60, plot.height()) if bar else None,
        )

    def wanted_width(self, height: int) -> int:
        if not (self.square and self.has_content()):
            return 0
        key = (height, look(), self._padded(*self.axes()), self.note_label.isHidden())
        if self._wanted[0] != key:
            self._wanted = (key, self._measured_width(height))
        return self._wanted[1]

    def figure_fills(self, width: float, height: float) -> tuple[float, float]:
        if not (self.square and self.has_content()):
            return width, height
        area = QRectF(0, 0, width, height)
        plot = self.view(area, look()).plot
        self.square = False
        whole = self.view(area, look()).plot
        self.square = True
        return width - whole.width() + plot.width(), height - whole.height() + plot.height()

    def shape(self) -> Hashable:
        return self._padded(*self.axes()) if self.square and self.has_content() else None

    def _measured_width(self, height: int) -> int:
        around = self.height() - self.canvas.height()
        wide = QRectF(0, 0, WIDE_ENOUGH, height - around)
        view = self.view(wide, look())  # so wide that the height decides
        self.square = False
        beside = WIDE_ENOUGH - self.view(wide, look()).plot.width()
        self.square = True
        return round(view.plot.width() + beside) + self.width() - self.canvas.width()

    def _squared(self, plot: QRectF, x: Scale, y: Scale) -> QRectF:
        """The largest box in ``plot`` in which one unit is equally long both ways."""
        ratio = abs((x.high - x.low) / ((y.high - y.low) or 1.0))
        width, height = plot.width(), plot.height()
        if width / height > ratio:
            width = height * ratio
        else:
            height = width / ratio
        return QRectF(plot.left() + (plot.width() - width) / 2, plot.top(), width, height)

    def _scales(self, x_axis: Axis, y_axis: Axis) -> tuple[Scale, Scale]:
        found = self._zoom or self._padded(x_axis, y_axis)
        if self._zoom and "y" not in self.zooms:  # the heights go on following the data
            found = (*self._zoom[:2], *self._padded(x_axis, y_axis)[2:])
        return (
            Scale(found[0], found[1], log=x_axis.log, whole=self.whole[0]),
            Scale(found[2], found[3], log=y_axis.log, whole=self.whole[1]),
        )

    def _padded(self, x_axis: Axis, y_axis: Axis) -> Range:
        x0, x1, y0, y1 = self.data_range() or (0.0, 1.0, 0.0, 1.0)
        x0, x1 = x_axis.limits or _pad(x0, x1, self.pad_x, x_axis.log)
        y0, y1 = y_axis.limits or _pad(y0, y1, self.pad, y_axis.log)
        return x0, x1, y0, y1

    # -- painting --------------------------------------------------------------------------------

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        view, rows, legend_at = self._laid_out(area, drawn_with)
        bar = self.color_bar()

        def page(into: QPainter) -> None:
            self._paint_below(into, view, drawn_with)
            self._paint_names(into, area, view, bar, drawn_with)
            drawing.draw_legend(into, legend_at, rows, drawn_with)

        if self.exporting:
            page(painter)
        else:
            self._view = view
            names = tuple(drawing.axis_title(axis) for axis in self.axes())
            key = (self.static_key(), drawn_with, view, names, bar, rows, legend_at)
            ratio = self.canvas.devicePixelRatioF()
            self._page.paint(painter, area, ratio, key, page, drawn_with.color("surface"))
        painter.save()
        painter.setClipRect(view.plot.adjusted(0, -1, 1, 1))
        self.paint_data(painter, view, drawn_with)
        painter.restore()
        drawing.draw_baseline(painter, view, drawn_with)

    def _paint_below(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        """What stays, the grid over it, and the axes' numbers."""
        x_axis, _ = self.axes()
        painter.save()
        painter.setClipRect(view.plot)
        self.paint_static(painter, view, drawn_with)
        painter.restore()
        drawing.draw_axes(painter, view, x_axis, drawn_with, grid=self.grid)

    def _paint_names(
        self, painter: QPainter, area: QRectF, view: View, bar: ColorBar | None, drawn_with: Look
    ) -> None:
        """The vertical axis' name at the top left, the colour bar with its own at the right."""
        metrics = drawn_with.metrics(SMALL)
        painter.setFont(drawn_with.font(SMALL))
        painter.setPen(drawn_with.color("ink"))
        base = area.top() + metrics.ascent()
        painter.drawText(QPointF(area.left(), base), drawing.axis_title(self.axes()[1]))
        if bar and view.bar:
            drawing.draw_color_bar(painter, view.bar, bar, drawn_with)
            painter.setPen(drawn_with.color("ink"))
            wide = metrics.horizontalAdvance(bar.label)
            end = _bar_title_end(area, view.bar, wide)
            painter.drawText(QPointF(end - wide, base), bar.label)

    # -- pan, zoom, reset ------------------------------------------------------------------------

    @property
    def current_view(self) -> View | None:
        """The view last painted on screen."""
        return self._view if self.has_content() else None

    def reset_view(self) -> None:
        self._zoom = None
        self.canvas.redraw()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Closer or farther around a place on the canvas (its middle when None)."""
        view = self.current_view
        if view is None:
            return
        at = at or view.plot.center()
        x, y = view.x, view.y
        if "x" in self.zooms:
            x = x.zoomed(factor, x.value(at.x()))
        if "y" in self.zooms:
            y = y.zoomed(factor, y.value(at.y()))
        self._set_scales(x, y)

    def pan(self, by: QPointF) -> None:
        """Move the data by a distance on screen."""
        view = self.current_view
        if view is None:
            return
        self._set_scales(view.x.moved(by.x()), view.y.moved(by.y()))

    def _set_scales(self, x: Scale, y: Scale) -> None:
        self._zoom = (x.low, x.high, y.low, y.high)
        self.canvas.redraw()

    def pans_with(self, event: QMouseEvent) -> bool:
        """Whether this button drags the view."""
        return bool(event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.MiddleButton))

    def clicked(self, x: float, y: float, event: QMouseEvent) -> None:
        """A click without a drag at (x, y) in data units."""
        if "click" in self.spec.gestures:
            self.gesture.emit("click", (x, y))

    def press(self, at: QPointF, event: QMouseEvent) -> bool:
        self._pressed, self._dragged = at, False
        return True

    def move_pointer(self, at: QPointF, event: QMouseEvent) -> None:
        if self._pressed is None or not self.pans_with(event):
            return
        moved = at - self._pressed
        if not self._dragged and math.hypot(moved.x(), moved.y()) < DRAG_STARTS:
            return
        self._dragged = True
        self.pan(moved)
        self._pressed = at
        # The view is set by painting; a fast drag must not pan twice from an old one.
        if self._view is not None and self._zoom is not None:
            x0, x1, y0, y1 = self._zoom
            self._view = replace(
                self._view,
                x=replace(self._view.x, low=x0, high=x1),
                y=replace(self._view.y, low=y0, high=y1),
            )

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        view = self.current_view
        inside = view is not None and view.plot.contains(at)
        if (
            self._pressed is not None
            and not self._dragged
            and inside
            and event.button() == Qt.MouseButton.LeftButton
        ):
            assert view is not None
            self.clicked(view.x.value(at.x()), view.y.value(at.y()), event)
        self._pressed = None

    def wheel(self, at: QPointF, event: QWheelEvent) -> bool:
        view = self.current_view
        if view is None or not view.plot.contains(at):
            return False
        self.zoom(0.999 ** event.angleDelta().y(), at)
        return True

    def key(self, event: QKeyEvent) -> bool:
        step = 24.0
        moves = {
            Qt.Key.Key_Left: QPointF(step, 0),
            Qt.Key.Key_Right: QPointF(-step, 0),
            Qt.Key.Key_Up: QPointF(0, step),
            Qt.Key.Key_Down: QPointF(0, -step),
        }
        key = Qt.Key(event.key())
        if key in moves:
            self.pan(moves[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(0.8)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1.25)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Home):
            self.reset_view()
        else:
            return False
        return True

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        view = self.current_view
        if view is None or not view.plot.contains(at):
            return Qt.CursorShape.ArrowCursor
        if self._dragged and self._pressed is not None:
            return Qt.CursorShape.ClosedHandCursor
        if "click" in self.spec.gestures or "draw" in self.spec.gestures:
            return Qt.CursorShape.CrossCursor
        return Qt.CursorShape.OpenHandCursor


def _bar_title_end(area: QRectF, bar: QRectF, wide: float) -> float:
    """Where the colour bar's name ends: above the bar, within the figure."""
    return min(area.right(), max(bar.right(), bar.left() + wide))


def _pad(low: float, high: float, part: float, log: bool) -> tuple[float, float]:
    """The range with some air; never empty."""
    if log:
        low, high = max(low, 1e-300), max(high, 1e-300)
        if high / low < 1.0001:
            return low / 2, high * 2
        air = (high / low) ** part
        return low / air, high * air
    if high - low < 1e-12 * max(1.0, abs(high)):
        air = abs(high) * 0.1 or 1.0
        return low - air, high + air
    air = (high - low) * part
    return low - air, high + air


def finite_range(arrays: list[Any], *, positive: bool = False) -> tuple[float, float] | None:
    """Smallest and largest finite (for log axes: positive) value in several arrays."""
    lows, highs = [], []
    for array in arrays:
        values = np.asarray(array, dtype=float).ravel()
        keep = np.isfinite(values) & (values > 0) if positive else np.isfinite(values)
        values = values[keep]
        if values.size:
            lows.append(float(values.min()))
            highs.append(float(values.max()))
    return (min(lows), max(highs)) if lows else None
