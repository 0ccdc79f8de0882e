"""The messages of the branch that is shown, one under the other, following the newest line.

It follows only while the reader is at the end: whoever scrolls up to read is left in peace.
Imports Qt and the chat's own widgets; no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.course.chats import Message, TokenRecord
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.message_view import MessageView
from desktop.ui.chat.question_view import QuestionView
from desktop.ui.focus_order import in_order
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme

NEAR_END = 24


class Transcript(QScrollArea):
    """Scrolls; knows its message views by id."""

    branch_wanted = Signal(int, int)
    edited = Signal(int, str)
    again_wanted = Signal(int)
    token_chosen = Signal(int, int)
    web_requested = Signal(str)
    source_chosen = Signal(object)
    offer_taken = Signal(int, object)

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        inner.setProperty("kind", "clear")
        self._layout = QVBoxLayout(inner)
        self._layout.setContentsMargins(14, 10, 14, 10)
        self._layout.setSpacing(8)
        self._layout.addStretch(1)
        self.setWidget(inner)
        self.views: dict[int, MessageView] = {}
        self._follows = True
        self._chosen_in = 0
        self._to_chosen = QTimer(self)
        self._to_chosen.setSingleShot(True)  # an answer that begins to show its tokens grows first
        self._to_chosen.timeout.connect(self._scroll_to_chosen)
        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(self._follow)
        bar.valueChanged.connect(self._note_place)
        theme().changed.connect(self._refresh)
        language().changed.connect(self._refresh)
        self._refresh()

    def show_messages(self, messages: Sequence[tuple[Message, int, int]]) -> None:
        """Show these, each with its place among its siblings; what stays is not made again."""
        wanted = [message.id for message, _, _ in messages]
        for number in [number for number in self.views if number not in wanted]:
            view = self.views.pop(number)
            self._layout.removeWidget(view)
            view.hide()
            view.deleteLater()
        for at, (message, place, count) in enumerate(messages):
            view = self.views.get(message.id) or self._make(message, place, count)
            view.set_branches(place, count)
            if self._layout.indexOf(view) != at:
                self._layout.insertWidget(at, view)
        self.views = {number: self.views[number] for number in wanted}
        self._follows = True

    def clear(self) -> None:
        """Show nothing."""
        self.show_messages(())

    def answer(self, message: int) -> AnswerView | None:
        """The view of an answer, if it is shown."""
        view = self.views.get(message)
        return view if isinstance(view, AnswerView) else None

    def answers(self) -> list[AnswerView]:
        """All answers shown."""
        return [view for view in self.views.values() if isinstance(view, AnswerView)]

    def in_order(self) -> list[QWidget]:
        """What Tab goes through: the whole to scroll it, then every message from its top on."""
        return [self, *(part for view in self.views.values() for part in in_order(view.body))]

    def show_chosen(self, answer: AnswerView) -> None:
        """Scroll, if need be, to the token of an answer that is chosen."""
        self._chosen_in = answer.message.id
        self._to_chosen.start()

    def _scroll_to_chosen(self) -> None:
        answer, inner = self.answer(self._chosen_in), self.widget()
        if answer is None or answer.tokens is None or inner is None:
            return
        place = answer.tokens.chosen_place()
        if place is not None:
            at = answer.tokens.viewport().mapTo(inner, place.center())
            self.ensureVisible(at.x(), at.y(), 0, 2 * place.height())

    def add_tokens(self, message: int, records: Sequence[TokenRecord]) -> None:
        """The newest tokens of an answer."""
        view = self.answer(message)
        if view is not None:
            view.add(records)

    def _make(self, message: Message, place: int, count: int) -> MessageView:
        view: MessageView
        if message.role == "user":
            question = QuestionView(message, place, count)
            question.edited.connect(self.edited)
            view = question
        else:
            answer = AnswerView(message, place, count, tokens=False)
            answer.again_wanted.connect(self.again_wanted)
            answer.token_chosen.connect(self.token_chosen)
            answer.web_requested.connect(self.web_requested)
            answer.source_chosen.connect(self.source_chosen)
            answer.offer_taken.connect(self.offer_taken)
            view = answer
        view.branch_wanted.connect(self.branch_wanted)
        self.views[message.id] = view
        return view

    def _follow(self, _low: int, high: int) -> None:
        if self._follows:
            self.verticalScrollBar().setValue(high)

    def _note_place(self, value: int) -> None:
        self._follows = value >= self.verticalScrollBar().maximum() - NEAR_END

    def _refresh(self) -> None:
        self.setAccessibleName(tr("chat.transcript"))
        for view in self.views.values():
            view.refresh()
