"""The likeliest tokens at one place as bars; choosing another than the one written begins a branch.

Imports Qt, theme and strings; no torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.course.chats import TokenRecord
from desktop.ui import fonts
from desktop.ui.chat.byte_tokens import Spelled, labels, spell_after, spell_record
from desktop.ui.chat.numbers import share
from desktop.ui.plain import plain_tip
from desktop.ui.strings import tr
from desktop.ui.theme import palette, theme

ROW = 25.0


class Row(NamedTuple):
    """One bar."""

    token: int
    name: Spelled
    chance: float


class Alternatives(QWidget):
    """``chosen(token)`` when another token than the written one is picked."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.rows: list[Row] = []
        self._written = -1
        self._current = -1
        self.may_choose = True
        """Whether an answer could go on from another one: by the model that wrote it alone."""
        self.retranslate()

    def show_token(self, records: Sequence[TokenRecord], place: int) -> None:
        """The alternatives of a token, the likeliest first; the written one is always among them."""
        record = records[place]
        before = labels(records[max(0, place - 4) : place])
        written = spell_record(records, place)
        rows = [
            Row(
                number,
                written if number == record.id else spell_after(before, name),
                math.exp(chance),
            )
            for number, name, chance in record.top
        ]
        if rows and all(row.token != record.id for row in rows):
            rows.append(Row(record.id, written, math.exp(record.logprob)))
        self.rows, self._written = rows, record.id
        self._current = min(self._current, len(rows) - 1)
        self.setFixedHeight(self.sizeHint().height())
        self._say()
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self.rows, self._current = [], -1
        self.update()

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self._say()

    def sizeHint(self) -> QSize:
        return QSize(200, round(self._row()) * max(1, len(self.rows)) + 4)

    def _row(self) -> float:
        return theme().pixels(ROW)

    def _say(self) -> None:
        self.setAccessibleName(tr("chat_inside.tab_bars"))
        parts = [f"{row.name.alone} {share(row.chance)}" for row in self.rows]
        self.setAccessibleDescription(", ".join(parts))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        p = palette()
        row, width = self._row(), float(self.width())
        name_width = min(width * 0.36, theme().pixels(118))
        share_width = theme().pixels(54)
        font = fonts.ui_font(theme().pixels(12))
        mono = fonts.letter_by_letter(fonts.mono_font(theme().pixels(12)))
        for place, (number, name, chance) in enumerate(self.rows):
            quiet = name.quiet or bool(name.tip)
            rect = QRectF(1, place * row + 1, width - 2, row - 2)
            if place == self._current:
                painter.setPen(p.color("accent") if self.hasFocus() else Qt.PenStyle.NoPen)
                painter.setBrush(p.color("hover"))
                painter.drawRoundedRect(rect, 5, 5)
            written = number == self._written
            painter.setPen(p.color("accent" if written else "muted" if quiet else "ink"))
            painter.setFont(mono)
            text = painter.fontMetrics().elidedText(
                name.alone, Qt.TextElideMode.ElideRight, round(name_width - 12)
            )
            left = rect.adjusted(7, 0, name_width - rect.width(), 0)
            painter.drawText(left, int(Qt.AlignmentFlag.AlignVCenter), text)
            room = width - name_width - share_width - 10
            bar = QRectF(name_width, rect.top() + row * 0.28, max(2.0, room * chance), row * 0.38)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(p.accent if written else p.mark))
            painter.drawRoundedRect(bar, 2, 2)
            painter.setPen(p.color("muted"))
            painter.setFont(fonts.tabular(font))
            painter.drawText(
                rect.adjusted(0, 0, -6, 0),
                int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight),
                share(chance),
            )
        painter.end()

    # ---- choosing

    def pick(self, place: int) -> None:
        """Go on from this alternative, unless it is the one that was written."""
        if self._is_other(place):
            self.chosen.emit(self.rows[place].token)

    def _is_other(self, place: int) -> bool:
        there = 0 <= place < len(self.rows)
        return self.may_choose and there and self.rows[place].token != self._written

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = int(event.position().y() // self._row())
        inside = 0 <= place < len(self.rows)
        self._current = place if inside else -1
        other = self._is_other(place)
        self.setCursor(Qt.CursorShape.PointingHandCursor if other else Qt.CursorShape.ArrowCursor)
        if inside:
            row, told = self.rows[place], ""
            if other:
                told = tr("chat_inside.tip_other", token=row.name.alone)
            elif row.token == self._written:
                told = tr("chat_inside.tip_written")
            self.setToolTip(plain_tip(f"{told}\n{row.name.tip}".strip()))
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.pick(int(event.position().y() // self._row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is not None and self.rows:
            self._current = min(max(0, self._current + step), len(self.rows) - 1)
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.pick(self._current)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._current < 0 and self.rows:
            self._current = 0
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
