"""Texts from elsewhere are shown as they are: never as markup, links or paths.

Conversations, model names, names of experiments and files, folders: each holds markup here. Then every
label, tooltip, list and text of the whole window is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QAbstractItemModel, QModelIndex
from PySide6.QtGui import QAction, Qt, QTextDocument
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QLabel,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from desktop.app import Glassbox, Options, make_application
from desktop.bilingual import Bilingual, GlassboxError
from desktop.course.chats import Chats, TokenRecord
from desktop.course.store import Store
from desktop.instance import Wish
from desktop.llm.store import ModelError, ModelStore, check_name, safe_name
from desktop.ui.strings import tr
from tests.ui.chat.conftest import make_model

MARK = "evil.example"
HOSTILE = f'<img src="http://{MARK}/a.png"><a href="http://{MARK}">x</a> [y](http://{MARK}) ![z](//{MARK}/b)'
HOSTILE_NAME = f"<a href='{MARK}'><b>x</b>".replace("/", "∕")
WAIT = 60_000


def seen_as_markup(text: str, form: Qt.TextFormat = Qt.TextFormat.AutoText) -> bool:
    if MARK not in text or form == Qt.TextFormat.PlainText:
        return False
    if form == Qt.TextFormat.AutoText and not Qt.mightBeRichText(text):
        return False
    document = QTextDocument()
    document.setHtml(text)
    return "<" not in document.toPlainText()  # the tags were taken for markup, not shown


def offenders(root: QWidget) -> Iterator[str]:
    """Every place under ``root`` that would make markup of a hostile text."""
    widgets = [root, *root.findChildren(QWidget)]
    for widget in widgets:
        where = f"{type(widget).__name__} {widget.objectName()}".strip()
        if isinstance(widget, QLabel) and seen_as_markup(widget.text(), widget.textFormat()):
            yield f"{where}: {widget.text()[:60]}"
        if seen_as_markup(widget.toolTip()):
            yield f"tooltip of {where}: {widget.toolTip()[:60]}"
        if isinstance(widget, (QTextEdit, QPlainTextEdit)):
            yield from (f"{where}: {found}" for found in links_and_pictures(widget.document()))
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            yield from (f"{where}: {found}" for found in tips(widget.model()))
    for action in root.findChildren(QAction):
        if seen_as_markup(action.toolTip()):
            yield f"tooltip of action {action.text()[:40]}"


def links_and_pictures(document: QTextDocument) -> Iterator[str]:
    block = document.begin()
    while block.isValid():
        for piece in block:
            form = piece.fragment().charFormat()
            if form.isImageFormat() and MARK in form.toImageFormat().name():
                yield f"picture {form.toImageFormat().name()}"
            href = form.anchorHref()
            if form.isAnchor() and MARK in href and not href.startswith("http"):
                yield f"link {href}"
        block = block.next()


def tips(model: QAbstractItemModel, parent: QModelIndex | None = None) -> Iterator[str]:
    for row in range(model.rowCount(parent or QModelIndex())):
        tip = model.index(row, 0, parent or QModelIndex()).data(Qt.ItemDataRole.ToolTipRole)
        if isinstance(tip, str) and seen_as_markup(tip):
            yield f"tooltip {tip[:60]}"


@pytest.fixture
def glassbox(qtbot, tmp_path):
    folder = tmp_path / HOSTILE_NAME
    folder.mkdir()
    fill(folder)
    made = Glassbox(
        make_application(),
        Options(lesson="gradient-descent", language="en", theme="light", data_dir=folder),
    )
    made.start((1700, 900))
    qtbot.waitUntil(lambda: made.started and bool(made.session.status.runs), timeout=WAIT)
    made.session.pause()
    yield made
    made.window.close()
    made.close()
    made.window.deleteLater()
    made.deleteLater()


def fill(folder: Path) -> None:
    """Everything the learner can name, named by somebody with bad intentions."""
    make_model(folder / "models" / HOSTILE_NAME)
    store = Store(folder / "glassbox.sqlite3")
    store.save_experiment(HOSTILE, "gradient-descent", 3, "GLASSBOX…")
    store.set_setting("chat.model", HOSTILE_NAME)
    chats = Chats(store.database)
    for title in (HOSTILE, ""):
        talk = chats.create(HOSTILE_NAME)
        chats.rename(talk.id, title)
        question = chats.add(talk.id, 0, "user", HOSTILE)
        answer = chats.add(talk.id, question, "assistant", "", HOSTILE_NAME)
        top = ((1, HOSTILE, -0.1), (2, "<b>", -2.0))
        chats.append(answer, 0, [TokenRecord(1, HOSTILE, -0.1, top), TokenRecord(2, "<b>", -1.0)])
        chats.finish(answer, "done", {"stop": "eos"}, HOSTILE + "<b>")
        chats.set_draft(talk.id, HOSTILE)
    store.close()


def test_nothing_in_the_window_makes_markup_of_it(qtbot, glassbox, tmp_path):
    window = glassbox.window
    window.show_chat(True)
    pane = glassbox.chat.pane
    qtbot.waitUntil(lambda: MARK in window_text(window), timeout=WAIT)
    pane.load(glassbox.folder / "models" / HOSTILE_NAME)
    qtbot.waitUntil(lambda: glassbox.chat.session.info is not None, timeout=WAIT)
    glassbox.chat.controller.send(HOSTILE)
    qtbot.waitUntil(lambda: not glassbox.chat.controller.writing, timeout=WAIT)
    pane.actions_by_name["chat_look"].trigger()
    QApplication.processEvents()
    pane.actions_by_name["chat_list"].trigger()
    QApplication.processEvents()
    for name in ("settings", "glossary", "search", "shortcuts", "about", "lesson"):
        window.actions_by_name[name].trigger()
        QApplication.processEvents()
    window.search.dismiss()
    hostile_file = tmp_path / f"{HOSTILE_NAME}.glassbox"
    hostile_file.write_text(f'{{"lesson": "{HOSTILE_NAME}"}}', encoding="utf-8")
    glassbox.show_wish(Wish(open_file=str(hostile_file)))
    glassbox.show_wish(Wish(lesson=f"../../{HOSTILE_NAME}"))
    glassbox.errors.show_error(
        GlassboxError(Bilingual.same(HOSTILE), Bilingual.same(HOSTILE), HOSTILE)
    )
    glassbox.errors.report(ValueError(HOSTILE))
    QApplication.processEvents()
    found = [place for widget in QApplication.topLevelWidgets() for place in offenders(widget)]
    assert found == []
    assert glassbox.errors.sheet.isVisible()
    assert glassbox.errors.sheet.sentence.text() == tr("error.unexpected")


def window_text(window: QWidget) -> str:
    return " ".join(
        [label.text() for label in window.findChildren(QLabel)]
        + [edit.toPlainText() for edit in window.findChildren(QTextEdit)]
        + [edit.toPlainText() for edit in window.findChildren(QPlainTextEdit)]
    )


def test_the_look_at_the_window_finds_what_it_should(qtbot):
    """The check itself."""
    host = QWidget()
    qtbot.addWidget(host)
    label, plain, text = QLabel(HOSTILE, host), QLabel(HOSTILE, host), QTextEdit(host)
    plain.setTextFormat(Qt.TextFormat.PlainText)
    text.setHtml(HOSTILE.replace(f'href="http://{MARK}"', f'href="file://{MARK}"'))
    host.setToolTip(HOSTILE)
    assert len(list(offenders(host))) == 4
    label.setTextFormat(Qt.TextFormat.PlainText)
    text.setPlainText(HOSTILE)
    host.setToolTip("fine")
    assert list(offenders(host)) == []


# ---- names that want to leave their folder


@pytest.mark.parametrize("name", ["../outside", "..", "/etc", ".", "", "a/../../x", "..\\outside"])
def test_a_model_name_cannot_leave_the_models_folder(tmp_path, name):
    make_model(tmp_path / "data" / "outside")
    models = tmp_path / "data" / "models"
    make_model(models / "tiny")
    before = sorted(tmp_path.rglob("*"))
    store = ModelStore(models)
    for use in (store.get, store.remove, lambda one: list(store.verify(one))):
        with pytest.raises(ModelError):
            use(name)
    with pytest.raises(ModelError):
        check_name(name)
    assert sorted(tmp_path.rglob("*")) == before


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.sampled_from(["../x", "CON", "a/b", "a\\b", "nul.txt", "~", "\0"]))
def test_any_text_makes_a_safe_folder_name(text):
    name = safe_name(text)
    assert check_name(name) == name
    assert (Path("/models") / name).resolve().parent == Path("/models")
