"""Shows what went wrong: a sentence, what to do next, details on request; and writes it down.

Errors of ours (``GlassboxError``) carry their own words and become a message over the page. Anything
else is a fault of the program: it gets a sheet with a sentence, its traceback and a button to copy
it. ``install`` catches what nobody caught, in any thread and in any slot, without ever closing the
window; an error that comes again and again is counted, not piled up. Imports Qt, strings, toasts and
the crash log; no torch.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtWidgets import QWidget

from desktop import crash_log
from desktop.bilingual import GlassboxError
from desktop.ui.crash_sheet import CrashSheet
from desktop.ui.strings import pick, tr
from desktop.ui.toasts import Toasts

log = logging.getLogger("glassbox")

SAME_ERROR_SECONDS = 10.0
"""An error that repeats (in a paint event, say) is written down again only after so long."""

QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class ErrorPresenter(QObject):
    """Lives in the interface thread; ``report`` may be called from any thread."""

    shown = Signal(object)
    _reported = Signal(object)

    def __init__(self, toasts: Toasts, window: QWidget) -> None:
        super().__init__(toasts)
        self._toasts, self._window = toasts, window
        self.sheet: CrashSheet | None = None
        self._written: dict[str, float] = {}
        self._hooks: tuple[Any, Any, Any] | None = None
        self._reported.connect(self.show_error)

    def report(self, error: BaseException) -> None:
        """Show an error from whichever thread it happened in."""
        self._reported.emit(error)

    def show_error(self, error: BaseException) -> None:
        """Show an error; call this in the interface thread only."""
        self.shown.emit(error)
        if isinstance(error, GlassboxError):
            self.write_down(error)
            self._toasts.tell(
                pick(error.message), hint=pick(error.hint), details=error.details, tone="bad"
            )
            return
        details = crash_log.describe(error)
        self._write_once("unexpected error", details)
        self.show_report(tr("error.unexpected"), tr("error.unexpected_hint"), details)

    def show_report(self, sentence: str, hint: str, details: str) -> None:
        """The sheet with a technical report."""
        if self.sheet is None:
            self.sheet = CrashSheet(self._window)
        self.sheet.show_report(sentence, hint, details)

    def write_down(self, error: GlassboxError) -> None:
        """Log an error that another part of the window shows."""
        details = error.details
        if "Traceback" not in details:
            details = crash_log.without_quotes(details)
        said = crash_log.without_quotes(error.message.en)
        self._write_once(said, details, logging.WARNING)

    def _write_once(self, what: str, details: str, level: int = logging.ERROR) -> None:
        now = time.monotonic()
        if now - self._written.get(details, -1e9) >= SAME_ERROR_SECONDS:
            self._written = {key: at for key, at in self._written.items() if now - at < 60.0}
            self._written[details] = now
            log.log(level, "%s\n%s", what, details)
            if level >= logging.ERROR and crash_log.has_terminal():
                print(details, file=sys.stderr)

    # ---- hooks

    def install(self) -> None:
        """Catch whatever nobody caught."""
        if self._hooks is None:
            self._hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = self._python_hook
        threading.excepthook = self._thread_hook
        sys.unraisablehook = self._unraisable_hook

    def uninstall(self) -> None:
        """Give the hooks back."""
        if self._hooks is not None:
            sys.excepthook, threading.excepthook, sys.unraisablehook = self._hooks
            self._hooks = None

    def _python_hook(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        self.report(error)

    def _thread_hook(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self.report(arguments.exc_value)

    def _unraisable_hook(self, arguments: Any) -> None:
        """Errors while something is thrown away: nothing is lost by them, so they are only logged."""
        if isinstance(arguments.exc_value, BaseException):
            self._write_once("error while tidying up", crash_log.describe(arguments.exc_value))


class QtMessages:
    """Qt's own warnings go to the log, and on to where they went before (or to a terminal)."""

    def __init__(self) -> None:
        self._before: Callable[..., object] | None = None
        self._installed = False

    def install(self) -> None:
        """From now on, also those of other threads."""
        self._before = qInstallMessageHandler(self._handle)
        self._installed = True

    def uninstall(self) -> None:
        """As it was."""
        if self._installed:
            qInstallMessageHandler(self._before)
            self._installed = False

    def _handle(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        log.log(QT_LEVELS.get(kind, logging.WARNING), "Qt: %s", message)
        if self._before is not None:
            self._before(kind, context, message)
        elif crash_log.has_terminal() and kind != QtMsgType.QtDebugMsg:
            print(message, file=sys.stderr)
