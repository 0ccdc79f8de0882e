"""Which written answers a question asks for: BM25 over the records, and a few signs beside it.

Everything that belongs to a record (each known wording, a term's names, the answer itself) is taken
as one document, so a question is understood by words that are scattered over many wordings. Words
weigh by how few records have them, and each further wording that has a word counts less than the one
before (Robertson and Zaragoza, “The Probabilistic Relevance Framework: BM25 and Beyond”, 2009). The
signs are whether the question names the term, and whether it asks for a lesson or for a reason. What
each counts is fitted on the wordings (``python -m desktop.tutor.calibrate``): a score is a logit, a
softmax over the scores the probability of each record. The index of some twenty thousand short texts
is made in about a second; it needs numpy, no torch.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from desktop.bilingual import Language
from desktop.course.glossary import Glossary
from desktop.tutor.matcher import Matcher
from desktop.tutor.mentions import Mention, Mentions
from desktop.tutor.pieces import MAX_QUESTION, content, features
from desktop.tutor.records import Kind, Record, names_of

Pieces = Mapping[str, float]
"""What ``features`` finds in a text, and what each counts."""
SIGNALS = (
    "covered",
    "learnt",
    "named",
    "named_alone",
    "half_named",
    "lesson_named",
    "lesson",
    "lesson_wanted",
    "lesson_teaches",
    "why",
    "why_wanted",
    "about",
    "outside",
)
WEIGHTS = np.array([11.42, 0.64, 2.0, 5.0, -3.0, -2.22, -0.24, 1.85, 3.55, 0.14, 1.06, 0.94, 2.12])
"""What each signal counts, in their order: from ``desktop.tutor.calibrate``, but for these:"""
BY_HAND = ("named", "named_alone", "half_named")
"""The wordings were written to do without names, so nothing can be learnt from them about names. These
are chosen so that “what is X?” finds X for every term, and for the oldest held-out set."""
SATURATION, LENGTH = 2.0, 0.75
"""BM25's k1 and b."""
_PRIOR = 0.5
"""What a piece counts that was never seen: Jeffreys' prior."""
FOLLOWED = 1.2
"""What the log-probabilities of the question before count in a follow-up."""
RELATED, UNRELATED = -4.0, -12.0
"""Less likely than this none counts there that is about the same, or about something else: a question that
is clear by itself is not drowned by the one before."""
REPEATED = 1.0
"""What the record loses in a follow-up that has answered the question before."""
_ASKING = frozenset(
    re.findall(
        r"\w+",
        "work define definition simply simple word stand "
        "意思 理解 讲讲 解释 释一 一下 定义 介绍 绍一 含义 说说",
    )
)
"""Words that ask for an explanation and say nothing about what."""
_WHY = re.compile(r"为什么|为啥|为何|咋|怎么|如何|\b(why|how come|how do|how can|how to)\b")
_LESSON = re.compile(
    r"(?<!门)课(?!程)|章节|哪(里|儿)(可以|能|有)|(在|去)哪|动手|练习|演示|实验里|想(玩|试)|"
    r"\b(lessons?|chapters?|exercises?|demos?|activity|hands-on|experiment (on|about|with|for|where)"
    r"|where (can|do|could|would|should|in the course)|(want|like|love) to (play|try|practi[cs]e|see))\b"
)


@dataclass(frozen=True)
class Match:
    """A record and how well it fits a question."""

    record: Record
    score: float
    """A logit: a difference of 1 to another record makes it e times as likely."""
    covered: float
    """How much of the question (0 to 1) the record has the words for."""
    familiar: float
    """Whether it sounds like a question about the course (above 0) or about something else."""
    named: bool = False
    """Whether the question names a term, by a name that is no everyday word."""
    lead: float = 0.0
    """By how much the score beats the best of what is known to lie outside the course."""
    strange: float = 0.0
    """How sure the matcher is that the question is from elsewhere (log-odds)."""
    known: bool = False
    """Whether the question is one of the record's own wordings or names, letter for letter."""


class _Collected:
    """Each owner's texts as one document, by feature: who has it, and in how many texts."""

    def __init__(self, texts: Sequence[tuple[int, Pieces]], owners: int) -> None:
        counts: list[Counter[str]] = [Counter() for _ in range(owners)]
        for owner, pieces in texts:
            counts[owner].update(pieces.keys())
        having: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for owner, count in enumerate(counts):
            for name, times in count.items():
                having[name].append((owner, times))
        lengths = np.array([sum(count.values()) for count in counts], dtype=float)
        self._slack = SATURATION * (1 - LENGTH + LENGTH * lengths / max(1.0, lengths.mean()))
        self._owners = {
            name: np.array([owner for owner, _ in found]) for name, found in having.items()
        }
        self._times = {
            name: np.array([times for _, times in found], dtype=float)
            for name, found in having.items()
        }
        self._count = owners

    def covered(self, asked: Pieces, but: int | None = None) -> np.ndarray:
        """Of each owner, how much of the question it has (0 to 1). ``but`` is the owner of the question
        itself, which then is taken out of what it has."""
        total, found = 0.0, np.zeros(self._count)
        for name, weight in asked.items():
            owners = self._owners.get(name)
            if owners is None:
                total += weight * np.log(1 + self._count)
                continue
            worth = weight * np.log(1 + self._count / len(owners))
            times = self._times[name] if but is None else self._times[name] - (owners == but)
            found[owners] += worth * times / (times + self._slack[owners])
            total += worth
        return found / total if total else found


class _Familiar:
    """Whether a question sounds like the course or like questions from elsewhere: the log-odds of its
    pieces (naive Bayes), divided by the root of their number, since neighbouring pieces say the same
    twice."""

    def __init__(self, inside: Iterable[Pieces], outside: Iterable[Pieces]) -> None:
        self._inside, self._outside = _sum(inside), _sum(outside)
        self._both = len(self._inside.keys() | self._outside.keys())
        self._totals = sum(self._inside.values()), sum(self._outside.values())

    def of(self, asked: Pieces, but: Kind | None = None) -> float:
        """``but`` is the kind of the record that the question is a wording of; it is left out there."""
        from_inside = float(but is not None and but != "outside")
        from_outside = float(but == "outside")
        inside, outside = (total + _PRIOR * self._both for total in self._totals)
        odds = sum(
            weight
            * math.log(
                (self._inside.get(name, 0.0) - from_inside * weight + _PRIOR)
                / (self._outside.get(name, 0.0) - from_outside * weight + _PRIOR)
                * outside
                / inside
            )
            for name, weight in asked.items()
        )
        return odds / math.sqrt(sum(asked.values()) or 1.0)


def _sum(texts: Iterable[Pieces]) -> defaultdict[str, float]:
    """The pieces of all texts, added up."""
    found: defaultdict[str, float] = defaultdict(float)
    for pieces in texts:
        for name, weight in pieces.items():
            found[name] += weight
    return found


class Index:
    """All records of one language, ready to be searched."""

    def __init__(
        self,
        records: Iterable[Record],
        lang: Language,
        glossary: Glossary | None = None,
        matcher: Matcher | None = None,
    ) -> None:
        self.records = tuple(record for record in records if record.lang == lang)
        if matcher is not None and matcher.keys != tuple(record.key for record in self.records):
            raise ValueError("the matcher was trained on other records; train it again")
        self._matcher = matcher
        self._glossary = glossary
        self._mentions = Mentions(glossary) if glossary is not None else None
        texts = [
            (place, features(text))
            for place, record in enumerate(self.records)
            for text in _texts(record, glossary)
        ]
        self._collected = _Collected(texts, len(self.records))
        self._exactly = {
            _plain(text): place
            for place, record in enumerate(self.records)
            for text in (*names_of(record, glossary), *record.questions)
        }
        self._names = [
            [set(content(name)) for name in names_of(record, glossary)] for record in self.records
        ]
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, record in enumerate(self.records):
            for one in record.ids:
                self._places[one].append(place)
        kinds = np.array([record.kind for record in self.records])
        self._kinds = {kind: kinds == kind for kind in get_args(Kind)}
        self._subjects = np.array([len(record.ids) for record in self.records])
        outside = self._kinds["outside"]
        strange = (one.questions for one in self.records if one.kind == "outside")
        self._familiar = _Familiar(
            (pieces for place, pieces in texts if not outside[place]),
            (features(question) for questions in strange for question in questions),
        )

    def search(
        self,
        question: str,
        limit: int = 3,
        *,
        before: str = "",
        leaning: float = FOLLOWED,
        but: Record | None = None,
    ) -> list[Match]:
        """The best records, best first. ``before`` is the question that this one follows up: what
        answers that counts too, the more the question is ``leaning`` on it. ``but`` says that the question is a
        wording of this record and is to be left out, as if it had never been written: that is how the
        weights were found."""
        question = question[:MAX_QUESTION]
        if not self.records or not features(question):
            return []
        signals = self.signals(question, but)
        score = signals @ WEIGHTS
        if before:
            earlier = _log_softmax(self.signals(before) @ WEIGHTS)
            answered = int(earlier.argmax())
            ids = set(self.records[answered].ids)
            related = np.array([not ids.isdisjoint(one.ids) for one in self.records])
            score += leaning * np.maximum(earlier, np.where(related, RELATED, UNRELATED))
            score[answered] -= REPEATED
        same = self._exactly.get(_plain(question)) if but is None else None
        if same is not None:
            score[same] = max(score[same], score.max() + 1.0)
        familiar = self._familiar.of(features(question), but.kind if but is not None else None)
        named = self._mentions is not None and any(
            one.sure for one in self._mentions.find(question)
        )
        covered = signals[:, SIGNALS.index("covered")]
        strange = self._strange(signals[:, SIGNALS.index("learnt")])
        rival = float(score[self._kinds["outside"]].max(initial=0.0))
        return [
            Match(
                self.records[place],
                score=float(score[place]),
                covered=float(covered[place]),
                familiar=familiar,
                named=named,
                lead=float(score[place]) - rival,
                strange=strange,
                known=bool(place == same),
            )
            for place in np.argsort(-score, kind="stable")[:limit]
        ]

    def named(self, question: str) -> tuple[str, ...]:
        """The terms that a question names, everyday words among them."""
        found = self._mentions.find(question) if self._mentions is not None else ()
        return tuple(one.id for one in found)

    def signals(self, question: str, but: Record | None = None) -> np.ndarray:
        """What speaks for each record, (records, ``SIGNALS``)."""
        question = question[:MAX_QUESTION]
        own = self.records.index(but) if but is not None else None
        mentions = self._mentions.find(question) if self._mentions is not None else ()
        lesson = bool(_LESSON.search(question.casefold()))
        found = {
            **self._named(mentions),
            **self._kinds,
            "named_alone": self._alone(question),
            "covered": self._collected.covered(features(question), own),
            "learnt": self._learnt(question),
            "lesson_wanted": self._kinds["lesson"] * lesson,
            "lesson_teaches": self._teaching(mentions) * lesson,
            "why_wanted": self._kinds["why"] * bool(_WHY.search(question.casefold())),
        }
        return np.stack([found[name] for name in SIGNALS], axis=1).astype(float)

    def _learnt(self, question: str) -> np.ndarray:
        """What the matcher takes each record for; without one, all for the same."""
        if self._matcher is None:
            return np.zeros(len(self.records))
        return self._matcher.log_chances(question)

    def _strange(self, learnt: np.ndarray) -> float:
        outside = self._kinds["outside"]
        if self._matcher is None or not outside.any():
            return 0.0
        chances = np.exp(learnt)
        return float(np.log(chances[outside].sum()) - np.log(chances[~outside].sum()))

    def _named(self, mentions: Sequence[Mention]) -> dict[str, np.ndarray]:
        """How much of what is named each record is about."""
        shares, found = np.zeros((2, len(self.records)))
        for one in mentions:
            places = self._places.get(one.id, [])
            shares[places] += one.share
            found[places] += 1
        lessons, two = self._kinds["lesson"], self._kinds["comparison"]
        return {
            "named": np.where(lessons, 0.0, np.minimum(shares, 1.0)),
            "half_named": two & (found > 0) & (found < self._subjects),
            "lesson_named": np.where(lessons, shares, 0.0),
        }

    def _alone(self, question: str) -> np.ndarray:
        """Which terms are all that the question speaks of (“what is momentum?”)."""
        asked = set(content(question)) - _ASKING
        return np.array([bool(asked) and asked in names for names in self._names])

    def _teaching(self, mentions: Sequence[Mention]) -> np.ndarray:
        """Which lessons teach what is named, most of all the first that the glossary lists for it."""
        shares = np.zeros(len(self.records))
        for one in mentions:
            term = self._glossary.get(one.id) if self._glossary is not None else None
            for order, lesson in enumerate(term.lessons if term is not None else ()):
                places = [
                    place
                    for place in self._places.get(lesson, [])
                    if self.records[place].kind == "lesson"
                ]
                shares[places] += one.share * (1.0 if order == 0 else 0.7)
        return shares


def _texts(record: Record, glossary: Glossary | None) -> list[str]:
    """Everything that is known to be said of a record: wordings, names, and the answer as a whole."""
    return [*record.questions, " ".join(record.parts.values()), *names_of(record, glossary)]


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


def _plain(question: str) -> str:
    """A wording without case, spaces and the mark at its end."""
    return "".join(question.casefold().split()).rstrip("?？.。!！")
