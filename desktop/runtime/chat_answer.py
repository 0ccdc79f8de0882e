"""The answer that is being written: its tokens on their way into the database and to the interface.

Tokens are kept in the database a few milliseconds' worth at a time, before the interface hears of
them: what was seen on screen is never lost.
Imports ``desktop.llm`` and with it torch: only the chat's thread may import this module. No Qt.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from desktop.course.chats import Chats, State, TokenRecord
from desktop.llm.context import context_after
from desktop.llm.generate import GeneratedToken, Summary, generate
from desktop.runtime import chat_messages as m
from desktop.runtime.chat_model import ChatModel
from desktop.runtime.chat_outbox import ChatOutbox
from desktop.runtime.chat_prompt import format_for, generation_settings, prompt_for, spelled_out
from desktop.runtime.chat_tutor import Told

BATCH_SECONDS = 0.02
"""Fast models: tokens of so long are kept in one write. Slow ones: each by itself."""


class AnswerWriter:
    """One answer of one model, from its request to its last token.

    ``asked_at``: since when, by ``clock``, somebody waits for the first one.
    """

    def __init__(
        self,
        request: m.Answer,
        model: ChatModel,
        told: Told,
        out: ChatOutbox,
        chats: Chats,
        clock: Callable[[], float] = time.perf_counter,
        *,
        asked_at: float | None = None,
    ) -> None:
        self.request = request
        self._model, self._told = model, told
        self._out, self._chats, self._clock = out, chats, clock
        self.prompt, self._left_out = prompt_for(model, told.turns, request.settings)
        seed = request.settings.seed
        self._seed = random.randrange(2**31) if seed < 0 else seed
        begun = spelled_out(model, request.forced)
        self._records = list(begun)
        self._kept, self._kept_at = len(begun), -1e9
        self._untold: list[m.Token] = []
        self._asked_at = clock() if asked_at is None else asked_at
        self._first_token_s: float | None = None
        self._generation = generate(
            model.decoder,
            model.tokenizer,
            self.prompt,
            generation_settings(model, request, self._seed, told),
            begun=[one.id for one in begun],
            stop=request.cancel.is_set,
        )
        chats.append(request.message, 0, begun)
        out.events.append(m.Began(request.message, len(self.prompt), self._left_out, told.sources))
        for place, one in enumerate(begun):
            out.events.append(m.Token(request.message, place, one))

    @property
    def place(self) -> int:
        """Where in the answer the newest token stands."""
        return len(self._records) - 1

    def read_before(self, place: int) -> list[int]:
        """The tokens that the model saw when it chose the one at ``place``."""
        written = (one.id for one in self._records[:place])
        return context_after(self.prompt, written, self._model.decoder.capacity)

    def write(self) -> GeneratedToken | Summary:
        """The next token, or how the answer ended."""
        try:
            token = next(self._generation)
        except StopIteration as end:
            summary: Summary = end.value
            return summary
        if self._first_token_s is None:
            self._first_token_s = self._clock() - self._asked_at
        label = self._model.tokenizer.label
        top = tuple((one, label(one), share) for one, share in token.alternatives)
        record = TokenRecord(token.id, token.text, token.logprob, top, token.ms)
        self._records.append(record)
        self._untold.append(m.Token(self.request.message, self.place, record, token.entropy))
        if self._clock() - self._kept_at >= BATCH_SECONDS:
            self._keep()
        return token

    def end(self, state: State, facts: dict[str, Any]) -> None:
        """Keep what is there, and how it came about."""
        self._generation.close()
        self._keep()
        facts = self._facts() | facts
        text = "".join(one.text for one in self._records)
        self._chats.finish(self.request.message, state, facts, text)
        self._out.events.append(m.Ended(self.request.message, state, facts))

    def _facts(self) -> dict[str, Any]:
        settings = self.request.settings
        template = format_for(self._model, settings)
        later = self._records[len(self.request.forced) + 1 :]
        taken = sum(one.ms for one in later) / 1000
        return {
            "tokens_per_second": len(later) / taken if taken > 0 else None,
            "tokens": len(self._records),
            "prompt_tokens": len(self.prompt),
            "left_out": self._left_out,
            "first_token_s": self._first_token_s,
            "sources": [one.to_mapping() for one in self._told.sources],
            "outside": self._told.outside,
            "settings": replace(settings, seed=self._seed, format=template.id).to_mapping(),
        }

    def _keep(self) -> None:
        new: Sequence[TokenRecord] = self._records[self._kept :]
        if new:
            self._chats.append(self.request.message, self._kept, new)
            self._kept, self._kept_at = len(self._records), self._clock()
            self._out.events.extend(self._untold)
            self._untold.clear()


def facts_of(summary: Summary) -> dict[str, Any]:
    """How an answer ended, as it is kept."""
    facts: dict[str, Any] = {"stop": summary.stop, "reused": summary.reused_tokens}
    if summary.tokens_per_second is not None:
        facts["tokens_per_second"] = summary.tokens_per_second
    if summary.shifts:
        facts["shifts"] = summary.shifts
    return facts
