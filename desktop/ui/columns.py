"""The window's columns: outline, page and, while it is docked, the chat.

A column is as wide as its ``sizeHint`` says until the learner drags its edge; the size of the text
changing sets all of them anew. The learner's own width of the chat is kept only when it was dragged:
what large text forces on it is nobody's wish. Imports Qt and the interface's own modules; no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget

if TYPE_CHECKING:
    from desktop.ui.chat.pane import ChatPane


class Columns(QSplitter):
    """Outline | page | chat."""

    def __init__(self, outline: QWidget, page: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._outline = outline
        self._chat: ChatPane | None = None
        self.setHandleWidth(1)
        self.setChildrenCollapsible(False)
        self.addWidget(outline)
        self.addWidget(page)
        self.setStretchFactor(1, 1)
        self.splitterMoved.connect(self._keep_chat_width)

    def dock(self, chat: ChatPane) -> None:
        """The chat takes the third column."""
        self._chat = chat
        self.addWidget(chat)
        chat.show()
        self.share(outline=self.sizes()[0])

    def share(self, outline: int | None = None) -> None:
        """Give outline and chat the widths they want, and the page the rest."""
        left = self._outline.sizeHint().width() if outline is None else outline
        chat = self._docked()
        right = chat.wanted_width if chat is not None else 0
        self.setSizes([left, self.width() - left - right, right])

    def _docked(self) -> ChatPane | None:
        chat = self._chat
        return chat if chat is not None and chat.parent() is self and not chat.isHidden() else None

    def _keep_chat_width(self, _place: int, edge: int) -> None:
        if edge == 2 and (chat := self._docked()) is not None:
            chat.keep_width()
