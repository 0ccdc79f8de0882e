"""The sheet for an error that nobody expected: what happened in a sentence, the report, a way to copy it.

It lies over the window like the other sheets, so the work behind it stays where it was. Errors that
follow while it is open are counted and added to the report. Imports Qt, icons and strings; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QWidget

from desktop import crash_log
from desktop.ui.icons import pixmap
from desktop.ui.overlay import Overlay
from desktop.ui.strings import language, tr
from desktop.ui.theme import palette, theme

MOST_REPORTS = 20
"""So many different reports are kept in one sheet; of later ones only the number is told."""


class CrashSheet(Overlay):
    """Sentence, hint, report; “copy” and “go on”."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host, width=640)
        self._mark = QLabel()
        self.sentence, self.hint, self.note, self.count = _words(), _words(), _words(), _words()
        self.sentence.setProperty("role", "heading")
        self.hint.setProperty("role", "muted")
        self.note.setProperty("role", "small")
        self.count.setProperty("role", "warning")
        self.report = QPlainTextEdit()
        self.report.setReadOnly(True)
        self.report.setProperty("kind", "code")
        self.report.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.report.setTabChangesFocus(True)
        self.copy, self.go_on = QPushButton(), QPushButton()
        self.go_on.setProperty("kind", "primary")
        self.copy.clicked.connect(self._copy)
        self.go_on.clicked.connect(self.dismiss)
        self._reports: list[str] = []
        self._happened = 0
        self._lay_out()
        self.closed.connect(self._forget)
        language().changed.connect(self.retranslate)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.retranslate()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.sentence, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.copy)
        foot.addStretch(1)
        foot.addWidget(self.go_on)
        self.body.setSpacing(10)
        self.body.addLayout(head)
        for widget in (self.hint, self.count, self.report, self.note):
            self.body.addWidget(widget)
        self.body.addLayout(foot)

    def show_report(self, sentence: str, hint: str, details: str) -> None:
        """Open with a report, or add it to the one that is being read."""
        if self.isHidden():
            self._forget()
        self._happened += 1
        if details not in self._reports and len(self._reports) < MOST_REPORTS:
            self._reports.append(details)
        self.sentence.setText(sentence)
        self.hint.setText(hint)
        self.count.setText(tr("error.again", count=self._happened))
        self.count.setVisible(self._happened > 1)
        if self._happened == 1 or len(self._reports) > 1:
            self.report.setPlainText(
                "\n\n".join([*(one.strip() for one in self._reports), crash_log.facts()])
            )
        if self.isHidden():
            self.open()
        else:
            self._place()

    def first_focus(self) -> QWidget:
        return self.go_on

    def retranslate(self) -> None:
        """Buttons and note in the language in force; the report stays as it was written."""
        self.copy.setText(tr("error.copy"))
        self.go_on.setText(tr("error.go_on"))
        self.note.setText(tr("error.private"))
        self.report.setAccessibleName(tr("toast.details"))

    def _restyle(self) -> None:
        size = theme().pixels(22)
        self._mark.setPixmap(
            pixmap("warning", size, palette().color("bad"), self.devicePixelRatioF())
        )
        self.report.setMinimumHeight(theme().pixels(60))
        self.report.setMaximumHeight(theme().pixels(200))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(
            f"{self.sentence.text()}\n\n{self.report.toPlainText()}\n"
        )
        self.copy.setText(tr("error.copied"))

    def _forget(self) -> None:
        self._reports.clear()
        self._happened = 0
        self.copy.setText(tr("error.copy"))


def _words() -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
