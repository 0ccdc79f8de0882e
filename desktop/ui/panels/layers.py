"""Pictures kept between frames: what stays the same is painted once and then only copied.

Imports Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap


class Layer:
    """A part of a figure, painted again only when its key, its size or the screen changes."""

    def __init__(self) -> None:
        self._pixmap: QPixmap | None = None
        self._key: Hashable = None

    def paint(
        self,
        painter: QPainter,
        area: QRectF,
        ratio: float,
        key: Hashable,
        draw: Callable[[QPainter], None],
        page: QColor | None = None,
    ) -> None:
        """Copy the layer onto ``area``; ``draw`` paints it, in the figure's coordinates, when
        needed. ``page`` fills it first; without, what lies below shows through."""
        left, top = int(area.left()), int(area.top())  # whole pixels: copied, never resampled
        wide, high = int(area.right()) + 2 - left, int(area.bottom()) + 2 - top
        full_key = (key, left, top, wide, high, ratio)
        if self._pixmap is None or self._key != full_key:
            pixmap = QPixmap(max(1, round(wide * ratio)), max(1, round(high * ratio)))
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(page if page is not None else Qt.GlobalColor.transparent)
            inner = QPainter(pixmap)
            try:  # a painter left open by an exception would take the whole process down
                inner.setRenderHint(QPainter.RenderHint.Antialiasing)
                inner.translate(-left, -top)
                draw(inner)
            finally:
                inner.end()
            self._pixmap, self._key = pixmap, full_key
        painter.drawPixmap(QPointF(left, top), self._pixmap)

    def forget(self) -> None:
        """Paint it again next time, whatever its key."""
        self._pixmap = None
