"""Where the chat's thread leaves what the interface will read. Imports no torch, no Qt."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from desktop.runtime.chat_messages import Inspection
from desktop.runtime.mailbox import Mailbox


@dataclass
class ChatOutbox:
    """Events are never dropped (a deque is thread-safe); the live look inside is latest-wins."""

    events: deque[Any] = field(default_factory=deque)
    looks: Mailbox[Inspection] = field(default_factory=Mailbox)
