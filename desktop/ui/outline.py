"""The left column: the course's chapters and lessons with progress, search and the other pages.

It has two forms, chosen by the window: 220 px with titles, or a 52 px rail with marks only. Imports
Qt, strings, icons and the course's data types; no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
)

from desktop.course.lesson import Chapter
from desktop.ui import commands
from desktop.ui.icons import icon, pixmap
from desktop.ui.lesson_list import LessonList, Progress
from desktop.ui.strings import language, tr
from desktop.ui.style import mark
from desktop.ui.theme import theme

Page = Literal["lesson", "glossary", "settings"]
FULL_WIDTH, RAIL_WIDTH = 220, 52


class Outline(QFrame):
    """Chapters, lessons and the way to everything else."""

    lesson_chosen = Signal(str)

    def __init__(
        self,
        chapters: tuple[Chapter, ...],
        progress: Callable[[str], Progress],
        actions: dict[str, QAction],
        menu: QMenu,
    ) -> None:
        super().__init__()
        self.setProperty("kind", "sidebar")
        self.folded = False
        self._actions = actions
        self.lessons = LessonList(chapters, progress)
        self.lessons.chosen.connect(self.lesson_chosen)
        self._fill(menu)
        language().changed.connect(self.retranslate)
        theme().changed.connect(self._resize)
        self.retranslate()
        self._resize()

    def _fill(self, menu: QMenu) -> None:
        self._logo, self._brand = QLabel(), QLabel()
        self._brand.setProperty("role", "brand")
        self.fold_button = QToolButton()
        self.fold_button.setIcon(icon("sidebar", "muted"))
        self.fold_button.clicked.connect(self._actions["fold_outline"].trigger)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._logo)
        head.addWidget(self._brand, 1)
        head.addWidget(self.fold_button)

        self.search_button = self._button("search", "field")
        self._keys = QLabel(self.search_button)
        self._keys.setProperty("role", "small")
        inside = QHBoxLayout(self.search_button)
        inside.setContentsMargins(0, 0, 9, 0)
        inside.addWidget(self._keys, 0, Qt.AlignmentFlag.AlignRight)

        self.glossary_button = self._button("glossary", "nav")
        self.chat_button = self._button("chat", "nav")
        self.settings_button = self._button("settings", "nav")
        for button in (self.glossary_button, self.chat_button, self.settings_button):
            button.setCheckable(True)
        self.menu_button = QPushButton(icon("menu"), "")
        self.menu_button.setProperty("kind", "nav")
        self._menu = menu
        self.menu_button.clicked.connect(self._open_menu)

        self._layout = QVBoxLayout(self)
        self._layout.setSpacing(3)
        self._layout.addLayout(head)
        self._layout.addSpacing(6)
        self._layout.addWidget(self.search_button)
        self._layout.addSpacing(6)
        self._layout.addWidget(self.lessons, 1)
        for button in (
            self.glossary_button,
            self.chat_button,
            self.settings_button,
            self.menu_button,
        ):
            self._layout.addWidget(button)

    def _open_menu(self) -> None:
        corner = self.menu_button.mapToGlobal(self.menu_button.rect().topLeft())
        self._menu.popup(corner - QPoint(0, self._menu.sizeHint().height() + 4))

    def _button(self, command: str, kind: str) -> QPushButton:
        action = self._actions[command]
        button = QPushButton(icon(action_icon(command), "muted" if kind == "field" else "ink"), "")
        button.setProperty("kind", kind)
        button.clicked.connect(action.trigger)
        return button

    def retranslate(self) -> None:
        """Texts in the language in force; none in the rail, where tool tips tell."""
        self._brand.setText(tr("shell.name"))
        self._keys.setText(commands.key_text(self._actions["search"]))
        named = {
            self.search_button: ("outline.search", "search"),
            self.glossary_button: ("outline.glossary", "glossary"),
            self.chat_button: ("outline.chat", "chat"),
            self.settings_button: ("outline.settings", "settings"),
            self.menu_button: ("outline.menu", ""),
        }
        for button, (key, command) in named.items():
            button.setText("" if self.folded else tr(key))
            button.setAccessibleName(tr(key))
            tip = commands.with_keys(tr(key), self._actions[command]) if command else tr(key)
            button.setToolTip(tip)
        name = tr("outline.unfold" if self.folded else "outline.fold")
        self.fold_button.setAccessibleName(name)
        self.fold_button.setToolTip(commands.with_keys(name, self._actions["fold_outline"]))
        self.lessons.setAccessibleName(tr("outline.lessons"))
        self.lessons.refresh()

    def show_position(self, page: Page, slug: str) -> None:
        """Mark what the window shows now."""
        self.glossary_button.setChecked(page == "glossary")
        self.settings_button.setChecked(page == "settings")
        self.lessons.show_current(slug, active=page == "lesson")

    def show_chat(self, open_: bool) -> None:
        """Mark whether the chat is open."""
        self.chat_button.setChecked(open_)

    def set_folded(self, folded: bool) -> None:
        """Switch between the full column and the rail."""
        if folded != self.folded:
            self.folded = folded
            self._resize()
            self.retranslate()

    def _resize(self) -> None:
        self._logo.setVisible(not self.folded)
        self._brand.setVisible(not self.folded)
        self._keys.setVisible(not self.folded)
        logo = theme().pixels(24)
        self._logo.setPixmap(pixmap("app", logo, "black", self.devicePixelRatioF()))
        edge = 7 if self.folded else 10
        self._layout.setContentsMargins(edge, 10, edge, 10)
        self.lessons.set_folded(self.folded)
        side = theme().pixels(18)
        for button in (
            self.search_button,
            self.glossary_button,
            self.chat_button,
            self.settings_button,
            self.menu_button,
        ):
            button.setIconSize(QSize(side, side))
            mark(button, folded=self.folded)
        self.fold_button.setIconSize(QSize(side, side))
        rail = RAIL_WIDTH + theme().pixels(20) - 20
        full = theme().pixels(FULL_WIDTH)
        self.setMinimumWidth(rail if self.folded else round(full * 0.85))
        self.setMaximumWidth(rail if self.folded else round(full * 1.6))

    def sizeHint(self) -> QSize:
        """The width it starts with; the splitter may change it."""
        width = self.minimumWidth() if self.folded else theme().pixels(FULL_WIDTH)
        return QSize(width, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.lessons.refresh()


def action_icon(command: str) -> str:
    """The icon name of a command in the table."""
    return next(entry.icon for entry in commands.TABLE if entry.id == command)
