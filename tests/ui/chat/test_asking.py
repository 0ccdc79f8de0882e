"""Asking and being answered: stop, again, edit, branches, the preview, the attached lesson."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QPlainTextEdit,
    QPushButton,
)

from desktop.course.chats import Chats
from desktop.runtime.chat_messages import ChatSettings
from desktop.tutor.grounding import LessonContext
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.question_view import QuestionView

from .conftest import LONG, SHORT, WAIT, say


def test_before_a_model_is_there_the_pane_says_how_to_get_one(qtbot, pane):
    qtbot.waitUntil(lambda: bool(pane.shelf.models), timeout=WAIT)
    assert pane.welcome.isVisible()
    assert pane.welcome.models_button.isVisible()
    assert not pane.composer.send_button.isEnabled()
    qtbot.keyClicks(pane.composer.field, "hello")
    qtbot.keyClick(pane.composer.field, Qt.Key.Key_Return)
    assert pane.composer.text() == "hello"


def test_a_question_is_answered_and_kept(qtbot, ready):
    answer = say(qtbot, ready)
    assert isinstance(answer, AnswerView)
    kept = ready.controller.branch()
    assert [message.role for message, _, _ in kept] == ["user", "assistant"]
    assert kept[1][0].text == answer.text()
    assert kept[1][0].state == "done"
    figures = answer.foot.text().replace("\u00a0", " ")
    assert figures.startswith("16 tokens · ")
    assert "/s · first " in figures
    assert ready.composer.text() == ""
    assert ready.composer.meter.value() > 16
    shown = "".join(block.view.toPlainText() for block in answer._blocks)
    assert shown.split() == answer.text().split()


def test_shift_enter_begins_a_line_and_drafts_are_kept(qtbot, ready, store):
    field = ready.composer.field
    qtbot.keyClicks(field, "one")
    qtbot.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(field, "two")
    assert ready.composer.text() == "one\ntwo"
    assert Chats(store.database).get(ready.controller.conversation.id).draft == "one\ntwo"


def test_stop_ends_the_answer_and_keeps_it(qtbot, ready):
    ready.controller.set_settings(LONG)
    answer = say(qtbot, ready, wait=False)
    assert ready.controller.writing
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        qtbot.keyClick(ready.composer.field, Qt.Key.Key_Escape)
    assert "stopped" in answer.foot.text()
    assert ready.controller.branch()[-1][0].text == answer.text()
    assert not ready.controller.writing


def test_answering_again_and_editing_make_branches(qtbot, ready):
    ready.controller.set_settings(SHORT)
    first = say(qtbot, ready)
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        first.again_button.click()
    second = ready.transcript.answers()[-1]
    assert second.message.id != first.message.id
    assert second.branch_label.text() == "2/2"
    second.older.click()
    assert ready.transcript.answers()[-1].branch_label.text() == "1/2"
    question = next(v for v in ready.transcript.views.values() if isinstance(v, QuestionView))
    question.edit_button.click()
    editor = question.findChild(QPlainTextEdit)
    editor.setPlainText("a small fox")
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    texts = [message.text for message, _, _ in ready.controller.branch()]
    assert texts[0] == "a small fox"
    assert ready.controller.branch()[0][2] == 2


def test_the_same_seed_gives_the_same_answer(qtbot, ready):
    first = say(qtbot, ready).text()
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        ready.transcript.answers()[-1].again_button.click()
    assert ready.transcript.answers()[-1].text() == first


def test_the_preview_shows_the_tokens(qtbot, ready):
    qtbot.keyClicks(ready.composer.field, "Once")
    with qtbot.waitSignal(ready.session.previewed, timeout=WAIT) as previewed:
        ready.composer.preview_button.click()
    assert ready.pages.currentWidget() is ready.preview_page
    assert len(previewed.args[0]) == 4
    assert "4 tokens" in ready.preview_page._note.text()
    qtbot.keyClick(ready.preview_page, Qt.Key.Key_Escape)
    assert ready.pages.currentIndex() == 0


def test_the_open_lesson_is_attached_shown_in_the_preview_and_removed(qtbot, ready):
    control, chip = ready.controller, ready.composer.attach_button
    control.open_lesson = lambda: LessonContext("gradient-descent", "fog")
    assert not chip.isVisible()
    ready.show_lesson("Gradient descent")
    assert chip.text() == "Ask about this lesson"
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert chip.text() == "About: Gradient descent"
    assert control.context() == LessonContext("gradient-descent", "fog")
    qtbot.keyClicks(ready.composer.field, "fox")
    with qtbot.waitSignal(ready.session.previewed, timeout=WAIT) as shown:
        ready.composer.preview_button.click()
    attached = "".join(one.label for one in shown.args[0])
    ready.show_talk()
    say(qtbot, ready, " there")
    assert control.branch()[0][0].facts["context"]["lesson"] == "gradient-descent"
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert chip.text() == "Ask about this lesson"
    assert control.context() is None
    control.new()
    qtbot.keyClicks(ready.composer.field, "fox")
    with qtbot.waitSignal(ready.session.previewed, timeout=WAIT) as shown:
        ready.composer.preview_button.click()
    assert "".join(one.label for one in shown.args[0]) == "fox"
    assert attached.endswith("fox")
    assert len(attached) > len("fox")


def test_sampling_settings_hold_and_are_kept(qtbot, ready, store):
    ready.header.sampling_wanted.emit()
    field = ready.sampling_page.field("temperature")
    field.setValue(0.25)
    kept = Chats(store.database).get(ready.controller.conversation.id).settings
    assert kept["temperature"] == 0.25
    ready.show_talk()
    say(qtbot, ready)
    assert ready.controller.branch()[-1][0].facts["settings"]["temperature"] == 0.25


def test_a_setting_leads_to_its_term_and_defaults_suit_the_model(qtbot, tutor, pane):
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)
    pane.header.sampling_wanted.emit()
    page = pane.sampling_page
    link = next(one for one in page.findChildren(QPushButton) if one.text() == "Top-p")
    with qtbot.waitSignal(pane.glossary_requested) as asked:
        qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    assert asked.args == ["top-p"]
    page.field("temperature").setValue(1.5)
    page.reset_button.click()
    assert pane.controller.settings == ChatSettings.for_tutor()
