"""Tables of coloured cells: their shape, their numbers, what rows and columns are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QApplication

from desktop.bilingual import Bilingual
from desktop.engine import frames as f
from desktop.ui.panels.grid import TALL, TALLEST, axis_names, cell_texts, lay_out
from desktop.ui.panels.look import SMALL, look
from desktop.ui.strings import language


def table(values: np.ndarray, row_axis: str = "", column_axis: str = "") -> f.Matrix:
    rows, columns = (tuple(str(k) for k in range(n)) for n in values.shape)
    return f.Matrix(
        values,
        rows,
        columns,
        f.Axis(Bilingual.same("value")),
        row_axis=Bilingual.same(row_axis),
        column_axis=Bilingual.same(column_axis),
    )


@pytest.mark.parametrize("width", range(120, 420, 20))
def test_names_of_rows_and_columns_never_lie_on_one_another(qapp: QApplication, width: int) -> None:
    item = table(np.eye(12), "token that looks", "token looked at")
    grid = lay_out(item, QRectF(0, 0, width, 260), look())
    (first, row), (second, column) = axis_names(item, grid, 0.0, look())
    metrics = look().metrics(SMALL)
    assert first + metrics.horizontalAdvance(row) < second
    assert not column or second + metrics.horizontalAdvance(column) <= grid.cells.right() + 1


def test_cells_are_a_little_taller_than_wide_where_that_fills_the_room(qapp: QApplication) -> None:
    grid = lay_out(table(np.eye(9)), QRectF(0, 0, 240, 900), look())
    assert grid.high == pytest.approx(TALLEST * grid.wide)
    many = lay_out(table(np.eye(30)), QRectF(0, 0, 240, 900), look())
    assert many.high == pytest.approx(TALL * many.wide)


def test_a_decimal_goes_only_where_two_digits_remain() -> None:
    assert cell_texts(table(np.array([[-4.53, 0.21]])), fewer=1) == [["−4.5", "0.2"]]
    assert cell_texts(table(np.array([[0.76, 0.02]])), fewer=1) == [["0.76", "0.02"]]
    assert cell_texts(table(np.array([[25.0, 3.0]])), fewer=1) == [["25", "3"]]


def test_buttons_for_new_points_say_what_they_draw(shown: Any, samples: Any) -> None:
    panel = shown("scatter", samples.classes(), gestures={"draw": "append:points"})
    for tongue, words in (("en", ["draw +1", "draw −1"]), ("zh", ["画 +1", "画 −1"])):
        language().set(tongue)
        assert [button.word for button in panel._value_buttons] == words


def test_a_note_is_smaller_and_quieter_than_the_title(shown: Any, qapp: QApplication) -> None:
    from desktop.ui.style import apply_style
    from desktop.ui.theme import palette

    apply_style(qapp)
    bars = f.Bars(("a",), np.array([0.5]), f.Axis(Bilingual.same("p")), note=Bilingual.same("why"))
    panel = shown("bars", bars)
    note = panel.note_label
    assert note.font().pixelSize() < panel.title_label.font().pixelSize()
    assert note.palette().color(note.foregroundRole()).name() == palette().muted.lower()
