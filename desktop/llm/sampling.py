"""From scores to the next token: the settings of the chat, each one small function.

A model gives every token of its vocabulary a score (a *logit*). Before one is drawn, the scores pass
through the settings in this order, which is also the order of ``transformers``, so that the same
settings give the same probabilities:

    repetition penalty → no-repeat n-gram → temperature → top-k → top-p → min-p → draw

All functions take scores of shape (vocabulary,) in float32 and return new ones, with −∞ for what is
ruled out. Temperature 0 means greedy: the highest score wins and nothing is drawn.
Imports torch only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

RULED_OUT = float("-inf")


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; the defaults change nothing but draw at temperature 1.

    ``top_k`` 0, ``top_p`` 1, ``min_p`` 0, ``repetition_penalty`` 1 and ``no_repeat_ngram`` 0 are off.
    Raises ``ValueError`` for values that make no sense.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    no_repeat_ngram: int = 0

    def __post_init__(self) -> None:
        in_range = {
            "temperature": 0 <= self.temperature <= 100,
            "top_k": self.top_k >= 0,
            "top_p": 0 < self.top_p <= 1,
            "min_p": 0 <= self.min_p < 1,
            "repetition_penalty": 0 < self.repetition_penalty <= 10,
            "no_repeat_ngram": self.no_repeat_ngram >= 0,
        }
        for name, fine in in_range.items():
            if not fine:
                raise ValueError(f"{name} cannot be {getattr(self, name)}")

    @property
    def greedy(self) -> bool:
        """Whether the highest score simply wins."""
        return self.temperature == 0


def penalize_repetition(scores: Tensor, seen: Sequence[int], penalty: float) -> Tensor:
    """Make tokens that occurred before less likely: positive scores ÷ penalty, negative × penalty.

    Keskar et al. 2019, *CTRL*.
    """
    if penalty == 1 or not seen:
        return scores
    ids = torch.tensor(sorted(set(seen)), device=scores.device)
    before = scores[ids]
    return scores.index_copy(0, ids, torch.where(before > 0, before / penalty, before * penalty))


def forbid_repeated_ngrams(scores: Tensor, seen: Sequence[int], size: int) -> Tensor:
    """Rule out every token that would complete a run of ``size`` tokens which occurred before."""
    if size == 0 or len(seen) < size:
        return scores
    start = tuple(seen[len(seen) - size + 1 :])
    banned = {
        seen[i + size - 1]
        for i in range(len(seen) - size + 1)
        if tuple(seen[i : i + size - 1]) == start
    }
    if not banned:
        return scores
    return scores.index_fill(0, torch.tensor(sorted(banned), device=scores.device), RULED_OUT)


def keep_top_k(scores: Tensor, k: int) -> Tensor:
    """Keep the ``k`` highest scores (and those equal to the k-th)."""
    if k == 0 or k >= scores.numel():
        return scores
    lowest_kept = torch.topk(scores, k).values[-1]
    return scores.masked_fill(scores < lowest_kept, RULED_OUT)


def keep_top_p(scores: Tensor, p: float) -> Tensor:
    """Keep the most likely tokens that together reach probability ``p``, at least one.

    Holtzman et al. 2020, *The Curious Case of Neural Text Degeneration*.
    """
    if p >= 1:
        return scores
    ordered, order = torch.sort(scores)
    below = ordered.softmax(-1).cumsum(-1) <= 1 - p
    below[-1] = False
    return scores.masked_fill(torch.zeros_like(below).scatter(0, order, below), RULED_OUT)


def keep_min_p(scores: Tensor, min_p: float) -> Tensor:
    """Keep tokens at least ``min_p`` times as likely as the most likely one.

    Nguyen et al. 2024, *Turning Up the Heat: Min-p Sampling*.
    """
    if min_p == 0:
        return scores
    probabilities = scores.softmax(-1)
    return scores.masked_fill(probabilities < min_p * probabilities.max(), RULED_OUT)


def process(scores: Tensor, seen: Sequence[int], settings: Sampling) -> Tensor:
    """All settings in order; the result's softmax is what a token is drawn from."""
    scores = penalize_repetition(scores, seen, settings.repetition_penalty)
    scores = forbid_repeated_ngrams(scores, seen, settings.no_repeat_ngram)
    if settings.greedy:
        return scores
    scores = scores / settings.temperature
    scores = keep_top_k(scores, settings.top_k)
    scores = keep_top_p(scores, settings.top_p)
    return keep_min_p(scores, settings.min_p)


def choose(scores: Tensor, settings: Sampling, rng: torch.Generator) -> int:
    """The next token from processed scores: the highest, or one drawn in proportion."""
    if settings.greedy:
        return int(scores.argmax())
    return int(torch.multinomial(scores.softmax(-1), 1, generator=rng))
