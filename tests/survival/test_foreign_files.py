"""Files from elsewhere, whatever is in them: an error of ours in words, or something usable."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop.bilingual import GlassboxError
from desktop.course.chat_export import ExportWords, to_json, to_markdown
from desktop.course.chats import Chats, TokenRecord
from desktop.course.store import Position, Store
from desktop.engine.recipe import Recipe
from desktop.runtime.chat_messages import ChatSettings
from desktop.ui.lesson.table_file import TableShape, read_table
from desktop.ui.main_window import MainWindow

FUZZ = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = ("version", "lesson", "parameters", "seed", "head", "step", "changes", "acts", "parent")
RECIPE_LIKE = st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, VALUES))


@FUZZ
@given(st.binary(max_size=400) | (RECIPE_LIKE | VALUES).map(lambda one: json.dumps(one).encode()))
def test_an_experiment_file(tmp_path, data):
    path = tmp_path / "a.glassbox"
    path.write_bytes(data)
    try:
        recipe = Recipe.from_file(path)
    except GlassboxError:
        pass
    else:
        assert Recipe.from_json(recipe.to_json()) == recipe


@FUZZ
@given(st.data())
def test_an_experiment_file_with_one_value_exchanged(tmp_path, data):
    good = Recipe("gpt", 3, {"rate": 0.1}, head=5).to_json()
    name = data.draw(st.sampled_from(sorted(good)))
    path = tmp_path / "a.glassbox"
    path.write_text(json.dumps({**good, name: data.draw(VALUES)}), encoding="utf-8")
    with suppress(GlassboxError):
        Recipe.from_file(path)


def test_deep_nesting_is_no_overflow(tmp_path):
    path = tmp_path / "a.glassbox"
    for text in ("[" * 100_000, '{"parent":' * 50_000 + "1" + "}" * 50_000):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(GlassboxError):
            Recipe.from_file(path)


@FUZZ
@given(st.binary(max_size=300) | st.text("0123456789.,;-+eE \t\n\"'naif\0ä", max_size=200))
def test_a_table(tmp_path, data):
    path = tmp_path / "a.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    try:
        rows = read_table(path, TableShape(2, low=-1e6, high=1e6, at_most=50))
    except GlassboxError:
        return
    assert 0 < len(rows) <= 50
    assert all(len(row) == 2 and all(-1e6 <= value <= 1e6 for value in row) for row in rows)


@FUZZ
@given(text=st.text(max_size=60) | VALUES.map(json.dumps), blob=st.binary(max_size=60))
def test_a_record_that_somebody_edited(tmp_path_factory, text, blob):
    """A sound SQLite file with nonsense in its fields: the program starts and says sensible things."""
    path = tmp_path_factory.mktemp("edited") / "glassbox.sqlite3"
    store = Store(path)
    store.set_position(Position("gpt", "one", {"rate": 1.0}))
    store.set_setting("text_size", 1.0)
    store.set_layout("main", b"x")
    chats = Chats(store.database)
    talk = chats.create("tiny")
    message = chats.add(talk.id, 0, "assistant", "x", "tiny")
    chats.append(message, 0, [TokenRecord(1, "x", -0.5, ((1, "x", -0.5),))])
    store.close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE positions SET parameters = ?, step = ?", (text, text))
        file.execute("UPDATE settings SET value = ?", (text,))
        file.execute("UPDATE layouts SET value = ?", (blob,))
        file.execute("UPDATE conversations SET settings = ?, model = ?, title = ?", (text,) * 3)
        file.execute("UPDATE conversations SET leaf = 99")
        file.execute("UPDATE messages SET facts = ?, text = ?", (text, text))
        file.execute("UPDATE tokens SET top = ?, text = ?", (text, text))
    store = Store(path)
    chats = Chats(store.database)
    assert isinstance(store.setting("text_size", 1.0), float)
    assert store.position() is not None
    assert store.layout("main") == blob
    for conversation in chats.all():
        chats.title(conversation)
        chats.branch(conversation.id)
        assert isinstance(dict(conversation.settings), dict)
        ChatSettings.from_mapping(conversation.settings)
        for number in chats.messages(conversation.id):
            chats.tokens(number)
        to_markdown(chats, conversation.id, ExportWords("zh", "u", "a", "s", "t", "l", {}))
        to_json(chats, conversation.id)
    store.close()


@FUZZ
@given(blob=st.binary(max_size=200))
def test_a_layout_that_somebody_edited(window: MainWindow, blob):
    window.restore_layout(blob)
    assert window.width() >= window.minimumWidth()


def test_a_data_folder_with_a_strange_name(tmp_path):
    for name in ("a b", "数据 文件夹", "q?uery#x&y", "100%", "'quoted'", "a;b", "~"):
        folder = tmp_path / name
        store = Store(folder / "glassbox.sqlite3")
        store.visit_step("gpt", "one")
        assert store.notices == ()
        store.close()
        assert [one.name for one in tmp_path.iterdir()] == [name]
        again = Store(folder / "glassbox.sqlite3")
        assert again.visited_steps("gpt") == {"one"}
        again.close()
        for file in folder.iterdir():
            file.unlink()
        Path(folder).rmdir()
