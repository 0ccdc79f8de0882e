"""A newcomer goes through “Overfitting” in the real window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from tests.ui.window.learner import Learner

SLUG = "overfitting"
Start = Callable[..., Learner]


def test_every_step_shows_its_pictures(start: Start) -> None:
    learner = start(SLUG)
    learner.wait_step(2)
    lesson = learner.view.lesson
    assert lesson is not None
    for step in lesson.steps[1:]:
        learner.next()
        for panel in step.panels:
            learner.wait(lambda panel=panel: learner.panel(panel).has_content())
        assert not learner.view.error.isVisible()
    learner.go_to("curves")


def test_the_degree_is_moved_and_the_curve_follows(start: Start) -> None:
    learner = start(SLUG)
    learner.at_full_speed()
    learner.follow("Degree 1")
    learner.wait(lambda: learner.value("degree") == 1)
    learner.slide("degree", 1.0)
    learner.wait(lambda: learner.value("degree") == 15)
    learner.type("noise", "0")
    learner.wait(lambda: learner.value("noise") == 0)
    learner.run_to(30)
    learner.wait(lambda: learner.panel("fit").item is not None)


def test_scrub_back_branch_off_with_a_penalty(start: Start) -> None:
    learner = start(SLUG, "penalty")
    learner.run_to(60)
    learner.scrub(20)
    learner.fork()
    at = learner.status.step
    learner.type("penalty", "0.5")
    learner.wait(lambda: learner.value("penalty") == 0.5)
    assert learner.status.step == at  # the branch goes on where it stands
    learner.run_to(60)
    first, second = learner.status.runs
    assert second.fork_step == at
    assert second.history.at(60)["train_loss"] > first.history.at(60)["train_loss"]
    assert "0.5" in second.label.en


def test_a_question_a_goal_and_the_test_set(start: Start) -> None:
    learner = start(SLUG, "degree")
    card = learner.predict("part")
    assert card.verdict.text().startswith("You were right")
    learner.go_to("penalty")
    learner.at_full_speed()
    learner.reach_goal()
    learner.go_to("test")
    learner.follow("open the test set")
    learner.wait(lambda: learner.value("reveal_test"))
    learner.wait(lambda: "test_loss" in learner.status.runs[-1].history.at(learner.status.head))


def test_the_app_says_when_it_overfits(start: Start) -> None:
    learner = start(SLUG, "data")
    learner.at_full_speed()
    notice = learner.view.finding
    learner.wait(notice.isVisible)
    learner.settle()
    learner.click(notice.why)
    assert notice.evidence.text()
    assert notice.advice.text()
    if notice.fix.isVisible():
        before = learner.status.parameters
        learner.click(notice.fix)
        learner.wait(lambda: learner.status.parameters != before)


def test_own_points_from_a_file_and_by_hand(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(x / 10, (x / 10) ** 2) for x in range(-10, 11)]
    path = tmp_path / "mine.csv"
    path.write_text("x,y\n" + "\n".join(f"{x},{y}" for x, y in rows), encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    learner = start(SLUG, "test")
    learner.click(learner.control("points").load)  # type: ignore[attr-defined]
    learner.wait(lambda: len(learner.value("points")) == len(rows))
    learner.wait(lambda: learner.status.step > 0 or not learner.status.playing)
    learner.click_data("fit", 0.5, 0.5)
    learner.wait(lambda: len(learner.value("points")) == len(rows) + 1)
    learner.press(Qt.Key.Key_R)
    learner.wait(lambda: len(learner.value("points")) == len(rows) + 1)


def test_a_number_shows_its_arithmetic(start: Start) -> None:
    learner = start(SLUG)
    learner.settle()
    learner.wait(lambda: learner.panel("numbers").has_content())
    learner.click_cell("numbers", 0)
    assert "\\frac" in learner.arithmetic("numbers")
