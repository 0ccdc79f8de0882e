"""The small field in which a weight or a bias is typed. Imports Qt."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.ui.panels.look import look


class NumberEditor(QLineEdit):
    """A field over a link or a bias: Enter sets the value, Escape or leaving drops it."""

    def __init__(self, parent: QWidget, value: float, accepted: Callable[[float], None]) -> None:
        super().__init__(f"{value:.4g}", parent)
        self._accepted = accepted
        self.setFixedSize(84, 28)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFont(look().font())
        self.selectAll()
        self.returnPressed.connect(self._accept)

    def _accept(self) -> None:
        try:
            value = float(self.text().replace("−", "-").replace(",", "."))
        except ValueError:
            self.selectAll()
            return
        if math.isfinite(value):
            self._accepted(value)
        self._close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._close()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.hide()

    def _close(self) -> None:
        self.hide()
        parent = self.parentWidget()
        if parent is not None:
            parent.setFocus()
