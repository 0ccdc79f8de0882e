"""A newcomer goes through the playground in the real window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from tests.ui.window.learner import Learner

SLUG = "playground"
Start = Callable[..., Learner]


def test_every_step_shows_its_pictures(start: Start) -> None:
    learner = start(SLUG)
    learner.wait_step(5)
    lesson = learner.view.lesson
    assert lesson is not None
    for step in lesson.steps[1:]:
        learner.next()
        for panel in step.panels:
            learner.wait(lambda panel=panel: learner.panel(panel).has_content())
        assert not learner.view.error.isVisible()


def test_a_neuron_explains_itself_and_a_weight_is_edited(start: Start) -> None:
    learner = start(SLUG)
    learner.settle()
    panel = learner.panel("network")
    learner.wait(lambda: panel._layout is not None)  # type: ignore[attr-defined]
    layout = panel._layout  # type: ignore[attr-defined]
    learner.click_on("network", layout.units[1][0].center())
    assert "=" in learner.arithmetic("network")
    QTest.keyClick(panel.canvas, Qt.Key.Key_Escape)
    learner.wait(lambda: not panel._popover.isVisible())
    before = learner.losses("train_loss")[-1]
    learner.click_on("network", layout.bias_rect(2, 0).center())
    editor = panel.findChild(type(panel._editor)) or panel._editor  # type: ignore[attr-defined]
    editor.selectAll()
    QTest.keyClicks(editor, "3")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    step = learner.status.step
    learner.press(Qt.Key.Key_Right)
    learner.wait(lambda: learner.status.step == step + 1)
    assert learner.losses("train_loss")[-1] != before


def test_layers_are_added_on_the_picture_and_typed(start: Start) -> None:
    learner = start(SLUG, "counting")
    learner.wait(lambda: learner.panel("network").has_content())
    learner.follow("32, 32, 32")
    learner.wait(lambda: learner.value("hidden") == (32, 32, 32))
    learner.type("hidden", "3, 2")
    learner.wait(lambda: learner.value("hidden") == (3, 2))
    learner.click(learner.control("hidden").more)  # type: ignore[attr-defined]
    learner.wait(lambda: learner.value("hidden") == (3, 2, 2))


def test_scrub_back_and_branch_off_with_another_rate(start: Start) -> None:
    learner = start(SLUG)
    learner.run_to(60)
    learner.scrub(10)
    learner.fork()
    learner.slide("learning_rate", 0.75)
    learner.wait(lambda: learner.value("learning_rate") > 0.05)
    learner.run_to(40)
    first, second = learner.status.runs
    assert second.parent == first.id
    assert second.history.at(40)["train_loss"] != first.history.at(40)["train_loss"]
    lines = {line.run.id for line in learner.panel("loss")._lines}  # type: ignore[attr-defined]
    assert lines == {first.id, second.id}


def test_a_branch_with_another_shape_keeps_the_earlier_curve(start: Start) -> None:
    learner = start(SLUG, "spiral")
    learner.run_to(20)
    learner.fork()
    learner.type("hidden", "8, 8")
    learner.wait(lambda: learner.value("hidden") == (8, 8))
    learner.run_to(10)
    assert len(learner.status.runs) == 2


@pytest.mark.slow
def test_questions_are_settled_and_the_goal_is_reached(start: Start) -> None:
    learner = start(SLUG, "why-hidden")
    assert learner.predict("no").verdict.text().startswith("You were right")
    learner.go_to("counting")
    learner.at_full_speed()
    learner.reach_goal()
    assert learner.glassbox.store.answers(SLUG)["fewest"].passed


def test_a_broken_run_is_explained_and_mended(start: Start) -> None:
    learner = start(SLUG, "breaking")
    learner.at_full_speed()
    learner.press(Qt.Key.Key_Space)
    notice = learner.view.finding
    learner.wait(notice.isVisible)
    learner.settle()
    learner.click(notice.why)
    assert notice.evidence.text()
    assert notice.fix.isVisible()
    learner.click(notice.fix)
    learner.wait(
        lambda: learner.value("learning_rate") < 10 or learner.value("activation") != "relu"
    )
    learner.press(Qt.Key.Key_R)
    learner.wait(lambda: learner.status.head == 0)
    learner.run_to(60)
    assert learner.losses("train_loss")[-1] < learner.losses("train_loss")[0]


def test_own_data_drawn_and_read(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = start(SLUG, "own")
    learner.settle()
    before = len(learner.value("own_data"))
    learner.wait(lambda: learner.panel("output").has_content())
    learner.click_data("output", 4.0, 4.0)
    learner.wait(lambda: len(learner.value("own_data")) == before + 1)
    path = tmp_path / "mine.csv"
    path.write_text("x1,x2,label\n0,0,1\n1,1,-1\n2,0,1\n0,2,-1\n", encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    learner.click(learner.control("own_data").load)  # type: ignore[attr-defined]
    learner.wait(lambda: len(learner.value("own_data")) == 4)
    assert "4 rows" in " ".join(learner.texts(learner.view.controls))
