"""What Glassbox remembers of its learner: progress, answers, places, settings, saved experiments.

A typed face over ``Database``; every call writes at once, so nothing waits for an orderly exit.
Times are UTC seconds. If the disk refuses, the same calls go on working in memory and ``notices``
says so. Imports nothing of ours but the course's own modules.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from desktop.course.chat_tables import CHAT_TABLES
from desktop.course.database import Database, Migration, StoreError
from desktop.course.lesson import Lesson

__all__ = ["Answer", "LessonProgress", "Position", "SavedExperiment", "Store", "StoreError"]

T = TypeVar("T", str, int, float, bool, list[Any], dict[str, Any])

MIGRATIONS: tuple[Migration, ...] = (
    (
        """CREATE TABLE visits (
            lesson TEXT NOT NULL, step TEXT NOT NULL, first_at REAL NOT NULL, last_at REAL NOT NULL,
            PRIMARY KEY (lesson, step)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE answers (
            lesson TEXT NOT NULL, check_id TEXT NOT NULL, answer TEXT NOT NULL, truth TEXT NOT NULL,
            passed INTEGER NOT NULL, attempts INTEGER NOT NULL, at REAL NOT NULL,
            PRIMARY KEY (lesson, check_id)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE finished (
            lesson TEXT PRIMARY KEY, at REAL NOT NULL) STRICT, WITHOUT ROWID""",
        """CREATE TABLE positions (
            lesson TEXT PRIMARY KEY, step TEXT NOT NULL, parameters TEXT NOT NULL,
            seed INTEGER NOT NULL, at REAL NOT NULL) STRICT, WITHOUT ROWID""",
        """CREATE TABLE settings (
            name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID""",
        """CREATE TABLE layouts (
            name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID""",
        """CREATE TABLE experiments (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, lesson TEXT NOT NULL, step INTEGER NOT NULL,
            recipe TEXT NOT NULL, at REAL NOT NULL) STRICT""",
    ),
    CHAT_TABLES,
)
"""Append only: a database in the world may stand at any of these versions."""


@dataclass(frozen=True)
class Answer:
    """The last answer to a check. ``answer`` and ``truth`` are option ids (for goals ``reached``);
    ``passed`` stays true once it was right."""

    answer: str
    truth: str
    passed: bool
    attempts: int
    at: float


@dataclass(frozen=True)
class LessonProgress:
    """How far the learner is in one lesson."""

    visited: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    finished: bool = False

    def share(self, lesson: Lesson) -> float:
        """Steps seen and checks passed, out of all there are now (0 to 1)."""
        steps = {step.id for step in lesson.steps}
        checks = {check.id for check in lesson.checks}
        total = len(steps) + len(checks)
        return (len(self.visited & steps) + len(self.passed & checks)) / total if total else 0.0

    def complete(self, lesson: Lesson) -> bool:
        """Every step seen and every check passed."""
        return self.share(lesson) >= 1.0


@dataclass(frozen=True)
class Position:
    """Where the learner was, with the settings on the table there."""

    lesson: str
    step: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    at: float = 0.0


@dataclass(frozen=True)
class SavedExperiment:
    """An experiment kept under a name; ``recipe`` is the text that opens it again."""

    id: int
    name: str
    lesson: str
    step: int
    recipe: str
    at: float


class Store:
    """The learner's record in one file. Opening never fails; look at ``notices`` afterwards."""

    def __init__(self, path: Path, on_notice: Callable[[StoreError], None] | None = None) -> None:
        self._database = Database(path, MIGRATIONS, on_notice)

    @property
    def notices(self) -> tuple[StoreError, ...]:
        """What the person should be told about the file, oldest first."""
        return tuple(self._database.notices)

    @property
    def in_memory(self) -> bool:
        """Whether this session is kept only until the window closes."""
        return self._database.in_memory

    @property
    def database(self) -> Database:
        """The database itself, for other parts that keep their tables in the same file."""
        return self._database

    def set_on_notice(self, on_notice: Callable[[StoreError], None] | None) -> None:
        """Who hears of later trouble, on the thread whose write met it."""
        self._database.on_notice = on_notice

    def back_up(self) -> None:
        """Renew the backup now."""
        self._database.back_up()

    def back_up_beside(self) -> None:
        """Renew the backup on a thread of its own, if anything was written since the last one."""
        self._database.back_up_beside()

    def close(self) -> None:
        """Close the file; nothing is waiting to be written."""
        self._database.close()

    # ---- progress

    def visit_step(self, lesson: str, step: str) -> None:
        """The learner opened this step."""
        now = time.time()
        self._database.write(
            "INSERT INTO visits VALUES (?, ?, ?, ?) "
            "ON CONFLICT (lesson, step) DO UPDATE SET last_at = excluded.last_at",
            (lesson, step, now, now),
        )

    def visited_steps(self, lesson: str) -> frozenset[str]:
        """The steps of a lesson that were opened."""
        return self.progress(lesson).visited

    def record_answer(self, lesson: str, check: str, answer: str, truth: str) -> Answer:
        """The learner committed to ``answer`` and the run made ``truth`` true."""
        self._database.write(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, 1, ?) "
            "ON CONFLICT (lesson, check_id) DO UPDATE SET answer = excluded.answer, "
            "truth = excluded.truth, passed = max(passed, excluded.passed), "
            "attempts = attempts + 1, at = excluded.at",
            (lesson, check, answer, truth, int(answer == truth), time.time()),
        )
        return self.answers(lesson)[check]

    def record_goal(self, lesson: str, goal: str) -> Answer:
        """The learner reached a goal."""
        return self.record_answer(lesson, goal, "reached", "reached")

    def answers(self, lesson: str) -> dict[str, Answer]:
        """The last answer to each check of a lesson."""
        rows = self._database.read(
            "SELECT check_id, answer, truth, passed, attempts, at FROM answers WHERE lesson = ?",
            (lesson,),
        )
        return {
            str(check): Answer(str(answer), str(truth), bool(passed), _int(attempts), _float(at))
            for check, answer, truth, passed, attempts, at in rows
        }

    def finish_lesson(self, lesson: str) -> None:
        """The learner is through with a lesson."""
        self._database.write(
            "INSERT INTO finished VALUES (?, ?) ON CONFLICT (lesson) DO NOTHING",
            (lesson, time.time()),
        )

    def progress(self, lesson: str) -> LessonProgress:
        """How far the learner is in one lesson."""
        return self.all_progress().get(lesson, LessonProgress())

    def all_progress(self) -> dict[str, LessonProgress]:
        """Every lesson that was opened, by slug."""
        visited: dict[str, set[str]] = {}
        passed: dict[str, set[str]] = {}
        for lesson, step in self._database.read("SELECT lesson, step FROM visits"):
            visited.setdefault(str(lesson), set()).add(str(step))
        query = "SELECT lesson, check_id FROM answers WHERE passed"
        for lesson, check in self._database.read(query):
            passed.setdefault(str(lesson), set()).add(str(check))
        finished = {str(lesson) for (lesson,) in self._database.read("SELECT lesson FROM finished")}
        return {
            slug: LessonProgress(
                frozenset(visited.get(slug, ())), frozenset(passed.get(slug, ())), slug in finished
            )
            for slug in visited.keys() | passed.keys() | finished
        }

    def forget_progress(self, lesson: str | None = None) -> None:
        """Begin again: one lesson, or all of them. Settings and saved experiments stay."""
        where, values = ("WHERE lesson = ?", (lesson,)) if lesson else ("", ())
        tables = ("visits", "answers", "finished", "positions")
        self._database.write_all([(f"DELETE FROM {table} {where}", values) for table in tables])

    # ---- places

    def set_position(self, position: Position) -> None:
        """Remember where the learner is."""
        self._database.write(
            "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)",
            (
                position.lesson,
                position.step,
                json.dumps(dict(position.parameters), ensure_ascii=False),
                position.seed,
                position.at or self._after_all_positions(),
            ),
        )

    def _after_all_positions(self) -> float:
        """Now, but after every place there is: the last one is the last one, even when the clock has
        been set back since."""
        latest = self._database.read("SELECT coalesce(max(at), 0) FROM positions")[0][0]
        return max(time.time(), _float(latest) + 0.001)

    def position(self, lesson: str | None = None) -> Position | None:
        """Where the learner was last in this lesson, or anywhere."""
        where, values = ("WHERE lesson = ?", (lesson,)) if lesson else ("", ())
        rows = self._database.read(
            f"SELECT lesson, step, parameters, seed, at FROM positions {where} "
            "ORDER BY at DESC LIMIT 1",
            values,
        )
        for slug, step, parameters, seed, at in rows:
            found = _json(parameters, {})
            found = found if isinstance(found, dict) else {}
            return Position(str(slug), str(step), found, _int(seed), _float(at))
        return None

    # ---- settings and layouts

    def setting(self, name: str, default: T) -> T:
        """The setting, or ``default`` if it is not set or of another type."""
        rows = self._database.read("SELECT value FROM settings WHERE name = ?", (name,))
        value = _json(rows[0][0], default) if rows else default
        if isinstance(default, float) and type(value) is int:
            value = float(value)
        return value if type(value) is type(default) else default

    def set_setting(self, name: str, value: T) -> None:
        """Keep a setting: a text, number, truth value, or a list or table of these."""
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        self._database.write("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, text))

    def layout(self, name: str) -> bytes | None:
        """The bytes of a window's layout."""
        rows = self._database.read("SELECT value FROM layouts WHERE name = ?", (name,))
        value = rows[0][0] if rows else None
        return value if isinstance(value, bytes) else None

    def set_layout(self, name: str, value: bytes) -> None:
        """Keep a window's layout."""
        self._database.write("INSERT OR REPLACE INTO layouts VALUES (?, ?)", (name, bytes(value)))

    # ---- saved experiments

    def save_experiment(self, name: str, lesson: str, step: int, recipe: str) -> SavedExperiment:
        """Keep an experiment; ``recipe`` is its copyable text."""
        now = time.time()
        row = self._database.write(
            "INSERT INTO experiments (name, lesson, step, recipe, at) VALUES (?, ?, ?, ?, ?)",
            (name, lesson, step, recipe, now),
        )
        return SavedExperiment(row, name, lesson, step, recipe, now)

    def experiments(self, lesson: str | None = None) -> tuple[SavedExperiment, ...]:
        """The saved experiments, newest first."""
        where, values = ("WHERE lesson = ?", (lesson,)) if lesson else ("", ())
        rows = self._database.read(
            f"SELECT id, name, lesson, step, recipe, at FROM experiments {where} "
            "ORDER BY at DESC, id DESC",
            values,
        )
        return tuple(
            SavedExperiment(_int(row), str(name), str(slug), _int(step), str(recipe), _float(at))
            for row, name, slug, step, recipe, at in rows
        )

    def rename_experiment(self, experiment: int, name: str) -> None:
        """Give a saved experiment another name."""
        self._database.write("UPDATE experiments SET name = ? WHERE id = ?", (name, experiment))

    def delete_experiment(self, experiment: int) -> None:
        """Throw a saved experiment away."""
        self._database.write("DELETE FROM experiments WHERE id = ?", (experiment,))


def _json(text: object, default: Any) -> Any:
    try:
        return json.loads(str(text))
    except (ValueError, RecursionError):
        return default


def _int(value: object) -> int:
    return int(value)  # type: ignore[call-overload]


def _float(value: object) -> float:
    return float(value)  # type: ignore[arg-type]
