"""Builds the application, wires its parts, and takes it apart again.

The order matters for the first impression: the window is painted before any experiment is loaded, and
torch is imported only by the session's worker thread after that first paint (on Windows it has to be
the very first import, see ``desktop.torch_first``).

Imports everything of ours; nothing imports this module but the command line.
"""

from __future__ import annotations

from desktop import torch_first  # noqa: F401 - must stay above every Qt import

# isort: split
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QLibraryInfo, QLocale, QObject, Qt, QTimer, QTranslator, Signal
from PySide6.QtWidgets import QApplication, QWidget

from desktop import crash_log, instance, paths
from desktop.bilingual import Bilingual, GlassboxError, Language
from desktop.course.catalog import Course, load_course
from desktop.course.progress_copy import ProgressCopy, copy_progress, put_back
from desktop.course.store import Store
from desktop.runtime.session import Session, Status
from desktop.ui import fonts, icons
from desktop.ui.appearance import Appearance
from desktop.ui.errors import ErrorPresenter
from desktop.ui.lesson_list import Progress
from desktop.ui.main_window import MainWindow
from desktop.ui.strings import language, pick, tr
from desktop.ui.theme import ThemeName

if TYPE_CHECKING:
    from desktop.runtime.wishes import Wishes
    from desktop.tutor.grounding import LessonContext
    from desktop.ui.chat.pane import ChatPane
    from desktop.ui.lesson.lesson_view import LessonView

LAYOUT = "main"
CHAT_OPEN = "chat.open"
INTERPRETER_TURN = 0.0002
"""Seconds after which a thread that computes gives the interpreter to one that waits for it. With
Python's own 5 ms the interface waits twice that behind an experiment and the chat: gaps 1.5 times as
long, measured with ``glassbox bench ui``, and the others write and train no faster for it."""


@dataclass(frozen=True)
class Options:
    """What the command line may say about the window."""

    lesson: str = ""
    step: str = ""
    open_file: Path | None = None
    language: Language | None = None
    theme: ThemeName | None = None
    data_dir: Path | None = None


LAST_CRASH_MS = 30_000
BACK_UP_MS = 10 * 60_000
"""A window that stays open for days still has a recent backup."""


class Glassbox(QObject):
    """Everything that lives as long as the window."""

    first_painted = Signal()

    def __init__(self, app: QApplication, options: Options) -> None:
        super().__init__(app)
        self._app, self._options = app, options
        folder = paths.data_dir(options.data_dir)
        crash_log.start_log(folder)
        app.setApplicationName("Glassbox")
        app.setDesktopFileName("glassbox")
        app.setWindowIcon(icons.app_icon())
        self.store = Store(folder / "glassbox.sqlite3")
        self.appearance = Appearance(
            app, self.store, self, only_now_language=options.language, only_now_theme=options.theme
        )
        self.course: Course = load_course(paths.lessons())
        self.session = Session(self)
        self.window = MainWindow(self.course, self.appearance, self.progress)
        self.errors = ErrorPresenter(self.window.toasts, self.window)
        self.chat: Chat | None = None
        self._forgotten: ProgressCopy | None = None
        self._progress = self.store.all_progress()
        self._painted = False
        self.started = False
        self._qt_texts = QTranslator(self)
        self._wire(folder)

    # ---- wiring

    def _wire(self, folder: Path) -> None:
        window = self.window
        window.data_folder = folder
        window.add_late_page("glossary", self._make_glossary)
        window.add_late_page("settings", self._make_settings)
        window.lesson_chosen.connect(self.open_lesson)
        window.closing.connect(self._keep_layout)
        self.session.loaded.connect(self._follow_lesson)
        self.session.failed.connect(self.errors.write_down)
        self.session.kept.connect(self._offer_kept)
        self.store.set_on_notice(self.errors.report)
        language().changed.connect(self._set_locale)
        self._set_locale()
        self.folder = folder
        self._wishes: Wishes | None = None
        self.last_crash = ""
        """The report of a native crash that ended the last session; told after the start."""
        self._backups = QTimer(self)
        self._backups.setInterval(BACK_UP_MS)
        self._backups.timeout.connect(self.store.back_up_beside)

    @cached_property
    def lesson_view(self) -> LessonView:
        """The lesson page; made right after the first paint."""
        from desktop.ui.lesson.lesson_view import LessonView

        view = LessonView(self.course, self.store, self.session)
        view.lesson_requested.connect(self.open_lesson)
        view.glossary_requested.connect(self.window.show_term)
        view.progress_changed.connect(self._refresh_progress)
        view.toast.connect(self.window.toasts.tell)
        self.window.add_page("lesson", view)
        self.window.set_lesson_actions(view.actions)
        return view

    def _make_glossary(self) -> QWidget:
        from desktop.ui.glossary_page import GlossaryPage

        page = GlossaryPage(self.course)
        page.lesson_requested.connect(self.open_lesson_only)
        return page

    def _make_settings(self) -> QWidget:
        from desktop.ui.settings_page import SettingsPage

        page = SettingsPage(self.appearance, self.folder, self._folder_note)
        page.reset_requested.connect(self._reset_progress)
        return page

    def _make_chat(self) -> ChatPane:
        self.chat = Chat(self)
        return self.chat.pane

    def _offer_chat(self) -> None:
        """The chat opens as it was left: open, folded, or as the width of the window suggests."""
        choice = {"open": True, "folded": False}.get(self.store.setting(CHAT_OPEN, ""))
        self.window.set_chat(self._make_chat, choice, self._chat_chosen)

    def _offer_kept(self, kept: Path) -> None:
        """A lesson has written its model: it can be talked to."""
        self.window.toasts.tell(
            tr("chat.kept", name=kept.name),
            tone="good",
            action=(tr("chat.kept_use"), lambda: self._use_kept(kept)),
        )

    def _use_kept(self, kept: Path) -> None:
        self.window.show_chat(True)
        if self.chat is not None:
            self.chat.pane.import_model(kept)

    def _chat_chosen(self, wanted: bool) -> None:
        self.store.set_setting(CHAT_OPEN, "open" if wanted else "folded")

    def _set_locale(self) -> None:
        """Number and date formats, and Qt's own texts (menus of text fields), follow the language."""
        self._app.removeTranslator(self._qt_texts)
        if language().current == "zh":
            QLocale.setDefault(QLocale(QLocale.Language.Chinese, QLocale.Country.China))
            folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
            if self._qt_texts.load("qtbase_zh_CN", folder):
                self._app.installTranslator(self._qt_texts)
        else:
            QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))

    # ---- starting

    def start(self, size: tuple[int, int] | None = None) -> None:
        """Show the window; the lesson opens right after the first paint."""
        self.errors.install()
        self.window.restore_layout(self.store.layout(LAYOUT) or b"")
        if size is not None:
            self.window.resize(*size)
        slug, _ = self._first_place()
        if slug:
            self.window.show_lesson(slug)
        self.window.pages.installEventFilter(self)
        self.window.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait for the first paint, then load: nothing heavy may come before it."""
        if event.type() == QEvent.Type.Paint and not self._painted:
            self._painted = True
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self._after_first_paint)
        return False

    def _after_first_paint(self) -> None:
        self.first_painted.emit()
        self.session.warm_up()
        slug, step = self._first_place()
        if slug:
            self.open_lesson(slug, step)
        self._offer_chat()
        self._tell_at_start()
        if self._options.open_file is not None:
            self._open_file(self._options.open_file)
        self._backups.start()
        self.started = True

    def _first_place(self) -> tuple[str, str]:
        if self._options.lesson:
            return self._options.lesson, self._options.step
        last = self.store.position()
        if last is not None and last.lesson in self.course:
            return last.lesson, ""
        lessons = self.course.lessons
        return (lessons[0].slug, "") if lessons else ("", "")

    def listen(self, first: instance.FirstWindow) -> None:
        """Show what later starts with the same data folder ask for."""
        from desktop.runtime.wishes import Wishes

        self._wishes = Wishes(first, self)
        self._wishes.asked.connect(self.show_wish)

    def show_wish(self, wish: instance.Wish) -> None:
        """A second start: this window comes to the front and shows what it was asked for."""
        window = self.window
        if wish.token:  # how Wayland knows that the person asked for this window
            os.environ["XDG_ACTIVATION_TOKEN"] = wish.token
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.show()
        window.raise_()
        window.activateWindow()
        if wish.open_file:
            self._open_file(Path(wish.open_file))
        elif wish.lesson:
            self.open_lesson(wish.lesson)

    def _tell_crash(self, report: str) -> None:
        """Say it gently, with the report a click away."""

        def show() -> None:
            self.errors.show_report(
                tr("error.last_time"), tr("error.last_time_report_hint"), report
            )

        told = self.window.toasts.tell(
            tr("error.last_time"),
            hint=tr("error.last_time_hint"),
            tone="warning",
            action=(tr("error.last_time_see"), show),
        )
        told.leave_after(LAST_CRASH_MS)

    def _open_file(self, path: Path) -> None:
        from desktop.engine.recipe import Recipe

        try:
            self.lesson_view.open_recipe(Recipe.from_file(path))
        except GlassboxError as error:
            self.errors.show_error(error)

    def _tell_at_start(self) -> None:
        toasts = self.window.toasts
        for notice in self.store.notices:
            self.errors.show_error(notice)
        for problem in self.course.problems:
            self.errors.show_error(problem)
        if not self.course.lessons:
            toasts.tell(tr("shell.no_lessons"), hint=tr("shell.no_lessons_hint"), tone="bad")
        if self.last_crash:
            self._tell_crash(self.last_crash)
        if self.appearance.chinese_missing:
            hint = tr("shell.no_chinese_font_hint")
            toasts.tell(tr("shell.no_chinese_font"), hint=hint, tone="warning")

    # ---- lessons and progress

    def open_lesson(self, slug: str, step: str = "") -> None:
        """Open a lesson, at a step or where the learner left it."""
        try:
            self.lesson_view.open(slug, step or self._step_to_resume(slug) or None)
        except GlassboxError as error:
            self.errors.show_error(error)
            return
        self.window.show_lesson(slug)

    def _step_to_resume(self, slug: str) -> str:
        """Where the learner left an unfinished lesson; a finished one begins again."""
        last = self.store.position(slug)
        lesson = self.course.lesson(slug) if slug in self.course else None
        if last is None or lesson is None or self.progress(slug) == "done":
            return ""
        return last.step if last.step in {step.id for step in lesson.steps} else ""

    def _follow_lesson(self, slug: str) -> None:
        """A shared experiment may have opened another lesson than the one chosen here."""
        if slug in self.course and slug != self.window.slug:
            self.window.show_lesson(slug)

    def open_lesson_only(self, slug: str) -> None:
        """Open a lesson where the learner left it."""
        self.open_lesson(slug)

    def progress(self, slug: str) -> Progress:
        """The mark a lesson has in the outline."""
        found = self._progress.get(slug)
        if found is None:
            return "new"
        if found.finished or found.complete(self.course.lesson(slug)):
            return "done"
        return "started" if found.visited or found.passed else "new"

    def _refresh_progress(self) -> None:
        self._progress = self.store.all_progress()
        self.window.outline.lessons.refresh()

    def _reset_progress(self) -> None:
        self._forgotten = copy_progress(self.store)
        self.store.forget_progress()
        self._refresh_progress()
        self.window.toasts.tell(
            tr("shell.progress_reset"), tone="good", action=(tr("shell.undo"), self._undo_reset)
        )

    def _undo_reset(self) -> None:
        if self._forgotten is not None:
            put_back(self.store, self._forgotten)
            self._forgotten = None
            self._refresh_progress()

    def _folder_note(self) -> str:
        return tr("settings.memory_only") if self.store.in_memory else ""

    # ---- ending

    def _keep_layout(self) -> None:
        self.store.set_layout(LAYOUT, self.window.layout_blob())

    def close(self) -> None:
        """Stop the experiment, close the database, give the error hooks back."""
        self.errors.uninstall()
        self._backups.stop()
        if self._wishes is not None:
            self._wishes.close()
        self.store.set_on_notice(None)
        if self.chat is not None:
            self.chat.close()
        self.session.close()
        self.store.close()


class Chat(QObject):
    """The chat's parts and their ties to the rest of the window."""

    def __init__(self, glassbox: Glassbox) -> None:
        super().__init__(glassbox)
        from desktop.course.chats import Chats
        from desktop.runtime.chat_session import ChatSession
        from desktop.runtime.model_shelf import ModelShelf
        from desktop.ui.chat.controller import ChatController
        from desktop.ui.chat.pane import ChatPane

        self._glassbox = glassbox
        window, store = glassbox.window, glassbox.store
        chats = Chats(store.database)
        self.session = ChatSession(chats, self)
        self.shelf = ModelShelf(glassbox.folder / "models", self)
        self.controller = ChatController(chats, self.session, self)
        self.pane = ChatPane(self.controller, self.shelf, store)
        self.pane.fold_wanted.connect(window.switch_chat)
        self.pane.failed.connect(glassbox.errors.show_error)
        self.pane.told.connect(window.toasts.tell)
        self.pane.glossary_requested.connect(window.show_term)
        self.pane.lesson_requested.connect(glassbox.open_lesson_only)
        self.pane.place_requested.connect(glassbox.open_lesson)
        self.pane.deleted.connect(self._offer_undo)
        self.controller.open_lesson = self._open_lesson
        glassbox.session.loaded.connect(self._follow_lesson)
        language().changed.connect(self._follow_lesson)
        self._follow_lesson()
        glassbox.session.status_changed.connect(self._share_machine)

    def _offer_undo(self, conversation: int) -> None:
        self._glassbox.window.toasts.tell(
            tr("chat.deleted"),
            tone="good",
            action=(tr("chat.undo"), lambda: self.controller.undelete(conversation)),
        )

    def _open_lesson(self) -> LessonContext | None:
        from desktop.ui.lesson.context import lesson_context

        return lesson_context(self._glassbox.lesson_view, self._glassbox.session)

    def _follow_lesson(self) -> None:
        """The lesson beside the chat can be asked about."""
        from desktop.ui.lesson.context import starter_questions

        lesson = self._glassbox.lesson_view.lesson
        if lesson is None:
            self.pane.show_lesson("")
            return
        self.pane.show_lesson(pick(lesson.title))
        self.pane.welcome.show_questions(starter_questions(lesson, self._glassbox.course.glossary))

    def _share_machine(self, status: Status) -> None:
        self.session.share_machine(status.playing)

    def close(self) -> None:
        """End its threads; what was written is kept."""
        self.session.close()
        self.shelf.close()


def make_application() -> QApplication:
    """The ``QApplication``, made once."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    sys.setswitchinterval(INTERPRETER_TURN)
    fonts.load_bundled()
    return app


def check_lesson(slug: str, step: str) -> None:
    """Complain about a lesson or step that does not exist, before any window appears."""
    if not slug:
        return
    lesson = load_course(paths.lessons()).lesson(slug)
    steps = [known.id for known in lesson.steps]
    if step and step not in steps:
        raise GlassboxError(
            Bilingual(f"这一课没有叫“{step}”的步骤。", f"The lesson has no step “{step}”."),
            Bilingual(f"现有的步骤：{', '.join(steps)}。", f"Its steps are: {', '.join(steps)}."),
        )


def check_screen() -> None:
    """Qt ends the process when there is no screen; say it in a sentence instead."""
    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform.startswith("linux") and not named:
        raise GlassboxError(
            Bilingual("这里没有屏幕，窗口打不开。", "There is no screen here to open a window on."),
            Bilingual(
                "在桌面环境里启动；没有屏幕时可以用 glassbox run、lessons、shot。",
                "Start it on a desktop; without a screen, use glassbox run, lessons or shot.",
            ),
        )
