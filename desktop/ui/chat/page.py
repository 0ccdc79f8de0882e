"""A secondary page of the pane: a heading with the way back, and a body that scrolls.

Imports Qt, icons and strings; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.ui.lesson.look import GlyphButton, label
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme


class ChatPage(QWidget):
    """Subclasses fill ``body`` and say their ``title_key``."""

    back_wanted = Signal()
    title_key = ""

    def __init__(self) -> None:
        super().__init__()
        self.back = GlyphButton("arrow-left", "muted")
        self.back.clicked.connect(self.back_wanted)
        self._title = label("heading")
        head = QHBoxLayout()
        head.setContentsMargins(8, 6, 12, 4)
        head.addWidget(self.back)
        head.addWidget(self._title, 1)
        inner = QWidget()
        inner.setProperty("kind", "clear")
        self.body = QVBoxLayout(inner)
        self.body.setContentsMargins(14, 4, 14, 14)
        self.body.setSpacing(10)
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.area, 1)
        language().changed.connect(self.retranslate)
        theme().changed.connect(self.refresh)

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self._title.setText(tr(self.title_key))
        self.area.setAccessibleName(tr(self.title_key))
        self.back.name_it(tr("chat.back"), "Esc")

    def refresh(self) -> None:
        """Theme or text size changed."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.back_wanted.emit()
        else:
            super().keyPressEvent(event)
