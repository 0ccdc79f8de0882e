"""The chat's thread and its signals, with a real tiny model."""

from dataclasses import replace

import pytest

from desktop.course.chats import Chats
from desktop.llm.prompts import Message
from desktop.runtime.chat_messages import ChatSettings
from desktop.runtime.chat_session import ChatSession

from .test_chat_engine import GREEDY, ask, make_model

LONG = ChatSettings(temperature=0.0, max_tokens=2000)
TURNS = (Message("user", "Once upon"),)


@pytest.fixture
def chats(store):
    return Chats(store.database)


@pytest.fixture
def session(qtbot, chats, tmp_path):
    made = ChatSession(chats)
    with qtbot.waitSignal(made.model_changed, check_params_cb=lambda: True, timeout=60_000):
        made.load(make_model(tmp_path / "tiny"))
    qtbot.waitUntil(lambda: made.info is not None, timeout=60_000)
    yield made
    made.close()
    made.deleteLater()


def test_tokens_arrive_in_order_and_none_is_lost(qtbot, session, chats):
    message, seen = ask(chats), []
    session.tokens_came.connect(lambda _, tokens: seen.extend(tokens))
    with qtbot.waitSignal(session.ended, timeout=30_000) as ended:
        session.answer(message, TURNS, GREEDY)
    assert [token.place for token in seen] == list(range(12))
    assert tuple(token.record for token in seen) == chats.tokens(message)
    assert ended.args[:2] == [message, "done"]
    assert session.answering == 0


def test_stop_ends_this_answer_and_not_the_next(qtbot, session, chats):
    first, second = ask(chats), ask(chats)
    with qtbot.waitSignal(session.tokens_came, timeout=30_000):
        session.answer(first, TURNS, LONG)
    session.stop()
    states = {}
    session.ended.connect(lambda message, state, _: states.update({message: state}))
    with qtbot.waitSignal(session.ended, timeout=30_000, check_params_cb=lambda i, *_: i == second):
        session.answer(second, TURNS, GREEDY)
    assert states == {first: "stopped", second: "done"}


def test_a_failing_load_leaves_a_session_that_works(qtbot, session, chats, tmp_path):
    with qtbot.waitSignal(session.failed, timeout=30_000) as failed:
        session.load(tmp_path / "nothing")
    assert failed.args[0] == 0
    assert session.info is None
    session.load(tmp_path / "tiny")
    qtbot.waitUntil(lambda: session.info is not None, timeout=30_000)
    with qtbot.waitSignal(session.ended, timeout=30_000):
        session.answer(ask(chats), TURNS, GREEDY)


def test_of_two_loads_only_the_second_counts(qtbot, session, tmp_path):
    other, seen = make_model(tmp_path / "other"), []
    session.model_changed.connect(lambda: seen.append((session.info, session.loading)))
    for path in (tmp_path / "tiny", tmp_path / "nothing", other):
        session.load(path)
    with qtbot.assertNotEmitted(session.failed):
        qtbot.waitUntil(lambda: session.info is not None, timeout=30_000)
    assert session.info.path == other
    assert all(loading is not None for info, loading in seen if info is None)
    session.load(tmp_path / "tiny")
    session.unload()
    qtbot.waitUntil(lambda: session.info is None and session.loading is None, timeout=30_000)


def test_closing_in_the_middle_keeps_the_answer(qtbot, session, chats):
    message = ask(chats)
    with qtbot.waitSignal(session.tokens_came, timeout=30_000):
        session.answer(message, TURNS, LONG)
    session.close()
    kept = chats.branch(1)[-1]
    assert kept.state == "stopped"
    assert kept.text == "".join(one.text for one in chats.tokens(message))


def test_previews_and_looks_come_back(qtbot, session, chats):
    with qtbot.waitSignal(session.previewed, timeout=30_000) as previewed:
        session.preview(TURNS, GREEDY)
    assert previewed.args[0]
    message = ask(chats)
    with qtbot.waitSignal(session.ended, timeout=30_000):
        session.answer(message, TURNS, GREEDY)
    with qtbot.waitSignal(session.looked, timeout=30_000) as looked:
        session.look(message, TURNS, GREEDY, ())
    assert looked.args[0].place == 0


def test_the_tutor_is_prepared_once_for_each_language_while_a_question_is_typed(
    session, monkeypatch
):
    sent = []
    monkeypatch.setattr(session, "_send", sent.append)
    session.prepare("w")
    assert sent == []  # not the tutor
    session.info = replace(session.info, is_tutor=True)
    for text in ("", "w", "wh", "什", "什么", "what"):
        session.prepare(text)
    assert [request.text for request in sent] == ["w", "什"]
