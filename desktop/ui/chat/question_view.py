"""A question in its bubble; it can be changed, which begins a branch.

Imports Qt, the chat's own widgets and strings; no torch.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from desktop.course.chats import Message
from desktop.tutor.grounding import LessonContext
from desktop.ui.chat.blocks import Text
from desktop.ui.chat.message_view import MessageView
from desktop.ui.lesson.look import GlyphButton, button, label
from desktop.ui.strings import pick, tr
from desktop.ui.theme import palette, theme


class QuestionView(MessageView):
    """What the person wrote; it can be changed, which begins a branch."""

    edited = Signal(int, str)

    def __init__(self, message: Message, place: int, count: int) -> None:
        super().__init__(message, place, count)
        self._bubble = QFrame()
        self._bubble.setObjectName("ChatBubble")
        inside = QVBoxLayout(self._bubble)
        inside.setContentsMargins(11, 8, 11, 8)
        self._shown = Text()
        self._shown.set_plain(message.text)
        inside.addWidget(self._shown)
        self.body.addWidget(self._bubble)
        self.about = label("small", wrap=True)
        self.about.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.body.addWidget(self.about)
        self.about.setVisible(bool(message.facts.get("context")))
        self.edit_button = GlyphButton("edit", "muted", size=15)
        self.edit_button.clicked.connect(self.begin_editing)
        self.body.addLayout(self.row)
        self.row.addStretch(1)
        self.add_branch_buttons(self.row)
        self.row.addWidget(self.edit_button)
        self.row.addWidget(self.copy_button)
        self._editor: _Editor | None = None
        self.refresh()

    def begin_editing(self) -> None:
        """Put a text field in place of the bubble."""
        if self._editor is None:
            self._editor = _Editor(self.message.text)
            self._editor.done.connect(self._edited)
            self._editor.given_up.connect(self.end_editing)
            self.body.insertWidget(1, self._editor)
        self._bubble.hide()
        self._editor.show()
        self._editor.field.setFocus()

    def end_editing(self) -> None:
        """Show the bubble again."""
        if self._editor is not None:
            self._editor.hide()
            self._editor.deleteLater()
            self._editor = None
        self._bubble.show()
        self.edit_button.setFocus()

    def _edited(self, text: str) -> None:
        self.end_editing()
        if text.strip():
            self.edited.emit(self.message.id, text)

    def retranslate(self) -> None:
        super().retranslate()
        self.edit_button.name_it(tr("chat.edit"))
        context = LessonContext.from_mapping(self.message.facts.get("context"))
        if context is not None:
            name, step = pick(context.title), context.state.step
            self.about.setText(tr("chat.about_lesson", lesson=name, step=step))
        self._shown.setAccessibleName(tr("chat.you"))

    def refresh(self) -> None:
        super().refresh()
        p = palette()
        self._bubble.setStyleSheet(
            f"#ChatBubble {{ background: {p.selection}; border: 0; border-radius: 11px; }}"
        )
        self._shown.set_plain(self.message.text)


class _Editor(QWidget):
    """Change a question: Enter sends, Escape leaves it as it was."""

    done = Signal(str)
    given_up = Signal()

    def __init__(self, text: str) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.field = QPlainTextEdit(text)
        self.field.setAccessibleName(tr("chat.edit"))
        self.field.setTabChangesFocus(True)
        self.field.setFixedHeight(theme().pixels(96))
        self.field.installEventFilter(self)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(button("", self.given_up.emit, tr("chat.cancel")))
        row.addWidget(button("primary", self._send, tr("chat.send_again")))
        layout.addWidget(self.field)
        layout.addLayout(row)

    def _send(self) -> None:
        self.done.emit(self.field.toPlainText())

    def eventFilter(self, watched: Any, event: Any) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QKeyEvent.Type.KeyPress:
            plain = not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain:
                self._send()
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.given_up.emit()
                return True
        return False
