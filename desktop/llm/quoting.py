"""Keeping an answer to the words of a text: the model chooses what to say of it, and when to stop.

A model of a few million parameters says fluently what it half remembers. Where an answer stands in
the course already, the tutor is therefore held to it: it begins with one of the text's lines, goes on
word for word, and at the end of each line the model decides whether a later line follows or nothing
more (free to stop after every sentence, it more often left out what was asked for). Every token is
still the model's likeliest (or drawn from its probabilities) among those that the text allows; what it would
have said freely is kept with the token and shown.

This is decoding under a grammar (as with llama.cpp's), here a finite automaton over token ids:
places in the text are its states. Imports the tokenizer; no torch, no Qt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.llm.tokenizer import Tokenizer

Place = tuple[int, int]
"""A piece of the text and the place of the token within it that comes next."""


class Quoting:
    """Which tokens may come next. ``pieces`` are the lines as token ids; ``after[k]`` names the pieces
    that may follow piece ``k``, ``first`` those that an answer may begin with."""

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
        begins = [line.strip() for line in lines if line.strip()]
        text = [*begins, *(line.strip() for line in further if line.strip())]
        end = tokenizer.end_of_text
        if end is None or not begins:
            return None
        # Each line twice: as an answer begins, and as it reads after another line.
        pieces = [tokenizer.encode(f" {line}") for line in text]
        pieces += [tokenizer.encode(f"\n{line}") for line in text]
        count = len(text)
        after = [[count + later for later in range(line + 1, count)] for line in range(count)] * 2
        return cls(pieces, range(len(begins)), after, end)

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
