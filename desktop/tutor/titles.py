"""What a record is called in its language: the names of its terms, or its lesson. No torch."""

from __future__ import annotations

from desktop.bilingual import Bilingual
from desktop.course.catalog import Course
from desktop.tutor.records import Record

TUTOR = Bilingual("关于导师", "about the tutor")
LESSON = Bilingual("课：{name}", "lesson: {name}")
AND = Bilingual("与", " and ")


class Titles:
    """Titles from the glossary and the lessons there are; a lesson not built yet goes by its slug."""

    def __init__(self, course: Course) -> None:
        self._terms = {term.id: term.name for term in course.glossary}
        self._lessons = {lesson.slug: lesson.title for lesson in course.lessons}

    def of(self, record: Record) -> str:
        """One line without punctuation at its end."""
        lang = record.lang
        if record.kind == "lesson":
            return LESSON[lang].format(name=self._lesson(record.ids[0])[lang])
        if not record.ids:
            return TUTOR[lang]
        return AND[lang].join(self._terms.get(one, self._lesson(one))[lang] for one in record.ids)

    def _lesson(self, slug: str) -> Bilingual:
        return self._lessons.get(slug, Bilingual.same(slug.replace("-", " ")))
