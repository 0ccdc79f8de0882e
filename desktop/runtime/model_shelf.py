"""The models folder, for the interface: listing, importing, verifying and removing in a thread.

All of it may take long and opens files with torch, so it happens in a thread of its own, one task
after the other; importing goes on while the chat answers. A timer reads what came back.
Imports Qt; ``desktop.llm`` (and with it torch) only on the thread.
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.bilingual import Bilingual, GlassboxError
from desktop.runtime.model_download import ModelDownload

POLL_MS = 60
JOIN_SECONDS = 10.0
SMALL = 64_000_000
"""Up to so many parameters a model is imported as it is: it gains nothing from fewer bits."""

Kind = Literal["list", "add", "verify", "remove"]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShelfModel:
    """A model in the folder; ``error`` says why a broken one cannot be used."""

    name: str
    path: Path
    nbytes: int = 0
    parameters: int = 0
    context: int = 0
    bits: int = 0
    needs: int = 0
    error: GlassboxError | None = None


@dataclass(frozen=True)
class Machine:
    """Memory of this machine in bytes: all, and what is free now."""

    total: int
    free: int


@dataclass(frozen=True)
class Task:
    """Something to do; ``target`` is a name or a path."""

    kind: Kind
    target: str = ""
    bits: int = 4
    name: str = ""
    """The name of what is imported, if it is not to be its file's."""
    spend: bool = False
    """Delete the originals once they are imported: they were only fetched for that."""
    cancel: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Step:
    """How far a task is."""

    task: Task
    part: float
    what: Bilingual


@dataclass(frozen=True)
class Done:
    """A task is over; ``error`` says why it failed, ``cancelled`` that it was given up."""

    task: Task
    error: GlassboxError | None = None
    cancelled: bool = False


class ModelShelf(QObject):
    """What is in the models folder, and the work on it."""

    listed = Signal()
    progress = Signal(object)
    done = Signal(object)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.models: tuple[ShelfModel, ...] = ()
        self.machine = Machine(0, 0)
        self.running: Task | None = None
        self.download = ModelDownload(folder.parent / "downloads", parent=self)
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._news: deque[Any] = deque()
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._drain)

    def look(self) -> None:
        """Read the folder again; ``listed`` follows."""
        self._give(Task("list"))

    def add(self, path: Path, bits: int = 4) -> None:
        """Import a model from a folder or file."""
        self._give(Task("add", str(path), bits))

    def add_download(self, bits: int = 4) -> None:
        """Import what was downloaded; afterwards the downloaded files are deleted."""
        fetched = self.download
        self._give(Task("add", str(fetched.folder), bits, fetched.name, spend=True))

    def verify(self, name: str) -> None:
        """Read every byte of a model."""
        self._give(Task("verify", name))

    def remove(self, name: str) -> None:
        """Delete a model's files."""
        self._give(Task("remove", name))

    def cancel(self) -> None:
        """Give up the task that is running."""
        if self.running is not None:
            self.running.cancel.set()

    def close(self) -> None:
        """Give up everything and end the thread."""
        self.cancel()
        self.download.close()
        self._timer.stop()
        thread, self._thread = self._thread, None
        if thread is not None:
            self._tasks.put(None)
            thread.join(JOIN_SECONDS)
            if thread.is_alive():
                log.error("the models thread did not end within %.0f s", JOIN_SECONDS)

    # ---- between the threads

    def _give(self, task: Task) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="models", daemon=True)
            self._thread.start()
        if task.kind != "list":
            self.running = task
        self._waiting += 1
        self._timer.start()
        self._tasks.put(task)

    def _drain(self) -> None:
        while self._news:
            news = self._news.popleft()
            match news:
                case Step():
                    self.progress.emit(news)
                case Done(task):
                    self._waiting -= 1
                    if task is self.running:
                        self.running = None
                    if task.spend and news.error is None and not news.cancelled:
                        self.download.imported()
                    if task.kind != "list" or news.error is not None:
                        self.done.emit(news)
                case (tuple() as models, Machine() as machine):
                    self.models, self.machine = models, machine
                    self.listed.emit()
        if self._waiting == 0:
            self._timer.stop()

    # ---- on the thread

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._news.append(self._try(task))  # last: the timer stops when all tasks are done

    def _try(self, task: Task) -> Done:
        """Carry a task out, then list the folder anew, even after a failure."""
        error: GlassboxError | None = None
        cancelled = False
        for work in (self._carry_out, self._list):
            try:
                cancelled = work(task) or cancelled
            except GlassboxError as found:
                error = error or found
            except Exception as found:  # noqa: BLE001 - told in words, the thread goes on
                error = error or _unexpected(found)
        return Done(task, error, cancelled)

    def _list(self, _task: Task) -> bool:
        self._news.append(self._listing())
        return False

    def _carry_out(self, task: Task) -> bool:
        from desktop.llm.store import ModelStore

        store = ModelStore(self.folder)
        if task.kind == "list":
            return False
        if task.kind == "remove":
            store.remove(task.target)
            return False
        work: Any = store.verify(task.target) if task.kind == "verify" else _adding(store, task)
        for step in work:
            if task.cancel.is_set():
                work.close()
                return True
            self._news.append(Step(task, step.fraction, step.what))
        if task.spend:
            shutil.rmtree(task.target, ignore_errors=True)
        return False

    def _listing(self) -> tuple[tuple[ShelfModel, ...], Machine]:
        import psutil

        from desktop.llm.fast_open import likely_memory
        from desktop.llm.memory import available
        from desktop.llm.store import BrokenModel, ModelStore

        found = []
        for one in ModelStore(self.folder).look():
            if isinstance(one, BrokenModel):
                found.append(ShelfModel(one.name, one.path, error=one.error))
                continue
            config = one.config
            needs = likely_memory(config, config.max_position_embeddings).total
            found.append(
                ShelfModel(
                    one.name,
                    one.path,
                    one.nbytes,
                    config.parameter_count,
                    config.max_position_embeddings,
                    one.bits,
                    needs,
                )
            )
        return tuple(found), Machine(int(psutil.virtual_memory().total), int(available()))


def _adding(store: Any, task: Task) -> Iterator[Any]:
    from desktop.llm.convert import ConversionSettings
    from desktop.llm.sources import open_source

    path = Path(task.target)
    with open_source(path) as source:
        small = source.config.parameter_count <= SMALL
    settings = ConversionSettings(bits=16 if small else task.bits)
    return iter(store.add(path, task.name or None, settings))


def _unexpected(error: Exception) -> GlassboxError:
    return GlassboxError(
        Bilingual("处理模型时出了意外的错误。", "Something unexpected went wrong with the model."),
        Bilingual(
            "可以再试一次；原来的文件没有动。", "Try again; the original files are untouched."
        ),
        "".join(traceback.format_exception(error)),
    )
