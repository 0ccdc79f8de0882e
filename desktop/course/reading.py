"""Strict reading of TOML: every value has a type, every key is known, every error names its place.

A ``Table`` hands out values by key and remembers which keys were asked for; ``finish`` complains
about the rest, so a misspelt key never passes in silence. Imports nothing of ours but the language
type and ``CourseError``.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from desktop.bilingual import LANGUAGES, Bilingual
from desktop.course.errors import CourseError

_MISSING: Any = object()


def read_text(path: Path) -> str:
    """The file as UTF-8 text with plain newlines."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise CourseError(path, "", "缺少这个文件。", "this file is missing.") from error
    except UnicodeDecodeError as error:
        raise CourseError(
            path, "", "文件不是 UTF-8 编码。", "the file is not UTF-8 text.", str(error)
        ) from error
    except OSError as error:
        raise CourseError(
            path, "", "读不了这个文件。", "the file cannot be read.", str(error)
        ) from error


def read_table(path: Path) -> Table:
    """The whole TOML file as one table."""
    try:
        return Table(path, "", tomllib.loads(read_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise CourseError(
            path, "", f"TOML 语法有误：{error}", f"not valid TOML: {error}"
        ) from error


class Table:
    """One TOML table and its place in the file, such as ``panels[2].options``."""

    def __init__(self, file: Path, place: str, values: Mapping[str, Any]) -> None:
        self.file = file
        self.place = place
        self._values = values
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def where(self, key: str) -> str:
        """The dotted place of ``key`` in the file."""
        return f"{self.place}.{key}" if self.place else key

    def fail(self, key: str, zh: str, en: str) -> NoReturn:
        """Raise a ``CourseError`` about ``key``."""
        raise CourseError(self.file, self.where(key) if key else self.place, zh, en)

    def keys(self) -> tuple[str, ...]:
        """All keys there are."""
        return tuple(self._values)

    def finish(self) -> None:
        """Complain about keys that nobody asked for."""
        unknown = [key for key in self._values if key not in self._asked]
        if unknown:
            near = difflib.get_close_matches(unknown[0], self._asked, n=1)
            self.fail(
                unknown[0],
                "不认识这个键" + (f"，是不是想写 {near[0]}？" if near else "。"),
                "unknown key" + (f"; did you mean {near[0]}?" if near else "."),
            )

    # ---- typed values; without a default the key must be there

    def text(self, key: str, default: str = _MISSING) -> str:
        """A text."""
        value = self._value(key, default)
        if not isinstance(value, str):
            self._wrong(key, value, "文字", "a text")
        return value

    def integer(self, key: str, default: int = _MISSING, *, least: int | None = None) -> int:
        """A whole number, ``least`` or more."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong(key, value, "整数", "a whole number")
        if least is not None and value < least:
            self.fail(key, f"至少要 {least}。", f"must be {least} or more.")
        return value

    def number(self, key: str, default: float = _MISSING, *, least: float | None = None) -> float:
        """A real number, ``least`` or more."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self._wrong(key, value, "数", "a number")
        if least is not None and not value >= least:
            self.fail(key, f"至少要 {least:g}。", f"must be {least:g} or more.")
        return float(value)

    def flag(self, key: str, default: bool = _MISSING) -> bool:
        """True or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            self._wrong(key, value, "true 或 false", "true or false")
        return value

    def choice(self, key: str, names: tuple[str, ...], default: str = _MISSING) -> str:
        """One of ``names``."""
        value = self.text(key, default)
        if value not in names:
            listed = ", ".join(names)
            self.fail(
                key,
                f"“{value}”不行，可用的有：{listed}。",
                f"“{value}” is not possible; choose from {listed}.",
            )
        return value

    def bilingual(self, key: str, default: Bilingual = _MISSING) -> Bilingual:
        """A text in both languages, ``{ zh = "…", en = "…" }``; neither may be empty."""
        value = self._value(key, default)
        if isinstance(value, Bilingual):
            return value
        if not isinstance(value, dict):
            self._wrong(key, value, '{ zh = "…", en = "…" }', '{ zh = "…", en = "…" }')
        table = Table(self.file, self.where(key), value)
        texts = {language: table.text(language) for language in LANGUAGES}
        table.finish()
        for language, text in texts.items():
            if not text.strip():
                table.fail(language, "不能为空。", "must not be empty.")
        return Bilingual(texts["zh"], texts["en"])

    def texts(self, key: str, default: tuple[str, ...] = _MISSING) -> tuple[str, ...]:
        """A list of texts, none twice."""
        value = self._value(key, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
            self._wrong(key, value, "文字的列表", "a list of texts")
        for item in value:
            if value.count(item) > 1:
                self.fail(key, f"“{item}”出现了两次。", f"“{item}” is listed twice.")
        return tuple(value)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A free table (parameter values, widget options); empty when left out."""
        value = self._value(key, {})
        if not isinstance(value, dict):
            self._wrong(key, value, "表", "a table")
        return {name: frozen(item) for name, item in value.items()}

    def table(self, key: str) -> Table:
        """A table inside this one."""
        value = self._value(key, _MISSING)
        if not isinstance(value, dict):
            self._wrong(key, value, "表", "a table")
        return Table(self.file, self.where(key), value)

    def tables(self, key: str) -> list[Table]:
        """A list of tables; empty when left out. Places count from 1, as people do."""
        value = self._value(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._wrong(key, value, "表的列表", "a list of tables")
        return [
            Table(self.file, f"{self.where(key)}[{number}]", item)
            for number, item in enumerate(value, start=1)
        ]

    def raw(self, key: str, default: Any = _MISSING) -> Any:
        """A value of any type, lists as tuples."""
        return frozen(self._value(key, default))

    def _value(self, key: str, default: Any) -> Any:
        self._asked.add(key)
        if key in self._values:
            return self._values[key]
        if default is _MISSING:
            self.fail(key, "缺少这个键。", "this key is missing.")
        return default

    def _wrong(self, key: str, value: Any, zh: str, en: str) -> NoReturn:
        self.fail(key, f"应为{zh}，现在是 {value!r}。", f"must be {en}, not {value!r}.")


def frozen(value: Any) -> Any:
    """Lists as tuples, all the way down, so that what was read cannot change."""
    if isinstance(value, list):
        return tuple(frozen(item) for item in value)
    return value
