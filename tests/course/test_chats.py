"""Conversations: nothing is lost, branches stay, deleting can be undone, a kill costs one token."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from desktop.course.chat_export import ExportWords, to_json, to_markdown
from desktop.course.chats import Chats, TokenRecord
from desktop.course.store import Store


@pytest.fixture
def chats(store):
    return Chats(store.database)


def ask(chats, conversation, parent, question, answer):
    user = chats.add(conversation, parent, "user", question)
    reply = chats.add(conversation, user, "assistant", "", "tiny")
    chats.append(reply, 0, [TokenRecord(i, piece) for i, piece in enumerate(answer)])
    chats.finish(reply, "done", {"tokens": len(answer)})
    return user, reply


def test_messages_are_a_tree(chats):
    one = chats.create("tiny", {"temperature": 0.5})
    user, first = ask(chats, one.id, 0, "Hello?", ["Hi", " there"])
    second = chats.add(one.id, user, "assistant", "", "tiny")
    chats.append(second, 0, [TokenRecord(7, "Yes", -0.5, ((7, "Yes", -0.5), (8, "No", -1.5)), 3.0)])
    chats.finish(second, "stopped")
    assert [message.text for message in chats.branch(one.id)] == ["Hello?", "Yes"]
    assert chats.siblings(chats.messages(one.id)[second]) == (first, second)
    chats.set_leaf(one.id, first)
    assert [message.text for message in chats.branch(one.id)] == ["Hello?", "Hi there"]
    assert chats.newest_leaf(one.id, user) == second
    assert chats.tokens(second)[0].top == ((7, "Yes", -0.5), (8, "No", -1.5))
    assert chats.get(one.id).settings == {"temperature": 0.5}


def test_titles_drafts_and_renaming(chats):
    one = chats.create()
    assert chats.title(one) == ""
    ask(chats, one.id, 0, "What is   attention, and why does everybody talk of it so much?", ["?"])
    assert chats.title(one).startswith("What is attention, and")
    assert chats.title(one).endswith("…")
    chats.rename(one.id, " Attention ")
    chats.set_draft(one.id, "and then")
    assert chats.title(chats.get(one.id)) == "Attention"
    assert chats.get(one.id).draft == "and then"


def test_deleting_can_be_undone_until_the_next_start(chats, store):
    one = chats.create()
    ask(chats, one.id, 0, "Keep me", ["ok"])
    chats.delete(one.id)
    assert chats.all() == ()
    chats.undelete(one.id)
    assert [found.id for found in chats.all()] == [one.id]
    chats.delete(one.id)
    again = Chats(store.database)
    again.undelete(one.id)
    assert again.all() == ()
    assert store.database.read("SELECT count(*) FROM tokens") == [(0,)]


def test_search_finds_text_and_titles_and_takes_signs_literally(chats):
    one, other = chats.create(), chats.create()
    ask(chats, one.id, 0, "什么是学习率？", ["学习率", "是步子的大小。"])
    ask(chats, other.id, 0, "is 100% enough", ["no"])
    chats.rename(other.id, "Percent")
    assert [hit.conversation.id for hit in chats.search("学习率是")] == [one.id]
    assert [hit.conversation.id for hit in chats.search("0%")] == [other.id]
    assert chats.search("0_") == ()
    assert [hit.conversation.id for hit in chats.search("perc")] == [other.id]
    assert "步子" in chats.search("步子")[0].snippet
    assert len(chats.search("")) == 2


WORDS = ExportWords(
    "en", "You", "Model", "From the course:", "glossary", "lesson", {"tutor": "Tutor"}
)


def test_export(chats):
    one = chats.create("tiny")
    user, _ = ask(chats, one.id, 0, "Hi", ["A"])
    chats.add(one.id, user, "assistant", "", "tiny")
    text = to_markdown(chats, one.id, WORDS)
    assert text.startswith("# Hi\n\n## You\n\nHi\n\n## Model (tiny)")
    data = json.loads(to_json(chats, one.id))
    assert data["model"] == "tiny"
    assert [message["parent"] for message in data["messages"]] == [None, user, user]
    assert data["messages"][1]["tokens"] == [{"id": 0, "text": "A", "logprob": 0.0}]


def test_an_export_has_the_sources_and_no_folder_of_this_computer(chats):
    one = chats.create("/home/ada/models/tutor")
    user = chats.add(one.id, 0, "user", "What is a step?")
    answer = chats.add(one.id, user, "assistant", "", "tutor")
    sources = [
        {"kind": "term", "id": "step", "step": "", "title": {"zh": "步", "en": "Step"}},
        {"kind": "lesson", "id": "fog", "step": "a", "title": {"zh": "雾中", "en": "In the fog"}},
        "edited by hand",
    ]
    chats.finish(answer, "done", {"sources": sources}, "A move.")
    text = to_markdown(chats, one.id, WORDS)
    assert text.endswith(
        "## Tutor\n\nA move.\n\nFrom the course:\n\n- Step (glossary)\n- In the fog (lesson)\n"
    )
    data = json.loads(to_json(chats, one.id))
    assert data["messages"][1]["facts"]["sources"] == sources
    assert data["model"] == "tutor"
    assert "/home/ada" not in to_json(chats, one.id) + text


def test_an_older_database_gets_the_tables(tmp_path):
    from desktop.course.database import Database
    from desktop.course.store import MIGRATIONS

    path = tmp_path / "old.sqlite3"
    old = Database(path, MIGRATIONS[:1])
    old.write("INSERT INTO settings VALUES ('a', '1')")
    old.close()
    store = Store(path)
    assert store.notices == ()
    assert store.setting("a", 0) == 1
    assert Chats(store.database).create().id == 1
    store.close()


WRITER = """
    import itertools, sys
    from pathlib import Path
    from desktop.course.chats import Chats, TokenRecord
    from desktop.course.store import Store
    chats = Chats(Store(Path(sys.argv[1])).database)
    one = chats.create("tiny")
    user = chats.add(one.id, 0, "user", "Count")
    reply = chats.add(one.id, user, "assistant", "", "tiny")
    for place in itertools.count():
        chats.append(reply, place, [TokenRecord(place, f"{place} ")])
        print(place, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_kill_9_loses_at_most_the_last_token(tmp_path):
    path = tmp_path / "glassbox.sqlite3"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 40:
                os.kill(process.pid, signal.SIGKILL)
                break
        rest = process.stdout.read().split()
    reported = int(rest[-1]) if rest else 40
    store = Store(path)
    chats = Chats(store.database)
    reply = chats.branch(chats.all()[0].id)[-1]
    assert reply.state == "stopped"
    kept = [int(number) for number in reply.text.split()]
    assert kept == list(range(len(kept)))
    assert len(kept) in (reported + 1, reported + 2)
    assert reply.facts["stop"] == "interrupted"
    store.close()
