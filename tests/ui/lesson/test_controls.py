"""Controls made from parameter specs: typed, dragged, nudged, loaded, refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from desktop.course.catalog import Course
from desktop.engine.loading import load_parameters
from desktop.ui.lesson.control import Control
from desktop.ui.lesson.control_data import LONGEST_EDITABLE, RowsControl, TextControl
from desktop.ui.lesson.control_kinds import (
    ChoiceControl,
    FlagControl,
    IntegersControl,
    PointControl,
    SubsetControl,
)
from desktop.ui.lesson.control_number import NumberControl
from desktop.ui.lesson.controls import ControlsStrip, make_control
from desktop.ui.strings import language


class Watched:
    """A control on screen and everything it said."""

    def __init__(self, control: Control) -> None:
        self.control: Any = control
        self.said: list[Any] = []
        control.changed.connect(self.hear)

    def hear(self, name: str, value: object) -> None:
        """Note what was chosen."""
        assert name == self.control.spec.name
        self.said.append(value)


@pytest.fixture
def make(qtbot: QtBot, toys: Course):  # type: ignore[no-untyped-def]
    """Makes the control of one of the toy lesson's parameters."""
    declared, _scalars = load_parameters(toys.lesson("line").folder)

    def made(name: str) -> Watched:
        control = make_control(declared.specs()[name])
        qtbot.addWidget(control)
        control.retranslate()
        control.show_value(control.spec.default)
        control.resize(420, 120)
        control.show()
        qtbot.waitExposed(control)
        return Watched(control)

    return made


def test_number_typed_nudged_and_reset(make, qtbot: QtBot) -> None:  # type: ignore[no-untyped-def]
    rate = make("rate")
    assert isinstance(rate.control, NumberControl)
    field = rate.control.field
    assert field.text() == "0.1"
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "0.03")
    assert rate.control.editing()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert rate.said == [0.03]
    assert not rate.control.editing()
    qtbot.keyClick(field, Qt.Key.Key_Up)
    assert rate.said[-1] == pytest.approx(0.033)
    qtbot.keyClick(rate.control.slider, Qt.Key.Key_PageUp)
    assert rate.said[-1] == pytest.approx(0.033 * 1.1**10, rel=1e-2)
    rate.control.slider.setValue(1000)
    assert rate.said[-1] == 1.0
    qtbot.mouseDClick(rate.control.slider, Qt.MouseButton.LeftButton)
    assert rate.said[-1] == 0.1
    assert field.text() == "0.1"


def test_number_out_of_range_is_one_sentence_in_both_languages(  # type: ignore[no-untyped-def]
    make, qtbot: QtBot
) -> None:
    rate = make("rate")
    field = rate.control.field
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "7")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert rate.said == []
    assert rate.control.error_label.text() == "7 is out of range. It takes values from 0.0001 to 1."
    assert field.property("invalid") == "true"
    language().set("zh")
    rate.control.retranslate()
    assert rate.control.error_label.text().startswith("7 超出范围")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "0.1"
    assert not rate.control.error_label.isVisible()
    field.selectAll()
    qtbot.keyClicks(field, "abc")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "不是一个数" in rate.control.error_label.text()


def test_flag_choice_and_subset(make, qtbot: QtBot) -> None:  # type: ignore[no-untyped-def]
    shuffle, method, methods = make("shuffle"), make("method"), make("methods")
    assert isinstance(shuffle.control, FlagControl)
    shuffle.control.box.click()
    assert shuffle.said == [False]
    assert shuffle.control.box.text() == "off"
    assert isinstance(method.control, ChoiceControl)
    segments = method.control.findChildren(QPushButton)
    assert [segment.text() for segment in segments] == ["first", "second", "third"]
    qtbot.mouseClick(segments[2], Qt.MouseButton.LeftButton)
    assert method.said == ["c"]
    assert isinstance(methods.control, SubsetControl)
    chips = methods.control.findChildren(QPushButton)
    chips[3].click()
    assert methods.said == [("a", "d")]
    chips[0].click()
    chips[3].click()
    assert methods.said[-1] == ("d",)  # the last one cannot be taken out
    assert methods.control.error_label.isVisible()


def test_integers_and_points(make, qtbot: QtBot) -> None:  # type: ignore[no-untyped-def]
    widths, start = make("widths"), make("start")
    assert isinstance(widths.control, IntegersControl)
    widths.control.more.click()
    assert widths.said == [(4, 2, 2)]
    widths.control.field.setCursorPosition(0)
    qtbot.keyClick(widths.control.field, Qt.Key.Key_Up)
    assert widths.said[-1] == (5, 2, 2)
    for _ in range(3):
        widths.control.fewer.click()
    assert widths.said[-1] == ()
    assert not widths.control.fewer.isEnabled()
    qtbot.keyClicks(widths.control.field, "8 8 9")
    qtbot.keyClick(widths.control.field, Qt.Key.Key_Return)
    assert "9 is out of range" in widths.control.error_label.text()
    assert isinstance(start.control, PointControl)
    first = start.control.fields[0]
    first.selectAll()
    qtbot.keyClicks(first, "-3")
    qtbot.keyClick(first, Qt.Key.Key_Return)
    assert start.said == [(-3.0, 2.0)]


def test_text_follows_the_typing_and_refuses_too_much(make, qtbot: QtBot) -> None:  # type: ignore[no-untyped-def]
    words = make("words")
    assert isinstance(words.control, TextControl)
    line = words.control.input_widgets()[0]
    line.selectAll()
    with qtbot.waitSignal(words.control.changed):
        committed = QInputMethodEvent("", [])
        committed.setCommitString("你好 world")  # as a Chinese input method does
        QApplication.sendEvent(line, committed)
    assert words.said == ["你好 world"]
    line.selectAll()
    line.insert("x" * 30)
    qtbot.keyClick(line, Qt.Key.Key_X)
    qtbot.waitUntil(lambda: words.control.error_label.isVisible())
    assert words.said == ["你好 world"]


def test_text_files(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    note = make("note")
    path = tmp_path / "a.txt"
    path.write_text("第一行\r\n第二行", encoding="utf-8")
    note.control.load_file(path)
    assert note.said == ["第一行\n第二行"]
    path.write_bytes(b"\xff\xfe\x00")
    note.control.load_file(path)
    assert "not UTF-8" in note.control.error_label.text()
    path.write_text("x" * 300)
    note.control.load_file(path)
    assert "300 characters" in note.control.error_label.text()
    path.write_text("x" * 3000)
    note.control.load_file(path)
    assert "too large" in note.control.error_label.text()
    note.control.load_file(tmp_path / "gone.txt")
    assert "cannot be opened" in note.control.error_label.text()
    assert note.said == ["第一行\n第二行"]


def test_a_huge_text_is_shown_as_an_excerpt(make) -> None:  # type: ignore[no-untyped-def]
    note = make("note")
    note.control.show_value("x" * (LONGEST_EDITABLE + 1))
    box = note.control.input_widgets()[0]
    assert box.isReadOnly()
    assert len(box.toPlainText()) < 3000
    assert note.control.typed_text() == "x" * (LONGEST_EDITABLE + 1)


def test_rows_loaded_undone_cleared_and_kept_when_the_file_is_bad(  # type: ignore[no-untyped-def]
    make, tmp_path: Path
) -> None:
    points = make("points")
    assert isinstance(points.control, RowsControl)
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2\n3,4\n")
    points.control.load_file(path)
    assert points.said == [((1.0, 2.0), (3.0, 4.0))]
    path.write_text("1,2\n3,nine\n")
    points.control.load_file(path)
    assert "Line 2, column 2: “nine” is not a number." in points.control.error_label.text()
    assert len(points.said) == 1
    points.control.clear.click()
    assert points.said[-1] == ()
    points.control.undo.click()
    assert points.said[-1] == ((1.0, 2.0), (3.0, 4.0))


def test_a_dragged_slider_asks_once_for_many_moves(qtbot: QtBot, toys: Course) -> None:
    declared, _scalars = load_parameters(toys.lesson("line").folder)
    strip = ControlsStrip()
    qtbot.addWidget(strip)
    strip.build(declared.specs(), lambda spec: "learning-rate" if spec.name == "rate" else "")
    strip.arrange(("rate",), ("count",))
    strip.show_parameters(declared())
    said: list[dict[str, Any]] = []
    strip.changes_made.connect(said.append)
    slider = strip.controls["rate"].slider  # type: ignore[attr-defined]
    with qtbot.waitSignal(strip.changes_made):
        for position in range(300, 400, 5):
            slider.setValue(position)
    assert len(said) == 1
    assert said[0]["rate"] == pytest.approx(strip.controls["rate"]._value)  # type: ignore[attr-defined]
    with qtbot.waitSignal(strip.term_requested) as asked:
        qtbot.mouseClick(strip.controls["rate"].name_label, Qt.MouseButton.LeftButton)
    assert asked.args == ["learning-rate"]


def test_values_from_outside_do_not_overwrite_what_is_being_typed(  # type: ignore[no-untyped-def]
    qtbot: QtBot, toys: Course
) -> None:
    declared, _scalars = load_parameters(toys.lesson("line").folder)
    strip = ControlsStrip()
    qtbot.addWidget(strip)
    strip.build(declared.specs(), lambda _spec: "")
    strip.arrange(("rate",), ())
    strip.show_parameters(declared())
    field = strip.controls["rate"].field  # type: ignore[attr-defined]
    field.selectAll()
    qtbot.keyClicks(field, "0.2")
    strip.show_parameters(declared(rate=0.9))
    assert field.text() == "0.2"
