"""How one value of an experiment's state is copied, put back and hashed, kind by kind.

A ``Record`` is a frozen copy of one value. ``Copier`` makes records and remembers which objects it
has met, so that two names for one tensor stay two names for one tensor; ``Restorer`` turns records
back into values; ``Digest`` hashes them. The kinds themselves are in ``tensor_records`` and
``object_records``: a class marked ``@records(type)`` teaches the engine another kind of value.
Imports torch and numpy, no Qt.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np
import torch

from desktop.engine import frames
from desktop.engine.parameters import ParameterSet

R = TypeVar("R", bound="Record")

_kinds: list[tuple[type, Any]] = []


def records(*kinds: type) -> Callable[[type[R]], type[R]]:
    """Marks the record class that copies values of these types."""

    def mark(record_type: type[R]) -> type[R]:
        for kind in kinds:  # the most general kind stays last, whatever is imported first
            place = len(_kinds) if kind is object else 0
            _kinds.insert(place, (kind, record_type))
        return record_type

    return mark


class UnknownKindError(TypeError):
    """A value of a kind that cannot be copied; the message says which."""


class Record(ABC):
    """A copy of one value, never written again."""

    @abstractmethod
    def restore(self, current: Any, restorer: Restorer) -> Any:
        """The value again: ``current`` itself, filled in, where others may point at it."""

    @abstractmethod
    def feed(self, digest: Digest) -> None:
        """Add every bit of this record to ``digest``."""


class Copier:
    """Makes the records of one snapshot and counts their bytes."""

    def __init__(self) -> None:
        self.nbytes = 0
        self._known: dict[int, tuple[Any, Record]] = {}  # the value is kept so its id stays its own

    def record(self, value: Any) -> Record:
        """A record of ``value``; the same object gives the same record."""
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        return self._make(value)

    def remember(self, value: Any, record: Record) -> None:
        """Note the record of ``value`` before its parts are copied, so that cycles end."""
        self._known[id(value)] = (value, record)

    def _make(self, value: Any) -> Record:
        if is_plain(value):
            self.nbytes += 64
            return PlainRecord(value)
        for kind, record_type in _kinds:
            if isinstance(value, kind):
                record: Record = record_type(value, self)
                return record
        raise UnknownKindError(f"values of type {type(value).__qualname__} cannot be copied")


class Restorer:
    """Turns the records of one snapshot back into values; shared values stay shared."""

    def __init__(self) -> None:
        self._done: dict[int, Any] = {}

    def value(self, record: Record, current: Any = None) -> Any:
        """The value of ``record``, reusing ``current`` where that is right for its kind."""
        if isinstance(record, PlainRecord):
            return record.plain
        if id(record) not in self._done:
            self._done[id(record)] = record.restore(current, self)
        return self._done[id(record)]

    def remember(self, record: Record, value: Any) -> None:
        """Note the value of ``record`` before its parts are restored, so that cycles end."""
        self._done[id(record)] = value


class Digest:
    """SHA-256 over records; every part is preceded by its length, so parts cannot run together."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._seen: dict[int, int] = {}

    def text(self, text: str) -> None:
        """Add a text."""
        self.data(text.encode("utf-8", "surrogatepass"))

    def data(self, data: bytes) -> None:
        """Add bytes."""
        self._hash.update(len(data).to_bytes(8, "little"))
        self._hash.update(data)

    def record(self, record: Record) -> None:
        """Add a record; one met before is added as its number, which also ends cycles."""
        if not isinstance(record, PlainRecord):
            if id(record) in self._seen:
                self.text(f"seen {self._seen[id(record)]}")
                return
            self._seen[id(record)] = len(self._seen)
        self.text(type(record).__name__)
        record.feed(self)

    def hexdigest(self) -> str:
        """The digest as 64 hexadecimal digits."""
        return self._hash.hexdigest()


# ------------------------------------------------------------------------------------------------
# Values that never change


_PLAIN_TYPES = (
    type(None), bool, int, float, complex, str, bytes, range, slice, enum.Enum,
    np.generic, np.dtype, torch.dtype, torch.device, torch.Size,
    ParameterSet, type, FunctionType, BuiltinFunctionType, ModuleType,
)  # fmt: skip


def is_plain(value: Any) -> bool:
    """Whether ``value`` can be shared instead of copied: it is never written to."""
    return isinstance(value, _PLAIN_TYPES) or (
        type(value).__module__ == frames.__name__ and dataclasses.is_dataclass(value)
    )


class PlainRecord(Record):
    """A value that cannot change, kept as it is."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    def restore(self, current: Any, restorer: Restorer) -> Any:
        return self.plain

    def feed(self, digest: Digest) -> None:
        value = self.plain
        if isinstance(value, np.generic):
            digest.text(str(value.dtype))
            digest.data(value.tobytes())
        elif isinstance(value, (type, FunctionType, BuiltinFunctionType, ModuleType)):
            digest.text(f"{type(value).__name__} {value.__name__}")
        elif type(value).__module__ == frames.__name__:
            digest.record(
                Copier().record({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
            )
        else:
            digest.text(f"{type(value).__name__} {value!r}")
