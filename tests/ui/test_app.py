"""The whole application as a learner starts it: real course, real experiments, real threads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from desktop import app as module
from desktop import instance
from desktop.app import Glassbox, Options, check_lesson, check_screen
from desktop.bilingual import GlassboxError
from desktop.course.store import Position
from desktop.ui.strings import language, tr

LOADING_MS = 60_000


class Starter:
    """Starts the application and takes care that each one is closed."""

    def __init__(self, qapp, qtbot, folder: Path) -> None:
        self.qapp, self.qtbot, self.folder = qapp, qtbot, folder
        self.open: list[Glassbox] = []

    def __call__(self, **options: object) -> Glassbox:
        wanted = {"language": "en", "theme": "light", "data_dir": self.folder} | options
        made = Glassbox(self.qapp, Options(**wanted))  # type: ignore[arg-type]
        self.open.append(made)
        with self.qtbot.waitSignal(made.first_painted):
            made.start((1280, 720))
        return made

    def close(self, glassbox: Glassbox) -> None:
        self.open.remove(glassbox)
        glassbox.window.close()
        glassbox.close()
        glassbox.window.deleteLater()
        glassbox.deleteLater()


@pytest.fixture
def start(qapp, qtbot, tmp_path):
    starter = Starter(qapp, qtbot, tmp_path / "data")
    yield starter
    for glassbox in list(starter.open):
        starter.close(glassbox)


def wait_for_lesson(qtbot, glassbox):
    qtbot.waitUntil(lambda: bool(glassbox.session.status.runs), timeout=LOADING_MS)


def test_first_start_shows_the_first_lesson_moving(qtbot, start, course):
    glassbox = start()
    assert glassbox.window.slug == course.lessons[0].slug
    qtbot.waitUntil(lambda: glassbox.session.status.step > 0, timeout=LOADING_MS)
    assert glassbox.session.status.lesson == course.lessons[0].slug
    assert glassbox.window.pages.currentWidget() is glassbox.lesson_view
    assert glassbox.window.toasts.shown == []


def test_about_names_the_folder_in_use(start):
    glassbox = start()
    glassbox.window.actions_by_name["about"].trigger()
    said = [label.text() for label in glassbox.window.about.findChildren(QLabel)]
    assert any(str(glassbox.folder) in text for text in said)


def test_nothing_of_torch_before_the_first_paint():
    """Looked at in a fresh process, because this one has torch already."""
    import subprocess
    import sys

    code = (
        "import sys, tempfile, pathlib\n"
        "from desktop.app import Glassbox, Options, make_application\n"
        "app = make_application()\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "g = Glassbox(app, Options(data_dir=folder))\n"
        "def painted():\n"
        "    print(sorted({'torch', 'pyqtgraph', 'ziamath'} & set(sys.modules)))\n"
        "    app.quit()\n"
        "g.first_painted.connect(painted)\n"
        "g.start()\n"
        "app.exec()\n"
        "g.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


def test_goes_on_where_the_learner_left(qtbot, start, course):
    lesson = course.lessons[1]
    step = lesson.steps[1].id
    first = start()
    first.store.set_position(Position(lesson.slug, step))
    start.close(first)
    second = start()
    wait_for_lesson(qtbot, second)
    assert second.window.slug == lesson.slug
    assert second.lesson_view.lesson.steps[second.lesson_view.index].id == step


def test_lesson_from_the_outline(qtbot, start, course):
    glassbox = start()
    wait_for_lesson(qtbot, glassbox)
    slug = course.lessons[1].slug
    glassbox.window.outline.lesson_chosen.emit(slug)
    qtbot.waitUntil(lambda: glassbox.session.status.lesson == slug, timeout=LOADING_MS)
    assert glassbox.window.slug == slug
    assert course.lesson(slug).title.en in glassbox.window.windowTitle()


def test_language_switches_while_it_runs(qtbot, start, course):
    glassbox = start()
    qtbot.waitUntil(lambda: glassbox.session.status.step > 0, timeout=LOADING_MS)
    glassbox.window.actions_by_name["switch_language"].trigger()
    assert language().current == "zh"
    assert course.lessons[0].title.zh in glassbox.window.windowTitle()
    reached = glassbox.session.status.step
    qtbot.waitUntil(lambda: glassbox.session.status.step > reached, timeout=LOADING_MS)


def test_settings_and_glossary_from_the_outline(qtbot, start):
    glassbox = start()
    outline = glassbox.window.outline
    qtbot.mouseClick(outline.settings_button, Qt.MouseButton.LeftButton)
    assert glassbox.window.page == "settings"
    qtbot.mouseClick(outline.glossary_button, Qt.MouseButton.LeftButton)
    assert glassbox.window.page == "glossary"
    glassbox.window.actions_by_name["lesson"].trigger()
    assert glassbox.window.page == "lesson"


def test_progress_can_be_cleared_and_brought_back(qtbot, start, course):
    glassbox = start()
    wait_for_lesson(qtbot, glassbox)
    lesson = course.lessons[0]
    glassbox.store.visit_step(lesson.slug, lesson.steps[0].id)
    glassbox.lesson_view.progress_changed.emit()
    assert glassbox.progress(lesson.slug) == "started"
    glassbox._reset_progress()
    assert glassbox.progress(lesson.slug) == "new"
    toast = glassbox.window.toasts.shown[0]
    assert toast.text == tr("shell.progress_reset")
    glassbox._undo_reset()
    assert glassbox.progress(lesson.slug) == "started"


def test_a_damaged_database_is_told_and_the_window_opens(qtbot, start):
    start.folder.mkdir(parents=True)
    (start.folder / "glassbox.sqlite3").write_bytes(b"this is no database" * 500)
    glassbox = start()
    qtbot.waitUntil(lambda: bool(glassbox.window.toasts.shown))
    wait_for_lesson(qtbot, glassbox)


def test_a_crash_of_the_last_session_is_told_and_can_be_seen(qtbot, start):
    glassbox = start()
    wait_for_lesson(qtbot, glassbox)
    glassbox.last_crash = "Fatal Python error: Segmentation fault"
    glassbox._tell_at_start()
    glassbox.window.show_page("settings")
    glassbox.window.show_page("lesson")
    (toast,) = [one for one in glassbox.window.toasts.shown if one.text == tr("error.last_time")]
    over = glassbox.window.pages.childAt(toast.geometry().center())
    assert toast.isAncestorOf(over)  # in front of the lesson
    button = next(one for one in toast.findChildren(QPushButton))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert "Segmentation fault" in glassbox.errors.sheet.report.toPlainText()


def test_a_second_start_shows_this_window_and_its_wish(qtbot, start, course, tmp_path):
    glassbox = start()
    wait_for_lesson(qtbot, glassbox)
    first = instance.claim(start.folder)
    glassbox.listen(first)
    glassbox.window.showMinimized()
    slug = course.lessons[1].slug
    (first.folder / "wish-1-1.json").write_text(json.dumps({"lesson": slug}), encoding="utf-8")
    qtbot.waitUntil(lambda: glassbox.session.status.lesson == slug, timeout=LOADING_MS)
    assert not glassbox.window.isMinimized()
    damaged = tmp_path / "state.glassbox"
    damaged.write_text("{ not json", encoding="utf-8")
    glassbox.show_wish(instance.Wish(open_file=str(damaged)))
    glassbox.show_wish(instance.Wish(lesson="no-such-lesson"))
    assert len(glassbox.window.toasts.shown) == 2
    assert glassbox.window.slug == slug
    first.release()


def test_a_damaged_state_file_is_told_and_the_lesson_stays(qtbot, start, tmp_path, course):
    damaged = tmp_path / "state.glassbox"
    damaged.write_text("{ not json", encoding="utf-8")
    glassbox = start(open_file=damaged)
    qtbot.waitUntil(lambda: bool(glassbox.window.toasts.shown))
    wait_for_lesson(qtbot, glassbox)
    assert glassbox.window.slug == course.lessons[0].slug


def test_unknown_lesson_and_step_are_said_in_a_sentence(course):
    with pytest.raises(GlassboxError) as caught:
        check_lesson("no-such-lesson", "")
    assert course.lessons[0].slug in caught.value.hint.en
    with pytest.raises(GlassboxError) as caught:
        check_lesson(course.lessons[0].slug, "no-such-step")
    assert course.lessons[0].steps[0].id in caught.value.hint.en


def test_no_screen_is_said_in_a_sentence(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module.sys, "platform", "linux")
    with pytest.raises(GlassboxError):
        check_screen()
