"""Texts the experiment produced, newest first, selectable and copyable. Imports Qt, frames."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QPainter,
    QPalette,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QFrame, QStackedWidget, QTextEdit, QWidget

from desktop.engine.frames import TextBlocks
from desktop.ui.panels.base import Panel
from desktop.ui.panels.look import BODY, SMALL, Look, look
from desktop.ui.strings import pick


class TextsPanel(Panel):
    """Draws ``TextBlocks``; the text is set again only when it changed, so a selection stays."""

    item: TextBlocks

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._shown: Any = None
        super().__init__(*arguments, **named)

    def _body(self) -> QWidget:
        self.view = QTextEdit(self)
        self.view.setReadOnly(True)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        # The window's style gives text fields a frame; here the panel is the frame.
        self.view.setStyleSheet("QTextEdit { border: none; background: transparent; padding: 0; }")
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.viewport().setAutoFillBackground(False)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self.canvas)
        self._stack.addWidget(self.view)
        return self._stack

    def has_content(self) -> bool:
        return self.item is not None and bool(self.item.entries)

    def item_changed(self) -> None:
        self._stack.setCurrentIndex(1 if self.has_content() else 0)
        if not self.has_content():
            self._shown = None
            return
        drawn_with = look()
        wanted = (tuple((pick(e.heading), e.text) for e in self.item.entries), drawn_with)
        if wanted == self._shown:
            return
        self._shown = wanted
        self.view.setAccessibleName(self.title())
        bar = self.view.verticalScrollBar()
        at = bar.value()
        self._fill(self.view.document(), drawn_with)
        shades = self.view.palette()
        shades.setColor(QPalette.ColorRole.Base, QColor(0, 0, 0, 0))
        self.view.setPalette(shades)
        bar.setValue(min(at, bar.maximum()))

    def _fill(self, document: QTextDocument, drawn_with: Look) -> None:
        document.setUndoRedoEnabled(False)
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()
        heading, body = QTextCharFormat(), QTextCharFormat()
        heading.setFont(drawn_with.font(SMALL, 600))
        heading.setForeground(drawn_with.color("muted"))
        body.setFont(
            drawn_with.mono(BODY) if self.spec.options.get("mono") else drawn_with.font(13)
        )
        body.setForeground(drawn_with.color("ink"))
        tight, loose = QTextBlockFormat(), QTextBlockFormat()
        tight.setBottomMargin(2)
        loose.setBottomMargin(drawn_with.pixels(10))
        loose.setLineHeight(140.0, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        first = True
        for entry in self.item.entries:
            if text := pick(entry.heading):
                if not first:
                    cursor.insertBlock()
                cursor.setBlockFormat(tight)
                cursor.insertText(text, heading)
                first = False
            if not first:
                cursor.insertBlock()
            cursor.setBlockFormat(loose)
            # Line separators keep one entry one block; nothing here is read as HTML.
            cursor.insertText(entry.text.replace("\n", "\u2028"), body)
            first = False
        cursor.endEditBlock()

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        """Only for saved figures; on screen the text edit shows the text."""
        document = QTextDocument()
        document.setTextWidth(area.width())
        self._fill(document, drawn_with)
        painter.save()
        painter.translate(area.topLeft())
        context = QAbstractTextDocumentLayout.PaintContext()
        context.clip = QRectF(0, 0, area.width(), area.height())
        document.documentLayout().draw(painter, context)
        painter.restore()
