"""The control for numbers: a slider and a typed field of the same value.

Imports Qt and ``control``.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QSlider, QWidget

from desktop.engine.parameters import ParameterSpec
from desktop.ui.lesson.control import Control
from desktop.ui.lesson.look import label
from desktop.ui.lesson.numbers import SLIDER_STEPS, from_position, nudged, shown, to_position
from desktop.ui.theme import theme


class ValueSlider(QSlider):
    """A slider that leaves the mouse wheel to scrolling and asks to be reset on a double click."""

    double_clicked = Signal()
    arrow_pressed = Signal(int)

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, SLIDER_STEPS)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumWidth(80)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.double_clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Down: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: 1,
            Qt.Key.Key_PageDown: -10,
            Qt.Key.Key_PageUp: 10,
        }
        move = moves.get(Qt.Key(event.key()))
        if move is None or event.modifiers() & Qt.KeyboardModifier.AltModifier:
            super().keyPressEvent(event)
            return
        self.arrow_pressed.emit(move)


class NumberField(QLineEdit):
    """A typed number; the arrow keys nudge it, Escape gives the old one back."""

    nudge = Signal(int)
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "compact")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.nudge.emit(1 if event.key() == Qt.Key.Key_Up else -1)
        elif event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)


class NumberControl(Control):
    """``number`` and ``integer``: slider and typed field of the same value."""

    width_wanted = 165

    def __init__(self, spec: ParameterSpec, term: str = "") -> None:
        super().__init__(spec, term)
        self._value: float = float(spec.default)
        self.slider, self.field = ValueSlider(), NumberField()
        self.body.addWidget(self.slider, 1)
        self.body.addWidget(self.field)
        if spec.unit:
            self.body.addWidget(label("muted", spec.unit))
        self.slider.valueChanged.connect(self._slid)
        self.slider.double_clicked.connect(self.reset_to_default)
        self.slider.arrow_pressed.connect(self._nudge)
        self.field.nudge.connect(self._nudge)
        self.field.editingFinished.connect(self._typed)
        self.field.cancelled.connect(self._cancel)

    def restyle(self) -> None:
        super().restyle()
        self.field.setFixedWidth(theme().pixels(66))

    def show_value(self, value: Any) -> None:
        self._value = float(value)
        with QSignalBlocker(self.slider):
            self.slider.setValue(to_position(self.spec, self._value))
        self.field.setText(shown(self._value))
        self.field.setModified(False)
        self.clear_error()

    def editing(self) -> bool:
        return self.slider.isSliderDown() or self.field.isModified()

    def input_widgets(self) -> list[QWidget]:
        return [self.slider, self.field]

    def _slid(self, position: int) -> None:
        self._value = from_position(self.spec, position)
        self.field.setText(shown(self._value))
        self._say()

    def _nudge(self, steps: int) -> None:
        self.show_value(nudged(self.spec, self._value, steps))
        self._say()

    def _say(self) -> None:
        self.choose(int(self._value) if self.spec.kind == "integer" else self._value)

    def _typed(self) -> None:
        if self.field.isModified():
            self.field.setModified(False)
            self.choose_text(self.field.text())

    def _cancel(self) -> None:
        self.show_value(self._value)
