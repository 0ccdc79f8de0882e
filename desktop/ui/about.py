"""What this is, which versions run, where data lives, what leaves this computer (nothing), how to be
rid of it, and under which licences its parts come.

Versions and licences come from ``desktop.licences``, so torch is named without importing it. Imports
Qt, strings and licences; no torch.
"""

from __future__ import annotations

import platform
import sys
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

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
    """Name, one sentence, versions and licences, data; the versions can be copied for a report."""

    def __init__(self, host: QWidget, folder: Path) -> None:
        super().__init__(host, width=520)
        self._folder = folder
        self._logo, self._name = QLabel(), QLabel()
        self._name.setProperty("role", "title")
        self._what = _paragraph()
        self._licence, self._data, self._privacy = (_paragraph("small") for _ in range(3))
        self._data.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._copy, self._texts, self._close = QPushButton(), QPushButton(), QPushButton()
        for button in (self._copy, self._texts):
            button.setProperty("kind", "quiet")
        self._copy.clicked.connect(self._copy_versions)
        self._texts.clicked.connect(self._show_licences)
        self._close.clicked.connect(self.dismiss)
        self._head, self._foot = QHBoxLayout(), QHBoxLayout()
        self._head.setSpacing(14)
        self._head.addWidget(self._logo)
        self._head.addWidget(self._name, 1)
        self._foot.addWidget(self._copy)
        self._foot.addWidget(self._texts)
        self._foot.addStretch(1)
        self._foot.addWidget(self._close)
        self.body.setSpacing(12)
        self.body.addLayout(self._head)
        self.body.addWidget(self._scrolled(), 1)
        self.body.addLayout(self._foot)
        language().changed.connect(self.retranslate)
        self.retranslate()

    def _scrolled(self) -> QWidget:
        """What lies between head and foot: in a small window it does not fit."""
        content = QWidget()
        content.setProperty("kind", "clear")
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(12)
        for part in (self._what, _versions_table(), self._licence, self._data, self._privacy):
            self._column.addWidget(part)
        self._column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        return area

    def card_height(self) -> int:
        around = self.body.contentsMargins()
        width = self.card.width() - around.left() - around.right()
        ends = self._head.sizeHint().height() + self._foot.sizeHint().height()
        between = around.top() + around.bottom() + 2 * self.body.spacing() + 2
        return self._column.totalHeightForWidth(width) + ends + between

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self._name.setText(tr("shell.name"))
        self._what.setText(tr("about.what"))
        self._licence.setText(tr("about.licence"))
        removal = removal_command()
        said = [tr("about.data", folder=str(self._folder))]
        said += [tr("about.removal", command=removal)] if removal else []
        self._data.setText(("" if language().current == "zh" else " ").join(said))
        self._privacy.setText(tr("about.privacy"))
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


def removal_command() -> str:
    """How an installed package is removed; empty when nothing was installed."""
    program = Path(sys.executable)
    if not getattr(sys, "frozen", False):
        return ""
    if (program.parent / "uninstall.sh").exists():
        return f"sh {program.parent / 'uninstall.sh'}"
    return "sudo apt remove glassbox" if program.is_relative_to("/opt/glassbox") else ""


def _paragraph(role: str = "") -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        label.setProperty("role", role)
    return label


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
