"""Clicks, drags, keys and hovering: what leaves a panel, and what it says about what is under it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.bilingual import Bilingual
from desktop.engine.frames import Explanation
from desktop.ui.panels.look import look


def click(panel: Any, at: QPointF, button: Any = Qt.MouseButton.LeftButton) -> None:
    QTest.mouseClick(panel.canvas, button, Qt.KeyboardModifier.NoModifier, at.toPoint())


def drag(panel: Any, start: QPointF, end: QPointF) -> None:
    QTest.mousePress(panel.canvas, Qt.MouseButton.LeftButton, pos=start.toPoint())
    for part in (0.25, 0.5, 0.75, 1.0):
        QTest.mouseMove(panel.canvas, (start + (end - start) * part).toPoint())
    QTest.mouseRelease(panel.canvas, Qt.MouseButton.LeftButton, pos=end.toPoint())


def heard(signal: Any) -> list[Any]:
    found: list[Any] = []
    signal.connect(lambda *values: found.append(values if len(values) > 1 else values[0]))
    return found


def test_contour_click_gives_data_coordinates(shown: Any) -> None:
    panel = shown("contour", gestures={"click": "set:start"})
    found = heard(panel.gesture)
    view = panel.current_view
    click(panel, view.point(1.0, 0.5))
    name, (x, y) = found[0]
    assert name == "click"
    assert (x, y) == pytest.approx((1.0, 0.5), abs=0.02)


def test_contour_hover_reads_the_field_and_paths(shown: Any) -> None:
    panel = shown("contour")
    view = panel.current_view
    hover = panel.hover_at(view.point(-1.0, 0.5))
    assert "loss 1.25" in hover.plain()
    assert "path · step 0" in panel.hover_at(view.point(1.5, 0.75)).plain()


def test_drag_pans_wheel_zooms_double_click_resets(shown: Any) -> None:
    panel = shown("curves")
    before = panel.current_view
    drag(panel, before.plot.center(), before.plot.center() + QPointF(60, 0))
    panel.canvas.repaint()
    assert panel.current_view.x.low < before.x.low - 0.2
    panel.zoom(0.5)
    panel.canvas.repaint()
    zoomed = panel.current_view
    assert zoomed.x.high - zoomed.x.low == pytest.approx((before.x.high - before.x.low) / 2)
    QTest.keyClick(panel.canvas, Qt.Key.Key_Home)
    panel.canvas.repaint()
    assert panel.current_view.x == before.x


def test_curves_hover_shows_value_with_unit(shown: Any) -> None:
    panel = shown("curves")
    hover = panel.hover_at(panel.current_view.point(4.0, 5.0))
    assert hover.title.replace("\N{NARROW NO-BREAK SPACE}", " ") == "time = 4 s"
    assert ("line", "8") in [(name, value) for _, name, value in hover.rows]


def test_history_reads_exact_values_and_seeks(shown: Any) -> None:
    panel = shown("history")
    view = panel.current_view
    hover = panel.hover_at(view.point(40.0, 50.0))
    text = hover.plain()
    assert "step 40" in text
    assert "one · loss 60" in text
    assert "two · loss 2" in text
    sought = heard(panel.seek_requested)
    click(panel, view.point(25.0, 50.0))
    assert sought == [25]
    drag(panel, view.point(10.0, 50.0), view.point(30.0, 50.0))
    assert sought[1] == 10
    assert sought[-1] == 30
    QTest.keyClick(panel.canvas, Qt.Key.Key_Right)
    assert sought[-1] == 11  # the current step is 10


def test_history_fork_starts_at_its_parent(shown: Any) -> None:
    panel = shown("history")
    child = next(line for line in panel._lines if line.run.id == 2)
    assert child.steps[child.first] == 20
    before = panel.hover_at(panel.current_view.point(5.0, 50.0)).plain()
    assert "two" not in before


def test_history_log_axis_toggles(shown: Any) -> None:
    panel = shown("history")
    assert not panel.axes()[1].log
    panel.log_button.click()
    panel.canvas.repaint()
    assert panel.current_view.y.log


def test_million_steps_keep_their_extremes(shown: Any) -> None:
    from desktop.ui.panels.lines import Extremes, per_column

    steps = np.arange(1_000_000)
    values = np.sin(steps / 1e5)
    values[123_456], values[654_321] = 9.0, -7.0
    extremes = Extremes()
    extremes.update(values)
    assert extremes.range(values, positive=False) == (-7.0, 9.0)
    x, y = extremes.reduced(steps, values, 0, len(steps), 600)
    x, y = per_column(x * 0.0006, y)
    assert len(x) < 1500
    assert (y.min(), y.max()) == (-7.0, 9.0)


def test_scatter_draws_and_erases(shown: Any, samples: Any) -> None:
    panel = shown("scatter", gestures={"draw": "append:points"})
    found = heard(panel.gesture)
    view = panel.current_view
    click(panel, view.point(1.5, 1.0))
    name, rows = found[0]
    assert name == "draw"
    assert rows[0] == pytest.approx((1.5, 1.0), abs=0.02)
    drag(panel, view.point(0.5, 1.0), view.point(1.5, 1.0))
    assert len(found[1][1]) > 2
    click(panel, view.point(1.0, 2.0), Qt.MouseButton.RightButton)
    assert found[2][0] == "erase"
    assert found[2][1] == pytest.approx((1.0, 2.0), abs=0.02)


def test_scatter_draws_points_of_a_chosen_class(shown: Any, samples: Any) -> None:
    panel = shown("scatter", samples.classes(), gestures={"draw": "append:points"})
    panel._value_buttons[1].click()
    found = heard(panel.gesture)
    click(panel, panel.current_view.point(2.0, -2.0))
    assert found[0][1][0][2] == -1.0


def test_scatter_hover_names_point_and_field(shown: Any, samples: Any) -> None:
    panel = shown("scatter", samples.classes())
    text = panel.hover_at(panel.current_view.point(3.0, 3.0)).plain()
    assert "data" in text
    assert "class 1" in text


def test_heatmap_hover(shown: Any) -> None:
    panel = shown("heatmap")
    text = panel.hover_at(panel.current_view.point(2.0, 1.0)).plain()
    assert "value 6" in text


def test_matrix_click_key_and_hover(shown: Any) -> None:
    panel = shown("matrix")
    asked = heard(panel.explain_requested)
    grid = panel._on_screen()
    click(panel, grid.cell(2, 1).center())
    assert asked == [(2, 1)]
    assert "attention 0.5000" in panel.hover_at(grid.cell(2, 1).center()).plain()
    assert "masked" in panel.hover_at(grid.cell(0, 2).center()).plain()
    QTest.keyClick(panel.canvas, Qt.Key.Key_Left)
    QTest.keyClick(panel.canvas, Qt.Key.Key_Return)
    assert asked[-1] == (2, 0)


def test_matrices_select_or_explain(shown: Any) -> None:
    panel = shown("matrices", gestures={"select": "set:head"})
    chosen = heard(panel.gesture)
    tiles = panel.tiles(panel.canvas.area(), look())
    click(panel, tiles[3].topLeft() + QPointF(40, 60))
    assert chosen == [("select", 3)]
    plain = shown("matrices")
    asked = heard(plain.explain_requested)
    grid = plain._grid(plain.item.matrices[1], tiles[1], look())[0]
    click(plain, grid.cell(1, 0).center())
    assert asked == [(1, 1, 0)]


def test_network_gestures(shown: Any) -> None:
    panel = shown("network", gestures={"edit_weight": "act:w", "edit_bias": "act:b"})
    found, asked = heard(panel.gesture), heard(panel.explain_requested)
    layout = panel._layout
    click(panel, layout.units[1][2].center())
    assert asked == [(1, 2)]
    start, end = layout.units[0][0], layout.units[1][2]
    links, scale = panel._links.link_map(layout, 0, panel.canvas.devicePixelRatioF())
    gap = layout.gap(0)
    index = 2 * 2 + 0  # target 2, source 0
    others = np.delete(np.asarray(links.heights), index, axis=0)
    apart = np.abs(others - np.asarray(links.heights)[index]).min(axis=0)
    column = int(apart[2:-2].argmax()) + 2  # where no other link is near
    place = gap.topLeft() + QPointF(column / scale, links.heights[index][column] / scale)
    assert start.right() < place.x() < end.left()
    click(panel, place)
    panel._editor.setText("−1.5")
    QTest.keyClick(panel._editor, Qt.Key.Key_Return)
    assert found[-1] == ("edit_weight", {"layer": 0, "row": 2, "column": 0, "value": -1.5})
    click(panel, layout.bias_rect(2, 1).center())
    panel._editor.setText("0.75")
    QTest.keyClick(panel._editor, Qt.Key.Key_Return)
    assert found[-1] == ("edit_bias", {"layer": 1, "row": 1, "unit": 1, "value": 0.75})
    spot = next(s for s in layout.spots if s.name == "add_unit" and s.payload == {"layer": 2})
    click(panel, spot.rect.center())
    assert found[-1] == ("add_unit", {"layer": 2})
    panel._layer_buttons[1].click()
    assert found[-1] == ("add_layer", {"layer": 2})


def test_network_hover_and_keys(shown: Any) -> None:
    panel = shown("network")
    layout = panel._layout
    assert "bias 0.2500" in panel.hover_at(layout.units[1][1].center()).plain()
    assert "diagnosis" in panel.hover_at(layout.units[1][0].center()).plain()
    asked = heard(panel.explain_requested)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Return):
        QTest.keyClick(panel.canvas, key)
    assert asked == [(1, 1)]


@pytest.mark.parametrize("widths", [(), (1,), (8,) * 6, (32, 32, 32)])
def test_networks_of_any_shape_paint(shown: Any, samples: Any, widths: tuple[int, ...]) -> None:
    panel = shown("network", samples.network(0, widths), gestures={"edit_weight": "act:w"})
    panel.grab()
    canvas = panel.canvas.area()
    for column in panel._layout.units:
        for rect in column:
            assert canvas.contains(rect)


def test_link_picture_follows_sign_and_size() -> None:
    from desktop.ui.panels.links import LinkMap

    links = LinkMap.of(np.array([10.0]), np.array([10.0]), 40, 20, 1.0)
    orange, blue = (200, 100, 0), (0, 100, 200)
    strong = links.paint(np.array([[1.0]]), 1.0, orange, blue)
    weak = links.paint(np.array([[0.1]]), 1.0, orange, blue)
    minus = links.paint(np.array([[-1.0]]), 1.0, orange, blue)
    assert (strong >> 24).sum() > 2 * (weak >> 24).sum() > 0
    assert strong[10, 20] & 255 > strong[10, 20] >> 16 & 255
    assert minus[10, 20] & 255 < minus[10, 20] >> 16 & 255
    assert (links.paint(np.array([[0.0]]), 1.0, orange, blue)[0] == 0).all()


def test_surface_turns_by_drag_and_keys(shown: Any) -> None:
    panel = shown("surface3d")
    before = panel.camera
    drag(panel, QPointF(200, 150), QPointF(260, 170))
    assert panel.camera != before
    turned = panel.camera
    QTest.keyClick(panel.canvas, Qt.Key.Key_Left)
    assert panel.camera != turned
    QTest.keyClick(panel.canvas, Qt.Key.Key_Home)
    assert panel.camera == before
    panel.canvas.repaint()
    _path, right, down = panel._hits[0]
    plot = panel._layout(panel.canvas.area(), look())[0]
    hover = panel.hover_at(plot.topLeft() + QPointF(float(right[0]), float(down[0])))
    assert "step 0" in hover.plain()


def test_height_field_hides_what_lies_behind_a_wall() -> None:
    from desktop.ui.panels.heightfield import Camera, Projection, relief, render

    heights = np.full((64, 64), -1.0)
    heights[24:28] = 1.0  # a wall across y
    field = relief(heights, np.full((64, 64, 3), 200.0), mesh=4)
    picture, depths = render(field, Projection(Camera(0.0, 1.0), 300, 200))
    seen = depths[:, 150]
    seen = seen[np.isfinite(seen)]
    assert (picture >> 24).max() == 255
    # Just behind the wall (depth −0.1) nothing is seen; far behind, the ground shows again.
    assert not ((seen > -0.1) & (seen < 0.5)).any()
    assert (seen > 0.8).any()


def test_tokens_select(shown: Any) -> None:
    panel = shown("tokens", gestures={"select": "set:query"})
    chosen = heard(panel.gesture)
    chips = panel.chips(panel.canvas.width(), look())
    click(panel, chips[2].center())
    QTest.keyClick(panel.canvas, Qt.Key.Key_Left)
    QTest.keyClick(panel.canvas, Qt.Key.Key_Return)
    assert chosen == [("select", 2), ("select", 1)]
    assert "id 7" in panel.hover_at(chips[2].center()).plain()
    assert "·cat" in panel.hover_at(chips[1].center()).plain()


def test_bars_order_and_hover(shown: Any) -> None:
    panel = shown("bars")
    assert panel._order == [1, 0, 2]
    _index, row = panel.rows(panel.canvas.area(), look())[0]
    assert panel.hover_at(row.center()).plain() == "a\nprobability 0.50000"


def test_readouts_link_to_the_glossary(shown: Any) -> None:
    panel = shown("readouts")
    asked = heard(panel.term_requested)
    click(panel, QPointF(20, 15))
    QTest.keyClick(panel.canvas, Qt.Key.Key_Return)
    assert asked == ["loss-function"] * 2
    assert "0.0123450" in panel.hover_at(QPointF(20, 15)).plain()


def test_texts_are_shown_as_written(shown: Any) -> None:
    panel = shown("texts")
    assert "hello" in panel.view.toPlainText()
    assert panel.view.isReadOnly()


def test_worked_lines_are_set(shown: Any, qtbot: QtBot) -> None:
    panel = shown("worked")
    qtbot.waitUntil(lambda: panel.lines.complete)
    assert panel.lines.height(400, look()) > 30


def test_popover_shows_arithmetic_and_closes(shown: Any, qtbot: QtBot) -> None:
    panel = shown("matrix")
    terms = heard(panel.term_requested)
    line = (r"a = \frac{1}{2}", Bilingual("一半", "a half"))
    panel.show_explanation(
        Explanation(Bilingual("一格", "A cell"), (line,), Bilingual("说明", "In words"), "softmax")
    )
    popover = panel._popover
    assert popover.isVisible()
    assert popover.text() == "A cell\na = \\frac{1}{2}    a half\nIn words"
    assert panel.window().rect().contains(popover.geometry())
    popover._term.click()
    assert terms == ["softmax"]
    QTest.keyClick(panel.canvas, Qt.Key.Key_Escape)
    assert not popover.isVisible()
    panel.show_explanation(Explanation(Bilingual("一格", "A cell"), (line,)))
    QTest.mouseClick(panel.canvas, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert not popover.isVisible()
