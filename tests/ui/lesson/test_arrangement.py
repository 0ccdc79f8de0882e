"""In a high window, panels of a given shape are set out otherwise."""

from __future__ import annotations

from desktop.bilingual import Bilingual
from desktop.course.lesson import PanelSpec
from desktop.ui.lesson.arrangement import best, blank, places

TITLE = Bilingual("图", "Figure")


def spec(name: str, row: int, column: int, rows: int = 1) -> PanelSpec:
    return PanelSpec(name, name, "curves", TITLE, TITLE, row, column, row_span=rows)


def square(*names: str):
    def filled(name: str, width: float, height: float) -> tuple[float, float]:
        side = min(width, height)
        return (side, side) if name in names else (width, height)

    return filled


def nothing_low(_name: str, _width: float) -> None:
    return None


MAP = [spec("map", 0, 0, 2), spec("upper", 0, 1), spec("lower", 1, 1)]


def test_a_wide_window_keeps_what_the_lesson_says() -> None:
    assert best(MAP, MAP, (780, 390), square("map"), nothing_low) == MAP
    assert best(MAP, MAP, (600, 900), square(), nothing_low) == MAP


def test_in_a_high_window_the_last_panel_goes_below_a_square_map() -> None:
    found = best(MAP, MAP, (600, 600), square("map"), nothing_low)
    assert places(found) == {"map": (0, 1, 0, 1), "upper": (0, 1, 1, 1), "lower": (1, 1, 0, 2)}
    size = (600.0, 600.0)
    assert blank(found, size, square("map"), nothing_low) < blank(
        MAP, size, square("map"), nothing_low
    )


def test_two_tables_side_by_side_stand_one_above_the_other() -> None:
    two = [spec("a", 0, 0), spec("b", 0, 1)]
    found = best(two, two, (600, 1000), square("a", "b"), nothing_low)
    assert places(found) == {"a": (0, 1, 0, 1), "b": (1, 1, 0, 1)}


def test_numbers_beside_a_curve_go_below_at_their_own_height() -> None:
    two = [spec("curve", 0, 0), spec("numbers", 0, 1)]

    def filled(name: str, width: float, height: float) -> tuple[float, float]:
        return (width, min(height, 60.0)) if name == "numbers" else (width, height)

    def low(name: str, _width: float) -> float | None:
        return 60.0 if name == "numbers" else None

    found = best(two, two, (600, 600), filled, low)
    assert blank(found, (600, 600), filled, low) < 0.01


def test_a_small_gain_moves_nothing_back_and_forth() -> None:
    high = best(MAP, MAP, (600, 600), square("map"), nothing_low)
    edge = next(
        h for h in range(300, 900, 5) if best(MAP, MAP, (600, h), square("map"), nothing_low) != MAP
    )
    assert best(MAP, high, (600, edge - 5), square("map"), nothing_low) == high


def test_no_figure_becomes_a_slit() -> None:
    three = [spec("curve", 0, 0), spec("numbers", 0, 1), spec("words", 1, 0)]

    def filled(name: str, width: float, height: float) -> tuple[float, float]:
        return (width, height) if name == "curve" else (width, min(height, 120.0))

    def low(name: str, _width: float) -> float | None:
        return None if name == "curve" else 120.0

    assert best(three, three, (780, 400), filled, low) == three
    assert best(three, three, (780, 900), filled, low) != three
