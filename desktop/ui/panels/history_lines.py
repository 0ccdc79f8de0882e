"""What a history panel draws: one line per scalar and run, which rows of it count, how far axes reach.

A scalar may be measured every few steps only and is NaN between; a run may diverge and be NaN from
there on. Telling these apart is done here. Imports numpy; no Qt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOOK_BACK = 100_000
"""Rows looked through for the place where a scalar broke."""


@dataclass(frozen=True)
class Line:
    """One scalar of one run, as drawn."""

    run: Any
    scalar: Any
    steps: Any
    values: Any
    color: int
    front: bool
    style: str
    first: int
    """The row from which it is drawn: a fork starts where it left its parent."""


def ahead(end: int) -> int:
    """The axis' end a little ahead of the run: it moves in jumps, not with every step, so that the
    curve grows into a picture that stands still."""
    grain = max(1, 1 << max(0, end.bit_length() - 4))
    return -(-end // grain) * grain


def before_moving(low: float, high: float, *, log: bool) -> tuple[float, float]:
    """The ends of the axis while there is only the first step: room for what a loss will do, and not
    a magnifying glass on the difference between two first values."""
    if log:
        return low / 3, high * 3
    room = max(abs(low), abs(high)) or 1.0
    return min(0.0, low - 0.2 * room if low < 0 else 0.0), max(high, 0.0) + 0.2 * room


def rounded(low: float, high: float, *, log: bool) -> tuple[float, float]:
    """The ends of the values, rounded outwards a little for the same reason."""
    if log:
        if not 0 < low <= high:
            return low, high
        return 10.0 ** (math.floor(8 * math.log10(low)) / 8), 10.0 ** (
            math.ceil(8 * math.log10(high)) / 8
        )
    if not high > low:
        return low, high
    grain = 2.0 ** math.floor(math.log2(high - low)) / 16
    return math.floor(low / grain) * grain, math.ceil(high / grain) * grain


def _others_finite(line: Line, first: int, last: int) -> NDArray[np.bool_]:
    """For each row, whether another scalar of the same run is a finite number there."""
    found = np.zeros(last - first, bool)
    for name in line.run.history.names:
        if name != line.scalar.name:
            values = line.run.history.series(name)[1][first:last]
            found[: len(values)] |= np.isfinite(values)
    return found


def measured_rows(line: Line, first: int, last: int, steps: Any, values: Any) -> tuple[Any, Any]:
    """Without the rows in which this scalar was not measured, so that one measured every few steps
    is a connected line; where it broke the gap stays."""
    absent = np.isnan(values)
    if not absent.any():
        return steps, values
    keep = ~absent | ~_others_finite(line, first, last)
    return steps[keep], values[keep]


def broken_from(line: Line) -> int | None:
    """The row from which the value is no finite number to the end, or None.

    NaN alone does not tell: a scalar measured every few steps is NaN between. It counts as broken if
    the scalar had been measured in every step, or if no other scalar of the step is finite either.
    """
    values = line.values
    if np.isfinite(values[-1]):
        return None
    behind = max(0, len(values) - LOOK_BACK)
    recent = values[behind:]
    known = np.flatnonzero(np.isfinite(recent))
    if not known.size and np.isnan(recent).all():
        return None  # never recorded, as far as one sees
    after = int(known[-1]) + 1 if known.size else 0
    broken = ~np.isfinite(recent[after:])
    gaps = known.size and known[-1] - known[0] + 1 > known.size
    if gaps:
        others = _others_finite(line, behind + after, len(values))
        broken = np.isinf(recent[after:]) | ~others
    rows = np.flatnonzero(broken)
    return behind + after + int(rows[0]) if rows.size else None
