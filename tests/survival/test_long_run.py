"""A long day at the window, shortened: lessons and chat in turns; memory, threads and handles stay flat."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from desktop.app import Glassbox, Options, make_application
from desktop.runtime.chat_messages import ChatSettings
from tests.ui.chat.conftest import make_model

WAIT = 60_000
WARM_UP, ROUNDS = 4, 12
SHORT = ChatSettings(temperature=0.8, max_tokens=24, seed=4)


@pytest.fixture
def glassbox(qtbot, tmp_path: Path) -> Iterator[Glassbox]:
    """The application with the chat open and a model loaded."""
    make_model(tmp_path / "models" / "tiny")
    options = Options(lesson="gradient-descent", language="en", theme="light", data_dir=tmp_path)
    made = Glassbox(make_application(), options)
    made.start((1600, 900))
    qtbot.waitUntil(lambda: made.started, timeout=WAIT)
    made.window.show_chat(True)
    assert made.chat is not None
    made.chat.pane.load(tmp_path / "models" / "tiny")
    qtbot.waitUntil(lambda: made.chat.session.info is not None, timeout=WAIT)
    yield made
    made.window.close()
    made.close()
    made.window.deleteLater()
    made.deleteLater()


def counts(glassbox: Glassbox) -> dict[str, int]:
    """What must not grow with the hours."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # type: ignore[arg-type]
    QCoreApplication.processEvents()
    gc.collect()
    process = psutil.Process()
    return {
        "objects": len(glassbox.window.findChildren(QObject)),
        "timers": len(glassbox.window.findChildren(QTimer)),
        "widgets": len(QApplication.allWidgets()),
        "threads": threading.active_count(),
        "native threads": process.num_threads(),
        "handles": process.num_handles() if sys.platform == "win32" else process.num_fds(),
    }


@pytest.mark.slow
def test_lessons_and_chat_in_turns(qtbot, glassbox: Glassbox) -> None:
    chat, session = glassbox.chat, glassbox.session
    assert chat is not None
    slugs = [lesson.slug for lesson in glassbox.course.lessons if lesson.trains][:2]

    def turn(number: int) -> None:
        slug = slugs[number % len(slugs)]
        glassbox.open_lesson(slug)
        qtbot.waitUntil(
            lambda: session.status.lesson == slug and bool(session.status.runs), timeout=WAIT
        )
        session.set_speed(0.0)
        session.play()
        chat.controller.new()
        chat.controller.set_settings(SHORT)
        chat.controller.send("Once upon a time")
        qtbot.waitUntil(lambda: chat.controller.writing, timeout=WAIT)
        qtbot.waitUntil(lambda: not chat.controller.writing, timeout=WAIT)
        qtbot.waitUntil(lambda: session.status.head > 20, timeout=WAIT)
        session.reset()
        session.pause()
        chat.controller.delete(chat.controller.conversation.id)
        glassbox.store.back_up_beside()

    for number in range(WARM_UP):
        turn(number)
    before, memory = counts(glassbox), psutil.Process().memory_info().rss
    for number in range(ROUNDS):
        turn(number)
    after = counts(glassbox)
    grown = {name: after[name] - before[name] for name in before if after[name] > before[name]}
    # What leaks with every turn has grown by as many as there were turns.
    assert all(more < ROUNDS for more in grown.values()), grown
    assert grown.get("threads", 0) <= 1, grown  # a backup may be under way
    assert grown.get("handles", 0) <= 4, grown
    assert psutil.Process().memory_info().rss - memory < 40 * 2**20
