"""The review finds what is missing, and every lesson we ship passes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop import paths
from desktop.bilingual import LANGUAGES
from desktop.course import find_lessons, load_course
from desktop.course.lesson import Lesson
from desktop.course.lesson_file import read_lesson
from desktop.course.review import broken_links, missing_parts, structure_differences
from desktop.course.typography import corrected_file

FOLDERS = [pytest.param(folder, id=folder.name) for folder in find_lessons(paths.lessons())]


def spoil(folder: Path, name: str, old: str, new: str) -> Lesson:
    """The small lesson with one change in one file."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return read_lesson(folder)


def test_equal_structure_has_no_differences(lesson_folder: Path) -> None:
    assert structure_differences(read_lesson(lesson_folder)) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("learning_rate=0.1&play", "learning_rate=0.2&play", "actions"),
        ("[learning rate](glossary:learning-rate)", "learning rate", "glossary links"),
        ("::: mistake", "::: note", "boxes"),
        ("$$L(w) = w^2$$\n", "", "displayed formulas"),
        ("[Cauchy 1847](https://example.org/cauchy)", "Cauchy 1847", "web links"),
        ("Try again.", "| a |\n|---|\n| b |", "tables"),
        ("Try again.", "```python\nx = 1\n```", "code blocks"),
    ],
)
def test_a_difference_is_named(lesson_folder: Path, old: str, new: str, says: str) -> None:
    (difference,) = structure_differences(spoil(lesson_folder, "en.md", old, new))
    assert says in difference
    assert "gradient-descent, step" in difference


def test_missing_parts_are_listed(lesson_folder: Path) -> None:
    assert missing_parts(read_lesson(lesson_folder)) == [
        "gradient-descent: needs at least four steps"
    ]
    lesson = spoil(lesson_folder, "en.md", "Try again.", "word " * 300)
    assert "en.md: 3" in missing_parts(lesson)[1]
    lesson = spoil(lesson_folder, "zh.md", "::: sources", "::: note")
    lesson = spoil(lesson_folder, "en.md", "::: sources", "::: note")
    assert any("sources" in fault for fault in missing_parts(lesson))


def test_links_that_lead_nowhere_are_listed(lesson_folder: Path, course_root: Path) -> None:
    assert broken_links(load_course(course_root)) == []
    spoil(lesson_folder, "en.md", "glossary:learning-rate", "glossary:lerning-rate")
    spoil(
        lesson_folder, "zh.md", "再试一次", "[甲](lesson:nowhere) [乙](lesson:gradient-descent#no)"
    )
    spoil(lesson_folder, "lesson.toml", 'terms = ["learning-rate"]', 'terms = ["other"]')
    assert broken_links(load_course(course_root)) == [
        "gradient-descent, lesson.toml: no term other",
        "gradient-descent, step roll, en.md: no term lerning-rate",
        "gradient-descent, step reach, zh.md: no lesson nowhere",
        "gradient-descent, step reach, zh.md: lesson gradient-descent has no step no",
    ]


# ---- the lessons we ship


def test_the_whole_course_is_readable_and_its_links_lead_somewhere() -> None:
    course = load_course(paths.lessons())
    assert [problem.message.en for problem in course.problems] == []
    assert len(course.lessons) == len(FOLDERS) > 0
    assert broken_links(course) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_lesson_says_the_same_in_both_languages(folder: Path) -> None:
    assert structure_differences(read_lesson(folder)) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_lesson_is_complete(folder: Path) -> None:
    assert missing_parts(read_lesson(folder)) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_lesson_uses_chinese_punctuation(folder: Path) -> None:
    wrong = [
        name
        for name in ("zh.md", "lesson.toml")
        if corrected_file(folder / name) != (folder / name).read_text(encoding="utf-8")
    ]
    assert wrong == [], "correct with: python -m desktop.course.typography " + str(folder)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_ends_as_a_text_does(folder: Path) -> None:
    lesson = read_lesson(folder)
    for step in lesson.steps:
        for language in LANGUAGES:
            assert step.markdown[language] == step.markdown[language].strip()
