"""A surface in three dimensions with the paths lying on it, drawn in software.

Drag turns it, the wheel comes closer, arrow keys turn, +/− zoom, Home resets. The picture of the
surface is computed when the camera, the size or the ``Field`` object changes; each frame only lays
the paths over it. While it turns it is computed at screen resolution, at rest twice as fine.
Imports Qt, frames; no torch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent

from desktop.engine.frames import Path, Surface
from desktop.ui.panels import axes as drawing
from desktop.ui.panels.axes import ColorBar, LegendEntry
from desktop.ui.panels.base import Panel
from desktop.ui.panels.beside import Placed
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.contour import thinned
from desktop.ui.panels.fields import Levels, field_limits, levels_of, resampled
from desktop.ui.panels.heightfield import TEXTURE, Camera, Projection, Relief, relief, render
from desktop.ui.panels.lines import draw_curve
from desktop.ui.panels.look import SMALL, Look, look
from desktop.ui.panels.numbers import number, short, with_unit
from desktop.ui.strings import pick, tr

REST_MILLISECONDS = 160


class Surface3dPanel(Panel):
    """Draws ``Surface`` as a relief."""

    item: Surface

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.camera = Camera()
        self._pressed: QPointF | None = None
        self._relief: tuple[Any, Look, Relief, Levels, bool] | None = None
        self._picture: tuple[Any, QImage, Any] | None = None
        self._turning = False
        self._hits: list[tuple[Path, Any, Any]] = []
        self._rest = QTimer()
        super().__init__(*arguments, **named)
        self._rest.setParent(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MILLISECONDS)
        self._rest.timeout.connect(self._rested)

    # -- the relief ------------------------------------------------------------------------------

    def _prepared(self, drawn_with: Look) -> tuple[Relief, Levels, bool]:
        """Heights and colours of the current field, computed once per ``Field`` and theme.

        A surface whose geometric levels would be one needle on a plain is drawn with its height in
        level numbers instead; the panel says so.
        """
        field = self.item.height
        known = self._relief
        if known is not None and known[0] is field and known[1] == drawn_with:
            return known[2], known[3], known[4]
        levels = levels_of(field)
        xs = np.linspace(field.xs[0], field.xs[-1], TEXTURE)
        ys = np.linspace(field.ys[0], field.ys[-1], TEXTURE)
        values = resampled(field, xs, ys)
        at = levels.number(values) / (len(levels.values) - 1)
        by_level = not _evenly(levels)
        heights = self._normal_heights(values, at, by_level)
        lut = drawn_with.lut(field.diverging)
        picked = lut[np.clip(np.nan_to_num(at) * 255, 0, 255).astype(int)]
        colors = np.stack([picked >> 16 & 255, picked >> 8 & 255, picked & 255], -1).astype(float)
        ready = relief(np.nan_to_num(heights), colors, mesh=24)
        self._relief = (field, drawn_with, ready, levels, by_level)
        return ready, levels, by_level

    def _normal_heights(self, values: Any, at: Any, by_level: bool) -> Any:
        if by_level:
            return 2 * at - 1
        low, high = field_limits(self.item.height)
        return np.clip(2 * (values - low) / ((high - low) or 1.0) - 1, -1, 1)

    def _lift(self, values: Any, levels: Levels, by_level: bool) -> Any:
        at = levels.number(np.asarray(values, float)) / (len(levels.values) - 1)
        return self._normal_heights(np.asarray(values, float), at, by_level)

    def figure_fills(self, width: float, height: float) -> tuple[float, float]:
        """The picture is as high as it is wide at most: it is a square of ground in perspective."""
        return min(width, 1.6 * height), min(height, 0.9 * width)

    # -- painting --------------------------------------------------------------------------------

    def _layout(self, area: QRectF, drawn_with: Look) -> tuple[QRectF, list[Any], float]:
        bar = self._bar(drawn_with)
        rows = drawing.legend_rows(self._legend(drawn_with), area.width() * 0.8, drawn_with)
        line = drawn_with.metrics(SMALL).height() + 2
        top = line * max(1, len(rows)) + 2
        side = drawing.bar_width(bar, drawn_with, area.height() - top) + 14
        bottom = line + 2 if self._prepared(drawn_with)[2] else 2
        plot = area.adjusted(0, top, -side, -bottom)
        return plot, rows, side

    def _bar(self, drawn_with: Look) -> ColorBar:
        field = self.item.height
        levels = self._prepared(drawn_with)[1]
        label = f"{pick(field.label)} ({field.unit})" if field.unit else pick(field.label)
        return ColorBar(label, field_limits(field), field.diverging, levels.values)

    def _legend(self, drawn_with: Look) -> list[LegendEntry]:
        return [
            LegendEntry(pick(path.label), drawn_with.category(path.color))
            for path in self.item.paths
            if path.label
        ]

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        plot, rows, side = self._layout(area, drawn_with)
        view = Projection(self.camera, max(40.0, plot.width()), max(40.0, plot.height()))
        ready, levels, by_level = self._prepared(drawn_with)
        image, depths = self._surface_picture(ready, view)
        painter.save()
        painter.setClipRect(plot.adjusted(-2, -2, 2, 2))
        painter.translate(plot.topLeft())
        self._paint_floor(painter, view, drawn_with)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(0, 0, view.width, view.height), image)
        self._paint_ground_names(painter, view, drawn_with)
        self._hits = []
        for ghost in self.ghosts:
            for path in ghost.paths:
                self._paint_path(painter, path, view, depths, levels, by_level, drawn_with, True)
        for path in self.item.paths:
            self._paint_path(painter, path, view, depths, levels, by_level, drawn_with, False)
        painter.restore()
        self._paint_around(painter, area, plot, rows, side, by_level, drawn_with)

    def _surface_picture(self, ready: Relief, view: Projection) -> tuple[QImage, Any]:
        fine = 2.0 if self.exporting or not self._turning else 1.0
        key = (ready, view, fine)
        if self._picture is not None and self._picture[0] == key:
            return self._picture[1], self._picture[2]
        large = Projection(view.camera, round(view.width * fine), round(view.height * fine))
        packed, depths = render(ready, large)
        rows, columns = packed.shape
        image = QImage(
            packed.data, columns, rows, columns * 4, QImage.Format.Format_ARGB32_Premultiplied
        ).copy()
        if not self.exporting:
            self._picture = (key, image, depths)
        return image, depths

    def _paint_floor(self, painter: QPainter, view: Projection, drawn_with: Look) -> None:
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]], float)
        x, y, _ = view.to_pixels(corners[:, 0], corners[:, 1], np.full(5, -1.0))
        draw_curve(painter, x, y, drawn_with.color("mark", 0.7), width=1.0)

    def _paint_ground_names(self, painter: QPainter, view: Projection, drawn_with: Look) -> None:
        """The front edges of the floor with their ends' numbers and the quantities' names."""
        field = self.item.height
        metrics = drawn_with.metrics(SMALL)
        painter.setFont(drawn_with.font(SMALL))
        sides = (
            (self.item.x, np.array([[-1.0, 0.0], [1.0, 0.0]]), 1, field.xs),
            (self.item.y, np.array([[0.0, -1.0], [0.0, 1.0]]), 0, field.ys),
        )
        placed = Placed(painter, metrics, view)
        edges = []
        for axis, ends, fixed, grid in sides:
            for side in (-1.0, 1.0):
                ends[:, fixed] = side
                x, y, depth = view.to_pixels(ends[:, 0], ends[:, 1], np.full(2, -1.0))
                if depth.mean() > 0:
                    continue
                draw_curve(painter, x, y, drawn_with.color("mark"), width=1.2)
                outward = 1.0 if x.mean() > view.width / 2 else -1.0
                steep = min(3.0, abs(y[1] - y[0]) / max(1.0, abs(x[1] - x[0])))
                edges.append((axis, grid, x, y, outward, steep))
        painter.setPen(drawn_with.color("ink"))
        for axis, _grid, x, y, outward, steep in edges:
            texts = [drawing.axis_title(axis), pick(axis.label)]
            placed.beside(QPointF(x.mean(), y.mean()), texts, outward, steep)
        painter.setPen(drawn_with.color("muted"))
        for _axis, grid, x, y, outward, steep in edges:
            for value, along in ((grid[0], 0.07), (grid[-1], 0.93)):
                at = QPointF(x[0] + (x[1] - x[0]) * along, y[0] + (y[1] - y[0]) * along)
                placed.if_free(at, short(float(value)), outward, steep)

    def _paint_path(
        self,
        painter: QPainter,
        path: Path,
        view: Projection,
        depths: Any,
        levels: Levels,
        by_level: bool,
        drawn_with: Look,
        ghost: bool,
    ) -> None:
        if not len(path.points):
            return
        points, heights = thinned(np.asarray(path.points, float)), thinned(path.heights)
        field = self.item.height
        x = 2 * (points[:, 0] - field.xs[0]) / (field.xs[-1] - field.xs[0]) - 1
        y = 2 * (points[:, 1] - field.ys[0]) / (field.ys[-1] - field.ys[0]) - 1
        off = (np.abs(x) > 1) | (np.abs(y) > 1)
        z = self._lift(heights, levels, by_level)
        right, down, depth = view.to_pixels(x, y, z)
        right, down = np.where(off, np.nan, right), np.where(off, np.nan, down)
        color = drawn_with.category(path.color)
        faint = QColor(color)
        faint.setAlphaF(0.35)
        if ghost:
            draw_curve(painter, right, down, faint, width=1.3, style="dashed")
            return
        hidden = _hidden(right, down, depth, depths, view)
        draw_curve(painter, right, down, faint, width=1.4, exact=len(x) < 600)
        seen_x, seen_y = np.where(hidden, np.nan, right), np.where(hidden, np.nan, down)
        halo = drawn_with.color("surface", 0.85)
        draw_curve(painter, seen_x, seen_y, halo, width=3.8, exact=len(x) < 600)
        draw_curve(painter, seen_x, seen_y, color, width=2.1, exact=len(x) < 600)
        self._hits.append((path, right, down))
        if np.isfinite(right[-1]) and np.isfinite(down[-1]):
            painter.setPen(QPen(drawn_with.color("surface"), 1.6))
            painter.setBrush(faint if hidden[-1] else color)
            painter.drawEllipse(QPointF(right[-1], down[-1]), 5.2, 5.2)

    def _paint_around(
        self,
        painter: QPainter,
        area: QRectF,
        plot: QRectF,
        rows: list[Any],
        side: float,
        by_level: bool,
        drawn_with: Look,
    ) -> None:
        bar = self._bar(drawn_with)
        metrics = drawn_with.metrics(SMALL)
        strip = QRectF(area.right() - side + 14, plot.top() + 6, 40, plot.height() - 12)
        drawing.draw_color_bar(painter, strip, bar, drawn_with)
        painter.setFont(drawn_with.font(SMALL))
        painter.setPen(drawn_with.color("ink"))
        wide = metrics.horizontalAdvance(bar.label)
        painter.drawText(QPointF(area.right() - wide, area.top() + metrics.ascent()), bar.label)
        legend_at = QRectF(area.left(), area.top(), area.width() - wide - 16, 14)
        drawing.draw_legend(painter, legend_at, rows, drawn_with)
        if by_level:
            painter.setPen(drawn_with.color("muted"))
            text = tr("panel.by_level")
            painter.drawText(QPointF(area.left(), area.bottom() - metrics.descent()), text)

    # -- reading off and turning -----------------------------------------------------------------

    def hover_at(self, at: QPointF) -> Hover | None:
        if not self.has_content():
            return None
        plot = self._layout(self.canvas.area(), look())[0]
        best, closest = None, 9.0
        for path, right, down in self._hits:
            distance = np.hypot(right + plot.left() - at.x(), down + plot.top() - at.y())
            distance = np.where(np.isfinite(distance), distance, np.inf)
            index = int(distance.argmin())
            if distance[index] < closest:
                closest, best = float(distance[index]), (path, index, len(right))
        if best is None:
            return None
        path, index, shown = best
        if shown != len(path.points):  # the path was thinned for drawing
            index = min(len(path.points) - 1, index * -(-len(path.points) // 1500))
        field = self.item.height
        x, y = path.points[index]
        rows = (
            (
                look().category(path.color),
                pick(field.label) or tr("panel.value"),
                with_unit(number(path.heights[index]), field.unit),
            ),
            (None, pick(self.item.x.label) or "x", number(x, 3)),
            (None, pick(self.item.y.label) or "y", number(y, 3)),
        )
        title = f"{pick(path.label)} · {tr('panel.step', step=f'{index:,}')}"
        return Hover(at, title, rows)

    def reset_view(self) -> None:
        self._look_from(Camera(), turning=False)

    def _look_from(self, camera: Camera, *, turning: bool) -> None:
        self.camera = camera
        self._turning = turning
        if turning:
            self._rest.start()
        self.canvas.redraw()

    def _rested(self) -> None:
        self._turning = False
        self.canvas.redraw()

    def press(self, at: QPointF, event: QMouseEvent) -> bool:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = at
        return True

    def move_pointer(self, at: QPointF, event: QMouseEvent) -> None:
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        moved = at - self._pressed
        self._pressed = at
        self._look_from(self.camera.turned(-moved.x() * 0.009, moved.y() * 0.006), turning=True)

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        self._pressed = None

    def wheel(self, at: QPointF, event: QWheelEvent) -> bool:
        self._look_from(self.camera.zoomed(1.001 ** event.angleDelta().y()), turning=True)
        return True

    def key(self, event: QKeyEvent) -> bool:
        step = math.radians(6)
        turns = {
            Qt.Key.Key_Left: (step, 0.0),
            Qt.Key.Key_Right: (-step, 0.0),
            Qt.Key.Key_Up: (0.0, step),
            Qt.Key.Key_Down: (0.0, -step),
        }
        key = Qt.Key(event.key())
        if key in turns:
            self._look_from(self.camera.turned(*turns[key]), turning=True)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._look_from(self.camera.zoomed(1.15), turning=True)
        elif key == Qt.Key.Key_Minus:
            self._look_from(self.camera.zoomed(1 / 1.15), turning=True)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Home):
            self.reset_view()
        else:
            return False
        return True

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        held = self._pressed is not None
        return Qt.CursorShape.ClosedHandCursor if held else Qt.CursorShape.OpenHandCursor


def _evenly(levels: Levels) -> bool:
    gaps = np.diff(levels.values)[1:-1]  # the outermost ones end where the data ends
    return not gaps.size or bool(gaps.max() < 1.5 * gaps.min())


def _hidden(right: Any, down: Any, depth: Any, depths: Any, view: Projection) -> Any:
    """Which points lie behind the surface as it was drawn."""
    fine = depths.shape[1] / view.width
    usable = np.isfinite(right) & np.isfinite(down)
    column = np.clip(np.nan_to_num(right) * fine, 0, depths.shape[1] - 1).astype(int)
    row = np.clip(np.nan_to_num(down) * fine, 0, depths.shape[0] - 1).astype(int)
    seen = depths[row, column]
    return usable & np.isfinite(seen) & (seen < depth - 0.06)
