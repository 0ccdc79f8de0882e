"""Looking inside while a model writes: attention, the logit lens, alternatives, how sure it was.

The *logit lens* (nostalgebraist, 2020) asks of every layer: if the model had to answer now, what would
it say? The residual stream after each layer goes through the last norm and the head, as if no layer
followed. Early layers answer nonsense, later ones settle; where they settle is worth seeing.

A token is chosen from what was computed while the token *before* it was read. What is shown for a
token is therefore the attention of its predecessor's position: what the model looked at to choose it.

Attention rows and the residual stream cost next to nothing to keep. The lens multiplies the head once
per layer: for every token that would be too slow, so `LiveLens` shows it as often as a given
share of the time allows, and any token's can be asked for later. Imports torch, no Qt.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from desktop.llm.cache import Decoder, Taps
from desktop.llm.generate import GeneratedToken, entropies
from desktop.llm.kernels import threads
from desktop.llm.sampling import RULED_OUT

SHARED_FROM = 1 << 19
"""Fewer scores are looked at by one thread: that is done before a second one has begun."""

LIVE_SHARE = 0.07
"""Part of the writing time that the live lens may take."""


@dataclass(frozen=True, eq=False)
class LogitLens:
    """What each layer would have said. Row 0 is before the first layer.

    ``ids`` and ``probabilities`` (layers + 1, top): the likeliest tokens, the likeliest first;
    ``entropy`` (layers + 1,) in nats; ``chosen`` (layers + 1,): the probability of the token that was
    written, ``rank`` (layers + 1,): how many tokens were likelier.
    """

    ids: Tensor
    probabilities: Tensor
    entropy: Tensor
    chosen: Tensor | None = None
    rank: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Inspection:
    """Everything about the choice of one token.

    ``position`` is its place in the context; ``attention`` (layers, heads, position) says what was
    looked at to choose it.
    """

    position: int
    token: int | None
    attention: Tensor
    lens: LogitLens
    alternatives: tuple[tuple[int, float], ...]
    entropy: float


def logit_lens(
    decoder: Decoder,
    hidden: Tensor,
    *,
    top: int = 5,
    chosen: int | None = None,
    real_ids: int | None = None,
) -> LogitLens:
    """The lens for a residual stream (layers + 1, width), as in ``Taps.hidden``."""
    scores = decoder.read_out(hidden)
    with threads(1 if scores.numel() < SHARED_FROM else torch.get_num_threads()):
        logprobs = _masked(scores, real_ids).log_softmax(-1)
        values, ids = logprobs.topk(top)
        spread = entropies(logprobs)
        if chosen is None:
            return LogitLens(ids, values.exp(), spread)
        own = logprobs[:, chosen]
        rank = (logprobs > own[:, None]).sum(-1)
        return LogitLens(ids, values.exp(), spread, own.exp(), rank)


def inspect_token(
    decoder: Decoder,
    position: int,
    *,
    top: int = 5,
    chosen: int | None = None,
    real_ids: int | None = None,
) -> Inspection:
    """Everything about the token at ``position`` (at least 1), computed anew.

    ``position`` may be ``decoder.length``: the token that would come next. ``chosen`` defaults to the
    token that stands there. Takes about as long as writing two tokens.
    """
    if chosen is None and position < decoder.length:
        chosen = decoder.ids[position]
    taps = decoder.look_back(position - 1)
    return inspection(decoder, taps, position, top=top, chosen=chosen, real_ids=real_ids)


def inspection(
    decoder: Decoder,
    taps: Taps,
    position: int,
    *,
    top: int = 5,
    chosen: int | None = None,
    real_ids: int | None = None,
) -> Inspection:
    """The same from taps that were kept while the token was written."""
    lens = logit_lens(decoder, taps.hidden, top=top, chosen=chosen, real_ids=real_ids)
    last = lens.probabilities[-1].log().tolist()
    alternatives = tuple(zip(lens.ids[-1].tolist(), last, strict=True))
    return Inspection(position, chosen, taps.attention, lens, alternatives, float(lens.entropy[-1]))


class LiveLens:
    """The lens of tokens as they are written, as often as ``share`` of the time allows."""

    def __init__(self, decoder: Decoder, *, share: float = LIVE_SHARE, top: int = 5) -> None:
        self._decoder, self._share, self._top = decoder, share, top
        self._writing = 0.0
        self._looking = 0.0
        self._last = 0.0

    def see(self, token: GeneratedToken, real_ids: int | None = None) -> LogitLens | None:
        """The lens of ``token``, or nothing if it is not yet time for another one."""
        self._writing += token.ms / 1000
        allowed = self._share * (self._writing + self._looking)
        if token.taps is None or self._looking + self._last > allowed:
            return None
        started = time.perf_counter()
        lens = logit_lens(
            self._decoder,
            token.taps.hidden,
            top=self._top,
            chosen=token.id,
            real_ids=real_ids,
        )
        self._last = time.perf_counter() - started
        self._looking += self._last
        return lens


def mean_attention(taps: Taps) -> Tensor:
    """Attention averaged over all layers and heads, (tokens,)."""
    return taps.attention.mean((0, 1))


def _masked(scores: Tensor, real_ids: int | None) -> Tensor:
    scores = scores.clone()
    if real_ids is not None:
        scores[..., real_ids:] = RULED_OUT
    return scores
