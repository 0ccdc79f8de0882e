"""The pane as a whole: no stray windows, names for everything, another look while it talks."""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QWidget,
)

from desktop.tutor.grounding import LessonContext
from desktop.ui.chat.question_view import QuestionView
from desktop.ui.strings import language
from desktop.ui.theme import theme

from .conftest import LONG, WAIT, say


class Windows(QObject):
    """Notes every window that is shown."""

    def __init__(self):
        super().__init__()
        self.shown = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(type(watched).__name__)
        return False


def test_nothing_flashes_up_as_a_window_of_its_own(qtbot, qapp, ready):
    windows = Windows()
    qapp.installEventFilter(windows)
    ready.controller.open_lesson = lambda: LessonContext("gradient-descent", "fog")
    ready.controller.attached = True
    first = say(qtbot, ready)
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        first.again_button.click()
    ready.composer.look_button.click()
    ready.transcript.answers()[-1].older.click()
    for show in ("show_list", "show_sampling", "show_models"):
        getattr(ready.pages, show)()
        qtbot.waitUntil(ready.pages.currentWidget().isVisible, timeout=WAIT)
    qtbot.waitUntil(lambda: bool(ready.shelf.models), timeout=WAIT)
    ready.models_page._ask(ready.shelf.models[0])
    ready.show_talk()
    question = next(v for v in ready.transcript.views.values() if isinstance(v, QuestionView))
    question.begin_editing()
    question.end_editing()
    qapp.removeEventFilter(windows)
    assert windows.shown == [], windows.shown


def test_everything_has_a_name_in_both_languages(qtbot, ready):
    for current in ("zh", "en"):
        language().set(current)
        for page in range(ready.pages.count()):
            ready.pages.setCurrentIndex(page)
            for kind in (QAbstractButton, QComboBox):
                for widget in ready.findChildren(kind):
                    if widget.isVisible() and widget.objectName() != "qt_toolbar_ext_button":
                        assert widget.accessibleName() or getattr(widget, "text", str)(), widget


def test_theme_and_size_change_while_it_talks(qtbot, ready):
    ready.controller.set_settings(LONG)
    say(qtbot, ready, wait=False)
    theme().set(name="dark", text_scale=1.3)
    language().set("zh")
    with qtbot.waitSignal(ready.controller.answer_ended, timeout=WAIT):
        ready.composer.send_button.click()
    assert "已停止" in ready.transcript.answers()[-1].foot.text()
