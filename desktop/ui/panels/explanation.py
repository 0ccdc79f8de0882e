"""The popover that spells out one number: heading, arithmetic with the actual values, a sentence.

It lies over the window beside what was clicked, is closed with Escape, its cross or a click
elsewhere, and its text can be copied. Imports Qt, frames; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.engine.frames import Explanation
from desktop.ui.panels.buttons import GlyphButton
from desktop.ui.panels.formula_lines import FormulaLines, plain
from desktop.ui.panels.look import BODY, TITLE, look
from desktop.ui.strings import language, pick, tr
from desktop.ui.style import mark
from desktop.ui.theme import theme

MAX_WIDTH = 460


class _Arithmetic(QWidget):
    """The typeset lines of an explanation."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.lines = FormulaLines()

    def fit(self, width: int) -> None:
        """Take the height that the lines need at ``width``."""
        drawn_with = look()
        self.lines.prepare_all(drawn_with, self.devicePixelRatioF())
        self.setFixedSize(QSize(width, round(self.lines.height(width, drawn_with))))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self.lines.paint(painter, QRectF(self.rect()), look())
        finally:
            painter.end()


class Popover(QFrame):
    """Shows one ``Explanation`` at a time for one panel."""

    term_requested = Signal(str)

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel.window())
        self._panel = panel
        self._explanation: Explanation | None = None
        self._near = QRectF()
        self._heading = QLabel(self)
        self._heading.setWordWrap(True)
        self._close = GlyphButton("close", self)
        self._close.clicked.connect(self.hide)
        self._arithmetic = _Arithmetic(self)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        for label in (self._heading, self._text):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._term = QPushButton(self)
        self._copy = QPushButton(self)
        for button in (self._term, self._copy):
            mark(button, kind="link")
            button.setAutoDefault(False)
            button.setCursor(Qt.CursorShape.PointingHandCursor)
        self._term.clicked.connect(self._ask_term)
        self._copy.clicked.connect(self._copy_text)
        self._lay_out()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        panel.destroyed.connect(self.deleteLater)
        theme().changed.connect(self._refresh)
        language().changed.connect(self._refresh)
        self.hide()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self._heading, 1)
        top.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        bottom = QHBoxLayout()
        bottom.addWidget(self._term)
        bottom.addStretch(1)
        bottom.addWidget(self._copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 10, 8)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self._arithmetic)
        column.addWidget(self._text)
        column.addLayout(bottom)

    def show_explanation(self, explanation: Explanation, near: QRectF) -> None:
        """Show it beside ``near`` (in the panel's canvas coordinates)."""
        self._explanation, self._near = explanation, near
        window = self._panel.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        self._refresh()
        self._place()
        self.show()
        self.raise_()
        app = QGuiApplication.instance()
        if app is not None:
            app.installEventFilter(self)

    def text(self) -> str:
        """Everything it says, as plain text."""
        if self._explanation is None:
            return ""
        parts = [pick(self._explanation.title), plain(self._explanation.lines)]
        return "\n".join(part for part in [*parts, pick(self._explanation.text)] if part)

    def _refresh(self, *_: object) -> None:
        if self._explanation is None:
            return
        drawn_with = look()
        self._heading.setText(pick(self._explanation.title))
        self._heading.setFont(drawn_with.font(TITLE, 600))
        self._text.setText(pick(self._explanation.text))
        self._text.setFont(drawn_with.font(BODY))
        self._text.setVisible(bool(self._explanation.text))
        self._term.setText(tr("explanation.glossary"))
        self._term.setVisible(bool(self._explanation.term))
        self._copy.setText(tr("explanation.copy_text"))
        self._close.set_name(tr("panel.close"))
        for widget, role in ((self._heading, "ink"), (self._text, "muted")):
            shades = widget.palette()
            shades.setColor(widget.foregroundRole(), drawn_with.color(role))
            widget.setPalette(shades)
        self.setAccessibleName(self._heading.text())
        room = min(drawn_with.pixels(MAX_WIDTH), self._panel.window().width() - 40) - 24
        ratio = self.devicePixelRatioF()
        self._arithmetic.lines.wrap(self._explanation.lines, room, drawn_with, ratio)
        self._arithmetic.lines.prepare_all(drawn_with, ratio)
        heading = drawn_with.metrics(TITLE, 600).horizontalAdvance(self._heading.text()) + 40
        wanted = max(220.0, min(heading, room), self._arithmetic.lines.width(drawn_with) + 2)
        self._arithmetic.fit(round(min(room, wanted)))
        self.setMaximumWidth(round(min(room, wanted)) + 24)
        self.adjustSize()
        self.update()

    def _place(self) -> None:
        """Beside the cell if there is room, never outside the window."""
        window = self._panel.window()
        canvas = getattr(self._panel, "canvas", self._panel)
        corner = canvas.mapTo(window, self._near.topLeft().toPoint())
        near = QRect(corner, self._near.size().toSize())
        size = self.sizeHint().expandedTo(self.size())
        self.resize(size)
        x = near.right() + 10
        if x + size.width() > window.width() - 8:
            x = near.left() - 10 - size.width()
        x = max(8, min(x, window.width() - size.width() - 8))
        y = max(8, min(near.top() - 20, window.height() - size.height() - 8))
        self.move(QPoint(x, y))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not self.isVisible():
            return False
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            inside = QRect(self.mapToGlobal(QPoint(0, 0)), self.size())
            if isinstance(watched, QWidget) and not inside.contains(
                event.globalPosition().toPoint()
            ):
                self.hide()
        elif (
            event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
            and isinstance(watched, QWidget)
        ):
            self.hide()
            return True
        return False

    def hideEvent(self, event: QHideEvent) -> None:
        app = QGuiApplication.instance()
        if app is not None:
            app.removeEventFilter(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        drawn_with = look()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(drawn_with.color("mark"), 1))
        painter.setBrush(drawn_with.color("raised"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        painter.end()

    def _ask_term(self) -> None:
        if self._explanation is not None and self._explanation.term:
            self.term_requested.emit(self._explanation.term)

    def _copy_text(self) -> None:
        QGuiApplication.clipboard().setText(self.text())
        self._copy.setText(tr("explanation.copied"))
