"""The sheet with every keyboard shortcut: the window's own and those of the lesson in front.

Made from the same actions that the keys trigger, so it cannot be out of date. Imports Qt and strings;
no torch.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.commands import keys_in_words
from desktop.ui.overlay import Overlay
from desktop.ui.strings import tr

Group = tuple[str, Iterable[QAction]]


class ShortcutSheet(Overlay):
    """Two columns of groups; Escape closes it."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host, width=820)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._title, self._close = QLabel(), QPushButton()
        self._title.setProperty("role", "heading")
        self._close.clicked.connect(self.dismiss)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self._close)
        self.body.setSpacing(12)
        self.body.addWidget(self._title)
        self.body.addWidget(self._area, 1)
        self.body.addLayout(foot)

    def show_groups(self, groups: Iterable[Group]) -> None:
        """Fill the sheet with titled groups of actions that have keys, and open it."""
        self._title.setText(tr("shortcuts.title"))
        self._close.setText(tr("shortcuts.close"))
        content = QWidget()
        content.setProperty("kind", "clear")
        columns = QHBoxLayout(content)
        columns.setContentsMargins(0, 0, 8, 0)
        columns.setSpacing(36)
        sides = [QVBoxLayout(), QVBoxLayout()]
        lengths = [0, 0]
        for title, actions in groups:
            rows = [(plain(action.text()), action.shortcuts()) for action in actions]
            rows = [(text, keys) for text, keys in rows if keys]
            if rows:
                side = lengths.index(min(lengths))
                sides[side].addWidget(_group(title, rows))
                lengths[side] += len(rows) + 2
        for layout in sides:
            layout.setSpacing(14)
            layout.addStretch(1)
            columns.addLayout(layout, 1)
        self._area.setWidget(content)
        self.open()

    def first_focus(self) -> QWidget:
        return self._close

    def card_height(self) -> int:
        around = self.card.sizeHint().height() - self._area.sizeHint().height()
        inside = self._area.widget()
        if inside is None:
            return around
        edges = self.body.contentsMargins()
        width = self.card.width() - edges.left() - edges.right()
        return around + max(inside.sizeHint().height(), inside.heightForWidth(width))


def plain(text: str) -> str:
    """An action's text without the mark for its menu letter."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def _group(title: str, rows: list[tuple[str, list[QKeySequence]]]) -> QWidget:
    group = QWidget()
    grid = QGridLayout(group)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(0, 1)
    head = QLabel(title)
    head.setProperty("role", "section")
    grid.addWidget(head, 0, 0, 1, 2)
    for number, (text, keys) in enumerate(rows, start=1):
        label = QLabel(text)
        label.setWordWrap(True)
        grid.addWidget(label, number, 0)
        shown = QHBoxLayout()
        shown.setSpacing(5)
        shown.addStretch(1)
        for sequence in keys[:2]:
            key = QLabel(keys_in_words(sequence))
            key.setProperty("role", "key")
            shown.addWidget(key)
        grid.addLayout(shown, number, 1)
    return group
