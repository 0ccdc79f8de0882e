"""Carries out the chat's requests: everything the chat thread does, without the thread.

One model, one answer at a time. ``handle`` takes a request, ``advance`` computes one token of the
answer that is being written. What a model is given is put together in ``chat_prompt.py``, the answer
is kept by ``chat_answer.py``, looking into it is the business of ``chat_inside.py``.
Imports ``desktop.llm`` and with it torch; no Qt.
"""

from __future__ import annotations

import gc
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import singledispatchmethod
from typing import Any

import torch

from desktop.bilingual import Bilingual, GlassboxError
from desktop.course.chats import Chats, State
from desktop.llm.generate import Summary
from desktop.llm.prompts import PromptToken
from desktop.runtime import chat_messages as m
from desktop.runtime.chat_answer import AnswerWriter, facts_of
from desktop.runtime.chat_inside import Inside
from desktop.runtime.chat_model import ChatModel, in_words, offers, open_model
from desktop.runtime.chat_outbox import ChatOutbox
from desktop.runtime.chat_prompt import prompt_for
from desktop.runtime.chat_tutor import Backgrounds

Opener = Callable[..., ChatModel]


class ChatEngine:
    """The model, the answer in progress, and what is remembered of its inside."""

    def __init__(
        self,
        outbox: ChatOutbox,
        chats: Chats,
        opener: Opener = open_model,
        clock: Callable[[], float] = time.perf_counter,
        backgrounds: Backgrounds | None = None,
    ) -> None:
        self._backgrounds = backgrounds or Backgrounds()
        self._out, self._chats, self._opener, self._clock = outbox, chats, opener, clock
        self._model: ChatModel | None = None
        self._writer: AnswerWriter | None = None
        self._inside = Inside(outbox, chats)
        self._waiting_look: m.Look | None = None

    @property
    def working(self) -> bool:
        """Whether ``advance`` has something to do."""
        return self._writer is not None

    def handle(self, request: m.Request) -> None:
        """Carry out one request; whatever goes wrong becomes an event."""
        message = request.message if isinstance(request, m.Answer) else 0
        try:
            self._do(request)
        except Exception as error:  # noqa: BLE001 - the chat must survive anything
            if isinstance(request, m.Answer):
                with suppress(Exception):
                    self._chats.finish(request.message, "failed", {"stop": "error"})
            self._fail(message, error)

    def advance(self) -> None:
        """One token of the answer in progress."""
        writer = self._writer
        if writer is None:
            return
        try:
            self._write_one(writer)
        except Exception as error:  # noqa: BLE001 - the chat must survive anything
            with suppress(Exception):  # what cannot be kept is told all the same
                self._end(writer, "failed", {"stop": "error"})
            self._forget_reading()
            self._fail(writer.request.message, error)

    def close(self) -> None:
        """Keep what is there; the answer in progress ends here."""
        if self._writer is not None:
            self._end(self._writer, "stopped", {"stop": "closed"})

    # ---- requests

    @singledispatchmethod
    def _do(self, request: m.Request) -> None:
        raise TypeError(f"unknown request {request!r}")

    @_do.register
    def _(self, request: m.Load) -> None:
        self._stop_writing()
        self._drop_model()
        self._out.events.append(m.Loading(request.path))
        try:
            model = self._opener(
                request.path,
                self._loading(request),
                capacity=request.capacity,
                device=request.device,
            )
        except _CancelledError:
            self._out.events.append(m.Unloaded(path=request.path))
            return
        except Exception as error:  # noqa: BLE001 - told in words
            told = in_words(error, traceback.format_exc())
            self._out.events.append(m.Unloaded(told, offers(error), request.path))
            return
        self._model = model
        self._out.events.append(m.Loaded(model.info))

    @_do.register
    def _(self, request: m.Unload) -> None:
        self._stop_writing()
        self._drop_model()
        self._out.events.append(m.Unloaded())

    @_do.register
    def _(self, request: m.Answer) -> None:
        self._stop_writing()
        model, asked_at = self._loaded(), self._clock()
        told = self._backgrounds.tell(model.info, request.turns, request.context)
        self._inside.begin(model)
        self._writer = AnswerWriter(
            request, model, told, self._out, self._chats, self._clock, asked_at=asked_at
        )

    @_do.register
    def _(self, request: m.Preview) -> None:
        model = self._loaded()
        told = self._backgrounds.tell(model.info, request.turns, request.context)
        ids, left_out = prompt_for(model, told.turns, request.settings)
        tokens = tuple(PromptToken(one, model.tokenizer.label(one)) for one in ids)
        self._out.events.append(m.Previewed(tokens, left_out))

    @_do.register
    def _(self, request: m.Prepare) -> None:
        self._backgrounds.prepare(request.text)

    @_do.register
    def _(self, request: m.Look) -> None:
        model = self._loaded()
        told = self._backgrounds.tell(model.info, request.turns, request.context)
        prompt, _ = prompt_for(model, told.turns, request.settings)
        found = self._inside.look_back(model, request, prompt, may_read=not self.working)
        if found is None:
            self._waiting_look = request  # until the answer in progress is over
        else:
            self._out.events.append(found)

    # ---- writing

    def _write_one(self, writer: AnswerWriter) -> None:
        if writer.request.cancel.is_set():
            self._end(writer, "stopped", {"stop": "cancelled"})
            return
        found = writer.write()
        if isinstance(found, Summary):
            state: State = "stopped" if found.stop == "cancelled" else "done"
            self._end(writer, state, facts_of(found))
        else:
            self._inside.see(self._loaded(), writer, found)

    def _end(self, writer: AnswerWriter, state: State, facts: dict[str, Any]) -> None:
        self._writer = None
        writer.end(state, facts)
        look, self._waiting_look = self._waiting_look, None
        if look is not None and state != "failed":
            self.handle(look)

    def _stop_writing(self) -> None:
        if self._writer is not None:
            self._end(self._writer, "stopped", {"stop": "cancelled"})

    # ---- the model

    def _loaded(self) -> ChatModel:
        if self._model is None:
            raise GlassboxError(
                Bilingual("还没有载入模型。", "No model is loaded yet."),
                Bilingual("请在聊天栏顶部选一个模型。", "Choose one at the top of the chat."),
            )
        return self._model

    def _loading(self, request: m.Load) -> Callable[[float], None]:
        def progress(part: float) -> None:
            if request.cancel.is_set():
                raise _CancelledError
            self._out.events.append(m.Loading(request.path, part))

        return progress

    def _drop_model(self) -> None:
        self._model = None
        self._inside.forget()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _forget_reading(self) -> None:
        """After a failure nobody knows what the cache holds: the next prompt is read afresh."""
        if self._model is not None:
            self._model.decoder.rewind(0)

    def _fail(self, message: int, error: BaseException) -> None:
        told = in_words(error, traceback.format_exc())
        ways = offers(error, self._model) if message else ()
        self._out.events.append(m.Failed(message, told, ways))


class _CancelledError(Exception):
    """Loading was given up."""
