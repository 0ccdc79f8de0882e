"""Writing text: one token after the other, with what is worth knowing about each.

The loop is short: scores from the model, settings applied (``sampling.py``), a token chosen, read
back in. Around it stand the things that make it usable:

- text appears as soon as it is certain: half characters wait for their other bytes, and the beginning
  of what may become a stop string waits until it is one or not
- ids that only fill up the matrix (Phi-2 has 905 of them) are ruled out
- closing the generator ends the work; ``stop`` ends a long prompt between two pieces
- a full context either ends the answer (``"stop"``) or forgets its middle (``"shift"``): the
  ``keep`` first tokens stay, half of the rest goes, and what remains is read again. Reading again
  takes time, but the result is exactly what a fresh start with the shorter text would give; turning
  the old keys to new positions would be faster and leave traces of the forgotten text in them.

Log-probabilities, alternatives and entropy are the model's own, before temperature and the like, and
before ``quoting`` (``quoting.py``) leaves only what continues a given text.
Imports torch, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from desktop.bilingual import Bilingual, GlassboxError
from desktop.llm.cache import Decoder, StoppedReading, Taps, shared_prefix
from desktop.llm.context import context_after
from desktop.llm.quoting import Quoting
from desktop.llm.sampling import RULED_OUT, Sampling, choose, process
from desktop.llm.tokenizer import StreamDecoder, Tokenizer

StopReason = Literal["eos", "limit", "stop_string", "context", "cancelled"]


class PromptTooLongError(GlassboxError):
    """The prompt leaves no place for an answer."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides an answer besides the model and the prompt."""

    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int = 256
    stop_strings: tuple[str, ...] = ()
    stop_tokens: tuple[int, ...] | None = None  # None: the tokenizer's end of text
    seed: int = 0
    alternatives: int = 5
    look: bool = False  # keep what went on inside with each token
    when_full: Literal["shift", "stop"] = "shift"
    keep: int = 0  # tokens at the beginning that a shift leaves alone
    quoting: Quoting | None = None  # a text whose words the answer keeps to


@dataclass(frozen=True, eq=False)
class GeneratedToken:
    """One token of the answer. ``text`` is what has become certain with it, perhaps nothing yet."""

    id: int
    text: str
    logprob: float
    alternatives: tuple[tuple[int, float], ...]
    """The likeliest tokens with their log-probabilities, the likeliest first."""
    entropy: float
    """How undecided the model was, in nats: 0 is certain."""
    ms: float
    taps: Taps | None = None
    """What went on inside when it was chosen, if asked for."""


@dataclass(frozen=True)
class Summary:
    """How an answer ended."""

    stop: StopReason
    text: str
    ids: tuple[int, ...]
    prompt_tokens: int
    reused_tokens: int
    prefill_s: float
    decode_s: float
    shifts: int = 0

    @property
    def tokens_per_second(self) -> float | None:
        """Speed of writing, the reading of the prompt left out."""
        steps = len(self.ids) - 1
        return steps / self.decode_s if steps > 0 and self.decode_s > 0 else None


Generation = Generator[GeneratedToken, None, Summary]


def generate(
    decoder: Decoder,
    tokenizer: Tokenizer,
    prompt: Sequence[int],
    settings: Settings,
    *,
    begun: Sequence[int] = (),
    stop: Callable[[], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Generation:
    """Yield the answer to ``prompt`` token by token; the generator's return value is a `Summary`.

    ``begun`` are tokens the answer begins with; they are neither yielded nor counted. Raises
    ``PromptTooLongError``, at the first token, when nothing could follow the prompt.
    """
    if len(prompt) >= decoder.capacity:
        raise _too_long(len(prompt), decoder.capacity)
    return _Writer(decoder, tokenizer, list(prompt), list(begun), settings, stop, progress).run()


class _Writer:
    """The state of one answer."""

    def __init__(
        self,
        decoder: Decoder,
        tokenizer: Tokenizer,
        prompt: list[int],
        begun: list[int],
        settings: Settings,
        stop: Callable[[], bool] | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._decoder, self._settings = decoder, settings
        self._stop, self._progress = stop, progress
        self._prompt, self._begun = prompt, begun
        # What the model sees; a shift makes it shorter.
        self._context = context_after(prompt, begun, decoder.capacity, settings.keep)
        self._written: list[int] = []
        self._real_ids = min(tokenizer.size, decoder.config.vocab_size)
        self._text = _Text(tokenizer, settings.stop_strings)
        end = tokenizer.end_of_text
        default = () if end is None else (end,)
        self._stop_tokens = default if settings.stop_tokens is None else settings.stop_tokens
        self._rng = torch.Generator().manual_seed(settings.seed)
        self._reused = self._shifts = 0
        self._prefill_s = self._decode_s = 0.0

    def run(self) -> Generation:
        """The loop."""
        if self._settings.max_tokens < 1:
            return self._summary("limit")
        started = time.perf_counter()
        try:
            scores = self._read_prompt()
        except StoppedReading:
            return self._summary("cancelled")
        self._prefill_s = time.perf_counter() - started
        while True:
            token, ending = self._next(scores, started)
            yield token
            if ending is not None:
                return self._summary(ending)
            if self._stop is not None and self._stop():
                return self._summary("cancelled")
            started = time.perf_counter()
            try:
                scores = self._read_back(token.id)
            except StoppedReading:
                return self._summary("cancelled")
            self._decode_s += time.perf_counter() - started

    def _read_prompt(self) -> Tensor:
        look, decoder, context = self._settings.look, self._decoder, self._context
        known = decoder.ids
        if look and len(context) > 1:  # the last token goes alone, to be looked at
            decoder.read(context[:-1], stop=self._stop, progress=self._progress)
            scores = decoder.decode(context[-1], look=True)
        else:
            scores = decoder.read(context, stop=self._stop, progress=self._progress)
        self._reused = min(shared_prefix(known, context), len(context) - 1)
        return scores

    def _next(self, scores: Tensor, started: float) -> tuple[GeneratedToken, StopReason | None]:
        scores = scores.clone()
        scores[self._real_ids :] = RULED_OUT
        own = scores.log_softmax(-1)
        seen = self._prompt + self._begun + self._written
        token = choose(
            process(self._permitted(scores), seen, self._settings.sampling),
            self._settings.sampling,
            self._rng,
        )
        self._written.append(token)
        text, ending = self._text.push(token), self._ending(token)
        if ending is not None:
            text += self._text.finish()
        values, ids = own.topk(min(self._settings.alternatives, self._real_ids))
        return (
            GeneratedToken(
                token,
                text,
                float(own[token]),
                tuple(zip(ids.tolist(), values.tolist(), strict=True)),
                float(entropies(own)),
                1000 * (time.perf_counter() - started),
                self._decoder.taps,
            ),
            ending,
        )

    def _permitted(self, scores: Tensor) -> Tensor:
        """The scores, without the tokens that the text to be quoted rules out."""
        quoting = self._settings.quoting
        allowed = quoting.allowed(self._written) if quoting is not None else ()
        if not allowed:
            return scores
        only = torch.full_like(scores, RULED_OUT)
        ids = torch.tensor(sorted(allowed))
        only[ids] = scores[ids]
        return only

    def _ending(self, token: int) -> StopReason | None:
        if token in self._stop_tokens:
            return "eos"
        if self._text.stopped:
            return "stop_string"
        if len(self._written) >= self._settings.max_tokens:
            return "limit"
        full = self._decoder.length >= self._decoder.capacity
        return "context" if full and self._settings.when_full == "stop" else None

    def _read_back(self, token: int) -> Tensor:
        decoder, keep = self._decoder, self._settings.keep
        self._context = context_after(self._context, (token,), decoder.capacity, keep)
        if decoder.length < decoder.capacity:
            return decoder.decode(token, self._settings.look)
        self._shifts += 1
        return decoder.read(self._context, stop=self._stop, progress=self._progress)

    def _summary(self, stop: StopReason) -> Summary:
        return Summary(
            stop,
            self._text.shown,
            tuple(self._written),
            len(self._prompt),
            self._reused,
            self._prefill_s,
            self._decode_s,
            self._shifts,
        )


class _Text:
    """The text of the answer so far; what may still become a stop string is held back."""

    def __init__(self, tokenizer: Tokenizer, stop_strings: Sequence[str]) -> None:
        self._stream = StreamDecoder(tokenizer)
        self._stops = [stop for stop in stop_strings if stop]
        self._held = ""
        self.shown = ""
        self.stopped = False

    def push(self, token: int) -> str:
        """The text that has become certain."""
        return self._take(self._stream.push(token))

    def finish(self) -> str:
        """The rest, when nothing more comes."""
        text = self._take(self._stream.finish())
        held, self._held = self._held, ""
        self.shown += held
        return text + held

    def _take(self, new: str) -> str:
        if self.stopped:
            return ""
        text = self._held + new
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            self.stopped, self._held = True, ""
            text = text[: min(places)]
        else:
            certain = len(text) - may_begin(text, self._stops)
            text, self._held = text[:certain], text[certain:]
        self.shown += text
        return text


def may_begin(text: str, stops: Sequence[str]) -> int:
    """How many letters at the end of ``text`` may be the beginning of one of ``stops``."""
    longest = max((len(stop) for stop in stops), default=0)
    for size in range(min(longest - 1, len(text)), 0, -1):
        if any(len(stop) > size and text.endswith(stop[:size]) for stop in stops):
            return size
    return 0


def entropies(logprobs: Tensor) -> Tensor:
    """How undecided distributions are, in nats, from their log-probabilities (…, vocabulary).

    The probabilities come from ``softmax``, which gives the same as ``exp`` here: torch hands ``exp``
    to MKL, which wakes a second thread even for a few thousand numbers, and on a busy machine waits for it
    as long as a small model takes for a token.
    """
    probabilities = logprobs.softmax(-1)
    return (probabilities * logprobs.clamp_min(-1e4)).sum(-1).neg_().clamp_min_(0.0)


def _too_long(tokens: int, capacity: int) -> PromptTooLongError:
    return PromptTooLongError(
        Bilingual(
            f"提示有 {tokens} 个词元，而上下文只有 {capacity} 个位置，回答放不下了。",
            f"The prompt has {tokens} tokens and the context {capacity} places: no room to answer.",
        ),
        Bilingual(
            "删去一部分文字，或者开始新的对话。", "Shorten the text, or start a new conversation."
        ),
    )
