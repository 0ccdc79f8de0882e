"""About leads to every part's licence, says where data live and how to remove what was installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.about import AboutSheet, removal_command
from desktop.ui.strings import tr


def test_about_leads_to_the_licences(qtbot: QtBot, tmp_path: Path) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    host.resize(1000, 700)
    host.show()
    sheet = AboutSheet(host, tmp_path)
    sheet.open()
    assert any(str(tmp_path) in label.text() for label in sheet.findChildren(QLabel))
    button = next(
        button
        for button in sheet.findChildren(QPushButton)
        if button.text() == tr("about.licences")
    )
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    licences = sheet.licences
    assert sheet.isHidden()
    assert licences.isVisible()
    names = [licences.list.item(row).text() for row in range(licences.list.count())]
    licences.list.setCurrentRow(next(row for row, name in enumerate(names) if "numpy" in name))
    assert "NumPy Developers" in licences.text.toPlainText()
    qtbot.keyClick(licences, Qt.Key.Key_Escape)
    assert licences.isHidden()


def test_about_knows_how_it_was_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert removal_command() == ""  # from source nothing was installed
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "glassbox"))
    assert removal_command() == ""
    (tmp_path / "uninstall.sh").touch()
    assert removal_command() == f"sh {tmp_path / 'uninstall.sh'}"
    monkeypatch.setattr(sys, "executable", "/opt/glassbox/glassbox")
    assert removal_command() == "sudo apt remove glassbox"
