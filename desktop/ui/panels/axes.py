"""Axes of a plot: frame, numbers, grid, legend and colour bar, drawn with QPainter.

The layout follows printed figures: quantity names with units at the axes, a legend in one row above
the data, a colour bar at the right with its own name. Imports Qt, frames; no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from desktop.engine.frames import Axis
from desktop.ui.panels.look import SMALL, Look, image_of
from desktop.ui.panels.numbers import short
from desktop.ui.panels.scales import Scale
from desktop.ui.strings import pick

LINE_APART = 38.0
"""Between the numbers of a vertical axis."""


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


def number_width(y: Scale, drawn_with: Look) -> float:
    """Room for the widest number beside a vertical axis."""
    metrics = drawn_with.metrics(SMALL)
    _, labels = y.ticks(drawn_with.pixels(LINE_APART))
    return max((metrics.horizontalAdvance(label) for label in labels), default=0.0)


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
    ys, y_labels = view.y.ticks(drawn_with.pixels(LINE_APART))
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
