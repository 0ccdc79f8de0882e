"""Where a question is typed: grows with its text, Enter sends, Shift+Enter begins a new line.

Imports Qt, icons and strings; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.chat.numbers import rate
from desktop.ui.focus_order import in_order
from desktop.ui.icons import icon
from desktop.ui.lesson.look import GlyphButton, button, label
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme

LINES = 6


class _Field(QPlainTextEdit):
    sent = Signal()
    stopped = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not shift:
            self.sent.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.stopped.emit()
        elif event.key() == Qt.Key.Key_Tab:
            self.focusNextChild()
        else:
            super().keyPressEvent(event)


class Composer(QFrame):
    """The field, the button that sends or stops, and the meters."""

    sent = Signal(str)
    stop_wanted = Signal()
    draft_changed = Signal(str)
    look_toggled = Signal(bool)
    preview_wanted = Signal()
    attach_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "bar")
        self._writing = self._ready = False
        self._lesson = ""
        self.field = _Field()
        self.field.setTabChangesFocus(True)
        self.field.sent.connect(self._send)
        self.field.stopped.connect(self._escape)
        self.field.textChanged.connect(self._typed)
        self.send_button = GlyphButton("arrow-right", "accent_ink", kind="primary")
        self.send_button.clicked.connect(self._press)
        self.look_button = GlyphButton("eye", "muted", size=16)
        self.look_button.setCheckable(True)
        self.look_button.toggled.connect(self.look_toggled)
        self.preview_button = GlyphButton("code", "muted", size=16)
        self.preview_button.clicked.connect(self.preview_wanted)
        self.attach_button = button("chip", self.field.setFocus)
        self.attach_button.setCheckable(True)
        self.attach_button.toggled.connect(self._attach)
        self.attach_button.hide()
        self.meter = QProgressBar()
        self.meter.setTextVisible(False)
        self.meter_label, self.speed_label = label("small"), label("small")
        field_row = QHBoxLayout()
        field_row.setSpacing(8)
        field_row.addWidget(self.field, 1)
        field_row.addWidget(self.send_button, 0, Qt.AlignmentFlag.AlignBottom)
        below = QHBoxLayout()
        below.setSpacing(4)
        below.addWidget(self.look_button)
        below.addWidget(self.preview_button)
        below.addSpacing(4)
        below.addWidget(self.speed_label, 1)
        below.addWidget(self.meter_label)
        below.addWidget(self.meter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 8)
        layout.setSpacing(6)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute
        layout.addWidget(self.attach_button, 0, left)
        layout.addLayout(field_row)
        layout.addLayout(below)
        language().changed.connect(self.retranslate)
        theme().changed.connect(self._fit)
        self.retranslate()
        self.show_context(0, 0)
        self._fit()

    # ---- what it shows

    def set_state(self, *, ready: bool, writing: bool) -> None:
        """Whether a model can be asked, and whether it is answering now."""
        self._ready, self._writing = ready, writing
        self.send_button.show_glyph("stop" if writing else "arrow-right")
        self.retranslate()
        self._enable()

    def show_context(self, used: int, size: int) -> None:
        """The context meter."""
        self.meter.setVisible(size > 0)
        self.meter_label.setVisible(size > 0)
        if size > 0:
            self.meter.setRange(0, size)
            self.meter.setValue(min(used, size))
            self.meter_label.setText(f"{min(used, size):,} / {size:,}")

    def show_speed(self, per_second: float | None) -> None:
        """How fast an answer is being written; its length is in the meter of the context."""
        text = "" if per_second is None else tr("chat.speed", speed=rate(per_second))
        self.speed_label.setText(text)

    def set_text(self, text: str) -> None:
        """Put a draft in place without telling that it changed."""
        self.field.blockSignals(True)
        self.field.setPlainText(text)
        self.field.blockSignals(False)
        self._fit()
        self._enable()

    def text(self) -> str:
        """What is typed."""
        return self.field.toPlainText()

    def show_lesson(self, title: str) -> None:
        """What would be attached; empty when no lesson is open."""
        self._lesson = title
        self.attach_button.setVisible(bool(title))
        if not title:
            self.attach_button.setChecked(False)
        self._name_attachment()

    def in_order(self) -> list[QWidget]:
        """What Tab goes through."""
        layout = self.layout()
        return list(in_order(layout)) if layout is not None else []

    # ---- what is done with it

    def _attach(self, on: bool) -> None:
        self._name_attachment()
        self.attach_toggled.emit(on)

    def _name_attachment(self) -> None:
        """An invitation while nothing is attached; what is attached, and a cross, while it is."""
        chip, on = self.attach_button, self.attach_button.isChecked()
        text = tr("chat.about", lesson=self._lesson) if on else tr("chat.attach")
        chip.setText(text if len(text) <= 40 else text[:39].rstrip() + "…")
        chip.setIcon(icon("close" if on else "book", "muted"))
        right = Qt.LayoutDirection.RightToLeft if on else Qt.LayoutDirection.LeftToRight
        chip.setLayoutDirection(right)
        tip = tr("chat.detach") if on else tr("chat.attach_tip")
        chip.setToolTip(tip)
        chip.setAccessibleName(f"{text}, {tip}")

    def _typed(self) -> None:
        self._fit()
        self._enable()
        self.draft_changed.emit(self.text())

    def _press(self) -> None:
        if self._writing:
            self.stop_wanted.emit()
        else:
            self._send()

    def _send(self) -> None:
        if self._ready and not self._writing and self.text().strip():
            self.sent.emit(self.text())

    def _escape(self) -> None:
        if self._writing:
            self.stop_wanted.emit()

    def _enable(self) -> None:
        self.send_button.setEnabled(self._writing or (self._ready and bool(self.text().strip())))
        self.look_button.setEnabled(self._ready)
        self.preview_button.setEnabled(self._ready and not self._writing)

    def _fit(self) -> None:
        lines = min(LINES, max(2, round(self.field.document().size().height())))
        line = self.field.fontMetrics().lineSpacing()
        self.field.setFixedHeight(lines * line + 20)
        side = theme().pixels(34)
        self.send_button.setFixedSize(side, side)
        self.meter.setFixedWidth(theme().pixels(64))

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self.field.setPlaceholderText(tr("chat.ask" if self._ready else "chat.ask_no_model"))
        self.field.setAccessibleName(tr("chat.field_name"))
        stop = self._writing
        self.send_button.name_it(tr("chat.stop" if stop else "chat.send"), "Esc" if stop else "↵")
        self.look_button.name_it(tr("chat.look"))
        self.preview_button.name_it(tr("chat.preview"))
        self._name_attachment()
        self.meter.setAccessibleName(tr("chat.context"))
        self.meter.setToolTip(tr("chat.context_tip"))
        self.meter_label.setToolTip(tr("chat.context_tip"))
