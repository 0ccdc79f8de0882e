"""Everything the window itself can do, in one table: name, icon, keys, place in the menu.

The menu, the shortcuts and the shortcut sheet are all made from this table, so none of them can
forget a command. The lesson adds its own actions (play, step, fork …). Imports Qt, strings and icons;
no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from desktop.ui.icons import icon
from desktop.ui.strings import tr

Group = Literal["go", "view", "help"]
ARROWS = {
    Qt.Key.Key_Left: "←",
    Qt.Key.Key_Right: "→",
    Qt.Key.Key_Up: "↑",
    Qt.Key.Key_Down: "↓",
}
GROUPS: tuple[Group, ...] = ("go", "view", "help")


@dataclass(frozen=True)
class Command:
    """One thing the window can do; its text is ``command.<id>``."""

    id: str
    icon: str
    keys: tuple[str, ...]
    group: Group


TABLE = (
    Command("search", "search", ("Ctrl+K", "Ctrl+F"), "go"),
    Command("lesson", "book", ("Ctrl+L",), "go"),
    Command("previous_lesson", "arrow-left", ("Ctrl+PgUp",), "go"),
    Command("next_lesson", "arrow-right", ("Ctrl+PgDown",), "go"),
    Command("glossary", "glossary", ("Ctrl+G",), "go"),
    Command("chat", "chat", ("Ctrl+J",), "go"),
    Command("settings", "settings", ("Ctrl+,",), "go"),
    Command("fold_outline", "sidebar", ("Ctrl+B",), "view"),
    Command("switch_theme", "theme", ("Ctrl+Shift+L",), "view"),
    Command("switch_language", "language", ("Ctrl+Shift+E",), "view"),
    Command("larger_text", "plus", ("Ctrl++", "Ctrl+="), "view"),
    Command("smaller_text", "minus", ("Ctrl+-",), "view"),
    Command("normal_text", "text-size", ("Ctrl+0",), "view"),
    Command("full_screen", "expand", ("F11",), "view"),
    Command("shortcuts", "keyboard", ("F1", "?"), "help"),
    Command("about", "info", (), "help"),
    Command("quit", "close", ("Ctrl+Q",), "help"),
)


def make_actions(
    parent: QObject, handlers: Mapping[str, Callable[[], object]]
) -> dict[str, QAction]:
    """One ``QAction`` for each command; a command without a handler is an error."""
    actions = {}
    for command in TABLE:
        action = QAction(icon(command.icon), "", parent)
        action.setShortcuts([QKeySequence(keys) for keys in command.keys])
        action.triggered.connect(handlers[command.id])
        actions[command.id] = action
    if "quit" in actions:
        actions["quit"].setMenuRole(QAction.MenuRole.QuitRole)
        actions["about"].setMenuRole(QAction.MenuRole.AboutRole)
        actions["settings"].setMenuRole(QAction.MenuRole.PreferencesRole)
    retranslate(actions)
    return actions


def retranslate(actions: Mapping[str, QAction]) -> None:
    """Set the texts in the language in force."""
    for name, action in actions.items():
        action.setText(tr(f"command.{name}"))
        action.setToolTip(with_keys(tr(f"command.{name}"), action))


def with_keys(text: str, action: QAction) -> str:
    """A tool tip that also tells the shortcut."""
    keys = key_text(action)
    return f"{text}  {keys}" if keys else text


def key_text(action: QAction) -> str:
    """The first shortcut as this system writes it."""
    return keys_in_words(action.shortcut())


def keys_in_words(keys: QKeySequence) -> str:
    """Keys as this system writes them, but arrows as they stand on the keyboard."""
    text = keys.toString(QKeySequence.SequenceFormat.NativeText)
    for key, arrow in ARROWS.items():
        name = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
        if text == name or text.endswith(f"+{name}"):
            return text.removesuffix(name) + arrow
    return text
