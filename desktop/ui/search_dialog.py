"""Search over lessons, steps and the glossary: one field, results as one types, Enter opens.

Imports Qt, strings, icons and ``desktop.course.search``; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from desktop.course.catalog import Course
from desktop.course.search import Hit, search
from desktop.ui.icons import pixmap
from desktop.ui.overlay import Overlay
from desktop.ui.strings import language, tr
from desktop.ui.theme import palette, theme

HIT_ROLE = int(Qt.ItemDataRole.UserRole)
AT_MOST = 40
ICONS = {"lesson": "book", "step": "chevron-right", "term": "glossary"}
Index = QModelIndex | QPersistentModelIndex
Ranges = tuple[tuple[int, int], ...]


class SearchDialog(Overlay):
    """``chosen`` carries the hit to open."""

    chosen = Signal(object)

    def __init__(self, host: QWidget, course: Course) -> None:
        super().__init__(host, width=620, top=0.12)
        self._course = course
        self.field = QLineEdit()
        self.field.setProperty("kind", "bare")
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._look_up)
        self._glass = QLabel()
        row = QHBoxLayout()
        row.addWidget(self._glass)
        row.addWidget(self.field, 1)
        rule = QFrame()
        rule.setProperty("kind", "rule")
        self.results = QListView()
        self._hits = _Hits(self)
        self.results.setModel(self._hits)
        self.results.setItemDelegate(_HitDelegate(self.results))
        self.results.setMouseTracking(True)
        self.results.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.results.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.results.clicked.connect(self._choose)
        self._note = QLabel()
        self._note.setProperty("role", "muted")
        self._note.setWordWrap(True)
        self.body.setContentsMargins(14, 8, 14, 12)
        self.body.setSpacing(8)
        self.body.addLayout(row)
        self.body.addWidget(rule)
        self.body.addWidget(self._note)
        self.body.addWidget(self.results, 1)
        language().changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Texts, and the results, in the language in force."""
        self.field.setPlaceholderText(tr("search.placeholder"))
        self.field.setAccessibleName(tr("search.placeholder"))
        self.results.setAccessibleName(tr("search.results"))
        self._look_up(self.field.text())

    def first_focus(self) -> QWidget:
        return self.field

    def open(self) -> None:
        self._glass.setPixmap(
            pixmap("search", theme().pixels(20), palette().muted, self.devicePixelRatioF())
        )
        font = QFont(self.field.font())
        font.setPixelSize(theme().pixels(16))
        self.field.setFont(font)
        super().open()
        self.field.selectAll()

    def card_height(self) -> int:
        rows = min(self._hits.rowCount(), 7)
        listed = rows * _row_height() + 4 if rows else self._note.sizeHint().height() + 8
        return theme().pixels(66) + listed

    def _look_up(self, text: str) -> None:
        hits = search(self._course, text, language().current, AT_MOST) if text.strip() else []
        self._hits.replace(hits)
        self._note.setVisible(not hits)
        self.results.setVisible(bool(hits))
        empty = tr("search.none", text=text.strip()) if text.strip() else tr("search.hint")
        self._note.setText(empty)
        if hits:
            self.results.setCurrentIndex(self._hits.index(0))
        self._place()

    def _choose(self, index: QModelIndex) -> None:
        hit = index.data(HIT_ROLE)
        if isinstance(hit, Hit):
            self.dismiss()
            self.chosen.emit(hit)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent) and _is_press(event):
            moves = {
                Qt.Key.Key_Down: 1,
                Qt.Key.Key_Up: -1,
                Qt.Key.Key_PageDown: 7,
                Qt.Key.Key_PageUp: -7,
            }
            key = Qt.Key(event.key())
            if key in moves and self._hits.rowCount():
                row = self.results.currentIndex().row() + moves[key]
                row = max(0, min(row, self._hits.rowCount() - 1))
                self.results.setCurrentIndex(self._hits.index(row))
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose(self.results.currentIndex())
                return True
        return super().eventFilter(watched, event)


def _is_press(event: QKeyEvent) -> bool:
    return event.type() == QEvent.Type.KeyPress


class _Hits(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._hits: list[Hit] = []

    def replace(self, hits: list[Hit]) -> None:
        self.beginResetModel()
        self._hits = hits
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._hits)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        hit = self._hits[index.row()]
        if role == HIT_ROLE:
            return hit
        if role == Qt.ItemDataRole.DisplayRole:
            return hit.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{tr('search.' + hit.kind)}: {hit.title}. {hit.snippet}"
        return None


def _row_height() -> int:
    return theme().pixels(52)


class _HitDelegate(QStyledItemDelegate):
    """Paints icon, title, kind and one line of the place found, with the match marked."""

    def __init__(self, view: QListView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(self._view.viewport().width(), _row_height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        hit: Hit = index.data(HIT_ROLE)
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = state & QStyle.StateFlag.State_Selected
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette().color("selection" if chosen else "hover"))
            painter.drawRoundedRect(rect.adjusted(0, 1, 0, -1), 7, 7)
        size = theme().pixels(18)
        drawn = pixmap(ICONS[hit.kind], size, palette().muted, self._view.devicePixelRatioF())
        painter.drawPixmap(QPoint(rect.left() + 10, rect.top() + theme().pixels(9)), drawn)
        left = rect.left() + size + 20
        font = QFont(self._view.font())
        font.setPixelSize(theme().pixels(11))
        painter.setFont(font)
        kind = tr(f"search.{hit.kind}")
        kind_width = painter.fontMetrics().horizontalAdvance(kind) + 10
        painter.setPen(palette().color("muted"))
        kind_area = QRect(rect.right() - kind_width, rect.top(), kind_width, theme().pixels(34))
        painter.drawText(kind_area, int(Qt.AlignmentFlag.AlignVCenter), kind)
        width = rect.right() - left - kind_width - 10
        font.setPixelSize(theme().pixels(14))
        font.setWeight(QFont.Weight.DemiBold)
        top = rect.top() + theme().pixels(6)
        _draw_line(painter, QPoint(left, top), width, hit.title, hit.title_ranges, font, "ink")
        font.setPixelSize(theme().pixels(12))
        font.setWeight(QFont.Weight.Normal)
        top += theme().pixels(21)
        width += kind_width
        text = hit.snippet.replace("\n", " ")
        _draw_line(painter, QPoint(left, top), width, text, hit.snippet_ranges, font, "muted")
        painter.restore()


def _draw_line(
    painter: QPainter,
    at: QPoint,
    width: int,
    text: str,
    ranges: Ranges,
    font: QFont,
    role: str,
) -> None:
    """One line of text with the found places in the accent colour, an ellipsis where it is cut."""
    layout, shown = _laid_out(text, width, font)
    if shown < len(text):
        layout, _ = _laid_out(text[: max(0, shown - 2)].rstrip() + "…", width, font)
    marked = []
    for start, end in ranges:
        if start >= shown:
            continue
        place = QTextLayout.FormatRange()
        style = QTextCharFormat()
        style.setForeground(QColor(palette().accent))
        style.setFontWeight(QFont.Weight.DemiBold)
        place.start, place.length, place.format = start, min(end, shown) - start, style
        marked.append(place)
    painter.setPen(palette().color(role))
    layout.draw(painter, at.toPointF(), marked)


def _laid_out(text: str, width: int, font: QFont) -> tuple[QTextLayout, int]:
    layout = QTextLayout(text, font)
    layout.beginLayout()
    line = layout.createLine()
    line.setLineWidth(width)
    layout.endLayout()
    return layout, line.textLength()
