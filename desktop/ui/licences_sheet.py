"""Every part of Glassbox with its version and licence; the text of the chosen one beside the list.

Texts are shown as they are, never interpreted. Imports Qt, strings and licences; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)

from desktop import licences
from desktop.ui.fonts import mono_font
from desktop.ui.overlay import Overlay
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme

HEIGHT = 520


class LicencesSheet(Overlay):
    """A list at the left, the licence at the right."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host, width=900)
        self._parts = licences.parts()
        self._title, self._hint, self._close = QLabel(), QLabel(), QPushButton()
        self._title.setProperty("role", "heading")
        self._hint.setProperty("role", "small")
        self.list = QListWidget()
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(mono_font(12))
        for part in self._parts:
            QListWidgetItem(f"{part.name}  {part.version}", self.list)
        self.list.currentRowChanged.connect(self._show)
        self._close.clicked.connect(self.dismiss)
        both = QHBoxLayout()
        both.setSpacing(12)
        both.addWidget(self.list, 2)
        both.addWidget(self.text, 5)
        foot = QHBoxLayout()
        foot.addWidget(self._hint, 1)
        foot.addWidget(self._close)
        self.body.setSpacing(12)
        self.body.addWidget(self._title)
        self.body.addLayout(both, 1)
        self.body.addLayout(foot)
        language().changed.connect(self.retranslate)
        self.retranslate()
        self.list.setCurrentRow(0)

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self._title.setText(tr("about.licences_title"))
        self._hint.setText(tr("about.licences_hint"))
        self._close.setText(tr("about.close"))
        self.list.setAccessibleName(tr("about.licences_title"))
        self._show(self.list.currentRow())

    def first_focus(self) -> QWidget:
        return self.list

    def card_height(self) -> int:
        return theme().pixels(HEIGHT)

    def _show(self, row: int) -> None:
        if row < 0:
            return
        part = self._parts[row]
        named = part.licence or tr("about.licences_unnamed")
        text = part.text() or tr("about.licences_none", licence=named)
        self.text.setPlainText(f"{part.licence}\n\n{text}" if part.licence else text)
        self.text.setAccessibleName(part.name)
        self.text.verticalScrollBar().setValue(0)
        self.list.scrollToItem(self.list.currentItem(), QListWidget.ScrollHint.EnsureVisible)
