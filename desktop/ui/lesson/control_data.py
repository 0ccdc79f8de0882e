"""Controls for the learner's own data: texts typed or loaded, rows drawn or read from CSV.

Whatever is wrong with a file is said in one sentence under the control; the data in use stays.
Imports Qt, ``control`` and ``table_file``.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from desktop.bilingual import Bilingual, GlassboxError
from desktop.engine.parameters import ParameterSpec
from desktop.ui.lesson.control import Control
from desktop.ui.lesson.look import GlyphButton, button, label
from desktop.ui.lesson.numbers import counted
from desktop.ui.lesson.table_file import TableError, TableShape, read_table, read_text
from desktop.ui.strings import pick, tr

TYPING_PAUSE_MS = 180
LONGEST_EDITABLE = 20_000
"""Longer texts are shown as an excerpt: an editor with megabytes in it would hold up the window."""


class TextBox(QPlainTextEdit):
    """A few lines to type in; Tab moves on to the next control, as in every form."""

    def __init__(self) -> None:
        super().__init__()
        self.setTabChangesFocus(True)
        self.setFixedHeight(64)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        event.accept()


class TextControl(Control):
    """``text``: one line or several; a multi-line one can be loaded from a file."""

    width_wanted = 300

    def __init__(self, spec: ParameterSpec, term: str = "") -> None:
        super().__init__(spec, term)
        self._value = str(spec.default)
        self._excerpt = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(TYPING_PAUSE_MS)
        self._pause.timeout.connect(self._typed)
        self._line: QLineEdit | None = None
        self._box: TextBox | None = None
        if spec.multiline:
            self._make_box()
        else:
            self._line = QLineEdit()
            self._line.textEdited.connect(lambda _text: self._pause.start())
            self._line.editingFinished.connect(self._finish)
            self.body.addWidget(self._line, 1)

    def _make_box(self) -> None:
        self.setMinimumWidth(360)
        self._box = TextBox()
        self._box.textChanged.connect(self._pause.start)
        self._count = label("small")
        self.load = button("link", self._ask_for_file)
        self.head.addWidget(self._count)
        self.head.addWidget(self.load)
        self.body.addWidget(self._box, 1)

    def show_value(self, value: Any) -> None:
        self._value = str(value)
        self._pause.stop()
        if self._line is not None:
            if self._line.text() != self._value:
                with QSignalBlocker(self._line):
                    self._line.setText(self._value)
        elif self._box is not None:
            self._show_in_box()
        self.clear_error()

    def _show_in_box(self) -> None:
        assert self._box is not None
        self._excerpt = len(self._value) > LONGEST_EDITABLE
        shown_text = self._value[:2000] + "\n…" if self._excerpt else self._value
        if self._box.toPlainText() != shown_text:
            with QSignalBlocker(self._box):
                self._box.setPlainText(shown_text)
        self._box.setReadOnly(self._excerpt)
        self._count.setText(tr("lesson_data.characters", count=counted(len(self._value))))

    def editing(self) -> bool:
        return self._pause.isActive()

    def input_widgets(self) -> list[QWidget]:
        return [widget for widget in (self._line, self._box) if widget is not None]

    def typed_text(self) -> str:
        """What is in the field now."""
        if self._line is not None:
            return self._line.text()
        return self._value if self._excerpt or self._box is None else self._box.toPlainText()

    def _finish(self) -> None:
        if self._pause.isActive():
            self._pause.stop()
            self._typed()

    def _typed(self) -> None:
        text = self.typed_text()
        if text == self._value:
            self.clear_error()
            return
        try:
            checked = self.spec.check(text)
        except GlassboxError as error:
            self.show_error(error)
            return
        self._value = checked
        if self._box is not None:
            self._count.setText(tr("lesson_data.characters", count=counted(len(checked))))
        self.choose(checked)

    # ---- files

    def _ask_for_file(self) -> None:
        path, _kind = QFileDialog.getOpenFileName(
            self, tr("lesson_data.load_text"), "", tr("lesson_data.text_files")
        )
        if path:
            self.load_file(Path(path))

    def load_file(self, path: Path) -> None:
        """Take the text of a file, or say why not."""
        most = self.spec.max_items or LONGEST_EDITABLE
        try:
            text = read_text(path, largest_bytes=4 * most + 3)
            if len(text) > most:
                raise _too_long(len(text), most)
            checked = self.spec.check(text)
        except GlassboxError as error:
            self.show_error(error)
            return
        self.show_value(checked)
        self.choose(checked)

    def retranslate(self) -> None:
        super().retranslate()
        if self._line is not None:
            self._line.setPlaceholderText(tr("lesson_data.type_here"))
        if self._box is not None:
            self._box.setPlaceholderText(tr("lesson_data.type_here"))
            self.load.setText(tr("lesson_data.load_text"))
            self._count.setText(tr("lesson_data.characters", count=counted(len(self._value))))


def _too_long(length: int, most: int) -> TableError:
    return TableError(
        Bilingual(
            f"文本有 {counted(length)} 个字符，这里最多 {counted(most)} 个。",
            f"The text has {counted(length)} characters; this lesson takes up to {counted(most)}.",
        ),
        Bilingual("截取一部分再试。", "Try again with a part of it."),
    )


class RowsControl(Control):
    """``rows``: the learner's own points, drawn on the panel, read from CSV, undone, cleared."""

    width_wanted = 320

    def __init__(self, spec: ParameterSpec, term: str = "") -> None:
        super().__init__(spec, term)
        self._value: tuple[tuple[float, ...], ...] = tuple(spec.default)
        self._earlier: list[tuple[tuple[float, ...], ...]] = []
        self.drawable = False
        self._count, self._hint = label("body"), label("small")
        self.load = button("small", self._ask_for_file)
        self.undo, self.clear = GlyphButton("undo", size=16), GlyphButton("trash", size=16)
        self.undo.clicked.connect(self._undo)
        self.clear.clicked.connect(self._clear)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._count)
        words.addWidget(self._hint)
        self.body.addLayout(words, 1)
        self.body.addWidget(self.load)
        self.body.addWidget(self.undo)
        self.body.addWidget(self.clear)

    @property
    def shape(self) -> TableShape:
        """What a file must hold."""
        spec = self.spec
        return TableShape(
            spec.columns,
            -math.inf if spec.low is None else spec.low,
            math.inf if spec.high is None else spec.high,
            spec.max_items or 10_000,
        )

    def show_value(self, value: Any) -> None:
        value = tuple(tuple(row) for row in value)
        if value != self._value:
            self._earlier = [*self._earlier[-49:], self._value]
        self._value = value
        self._describe()
        self.clear_error()

    def _describe(self) -> None:
        count = len(self._value)
        self._count.setText(
            tr("lesson_data.rows", count=counted(count)) if count else tr("lesson_data.no_rows")
        )
        self._hint.setText(tr("lesson_data.draw_hint" if self.drawable else "lesson_data.csv_hint"))
        self.undo.setEnabled(bool(self._earlier))
        self.clear.setEnabled(bool(count))

    def input_widgets(self) -> list[QWidget]:
        return [self.load, self.undo, self.clear]

    def _undo(self) -> None:
        if self._earlier:
            earlier = self._earlier.pop()
            self._value = earlier
            self._describe()
            self.choose(earlier)

    def _clear(self) -> None:
        self.show_value(())
        self.choose(())

    def _ask_for_file(self) -> None:
        path, _kind = QFileDialog.getOpenFileName(
            self, tr("lesson_data.load_csv"), "", tr("lesson_data.csv_files")
        )
        if path:
            self.load_file(Path(path))

    def load_file(self, path: Path) -> None:
        """Take the rows of a CSV file, or say what is wrong with it and keep the ones there are."""
        try:
            rows = self.spec.check(read_table(path, self.shape))
        except GlassboxError as error:
            self.show_error(error)
            return
        self.show_value(rows)
        self.choose(rows)

    def retranslate(self) -> None:
        super().retranslate()
        self.load.setText(tr("lesson_data.load_csv"))
        self.load.setAccessibleName(f"{pick(self.spec.label)}: {tr('lesson_data.load_csv')}")
        self.undo.name_it(tr("lesson_data.undo"))
        self.clear.name_it(tr("lesson_data.clear"))
        self._describe()
