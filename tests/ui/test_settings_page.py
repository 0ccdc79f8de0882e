"""The settings page: every choice acts at once and is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QGuiApplication

from desktop.course.progress_copy import copy_progress, put_back
from desktop.ui import appearance as module
from desktop.ui import fonts
from desktop.ui.appearance import Appearance, system_language
from desktop.ui.settings_page import SettingsPage
from desktop.ui.strings import language
from desktop.ui.theme import theme


@pytest.fixture
def page(qtbot, appearance, tmp_path):
    made = SettingsPage(appearance, tmp_path, lambda: "")
    qtbot.addWidget(made)
    made.resize(900, 760)
    made.show()
    qtbot.waitExposed(made)
    return made


def click(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_language_switches_and_is_kept(qtbot, page, store):
    click(qtbot, page.language_choice.buttons["zh"])
    assert language().current == "zh"
    assert page.reset.text() == "清空进度…"
    assert store.setting("language", "") == "zh"
    click(qtbot, page.language_choice.buttons["en"])
    assert page.reset.text() == "Clear progress…"


def test_theme_switches_and_is_kept(qtbot, page, store):
    click(qtbot, page.theme_choice.buttons["dark"])
    assert theme().name == "dark"
    assert store.setting("theme", "") == "dark"
    click(qtbot, page.theme_choice.buttons["system"])
    assert store.setting("theme", "") == "system"


def test_text_size_by_keyboard(qtbot, page, store, qapp):
    page.text_size.setFocus()
    qtbot.keyClick(page.text_size, Qt.Key.Key_End)
    assert theme().text_scale == 2.0
    assert qapp.font().pixelSize() == 26
    qtbot.keyClick(page.text_size, Qt.Key.Key_Home)
    assert theme().text_scale == pytest.approx(0.8)
    assert store.setting("text_size", 1.0) == pytest.approx(0.8)


def test_motion_is_kept(qtbot, page, store):
    page.reduced_motion.setFocus()
    qtbot.keyClick(page.reduced_motion, Qt.Key.Key_Space)
    assert theme().reduced_motion
    assert store.setting("reduced_motion", False) is True


def test_data_folder_is_shown_and_copied(qtbot, page, tmp_path: Path):
    assert page.folder_text.text() == str(tmp_path)
    click(qtbot, page.copy_folder)
    assert QGuiApplication.clipboard().text() == str(tmp_path)


def test_reset_asks_first(qtbot, page):
    asked = []
    page.reset_requested.connect(lambda: asked.append(1))
    click(qtbot, page.reset)
    assert page.confirm.isVisible()
    click(qtbot, page.keep)
    assert not page.confirm.isVisible()
    assert asked == []
    click(qtbot, page.reset)
    click(qtbot, page.confirm)
    assert asked == [1]


def test_forgotten_progress_comes_back(store):
    store.visit_step("a", "one")
    store.record_answer("a", "check", "yes", "yes")
    store.finish_lesson("b")
    before = store.all_progress()
    copy = copy_progress(store)
    store.forget_progress()
    assert store.all_progress() == {}
    put_back(store, copy)
    assert store.all_progress() == before


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (["zh-Hans-CN", "en"], "zh"),
        (["zh_TW"], "zh"),
        (["en-GB", "zh"], "en"),
        (["fr-FR"], "en"),
        ([], "en"),
    ],
)
def test_first_language_comes_from_the_system(monkeypatch, languages, expected):
    class System:
        @staticmethod
        def uiLanguages():
            return languages

    monkeypatch.setattr(QLocale, "system", staticmethod(System))
    assert system_language() == expected


def test_without_a_chinese_font_texts_are_english(qapp, store, monkeypatch):
    monkeypatch.setattr(fonts, "chinese_family", lambda: "")
    store.set_setting("language", "zh")
    made = Appearance(qapp, store)
    assert made.chinese_missing
    assert language().current == "en"
    made.deleteLater()


def test_theme_follows_the_system(qapp, store, monkeypatch):
    made = Appearance(qapp, store)
    monkeypatch.setattr(module, "system_theme", lambda: "dark")
    QGuiApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme().name == "dark"
    made.choose_theme("light")
    QGuiApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme().name == "light"
    made.deleteLater()


def test_a_nonsense_setting_is_ignored(qapp, store):
    store.set_setting("theme", "purple")
    store.set_setting("language", "xx")
    made = Appearance(qapp, store)
    assert (made.theme_choice, made.language_choice) == ("system", "system")
    made.deleteLater()
