"""Kills a process at a random moment, again and again in the same data folder, and looks each time.

After every kill the database must open without complaint, be sound, and contain exactly what the
journal says: everything that had been saved, at most one transaction more, nothing half done.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from desktop.course.chats import Chats
from desktop.course.store import MIGRATIONS, Store
from tests.survival import workloads
from tests.survival.journal import differences, read_journal

START_SECONDS = 90.0
LONGEST = {"save": 0.6, "migrate": 0.08, "chat": 1.0, "window": 4.0}
"""The kill comes at a random moment within so many seconds of the first transaction (for ``migrate``:
of opening)."""


@dataclass
class Tally:
    """What has been survived so far."""

    kills: int = 0
    transactions: int = 0
    under_way: int = 0
    faults: list[str] = field(default_factory=list)


def kill_one(workload: str, folder: Path, rng: random.Random, tally: Tally) -> None:
    """Start ``workload`` in ``folder``, kill it, look at what it left."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / workloads.NAME
    spare = folder.parent / f"{folder.name} beside"
    spare.mkdir(exist_ok=True)
    before, journal = spare / "before.sqlite3", spare / "journal"
    after_journal = journal.with_suffix(".after")
    for old in (before, journal, after_journal):
        old.unlink(missing_ok=True)
    if workload == "migrate":
        for old in [*folder.glob("glassbox*"), *folder.glob("*.new")]:
            old.unlink()
        workloads.make_old_database(database)
    else:
        Store(database).close()  # migrated, so that the journal begins from a known content
        shutil.copyfile(database, before)
    _run_and_kill(workload, folder, journal, rng)
    tally.kills += 1
    if workload == "migrate":
        tally.under_way += not after_journal.exists()
        fault = _look_at_migration(database)
    else:
        done, begun = read_journal(journal)
        tally.transactions += len(done)
        tally.under_way += begun is not None
        fault = differences(before, database, journal) or _look(database)
    if fault:
        tally.faults.append(f"{workload}, kill {tally.kills}: {fault}")


def _run_and_kill(workload: str, folder: Path, journal: Path, rng: random.Random) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.survival.workloads", workload, str(folder), str(journal)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=Path(__file__).parents[2],
    )
    deadline = time.monotonic() + START_SECONDS
    while not _begun(workload, journal) and process.poll() is None:
        assert time.monotonic() < deadline, f"{workload} did not begin"
        time.sleep(0.001)
    time.sleep(rng.uniform(0.0, LONGEST[workload]))
    ended = process.poll()
    process.kill()
    _, complaint = process.communicate()
    assert ended is None, f"{workload} ended by itself: {complaint.decode(errors='replace')}"


def _begun(workload: str, journal: Path) -> bool:
    if not journal.exists():
        return False
    return workload == "migrate" or b'"done"' in journal.read_bytes()


def _look(database: Path) -> str:
    """The next start: it opens, says nothing, and answers that were being written are closed."""
    with closing(sqlite3.connect(database)) as connection:
        report = connection.execute("PRAGMA integrity_check").fetchone()[0]
    store = Store(database)
    try:
        if report != "ok" or store.notices or store.in_memory:
            return f"{report}, {[str(notice) for notice in store.notices]}"
        chats = Chats(store.database)
        for conversation in chats.all():
            for message in chats.messages(conversation.id).values():
                if message.state == "writing":
                    return f"message {message.id} is still being written"
                if message.role == "assistant" and message.state == "stopped":
                    tokens = "".join(token.text for token in chats.tokens(message.id))
                    if message.text != tokens:
                        return f"message {message.id} lost some of its tokens"
        backup = store.database.backup_path
        if backup.exists():
            with closing(sqlite3.connect(backup)) as copy:
                if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                    return "the backup is damaged"
    finally:
        store.close()
    return ""


def _look_at_migration(database: Path) -> str:
    """Half migrated is not allowed: it opens, has the newest version, and has lost nothing."""
    fault = _look(database)
    if fault:
        return fault
    with closing(sqlite3.connect(database)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != len(MIGRATIONS):
        return f"version {version}"
    old = workloads.old_content(database)
    return "" if old == (workloads.ROWS, '"dark"') else f"of the old database is left: {old}"
