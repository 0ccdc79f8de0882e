"""What is kept between frames is drawn anew exactly when it must be; gaps and breaks of scalars."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop.engine.history import History
from desktop.ui.panels.history_lines import Line, ahead, before_moving, broken_from, measured_rows
from desktop.ui.panels.layers import Layer
from desktop.ui.panels.lines import polygon_of


def line_of(history: History, name: str) -> Line:
    steps, values = history.series(name)
    run = SimpleNamespace(id=1, history=history)
    return Line(run, SimpleNamespace(name=name), steps, values, 0, True, "line", 0)


def recorded(rows: list[dict[str, float]]) -> History:
    history = History()
    for step, row in enumerate(rows):
        history.append(step, row)
    return history


def test_a_scalar_measured_now_and_then_is_a_connected_line_without_a_cross() -> None:
    history = recorded([{"loss": 1.0, **({"test": 2.0} if k % 5 == 0 else {})} for k in range(13)])
    line = line_of(history, "test")
    steps, values = measured_rows(line, 0, 13, line.steps, line.values)
    assert steps.tolist() == [0, 5, 10]
    assert values.tolist() == [2.0, 2.0, 2.0]
    assert broken_from(line) is None


def test_a_cross_marks_where_a_scalar_broke() -> None:
    infinite = recorded([{"loss": 1.0}, {"loss": 2.0}, {"loss": np.inf}, {"loss": np.nan}])
    assert broken_from(line_of(infinite, "loss")) == 2
    accuracy = [{"loss": 1.0, "right": 0.5}, {"loss": np.nan, "right": 0.5}]
    assert broken_from(line_of(recorded(accuracy), "loss")) == 1
    rows = [{"loss": 1.0, **({"test": 2.0} if k % 2 == 0 else {})} for k in range(5)]
    rows += [{"loss": 1.0}, {"loss": np.nan}, {"loss": np.nan}]
    assert broken_from(line_of(recorded(rows), "test")) == 6
    assert broken_from(line_of(recorded([{"loss": 1.0}]), "loss")) is None


def test_the_axis_ends_a_little_ahead_and_moves_in_jumps() -> None:
    ends = {ahead(step) for step in range(1000, 1100)}
    assert len(ends) <= 3
    assert all(1000 <= end <= 1.13 * 1100 for end in ends)


def test_a_layer_is_painted_once_for_each_key(qapp: QApplication) -> None:
    image, layer, painted = QImage(40, 40, QImage.Format.Format_RGB32), Layer(), []
    painter = QPainter(image)
    for key in ("a", "a", "b"):
        layer.paint(painter, QRectF(3.5, 4, 20, 20), 1.0, key, lambda into: painted.append(into))
    painter.end()
    assert len(painted) == 2


def test_a_polygon_holds_its_positions() -> None:
    x, y = np.linspace(0, 1, 1000), np.linspace(5, 6, 1000)
    polygon = polygon_of(x, y)
    assert polygon.size() == 1000
    assert polygon[499] == QPointF(x[499], y[499])
    assert polygon_of(x[:0], y[:0]).size() == 0


def test_links_too_many_for_a_frame_follow_when_it_stands_still(
    shown: Any, samples: Any, qtbot: Any
) -> None:
    panel = shown("network", samples.network(0, (8,) * 6))
    qtbot.waitUntil(lambda: not panel._links.behind, timeout=3000)
    item = samples.network(0, (8,) * 6)
    other = replace(item, weights=tuple(-w for w in item.weights))
    panel.show_item(other)
    panel.canvas.repaint()
    assert panel._links.behind  # the budget of one frame does not do for six gaps
    qtbot.waitUntil(lambda: not panel._links.behind, timeout=3000)


def test_links_nobody_could_tell_apart_are_not_painted_again(shown: Any, samples: Any) -> None:
    panel = shown("network", samples.network(0))
    panel.canvas.repaint()
    before = [gap.image for gap in panel._links._gaps.values()]
    panel.show_item(samples.network(1))  # weights differ by a thousandth
    panel.canvas.repaint()
    assert all(
        gap.image is image for gap, image in zip(panel._links._gaps.values(), before, strict=True)
    )


def test_delete_takes_the_point_under_the_pointer(shown: Any) -> None:
    panel = shown("scatter", gestures={"draw": "append:points"})
    found: list[Any] = []
    panel.gesture.connect(lambda name, payload: found.append((name, payload)))
    view = panel.current_view
    panel.canvas.point_at(view.point(1.0, 2.0))
    QTest.keyClick(panel.canvas, Qt.Key.Key_Delete)
    name, (x, y) = found[-1]
    assert name == "erase"
    assert abs(x - 1.0) < 0.05
    assert abs(y - 2.0) < 0.05


def test_before_the_first_step_the_axis_has_room_for_what_comes() -> None:
    low, high = before_moving(3.917, 3.925, log=False)
    assert low == 0.0
    assert 4.0 < high < 8.0
    low, high = before_moving(3.9, 3.9, log=True)
    assert 0 < low < 2 < 8 < high
    assert before_moving(0.0, 0.0, log=False) == (0.0, 0.2)
    assert before_moving(-2.0, -2.0, log=False)[0] < -2.0
