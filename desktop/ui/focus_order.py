"""The order in which Tab goes through a page. Imports Qt only."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QWidget


def chain_focus(parts: Iterable[QWidget]) -> None:
    """Let Tab go through the parts as listed, and in each through its widgets as they were made.

    Left alone, Qt follows the order in which widgets were created, so what a page adds later (a
    panel, a question) would come last wherever it stands. Hidden widgets keep their place.
    """
    stops = [stop for part in parts for stop in _stops(part)]
    for before, after in itertools.pairwise(stops):
        QWidget.setTabOrder(before, after)


def in_order(layout: QLayout) -> Iterator[QWidget]:
    """The widgets of a layout, and of those within it, as they stand on the page."""
    for place in range(layout.count()):
        item = layout.itemAt(place)
        if item is None:
            continue
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            yield widget
        elif inner is not None:
            yield from in_order(inner)


def _stops(part: QWidget) -> Iterator[QWidget]:
    for widget in (part, *part.findChildren(QWidget)):
        if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus or widget.focusProxy() is not None:
            continue
        if widget.window() is part.window():  # a menu or a list that opens is a window of its own
            yield widget
