"""Starts the window as a program: alone with its data folder, with everything that goes wrong caught.

A second start with the same data folder hands its wishes to the window that is open. Native crashes,
Qt's messages and whatever keeps the window from opening are written down (``desktop.crash_log``), and
shown where there is no terminal to read. Imports everything of ours; only the command line imports it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from desktop.app import Glassbox, Options, check_lesson, check_screen, make_application

# isort: split
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from desktop import crash_log, instance, paths
from desktop.bilingual import Bilingual, GlassboxError, Language
from desktop.ui.appearance import system_language, system_theme
from desktop.ui.errors import QtMessages
from desktop.ui.strings import table
from desktop.ui.style import apply_style
from desktop.ui.theme import theme


def run(arguments: argparse.Namespace) -> int:
    """Open the window and stay until it is closed; returns the exit status.

    When a window with the same data folder is open, that one is shown instead.
    """
    check_screen()
    check_lesson(arguments.lesson or "", "")
    folder = paths.data_dir(arguments.data_dir)
    first = instance.claim(folder)
    if first is None:
        return _hand_over(folder, arguments)
    crash_log.start_log(folder)
    messages, crashes = QtMessages(), crash_log.NativeCrashes(folder)
    messages.install()
    crashes.start()
    try:
        return _open_window(arguments, first, crashes.last)
    finally:
        crashes.close()
        messages.uninstall()
        crash_log.stop_log()
        first.release()


def _open_window(
    arguments: argparse.Namespace, first: instance.FirstWindow, last_crash: str
) -> int:
    app = make_application()
    try:
        glassbox = Glassbox(app, options_of(arguments))
        glassbox.last_crash = last_crash
        glassbox.start()
    except Exception as error:
        _tell_no_start(error)
        raise
    glassbox.listen(first)
    try:
        return app.exec()
    finally:
        glassbox.close()


def options_of(arguments: argparse.Namespace) -> Options:
    """What the command line says about the window."""
    return Options(
        lesson=arguments.lesson or "",
        open_file=Path(arguments.open) if arguments.open else None,
        language=arguments.lang,
        theme=arguments.theme,
        data_dir=Path(arguments.data_dir) if arguments.data_dir else None,
    )


def _hand_over(folder: Path, arguments: argparse.Namespace) -> int:
    wish = instance.Wish(
        lesson=arguments.lesson or "",
        open_file=str(Path(arguments.open).absolute()) if arguments.open else "",
        token=os.environ.get("XDG_ACTIVATION_TOKEN", ""),
    )
    if instance.hand_over(folder, wish):
        return 0
    silent = GlassboxError(table()["instance.silent"], table()["instance.silent_hint"])
    _box(silent.message, silent.hint, arguments.lang)
    raise silent


def _tell_no_start(error: Exception) -> None:
    """Somebody who starts it from an icon sees no terminal: a box says what the terminal would."""
    details = crash_log.describe(error)
    crash_log.log.critical("could not start\n%s", details)
    if isinstance(error, GlassboxError):
        _box(error.message, error.hint, None)
    else:
        texts = table()
        _box(texts["error.no_start"], texts["error.no_start_hint"], None, details)


def _box(message: Bilingual, hint: Bilingual, chosen: Language | None, details: str = "") -> None:
    """A message box, where nobody would read a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        return
    app = make_application()
    spoken = chosen or system_language()
    theme().set(name=system_theme())
    apply_style(app)
    box = QMessageBox(QMessageBox.Icon.Warning, "Glassbox", message[spoken])
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(hint[spoken])
    if details:
        box.setDetailedText(details)
    close = table()["error.close"][spoken]
    box.setDefaultButton(box.addButton(close, QMessageBox.ButtonRole.RejectRole))
    box.exec()
