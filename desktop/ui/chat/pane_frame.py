"""The form of the pane: its edge and colours, how wide it may be, and the width it had last.

Imports Qt, the course's store, style and theme; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame

from desktop.course.store import Store
from desktop.ui.lesson.look import sheet
from desktop.ui.theme import palette, theme

WIDTH = "chat.width"
FULL_WIDTH = 360


class PaneFrame(QFrame):
    """A frame on the right of the window that remembers its width."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.setObjectName("ChatPane")
        self._store = store
        self._kept_width = store.setting(WIDTH, 0)
        theme().changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        p = palette()
        self.setStyleSheet(
            f"{sheet()}\n#ChatPane {{ background: {p.paper}; border: 0;"
            f" border-left: 1px solid {p.hairline}; }}"
        )
        full = theme().pixels(FULL_WIDTH)
        self.setMinimumWidth(round(full * 0.86))
        self.setMaximumWidth(round(full * 1.7))

    @property
    def wanted_width(self) -> int:
        """The width it had last, or the one it begins with."""
        wanted = theme().pixels(self._kept_width or FULL_WIDTH)
        return min(max(self.minimumWidth(), wanted), self.maximumWidth())

    def sizeHint(self) -> QSize:
        return QSize(self.wanted_width, super().sizeHint().height())

    def keep_width(self) -> None:
        """Remember how wide it is now, in pixels at the usual size of text."""
        width = round(self.width() / theme().text_scale)
        if self.isVisible() and width != self._kept_width:
            self._kept_width = width
            self._store.set_setting(WIDTH, width)
