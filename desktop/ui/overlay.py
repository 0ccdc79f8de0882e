"""A sheet laid over the window: search, shortcuts, about. No second window, so nothing can get lost.

The window behind is dimmed; Escape, a click outside or the close button puts it away and gives the
focus back to where it was. Imports Qt and theme; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QVBoxLayout, QWidget

from desktop.ui.theme import theme

MARGIN = 24


class Overlay(QWidget):
    """Dims ``host`` and shows one card on it. Subclasses fill ``self.body``."""

    closed = Signal()

    def __init__(self, host: QWidget, *, width: int, top: float | None = None) -> None:
        """``width`` at 100 % text; ``top`` is a part of the height, or ``None`` for the middle."""
        super().__init__(host)
        self._host = host
        self._width, self._top = width, top
        self._focus_before: QWidget | None = None
        self.card = QFrame(self)
        self.card.setProperty("kind", "popup")
        self.body = QVBoxLayout(self.card)
        self.body.setContentsMargins(20, 18, 20, 18)
        self.setVisible(False)
        host.installEventFilter(self)
        theme().changed.connect(self._place)

    def open(self) -> None:
        """Show the sheet above everything in the window."""
        self._focus_before = QApplication.focusWidget()
        self.show()
        self.raise_()
        self._place()
        self.first_focus().setFocus(Qt.FocusReason.PopupFocusReason)

    def dismiss(self) -> None:
        """Put it away."""
        if self.isHidden():
            return
        self.hide()
        if self._focus_before is not None and self._focus_before.isVisible():
            self._focus_before.setFocus(Qt.FocusReason.PopupFocusReason)
        self._focus_before = None
        self.closed.emit()

    def first_focus(self) -> QWidget:
        """What has the focus when it opens."""
        return self.card

    def card_height(self) -> int:
        """Height the card wants at its present width."""
        width = self.card.width()
        wanted = self.body.heightForWidth(width) if self.body.hasHeightForWidth() else -1
        return max(wanted, self.card.sizeHint().height())

    def _place(self) -> None:
        if self.isHidden():
            return
        self.setGeometry(self._host.rect())
        width = min(theme().pixels(self._width), self.width() - 2 * MARGIN)
        self.card.setFixedWidth(width)
        height = min(self.card_height(), self.height() - 2 * MARGIN)
        self.card.setFixedHeight(height)
        free = self.height() - height
        top = free // 2 if self._top is None else min(round(self.height() * self._top), free)
        self.card.move(QPoint((self.width() - width) // 2, top))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._host and event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        shade = QColor("#0B0E12")
        shade.setAlphaF(0.5 if theme().name == "dark" else 0.28)
        painter = QPainter(self)
        painter.fillRect(self.rect(), shade)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.card.geometry().contains(event.position().toPoint()):
            self.dismiss()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab stays inside the sheet."""
        inside = [
            child
            for child in self.card.findChildren(QWidget)
            if child.isVisible()
            and child.isEnabled()
            and child.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]
        if not inside:
            return False
        now = QApplication.focusWidget()
        at = inside.index(now) if now in inside else -1
        inside[(at + (1 if forward else -1)) % len(inside)].setFocus(
            Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        )
        return True
