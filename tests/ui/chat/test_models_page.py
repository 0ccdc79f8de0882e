"""The model manager by mouse: dialogs, dropping, verifying, removing, and what it says of each model."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton

from desktop.ui.strings import language

from .conftest import WAIT, make_model

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def page(qtbot, pane):
    """The models page, its list read."""
    pane.header.models_wanted.emit()
    qtbot.waitUntil(lambda: len(pane.shelf.models) == 1, timeout=WAIT)
    return pane.models_page


def press(qtbot, page, text):
    """Click the button of this text."""

    def shown():
        buttons = page.findChildren(QPushButton)
        return [one for one in buttons if one.isVisible() and one.text() == text]

    qtbot.waitUntil(lambda: bool(shown()), timeout=WAIT)
    qtbot.mouseClick(shown()[0], LEFT)


def drop(page, *paths):
    """Drag these over the page and let them go; whether they were accepted."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy = Qt.DropAction.CopyAction
    over = QDragEnterEvent(QPoint(50, 50), copy, data, LEFT, NONE)
    over.ignore()
    QApplication.sendEvent(page, over)
    if over.isAccepted():
        QApplication.sendEvent(page, QDropEvent(QPointF(50, 50), copy, data, LEFT, NONE))
    return over.isAccepted()


def names(page):
    return sorted(model.name for model in page.shelf.models)


def test_a_folder_is_imported_by_its_dialog(qtbot, page, tmp_path, monkeypatch):
    chosen = str(make_model(tmp_path / "elsewhere" / "mine"))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: chosen)
    with qtbot.waitSignal(page.told, timeout=WAIT) as told:
        qtbot.mouseClick(page.folder_button, LEFT)
    assert told.args == ["mine is imported."]
    qtbot.waitUntil(lambda: names(page) == ["mine", "tiny"], timeout=WAIT)


def test_a_file_that_is_no_model_is_refused_in_words(qtbot, page, tmp_path, monkeypatch):
    (tmp_path / "notes.gguf").write_text("not a model", encoding="utf-8")
    chosen = (str(tmp_path / "notes.gguf"), "")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: chosen)
    with qtbot.waitSignal(page.failed, timeout=WAIT) as failed:
        qtbot.mouseClick(page.file_button, LEFT)
    assert failed.args[0].message.zh
    assert names(page) == ["tiny"]
    assert page.folder_button.isEnabled()


def test_a_folder_is_imported_by_dropping_it(qtbot, page, tmp_path):
    mine = make_model(tmp_path / "elsewhere" / "mine")
    assert not drop(page, mine, mine)
    with qtbot.waitSignal(page.told, timeout=WAIT):
        assert drop(page, mine)
        assert not drop(page, mine)  # one at a time
    qtbot.waitUntil(lambda: names(page) == ["mine", "tiny"], timeout=WAIT)


def test_a_model_is_verified_loaded_and_removed_by_its_buttons(qtbot, pane, page):
    with qtbot.waitSignal(page.told, timeout=WAIT) as told:
        press(qtbot, page, "Verify")
    assert told.args == ["tiny is sound."]
    press(qtbot, page, "Load")
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)
    pane.show_models()
    press(qtbot, page, "Remove")
    press(qtbot, page, "Cancel")
    assert names(page) == ["tiny"]
    press(qtbot, page, "Remove")
    with qtbot.waitSignal(page.told, timeout=WAIT) as told:
        press(qtbot, page, "Remove its files")
    assert told.args == ["tiny is removed."]
    qtbot.waitUntil(lambda: names(page) == [] and pane.session.info is None, timeout=WAIT)
    assert not (pane.shelf.folder / "tiny").exists()


@pytest.mark.parametrize("loaded", [True, False])
def test_the_tutor_takes_the_place_of_a_model_that_is_removed(
    qtbot, tutor, pane, page, store, loaded
):
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)
    pane.load(pane.shelf.folder / "tiny")
    if loaded:
        qtbot.waitUntil(lambda: pane.session.info and not pane.session.info.is_tutor, timeout=WAIT)
    pane.show_models()
    press(qtbot, page, "Remove")
    with qtbot.waitSignal(page.told, timeout=WAIT):
        press(qtbot, page, "Remove its files")
    qtbot.waitUntil(lambda: pane.session.info and pane.session.info.is_tutor, timeout=WAIT)
    assert store.setting("chat.model", "") == "tutor:"


def test_a_model_that_is_not_in_use_is_removed_beside_the_one_that_is(qtbot, ready, models, store):
    make_model(models / "other")
    ready.show_models()
    qtbot.waitUntil(lambda: len(ready.shelf.models) == 2, timeout=WAIT)
    other = next(one for one in ready.shelf.models if one.name == "other")
    with qtbot.waitSignal(ready.models_page.told, timeout=WAIT):
        ready.models_page._remove(other)
    assert ready.session.info.name == "tiny"
    assert store.setting("chat.model", "") == "models:tiny"


@pytest.mark.parametrize(("spoken", "why"), [("en", "The model is small"), ("zh", "模型很小")])
def test_where_it_computes_and_why_stands_with_the_model(qtbot, ready, spoken, why):
    language().set(spoken)
    ready.show_models()
    qtbot.waitUntil(lambda: bool(ready.shelf.models), timeout=WAIT)
    texts = [one.text() for one in ready.models_page.findChildren(QLabel) if one.isVisible()]
    assert any(why in text for text in texts)
    assert why in ready.header.picker.toolTip()
    assert any("GB" in text for text in texts)  # what this machine has


def test_the_page_fits_into_the_narrowest_pane(qtbot, ready):
    ready.show_models()
    qtbot.waitUntil(lambda: bool(ready.shelf.models), timeout=WAIT)
    for spoken in ("zh", "en"):
        language().set(spoken)
        ready.resize(ready.minimumWidth(), 700)
        area = ready.models_page.area
        qtbot.waitUntil(
            lambda area=area: area.widget().width() <= area.viewport().width(), timeout=WAIT
        )
