"""``glassbox bench start``: how long from starting the process until something is seen, and moves.

Each repeat is a fresh process that opens the real window on the first lesson with an empty data
folder: process start → first paint → first frame past step 0; then the memory of the process while
the lesson runs. The child is the same command with ``--child``, from source or packaged.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from desktop import paths
from desktop.bilingual import Bilingual, GlassboxError
from desktop.commands.arguments import Parser, whole
from desktop.commands.output import Output
from desktop.commands.windows import choose_platform, opened, pass_time, wait_until

if TYPE_CHECKING:
    from desktop.app import Glassbox

FIGURES = {
    "first_paint_s": ("第一次画出窗口（秒）", "first paint (s)"),
    "moving_s": ("课程动起来（秒）", "lesson moving (s)"),
    "rss_mb": ("运行时内存（MB）", "memory while running (MB)"),
}
TIMEOUT_SECONDS = 120.0
MEMORY_AFTER_SECONDS = 2.0
SIZE = (1280, 720)


def add_arguments(parser: Parser) -> None:
    """How often, and on which lesson."""
    parser.add_argument(
        "--repeats",
        type=whole(1, 50),
        default=5,
        metavar="N",
        help=parser.pick("启动几次", "how many starts"),
    )
    parser.add_argument(
        "--lesson",
        metavar="SLUG",
        default="",
        help=parser.pick("打开哪一课（默认第一课）", "which lesson (the first one if not named)"),
    )
    parser.add_argument("--child", type=float, metavar="STARTED", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Start it several times and print medians."""
    output: Output = arguments.output
    choose_platform()
    if arguments.child is not None:
        output.data(child(arguments.child, paths.data_dir(arguments.data_dir), arguments.lesson))
        return 0
    results = []
    for _ in range(arguments.repeats):
        results.append(_measure(arguments.lesson))
        shown = ", ".join(f"{name} {results[-1][name]:.2f}" for name in FIGURES)
        output.say(shown)
    figures = {name: _spread([one[name] for one in results]) for name in FIGURES}
    output.data(
        {
            "what": "start",
            "device": "cpu",
            "platform": results[0]["platform"],
            "lesson": results[0]["lesson"],
            "threads": os.cpu_count(),
            "repeats": arguments.repeats,
            **figures,
        }
    )
    for name, (zh, en) in FIGURES.items():
        found = figures[name]
        output.say(
            f"{output.pick(Bilingual(zh, en))}: {found['median']:.2f} "
            f"({found['min']:.2f}–{found['max']:.2f})"
        )
    return 0


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


def _measure(lesson: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="glassbox-bench-") as folder:
        program = [sys.executable, *([] if getattr(sys, "frozen", False) else ["-m", "desktop"])]
        started = time.time()
        done = subprocess.run(
            [
                *(*program, "bench", "start", "--json", "--data-dir", folder),
                *("--lesson", lesson, "--child", repr(started)),
            ],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=2 * TIMEOUT_SECONDS,
        )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise GlassboxError(
            Bilingual("被测的进程没有正常结束。", "The process being measured did not end well."),
            details=done.stderr,
        )
    found: dict[str, float] = json.loads(lines[-1])
    return found


def child(started: float, folder: Path, lesson: str) -> dict[str, object]:
    """One start, in the process being measured."""
    from desktop.app import Options

    painted: list[float] = []
    moved: list[float] = []

    def watch(glassbox: Glassbox) -> None:
        glassbox.first_painted.connect(lambda: painted.append(time.time()))
        glassbox.session.frame_changed.connect(
            lambda frame: moved.append(time.time()) if frame.step > 0 and not moved else None
        )

    with opened(Options(lesson=lesson, data_dir=folder), SIZE, watch) as glassbox:
        session = glassbox.session
        wait_until(
            lambda: bool(moved and painted),
            TIMEOUT_SECONDS,
            Bilingual("课程还没有动起来", "the lesson was not moving"),
        )
        pass_time(MEMORY_AFTER_SECONDS)
        import psutil
        from PySide6.QtGui import QGuiApplication

        return {
            "first_paint_s": painted[0] - started,
            "moving_s": moved[0] - started,
            "rss_mb": psutil.Process().memory_info().rss / 2**20,
            "platform": QGuiApplication.platformName(),
            "lesson": session.status.lesson,
        }
