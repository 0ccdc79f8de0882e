"""A virtual screen on this machine, and keyboard and eyes for a window on it.

The program under test runs elsewhere (in a chroot without network); all it shares with this module
is the X server's socket. Keys go through the X server as from a real keyboard; what is seen is the
server's own frame buffer.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SIZE = (1280, 720)
POLL_SECONDS = 0.2


class ProofError(AssertionError):
    """Something was not as a user would find it."""


class Screen:
    """An X server with one screen. Close it at the end."""

    def __init__(self, number: int, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.display = f":{number}"
        self._buffer = folder / "Xvfb_screen0"
        width, height = SIZE
        size = ["-screen", "0", f"{width}x{height}x24", "-fbdir", str(folder)]
        self._server = subprocess.Popen(
            ["Xvfb", self.display, "-ac", "-nolisten", "tcp", *size],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait(lambda: Path(f"/tmp/.X11-unix/X{number}").exists(), 20, "the X server does not start")

    def close(self) -> None:
        """End the server."""
        self._server.terminate()
        self._server.wait(10)

    def pixels(self) -> np.ndarray:
        """What is on the screen: height × width × (red, green, blue), bytes."""
        data = self._buffer.read_bytes()
        head = np.frombuffer(data[:100], dtype=">u4")
        width, height, line = int(head[4]), int(head[5]), int(head[12])
        start = int(head[0]) + 12 * int(head[19])  # header, then the colour table
        rows = np.frombuffer(data, np.uint8, height * line, start).reshape(height, line)
        return rows[:, : width * 4].reshape(height, width, 4)[:, :, 2::-1].copy()

    def save(self, path: Path) -> None:
        """A picture of the screen for people."""
        from PySide6.QtGui import QImage

        seen = np.ascontiguousarray(self.pixels())
        height, width, _ = seen.shape
        QImage(seen.data, width, height, 3 * width, QImage.Format.Format_RGB888).save(str(path))

    # ---- the window

    def _xdotool(self, *arguments: str) -> str:
        command = ["xdotool", *arguments]
        environment = {"DISPLAY": self.display, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30)
        return done.stdout.strip()

    def windows(self) -> list[str]:
        """Windows of the program that can be seen."""
        return self._xdotool("search", "--onlyvisible", "--class", "glassbox").split()

    def title(self) -> str:
        """The title of its window; empty when there is none."""
        found = self.windows()
        return self._xdotool("getwindowname", found[0]) if found else ""

    def focus(self) -> None:
        """Give the window the keyboard; there is no window manager to do it."""
        found = self.windows()
        if found:
            self._xdotool("windowfocus", "--sync", found[0])

    def key(self, *keys: str) -> None:
        """Press keys one after the other."""
        self._xdotool("key", "--delay", "60", *keys)
        time.sleep(0.3)

    def click(self, x: int, y: int) -> None:
        """Click at a place on the screen."""
        self._xdotool("mousemove", str(x), str(y), "click", "1")
        time.sleep(0.3)

    def type(self, text: str) -> None:
        """Type a text."""
        self._xdotool("type", "--delay", "20", text)
        time.sleep(0.3)


def wait(holds: Callable[[], object], seconds: float, complaint: str) -> None:
    """Return when ``holds()``; raises ``ProofError`` after ``seconds``."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise ProofError(f"after {seconds:g} seconds: {complaint}")
        time.sleep(POLL_SECONDS)
