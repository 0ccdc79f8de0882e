"""What is written down about an error: enough to find it, nothing private, never too much."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop import crash_log

SECRET = "I told nobody that I love Anna"


@pytest.fixture
def log(tmp_path):
    crash_log.start_log(tmp_path)
    yield logging.getLogger("glassbox")
    crash_log.stop_log()


@pytest.fixture
def someone(tmp_path, monkeypatch):
    """A person with a home folder and a name, whoever runs the tests."""
    monkeypatch.setattr(crash_log.Path, "home", lambda: Path("/home/wang.li"))
    monkeypatch.setattr(crash_log.getpass, "getuser", lambda: "wang.li")
    crash_log._private.cache_clear()
    yield
    crash_log._private.cache_clear()


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001
        return caught


def written(folder: Path) -> str:
    return (folder / crash_log.LOG).read_text(encoding="utf-8")


def test_home_and_name_are_left_out(someone, log, tmp_path):
    log.error("cannot open %s", "/home/wang.li/.local/share/Glassbox/a file")
    log.error("user wang.li, file C:\\Users\\wang.li\\x, folder /home/wang.li-other")
    text = written(tmp_path)
    assert "~/.local/share/Glassbox/a file" in text
    assert "user <user>, file C:\\Users\\<user>\\x" in text
    assert "/home/wang.li/" not in text


@pytest.mark.parametrize(
    "message",
    [
        f"could not convert string to float: '{SECRET}'",
        f'bad token in "{SECRET}"',
        f"unexpected “{SECRET}”",
        "第 3 行：“我谁也没告诉”",
        f"first line\n{SECRET}",
        "x" * 5000,
    ],
)
def test_what_was_typed_is_left_out(message):
    text = crash_log.describe(raised(ValueError(message)))
    assert SECRET not in text
    assert "我谁也没告诉" not in text
    assert len(text) < 2000
    assert "ValueError" in text


def test_names_of_the_program_stay():
    text = crash_log.describe(raised(KeyError("learning_rate")))
    assert "KeyError: 'learning_rate'" in text
    assert "test_crash_log.py" in text


def test_causes_are_told_and_cleaned_too():
    try:
        try:
            raise ValueError(f"'{SECRET}'")
        except ValueError as error:
            raise RuntimeError("while reading") from error
    except RuntimeError as error:
        text = crash_log.describe(error)
    assert text.index("ValueError") < text.index("RuntimeError: while reading")
    assert SECRET not in text


@given(st.text())
def test_any_message_is_described(message):
    assert "ValueError" in crash_log.describe(ValueError(message))


def test_an_exception_that_cannot_say_what_it_is():
    class BrokenError(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    assert "BrokenError" in crash_log.describe(raised(BrokenError()))


def test_the_log_is_rotated(log, tmp_path):
    for _ in range(4000):
        log.warning("a line of some length, again and again: %s", "x" * 1000)
    files = list(tmp_path.glob(f"{crash_log.LOG}*"))
    assert len(files) == 1 + crash_log.KEPT
    assert sum(file.stat().st_size for file in files) < 2.2 * 2**20


def test_a_log_that_cannot_be_written_is_no_error(tmp_path, capfd):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x", encoding="utf-8")
    crash_log.start_log(in_the_way / "folder")
    logging.getLogger("glassbox").error("nowhere to go")
    crash_log.stop_log()
    if Path("/dev/full").exists():
        (tmp_path / crash_log.LOG).symlink_to("/dev/full")
        crash_log.start_log(tmp_path)
        logging.getLogger("glassbox").error("the disk is full")
        logging.getLogger("glassbox").error("still")
        crash_log.stop_log()
    assert capfd.readouterr().err == ""


# ---- native crashes

CRASH = """
    import os, sys
    from pathlib import Path
    from desktop import crash_log
    if {no_stderr}:
        sys.stderr = sys.stdout = None
    folder = Path({folder!r})
    crashes = crash_log.NativeCrashes(folder)
    crashes.start()
    def deep():
        {deed}
    deep()
    crashes.close()
"""


def run_child(folder: Path, deed: str, *, no_stderr: bool = False) -> int:
    code = textwrap.dedent(CRASH).format(folder=str(folder), deed=deed, no_stderr=no_stderr)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("no_stderr", [False, True])
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGFPE"])
def test_a_native_crash_is_found_at_the_next_start(tmp_path, name, no_stderr):
    number = getattr(signal, name)
    status = run_child(tmp_path, f"os.kill(os.getpid(), {int(number)})", no_stderr=no_stderr)
    assert status == -number
    found = crash_log.NativeCrashes(tmp_path)
    assert "in deep" in found.last
    assert (tmp_path / crash_log.LAST).read_text(encoding="utf-8") == found.last
    assert crash_log.NativeCrashes(tmp_path).last == ""  # told once


def test_an_orderly_end_and_a_kill_are_no_crash(tmp_path):
    assert run_child(tmp_path, "pass") == 0
    assert not (tmp_path / crash_log.NATIVE).exists()
    if sys.platform != "win32":
        assert run_child(tmp_path, f"os.kill(os.getpid(), {int(signal.SIGKILL)})") < 0
    assert crash_log.NativeCrashes(tmp_path).last == ""
