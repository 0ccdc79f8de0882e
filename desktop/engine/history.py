"""The scalars of a run, one row a step, none lost on the way.

Written by the worker thread, read by the interface thread without a lock: everything a reader needs
is one immutable ``_View``, replaced as a whole after each row, so a reader never sees half a row.

A small network trains thousands of steps a second, so memory has a bound: at ``MOST_ROWS`` rows,
every second row of the *older half* is dropped. Recent steps stay complete, the first one always
stays, and an hour of training takes no more memory than its first minutes.
Imports numpy, no torch, no Qt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from desktop.engine.frames import Array

MOST_ROWS = 1 << 18


@dataclass(frozen=True, eq=False)
class _View:
    """Column arrays with room to spare, and how many of their rows are filled."""

    steps: Array
    columns: dict[str, Array]
    length: int


class History:
    """Append-only table: column ``step`` and one column per scalar, NaN where a step has none."""

    def __init__(self, names: Iterable[str] = (), capacity: int = 1024) -> None:
        columns = {name: np.full(capacity, np.nan) for name in names}
        self._view = _View(np.zeros(capacity, dtype=np.int64), columns, 0)

    def __len__(self) -> int:
        return self._view.length

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scalars."""
        return tuple(self._view.columns)

    @property
    def last_step(self) -> int:
        """The newest step, or -1 when nothing has been recorded."""
        view = self._view
        return int(view.steps[view.length - 1]) if view.length else -1

    def append(self, step: int, scalars: Mapping[str, float]) -> None:
        """Record one step; steps must grow."""
        if step <= self.last_step:
            raise ValueError(f"step {step} after step {self.last_step}")
        view = self._with_room(self._view)
        columns = view.columns
        for name in scalars.keys() - columns.keys():
            columns = {**columns, name: np.full(len(view.steps), np.nan)}
        for name, value in scalars.items():
            columns[name][view.length] = value
        view.steps[view.length] = step
        self._view = _View(view.steps, columns, view.length + 1)

    def _with_room(self, view: _View) -> _View:
        """The same rows in arrays that have room for one more."""
        if view.length < len(view.steps):
            return view
        if view.length >= MOST_ROWS:
            rows = np.concatenate(
                [np.arange(0, view.length // 2, 2), np.arange(view.length // 2, view.length)]
            )
        else:
            rows = np.arange(view.length)
        return _copy(view, rows, min(2 * len(rows), MOST_ROWS))

    def series(self, name: str) -> tuple[Array, Array]:
        """Steps and values (n,) of one scalar as views, not copies; empty if it is unknown."""
        view = self._view
        column = view.columns.get(name)
        if column is None:
            return view.steps[:0], np.empty(0)
        return view.steps[: view.length], column[: view.length]

    def at(self, step: int) -> dict[str, float]:
        """The scalars at ``step`` (NaN where it had none); empty if that step is not kept."""
        view = self._view
        row = int(np.searchsorted(view.steps[: view.length], step))
        if row >= view.length or view.steps[row] != step:
            return {}
        return {name: float(column[row]) for name, column in view.columns.items()}

    def up_to(self, step: int) -> History:
        """A new history with the rows up to and including ``step``."""
        view = self._view
        rows = int(np.searchsorted(view.steps[: view.length], step, side="right"))
        copy = History()
        copy._view = _copy(view, np.arange(rows), max(1024, 2 * rows))
        return copy


def _copy(view: _View, rows: Array, capacity: int) -> _View:
    """The chosen rows in new arrays of ``capacity`` rows."""
    steps = np.zeros(capacity, dtype=np.int64)
    steps[: len(rows)] = view.steps[rows]
    columns = {}
    for name, column in view.columns.items():
        columns[name] = np.full(capacity, np.nan)
        columns[name][: len(rows)] = column[rows]
    return _View(steps, columns, len(rows))
