"""Names with a letter below the line."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from desktop.ui.panels.look import SMALL, look
from desktop.ui.panels.subscripts import draw_name, name_parts, name_width


def test_only_a_capital_with_one_letter_has_a_subscript() -> None:
    assert name_parts("W_Q") == [("W", False), ("Q", True)]
    assert name_parts("W_Q · 王 · 3") == [("W", False), ("Q", True), (" · 王 · 3", False)]
    for plain in ("", "the", "max_len", "IN_X", "W_QK", "a_b", "W_Q_K"):
        assert name_parts(plain) == [(plain, False)]


def drawn(text: str, room: float) -> QImage:
    picture = QImage(120, 30, QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    draw_name(painter, QPointF(2, 18), text, look(), SMALL, room=room)
    painter.end()
    return picture


def lowest_ink(picture: QImage) -> int:
    dark = [
        y
        for y in range(picture.height())
        for x in range(picture.width())
        if picture.pixelColor(x, y).lightness() < 128
    ]
    return max(dark)


def test_the_letter_stands_below_the_line_and_is_narrower(qapp: QApplication) -> None:
    assert lowest_ink(drawn("W_K", 100)) > lowest_ink(drawn("WK", 100))
    assert name_width("W_K", look(), SMALL) < name_width("WK", look(), SMALL)


def test_a_long_name_is_cut_short(qapp: QApplication) -> None:
    wide = drawn("a very long name of a matrix", 40)
    assert all(wide.pixelColor(x, y).lightness() > 200 for x in range(46, 120) for y in range(30))
