"""What machines do: disks fill up, clocks go backwards, cards fail, libraries do not load, lids close."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
import time
import weakref
from contextlib import closing
from pathlib import Path

import pytest
import torch

from desktop.commands import doctor
from desktop.course.chats import Chats
from desktop.course.database import BACKUP_AGE_SECONDS
from desktop.course.store import MIGRATIONS, Position, Store
from desktop.llm import fast_open
from desktop.llm.devices import CardFailedError
from desktop.llm.fast_open import open_for_chat
from desktop.llm.memory import NotEnoughMemoryError
from desktop.runtime import messages as m
from desktop.runtime.outbox import Outbox
from desktop.runtime.worker import ExperimentWorker
from tests.survival import workloads
from tests.ui.chat.conftest import make_model

# ---- the disk

FULL = """
    import resource, subprocess, sys
    from pathlib import Path
    from desktop.app import Glassbox, Options, make_application
    from desktop.bilingual import Bilingual
    from desktop.commands.windows import pass_time, wait_until

    folder = Path({folder!r})
    glassbox = Glassbox(make_application(), Options(language="en", data_dir=folder))
    glassbox.start((1280, 720))
    def until(holds, what):
        wait_until(holds, 60.0, Bilingual.same(what))
    until(lambda: glassbox.session.status.step > 0, "step")
    glassbox.store.set_setting("before", "kept")
    {fill}
    glassbox.store.save_experiment("big", "gpt", 1, "x" * 3_000_000)
    toasts = glassbox.window.toasts
    until(lambda: any("cannot be saved" in toast.text for toast in toasts.shown), "notice")
    reached = glassbox.session.status.step
    glassbox.session.play()
    until(lambda: glassbox.session.status.step > reached, "going on")
    view = glassbox.lesson_view
    view.open(view.lesson.slug, view.lesson.steps[1].id)
    until(lambda: view.index == 1, "next step")
    assert glassbox.store.in_memory
    assert glassbox.store.setting("before", "") == "kept"
    assert len(glassbox.store.experiments()) == 1
    told = len([toast for toast in toasts.shown if toast.property("tone") == "bad"])
    assert told == 1, [toast.text for toast in toasts.shown]
    glassbox.window.close()
    glassbox.close()
    print("went on")
"""


def run_window(folder: Path, fill: str) -> None:
    code = textwrap.dedent(FULL).format(folder=str(folder), fill=fill)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=200, env=environment
    )
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
    (folder.parent / "filler").unlink(missing_ok=True)
    store = Store(folder / workloads.NAME)
    assert store.notices == ()
    assert store.setting("before", "") == "kept"
    store.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="resource limits")
def test_a_window_goes_on_when_files_may_not_grow(tmp_path: Path) -> None:
    run_window(tmp_path / "数据 data", "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs")
def test_a_window_goes_on_when_the_disk_is_full(tmp_path: Path) -> None:
    """A disk of four megabytes, filled to the last byte while the window is open."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user may not mount anything")
    try:
        run_window(
            disk / "data",
            'subprocess.run(["dd", "if=/dev/zero", "of=filler"], cwd=folder.parent, stderr=-3)',
        )
    finally:
        subprocess.run(["umount", str(disk)], check=True)


READ_ONLY = """
    import os, sys
    from PySide6.QtCore import QTimer
    from desktop.app import Glassbox
    from desktop.cli import main
    start = Glassbox.start
    def begin(self, size=None):
        start(self, size)
        def look():
            if self.session.status.step > 0:
                texts = [toast.text for toast in self.window.toasts.shown]
                assert self.store.in_memory
                assert self.store.setting("before", "") == "kept", "what only the WAL holds"
                assert any("cannot be saved" in text for text in texts), texts
                self.store.visit_step("gpt", "one")
                timer.stop()
                self.window.close()
        timer = QTimer(self)
        timer.timeout.connect(look)
        timer.start(200)
    Glassbox.start = begin
    os._exit(40 + main(["--lang", "en", "--data-dir", sys.argv[1]]))
"""
LEAVE_A_WAL = """
    import os, sys
    from pathlib import Path
    from desktop.course.store import Store
    store = Store(Path(sys.argv[1]) / "glassbox.sqlite3")
    store.set_setting("before", "kept")
    os._exit(0)  # no orderly close: the setting stands in the WAL only
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs")
def test_the_program_starts_on_a_read_only_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("this user may not mount anything")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    try:
        for code, status in ((LEAVE_A_WAL, 0), (READ_ONLY, 40)):
            done = subprocess.run(
                [sys.executable, "-c", textwrap.dedent(code), str(disk / "data")],
                capture_output=True,
                text=True,
                timeout=200,
                env=environment,
            )
            assert (done.returncode, done.stdout) == (status, ""), done.stderr
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert done.stderr == ""
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_backup_that_does_not_fit_is_no_obstacle(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / workloads.NAME
    Store(path).close()

    def full(self: object, *arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("desktop.course.database.Database._copy_to", full)
    store = Store(path)
    assert store.notices == ()
    assert not store.in_memory
    store.visit_step("gpt", "one")
    store.back_up_beside()
    store.close()
    assert Store(path).visited_steps("gpt") == {"one"}


def test_a_damaged_record_never_replaces_a_good_backup(tmp_path: Path) -> None:
    path = tmp_path / workloads.NAME
    store = Store(path)
    for number in range(200):
        store.save_experiment(f"experiment {number}", "gpt", number, "x" * 500)
    store.back_up()
    store.database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:  # the disk goes bad under an open window
        file.seek(4096 * 6)
        file.write(b"\xff" * 4096 * 8)
    store.visit_step("gpt", "one")
    store.back_up_beside()  # reads the file, not what this connection remembers of it
    store.database._backup_thread.join()  # type: ignore[union-attr]
    with closing(sqlite3.connect(store.database.backup_path)) as backup:
        assert backup.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert backup.execute("SELECT count(*) FROM experiments").fetchone()[0] == 200
    assert store.database._changes_saved < store.database._connection.total_changes
    store.close()
    assert list(tmp_path.glob("*.new")) == []


def test_an_open_window_has_a_recent_backup(tmp_path: Path) -> None:
    store = Store(tmp_path / workloads.NAME)
    store.visit_step("gpt", "one")
    store.back_up_beside()
    store.database._backup_thread.join()  # type: ignore[union-attr]
    with closing(sqlite3.connect(store.database.backup_path)) as backup:
        assert backup.execute("SELECT lesson, step FROM visits").fetchall() == [("gpt", "one")]
    made = store.database.backup_path.stat().st_mtime_ns
    store.back_up_beside()  # nothing new: nothing done
    assert store.database.backup_path.stat().st_mtime_ns == made
    store.close()


def test_the_record_of_the_older_version_is_kept_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / workloads.NAME
    workloads.make_old_database(path)
    store = Store(path)
    store.save_experiment("new", "gpt", 1, "x")
    store.close()
    kept = path.with_suffix(".version-1.sqlite3")
    with closing(sqlite3.connect(kept)) as old:
        assert old.execute("PRAGMA user_version").fetchone()[0] == 1 < len(MIGRATIONS)
    assert workloads.old_content(kept) == (workloads.ROWS, '"dark"')


# ---- the clock


def test_places_keep_their_order_when_the_clock_goes_backwards(tmp_path: Path, monkeypatch) -> None:
    now = [2_000_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    store = Store(tmp_path / workloads.NAME)
    chats = Chats(store.database)
    store.set_position(Position("gpt", "one"))
    first = chats.create()
    now[0] -= 365 * 24 * 3600
    store.set_position(Position("playground", "two"))
    second = chats.create()
    position = store.position()
    assert position is not None
    assert position.lesson == "playground"
    assert [one.id for one in chats.all()] == [second.id, first.id]
    now[0] -= 3600
    chats.add(first.id, 0, "user", "again")
    assert [one.id for one in chats.all()] == [first.id, second.id]
    store.close()


def test_a_backup_from_the_future_is_renewed(tmp_path: Path) -> None:
    path = tmp_path / workloads.NAME
    store = Store(path)
    store.visit_step("gpt", "one")
    store.close()
    ahead = time.time() + 10 * BACKUP_AGE_SECONDS
    os.utime(store.database.backup_path, (ahead, ahead))
    Store(path).close()
    assert abs(store.database.backup_path.stat().st_mtime - time.time()) < 3600


# ---- the graphics card


@pytest.fixture
def big_model(tmp_path: Path, monkeypatch) -> Path:
    """A tiny model that is treated like a large one."""
    monkeypatch.setattr(fast_open, "SMALL", 0)
    return make_model(tmp_path / "model")


def test_a_card_that_does_not_start_is_passed_over(big_model: Path, monkeypatch) -> None:
    def broken(*_: object) -> tuple[int, int]:
        raise RuntimeError("CUDA driver initialization failed, you might not have a CUDA gpu.")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", broken)
    monkeypatch.setattr(torch.cuda, "empty_cache", broken)
    opened = open_for_chat(big_model)
    assert opened.device == "cpu"
    assert "graphics card does not work" in opened.why.en
    with pytest.raises(CardFailedError):  # asked for by name: no silent replacement
        open_for_chat(big_model, device="cuda")


def test_a_card_that_breaks_while_loading_is_passed_over(big_model: Path, monkeypatch) -> None:
    on_card: list[weakref.ref[torch.Tensor]] = []
    left: list[bool] = []

    def breaking(*_: object) -> None:
        weights = torch.zeros(4)
        on_card.append(weakref.ref(weights))
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (64 * 2**30, 64 * 2**30))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: left.append(on_card[0]() is not None))
    monkeypatch.setattr("desktop.llm.fast_cuda.open_on_card", breaking)
    opened = open_for_chat(big_model)
    assert opened.device == "cpu"
    assert opened.why.en.startswith("The graphics card does not work, so the processor is used.")
    assert opened.why.zh.startswith("显卡没能用起来，改用处理器。")
    assert left == [False]  # given back once nothing holds the card's memory
    with pytest.raises(CardFailedError, match="The graphics card does not work") as caught:
        open_for_chat(big_model, device="cuda")
    assert "no kernel image" in caught.value.details
    assert "处理器" in caught.value.hint.zh


def test_a_card_that_does_not_answer_does_not_end_the_doctors_report(monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", broken)
    cpu, card = doctor._devices()
    assert card["kind"] == "cuda:0"
    assert card["chat_path"] == cpu["chat_path"]
    assert "does not work" in card["why"].en


@pytest.mark.parametrize("where", ["before", "while loading"])
def test_a_card_with_too_little_memory_is_passed_over(big_model: Path, monkeypatch, where) -> None:
    free = 1000 if where == "before" else 64 * 2**30
    given_back = []

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (free, free))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: given_back.append(1))
    monkeypatch.setattr("desktop.llm.fast_cuda.open_on_card", full)
    opened = open_for_chat(big_model)
    assert opened.device == "cpu"
    assert "too little memory" in opened.why.en
    assert given_back == [1]
    with pytest.raises(NotEnoughMemoryError):
        open_for_chat(big_model, device="cuda")


# ---- libraries


def test_torch_that_does_not_load_is_said_in_words(monkeypatch, recwarn) -> None:
    import threading

    heard: list[BaseException | None] = []
    monkeypatch.setattr(
        threading, "excepthook", lambda arguments: heard.append(arguments.exc_value)
    )
    monkeypatch.setitem(sys.modules, "torch", None)
    outbox = Outbox()
    worker = ExperimentWorker(outbox)
    worker.start()
    assert worker.close()
    (failed,) = [event for event in outbox.events if isinstance(event, m.Failed)]
    assert "could not be loaded" in failed.error.message.en
    assert isinstance(heard[0], ImportError)
