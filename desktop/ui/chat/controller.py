"""What happens when something is asked, changed, repeated or looked into: the chat without widgets.

It stands between the conversations in the database, the session with the model, and the pane, which
shows what this says. Imports Qt's objects, the course and the runtime; no torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.bilingual import GlassboxError
from desktop.course.chat_export import ExportWords, to_json, to_markdown
from desktop.course.chats import Chats, Conversation, Message, TokenRecord
from desktop.llm import prompts
from desktop.runtime.chat_messages import ChatSettings, Inspection
from desktop.runtime.chat_session import ChatSession
from desktop.tutor.grounding import LessonContext


class ChatController(QObject):
    """One conversation is open at a time."""

    conversation_changed = Signal()
    """another conversation, or another branch of it, is shown"""
    answer_began = Signal(int)
    tokens_came = Signal(int, object)
    answer_ended = Signal(int)
    looked = Signal(object)
    failed = Signal(object)
    list_changed = Signal()

    def __init__(self, chats: Chats, session: ChatSession, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.chats, self.session = chats, session
        known = chats.all()
        self.conversation: Conversation = known[0] if known else chats.create()
        self.settings = ChatSettings.from_mapping(self.conversation.settings)
        self.looking = False
        self.open_lesson: Callable[[], LessonContext | None] = lambda: None
        """What a learner can attach: the open lesson and its experiment as they are now."""
        self.attached = False
        self.answer_length = 0
        self._resumed = 0
        session.tokens_came.connect(self._tokens)
        session.ended.connect(self._ended)
        session.failed.connect(self._failed)
        session.looked.connect(self.looked)
        session.model_changed.connect(self._model_changed)

    # ---- the conversation that is open

    def branch(self) -> list[tuple[Message, int, int]]:
        """The messages shown, each with its place among its siblings and their number."""
        found = []
        for message in self.chats.branch(self.conversation.id):
            siblings = self.chats.siblings(message)
            found.append((message, siblings.index(message.id), len(siblings)))
        return found

    def new(self) -> None:
        """Begin another conversation; an empty one that is open serves."""
        if self.chats.branch(self.conversation.id):
            self.session.stop()
            made = self.chats.create(self.conversation.model, self.settings.to_mapping())
            self._show(made)

    def open(self, conversation: int) -> None:
        """Show another conversation."""
        if conversation != self.conversation.id:
            self.session.stop()
            self._show(self.chats.get(conversation))

    def _show(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.settings = ChatSettings.from_mapping(conversation.settings)
        self.conversation_changed.emit()
        self.list_changed.emit()

    def set_draft(self, text: str) -> None:
        """Keep what is typed."""
        self.chats.set_draft(self.conversation.id, text)
        self.session.prepare(text)

    def set_settings(self, settings: ChatSettings) -> None:
        """Sample differently from the next answer on."""
        self.settings = settings
        self.chats.set_settings(self.conversation.id, settings.to_mapping())

    # ---- asking

    @property
    def writing(self) -> bool:
        """Whether an answer is being written."""
        return self.session.answering != 0

    def send(self, text: str) -> None:
        """Ask."""
        leaf = self._fresh().leaf
        context = self.context()
        facts = {} if context is None else {"context": context.to_mapping()}
        question = self.chats.add(self.conversation.id, leaf, "user", text.strip("\n"), facts=facts)
        self.chats.set_draft(self.conversation.id, "")
        self._answer(question)

    def stop(self) -> None:
        """Enough."""
        self.session.stop()

    def again(self, answer: int) -> None:
        """Another answer to the same question, as a branch."""
        message = self._message(answer)
        if message is not None:
            self._answer(message.parent)

    def resume(self, answer: int) -> None:
        """Answer again once the model that is being loaded is there."""
        self._resumed = answer

    def edit(self, question: int, text: str) -> None:
        """The same question in other words, as a branch with an answer of its own."""
        message = self._message(question)
        if message is not None:
            made = self.chats.add(
                self.conversation.id, message.parent, "user", text, facts=message.facts
            )
            self._answer(made)

    def show_sibling(self, message: int, step: int) -> None:
        """The branch beside this one."""
        found = self._message(message)
        if found is None or self.writing:
            return
        siblings = self.chats.siblings(found)
        at = siblings.index(message) + step
        if 0 <= at < len(siblings):
            leaf = self.chats.newest_leaf(self.conversation.id, siblings[at])
            self.chats.set_leaf(self.conversation.id, leaf)
            self.conversation_changed.emit()

    def what_if(self, answer: int, place: int, token: int) -> None:
        """Go on from another alternative, as a branch that begins with the same tokens."""
        message, records = self._message(answer), self.chats.tokens(answer)
        if message is None or place >= len(records) or self.foreign(message):
            return
        there = records[place]
        chosen = next(((label, p) for number, label, p in there.top if number == token), None)
        if chosen is None:
            return
        other = TokenRecord(token, chosen[0], chosen[1], there.top)
        self._answer(message.parent, (*records[:place], other))

    def _answer(self, question: int, forced: tuple[TokenRecord, ...] = ()) -> None:
        info = self.session.info
        if info is None:
            self.conversation_changed.emit()
            return
        answer = self.chats.add(self.conversation.id, question, "assistant", "", info.name)
        self.chats.set_model(self.conversation.id, info.name)
        self._fresh()
        self.answer_length = 0
        self.session.answer(
            answer,
            self._turns(question),
            self.settings,
            look=self.looking,
            forced=forced,
            context=self._context_of(question),
        )
        self.conversation_changed.emit()
        self.answer_began.emit(answer)
        self.list_changed.emit()

    def _turns(self, leaf: int) -> tuple[prompts.Message, ...]:
        branch = self.chats.branch(self.conversation.id, leaf)
        return tuple(prompts.Message(one.role, one.text) for one in branch if one.text)

    # ---- the open lesson

    def context(self) -> LessonContext | None:
        """The open lesson, if it is attached to what is asked next."""
        return self.open_lesson() if self.attached else None

    def _context_of(self, question: int) -> LessonContext | None:
        message = self._message(question)
        return LessonContext.from_mapping(message.facts.get("context")) if message else None

    @property
    def suitable(self) -> ChatSettings:
        """The settings that suit the model which is loaded."""
        info = self.session.info
        return ChatSettings.for_tutor() if info is not None and info.is_tutor else ChatSettings()

    def _model_changed(self) -> None:
        self._suit_model()
        if self.session.loading is None and self._resumed:
            answer, self._resumed = self._resumed, 0
            if self.session.info is not None:
                self.again(answer)

    def _suit_model(self) -> None:
        """Settings nobody has touched are those that suit the model."""
        untouched = (ChatSettings(), ChatSettings.for_tutor())
        wanted = self.suitable
        if self.session.info and self.settings in untouched and self.settings != wanted:
            self.set_settings(wanted)

    # ---- looking

    def preview(self, text: str) -> None:
        """Exactly what the model would get if ``text`` were sent now."""
        turns = self._turns(self._fresh().leaf)
        if text.strip():
            turns = (*turns, prompts.Message("user", text.strip("\n")))
        self.session.preview(turns, self.settings, self.context())

    def foreign(self, answer: Message) -> bool:
        """Whether another model than the loaded one wrote it: the numbers of its tokens, and what went
        on inside, are that one's alone."""
        info = self.session.info
        return info is None or answer.model != info.name

    def look(self, answer: int, place: int) -> None:
        """What went on inside when this token was chosen; ``looked`` follows, unless another model
        wrote it."""
        message = self._message(answer)
        if message is None or self.foreign(message):
            return
        before = [one.id for one in self.chats.tokens(answer)[:place]]
        self.session.look(
            answer,
            self._turns(message.parent),
            self.settings_of(message),
            before,
            self._context_of(message.parent),
        )

    def settings_of(self, message: Message) -> ChatSettings:
        """The settings an answer was made with."""
        kept = message.facts.get("settings")
        return ChatSettings.from_mapping(kept) if isinstance(kept, Mapping) else self.settings

    # ---- the list

    def rename(self, conversation: int, title: str) -> None:
        """Give a conversation a title."""
        self.chats.rename(conversation, title)
        self.list_changed.emit()

    def delete(self, conversation: int) -> None:
        """Put a conversation away; ``undelete`` brings it back."""
        if conversation == self.conversation.id:
            self.session.stop()
        self.chats.delete(conversation)
        if conversation == self.conversation.id:
            known = self.chats.all()
            self._show(known[0] if known else self.chats.create())
        self.list_changed.emit()

    def undelete(self, conversation: int) -> None:
        """Bring it back and show it."""
        self.chats.undelete(conversation)
        self.open(conversation)
        self.list_changed.emit()

    def export(self, conversation: int, path: Path, words: ExportWords) -> None:
        """Write a conversation as Markdown, or as JSON if the name says so."""
        if path.suffix.lower() == ".json":
            text = to_json(self.chats, conversation)
        else:
            text = to_markdown(self.chats, conversation, words)
        beside = path.with_name(path.name + ".part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)

    # ---- from the session

    def _tokens(self, message: int, tokens: Any) -> None:
        if message == self.session.answering:
            self.answer_length += len(tokens)
        self.tokens_came.emit(message, [token.record for token in tokens])

    def _ended(self, message: int, _state: str, _facts: object) -> None:
        self.answer_ended.emit(message)

    def _failed(self, message: int, error: GlassboxError) -> None:
        self.failed.emit(error)
        if message:
            self.answer_ended.emit(message)

    def _message(self, number: int) -> Message | None:
        return self.chats.messages(self.conversation.id).get(number)

    def _fresh(self) -> Conversation:
        self.conversation = replace(self.chats.get(self.conversation.id))
        return self.conversation


def probability(record: TokenRecord) -> float:
    """How likely the model itself found the token it wrote."""
    return math.exp(record.logprob) if math.isfinite(record.logprob) else 0.0


__all__ = ["ChatController", "Inspection", "probability"]
