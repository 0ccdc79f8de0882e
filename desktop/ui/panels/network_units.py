"""The units of a network picture: their maps, frames, biases and the diagnosis' flags.

All maps of a frame are resized by two matrix products and coloured in one array operation; a unit is
then a copy of pixels. Imports Qt, numpy, frames; no torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen, QPolygonF

from desktop.engine.frames import Network, NetworkLayer
from desktop.ui.panels.look import SMALL, Look, lasting_image
from desktop.ui.panels.network_layout import BIAS_FROM, NetworkLayout


class UnitPictures:
    """Draws the units of one panel; keeps resizing weights and rectangles between frames."""

    def __init__(self) -> None:
        self._resizers: dict[tuple[int, int], Any] = {}
        self._rects: tuple[NetworkLayout, list[QRect], list[list[QRect]]] | None = None

    def paint(
        self,
        painter: QPainter,
        layout: NetworkLayout,
        item: Network,
        drawn_with: Look,
        *,
        ratio: float,
        exporting: bool,
    ) -> None:
        """All units. ``exporting`` embeds each unit's own picture rather than pieces of one."""
        # Plain rectangles and copies without antialiasing are crisp and several times cheaper.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._paint_maps(painter, layout, item, drawn_with, ratio, exporting)
        frames, biases = self._rectangles(layout, item)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(drawn_with.color("mark"), 1))
        painter.drawRects(frames)
        for layer, rects in zip(item.layers, biases, strict=True):
            if layer.biases is not None and rects:
                _paint_biases(painter, layer, rects, drawn_with)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for k, layer in enumerate(item.layers):
            if layer.flags is not None:
                for flagged in np.flatnonzero(layer.flags).tolist():
                    _paint_flag(painter, layout.units[k][flagged], drawn_with)

    def _paint_maps(
        self,
        painter: QPainter,
        layout: NetworkLayout,
        item: Network,
        drawn_with: Look,
        ratio: float,
        exporting: bool,
    ) -> None:
        side = max(1, round(layout.tile * ratio))
        atlas = self._atlas(item, side, drawn_with)
        at = 0
        for k, layer in enumerate(item.layers):
            for i, rect in enumerate(layout.units[k]):
                if layer.maps is None or atlas is None:
                    painter.fillRect(rect, drawn_with.color("hover"))
                    painter.setPen(drawn_with.color("ink"))
                    painter.setFont(drawn_with.font(SMALL))
                    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, layer.units[i])
                    continue
                source = QRect(0, at * side, side, side)
                if exporting:  # the SVG writer would embed the whole atlas for each unit
                    painter.drawImage(rect, atlas.copy(source))
                else:
                    painter.drawImage(rect, atlas, QRectF(source))
                at += 1

    def _atlas(self, item: Network, side: int, drawn_with: Look) -> QImage | None:
        """All unit maps below each other in one image, each ``side`` pixels wide and high."""
        maps = [layer.maps for layer in item.layers if layer.maps is not None]
        if not maps or not all(m.shape[1:] == maps[0].shape[1:] for m in maps):
            return None
        stacked = np.concatenate(maps)[:, ::-1].astype(np.float32, copy=False)
        down, across = (self._resizer(n, side) for n in stacked.shape[1:])
        with np.errstate(invalid="ignore", over="ignore"):  # a diverged unit shows as absent
            resized = np.matmul(np.matmul(down, stacked), across.T)
        limits = (-item.limit, item.limit)
        packed = drawn_with.pack(resized.reshape(-1, side), diverging=True, limits=limits)
        return lasting_image(packed)

    def _resizer(self, count: int, side: int) -> Any:
        """(side, count) bilinear weights, kept."""
        found = self._resizers.get((count, side))
        if found is None:
            at = np.clip((np.arange(side) + 0.5) * count / side - 0.5, 0, count - 1)
            low = np.minimum(at.astype(int), max(0, count - 2))
            found = np.zeros((side, count), np.float32)
            found[np.arange(side), low] = 1 - (at - low)
            found[np.arange(side), np.minimum(low + 1, count - 1)] += at - low
            self._resizers[(count, side)] = found
        return found

    def _rectangles(
        self, layout: NetworkLayout, item: Network
    ) -> tuple[list[QRect], list[list[QRect]]]:
        """Frames of all units, and bias squares layer by layer, in whole pixels."""
        if self._rects is None or self._rects[0] is not layout:
            frames = [rect.toAlignedRect() for column in layout.units for rect in column]
            biases = [
                [layout.bias_rect(k, i).toAlignedRect() for i in range(len(column))]
                for k, column in enumerate(layout.units if layout.tile >= BIAS_FROM else ())
            ]
            self._rects = (layout, frames, biases or [[] for _ in item.layers])
        return self._rects[1], self._rects[2]


def _paint_biases(
    painter: QPainter, layer: NetworkLayer, rects: list[QRect], drawn_with: Look
) -> None:
    """The small squares at the units' corners, coloured by their bias."""
    assert layer.biases is not None
    biases = np.nan_to_num(layer.biases)
    limit = max(1.0, float(np.abs(biases).max(initial=0.0)))
    shades = ((biases / limit + 1.0) * 127.5).astype(int).tolist()
    colors = drawn_with.colors(diverging=True)
    for rect, shade in zip(rects, shades, strict=True):
        painter.fillRect(rect, colors[shade])
    painter.drawRects(rects)


def _paint_flag(painter: QPainter, rect: QRectF, drawn_with: Look) -> None:
    """A dashed frame and a corner triangle: seen without colour, too."""
    color = drawn_with.color("bad")
    pen = QPen(color, 2.0)
    pen.setDashPattern([2.2, 1.6])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    size = max(5.0, rect.width() * 0.3)
    corner = rect.topRight()
    painter.drawPolygon(QPolygonF([corner, corner - QPointF(size, 0), corner + QPointF(0, size)]))
