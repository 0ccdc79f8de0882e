"""Cuts Markdown into blocks while it streams in, so that nothing is ever parsed twice.

``feed`` takes the newest letters and says what to do with them: open a block, append to it, close it.
A block is closed (and only then parsed) at a blank line or at the end of a code fence. A line that may
turn out to be a fence is held back until it is certain. A writer whose every line is meant as a
paragraph of its own can be taken at its word. Imports nothing of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)$")
_MAY_BE_FENCE = re.compile(r" {0,3}(`{1,2}|~{1,2}|(`{3,}|~{3,})[^`]*)?$")
_MAY_BE_LIST = re.compile(r"\s*([-*+]|\d{1,9}[.)]?)")
_LIST = re.compile(r"\s*([-*+]|\d{1,9}[.)])\s")


@dataclass(frozen=True)
class Open:
    """A block begins; ``language`` is set for code."""

    code: bool
    language: str = ""


@dataclass(frozen=True)
class Append:
    """These letters belong to the open block."""

    text: str


@dataclass(frozen=True)
class Close:
    """The block is over; ``text`` is all of it."""

    text: str


Deed = Open | Append | Close


class MarkdownStream:
    """What is open now, and the line that is being written."""

    def __init__(self, *, lines_are_paragraphs: bool = False) -> None:
        self._lines_are_paragraphs = lines_are_paragraphs
        self._open = False
        self._fence = ""
        self._block = ""
        self._line = ""
        self._told = 0
        self._blank = False

    def feed(self, text: str) -> Iterator[Deed]:
        """Take the newest letters."""
        pieces = text.split("\n")
        for place, piece in enumerate(pieces):
            self._line += piece
            if place < len(pieces) - 1:
                yield from self._line_ended()
            else:
                yield from self._show_certain()

    def finish(self) -> Iterator[Deed]:
        """Nothing more comes."""
        if self._line:
            yield from self._line_ended()
        yield from self._close()

    # ---- lines

    def _show_certain(self) -> Iterator[Deed]:
        """Show the unfinished line, unless it may still become something else than text."""
        if not self._fence and not self._told and self._uncertain():
            return
        if self._fence and _MAY_BE_FENCE.fullmatch(self._line):
            return
        yield from self._begin_text()
        new = self._line[self._told :]
        self._told = len(self._line)
        if new:
            yield Append(new)

    def _uncertain(self) -> bool:
        line = self._line
        if not line.strip() or _MAY_BE_FENCE.fullmatch(line):
            return True
        return self._blank and bool(_MAY_BE_LIST.fullmatch(line))

    def _line_ended(self) -> Iterator[Deed]:
        line, told = self._line, self._told
        self._line, self._told = "", 0
        fence = _FENCE.fullmatch(line)
        if self._fence:
            if fence and fence[1].startswith(self._fence) and not fence[2].strip():
                yield from self._close()
            else:
                self._block += line + "\n"
                yield Append(line[told:] + "\n")
        elif fence and not told:
            yield from self._close()
            self._open, self._fence = True, fence[1]
            yield Open(code=True, language=fence[2].strip().split(" ")[0])
        elif not line.strip():
            self._blank = self._open
        else:
            self._line, self._told = line, told
            yield from self._begin_text()
            self._line, told, self._told = "", self._told or told, 0
            self._block += line + "\n"
            yield Append(line[told:] + "\n")
            if self._lines_are_paragraphs and not _LIST.match(line):
                self._blank = True

    def _begin_text(self) -> Iterator[Deed]:
        """Before a line of text: a blank line ends a block, but not a list that goes on."""
        if self._blank and not self._fence:
            self._blank = False
            goes_on = self._line[:1] in (" ", "\t") or (
                _LIST.match(self._line) and _LIST.match(self._block)
            )
            if goes_on:
                self._block += "\n"
                yield Append("\n")
            else:
                yield from self._close()
        if not self._open:
            self._open = True
            yield Open(code=False)

    def _close(self) -> Iterator[Deed]:
        if self._open:
            yield Close(self._block)
        self._open, self._fence, self._block, self._blank = False, "", "", False
