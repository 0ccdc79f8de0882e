"""What the model is told besides the conversation: the course's words, and the open lesson.

The tutor gets, for every question, the passages that the course has about it and nothing else of the
conversation than the exchange a follow-up refers to: it is small, and was trained on just that. Any
other model gets the whole conversation and, when the learner attached it, the open lesson in front.
Runs on the chat's thread; the grounder, which reads the whole course, is made with the first question.
Imports the tutor and the course; no Qt, no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from desktop import paths
from desktop.course.catalog import load_course
from desktop.llm.prompts import Message
from desktop.runtime.chat_messages import ModelInfo
from desktop.tutor.grounding import Grounder, Grounding, LessonContext, Source, lesson_text
from desktop.tutor.pieces import language_of


@dataclass(frozen=True)
class Told:
    """The turns a model gets, and what to show under its answer."""

    turns: tuple[Message, ...]
    sources: tuple[Source, ...] = ()
    outside: bool = False
    lines: tuple[str, ...] = ()
    """What the answer is to be made of, if it stands in the course already."""
    further: tuple[str, ...] = ()
    """What it may go on with, but not begin with."""


class Backgrounds:
    """Puts the background in front of a conversation."""

    def __init__(self, make: Callable[[], Grounder] | None = None) -> None:
        self._make = make or _whole_course
        self._grounder: Grounder | None = None

    def tell(
        self, info: ModelInfo, turns: Sequence[Message], context: LessonContext | None
    ) -> Told:
        """The turns for this model; nothing is added to a conversation without a question."""
        if not turns or turns[-1].role != "user":
            return Told(tuple(turns))
        if info.is_tutor:
            return self.for_tutor(turns, context)
        if context is None:
            return Told(tuple(turns))
        lang = language_of(turns[-1].text)
        text = lesson_text(self._ready.course, context, lang)
        return Told((Message("system", text), *turns))

    def prepare(self, text: str) -> None:
        """Have ready what a question that begins like this will need."""
        self._ready.prepare(language_of(text))

    @property
    def _ready(self) -> Grounder:
        if self._grounder is None:
            self._grounder = self._make()
        return self._grounder

    def for_tutor(self, turns: Sequence[Message], context: LessonContext | None = None) -> Told:
        """What the tutor gets; the last turn is the question."""
        questions = [turn.text for turn in turns if turn.role == "user"]
        found = self._chain(questions, context)
        before = () if found.topic == questions[-1] else tuple(turns[-3:-1])
        system = Message("system", found.background)
        return Told(
            (system, *before, turns[-1]), found.sources, found.outside, found.lines, found.further
        )

    def _chain(self, questions: Sequence[str], context: LessonContext | None) -> Grounding:
        """The last question in the light of those before it."""
        topic = ""
        for question in questions[:-1]:
            topic = self._ready.ground(question, topic).topic
        return self._ready.ground(questions[-1], topic, context)


def _whole_course() -> Grounder:
    return Grounder(load_course(paths.lessons()))
