"""What every control has: a label that explains itself, a place for a sentence when the input is
wrong, a way back to the default. The kinds are in ``control_kinds`` and ``control_data``.

A control shows a value and says ``changed(name, value)`` when a person chose another; it never
changes anything itself. Imports Qt, specs, texts and theme.
"""

from __future__ import annotations

import re
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QVBoxLayout, QWidget

from desktop.bilingual import GlassboxError
from desktop.engine.parameters import ParameterSpec
from desktop.ui.lesson.look import label, set_part
from desktop.ui.strings import pick, tr
from desktop.ui.theme import theme


class TermLabel(QLabel):
    """The control's name: underlined and clickable where the glossary knows the word."""

    clicked = Signal()
    double_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "name")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._linked = False

    def set_linked(self, linked: bool) -> None:
        """Show that a click leads to the glossary."""
        self._linked = linked
        set_part(self, "linked", "true" if linked else "false")
        self.setCursor(Qt.CursorShape.PointingHandCursor if linked else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._linked and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.double_clicked.emit()


class Control(QWidget):
    """Base of all controls."""

    changed = Signal(str, object)
    term_requested = Signal(str)
    width_wanted = 190

    def __init__(self, spec: ParameterSpec, term: str = "") -> None:
        super().__init__()
        self.spec, self.term = spec, term
        self._error: GlassboxError | None = None
        self._refused: tuple[Any, ...] = ()
        self.setObjectName(f"control-{spec.name}")
        self.name_label = TermLabel()
        self.name_label.set_linked(bool(term))
        self.name_label.clicked.connect(lambda: self.term_requested.emit(self.term))
        self.name_label.double_clicked.connect(self.reset_to_default)
        self.error_label = label("error", wrap=True)
        self.error_label.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        self.head = QHBoxLayout()
        self.head.setSpacing(6)
        self.head.addWidget(self.name_label)
        self.head.addStretch(1)
        column.addLayout(self.head)
        self.body = QHBoxLayout()
        self.body.setSpacing(8)
        column.addLayout(self.body)
        column.addWidget(self.error_label)
        column.addStretch(1)
        theme().changed.connect(self.restyle)

    # ---- what a kind writes

    def show_value(self, value: Any) -> None:
        """Display ``value`` without saying ``changed``."""
        raise NotImplementedError

    def editing(self) -> bool:
        """Whether the learner is in the middle of typing or dragging: do not overwrite it now."""
        return False

    def input_widgets(self) -> list[QWidget]:
        """The widgets that take the keyboard."""
        return []

    # ---- shared behaviour

    def restyle(self) -> None:
        """Measures that grow with the text; called once made, and at each change of the look."""
        self.setMinimumWidth(theme().pixels(self.width_wanted))

    def leave_corner(self, pixels: int) -> None:
        """Keep the right end of the head row free for the strip's fold button."""
        self.head.setContentsMargins(0, 0, pixels, 0)

    def choose(self, value: Any) -> None:
        """The learner chose ``value``: check it, then say ``changed`` or show what is wrong."""
        try:
            checked = self.spec.check(value)
        except GlassboxError as error:
            self.show_error(error)
            return
        self.clear_error()
        self.changed.emit(self.spec.name, checked)

    def choose_text(self, text: str) -> None:
        """The same for something typed."""
        try:
            value = self.spec.parse(text)
        except GlassboxError as error:
            self.show_error(error)
            return
        self.clear_error()
        self.show_value(value)
        self.changed.emit(self.spec.name, value)

    def show_error(self, error: GlassboxError) -> None:
        """One sentence under the control; the field gets a red edge."""
        self._error = error
        # The label above says the name already.
        prefix = rf"^{re.escape(pick(self.spec.label))} *[(\uff08].*?[)\uff09][:\uff1a] *"
        sentence = re.sub(prefix, "", pick(error.message))
        sentence = sentence[:1].upper() + sentence[1:]
        hint = pick(error.hint)
        self.error_label.setText(f"{sentence} {hint}".strip())
        self.error_label.show()
        for widget in self.input_widgets():
            set_part(widget, "invalid", "true")

    def refuse(self, error: GlassboxError, in_force: Any) -> None:
        """What was entered cannot be used, ``in_force`` stays so. The words stay in the field, to be
        put right, with the reason below them."""
        self.show_error(error)
        self._refused = (in_force,)

    def refused(self, in_force: Any) -> bool:
        """Whether the field holds something that was refused while this value was in force."""
        return self._refused == (in_force,)

    def clear_error(self) -> None:
        """Input is fine again."""
        self._error = None
        self._refused = ()
        if self.error_label.isVisibleTo(self):
            self.error_label.hide()
        for widget in self.input_widgets():
            set_part(widget, "invalid", "false")

    def reset_to_default(self) -> None:
        """Back to the value the lesson starts with."""
        self.show_value(self.spec.default)
        self.choose(self.spec.default)

    def retranslate(self) -> None:
        """Set all texts in the language in force."""
        name = pick(self.spec.label)
        self.name_label.setText(name)
        help_text = pick(self.spec.help)
        effect = "branches" if self.spec.branches else "restarts"
        restart = "" if self.spec.live else tr(f"lesson_controls.{effect}")
        tip = "\n".join(part for part in (help_text, restart) if part)
        self.setToolTip(tip)
        for widget in self.input_widgets():
            widget.setAccessibleName(name)
            widget.setAccessibleDescription(help_text)
        if self._error is not None:
            self.show_error(self._error)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.addAction(self._reset_action(menu))
        if self.term:
            lookup = menu.addAction(tr("lesson_controls.look_up"))
            lookup.triggered.connect(lambda: self.term_requested.emit(self.term))
        menu.exec(event.globalPos())
        menu.deleteLater()

    def _reset_action(self, menu: QMenu) -> QAction:
        action = QAction(tr("lesson_controls.to_default"), menu)
        action.triggered.connect(self.reset_to_default)
        return action

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.EnabledChange:
            self.name_label.setEnabled(self.isEnabled())
        super().changeEvent(event)
