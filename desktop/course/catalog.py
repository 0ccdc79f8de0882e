"""Where the lessons are, and the whole course in memory.

``find_lessons`` is the one function that finds lessons, for the application, the tests and the
build. A lesson with a mistake in its files is left out and told in ``Course.problems``: one broken
file must not take the other lessons away from a learner (the tests insist on no problems).
Imports nothing of ours but the course's own modules and the language type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from desktop.bilingual import Bilingual, GlassboxError
from desktop.course.errors import CourseError
from desktop.course.glossary import Glossary, load_glossary
from desktop.course.lesson import Chapter, Lesson
from desktop.course.lesson_file import read_lesson
from desktop.course.reading import read_table
from desktop.course.search import SearchIndex

_CHAPTER = re.compile(r"^(?P<number>[0-9]+)-[a-z0-9-]+$")


class UnknownLessonError(GlassboxError):
    """Someone asked for a lesson that does not exist; the hint lists those that do."""


def find_lessons(root: Path) -> list[Path]:
    """Every lesson folder ``<root>/<number>-<chapter>/<slug>`` that holds a ``lesson.toml``."""
    return sorted(
        path.parent
        for path in root.glob("*/*/lesson.toml")
        if _CHAPTER.match(path.parent.parent.name)
    )


@dataclass(frozen=True)
class Course:
    """Chapters in order, the glossary, and what could not be read."""

    chapters: tuple[Chapter, ...]
    glossary: Glossary
    problems: tuple[CourseError, ...] = ()

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """All lessons in the order of the course."""
        return tuple(lesson for chapter in self.chapters for lesson in chapter.lessons)

    @cached_property
    def _by_slug(self) -> dict[str, Lesson]:
        return {lesson.slug: lesson for lesson in self.lessons}

    @cached_property
    def search_index(self) -> SearchIndex:
        """Built at the first search."""
        return SearchIndex(self.lessons, self.glossary)

    def __contains__(self, slug: str) -> bool:
        return slug in self._by_slug

    def lesson(self, slug: str) -> Lesson:
        """The lesson called ``slug``; raises ``UnknownLessonError``."""
        if slug not in self._by_slug:
            known = ", ".join(self._by_slug)
            raise UnknownLessonError(
                Bilingual(f"没有叫“{slug}”的课程。", f"There is no lesson called “{slug}”."),
                Bilingual(f"现有的课程：{known}。", f"The lessons are: {known}."),
            )
        return self._by_slug[slug]

    def neighbours(self, slug: str) -> tuple[Lesson | None, Lesson | None]:
        """The lessons before and after."""
        lessons = self.lessons
        place = lessons.index(self.lesson(slug))
        before = lessons[place - 1] if place else None
        after = lessons[place + 1] if place + 1 < len(lessons) else None
        return before, after


def load_course(root: Path, glossary: Path | None = None) -> Course:
    """Read all lessons under ``root`` and the glossary (``resources/glossary`` beside it)."""
    problems: list[CourseError] = []
    chapters: dict[Path, list[Lesson]] = {}
    slugs: set[str] = set()
    for folder in find_lessons(root):
        try:
            lesson = read_lesson(folder)
            if lesson.slug in slugs:
                raise CourseError(
                    folder / "lesson.toml",
                    "",
                    f"已经有一课叫 {lesson.slug}。",
                    f"there is another lesson {lesson.slug}.",
                )
        except CourseError as error:
            problems.append(error)
            continue
        slugs.add(lesson.slug)
        chapters.setdefault(folder.parent, []).append(lesson)
    found = tuple(_chapters(chapters, problems))
    try:
        terms = load_glossary(glossary or root.parent / "resources" / "glossary")
    except CourseError as error:
        problems.append(error)
        terms = Glossary()
    return Course(found, terms, tuple(problems))


def _chapters(lessons: dict[Path, list[Lesson]], problems: list[CourseError]) -> Iterator[Chapter]:
    for folder in sorted(lessons, key=lambda path: int(path.name.partition("-")[0])):
        try:
            table = read_table(folder / "chapter.toml")
            title = table.bilingual("title")
            table.finish()
        except CourseError as error:
            problems.append(error)
            title = Bilingual.same(folder.name)
        ordered = sorted(lessons[folder], key=lambda lesson: (lesson.order, lesson.slug))
        number = int(folder.name.partition("-")[0])
        yield Chapter(folder.name, number, title, tuple(ordered))
