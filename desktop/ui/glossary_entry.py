"""One glossary term set as a card: names, definition, formula, where it is taught, related terms.

Imports Qt, strings, formula and the course's data types; no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.course.catalog import Course
from desktop.course.glossary import Term
from desktop.ui import fonts
from desktop.ui.flow import FlowLayout
from desktop.ui.icons import icon
from desktop.ui.strings import language, pick, tr
from desktop.ui.theme import palette, theme

WIDTH = 640
"""Text wider than this is hard to read."""


class GlossaryEntry(QWidget):
    """Shows one ``Term``."""

    term_requested = Signal(str)
    lesson_requested = Signal(str)

    def __init__(self, course: Course) -> None:
        super().__init__()
        self.setProperty("kind", "clear")
        self._course = course
        self._term: Term | None = None
        self._outer = outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 8, 0)
        self._card: QFrame | None = None
        theme().changed.connect(self._draw)

    def show_term(self, term: Term) -> None:
        """Replace the card."""
        self._term = term
        self._draw()

    def _draw(self) -> None:
        if self._term is None:
            return
        outer = self._outer
        if self._card is not None:
            outer.removeWidget(self._card)
            self._card.hide()
            self._card.deleteLater()
        self._card = self._made(self._term)
        self._card.setMaximumWidth(theme().pixels(WIDTH))
        outer.addWidget(self._card)
        outer.setAlignment(self._card, Qt.AlignmentFlag.AlignTop)
        self._card.show()

    def _made(self, term: Term) -> QFrame:
        card = QFrame()
        card.setProperty("kind", "card")
        body = QVBoxLayout(card)
        body.setContentsMargins(26, 22, 26, 24)
        body.setSpacing(10)
        here, there = language().current, "en" if language().current == "zh" else "zh"
        name = QLabel(title_of(term))
        name.setProperty("role", "title")
        name.setWordWrap(True)
        body.addWidget(name)
        others = [term.name[there], *term.aliases]  # type: ignore[index]
        also = QLabel(
            " · ".join(
                dict.fromkeys(other for other in others if other not in ("", term.name[here]))
            )
        )
        also.setProperty("role", "muted")
        also.setWordWrap(True)
        body.addWidget(also)
        body.addSpacing(6)
        body.addWidget(_paragraph(pick(term.definition)))
        if term.formula:
            body.addWidget(self._formula(term.formula))
        if term.more:
            body.addWidget(_paragraph(pick(term.more)))
        self._add_links(body, term)
        return card

    def _formula(self, latex: str) -> QWidget:
        from desktop.ui.formula import FormulaError, render

        label = QLabel()
        label.setContentsMargins(0, 8, 0, 8)
        label.setAccessibleName(latex)
        try:
            drawn = render(
                latex,
                pixels=theme().pixels(19),
                color=palette().color("ink"),
                ratio=self.devicePixelRatioF(),
            )
        except FormulaError:
            label.setText(latex)
            label.setProperty("role", "code")
            label.setWordWrap(True)
        else:
            label.setPixmap(QPixmap.fromImage(drawn.image))
        return label

    def _add_links(self, body: QVBoxLayout, term: Term) -> None:
        lessons = [self._course.lesson(slug) for slug in term.lessons if slug in self._course]
        related = [self._course.glossary.get(name) for name in term.see]
        self._add_row(
            body,
            tr("glossary.lessons"),
            "book",
            [
                (pick(lesson.title), partial(self.lesson_requested.emit, lesson.slug))
                for lesson in lessons
            ],
        )
        self._add_row(
            body,
            tr("glossary.related"),
            "arrow-right",
            [
                (title_of(other), partial(self.term_requested.emit, other.id))
                for other in related
                if other is not None
            ],
        )

    def _add_row(
        self,
        body: QVBoxLayout,
        title: str,
        symbol: str,
        links: Iterable[tuple[str, Callable[[], None]]],
    ) -> None:
        links = list(links)
        if not links:
            return
        head = QLabel(title)
        head.setProperty("role", "section")
        body.addSpacing(10)
        body.addWidget(head)
        row = QWidget()
        flow = FlowLayout(row)
        for text, follow in links:
            button = QPushButton(icon(symbol, "accent"), text)
            # Queued, because following a related term replaces the very card the button is on.
            button.clicked.connect(follow, Qt.ConnectionType.QueuedConnection)
            flow.addWidget(button)
        body.addWidget(row)


def title_of(term: Term) -> str:
    """A term as a heading."""
    name = pick(term.name)
    return name[:1].upper() + name[1:] if language().current == "en" else name


def _paragraph(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    font: QFont = fonts.ui_font(theme().pixels(15))
    label.setFont(font)
    label.setStyleSheet(f"font-size: {theme().pixels(15)}px;")
    return label
