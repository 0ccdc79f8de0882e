"""Scalars over the steps of all runs: read off, seek, compare forks.

One colour per run when one scalar is shown; with several scalars one colour per scalar, and the runs
that are not in front are faded. A fork is drawn from where it left its parent, with a ring there.
Imports Qt, frames, history; no torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from desktop.bilingual import Bilingual
from desktop.engine.frames import Axis
from desktop.ui.panels.axes import LegendEntry, View
from desktop.ui.panels.buttons import GlyphButton
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.history_lines import (
    Line,
    ahead,
    before_moving,
    broken_from,
    measured_rows,
    rounded,
)
from desktop.ui.panels.lines import Extremes, draw_curve, per_column
from desktop.ui.panels.look import Look, look
from desktop.ui.panels.numbers import number, with_unit
from desktop.ui.panels.plot import PlotPanel, Range
from desktop.ui.strings import pick, tr

FADED = 0.4


class HistoryPanel(PlotPanel):
    """Draws what ``show_histories`` hands over; ``show_item`` is not used."""

    zooms = "x"
    whole = (True, False)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._runs: tuple[Any, ...] = ()
        self._scalars: tuple[Any, ...] = ()
        self._step = 0
        self._front: int | None = None
        self._sought: int | None = None
        self._lines: list[Line] = []
        self._extremes: dict[tuple[Any, str], tuple[Any, Extremes]] = {}
        self.log_button = GlyphButton("", None, word="log")
        self.log_button.setCheckable(True)
        self._log_chosen = False
        super().__init__(*arguments, **named)
        self.log_button.setParent(self)
        self.add_tool(self.log_button)
        self.log_button.setChecked(bool(self.spec.options.get("log_y", False)))
        self.log_button.toggled.connect(self._toggle_log)

    def retranslate(self) -> None:
        self.log_button.word = tr("panel.log")
        self.log_button.set_name(tr("panel.log_tip"))
        self.log_button.updateGeometry()
        super().retranslate()

    def _toggle_log(self, _on: bool) -> None:
        self._log_chosen = True
        self._zoom = None
        self.canvas.redraw()

    # -- data ------------------------------------------------------------------------------------

    def show_histories(
        self,
        runs: Sequence[Any],
        scalars: Sequence[Any],
        current_step: int,
        front_run: int | None = None,
    ) -> None:
        self._front = front_run
        chosen = self.spec.options.get("scalars")
        kept = [s for s in scalars if not chosen or s.name in chosen]
        if chosen:
            kept.sort(key=lambda s: list(chosen).index(s.name))
        if not self._log_chosen and "log_y" not in self.spec.options and kept:
            self.log_button.blockSignals(True)
            self.log_button.setChecked(all(s.log for s in kept))
            self.log_button.blockSignals(False)
        self._runs, self._scalars, self._step = tuple(runs), tuple(kept), current_step
        self._lines = [line for run in runs for line in self._lines_of(run)]
        self._forget_gone()
        self.canvas.redraw()

    def _lines_of(self, run: Any) -> list[Line]:
        front = run is self._runs[-1] if self._front is None else run.id == self._front
        lines = []
        for k, scalar in enumerate(self._scalars):
            steps, values = run.history.series(scalar.name)
            key = (run.id, scalar.name)
            if key not in self._extremes or self._extremes[key][0] is not run.history:
                self._extremes[key] = (run.history, Extremes())
            self._extremes[key][1].update(values)
            fork = run.fork_step if run.parent is not None and run.fork_step is not None else None
            first = int(np.searchsorted(steps, fork)) if fork is not None else 0
            color = run.color if len(self._scalars) == 1 else k
            style = "line"
            lines.append(Line(run, scalar, steps, values, color, front, style, first))
        return lines

    def _forget_gone(self) -> None:
        alive = {(line.run.id, line.scalar.name) for line in self._lines}
        for key in [key for key in self._extremes if key not in alive]:
            del self._extremes[key]

    def _extremes_of(self, line: Line) -> Extremes:
        return self._extremes[(line.run.id, line.scalar.name)][1]

    def has_content(self) -> bool:
        return any(len(line.steps) for line in self._lines)

    def _measured(self, scalar: str) -> bool:
        """Whether any run has a value of it: a lesson may list more than is running."""
        lines = [line for line in self._lines if line.scalar.name == scalar]
        return any(self._extremes_of(line).range(line.values, positive=False) for line in lines)

    def clear(self) -> None:
        self._runs, self._lines, self._extremes = (), [], {}
        super().clear()

    # -- plot ------------------------------------------------------------------------------------

    def axes(self) -> tuple[Axis, Axis]:
        log = self.log_button.isChecked()
        units = {scalar.unit for scalar in self._scalars}
        unit = units.pop() if len(units) == 1 else ""
        one = self._scalars[0].label if len(self._scalars) == 1 else Bilingual("", "")
        step = Bilingual.same(tr("panel.step_axis"))
        return Axis(step), Axis(one, unit, log=log, limits=self.spec.options.get("limits"))

    def data_range(self) -> Range | None:
        log = self.log_button.isChecked()
        found = [self._extremes_of(line).range(line.values, positive=log) for line in self._lines]
        ranges = [r for r in found if r is not None]
        ends = [int(line.steps[-1]) for line in self._lines if len(line.steps)]
        starts = [int(line.steps[0]) for line in self._lines if len(line.steps)]
        if not ends:
            return None
        low = min((r[0] for r in ranges), default=1.0 if log else 0.0)
        high = max((r[1] for r in ranges), default=10.0 if log else 1.0)
        if not log and 0 < low < 0.4 * high:
            low = 0.0  # a loss near zero is read against zero
        start = min(starts)
        if max(ends) == start:
            low, high = before_moving(low, high, log=log)
        low, high = rounded(low, high, log=log)
        return start, ahead(max(max(ends), start + 10)), low, high

    def legend(self, drawn_with: Look) -> list[LegendEntry]:
        entries: list[LegendEntry] = []
        if len(self._scalars) > 1:
            entries += [
                LegendEntry(pick(scalar.label), drawn_with.category(k))
                for k, scalar in enumerate(self._scalars)
                if self._measured(scalar.name)
            ]
        if len(self._runs) > 1 and len(self._scalars) == 1:
            entries += [
                LegendEntry(pick(run.label), drawn_with.category(run.color)) for run in self._runs
            ]
        elif len(self._runs) > 1:
            label = tr("panel.other_run")
            entries.append(LegendEntry(label, drawn_with.color("mark", FADED)))
        return entries

    def paint_data(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        self._paint_step(painter, view, drawn_with)
        for line in sorted(self._lines, key=lambda line: line.front):
            self._paint_line(painter, line, view, drawn_with)

    def _paint_line(self, painter: QPainter, line: Line, view: View, drawn_with: Look) -> None:
        if not len(line.steps):
            return
        # Whole numbers: a float would make NumPy convert the whole history first.
        low, high = math.floor(view.x.low), math.ceil(view.x.high)
        first = max(line.first, int(np.searchsorted(line.steps, low)) - 1, 0)
        last = int(np.searchsorted(line.steps, high, side="right")) + 1
        last = min(last, len(line.steps))
        steps, values = self._extremes_of(line).reduced(
            line.steps, line.values, first, last, round(view.plot.width())
        )
        if len(steps) == last - first:
            steps, values = measured_rows(line, first, last, steps, values)
        x, y = per_column(view.x.to_pixels(steps), view.y.to_pixels(values))
        faded = not line.front and len(self._scalars) > 1
        color = drawn_with.category(line.color, FADED if faded else 1.0)
        width = 1.8 if line.front else 1.4
        draw_curve(painter, x, y, color, width=width, style=line.style, exact=self.exporting)
        self._paint_fork(painter, line, view, color, drawn_with)
        self._paint_break(painter, line, view, drawn_with)

    def _paint_fork(
        self, painter: QPainter, line: Line, view: View, color: QColor, drawn_with: Look
    ) -> None:
        if line.run.parent is None or line.first >= len(line.steps):
            return
        at = view.point(float(line.steps[line.first]), float(line.values[line.first]))
        if np.isfinite(at.x()) and np.isfinite(at.y()):
            painter.setPen(QPen(color, 1.6))
            painter.setBrush(drawn_with.color("surface"))
            painter.drawEllipse(at, 3.6, 3.6)

    def _paint_break(self, painter: QPainter, line: Line, view: View, drawn_with: Look) -> None:
        """A cross at the top where the value stopped being a finite number."""
        row = broken_from(line)
        if row is None:
            return
        x = view.x.pixel(float(line.steps[row]))
        y = view.plot.top() + 7
        painter.setPen(QPen(drawn_with.color("bad"), 1.8))
        painter.drawLine(QPointF(x - 4, y - 4), QPointF(x + 4, y + 4))
        painter.drawLine(QPointF(x - 4, y + 4), QPointF(x + 4, y - 4))

    def _paint_step(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        x = view.x.pixel(self._step)
        painter.setPen(QPen(drawn_with.color("accent", 0.75), 1.2))
        painter.drawLine(QPointF(x, view.plot.top()), QPointF(x, view.plot.bottom()))

    # -- reading off and seeking -----------------------------------------------------------------

    def step_at(self, at: QPointF) -> int | None:
        """The recorded step nearest to a place on the canvas."""
        view = self.current_view
        if view is None:
            return None
        wanted = min(max(view.x.value(at.x()), -1.0), 2.0**60)
        best: int | None = None
        for line in self._lines:
            if not len(line.steps):
                continue
            row = min(int(np.searchsorted(line.steps, round(wanted))), len(line.steps) - 1)
            for near in (row - 1, row):
                if near >= 0 and (
                    best is None or abs(line.steps[near] - wanted) < abs(best - wanted)
                ):
                    best = int(line.steps[near])
        return best

    def hover_at(self, at: QPointF) -> Hover | None:
        view = self.current_view
        if view is None or not view.plot.adjusted(-2, -2, 2, 2).contains(at):
            return None
        step = self.step_at(at)
        if step is None:
            return None
        rows = []
        drawn_with = look()
        for line in self._lines[:14]:
            row = int(np.searchsorted(line.steps, step))
            if row >= len(line.steps) or line.steps[row] != step or row < line.first:
                continue
            if not np.isfinite(line.values[row]) and self._never_measured(line):
                continue  # a number that this run does not have, such as another optimizer's
            name = pick(line.scalar.label)
            if len(self._runs) > 1:
                name = (
                    pick(line.run.label)
                    if len(self._scalars) == 1
                    else (f"{pick(line.run.label)} · {name}")
                )
            value = with_unit(number(line.values[row]), line.scalar.unit)
            rows.append((drawn_with.category(line.color), name, value))
        return Hover(at, tr("panel.step", step=f"{step:,}"), tuple(rows))

    def _never_measured(self, line: Line) -> bool:
        return not np.isfinite(line.values).any()

    def paint_overlay(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        view, hover = self.current_view, self.canvas.hover
        if view is None or hover is None:
            return
        step = self.step_at(hover.at)
        if step is None:
            return
        x = view.x.pixel(step)
        painter.setPen(QPen(drawn_with.color("mark"), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(x, view.plot.top()), QPointF(x, view.plot.bottom()))
        for line in self._lines:
            row = int(np.searchsorted(line.steps, step))
            if line.first <= row < len(line.steps) and line.steps[row] == step:
                at = view.point(step, float(line.values[row]))
                if view.plot.contains(at):
                    painter.setPen(QPen(drawn_with.color("surface"), 1.2))
                    painter.setBrush(drawn_with.category(line.color))
                    painter.drawEllipse(at, 3.5, 3.5)

    def pans_with(self, event: QMouseEvent) -> bool:
        return bool(event.buttons() & Qt.MouseButton.MiddleButton)

    def pan(self, by: QPointF) -> None:
        super().pan(QPointF(by.x(), 0))

    def press(self, at: QPointF, event: QMouseEvent) -> bool:
        super().press(at, event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._seek(at)
        return True

    def move_pointer(self, at: QPointF, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(at)
        else:
            super().move_pointer(at, event)

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        self._pressed = None
        self._sought = None

    def _seek(self, at: QPointF) -> None:
        step = self.step_at(at)
        if step is not None and step != self._sought:
            self._sought = step
            self.seek_requested.emit(step)

    def key(self, event: QKeyEvent) -> bool:
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if by is not None:
            many = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            last = max((int(r.history.last_step) for r in self._runs), default=0)
            self.seek_requested.emit(max(0, min(last, self._step + by * many)))
            return True
        if event.key() == Qt.Key.Key_L:
            self.log_button.toggle()
            return True
        return super().key(event)

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        view = self.current_view
        inside = view is not None and view.plot.contains(at)
        return Qt.CursorShape.SplitHCursor if inside else Qt.CursorShape.ArrowCursor

    def table(self) -> list[list[Any]]:
        header: list[Any] = ["step"]
        columns = []
        many = len(self._runs) > 1
        for line in self._lines:
            prefix = f"{pick(line.run.label)}." if many else ""
            header.append(f"{prefix}{line.scalar.name}")
            columns.append(dict(zip(line.steps.tolist(), line.values.tolist(), strict=True)))
        steps = sorted({step for column in columns for step in column})
        body = [[step, *(column.get(step, "") for column in columns)] for step in steps]
        return [header, *body]
