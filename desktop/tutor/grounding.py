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

from desktop.bilingual import Bilingual, Language
from desktop.course.catalog import Course
from desktop.course.lesson import Lesson, Step
from desktop.course.prose import links, plain_text
from desktop.tutor.answers import Want, answer_of, passage_of, want_of
from desktop.tutor.phrases import DECLINING, HERE, NUMBERS, TROUBLE
from desktop.tutor.pieces import content, features, language_of
from desktop.tutor.prompt import RELATED, LessonState, Passage, background
from desktop.tutor.records import Record, load_records
from desktop.tutor.retrieval import Index, Match
from desktop.tutor.titles import Titles

DECISION: dict[Language, tuple[float, ...]] = {
    "zh": (-1.688, 0.874, 1.194, 0.248, -1.168),
    "en": (-0.285, 0.625, 0.842, 0.17, -1.301),
}
"""Weights of the best match's covered part, of how familiar the question sounds, of a named term and of
the lead over what lies outside, and bias: from ``desktop.tutor.calibrate``."""
COVERED: dict[Language, float] = {"zh": 0.3, "en": 0.3}
"""From this probability on, a question counts as one about the course."""
SECOND_GAP = 1.2
"""A second passage is given when its score (a logit) comes so near to the first one's."""
STEP_CHARACTERS = 500
SOURCES = 3
_HERE_SIMILARITY = 0.6
_OWN_TOPIC = 0.35
"""A request for an example that is covered so far names what it wants one of."""
_SURELY = 0.45
"""From here on covered, a question from elsewhere is one of those that were foreseen."""
_REMEMBERED = 200
"""Characters of the questions before that a follow-up is looked up with."""
_ELSEWHERE = -1.0
"""A question that sounds so little of the course (“and how do I cook rice?”) follows up nothing, nor is it
about the lesson that is open."""
_NOW = re.compile(
    r"现在|目前|当前|此刻|这会儿|多少了|\b(now|current(ly)?|at the moment|right here)\b"
)
_POINTS_BACK = re.compile(
    r"^(那|那么|为什么|为啥|怎么|这个|它|还有|继续|然后|所以)|这(个|样|是)|它|上面|刚才|"
    r"^(and|so|why|how come|but|then|what about|how about)\b|\b(it|that|this|those|them)\b",
    re.IGNORECASE,
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
    """What the answer may go on with, but not begin with: the second passage."""


class Grounder:
    """The whole course, ready to be asked; keep it, for reading everything takes a while."""

    def __init__(self, course: Course, data: Path) -> None:
        records = load_records(data)
        self.course, self._titles = course, Titles(course)
        self._records, self._made = records, dict[Language, Index]()
        self._lessons: Mapping[tuple[str, Language], Record] = {
            (record.ids[0], record.lang): record for record in records if record.kind == "lesson"
        }
        self._shown = _steps_by_term(course)

    def ground(
        self,
        question: str,
        topic: str = "",
        context: LessonContext | None = None,
    ) -> Grounding:
        """Everything for one question. ``topic`` is the ``topic`` of the exchange before, if any."""
        lang = language_of(question)
        want = want_of(question)
        matches, topic = self._matches(question, topic, lang, want)
        if context is not None and self._about_here(question, context.state, lang):
            return self._here(question, context, lang)
        state = context.state if context is not None else None
        if self._outside(matches, lang):
            if context is not None and matches and matches[0].familiar > _ELSEWHERE:
                return self._here(question, context, lang)
            lines = (_refusal(matches, question, lang),)
            return Grounding(lang, background([], lang), (), True, topic, lines=lines)
        chosen = self._chosen(matches, want)
        passages = [passage_of(chosen[0], self._titles.of(chosen[0]), want)]
        passages += [Passage(self._titles.of(one), one.parts["short"]) for one in chosen[1:]]
        return Grounding(
            lang,
            background(passages, lang, state),
            self._sources(chosen),
            False,
            topic,
            tuple(record.key for record in chosen),
            _lines(answer_of(chosen[0], want)),
            tuple(f"{RELATED[lang]}{one.text}" for one in passages[1:]),
        )

    def prepare(self, lang: Language) -> None:
        """Have ready what the first question in a language needs."""
        self._index(lang)

    # ---- finding

    def _index(self, lang: Language) -> Index:
        """Made when a question first comes in its language: that takes about a second."""
        if lang not in self._made:
            self._made[lang] = Index(self._records, lang, self.course.glossary)
        return self._made[lang]

    def _matches(
        self, question: str, topic: str, lang: Language, want: Want
    ) -> tuple[list[Match], str]:
        """The best records; a follow-up is looked up together with, or as, the topic before."""
        index = self._index(lang)
        alone = index.search(question, 4)
        if not topic or language_of(topic) != lang:
            return alone, question
        short = len(content(question)) <= (2 if lang == "en" else 3)
        bare = short and not (alone and alone[0].named)
        if want != "all" and (bare or not alone or alone[0].covered < _OWN_TOPIC):
            return index.search(topic, 4), topic
        here = not alone or alone[0].familiar > _ELSEWHERE
        if here and (bare or _POINTS_BACK.search(question)):
            recent = topic[-_REMEMBERED:]
            return index.search(question, 4, before=recent), f"{recent} {question}"
        return alone, question

    def _outside(self, matches: Sequence[Match], lang: Language) -> bool:
        if not matches or matches[0].record.kind == "outside":
            return True
        best = matches[0]
        if best.known:
            return False
        signs = (best.covered, best.familiar, float(best.named), best.lead, 1.0)
        logit = sum(weight * sign for weight, sign in zip(DECISION[lang], signs, strict=True))
        return 1 / (1 + math.exp(-logit)) < COVERED[lang]

    def _chosen(self, matches: Sequence[Match], want: Want) -> list[Record]:
        """The best record, and the next if it fits nearly as well and is about something else."""
        first = matches[0]
        if want != "all" or first.record.kind in ("about", "comparison"):
            return [first.record]
        for other in matches[1:]:
            fits = other.score >= first.score - SECOND_GAP
            if fits and other.record.kind in ("term", "comparison", "why", "lesson"):
                return [first.record, other.record]
        return [first.record]

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
