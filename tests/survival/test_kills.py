"""``kill -9`` while things are being saved. A few here; ``python -m tests.survival`` does hundreds."""

from __future__ import annotations

import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from desktop.course.store import Store
from tests.survival.journal import differences, keep_journal
from tests.survival.kills import Tally, kill_one

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workload", "kills"), [("save", 6), ("migrate", 6), ("chat", 2), ("window", 2)]
)
def test_nothing_saved_is_lost(tmp_path: Path, workload: str, kills: int) -> None:
    tally, rng = Tally(), random.Random(7)
    for _ in range(kills):
        kill_one(workload, tmp_path / "数据 data", rng, tally)
    assert tally.faults == []
    assert tally.kills == kills
    assert workload == "migrate" or tally.transactions > 0


def test_the_journal_notices_a_loss(tmp_path: Path) -> None:
    """The check itself: a missing row, a changed one, and one too many are each found."""
    path, before, journal = (
        tmp_path / "a.sqlite3",
        tmp_path / "before.sqlite3",
        tmp_path / "journal",
    )
    Store(path).close()
    before.write_bytes(path.read_bytes())
    store = Store(path)
    keep_journal(store.database, journal)
    store.visit_step("gpt", "one")
    store.set_setting("x", 1)
    store.set_layout("main", b"\x00\xff")
    store.close()
    assert differences(before, path, journal) == ""
    for fault in (
        "DELETE FROM visits",
        "UPDATE settings SET value = '2'",
        "INSERT INTO layouts VALUES ('other', x'00')",
    ):
        copy = tmp_path / "copy.sqlite3"
        copy.write_bytes(path.read_bytes())
        with closing(sqlite3.connect(copy)) as connection, connection:
            connection.execute(fault)
        assert "differ" in differences(before, copy, journal)
