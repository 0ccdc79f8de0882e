"""What a record is called in its language: the names of its terms, or its lesson. No torch."""

from __future__ import annotations

from desktop.bilingual import Bilingual
from desktop.course.catalog import Course
from desktop.tutor.records import Record

TUTOR = Bilingual("关于导师", "about the tutor")
LESSON = Bilingual("课：{name}", "lesson: {name}")
HERE = Bilingual("第 {chapter} 章“{name}”一课：", "Chapter {chapter}, “{name}”: ")
TO_COME = Bilingual(
    "第 {chapter} 章“{name}”一课（还在编写，这个版本里没有）：",
    "Chapter {chapter}, “{name}” (still being written, not in this version): ",
)
AND = Bilingual("与", " and ")


class Titles:
    """Titles from the glossary and the course; of a lesson not built yet, from its record."""

    def __init__(self, course: Course) -> None:
        self._terms = {term.id: term.name for term in course.glossary}
        self._lessons = {lesson.slug: lesson.title for lesson in course.lessons}

    def of(self, record: Record) -> str:
        """One line without punctuation at its end."""
        lang = record.lang
        if record.kind == "lesson":
            return LESSON[lang].format(name=self._lesson_of(record))
        if not record.ids:
            return TUTOR[lang]
        return AND[lang].join(self._terms.get(one, self._lesson(one))[lang] for one in record.ids)

    def opening(self, record: Record) -> str:
        """What an answer about a lesson begins with: where it is, and whether it is there yet."""
        if record.kind != "lesson":
            return ""
        form = HERE if record.ids[0] in self._lessons else TO_COME
        name = self._lesson_of(record)
        return form[record.lang].format(chapter=record.chapter, name=name)

    def _lesson_of(self, record: Record) -> str:
        found = self._lessons.get(record.ids[0])
        return record.title if found is None else found[record.lang]

    def _lesson(self, slug: str) -> Bilingual:
        return self._lessons.get(slug, Bilingual.same(slug.replace("-", " ")))
