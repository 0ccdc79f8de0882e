"""Which model the pane talks to: by default, from the shelf, and when memory is short."""

import itertools

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QLabel,
    QPushButton,
)

from desktop.bilingual import Bilingual
from desktop.llm import memory
from desktop.llm.sources import open_source
from desktop.runtime import chat_answer
from desktop.ui.chat.memory_table import MemoryTable
from desktop.ui.chat.numbers import size
from desktop.ui.strings import language

from .conftest import WAIT, make_model, say


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


def test_the_tutor_answers_when_a_model_cannot_be_opened(qtbot, tutor, pane, models):
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)
    (models / "tiny" / "config.json").write_text("{}", encoding="utf-8")
    with qtbot.waitSignal(pane.failed, timeout=WAIT):
        pane.load(models / "tiny")
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)
    assert pane.session.info.is_tutor


def test_the_model_used_last_is_loaded_again(qtbot, ready, store):
    assert store.setting("chat.model", "") == "models:tiny"
    ready.header.unload_wanted.emit()
    qtbot.waitUntil(lambda: ready.session.info is None, timeout=WAIT)
    assert store.setting("chat.model", "") == ""


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
