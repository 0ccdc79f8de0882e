"""The open lesson as words and numbers, to be attached to a question in the chat.

Imports the course, the runtime's session and the tutor's plain data; no torch.
"""

from __future__ import annotations

import math

from desktop.bilingual import Bilingual
from desktop.course.glossary import Glossary
from desktop.course.lesson import Lesson
from desktop.runtime.session import Session
from desktop.tutor.grounding import LessonContext
from desktop.tutor.prompt import LessonState
from desktop.ui.lesson.lesson_view import LessonView
from desktop.ui.strings import pick

PARAMETERS = 4
"""So many settings are told at most: those in front on this step."""


def lesson_context(view: LessonView, session: Session) -> LessonContext | None:
    """Where the learner is and what the experiment shows now, in the language in force."""
    lesson = view.lesson
    if lesson is None:
        return None
    step = lesson.steps[view.index]
    return LessonContext(lesson.slug, step.id, _state(view, session), lesson.title)


def _state(view: LessonView, session: Session) -> LessonState:
    status = session.status
    lesson = view.lesson
    if lesson is None or status.lesson != lesson.slug or not status.runs:
        return LessonState()
    run = next((one for one in status.runs if one.id == status.run), status.runs[-1])
    found = run.history.at(status.step)
    scalars = {
        pick(spec.label): found[spec.name]
        for spec in view.scalars
        if math.isfinite(found.get(spec.name, math.nan))
    }
    worst = session.findings[0] if session.findings else None
    diagnosis = f"{pick(worst.message)} {pick(worst.evidence)}" if worst is not None else ""
    return LessonState(status.step, scalars, _settings(view, lesson), diagnosis)


def _settings(view: LessonView, lesson: Lesson) -> dict[str, str]:
    if view.parameters is None:
        return {}
    front = lesson.steps[view.index].controls or lesson.controls
    found = {}
    for name in front[:PARAMETERS]:
        spec = view.parameters.spec(name)
        if spec.kind in ("number", "integer", "choice", "flag"):
            value = getattr(view.parameters, name)
            found[pick(spec.label)] = f"{value:.4g}" if isinstance(value, float) else str(value)
    return found


def starter_questions(lesson: Lesson, glossary: Glossary) -> tuple[Bilingual, ...]:
    """What one may want to ask in this lesson: about its first terms."""
    terms = [glossary.get(one) for one in lesson.terms]
    names = [term.name for term in terms if term is not None][:3]
    return tuple(Bilingual(f"什么是{name.zh}？", f"What does “{name.en}” mean?") for name in names)
