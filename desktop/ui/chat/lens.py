"""The logit lens as a table: a row for each layer, the last on top; the best guesses from left to right.

Imports Qt, theme and strings; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from desktop.runtime.chat_messages import Inspection
from desktop.ui import fonts
from desktop.ui.chat.byte_tokens import spell_after
from desktop.ui.chat.numbers import share
from desktop.ui.plain import plain_tip
from desktop.ui.strings import tr
from desktop.ui.style import mixed
from desktop.ui.theme import palette, theme

RANKS = 3
STRONGEST = 0.5


class LensTable(QTableWidget):
    """Shade says how sure a layer would be; the token that was written is set in the accent."""

    def __init__(self) -> None:
        super().__init__(0, RANKS + 1)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setMinimumHeight(120)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.setTabKeyNavigation(False)
        self._shown: Inspection | None = None
        self.retranslate()

    def show_inspection(self, found: Inspection) -> None:
        """Show the lens of one token."""
        self._shown = found
        rows = len(found.lens)
        if self.rowCount() != rows:
            self.setRowCount(rows)
            names = [self._row_name(rows - 1 - row) for row in range(rows)]
            self.setVerticalHeaderLabels(names)
        self.verticalHeader().setDefaultSectionSize(theme().pixels(25))
        for row in range(rows):
            self._fill(row, rows - 1 - row)

    def _fill(self, row: int, layer: int) -> None:
        assert self._shown is not None
        found, p = self._shown, palette()
        rank = found.ranks[layer] if found.ranks else 0
        for column in range(RANKS):
            guesses = found.lens[layer]
            item = self._item(row, column)
            if column >= len(guesses):
                item.setText("")
                continue
            guess = guesses[column]
            one = spell_after(found.tokens, guess.label)
            item.setText(one.alone)
            item.setToolTip(
                plain_tip(f"{one.alone}  {share(guess.probability)}\n{one.tip}".strip())
            )
            shade = mixed(p.surface, p.accent, STRONGEST * min(1.0, guess.probability))
            item.setBackground(QBrush(QColor(shade)))
            font = fonts.letter_by_letter(fonts.mono_font(theme().pixels(12)))
            font.setBold(rank == column + 1)
            item.setFont(font)
            item.setForeground(QBrush(p.color("muted" if one.tip else "ink")))
        item = self._item(row, RANKS)
        item.setText(tr("chat_inside.rank", rank=f"{rank:,}") if rank else "")
        item.setForeground(QBrush(p.color("accent" if rank == 1 else "muted")))

    def _item(self, row: int, column: int) -> QTableWidgetItem:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            self.setItem(row, column, item)
        return item

    def _row_name(self, layer: int) -> str:
        return str(layer) if layer else tr("chat_inside.embedding")

    def clear_all(self) -> None:
        """Show nothing."""
        self._shown = None
        self.setRowCount(0)

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self.setAccessibleName(tr("chat_inside.tab_lens"))
        ranks = [tr("chat_inside.guess", number=number) for number in range(1, RANKS + 1)]
        self.setHorizontalHeaderLabels([*ranks, tr("chat_inside.written")])
        if self._shown is not None:
            shown = self._shown
            self.setRowCount(0)
            self.show_inspection(shown)
