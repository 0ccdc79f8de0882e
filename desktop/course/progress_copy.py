"""Keeps a learner's whole progress aside for a moment, so that “start again” can be undone.

Imports nothing of ours but the course's own modules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desktop.course.store import Store

TABLES = {"visits": 4, "answers": 7, "finished": 2, "positions": 5}
"""The tables that ``Store.forget_progress`` empties, and how many columns each has."""


@dataclass(frozen=True)
class ProgressCopy:
    """All rows of all progress tables."""

    rows: Mapping[str, Sequence[tuple[object, ...]]]


def copy_progress(store: Store) -> ProgressCopy:
    """Everything that ``forget_progress`` is about to delete."""
    return ProgressCopy({name: store.database.read(f"SELECT * FROM {name}") for name in TABLES})


def put_back(store: Store, copy: ProgressCopy) -> None:
    """Undo ``forget_progress``; what was learnt since then wins."""
    statements = []
    for name, rows in copy.rows.items():
        places = ", ".join("?" * TABLES[name])
        for row in rows:
            statements.append((f"INSERT OR IGNORE INTO {name} VALUES ({places})", row))
    if statements:
        store.database.write_all(statements)
