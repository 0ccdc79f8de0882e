"""An hour at the window, shortened: memory, objects, timers and threads stay what they were."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from tests.ui.window.learner import LOADING_MS, Learner

Start = Callable[..., Learner]
MEGABYTE = 2**20


def tidy() -> None:
    """What Python and Qt would throw away sooner or later goes now."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # type: ignore[arg-type]
    QCoreApplication.processEvents()
    gc.collect()


def memory() -> float:
    """What the process holds, in MB."""
    return psutil.Process().memory_info().rss / MEGABYTE


def counts(learner: Learner) -> dict[str, int]:
    """Things that must not become more."""
    tidy()
    window = learner.window
    return {
        "objects": len(window.findChildren(QObject)),
        "timers": len(window.findChildren(QTimer)),
        "widgets": len(QApplication.allWidgets()),
        "threads": threading.active_count(),
    }


@pytest.mark.slow
@pytest.mark.parametrize("slug", ["gradient-descent", "playground"])
def test_thousands_of_frames(start: Start, slug: str) -> None:
    """The way of every frame: worker, outbox, session, panels, paint; without the pause between."""
    learner = start(slug)
    learner.at_full_speed()
    learner.press_play()
    session, grid = learner.glassbox.session, learner.view.grid
    frames = 0

    def count(_frame: object) -> None:
        nonlocal frames
        frames += 1

    session.frame_changed.connect(count)

    def watch(until: int) -> None:
        while frames < until:
            before = frames
            learner.wait(lambda seen=before: frames > seen or not learner.status.playing)
            if not learner.status.playing:
                learner.press_play()
            frame = grid._frame
            assert frame is not None
            for _ in range(10):  # the display shows about one in ten
                for _ in range(10):
                    session.frame_changed.emit(frame)
                grid.repaint()

    watch(2_000)
    objects, used = counts(learner), memory()
    watch(12_000)
    after = counts(learner)
    # One leaked in a thousand frames would be twelve; a thing made when first needed is no leak.
    assert all(after[kind] < objects[kind] + 12 for kind in objects), (objects, after)
    assert memory() - used < 60


@pytest.mark.slow
def test_fifty_lessons_opened(start: Start) -> None:
    learner = start()
    slugs = [lesson.slug for lesson in learner.glassbox.course.lessons]

    def visit(slug: str) -> None:
        learner.window.outline.lesson_chosen.emit(slug)
        learner.wait(
            lambda: learner.status.lesson == slug and bool(learner.status.runs), LOADING_MS
        )

    for slug in [*slugs, *slugs]:
        visit(slug)
    visit(slugs[0])
    objects, used = counts(learner), memory()
    for number in range(50):
        visit(slugs[number % len(slugs)])
    visit(slugs[0])
    after = counts(learner)
    assert after["threads"] <= objects["threads"]
    assert after["timers"] <= objects["timers"] + 2
    assert after["objects"] <= objects["objects"] + 20
    assert memory() - used < 150


@pytest.mark.slow
def test_many_changes_of_language_and_theme(start: Start) -> None:
    learner = start("gradient-descent")
    learner.settle()

    def change() -> None:
        learner.switch_language()
        learner.switch_theme()
        QCoreApplication.processEvents()

    for _ in range(4):
        change()
    objects, used = counts(learner), memory()
    changes = 15
    for _ in range(changes):
        change()
    after = counts(learner)
    # What leaks with every change has grown by as many; a fold made when first used is no leak.
    assert all(after[kind] < objects[kind] + changes for kind in objects), (objects, after)
    assert memory() - used < 40
