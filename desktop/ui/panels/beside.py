"""Words beside the edges of a 3-D picture that neither leave it nor lie on one another.

Imports Qt; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter

from desktop.ui.panels.heightfield import Projection

GAP, BELOW = 8.0, 2.0


class Placed:
    """Draws texts one after the other and knows where the earlier ones are."""

    def __init__(self, painter: QPainter, metrics: QFontMetricsF, view: Projection) -> None:
        self._painter, self._metrics, self._view = painter, metrics, view
        self.boxes: list[QRectF] = []

    def beside(self, at: QPointF, texts: list[str], outward: float, steep: float) -> None:
        """Text to the left or right of an edge that rises ``steep`` pixels in one. The longest of
        ``texts`` that is free goes there, else the shortest on the next free line."""
        found = [(text, self._box(at, text, outward, steep)) for text in texts if text]
        free = [(text, box) for text, box in found if self._free(box)]
        if not found:
            return
        self._draw(*(free[0] if free else (found[-1][0], self._lifted(found[-1][1]))))

    def if_free(self, at: QPointF, text: str, outward: float, steep: float) -> None:
        """The same for a text that the picture can do without where another one is."""
        box = self._box(at, text, outward, steep)
        if self._free(box):
            self._draw(text, box)

    def _draw(self, text: str, box: QRectF) -> None:
        self.boxes.append(box)
        self._painter.drawText(QPointF(box.left(), box.top() + self._metrics.ascent()), text)

    def _box(self, at: QPointF, text: str, outward: float, steep: float) -> QRectF:
        """Within the picture: where that pushes the text towards the edge, it goes down to stay
        below it."""
        wide, high = self._metrics.horizontalAdvance(text), self._metrics.height()
        wanted = at.x() + GAP if outward > 0 else at.x() - GAP - wide
        x = max(0.0, min(wanted, self._view.width - wide))
        lower = abs(wanted - x) * steep + 7.0 if abs(wanted - x) > 1 else 0.0
        return QRectF(x, min(at.y() + BELOW + lower, self._view.height - high), wide, high)

    def _free(self, box: QRectF) -> bool:
        inside = box.width() <= self._view.width
        return inside and not any(
            box.adjusted(-4, 0, 4, 0).intersects(other) for other in self.boxes
        )

    def _lifted(self, box: QRectF) -> QRectF:
        lines = [box.translated(0, k * box.height()) for k in (1, -1, 2, -2)]
        inside = [line for line in lines if 0 <= line.top() <= self._view.height - box.height()]
        return next((line for line in inside if self._free(line)), box)
