"""One window per data folder: the first process holds a lock, a later one hands its wishes over.

The lock is the operating system's own (``flock``, ``LockFile`` on Windows): it is gone the moment its
process ends, however it ends, so there is no stale lock to clean up after ``kill -9``. Wishes (a
lesson, a file to open) are small files beside it, written aside and renamed, that the first window
takes away; no socket is needed. Where no lock can be had (a read-only folder, a file system without
locks) the program starts as if it were alone: the database then decides what can be kept.
Imports nothing of ours.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO

FOLDER, LOCK = "window", "lock"
PATTERN = "wish-*.json"
LARGEST = 64 * 1024
ANSWER_SECONDS = 6.0
STARTING_SECONDS = 45.0
"""On a slow or busy machine a window that has just begun does not listen yet, and people who do not see
it come start it again."""
OLDEST_SECONDS = 60.0
"""A wish that lies there longer was written for a window that has ended since."""


@dataclass(frozen=True)
class Wish:
    """What a second start was asked to show; ``token`` lets Wayland put the window in front."""

    lesson: str = ""
    open_file: str = ""
    token: str = ""


class FirstWindow:
    """The lock of one data folder, held until ``release`` or the end of the process."""

    def __init__(self, folder: Path, lock: IO[bytes] | None) -> None:
        self.folder, self._lock = folder, lock

    def wishes(self) -> list[Wish]:
        """What later starts have asked for; each is told once. Anything unreadable is thrown away."""
        found = []
        for path in sorted(self.folder.glob(PATTERN)):
            wish = _read(path)
            with suppress(OSError):
                path.unlink()
                if wish is not None:
                    found.append(wish)
        return found

    def release(self) -> None:
        """Let the next start be the first one."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def claim(data_folder: Path) -> FirstWindow | None:
    """The lock, or ``None`` when another process has it. A folder that cannot be used is no obstacle."""
    folder = data_folder / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Kept open for the life of the window: closing it gives the lock back.
        lock = (folder / LOCK).open("a+b")
    except OSError:
        return FirstWindow(folder, None)
    try:
        _take(lock)
    except BlockingIOError:
        lock.close()
        return None
    except OSError:  # this file system has no locks
        lock.close()
        return FirstWindow(folder, None)
    _write_owner(folder)
    return FirstWindow(folder, lock)


def hand_over(data_folder: Path, wish: Wish, seconds: float | None = None) -> bool:
    """Ask the first window; ``True`` when it has taken the wish, ``False`` when it does not answer."""
    folder = data_folder / FOLDER
    path = folder / f"wish-{time.time_ns()}-{os.getpid()}.json"
    beside = path.with_suffix(".new")
    try:
        beside.write_text(json.dumps(asdict(wish)), encoding="utf-8")
        _let_it_come_to_front(folder)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        return False
    deadline = time.monotonic() + (patience(folder) if seconds is None else seconds)
    while path.exists():
        if time.monotonic() > deadline:
            with suppress(OSError):
                path.unlink()
            return False
        time.sleep(0.02)
    return True


def patience(folder: Path) -> float:
    """How many seconds the first window is given to answer: more while it may still be starting."""
    try:
        age = time.time() - (folder / "owner").stat().st_mtime
    except OSError:
        return ANSWER_SECONDS
    return STARTING_SECONDS if 0 <= age < STARTING_SECONDS else ANSWER_SECONDS


def _read(path: Path) -> Wish | None:
    try:
        facts = path.stat()
        if facts.st_size > LARGEST or abs(time.time() - facts.st_mtime) > OLDEST_SECONDS:
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    names = {field.name for field in fields(Wish)}
    if not isinstance(content, dict) or not set(content) <= names:
        return None
    if not all(isinstance(value, str) and "\0" not in value for value in content.values()):
        return None
    return Wish(**content)


# ------------------------------------------------------------------------------------------------
# The systems' own ways


def _take(lock: IO[bytes]) -> None:
    """Raises ``BlockingIOError`` when another process holds it, ``OSError`` when there are no locks."""
    if sys.platform == "win32":
        import msvcrt

        try:
            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError from error
    else:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write_owner(folder: Path) -> None:
    with suppress(OSError):
        (folder / "owner").write_text(str(os.getpid()), encoding="ascii")


def _let_it_come_to_front(folder: Path) -> None:
    """Windows lets only the process in front, this one, say who may come to the front next."""
    if sys.platform == "win32":
        import ctypes

        with suppress(OSError, ValueError):
            owner = int((folder / "owner").read_text(encoding="ascii"))
            ctypes.windll.user32.AllowSetForegroundWindow(owner)
