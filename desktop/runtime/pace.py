"""When the next step and the next picture are due.

Training is never tied to the display: steps follow the learner's speed, pictures follow the
display's rate, and a picture that is expensive to make is made more rarely, so that it cannot eat
the training. Time is passed in, which makes this testable with a fake clock. Imports nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

FRAME_INTERVAL = 1 / 60
FRAME_SHARE = 0.35
"""At most this share of the worker's time goes into making pictures while it trains."""

LONGEST_DEBT = 0.25
"""After a suspended machine or a long step, this many seconds of missed steps are made up for."""


@dataclass
class Pace:
    """Steps per second, 0 meaning as fast as possible; ``now`` is in seconds, monotonic."""

    steps_per_second: float = 0.0
    _next_step: float = 0.0

    def start(self, now: float) -> None:
        """Training begins or resumes: the first step is due at once."""
        self._next_step = now

    def wait(self, now: float) -> float:
        """Seconds until the next step is due; 0 when it is due."""
        if self.steps_per_second <= 0:
            return 0.0
        return max(0.0, self._next_step - now)

    def stepped(self, now: float) -> None:
        """One step was made."""
        if self.steps_per_second > 0:
            self._next_step = max(self._next_step + 1 / self.steps_per_second, now - LONGEST_DEBT)


@dataclass
class FramePace:
    """Decides whether a picture should be made now."""

    _last: float = -1e9
    _cost: float = 0.0

    def due(self, now: float) -> bool:
        """Whether enough time has passed since the last picture, given what it cost."""
        return now - self._last >= max(FRAME_INTERVAL, self._cost / FRAME_SHARE)

    def made(self, started: float, ended: float) -> None:
        """A picture was made between these times."""
        self._last, self._cost = ended, ended - started
