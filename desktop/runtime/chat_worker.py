"""The thread on which the chat's model lives.

Like the experiment's: one ``threading.Thread`` owns a ``ChatEngine``, takes requests from a queue and
computes one token between two looks at it, so that a stop is heard within one token. The machine's
cores are split while an experiment trains beside it. torch is imported here. Imports no Qt.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from typing import TYPE_CHECKING

from desktop.runtime import chat_messages as m

if TYPE_CHECKING:
    from desktop.course.chats import Chats
    from desktop.runtime.chat_engine import ChatEngine, Opener
    from desktop.runtime.chat_outbox import ChatOutbox

log = logging.getLogger(__name__)

JOIN_SECONDS = 10.0


def chat_threads(busy: bool, cores: int | None = None) -> int:
    """Threads for the model: one core is the interface's; a running experiment gets half the rest."""
    free = max(1, (cores or os.cpu_count() or 2) - 1)
    return min(16, max(1, free // 2) if busy else free)


class ChatWorker:
    """Takes requests, never calls back into the interface."""

    def __init__(self, outbox: ChatOutbox, chats: Chats, opener: Opener | None = None) -> None:
        self._outbox, self._chats, self._opener = outbox, chats, opener
        self._requests: queue.SimpleQueue[m.Request] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="chat", daemon=True)

    def start(self) -> None:
        """Begin; importing torch is the first thing the thread does."""
        self._thread.start()

    def send(self, request: m.Request) -> None:
        """Queue a request; returns at once."""
        self._requests.put(request)

    def close(self) -> bool:
        """End the thread; ``False`` (and a log line) if it did not end in time."""
        self.send(m.Close())
        if self._thread.is_alive():
            self._thread.join(JOIN_SECONDS)
        if self._thread.is_alive():
            log.error("the chat thread did not end within %.0f s", JOIN_SECONDS)
            return False
        return True

    # ---- on the thread

    def _run(self) -> None:
        import torch

        from desktop.runtime.chat_engine import ChatEngine
        from desktop.runtime.chat_model import open_model

        torch.set_num_threads(chat_threads(busy=False))
        engine = ChatEngine(self._outbox, self._chats, self._opener or open_model)
        while self._serve(engine):
            pass
        engine.close()

    def _serve(self, engine: ChatEngine) -> bool:
        """What was asked, then one token; ``False`` when asked to close."""
        try:
            request = self._requests.get(block=not engine.working)
        except queue.Empty:
            engine.advance()
            time.sleep(0)  # let the interface thread have the interpreter lock
            return True
        if isinstance(request, m.Close):
            return False
        if isinstance(request, m.ShareMachine):
            import torch

            torch.set_num_threads(chat_threads(request.busy))
            return True
        engine.handle(request)
        return True
