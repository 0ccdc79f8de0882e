"""What this is, which versions run, where data lives, and under which licences its parts come.

Versions and licences come from ``desktop.licences``, so torch is named without importing it. Imports
Qt, strings and licences; no torch.
"""

from __future__ import annotations

import platform
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from desktop import __version__, licences
from desktop.ui.icons import pixmap
from desktop.ui.licences_sheet import LicencesSheet
from desktop.ui.overlay import Overlay
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme

PARTS = (
    ("PySide6-Essentials", "Qt for Python", "LGPL-3.0"),
    ("torch", "PyTorch", "BSD-3-Clause"),
    ("numpy", "NumPy", "BSD-3-Clause"),
    ("ziamath", "Ziamath", "MIT"),
    ("markdown-it-py", "markdown-it-py", "MIT"),
    ("Pygments", "Pygments", "BSD-2-Clause"),
    ("tokenizers", "Tokenizers", "Apache-2.0"),
    ("safetensors", "safetensors", "Apache-2.0"),
)


class AboutSheet(Overlay):
    """Name, one sentence, versions and licences; the versions can be copied for a report."""

    def __init__(self, host: QWidget, folder: Path) -> None:
        super().__init__(host, width=520)
        self._folder = folder
        self._logo, self._name, self._what = QLabel(), QLabel(), QLabel()
        self._name.setProperty("role", "title")
        self._what.setWordWrap(True)
        self._licence = QLabel()
        self._licence.setProperty("role", "small")
        self._licence.setWordWrap(True)
        self._data = QLabel()
        self._data.setProperty("role", "small")
        self._data.setWordWrap(True)
        self._data.setTextFormat(Qt.TextFormat.PlainText)
        self._data.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._copy, self._texts, self._close = QPushButton(), QPushButton(), QPushButton()
        for button in (self._copy, self._texts):
            button.setProperty("kind", "quiet")
        self._copy.clicked.connect(self._copy_versions)
        self._texts.clicked.connect(self._show_licences)
        self._close.clicked.connect(self.dismiss)
        head = QHBoxLayout()
        head.setSpacing(14)
        head.addWidget(self._logo)
        head.addWidget(self._name, 1)
        foot = QHBoxLayout()
        foot.addWidget(self._copy)
        foot.addWidget(self._texts)
        foot.addStretch(1)
        foot.addWidget(self._close)
        self.body.setSpacing(12)
        self.body.addLayout(head)
        self.body.addWidget(self._what)
        self.body.addWidget(_versions_table())
        self.body.addWidget(self._licence)
        self.body.addWidget(self._data)
        self.body.addLayout(foot)
        language().changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self._name.setText(tr("shell.name"))
        self._what.setText(tr("about.what"))
        self._licence.setText(tr("about.licence"))
        self._data.setText(tr("about.data", folder=str(self._folder)))
        self._copy.setText(tr("about.copy"))
        self._texts.setText(tr("about.licences"))
        self._close.setText(tr("about.close"))

    def open(self) -> None:
        size = theme().pixels(52)
        self._logo.setPixmap(pixmap("app", size, "black", self.devicePixelRatioF()))
        super().open()

    def first_focus(self) -> QWidget:
        return self._close

    @cached_property
    def licences(self) -> LicencesSheet:
        """The sheet with every part and its licence text; made when first wanted."""
        return LicencesSheet(self._host)

    def _show_licences(self) -> None:
        self.dismiss()
        self.licences.open()

    def _copy_versions(self) -> None:
        lines = [f"{name} {version}" for name, version, _ in versions()]
        QGuiApplication.clipboard().setText("\n".join([*lines, platform.platform()]))


def versions() -> list[tuple[str, str, str]]:
    """Name, version and licence of the application and its parts."""
    rows = [("Glassbox", __version__, "MIT"), ("Python", platform.python_version(), "PSF-2.0")]
    known = {part.name.replace("_", "-").lower(): part.version for part in licences.parts()}
    for package, name, licence in PARTS:
        version = known.get(package.lower())
        if version is not None:
            rows.append((name, version, licence))
    return [*rows, ("Inter", "4", "OFL-1.1")]


def _versions_table() -> QWidget:
    table = QWidget()
    grid = QGridLayout(table)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(2, 1)
    for row, cells in enumerate(versions()):
        for column, text in enumerate(cells):
            label = QLabel(text)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            if column:
                label.setProperty("role", "muted")
            grid.addWidget(label, row, column)
    return table
