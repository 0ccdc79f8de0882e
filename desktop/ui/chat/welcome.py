"""What stands in the pane before anything was said: what will be here, and how to get there.

It is honest about what can be expected of the model that is loaded. Imports Qt and strings; no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.bilingual import Bilingual
from desktop.runtime.chat_messages import ModelInfo
from desktop.ui.chat.numbers import parameters
from desktop.ui.lesson.look import button, label
from desktop.ui.markdown import spaced
from desktop.ui.strings import language, pick, tr

SMALL = 100_000_000
STARTERS = 3


class Welcome(QWidget):
    """Two or three sentences and at most two buttons."""

    models_wanted = Signal()
    lesson_wanted = Signal(str)
    example_wanted = Signal(str)
    question_wanted = Signal(str)
    phi_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._info: ModelInfo | None = None
        self._installed = False
        self._questions: tuple[Bilingual, ...] = ()
        self._title, self._text = label("heading", wrap=True), label("muted", wrap=True)
        self._inside = label("muted", wrap=True)
        self.lesson_button = button("", self._open_lesson)
        self.models_button = button("primary", self.models_wanted.emit)
        self.example_button = button("", self._example)
        self.phi_button = button("link", self.phi_wanted.emit)
        self.starters = [button("", self._asker(place)) for place in range(STARTERS)]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 18)
        layout.setSpacing(10)
        layout.addStretch(1)
        for widget in (self._title, self._text, self._inside):
            layout.addWidget(widget)
        layout.addSpacing(4)
        buttons = (self.models_button, self.lesson_button, self.example_button)
        for one in (*buttons, *self.starters):
            layout.addWidget(one)
        layout.addWidget(self.phi_button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch(2)
        language().changed.connect(self.retranslate)
        self.retranslate()

    def show_state(self, info: ModelInfo | None, installed: bool) -> None:
        """Which model is loaded, and whether there are any."""
        self._info, self._installed = info, installed
        self.retranslate()

    def show_questions(self, questions: Sequence[Bilingual]) -> None:
        """Questions that suit what is open beside the chat, for a click."""
        self._questions = tuple(questions)[:STARTERS]
        self.retranslate()

    def retranslate(self) -> None:
        """Texts in the language in force."""
        info = self._info
        self.models_button.setText(
            tr("chat_welcome.choose" if self._installed else "chat_welcome.import")
        )
        self.lesson_button.setText(tr("chat_welcome.train"))
        self.example_button.setText(tr("chat_welcome.example"))
        self.models_button.setVisible(info is None)
        self.lesson_button.setVisible(info is None and not self._installed)
        self._inside.setText(tr("chat_welcome.inside"))
        is_tutor = info is not None and info.is_tutor
        small = info is not None and info.parameters < SMALL and not is_tutor
        self.example_button.setVisible(small)
        self.phi_button.setText(tr("chat_welcome.phi"))
        self.phi_button.setVisible(is_tutor)
        for one, text in zip(self.starters, self._questions, strict=False):
            one.setText(spaced(pick(text)))
        for place, one in enumerate(self.starters):
            one.setVisible(is_tutor and place < len(self._questions))
        if info is None:
            self._title.setText(tr("chat_welcome.title"))
            key = "pick" if self._installed else "none"
            self._text.setText(tr(f"chat_welcome.{key}"))
        elif is_tutor:
            self._title.setText(tr("chat_welcome.tutor_title"))
            self._text.setText(tr("chat_welcome.tutor", count=parameters(info.parameters)))
        else:
            self._title.setText(tr("chat_welcome.ready", name=info.name))
            key = "small" if small else "large"
            self._text.setText(
                tr(
                    f"chat_welcome.{key}",
                    count=parameters(info.parameters),
                    context=f"{info.context:,}",
                )
            )

    def _asker(self, place: int) -> Callable[[], None]:
        return lambda: self.question_wanted.emit(pick(self._questions[place]))

    def _open_lesson(self) -> None:
        self.lesson_wanted.emit("gpt")

    def _example(self) -> None:
        self.example_wanted.emit(tr("chat_welcome.example_text"))
