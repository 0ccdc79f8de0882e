"""Sharing an experiment: to a file or as a text, and back.

A damaged file or text gets a sentence, and what was open stays. Imports Qt, ``engine.recipe`` (which
imports no torch) and the strings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from desktop.bilingual import Bilingual, GlassboxError
from desktop.engine.recipe import SUFFIX, Recipe
from desktop.ui.lesson.code_view import cannot_write
from desktop.ui.strings import tr


class Sharing(QObject):
    """The menu behind the share button and what its entries do."""

    recipe_wanted = Signal()
    opened = Signal(object)
    told = Signal(str)
    failed = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._target: Path | Literal["clipboard"] | None = None
        self._slug = "experiment"
        self.actions: dict[str, QAction] = {}
        for name, handler in (
            ("save_file", self._ask_where_to),
            ("copy_text", self.copy_text),
            ("open_file", self._ask_which),
            ("paste_text", self.paste_text),
        ):
            action = QAction(self)
            action.triggered.connect(handler)
            self.actions[name] = action

    def make_menu(self, parent: QWidget) -> QMenu:
        """The entries as a menu."""
        menu = QMenu(parent)
        menu.addAction(self.actions["save_file"])
        menu.addAction(self.actions["copy_text"])
        menu.addSeparator()
        menu.addAction(self.actions["open_file"])
        menu.addAction(self.actions["paste_text"])
        return menu

    def set_lesson(self, slug: str) -> None:
        """Names the file that is proposed."""
        self._slug = slug
        self._target = None

    # ---- out

    def _ask_where_to(self) -> None:
        path, _kind = QFileDialog.getSaveFileName(
            self._window,
            tr("lesson_share.save_file"),
            f"{self._slug}{SUFFIX}",
            tr("lesson_share.files"),
        )
        if path:
            self.save_to(Path(path))

    def save_to(self, path: Path) -> None:
        """Write the experiment to ``path`` as soon as its recipe arrives."""
        self._target = path
        self.recipe_wanted.emit()

    def copy_text(self) -> None:
        """Put the experiment on the clipboard as soon as its recipe arrives."""
        self._target = "clipboard"
        self.recipe_wanted.emit()

    def take_recipe(self, recipe: Recipe) -> None:
        """The recipe that was asked for."""
        target, self._target = self._target, None
        if target is None:
            return
        try:
            if isinstance(target, Path):
                recipe.to_file(target)
                self.told.emit(tr("lesson_share.saved", name=target.name))
            else:
                QGuiApplication.clipboard().setText(recipe.to_text())
                self.told.emit(tr("lesson_share.copied"))
        except GlassboxError as error:
            self.failed.emit(error)
        except OSError as error:
            self.failed.emit(cannot_write(Path(str(target)), error))

    # ---- in

    def _ask_which(self) -> None:
        path, _kind = QFileDialog.getOpenFileName(
            self._window, tr("lesson_share.open_file"), "", tr("lesson_share.files")
        )
        if path:
            self.open_from(Path(path))

    def open_from(self, path: Path) -> None:
        """Read a saved experiment; ``opened`` or ``failed`` follows at once."""
        try:
            recipe = Recipe.from_file(path)
        except GlassboxError as error:
            self.failed.emit(error)
            return
        self.opened.emit(recipe)

    def paste_text(self) -> None:
        """Open the experiment whose text is on the clipboard."""
        text = QGuiApplication.clipboard().text().strip()
        if not text:
            self.failed.emit(
                GlassboxError(
                    Bilingual("剪贴板里没有文字。", "There is no text on the clipboard."),
                    Bilingual(
                        "先复制别人发来的实验文本。", "Copy the text of an experiment first."
                    ),
                )
            )
            return
        try:
            recipe = Recipe.from_text(text)
        except GlassboxError as error:
            self.failed.emit(error)
            return
        self.opened.emit(recipe)

    def retranslate(self) -> None:
        """All texts in the language in force."""
        for name, action in self.actions.items():
            action.setText(tr(f"lesson_share.{name}"))
