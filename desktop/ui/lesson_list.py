"""The list of chapters and lessons inside the outline, with a drawn mark for progress.

Rows are painted by one delegate: in the full form a mark, the title on up to two lines; in the rail
the mark alone, with the title as a tool tip. Imports Qt, icons and the course's data types; no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.course.lesson import Chapter, Lesson
from desktop.ui.icons import pixmap
from desktop.ui.strings import pick, tr
from desktop.ui.theme import palette, theme

Progress = Literal["new", "started", "done"]
Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = int(Qt.ItemDataRole.UserRole)
MARKS = {"new": ("circle", "mark"), "started": ("half", "accent"), "done": ("done", "good")}


class _Rows(QAbstractListModel):
    """Chapters and lessons one below the other; chapters cannot be selected."""

    def __init__(
        self, chapters: tuple[Chapter, ...], progress: Callable[[str], Progress], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.rows: list[Chapter | Lesson] = []
        for chapter in chapters:
            self.rows += [chapter, *chapter.lessons]
        self.progress = progress

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if isinstance(self.rows[index.row()], Lesson):
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return Qt.ItemFlag.NoItemFlags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            if isinstance(row, Chapter):
                return f"{row.number}  {pick(row.title)}"
            if role == Qt.ItemDataRole.AccessibleTextRole:
                return f"{pick(row.title)}, {tr('progress.' + self.progress(row.slug))}"
            return pick(row.title)
        if role == Qt.ItemDataRole.ToolTipRole and isinstance(row, Lesson):
            state = tr("progress." + self.progress(row.slug))
            minutes = tr("outline.minutes", minutes=row.minutes)
            return f"{pick(row.title)}\n{pick(row.summary)}\n{minutes} · {state}"
        return None


class LessonList(QListView):
    """All lessons; ``chosen`` carries the slug of the one to open."""

    chosen = Signal(str)

    def __init__(self, chapters: tuple[Chapter, ...], progress: Callable[[str], Progress]) -> None:
        super().__init__()
        self._rows = _Rows(chapters, progress, self)
        self._delegate = _Delegate(self)
        self.setModel(self._rows)
        self.setItemDelegate(self._delegate)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(self._open)
        self.activated.connect(self._open)

    def _open(self, index: QModelIndex) -> None:
        row = index.data(ROW_ROLE)
        if isinstance(row, Lesson):
            self.chosen.emit(row.slug)

    def show_current(self, slug: str, *, active: bool) -> None:
        """Mark the lesson that is open; ``active`` when its page is in front."""
        self._delegate.active = active
        for number, row in enumerate(self._rows.rows):
            if isinstance(row, Lesson) and row.slug == slug:
                self._delegate.current = slug
                self.setCurrentIndex(self._rows.index(number))
        self.viewport().update()

    def refresh(self) -> None:
        """Titles or progress changed: measure and draw again."""
        self._rows.layoutChanged.emit()
        self.viewport().update()

    def set_folded(self, folded: bool) -> None:
        """Marks only, or marks with titles."""
        self._delegate.folded = folded
        hidden = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        shown = Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.setVerticalScrollBarPolicy(hidden if folded else shown)
        self.refresh()


class _Delegate(QStyledItemDelegate):
    """Paints one row."""

    def __init__(self, view: LessonList) -> None:
        super().__init__(view)
        self._view = view
        self.folded = False
        self.current = ""
        self.active = True

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        width = self._view.viewport().width()
        row = index.data(ROW_ROLE)
        if isinstance(row, Chapter):
            if self.folded:
                return QSize(width, theme().pixels(12))
            room = QRect(0, 0, width - 15, 1000)
            metrics = QFontMetrics(self._chapter_font())
            flags = Qt.TextFlag.TextWordWrap
            needed = metrics.boundingRect(room, flags, str(index.data())).height()
            return QSize(width, needed + theme().pixels(18))
        if self.folded:
            return QSize(width, theme().pixels(32))
        text = self._text_area(QRect(0, 0, width, 1000))
        # Measured bold, because the open lesson is set bold and must not need another line.
        metrics = QFontMetrics(self._title_font(bold=True))
        needed = metrics.boundingRect(text, Qt.TextFlag.TextWordWrap, pick(row.title)).height()
        return QSize(width, min(needed, 2 * metrics.lineSpacing()) + theme().pixels(12))

    def _chapter_font(self) -> QFont:
        font = QFont(self._view.font())
        font.setPixelSize(theme().pixels(12))
        font.setWeight(QFont.Weight.DemiBold)
        return font

    def _title_font(self, *, bold: bool) -> QFont:
        font = QFont(self._view.font())
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        return font

    def _text_area(self, rect: QRect) -> QRect:
        return rect.adjusted(theme().pixels(32), 0, -8, 0)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(ROW_ROLE)
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(row, Chapter):
            self._paint_chapter(painter, rect, index)
        else:
            self._paint_lesson(painter, rect, option, row)
        painter.restore()

    def _paint_chapter(self, painter: QPainter, rect: QRect, index: Index) -> None:
        if self.folded:
            if index.row():
                painter.setPen(palette().color("hairline"))
                middle = rect.center().y()
                painter.drawLine(rect.left() + 8, middle, rect.right() - 8, middle)
            return
        painter.setFont(self._chapter_font())
        painter.setPen(palette().color("muted"))
        area = rect.adjusted(9, 0, -6, -theme().pixels(4))
        flags = Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextWordWrap
        painter.drawText(area, int(flags), str(index.data()))

    def _paint_lesson(
        self, painter: QPainter, rect: QRect, option: QStyleOptionViewItem, row: Lesson
    ) -> None:
        is_current = row.slug == self.current
        state: QStyle.StateFlag = option.state
        box = rect.adjusted(1, 1, -1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if is_current and self.active:
            painter.setBrush(palette().color("selection"))
            painter.drawRoundedRect(box, 7, 7)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(palette().color("hover"))
            painter.drawRoundedRect(box, 7, 7)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(palette().color("accent"))
            painter.drawRoundedRect(box, 7, 7)
        self._paint_mark(painter, rect, row, is_current)
        if not self.folded:
            self._paint_title(painter, rect, row, is_current)

    def _paint_mark(self, painter: QPainter, rect: QRect, row: Lesson, is_current: bool) -> None:
        progress = self._view._rows.progress(row.slug)
        name, role = MARKS[progress]
        if is_current and progress == "new":
            name, role = "half", "accent"
        size = theme().pixels(18)
        drawn = pixmap(name, size, palette().color(role), painter.device().devicePixelRatio())
        left = rect.center().x() - size // 2 if self.folded else rect.left() + theme().pixels(8)
        painter.drawPixmap(QPoint(left, rect.center().y() - size // 2 + 1), drawn)

    def _paint_title(self, painter: QPainter, rect: QRect, row: Lesson, is_current: bool) -> None:
        painter.setFont(self._title_font(bold=is_current))
        painter.setPen(palette().color("ink"))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self._text_area(rect), int(flags), pick(row.title))
