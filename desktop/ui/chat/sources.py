"""Where in the course an answer comes from: a row of small buttons that open the place.

Imports Qt, strings and the tutor's plain data; no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from desktop.tutor.grounding import Source
from desktop.ui.flow import FlowLayout
from desktop.ui.icons import icon
from desktop.ui.lesson.look import button, label
from desktop.ui.plain import plain_tip
from desktop.ui.strings import pick, tr

LONGEST = 34
"""Characters of a title on a button; the tooltip has all of it."""


class SourcesRow(QWidget):
    """“From the course:” and one button for each source; invisible while there are none."""

    chosen = Signal(object)
    """Source"""

    def __init__(self) -> None:
        super().__init__()
        self.sources: tuple[Source, ...] = ()
        self.buttons: list[QPushButton] = []
        self._title = label("small")
        self._flow = FlowLayout(self, spacing=6)
        self._flow.addWidget(self._title)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.hide()

    def show_sources(self, sources: Sequence[Source]) -> None:
        """Show these in place of the ones before."""
        if tuple(sources) == self.sources:
            return
        for old in self.buttons:
            self._flow.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.sources = tuple(sources)
        self.buttons = [self._button(source) for source in self.sources]
        for one in self.buttons:
            self._flow.addWidget(one)
        self.setVisible(bool(sources))
        self.retranslate()

    def _button(self, source: Source) -> QPushButton:
        made = button("chip", lambda: self.chosen.emit(source))
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return made

    def retranslate(self) -> None:
        """Texts in the language in force, icons in the theme's colours."""
        self._title.setText(tr("chat.sources"))
        for one, source in zip(self.buttons, self.sources, strict=True):
            whole = pick(source.title)
            one.setText(whole if len(whole) <= LONGEST else whole[: LONGEST - 1].rstrip() + "…")
            one.setIcon(icon("glossary" if source.kind == "term" else "book", "muted"))
            key = "chat.source_term" if source.kind == "term" else "chat.source_lesson"
            one.setToolTip(plain_tip(tr(key, name=whole)))
            one.setAccessibleName(tr(key, name=whole))
