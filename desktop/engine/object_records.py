"""Records of containers, and of objects made of attributes.

See ``desktop.engine.records``. Imports no Qt.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import deque
from types import MethodType
from typing import Any

from desktop.engine.records import (
    Copier,
    Digest,
    Record,
    Restorer,
    UnknownKindError,
    is_plain,
    records,
)


@records(list, tuple, deque)
class SequenceRecord(Record):
    """A list, tuple or deque; restored as a new one, because a frame may still hold the old one."""

    def __init__(self, values: Any, copier: Copier) -> None:
        copier.remember(values, self)
        self.kind = type(values)
        self.limit = values.maxlen if isinstance(values, deque) else None
        self.items = [copier.record(value) for value in values]
        copier.nbytes += 16 * len(self.items)

    def restore(self, current: Any, restorer: Restorer) -> Any:
        before = list(current) if isinstance(current, (list, tuple, deque)) else []
        before += [None] * (len(self.items) - len(before))
        if self.kind is list:
            restored: list[Any] = []
            restorer.remember(self, restored)
            restored.extend(self._values(before, restorer))
            return restored
        values = self._values(before, restorer)
        if issubclass(self.kind, deque):
            return self.kind(values, self.limit)
        return self.kind._make(values) if hasattr(self.kind, "_make") else self.kind(values)

    def _values(self, before: list[Any], restorer: Restorer) -> list[Any]:
        return [restorer.value(item, old) for item, old in zip(self.items, before, strict=False)]

    def feed(self, digest: Digest) -> None:
        digest.text(f"{self.kind.__name__} {len(self.items)}")
        for item in self.items:
            digest.record(item)


@records(dict)
class DictRecord(Record):
    """A dictionary; keys are plain values, their order is kept."""

    def __init__(self, values: dict[Any, Any], copier: Copier) -> None:
        copier.remember(values, self)
        if not all(is_plain(key) or isinstance(key, tuple) for key in values):
            raise UnknownKindError("dictionaries need plain keys")
        self.empty = copy.copy(values)
        self.empty.clear()
        self.keys = list(values)
        self.items = [copier.record(value) for value in values.values()]
        copier.nbytes += 64 * len(self.items)

    def restore(self, current: Any, restorer: Restorer) -> dict[Any, Any]:
        before = current if isinstance(current, dict) else {}
        restored = copy.copy(self.empty)
        restorer.remember(self, restored)
        for key, item in zip(self.keys, self.items, strict=True):
            restored[key] = restorer.value(item, before.get(key))
        return restored

    def feed(self, digest: Digest) -> None:
        digest.text(str(len(self.keys)))
        for key, item in zip(self.keys, self.items, strict=True):
            digest.text(repr(key))
            digest.record(item)


@records(set, frozenset)
class SetRecord(Record):
    """A set or frozen set of plain values."""

    def __init__(self, values: Any, copier: Copier) -> None:
        copier.remember(values, self)
        if not all(is_plain(value) or isinstance(value, tuple) for value in values):
            raise UnknownKindError("sets need plain values")
        self.kind = type(values)
        self.items = list(values)
        copier.nbytes += 64 * len(self.items)

    def restore(self, current: Any, restorer: Restorer) -> Any:
        return self.kind(self.items)

    def feed(self, digest: Digest) -> None:
        digest.text(f"{self.kind.__name__} {sorted(map(repr, self.items))}")


@records(MethodType)
class MethodRecord(Record):
    """A bound method: its function stays, its object is recorded."""

    def __init__(self, method: MethodType, copier: Copier) -> None:
        self.function = method.__func__
        self.owner = copier.record(method.__self__)

    def restore(self, current: Any, restorer: Restorer) -> MethodType:
        before = current.__self__ if isinstance(current, MethodType) else None
        return MethodType(self.function, restorer.value(self.owner, before))

    def feed(self, digest: Digest) -> None:
        digest.text(self.function.__name__)
        digest.record(self.owner)


@records(object)
class ObjectRecord(Record):
    """An object made of attributes, such as a small dataclass of a lesson.

    A mutable one is filled in place; a frozen dataclass is made anew.
    """

    def __init__(self, value: Any, copier: Copier) -> None:
        if not (hasattr(value, "__dict__") or dataclasses.is_dataclass(value)):
            raise UnknownKindError(f"values of type {type(value).__qualname__} cannot be copied")
        copier.remember(value, self)
        self.kind: Any = type(value)
        parameters = getattr(self.kind, "__dataclass_params__", None)
        self.frozen = parameters is not None and parameters.frozen
        attributes = _attributes(value)
        self.names = list(attributes)
        self.items = [copier.record(item) for item in attributes.values()]
        copier.nbytes += 64 * len(self.items)

    def restore(self, current: Any, restorer: Restorer) -> Any:
        reuse = type(current) is self.kind and not self.frozen
        restored = current if reuse else self.kind.__new__(self.kind)
        restorer.remember(self, restored)
        before = _attributes(current) if type(current) is self.kind else {}
        for name in before.keys() - set(self.names) if reuse else ():
            object.__delattr__(restored, name)
        for name, item in zip(self.names, self.items, strict=True):
            object.__setattr__(restored, name, restorer.value(item, before.get(name)))
        return restored

    def feed(self, digest: Digest) -> None:
        digest.text(self.kind.__qualname__)
        for name, item in zip(self.names, self.items, strict=True):
            digest.text(name)
            digest.record(item)


def _attributes(value: Any) -> dict[str, Any]:
    if hasattr(value, "__dict__"):
        return dict(vars(value))
    return {
        f.name: getattr(value, f.name) for f in dataclasses.fields(value) if hasattr(value, f.name)
    }
