"""A one-slot, latest-wins mailbox between a worker thread and the interface thread.

A worker that trains a thousand steps a second must not queue a thousand pictures: what the learner
has not seen yet is replaced by what is newer. What must never be dropped (scalars, events) does not
go through here. Imports nothing of ours.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """``put`` replaces what is there; ``take`` empties it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._content: T | None = None

    def put(self, content: T) -> None:
        """Leave ``content``; an older one that nobody took is dropped."""
        with self._lock:
            self._content = content

    def take(self) -> T | None:
        """The newest content, or ``None`` when there is nothing new."""
        with self._lock:
            content, self._content = self._content, None
            return content

    @property
    def empty(self) -> bool:
        """Whether the last content has been taken: the reader keeps up."""
        return self._content is None
