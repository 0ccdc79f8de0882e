"""Names such as ``W_Q``, drawn with a real subscript where Unicode has none.

Imports Qt and the figures' look; no torch.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

from desktop.ui.panels.look import Look

SUBSCRIPTED = re.compile(r"(?<!\w)([A-Z])_([A-Za-z])(?!\w)")
"""A capital letter with one letter below it: narrow, so that words of a text are left alone."""
SMALLER, LOWER = 0.78, 0.2
"""A subscript's size and how far its line lies below the other, in parts of the text's size."""


def name_parts(text: str) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it is a subscript."""
    found: list[tuple[str, bool]] = []
    done = 0
    for match in SUBSCRIPTED.finditer(text):
        found += [(text[done : match.end(1)], False), (match.group(2), True)]
        done = match.end()
    return [*found, (text[done:], False)] if text[done:] or not found else found


def name_width(text: str, drawn_with: Look, size: float, weight: int = 400) -> float:
    """How wide ``draw_name`` draws it."""
    return sum(
        drawn_with.metrics(size * SMALLER if below else size, weight).horizontalAdvance(part)
        for part, below in name_parts(text)
    )


def draw_name(
    painter: QPainter,
    at: QPointF,
    text: str,
    drawn_with: Look,
    size: float,
    weight: int = 400,
    *,
    room: float,
) -> None:
    """Draw it in the painter's colour from ``at``, the left end of its line; cut short when it is
    wider than ``room``."""
    parts = name_parts(text)
    if name_width(text, drawn_with, size, weight) > room:
        metrics = drawn_with.metrics(size, weight)
        parts = [(metrics.elidedText(text, Qt.TextElideMode.ElideRight, room), False)]
    x = at.x()
    for part, below in parts:
        height = size * SMALLER if below else size
        painter.setFont(drawn_with.font(height, weight))
        drop = drawn_with.pixels(size * LOWER) if below else 0.0
        painter.drawText(QPointF(x, at.y() + drop), part)
        x += drawn_with.metrics(height, weight).horizontalAdvance(part)
