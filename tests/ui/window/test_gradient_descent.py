"""A newcomer goes through “Gradient descent” in the real window."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt

from tests.ui.window.learner import Learner

SLUG = "gradient-descent"
Start = Callable[..., Learner]


def test_the_ball_walks_and_follows_the_mouse(start: Start) -> None:
    learner = start(SLUG)
    learner.wait_step(3)  # it moves by itself
    assert "Downhill in fog" in learner.texts()
    learner.click_data("map", -3.0, 1.0)
    learner.wait(lambda: learner.value("start") == pytest.approx((-3.0, 1.0), abs=0.1))
    learner.slide("learning_rate", 0.8)
    learner.wait(lambda: learner.value("learning_rate") > 0.05)
    learner.type("learning_rate", "0.2")
    learner.wait(lambda: learner.value("learning_rate") == 0.2)
    learner.at_full_speed()
    learner.run_to(12)
    learner.press(Qt.Key.Key_R)
    learner.wait(lambda: learner.status.head == 0)
    learner.press(Qt.Key.Key_Right)
    learner.press(Qt.Key.Key_Right)
    learner.wait(lambda: learner.status.step == 2 and not learner.status.playing)
    assert learner.view.transport.count.text() == "step 2"


def test_scrub_back_and_branch_off_with_another_rate(start: Start) -> None:
    learner = start(SLUG)
    learner.run_to(30)
    head = learner.status.head
    learner.scrub(10)
    assert learner.status.head == head
    assert f"of {head}" in learner.view.transport.count.text()
    learner.fork()
    learner.type("learning_rate", "0.3")
    learner.run_to(learner.status.step + 8)
    first, second = learner.status.runs
    assert second.parent == first.id
    assert first.head == head
    assert len(second.history) >= 8
    loss = [run.history.at(run.head)["loss"] for run in (first, second)]
    assert loss[1] < loss[0]
    at = second.fork_step
    assert first.history.at(at)["loss"] == second.history.at(at)["loss"]
    lines = {line.run.id for line in learner.panel("loss")._lines}  # type: ignore[attr-defined]
    assert lines == {first.id, second.id}


def test_every_step_opens_and_every_link_acts(start: Start) -> None:
    learner = start(SLUG)
    learner.at_full_speed()
    lesson = learner.view.lesson
    assert lesson is not None
    for step in lesson.steps[1:]:
        learner.next()
        assert learner.step_id == step.id
        assert set(learner.view.grid.shown) == set(step.panels)
        for panel in step.panels:
            learner.wait(lambda panel=panel: learner.panel(panel).has_content())
        assert not learner.view.error.isVisible()
    assert "Next lesson" in learner.texts(learner.view.prose)
    for _ in lesson.steps[1:]:
        learner.back()
    assert learner.step_id == "fog"


def test_links_set_the_table(start: Start) -> None:
    learner = start(SLUG, "rate")
    learner.follow("walks in slowly")
    learner.wait(lambda: learner.value("learning_rate") == 0.1 and learner.status.playing)
    learner.go_to("traps")
    learner.follow("Rastrigin’s")
    learner.wait(lambda: learner.value("surface") == "rastrigin")
    assert learner.value("start") == (3.3, 2.6)
    learner.go_to("adaptive")
    learner.follow("let all seven run")
    learner.wait(lambda: len(learner.value("optimizers")) == 7 and learner.status.step > 0)
    learner.wait(lambda: len(learner.panel("map").item.paths) == 7)
    learner.go_to("slope")
    learner.wait(lambda: learner.value("surface") == "houses" and learner.status.head == 0)
    learner.follow("Take one step")
    learner.wait(lambda: learner.status.step == 1)
    learner.go_to("own")
    learner.follow("overfitting")
    learner.wait(lambda: learner.window.slug == "overfitting")


def test_a_prediction_is_settled_by_the_run(start: Start) -> None:
    learner = start(SLUG, "rate")
    card = learner.predict("faster")
    assert "went differently" in card.verdict.text()
    assert "further out each time" in card.verdict.text()
    assert learner.truth_of("too-large") == "diverges"
    learner.click(card.again)
    card = learner.predict("diverges")
    assert card.verdict.text().startswith("You were right")


def test_a_goal_is_reached_with_the_own_hands_and_on_request(start: Start) -> None:
    learner = start(SLUG, "update")
    learner.type("learning_rate", "0.5")
    learner.wait(lambda: learner.value("learning_rate") == 0.5)
    learner.press(Qt.Key.Key_Right)
    card = learner.view.prose.goals()[0]
    learner.wait(lambda: card.done)
    assert card.verdict.text() == "Reached, at step 1."
    learner.go_to("traps")
    learner.at_full_speed()
    learner.reach_goal()
    assert learner.value("surface") == "saddle"
    assert "leave-the-saddle" in learner.glassbox.store.answers(SLUG)


def test_a_run_that_flies_off_is_explained_and_mended(start: Start) -> None:
    learner = start(SLUG, "rate")
    learner.follow("further out each time")
    notice = learner.view.finding
    learner.wait(notice.isVisible)
    learner.click(notice.why)
    assert notice.evidence.isVisible()
    assert "1.1" in notice.evidence.text() + notice.advice.text()
    assert notice.fix.isVisible()
    learner.click(notice.fix)
    learner.wait(lambda: learner.value("learning_rate") < 1.0)
    learner.settle()  # the mended run may end by itself, just before or after the reset
    learner.press(Qt.Key.Key_R)
    learner.wait(lambda: learner.status.head == 0)
    learner.run_to(40)
    assert learner.losses()[-1] < 0.2
    learner.wait(lambda: not notice.isVisible())


def test_arithmetic_opens_on_a_number(start: Start) -> None:
    learner = start(SLUG, "slope")
    learner.wait(lambda: learner.panel("numbers").has_content())
    learner.click_cell("numbers", 1)
    assert "\\nabla L" in learner.arithmetic("numbers")


def test_a_formula_of_the_own(start: Start) -> None:
    learner = start(SLUG, "own")
    learner.type("formula", "(x-1)^2 + (y+1)^2")
    learner.wait(lambda: learner.value("formula") == "(x-1)^2 + (y+1)^2")
    learner.at_full_speed()
    learner.run_to(300)
    assert learner.status.runs[-1].history.at(300)["loss_sgd"] < 0.01
