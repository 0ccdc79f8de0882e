"""What a question and an answer on the page have in common: small buttons, branches, a copy.

Imports Qt, the course's messages and strings; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.course.chats import Message
from desktop.ui.lesson.look import GlyphButton, label
from desktop.ui.strings import tr


class MessageView(QWidget):
    """What question and answer have in common: the row of small buttons, branches, a foot line."""

    branch_wanted = Signal(int, int)
    """message, −1 or +1: the older or newer sibling"""

    def __init__(self, message: Message, place: int, count: int) -> None:
        super().__init__()
        self.message = message
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(6)
        self.row = QHBoxLayout()
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(0)
        self._place, self._count = place, count
        self.older, self.newer = (
            GlyphButton("chevron-left", "muted", size=14),
            GlyphButton("chevron-right", "muted", size=14),
        )
        self.branch_label = label("small")
        self.older.clicked.connect(self._show_older)
        self.newer.clicked.connect(self._show_newer)
        self.copy_button = GlyphButton("copy", "muted", size=15)
        self.copy_button.clicked.connect(self._copy)

    def add_branch_buttons(self, row: QHBoxLayout) -> None:
        """‹ 2/3 › in the row where the subclass wants it, one that is in place: a button that is
        shown before it has a parent flashes up as a window and takes the focus."""
        for widget in (self.older, self.branch_label, self.newer):
            row.addWidget(widget)
        self.set_branches(self._place, self._count)

    def set_branches(self, place: int, count: int) -> None:
        """Which of its siblings this is."""
        self._place, self._count = place, count
        for widget in (self.older, self.branch_label, self.newer):
            widget.setVisible(count > 1)
        self.branch_label.setText(f"{place + 1}/{count}")
        self.older.setEnabled(place > 0)
        self.newer.setEnabled(place < count - 1)

    def _show_older(self) -> None:
        self.branch_wanted.emit(self.message.id, -1)

    def _show_newer(self) -> None:
        self.branch_wanted.emit(self.message.id, 1)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text().strip())

    def text(self) -> str:
        """What it says."""
        return self.message.text

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self.older.name_it(tr("chat.older_branch"))
        self.newer.name_it(tr("chat.newer_branch"))
        self.copy_button.name_it(tr("chat.copy_message"))

    def refresh(self) -> None:
        """Theme, language or size changed."""
        self.retranslate()
