"""Printing for the command line: texts in the user's language, JSON that is always valid JSON.

NaN and infinity have no place in JSON and become ``null``; NumPy and torch numbers become plain ones.
A reader that went away (``glassbox run … | head``) ends the command quietly. Imports
``desktop.bilingual`` only; no torch, no Qt, no NumPy.
"""

from __future__ import annotations

import json
import locale
import math
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from desktop.bilingual import Bilingual, GlassboxError, Language

FLUSH_SECONDS = 0.05


def system_language() -> Language:
    """Chinese where the system speaks Chinese, English elsewhere."""
    named = [os.environ.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")]
    named = [name for name in named if name] or [locale.getlocale()[0] or _windows_language()]
    first = named[0].lower() if named[0] else ""
    return "zh" if first.startswith(("zh", "chinese")) else "en"


def _windows_language() -> str:
    if sys.platform != "win32":
        return ""
    import ctypes

    code = ctypes.windll.kernel32.GetUserDefaultUILanguage()
    return locale.windows_locale.get(code, "")


def plain(value: Any) -> Any:
    """``value`` as JSON has it: numbers finite or ``None``, arrays as nested lists."""
    if isinstance(value, Bilingual):
        return {"zh": value.zh, "en": value.en}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # arrays, tensors and their numbers
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in JSON")


class _Nowhere:
    """A stream whose text nobody reads."""

    def write(self, text: str) -> None:
        """Forget ``text``."""

    def flush(self) -> None:
        """Nothing is waiting."""


class Output:
    """Where a command prints: ``say`` for people, ``data`` for programs; both may be called."""

    def __init__(
        self, language: Language, as_json: bool, out: TextIO | None, err: TextIO | None
    ) -> None:
        self.language: Language = language
        self.as_json = as_json
        self._out: TextIO | _Nowhere = out or _Nowhere()  # a frozen window has no streams
        self._err: TextIO | _Nowhere = err or _Nowhere()
        self._flushed = 0.0

    def pick(self, text: Bilingual) -> str:
        """A text in the user's language."""
        return text[self.language]

    def say(self, text: Bilingual | str = "") -> None:
        """One line for a person; nothing with ``--json``."""
        if not self.as_json:
            self._write(text if isinstance(text, str) else self.pick(text))

    def stream(self, text: str) -> None:
        """Text for a person as it comes, shown at once; nothing with ``--json``."""
        if not self.as_json and text:
            self._out.write(text)
            self._out.flush()

    def data(self, value: Any) -> None:
        """One line of JSON; nothing without ``--json``."""
        if self.as_json:
            self._write(json.dumps(plain(value), ensure_ascii=False, allow_nan=False))

    def warn(self, text: Bilingual) -> None:
        """One line on standard error."""
        self._err.write(f"glassbox: {self.pick(text)}\n")
        self._err.flush()

    def error(self, error: GlassboxError) -> None:
        """The error in one line on standard error, and as JSON on standard output."""
        message, hint = self.pick(error.message), self.pick(error.hint)
        space = " " if hint and self.language == "en" else ""
        self.warn(Bilingual.same(" ".join(f"{message}{space}{hint}".split())))
        self.data({"type": "error", "message": message, "hint": hint})
        self.flush()

    def flush(self) -> None:
        """Everything written so far reaches the reader."""
        self._out.flush()

    def _write(self, line: str) -> None:
        self._out.write(line + "\n")
        now = time.monotonic()
        if now - self._flushed > FLUSH_SECONDS:
            self._out.flush()
            self._flushed = now


def table(rows: list[tuple[str, ...]], indent: str = "  ") -> list[str]:
    """Lines with aligned columns; Chinese characters are two columns wide in a terminal."""
    if not rows:
        return []
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        indent
        + "  ".join(
            cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
