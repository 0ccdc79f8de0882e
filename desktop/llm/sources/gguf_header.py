"""The header of a GGUF file, read with every number checked.

The format: the letters GGUF, a version, the number of tensors and of settings; the settings, each a
key, a kind and a value; for each tensor its name, shape, number format and place; then, at the next
multiple of the alignment, the tensors. The ``gguf`` library's own reader takes all these numbers on
trust, so that a file of 100 bytes can make it ask for terabytes. Here every length is held against
what is left of the file before anything is made of it. Imports ``gguf`` for its tables; no torch.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap
from typing import Any

from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

from desktop.bilingual import Bilingual
from desktop.llm.sources.errors import SourceError, damaged, truncated

VERSIONS = (2, 3)
MOST_TENSORS = 65_536
MOST_SETTINGS = 65_536
MOST_ELEMENTS = 4_000_000
"""Of all arrays in the settings together; vocabularies have a few hundred thousand tokens."""
LARGEST_HEADER = 512 * 2**20
LONGEST_NAME = 1024
LONGEST_TEXT = 16 * 2**20
LENGTH = struct.Struct("<Q")
STRING, ARRAY = 8, 9
NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
"""Kinds of settings that are a number, with the letter ``struct`` has for them."""


@dataclass(frozen=True)
class GgufTensor:
    """One tensor: shape with rows first, format, and bytes ``start`` to ``stop`` of the file."""

    name: str
    shape: tuple[int, ...]
    kind: GGMLQuantizationType
    start: int
    stop: int


@dataclass(frozen=True)
class GgufHeader:
    """Settings by key, and tensors by name."""

    settings: dict[str, Any]
    tensors: dict[str, GgufTensor]


class Cursor:
    """Reads forward through the file and never past its end."""

    def __init__(self, data: mmap, name: str) -> None:
        self.data, self.name, self.at = data, name, 0
        self.elements_left = MOST_ELEMENTS

    def numbers(self, letters: str) -> tuple[Any, ...]:
        """The next numbers, as ``struct`` reads them."""
        layout = struct.Struct("<" + letters)
        self.need(layout.size)
        values = layout.unpack_from(self.data, self.at)
        self.at += layout.size
        return values

    def text(self, longest: int) -> str:
        """The next string; bytes that are no UTF-8 become �, as some vocabularies have them."""
        self.need(8)
        (length,) = LENGTH.unpack_from(self.data, self.at)
        self.at += 8
        if length > longest:
            raise damaged(self.name, f"a text of {length} bytes at {self.at}")
        self.need(length)
        self.at += length
        return self.data[self.at - length : self.at].decode("utf-8", errors="replace")

    def need(self, count: int) -> None:
        """Raise unless ``count`` more bytes are there."""
        if self.at + count > LARGEST_HEADER:
            raise damaged(self.name, f"header of more than {self.at + count} bytes")
        if self.at + count > len(self.data):
            raise truncated(self.name, len(self.data), self.at + count)


def read_header(data: mmap, name: str) -> GgufHeader:
    """Everything before the weights; raises ``SourceError``. ``name`` is for the complaint."""
    cursor = Cursor(data, name)
    magic, version = cursor.numbers("4sI")
    if magic != b"GGUF":
        raise damaged(name, "does not begin with GGUF")
    if version not in VERSIONS:
        raise _other_version(name, version)
    tensors, settings = cursor.numbers("QQ")
    if tensors > MOST_TENSORS or settings > MOST_SETTINGS:
        raise damaged(name, f"{tensors} tensors, {settings} settings")
    values = dict(_setting(cursor) for _ in range(settings))
    if len(values) != settings:
        raise damaged(name, "a setting stands twice")
    infos = [_tensor(cursor) for _ in range(tensors)]
    alignment = values.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 2**20 or alignment & (alignment - 1):
        raise damaged(name, f"alignment {alignment!r:.40}")
    start = -(-cursor.at // alignment) * alignment
    return GgufHeader(values, _placed(infos, start, alignment, len(data), name))


def _setting(cursor: Cursor) -> tuple[str, Any]:
    key = cursor.text(LONGEST_NAME)
    (kind,) = cursor.numbers("I")
    return key, _value(cursor, kind, key)


def _value(cursor: Cursor, kind: int, key: str) -> Any:
    if kind in NUMBERS:
        return cursor.numbers(NUMBERS[kind])[0]
    if kind == STRING:
        return cursor.text(LONGEST_TEXT)
    if kind != ARRAY:
        raise damaged(cursor.name, f"{key[:200]} is of the unknown kind {kind}")
    of, count = cursor.numbers("IQ")
    if count > cursor.elements_left or (of != STRING and of not in NUMBERS):
        raise damaged(cursor.name, f"{key[:200]}: {count} values of kind {of}")
    cursor.elements_left -= count
    if of == STRING:
        cursor.need(8 * count)
        return [cursor.text(LONGEST_NAME) for _ in range(count)]
    cursor.need(count)  # before a format string of that length is made
    return list(cursor.numbers(f"{count}{NUMBERS[of]}"))


def _tensor(cursor: Cursor) -> tuple[str, tuple[int, ...], int, int]:
    """Name, shape with rows first, number of the format, offset."""
    name = cursor.text(LONGEST_NAME)
    (dimensions,) = cursor.numbers("I")
    if not 1 <= dimensions <= 4:
        raise damaged(cursor.name, f"{name[:200]} has {dimensions} dimensions")
    shape = cursor.numbers(f"{dimensions}Q")
    kind, offset = cursor.numbers("IQ")
    return name, tuple(reversed(shape)), kind, offset


def _placed(
    infos: list[tuple[str, tuple[int, ...], int, int]],
    data: int,
    alignment: int,
    size: int,
    file: str,
) -> dict[str, GgufTensor]:
    """Each tensor with its place, after checking that all lie in the file and none overlap."""
    tensors: dict[str, GgufTensor] = {}
    for name, shape, number, offset in infos:
        wrong = _complainer(file, name)
        if name in tensors:
            raise wrong("stands twice")
        try:
            kind = GGMLQuantizationType(number)
        except ValueError:
            raise wrong(f"format {number}") from None
        count = 1
        for length in shape:
            count *= length
        if not all(0 < length < 2**40 for length in shape) or count > 2**48:
            raise wrong(f"shape {shape}")
        block, block_bytes = GGML_QUANT_SIZES[kind]
        if shape[-1] % block or offset % alignment:
            raise wrong(f"{kind.name}, shape {shape}, offset {offset}")
        start = data + offset
        stop = start + count // block * block_bytes
        if stop > size:
            raise truncated(file, size, stop)
        tensors[name] = GgufTensor(name, shape, kind, start, stop)
    at = data
    for tensor in sorted(tensors.values(), key=lambda tensor: tensor.start):
        if tensor.start < at:
            raise _complainer(file, tensor.name)("overlaps the one before")
        at = tensor.stop
    return tensors


def _complainer(file: str, tensor: str) -> Callable[[str], SourceError]:
    return lambda why: damaged(file, f"{tensor[:200]}: {why}")


def _other_version(name: str, version: int) -> SourceError:
    if int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS:
        return SourceError(
            Bilingual(
                f"{name} 是给大端序处理器用的。", f"{name} was made for big-endian processors."
            ),
            Bilingual(
                "请找小端序的版本，通常都是。", "Find the little-endian file, the usual kind."
            ),
        )
    return SourceError(
        Bilingual(
            f"{name} 是 GGUF 第 {version} 版，这里能读第 2、3 版。",
            f"{name} is GGUF version {version}; versions 2 and 3 are read here.",
        ),
        Bilingual("请找一个较新的文件。", "Find a newer file of the model."),
    )
