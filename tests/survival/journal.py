"""Says what a database must contain after a kill: a journal of every transaction, kept outside of it.

The killed process writes a line before each transaction (what it is about to do) and one after it
(done). Both are in the system's cache at once, so they outlive the process. Afterwards the same
statements are replayed into a second database: the killed one must be equal to it, with or without
the one transaction that was under way. Nothing else is allowed.
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from desktop.course.database import Database

Statements = list[tuple[str, list[Any]]]


def keep_journal(database: Database, path: Path) -> None:
    """From now on every transaction of ``database`` is written down in ``path``."""
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    write = database._write

    def line(entry: object) -> None:
        os.write(out, json.dumps(entry).encode() + b"\n")

    def journalled(statements: Sequence[tuple[str, Sequence[object]]]) -> int:
        line(
            {"begin": [(text, [_packed(value) for value in values]) for text, values in statements]}
        )
        row = write(statements)
        line({"done": row})
        return row

    database._write = journalled  # type: ignore[method-assign]
    line({"ready": os.getpid()})


def read_journal(path: Path) -> tuple[list[Statements], Statements | None]:
    """The transactions that were done, and the one that had only begun."""
    done: list[Statements] = []
    open_one: Statements | None = None
    for raw in path.read_bytes().split(b"\n")[:-1]:  # a line without its end was never begun
        entry = json.loads(raw)
        if "begin" in entry:
            open_one = [
                (text, [_unpacked(value) for value in values]) for text, values in entry["begin"]
            ]
        elif "done" in entry:
            assert open_one is not None
            done.append(open_one)
            open_one = None
    return done, open_one


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as another program reads it."""
    with closing(sqlite3.connect(path)) as connection:
        return _content(connection)


def differences(before: Path, after: Path, journal: Path) -> str:
    """What is wrong with ``after``, a database that was killed while it grew out of ``before``.

    Empty when it is exactly what it must be.
    """
    done, begun = read_journal(journal)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as expected:
        with closing(sqlite3.connect(before)) as source:
            source.backup(expected)
        for statements in done:
            _apply(expected, statements)
        found = content(after)
        if found == _content(expected):
            return ""
        if begun is not None:
            _apply(expected, begun)
            if found == _content(expected):
                return ""
        wanted = _content(expected)
    named = [name for name in wanted if wanted[name] != found.get(name)]
    return f"after {len(done)} transactions these tables differ: {named}"


def _apply(connection: sqlite3.Connection, statements: Statements) -> None:
    connection.execute("BEGIN")
    for text, values in statements:
        connection.execute(text, values)
    connection.execute("COMMIT")


def _content(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    names = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    return {
        name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
        for name in sorted(names)
    }


def _packed(value: object) -> object:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return value


def _unpacked(value: Any) -> Any:
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value
