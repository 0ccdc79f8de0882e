"""The thread on which experiments run, and torch lives.

One ``threading.Thread`` (not a QThread: those have 512 KB stacks on macOS) owns a ``Conductor``. The
interface thread only puts requests into a queue and reads the outbox, so neither ever waits for the
other. torch is imported here, behind a window that is already on screen. Imports no Qt.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from typing import TYPE_CHECKING

from desktop.bilingual import Bilingual, GlassboxError
from desktop.runtime import messages as m

if TYPE_CHECKING:
    from desktop.runtime.conductor import Conductor
    from desktop.runtime.outbox import Outbox

log = logging.getLogger(__name__)

SLICE = 0.004
"""Seconds of work between two looks at the request queue; also how often the thread lets go of the
interpreter lock on purpose, so that the interface gets its turn while tiny steps are trained."""

JOIN_SECONDS = 10.0


def torch_threads() -> int:
    """Threads for torch's own kernels: one core is left to the interface."""
    return min(8, max(1, (os.cpu_count() or 2) - 1))


class ExperimentWorker:
    """Takes requests, advances the conductor, never calls back into the interface."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._requests: queue.SimpleQueue[m.Request] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="experiment", daemon=True)

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
            log.error("the experiment thread did not end within %.0f s", JOIN_SECONDS)
            return False
        return True

    # ---- on the thread

    def _run(self) -> None:
        try:
            import torch

            from desktop.runtime.conductor import Conductor
        except BaseException as error:
            self._outbox.events.append(m.Failed(_cannot_compute(error), ""))
            raise

        torch.set_num_threads(torch_threads())
        conductor = Conductor(self._outbox)
        while self._serve(conductor):
            pass

    def _serve(self, conductor: Conductor) -> bool:
        """Handle what was asked, then work for one slice; ``False`` when asked to close."""
        for request in merge(self._collect(conductor.wait)):
            if isinstance(request, m.Close):
                return False
            conductor.handle(request)
        end = time.perf_counter() + SLICE
        while conductor.wait == 0.0:
            conductor.advance()
            if time.perf_counter() > end or not self._requests.empty():
                break
        conductor.publish()
        time.sleep(0)  # let the interface thread have the interpreter lock
        return True

    def _collect(self, timeout: float | None) -> list[m.Request]:
        """All waiting requests; waits for the first as long as there is no other work."""
        found: list[m.Request] = []
        try:
            found.append(self._requests.get(block=timeout != 0.0, timeout=timeout))
            while True:
                found.append(self._requests.get_nowait())
        except queue.Empty:
            return found


def _cannot_compute(error: BaseException) -> GlassboxError:
    """torch is there but does not load: a broken installation, a missing system library."""
    return GlassboxError(
        Bilingual(
            "计算部分（PyTorch）没能载入，实验运行不了。",
            "The part that computes (PyTorch) could not be loaded, so no experiment can run.",
        ),
        Bilingual(
            "请重新安装 Glassbox；课文和术语表仍然可以阅读。",
            "Install Glassbox again; lessons and glossary can still be read.",
        ),
        f"{type(error).__name__}: {error}",
    )


def merge(requests: list[m.Request]) -> list[m.Request]:
    """Leave out what a following request makes pointless: earlier seeks of a drag, typed-over values.

    Only neighbours are merged, so the order of different requests stays.
    """
    merged: list[m.Request] = []
    for request in requests:
        last = merged[-1] if merged else None
        if isinstance(request, m.Seek) and isinstance(last, m.Seek):
            merged[-1] = request
        elif isinstance(request, m.Change) and isinstance(last, m.Change):
            merged[-1] = m.Change({**last.changes, **request.changes})
        elif isinstance(request, m.Explain) and isinstance(last, m.Explain):
            merged[-1] = request
        else:
            merged.append(request)
    return merged
