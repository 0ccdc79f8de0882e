"""The answer that is being written, on screen: its tokens, the speed, the context meter, its end.

Imports Qt and the chat's own modules; no torch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import QObject

from desktop.course.chats import TokenRecord
from desktop.runtime.chat_messages import LoadOffer
from desktop.tutor.grounding import Source
from desktop.ui.chat.composer import Composer
from desktop.ui.chat.controller import ChatController
from desktop.ui.chat.looking import LIVE_SECONDS, Looking
from desktop.ui.chat.transcript import Transcript


class Answering(QObject):
    """Passes on what the controller and the session tell about an answer."""

    def __init__(
        self,
        controller: ChatController,
        transcript: Transcript,
        composer: Composer,
        looking: Looking,
    ) -> None:
        super().__init__()
        self._control, self._session = controller, controller.session
        self._transcript, self._composer, self._looking = transcript, composer, looking
        self._told_at = 0.0
        controller.answer_began.connect(self._began)
        controller.tokens_came.connect(self._tokens_came)
        controller.answer_ended.connect(self._ended)
        self._session.began.connect(self._show_sources)
        self._session.ran_out.connect(self._show_offers)

    def show_state(self) -> None:
        """Whether there is a model, whether it is writing, and how full its context is."""
        ready, writing = self._session.info is not None, self._control.writing
        self._composer.set_state(ready=ready, writing=writing)
        self._show_context()

    def _began(self, _message: int) -> None:
        self._looking.answer_began()
        self._told_at = 0.0
        self._composer.show_speed(None)
        self.show_state()

    def _show_sources(self, message: int, _left_out: int, sources: Sequence[Source]) -> None:
        view = self._transcript.answer(message)
        if view is not None:
            view.sources.show_sources(sources)

    def _tokens_came(self, message: int, records: Sequence[TokenRecord]) -> None:
        self._transcript.add_tokens(message, records)
        now = time.perf_counter()
        if message != self._session.answering or now - self._told_at < LIVE_SECONDS:
            return  # a changed label lays out the whole window again: not for every token
        self._told_at = now
        mean = [one.ms for one in records if one.ms > 0]
        self._composer.show_speed(1000 * len(mean) / sum(mean) if mean else None)
        self._show_context()
        self._looking.follow_newest(message)

    def _ended(self, message: int) -> None:
        view = self._transcript.answer(message)
        found = self._control.chats.messages(self._control.conversation.id).get(message)
        if view is not None and found is not None:
            view.end(found)
        self._composer.show_speed(None)
        self.show_state()
        self._looking.answer_ended(view)

    def _show_offers(self, message: int, offers: Sequence[LoadOffer]) -> None:
        view = self._transcript.answer(message)
        if view is not None:
            view.show_offers(offers)

    def _show_context(self) -> None:
        info = self._session.info
        used = self._session.prompt_tokens + self._control.answer_length
        if not self._control.writing:
            last = self._control.branch()[-1:]
            facts = last[0][0].facts if last else {}
            used = int(facts.get("prompt_tokens", 0)) + int(facts.get("tokens", 0))
            if facts.get("tokens") and self._control.foreign(last[0][0]):
                info = None  # another model's tokens say nothing about this one's context
        self._composer.show_context(used, info.context if info is not None else 0)
