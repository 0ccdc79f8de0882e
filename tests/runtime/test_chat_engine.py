"""The chat's requests against a real, tiny model with random weights."""

import math
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from desktop.bilingual import GlassboxError
from desktop.course.chats import Chats
from desktop.llm import model_folder
from desktop.llm.phi import Phi, PhiConfig, initialise
from desktop.llm.prompts import Message
from desktop.llm.tokenizer import Tokenizer
from desktop.runtime import chat_messages as m
from desktop.runtime.chat_engine import ChatEngine
from desktop.runtime.chat_model import open_model
from desktop.runtime.chat_outbox import ChatOutbox
from desktop.runtime.chat_tutor import Backgrounds
from desktop.runtime.chat_worker import chat_threads
from desktop.tutor.grounding import Grounding

TEXT = "Once upon a time there was a small fox who liked to read. " * 20
GREEDY = m.ChatSettings(temperature=0.0, repetition_penalty=1.0, max_tokens=12, seed=3)


def make_model(folder: Path, context: int = 64) -> Path:
    tokenizer = Tokenizer.train_bpe(TEXT, 300)
    model = Phi(PhiConfig(tokenizer.size, 32, 64, 3, 4, 4, context))
    initialise(model, torch.Generator().manual_seed(1), spread=0.2)
    with torch.no_grad():  # it never ends by itself: stopping it is what some tests are about
        model.lm_head.bias[tokenizer.end_of_text] = -1e4
    model_folder.save(folder, model, tokenizer)
    return folder


@pytest.fixture
def chats(store):
    return Chats(store.database)


@pytest.fixture
def engine(tmp_path, chats):
    made = ChatEngine(ChatOutbox(), chats)
    made.handle(m.Load(make_model(tmp_path / "tiny")))
    return made


def ask(chats, text="Once upon"):
    one = chats.create()
    user = chats.add(one.id, 0, "user", text)
    return chats.add(one.id, user, "assistant", "", "tiny")


def run(engine, request):
    engine.handle(request)
    while engine.working:
        engine.advance()
    events = list(engine._out.events)
    engine._out.events.clear()
    return events


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def turns(text="Once upon"):
    return (Message("user", text),)


def test_an_answer_is_told_and_kept_token_by_token(engine, chats):
    message = ask(chats)
    events = run(engine, m.Answer(message, turns(), GREEDY))
    tokens = of(events, m.Token)
    assert [token.place for token in tokens] == list(range(12))
    assert chats.tokens(message) == tuple(token.record for token in tokens)
    (ended,) = of(events, m.Ended)
    assert ended.state == "done"
    assert ended.facts["stop"] == "limit"
    assert ended.facts["settings"]["seed"] == 3
    best = tokens[0].record.top[0]
    assert best[0] == tokens[0].record.id
    assert best[2] == pytest.approx(tokens[0].record.logprob)


def test_stop_is_heard_within_one_token(engine, chats):
    message, cancel = ask(chats), threading.Event()
    engine.handle(m.Answer(message, turns(), GREEDY, cancel=cancel))
    engine.advance()
    engine.advance()
    cancel.set()
    engine.advance()
    assert not engine.working
    assert len(chats.tokens(message)) == 2
    assert chats.messages(1)[message].state == "stopped"
    assert chats.messages(1)[message].facts["tokens_per_second"] > 0


def test_a_second_answer_reuses_what_was_read(engine, chats):
    run(engine, m.Answer(ask(chats), turns(), GREEDY))
    events = run(engine, m.Answer(ask(chats), turns(), GREEDY))
    assert of(events, m.Ended)[0].facts["reused"] > 0


def test_another_alternative_starts_a_branch_with_the_same_beginning(engine, chats):
    first = ask(chats)
    run(engine, m.Answer(first, turns(), GREEDY))
    kept = chats.tokens(first)
    other = kept[2].top[1]
    forced = (*kept[:2], m.TokenRecord(other[0], "", other[2], kept[2].top))
    second = ask(chats)
    run(engine, m.Answer(second, turns(), GREEDY, forced=forced))
    branch = chats.tokens(second)
    assert [one.id for one in branch[:3]] == [kept[0].id, kept[1].id, other[0]]
    assert branch[2].top == kept[2].top
    assert len(branch) == 3 + GREEDY.max_tokens


def test_looking_inside_is_the_same_live_and_afterwards(engine, chats):
    message = ask(chats)
    run(engine, m.Answer(message, turns(), GREEDY))
    before = tuple(one.id for one in chats.tokens(message))[:5]
    request = m.Look(message, turns(), GREEDY, before)
    (kept,) = of(run(engine, request), m.Inspection)
    engine._inside.forget()
    (again,) = of(run(engine, request), m.Inspection)
    assert kept.tokens == again.tokens
    torch.testing.assert_close(torch.tensor(kept.attention), torch.tensor(again.attention))
    assert kept.attention.shape[:2] == (3, 4)
    assert kept.attention.sum(-1) == pytest.approx(1.0, abs=1e-4)
    assert len(kept.lens) == 4
    # The last layer's guess is the model's own answer, and greedy took the first.
    assert kept.ranks[-1] == 1
    top = chats.tokens(message)[5].top
    assert kept.lens[-1][0].label == top[0][1]


def test_what_is_shown_of_a_token_is_what_the_model_saw_even_after_it_forgot_the_middle(
    engine, chats
):
    long = replace(GREEDY, max_tokens=150)
    message = ask(chats)
    assert of(run(engine, m.Answer(message, turns(), long)), m.Ended)[0].facts["shifts"] > 0
    tokens = chats.tokens(message)
    for place in (3, 60, 61, 62, 63, 64, 100, 149):
        before = tuple(one.id for one in tokens[:place])
        (found,) = of(run(engine, m.Look(message, turns(), long, before)), m.Inspection)
        label, share = tokens[place].top[0][1:]
        assert (found.lens[-1][0].label, found.ranks[-1]) == (label, 1)
        assert found.lens[-1][0].probability == pytest.approx(math.exp(share), rel=1e-3)
        assert len(found.tokens) == found.attention.shape[-1] <= 64


def test_another_alternative_far_behind_goes_on_from_what_the_model_saw_there(engine, chats):
    long = replace(GREEDY, max_tokens=150)
    first = ask(chats)
    run(engine, m.Answer(first, turns(), long))
    kept = chats.tokens(first)
    second = ask(chats)
    forced = kept[:100]  # the same words: it goes on as it did
    events = run(engine, m.Answer(second, turns(), replace(GREEDY, max_tokens=20), forced=forced))
    assert not of(events, m.Failed)
    assert [one.id for one in chats.tokens(second)] == [one.id for one in kept[:120]]


def test_looking_waits_for_the_answer_in_progress(engine, chats):
    first = ask(chats)
    run(engine, m.Answer(first, turns(), GREEDY))
    engine._inside.forget()
    engine.handle(m.Answer(ask(chats), turns("upon"), GREEDY))
    engine.advance()
    engine.handle(m.Look(first, turns(), GREEDY, ()))
    assert not of(engine._out.events, m.Inspection)
    while engine.working:
        engine.advance()
    assert of(engine._out.events, m.Inspection)[0].message == first
    assert not of(engine._out.events, m.Failed)


def test_a_question_longer_than_the_context_loses_its_beginning(engine, chats):
    message = ask(chats, TEXT)
    events = run(engine, m.Answer(message, turns(TEXT), GREEDY))
    assert of(events, m.Ended)[0].state == "done"
    assert of(events, m.Began)[0].prompt_tokens < 64


def test_the_preview_is_what_the_model_gets(engine):
    settings = m.ChatSettings(format="instruct")
    (seen,) = of(run(engine, m.Preview(turns("Hi"), settings)), m.Previewed)
    text = "".join(token.label for token in seen.tokens)
    assert text.replace("␣", " ").replace("↵", "\n") == "Instruct: Hi\nOutput:"


def test_without_a_model_the_error_says_what_to_do(chats):
    engine = ChatEngine(ChatOutbox(), chats)
    message = ask(chats)
    (failed,) = of(run(engine, m.Answer(message, turns(), GREEDY)), m.Failed)
    assert failed.message == message
    assert "No model" in failed.error.message.en
    assert chats.messages(1)[message].state == "failed"


def test_a_model_that_cannot_be_opened_is_named(tmp_path, chats):
    engine = ChatEngine(ChatOutbox(), chats)
    events = run(engine, m.Load(tmp_path / "nothing"))
    error = of(events, m.Unloaded)[0].error
    assert isinstance(error, GlassboxError)


def test_out_of_memory_is_said_in_words_and_the_chat_goes_on(engine, chats, monkeypatch):
    kind = type(engine._model.decoder)
    forward = kind._forward

    def fail(self, ids, look):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 99999 bytes")

    monkeypatch.setattr(kind, "_forward", fail)
    message = ask(chats)
    events = run(engine, m.Answer(message, turns(), GREEDY))
    assert "memory" in of(events, m.Failed)[0].error.message.en
    assert of(events, m.Ended)[0].state == "failed"
    monkeypatch.setattr(kind, "_forward", forward)
    assert of(run(engine, m.Answer(ask(chats), turns(), GREEDY)), m.Ended)[0].state == "done"


def test_closing_keeps_what_was_written(engine, chats):
    message = ask(chats)
    engine.handle(m.Answer(message, turns(), GREEDY))
    for _ in range(4):
        engine.advance()
    engine.close()
    assert len(chats.tokens(message)) == 4
    assert chats.messages(1)[message].facts["stop"] == "closed"


def test_unloading_gives_the_memory_back(engine, chats):
    run(engine, m.Answer(ask(chats), turns(), GREEDY))
    engine.handle(m.Unload())
    assert engine._model is None
    assert not engine._inside._taps


def test_settings_survive_strange_values():
    kept = {"temperature": 99, "top_k": 7.0, "format": "poem", "seed": True, "max_tokens": "9"}
    assert m.ChatSettings.from_mapping(kept) == m.ChatSettings(top_k=7)
    assert m.ChatSettings.from_mapping(GREEDY.to_mapping()) == GREEDY


def test_threads_are_shared_with_a_running_experiment():
    assert chat_threads(busy=False, cores=2) == 1
    assert chat_threads(busy=False, cores=8) == 7
    assert chat_threads(busy=True, cores=8) == 3
    assert chat_threads(busy=True, cores=1) == 1


def test_a_database_that_takes_nothing_more_ends_the_answer_and_not_the_chat(
    engine, chats, monkeypatch
):
    message = ask(chats)
    engine.handle(m.Answer(message, turns(), GREEDY))
    engine.advance()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(chats), "append", full)
    monkeypatch.setattr(type(chats), "finish", full)
    while engine.working:
        engine.advance()
    assert of(engine._out.events, m.Failed)[0].message == message
    monkeypatch.undo()
    assert of(run(engine, m.Answer(ask(chats), turns(), GREEDY)), m.Ended)[0].state == "done"


class Passages:
    """A grounder that takes its time, and tells for which languages it was prepared."""

    def __init__(self, clock):
        self.clock, self.prepared = clock, []

    def prepare(self, lang):
        self.prepared.append(lang)

    def ground(self, question, topic="", context=None):
        self.clock[0] += 4.0
        return Grounding("en", "", (), False, question)


def test_the_wait_for_the_first_token_includes_looking_the_question_up(tmp_path, chats):
    clock = [0.0]
    passages = Passages(clock)
    engine = ChatEngine(
        ChatOutbox(),
        chats,
        lambda *given, **more: as_tutor(open_model(*given, **more)),
        clock=lambda: clock[0],
        backgrounds=Backgrounds(lambda: passages),
    )
    engine.handle(m.Load(make_model(tmp_path / "tiny")))
    engine.handle(m.Prepare("学"))
    engine.handle(m.Prepare("what"))
    assert passages.prepared == ["zh", "en"]
    events = run(engine, m.Answer(ask(chats), turns(), GREEDY))
    assert of(events, m.Ended)[0].facts["first_token_s"] == 4.0


def as_tutor(model):
    return replace(model, info=replace(model.info, is_tutor=True))
