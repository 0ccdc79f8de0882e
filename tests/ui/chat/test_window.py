"""The chat in the whole window: opened by key, remembered, closed in the middle of an answer."""

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QPushButton
from shiboken6 import isValid

from desktop import app as application
from desktop.app import Glassbox, Options
from desktop.course.chats import Chats
from desktop.course.store import Store
from desktop.runtime.chat_messages import ChatSettings
from desktop.ui.theme import theme

from .conftest import make_model

WAIT = 60_000


@pytest.fixture
def opened(qtbot, tmp_path, monkeypatch):
    """Makes the application's window in ``tmp_path``; closes whatever is left at the end."""
    made: list[Glassbox] = []

    def make(width: int = 1280, lesson: str = "gradient-descent") -> Glassbox:
        options = Options(lesson=lesson, language="en", theme="light", data_dir=tmp_path)
        glassbox = Glassbox(application.make_application(), options)
        made.append(glassbox)
        glassbox.start((width, 720))
        qtbot.waitUntil(lambda: glassbox.started, timeout=WAIT)
        glassbox.session.pause()
        return glassbox

    yield make
    for glassbox in made:
        if isValid(glassbox):
            close(glassbox)


def close(glassbox: Glassbox) -> None:
    glassbox.window.close()
    glassbox.close()
    glassbox.window.deleteLater()
    glassbox.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_the_chat_opens_with_a_key_and_is_remembered(qtbot, opened):
    first = opened()
    assert first.window.chat is None
    qtbot.keyClick(first.window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert first.window.chat is not None
    assert first.window.chat.isVisible()
    assert first.window.outline.chat_button.isChecked()
    assert 300 <= first.window.chat.width() <= 420
    assert first.window.width() == 1280
    close(first)
    second = opened()
    assert second.window.chat is not None
    second.window.outline.chat_button.click()
    assert not second.window.chat.isVisible()


def test_a_wide_window_has_it_open_and_a_narrow_one_does_not(qtbot, opened):
    glassbox = opened(1700)
    assert glassbox.window.chat is not None
    assert glassbox.window.chat.isVisible()
    glassbox.window.resize(1280, 720)
    qtbot.waitUntil(lambda: not glassbox.window.chat.isVisible(), timeout=WAIT)


def test_where_there_is_no_room_it_lies_over_the_lesson(qtbot, opened):
    glassbox = opened()
    glassbox.window.show_chat(True)
    chat, window = glassbox.window.chat, glassbox.window
    assert chat.parent() is window.splitter
    window.resize(960, 600)
    qtbot.waitUntil(lambda: chat.parent() is window.pages, timeout=WAIT)
    assert chat.isVisible()
    assert chat.geometry().right() == window.pages.width() - 1
    assert chat.height() == window.pages.height()
    theme().set(text_scale=1.4)
    qtbot.waitUntil(lambda: chat.geometry().right() == window.pages.width() - 1, timeout=WAIT)
    theme().set(text_scale=1.0)
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: chat.parent() is window.splitter, timeout=WAIT)
    assert chat.isVisible()


def test_the_size_of_the_text_comes_and_goes_without_a_trace(qtbot, opened):
    window = opened(1700).window
    before = window.splitter.sizes()
    for scale in (2.0, 0.8, 1.25, 1.0):
        theme().set(text_scale=scale)
        qtbot.waitUntil(
            lambda: (
                abs(window.pages.x() - window.outline.width()) <= 1
                and window.outline.width() <= window.outline.sizeHint().width()
            ),
            timeout=WAIT,
        )
    qtbot.waitUntil(lambda: window.splitter.sizes() == before, timeout=WAIT)


def test_small_text_does_not_open_columns_there_is_no_room_for(qtbot, opened):
    window = opened(1280).window
    theme().set(text_scale=0.8)
    shown = window.chat is not None and window.chat.isVisible()
    theme().set(text_scale=1.0)
    assert not shown
    assert window.outline.folded


def test_closing_in_the_middle_of_an_answer_keeps_it(qtbot, opened, tmp_path: Path):
    make_model(tmp_path / "models" / "tiny")
    glassbox = opened()
    glassbox.window.show_chat(True)
    pane = glassbox.window.chat
    pane.load(tmp_path / "models" / "tiny")
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)
    pane.controller.set_settings(ChatSettings(max_tokens=2000))
    glassbox.session.play()
    with qtbot.waitSignal(pane.controller.tokens_came, timeout=WAIT):
        pane.composer.sent.emit("Once upon")
    close(glassbox)
    store = Store(tmp_path / "glassbox.sqlite3")
    last = Chats(store.database).branch(1)[-1]
    assert last.state == "stopped"
    assert last.text
    store.close()


def test_a_deleted_conversation_comes_back_with_undo(qtbot, opened):
    glassbox = opened()
    glassbox.window.show_chat(True)
    control = glassbox.window.chat.controller
    number = control.conversation.id
    control.chats.add(number, 0, "user", "keep me")
    glassbox.window.chat.list_page.deleted.emit(number)
    assert control.conversation.id != number
    toast = glassbox.window.toasts.shown[0]
    next(one for one in toast.findChildren(QPushButton) if one.text() == "Undo").click()
    assert control.conversation.id == number


def test_a_model_kept_by_a_lesson_can_be_talked_to(qtbot, opened, tmp_path):
    kept = make_model(tmp_path / "kept" / "mine")
    glassbox = opened()
    glassbox.session.kept.emit(kept)
    buttons = [b for toast in glassbox.window.toasts.shown for b in toast.findChildren(QPushButton)]
    next(one for one in buttons if "chat" in one.text()).click()
    shelf = glassbox.chat.shelf
    qtbot.waitUntil(lambda: [one.name for one in shelf.models] == ["mine"], timeout=WAIT)


def test_the_last_model_is_found_after_the_data_folder_has_moved(qtbot, opened, tmp_path):
    """Kept as a whole path by an earlier version, in a folder that has another name now."""
    make_model(tmp_path / "models" / "tiny")
    glassbox = opened()
    glassbox.store.set_setting("chat.model", "/gone/Glassbox/models/tiny")
    glassbox.window.show_chat(True)
    session = glassbox.window.chat.session
    qtbot.waitUntil(lambda: session.info is not None, timeout=WAIT)
    assert session.info.name == "tiny"
    assert glassbox.store.setting("chat.model", "") == "models:tiny"
