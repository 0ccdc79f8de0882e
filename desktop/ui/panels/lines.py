"""Curves, bands and dots in pixels, fast for long data.

A curve with more points than pixels is reduced to the smallest and largest value per pixel column,
which looks the same and costs a thousand lines however long the history is. Imports Qt, numpy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from shiboken6 import VoidPtr

Floats = NDArray[np.floating[Any]]
BLOCK = 64
FAR = 20_000.0
"""Pixels from the picture's corner, beyond any screen."""


class Extremes:
    """Smallest and largest value of each block of an append-only series, kept up to date.

    With it a million points are reduced from sixteen thousand blocks instead of from scratch.
    """

    def __init__(self) -> None:
        self._low = np.empty(0)
        self._high = np.empty(0)
        self._blocks = 0
        self._least = self._least_positive = math.inf
        self._most = -math.inf

    def update(self, values: Floats) -> None:
        """Take in what was appended since the last call."""
        blocks = len(values) // BLOCK
        if blocks < self._blocks:  # another series than before
            self._blocks = 0
            self._least = self._least_positive = math.inf
            self._most = -math.inf
        if blocks == self._blocks:
            return
        if blocks > len(self._low):
            room = max(256, 2 * blocks)
            self._low = np.concatenate([self._low[: self._blocks], np.empty(room - self._blocks)])
            self._high = np.concatenate([self._high[: self._blocks], np.empty(room - self._blocks)])
        fresh = values[self._blocks * BLOCK : blocks * BLOCK].reshape(-1, BLOCK)
        # NaN and infinity are gaps, not extremes; fmin and fmax pass over NaN.
        fresh = np.where(np.isfinite(fresh), fresh, np.nan)
        self._low[self._blocks : blocks] = np.fmin.reduce(fresh, axis=1)
        self._high[self._blocks : blocks] = np.fmax.reduce(fresh, axis=1)
        known = fresh[np.isfinite(fresh)]
        self._least = min(self._least, _least(known))
        self._least_positive = min(self._least_positive, _least(known[known > 0]))
        self._most = max(self._most, -_least(-known))
        self._blocks = blocks

    def reduced(
        self, steps: Floats, values: Floats, first: int, last: int, columns: int
    ) -> tuple[Floats, Floats]:
        """x and y of rows ``first`` to ``last``, from blocks when the points are too many."""
        if last - first <= 8 * BLOCK * max(1, columns) // 16 or last - first < 4 * BLOCK:
            return np.asarray(steps[first:last], float), np.asarray(values[first:last], float)
        begin, end = first // BLOCK, min(self._blocks, last // BLOCK)
        x = np.repeat(steps[begin * BLOCK : end * BLOCK : BLOCK].astype(float), 2)
        y = np.empty(len(x))
        y[0::2], y[1::2] = self._low[begin:end], self._high[begin:end]
        tail = slice(end * BLOCK, last)
        return (
            np.concatenate([x, steps[tail].astype(float)]),
            np.concatenate([y, np.asarray(values[tail], float)]),
        )

    def range(self, values: Floats, *, positive: bool) -> tuple[float, float] | None:
        """Smallest (for log axes: smallest positive) and largest finite value, exactly."""
        rest = values[self._blocks * BLOCK :]
        rest = rest[np.isfinite(rest) & (rest > 0)] if positive else rest[np.isfinite(rest)]
        low = min(self._least_positive if positive else self._least, _least(rest))
        high = max(self._most, -_least(-rest))
        return (low, high) if low <= high else None


def _least(values: Floats) -> float:
    return float(values.min()) if values.size else math.inf


def per_column(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Pixel positions with x ascending, reduced to two points per pixel column if there are more."""
    if len(x) < 600:
        return x, y
    column = np.floor(x)
    starts = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    if len(x) < 3 * len(starts):
        return x, y
    low, high = np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)
    first_low = y[starts] <= (low + high) / 2
    out_x, out_y = np.repeat(x[starts], 2), np.empty(2 * len(starts))
    out_y[0::2] = np.where(first_low, low, high)
    out_y[1::2] = np.where(first_low, high, low)
    return out_x, out_y


def draw_curve(
    painter: QPainter,
    x: Floats,
    y: Floats,
    color: QColor,
    *,
    width: float = 1.8,
    style: str = "line",
    exact: bool = False,
) -> None:
    """A curve through pixel positions, broken where they are not finite.

    A long curve is drawn with hairlines beside each other, because Qt strokes those thirty times
    faster than one wide line; ``exact`` (saved figures) always strokes.
    """
    if style == "steps" and len(x) > 1:
        x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    fast = len(x) > 300 and not exact and style != "dashed"
    pen = QPen(color, 1.0 if fast else width)
    pen.setCosmetic(fast)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    if style == "dashed":
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([3.2, 2.2])
    painter.setPen(pen)
    pieces = _pieces(x, np.clip(y, -1e5, 1e5))
    if len(pieces) == 1 and len(pieces[0][0]) == 1:
        draw_dots(painter, *pieces[0], color)  # a run before its first step: a dot can be seen
        return
    for piece_x, piece_y in pieces:
        if len(piece_x) == 1:
            painter.drawPoint(QPointF(piece_x[0], piece_y[0]))
            continue
        polygon = polygon_of(piece_x, piece_y)
        painter.drawPolyline(polygon)
        if fast:
            polygon.translate(0.0, 0.55)
            painter.drawPolyline(polygon)


def _pieces(x: Floats, y: Floats) -> list[tuple[Floats, Floats]]:
    good = np.isfinite(x) & np.isfinite(y)
    if good.all():
        return [(x, y)] if len(x) else []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(np.int8), [0]])))
    return [(x[a:b], y[a:b]) for a, b in zip(edges[0::2], edges[1::2], strict=True)]


def cut_far(x: Floats, y: Floats, reach: float = FAR) -> tuple[Floats, Floats]:
    """A path with what lies beyond ``reach`` pixels cut off, its pieces parted by NaN.

    Qt draws nothing sensible at a million pixels, and moving such a point nearer would turn the line
    that leads to it: each segment is cut where it leaves.
    """
    if len(x) < 2 or max(np.abs(x).max(), np.abs(y).max()) <= reach:
        return x, y
    start, end = np.zeros(len(x) - 1), np.ones(len(x) - 1)
    for at in (x, y):
        way = np.diff(at)
        along = np.where(way == 0, np.nan, way)
        edges = np.stack([(-reach - at[:-1]) / along, (reach - at[:-1]) / along])
        beside = np.where(np.abs(at[:-1]) <= reach, 0.0, 2.0)  # of a segment that runs along it
        start = np.maximum(start, np.where(way == 0, beside, edges.min(axis=0)))
        end = np.minimum(end, np.where(way == 0, 1.0, edges.max(axis=0)))
    kept = start <= end
    cut = []
    for at in (x, y):
        way = np.diff(at)
        first, last = at[:-1] + start * way, at[:-1] + end * way
        pieces = np.stack([first, last, np.full(len(first), np.nan)], axis=1)
        cut.append(pieces[kept].ravel())
    return cut[0], cut[1]


def polygon_of(x: Floats, y: Floats) -> QPolygonF:
    """Positions as a Qt polygon.

    Written into the polygon's own memory, thirty times faster than a list of points.
    """
    polygon = QPolygonF()
    if len(x):
        polygon.resize(len(x))
        # Two doubles a point; the stubs know of no wrapper's memory.
        memory: Any = VoidPtr(polygon.data(), len(x) * 16, True)  # type: ignore[call-arg, arg-type]
        places = np.frombuffer(memory, np.float64).reshape(-1, 2)
        places[:, 0], places[:, 1] = x, y
    return polygon


def draw_band(painter: QPainter, x: Floats, low: Floats, high: Floats, color: QColor) -> None:
    """A translucent band between two curves."""
    good = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
    if good.sum() < 2:
        return
    x, low, high = x[good], np.clip(low[good], -1e5, 1e5), np.clip(high[good], -1e5, 1e5)
    shade = QColor(color)
    shade.setAlphaF(0.16)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(shade)
    painter.drawPolygon(polygon_of(np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])))


def draw_dots(
    painter: QPainter,
    x: Floats,
    y: Floats,
    color: QColor,
    *,
    radius: float = 3.6,
    outline: QColor | None = None,
    hollow: bool = False,
) -> None:
    """Equal dots; an outline in the page's colour lifts them off what lies behind."""
    if hollow:
        painter.setPen(QPen(color, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
    else:
        painter.setPen(QPen(outline, 1.0) if outline is not None else Qt.PenStyle.NoPen)
        painter.setBrush(color)
    good = np.isfinite(x) & np.isfinite(y) & (np.abs(x) < 1e5) & (np.abs(y) < 1e5)
    for a, b in zip(x[good].tolist(), y[good].tolist(), strict=True):
        painter.drawEllipse(QPointF(a, b), radius, radius)
