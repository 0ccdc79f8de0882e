"""Panels draw one at a time, slow kinds rarely, and everybody in the end."""

from __future__ import annotations

import itertools
import time

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from desktop.bilingual import Bilingual
from desktop.course.lesson import PanelSpec
from desktop.ui.lesson.panel_grid import bands
from desktop.ui.lesson.rounds import INTERVALS, TURN_MS, Rounds


def test_everybody_gets_a_turn_of_their_own(qtbot: QtBot) -> None:
    drawn: list[tuple[str, float]] = []
    owner = QObject()
    rounds = Rounds(lambda panel: drawn.append((panel, time.perf_counter())), owner)
    for panel, kind in (("a", "network"), ("b", "readouts"), ("c", "history")):
        rounds.ask(panel, kind)
    assert not drawn
    qtbot.waitUntil(lambda: len(drawn) == 3, timeout=2000)
    assert sorted(panel for panel, _ in drawn) == ["a", "b", "c"]
    gaps = [later[1] - sooner[1] for sooner, later in itertools.pairwise(drawn)]
    assert min(gaps) > 0.5 * TURN_MS / 1000


def test_numbers_wait_until_they_can_be_read_but_the_last_is_drawn(qtbot: QtBot) -> None:
    drawn: list[float] = []
    owner = QObject()
    rounds = Rounds(lambda panel: drawn.append(time.perf_counter()), owner)
    rounds.ask("numbers", "readouts")
    qtbot.waitUntil(lambda: len(drawn) == 1, timeout=2000)
    rounds.ask("numbers", "readouts")
    rounds.ask("numbers", "readouts")
    qtbot.waitUntil(lambda: len(drawn) == 2, timeout=2000)
    assert drawn[1] - drawn[0] > 0.9 * INTERVALS["readouts"]


def test_rows_with_the_same_panels_are_one_band() -> None:
    def spec(name: str, row: int, span: int) -> PanelSpec:
        title = Bilingual.same(name)
        return PanelSpec(name, name, "matrix", title, title, row, 0, row_span=span)

    assert bands([spec("a", 0, 2), spec("b", 4, 3)], "row") == [[0, 1], [4, 5, 6]]
