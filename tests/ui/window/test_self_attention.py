"""A newcomer goes through “Self-attention” in the real window."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from desktop.ui.panels.look import look
from tests.ui.window.learner import Learner

SLUG = "self-attention"
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


def test_the_matrices_follow_the_typing(start: Start) -> None:
    learner = start(SLUG)
    learner.settle()
    field = learner.control("text").findChild(QLineEdit)
    assert field is not None
    field.selectAll()
    QTest.keyClicks(field, "the old cat sat")
    learner.wait(lambda: learner.value("text") == "the old cat sat")
    learner.wait(lambda: len(learner.panel("sentence").item.tokens) == 4)
    assert learner.panel("weights").item.values.shape == (4, 4)


def test_a_word_and_a_cell_are_clicked(start: Start) -> None:
    learner = start(SLUG)
    learner.settle()
    strip = learner.panel("sentence")
    learner.wait(strip.has_content)
    chips = strip.chips(strip.canvas.width(), look())  # type: ignore[attr-defined]
    learner.click_on("sentence", chips[1].center())
    learner.wait(lambda: learner.value("query") == 1)
    grid = learner.panel("weights")._on_screen()  # type: ignore[attr-defined]
    learner.click_on("weights", grid.cell(2, 1).center())
    text = learner.arithmetic("weights")
    shown = f"{learner.panel('weights').item.values[2, 1]:.2f}"
    assert shown[:3] in text
    assert "softmax" in text or "e^" in text


def test_heads_are_chosen_on_their_pictures(start: Start) -> None:
    learner = start(SLUG, "heads")
    learner.settle()
    heads = learner.panel("heads")
    learner.wait(heads.has_content)
    tiles = heads.tiles(heads.canvas.area(), look())  # type: ignore[attr-defined]
    learner.click_on("heads", tiles[1].topLeft() + QPointF(40, 60))
    learner.wait(lambda: learner.value("head") == 1)


def test_two_shapes_are_drawn_together(start: Start) -> None:
    learner = start(SLUG, "heads")
    learner.at_full_speed()
    learner.follow("One head of size 16")
    learner.wait(lambda: learner.value("heads") == 1 and learner.status.step > 5)
    learner.follow("two of size 8")
    learner.wait(lambda: learner.value("heads") == 2 and learner.status.step > 5)
    assert len(learner.status.runs) == 2


def test_mask_and_scale_are_switched(start: Start) -> None:
    learner = start(SLUG, "softmax")
    learner.settle()
    learner.wait(lambda: learner.panel("weights-right").has_content())
    learner.follow("Switch the mask off")
    learner.wait(lambda: learner.value("causal") is False)
    learner.wait(lambda: learner.panel("weights-right").item.values[0, 1] > 0)
    learner.follow("Switch it on again")
    learner.wait(lambda: learner.value("causal") is True)


def test_scrub_back_and_branch_off(start: Start) -> None:
    learner = start(SLUG, "learn")
    learner.press(Qt.Key.Key_Space) if not learner.status.playing else None
    learner.run_to(40)
    learner.scrub(10)
    learner.fork()
    learner.type("learning_rate", "0.1")
    learner.run_to(20)
    first, second = learner.status.runs
    assert second.history.at(20)["loss"] != first.history.at(20)["loss"]


@pytest.mark.slow
def test_a_question_is_settled_and_the_goal_reached(start: Start) -> None:
    learner = start(SLUG, "scale")
    assert learner.predict("lower").verdict.text().startswith("You were right")
    learner.go_to("learn")
    learner.at_full_speed()
    learner.reach_goal()
    assert learner.glassbox.store.answers(SLUG)["pronouns"].passed
