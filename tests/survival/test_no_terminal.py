"""A packaged window has no standard streams at all: ``sys.stdout`` and ``sys.stderr`` are ``None``."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


def run(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(
        """
        import os, sys
        sys.stdin = sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None
        from desktop.cli import main
        """
    ) + textwrap.dedent(body)
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "GLASSBOX_DATA_DIR": str(folder),
    }
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment
    )


@pytest.mark.slow
def test_the_window_opens_reports_a_fault_and_closes(tmp_path: Path) -> None:
    body = """
        from PySide6.QtCore import QTimer
        from desktop.app import Glassbox
        start = Glassbox.start
        def begin(self, size=None):
            start(self, size)
            def look():
                if not self.session.status.runs:
                    return
                if self.errors.sheet is None:
                    raise ZeroDivisionError("told to fail")
                assert self.errors.sheet.isVisible()
                timer.stop()
                self.window.close()
            timer = QTimer(self)
            timer.timeout.connect(look)
            timer.start(200)
        Glassbox.start = begin
        os._exit(40 + main([]))
    """
    done = run(tmp_path, body)
    assert done.returncode == 40, done.stderr
    assert "told to fail" in (tmp_path / "glassbox.log").read_text(encoding="utf-8")
    assert not (tmp_path / "crash.txt").exists()


def test_a_wrong_argument_still_ends_with_its_status(tmp_path: Path) -> None:
    body = """
        statuses = [main(["--no-such-option"]), main(["--version"]), main(["lessons"])]
        os._exit(40 if statuses[0] and not statuses[1] and not statuses[2] else 41)
    """
    done = run(tmp_path, body)
    assert done.returncode == 40, done.stderr
