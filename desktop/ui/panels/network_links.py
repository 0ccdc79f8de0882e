"""The links of a network picture: which gaps must be painted anew, and the pictures kept of the rest.

A gap is painted again when its weights differ visibly from those it shows. As eight layers of eight
would fill a frame's time with links alone, a frame paints the gaps that waited longest until its
budget is spent; the others follow in the next frames. Imports Qt, numpy; no torch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from desktop.ui.panels.links import DENSE, THICK, THIN, LinkMap, curve_heights
from desktop.ui.panels.look import Look, lasting_image
from desktop.ui.panels.network_layout import NetworkLayout

Weights = NDArray[np.floating[Any]]
LINK_WITHIN = 6.0
BUDGET = 45_000
"""Covered pixels computed in one frame; a gap of eight to eight units has about twenty thousand."""

REST = 0.045
"""Seconds between two paintings of a gap that alone exceeds the budget."""

SHADES = 80
"""Steps of a weight's width and strength that the eye can tell apart, generously."""


@dataclass(eq=False)
class _Gap:
    """What is shown of one gap, and what should be."""

    image: QImage
    shown: bytes
    painted: float


class LinkPictures:
    """Pictures of all gaps of one layout."""

    def __init__(self) -> None:
        self._maps: dict[tuple[int, float], LinkMap] = {}
        self._gaps: dict[int, _Gap] = {}
        self._drawn_with: Look | None = None
        self.behind = False
        """Whether some gap does not show the newest weights yet."""

    def forget(self) -> None:
        """The layout changed."""
        self._maps.clear()
        self._gaps.clear()

    def link_map(self, layout: NetworkLayout, k: int, ratio: float) -> tuple[LinkMap, float]:
        """The precomputed curves of gap ``k`` and their scale (device pixels for sparse gaps)."""
        dense = len(layout.units[k]) * len(layout.units[k + 1]) > DENSE
        scale = 1.0 if dense else ratio
        found = self._maps.get((k, scale))
        if found is None:
            gap = layout.gap(k)
            sources = np.array([r.center().y() - gap.top() for r in layout.units[k]]) * scale
            targets = np.array([r.center().y() - gap.top() for r in layout.units[k + 1]]) * scale
            size = max(1, round(gap.width() * scale)), max(1, round(gap.height() * scale))
            found = LinkMap.of(sources, targets, *size, scale)
            self._maps[(k, scale)] = found
        return found, scale

    def paint(
        self,
        painter: QPainter,
        layout: NetworkLayout,
        weights: Sequence[Weights],
        largest: float,
        drawn_with: Look,
        ratio: float,
    ) -> None:
        """Draw all gaps, computing anew only what changed and fits into this frame."""
        if drawn_with != self._drawn_with:
            self._gaps.clear()
            self._drawn_with = drawn_with
        wanted = {k: _visible(w, largest) for k, w in enumerate(weights)}
        stale = [k for k in wanted if k not in self._gaps or self._gaps[k].shown != wanted[k]]
        stale.sort(key=lambda k: self._gaps[k].painted if k in self._gaps else -1.0)
        now, left, self.behind = time.perf_counter(), BUDGET, False
        for k in stale:
            links, scale = self.link_map(layout, k, ratio)
            known = self._gaps.get(k)
            rests = links.cost > BUDGET and known is not None and now - known.painted < REST
            if known is not None and (rests or left < min(links.cost, BUDGET)):
                self.behind = True
                continue
            left -= links.cost
            self._gaps[k] = _Gap(
                _image(links, weights[k], largest, scale, drawn_with), wanted[k], now
            )
        for k in wanted:
            painter.drawImage(layout.gap(k).topLeft(), self._gaps[k].image)

    def link_at(
        self, layout: NetworkLayout, gaps: int, at: QPointF, ratio: float
    ) -> tuple[int, int, int] | None:
        """(gap, row, column) of the link under a place."""
        for k in range(gaps):
            gap = layout.gap(k)
            if gap.contains(at):
                links, scale = self.link_map(layout, k, ratio)
                inner = (at - gap.topLeft()) * scale
                found = links.nearest(inner.x(), inner.y(), LINK_WITHIN * scale)
                return None if found is None else (k, *divmod(found, len(layout.units[k])))
        return None


def _visible(weights: Weights, largest: float) -> bytes:
    """The weights as far as widths and colours tell them apart."""
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.rint(np.nan_to_num(weights * (SHADES / max(largest, 1e-12))))
    return np.minimum(np.maximum(steps, -SHADES), SHADES).astype(np.int8).tobytes()


def _image(
    links: LinkMap, weights: Weights, largest: float, scale: float, drawn_with: Look
) -> QImage:
    low, high = ends(drawn_with)
    image = lasting_image(links.paint(weights, largest, _rgb(low), _rgb(high), scale), alpha=True)
    image.setDevicePixelRatio(scale)
    return image


def ends(drawn_with: Look) -> tuple[QColor, QColor]:
    """The colours of the most negative and the most positive weight."""
    return drawn_with.sample(True, 0.0), drawn_with.sample(True, 1.0)


def _rgb(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()


def paint_exactly(
    painter: QPainter,
    layout: NetworkLayout,
    weights: Sequence[Weights],
    largest: float,
    drawn_with: Look,
) -> None:
    """The same links as vector curves, for saved figures."""
    low, high = ends(drawn_with)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for k, gap in enumerate(weights):
        for i in range(len(layout.units[k + 1])):
            for j in range(len(layout.units[k])):
                weight = float(gap[i, j])
                part = min(1.0, abs(weight) / largest)
                if not part > 0.01:
                    continue
                color = QColor(high if weight > 0 else low)
                color.setAlphaF(0.28 + 0.67 * part)
                painter.setPen(QPen(color, 2 * (THIN + (THICK - THIN) * part)))
                painter.drawPath(curve(layout, k, i, j))


def paint_pointed(
    painter: QPainter,
    layout: NetworkLayout,
    link: tuple[int, int, int],
    part: float,
    drawn_with: Look,
) -> None:
    """The link under the pointer, lifted off its neighbours; ``part`` is its weight of the largest."""
    low, high = ends(drawn_with)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, width in (
        (drawn_with.color("surface", 0.9), 7.0),
        (high if part >= 0 else low, 2.5 + 2.5 * min(1.0, abs(part))),
    ):
        painter.setPen(QPen(color, width))
        painter.drawPath(curve(layout, *link))


def curve(layout: NetworkLayout, k: int, row: int, column: int) -> QPainterPath:
    """One link as a path."""
    start, end = layout.units[k][column], layout.units[k + 1][row]
    heights = curve_heights(np.array([start.center().y()]), np.array([end.center().y()]), 24)[0]
    path = QPainterPath(QPointF(start.right(), start.center().y()))
    wide = end.left() - start.right()
    for n, y in enumerate(heights.tolist()):
        path.lineTo(start.right() + wide * (n + 0.5) / 24, y)
    path.lineTo(end.left(), end.center().y())
    return path
