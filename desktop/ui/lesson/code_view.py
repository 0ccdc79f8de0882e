"""“Show the code”: the very source that is running, highlighted, to read, copy or take along.

Imports Qt, the highlighter of ``ui.markdown`` and the strings.
"""

from __future__ import annotations

from pathlib import Path

from pygments.token import Name
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.bilingual import Bilingual, GlassboxError
from desktop.ui import fonts
from desktop.ui.lesson.look import GlyphButton, button, label
from desktop.ui.markdown import lexed, spaced, token_color
from desktop.ui.strings import pick, tr
from desktop.ui.theme import palette, theme


class CodeView(QWidget):
    """Two views of the code: what the lesson is about, and the whole stand-alone script."""

    closed = Signal()
    told = Signal(str)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("CodePage")
        self._shown, self._script, self._note = "", "", Bilingual("", "")
        self._slug = "lesson"
        self.note = label("muted", wrap=True)
        self.close_button = GlyphButton("close", "muted", size=16)
        self.close_button.clicked.connect(self.closed)
        self.source_tab = self._tab(False)
        self.script_tab = self._tab(True)
        self.copy = button("", self._copy)
        self.save = button("", self._ask_for_file)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setProperty("kind", "code")
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        tabs = QHBoxLayout()
        tabs.setSpacing(0)
        tabs.addWidget(self.source_tab)
        tabs.addWidget(self.script_tab)
        tabs.addStretch(1)
        tabs.addWidget(self.copy)
        tabs.addSpacing(6)
        tabs.addWidget(self.save)
        tabs.addSpacing(6)
        tabs.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(tabs)
        column.addWidget(self.note)
        column.addWidget(self.text, 1)
        self._whole = False
        theme().changed.connect(self._redraw)

    def _tab(self, whole: bool) -> QPushButton:
        tab = button("segment", lambda: self._choose(whole))
        tab.setCheckable(True)
        tab.setChecked(not whole)
        tab.setProperty("edge", "right" if whole else "left")
        return tab

    # ---- contents

    def expect(self, slug: str, note: Bilingual) -> None:
        """Another lesson: its source is on the way."""
        self._slug, self._note = slug, note
        self._shown = self._script = ""
        self.retranslate()
        self._redraw()

    def show_script(self, shown: str, script: str) -> None:
        """The source that is running and the stand-alone script."""
        self._shown, self._script = shown, script
        self._redraw()

    @property
    def source(self) -> str:
        """The text on screen."""
        return self._script if self._whole else self._shown

    def _choose(self, whole: bool) -> None:
        self._whole = whole
        self._redraw()
        self.retranslate()

    def _redraw(self) -> None:
        self.source_tab.setChecked(not self._whole)
        self.script_tab.setChecked(self._whole)
        for widget in (self.copy, self.save):
            widget.setEnabled(bool(self._script))
        self.text.setFont(fonts.mono_font(theme().pixels(12.5)))
        self.text.setPlainText("")
        cursor = QTextCursor(self.text.document())
        cursor.beginEditBlock()
        for kind, piece in lexed(self.source, "python"):
            form = QTextCharFormat()
            form.setForeground(QColor(token_color(kind, palette())))
            if kind in Name.Function or kind in Name.Class:
                form.setFontWeight(600)
            cursor.insertText(piece, form)
        cursor.endEditBlock()
        self.text.moveCursor(QTextCursor.MoveOperation.Start)

    # ---- taking it along

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.source)
        self.told.emit(tr("lesson_code.copied"))

    def _ask_for_file(self) -> None:
        name = self._slug.replace("-", "_") + ".py"
        path, _kind = QFileDialog.getSaveFileName(
            self, tr("lesson_code.save"), name, tr("lesson_code.python_files")
        )
        if path:
            self.save_script(Path(path))

    def save_script(self, path: Path) -> None:
        """Write the stand-alone script."""
        try:
            path.write_text(self._script, encoding="utf-8")
        except OSError as error:
            self.failed.emit(cannot_write(path, error))
            return
        self.told.emit(tr("lesson_code.saved", name=path.name))

    def retranslate(self) -> None:
        """All texts in the language in force."""
        self.source_tab.setText(tr("lesson_code.source"))
        self.script_tab.setText(tr("lesson_code.script"))
        self.copy.setText(tr("lesson_code.copy_script" if self._whole else "lesson_code.copy"))
        self.save.setText(tr("lesson_code.save"))
        self.close_button.name_it(tr("lesson_code.close"), "Esc")
        note = pick(self._note)
        self.note.setText(spaced(tr("lesson_code.script_note") if self._whole else note))
        self.note.setVisible(bool(self.note.text()))
        self.text.setAccessibleName(tr("lesson_code.source"))


def cannot_write(path: Path, error: OSError) -> GlassboxError:
    """One sentence for a file that the system would not let us write."""
    return GlassboxError(
        Bilingual(f"无法写入“{path.name}”。", f"“{path.name}” cannot be written."),
        Bilingual(
            "换一个文件夹，或检查磁盘空间。", "Choose another folder, or check the free space."
        ),
        str(error),
    )
