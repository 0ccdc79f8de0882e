"""A chat pane with a real, tiny model behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

import desktop.tutor
from desktop.course.chats import Chats
from desktop.course.store import Store
from desktop.llm import model_folder
from desktop.llm.phi import Phi, PhiConfig, initialise
from desktop.llm.tokenizer import Tokenizer
from desktop.runtime.chat_messages import ChatSettings
from desktop.runtime.chat_session import ChatSession
from desktop.runtime.model_shelf import ModelShelf
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.controller import ChatController
from desktop.ui.chat.pane import ChatPane

TEXT = "Once upon a time there was a small fox who liked to read by the river. " * 20
SHORT = ChatSettings(temperature=0.8, max_tokens=16, seed=4)
LONG = ChatSettings(temperature=0.8, max_tokens=2000, seed=4)
WAIT = 30_000


def make_model(folder: Path, context: int = 96) -> Path:
    """A Phi of 50 thousand random weights with a vocabulary of its own."""
    tokenizer = Tokenizer.characters(TEXT)
    model = Phi(PhiConfig(tokenizer.size, 32, 64, 3, 4, 4, context))
    initialise(model, torch.Generator().manual_seed(1), spread=0.2)
    with torch.no_grad():  # it never ends by itself, so that tests know how long an answer is
        model.lm_head.bias[tokenizer.end_of_text] = -1e4
    model_folder.save(folder, model, tokenizer)
    return folder


def say(qtbot: QtBot, pane: ChatPane, text: str = "Once upon", *, wait: bool = True) -> AnswerView:
    """Ask, and wait for the whole answer or for its first tokens."""
    control, field = pane.controller, pane.composer.field
    field.setFocus()
    qtbot.keyClicks(field, text)
    with qtbot.waitSignal(control.answer_ended if wait else control.tokens_came, timeout=WAIT):
        qtbot.keyClick(field, Qt.Key.Key_Return)
    return pane.transcript.answers()[-1]


@pytest.fixture(autouse=True)
def built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tutor would lie; empty, so that the pane begins without a model."""
    place = tmp_path / "built-in"
    monkeypatch.setattr(desktop.tutor, "model_folder", lambda: place)
    return place


@pytest.fixture
def tutor(built_in: Path) -> Path:
    """A tutor of random weights with room for the course's passages."""
    return make_model(built_in, context=1024)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models folder with one model."""
    make_model(tmp_path / "models" / "tiny")
    return tmp_path / "models"


@pytest.fixture
def pane(qtbot: QtBot, store: Store, models: Path) -> Iterator[ChatPane]:
    """The pane as the window shows it, no model loaded yet."""
    chats = Chats(store.database)
    session = ChatSession(chats)
    shelf = ModelShelf(models)
    control = ChatController(chats, session)
    control.set_settings(SHORT)
    made = ChatPane(control, shelf, store)
    qtbot.addWidget(made)
    made.resize(360, 720)
    made.show()
    qtbot.waitExposed(made)
    yield made
    session.close()
    shelf.close()


@pytest.fixture
def ready(qtbot: QtBot, pane: ChatPane, models: Path) -> ChatPane:
    """The pane with the model loaded."""
    pane.load(models / "tiny")
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=60_000)
    return pane
