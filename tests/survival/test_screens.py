"""Screens: another scale, one that is unplugged, one that is not there any more at the next start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.ui.main_window import MainWindow
from desktop.ui.screens import in_view

SCALES = (1.0, 1.5, 2.25, 3.0)
SIZE = (3840, 2160)

BEGIN = """
    import sys
    from pathlib import Path
    from PySide6.QtWidgets import QLabel
    from desktop.app import Glassbox, Options, make_application
    from desktop.bilingual import Bilingual
    from desktop.commands.windows import wait_until
    from desktop.ui.panels.canvas import Canvas
    from desktop.ui.screens import in_view

    glassbox = Glassbox(make_application(), Options(language="en", data_dir=Path(sys.argv[1])))
    window, session = glassbox.window, glassbox.session
    screens = glassbox._app.screens()
    glassbox.errors.install = lambda: None  # a failure here is for the terminal to say
    def until(holds, what):
        wait_until(holds, 60.0, Bilingual.same(what))
"""
TRAVEL = """
    glassbox.start((1200, 680))
    until(lambda: session.status.step > 3, "step")
    session.pause()
    until(lambda: not session.status.playing, "pause")
    window.show_chat(True)
    window.chat.composer.field.setPlainText("half a question")
    def shown(kind):
        return [found for found in window.findChildren(kind) if found.isVisible()]
    def ratios():
        pictures = [canvas._pixmap for canvas in shown(Canvas)]
        pictures += [label.pixmap() for label in shown(QLabel) if not label.pixmap().isNull()]
        return {picture.devicePixelRatio() for picture in pictures}
    kept = session.status
    for screen in [*screens, screens[0]]:
        corner = screen.availableGeometry().topLeft()
        window.move(corner)
        ratio = screen.devicePixelRatio()
        until(lambda: ratios() == {ratio}, f"sharp at {ratio}")
        assert window.screen() is screen
        assert screen.availableGeometry().contains(window.geometry()), window.geometry()
    now = session.status
    assert (now.step, now.head, now.parameters) == (kept.step, kept.head, kept.parameters)
    assert [run.id for run in now.runs] == [run.id for run in kept.runs]
    assert window.chat.composer.field.toPlainText() == "half a question"
    window.close()
    glassbox.close()
    print([screen.devicePixelRatio() for screen in screens])
"""
LEAVE_ON_THE_LAST = """
    glassbox.start((1200, 680))
    window.move(screens[-1].availableGeometry().topLeft())
    until(lambda: window.screen() is screens[-1] and glassbox.started, "moved")
    window.close()
    glassbox.close()
    print("left")
"""
COME_BACK = """
    glassbox.start()
    until(lambda: glassbox.started, "window")
    (screen,) = screens
    frame = window.frameGeometry()
    assert in_view(frame, [screen.availableGeometry()]) == frame
    assert window.isVisible()
    window.close()
    glassbox.close()
    print("in view")
"""


def run(folder: Path, scales: tuple[float, ...], body: str) -> str:
    """The application on screens of these scales, side by side."""
    screens = [
        {
            "name": f"screen {number}",
            "x": number * SIZE[0],
            "y": 0,
            "width": SIZE[0],
            "height": SIZE[1],
            "logicalDpi": round(96 * scale),
            "logicalBaseDpi": 96,
            "dpr": 1,
        }
        for number, scale in enumerate(scales)
    ]
    place = folder / "screens.json"
    place.write_text(json.dumps({"screens": screens}))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BEGIN + body), str(folder / "data")],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "QT_QPA_PLATFORM": f"offscreen:configfile={place}"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_everything_stays_and_is_sharp_from_100_to_300_percent(tmp_path: Path) -> None:
    assert run(tmp_path, SCALES, TRAVEL) == str(list(SCALES))


@pytest.mark.slow
def test_a_screen_that_is_gone_at_the_next_start(tmp_path: Path) -> None:
    assert run(tmp_path, (1.0, 2.0), LEAVE_ON_THE_LAST) == "left"
    assert run(tmp_path, (3.0,), COME_BACK) == "in view"


def test_a_window_left_where_no_screen_is_any_more_comes_back(
    qtbot: QtBot, window: MainWindow, qapp: QApplication
) -> None:
    screen = window.screen()
    window.move(20_000, 300)
    qapp.screenRemoved.emit(screen)
    qtbot.waitUntil(lambda: screen.availableGeometry().intersects(window.frameGeometry()))
    assert window.isVisible()
    moved = window.pos()
    window.move(moved + QPoint(7, 5))
    qapp.screenRemoved.emit(screen)  # in view: left alone
    qtbot.waitUntil(lambda: not window.screens.waiting)
    assert window.pos() == moved + QPoint(7, 5)


def test_what_is_in_view() -> None:
    left, right = QRect(0, 0, 1920, 1080), QRect(1920, 0, 1280, 720)
    here = QRect(100, 100, 1000, 700)
    assert in_view(here, [left, right]) == here
    over_the_edge = QRect(1500, 100, 1000, 600)  # on both, and can be dragged
    assert in_view(over_the_edge, [left, right]) == over_the_edge
    assert in_view(QRect(2000, 10, 1000, 700), [left]) == QRect(920, 10, 1000, 700)
    assert in_view(QRect(2000, 10, 3000, 2000), [left]) == QRect(0, 0, 1920, 1080)
    title_above = QRect(100, -300, 1000, 700)  # its title cannot be reached
    assert in_view(title_above, [left]) == QRect(100, 0, 1000, 700)
