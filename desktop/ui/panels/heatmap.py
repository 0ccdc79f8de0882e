"""A field over the plane as an image with a colour bar. Imports Qt, frames; no torch."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from desktop.engine.frames import Axis, HeatMap
from desktop.ui.panels.axes import ColorBar, View
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.fields import field_image, field_limits, field_rect
from desktop.ui.panels.look import Look
from desktop.ui.panels.numbers import number, with_unit
from desktop.ui.panels.plot import PlotPanel, Range
from desktop.ui.strings import pick, tr


class HeatMapPanel(PlotPanel):
    """Draws ``HeatMap``; each value is one cell, none is smoothed away."""

    grid = False
    pad = 0.0
    item: HeatMap

    def item_changed(self) -> None:
        if self.item is not None:
            grids = (self.item.field_.xs, self.item.field_.ys)
            self.whole = tuple(bool(np.all(grid == np.rint(grid))) for grid in grids)  # type: ignore[assignment]

    def axes(self) -> tuple[Axis, Axis]:
        return self.item.x, self.item.y

    def data_range(self) -> Range | None:
        field = self.item.field_
        half_x = (field.xs[-1] - field.xs[0]) / max(1, len(field.xs) - 1) / 2 or 0.5
        half_y = (field.ys[-1] - field.ys[0]) / max(1, len(field.ys) - 1) / 2 or 0.5
        return (
            float(field.xs[0] - half_x),
            float(field.xs[-1] + half_x),
            float(field.ys[0] - half_y),
            float(field.ys[-1] + half_y),
        )

    def color_bar(self) -> ColorBar:
        field = self.item.field_
        label = f"{pick(field.label)} ({field.unit})" if field.unit else pick(field.label)
        return ColorBar(label, field_limits(field), field.diverging)

    def paint_data(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        field = self.item.field_
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(
            field_rect(field, view), field_image(field, field_limits(field), drawn_with)
        )

    def hover_at(self, at: QPointF) -> Hover | None:
        view = self.current_view
        if view is None or not view.plot.contains(at):
            return None
        field = self.item.field_
        x, y = view.x.value(at.x()), view.y.value(at.y())
        i, j = int(np.abs(field.xs - x).argmin()), int(np.abs(field.ys - y).argmin())
        value = with_unit(number(field.values[j, i]), field.unit)
        rows = (
            (None, pick(field.label) or tr("panel.value"), value),
            (None, pick(self.item.x.label) or "x", number(field.xs[i], 3)),
            (None, pick(self.item.y.label) or "y", number(field.ys[j], 3)),
        )
        return Hover(at, "", rows)
