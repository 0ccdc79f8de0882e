"""A second start with the same data folder: only one window, and the wishes reach it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop import instance
from desktop.instance import FirstWindow, Wish
from desktop.runtime.wishes import Wishes

HOLD = """
import sys
from pathlib import Path
from desktop import instance
first = instance.claim(Path(sys.argv[1]))
print("first" if first else "second", flush=True)
sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """A process that claims the folder and stays; what it said is its first line."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "数据 folder"


def test_a_kill_leaves_no_stale_lock(folder):
    for _ in range(3):
        first = holder(folder)
        assert said(first) == "first"
        second = holder(folder)
        assert said(second) == "second"
        end(second)
        end(first)  # SIGKILL
    mine = instance.claim(folder)
    assert mine is not None
    mine.release()


def test_two_folders_have_two_windows(folder, tmp_path):
    one, other = instance.claim(folder), instance.claim(tmp_path / "other")
    assert one is not None
    assert other is not None
    one.release()
    other.release()


def test_of_many_starts_at_once_one_is_first(folder):
    processes = [holder(folder) for _ in range(6)]
    answers = sorted(said(process) for process in processes)
    for process in processes:
        end(process)
    assert answers == ["first"] + ["second"] * 5


def test_released_when_the_window_closes(folder):
    first = instance.claim(folder)
    assert first is not None
    assert instance.claim(folder) is None  # flock belongs to the opened file, not to the process
    first.release()
    again = instance.claim(folder)
    assert again is not None
    again.release()


def test_the_wish_is_heard_once_and_answered(qtbot, folder):
    first = instance.claim(folder)
    assert first is not None
    wishes = Wishes(first)
    heard: list[Wish] = []
    wishes.asked.connect(heard.append)
    answers: list[bool] = []
    wish = Wish(lesson="playground", open_file="/tmp/a b/状态.glassbox")
    thread = threading.Thread(target=lambda: answers.append(instance.hand_over(folder, wish)))
    thread.start()
    qtbot.waitUntil(lambda: bool(answers))
    thread.join()
    assert answers == [True]
    assert heard == [wish]
    assert list(first.folder.glob("wish*")) == []
    wishes.close()
    first.release()


def test_a_wish_that_came_during_the_start_is_heard(qtbot, folder):
    first = instance.claim(folder)
    assert first is not None
    instance.hand_over(folder, Wish(lesson="gpt"), seconds=-1)  # nobody listens: taken back
    assert first.wishes() == []
    (first.folder / "wish-1-1.json").write_text('{"lesson": "gpt"}', encoding="utf-8")
    wishes = Wishes(first)
    with qtbot.waitSignal(wishes.asked) as asked:
        pass
    assert asked.args == [Wish(lesson="gpt")]
    wishes.close()
    first.release()


def test_a_window_that_does_not_answer(folder):
    first = instance.claim(folder)
    assert first is not None
    assert instance.hand_over(folder, Wish(), seconds=0.1) is False
    assert list(first.folder.glob("wish*")) == []
    first.release()


def test_a_window_that_may_still_be_starting_is_given_more_time(folder):
    first = instance.claim(folder)
    assert first is not None
    assert instance.patience(first.folder) == instance.STARTING_SECONDS
    minutes_ago = time.time() - 2 * instance.STARTING_SECONDS
    os.utime(first.folder / "owner", (minutes_ago, minutes_ago))
    assert instance.patience(first.folder) == instance.ANSWER_SECONDS
    (first.folder / "owner").unlink()
    assert instance.patience(first.folder) == instance.ANSWER_SECONDS
    first.release()


def test_an_old_wish_is_not_fulfilled(folder):
    first = instance.claim(folder)
    assert first is not None
    path = first.folder / "wish-1-1.json"
    path.write_text('{"lesson": "gpt"}', encoding="utf-8")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert first.wishes() == []
    assert not path.exists()
    first.release()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("lesson"), inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(content=st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_lies_in_the_folder_is_read_safely(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("wishes")
    (folder / "wish-1-1.json").write_bytes(content)
    for wish in FirstWindow(folder, None).wishes():
        assert all(isinstance(part, str) for part in (wish.lesson, wish.open_file, wish.token))
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_no_obstacle(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x", encoding="utf-8")
    first = instance.claim(in_the_way)
    assert first is not None
    assert first.wishes() == []
    assert instance.hand_over(in_the_way, Wish()) is False
    first.release()


@pytest.mark.slow
def test_a_second_start_of_the_real_program_shows_the_first_window(tmp_path):
    """Two real processes; the second ends at once, and the lesson it asked for is remembered."""
    folder = tmp_path / "数据 folder"
    command = [sys.executable, "-m", "desktop", "--data-dir", str(folder)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for(lambda: (folder / "window" / "owner").exists())
        second = subprocess.run(
            [*command, "--lesson", "playground"], capture_output=True, text=True, timeout=60
        )
        assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
        assert first.poll() is None
        wait_for(lambda: last_lesson(folder) == "playground")
    finally:
        first.kill()
        output, _ = first.communicate()
    assert output.replace("This plugin does not support raise()\n", "") == ""  # offscreen
    third = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:  # after the kill the folder is free again
        wait_for(lambda: (folder / "window" / "owner").read_text() == str(third.pid))
    finally:
        third.kill()
        third.communicate()


def wait_for(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def last_lesson(folder: Path) -> str:
    path = folder / "glassbox.sqlite3"
    if not path.exists():
        return ""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file:
        try:
            rows = file.execute("SELECT lesson FROM positions ORDER BY at DESC LIMIT 1").fetchall()
        except sqlite3.OperationalError:  # not made yet
            return ""
    return rows[0][0] if rows else ""
