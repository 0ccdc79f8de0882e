"""What a model has read: the `Decoder`, by which everything that writes text talks to a model.

A decoder reads token after token and answers with the scores of the next one. It remembers what it
has read, and because each token only looks back, a prompt that *begins* like the old one needs only
its new part read: in a chat that is the last message instead of the whole conversation.

`ReadableDecoder` runs the plain model of ``phi.py``; the quantized one in ``fast.py`` keeps to the
same rules, so generation, beam search and inspection work with either. Imports torch, no Qt.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from desktop.llm.kernels import threads
from desktop.llm.phi import KeyValueCache, Phi, PhiConfig

FEW = 16
"""The plain model, which is small, reads so few tokens on one thread: sharing out work of a few
millionths of a second costs more than it saves, and very much more when other programs are busy."""

READ_AT_ONCE = 512
"""A long prompt is read in pieces of this many tokens, which bounds the memory it takes."""


class ContextFullError(ValueError):
    """More tokens than the context has places for."""


class StoppedReading(Exception):  # noqa: N818 - not a mistake, a wish
    """The prompt was not read to its end because the caller asked to stop."""


@dataclass(frozen=True, eq=False)
class Taps:
    """What went on inside while the newest token was read.

    ``attention`` (layers, heads, tokens): how much of each earlier token every head took in.
    ``hidden`` (layers + 1, width): the residual stream, as the token went in and after each layer.
    """

    attention: Tensor
    hidden: Tensor


class Decoder(ABC):
    """A model together with the tokens it has read."""

    def __init__(self, config: PhiConfig, capacity: int) -> None:
        self.config = config
        self.capacity = capacity
        self.taps: Taps | None = None
        self._stop: Callable[[], bool] | None = None
        self._ids: list[int] = []

    # ---- what every kind of decoder does its own way

    @abstractmethod
    def _forward(self, ids: Sequence[int], look: bool) -> Tensor:
        """Read ``ids`` behind the ``length`` tokens read so far; scores after the last of them.

        It may call ``_check_stop`` while it works. With ``look`` there is one token, and ``taps`` is set. ``length`` still has the old value.
        """

    @abstractmethod
    def read_out(self, hidden: Tensor) -> Tensor:
        """Scores (rows, vocabulary) that the last norm and the head make of a residual stream."""

    @abstractmethod
    def fork(self, capacity: int) -> Self:
        """A second decoder with the same weights that has read the same tokens."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Memory of keys and values when the context is full."""

    @property
    @abstractmethod
    def weights_nbytes(self) -> int:
        """Memory of the weights."""

    @abstractmethod
    def _copy_from(self, other: Self, start: int, end: int) -> None:
        """Take over what ``other`` remembers of the tokens ``start`` to ``end``."""

    @abstractmethod
    def _memory_of(self, position: int) -> tuple[Tensor, ...]:
        """What is remembered of one token, as parts of the memory itself."""

    # ---- what all have in common

    @property
    def length(self) -> int:
        """How many tokens have been read."""
        return len(self._ids)

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens that have been read."""
        return tuple(self._ids)

    def prefill(self, ids: Sequence[int]) -> Tensor:
        """Read ``ids``; scores (vocabulary,) in float32 for the token after them."""
        return self._read(ids, look=False)

    def decode(self, token: int, look: bool = False) -> Tensor:
        """Read one token; the same. With ``look``, ``taps`` then shows what went on inside."""
        return self._read([token], look)

    def look_back(self, position: int) -> Taps:
        """What went on inside when the token at ``position`` was read: it is read once more, and
        then everything is as before."""
        if not 0 <= position < self.length:
            raise ValueError(f"position {position} of {self.length} tokens")
        ids, taps = self._ids, self.taps
        memory = self._memory_of(position)
        saved = [part.clone() for part in memory]
        try:
            self._ids = ids[:position]
            self._read([ids[position]], look=True)
            seen = self.taps
        finally:
            for part, old in zip(memory, saved, strict=True):
                part.copy_(old)
            self._ids, self.taps = ids, taps
        assert seen is not None
        return seen

    def rewind(self, length: int) -> None:
        """Forget all but the first ``length`` tokens."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot go back to {length} of {self.length} tokens")
        del self._ids[length:]

    def follow(self, other: Self) -> None:
        """Come to where ``other`` is, copying only what differs."""
        start = shared_prefix(self._ids, other._ids)
        self._copy_from(other, start, other.length)
        self._ids = list(other._ids)

    def read(
        self,
        prompt: Sequence[int],
        *,
        stop: Callable[[], bool] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Tensor:
        """Read ``prompt`` from the beginning, skipping what it shares with what was read before.

        Its last token is read in any case, for its scores. ``progress`` hears (read, all) after
        every piece; when ``stop`` says so, which is asked often, ``StoppedReading`` is raised.
        """
        if not prompt:
            raise ValueError("a prompt needs at least one token")
        self.rewind(min(shared_prefix(self._ids, prompt), len(prompt) - 1))
        self._stop = stop
        try:
            while True:
                scores = self.prefill(prompt[self.length : self.length + READ_AT_ONCE])
                if progress is not None:
                    progress(self.length, len(prompt))
                if self.length == len(prompt):
                    return scores
                self._check_stop()
        finally:
            self._stop = None

    def _check_stop(self) -> None:
        if self._stop is not None and self._stop():
            raise StoppedReading

    def _read(self, ids: Sequence[int], look: bool) -> Tensor:
        if not ids:
            raise ValueError("there is nothing to read")
        if self.length + len(ids) > self.capacity:
            raise ContextFullError(
                f"{self.length} + {len(ids)} tokens do not fit into {self.capacity}"
            )
        self.taps = None
        with torch.inference_mode():
            scores = self._forward(ids, look)
        self._ids.extend(ids)
        return scores


class ReadableDecoder(Decoder):
    """The plain model of ``phi.py`` with its cache."""

    def __init__(self, model: Phi, capacity: int | None = None) -> None:
        super().__init__(model.config, capacity or model.config.max_position_embeddings)
        self._model = model
        weights = model.lm_head.weight
        self._cache = KeyValueCache(
            model.config, self.capacity, dtype=weights.dtype, device=weights.device
        )

    @property
    def nbytes(self) -> int:
        """Memory of keys and values when the context is full."""
        return self._cache.keys.nbytes + self._cache.values.nbytes

    @property
    def weights_nbytes(self) -> int:
        """Memory of the weights."""
        return sum(one.nbytes for one in self._model.parameters())

    def _forward(self, ids: Sequence[int], look: bool) -> Tensor:
        self._cache.length = self.length
        row = torch.tensor([list(ids)], device=self._cache.keys.device)
        with threads(1 if len(ids) <= FEW else torch.get_num_threads()):
            output = self._model(row, self._cache, look=look, last_only=True)
        if look:
            attention = torch.stack([layer[0, :, -1] for layer in output.attentions])
            hidden = torch.stack([layer[0, -1] for layer in output.hidden])
            self.taps = Taps(attention.float().cpu(), hidden.float().cpu())
        return output.logits[0, -1].float().cpu()

    def read_out(self, hidden: Tensor) -> Tensor:
        weights = self._model.lm_head.weight
        few = len(hidden) <= FEW
        with torch.inference_mode(), threads(1 if few else torch.get_num_threads()):
            return self._model.read(hidden.to(weights.device, weights.dtype)).float().cpu()

    def fork(self, capacity: int) -> ReadableDecoder:
        other = ReadableDecoder(self._model, capacity)
        other.follow(self)
        return other

    def _memory_of(self, position: int) -> tuple[Tensor, ...]:
        return self._cache.keys[..., position, :], self._cache.values[..., position, :]

    def _copy_from(self, other: ReadableDecoder, start: int, end: int) -> None:
        part = slice(start, end)
        self._cache.keys[..., part, :] = other._cache.keys[..., part, :]
        self._cache.values[..., part, :] = other._cache.values[..., part, :]


def shared_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences have in common at their beginning."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))
