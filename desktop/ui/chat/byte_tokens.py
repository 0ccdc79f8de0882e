"""Tokens that are only part of a character, shown as the character that they belong to.

A byte-level vocabulary spells a rare character with several tokens, each a byte or two of its UTF-8.
The tokenizer labels such a token by its bytes, ⟨E5⟩⟨AD⟩. Here neighbours are put together again: where
the character is known it is shown, with the number of the part; where it is not, the bytes, quietly.
Either way ``tip`` says why one character is several tokens. Imports strings only; no Qt, no torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desktop.course.chats import TokenRecord
from desktop.ui.strings import tr

_BYTES = re.compile(r"(?:⟨[0-9A-F]{2}⟩)+")
_LONGEST = 4
"""Bytes of a character in UTF-8, at most; so many tokens can share one."""
_GOES_ON = "·"


@dataclass(frozen=True)
class Spelled:
    """One token for people."""

    alone: str
    """Standing by itself: 学 1/2."""
    within: str
    """Among its neighbours: 学 for the first part, a dot for every other."""
    quiet: bool = False
    """Not a text of its own: to be set in a muted colour."""
    tip: str = ""


@dataclass(frozen=True)
class _Unit:
    """A character, or bytes that are none, at a place in a run of bytes."""

    start: int
    end: int
    text: str


def spell(labels: Sequence[str]) -> list[Spelled]:
    """Tokens that follow each other, by their labels."""
    found: list[Spelled] = []
    run: list[bytes] = []
    for label in labels:
        raw = _raw(label)
        if raw is not None:
            run.append(raw)
            continue
        found += _spell_run(run)
        run = []
        shown = _visible(label)
        found.append(Spelled(shown, shown))
    return found + _spell_run(run)


def spell_after(before: Sequence[str], label: str) -> Spelled:
    """A token that could follow ``before``: the character it would complete, if it does."""
    return spell([*before[-_LONGEST:], label])[-1]


def spell_record(records: Sequence[TokenRecord], place: int) -> Spelled:
    """A token of an answer, with what stands around it."""
    first = max(0, place - _LONGEST)
    around = labels(records[first : place + _LONGEST])
    return spell(around)[place - first]


def labels(records: Sequence[TokenRecord]) -> list[str]:
    """The labels of tokens as they were chosen."""
    return [
        next((name for number, name, _ in one.top if number == one.id), one.text) for one in records
    ]


def _visible(text: str) -> str:
    """Control characters and unusual blanks, which have no shape of their own, by their numbers."""
    return "".join(one if one.isprintable() else f"⟨{ord(one):02X}⟩" for one in text)


def _raw(label: str) -> bytes | None:
    """The bytes of a label that is nothing but bytes."""
    if not _BYTES.fullmatch(label):
        return None
    return bytes.fromhex(label.replace("⟨", "").replace("⟩", ""))


def _spell_run(run: Sequence[bytes]) -> list[Spelled]:
    ends, total = [], 0
    for raw in run:
        total += len(raw)
        ends.append(total)
    units = list(_units(b"".join(run)))
    found = []
    for place, raw in enumerate(run):
        start, end = ends[place] - len(raw), ends[place]
        parts = []
        for unit in units:
            if unit.start < end and unit.end > start:
                of = [at for at, stop in enumerate(ends) if _touches(unit, stop, len(run[at]))]
                parts.append(_part(unit, of.index(place) + 1, len(of), raw))
        found.append(_join(parts))
    return found


def _touches(unit: _Unit, stop: int, length: int) -> bool:
    return unit.start < stop and unit.end > stop - length


def _units(whole: bytes) -> Iterator[_Unit]:
    at = 0
    while at < len(whole):
        for length in range(1, _LONGEST + 1):
            try:
                text = whole[at : at + length].decode("utf-8")
            except UnicodeDecodeError:
                continue
            yield _Unit(at, at + length, text)
            at += length
            break
        else:
            yield _Unit(at, at + 1, "")
            at += 1


def _part(unit: _Unit, number: int, count: int, raw: bytes) -> Spelled:
    shown = raw.hex(" ").upper()
    if not unit.text:
        return Spelled(shown, shown, True, tr("chat_inside.tip_bytes", bytes=shown))
    if count == 1:
        return Spelled(_visible(unit.text), _visible(unit.text))
    tip = tr("chat_inside.tip_part", token=unit.text, count=count, number=number, bytes=shown)
    within = unit.text if number == 1 else _GOES_ON
    return Spelled(f"{unit.text} {number}/{count}", within, number > 1, tip)


def _join(parts: Sequence[Spelled]) -> Spelled:
    """Mostly one part; a token may also end one character and begin the next."""
    if all(part.tip == parts[0].tip for part in parts):
        return parts[0]
    alone, within = " ".join(p.alone for p in parts), "".join(p.within for p in parts)
    tip = " ".join(part.tip for part in parts if part.tip)
    return Spelled(alone, within, all(part.quiet for part in parts), tip)
