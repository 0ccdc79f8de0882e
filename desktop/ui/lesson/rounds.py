"""Panels take turns: at most one is told to draw in one pass of the event loop.

A frame that reached all panels at once would block the window for as long as all of them need
together. Here each is asked for in a pass of its own, the one waiting longest first, and not more
often than its kind can be read: nobody reads a number that changes sixty times a second. Only the wish
is remembered, never the frame, so a panel draws the newest when its turn comes, and the last frame of
a run is always drawn. Imports Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer

TURN_MS = 6
"""Between two turns: the panel's painting follows in the passes between."""

EVERY_FRAME = 0.012
INTERVALS = {
    "history": 1 / 25,
    "readouts": 1 / 10,
    "texts": 1 / 10,
    "worked": 1 / 10,
    "tokens": 1 / 20,
    "bars": 1 / 20,
}
"""Seconds between two drawings of a kind; the others draw every frame."""


class Rounds(QObject):
    """Calls ``draw(panel id)`` for the panels that were asked for, one in a turn."""

    def __init__(self, draw: Callable[[str], None], parent: QObject) -> None:
        super().__init__(parent)
        self._draw = draw
        self._due: dict[str, float] = {}
        self._drawn: dict[str, float] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._turn)
        self._last_turn = -1.0

    def ask(self, panel: str, kind: str) -> None:
        """``panel`` has something new to show."""
        if panel in self._due:
            return
        self._due[panel] = self._drawn.get(panel, -1e9) + INTERVALS.get(kind, EVERY_FRAME)
        self._plan()

    def drawn(self, panel: str) -> None:
        """``panel`` was drawn by other means."""
        self._due.pop(panel, None)
        self._drawn[panel] = time.perf_counter()

    def forget(self) -> None:
        """Nothing is asked for any more."""
        self._timer.stop()
        self._due.clear()
        self._drawn.clear()

    def _plan(self) -> None:
        """Wake at the next turn at which someone is due."""
        if not self._due:
            return
        at = max(min(self._due.values()), self._last_turn + TURN_MS / 1000)
        wait = max(0, round(1000 * (at - time.perf_counter())))
        if not self._timer.isActive() or wait < self._timer.remainingTime():
            self._timer.start(wait)

    def _turn(self) -> None:
        now = time.perf_counter()
        waiting = [panel for panel, due in self._due.items() if due <= now + 0.001]
        if waiting:
            panel = min(waiting, key=self._due.__getitem__)
            self.drawn(panel)
            self._last_turn = now
            self._draw(panel)
        self._plan()
