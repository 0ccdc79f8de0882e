"""Ctrl+K: one search over lessons, steps and glossary, in both languages at once.

Texts are folded letter by letter (case, width, accents), so places in the folded text are places in
the original and matches can be marked. Latin words match from their beginning; Chinese matches
anywhere, and a longer Chinese phrase that occurs nowhere as a whole matches by its pairs of
characters. A whole course fits in a few hundred kilobytes, which Python scans in milliseconds, so
the index is just the folded texts. Imports nothing of ours but the course's own modules and the
language type.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from desktop.bilingual import LANGUAGES, Bilingual, Language
from desktop.course.prose import plain_text

if TYPE_CHECKING:
    from desktop.course.catalog import Course
    from desktop.course.glossary import Glossary, Term
    from desktop.course.lesson import Lesson

Range = tuple[int, int]
HitKind = Literal["lesson", "step", "term"]

_CJK = "\u3400-\u9fff\uf900-\ufaff"
_PART = re.compile(rf"[{_CJK}]+|[^\W{_CJK}]+")
_SPACES = re.compile(r"\s+")
_SNIPPET: dict[Language, int] = {"zh": 56, "en": 120}
_KIND_BONUS = {"lesson": 3.0, "term": 2.0, "step": 1.0}
_PAIRS_NEEDED = 0.6
_EMPTY_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "how",
        "i",
        "in",
        "is",
        "it",
        "my",
        "of",
        "on",
        "or",
        "so",
        "that",
        "the",
        "this",
        "to",
        "was",
        "what",
        "when",
        "where",
        "which",
        "why",
        "with",
        "you",
    ]
)


@dataclass(frozen=True)
class Hit:
    """One result. ``id`` is a lesson's slug or a term's id; ``step`` is set for steps. The ranges
    say which characters of ``title`` and ``snippet`` matched."""

    kind: HitKind
    id: str
    step: str
    title: str
    snippet: str
    score: float
    title_ranges: tuple[Range, ...] = ()
    snippet_ranges: tuple[Range, ...] = ()


def search(course: Course, query: str, language: Language, limit: int = 20) -> list[Hit]:
    """The best hits in the whole course, best first; titles in ``language``."""
    return course.search_index.search(query, language, limit)


def _fold_table() -> dict[int, int]:
    """One character to one character, so that places survive folding."""
    table = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # full width → ASCII
    table |= {0x3000: 0x20}
    for code in range(0xC0, 0x250):  # é → e
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base.isascii():
            table[code] = ord(base)
    for source, lower in list(table.items()):
        table[source] = ord(chr(lower).lower())
    table |= {code: code + 32 for code in range(0x41, 0x5B)}
    table |= {code: code + 32 for code in range(0x391, 0x3AA)}  # Greek capitals
    table |= dict.fromkeys(map(ord, "-_/‐‑–—·・'’"), 0x20)
    return table


_FOLD = _fold_table()


def fold(text: str) -> str:
    """Case, width, accents and hyphens away; the length stays."""
    return text.translate(_FOLD)


def _tight(folded: str) -> str:
    return _SPACES.sub(" ", folded).strip()


class Part:
    """One word or Chinese phrase of a query, folded."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.chinese = bool(re.match(rf"[{_CJK}]", text))
        self._singular = (
            Part(text[:-1]) if not self.chinese and len(text) > 3 and text.endswith("s") else None
        )
        self._pairs = tuple(text[i : i + 2] for i in range(len(text) - 1))
        before = "" if self.chinese else rf"(?<![^\W{_CJK}])"
        self._pattern = re.compile(before + re.escape(text))

    def places(self, folded: str) -> list[Range]:
        """Where it occurs as a whole."""
        if self.text in folded:
            return [match.span() for match in self._pattern.finditer(folded)]
        return self._singular.places(folded) if self._singular else []

    def may_occur(self, folded: str) -> bool:
        """A quick look that never misses a place, though it may promise too much."""
        return self.text in folded or bool(self._singular and self._singular.text in folded)

    def count(self, folded: str) -> int:
        """How often it occurs, roughly: Latin words are counted once their beginning is found."""
        if self.text not in folded:
            return self._singular.count(folded) if self._singular else 0
        return folded.count(self.text) if self._pattern.search(folded) else 0

    def pair_places(self, folded: str) -> list[Range]:
        """Where enough of its pairs of characters occur; empty if too few of them do."""
        if not self.chinese or len(self._pairs) < 2:
            return []
        found = [pair for pair in self._pairs if pair in folded]
        if len(found) < _PAIRS_NEEDED * len(self._pairs):
            return []
        return [match.span() for pair in found for match in re.finditer(re.escape(pair), folded)]


@dataclass
class _Document:
    kind: HitKind
    id: str
    step: str
    title: Bilingual
    body: Bilingual
    aliases: tuple[str, ...] = ()
    titles: dict[Language, str] = field(init=False)
    names: dict[Language, str] = field(init=False)
    bodies: dict[Language, str] = field(init=False)
    texts: dict[Language, str] = field(init=False)
    folded_aliases: tuple[str, ...] = field(init=False)
    handles: str = field(init=False)

    def __post_init__(self) -> None:
        self.titles = {language: fold(self.title[language]) for language in LANGUAGES}
        self.names = {language: _tight(title) for language, title in self.titles.items()}
        self.bodies = {language: fold(self.body[language]) for language in LANGUAGES}
        self.folded_aliases = tuple(_tight(fold(alias)) for alias in self.aliases)
        self.handles = "\n".join((*self.names.values(), *self.folded_aliases))
        self.texts = {
            own: " ".join((self.titles[own], self.bodies[own], *self.folded_aliases))
            for own in LANGUAGES
        }


class SearchIndex:
    """Everything that can be found, folded once."""

    def __init__(self, lessons: Iterable[Lesson], glossary: Glossary) -> None:
        self._documents = [
            *(document for lesson in lessons for document in _lesson_documents(lesson)),
            *(_term_document(term) for term in glossary),
        ]

    def search(self, query: str, language: Language, limit: int = 20) -> list[Hit]:
        """The best hits, best first. When nothing has all the words, Latin words are taken for
        misspellings of the nearest word in a title; then half of the words are enough."""
        folded = _tight(fold(query))
        words = dict.fromkeys(_PART.findall(folded))
        telling = [word for word in words if word not in _EMPTY_WORDS]
        parts = tuple(Part(word) for word in telling or words)
        if not parts:
            return []
        best = self._best(folded, parts, language, limit)
        if not best:
            parts = self._corrected(parts)
            folded = " ".join(part.text for part in parts)
            best = self._best(folded, parts, language, limit)
        if not best and len(parts) > 1:
            best = self._best(folded, parts, language, limit, needed=(len(parts) + 1) // 2)
        return [_hit(item, parts, language, score) for score, item in best]

    def _best(
        self,
        query: str,
        parts: tuple[Part, ...],
        language: Language,
        limit: int,
        needed: int | None = None,
    ) -> list[tuple[float, _Document]]:
        """Documents that have ``needed`` of the parts (all, when left out), best first."""
        least = needed or len(parts)
        scored = [(_score(item, query, parts, language, least), item) for item in self._documents]
        return sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])[:limit]

    def _corrected(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        words = {
            word
            for item in self._documents
            for text in (*item.titles.values(), *item.folded_aliases)
            for word in _PART.findall(text)
            if len(word) > 3
        }
        corrected = []
        for part in parts:
            near = difflib.get_close_matches(part.text, words, n=1, cutoff=0.75)
            corrected.append(Part(near[0]) if near and not part.chinese else part)
        return tuple(corrected)


def _lesson_documents(lesson: Lesson) -> Iterator[_Document]:
    yield _Document("lesson", lesson.slug, "", lesson.title, lesson.summary, (lesson.slug,))
    for step in lesson.steps:
        body = Bilingual.from_mapping(
            {language: plain_text(step.markdown[language]) for language in LANGUAGES}
        )
        yield _Document("step", lesson.slug, step.id, step.title, body)


def _term_document(term: Term) -> _Document:
    body = Bilingual(
        f"{term.definition.zh} {plain_text(term.more.zh)}",
        f"{term.definition.en} {plain_text(term.more.en)}",
    )
    return _Document("term", term.id, "", term.name, body, (term.id, *term.aliases))


def _score(
    item: _Document, query: str, parts: tuple[Part, ...], language: Language, needed: int
) -> float:
    """0 for no match. Exact or beginning title, then alias, then words in the title, then body."""
    best = 0.0
    if not all(part.may_occur(item.handles) for part in parts):
        return _with_kind(item, _body_score(item, parts, language, needed))
    for own, name in item.names.items():
        bonus = 0.5 if own == language else 0.0
        best = max(best, _name_score(name, query, parts, (1000, 900, 800)) + bonus)
    for alias in item.folded_aliases:
        best = max(best, _name_score(alias, query, parts, (850, 700, 650)))
    if best < 1:
        best = _body_score(item, parts, language, needed)
    return _with_kind(item, best)


def _with_kind(item: _Document, score: float) -> float:
    return score + _KIND_BONUS[item.kind] if score >= 1 else 0.0


def _name_score(
    name: str, query: str, parts: tuple[Part, ...], scores: tuple[int, int, int]
) -> float:
    """Exact, beginning with the query, holding all its parts. Shorter names are nearer."""
    exact, beginning, holding = scores
    if name == query:
        return float(exact)
    if name.startswith(query):
        return beginning - min(len(name), 80) / 4
    if all(part.count(name) for part in parts):
        return holding - min(len(name), 80) / 4
    return 0.0


def _body_score(item: _Document, parts: tuple[Part, ...], language: Language, needed: int) -> float:
    """By how often the parts occur, more in the title, most as a whole word of the title."""
    best = 0.0
    for own in LANGUAGES:
        found = [_part_score(part, item.names[own], item.texts[own]) for part in parts]
        if sum(score > 0 for score in found) >= needed:
            best = max(best, sum(found) / len(parts) + (0.5 if own == language else 0.0))
    return best


def _part_score(part: Part, name: str, text: str) -> float:
    whole = part.count(text)
    if not whole:
        return 40.0 if part.pair_places(text) else 0.0
    in_name = 50 * bool(part.count(name)) + 30 * (part.text in name.split(" "))
    return 100.0 + in_name + min(whole, 20)


def _hit(item: _Document, parts: tuple[Part, ...], language: Language, score: float) -> Hit:
    shown: Language = language
    places = _places(item.bodies[shown], parts)
    if not places and not _places(item.titles[shown], parts):
        other: Language = "en" if language == "zh" else "zh"
        if _places(item.bodies[other], parts):
            shown, places = other, _places(item.bodies[other], parts)
    snippet, ranges = _snippet(item.body[shown], places, _SNIPPET[shown])
    return Hit(
        item.kind,
        item.id,
        item.step,
        item.title[language],
        snippet,
        score,
        _places(item.titles[language], parts),
        ranges,
    )


def _places(folded: str, parts: tuple[Part, ...]) -> tuple[Range, ...]:
    """All matches, merged where they touch."""
    found = sorted(
        place for part in parts for place in (part.places(folded) or part.pair_places(folded))
    )
    merged: list[Range] = []
    for start, end in found:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _snippet(text: str, places: tuple[Range, ...], length: int) -> tuple[str, tuple[Range, ...]]:
    """About ``length`` characters around the first match, cut between words."""
    first = places[0][0] if places else 0
    start = 0 if first < length // 2 else _word_start(text, first - length // 4)
    end = len(text) if len(text) <= start + length else _word_start(text, start + length)
    before, after = "…" if start else "", "…" if end < len(text) else ""
    shift = len(before) - start
    ranges = tuple((a + shift, min(b, end) + shift) for a, b in places if start <= a < end)
    cut = text[start:end].rstrip() if after else text[start:end]
    limit = len(before) + len(cut)
    return f"{before}{cut}{after}", tuple((a, min(b, limit)) for a, b in ranges if a < limit)


def _word_start(text: str, place: int) -> int:
    """The nearest place at or before ``place`` (within a long word's length) where a word begins."""
    for back in range(min(20, place)):
        before, at = text[place - back - 1], text[place - back]
        if before.isspace() or not (before.isascii() and at.isascii()):
            return place - back
    return place
