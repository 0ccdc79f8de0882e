"""Axes of a plot: scales, ticks, frame, grid, legend and colour bar, drawn with QPainter.

The layout follows printed figures: quantity names with units at the axes, a legend in one row above
the data, a colour bar at the right with its own name. Imports Qt, frames; no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from desktop.engine.frames import Axis
from desktop.ui.panels.look import SMALL, Look, image_of
from desktop.ui.panels.numbers import short, tick_labels
from desktop.ui.strings import pick


@dataclass(frozen=True)
class Scale:
    """One axis: data from ``low`` to ``high`` onto pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float = 0.0
    end: float = 1.0
    log: bool = False
    whole: bool = False
    """Whether only whole numbers mean something here: steps, layers, positions."""

    def to_pixels(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Data to pixels; what a log axis cannot show becomes NaN."""
        low, high = self._ends()
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values > 0, np.log10(values), np.nan)
        return self.start + (values - low) * ((self.end - self.start) / (high - low))

    def pixel(self, value: float) -> float:
        """One value to a pixel."""
        low, high = self._ends()
        if self.log:
            if value <= 0:
                return math.nan
            value = math.log10(value)
        return self.start + (value - low) * ((self.end - self.start) / (high - low))

    def value(self, pixel: float) -> float:
        """A pixel back to data."""
        low, high = self._ends()
        at = low + (pixel - self.start) / ((self.end - self.start) or 1.0) * (high - low)
        return float(10.0 ** min(300.0, max(-300.0, at))) if self.log else at

    def zoomed(self, factor: float, around: float) -> Scale:
        """Closer (factor < 1) or farther, the data value ``around`` staying where it is."""
        low, high = self._ends()
        center = math.log10(around) if self.log and around > 0 else around
        return self._with_ends(center + (low - center) * factor, center + (high - center) * factor)

    def moved(self, pixels: float) -> Scale:
        """Panned by a distance on screen."""
        low, high = self._ends()
        shift = -pixels * (high - low) / ((self.end - self.start) or 1.0)
        return self._with_ends(low + shift, high + shift)

    def ticks(self, metrics_width: float) -> tuple[list[float], list[str]]:
        """Where to put labels ``metrics_width`` apart at least, and what they say."""
        room = abs(self.end - self.start)
        count = max(2, int(room / max(1.0, metrics_width)))
        if self.log:
            return _log_ticks(self.low, self.high, count)
        return _linear_ticks(self.low, self.high, count, whole=self.whole)

    def _ends(self) -> tuple[float, float]:
        if not self.log:
            return (self.low, self.high) if self.high != self.low else (self.low, self.low + 1)
        low, high = math.log10(max(self.low, 1e-300)), math.log10(max(self.high, 1e-300))
        return (low, high) if high != low else (low, low + 1)

    def _with_ends(self, low: float, high: float) -> Scale:
        if self.log:
            low, high = 10.0 ** max(-300.0, low), 10.0 ** min(300.0, high)
        if not (math.isfinite(low) and math.isfinite(high)) or high - low < 1e-12 * abs(high):
            return self
        return replace(self, low=low, high=high)


def _linear_ticks(
    low: float, high: float, count: int, *, whole: bool = False
) -> tuple[list[float], list[str]]:
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low], [short(low)]
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    if whole:
        step = max(1.0, math.ceil(step))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    values = [k * step for k in range(first, min(last, first + 50) + 1)]
    return values, tick_labels(values, step)


def _log_ticks(low: float, high: float, count: int) -> tuple[list[float], list[str]]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = [10.0**k for k in range(first, last + 1)]
    inside = [value for value in decades if low * 0.999 <= value <= high * 1.001]
    if len(inside) < 2:
        fine = [m * decade for decade in decades for m in (1, 2, 3, 5)]
        inside = [value for value in fine if low * 0.999 <= value <= high * 1.001]
    if len(inside) < 2:
        return _linear_ticks(low, high, count)
    every = max(1, math.ceil(len(inside) / count))
    values = inside[::every]
    return values, [short(value) for value in values]


@dataclass(frozen=True)
class LegendEntry:
    """A name and how it is drawn: ``line``, ``dashed``, ``dots``, ``ring``,
    ``arrow`` or ``patch``."""

    label: str
    color: QColor
    style: str = "line"


@dataclass(frozen=True)
class ColorBar:
    """What the colours mean. ``levels`` makes it stepped, one band between neighbours; ``strength``
    below one mixes the colours with the page, as the bands of a contour map are."""

    label: str
    limits: tuple[float, float]
    diverging: bool
    levels: tuple[float, ...] = ()
    strength: float = 1.0


@dataclass(frozen=True)
class View:
    """Where a plot lies on the page and how data maps onto it."""

    plot: QRectF
    x: Scale
    y: Scale
    bar: QRectF | None = None

    def point(self, x: float, y: float) -> QPointF:
        """Data to page."""
        return QPointF(self.x.pixel(x), self.y.pixel(y))


def axis_title(axis: Axis) -> str:
    """Name and unit of a quantity, as printed figures write it: “time (s)”."""
    name = pick(axis.label)
    return f"{name} ({axis.unit})" if axis.unit and name else name or axis.unit


def legend_rows(
    entries: list[LegendEntry], width: float, drawn_with: Look
) -> list[list[tuple[LegendEntry, float]]]:
    """Entries with their widths, broken into rows that fit."""
    metrics = drawn_with.metrics(SMALL)
    swatch, gap = drawn_with.pixels(20), drawn_with.pixels(12)
    rows: list[list[tuple[LegendEntry, float]]] = [[]]
    used = 0.0
    for entry in entries:
        wide = min(width, swatch + metrics.horizontalAdvance(entry.label) + gap)
        if used + wide - gap > width and rows[-1]:
            rows.append([])
            used = 0.0
        rows[-1].append((entry, wide))
        used += wide
    return rows if entries else []


def draw_legend(
    painter: QPainter, at: QRectF, rows: list[list[tuple[LegendEntry, float]]], drawn_with: Look
) -> None:
    """Draw legend rows, right-aligned in ``at``."""
    metrics = drawn_with.metrics(SMALL)
    line, swatch, gap = metrics.height() + 2, drawn_with.pixels(20), drawn_with.pixels(12)
    y = at.top() + line / 2
    for row in rows:
        x = at.right() - sum(wide for _, wide in row) + gap
        for entry, wide in row:
            _draw_swatch(painter, QPointF(x, y), swatch - 5, entry)
            painter.setPen(drawn_with.color("ink"))
            painter.setFont(drawn_with.font(SMALL))
            room = wide - swatch - gap + 1
            label = metrics.elidedText(entry.label, Qt.TextElideMode.ElideRight, room)
            baseline = y + (metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(x + swatch, baseline), label)
            x += wide
        y += line


def _draw_swatch(painter: QPainter, at: QPointF, length: float, entry: LegendEntry) -> None:
    center = at + QPointF(length / 2, 0)
    if entry.style in ("dots", "patch"):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(entry.color)
        if entry.style == "dots":
            painter.drawEllipse(center, 3.5, 3.5)
        else:
            painter.drawRoundedRect(QRectF(center.x() - 5, center.y() - 4, 10, 8), 2, 2)
        return
    pen = QPen(entry.color, 2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if entry.style == "ring":
        pen.setWidthF(1.6)
        painter.setPen(pen)
        painter.drawEllipse(center, 3.2, 3.2)
        return
    if entry.style == "dashed":
        pen.setDashPattern([2.5, 1.8])
    painter.setPen(pen)
    end = at + QPointF(length, 0)
    painter.drawLine(at, end)
    if entry.style == "arrow":
        painter.drawPolyline([end + QPointF(-4, -3.5), end, end + QPointF(-4, 3.5)])


def draw_axes(
    painter: QPainter, view: View, x: Axis, drawn_with: Look, *, grid: bool = True
) -> None:
    """Grid, ticks of both axes and the name of the horizontal one."""
    metrics = drawn_with.metrics(SMALL)
    painter.setFont(drawn_with.font(SMALL))
    plot = view.plot
    # Half-pixel positions keep one-pixel lines crisp.
    hair = QPen(drawn_with.color("hairline"), 1)
    muted = drawn_with.color("muted")
    xs, x_labels = view.x.ticks(drawn_with.pixels(64))
    ys, y_labels = view.y.ticks(drawn_with.pixels(38))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(hair)
    for value in ys if grid else []:
        at = round(view.y.pixel(value))
        painter.drawLine(QPointF(plot.left(), at), QPointF(plot.right(), at))
    for value in xs if grid else []:
        at = round(view.x.pixel(value))
        painter.drawLine(QPointF(at, plot.top()), QPointF(at, plot.bottom()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(muted)
    for value, label in zip(ys, y_labels, strict=True):
        baseline = view.y.pixel(value) + metrics.ascent() / 2 - 1
        wide = metrics.horizontalAdvance(label)
        painter.drawText(QPointF(plot.left() - 6 - wide, baseline), label)
    base = plot.bottom() + 4 + metrics.ascent()
    for value, label in zip(xs, x_labels, strict=True):
        wide = metrics.horizontalAdvance(label)
        left = view.x.pixel(value) - wide / 2
        painter.drawText(QPointF(min(left, plot.right() - wide + 8), base), label)
    if title := axis_title(x):
        painter.setPen(drawn_with.color("ink"))
        left = plot.right() - metrics.horizontalAdvance(title)
        painter.drawText(QPointF(left, base + metrics.height()), title)


def draw_baseline(painter: QPainter, view: View, drawn_with: Look) -> None:
    """The frame's lower and left line, drawn over the data's ends."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(drawn_with.color("mark"), 1))
    plot = view.plot
    painter.drawLine(plot.bottomLeft(), plot.bottomRight())
    painter.drawLine(plot.topLeft(), plot.bottomLeft())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


def draw_color_bar(painter: QPainter, at: QRectF, bar: ColorBar, drawn_with: Look) -> None:
    """A vertical scale with its numbers; its name stands above it."""
    strip = QRectF(at.left(), at.top(), drawn_with.pixels(9), at.height())
    painter.setOpacity(bar.strength)
    painter.drawImage(strip, bar_image(bar, drawn_with))
    painter.setOpacity(1.0)
    metrics = drawn_with.metrics(SMALL)
    painter.setFont(drawn_with.font(SMALL))
    painter.setPen(drawn_with.color("muted"))
    for part, label in bar_ticks(bar, at.height(), drawn_with):
        y = strip.bottom() - part * strip.height()
        half = metrics.ascent() / 2 - 1
        y = min(max(y, strip.top() + half), strip.bottom() - half)
        painter.drawText(QPointF(strip.right() + 4, y + half), label)


def bar_image(bar: ColorBar, drawn_with: Look) -> QImage:
    """The colours of a bar from bottom to top."""
    if bar.levels:
        count = len(bar.levels) - 1
        at = (np.arange(count) + 0.5) / count * 255
        colors = drawn_with.lut(bar.diverging)[at.astype(int)]
        return image_of(np.repeat(colors, 16)[::-1].reshape(-1, 1))
    return image_of(drawn_with.lut(bar.diverging)[::-1].reshape(256, 1))


def bar_ticks(bar: ColorBar, length: float, drawn_with: Look) -> list[tuple[float, str]]:
    """(part of the length, label) of the numbers beside a colour bar."""
    room = drawn_with.pixels(32)
    if bar.levels:
        count = len(bar.levels) - 1
        every = max(1, math.ceil(count * room / max(1.0, length)))
        return [(k / count, short(bar.levels[k])) for k in range(0, count + 1, every)]
    low, high = bar.limits
    scale = Scale(low, high, 0.0, length)
    values, labels = scale.ticks(room)
    return [
        ((value - low) / ((high - low) or 1), label)
        for value, label in zip(values, labels, strict=True)
    ]


def bar_width(
    bar: ColorBar, drawn_with: Look, length: float = 160.0, *, exact: bool = False
) -> float:
    """Room that a colour bar needs beside a plot of at most this height: a figure that keeps its
    proportions may end up lower, and then other numbers stand beside the bar. ``exact`` says that
    it will be just so high."""
    metrics = drawn_with.metrics(SMALL)
    lengths = [length * part for part in ((1.0,) if exact else (1.0, 0.8, 0.6, 0.4))]
    labels = [label for each in lengths for _, label in bar_ticks(bar, each, drawn_with)]
    widest = max((metrics.horizontalAdvance(label) for label in labels), default=0.0)
    return drawn_with.pixels(9) + 4 + widest + 2
