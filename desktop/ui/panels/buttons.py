"""Small buttons of a panel's title row, drawn with one stroke width. Imports Qt; no torch."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFocusEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from desktop.ui.panels.look import SMALL, look


class GlyphButton(QAbstractButton):
    """A quiet button that shows a drawn glyph (``menu``, ``help``, ``plus``, …) or a short word."""

    def __init__(self, glyph: str, parent: QWidget | None = None, word: str = "") -> None:
        super().__init__(parent)
        self.glyph, self.word = glyph, word
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._ring = False

    def sizeHint(self) -> QSize:
        side = round(look().pixels(22))
        if not self.word:
            return QSize(side, side)
        return QSize(round(look().metrics(SMALL, 500).horizontalAdvance(self.word)) + 14, side)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def set_name(self, name: str, tip: str = "") -> None:
        """What it is called by screen readers, and its tooltip."""
        self.setAccessibleName(name)
        self.setToolTip(tip or name)

    def focusInEvent(self, event: QFocusEvent) -> None:
        reasons = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._ring = event.reason() in reasons
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        drawn_with = look()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        active = self.isChecked()
        if self.underMouse() or self.isDown() or active:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(drawn_with.color("selection" if active or self.isDown() else "hover"))
            painter.drawRoundedRect(box, 4, 4)
        ring = self._ring and self.hasFocus()
        role = "accent" if active or ring else "muted"
        pen = QPen(drawn_with.color(role if self.isEnabled() else "hairline"), 1.5)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.word:
            painter.setFont(drawn_with.font(SMALL, 500))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.word)
        else:
            draw_glyph(painter, self.glyph, box.center(), box.width() / 22)
        if ring:
            painter.setPen(QPen(drawn_with.color("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, 4, 4)
        painter.end()


def draw_glyph(painter: QPainter, glyph: str, center: QPointF, unit: float) -> None:
    """Draw ``glyph`` around ``center`` with the painter's pen; ``unit`` is a 22nd of the button."""

    def at(x: float, y: float) -> QPointF:
        return center + QPointF(x, y) * unit

    if glyph == "menu":
        painter.setBrush(painter.pen().color())
        for x in (-5.0, 0.0, 5.0):
            painter.drawEllipse(at(x, 0), 0.7 * unit, 0.7 * unit)
    elif glyph == "help":
        painter.drawEllipse(at(0, 0), 6.5 * unit, 6.5 * unit)
        path = QPainterPath(at(-1.9, -1.6))
        path.cubicTo(at(-1.7, -4.2), at(2.1, -4.2), at(1.9, -1.5))
        path.cubicTo(at(1.8, -0.2), at(0, -0.1), at(0, 1.4))
        painter.drawPath(path)
        painter.drawPoint(at(0, 3.6))
    elif glyph in ("plus", "minus", "close"):
        if glyph == "close":
            painter.drawLine(at(-3.4, -3.4), at(3.4, 3.4))
            painter.drawLine(at(-3.4, 3.4), at(3.4, -3.4))
            return
        painter.drawLine(at(-4, 0), at(4, 0))
        if glyph == "plus":
            painter.drawLine(at(0, -4), at(0, 4))
    elif glyph == "copy":
        painter.drawRoundedRect(QRectF(at(-5, -2.5), at(2, 5.5)), 1.5, 1.5)
        painter.drawPolyline([at(-2, -5.5), at(5, -5.5), at(5, 2)])
