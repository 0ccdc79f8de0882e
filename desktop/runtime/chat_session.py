"""The interface's handle on the chat's model.

Lives in the interface thread, like ``Session``: methods queue requests and return at once; a timer at
the display's rate reads the outbox and emits signals, many tokens in one. The thread (and with it
torch) starts with the first request. Imports Qt and the torch-free part of the runtime.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from desktop.course.chats import Chats, TokenRecord
from desktop.llm.prompts import Message
from desktop.runtime import chat_messages as m
from desktop.runtime.chat_messages import ChatSettings, ModelInfo
from desktop.runtime.chat_outbox import ChatOutbox
from desktop.runtime.chat_worker import ChatWorker
from desktop.tutor.grounding import LessonContext
from desktop.tutor.pieces import language_of

if TYPE_CHECKING:
    from desktop.runtime.chat_engine import Opener

DISPLAY_INTERVAL_MS = 16

__all__ = ["ChatSession", "ChatSettings", "ModelInfo"]


class ChatSession(QObject):
    """One model and one answer at a time, from the interface's point of view."""

    model_changed = Signal()
    began = Signal(int, int, object)
    """message, how many older messages were left out, the answer's sources"""
    tokens_came = Signal(int, object)
    """message, list of ``Token``: all that came since the last display refresh"""
    ended = Signal(int, str, object)
    """message, state, facts"""
    failed = Signal(int, object)
    """message (0: none), GlassboxError"""
    ran_out = Signal(int, object)
    """message that memory was too short for, offers to load the model another way"""
    load_failed = Signal()
    """the model that was asked for could not be opened; ``failed`` said why"""
    previewed = Signal(object, int)
    looked = Signal(object)

    def __init__(
        self, chats: Chats, parent: QObject | None = None, opener: Opener | None = None
    ) -> None:
        super().__init__(parent)
        self.info: ModelInfo | None = None
        self.loading: m.Loading | None = None
        self.offers: tuple[m.LoadOffer, ...] = ()
        """What would fit, after a model did not."""
        self.asked_for: Path | None = None
        self.answering = 0
        self.prompt_tokens = 0
        self._load: m.Load | None = None
        self._answer: m.Answer | None = None
        self._prepared: set[str] = set()
        self._outbox = ChatOutbox()
        self._worker = ChatWorker(self._outbox, chats, opener)
        self._started = self._busy = False
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(DISPLAY_INTERVAL_MS)
        self._timer.timeout.connect(self._drain)

    # ---- the model

    def load(self, path: Path, *, capacity: int | None = None, device: str | None = None) -> None:
        """Open a model; ``model_changed`` tells of progress, success and failure."""
        self.stop()
        if self._load is not None:
            self._load.cancel.set()
        self.info = None
        self.offers = ()
        self._load = m.Load(path, capacity, device)
        self.loading = m.Loading(path)
        self.asked_for = path
        self._send(self._load)
        self.model_changed.emit()

    def cancel_loading(self) -> None:
        """Give up opening the model."""
        if self._load is not None:
            self._load.cancel.set()

    def unload(self) -> None:
        """Give the model's memory back."""
        self.stop()
        self.cancel_loading()
        if self._started:
            self._send(m.Unload())

    def share_machine(self, busy: bool) -> None:
        """Say whether an experiment trains at the same time."""
        if busy != self._busy:
            self._busy = busy
            if self._started:
                self._send(m.ShareMachine(busy))

    # ---- answers

    def answer(
        self,
        message: int,
        turns: Sequence[Message],
        settings: ChatSettings,
        *,
        look: bool = False,
        forced: Sequence[TokenRecord] = (),
        context: LessonContext | None = None,
    ) -> None:
        """Write ``message`` as the answer to ``turns``; an answer in progress stops first."""
        self.stop()
        self._answer = m.Answer(message, tuple(turns), settings, look, tuple(forced), context)
        self.answering = message
        self.prompt_tokens = 0
        self._send(self._answer)

    def stop(self) -> None:
        """End the answer in progress after the token being computed."""
        if self._answer is not None:
            self._answer.cancel.set()

    def preview(
        self,
        turns: Sequence[Message],
        settings: ChatSettings,
        context: LessonContext | None = None,
    ) -> None:
        """Ask for exactly what the model would get; ``previewed`` follows."""
        self._send(m.Preview(tuple(turns), settings, context))

    def prepare(self, text: str) -> None:
        """A question is being typed: once for each language, the tutor gets ready to look it up."""
        language = language_of(text)
        free = self.info is not None and self.info.is_tutor and not self.answering
        if free and text.strip() and language not in self._prepared:
            self._prepared.add(language)
            self._send(m.Prepare(text))

    def look(
        self,
        message: int,
        turns: Sequence[Message],
        settings: ChatSettings,
        before: Sequence[int],
        context: LessonContext | None = None,
    ) -> None:
        """Ask what went on inside when the token after ``before`` was chosen; ``looked`` follows."""
        self._send(m.Look(message, tuple(turns), settings, tuple(before), context))

    def close(self) -> None:
        """Stop, keep what was written, end the thread."""
        self.stop()
        self.cancel_loading()
        self._timer.stop()
        if self._started:
            self._worker.close()
            self._started = False

    # ---- draining the outbox

    def _send(self, request: m.Request) -> None:
        if not self._started:
            self._started = True
            self._worker.start()
            self._timer.start()
            if self._busy:
                self._worker.send(m.ShareMachine(busy=True))
        self._worker.send(request)

    def _drain(self) -> None:
        tokens: list[m.Token] = []
        events = self._outbox.events
        while events:
            event = events.popleft()
            if isinstance(event, m.Token) and (not tokens or tokens[0].message == event.message):
                tokens.append(event)
                continue
            self._tell_tokens(tokens)
            if isinstance(event, m.Token):
                tokens.append(event)
            else:
                self._tell(event)
        self._tell_tokens(tokens)
        live = self._outbox.looks.take()
        if live is not None and live.message == self.answering:
            self.looked.emit(live)

    def _tell_tokens(self, tokens: list[m.Token]) -> None:
        if tokens:
            self.tokens_came.emit(tokens[0].message, list(tokens))
            tokens.clear()

    def _tell(self, event: object) -> None:
        match event:
            case m.Loading() | m.Loaded() | m.Unloaded():
                self._tell_model(event)
            case m.Began(message, prompt_tokens, left_out, sources):
                self.prompt_tokens = prompt_tokens
                self.began.emit(message, left_out, sources)
            case m.Ended(message, state, facts):
                self._over(message)
                self.ended.emit(message, state, facts)
            case m.Failed(message, error, ways):
                self._over(message)
                self.failed.emit(message, error)
                if ways:
                    self.ran_out.emit(message, ways)
            case m.Previewed(shown, left_out):
                self.previewed.emit(shown, left_out)
            case m.Inspection():
                self.looked.emit(event)

    def _over(self, message: int) -> None:
        if message == self.answering:
            self.answering, self._answer = 0, None

    def _tell_model(self, event: object) -> None:
        wanted = self._load.path if self._load is not None else None
        match event:
            case m.Loading(path) if path == wanted:
                self.loading = event
            case m.Loaded(info) if info.path == wanted:
                self.info, self.loading, self._load = info, None, None
            case m.Unloaded(error, offers, path) if path in (None, wanted):
                if path is not None:
                    self._load = None
                if self._load is not None:
                    return  # another one is on its way already
                self.info = self.loading = None
                self.offers = offers
                if error is not None:
                    self.failed.emit(0, error)
                    self.load_failed.emit()
        self.model_changed.emit()
