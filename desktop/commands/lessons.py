"""``glassbox lessons``: chapters and lessons, and every parameter with its range and default.

Reads the lesson files and their ``parameters.py``; imports neither torch nor Qt.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from desktop import paths
from desktop.bilingual import Bilingual, Language
from desktop.commands.arguments import Parser
from desktop.commands.output import Output, table
from desktop.course import load_course
from desktop.course.lesson import Chapter, Check, Lesson
from desktop.engine.loading import load_parameters
from desktop.engine.parameters import ParameterSpec


def add_arguments(parser: Parser) -> None:
    """Nothing but what every command takes."""


def run(arguments: argparse.Namespace) -> int:
    """Print the course."""
    output: Output = arguments.output
    course = load_course(paths.lessons())
    for problem in course.problems:
        output.warn(problem.message)
    output.data(
        [describe(lesson, chapter) for chapter in course.chapters for lesson in chapter.lessons]
    )
    for chapter in course.chapters:
        output.say(f"{chapter.number}  {output.pick(chapter.title)}")
        for lesson in chapter.lessons:
            _print_lesson(output, lesson)
    return 0


def describe(lesson: Lesson, chapter: Chapter) -> dict[str, Any]:
    """A lesson as ``--json`` shows it."""
    parameters, scalars = load_parameters(lesson.folder)
    return {
        "slug": lesson.slug,
        "chapter": lesson.chapter,
        "chapter_title": chapter.title,
        "title": lesson.title,
        "summary": lesson.summary,
        "minutes": lesson.minutes,
        "steps": len(lesson.steps),
        "step_ids": [step.id for step in lesson.steps],
        "checks": [_check(check, step.id) for step in lesson.steps for check in step.checks],
        "scalars": [{"name": scalar.name, "label": scalar.label} for scalar in scalars],
        "parameters": [_parameter(spec) for spec in parameters.specs().values()],
    }


def _check(check: Check, step: str) -> dict[str, Any]:
    text = check.question if check.kind == "prediction" else check.text
    return {"id": check.id, "kind": check.kind, "step": step, "text": text}


def _parameter(spec: ParameterSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "type": spec.kind,
        "min": spec.low,
        "max": spec.high,
        "choices": [choice.value for choice in spec.choices],
        "default": spec.default,
        "unit": spec.unit,
        "scale": spec.scale,
        "live": spec.live,
        "min_items": spec.min_items,
        "max_items": spec.max_items,
        "columns": spec.columns,
        "label": spec.label,
        "help": spec.help,
    }


# ------------------------------------------------------------------------------------------------
# For people


def _print_lesson(output: Output, lesson: Lesson) -> None:
    counts = Bilingual(
        f"{len(lesson.steps)} 步，{len(lesson.checks)} 道检验，约 {lesson.minutes} 分钟",
        f"{len(lesson.steps)} steps, {len(lesson.checks)} checks, about {lesson.minutes} minutes",
    )
    output.say("")
    output.say(f"   {lesson.slug}  {output.pick(lesson.title)}  ({output.pick(counts)})")
    specs = load_parameters(lesson.folder)[0].specs().values()
    for line in table([_row(spec, output.language) for spec in specs], indent="      "):
        output.say(line)
    output.say("")


def _row(spec: ParameterSpec, language: Language) -> tuple[str, ...]:
    default = _short(spec.default)
    return (spec.name, spec.label[language], _range(spec), f"= {default} {spec.unit}".rstrip())


def _range(spec: ParameterSpec) -> str:
    if spec.choices:
        return " | ".join(choice.value for choice in spec.choices)
    if spec.kind == "flag":
        return "on | off"
    if spec.low is not None and spec.high is not None:
        return f"{spec.low:g} … {spec.high:g}"
    return f"≤ {spec.max_items}" if spec.max_items is not None else ""


def _short(value: Any, limit: int = 40) -> str:
    text = "".join(_pieces(value))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield "on" if value else "off"
    elif isinstance(value, float):
        yield f"{value:g}"
    elif isinstance(value, tuple):
        yield ",".join("".join(_pieces(item)) for item in value) or "–"
    else:
        yield " ".join(str(value).split())
