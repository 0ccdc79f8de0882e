"""From a question to what the model is given and what is shown under its answer.

``Grounder.ground`` finds the written answer that a question asks for, resolves follow-ups (“an
example?”) by the question before, decides whether the course covers it at all, and adds the open
lesson and its experiment when the learner attached them. The result is the background of the prompt
(a system message) and the sources to click. Deterministic, a millisecond a question; no torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from desktop import tutor
from desktop.bilingual import Bilingual, Language
from desktop.course.catalog import Course
from desktop.course.lesson import Lesson, Step
from desktop.course.prose import links, plain_text
from desktop.tutor.answers import Want, answer_of, passage_of, want_of
from desktop.tutor.coverage import from_elsewhere, is_outside
from desktop.tutor.follow_ups import find
from desktop.tutor.matcher import Matcher
from desktop.tutor.phrases import DECLINING, HERE, NUMBERS, TROUBLE
from desktop.tutor.pieces import features, language_of
from desktop.tutor.prompt import RELATED, LessonState, Passage, background
from desktop.tutor.records import Record, load_records
from desktop.tutor.retrieval import Index, Match
from desktop.tutor.titles import Titles

SECOND_GAP = 1.2
"""A second passage is given when its score (a logit) comes so near to the first one's."""
STEP_CHARACTERS = 500
SOURCES = 3
_HERE_SIMILARITY = 0.6
_SURELY = 0.45
"""From here on covered, a question from elsewhere is one of those that were foreseen."""
_COMPARED = re.compile(
    r"区别|不同|差别|差异|相比|比较|对比|一样|一回事|\b(differ\w*|vs|versus|compared?|same|distinguish)\b",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"现在|目前|当前|此刻|这会儿|多少了|\b(now|current(ly)?|at the moment|right here)\b"
)


@dataclass(frozen=True)
class Source:
    """A place in the course under an answer: a glossary term, or a step of a lesson."""

    kind: Literal["term", "lesson"]
    id: str
    title: Bilingual
    step: str = ""

    def to_mapping(self) -> dict[str, Any]:
        """As plain values, to be kept with an answer."""
        title = {"zh": self.title.zh, "en": self.title.en}
        return {"kind": self.kind, "id": self.id, "step": self.step, "title": title}

    @classmethod
    def from_mapping(cls, values: object) -> Source | None:
        """From what was kept; ``None`` if it is no source."""
        if not isinstance(values, Mapping) or values.get("kind") not in ("term", "lesson"):
            return None
        title = values.get("title")
        if not isinstance(title, Mapping) or not {"zh", "en"} <= title.keys():
            return None
        name = Bilingual(str(title["zh"]), str(title["en"]))
        return cls(values["kind"], str(values.get("id", "")), name, str(values.get("step", "")))


@dataclass(frozen=True)
class LessonContext:
    """The open lesson that a learner attached: where they are and what the experiment shows."""

    lesson: str
    step: str
    state: LessonState = field(default_factory=LessonState)
    title: Bilingual = field(default_factory=lambda: Bilingual("", ""))

    def to_mapping(self) -> dict[str, Any]:
        """As plain values, to be kept with a question."""
        return {
            "lesson": self.lesson,
            "step": self.step,
            "state": self.state.to_mapping(),
            "title": {"zh": self.title.zh, "en": self.title.en},
        }

    @classmethod
    def from_mapping(cls, values: object) -> LessonContext | None:
        """From what was kept; ``None`` if no lesson was attached."""
        if not isinstance(values, Mapping) or not values.get("lesson"):
            return None
        state, title = values.get("state"), values.get("title")
        name = Bilingual.same(str(values["lesson"]))
        if isinstance(title, Mapping) and {"zh", "en"} <= title.keys():
            name = Bilingual(str(title["zh"]), str(title["en"]))
        return cls(
            str(values["lesson"]),
            str(values.get("step", "")),
            LessonState.from_mapping(state if isinstance(state, Mapping) else {}),
            name,
        )


@dataclass(frozen=True)
class Grounding:
    """What the course says about a question. ``background`` is the system message for the tutor;
    ``topic`` is the question that a later follow-up refers to; ``outside`` says that nothing was
    found and the tutor should say so."""

    lang: Language
    background: str
    sources: tuple[Source, ...]
    outside: bool
    topic: str
    records: tuple[str, ...] = ()
    """Keys of the records used, best first: what the evaluation looks at."""
    lines: tuple[str, ...] = ()
    """What the answer is to be made of (``desktop.llm.quoting``): the course's words, and the numbers of
    the open experiment as they are; or how it declines."""
    further: tuple[str, ...] = ()
    """What the answer may go on with, but not begin with: the example, the second passage."""


class Grounder:
    """The whole course, ready to be asked; keep it, for reading everything takes a while."""

    def __init__(self, course: Course, data: Path | None = None) -> None:
        """``data`` is a folder of other records than the tutor's own; for those there is no matcher."""
        records = load_records(data or tutor.data_folder())
        self._learnt = data is None
        self.course, self._titles = course, Titles(course)
        self._records, self._made = records, dict[Language, Index]()
        self._lessons, self._terms = (
            {(one.ids[0], one.lang): one for one in records if one.kind == kind}
            for kind in ("lesson", "term")
        )
        self._shown = _steps_by_term(course)

    def ground(
        self,
        question: str,
        topic: str = "",
        context: LessonContext | None = None,
    ) -> Grounding:
        """Everything for one question. ``topic`` is the ``topic`` of the exchange before, if any."""
        lang = language_of(question)
        found = find(self._index(lang), question, topic, want_of(question))
        matches, want = found.matches, found.want
        if context is not None and self._about_here(question, context.state, lang):
            return self._here(question, context, lang)
        state = context.state if context is not None else None
        if not found.follows and is_outside(matches, lang):
            if context is not None and matches and not from_elsewhere(matches[0]):
                return self._here(question, context, lang)
            lines = (_refusal(matches, question, lang),)
            return Grounding(lang, background([], lang), (), True, topic or question, lines=lines)
        pair = self._pair(question, matches, lang)
        chosen = [pair] if pair is not None else self._chosen(matches, want)
        return self._answered(chosen, want, found.topic, state)

    def _answered(
        self, chosen: Sequence[Record], want: Want, topic: str, state: LessonState | None
    ) -> Grounding:
        """The first record answers; the short answer of a second one may follow."""
        first, *others = chosen
        lang = first.lang
        passages = [passage_of(first, self._titles.of(first), want)]
        passages += [Passage(self._titles.of(one), one.parts["short"]) for one in others]
        # The explanation comes first, never the example alone; of a lesson, which one it is.
        opening, *rest = _lines(self._titles.opening(first) + answer_of(first, want))
        further = (*rest, *(f"{RELATED[lang]}{one.text}" for one in passages[1:]))
        keys = tuple(record.key for record in chosen)
        text = background(passages, lang, state)
        return Grounding(lang, text, self._sources(chosen), False, topic, keys, (opening,), further)

    def prepare(self, lang: Language) -> None:
        """Have ready what the first question in a language needs."""
        self._index(lang)

    # ---- finding

    def _index(self, lang: Language) -> Index:
        """Made when a question first comes in its language: that takes about a second."""
        if lang not in self._made:
            matcher = Matcher.load(tutor.matcher_file(lang)) if self._learnt else None
            self._made[lang] = Index(self._records, lang, self.course.glossary, matcher)
        return self._made[lang]

    def _chosen(self, matches: Sequence[Match], want: Want) -> list[Record]:
        """The best record, and the next if it fits nearly as well and is about something else."""
        first = matches[0]
        if want in ("more", "rest"):
            return [one.record for one in matches[:2]]
        if want != "all" or first.record.kind in ("about", "comparison"):
            return [first.record]
        for other in matches[1:]:
            fits = other.score >= first.score - SECOND_GAP
            if fits and other.record.kind in ("term", "comparison", "why", "lesson"):
                return [first.record, other.record]
        return [first.record]

    def _pair(self, question: str, matches: Sequence[Match], lang: Language) -> Record | None:
        """What each is, where two terms are compared that nobody has written a comparison of."""
        best = matches[0].record
        named = self._index(lang).named(question)
        if len(named) != 2 or not _COMPARED.search(question) or set(named) <= set(best.ids):
            return None
        shorts = [self._terms[one, lang].parts["short"] for one in named]
        both = ("" if lang == "zh" else " ").join(shorts)
        return Record("comparison", named, lang, (), {"short": both})

    # ---- the open lesson

    def _about_here(self, question: str, state: LessonState, lang: Language) -> bool:
        known = (*HERE[lang], *TROUBLE[lang], *(one for one, _ in NUMBERS[lang]))
        return bool(_here_lines(question, state, lang)) or _asks_like(question, known)

    def _here(self, question: str, context: LessonContext, lang: Language) -> Grounding:
        lesson = self.course.lesson(context.lesson)
        step = next((one for one in lesson.steps if one.id == context.step), lesson.steps[0])
        passage = self._step_passage(lesson, step, lang)
        return Grounding(
            lang,
            background([passage], lang, context.state),
            (_step_source(lesson, step),),
            False,
            question,
            (f"lesson:{lesson.slug}",),
            _here_lines(question, context.state, lang) or _lines(passage.text),
        )

    def _step_passage(self, lesson: Lesson, step: Step, lang: Language) -> Passage:
        record = self._lessons.get((lesson.slug, lang))
        if record is not None:
            return passage_of(record, self._titles.of(record), "short")
        text = plain_text(step.markdown[lang])[:STEP_CHARACTERS]
        return Passage(f"{lesson.title[lang]} · {step.title[lang]}", text)

    # ---- sources

    def _sources(self, records: Sequence[Record]) -> tuple[Source, ...]:
        found: dict[tuple[str, str, str], Source] = {}
        for record in records:
            for one in self._places(record):
                found.setdefault((one.kind, one.id, one.step), one)
        return tuple(found.values())[:SOURCES]

    def _places(self, record: Record) -> list[Source]:
        places = []
        for one in record.ids:
            term = self.course.glossary.get(one) if record.kind != "lesson" else None
            if term is not None:
                places.append(Source("term", term.id, term.name))
                places += self._shown.get(term.id, ())[:1]
            elif one in self.course:
                lesson = self.course.lesson(one)
                places.append(Source("lesson", lesson.slug, lesson.title))
        return places


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.splitlines())


def _refusal(matches: Sequence[Match], question: str, lang: Language) -> str:
    """How the tutor declines: in words for this kind of question where it is surely one of these."""
    best = matches[0] if matches else None
    if best is not None and best.record.kind == "outside" and best.covered >= _SURELY:
        return best.record.parts["short"]
    return DECLINING[lang][len(question) % len(DECLINING[lang])]


def _here_lines(question: str, state: LessonState, lang: Language) -> tuple[str, ...]:
    """What there is to say of the experiment itself: the numbers asked for, or the diagnosis."""
    asked, told = question.casefold(), NUMBERS[lang][0][1]
    numbers = [
        told.format(name=name, step=state.step, value=f"{value:.4g}")
        for name, value in state.scalars.items()
        if name.casefold() in asked
    ]
    if numbers and _NOW.search(asked):
        return tuple(numbers)
    diagnosed = state.diagnosis and language_of(state.diagnosis) == lang
    return (state.diagnosis,) if diagnosed and _asks_like(question, TROUBLE[lang]) else ()


def _asks_like(question: str, known: Sequence[str]) -> bool:
    asked = features(question)
    return any(_overlap(asked, features(one)) >= _HERE_SIMILARITY for one in known)


def lesson_text(course: Course, context: LessonContext, lang: Language) -> str:
    """The attached lesson for any other model: where the learner is, the step's words, the numbers."""
    lesson = course.lesson(context.lesson)
    step = next((one for one in lesson.steps if one.id == context.step), lesson.steps[0])
    passage = Passage(f"{lesson.title[lang]} · {step.title[lang]}", plain_text(step.markdown[lang]))
    return background([passage], lang, context.state)


def _steps_by_term(course: Course) -> dict[str, list[Source]]:
    """For each term the steps whose prose links to it."""
    found: dict[str, list[Source]] = {}
    for lesson in course.lessons:
        for step in lesson.steps:
            for link in links(step.markdown["zh"]):
                if link.kind == "term":
                    found.setdefault(link.target, []).append(_step_source(lesson, step))
    return found


def _step_source(lesson: Lesson, step: Step) -> Source:
    title = Bilingual(
        f"{lesson.title.zh} · {step.title.zh}", f"{lesson.title.en} · {step.title.en}"
    )
    return Source("lesson", lesson.slug, title, step.id)


def _overlap(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """Cosine of two bags of features, all equally rare."""
    shared = sum(weight * second.get(name, 0.0) for name, weight in first.items())
    lengths = math.sqrt(
        sum(one * one for one in first.values()) * sum(one * one for one in second.values())
    )
    return shared / lengths if lengths else 0.0
