"""The conversations: found, renamed, deleted and brought back, their drafts, exported."""

import json

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QInputDialog,
)

from .conftest import say


def test_conversations_are_found_deleted_and_brought_back(qtbot, ready):
    say(qtbot, ready, "Once upon")
    first = ready.controller.conversation.id
    ready.header.new_button.click()
    say(qtbot, ready, "a small fox")
    ready.header.list_button.click()
    page = ready.list_page
    assert page.list.count() == 2
    page.filter.setText("upon")
    assert page.list.count() == 1
    assert int(page.list.item(0).data(Qt.ItemDataRole.UserRole)) == first
    page.list.setCurrentRow(0)
    with qtbot.waitSignal(ready.deleted) as deleted:
        qtbot.keyClick(page.list, Qt.Key.Key_Delete)
    assert deleted.args == [first]
    assert page.list.count() == 0
    ready.controller.undelete(first)
    assert ready.controller.branch()[0][0].text == "Once upon"


def test_a_conversation_is_renamed_by_key(qtbot, ready):
    say(qtbot, ready, "Once upon")
    ready.header.list_button.click()
    page = ready.list_page
    page.list.setCurrentRow(0)
    qtbot.keyClick(page.list, Qt.Key.Key_F2)
    dialog = page.findChild(QInputDialog)
    assert dialog.textValue() == "Once upon"
    dialog.setTextValue("The fox")
    dialog.accept()
    assert page.list.item(0).text() == "The fox"
    page.filter.setText("nobody said this")
    assert not page.list.isVisible()
    assert "nobody said this" in page._empty.text()


def test_a_draft_waits_in_its_conversation(qtbot, ready, store):
    say(qtbot, ready, "Once upon")
    first = ready.controller.conversation.id
    qtbot.keyClicks(ready.composer.field, "half a thought")
    ready.header.new_button.click()
    assert ready.composer.text() == ""
    ready.controller.open(first)
    assert ready.composer.text() == "half a thought"


def test_export(qtbot, ready, tmp_path, monkeypatch):
    say(qtbot, ready)
    told = []
    ready.told.connect(told.append)
    for name in ("a.md", "a.json"):
        answer = (str(tmp_path / name), "")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, answer=answer: answer)
        ready.header.export_wanted.emit()
    assert "## Model (tiny)" in (tmp_path / "a.md").read_text(encoding="utf-8")
    data = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert len(data["messages"][1]["tokens"]) == 16
    assert told == ["The conversation is saved as a.md.", "The conversation is saved as a.json."]
