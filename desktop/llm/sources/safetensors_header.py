"""The header of a safetensors file, read with every number checked.

The format: 8 bytes with the header's length, a JSON object with name, number format, shape and place
of each tensor, then the tensors one after the other without gaps. The ``safetensors`` library checks
much of this too, but maps the file first and answers with its own errors; here nothing is mapped, at
most 16 MB are read, and what is wrong is said in words. Imports the standard library only.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from desktop.llm.sources.errors import SourceError, damaged, truncated

LARGEST_HEADER = 16 * 2**20
MOST_TENSORS = 100_000
BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U64": 8,
    "U32": 4,
    "U16": 2,
    "U8": 1,
    "BOOL": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
}


@dataclass(frozen=True)
class Entry:
    """One tensor: its number format, shape, and bytes ``start`` to ``stop`` of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def read_header(path: Path) -> dict[str, Entry]:
    """All tensors of the file by name; raises ``SourceError``."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(8)
            if len(first) < 8:
                raise truncated(path.name, size, 8)
            length = struct.unpack("<Q", first)[0]
            if length > LARGEST_HEADER:
                raise damaged(path.name, f"header of {length} bytes")
            if 8 + length > size:
                raise truncated(path.name, size, 8 + length)
            text = file.read(length)
    except OSError as error:
        raise damaged(path.name, str(error)) from error
    return _entries(path.name, _json(path.name, text), 8 + length, size)


def _json(name: str, text: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) != len(pairs):
            raise ValueError("a name stands twice")
        return values

    try:
        values = json.loads(text.decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise damaged(name, f"header: {error}") from error
    if not isinstance(values, dict):
        raise damaged(name, "the header is no JSON object")
    return values


def _entries(name: str, header: Mapping[str, Any], data: int, size: int) -> dict[str, Entry]:
    entries = {
        tensor: _entry(name, tensor, value, data)
        for tensor, value in header.items()
        if tensor != "__metadata__"
    }
    if not 0 < len(entries) <= MOST_TENSORS:
        raise damaged(name, f"{len(entries)} tensors")
    at = data
    for tensor, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != at:
            what = "overlaps the one before" if entry.start < at else "leaves a gap"
            raise damaged(name, f"{tensor} {what}")
        at = entry.stop
    if at > size:
        raise truncated(name, size, at)
    if at < size:
        raise damaged(name, f"{size - at} bytes too many")
    return entries


def _entry(name: str, tensor: str, value: object, data: int) -> Entry:
    def wrong(why: str) -> SourceError:
        return damaged(name, f"{tensor[:200]}: {why}")

    if not isinstance(value, dict):
        raise wrong("no JSON object")
    dtype, shape, place = value.get("dtype"), value.get("shape"), value.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in BYTES:
        raise wrong(f"number format {dtype!r:.40}")
    if not _whole_numbers(shape) or len(shape) > 8:
        raise wrong(f"shape {shape!r:.80}")
    if not _whole_numbers(place) or len(place) != 2 or place[0] > place[1]:
        raise wrong(f"place {place!r:.80}")
    count = BYTES[dtype]
    for length in shape:
        count *= length
    if place[1] - place[0] != count:
        raise wrong(f"{place[1] - place[0]} bytes for {dtype} {shape}")
    return Entry(dtype, tuple(shape), data + place[0], data + place[1])


def _whole_numbers(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**48
        for number in value
    )
