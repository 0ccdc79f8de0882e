"""Where the worker leaves what the interface will read. Imports no torch, no Qt."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from desktop.engine.frames import Frame
from desktop.runtime.mailbox import Mailbox
from desktop.runtime.messages import Status


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame of the current run and the last frames of the runs it is compared with."""

    lesson: str
    frame: Frame
    ghosts: tuple[Frame, ...]


@dataclass
class Outbox:
    """Pictures and status are latest-wins; events are never dropped (a deque is thread-safe)."""

    frames: Mailbox[Picture] = field(default_factory=Mailbox)
    status: Mailbox[Status] = field(default_factory=Mailbox)
    events: deque[Any] = field(default_factory=deque)
