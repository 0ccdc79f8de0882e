"""Messages and errors: said in words, details on request, never over the transport."""

from __future__ import annotations

import platform
import sys
import threading

import pytest
from PySide6.QtCore import QObject, Qt, QTimer, Signal, qInstallMessageHandler, qWarning
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QWidget
from pytestqt.exceptions import capture_exceptions

from desktop import crash_log
from desktop.bilingual import Bilingual, GlassboxError
from desktop.ui import toasts as module
from desktop.ui.crash_sheet import CrashSheet
from desktop.ui.errors import ErrorPresenter, QtMessages
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme
from desktop.ui.toasts import Toasts

ERROR = GlassboxError(
    Bilingual("文件读不出来。", "The file cannot be read."),
    Bilingual("换一个文件试试。", "Try another file."),
    "line 3: expected a number",
)


@pytest.fixture
def host(qtbot):
    theme().set(reduced_motion=True)
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def toasts(host):
    return Toasts(host)


def texts(widget):
    return [label.text() for label in widget.findChildren(QLabel)]


def button(widget, text):
    return next(one for one in widget.findChildren(QPushButton) if one.text() == text)


def test_stays_in_the_upper_part(toasts, host):
    for number in range(5):
        toasts.tell(f"message {number}")
    assert len(toasts.shown) == module.AT_MOST
    assert max(toast.geometry().bottom() for toast in toasts.shown) < host.height() / 2
    tops = [toast.y() for toast in toasts.shown]
    assert tops == sorted(tops)
    assert toasts.shown[0].text == "message 4"


def test_leaves_by_itself_but_an_error_stays(qtbot, toasts, monkeypatch):
    monkeypatch.setattr(module, "SHOWN_MS", 30)
    toasts.tell("gone soon")
    toasts.tell("stays", tone="bad")
    qtbot.waitUntil(lambda: [toast.text for toast in toasts.shown] == ["stays"])


def test_the_same_message_is_shown_once(toasts):
    toasts.tell("again")
    toasts.tell("again")
    assert [toast.text for toast in toasts.shown] == ["again"]


def test_action_runs_and_closes(qtbot, toasts):
    done = []
    toast = toasts.tell("cleared", action=("Undo", lambda: done.append(1)))
    qtbot.mouseClick(button(toast, "Undo"), Qt.MouseButton.LeftButton)
    assert done == [1]
    assert toasts.shown == []


def test_error_has_sentence_hint_and_folded_details(qtbot, toasts, host):
    errors = ErrorPresenter(toasts, host)
    errors.show_error(ERROR)
    toast = toasts.shown[0]
    assert "The file cannot be read." in texts(toast)
    assert "Try another file." in texts(toast)
    details = toast.findChild(QPlainTextEdit)
    assert not details.isVisible()
    before = toast.height()
    qtbot.mouseClick(button(toast, tr("toast.details")), Qt.MouseButton.LeftButton)
    assert details.isVisible()
    assert toast.height() > before
    qtbot.mouseClick(button(toast, tr("toast.copy")), Qt.MouseButton.LeftButton)
    assert "line 3" in QGuiApplication.clipboard().text()


def test_error_speaks_the_language_in_force(toasts, host):
    language().set("zh")
    ErrorPresenter(toasts, host).show_error(ERROR)
    assert "文件读不出来。" in texts(toasts.shown[0])


def test_markup_in_a_message_is_only_text(toasts):
    toast = toasts.tell("<b>bold</b> <img src=x>")
    label = next(one for one in toast.findChildren(QLabel) if "bold" in one.text())
    assert label.textFormat() == Qt.TextFormat.PlainText


@pytest.fixture
def errors(toasts, host):
    """Hooked in as in the running program."""
    made = ErrorPresenter(toasts, host)
    made.install()
    yield made
    made.uninstall()


class Slots(QObject):
    """Places where a fault can hide."""

    called = Signal()

    def __init__(self, parent):
        super().__init__(parent)
        self.called.connect(self.fail)
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.timeout.connect(self.fail)

    def fail(self):
        raise ZeroDivisionError("told to fail")


class BadPaint(QWidget):
    """A fault at the rate of the display."""

    def paintEvent(self, event):
        raise ZeroDivisionError("told to fail")


def report_of(errors):
    assert errors.sheet is not None
    assert errors.sheet.isVisible()
    assert errors.sheet.sentence.text() == tr("error.unexpected")
    return errors.sheet.report.toPlainText()


def in_a_thread(host):
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()


def in_a_slot(host):
    Slots(host).called.emit()


def in_a_timer(host):
    Slots(host).timer.start(0)


def in_an_event(host):
    BadPaint(host).show()


def in_a_generator(host):
    def work():
        yield 1
        raise ZeroDivisionError("told to fail")

    steps = work()

    def run():
        next(steps)
        next(steps)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def in_a_late_call(host):
    QTimer.singleShot(0, lambda: 1 / 0)


PLACES = [in_a_thread, in_a_slot, in_a_timer, in_an_event, in_a_generator, in_a_late_call]


@pytest.mark.parametrize("place", PLACES)
def test_an_error_that_nobody_caught_opens_the_sheet(qtbot, host, errors, place):
    with capture_exceptions():
        errors.install()  # over pytest-qt's own hook
        place(host)
        qtbot.waitUntil(lambda: errors.sheet is not None)
        for widget in host.findChildren(BadPaint):
            widget.hide()
    assert "ZeroDivisionError" in report_of(errors)
    assert "test_messages.py" in report_of(errors)


def test_the_report_can_be_copied_and_the_work_goes_on(qtbot, host, errors):
    errors.report(ZeroDivisionError("told to fail"))
    sheet = errors.sheet
    qtbot.mouseClick(sheet.copy, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert tr("error.unexpected") in copied
    assert "ZeroDivisionError: told to fail" in copied
    assert platform.python_version() in copied
    qtbot.mouseClick(sheet.go_on, Qt.MouseButton.LeftButton)
    assert not sheet.isVisible()


def test_many_errors_are_counted_in_one_sheet(host, errors):
    for number in range(30):
        errors.report(ValueError(f"number {number}"))
    sheet = errors.sheet
    assert len(host.findChildren(CrashSheet)) == 1
    assert sheet.count.text() == tr("error.again", count=30)
    assert "number 0" in sheet.report.toPlainText()
    sheet.dismiss()
    errors.report(ValueError("a new one"))
    assert "number 0" not in sheet.report.toPlainText()
    assert not sheet.count.isVisible()


def test_without_a_terminal_errors_are_still_shown(qtbot, host, errors, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", None)
    in_a_thread(host)
    qtbot.waitUntil(lambda: errors.sheet is not None)
    assert "ZeroDivisionError" in report_of(errors)


def test_the_hooks_are_given_back(toasts, host):
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    errors = ErrorPresenter(toasts, host)
    errors.install()
    errors.install()
    errors.uninstall()
    assert hooks == (sys.excepthook, threading.excepthook, sys.unraisablehook)


def test_qt_messages_reach_the_log_and_go_on_to_where_they_went(tmp_path):
    heard = []
    before = qInstallMessageHandler(lambda kind, context, text: heard.append(text))
    crash_log.start_log(tmp_path)
    messages = QtMessages()
    try:
        messages.install()
        qWarning("the platform complains")
        messages.uninstall()
        qWarning("not ours any more")
    finally:
        qInstallMessageHandler(before)
        crash_log.stop_log()
    written = (tmp_path / crash_log.LOG).read_text(encoding="utf-8")
    assert "the platform complains" in written
    assert "not ours" not in written
    assert heard == ["the platform complains", "not ours any more"]
