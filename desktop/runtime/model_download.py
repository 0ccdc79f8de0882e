"""Downloading Phi-2, for the interface: asked for, watched, paused and continued, in a thread.

Nothing is opened and nothing reaches a network until ``ask`` or ``fetch`` is called, which happens
when a person clicks. What has come lies in the downloads folder and survives a pause or a kill. One
thread works at a time; a timer reads what came back. Imports Qt; ``desktop.llm.download`` (and with
it the network's libraries) only on the thread.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.bilingual import Bilingual, GlassboxError
from desktop.llm.hub import KNOWN, Connection, DownloadProgress, Offer

POLL_MS = 100
JOIN_SECONDS = 2.0
"""A read that hears nothing from a server is not waited for: what has come is safe as it is."""
WINDOW_SECONDS = 6.0
"""The speed shown is the mean over so long."""

State = Literal["idle", "asking", "offered", "fetching", "paused", "failed", "fetched"]
log = logging.getLogger(__name__)


class SpeedMeter:
    """Bytes a second over the last few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, done: int) -> None:
        """So many bytes are there now."""
        now = self._clock()
        if self._seen and done < self._seen[-1][1]:  # a file began anew
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW_SECONDS:
            self._seen.popleft()

    def forget(self) -> None:
        """Begin anew, as after a wait."""
        self._seen.clear()

    @property
    def speed(self) -> float | None:
        """Bytes a second, once it can be said."""
        if len(self._seen) < 2:
            return None
        (before, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - before) if now - before >= 0.5 else None


@dataclass(eq=False)
class _Job:
    """One call of ``ask``, ``fetch`` or ``discard``; ``progress`` is the newest, written by the thread."""

    connection: Connection
    fetch: bool = False
    discard: bool = False
    offer: Offer | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    progress: DownloadProgress | None = None


class ModelDownload(QObject):
    """One model of the hub on its way to ``folder``."""

    changed = Signal()

    def __init__(self, downloads: Path, name: str = "phi-2", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name, self.folder = name, downloads / name
        self._whole = downloads / f"{name}.complete"
        self.state: State = "fetched" if self._whole.exists() else "idle"
        self.offer: Offer | None = None
        self.progress: DownloadProgress | None = None
        self.error: GlassboxError | None = None
        self.meter = SpeedMeter()
        self._job: _Job | None = None
        self._thread: threading.Thread | None = None
        self._news: deque[tuple[_Job, Any]] = deque()
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._drain)

    @property
    def here(self) -> int:
        """Bytes that came earlier, for instance before a kill."""
        if not self.folder.is_dir():
            return 0
        return sum(one.stat().st_size for one in self.folder.iterdir() if one.is_file())

    @property
    def seconds_left(self) -> float | None:
        """At the speed of the last seconds."""
        speed, now = self.meter.speed, self.progress
        return (now.total - now.done) / speed if now is not None and speed else None

    # ---- what a person can want

    def ask(self, endpoint: str = "", proxy: str = "") -> None:
        """Ask the hub, or the mirror at ``endpoint``, for size and licence."""
        self._begin(_Job(_connection(endpoint, proxy)), "asking")

    def fetch(self, endpoint: str = "", proxy: str = "") -> None:
        """Fetch what is missing; asks first where that has not been done."""
        job = _Job(_connection(endpoint, proxy), fetch=True)
        if self.offer is not None and self.offer.address == job.connection.address:
            job.offer = self.offer
        self._begin(job, "fetching" if job.offer else "asking")

    def pause(self) -> None:
        """Stop after the piece that is coming; what is there stays."""
        if self._job is not None:
            self._job.cancel.set()
            self._job = None
            self._show("paused" if self.here else "idle")

    def discard(self) -> None:
        """Delete what has come."""
        if self._job is not None:
            self._job.cancel.set()
        self._begin(_Job(Connection(), discard=True), "idle")

    def forget(self) -> None:
        """The terms no longer hold: another server is to be asked."""
        self.offer = None
        self._show("idle")

    def imported(self) -> None:
        """What was fetched has become a model, and its files are gone."""
        self._whole.unlink(missing_ok=True)
        self._show("idle")

    def close(self) -> None:
        """Stop; what is there stays for the next time."""
        if self._job is not None:
            self._job.cancel.set()
            self._job = None
        self._timer.stop()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(JOIN_SECONDS)
            if thread.is_alive():
                log.info("the download is waiting for a server; it ends with the program")

    # ---- between the threads

    def _begin(self, job: _Job, state: State) -> None:
        before, self._job = self._thread, job
        self._thread = threading.Thread(
            target=self._run, args=(job, before), name="download", daemon=True
        )
        self._thread.start()
        self._timer.start()
        self._show(state)

    def _show(self, state: State) -> None:
        self.state = state
        if state != "failed":
            self.error = None
        if state != "fetching":
            self.progress = None
            self.meter.forget()
        self.changed.emit()

    def _drain(self) -> None:
        job = self._job
        if job is not None and self.state == "fetching" and job.progress is not self.progress:
            self._see(job.progress)
        while self._news:
            about, news = self._news.popleft()
            if about is not self._job:
                continue
            match news:
                case Offer():
                    self.offer = news
                    self._over("offered") if not about.fetch else self._show("fetching")
                case GlassboxError():
                    self.error = news
                    self._over("failed")
                case str():
                    if about.discard:
                        self.offer = None
                    self._over(cast(State, news))
        if self._job is None:
            self._timer.stop()

    def _over(self, state: State) -> None:
        self._job = None
        self._show(state)

    def _see(self, progress: DownloadProgress | None) -> None:
        self.progress = progress
        if progress is not None and progress.state == "downloading":
            self.meter.see(progress.done)
        else:
            self.meter.forget()
        self.changed.emit()

    # ---- on the thread

    def _run(self, job: _Job, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        if job.cancel.is_set():
            return
        try:
            end = self._carry_out(job)
        except GlassboxError as error:
            self._news.append((job, error))
        except Exception as error:  # noqa: BLE001 - told in words, the window goes on
            self._news.append((job, _unexpected(error)))
        else:
            if end:
                self._news.append((job, end))

    def _carry_out(self, job: _Job) -> State | None:
        from desktop.llm.download import download, look_up

        if job.discard:
            self._whole.unlink(missing_ok=True)
            shutil.rmtree(self.folder, ignore_errors=True)
            return "idle"
        offer = job.offer
        if offer is None:
            offer = look_up(KNOWN[self.name], self.folder, job.connection)
            self._news.append((job, offer))
        if not job.fetch or job.cancel.is_set():
            return None
        with closing(cast(Any, download(offer, job.connection))) as steps:
            for step in steps:
                job.progress = step
                if job.cancel.is_set():
                    return None
        self._whole.touch()
        return "fetched"


def _connection(endpoint: str, proxy: str) -> Connection:
    """Addresses as people type them: without a scheme, with spaces around."""
    endpoint, proxy = endpoint.strip(), proxy.strip()
    if endpoint and "://" not in endpoint:
        endpoint = f"https://{endpoint}"
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    return Connection(endpoint, proxy)


def _unexpected(error: Exception) -> GlassboxError:
    return GlassboxError(
        Bilingual("下载时出了意外的错误。", "Something unexpected went wrong with the download."),
        Bilingual("已经下载的部分还在，可以再试一次。", "What has come is kept; try again."),
        "".join(traceback.format_exception(error)),
    )
