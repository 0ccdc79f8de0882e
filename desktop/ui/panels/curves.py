"""Curves over a common axis, with bands, marks and the other runs behind. Imports Qt, frames."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from desktop.engine.frames import Axis, Curves, Series
from desktop.ui.panels.axes import LegendEntry, View
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.lines import draw_band, draw_curve, draw_dots, per_column
from desktop.ui.panels.look import SMALL, Look
from desktop.ui.panels.numbers import number, with_unit
from desktop.ui.panels.plot import PlotPanel, Range, finite_range
from desktop.ui.strings import pick, tr


class CurvesPanel(PlotPanel):
    """Draws ``Curves``; hovering reads off each curve at the pointer's x."""

    item: Curves

    def axes(self) -> tuple[Axis, Axis]:
        return self.item.x, self.item.y

    def data_range(self) -> Range | None:
        everything = [*self.item.series, *(s for ghost in self.ghosts for s in ghost.series)]
        x = finite_range([s.x for s in everything], positive=self.item.x.log)
        heights = [s.y for s in everything]
        heights += [a for s in everything for a in (s.low, s.high) if a is not None]
        y = finite_range(heights, positive=self.item.y.log)
        return (*x, *y) if x and y else None

    def legend(self, drawn_with: Look) -> list[LegendEntry]:
        if len(self.item.series) < 2 and not self.ghosts:
            return []
        entries = [
            LegendEntry(pick(s.label), drawn_with.category(s.color), s.style)
            for s in self.item.series
        ]
        if self.ghosts:
            entries.append(LegendEntry(tr("panel.other_run"), drawn_with.color("mark"), "dashed"))
        return entries

    def paint_data(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        for ghost in self.ghosts:
            for series in ghost.series:
                self._paint_series(painter, series, view, drawn_with, ghost=True)
        for series in self.item.series:
            if series.low is not None and series.high is not None:
                draw_band(
                    painter,
                    view.x.to_pixels(series.x),
                    view.y.to_pixels(series.low),
                    view.y.to_pixels(series.high),
                    drawn_with.category(series.color),
                )
        for series in self.item.series:
            self._paint_series(painter, series, view, drawn_with)
        self._paint_marks(painter, view, drawn_with)

    def _paint_series(
        self,
        painter: QPainter,
        series: Series,
        view: View,
        drawn_with: Look,
        *,
        ghost: bool = False,
    ) -> None:
        color = drawn_with.category(series.color, 0.45 if ghost else 1.0)
        x = view.x.to_pixels(np.asarray(series.x, float))
        y = view.y.to_pixels(np.asarray(series.y, float))
        if series.style == "dots":
            outline = None if ghost else drawn_with.color("surface")
            draw_dots(painter, x, y, color, outline=outline)
            return
        if len(x) > 600 and bool(np.all(np.diff(x) >= 0)):
            x, y = per_column(x, y)
        style = "dashed" if ghost else series.style
        width = 1.3 if ghost else 1.8
        draw_curve(painter, x, y, color, width=width, style=style, exact=self.exporting)

    def _paint_marks(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        metrics = drawn_with.metrics(SMALL)
        painter.setFont(drawn_with.font(SMALL))
        for at, label in self.item.marks:
            x = view.x.pixel(at)
            if not np.isfinite(x) or not view.plot.left() - 1 <= x <= view.plot.right() + 1:
                continue
            pen = QPen(drawn_with.color("mark"), 1)
            pen.setDashPattern([3, 3])
            painter.setPen(pen)
            painter.drawLine(QPointF(x, view.plot.top()), QPointF(x, view.plot.bottom()))
            text = pick(label)
            wide = metrics.horizontalAdvance(text)
            left = x + 4 if x + 4 + wide < view.plot.right() else x - 4 - wide
            box = QRectF(left - 2, view.plot.top() + 1, wide + 4, metrics.height())
            painter.fillRect(box, drawn_with.color("surface", 0.8))
            painter.setPen(drawn_with.color("muted"))
            painter.drawText(QPointF(left, view.plot.top() + 1 + metrics.ascent()), text)

    def hover_at(self, at: QPointF) -> Hover | None:
        view = self.current_view
        if view is None or not view.plot.adjusted(-2, -2, 2, 2).contains(at):
            return None
        x = view.x.value(at.x())
        rows = []
        from desktop.ui.panels.look import look

        drawn_with = look()
        nearest = None
        for series in self.item.series[:12]:
            if not len(series.x):
                continue
            index = int(np.nanargmin(np.abs(np.asarray(series.x, float) - x)))
            if nearest is None or abs(series.x[index] - x) < abs(nearest - x):
                nearest = float(series.x[index])
            value = with_unit(number(series.y[index]), self.item.y.unit)
            name = pick(series.label) or pick(self.item.y.label)
            rows.append((drawn_with.category(series.color), name, value))
        if nearest is None:
            return None
        name = pick(self.item.x.label) or "x"
        title = f"{name} = {with_unit(number(nearest), self.item.x.unit)}"
        return Hover(at, title, tuple(rows))

    def paint_overlay(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        view, hover = self.current_view, self.canvas.hover
        if view is None or hover is None:
            return
        painter.setPen(QPen(drawn_with.color("mark"), 1, Qt.PenStyle.DotLine))
        x = hover.at.x()
        painter.drawLine(QPointF(x, view.plot.top()), QPointF(x, view.plot.bottom()))
