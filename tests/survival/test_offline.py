"""Closed by default: the application runs where opening a socket ends the process."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.survival.offline import HEARD, SOCKET_CALL

KERNEL = sys.platform == "linux" and platform.machine() in SOCKET_CALL


def run(*arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "tests.survival.offline", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
    )


@pytest.mark.slow
def test_lessons_chat_and_every_page_need_no_socket(tmp_path: Path) -> None:
    done = run(str(tmp_path / "data"))
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert done.stdout == "everything was used\n"


@pytest.mark.skipif(not KERNEL, reason="seccomp filters")
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_the_kernel_refuses_a_library_too(family: str) -> None:
    done = run("--try", family)
    assert done.returncode == -signal.SIGSYS
    assert "went through" not in done.stdout


def test_pythons_own_sockets_are_heard() -> None:
    assert run("--try-python").returncode == HEARD
