"""Discovery and strict reading: a valid lesson arrives whole, a spoilt one is named precisely."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.bilingual import Bilingual
from desktop.course import CourseError, UnknownLessonError, find_lessons, load_course
from desktop.course.lesson import Condition, Goal, Prediction
from desktop.course.lesson_file import read_lesson


def test_a_valid_lesson_is_read_whole(course_root: Path) -> None:
    course = load_course(course_root)
    assert course.problems == ()
    lesson = course.lesson("gradient-descent")
    assert lesson.title == Bilingual("梯度下降", "Gradient descent")
    assert [step.id for step in lesson.steps] == ["roll", "reach"]
    assert lesson.steps[0].title == Bilingual("往下滚", "Roll down")
    assert lesson.steps[0].preset["start"] == (1.0, 2.0)
    assert lesson.steps[1].markdown["en"].startswith("$$L(w)")
    prediction, goal = lesson.checks
    assert isinstance(prediction, Prediction)
    assert isinstance(goal, Goal)
    assert prediction.runs[1].seed == 3
    assert prediction.options[0].when == (
        Condition(left="b.last:loss", op=">", right="a.first:loss", times=2.0),
    )
    assert prediction.options[1].when == ()
    assert goal.require == {"optimizer": ("sgd",)}
    assert lesson.panels[0].options["scalars"] == ("loss",)
    assert course.chapters[0].number == 1
    assert course.glossary.get("learning-rate") is not None


def test_only_numbered_chapters_with_a_lesson_file_are_found(course_root: Path) -> None:
    for name in ("drafts/half", "1-learning/empty"):
        (course_root / name).mkdir(parents=True)
    (course_root / "drafts" / "half" / "lesson.toml").write_text("", encoding="utf-8")
    assert [path.name for path in find_lessons(course_root)] == ["gradient-descent"]


def test_an_unknown_lesson_is_answered_with_the_known_ones(course_root: Path) -> None:
    with pytest.raises(UnknownLessonError) as caught:
        load_course(course_root).lesson("gradient")
    assert "gradient-descent" in caught.value.hint.en


def test_a_broken_lesson_leaves_the_others_readable(course_root: Path, lesson_folder: Path) -> None:
    second = lesson_folder.parent / "second"
    second.mkdir()
    for name in ("lesson.toml", "zh.md", "en.md"):
        (second / name).write_bytes((lesson_folder / name).read_bytes())
    (lesson_folder / "en.md").unlink()
    course = load_course(course_root)
    assert [lesson.slug for lesson in course.lessons] == ["second"]
    assert course.problems[0].file == lesson_folder / "en.md"


SPOILT = [
    ("minutes = 5", "minuets = 5", "minutes", "missing"),
    ("minutes = 5", 'minutes = "5"', "minutes", "whole number"),
    ("minutes = 5", "minutes = 0", "minutes", "1 or more"),
    ("minutes = 5", "minutes = 5\nminuets = 5", "minuets", "did you mean minutes"),
    ("minutes = 5", "minutes = ", "", "TOML"),
    (', en = "Loss" }', " }", "panels[1].title.en", "missing"),
    ('en = "Loss"', 'en = " "', "panels[1].title.en", "empty"),
    ('kind = "contour"', 'kind = "pie"', "panels[1].kind", "contour"),
    ('click = "set:start"', 'click = "start"', "panels[1].gestures.click", "set:parameter"),
    ('panels = ["surface"]', 'panels = ["surfaces"]', "steps[1].panels", "no panel surfaces"),
    ('id = "reach"', 'id = "roll"', "steps", "used twice"),
    ('"b.last:loss"', '"last:loss"', ".when[1].left", "say which"),
    ('"b.last:loss"', '"c.last:loss"', ".when[1].left", "no run c"),
    ('"b.last:loss"', '"b.final:loss"', ".when[1].left", "statistic"),
    ('op = ">"', 'op = "=="', ".when[1].op", "nonfinite"),
    ("times = 2 ", "upper = 2 ", ".when[1].upper", "between"),
    ('optimizer = ["sgd"]', 'optimizer = "sgd"', "goals[1].require.optimizer", "list"),
    ('id = "low"', 'id = "too-big"', "checks", "used twice"),
    ("within_steps = 200\n", "", "steps[2].goals[1].within_steps", "missing"),
]


@pytest.mark.parametrize(("old", "new", "where", "says"), SPOILT)
def test_a_mistake_is_named_with_its_place(
    lesson_folder: Path, old: str, new: str, where: str, says: str
) -> None:
    path = lesson_folder / "lesson.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CourseError) as caught:
        read_lesson(lesson_folder)
    assert caught.value.file == path
    assert caught.value.where.endswith(where)
    assert says in caught.value.message.en
    assert "lesson.toml" in caught.value.message.zh


def test_a_file_that_is_not_utf8_is_named(lesson_folder: Path) -> None:
    (lesson_folder / "zh.md").write_bytes("## 标题 {#roll}".encode("gbk"))
    with pytest.raises(CourseError, match="UTF-8"):
        read_lesson(lesson_folder)
