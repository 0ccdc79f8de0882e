"""A widget that sets its children in rows, wrapping where the width ends.

Controls need it: three fit beside each other in a small window, six in a wide one, and their
height follows. Imports Qt and the theme.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from desktop.ui.theme import theme

_WIDEST = 340
"""A column never gets wider than this, however few children there are."""


class FlowRows(QWidget):
    """Children side by side, wrapping; ``height_changed`` tells a scroll area to follow.

    With ``unit``, the row is cut into columns at least that wide and children take whole columns.
    """

    height_changed = Signal(int)

    def __init__(self, spacing: int = 14, line_spacing: int = 8, *, unit: int = 0) -> None:
        super().__init__()
        self._spacing, self._line_spacing, self._unit = spacing, line_spacing, unit
        self._children: list[QWidget] = []
        self._height = -1

    def set_children(self, children: list[QWidget]) -> None:
        """Show exactly these, in this order; those left out are hidden, not deleted."""
        for child in self._children:
            if child not in children:
                child.hide()
        self._children = list(children)
        previous: QWidget | None = None
        for child in children:
            child.setParent(self)
            child.show()
            if previous is not None:
                QWidget.setTabOrder(previous, child)
            previous = child
        self.arrange()

    def arrange(self) -> None:
        """Place the children for the width there is."""
        width = self.contentsRect().width()
        top = 0
        for row in self._rows(width):
            top += self._place(row, top, width) + self._line_spacing
        height = max(0, top - self._line_spacing)
        if height != self._height:
            self._height = height
            self.setFixedHeight(height)
            self.height_changed.emit(height)

    def _wanted(self, child: QWidget) -> int:
        return max(child.minimumSizeHint().width(), child.minimumWidth(), child.sizeHint().width())

    def _column(self, width: int) -> int:
        """Width of one column, or 0 when children keep their own widths."""
        if not self._unit:
            return 0
        count = max(1, (width + self._spacing) // (self._least() + self._spacing))
        count = max(min(count, self._spanned()), -(-width // theme().pixels(_WIDEST)))
        return (width - (count - 1) * self._spacing) // count

    def _least(self) -> int:
        """The narrowest column, which grows with the text."""
        return theme().pixels(self._unit)

    def _spanned(self) -> int:
        """How many columns all children together need: fewer get wider ones."""
        whole = self._least() + self._spacing
        return sum(-(-(self._wanted(child) + self._spacing) // whole) for child in self._children)

    def _width_of(self, child: QWidget, width: int) -> int:
        """A whole number of columns, so that what stands below each other lines up."""
        wanted, column = min(self._wanted(child), width), self._column(width)
        if not column:
            return wanted
        spanned = -(-(wanted + self._spacing) // (column + self._spacing))
        return min(width, spanned * (column + self._spacing) - self._spacing)

    def _rows(self, width: int) -> list[list[QWidget]]:
        rows: list[list[QWidget]] = []
        used = 0
        for child in self._children:
            wanted = self._width_of(child, width)
            if not rows or used + self._spacing + wanted > width:
                rows.append([])
                used = wanted
            else:
                used += self._spacing + wanted
            rows[-1].append(child)
        return rows

    def _place(self, row: list[QWidget], top: int, width: int) -> int:
        widths = [self._width_of(child, width) for child in row]
        heights = [
            child.heightForWidth(own) if child.hasHeightForWidth() else child.sizeHint().height()
            for child, own in zip(row, widths, strict=True)
        ]
        tallest, left = max(heights), 0
        for child, own, height in zip(row, widths, heights, strict=True):
            child.setGeometry(QRect(left, top, own, tallest if self._unit else height))
            left += own + self._spacing
        return tallest

    def sizeHint(self) -> QSize:
        return QSize(200, max(0, self._height))

    def minimumSizeHint(self) -> QSize:
        return QSize(80, max(0, self._height))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.arrange()
        return super().event(event)

    def child_at_corner(self) -> QWidget | None:
        """The child that reaches into the right end of the first row."""
        reaching = [child for child in self._children if child.y() == 0]
        last = max(reaching, key=lambda child: child.geometry().right(), default=None)
        return last if last and last.geometry().right() > self.width() - 80 else None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self._children
