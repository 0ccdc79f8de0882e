"""The glossary: all terms on the left with a filter, the chosen one on the right.

An entry shows the name in both languages, the definition, the formula, and links to the lessons that
teach it and to related terms. Imports Qt, strings, formula and the course's data types; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSize, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop.course.catalog import Course
from desktop.ui.glossary_entry import GlossaryEntry, title_of
from desktop.ui.icons import icon
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme

ID_ROLE = int(Qt.ItemDataRole.UserRole)
FILTER_ROLE = ID_ROLE + 1


class GlossaryPage(QWidget):
    """``lesson_requested`` carries a slug; ``show_term`` jumps to a term from outside."""

    lesson_requested = Signal(str)

    def __init__(self, course: Course) -> None:
        super().__init__()
        self.setProperty("kind", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._course = course
        self.term = ""
        self.filter = QLineEdit()
        self.filter.setClearButtonEnabled(True)
        self._filter_icon = self.filter.addAction(
            icon("search", "muted"), QLineEdit.ActionPosition.LeadingPosition
        )
        self._model = QStandardItemModel(self)
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(self._model)
        self._shown.setFilterRole(FILTER_ROLE)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.list = QListView()
        self.list.setProperty("kind", "items")
        self.list.setModel(self._shown)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._nothing = QLabel()
        self._nothing.setProperty("role", "muted")
        self._nothing.setWordWrap(True)
        self.entry = GlossaryEntry(course)
        self.entry.term_requested.connect(self.show_term)
        self.entry.lesson_requested.connect(self.lesson_requested)
        self._fill()
        self.filter.textChanged.connect(self._narrow)
        self.filter.returnPressed.connect(self.list.setFocus)
        self.list.selectionModel().currentChanged.connect(self._select)
        language().changed.connect(self.retranslate)
        theme().changed.connect(self._resize)
        self._resize()
        self.retranslate()

    def _fill(self) -> None:
        self._title = QLabel()
        self._title.setProperty("role", "title")
        self._left = QWidget()
        left = QVBoxLayout(self._left)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(10)
        for widget in (self._title, self.filter, self._nothing):
            left.addWidget(widget)
        left.addWidget(self.list, 1)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self.entry)
        both = QHBoxLayout(self)
        both.setContentsMargins(28, 24, 28, 20)
        both.setSpacing(28)
        both.addWidget(self._left)
        both.addWidget(self._area, 1)

    def _resize(self) -> None:
        self._left.setFixedWidth(theme().pixels(280))
        self._list_rows()

    def retranslate(self) -> None:
        """List and entry in the language in force."""
        self._title.setText(tr("glossary.title"))
        self.filter.setPlaceholderText(tr("glossary.filter"))
        self.filter.setAccessibleName(tr("glossary.filter"))
        self.list.setAccessibleName(tr("glossary.title"))
        self._list_rows()

    def _list_rows(self) -> None:
        kept = self.term
        self._model.clear()
        for term in self._course.glossary.ordered(language().current):
            item = QStandardItem(title_of(term))
            item.setData(term.id, ID_ROLE)
            item.setData(" ".join((term.name.zh, term.name.en, *term.aliases)), FILTER_ROLE)
            item.setSizeHint(QSize(0, theme().pixels(30)))
            self._model.appendRow(item)
        self._narrow(self.filter.text())
        first = self._shown.index(0, 0)
        self.show_term(kept or (first.data(ID_ROLE) if first.isValid() else ""))

    def _narrow(self, text: str) -> None:
        self._shown.setFilterFixedString(text.strip())
        found = self._shown.rowCount()
        self._nothing.setVisible(not found and bool(text.strip()))
        self._nothing.setText(tr("glossary.nothing", text=text.strip()))
        if found and not self.list.currentIndex().isValid():
            self.list.setCurrentIndex(self._shown.index(0, 0))

    def _select(self, current: QModelIndex, previous: QModelIndex) -> None:
        term = self._course.glossary.get(current.data(ID_ROLE) or "")
        if term is not None:
            self.term = term.id
            self.entry.show_term(term)
            self._area.verticalScrollBar().setValue(0)

    def show_term(self, term_id: str) -> bool:
        """Jump to a term; ``False`` when there is none of that name."""
        if self._course.glossary.get(term_id) is None:
            return False
        if not self._go_to(term_id):
            self.filter.clear()
            self._go_to(term_id)
        return True

    def _go_to(self, term_id: str) -> bool:
        found = self._shown.match(
            self._shown.index(0, 0), ID_ROLE, term_id, 1, Qt.MatchFlag.MatchExactly
        )
        if found:
            self.list.setCurrentIndex(found[0])
            self.list.scrollTo(found[0])
        return bool(found)
