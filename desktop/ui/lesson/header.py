"""The line above a lesson: where it belongs, its name, its code, sharing.

Imports Qt, icons and strings.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from desktop.bilingual import Bilingual
from desktop.ui.elided import ElidedLabel
from desktop.ui.icons import icon
from desktop.ui.markdown import spaced
from desktop.ui.strings import pick, tr
from desktop.ui.theme import theme


class LessonHeader(QWidget):
    """Chapter, title and buttons; keeping a model is offered where there is one to keep."""

    code_toggled = Signal(bool)
    keep_wanted = Signal()

    def __init__(self, share_menu: QMenu) -> None:
        super().__init__()
        self._chapter, self._number, self._title = Bilingual("", ""), 0, Bilingual("", "")
        self.chapter, self.title = ElidedLabel(), ElidedLabel()
        self.chapter.setProperty("role", "muted")
        self.title.setProperty("role", "lesson-title")
        self.chapter.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.title.setMinimumWidth(40)
        self.code = self._button("code")
        self.code.setCheckable(True)
        self.code.clicked.connect(self.code_toggled)
        self.keep = self._button("save")
        self.keep.clicked.connect(lambda _checked=False: self.keep_wanted.emit())
        self.keep.hide()
        self.share = self._button("share")
        self.share.setMenu(share_menu)
        self.share.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        theme().changed.connect(self._restyle)
        self._restyle()
        dot = QLabel("·")
        dot.setProperty("role", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.chapter)
        row.addWidget(dot)
        row.addWidget(self.title, 1)
        row.addWidget(self.keep)
        row.addWidget(self.code)
        row.addWidget(self.share)

    def _button(self, name: str) -> QToolButton:
        made = QToolButton()
        made.setIcon(icon(name))
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        made.setCursor(Qt.CursorShape.PointingHandCursor)
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return made

    def _restyle(self) -> None:
        side = theme().icon_pixels(17)
        for made in (self.code, self.keep, self.share):
            made.setIconSize(QSize(side, side))

    def show_lesson(self, number: int, chapter: Bilingual, title: Bilingual) -> None:
        """Where we are."""
        self._number, self._chapter, self._title = number, chapter, title
        self.retranslate()

    def retranslate(self) -> None:
        """All texts in the language in force."""
        chapter = tr("lesson_view.chapter", number=self._number, title=pick(self._chapter))
        self.chapter.setText(spaced(chapter) if self._number else "")
        self.title.setText(spaced(pick(self._title)))
        for widget, name in (
            (self.keep, "keep"),
            (self.code, "code"),
            (self.share, "share"),
        ):
            widget.setText(tr(f"lesson_view.{name}"))
            widget.setToolTip(tr(f"lesson_view.{name}_help"))
            widget.setAccessibleName(tr(f"lesson_view.{name}"))
