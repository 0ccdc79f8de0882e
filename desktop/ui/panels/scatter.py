"""Points in the plane with a field behind them, fitted lines and residuals; points can be drawn.

Gestures when the lesson wants them: ``draw`` (left click or drag) with a tuple of rows, (x, y) or,
when ``options.draw_values`` lists values to choose from, (x, y, value); ``erase`` (right click, or Delete
over the point) with (x, y). Imports Qt, frames; no torch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

from desktop.engine.frames import Axis, Scatter
from desktop.ui.panels.axes import ColorBar, LegendEntry, View
from desktop.ui.panels.buttons import GlyphButton
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.layers import Layer
from desktop.ui.panels.lines import draw_dots
from desktop.ui.panels.look import Look
from desktop.ui.panels.numbers import short
from desktop.ui.panels.plot import PlotPanel, Range
from desktop.ui.panels.points import (
    paint_background,
    paint_scatter,
    scatter_bar,
    scatter_hover,
    scatter_legend,
    scatter_range,
)
from desktop.ui.strings import pick, tr

DRAW_SPACING = 12.0
"""Pixels between points while drawing with the button held down."""


class ScatterPanel(PlotPanel):
    """Draws ``Scatter``."""

    pad = 0.06
    pad_x = 0.04
    item: Scatter

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._drawn: list[tuple[float, float]] = []
        self._value_buttons: list[GlyphButton] = []
        self._draw_values: tuple[float, ...] = ()
        self._points = Layer()
        super().__init__(*arguments, **named)
        self.uses_right_button = "erase" in self.spec.gestures or "draw" in self.spec.gestures

    @property
    def _draws(self) -> bool:
        return "draw" in self.spec.gestures

    def has_content(self) -> bool:
        """An item with nothing in it but a note is an empty panel that says so."""
        item = self.item
        if item is None or not pick(item.note):
            return item is not None
        return bool(item.groups or item.lines or item.background is not None)

    def item_changed(self) -> None:
        field = self.item.background if self.item is not None else None
        self.pad, self.pad_x, self.square = 0.06, 0.04, False
        if field is not None:  # the field fills the plot, undistorted where both spans are alike
            self.pad = self.pad_x = 0.0
            spans = (field.xs[-1] - field.xs[0], field.ys[-1] - field.ys[0])
            self.square = bool(abs(spans[0] - spans[1]) < 0.01 * abs(spans[0]))
        self._offer_values()

    def _offer_values(self) -> None:
        """Buttons to choose the value of drawn points, where points have values."""
        if not self._draws or self._value_buttons or self.item is None:
            return
        valued = any(group.values is not None for group in self.item.groups)
        self._draw_values = tuple(self.spec.options.get("draw_values", (1, -1) if valued else ()))
        for index in range(len(self._draw_values)):
            button = GlyphButton("", self)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setChecked(index == 0)
            self._value_buttons.append(button)
            self.add_tool(button)
        self._name_values()

    def _name_values(self) -> None:
        """Each button says what a click into the figure adds; both signs are written out where
        values have both."""
        signed = any(value < 0 for value in self._draw_values)
        for button, value in zip(self._value_buttons, self._draw_values, strict=True):
            text = f"+{short(value)}" if signed and value > 0 else short(value)
            button.word = tr("panel.draw_value", value=text)
            button.set_name(f"{tr('panel.class')} {text}")
            button.updateGeometry()

    def retranslate(self) -> None:
        super().retranslate()
        self._name_values()

    def axes(self) -> tuple[Axis, Axis]:
        return self.item.x, self.item.y

    def data_range(self) -> Range | None:
        return scatter_range(self.item)

    def color_bar(self) -> ColorBar | None:
        return scatter_bar(self.item)

    def legend(self, drawn_with: Look) -> list[LegendEntry]:
        return scatter_legend(self.item, drawn_with)

    def paint_data(self, painter: QPainter, view: View, drawn_with: Look) -> None:
        if self.item.background is not None:
            paint_background(painter, self.item.background, view, drawn_with)
        paint_scatter(
            painter,
            self.item,
            self.ghosts,
            view,
            drawn_with,
            layer=None if self.exporting else self._points,
            ratio=self.canvas.devicePixelRatioF(),
        )

    # -- hover -----------------------------------------------------------------------------------

    def hover_at(self, at: QPointF) -> Hover | None:
        view = self.current_view
        if view is None or not view.plot.contains(at):
            return None
        return scatter_hover(self.item, view, at)

    # -- drawing ---------------------------------------------------------------------------------

    def press(self, at: QPointF, event: QMouseEvent) -> bool:
        view = self.current_view
        self._drawn = []
        if view is not None and view.plot.contains(at):
            if self._draws and event.button() == Qt.MouseButton.LeftButton:
                super().press(at, event)
                self._drawn = [(at.x(), at.y())]
                self.canvas.update()
            if self.uses_right_button and event.button() == Qt.MouseButton.RightButton:
                self.gesture.emit("erase", (view.x.value(at.x()), view.y.value(at.y())))
                return True
        return super().press(at, event)

    def pans_with(self, event: QMouseEvent) -> bool:
        if self._draws:
            return bool(event.buttons() & Qt.MouseButton.MiddleButton)
        return super().pans_with(event)

    def move_pointer(self, at: QPointF, event: QMouseEvent) -> None:
        view = self.current_view
        if self._drawn and view is not None and event.buttons() & Qt.MouseButton.LeftButton:
            last = self._drawn[-1]
            far = math.hypot(at.x() - last[0], at.y() - last[1]) >= DRAW_SPACING
            if far and view.plot.contains(at):
                self._drawn.append((at.x(), at.y()))
            return
        super().move_pointer(at, event)

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        view = self.current_view
        if self._drawn and view is not None:
            if len(self._drawn) == 1 and self._clicks(event):
                self._drawn, self._pressed = [], None
                self.gesture.emit("click", (view.x.value(at.x()), view.y.value(at.y())))
                self.canvas.update()
                return
            rows = tuple((view.x.value(x), view.y.value(y), *self._value()) for x, y in self._drawn)
            self._drawn, self._pressed = [], None
            self.gesture.emit("draw", rows)
            self.canvas.update()
            return
        super().release(at, event)

    def _clicks(self, event: QMouseEvent) -> bool:
        """Where a lesson wants both, a plain click is a click; dragging or Shift draws."""
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        return "click" in self.spec.gestures and not shift

    def double_click(self, at: QPointF, event: QMouseEvent) -> None:
        # Two quick clicks while drawing are two points, not a reset of the view.
        if self._draws:
            self.press(at, event)
        else:
            super().double_click(at, event)

    def key(self, event: QKeyEvent) -> bool:
        wanted = event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
        at, view = self.canvas.pointer, self.current_view
        if not (wanted and self.uses_right_button):
            return super().key(event)
        if at is not None and view is not None and view.plot.contains(at):
            self.gesture.emit("erase", (view.x.value(at.x()), view.y.value(at.y())))
        return True

    def _value(self) -> tuple[float, ...]:
        for button, value in zip(self._value_buttons, self._draw_values, strict=True):
            if button.isChecked():
                return (float(value),)
        return ()

    def paint_overlay(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        if self._drawn:
            places = np.array(self._drawn)
            color = drawn_with.color("accent")
            draw_dots(painter, places[:, 0], places[:, 1], color, hollow=True)
