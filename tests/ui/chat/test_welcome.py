"""The questions on offer before anything was asked."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from desktop.bilingual import Bilingual
from desktop.ui.chat.welcome import Welcome
from desktop.ui.strings import language


def test_chinese_keeps_clear_of_latin_letters_only_on_screen(qtbot: QtBot) -> None:
    welcome = Welcome()
    qtbot.addWidget(welcome)
    language().set("zh")
    welcome.show_questions((Bilingual("什么是Softmax？", "What is softmax?"),))
    assert welcome.starters[0].text() == "什么是\u2009Softmax？"
    with qtbot.waitSignal(welcome.question_wanted) as asked:
        welcome.show()
        welcome.starters[0].click()
    assert asked.args == ["什么是Softmax？"]
