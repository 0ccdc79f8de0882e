"""Reading a learner's own file: a table of numbers (CSV) or a text, strictly and with clear errors.

Strict means: nothing is guessed and nothing is dropped in silence. A bad cell is reported with its
line and column, and the caller keeps the data it had. Imports no Qt and no torch.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from desktop.bilingual import Bilingual, GlassboxError

LARGEST_TABLE_BYTES = 5_000_000
_DELIMITERS = (";", "\t", ",")
Row = tuple[float, ...]


class TableError(GlassboxError):
    """A file that is not the table or the text we need; the message says where and why."""


@dataclass(frozen=True)
class TableShape:
    """What the lesson can take: how many columns, their range, how many rows."""

    columns: int
    low: float = -math.inf
    high: float = math.inf
    at_most: int = 10_000


def read_table(path: str | os.PathLike[str], shape: TableShape) -> tuple[Row, ...]:
    """Rows of numbers from a CSV file; raises ``TableError``."""
    return parse_table(read_text(path, largest_bytes=LARGEST_TABLE_BYTES), shape)


def read_text(path: str | os.PathLike[str], *, largest_bytes: int) -> str:
    """A UTF-8 text file as a string, line ends made ``\\n``; raises ``TableError``."""
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > largest_bytes:
            raise TableError(
                Bilingual(
                    f"文件太大：{_size(size)}，这里最多读 {_size(largest_bytes)}。",
                    f"The file is too large: {_size(size)}; up to {_size(largest_bytes)} can be read here.",
                ),
                Bilingual("截取其中一部分再试。", "Try again with a part of it."),
            )
        data = file.read_bytes()
    except OSError as error:
        raise TableError(
            Bilingual(f"打不开文件“{file.name}”。", f"The file “{file.name}” cannot be opened."),
            Bilingual("检查它是否还在、能否读取。", "Check that it exists and may be read."),
            details=str(error),
        ) from error
    return decode_text(data)


def decode_text(data: bytes) -> str:
    """Bytes as UTF-8 text (a byte-order mark is fine); raises ``TableError`` with the line."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TableError(
            Bilingual(
                f"文件不是 UTF-8 编码（第 {line} 行）。", f"The file is not UTF-8 (line {line})."
            ),
            Bilingual(
                "在编辑器里另存为 UTF-8 再打开。",
                "Save it as UTF-8 in an editor and open it again.",
            ),
            details=str(error),
        ) from error
    if "\x00" in text:
        raise TableError(
            Bilingual("这不是文本文件。", "This is not a text file."),
            Bilingual("请选一个 .txt 或 .csv 文件。", "Choose a .txt or .csv file."),
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_table(text: str, shape: TableShape) -> tuple[Row, ...]:
    """Rows of numbers from CSV text: comma, semicolon, tab or blanks between them, an optional
    heading line, blank lines and lines starting with ``#`` left out; raises ``TableError``."""
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise TableError(
            Bilingual("文件里没有数据。", "There is no data in the file."), _expected(shape)
        )
    delimiter = _delimiter(lines[-1][1])
    if _is_heading(_cells(lines[0][1], delimiter), delimiter):
        lines = lines[1:]
    if not lines:
        raise TableError(
            Bilingual("文件里只有标题行，没有数据。", "There is only a heading, no data."),
            _expected(shape),
        )
    if len(lines) > shape.at_most:
        raise TableError(
            Bilingual(
                f"有 {len(lines)} 行数据，这里最多 {shape.at_most} 行。",
                f"There are {len(lines)} rows; this lesson takes at most {shape.at_most}.",
            ),
            Bilingual("删去一些行再试。", "Remove some rows and try again."),
        )
    return tuple(_row(number, _cells(line, delimiter), shape, delimiter) for number, line in lines)


def _delimiter(line: str) -> str:
    for delimiter in _DELIMITERS:
        if delimiter in line:
            return delimiter
    return " "


def _cells(line: str, delimiter: str) -> list[str]:
    cells = line.split() if delimiter == " " else line.split(delimiter)
    return [cell.strip().strip('"').strip() for cell in cells]


def _is_heading(cells: list[str], delimiter: str) -> bool:
    """A heading has no number in it at all; a row with one bad cell is an error, not a heading."""
    return all(_number(cell, delimiter) is None for cell in cells)


def _number(cell: str, delimiter: str) -> float | None:
    text = cell.replace("−", "-")
    if delimiter == ";":
        text = text.replace(",", ".")
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _row(line: int, cells: list[str], shape: TableShape, delimiter: str) -> Row:
    if len(cells) != shape.columns:
        raise TableError(
            Bilingual(
                f"第 {line} 行有 {len(cells)} 列，需要 {shape.columns} 列。",
                f"Line {line} has {len(cells)} columns; {shape.columns} are needed.",
            ),
            _expected(shape),
        )
    return tuple(
        _checked(line, column, cell, shape, delimiter) for column, cell in enumerate(cells, start=1)
    )


def _checked(line: int, column: int, cell: str, shape: TableShape, delimiter: str) -> float:
    value = _number(cell, delimiter)
    shown = cell if len(cell) <= 20 else cell[:20] + "…"
    if value is None or not math.isfinite(value):
        raise TableError(
            Bilingual(
                f"第 {line} 行第 {column} 列：“{shown}”不是一个数。",
                f"Line {line}, column {column}: “{shown}” is not a number.",
            ),
            _expected(shape),
        )
    if not shape.low <= value <= shape.high:
        raise TableError(
            Bilingual(
                f"第 {line} 行第 {column} 列：{shown} 超出 {shape.low:g} 到 {shape.high:g}。",
                f"Line {line}, column {column}: {shown} is outside {shape.low:g} to {shape.high:g}.",
            ),
            Bilingual("把数据缩放到这个范围再试。", "Scale the data to this range and try again."),
        )
    return value


def _expected(shape: TableShape) -> Bilingual:
    example = ", ".join(["0.5", "-1.2", "1", "2", "3"][: shape.columns])
    return Bilingual(
        f"每行 {shape.columns} 个数，例如 {example}。",
        f"Each line needs {shape.columns} numbers, such as {example}.",
    )


def _size(count: int) -> str:
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{count / 1e3:.0f} kB"
