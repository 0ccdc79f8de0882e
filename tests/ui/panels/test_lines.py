"""Curves drawn in pixels."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from desktop.ui.panels.lines import draw_curve


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
