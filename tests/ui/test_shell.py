"""The window around the lessons, used as a learner uses it: keys, clicks, typing."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea

from desktop.ui import commands
from desktop.ui.lesson_list import ROW_ROLE
from desktop.ui.outline import RAIL_WIDTH
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme

CTRL = Qt.KeyboardModifier.ControlModifier


def press(qtbot, widget, key, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(widget, key, modifier)


def lesson_row(window, slug):
    model = window.outline.lessons.model()
    for number in range(model.rowCount()):
        row = model.index(number, 0).data(ROW_ROLE)
        if getattr(row, "slug", "") == slug and hasattr(row, "steps"):
            return model.index(number, 0)
    raise AssertionError(slug)


def labels(widget):
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]


def test_click_on_a_lesson_asks_for_it(qtbot, window, course):
    slug = course.lessons[-1].slug
    view = window.outline.lessons
    where = view.visualRect(lesson_row(window, slug)).center()
    with qtbot.waitSignal(window.lesson_chosen) as asked:
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert asked.args == [slug, ""]


def test_outline_by_keyboard(qtbot, window, course):
    view = window.outline.lessons
    view.setFocus()
    press(qtbot, view, Qt.Key.Key_Down)
    with qtbot.waitSignal(window.lesson_chosen) as asked:
        press(qtbot, view, Qt.Key.Key_Return)
    assert asked.args[0] == course.lessons[1].slug


def test_outline_shows_progress_to_screen_readers(window, course):
    index = lesson_row(window, course.lessons[0].slug)
    spoken = index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == f"{course.lessons[0].title.en}, not started"


def test_outline_folds_by_button_and_width(qtbot, window):
    assert not window.outline.folded
    qtbot.mouseClick(window.outline.fold_button, Qt.MouseButton.LeftButton)
    assert window.outline.folded
    assert window.outline.width() == RAIL_WIDTH
    qtbot.mouseClick(window.outline.fold_button, Qt.MouseButton.LeftButton)
    assert not window.outline.folded


def test_outline_is_a_rail_in_a_small_window(window):
    window.resize(1280, 720)
    assert window.outline.folded
    window.resize(1920, 1080)
    assert not window.outline.folded


def test_next_and_previous_lesson(qtbot, window, course):
    with qtbot.waitSignal(window.lesson_chosen) as asked:
        window.actions_by_name["next_lesson"].trigger()
    assert asked.args[0] == course.lessons[1].slug
    assert not window.actions_by_name["previous_lesson"].isEnabled()


def test_search_by_typing_and_enter(qtbot, window, course):
    press(qtbot, window, Qt.Key.Key_K, CTRL)
    assert window.search.isVisible()
    assert QApplication.focusWidget() is window.search.field
    lesson = course.lessons[-1]
    qtbot.keyClicks(window.search.field, lesson.title.en)
    titles = [
        window.search.results.model().index(row, 0).data()
        for row in range(window.search.results.model().rowCount())
    ]
    assert lesson.title.en in titles
    press(qtbot, window.search.field, Qt.Key.Key_Down)
    assert window.search.results.currentIndex().row() == min(1, len(titles) - 1)
    press(qtbot, window.search.field, Qt.Key.Key_Up)
    with qtbot.waitSignal(window.lesson_chosen):
        press(qtbot, window.search.field, Qt.Key.Key_Return)
    assert not window.search.isVisible()


def test_search_says_when_there_is_nothing_and_escape_closes(qtbot, window):
    window.actions_by_name["search"].trigger()
    qtbot.keyClicks(window.search.field, "zzqqxx")
    assert tr("search.none", text="zzqqxx") in labels(window.search)
    press(qtbot, window.search.field, Qt.Key.Key_Escape)
    assert not window.search.isVisible()


def test_a_click_beside_the_search_closes_it(qtbot, window):
    window.actions_by_name["search"].trigger()
    qtbot.mouseClick(window.search, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert not window.search.isVisible()


def test_tab_stays_inside_a_sheet(qtbot, window):
    window.actions_by_name["about"].trigger()
    for _ in range(4):
        press(qtbot, QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert window.about.isAncestorOf(QApplication.focusWidget())
    press(qtbot, QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not window.about.isVisible()


def test_shortcut_sheet_lists_every_command_with_keys(qtbot, window):
    press(qtbot, window, Qt.Key.Key_F1)
    shown = labels(window.shortcuts)
    for command in commands.TABLE:
        if command.keys:
            assert tr(f"command.{command.id}") in shown
    assert "Ctrl+K" in shown


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_shortcut_sheet_is_as_high_as_its_keys(qtbot, window, lang):
    language().set(lang)
    window.resize(1600, 1000)
    press(qtbot, window, Qt.Key.Key_F1)
    assert window.shortcuts.isVisible()
    bar = window.shortcuts.findChild(QScrollArea).verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() == 0)


def test_arrow_keys_are_written_as_arrows():
    assert commands.keys_in_words(QKeySequence("Alt+Right")) == "Alt+→"
    assert commands.keys_in_words(QKeySequence("Ctrl+K")) == "Ctrl+K"


def test_question_mark_opens_the_sheet_but_can_be_typed(qtbot, window):
    window.show_page("glossary")
    window.pages.currentWidget().filter.setFocus()
    press(qtbot, window.pages.currentWidget().filter, Qt.Key.Key_Question)
    assert window.pages.currentWidget().filter.text() == "?"
    assert not window.shortcuts.isVisible()


def test_no_two_commands_share_keys():
    keys = [key for command in commands.TABLE for key in command.keys]
    assert len(keys) == len(set(keys))


def test_everything_in_the_table_is_in_the_menu(window):
    shown = window.menu.actions()
    for action in window.actions_by_name.values():
        assert action in shown


def test_language_switches_live(qtbot, window):
    window.actions_by_name["switch_language"].trigger()
    assert language().current == "zh"
    assert window.outline.search_button.text() == "搜索"
    assert window.menu.actions()[0].text() == "搜索课程和术语"
    assert "透明盒" in window.windowTitle()
    window.actions_by_name["switch_language"].trigger()
    assert window.outline.search_button.text() == "Search"


def test_theme_and_text_size_switch_live(window, qapp):
    light = qapp.styleSheet()
    window.actions_by_name["switch_theme"].trigger()
    assert theme().name == "dark"
    assert qapp.styleSheet() != light
    window.actions_by_name["larger_text"].trigger()
    assert theme().text_scale == pytest.approx(1.1)
    assert qapp.font().pixelSize() == 14
    window.actions_by_name["normal_text"].trigger()
    assert theme().text_scale == 1.0


def test_every_control_of_the_outline_has_a_name(window):
    for folded in (False, True):
        window.outline.set_folded(folded)
        for button in (
            window.outline.fold_button,
            window.outline.search_button,
            window.outline.glossary_button,
            window.outline.settings_button,
            window.outline.menu_button,
        ):
            assert button.accessibleName()
            assert button.toolTip()


def test_layout_is_remembered(qtbot, window, course, appearance):
    from .conftest import make_window

    window.actions_by_name["fold_outline"].trigger()
    blob = window.layout_blob()
    other = make_window(qtbot, course, appearance)
    other.restore_layout(blob)
    assert other.outline.folded
    other.restore_layout(b"nonsense")
    assert other.outline.folded
