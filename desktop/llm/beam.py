"""Beam search: following several beginnings of an answer at once and keeping the likeliest.

Greedy writing takes the likeliest token at each step and may miss a sentence that starts with a less
likely word. Beam search keeps the ``beams`` likeliest beginnings, extends each by every token, and
keeps the likeliest of all those again. A beginning that reaches the end of text is finished; finished
ones compete by their average log-probability. The rules are those of ``transformers.generate``
(``length_penalty`` 1, ``early_stopping`` False), so the same model gives the same answer.

Each beam is a `Decoder` of its own that has read its own beginning. Imports torch, no Qt.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch

from desktop.llm.cache import Decoder
from desktop.llm.sampling import RULED_OUT, Sampling, forbid_repeated_ngrams, penalize_repetition


@dataclass(frozen=True)
class Beam:
    """A beginning of an answer, the sum of its tokens' log-probabilities and each one's own."""

    ids: tuple[int, ...] = ()
    logprob: float = 0.0
    logprobs: tuple[float, ...] = ()

    @property
    def score(self) -> float:
        """Log-probability per token, by which finished answers are compared."""
        return self.logprob / max(1, len(self.ids))


@dataclass(frozen=True)
class BeamStep:
    """Where the search is after one more token: the beams, and the best finished answers."""

    running: tuple[Beam, ...]
    finished: tuple[Beam, ...]


def beam_search(
    decoder: Decoder,
    prompt: Sequence[int],
    *,
    beams: int,
    max_tokens: int,
    stop_tokens: Sequence[int] = (),
    real_ids: int | None = None,
    sampling: Sampling | None = None,
) -> Generator[BeamStep, None, tuple[Beam, ...]]:
    """Yield every step; the generator's return value is the best answers, the best first.

    Of ``sampling`` the repetition penalty and the n-gram rule apply. At most as many tokens are
    written as the decoder's context has room for.
    """
    max_tokens = min(max_tokens, decoder.capacity - len(prompt))
    if beams < 1 or max_tokens < 1:
        raise ValueError("beam search needs at least one beam and one token")
    search = _Search(beams, tuple(stop_tokens), real_ids, sampling or Sampling(temperature=0))
    scores = decoder.read(prompt)
    first = _Running(Beam(), decoder, scores)
    alone = [decoder.fork(len(prompt) + max_tokens) for _ in range(beams - 1)]
    running, finished = [first], list[Beam]()
    improving = True
    for step in range(1, max_tokens + 1):
        candidates = search.candidates(running, prompt)
        ended = [c for c in candidates[:beams] if c.ends or step == max_tokens]
        if improving:
            finished += [c.beam for c in ended]
            finished = sorted(finished, key=lambda beam: -beam.score)[:beams]
        going_on = [c for c in candidates if not c.ends][:beams] if step < max_tokens else []
        yield BeamStep(tuple(c.beam for c in going_on), tuple(finished))
        full = len(finished) == beams
        best = max((c.beam.score for c in going_on), default=float("-inf"))
        improving = improving and (not full or best > finished[-1].score)
        if not going_on or not improving:
            break
        running, alone = _advance(running, going_on, alone)
    return tuple(finished)


@dataclass(eq=False)
class _Running:
    """A beam, the decoder that has read it, and the scores of what may follow."""

    beam: Beam
    decoder: Decoder
    scores: torch.Tensor


@dataclass(frozen=True, eq=False)
class _Candidate:
    beam: Beam
    parent: _Running
    ends: bool


@dataclass(frozen=True)
class _Search:
    beams: int
    stop_tokens: tuple[int, ...]
    real_ids: int | None
    sampling: Sampling

    def candidates(self, running: Sequence[_Running], prompt: Sequence[int]) -> list[_Candidate]:
        """The likeliest continuations of all beams, enough that some go on even if many end."""
        totals = torch.stack([self._logprobs(one, prompt) + one.beam.logprob for one in running])
        wanted = max(2, 1 + len(self.stop_tokens)) * self.beams
        values, places = totals.flatten().topk(min(wanted, totals.numel()))
        found = []
        for value, place in zip(values.tolist(), places.tolist(), strict=True):
            if value == RULED_OUT:
                break
            parent, token = running[place // totals.shape[1]], place % totals.shape[1]
            before = parent.beam
            own = (*before.logprobs, value - before.logprob)
            beam = Beam((*before.ids, token), value, own)
            found.append(_Candidate(beam, parent, token in self.stop_tokens))
        return found

    def _logprobs(self, one: _Running, prompt: Sequence[int]) -> torch.Tensor:
        scores = one.scores.clone()
        if self.real_ids is not None:
            scores[self.real_ids :] = RULED_OUT
        seen = [*prompt, *one.beam.ids]
        logprobs = scores.log_softmax(-1)
        logprobs = penalize_repetition(logprobs, seen, self.sampling.repetition_penalty)
        return forbid_repeated_ngrams(logprobs, seen, self.sampling.no_repeat_ngram)


def _advance(
    running: Sequence[_Running], chosen: Sequence[_Candidate], spare: list[Decoder]
) -> tuple[list[_Running], list[Decoder]]:
    """Let each chosen beam have a decoder and read its newest token.

    The first child of a beam takes over its decoder; further children get a spare one, which first
    comes to where the parent is. All copying is done before anybody reads on.
    """
    parents = {id(candidate.parent) for candidate in chosen}
    spare = spare + [one.decoder for one in running if id(one) not in parents]
    taken: set[int] = set()
    decoders = []
    for candidate in chosen:
        decoder = candidate.parent.decoder
        if id(candidate.parent) in taken:
            other = spare.pop()
            other.follow(decoder)
            decoder = other
        taken.add(id(candidate.parent))
        decoders.append(decoder)
    advanced = [
        _Running(c.beam, decoder, decoder.decode(c.beam.ids[-1]))
        for c, decoder in zip(chosen, decoders, strict=True)
    ]
    return advanced, spare
