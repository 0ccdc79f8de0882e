"""An answer token by token: every token can be chosen, its tint says how surprised the model was.

Shown in place of the typeset answer while the look inside is open. Arrow keys go from token to token.
Imports Qt, fonts and theme; no torch.
"""

from __future__ import annotations

import bisect
import math
from functools import lru_cache

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QTextCharFormat,
    QTextCursor,
)

from desktop.course.chats import TokenRecord
from desktop.ui.chat.blocks import Text
from desktop.ui.strings import tr
from desktop.ui.theme import palette

TINTS = 6
"""Few shades, so that neighbours of one shade are one run to lay out and paint."""
SURPRISE_FULL = 5.0
"""A token of this many nats of surprise (less than 1 %) has the full tint."""


class TokenText(Text):
    """Tokens as runs of text; ``token_chosen(place)``."""

    token_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self._records: list[TokenRecord] = []
        self._starts: list[int] = []
        self._length = 0
        self.chosen = -1
        self.setAccessibleName(tr("chat.tokens_name"))

    def show_tokens(self, records: list[TokenRecord]) -> None:
        """Begin again with these."""
        self.clear()
        self._set_plain_font()
        self._records, self._starts, self._length, self.chosen = [], [], 0, -1
        self.add(records)

    def add(self, records: list[TokenRecord]) -> None:
        """More tokens at the end."""
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        for one in records:
            self._records.append(one)
            self._starts.append(self._length)
            cursor.insertText(one.text, _tint(one))
            self._length = cursor.position()
        cursor.endEditBlock()
        self.fit()

    def choose(self, place: int, *, tell: bool = True) -> None:
        """Mark one token."""
        if not 0 <= place < len(self._records):
            return
        self.chosen = place
        selection = self.ExtraSelection()
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._starts[place])
        ends = (*self._starts[place + 1 :], self._length)
        # A token that only begins a character has no letter yet: mark the one it belongs to.
        end = next((one for one in ends if one > self._starts[place]), self._length)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        cursor.setKeepPositionOnInsert(True)  # what is written next is not marked with it
        form = QTextCharFormat()
        form.setBackground(palette().color("accent"))
        form.setForeground(palette().color("accent_ink"))
        selection.format = form
        selection.cursor = cursor
        self.setExtraSelections([selection])
        if tell:
            self.token_chosen.emit(place)

    def chosen_place(self) -> QRect | None:
        """Where the marked token is."""
        if not 0 <= self.chosen < len(self._starts):
            return None
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._starts[self.chosen])
        return self.cursorRect(cursor)

    def clear_choice(self) -> None:
        """No token is marked."""
        self.chosen = -1
        self.setExtraSelections([])

    def place_at(self, position: int) -> int:
        """The token at a place in the text."""
        return bisect.bisect_right(self._starts, position) - 1

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and not self.textCursor().hasSelection():
            point = event.position().toPoint()
            cursor = self.cursorForPosition(point)
            position = cursor.position()
            if self.cursorRect(cursor).left() > point.x():
                position -= 1  # the nearest gap may be the one behind the letter
            self.choose(self.place_at(max(0, position)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is not None and self._records:
            at = self.chosen + step if self.chosen >= 0 else len(self._records) - 1
            self.choose(min(max(0, at), len(self._records) - 1))
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self.chosen < 0 and event.reason() in (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
        ):
            self.choose(len(self._records) - 1)


def _tint(one: TokenRecord) -> QTextCharFormat:
    share = min(1.0, max(0.0, -one.logprob / SURPRISE_FULL))
    if not math.isfinite(share):
        share = 1.0
    return _shade(round(share * TINTS), palette().ink, palette().warning)


@lru_cache(maxsize=64)
def _shade(level: int, ink: str, warning: str) -> QTextCharFormat:
    form = QTextCharFormat()
    form.setForeground(QColor(ink))
    color = QColor(warning)
    color.setAlphaF(0.42 * level / TINTS)
    form.setBackground(color)
    return form
