"""Numbers read the same everywhere; formulas are pictures with a baseline, or a clear error."""

from __future__ import annotations

import math

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from desktop.bilingual import Bilingual
from desktop.ui import formula
from desktop.ui.panels.formula_lines import FormulaLines, broken
from desktop.ui.panels.look import look
from desktop.ui.panels.numbers import (
    fixed,
    number,
    percent,
    round_number,
    short,
    tick_labels,
    with_unit,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (-1234567.0, "−1,234,567"),
        (0.12345, "0.1235"),
        (-0.00001234, "−1.23×10⁻⁵"),
        (12345.678, "12,346"),
        (0.99999, "1.000"),
        (1e9, "1.00×10⁹"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_a_power_of_ten_has_one_digit_before_the_point() -> None:
    assert number(9.54e-7, 2) == "1×10⁻⁶"
    assert number(9.996e-7) == "1.00×10⁻⁶"


def test_a_chosen_number_has_no_zeros_of_measurement() -> None:
    assert [round_number(v) for v in (0.05, 1.0, 300.0, 2e-6, -1.5e-6)] == [
        "0.05", "1", "300", "2×10⁻⁶", "−1.5×10⁻⁶",
    ]  # fmt: skip


def test_short_ticks_and_units() -> None:
    assert [short(v) for v in (0.05, 1e-5, 2e-6, 1000.0, -1e6)] == [
        "0.05", "10⁻⁵", "2×10⁻⁶", "1,000", "−10⁶",
    ]  # fmt: skip
    # Zeros before the point are part of the number, those behind it are not.
    assert [short(v) for v in (100.145, 210.4, 1000.1, 10.04, 2.50)] == [
        "100", "210", "1,000", "10", "2.5",
    ]  # fmt: skip
    assert tick_labels([0.0, 0.25, 0.5], 0.25) == ["0.00", "0.25", "0.50"]
    assert fixed(-0.001, 1) == "0.0"
    assert percent(0.125) == "12.5%"
    assert with_unit("3", "ms") == "3\N{NARROW NO-BREAK SPACE}ms"
    assert with_unit("3", "%") == "3%"


def test_a_sign_stands_close_to_its_number(qapp: QApplication) -> None:
    def wide(latex: str) -> float:
        return formula.render(latex, pixels=20, color=QColor("black"), ratio=1).width

    for written, meant in [
        (r"v = (-3.96,\ -4)", r"v = ({-}3.96,\ {-}4)"),
        (r"w \leftarrow -1.5 \times (-2)", r"w \leftarrow {-}1.5 \times ({-}2)"),
        (r"L = -\frac{1}{n}", r"L = {-}\frac{1}{n}"),
    ]:
        assert wide(written) == wide(meant)
    assert wide("a-3") > wide("a{-}3")  # between two terms it keeps its room


def test_formula_has_size_depth_and_colour(qapp: QApplication) -> None:
    red = QColor("#FF0000")
    plain = formula.render("x", pixels=20, color=red, ratio=1)
    fraction = formula.render(r"\frac{a}{b}", pixels=20, color=red, ratio=2)
    assert fraction.depth > plain.depth
    assert fraction.height > plain.height
    assert fraction.image.width() == round(fraction.width * 2)
    found = {
        fraction.image.pixelColor(x, y).name()
        for x in range(fraction.image.width())
        for y in range(fraction.image.height())
        if fraction.image.pixelColor(x, y).alpha() == 255
    }
    assert found == {"#ff0000"}
    assert formula.render("x", pixels=20, color=red, ratio=1) is plain


@pytest.mark.parametrize("latex", [r"\frac{a", "", "}{", r"\left( a", r"\nosuchthing{x}"])
def test_unreadable_formula_is_an_error(qapp: QApplication, latex: str) -> None:
    with pytest.raises(formula.FormulaError) as caught:
        formula.render(latex, pixels=20, color=QColor("black"), ratio=1)
    assert caught.value.message.zh
    assert latex in caught.value.details


def test_a_long_sum_is_cut_between_its_terms() -> None:
    def fits(latex: str) -> bool:
        return len(latex) <= 28

    latex = r"q \cdot k = (1 + 2) \cdot 3 + 4 \cdot 5 + \frac{a + b}{c} = 29"
    lines = broken(latex, fits)
    assert lines == [
        r"q \cdot k = (1 + 2) \cdot 3", r"\quad + 4 \cdot 5", r"\quad + \frac{a + b}{c} = 29",
    ]  # fmt: skip
    assert broken("a = b", fits) == ["a = b"]


def test_lines_of_two_calculations_are_never_mixed(qapp: QApplication) -> None:
    def lines_at(value: int) -> tuple[tuple[str, Bilingual], ...]:
        return tuple((f"{name} = {value}", Bilingual(str(value), str(value))) for name in "uvw")

    lines = FormulaLines()
    lines.set_lines(lines_at(1))
    lines.prepare_all(look(), 1.0)
    lines.set_lines(lines_at(2))
    shown = []
    going_on = True
    while going_on:
        going_on = lines.prepare(look(), 1.0)
        shown.append({(row.latex[-1], row.remark) for row in lines._rows})
    assert shown[0] == {("1", "1")}
    assert shown[-1] == {("2", "2")}
    assert all(len(one) == 1 for one in shown)
