"""Bad input at the real window: one clear sentence in the learner's language, and all stays as it was."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPlainTextEdit

from desktop.engine.recipe import Recipe
from tests.ui.window.learner import CHINESE, Learner

Start = Callable[..., Learner]
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


def is_sentence(text: str, language: str) -> bool:
    """Words of the language, an end, and nothing of a traceback."""
    chinese = bool(CHINESE.search(text))
    return chinese is (language == "zh") and "Traceback" not in text and "Error" not in text


def load(learner: Learner, name: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Choose a file for a data control; what it says underneath."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    control = learner.control(name)
    before = learner.value(name)
    learner.click(control.load)  # type: ignore[attr-defined]
    assert control.error_label.isVisible()
    assert learner.value(name) == before
    return control.error_label.text()


BAD_TABLES = {
    "a word among numbers": (b"1,2\n3,four\n", ("2", "four")),
    "a column too many": (b"1,2\n3,4,5\n", ("2",)),
    "empty": (b"", ()),
    "only a heading": (b"x,y\n", ()),
    "not UTF-8": ("温度,价格\n1,2\n".encode("gbk"), ("UTF-8",)),
    "a picture": (b"\x89PNG\x00\x00\x00", ()),
    "huge": (b"1,2\n" * 2_000_000, ("MB",)),
}


@LANGUAGES
def test_a_table_that_is_none(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    learner = start("overfitting", language=language)
    learner.settle()
    path = tmp_path / "mine.csv"
    for name, (data, said) in BAD_TABLES.items():
        path.write_bytes(data)
        text = load(learner, "points", path, monkeypatch)
        assert is_sentence(text, language), (name, text)
        assert all(part in text for part in said), (name, text)
    assert load(learner, "points", tmp_path / "gone.csv", monkeypatch)


@LANGUAGES
def test_a_text_that_is_too_long_or_not_utf8(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    learner = start("gpt", "by-heart", language=language)
    learner.settle()
    path = tmp_path / "mine.txt"
    for data in ("很长".encode() * 400_000, "旧编码".encode("gbk"), b"\x00\x01" * 100):
        path.write_bytes(data)
        text = load(learner, "own_text", path, monkeypatch)
        assert is_sentence(text, language), text
    # A text of a few letters cannot train anything; the learner is told and nothing stops.
    box = learner.control("own_text").findChild(QPlainTextEdit)
    assert box is not None
    QTest.keyClicks(box, "ab")
    learner.wait(lambda: bool(_says(learner, "own_text")))
    assert is_sentence(_says(learner, "own_text"), language)
    assert box.toPlainText() == "ab"
    assert learner.status.runs


def _says(learner: Learner, name: str) -> str:
    label = learner.control(name).error_label
    return label.text() if label.isVisible() else ""


@LANGUAGES
@pytest.mark.parametrize("formula", ["sin(x", "x +* y", "x + z", "import os", ""])
def test_a_formula_with_a_typo(start: Start, language: str, formula: str) -> None:
    learner = start("gradient-descent", "own", language=language)
    learner.settle()
    before = learner.value("formula")
    learner.type("formula", formula)
    learner.wait(lambda: bool(_says(learner, "formula")))
    text = _says(learner, "formula")
    assert is_sentence(text, language), text
    field = learner.control("formula").findChild(QLineEdit)
    assert field is not None
    assert field.text() == formula  # to be put right, not typed again
    assert learner.value("formula") == before
    assert len(learner.status.runs) == 1


@LANGUAGES
def test_a_formula_that_divides_by_zero(start: Start, language: str) -> None:
    learner = start("gradient-descent", "own", language=language)
    learner.settle()
    learner.type("formula", "1/0 + x")
    learner.wait(lambda: bool(_says(learner, "formula")))
    assert is_sentence(_says(learner, "formula"), language)
    learner.type("formula", "x^2 + y^2")
    learner.wait(lambda: learner.value("formula") == "x^2 + y^2")
    assert not _says(learner, "formula")


@LANGUAGES
def test_a_number_out_of_range_or_no_number(start: Start, language: str) -> None:
    learner = start("playground", language=language)
    learner.settle()
    before = learner.value("learning_rate")
    for typed in ("99999", "fast", "-1"):
        learner.type("learning_rate", typed)
        learner.wait(lambda: bool(_says(learner, "learning_rate")))
        assert is_sentence(_says(learner, "learning_rate"), language)
        assert learner.value("learning_rate") == before
    learner.type("learning_rate", "0.1")
    learner.wait(lambda: learner.value("learning_rate") == 0.1)
    assert not _says(learner, "learning_rate")


def damaged_texts(text: str) -> dict[str, str]:
    """A shared text as it must not be."""
    half = len(text) // 2
    return {
        "cut off": text[:-20],
        "a letter changed": text[:half] + ("A" if text[half] != "A" else "B") + text[half + 1 :],
        "something else": "Dear all, the meeting is on Monday.",
        "nothing": "",
        "huge": "GLASSBOX" + "A" * 3_000_000,
    }


@LANGUAGES
def test_a_damaged_text_and_file(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    learner = start("gradient-descent", language=language)
    learner.settle()
    sharing, error = learner.view.sharing, learner.view.error
    with learner.qtbot.waitSignal(learner.glassbox.session.recipe_ready) as made:
        sharing.actions["copy_text"].trigger()
    text = QGuiApplication.clipboard().text()
    before = (learner.status.lesson, learner.status.run, learner.status.step)
    for name, bad in damaged_texts(text).items():
        QGuiApplication.clipboard().setText(bad)
        sharing.actions["paste_text"].trigger()
        assert error.isVisible(), name
        assert is_sentence(error.sentence.text(), language), error.sentence.text()
        learner.click(error.close_button)
    path = tmp_path / "state.glassbox"
    recipe: Recipe = made.args[0]
    recipe.to_file(path)
    whole = json.loads(path.read_text(encoding="utf-8"))
    version = next(key for key in whole if "version" in key)
    newer = json.dumps({**whole, version: 999})
    unknown = json.dumps({**whole, "lesson": "alchemy"})
    for bad in ("{ not json", "[]", "", newer, unknown):
        path.write_text(bad, encoding="utf-8")
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
        sharing.actions["open_file"].trigger()
        assert error.isVisible(), bad[:40]
        assert is_sentence(error.sentence.text(), language), error.sentence.text()
        learner.click(error.close_button)
    assert before == (learner.status.lesson, learner.status.run, learner.status.step)


@LANGUAGES
def test_a_file_that_cannot_be_written(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    learner = start("gradient-descent", language=language)
    learner.settle()
    nowhere = tmp_path / "missing" / "state.glassbox"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(nowhere), ""))
    learner.view.sharing.actions["save_file"].trigger()
    learner.wait(learner.view.error.isVisible)
    assert is_sentence(learner.view.error.sentence.text(), language)


def toasts(learner: Learner) -> str:
    """Every message over the page."""
    return " ".join(toast.text for toast in learner.window.toasts.shown)


@LANGUAGES
def test_a_damaged_database_and_one_from_a_newer_version(
    start: Start, data_dir: Path, language: str
) -> None:
    data_dir.mkdir(parents=True)
    (data_dir / "glassbox.sqlite3").write_bytes(b"this is no database" * 500)
    learner = start(language=language)
    learner.wait(lambda: bool(toasts(learner)))
    assert is_sentence(toasts(learner), language), toasts(learner)
    learner.next()
    assert learner.glassbox.store.visited_steps("gradient-descent")


@LANGUAGES
def test_a_database_from_a_newer_version(start: Start, data_dir: Path, language: str) -> None:
    data_dir.mkdir(parents=True)
    database = sqlite3.connect(data_dir / "glassbox.sqlite3")
    database.execute("PRAGMA user_version = 9999")
    database.commit()
    database.close()
    learner = start(language=language)
    learner.wait(lambda: bool(toasts(learner)))
    assert is_sentence(toasts(learner), language), toasts(learner)
    learner.next()


@LANGUAGES
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs a POSIX system")
def test_a_data_folder_that_cannot_be_used(start: Start, data_dir: Path, language: str) -> None:
    # A file where the folder should be: also root, who may write everywhere, cannot use it.
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    data_dir.write_text("in the way", encoding="utf-8")
    learner = start(language=language)
    learner.wait(lambda: bool(toasts(learner)))
    assert is_sentence(toasts(learner), language), toasts(learner)
    learner.next()
    assert learner.step_id == "slope"
