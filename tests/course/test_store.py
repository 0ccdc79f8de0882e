"""The learner's record: what is written is there again, whatever happened in between."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.course.catalog import load_course
from desktop.course.database import APPLICATION_ID, Database
from desktop.course.store import MIGRATIONS, LessonProgress, Position, Store, StoreError

MODERN: tuple[tuple[str, ...], ...] = (*MIGRATIONS, ("CREATE TABLE chats (id INTEGER) STRICT",))


def filled(path: Path) -> None:
    """A record with one thing of each kind, closed in good order."""
    store = Store(path)
    store.visit_step("gpt", "one")
    store.record_answer("gpt", "guess", "a", "b")
    store.set_setting("theme", "dark")
    store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "glassbox.db"


def test_everything_is_there_again(path: Path) -> None:
    store = Store(path)
    store.visit_step("gpt", "one")
    store.visit_step("gpt", "one")
    store.visit_step("gpt", "two")
    assert not store.record_answer("gpt", "guess", "a", "b").passed
    assert store.record_answer("gpt", "guess", "b", "b").passed
    assert store.record_answer("gpt", "guess", "a", "b").passed  # once right stays right
    store.record_goal("gpt", "low")
    store.finish_lesson("gpt")
    store.set_position(Position("gpt", "two", {"layers": [4, 2], "text": "你好"}, 7))
    store.set_setting("size", 14)
    store.set_layout("window", b"\x00\x01")
    saved = store.save_experiment("我的实验", "gpt", 120, "GB1.xyz")
    store.close()

    store = Store(path)
    assert store.notices == ()
    assert store.progress("gpt") == LessonProgress(
        frozenset({"one", "two"}), frozenset({"guess", "low"}), True
    )
    answer = store.answers("gpt")["guess"]
    assert (answer.answer, answer.truth, answer.attempts) == ("a", "b", 3)
    place = store.position()
    assert place is not None
    assert (place.step, place.seed) == ("two", 7)
    assert place.parameters == {"layers": [4, 2], "text": "你好"}
    assert store.setting("size", 12) == 14
    assert store.layout("window") == b"\x00\x01"
    assert store.layout("other") is None
    assert store.experiments() == (saved,)
    store.rename_experiment(saved.id, "改名")
    assert store.experiments("gpt")[0].name == "改名"
    store.delete_experiment(saved.id)
    assert store.experiments() == ()
    store.close()


def test_the_last_position_is_the_newest(path: Path) -> None:
    store = Store(path)
    store.set_position(Position("a", "one", at=1.0))
    store.set_position(Position("b", "one", at=3.0))
    store.set_position(Position("a", "two", at=2.0))
    newest, own = store.position(), store.position("a")
    store.close()
    assert newest is not None
    assert own is not None
    assert (newest.lesson, own.step) == ("b", "two")


def test_beginning_again_keeps_settings_and_experiments(path: Path) -> None:
    store = Store(path)
    for lesson in ("a", "b"):
        store.visit_step(lesson, "one")
        store.set_position(Position(lesson, "one"))
    store.set_setting("theme", "dark")
    store.save_experiment("x", "a", 1, "recipe")
    store.forget_progress("a")
    assert set(store.all_progress()) == {"b"}
    store.forget_progress()
    assert store.all_progress() == {}
    assert store.position() is None
    assert store.setting("theme", "") == "dark"
    assert len(store.experiments()) == 1
    store.close()


def test_progress_counts_only_what_the_lesson_has_now(course_root: Path) -> None:
    lesson = load_course(course_root).lesson("gradient-descent")
    half = LessonProgress(frozenset({"roll", "gone"}), frozenset({"low"}))
    assert half.share(lesson) == 0.5
    assert not half.complete(lesson)
    assert LessonProgress(frozenset({"roll", "reach"}), frozenset({"low", "too-big"})).complete(
        lesson
    )


@given(
    st.one_of(
        st.text(),
        st.booleans(),
        st.integers(-(2**60), 2**60),
        st.floats(allow_nan=False, allow_infinity=False),
        st.lists(st.text()),
        st.dictionaries(st.text(), st.integers()),
    )
)
def test_any_setting_comes_back(value: object) -> None:
    store = Store(Path(":memory-stand-in:") / "\0")  # no such path can exist: works in memory
    assert store.in_memory
    store.set_setting("x", value)  # type: ignore[type-var]
    assert store.setting("x", value) == value  # type: ignore[type-var]
    store.close()


def test_a_setting_of_another_type_gives_the_default(path: Path) -> None:
    store = Store(path)
    store.set_setting("size", "large")
    assert store.setting("size", 12) == 12
    store.set_setting("size", 14)
    assert store.setting("size", 1.5) == 14.0
    assert store.setting("size", False) is False
    store.close()


def test_a_killed_process_loses_nothing_it_had_written(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from desktop.course.store import Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "for number in range(1000000):\n"
        "    store.visit_step('gpt', str(number)); print(number, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = -1
    for line in process.stdout:
        told = int(line)
        if told >= 200:
            process.kill()  # SIGKILL: no chance to tidy up
            break
    told = max([told, *(int(line) for line in process.stdout.read().split("\n")[:-1])])
    process.stdout.close()
    assert process.wait() != 0

    store = Store(path)
    assert store.notices == ()
    assert {str(number) for number in range(told + 1)} <= store.visited_steps("gpt")
    store.close()


def test_a_damaged_file_is_set_aside_and_the_backup_restored(path: Path) -> None:
    filled(path)
    damage = b"this is no database" * 200
    path.write_bytes(damage)
    store = Store(path)
    assert not store.in_memory
    assert store.setting("theme", "") == "dark"
    assert store.visited_steps("gpt") == {"one"}
    (notice,) = store.notices
    assert "damaged" in notice.message.en
    assert "损坏" in notice.message.zh
    (aside,) = path.parent.glob("*.damaged-*.db")
    assert aside.read_bytes() == damage
    assert aside.name in notice.hint.zh
    store.visit_step("gpt", "two")
    store.close()
    store = Store(path)
    assert store.notices == ()
    assert store.visited_steps("gpt") == {"one", "two"}
    store.close()


def test_damage_inside_the_file_is_noticed(path: Path) -> None:
    store = Store(path)
    for number in range(400):
        store.save_experiment(f"experiment {number}", "gpt", number, "recipe " * 40)
    store.close()
    content = bytearray(path.read_bytes())
    for place in range(4096 * 3, len(content), 4096):
        content[place : place + 64] = b"\xff" * 64
    path.write_bytes(content)
    path.with_suffix(".backup.db").unlink()
    store = Store(path)
    (notice,) = store.notices
    assert "no usable backup" in notice.message.en
    assert store.experiments() == ()
    store.visit_step("gpt", "one")
    assert not store.in_memory
    store.close()


def test_a_damaged_backup_is_not_restored(path: Path) -> None:
    filled(path)
    path.write_bytes(b"x" * 5000)
    path.with_suffix(".backup.db").write_bytes(b"y" * 5000)
    store = Store(path)
    assert "no usable backup" in store.notices[0].message.en
    assert store.all_progress() == {}
    store.close()


def test_an_empty_file_is_simply_a_new_record(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    store = Store(path)
    assert store.notices == ()
    assert not store.in_memory
    store.close()


def test_a_newer_record_is_left_alone(path: Path) -> None:
    Database(path, MODERN).close()
    before = digest(path)
    store = Store(path)
    store.visit_step("gpt", "one")
    assert store.visited_steps("gpt") == {"one"}
    assert store.in_memory
    assert "newer" in store.notices[0].message.en
    store.close()
    assert digest(path) == before
    newer = Database(path, MODERN)
    assert newer.notices == []
    newer.close()


def test_the_file_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.commit()
    before = digest(path)
    store = Store(path)
    assert store.in_memory
    assert "another program" in store.notices[0].message.en
    store.close()
    assert digest(path) == before


def test_an_older_record_is_backed_up_and_migrated(path: Path) -> None:
    filled(path)
    database = Database(path, MODERN)
    assert database.notices == []
    assert database.read("SELECT count(*) FROM chats") == [(0,)]
    assert database.read("SELECT step FROM visits") == [("one",)]
    with closing(sqlite3.connect(database.backup_path)) as backup:
        assert backup.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert backup.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert backup.execute("SELECT step FROM visits").fetchall() == [("one",)]
    database.close()


def test_a_failing_migration_changes_nothing(path: Path) -> None:
    filled(path)
    store = Store(path)
    store.visit_step("gpt", "two")
    store.close()
    impossible = (*MIGRATIONS, ("DELETE FROM settings", "CREATE UNIQUE INDEX x ON visits (lesson)"))
    database = Database(path, impossible)
    assert database.in_memory
    database.close()
    store = Store(path)
    assert store.notices == ()
    assert store.visited_steps("gpt") == {"one", "two"}
    assert store.setting("theme", "") == "dark"
    store.close()


READ_ONLY = """
import os
import sys
from pathlib import Path
from desktop.course.store import Store
if os.geteuid() == 0:
    os.setuid(65534)
store = Store(Path(sys.argv[1]))
assert store.in_memory, "wrote to a read-only folder"
assert "cannot be saved" in store.notices[0].message.en, store.notices
assert store.setting("theme", "") == "dark"
store.visit_step("gpt", "two")
assert store.visited_steps("gpt") == {"one", "two"}
store.close()
"""


@pytest.mark.skipif(os.name == "nt", reason="folder permissions work otherwise on Windows")
def test_a_read_only_folder_is_told_and_read() -> None:
    """In a process of its own: root, who runs the tests in a container, may write everywhere."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "glassbox.db"
        filled(path)
        path.chmod(0o444)
        path.parent.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        path.parent.chmod(0o755)
    assert done.returncode == 0, done.stderr


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be", encoding="utf-8")
    store = Store(tmp_path / "data" / "glassbox.db")
    assert store.in_memory
    assert "cannot be saved" in store.notices[0].message.en
    store.visit_step("gpt", "one")
    assert store.visited_steps("gpt") == {"one"}
    store.close()


def test_a_disk_that_fills_up_does_not_stop_the_lesson(path: Path) -> None:
    told: list[StoreError] = []
    store = Store(path, told.append)
    store.visit_step("gpt", "one")
    connection = store.database._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")  # SQLite's own way to a full disk
    for number in range(50):
        store.save_experiment("large", "gpt", number, "x" * 5000)
    assert store.in_memory
    assert [notice.message for notice in told] == [notice.message for notice in store.notices]
    assert len(told) == 1
    assert "full" in told[0].hint.en
    assert len(store.experiments()) == 50
    assert store.visited_steps("gpt") == {"one"}
    store.close()
    store = Store(path)
    assert store.notices == ()
    assert store.visited_steps("gpt") == {"one"}
    store.close()


def test_threads_and_windows_write_to_one_file(path: Path) -> None:
    stores = [Store(path), Store(path)]

    def write(store: Store, name: str) -> None:
        for number in range(50):
            store.visit_step(name, str(number))

    threads = [
        threading.Thread(target=write, args=(store, f"{i}-{j}"))
        for i, store in enumerate(stores)
        for j in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    progress = stores[0].all_progress()
    assert {name: len(found.visited) for name, found in progress.items()} == {
        f"{i}-{j}": 50 for i in range(2) for j in range(3)
    }
    for store in stores:
        assert store.notices == ()
        store.close()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
