"""The lesson's keys: Space, →, R, F and the rest, as actions for the shortcut sheet.

The single-letter keys must not be taken from a text field or a slider that has the focus. They are
therefore no window-wide shortcuts: a key that the focused widget does not want travels up to the
lesson view, which looks here. Imports Qt and strings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

from desktop.ui.icons import icon
from desktop.ui.strings import tr

KEYS: dict[str, tuple[str, str]] = {
    "play": ("Space", "play"),
    "step": ("Right", "step"),
    "reset": ("R", "reset"),
    "fork": ("F", "fork"),
    "next": ("Alt+Right", "chevron-right"),
    "back": ("Alt+Left", "chevron-left"),
    "code": ("Ctrl+E", "code"),
    "more": ("M", "more"),
}


class LessonKeys:
    """The actions by name."""

    def __init__(self, owner: QWidget, handlers: Mapping[str, Callable[[], object]]) -> None:
        self.actions: dict[str, QAction] = {}
        for name, (keys, icon_name) in KEYS.items():
            action = QAction(icon(icon_name), "", owner)
            action.setShortcut(QKeySequence(keys))
            # Only the view's own focus triggers it as a shortcut; see ``handle``.
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda _checked=False, do=handlers[name]: do())
            self.actions[name] = action
        self.retranslate()

    def handle(self, event: QKeyEvent) -> bool:
        """Trigger the action whose key this is; false when it is none of ours."""
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        pressed = QKeySequence(QKeyCombination(modifiers, Qt.Key(event.key())))
        for action in self.actions.values():
            if action.shortcut() == pressed and action.isEnabled():
                action.trigger()
                return True
        return False

    def retranslate(self) -> None:
        """Names in the language in force."""
        for name, action in self.actions.items():
            action.setText(tr(f"lesson_actions.{name}"))
