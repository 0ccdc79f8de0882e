"""Is a lesson complete, and do its two languages say the same? For tests and for authors.

Reading (``lesson_file``) refuses what cannot work; this module lists what works but is not good
enough to ship. Each function returns sentences, none meaning that all is well. Imports nothing of
ours but the course's own modules and the language type.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from desktop.bilingual import LANGUAGES, Language
from desktop.course.catalog import Course
from desktop.course.lesson import Lesson, Prediction, Step
from desktop.course.prose import boxes, links, plain_text, without_code

LONGEST: dict[Language, int] = {"zh": 400, "en": 200}
"""Characters (Chinese) and words (English) of prose that one step may have."""

_DISPLAYED = re.compile(r"(?<!\\)\$\$.+?\$\$", re.DOTALL)
_TABLE_RULE = re.compile(r"^ *\|?(?: *:?-{3,}:? *\|)+.*$", re.MULTILINE)
_FENCED = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def structure_differences(lesson: Lesson) -> list[str]:
    """Where Chinese and English do not have the same actions, links, boxes and formulas."""
    found = []
    for step in lesson.steps:
        for name, (zh, en) in _structure(step).items():
            if zh != en:
                found.append(f"{lesson.slug}, step {step.id}, {name}: zh has {zh}, en has {en}")
    return found


def _structure(step: Step) -> dict[str, tuple[object, object]]:
    parts = [_parts(step.markdown[language]) for language in LANGUAGES]
    return {name: (parts[0][name], parts[1][name]) for name in parts[0]}


def _parts(markdown: str) -> dict[str, object]:
    """What must be equal. The order of links may follow the language's own word order."""
    by_kind: dict[str, Counter[str]] = {"action": Counter(), "term": Counter(), "lesson": Counter()}
    addresses = 0
    for link in links(markdown):
        if link.kind == "web":
            addresses += 1
        else:
            by_kind[link.kind][f"{link.target}#{link.step}".rstrip("#")] += 1
    prose = without_code(markdown)
    return {
        "actions": dict(sorted(by_kind["action"].items())),
        "glossary links": sorted(by_kind["term"]),
        "lesson links": sorted(by_kind["lesson"]),
        "web links": addresses,
        "boxes": boxes(markdown),
        "displayed formulas": len(_DISPLAYED.findall(prose)),
        "tables": len(_TABLE_RULE.findall(prose)),
        "code blocks": len(_FENCED.findall(markdown)) // 2,
    }


def missing_parts(lesson: Lesson) -> list[str]:
    """What every finished lesson has and this one lacks."""
    kinds = Counter(kind for step in lesson.steps for kind in boxes(step.markdown["en"]))
    predictions = sum(isinstance(check, Prediction) for check in lesson.checks)
    wanted = {
        "at least four steps": len(lesson.steps) >= 4,
        "at least one prediction": predictions >= 1,
        "at least one goal": len(lesson.checks) - predictions >= 1,
        "one box of common mistakes (::: mistake)": kinds["mistake"] >= 1,
        "one box of sources (::: sources)": kinds["sources"] == 1,
        "at least one panel": bool(lesson.panels),
        "a title and an explanation for the code": bool(lesson.code_note),
    }
    found = [f"{lesson.slug}: needs {part}" for part, there in wanted.items() if not there]
    return found + [sentence for step in lesson.steps for sentence in _step_faults(lesson, step)]


def _step_faults(lesson: Lesson, step: Step) -> Iterator[str]:
    place = f"{lesson.slug}, step {step.id}"
    if len(step.panels or lesson.panels) > 4:
        yield f"{place}: shows more than four panels"
    for language in LANGUAGES:
        length = _length(plain_text(_without_sources(step.markdown[language])), language)
        if length > LONGEST[language]:
            yield f"{place}, {language}.md: {length} long, at most {LONGEST[language]}"
    if not _CHINESE.search(step.title.zh + step.markdown["zh"]):
        yield f"{place}, zh.md: holds no Chinese"
    if _CHINESE.search(step.title.en):
        yield f"{place}, en.md: the heading is Chinese"


def _without_sources(markdown: str) -> str:
    return re.sub(r"^::: *sources$.*?^:::$", "", markdown, flags=re.MULTILINE | re.DOTALL)


def _length(text: str, language: Language) -> int:
    return len(text.split()) if language == "en" else len(text.replace(" ", ""))


def broken_links(course: Course) -> list[str]:
    """Links in prose, ``terms`` and ``see`` that lead nowhere. A term may name lessons to come."""
    found = []
    for lesson in course.lessons:
        found += [
            f"{lesson.slug}, lesson.toml: no term {term}"
            for term in lesson.terms
            if term not in course.glossary
        ]
        for step in lesson.steps:
            for language in LANGUAGES:
                place = f"{lesson.slug}, step {step.id}, {language}.md"
                found += [f"{place}: {fault}" for fault in _bad_links(course, step, language)]
    for term in course.glossary:
        found += [
            f"glossary {term.id}: no term {other}"
            for other in term.see
            if other not in course.glossary
        ]
    return found


def _bad_links(course: Course, step: Step, language: Language) -> Iterator[str]:
    for link in links(step.markdown[language]):
        if link.kind == "term" and link.target not in course.glossary:
            yield f"no term {link.target}"
        if link.kind == "lesson":
            if link.target not in course:
                yield f"no lesson {link.target}"
            elif link.step and link.step not in [
                other.id for other in course.lesson(link.target).steps
            ]:
                yield f"lesson {link.target} has no step {link.step}"
