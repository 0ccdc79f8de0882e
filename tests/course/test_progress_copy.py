"""“Start again” can be undone, and what was learnt in between is kept."""

from __future__ import annotations

from pathlib import Path

from desktop.course.progress_copy import TABLES, copy_progress, put_back
from desktop.course.store import Position, Store


def test_the_tables_are_as_the_record_has_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "glassbox.db")
    for table, columns in TABLES.items():
        assert len(store.database.read(f"PRAGMA table_info({table})")) == columns
    store.close()


def test_everything_forgotten_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "glassbox.db")
    store.visit_step("gpt", "one")
    store.record_answer("gpt", "guess", "a", "b")
    store.finish_lesson("gpt")
    store.set_position(Position("gpt", "one", {"size": 3}))
    before, answers, place = store.all_progress(), store.answers("gpt"), store.position()
    kept = copy_progress(store)
    store.forget_progress()
    assert store.all_progress() == {}
    put_back(store, kept)
    assert (store.all_progress(), store.answers("gpt"), store.position()) == (
        before,
        answers,
        place,
    )
    store.close()


def test_what_was_learnt_since_wins(tmp_path: Path) -> None:
    store = Store(tmp_path / "glassbox.db")
    store.record_answer("gpt", "guess", "a", "b")
    kept = copy_progress(store)
    store.forget_progress()
    store.record_answer("gpt", "guess", "b", "b")
    put_back(store, kept)
    assert store.answers("gpt")["guess"].answer == "b"
    put_back(store, copy_progress(store))  # nothing twice, nothing lost
    assert len(store.answers("gpt")) == 1
    store.close()
