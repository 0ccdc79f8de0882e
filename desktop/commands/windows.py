"""What ``shot`` and the window benchmarks share: a real window, driven from outside.

The window is the application's own, built by ``desktop.app``; nothing is replaced, only the data
folder is a temporary one unless named. Imports Qt and ``desktop.app`` when used.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.bilingual import Bilingual, GlassboxError
from desktop.commands.arguments import UsageError

if TYPE_CHECKING:
    from desktop.app import Glassbox, Options

POLL_MS = 15
OPENING_SECONDS = 60.0


class WindowTimeoutError(GlassboxError):
    """The window did not reach the state asked for."""


def choose_platform(*, offscreen: bool = False) -> None:
    """Draw without a screen where there is none, or where none is wanted."""
    no_screen = sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if offscreen or no_screen:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@contextmanager
def opened(
    options: Options,
    size: tuple[int, int],
    watch: Callable[[Glassbox], None] | None = None,
) -> Iterator[Glassbox]:
    """The application with its window shown at ``size``, closed again at the end.

    ``watch`` is called before the window is shown, for those who measure the start.
    """
    from dataclasses import replace

    from desktop.app import Glassbox, make_application

    app = make_application()
    app.setCursorFlashTime(0)
    with tempfile.TemporaryDirectory(prefix="glassbox-", ignore_cleanup_errors=True) as spare:
        if options.data_dir is None:
            options = replace(options, data_dir=Path(spare))
        glassbox = Glassbox(app, options)
        try:
            if watch is not None:
                watch(glassbox)
            glassbox.start(size)
            what = Bilingual("窗口还没有打开", "the window was not open")
            wait_until(lambda: glassbox.started, OPENING_SECONDS, what)
            yield glassbox
        finally:
            glassbox.window.close()
            glassbox.close()


def wait_until(holds: Callable[[], bool], seconds: float, what: Bilingual) -> None:
    """Run the event loop until ``holds()``; raises ``WindowTimeoutError`` after ``seconds``."""
    from PySide6.QtCore import QDeadlineTimer, QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer()
    deadline = QDeadlineTimer(int(seconds * 1000))
    held = False

    def look() -> None:
        nonlocal held
        held = held or holds()  # it may have passed again by the time the loop has ended
        if held or deadline.hasExpired():
            loop.quit()

    timer.timeout.connect(look)
    timer.start(POLL_MS)
    loop.exec()
    timer.stop()
    if not held:
        raise WindowTimeoutError(
            Bilingual(f"等了 {seconds:g} 秒，{what.zh}。", f"After {seconds:g} seconds, {what.en}.")
        )


def pass_time(seconds: float) -> None:
    """Run the event loop for a while."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def size(text: str) -> tuple[int, int]:
    """An argument type: ``1280x720``."""
    match = re.fullmatch(r"(\d{3,5})[xX×](\d{3,5})", text.strip())
    if not match:
        raise UsageError(
            Bilingual(
                f"“{text}”不是窗口大小，要写成 1280x720 这样。",
                f"“{text}” is no window size; write it as 1280x720.",
            )
        )
    return int(match[1]), int(match[2])
