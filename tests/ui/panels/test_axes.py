"""Axes say their numbers in full, two of them at least, and names keep clear of one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from desktop.bilingual import Bilingual
from desktop.engine import frames as f
from desktop.ui.panels.axes import number_width
from desktop.ui.panels.beside import Placed
from desktop.ui.panels.heightfield import Camera, Projection
from desktop.ui.panels.look import SMALL, look
from desktop.ui.panels.scales import Scale


@pytest.mark.parametrize(
    "scale",
    [
        Scale(-4.2, 2.5, 0, 140),
        Scale(3.4, 29.0, 0, 160),
        Scale(6.2, 17.4, 110, 0, log=True),
        Scale(-0.2, 4.6, 110, 0),
    ],
)
def test_an_axis_has_two_numbers_at_least(scale: Scale) -> None:
    values, labels = scale.ticks(64)
    assert len(values) >= 2
    assert len(set(labels)) == len(values)


def test_whole_numbers_stay_whole_where_only_one_fits() -> None:
    values, _ = Scale(0.2, 1.8, 0, 60, whole=True).ticks(64)
    assert values == [1.0]


@pytest.mark.parametrize("width", range(90, 330, 6))
def test_a_map_made_lower_keeps_its_numbers_inside(shown: Any, samples: Any, width: int) -> None:
    at = np.linspace(0.2, 12.6, 9)
    field = f.Field(np.linspace(0, 9, 9), at, np.add.outer(at, at), Bilingual.same("L"))
    x, y = samples.axis("x", "x"), samples.axis("y", "y")
    panel = shown("contour", f.Surface(x, y, field), options={"equal_units": True})
    view = panel.view(QRectF(0, 0, width, 400), look())
    assert view.plot.left() - 6 - number_width(view.y, look()) >= 0


def test_numbers_of_a_small_relief_yield_to_its_names(qapp: QApplication) -> None:
    drawn_with = look()
    metrics = drawn_with.metrics(SMALL)
    picture = QImage(200, 200, QImage.Format.Format_ARGB32_Premultiplied)
    painter = QPainter(picture)
    placed = Placed(painter, metrics, Projection(Camera(), 200, 200))
    placed.beside(QPointF(100, 100), ["slope w"], 1.0, 1.0)
    placed.if_free(QPointF(110, 102), "−5.2", 1.0, 1.0)
    assert len(placed.boxes) == 1
    placed.if_free(QPointF(20, 20), "3.6", 1.0, 1.0)
    assert len(placed.boxes) == 2
    placed.beside(
        QPointF(100, 170), ["slope w (10⁴ ¥/m² / 10 km), per standard deviation", "w"], 1.0, 1.0
    )
    assert placed.boxes[-1].right() <= 200  # the short name, where the long one has no room
    painter.end()
