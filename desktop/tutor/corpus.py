"""The tutor's training texts: everything written for the course, and questions with their answers.

``reading`` is for pre-training: plain documents. ``examples`` is for question-answer tuning: for a
number and a seed always the same ones, so that training can go on after a stop. Each example is a
prompt of the very shape used when the tutor runs (``prompt``) and the answer that should follow:

- questions of the data files, every record as often as any other, with the record as the source; one
  in ten with no more than the source's title, so that the model learns the course as well
- a source put together from sentences of many records: what it says cannot be known by heart, so the
  model has to read it; that is what keeps a real answer true to its source
- examples, mistakes and short versions, asked for at once or as a follow-up
- two sources, when a question might mean either
- an experiment's state, and questions about its numbers and its diagnosis
- no source, or a question from elsewhere: declined

Imports the course's records and texts; no torch.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desktop.bilingual import LANGUAGES, Language
from desktop.course.catalog import Course
from desktop.course.prose import plain_text
from desktop.tutor.answers import Want, answer_of, passage_of
from desktop.tutor.phrases import (
    ASKING,
    DECLINING,
    FOLLOWING,
    HERE,
    NUMBERS,
    SCALAR_NAMES,
    TROUBLE,
)
from desktop.tutor.prompt import RELATED, LessonState, Passage, background, tutor_prompt
from desktop.tutor.records import Dialogue, Record
from desktop.tutor.titles import Titles

VALIDATION_PART = 25
"""One wording in so many is never trained on and measures the loss."""
WANTS: tuple[Want, ...] = ("example", "mistake", "short")


@dataclass(frozen=True)
class Example:
    """What the model reads and what it should write."""

    prompt: str
    answer: str


# ------------------------------------------------------------------------------------------------
# Pre-training


def reading(records: Sequence[Record], dialogues: Sequence[Dialogue], course: Course) -> list[str]:
    """Every text of the course as documents, in both languages."""
    titles = Titles(course)
    texts = [f"{titles.of(record)}\n" + "\n".join(record.parts.values()) for record in records]
    texts += [
        f"{term.name[lang]}\n{term.definition[lang]} {term.more[lang]}".strip()
        for term in course.glossary
        for lang in LANGUAGES
    ]
    texts += [
        f"{step.title[lang]}\n{plain_text(step.markdown[lang])}"
        for lesson in course.lessons
        for step in lesson.steps
        for lang in LANGUAGES
    ]
    texts += [_spoken(dialogue) for dialogue in dialogues]
    return texts


def _spoken(dialogue: Dialogue) -> str:
    *before, (question, answer) = dialogue.turns
    return f"{tutor_prompt(question, '', before)} {answer}".strip()


# ------------------------------------------------------------------------------------------------
# Question-answer tuning


class Examples:
    """Draws examples; the same seed and number always give the same one."""

    def __init__(self, records: Sequence[Record], titles: Titles) -> None:
        self._titles = titles
        self._records = [record for record in records if record.kind != "outside"]
        self._explained = [record for record in self._records if "long" in record.parts]
        self._outside = [record for record in records if record.kind == "outside"]
        self._known, self._unseen = _split(records)
        self._wordings = _by_record(self._known)
        self._sentences = {lang: _sentences(self._records, lang) for lang in LANGUAGES}
        self._makers = (
            (0.46, self._question),
            (0.18, self._read_aloud),
            (0.12, self._part),
            (0.07, self._follow_up),
            (0.07, self._state),
            (0.10, self._decline),
        )

    def draw(self, number: int, seed: int) -> Example:
        """Example ``number`` of the endless sequence that ``seed`` names."""
        rng = random.Random(f"{seed}:{number}")
        chances = [chance for chance, _ in self._makers]
        make = rng.choices([maker for _, maker in self._makers], chances)[0]
        return make(rng)

    def validation(self, limit: int = 200) -> Iterator[Example]:
        """Questions in wordings that are never trained on, with their sources."""
        for record, question in self._unseen[:: max(1, len(self._unseen) // limit)]:
            passages = [passage_of(record, self._titles.of(record))]
            yield Example(
                tutor_prompt(question, background(passages, record.lang)), answer_of(record)
            )

    def _asked(self, rng: random.Random) -> tuple[Record, str]:
        """Any record, in any of its wordings."""
        record, questions = rng.choice(self._wordings)
        return record, rng.choice(questions)

    def _read_aloud(self, rng: random.Random) -> Example:
        record, question = self._asked(rng)
        some = rng.sample(self._sentences[record.lang], rng.randrange(2, 6))
        text = ("" if record.lang == "zh" else " ").join(some)
        passage = Passage(self._titles.of(record), text)
        return self._example(rng, record.lang, question, [passage], text)

    def _question(self, rng: random.Random) -> Example:
        record, question = self._asked(rng)
        passages = [self._passage(rng, record, "all")]
        answer = answer_of(record)
        if rng.random() < 0.2 and record.kind != "about":
            other = self._other(rng, record)
            passages.append(Passage(self._titles.of(other), other.parts["short"]))
            answer = f"{answer}\n{RELATED[record.lang]}{other.parts['short']}"
        return self._example(rng, record.lang, question, passages, answer)

    def _part(self, rng: random.Random) -> Example:
        record, want = rng.choice(self._explained), rng.choice(WANTS)
        asked = rng.choice(ASKING[record.lang][want]).format(name=self._titles.of(record))
        passages = [self._passage(rng, record, want)]
        return self._example(rng, record.lang, asked, passages, answer_of(record, want))

    def _follow_up(self, rng: random.Random) -> Example:
        record, want = rng.choice(self._explained), rng.choice(WANTS)
        asked = rng.choice(FOLLOWING[record.lang][want])
        text = background([self._passage(rng, record, want)], record.lang)
        before = [(rng.choice(record.questions), answer_of(record))]
        return Example(tutor_prompt(asked, text, before), answer_of(record, want))

    def _state(self, rng: random.Random) -> Example:
        """With an experiment open: its numbers, its trouble, what to do here, or anything else."""
        lesson = rng.choice([one for one in self._explained if one.kind == "lesson"])
        lang, title = lesson.lang, self._titles.of(lesson)
        numbers = {
            name: float(f"{10 ** rng.uniform(-4, 2):.4g}")
            for name in rng.sample(SCALAR_NAMES[lang], rng.randrange(1, 4))
        }
        trouble = rng.random() < 0.4
        step = rng.choice((0, rng.randrange(100), rng.randrange(10_000)))
        diagnosis = rng.choice(self._explained_in(lang)).parts["mistake"] if trouble else ""
        state = LessonState(step, numbers, diagnosis=diagnosis)
        passages = [passage_of(lesson, title, "short")]
        chance = rng.random()
        if chance < 0.35:
            record, question = self._asked(rng)
            lang, answer = record.lang, answer_of(record)
            passages = [passage_of(record, self._titles.of(record))]
        elif trouble and chance < 0.7:
            question, answer = rng.choice(TROUBLE[lang]), diagnosis
        elif chance < 0.8:
            question, answer = rng.choice(HERE[lang]), lesson.parts["short"]
        else:
            (asked, told), name = rng.choice(NUMBERS[lang]), rng.choice(list(numbers))
            question = asked.format(name=name)
            answer = told.format(name=name, step=step, value=f"{numbers[name]:.4g}")
        return Example(tutor_prompt(question, background(passages, lang, state)), answer)

    def _decline(self, rng: random.Random) -> Example:
        if rng.random() < 0.7:
            record = rng.choice(self._outside)
            own = rng.random() < 0.5
            answer = record.parts["short"] if own else rng.choice(DECLINING[record.lang])
            lang, question = record.lang, rng.choice(record.questions)
        else:  # a question that sounds like the course, but nothing was found
            record, question = self._asked(rng)
            lang, answer = record.lang, rng.choice(DECLINING[record.lang])
        return self._example(rng, lang, question, [], answer)

    def _example(
        self,
        rng: random.Random,
        lang: Language,
        question: str,
        passages: Sequence[Passage],
        answer: str,
    ) -> Example:
        before = [self._exchange(rng, lang)] if rng.random() < 0.15 else []
        return Example(tutor_prompt(question, background(passages, lang), before), answer)

    def _exchange(self, rng: random.Random, lang: Language) -> tuple[str, str]:
        earlier = rng.choice(self._explained_in(lang))
        return rng.choice(earlier.questions), earlier.parts["short"]

    def _passage(self, rng: random.Random, record: Record, want: Want) -> Passage:
        whole = passage_of(record, self._titles.of(record), want)
        return Passage(whole.title, "") if rng.random() < 0.1 else whole

    def _other(self, rng: random.Random, record: Record) -> Record:
        return rng.choice([one for one in self._explained_in(record.lang) if one is not record])

    def _explained_in(self, lang: Language) -> list[Record]:
        return [record for record in self._explained if record.lang == lang]


_SENTENCE_END = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+")
_LONGEST_SENTENCE = 160


def _sentences(records: Sequence[Record], lang: Language) -> list[str]:
    """All sentences of the answers in a language that are not too long."""
    texts = (text for record in records if record.lang == lang for text in record.parts.values())
    found = (piece.strip() for text in texts for piece in _SENTENCE_END.split(text))
    return [sentence for sentence in found if 4 < len(sentence) <= _LONGEST_SENTENCE]


def _by_record(pairs: Sequence[tuple[Record, str]]) -> list[tuple[Record, list[str]]]:
    """The wordings of each record, in the order of the records."""
    found: dict[int, tuple[Record, list[str]]] = {}
    for record, question in pairs:
        found.setdefault(id(record), (record, []))[1].append(question)
    return list(found.values())


def _split(
    records: Sequence[Record],
) -> tuple[list[tuple[Record, str]], list[tuple[Record, str]]]:
    """(record, wording) pairs for training and, one in ``VALIDATION_PART``, for validation."""
    pairs = [
        (record, question)
        for record in records
        if record.kind != "outside"
        for question in record.questions
    ]
    known = [pair for place, pair in enumerate(pairs) if place % VALIDATION_PART]
    return known, pairs[::VALIDATION_PART]
