"""Curves drawn in pixels."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from desktop.ui.panels.lines import FAR, cut_far, draw_curve


def _inked(y: list[float]) -> int:
    """How many pixels a curve through these heights colours."""
    image = QImage(60, 60, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    draw_curve(painter, np.arange(len(y)) * 10.0 + 20, np.array(y), QColor("black"))
    painter.end()
    pixels = np.frombuffer(image.constBits(), np.uint32)
    return int((pixels != 0xFFFFFFFF).sum())


def test_a_curve_of_one_point_can_be_seen(qtbot: QtBot) -> None:
    assert _inked([30.0]) >= 20


def test_one_point_beside_a_gap_stays_as_thin_as_the_curve(qtbot: QtBot) -> None:
    assert _inked([20.0, float("nan"), 30.0, 40.0]) < _inked([20.0, 30.0, 40.0]) + 9


def test_a_line_to_a_far_point_keeps_its_direction() -> None:
    x, y = np.array([0.0, 3e7, 3e7, 5.0]), np.array([0.0, 1e7, 2e7, 5.0])
    cut_x, cut_y = cut_far(x, y)
    assert np.nanmax(np.abs([cut_x, cut_y])) <= FAR * 1.001
    first = np.array([cut_x[1], cut_y[1]])
    assert first[1] / first[0] == pytest.approx(1 / 3)
    back = np.array([cut_x[3] - 5, cut_y[3] - 5])
    assert back[1] / back[0] == pytest.approx(2 / 3, rel=1e-4)
    assert np.isnan(cut_x[2])
    assert (cut_x[-2], cut_y[-2]) == pytest.approx((5.0, 5.0))


def test_a_near_line_is_left_alone() -> None:
    x, y = np.array([0.0, 10.0, 10.0]), np.array([0.0, 0.0, 7.0])
    assert cut_far(x, y) == (x, y)
