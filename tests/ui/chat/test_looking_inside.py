"""The look inside: which token it shows, what it shows of it, and going on from another one."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from desktop.course.chats import TokenRecord
from desktop.ui.chat import answering

from .conftest import LONG, SHORT, WAIT, make_model, say


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


def seen(area, widget, place):
    """Whether a place of a widget in a scroll area is on screen."""
    at = widget.viewport().mapTo(area.viewport(), place.center())
    return area.viewport().rect().contains(at)


def test_the_answer_of_another_model_is_not_looked_into_by_this_one(qtbot, ready, models):
    answer = say(qtbot, ready)
    make_model(models / "other")
    with qtbot.waitSignal(ready.controller.looked, timeout=WAIT):
        ready.composer.look_button.click()
    with qtbot.assertNotEmitted(ready.failed), qtbot.assertNotEmitted(ready.controller.looked):
        ready.load(models / "other")
        qtbot.waitUntil(lambda: ready.session.info is not None, timeout=WAIT)
        answer.tokens.choose(3)
        inside = ready.inside
        assert inside.alternatives.rows
        assert inside.attention.toPlainText() == ""
        assert inside.lens.rowCount() == 0
        assert "“tiny”" in inside._hints["attention"].text()
        inside.alternatives.pick(1)
        assert not ready.controller.writing
        # Whatever was asked of the model would have been answered before this.
        qtbot.keyClicks(ready.composer.field, "Once")
        with qtbot.waitSignal(ready.session.previewed, timeout=WAIT):
            ready.composer.preview_button.click()
    ready.show_talk()
    with qtbot.waitSignal(ready.controller.looked, timeout=WAIT) as looked:
        ready.load(models / "tiny")
    assert looked.args[0].place == 3
    assert "“tiny”" not in ready.inside._hints["attention"].text()
    assert ready.inside.lens.rowCount() == 4


def test_the_deepest_token_is_scrolled_to(qtbot, ready):
    control = ready.controller
    control.set_settings(replace(SHORT, max_tokens=64))
    answer = say(qtbot, ready)
    with qtbot.waitSignal(control.looked, timeout=WAIT) as looked:
        ready.composer.look_button.click()
    inside, found = ready.inside, looked.args[0]
    inside.tabs.setCurrentIndex(1)
    inside.attention.setFixedWidth(60)  # so that not all of it is on screen
    area = inside._attention_area
    for token in (2, 60, 30, 1):
        weights = np.full(found.attention.shape, 0.001, np.float32)
        weights[..., token] = 0.9
        inside.show_inspection(replace(found, attention=weights))
        qtbot.waitUntil(
            lambda: seen(area, inside.attention, inside.attention.deepest()), timeout=WAIT
        )
    assert area.verticalScrollBar().maximum() > 0
    assert answer.records


def test_the_chosen_token_is_scrolled_to(qtbot, ready):
    ready.controller.set_settings(replace(SHORT, max_tokens=90))
    answer = say(qtbot, ready)
    ready.composer.look_button.click()
    tokens, bar = answer.tokens, ready.transcript.verticalScrollBar()
    ready.resize(360, 480)
    tokens.setFixedWidth(40)  # a few letters a line, so that not all of it is on screen
    qtbot.waitUntil(lambda: bar.maximum() > ready.transcript.viewport().height(), timeout=WAIT)
    for place in (0, len(answer.records) - 1, 40):
        tokens.choose(place)
        qtbot.waitUntil(lambda: seen(ready.transcript, tokens, tokens.chosen_place()), timeout=WAIT)


def test_after_an_answer_its_last_token_is_shown_and_it_alone_is_marked(qtbot, ready, monkeypatch):
    monkeypatch.setattr(answering, "LIVE_SECONDS", 1e9)  # the first token, then none
    ready.composer.look_button.click()
    answer = say(qtbot, ready)
    last = len(answer.records) - 1
    assert (ready.inside.place, answer.tokens.chosen) == (last, last)
    answer.tokens.choose(last, tell=False)
    answer.add([TokenRecord(1, " more")])
    (marked,) = answer.tokens.extraSelections()
    assert marked.cursor.selectedText() == answer.records[last].text


def test_with_another_branch_or_conversation_the_inside_is_that_of_its_last_token(qtbot, ready):
    first = say(qtbot, ready)
    ready.composer.look_button.click()
    first.tokens.choose(2)
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        first.again_button.click()
    second = ready.transcript.answers()[-1]
    assert (ready.inside.answer, ready.inside.place) == (second.message.id, 15)
    second.older.click()
    again = ready.transcript.answers()[-1]
    assert (ready.inside.answer, ready.inside.place) == (first.message.id, 15)
    assert again.tokens.chosen == 15
    ready.controller.new()
    assert (ready.inside.answer, ready.inside.alternatives.rows) == (0, [])
