"""The whole application in a process that dies when it opens a network socket.

``python -m tests.survival.offline FOLDER`` refuses sockets twice: an audit hook hears Python's own,
and on Linux a seccomp filter has the kernel end the process at any ``socket`` call for the internet,
whoever makes it (Qt, torch, a C library). Then it does what a learner does: every lesson runs, the
model answers, every page and sheet is opened.
"""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct
import sys
from pathlib import Path

SOCKET_CALL = {"x86_64": 41, "aarch64": 198}
FAMILIES = (socket.AF_INET, socket.AF_INET6)
HEARD = 3


def refuse_sockets() -> None:
    """From now on: Python's sockets end with status 3, the kernel's with ``SIGSYS``."""
    sys.addaudithook(_hear)
    if sys.platform == "linux" and platform.machine() in SOCKET_CALL:
        _filter(SOCKET_CALL[platform.machine()])


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if event.startswith("socket."):
        os.write(2, f"{event} {arguments!r}\n".encode())
        os._exit(HEARD)


def _filter(call: int) -> None:
    """The kernel looks at every system call: ``socket(AF_INET…)`` ends the process."""
    load, jump_if, end = 0x20, 0x15, 0x06
    kill, allow = 0x80000000, 0x7FFF0000
    program = [
        (load, 0, 0, 0),  # the number of the call
        (jump_if, 0, 4, call),
        (load, 0, 0, 16),  # its first argument, the family
        (jump_if, 1, 0, int(FAMILIES[0])),
        (jump_if, 0, 1, int(FAMILIES[1])),
        (end, 0, 0, kill),
        (end, 0, 0, allow),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    filters = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    )
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    assert libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0
    assert libc.prctl(set_seccomp, mode_filter, filters, 0, 0) == 0, ctypes.get_errno()


def use_everything(folder: Path) -> None:
    """Start, go through all lessons, chat, look at every page, end."""
    from desktop.app import Glassbox, Options, make_application
    from desktop.bilingual import Bilingual
    from desktop.commands.windows import pass_time, wait_until
    from tests.ui.chat.conftest import make_model

    model = make_model(folder / "models" / "tiny")
    app = make_application()
    glassbox = Glassbox(app, Options(language="en", data_dir=folder))
    glassbox.start((1280, 720))
    session, window = glassbox.session, glassbox.window

    def until(holds: object, what: str) -> None:
        wait_until(holds, 60.0, Bilingual.same(what))  # type: ignore[arg-type]

    until(lambda: glassbox.started, "window")
    for lesson in glassbox.course.lessons:
        glassbox.open_lesson(lesson.slug)
        until(lambda slug=lesson.slug: session.status.lesson == slug and session.status.runs, "run")
        session.step(2)
        if lesson.trains:
            until(lambda: session.status.step >= 1, "step")
    window.show_chat(True)
    assert glassbox.chat is not None
    chat = glassbox.chat
    chat.pane.load(model)
    until(lambda: chat.session.info is not None, "model")
    chat.controller.send("Once upon a time")
    until(lambda: chat.controller.writing, "answer")
    pass_time(1.0)
    chat.controller.stop()
    until(lambda: not chat.controller.writing, "end of the answer")
    for name in ("glossary", "settings", "shortcuts", "about", "search", "switch_language"):
        window.actions_by_name[name].trigger()
        pass_time(0.05)
    window.close()
    glassbox.close()
    print("everything was used")


if __name__ == "__main__":
    refuse_sockets()
    if "--try" in sys.argv:
        family = getattr(socket, sys.argv[-1])
        libc = ctypes.CDLL(None)
        libc.socket(int(family), int(socket.SOCK_STREAM), 0)  # past Python, as a library would
        print("went through")
    elif "--try-python" in sys.argv:
        socket.socket()
    else:
        use_everything(Path(sys.argv[-1]))
