"""One piece of typeset prose: as tall as its text, links that act, terms that explain themselves.

Imports Qt, the Markdown typesetter and the course's link parser.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable

from PySide6.QtCore import QMimeData, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QCursor, QKeyEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser, QToolTip

from desktop.bilingual import Bilingual
from desktop.course.prose import ActionSyntaxError, Link, parse_link
from desktop.ui.lesson.look import BODY
from desktop.ui.markdown import TextStyle
from desktop.ui.rich_text import PictureObjects, fill
from desktop.ui.strings import language, pick, tr
from desktop.ui.theme import theme

TermTip = Callable[[str], Bilingual | None]
"""Gives the one-sentence definition of a glossary term."""


class ProseText(QTextBrowser):
    """Markdown on the page itself: no frame, no scroll bars of its own."""

    link_chosen = Signal(object)

    def __init__(self, term_tip: TermTip, *, pixels: float = BODY) -> None:
        super().__init__()
        self.setObjectName("Prose")
        self._term_tip, self._base = term_tip, pixels
        self._text = ""
        self.setOpenLinks(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self._pictures = PictureObjects(self, pixels)
        self._pictures.attach(self.document())
        self.anchorClicked.connect(self._clicked)
        self.highlighted.connect(self._hovered)

    def show_markdown(self, text: str) -> None:
        """Typeset ``text`` in the language, theme and size in force."""
        self._text = text
        pixels = float(theme().pixels(self._base))
        self._pictures.pixels = pixels
        titles = {name: tr(f"lesson_prose.{name}") for name in ("try", "mistake", "sources")}
        fill(self.document(), text, TextStyle(language().current, pixels, titles))
        self._fit()

    def refresh(self) -> None:
        """Typeset again after the theme or the text size changed."""
        self.show_markdown(self._text)

    # ---- size

    def _fit(self) -> None:
        width = self.viewport().width()
        self._pictures.widest = max(80.0, width - 20.0)
        document = self.document()
        document.markContentsDirty(0, document.characterCount())
        document.setTextWidth(width)
        height = math.ceil(document.size().height()) + 2
        if height != self.height():
            self.setFixedHeight(height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def sizeHint(self) -> QSize:
        return QSize(380, self.minimumHeight())

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the column scrolls

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Tab goes through the links and Enter follows one; other keys belong to the lesson."""
        copying = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if copying or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab):
            super().keyPressEvent(event)
        else:
            event.ignore()

    # ---- links

    def _link(self, url: QUrl) -> Link | None:
        try:
            return parse_link("", url.toString(QUrl.ComponentFormattingOption.FullyEncoded))
        except ActionSyntaxError:
            return None

    def _clicked(self, url: QUrl) -> None:
        link = self._link(url)
        if link is not None:
            self.link_chosen.emit(link)

    def _hovered(self, url: QUrl) -> None:
        link = None if url.isEmpty() else self._link(url)
        text = self.link_tip(link) if link is not None else ""
        if text:
            QToolTip.showText(QCursor.pos(), text, self)
        else:
            QToolTip.hideText()

    def link_tip(self, link: Link) -> str:
        """What hovering over a link says: a definition, a place, or what the link does."""
        if link.kind == "term":
            definition = self._term_tip(link.target)
            return f"<qt>{html.escape(pick(definition))}</qt>" if definition else ""
        if link.kind == "web":
            return html.escape(link.target)
        key = {"action": "lesson_prose.acts", "lesson": "lesson_prose.goes"}[link.kind]
        return tr(key)

    def createMimeDataFromSelection(self) -> QMimeData:
        """Copying gives plain text; the object characters of formulas would only confuse."""
        data = QMimeData()
        data.setText(self.textCursor().selectedText().replace("\u2029", "\n").replace("\ufffc", ""))
        return data
