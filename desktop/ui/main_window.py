"""The window: outline on the left, pages on the right, sheets and messages over them.

It only arranges: each page knows its own business, ``commands`` knows the actions, ``app`` builds the
parts. The chat is the splitter's third part, made when it is first opened. Imports Qt and the interface's own modules; no
torch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QStackedWidget, QWidget

from desktop import paths
from desktop.course.catalog import Course
from desktop.course.search import Hit
from desktop.ui import commands
from desktop.ui.appearance import Appearance
from desktop.ui.columns import Columns
from desktop.ui.lesson_list import Progress
from desktop.ui.outline import Outline, Page
from desktop.ui.screens import ScreenWatch
from desktop.ui.strings import language, pick, tr
from desktop.ui.theme import theme
from desktop.ui.toasts import Toasts

if TYPE_CHECKING:
    from desktop.ui.about import AboutSheet
    from desktop.ui.chat.pane import ChatPane
    from desktop.ui.search_dialog import SearchDialog
    from desktop.ui.shortcuts import ShortcutSheet

NARROW = 1360
"""Below this width (at 100 % text) the outline starts as a rail, so that the lesson keeps its room."""
WIDE = 1600
"""From this width on the chat is open unless it was folded by hand."""
ROOM_FOR_CHAT = 1240
"""Below this width the open chat lies over the lesson instead of squeezing it."""
SMALLEST = (900, 480)
"""A screen of 1920 × 1080 at 200 % has 960 × 540 pixels of Qt's, less a task bar and a title."""


class MainWindow(QMainWindow):
    """Shows one page at a time; ``lesson_chosen(slug, step)`` asks for a lesson."""

    lesson_chosen = Signal(str, str)
    closing = Signal()

    def __init__(
        self,
        course: Course,
        appearance: Appearance,
        progress: Callable[[str], Progress],
    ) -> None:
        super().__init__()
        self._course, self._appearance = course, appearance
        self.slug = ""
        self.page: Page = "lesson"
        self.data_folder = paths.data_dir()
        """What *About* names; the application says so when it uses another."""
        self._fold_choice: bool | None = None
        self._lesson_actions: Callable[[], list[QAction]] = list
        self.chat: ChatPane | None = None
        self._make_chat: Callable[[], ChatPane] | None = None
        self._chat_choice: bool | None = None
        self._chat_chosen: Callable[[bool], object] = bool
        self.actions_by_name = commands.make_actions(self, self._handlers())
        self.addActions(list(self.actions_by_name.values()))
        self.menu = QMenu(self)
        self.outline = Outline(course.chapters, progress, self.actions_by_name, self.menu)
        self.outline.lesson_chosen.connect(self._choose_lesson)
        self.pages = QStackedWidget()
        self._page_widgets: dict[Page, QWidget] = {}
        self._late_pages: dict[Page, Callable[[], QWidget]] = {}
        self.splitter = Columns(self.outline, self.pages)
        self.setCentralWidget(self.splitter)
        self.toasts = Toasts(self.pages)
        self.pages.installEventFilter(self)
        self.setMinimumSize(*SMALLEST)
        self.resize(self._first_size())
        self.screens = ScreenWatch(self)
        language().changed.connect(self.retranslate)
        self._text_scale = theme().text_scale
        theme().changed.connect(self._rescale)
        self.retranslate()

    def _handlers(self) -> dict[str, Callable[[], object]]:
        look = self._appearance
        return {
            "search": self._open_search,
            "lesson": self._show_lesson,
            "previous_lesson": self._previous_lesson,
            "next_lesson": self._next_lesson,
            "glossary": self._show_glossary,
            "chat": self.switch_chat,
            "settings": self._show_settings,
            "fold_outline": self._fold_by_hand,
            "switch_theme": look.switch_theme,
            "switch_language": look.switch_language,
            "larger_text": look.larger_text,
            "smaller_text": look.smaller_text,
            "normal_text": look.normal_text,
            "full_screen": self._switch_full_screen,
            "shortcuts": self._show_shortcuts,
            "about": self._show_about,
            "quit": self.close,
        }

    # ---- pages

    def add_page(self, name: Page, widget: QWidget) -> None:
        """Give the window one of its pages."""
        self._page_widgets[name] = widget
        self.pages.addWidget(widget)

    def add_late_page(self, name: Page, make: Callable[[], QWidget]) -> None:
        """A page that is made when it is first shown, so that the window opens sooner."""
        self._late_pages[name] = make

    def page_widget(self, name: Page) -> QWidget | None:
        """The page, made now if it was not yet."""
        if name in self._late_pages:
            self.add_page(name, self._late_pages.pop(name)())
        return self._page_widgets.get(name)

    def set_lesson_actions(self, actions: Callable[[], list[QAction]]) -> None:
        """Where the menu and the shortcut sheet find the lesson's own actions."""
        self._lesson_actions = actions
        self._fill_menu()

    def show_page(self, name: Page) -> None:
        """Bring a page to the front."""
        widget = self.page_widget(name)
        if widget is not None:
            self.pages.setCurrentWidget(widget)
        elif name != "lesson":  # the lesson's page comes right after the first paint
            return
        self.page = name
        self.outline.show_position(name, self.slug)
        self._set_title()

    def show_lesson(self, slug: str) -> None:
        """The lesson page is in front and shows ``slug`` (opening it is the lesson view's work)."""
        self.slug = slug
        before, after = self._course.neighbours(slug)
        self.actions_by_name["previous_lesson"].setEnabled(before is not None)
        self.actions_by_name["next_lesson"].setEnabled(after is not None)
        self.show_page("lesson")

    def _show_lesson(self) -> None:
        self.show_page("lesson")

    def _show_glossary(self) -> None:
        self.show_page("glossary")

    def _show_settings(self) -> None:
        self.show_page("settings")

    def show_term(self, term: str) -> None:
        """The glossary at one term."""
        from desktop.ui.glossary_page import GlossaryPage

        page = self.page_widget("glossary")
        if isinstance(page, GlossaryPage) and page.show_term(term):
            self.show_page("glossary")

    def _choose_lesson(self, slug: str) -> None:
        self.lesson_chosen.emit(slug, "")

    def _previous_lesson(self) -> None:
        before, _ = self._course.neighbours(self.slug)
        if before is not None:
            self._choose_lesson(before.slug)

    def _next_lesson(self) -> None:
        _, after = self._course.neighbours(self.slug)
        if after is not None:
            self._choose_lesson(after.slug)

    # ---- the chat

    def set_chat(
        self,
        make: Callable[[], ChatPane],
        choice: bool | None,
        chosen: Callable[[bool], object],
    ) -> None:
        """How to make the chat, whether it was left open or folded by hand, and who wants to know of
        a further choice."""
        self._make_chat, self._chat_choice, self._chat_chosen = make, choice, chosen
        self._place_chat()

    def switch_chat(self) -> None:
        """Open the chat, or fold it."""
        self.show_chat(self.chat is None or self.chat.isHidden())

    def show_chat(self, wanted: bool) -> None:
        """Open or fold the chat because the person said so."""
        if self._make_chat is None:
            return
        self._chat_choice = wanted
        self._chat_chosen(wanted)
        self._place_chat()
        if wanted and self.chat is not None:
            self.chat.composer.field.setFocus()
        else:
            self.pages.setFocus()

    def _place_chat(self) -> None:
        if self._make_chat is None:
            return
        wide = self.width() >= _room(WIDE)
        wanted = wide if self._chat_choice is None else self._chat_choice
        if wanted and self.chat is None:
            self.chat = self._make_chat()
            self.chat.hide()
            self.chat.installEventFilter(self)
        if self.chat is None:
            return
        floats = self.width() < _room(ROOM_FOR_CHAT)
        if wanted and not self.chat.isHidden() and floats == (self.chat.parent() is self.pages):
            self._float_chat()
            return
        self.chat.setVisible(False)
        if wanted:
            self._dock_chat(self.chat, floats)
        self.outline.show_chat(wanted)

    def _dock_chat(self, chat: ChatPane, floats: bool) -> None:
        """Beside the page where there is room for both, over its right part where there is not."""
        if floats:
            chat.setParent(self.pages)
            chat.show()
            self._float_chat()
            return
        self.splitter.dock(chat)

    def _float_chat(self) -> None:
        chat, pages = self.chat, self.pages
        if chat is not None and chat.parent() is pages:
            width = min(chat.wanted_width, pages.width())
            chat.setGeometry(pages.width() - width, 0, width, pages.height())
            chat.raise_()
            for toast in self.toasts.shown:
                toast.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched in (self.pages, self.chat) and event.type() == QEvent.Type.Resize:
            self._float_chat()
        return False

    # ---- sheets (made when first wanted, so that the window opens sooner)

    @cached_property
    def search(self) -> SearchDialog:
        """The search over everything."""
        from desktop.ui.search_dialog import SearchDialog

        made = SearchDialog(self, self._course)
        made.chosen.connect(self._open_hit)
        return made

    @cached_property
    def shortcuts(self) -> ShortcutSheet:
        """The sheet of keys."""
        from desktop.ui.shortcuts import ShortcutSheet

        return ShortcutSheet(self)

    @cached_property
    def about(self) -> AboutSheet:
        """Versions and licences."""
        from desktop.ui.about import AboutSheet

        return AboutSheet(self, self.data_folder)

    def _open_search(self) -> None:
        self.search.open()

    def _open_hit(self, hit: Hit) -> None:
        if hit.kind == "term":
            self.show_term(hit.id)
        else:
            self.lesson_chosen.emit(hit.id, hit.step)

    def _show_shortcuts(self) -> None:
        own: dict[str, list[QAction]] = {group: [] for group in commands.GROUPS}
        for command in commands.TABLE:
            own[command.group].append(self.actions_by_name[command.id])
        groups = [(tr("shortcuts.lesson"), self._lesson_actions())]
        if self.chat is not None:
            groups.append((tr("shortcuts.chat"), list(self.chat.actions_by_name.values())))
        groups += [(tr(f"shortcuts.{group}"), own[group]) for group in commands.GROUPS]
        self.shortcuts.show_groups(groups)

    def _show_about(self) -> None:
        self.about.open()

    # ---- words

    def retranslate(self) -> None:
        """Menu and title in the language in force."""
        commands.retranslate(self.actions_by_name)
        self._fill_menu()
        self._set_title()

    def _fill_menu(self) -> None:
        for submenu in self.menu.findChildren(QMenu):  # ``clear`` leaves them alive
            submenu.deleteLater()
        self.menu.clear()
        lesson = self._lesson_actions()
        if lesson:
            part = self.menu.addMenu(tr("shortcuts.lesson"))
            part.addActions(lesson)
            self.menu.addSeparator()
        for group in commands.GROUPS:
            for command in commands.TABLE:
                if command.group == group:
                    self.menu.addAction(self.actions_by_name[command.id])
            if group != commands.GROUPS[-1]:
                self.menu.addSeparator()

    def _set_title(self) -> None:
        titles = {"glossary": tr("glossary.title"), "settings": tr("settings.title")}
        if self.page == "lesson" and self.slug:
            titles["lesson"] = pick(self._course.lesson(self.slug).title)
        shown = titles.get(self.page, "")
        self.setWindowTitle(f"{shown} – {tr('shell.name')}" if shown else tr("shell.name"))

    # ---- layout

    def _first_size(self) -> QSize:
        """Most of the screen, but no larger than the design needs."""
        free = self.screen().availableSize()
        wanted = QSize(round(free.width() * 0.9), round(free.height() * 0.9))
        return wanted.expandedTo(QSize(1280, 720)).boundedTo(free).boundedTo(QSize(1760, 1080))

    def _switch_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _fold_by_hand(self) -> None:
        self._fold_choice = not self.outline.folded
        self._fold_if_narrow()

    def _fold_if_narrow(self) -> None:
        narrow = self.width() < _room(NARROW)
        folded = narrow if self._fold_choice is None else self._fold_choice
        if folded != self.outline.folded:
            self.outline.set_folded(folded)
            self.splitter.share()
        self._place_chat()

    def _rescale(self) -> None:
        """The columns keep to the size of the text."""
        self._fold_if_narrow()
        if theme().text_scale != self._text_scale:
            self._text_scale = theme().text_scale
            QTimer.singleShot(0, self.splitter.share)  # once they know their new limits

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold_if_narrow()

    def layout_blob(self) -> bytes:
        """Window place, column widths and the fold, to be stored."""
        fold = {None: b"a", True: b"f", False: b"o"}[self._fold_choice]
        geometry, columns = self.saveGeometry().data(), self.splitter.saveState().data()
        return fold + len(geometry).to_bytes(4, "big") + geometry + columns

    def restore_layout(self, blob: bytes) -> None:
        """Put it back as it was; anything unreadable is ignored."""
        if len(blob) < 5:
            return
        self._fold_choice = {b"a": None, b"f": True, b"o": False}.get(blob[:1])
        size = int.from_bytes(blob[1:5], "big")
        self.restoreGeometry(QByteArray(blob[5 : 5 + size]))
        self.splitter.restoreState(QByteArray(blob[5 + size :]))
        self._fold_if_narrow()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        super().closeEvent(event)


def _room(at_default: int) -> int:
    """A width of the window from which a column has room; small text does not make controls, figures
    and margins small with it."""
    return round(at_default * max(1.0, theme().text_scale))
