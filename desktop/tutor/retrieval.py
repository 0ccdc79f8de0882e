"""Which written answers a question asks for: cosine similarity over weighted word pieces.

Every wording of every record, and every name of a term, is a small document. Words are compared
whole and by their four-letter pieces (so a typo or an ending costs little), Chinese by single
characters and by pairs. Pieces weigh by how rare they are (inverse document frequency, Spärck Jones
1972), documents have length 1, so a score is the cosine of an angle: 1 is the same wording. The
index of some ten thousand short texts is made in a fraction of a second; it needs numpy, no torch.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from desktop.bilingual import Language
from desktop.course.glossary import Glossary
from desktop.course.search import fold
from desktop.tutor.mentions import Mention, Mentions
from desktop.tutor.records import Record

MAX_QUESTION = 400
"""Characters of a question that are looked at; beyond that nobody asks for one thing."""
BODY_WEIGHT, NAME_WEIGHT, SAME_WEIGHT, OTHER_KIND = 1.5, 0.3, 1.0, 0.4
"""How much an answer's own words, a term's name in the question, and a wording that is nearly the same
count beside the closest wording, and what a comparison of things not named loses; chosen by leaving
wordings out (``python -m desktop.tutor.calibrate``)."""
_NEARLY_SAME = 0.8
_WHY = re.compile(r"为什么|为啥|为何|咋|怎么|如何|\b(why|how come|how do|how can|how to)\b")
_LESSON = re.compile(r"(?<!门)课(?!程)|\b(lessons?|chapter)\b")
_LATIN = re.compile(r"[a-z0-9]+|[α-ω√≈×²³]")
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_SINGLE, _PAIR, _WORD, _PIECE = 0.35, 1.0, 1.6, 0.35
_EMPTY = 0.15
"""The weight of words that questions about anything share."""
_EMPTY_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "do",
        "does",
        "did",
        "can",
        "could",
        "should",
        "would",
        "will",
        "shall",
        "may",
        "might",
        "must",
        "i",
        "you",
        "he",
        "she",
        "it",
        "we",
        "they",
        "me",
        "him",
        "her",
        "us",
        "them",
        "my",
        "your",
        "his",
        "its",
        "our",
        "their",
        "this",
        "that",
        "these",
        "those",
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "how",
        "much",
        "many",
        "and",
        "or",
        "but",
        "if",
        "so",
        "than",
        "then",
        "as",
        "of",
        "at",
        "by",
        "for",
        "from",
        "in",
        "into",
        "on",
        "to",
        "with",
        "about",
        "not",
        "no",
        "yes",
        "there",
        "here",
        "have",
        "has",
        "had",
        "get",
        "got",
        "go",
        "one",
        "some",
        "any",
        "more",
        "most",
        "very",
        "just",
        "really",
        "actually",
        "please",
        "tell",
        "explain",
        "mean",
        "meaning",
        "like",
        "want",
        "need",
        "thing",
        "say",
        "s",
        "t",
        "re",
        "m",
        "ve",
        "ll",
        "d",
        "in",
        "whats",
        "im",
        "dont",
        "doesnt",
        "isnt",
    ]
)
_EMPTY_CHINESE = frozenset(
    "的了吗呢吧啊呀么我你他她它们这那是有在和与或也都就还要会能可以不没很太个到底啥怎什为何请问讲说下来去上一"
)


def language_of(text: str) -> Language:
    """Chinese if there is a Chinese character in it, otherwise English."""
    return "zh" if _CHINESE.search(text) else "en"


def features(text: str) -> dict[str, float]:
    """Weighted pieces of a text: words and their four-letter pieces, characters and pairs."""
    folded = fold(text[:MAX_QUESTION])
    found: dict[str, float] = defaultdict(float)
    for word in _LATIN.findall(folded):
        if word in _EMPTY_WORDS:
            found[word] += _EMPTY
            continue
        stem = _stem(word)
        found[stem] += _WORD
        bounded = f"^{stem}$"
        for at in range(len(bounded) - 3):
            found["~" + bounded[at : at + 4]] += _PIECE
    for run in _CHINESE.findall(folded):
        for character in run:
            found[character] += _SINGLE * (_EMPTY if character in _EMPTY_CHINESE else 1.0)
        for first, second in itertools.pairwise(run):
            empty = (first in _EMPTY_CHINESE) + (second in _EMPTY_CHINESE)
            found[first + second] += _PAIR * (1.0, 0.4, _EMPTY)[empty]
    return found


def content(text: str) -> list[str]:
    """The words and pairs of characters that say what a text is about."""
    folded = fold(text[:MAX_QUESTION])
    found = [_stem(word) for word in _LATIN.findall(folded) if word not in _EMPTY_WORDS]
    for run in _CHINESE.findall(folded):
        pairs = itertools.pairwise(run)
        found += [a + b for a, b in pairs if not {a, b} & _EMPTY_CHINESE]
    return found


def _stem(word: str) -> str:
    """The plural and third-person s away; four-letter pieces see to other endings."""
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@dataclass(frozen=True)
class Match:
    """A record and how well it fits: ``score`` for ranking, ``wording`` (0 to 1) the similarity of
    the closest known wording or name."""

    record: Record
    score: float
    wording: float
    known: float
    """How much of what the question speaks of (0 to 1) occurs anywhere in the course."""
    named: bool = False
    """Whether the question names a term, by a name that is no everyday word."""


class _Documents:
    """Short texts as vectors of length 1, by feature; each belongs to an owner."""

    def __init__(self, texts: Sequence[tuple[int, str]]) -> None:
        self.owners = np.array([owner for owner, _ in texts], dtype=np.int64)
        counts = [features(text) for _, text in texts]
        frequency = Counter(feature for one in counts for feature in one)
        total = max(1, len(texts))
        self.rarity = {name: math.log(1 + total / count) for name, count in frequency.items()}
        self.unknown = math.log(1 + total)
        places: dict[str, list[int]] = defaultdict(list)
        weights: dict[str, list[float]] = defaultdict(list)
        for place, one in enumerate(counts):
            vector = {name: weight * self.rarity[name] for name, weight in one.items()}
            length = math.sqrt(sum(weight * weight for weight in vector.values())) or 1.0
            for name, weight in vector.items():
                places[name].append(place)
                weights[name].append(weight / length)
        self.places = {name: np.array(where) for name, where in places.items()}
        self.weights = {name: np.array(how) for name, how in weights.items()}

    def similarities(self, asked: Mapping[str, float]) -> np.ndarray:
        """Cosine with every document. What no document has still makes the question longer, so a
        question about something else does not look close."""
        vector = {name: n * self.rarity.get(name, self.unknown) for name, n in asked.items()}
        length = math.sqrt(sum(weight * weight for weight in vector.values())) or 1.0
        scores = np.zeros(len(self.owners))
        for name, weight in vector.items():
            if name in self.places:
                scores[self.places[name]] += self.weights[name] * (weight / length)
        return scores


class Index:
    """All records of one language, ready to be searched."""

    def __init__(
        self, records: Iterable[Record], lang: Language, glossary: Glossary | None = None
    ) -> None:
        self.records = tuple(record for record in records if record.lang == lang)
        wordings = [
            (place, question)
            for place, record in enumerate(self.records)
            for question in record.questions
        ]
        names = [
            (place, name)
            for place, record in enumerate(self.records)
            if record.kind == "term" and glossary is not None
            for name in _names(glossary, record)
        ]
        self._mentions = Mentions(glossary) if glossary is not None else None
        wordings += names
        self._wordings = _Documents(wordings)
        self._vocabulary = Counter(
            word
            for record in self.records
            if record.kind != "outside"
            for text in (*record.questions, *record.parts.values())
            for word in content(text)
        )
        self._bodies = _Documents(
            [
                (place, text)
                for place, record in enumerate(self.records)
                for text in _bodies(record, glossary)
            ]
        )

    def search(self, question: str, limit: int = 3, *, but: str = "") -> list[Match]:
        """The best records, best first. ``but`` leaves one known wording out, as if it had never
        been written: that is how the thresholds were chosen."""
        asked = features(question)
        if not asked or not self.records:
            return []
        close = self._wordings.similarities(asked)
        if but:
            close[self._same(but)] = 0.0
        wording = np.zeros(len(self.records))
        np.maximum.at(wording, self._wordings.owners, close)
        body = np.zeros(len(self.records))
        np.maximum.at(body, self._bodies.owners, self._bodies.similarities(asked))
        score = wording + BODY_WEIGHT * body
        score += SAME_WEIGHT * np.maximum(0.0, wording - _NEARLY_SAME) / (1 - _NEARLY_SAME)
        mentions = self._mentions.find(question[:MAX_QUESTION]) if self._mentions else ()
        score += self._fitting(question, mentions)
        best = np.argsort(-score, kind="stable")[:limit]
        known = self._known(question, but)
        named = any(one.sure for one in mentions)
        return [
            Match(self.records[place], float(score[place]), float(wording[place]), known, named)
            for place in best
            if score[place] > 0
        ]

    def _known(self, question: str, but: str) -> float:
        words = content(question)
        if not words:
            return 0.0
        own = Counter(content(but))  # a wording left out does not vouch for its own words
        return sum(self._vocabulary[word] > own[word] for word in words) / len(words)

    def _fitting(self, question: str, mentions: Sequence[Mention]) -> np.ndarray:
        """What each record gains by being about the named terms, or loses by its kind."""
        shares = {one.id: one.share for one in mentions}
        lesson = bool(_LESSON.search(question[:MAX_QUESTION].casefold()))
        why = bool(_WHY.search(question[:MAX_QUESTION].casefold()))
        gains = np.zeros(len(self.records))
        for place, record in enumerate(self.records):
            inside = sum(shares.get(one, 0.0) for one in record.ids)
            if record.kind == "lesson":
                gains[place] = OTHER_KIND * (1 if lesson else -0.5) + NAME_WEIGHT * inside / 2
                continue
            gains[place] = NAME_WEIGHT * min(1.0, inside)
            if record.kind == "why" and why:
                gains[place] += OTHER_KIND / 2
            if record.kind == "comparison" and not set(record.ids) <= shares.keys():
                gains[place] -= OTHER_KIND
        return gains

    def _same(self, wording: str) -> list[int]:
        place, found = 0, []
        for record in self.records:
            for question in record.questions:
                if question == wording:
                    found.append(place)
                place += 1
        return found


def _bodies(record: Record, glossary: Glossary | None) -> list[str]:
    """A record's answer as a whole, each part, and what the glossary says of the term."""
    parts = [*record.parts.values()]
    texts = [" ".join(parts), *parts] if len(parts) > 1 else parts
    entry = glossary.get(record.ids[0]) if glossary is not None and record.kind == "term" else None
    if entry is not None:
        texts.append(f"{entry.definition[record.lang]} {entry.more[record.lang]}")
    return texts


def _names(glossary: Glossary, record: Record) -> list[str]:
    term = glossary.get(record.ids[0])
    return [] if term is None else [term.name.zh, term.name.en, *term.aliases]
