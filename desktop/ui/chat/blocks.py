"""One block of a message: text, or code with a button that copies it.

While it is written, letters are appended to its document; when it is over, it is typeset once.
Imports Qt, the Markdown typesetter, icons and strings; no torch.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QGuiApplication,
    QResizeEvent,
    QShowEvent,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QSizePolicy,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from desktop.ui import fonts
from desktop.ui.lesson.look import GlyphButton, label
from desktop.ui.markdown import TextStyle, highlighted
from desktop.ui.rich_text import PictureObjects, fill
from desktop.ui.strings import language, tr
from desktop.ui.theme import palette, theme

BODY = 14.0
CODE = 12.5
COPIED_MS = 1200


class Text(QTextBrowser):
    """A document exactly as high as its text, with no scroll bars of its own."""

    web_requested = Signal(str)

    def __init__(self, *, code: bool = False) -> None:
        super().__init__()
        self._code = code
        self._stale = True
        self.setOpenLinks(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._pictures = PictureObjects(self, BODY)
        self._pictures.attach(self.document())
        self.anchorClicked.connect(self._clicked)
        self._set_plain_font()

    def _set_plain_font(self) -> None:
        font = (
            fonts.mono_font(theme().pixels(CODE))
            if self._code
            else fonts.ui_font(theme().pixels(BODY))
        )
        self.document().setDefaultFont(font)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._set_plain_font()  # Qt has just put the widget's own in its place

    def append_plain(self, text: str) -> None:
        """More letters at the end, laid out alone."""
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text)
        self.fit()

    def set_plain(self, text: str) -> None:
        """Letters as they are."""
        self._set_plain_font()
        self.setPlainText(text)
        self.fit()

    def set_markdown(self, text: str) -> None:
        """Typeset, in the language, theme and size in force."""
        pixels = float(theme().pixels(BODY))
        self._pictures.pixels = pixels
        fill(self.document(), text, TextStyle(language().current, pixels))
        last = self.document().lastBlock()
        form = last.blockFormat()
        form.setBottomMargin(0)
        QTextCursor(last).setBlockFormat(form)
        self.fit()

    def set_code(self, source: str, name: str) -> None:
        """Code in the theme's colours."""
        self._set_plain_font()
        spans = highlighted(source.rstrip("\n"), name)
        self.setHtml(f'<pre style="white-space: pre-wrap; margin: 0">{spans}</pre>')
        self.fit()

    def fit(self) -> None:
        """Take the height of the text at the present width; out of sight, only when shown again."""
        self._stale = not self.isVisible()
        if not self._stale:
            self._take_height()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.fit()

    def _take_height(self) -> None:
        width = self.viewport().width()
        self._pictures.widest = max(80.0, width - 12.0)
        document = self.document()
        if document.textWidth() != width:
            document.setTextWidth(width)
        height = math.ceil(document.size().height()) + 1
        if height != self.height():
            self.setFixedHeight(height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit()

    def sizeHint(self) -> QSize:
        return QSize(240, self.minimumHeight())

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the transcript scrolls

    def _clicked(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            self.web_requested.emit(url.toString())


class TextBlock(QWidget):
    """A paragraph, list, table or heading."""

    def __init__(self) -> None:
        super().__init__()
        self.view = Text()
        self._final: str | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)

    def append(self, text: str) -> None:
        """More letters."""
        self.view.append_plain(text)

    def close_with(self, text: str) -> None:
        """It is over: typeset it."""
        self._final = text
        self.view.set_markdown(text)

    def refresh(self) -> None:
        """Theme, language or size changed."""
        if self._final is not None:
            self.view.set_markdown(self._final)
        else:
            self.view.set_plain(self.view.toPlainText())


class CodeBlock(QFrame):
    """Code under a thin bar with its language and the copy button."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("ChatCode")
        self._name, self._source = name, ""
        self._final = False
        self.view = Text(code=True)
        self._label = label("small", name)
        self.copy_button = GlyphButton("copy", "muted", size=15)
        self.copy_button.clicked.connect(self._copy)
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.timeout.connect(self._show_copy)
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 0, 0)
        bar.addWidget(self._label, 1)
        bar.addWidget(self.copy_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 6, 8)
        layout.setSpacing(2)
        layout.addLayout(bar)
        layout.addWidget(self.view)
        self.refresh()

    def append(self, text: str) -> None:
        """More letters."""
        self._source += text
        self.view.append_plain(text)

    def close_with(self, text: str) -> None:
        """It is over: colour it."""
        self._source, self._final = text, True
        self.view.set_code(text, self._name)

    def refresh(self) -> None:
        """Theme, language or size changed."""
        p = palette()
        self.setStyleSheet(
            f"#ChatCode {{ background: {p.hover}; border: 1px solid {p.hairline};"
            " border-radius: 8px; }"
        )
        self.copy_button.name_it(tr("chat.copy_code"))
        if self._final:
            self.view.set_code(self._source, self._name)
        elif self._source:
            self.view.set_plain(self._source)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._source.rstrip("\n"))
        self.copy_button.show_glyph("check")
        self.copy_button.name_it(tr("chat.copied"))
        self._back.start(COPIED_MS)

    def _show_copy(self) -> None:
        self.copy_button.show_glyph("copy")
        self.copy_button.name_it(tr("chat.copy_code"))
