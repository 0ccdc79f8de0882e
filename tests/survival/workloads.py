"""What is going on when the process is killed; run as ``python -m tests.survival.workloads``.

``save`` writes progress, settings and experiments as fast as it can, ``migrate`` opens a database of
the first version, ``chat`` lets a real model write into a conversation, ``window`` is the whole
application: a lesson trains, the learner goes through its steps, and the model answers beside it.
"""

from __future__ import annotations

import itertools
import sqlite3
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

from desktop.course.chats import Chats
from desktop.course.database import Database
from desktop.course.store import MIGRATIONS, Position, Store
from tests.survival.journal import keep_journal

NAME = "glassbox.sqlite3"
ROWS = 3000
"""Rows of the old database, so that migrating it takes long enough to be hit."""


def save(folder: Path, journal: Path) -> None:
    """One learner in a great hurry."""
    store = Store(folder / NAME)
    keep_journal(store.database, journal)
    for number in itertools.count():
        store.visit_step("gpt", f"step-{number % 50}")
        store.set_position(Position("gpt", f"step-{number % 50}", {"rate": number / 7}, number))
        store.record_answer("gpt", f"check-{number % 20}", f"a{number}", f"a{number // 2}")
        store.set_setting("counter", number)
        store.set_layout("main", number.to_bytes(8, "big") * 40)
        kept = store.save_experiment(f"实验 {number}", "gpt", number, "GLASSBOX" + "x" * 2000)
        if number % 3 == 0:
            store.delete_experiment(kept.id)
        if number % 50 == 0:
            store.back_up_beside()


def migrate(folder: Path, journal: Path) -> None:
    """Opens what an older version wrote; says when it is about to."""
    journal.write_text("about to open\n", encoding="utf-8")
    store = Store(folder / NAME)
    keep_journal(store.database, journal.with_suffix(".after"))
    store.set_setting("opened", True)
    time.sleep(60)


def make_old_database(path: Path) -> None:
    """A database of the first version with much in it."""
    old = Database(path, MIGRATIONS[:1])
    old.write_all(
        [
            (
                "INSERT INTO experiments (name, lesson, step, recipe, at) VALUES (?, ?, ?, ?, ?)",
                (f"实验 {number}", "gpt", number, "GLASSBOX" + "x" * 1500, 1000.0 + number),
            )
            for number in range(ROWS)
        ]
    )
    old.write("INSERT OR REPLACE INTO settings VALUES ('theme', '\"dark\"')")
    old.close()
    old.backup_path.unlink()


def chat(folder: Path, journal: Path) -> None:
    """A model that never stops writing."""
    from desktop.runtime.chat_engine import ChatEngine
    from desktop.runtime.chat_messages import Answer, ChatSettings, Load, Message
    from desktop.runtime.chat_outbox import ChatOutbox

    store = Store(folder / NAME)
    keep_journal(store.database, journal)
    chats = Chats(store.database)
    outbox = ChatOutbox()
    engine = ChatEngine(outbox, chats)
    engine.handle(Load(_model(folder)))
    talk = chats.create("tiny")
    for _ in itertools.count():
        question = chats.add(talk.id, 0, "user", "Once upon a time")
        answer = chats.add(talk.id, question, "assistant", "", "tiny")
        turns = (Message("user", "Once upon a time"),)
        engine.handle(Answer(answer, turns, ChatSettings(temperature=0.8, max_tokens=40, seed=4)))
        while engine.working:
            engine.advance()
        outbox.events.clear()


def window(folder: Path, journal: Path) -> None:
    """The application itself, with somebody at it who never rests."""
    from PySide6.QtCore import QTimer

    from desktop.app import Glassbox, Options, make_application

    model = _model(folder)
    app = make_application()
    glassbox = Glassbox(app, Options(lesson="gradient-descent", data_dir=folder, language="zh"))
    keep_journal(glassbox.store.database, journal)
    glassbox.start((1280, 720))
    beat = itertools.count()
    timer = QTimer(glassbox)

    def act() -> None:
        number, view = next(beat), glassbox.lesson_view
        if number == 0:
            glassbox.window.show_chat(True)
            assert glassbox.chat is not None
            glassbox.chat.pane.load(model)
        if view.lesson is not None and not glassbox.session.status.playing:
            glassbox.session.play()
        if view.lesson is not None and number % 3 == 0:
            view.open(view.lesson.slug, view.lesson.steps[number // 3 % len(view.lesson.steps)].id)
        chat_parts = glassbox.chat
        if chat_parts is not None and chat_parts.session.info and not chat_parts.controller.writing:
            chat_parts.controller.send("Once upon a time")
        if number % 7 == 0:
            glassbox.appearance.switch_theme()

    timer.timeout.connect(act)
    QTimer.singleShot(500, lambda: timer.start(40))
    app.exec()


def _model(folder: Path) -> Path:
    """A tiny model, made once for a data folder."""
    from tests.ui.chat.conftest import make_model

    path = folder / "models" / "tiny"
    return path if path.exists() else make_model(path)


def old_content(path: Path) -> tuple[int, str]:
    """What must still be there of the old database: its experiments and a setting."""
    with closing(sqlite3.connect(path)) as connection:
        count = connection.execute(
            "SELECT count(*) FROM experiments WHERE length(recipe) = 1508"
        ).fetchone()[0]
        theme = connection.execute("SELECT value FROM settings WHERE name = 'theme'").fetchone()[0]
    return count, theme


WORKLOADS = {"save": save, "migrate": migrate, "chat": chat, "window": window}


def _watch_parent() -> None:
    """End when nobody is left who would kill this process."""
    sys.stdin.buffer.read()
    import os

    os._exit(3)


if __name__ == "__main__":
    threading.Thread(target=_watch_parent, daemon=True).start()
    WORKLOADS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
