"""The grid of live panels: who gets which room."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QApplication, QScrollArea
from pytestqt.qtbot import QtBot

from desktop.bilingual import Bilingual
from desktop.course.lesson import PanelSpec
from desktop.engine.frames import Axis, Bars, Field, Frame, Matrix, Surface, Tokens
from desktop.ui.lesson.panel_grid import WIDEST_SHARE, PanelGrid

TITLE = Bilingual("图", "Figure")


def spec(name: str, kind: str, row: int, column: int, **more: object) -> PanelSpec:
    return PanelSpec(name, name, kind, TITLE, TITLE, row, column, **more)  # type: ignore[arg-type]


def square_map(name: str) -> Surface:
    at = np.linspace(-2, 2, 21)
    field = Field(at, at, np.add.outer(at**2, at**2), TITLE)
    return Surface(Axis(Bilingual.same("x")), Axis(Bilingual.same("y")), field)


def test_in_a_high_window_a_panel_moves_below_the_map(qtbot: QtBot, qapp: QApplication) -> None:
    area = QScrollArea()
    grid = PanelGrid()
    area.setWidget(grid)
    area.setWidgetResizable(True)
    qtbot.addWidget(area)
    own = {"row_span": 2, "options": {"equal_units": True}}
    grid.build(
        [
            spec("map", "contour", 0, 0, **own),
            *(spec(n, "contour", k, 1) for k, n in enumerate("ab")),
        ],
        (),
    )
    area.resize(640, 800)
    area.show()
    grid.show_only(())
    maps = {name: square_map(name) for name in ("map", "a", "b")}
    grid.show_frame(Frame(1, 0, maps, {}), ())
    qtbot.waitUntil(lambda: grid.panels["b"].width() > grid.width() - 2)
    assert grid.panels["b"].y() > grid.panels["map"].geometry().bottom()
    area.resize(900, 500)
    qtbot.waitUntil(lambda: grid.panels["b"].x() > grid.panels["map"].x())
    assert grid.panels["map"].height() == grid.height()


def test_a_map_takes_the_width_that_its_height_can_use(qtbot: QtBot, qapp: QApplication) -> None:
    grid = PanelGrid()
    qtbot.addWidget(grid)
    map_ = spec("map", "contour", 0, 0, row_span=2, options={"equal_units": True})
    grid.build([map_, spec("a", "curves", 0, 1), spec("b", "curves", 1, 1)], ())
    grid.resize(800, 520)
    grid.show()
    grid.show_only(())
    qtbot.waitUntil(lambda: abs(grid.panels["map"].width() - grid.panels["a"].width()) <= 1)
    even = grid.panels["map"].width()
    at = np.linspace(-2, 2, 21)
    field = Field(at, at, np.add.outer(at**2, at**2), TITLE)
    x, y = Axis(Bilingual.same("x")), Axis(Bilingual.same("y"))
    grid.show_frame(Frame(1, 0, {"map": Surface(x, y, field)}, {}), ())
    qtbot.waitUntil(lambda: grid.panels["map"].width() > even + 20)
    assert grid.panels["map"].width() <= WIDEST_SHARE * grid.width() + 1


def test_rows_keep_to_their_shares_where_room_is_short(qtbot: QtBot, qapp: QApplication) -> None:
    """A note above its figure must not take the room of the panel over it."""
    grid = PanelGrid()
    qtbot.addWidget(grid)
    grid.build([spec("table", "matrix", 0, 0), spec("list", "bars", 1, 0)], ())
    names = tuple(f"w{k}" for k in range(9))
    axis = Axis(Bilingual.same("p"))
    table = Matrix(np.eye(9), names, names, axis, False)
    bars = Bars(names, np.linspace(0, 1, 9), axis, note=Bilingual.same("what may follow"))
    grid.resize(470, 330)
    grid.show()
    grid.show_only(())
    grid.show_frame(Frame(1, 0, {"table": table, "list": bars}, {}), ())
    qtbot.waitUntil(lambda: not grid.panels["list"].note_label.isHidden())
    qtbot.waitUntil(lambda: abs(grid.panels["table"].height() - grid.panels["list"].height()) <= 1)


def test_a_row_of_low_panels_has_its_natural_height(qtbot: QtBot, qapp: QApplication) -> None:
    grid = PanelGrid()
    qtbot.addWidget(grid)
    grid.build([spec("words", "tokens", 0, 0), spec("curves", "curves", 1, 0)], ())
    words = Tokens(("a", "b"), (1, 2), np.array([0.1, 0.2]), Axis(Bilingual.same("p")))
    grid.resize(470, 400)
    grid.show()
    grid.show_only(())
    grid.show_frame(Frame(1, 0, {"words": words}, {}), ())
    low = grid.panels["words"]
    qtbot.waitUntil(lambda: low.height() >= low.natural_height())
    assert grid.panels["curves"].y() > low.geometry().bottom()
