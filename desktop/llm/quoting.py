"""Keeping an answer to the words of a text: the model chooses what to say of it, and when to stop.

A model of a few million parameters says fluently what it half remembers. Where an answer stands in
the course already, the tutor is therefore held to it: it begins with one of the text's lines, goes on
word for word, and at the end of each sentence the model decides whether the next one follows, a later
line, or nothing more. Every token is still the model's likeliest (or drawn from its probabilities)
among those that the text allows; what it would have said freely is kept with the token and shown.

This is decoding under a grammar (as with llama.cpp's), here a finite automaton over token ids:
places in the text are its states. Imports the tokenizer; no torch, no Qt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.llm.tokenizer import Tokenizer

_SENTENCE_END = re.compile(r"(?<=[。！？])(?![”」』）])|(?<=[.!?]) (?=[^a-z])")

Place = tuple[int, int]
"""A piece of the text and the place of the token within it that comes next."""


class Quoting:
    """Which tokens may come next. ``pieces`` are the sentences as token ids; ``after[k]`` names the
    pieces that may follow piece ``k``, ``first`` those that an answer may begin with."""

    def __init__(
        self,
        pieces: Sequence[Sequence[int]],
        first: Sequence[int],
        after: Sequence[Sequence[int]],
        end: int,
    ) -> None:
        self._pieces, self._first, self._after, self._end = pieces, first, after, end

    @classmethod
    def of(
        cls, tokenizer: Tokenizer, lines: Sequence[str], further: Sequence[str] = ()
    ) -> Quoting | None:
        """The automaton for a text of several lines; ``None`` if there is nothing to hold on to. An
        answer begins with one of ``lines``; ``further`` ones can only follow."""
        cut = [_sentences(line.strip()) for line in lines if line.strip()]
        beginnings = len(cut)
        cut += [_sentences(line.strip()) for line in further if line.strip()]
        end = tokenizer.end_of_text
        if end is None or not beginnings:
            return None
        pieces, line_of = list[list[int]](), list[int]()

        def add(text: str, line: int) -> int:
            pieces.append(tokenizer.encode(text))
            line_of.append(line)
            return len(pieces) - 1

        first, later, then = list[int](), list[int](), dict[int, int]()
        for line, sentences in enumerate(cut):
            # The first sentence twice: as an answer begins, and as it reads after another line.
            before = [add(f" {sentences[0]}", line)] if line < beginnings else []
            first += before
            later.append(add(f"\n{sentences[0]}", line))
            before = [*before, later[-1]]
            for sentence in sentences[1:]:
                place = add(sentence, line)
                then |= dict.fromkeys(before, place)
                before = [place]
        after = [
            [*([then[piece]] if piece in then else []), *later[line_of[piece] + 1 :]]
            for piece in range(len(pieces))
        ]
        return cls(pieces, first, after, end)

    def allowed(self, written: Sequence[int]) -> frozenset[int]:
        """The ids that may follow what is written; empty where the text has been left, as when a
        learner has put another token in: then anything goes."""
        places: set[Place] = {(piece, 0) for piece in self._first}
        ended = False
        for token in written:
            moved = {(piece, at + 1) for piece, at in places if self._pieces[piece][at] == token}
            places, ended = set(), False
            for piece, at in moved:
                if at < len(self._pieces[piece]):
                    places.add((piece, at))
                else:
                    ended = True
                    places |= {(following, 0) for following in self._after[piece]}
            if not places and not ended:
                return frozenset()
        found = {self._pieces[piece][at] for piece, at in places}
        return frozenset(found | {self._end}) if ended else frozenset(found)


def _sentences(line: str) -> list[str]:
    """A line cut after its sentences; what follows a space keeps it."""
    cut = [place.end() for place in _SENTENCE_END.finditer(line)]
    found = []
    for begin, end in zip([0, *cut], [*cut, len(line)], strict=True):
        sentence = line[begin:end].rstrip()
        if sentence:
            found.append(" " + sentence if begin and line[begin - 1] == " " else sentence)
    return found
