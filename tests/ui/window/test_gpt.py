"""A newcomer goes through “Train a small GPT” in the real window, with a model small enough to test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit

from desktop.ui.panels.look import look
from tests.ui.window.learner import Learner

SLUG = "gpt"
Start = Callable[..., Learner]


def make_small(learner: Learner) -> None:
    """The smallest model the controls allow."""
    learner.go_to("size")
    learner.type("layers", "1")
    learner.choose("width", "32")
    learner.type("context", "16")
    learner.type("batch", "4")
    learner.wait(lambda: learner.value("batch") == 4 and learner.value("width") == "32")
    learner.wait(lambda: learner.value("context") == 16 and learner.value("layers") == 1)


def test_every_step_shows_its_pictures(start: Start) -> None:
    learner = start(SLUG)
    learner.wait_step(1)
    lesson = learner.view.lesson
    assert lesson is not None
    for step in lesson.steps[1:]:
        learner.next()
        for panel in step.panels:
            learner.wait(lambda panel=panel: learner.panel(panel).has_content())
        assert not learner.view.error.isVisible()


def test_a_prompt_is_typed_and_the_bars_answer(start: Start) -> None:
    learner = start(SLUG)
    learner.wait_step(2)
    learner.settle()
    before = learner.panel("next").item.values.copy()
    field = learner.control("prompt").findChild(QLineEdit)
    assert field is not None
    QTest.keyClicks(field, "Once upon")
    learner.wait(lambda: learner.value("prompt") == "Once upon")
    learner.wait(lambda: learner.panel("next").item.values.tolist() != before.tolist())
    assert learner.status.step >= 2


def test_the_attention_moves_while_it_trains(start: Start) -> None:
    learner = start(SLUG, "looking-back")
    learner.settle()
    heads = learner.panel("heads")
    learner.wait(heads.has_content)
    before = heads.item.matrices[0].values.copy()
    learner.run_to(learner.status.step + 5)
    learner.wait(lambda: (heads.item.matrices[0].values != before).any())
    tiles = heads.tiles(heads.canvas.area(), look())  # type: ignore[attr-defined]
    learner.click_on("heads", tiles[1].topLeft() + QPointF(20, 30))
    learner.wait(lambda: learner.value("head") == 1)
    grid = learner.panel("attention")._on_screen()  # type: ignore[attr-defined]
    learner.click_on("attention", grid.cell(2, 1).center())
    assert "sqrt" in learner.arithmetic("attention")


def test_smaller_models_branches_and_rewinding(start: Start) -> None:
    learner = start(SLUG)
    make_small(learner)
    learner.run_to(30)
    learner.scrub(10)
    learner.fork()
    learner.type("learning_rate", "0.0001")
    learner.run_to(20)
    first, second = learner.status.runs
    assert second.history.at(20)["loss"] != first.history.at(20)["loss"]
    learner.follow("A learning rate of 1")
    learner.wait(lambda: learner.value("learning_rate") == 1)
    learner.wait(learner.view.finding.isVisible)


def test_a_text_of_the_own_is_read_and_the_model_kept(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = start(SLUG)
    make_small(learner)
    learner.go_to("by-heart")
    path = tmp_path / "mine.txt"
    path.write_text("the cat sat on the mat. " * 60, encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    learner.click(learner.control("own_text").load)  # type: ignore[attr-defined]
    learner.wait(lambda: learner.value("own_text").startswith("the cat sat"))
    learner.run_to(3)
    folder = tmp_path / "kept"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(folder), ""))
    learner.click(learner.view.header.keep)
    learner.wait(lambda: (folder / "tokenizer.json").exists())
    assert {"config.json", "model.safetensors"} <= {file.name for file in folder.iterdir()}
    learner.wait(lambda: any("kept" in toast.text for toast in learner.window.toasts.shown))


def test_the_temperature_moves_only_the_bars(start: Start) -> None:
    learner = start(SLUG, "sampling")
    learner.wait_step(1)
    learner.settle()
    step = learner.status.step
    learner.slide("temperature", 0.9)
    learner.wait(lambda: learner.value("temperature") > 1)
    assert learner.status.step == step


@pytest.mark.slow
def test_a_question_is_settled_by_real_training(start: Start) -> None:
    learner = start(SLUG, "by-heart")
    learner.settle()
    assert learner.predict("rises", 120_000).verdict.text().startswith("You were right")
    learner.press(Qt.Key.Key_R)
    learner.wait(lambda: learner.status.head == 0)
