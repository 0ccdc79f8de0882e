"""Carries out the chat's requests: everything the chat thread does, without the thread.

One model, one answer at a time. ``handle`` takes a request, ``advance`` computes one token of the
answer that is being written. Tokens are kept in the database here, a few milliseconds' worth at a
time, before the interface hears of them: what was seen on screen is never lost. What went on inside
recent tokens is remembered within a budget of memory; older places are computed again when asked for.
Imports ``desktop.llm`` and with it torch; no Qt.
"""

from __future__ import annotations

import gc
import random
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import singledispatchmethod
from typing import Any

import torch

from desktop.bilingual import Bilingual, GlassboxError
from desktop.course.chats import Chats, TokenRecord
from desktop.llm.cache import Taps
from desktop.llm.generate import GeneratedToken, Generation, Settings, Summary, generate
from desktop.llm.inspect import LiveLens
from desktop.llm.prompts import FORMATS, PromptToken, fit
from desktop.llm.quoting import Quoting
from desktop.llm.sampling import Sampling
from desktop.llm.tokenizer import StreamDecoder
from desktop.runtime import chat_messages as m
from desktop.runtime.chat_model import (
    LENS_GUESSES,
    ChatModel,
    in_words,
    inspection,
    offers,
    open_model,
)
from desktop.runtime.chat_outbox import ChatOutbox
from desktop.runtime.chat_tutor import Backgrounds, Told

BATCH_SECONDS = 0.02
"""Fast models: tokens of so long are kept in one write. Slow ones: each by itself."""
TAPS_BYTES = 96 * 2**20
ALTERNATIVES = 8
LOOK_ALWAYS_BELOW = 50_000_000
"""So small a model is looked into with every token, whether anybody watches or not: it costs nothing
to speak of, and any token can be opened at once."""
ROOM = 16
"""Places of the context that a prompt leaves free at least."""

Opener = Callable[..., ChatModel]


@dataclass(eq=False)
class _Writing:
    """The answer that is being written."""

    request: m.Answer
    generation: Generation
    prompt: list[int]
    left_out: int
    seed: int
    lens: LiveLens
    started: float
    records: list[TokenRecord] = field(default_factory=list)
    kept: int = 0
    kept_at: float = -1e9
    told: Told = Told(())
    untold: list[m.Token] = field(default_factory=list)
    first_token_s: float | None = None


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
        self._writing: _Writing | None = None
        self._waiting_look: m.Look | None = None
        self._taps: OrderedDict[tuple[int, int], Taps] = OrderedDict()
        self._taps_bytes = 0

    @property
    def working(self) -> bool:
        """Whether ``advance`` has something to do."""
        return self._writing is not None

    def handle(self, request: m.Request) -> None:
        """Carry out one request; whatever goes wrong becomes an event."""
        message = request.message if isinstance(request, m.Answer) else 0
        try:
            self._do(request)
        except Exception as error:  # noqa: BLE001 - the chat must survive anything
            if isinstance(request, m.Answer):
                self._chats.finish(request.message, "failed", {"stop": "error"})
            self._fail(message, error)

    def advance(self) -> None:
        """One token of the answer in progress."""
        writing = self._writing
        if writing is None:
            return
        try:
            self._write_one(writing)
        except Exception as error:  # noqa: BLE001 - the chat must survive anything
            self._end(writing, "failed", {"stop": "error"})
            self._forget_reading()
            self._fail(writing.request.message, error)

    def close(self) -> None:
        """Keep what is there; the answer in progress ends here."""
        if self._writing is not None:
            self._end(self._writing, "stopped", {"stop": "closed"})

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
            self._out.events.append(m.Unloaded())
            return
        except Exception as error:  # noqa: BLE001 - told in words
            told = in_words(error, traceback.format_exc())
            self._out.events.append(m.Unloaded(told, offers(error)))
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
        model = self._loaded()
        told = self._backgrounds.tell(model.info, request.turns, request.context)
        prompt, left_out = self._prompt(told.turns, request.settings)
        forced = _forced(model, request.forced)
        self._chats.append(request.message, 0, forced)
        seed = request.settings.seed
        seed = random.randrange(2**31) if seed < 0 else seed
        generation = generate(
            model.decoder,
            model.tokenizer,
            [*prompt, *(one.id for one in forced)],
            self._settings(request, seed, told),
            stop=request.cancel.is_set,
        )
        self._writing = _Writing(
            request,
            generation,
            prompt,
            left_out,
            seed,
            LiveLens(model.decoder, top=min(LENS_GUESSES, model.tokenizer.size)),
            self._clock(),
            list(forced),
            len(forced),
            told=told,
        )
        self._out.events.append(m.Began(request.message, len(prompt), left_out, told.sources))
        for place, one in enumerate(forced):
            self._out.events.append(m.Token(request.message, place, one))

    @_do.register
    def _(self, request: m.Preview) -> None:
        model = self._loaded()
        told = self._backgrounds.tell(model.info, request.turns, request.context)
        ids, left_out = self._prompt(told.turns, request.settings)
        tokens = tuple(PromptToken(one, model.tokenizer.label(one)) for one in ids)
        self._out.events.append(m.Previewed(tokens, left_out))

    @_do.register
    def _(self, request: m.Look) -> None:
        self._look(request)

    # ---- writing

    def _write_one(self, writing: _Writing) -> None:
        request = writing.request
        if request.cancel.is_set():
            self._end(writing, "stopped", {"stop": "cancelled"})
            return
        try:
            token = next(writing.generation)
        except StopIteration as end:
            self._finish(writing, end.value)
            return
        if writing.first_token_s is None:
            writing.first_token_s = self._clock() - writing.started
        model = self._loaded()
        record = TokenRecord(
            token.id,
            token.text,
            token.logprob,
            tuple((one, model.tokenizer.label(one), share) for one, share in token.alternatives),
            token.ms,
        )
        place = len(writing.records)
        writing.records.append(record)
        writing.untold.append(m.Token(request.message, place, record, token.entropy))
        self._keep(writing)
        if token.taps is not None:
            self._remember(request.message, place, token.taps)
            self._look_live(writing, place, token)

    def _keep(self, writing: _Writing, *, now: bool = False) -> None:
        clock = self._clock()
        if (now or clock - writing.kept_at >= BATCH_SECONDS) and writing.kept < len(
            writing.records
        ):
            new = writing.records[writing.kept :]
            self._chats.append(writing.request.message, writing.kept, new)
            writing.kept, writing.kept_at = len(writing.records), clock
            self._out.events.extend(writing.untold)
            writing.untold.clear()

    def _finish(self, writing: _Writing, summary: Summary) -> None:
        state = "stopped" if summary.stop == "cancelled" else "done"
        facts: dict[str, Any] = {"stop": summary.stop, "reused": summary.reused_tokens}
        if summary.tokens_per_second is not None:
            facts["tokens_per_second"] = summary.tokens_per_second
        if summary.shifts:
            facts["shifts"] = summary.shifts
        self._end(writing, state, facts)

    def _end(self, writing: _Writing, state: str, facts: dict[str, Any]) -> None:
        self._writing = None
        writing.generation.close()
        self._keep(writing, now=True)
        settings = writing.request.settings
        template = FORMATS[settings.format or self._default_format()]
        facts |= {
            "tokens": len(writing.records),
            "prompt_tokens": len(writing.prompt),
            "left_out": writing.left_out,
            "first_token_s": writing.first_token_s,
            "sources": [one.to_mapping() for one in writing.told.sources],
            "outside": writing.told.outside,
            "settings": replace(settings, seed=writing.seed, format=template.id).to_mapping(),
        }
        text = "".join(one.text for one in writing.records)
        self._chats.finish(writing.request.message, state, facts, text)  # type: ignore[arg-type]
        self._out.events.append(m.Ended(writing.request.message, state, facts))
        look, self._waiting_look = self._waiting_look, None
        if look is not None and state != "failed":
            self.handle(look)

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._end(self._writing, "stopped", {"stop": "cancelled"})

    # ---- looking inside

    def _look(self, request: m.Look) -> None:
        model, place = self._loaded(), len(request.before)
        told = self._backgrounds.tell(model.info, request.turns, request.context)
        prompt, _ = self._prompt(told.turns, request.settings)
        ids = [*prompt, *request.before][: model.decoder.capacity]
        taps = self._taps.get((request.message, place))
        if taps is None:
            decoder = model.decoder
            if decoder.ids[: len(ids)] != tuple(ids):
                if self._writing is not None:
                    self._waiting_look = request  # the model is reading something else
                    return
                decoder.read(ids)
            taps = decoder.look_back(len(ids) - 1)
            self._remember(request.message, place, taps)
        tokens = self._chats.tokens(request.message)
        chosen = tokens[place].id if place < len(tokens) else None
        found = inspection(
            model,
            taps,
            message=request.message,
            place=place,
            read=ids,
            chosen=chosen,
            prompt_tokens=len(prompt),
        )
        self._out.events.append(found)

    def _look_live(self, writing: _Writing, place: int, token: GeneratedToken) -> None:
        """Show the newest token's inside as often as the live lens has time for."""
        assert token.taps is not None
        if not writing.request.look or not self._out.looks.empty:
            return
        lens = writing.lens.see(token, self._loaded().tokenizer.size)
        if lens is None:
            return
        read = [*writing.prompt, *(one.id for one in writing.records[:place])]
        self._out.looks.put(
            inspection(
                self._loaded(),
                token.taps,
                message=writing.request.message,
                place=place,
                read=read,
                chosen=token.id,
                prompt_tokens=len(writing.prompt),
                lens=lens,
            )
        )

    def _remember(self, message: int, place: int, taps: Taps) -> None:
        self._taps[message, place] = taps
        self._taps_bytes += _nbytes(taps)
        while self._taps_bytes > TAPS_BYTES and len(self._taps) > 1:
            _, oldest = self._taps.popitem(last=False)
            self._taps_bytes -= _nbytes(oldest)

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

    def _default_format(self) -> str:
        return self._model.info.suggested_format if self._model else "raw"

    def _prompt(self, turns: tuple[Any, ...], settings: m.ChatSettings) -> tuple[list[int], int]:
        """The prompt's tokens, without messages that do not fit, and how many were left out.

        Plain text, and a single message longer than the context, lose their beginning instead: the
        model goes on from the end.
        """
        model = self._loaded()
        template = FORMATS[settings.format or model.info.suggested_format]
        capacity = model.decoder.capacity
        room = min(settings.max_tokens, max(ROOM, capacity // 4), capacity // 2)
        if template.user:
            ids, left_out = fit(model.tokenizer, template, turns, capacity, room)
        else:
            ids, left_out = model.tokenizer.encode(template.prompt(turns)), 0
        if not ids:
            end = model.tokenizer.end_of_text
            ids = [end if end is not None else 0]
        return ids[-(capacity - room) :], left_out

    def _settings(self, request: m.Answer, seed: int, told: Told) -> Settings:
        chosen, model = request.settings, self._loaded()
        template = FORMATS[chosen.format or model.info.suggested_format]
        small = model.info.parameters < LOOK_ALWAYS_BELOW
        return Settings(
            Sampling(
                chosen.temperature,
                chosen.top_k,
                chosen.top_p,
                chosen.min_p,
                chosen.repetition_penalty,
                chosen.no_repeat_ngram,
            ),
            max_tokens=chosen.max_tokens,
            stop_strings=template.stop_strings,
            seed=seed,
            alternatives=ALTERNATIVES,
            look=request.look or small,
            # After another word of the learner's choice the model goes on as it would by itself.
            quoting=None if request.forced else Quoting.of(model.tokenizer, told.lines),
        )

    def _drop_model(self) -> None:
        self._model = None
        self._taps.clear()
        self._taps_bytes = 0
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


def _forced(model: ChatModel, records: tuple[TokenRecord, ...]) -> tuple[TokenRecord, ...]:
    """The tokens an answer begins with, their texts spelled out by the vocabulary."""
    stream = StreamDecoder(model.tokenizer)
    return tuple(replace(one, text=stream.push(one.id)) for one in records)


def _nbytes(taps: Taps) -> int:
    return sum(one.numel() * one.element_size() for one in (taps.attention, taps.hidden))
