"""What every test gets: a fresh store, the real course, and a guard against things left behind.

The guard fails a test that leaks a thread, a running timer, a top-level widget or one of our objects
kept by the application, or that tries to reach a network. Qt is looked at only where it has been loaded, so the engine's tests run without it.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop import paths
from desktop.course.catalog import Course, load_course
from desktop.course.store import Store

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

GRACE_SECONDS = 5.0
_KNOWN_TIMERS: set[int] = set()
"""Timers already reported (or kept on purpose), so that only their own test fails."""
QT_FIXTURES = {"qapp", "qtbot", "qtlog", "qtmodeltester"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store in a temporary folder."""
    made = Store(tmp_path / "glassbox.sqlite3")
    yield made
    made.close()


@pytest.fixture(scope="session")
def course() -> Course:
    """The course as it ships."""
    return load_course(paths.lessons())


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse every connection and fail the test that tried, even if it swallowed the refusal."""
    tried: list[object] = []

    def refuse(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            tried.append(address)
            raise ConnectionRefusedError(f"tests may not reach {address}")
        connect(self, address)  # type: ignore[arg-type]

    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield
    assert not tried, f"the test tried to reach {tried}"


@pytest.fixture(autouse=True)
def _no_leaked_threads() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + GRACE_SECONDS
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread.name for thread in left if thread.is_alive()]
    assert not left, f"threads left running: {left}"


@pytest.fixture(autouse=True)
def _known_look(request: pytest.FixtureRequest) -> None:
    """English, light, 100 % and full motion, whatever the test before did."""
    if QT_FIXTURES.isdisjoint(request.fixturenames) or "desktop.ui.theme" not in sys.modules:
        return
    from desktop.ui.strings import language
    from desktop.ui.theme import theme

    language().set("en")
    theme().set(name="light", text_scale=1.0, reduced_motion=False)


@pytest.fixture(autouse=True)
def _no_leaked_qt(request: pytest.FixtureRequest) -> Iterator[None]:
    if QT_FIXTURES.isdisjoint(request.fixturenames):
        yield
        return
    from PySide6.QtWidgets import QApplication

    widgets_before = {id(widget) for widget in QApplication.topLevelWidgets()}
    yield
    _finish_deletions()
    kept = [type(one).__name__ for one in _own_objects()]
    widgets = [
        f"{type(widget).__name__} {widget.objectName()}".strip()
        for widget in QApplication.topLevelWidgets()
        if id(widget) not in widgets_before and widget.parent() is None
    ]
    running = _running_timers()
    timers = [timer for timer in running if id(timer) not in _KNOWN_TIMERS]
    _KNOWN_TIMERS.clear()
    _KNOWN_TIMERS.update(id(timer) for timer in running)
    named = [f"{timer.interval()} ms, parent {timer.parent()!r}" for timer in timers]
    assert not widgets, f"top-level widgets left: {widgets}"
    assert not kept, f"the application still keeps {kept}, which go on listening"
    assert not named, f"timers left running: {named}"


def _finish_deletions() -> None:
    from PySide6.QtCore import QCoreApplication, QEvent

    gc.collect()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # type: ignore[arg-type]
    QCoreApplication.processEvents()
    gc.collect()


def _own_objects() -> list[object]:
    """Ours among what lives as long as the application."""
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    children = app.children() if app is not None else []
    return [one for one in children if type(one).__module__.startswith("desktop.")]


def _running_timers() -> list[object]:
    from PySide6.QtCore import QTimer
    from shiboken6 import isValid

    return [
        thing
        for thing in gc.get_objects()
        if issubclass(type(thing), QTimer) and isValid(thing) and thing.isActive()
    ]
