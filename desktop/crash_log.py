"""What went wrong, written down in the data folder without anything private.

``glassbox.log`` holds warnings, errors and Qt's own messages; it is rotated, so it never grows past
two megabytes. ``crash.txt`` belongs to faulthandler: empty while all is well, it gets every thread's
Python stack when the process dies in native code. An orderly end removes it; one that is found at the
next start is kept as ``last-crash.txt`` and can be shown. Paths lose the home folder and the user's
name, and what people typed (quoted texts inside an exception's message) is left out.
Imports nothing of ours.
"""

from __future__ import annotations

import faulthandler
import getpass
import logging
import logging.handlers
import os
import platform
import re
import sys
import time
import traceback
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TextIO

from desktop import __version__

LOG, NATIVE, LAST = "glassbox.log", "crash.txt", "last-crash.txt"
MAX_BYTES, KEPT = 512 * 1024, 3
LONGEST_MESSAGE = 300
LONGEST_REPORT = 64 * 1024
LEFT_OUT = "…"

log = logging.getLogger("glassbox")

_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|“[^”\n]*”|‘[^’\n]*’|「[^」\n]*」|`[^`\n]*`")
_PLAIN = re.compile(r"[\w.\-/\\:~<>\[\]()=]{1,80}", re.ASCII)


# ------------------------------------------------------------------------------------------------
# What may be written down


@cache
def _private() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The home folder and the user's name, as they may appear in paths and messages."""
    found = []
    with suppress(RuntimeError, OSError):
        home = str(Path.home())
        if len(home) > 1:
            end = r"(?![\w-])"
            for form in dict.fromkeys((home, home.replace("\\", "\\\\"), Path(home).as_posix())):
                found.append((re.compile(re.escape(form) + end), "~"))
    with suppress(Exception):  # a system without a password database has no name to hide
        name = getpass.getuser()
        if len(name) > 2 and name != "root":
            found.append((re.compile(rf"(?<!\w){re.escape(name)}(?!\w)"), "<user>"))
    return tuple(found)


def shortened(text: str) -> str:
    """``text`` without the home folder and the user's name."""
    for pattern, instead in _private():
        text = pattern.sub(instead, text)
    return text


def without_quotes(message: str) -> str:
    """An exception's message without what somebody typed: of a quoted text only names stay."""

    def left(match: re.Match[str]) -> str:
        whole = match.group()
        inner = whole[1:-1]
        return whole if not inner or _PLAIN.fullmatch(inner) else f"{whole[0]}{LEFT_OUT}{whole[-1]}"

    first, *rest = message.splitlines() or [""]
    kept = _QUOTED.sub(left, first)
    if rest or len(kept) > LONGEST_MESSAGE:
        kept = kept[:LONGEST_MESSAGE] + LEFT_OUT
    return kept


def describe(error: BaseException) -> str:
    """The traceback, with causes, of the program's own lines only; nothing that was typed."""
    parts: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        frames = "".join(traceback.format_tb(link.__traceback__))
        said = without_quotes(_text_of(link))
        name = type(link).__qualname__
        head = "Traceback (most recent call last):\n" if frames else ""
        parts.append(f"{head}{frames}{name}{': ' if said else ''}{said}\n")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return shortened("\nled to:\n".join(reversed(parts)))


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception may fail to describe itself
        return ""


def facts() -> str:
    """One line that a report needs: versions and system."""
    return (
        f"Glassbox {__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()} {platform.machine()}"
    )


# ------------------------------------------------------------------------------------------------
# The log


class _QuietHandler(logging.handlers.RotatingFileHandler):
    """A log that cannot be written is no reason to fail, or to write to a terminal nobody has."""

    def handleError(self, record: logging.LogRecord) -> None:
        with suppress(OSError, ValueError):
            if self.stream is not None:
                self.stream.close()
        self.stream = None


class _Shortening(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return shortened(super().format(record))


def start_log(folder: Path) -> None:
    """Write warnings and errors of the whole program to the log in ``folder``; without one, nowhere."""
    stop_log()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = _QuietHandler(
            folder / LOG, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(_Shortening("%(asctime)s %(levelname)s %(message)s"))
    for name in ("glassbox", "desktop"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(handler)


def stop_log() -> None:
    """Close the file; a later ``start_log`` opens another one."""
    for name in ("glassbox", "desktop"):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if isinstance(handler, (_QuietHandler, logging.NullHandler)):
                logger.removeHandler(handler)
                handler.close()
        logger.propagate = True


# ------------------------------------------------------------------------------------------------
# The end nobody can catch


class NativeCrashes:
    """Catches what kills the process in native code, and finds what killed the last one."""

    def __init__(self, folder: Path) -> None:
        self._path, self._last_path = folder / NATIVE, folder / LAST
        self._file: TextIO | None = None
        self._was_enabled = False
        self.last = self._take_last()
        """The report of a crash at the end of the last session; empty when it ended well."""

    def start(self) -> None:
        """From now on a native crash leaves its stacks in the file."""
        try:
            self._was_enabled = faulthandler.is_enabled()
            self._file = self._path.open("w", encoding="utf-8")
            faulthandler.enable(self._file, all_threads=True)
        except (OSError, RuntimeError):
            self._file = None
            return
        log.info("started: %s", facts())

    def close(self) -> None:
        """An orderly end: nothing to report."""
        if self._file is None:
            return
        faulthandler.disable()
        if self._was_enabled:
            with suppress(RuntimeError, OSError, ValueError, AttributeError):
                faulthandler.enable()  # on standard error, where there is one
        self._file.close()
        self._file = None
        with suppress(OSError):
            self._path.unlink()

    def _take_last(self) -> str:
        """What faulthandler wrote before the last session died, kept once more under another name."""
        try:
            if not self._path.stat().st_size:
                return ""
            with self._path.open(encoding="utf-8", errors="replace") as file:
                text = shortened(file.read(LONGEST_REPORT))
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(self._path.stat().st_mtime))
            report = f"{facts()}\n{when}\n\n{text}"
            self._last_path.write_text(report, encoding="utf-8")
            os.truncate(self._path, 0)
        except OSError:
            return ""
        return report


def has_terminal() -> bool:
    """Whether there is anybody to read standard error (a packaged window has none)."""
    return sys.stderr is not None
