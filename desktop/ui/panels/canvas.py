"""The surface a panel draws on: cached picture, live overlay, mouse and keyboard.

The figure is painted into a pixmap once per change; hovering only lays the overlay over it, so it
answers within a frame however heavy the figure is. Imports Qt; no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui.panels.look import BODY, SMALL, Look, look
from desktop.ui.panels.subscripts import draw_name, name_width

if TYPE_CHECKING:
    from desktop.ui.panels.base import Panel


@dataclass(frozen=True)
class Hover:
    """What the pointer is over: where, a heading, and rows of (swatch, name, value)."""

    at: QPointF
    title: str = ""
    rows: tuple[tuple[QColor | None, str, str], ...] = ()
    text: str = ""

    def plain(self) -> str:
        """The same as lines of text, for screen readers and tests."""
        lines = [self.title] if self.title else []
        lines += [f"{name} {value}".strip() for _, name, value in self.rows]
        return "\n".join([*lines, *([self.text] if self.text else [])])


class Canvas(QWidget):
    """Paints its panel's figure and passes on what the learner does."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.panel = panel
        self.hover: Hover | None = None
        self.pointer: QPointF | None = None
        self._pixmap: QPixmap | None = None
        self._focused_by_key = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 60)

    def sizeHint(self) -> QSize:
        return QSize(420, 260)

    def area(self) -> QRectF:
        """Where the figure goes."""
        return QRectF(self.rect())

    def redraw(self) -> None:
        """The figure changed: paint it anew at the next refresh."""
        self._pixmap = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        drawn_with = look()
        if self._pixmap is None:
            self._pixmap = self._figure(drawn_with)
            if self.pointer is not None:  # the number under a resting pointer changes too
                self.hover = self.panel.hover_at(self.pointer)
        painter = QPainter(self)
        try:  # a painter left open by an exception would take the whole process down
            self._compose(painter, self._pixmap, drawn_with)
        finally:
            painter.end()

    def _compose(self, painter: QPainter, figure: QPixmap, drawn_with: Look) -> None:
        painter.drawPixmap(0, 0, figure)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.panel.paint_overlay(painter, self.area(), drawn_with)
        if self.hover is not None:
            draw_hover(painter, self.area(), self.hover, drawn_with)
        if self.hasFocus() and self._focused_by_key:
            painter.setPen(QPen(drawn_with.color("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.area().adjusted(1, 1, -1, -1), 4, 4)

    def _figure(self, drawn_with: Look) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio)))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(drawn_with.color("surface"))
        painter = QPainter(pixmap)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self.panel.paint_or_empty(painter, self.area(), drawn_with)
        finally:
            painter.end()
        return pixmap

    def point_at(self, position: QPointF | None) -> None:
        """Move the pointer (also used by tests and by keyboard navigation)."""
        self.pointer = position
        self.hover = None if position is None else self.panel.hover_at(position)
        self.update()

    # -- events ----------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._pixmap = None
        self.panel.canvas_resized()
        super().resizeEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._focused_by_key = False
        if not self.panel.press(event.position(), event):
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.panel.move_pointer(event.position(), event)
        self.point_at(event.position())
        self.setCursor(self.panel.cursor_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.panel.release(event.position(), event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.panel.double_click(event.position(), event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.panel.wheel(event.position(), event):
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.panel.key(event):
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.point_at(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        self.point_at(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._focused_by_key = event.reason() in (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
            Qt.FocusReason.ShortcutFocusReason,
        )
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        if by_mouse and self.panel.uses_right_button:
            return
        at = event.globalPos() if by_mouse else self.mapToGlobal(QPoint(8, 8))
        self.panel.menu().popup(at)


def draw_hover(painter: QPainter, area: QRectF, hover: Hover, drawn_with: Look) -> QRectF:
    """Draw the small box that names what the pointer is over, kept inside ``area``."""
    plain = drawn_with.font(BODY)
    small = drawn_with.font(SMALL)
    title_m, row_m = drawn_with.metrics(BODY, 600), drawn_with.metrics(BODY)
    text_m = drawn_with.metrics(SMALL)
    gap, pad, swatch = drawn_with.pixels(10), drawn_with.pixels(8), drawn_with.pixels(12)
    longest = max(120.0, area.width() * 0.7)
    swatches = swatch if any(color for color, _, _ in hover.rows) else 0.0
    names = max((row_m.horizontalAdvance(name) for _, name, _ in hover.rows), default=0.0)
    values = max((row_m.horizontalAdvance(value) for _, _, value in hover.rows), default=0.0)
    inner = swatches + names + (gap if names and values else 0) + values
    inner = max(inner, name_width(hover.title, drawn_with, BODY, 600))
    flags = Qt.TextFlag.TextWordWrap.value
    text_box = QRectF()
    if hover.text:
        wanted = min(longest, max(inner, text_m.horizontalAdvance(hover.text) + 1))
        text_box = text_m.boundingRect(QRectF(0, 0, wanted, 1000), flags, hover.text)
        inner = max(inner, text_box.width() + 1)
    inner = min(inner, longest)
    line = row_m.height() + 1
    height = (line if hover.title else 0) + line * len(hover.rows) + text_box.height()
    box = QRectF(0, 0, inner + 2 * pad, height + 1.5 * pad)
    box.moveTo(hover.at + QPointF(14, 12))
    if box.right() > area.right() - 2:
        box.moveRight(max(area.left() + box.width(), hover.at.x() - 12))
    if box.bottom() > area.bottom() - 2:
        box.moveBottom(max(area.top() + box.height(), hover.at.y() - 10))
    box.moveLeft(max(area.left() + 2, min(box.left(), area.right() - box.width() - 2)))
    box.moveTop(max(area.top() + 2, min(box.top(), area.bottom() - box.height() - 2)))
    painter.setPen(QPen(drawn_with.color("hairline"), 1))
    painter.setBrush(drawn_with.color("raised", 0.97))
    painter.drawRoundedRect(box, 5, 5)
    x, y = box.left() + pad, box.top() + 0.75 * pad
    if hover.title:
        painter.setPen(drawn_with.color("ink"))
        at = QPointF(x, y + title_m.ascent())
        draw_name(painter, at, hover.title, drawn_with, BODY, 600, room=inner + 1)
        y += line
    painter.setFont(plain)
    for color, name, value in hover.rows:
        if color is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawRoundedRect(QRectF(x, y + line / 2 - 3.5, 7, 7), 2, 2)
        painter.setPen(drawn_with.color("muted"))
        room = inner - swatches - row_m.horizontalAdvance(value) - (gap if value else 0)
        elided = row_m.elidedText(name, Qt.TextElideMode.ElideRight, room + 1)
        painter.drawText(QPointF(x + swatches, y + row_m.ascent()), elided)
        painter.setPen(drawn_with.color("ink"))
        right = box.right() - pad - row_m.horizontalAdvance(value)
        painter.drawText(QPointF(right, y + row_m.ascent()), value)
        y += line
    if hover.text:
        painter.setFont(small)
        painter.setPen(drawn_with.color("muted"))
        painter.drawText(QRectF(x, y, inner + 1, text_box.height() + 2), flags, hover.text)
    return box
