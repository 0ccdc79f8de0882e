"""How an answer is set: blocks, code, and text that looks like markup."""

from PySide6.QtGui import QGuiApplication

from desktop.course.chats import Message, TokenRecord
from desktop.ui import fonts
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.theme import theme

from .conftest import WAIT


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
