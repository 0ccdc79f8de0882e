"""Everything the pane can do, with keys and clicks, against a real tiny model."""

import itertools
import json

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFileDialog,
    QInputDialog,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)

from desktop.bilingual import Bilingual
from desktop.course.chats import Chats, Message, TokenRecord
from desktop.llm import memory
from desktop.llm.sources import open_source
from desktop.runtime import chat_answer
from desktop.runtime.chat_messages import ChatSettings
from desktop.tutor.grounding import LessonContext
from desktop.ui import fonts
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.memory_table import MemoryTable
from desktop.ui.chat.numbers import size
from desktop.ui.chat.question_view import QuestionView
from desktop.ui.strings import language
from desktop.ui.theme import theme

from .conftest import LONG, SHORT, make_model

WAIT = 30_000


def say(qtbot, pane, text="Once upon", *, wait=True):
    pane.composer.field.setFocus()
    qtbot.keyClicks(pane.composer.field, text)
    if wait:
        with qtbot.waitSignal(pane.controller.answer_ended, timeout=WAIT):
            qtbot.keyClick(pane.composer.field, Qt.Key.Key_Return)
    else:
        with qtbot.waitSignal(pane.controller.tokens_came, timeout=WAIT):
            qtbot.keyClick(pane.composer.field, Qt.Key.Key_Return)
    return pane.transcript.answers()[-1]


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


class Windows(QObject):
    """Notes every window that is shown."""

    def __init__(self):
        super().__init__()
        self.shown = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(type(watched).__name__)
        return False


def test_nothing_flashes_up_as_a_window_of_its_own(qtbot, qapp, ready):
    windows = Windows()
    qapp.installEventFilter(windows)
    ready.controller.open_lesson = lambda: LessonContext("gradient-descent", "fog")
    ready.controller.attached = True
    first = say(qtbot, ready)
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        first.again_button.click()
    ready.composer.look_button.click()
    ready.transcript.answers()[-1].older.click()
    for show in ("show_list", "show_sampling", "show_models"):
        getattr(ready.pages, show)()
        qtbot.waitUntil(ready.pages.currentWidget().isVisible, timeout=WAIT)
    qtbot.waitUntil(lambda: bool(ready.shelf.models), timeout=WAIT)
    ready.models_page._ask(ready.shelf.models[0])
    ready.show_talk()
    question = next(v for v in ready.transcript.views.values() if isinstance(v, QuestionView))
    question.begin_editing()
    question.end_editing()
    qapp.removeEventFilter(windows)
    assert windows.shown == [], windows.shown


def test_the_same_seed_gives_the_same_answer(qtbot, ready):
    first = say(qtbot, ready).text()
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        ready.transcript.answers()[-1].again_button.click()
    assert ready.transcript.answers()[-1].text() == first


def test_looking_inside_shows_alternatives_attention_and_layers(qtbot, ready):
    answer = say(qtbot, ready)
    with qtbot.waitSignal(ready.controller.looked, timeout=WAIT):
        ready.composer.look_button.click()
    assert ready.inside.isVisible()
    assert answer.tokens is not None
    assert answer.tokens.toPlainText() == answer.text()
    with qtbot.waitSignal(ready.controller.looked, timeout=WAIT) as looked:
        answer.tokens.choose(3)
    found = looked.args[0]
    assert (found.message, found.place) == (answer.message.id, 3)
    assert ready.inside.lens.rowCount() == 4
    assert ready.inside.lens.item(0, 0).text() == answer.records[3].top[0][1]
    assert ready.inside.layer.count() == 4
    assert ready.inside.head.count() == 5
    whole = ready.inside.attention.toPlainText()
    ready.inside.layer.setCurrentIndex(2)
    ready.inside.head.setCurrentIndex(3)
    assert ready.inside.attention.toPlainText() != whole
    assert ready.inside.alternatives.rows[0][2] == pytest.approx(found.lens[-1][0].probability)
    qtbot.keyClick(answer.tokens, Qt.Key.Key_Right)
    assert answer.tokens.chosen == 4
    ready.inside.close_button.click()
    assert not ready.inside.isVisible()
    assert answer.tokens is None


def test_what_if_continues_from_another_alternative(qtbot, ready):
    answer = say(qtbot, ready)
    ready.composer.look_button.click()
    answer.tokens.choose(2)
    rows = ready.inside.alternatives.rows
    place = next(i for i, row in enumerate(rows) if row[0] != answer.records[2].id)
    before = [one.id for one in answer.records[:2]]
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        ready.inside.alternatives.pick(place)
    branch = ready.transcript.answers()[-1]
    assert [one.id for one in branch.records[:3]] == [*before, rows[place][0]]
    assert branch.branch_label.text() == "2/2"


def test_the_inside_is_live_while_it_talks(qtbot, ready):
    ready.composer.look_button.click()
    ready.controller.set_settings(LONG)
    say(qtbot, ready, wait=False)
    with qtbot.waitSignal(ready.controller.looked, timeout=WAIT) as looked:
        pass
    assert looked.args[0].message == ready.session.answering
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        ready.composer.send_button.click()


def test_the_preview_shows_the_tokens(qtbot, ready):
    qtbot.keyClicks(ready.composer.field, "Once")
    with qtbot.waitSignal(ready.session.previewed, timeout=WAIT) as previewed:
        ready.composer.preview_button.click()
    assert ready.pages.currentWidget() is ready.preview_page
    assert len(previewed.args[0]) == 4
    assert "4 tokens" in ready.preview_page._note.text()
    qtbot.keyClick(ready.preview_page, Qt.Key.Key_Escape)
    assert ready.pages.currentIndex() == 0


def test_sampling_settings_hold_and_are_kept(qtbot, ready, store):
    ready.header.sampling_wanted.emit()
    field = ready.sampling_page.field("temperature")
    field.setValue(0.25)
    kept = Chats(store.database).get(ready.controller.conversation.id).settings
    assert kept["temperature"] == 0.25
    ready.show_talk()
    say(qtbot, ready)
    assert ready.controller.branch()[-1][0].facts["settings"]["temperature"] == 0.25


def test_conversations_are_found_deleted_and_brought_back(qtbot, ready):
    say(qtbot, ready, "Once upon")
    first = ready.controller.conversation.id
    ready.header.new_button.click()
    say(qtbot, ready, "a small fox")
    ready.header.list_button.click()
    page = ready.list_page
    assert page.list.count() == 2
    page.filter.setText("upon")
    assert page.list.count() == 1
    assert int(page.list.item(0).data(Qt.ItemDataRole.UserRole)) == first
    page.list.setCurrentRow(0)
    with qtbot.waitSignal(ready.deleted) as deleted:
        qtbot.keyClick(page.list, Qt.Key.Key_Delete)
    assert deleted.args == [first]
    assert page.list.count() == 0
    ready.controller.undelete(first)
    assert ready.controller.branch()[0][0].text == "Once upon"


def test_a_conversation_is_renamed_by_key(qtbot, ready):
    say(qtbot, ready, "Once upon")
    ready.header.list_button.click()
    page = ready.list_page
    page.list.setCurrentRow(0)
    qtbot.keyClick(page.list, Qt.Key.Key_F2)
    dialog = page.findChild(QInputDialog)
    assert dialog.textValue() == "Once upon"
    dialog.setTextValue("The fox")
    dialog.accept()
    assert page.list.item(0).text() == "The fox"
    page.filter.setText("nobody said this")
    assert not page.list.isVisible()
    assert "nobody said this" in page._empty.text()


def test_a_draft_waits_in_its_conversation(qtbot, ready, store):
    say(qtbot, ready, "Once upon")
    first = ready.controller.conversation.id
    qtbot.keyClicks(ready.composer.field, "half a thought")
    ready.header.new_button.click()
    assert ready.composer.text() == ""
    ready.controller.open(first)
    assert ready.composer.text() == "half a thought"


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


def test_the_example_of_the_tutor_is_a_paragraph_and_its_text_stays_as_written(qtbot, ready):
    control = ready.controller
    user = control.chats.add(control.conversation.id, 0, "user", "rate?")
    reply = control.chats.add(control.conversation.id, user, "assistant", "", "tutor")
    text = "The rate is a factor.\nFor example: 0.1."
    control.chats.finish(reply, "done", {}, text)
    control._fresh()
    control.conversation_changed.emit()
    view = ready.transcript.answers()[-1]
    assert [block.view.toPlainText().strip() for block in view._blocks] == text.split("\n")
    view.copy_button.click()
    assert QGuiApplication.clipboard().text() == text


def test_code_is_in_its_own_type_from_the_first_letter(qtbot, ready):
    view = AnswerView(
        Message(9, 1, 1, "assistant", "", "writing", "tiny", {}, 0.0), 0, 1, tokens=False
    )
    qtbot.addWidget(view)
    view.show()
    theme().set(text_scale=1.2)
    view.add([TokenRecord(1, "```python\nx = 1")])
    qtbot.waitUntil(lambda: bool(view._blocks), timeout=WAIT)
    shown = view._blocks[0].view
    assert shown.document().defaultFont().families() == [*fonts.mono_font(12).families()]


def test_export(qtbot, ready, tmp_path, monkeypatch):
    say(qtbot, ready)
    told = []
    ready.told.connect(told.append)
    for name in ("a.md", "a.json"):
        answer = (str(tmp_path / name), "")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, answer=answer: answer)
        ready.header.export_wanted.emit()
    assert "## Model (tiny)" in (tmp_path / "a.md").read_text(encoding="utf-8")
    data = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert len(data["messages"][1]["tokens"]) == 16
    assert told == ["The conversation is saved as a.md.", "The conversation is saved as a.json."]


def test_models_are_imported_verified_loaded_and_removed(qtbot, pane, tmp_path):
    make_model(tmp_path / "elsewhere" / "mine")
    page = pane.models_page
    pane.header.models_wanted.emit()
    qtbot.waitUntil(lambda: len(pane.shelf.models) == 1, timeout=WAIT)
    with qtbot.waitSignal(page.told, timeout=WAIT):
        page.add(tmp_path / "elsewhere" / "mine")
    qtbot.waitUntil(lambda: len(pane.shelf.models) == 2, timeout=WAIT)
    with qtbot.waitSignal(page.told, timeout=WAIT):
        pane.shelf.verify("mine")
    pane.load(pane.shelf.folder / "mine")
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)
    with qtbot.waitSignal(page.failed, timeout=WAIT) as failed:
        page.add(tmp_path / "nothing")
    assert failed.args[0].message.en
    with qtbot.waitSignal(page.told, timeout=WAIT):
        pane.shelf.remove("mine")
    qtbot.waitUntil(lambda: len(pane.shelf.models) == 1, timeout=WAIT)


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


def test_measured_memory_stands_beside_the_estimate(qtbot, ready):
    ready.show_models()
    qtbot.waitUntil(lambda: bool(ready.shelf.models), timeout=WAIT)
    table = ready.models_page.findChild(MemoryTable)
    texts = [one.text() for one in table.findChildren(QLabel)]
    assert texts[:3] == ["Memory", "Estimated", "Measured"]
    weights = next(part for part in ready.session.info.memory if part.name == "weights")
    assert weights.measured == weights.estimated == 4 * ready.session.info.parameters
    assert texts[3:6] == ["Weights", size(weights.estimated), size(weights.measured)]
    cache = next(part for part in ready.session.info.memory if part.name == "cache")
    assert cache.measured == cache.estimated
    total = ready.session.info.memory[-1]
    assert total.measured >= weights.measured  # though the program may have had room for it before
    assert texts[-4:-1] == ["Together", size(total.estimated), "under 10 MB"]


def test_a_model_that_does_not_fit_is_offered_with_a_shorter_context(
    qtbot, pane, models, monkeypatch
):
    make_model(models / "long", context=1024)
    config = sources_config(models / "long")
    room = memory.estimate(config, form="float32", capacity=512).total + memory.LEAVE_FREE
    monkeypatch.setattr(memory, "available", lambda _device="cpu": room + 1000)
    pane.shelf.look()
    qtbot.waitUntil(lambda: len(pane.shelf.models) == 2, timeout=WAIT)
    with qtbot.waitSignal(pane.failed, timeout=WAIT) as failed:
        pane.load(models / "long")
    assert "512 tokens" in failed.args[0].hint.en
    assert pane.pages.currentWidget() is pane.models_page
    offers = pane.models_page.findChildren(QPushButton)
    offer = next(one for one in offers if "512 tokens" in one.text())
    qtbot.mouseClick(offer, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)
    assert pane.session.info.context == 512
    assert say(qtbot, pane).text()


def test_memory_that_runs_out_in_the_middle_of_an_answer_leaves_ways_to_go_on(
    qtbot, pane, models, monkeypatch
):
    real = chat_answer.generate

    def five_tokens(*given, **more):
        monkeypatch.setattr(chat_answer, "generate", real)
        yield from itertools.islice(real(*given, **more), 5)
        raise MemoryError

    monkeypatch.setattr(chat_answer, "generate", five_tokens)
    make_model(models / "long", context=1024)
    pane.load(models / "long")
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)
    with qtbot.waitSignal(pane.failed, timeout=WAIT) as failed:
        answer = say(qtbot, pane)
    assert "not enough memory" in failed.args[0].message.en
    assert len(answer.records) == 5
    assert answer.message.state == "failed"
    qtbot.waitUntil(answer.offers.isVisible, timeout=WAIT)
    (shorter,) = answer.offers.buttons
    assert shorter.text() == "With 512 tokens of context"
    language().set("zh")
    assert shorter.text() == "上下文缩到 512 个词元"
    with qtbot.waitSignal(pane.controller.answer_ended, timeout=WAIT):
        qtbot.mouseClick(shorter, Qt.MouseButton.LeftButton)
    assert pane.session.info.context == 512
    again = pane.transcript.answers()[-1]
    assert again.message.state == "done"
    assert again.branch_label.text() == "2/2"
    assert again.offers is None


def sources_config(path):
    with open_source(path) as source:
        return source.config


def test_the_tutor_is_there_by_default_says_what_it_is_and_offers_phi(qtbot, tutor, pane):
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)
    assert pane.session.info.is_tutor
    assert "knows this course only" in pane.welcome._text.text()
    pane.welcome.show_questions((Bilingual("什么是学习率？", "What is a learning rate?"),))
    with qtbot.waitSignal(pane.controller.answer_ended, timeout=WAIT):
        qtbot.mouseClick(pane.welcome.starters[0], Qt.MouseButton.LeftButton)
    answer = pane.transcript.answers()[-1]
    assert answer.name.text() == "Tutor"
    source = answer.sources.sources[0]
    assert (source.kind, source.id) == ("term", "learning-rate")
    with qtbot.waitSignal(pane.glossary_requested, timeout=WAIT) as opened:
        qtbot.mouseClick(answer.sources.buttons[0], Qt.MouseButton.LeftButton)
    assert opened.args == ["learning-rate"]
    pane.controller.new()
    qtbot.mouseClick(pane.welcome.phi_button, Qt.MouseButton.LeftButton)
    assert pane.models_page.download.isVisible()


def test_the_model_used_last_is_loaded_again(qtbot, ready, store):
    assert store.setting("chat.model", "") == "models:tiny"
    ready.header.unload_wanted.emit()
    qtbot.waitUntil(lambda: ready.session.info is None, timeout=WAIT)
    assert store.setting("chat.model", "") == ""


def test_code_is_copied_from_its_own_button(qtbot, ready):
    control = ready.controller
    user = control.chats.add(control.conversation.id, 0, "user", "code?")
    reply = control.chats.add(control.conversation.id, user, "assistant", "", "tiny")
    control.chats.finish(reply, "done", {}, "See:\n\n```python\nx = 1\n```\n")
    control._fresh()
    control.conversation_changed.emit()
    view = ready.transcript.answers()[-1]
    view._blocks[1].copy_button.click()
    assert QGuiApplication.clipboard().text() == "x = 1"
    qtbot.waitUntil(lambda: not view._blocks[1]._back.isActive(), timeout=WAIT)


def test_model_output_is_never_markup(qtbot, ready):
    control = ready.controller
    user = control.chats.add(control.conversation.id, 0, "user", "<b>hi</b>")
    reply = control.chats.add(control.conversation.id, user, "assistant", "", "tiny")
    control.chats.finish(reply, "done", {}, "<b>bold</b> <script>x</script> [l](javascript:x)")
    control._fresh()
    control.conversation_changed.emit()
    view = ready.transcript.answers()[-1]
    assert "<b>bold</b> <script>x</script>" in view._blocks[0].view.toPlainText()
    assert "href" not in view._blocks[0].view.toHtml()


def test_everything_has_a_name_in_both_languages(qtbot, ready):
    for current in ("zh", "en"):
        language().set(current)
        for page in range(ready.pages.count()):
            ready.pages.setCurrentIndex(page)
            for kind in (QAbstractButton, QComboBox):
                for widget in ready.findChildren(kind):
                    if widget.isVisible() and widget.objectName() != "qt_toolbar_ext_button":
                        assert widget.accessibleName() or getattr(widget, "text", str)(), widget


def test_theme_and_size_change_while_it_talks(qtbot, ready):
    ready.controller.set_settings(LONG)
    say(qtbot, ready, wait=False)
    theme().set(name="dark", text_scale=1.3)
    language().set("zh")
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        ready.composer.send_button.click()
    assert "已停止" in ready.transcript.answers()[-1].foot.text()
