"""Controls for switches, choices, lists and points.

Imports Qt and ``control``.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from desktop.engine.parameters import ParameterSpec
from desktop.ui.lesson.control import Control
from desktop.ui.lesson.control_number import NumberField
from desktop.ui.lesson.flow import FlowRows
from desktop.ui.lesson.look import GlyphButton, button, label
from desktop.ui.lesson.numbers import nudged, shown
from desktop.ui.strings import pick, tr

_SHORT_LABELS = 22
"""Up to this many half-width characters in all, choices become segments instead of a list."""


class FlagControl(Control):
    """``flag``: a switch with its own label."""

    width_wanted = 100

    def __init__(self, spec: ParameterSpec, term: str = "") -> None:
        super().__init__(spec, term)
        self.box = QCheckBox()
        self.box.setCursor(Qt.CursorShape.PointingHandCursor)
        self.body.addWidget(self.box, 1)
        self.box.clicked.connect(self._clicked)

    def _clicked(self, on: bool) -> None:
        self._word(on)
        self.choose(on)

    def _word(self, on: bool) -> None:
        self.box.setText(tr("lesson_controls.on" if on else "lesson_controls.off"))

    def show_value(self, value: Any) -> None:
        self.box.setChecked(bool(value))
        self._word(bool(value))

    def input_widgets(self) -> list[QWidget]:
        return [self.box]

    def retranslate(self) -> None:
        super().retranslate()
        self._word(self.box.isChecked())


class QuietCombo(QComboBox):
    """A list that does not change when the wheel passes over it."""

    def __init__(self) -> None:
        super().__init__()
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


def _half_widths(text: str) -> int:
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)


class ChoiceControl(Control):
    """``choice``: segments when they are few and short, otherwise a list."""

    width_wanted = 150

    def __init__(self, spec: ParameterSpec, term: str = "") -> None:
        super().__init__(spec, term)
        longest = max(
            sum(_half_widths(choice.label[language]) + 4 for choice in spec.choices)
            for language in ("zh", "en")
        )
        self._group: QButtonGroup | None = None
        self._combo: QuietCombo | None = None
        if len(spec.choices) <= 3 and longest <= _SHORT_LABELS + 10:
            self._make_segments()
        else:
            self._combo = QuietCombo()
            for choice in spec.choices:
                self._combo.addItem("", choice.value)
            self._combo.activated.connect(self._picked)
            self.body.addWidget(self._combo, 1)

    def _make_segments(self) -> None:
        self._group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(0)
        for index, _choice in enumerate(self.spec.choices):
            segment = QPushButton()
            segment.setProperty("kind", "segment")
            last = len(self.spec.choices) - 1
            segment.setProperty("edge", "left" if index == 0 else "right" if index == last else "")
            segment.setCheckable(True)
            segment.setAutoDefault(False)
            segment.setCursor(Qt.CursorShape.PointingHandCursor)
            self._group.addButton(segment, index)
            row.addWidget(segment)
        self._group.idClicked.connect(self._picked)
        self.body.addLayout(row)
        self.body.addStretch(1)

    def _picked(self, index: int) -> None:
        self.choose(self.spec.choices[index].value)

    def show_value(self, value: Any) -> None:
        index = [choice.value for choice in self.spec.choices].index(value)
        if self._combo is not None:
            with QSignalBlocker(self._combo):
                self._combo.setCurrentIndex(index)
        elif self._group is not None:
            self._group.button(index).setChecked(True)

    def editing(self) -> bool:
        return self._combo is not None and self._combo.view().isVisible()

    def input_widgets(self) -> list[QWidget]:
        if self._combo is not None:
            return [self._combo]
        return list(self._group.buttons()) if self._group else []

    def retranslate(self) -> None:
        super().retranslate()
        for index, choice in enumerate(self.spec.choices):
            text = pick(choice.label)
            if self._combo is not None:
                self._combo.setItemText(index, text)
            elif self._group is not None:
                segment = self._group.button(index)
                segment.setText(text)
                segment.setAccessibleName(f"{pick(self.spec.label)}: {text}")


class SubsetControl(Control):
    """``subset``: one chip for each name; the last ones that must stay cannot be taken out."""

    def __init__(self, spec: ParameterSpec, term: str = "") -> None:
        super().__init__(spec, term)
        self._chips: list[QPushButton] = []
        self._rows = FlowRows(spacing=6, line_spacing=6)
        for choice in spec.choices:
            chip = button("chip", lambda: None)
            chip.setCheckable(True)
            chip.clicked.connect(self._clicked)
            chip.setProperty("value", choice.value)
            self._chips.append(chip)
        self.body.addWidget(self._rows, 1)

    def _chosen(self) -> list[str]:
        return [chip.property("value") for chip in self._chips if chip.isChecked()]

    def _clicked(self) -> None:
        self.choose(self._chosen())

    def show_value(self, value: Any) -> None:
        for chip in self._chips:
            chip.setChecked(chip.property("value") in value)
        self.clear_error()

    def input_widgets(self) -> list[QWidget]:
        return list(self._chips)

    def retranslate(self) -> None:
        super().retranslate()
        for chip, choice in zip(self._chips, self.spec.choices, strict=True):
            chip.setText(pick(choice.label))
            chip.setAccessibleName(f"{pick(self.spec.label)}: {pick(choice.label)}")
        self.restyle()
        self._rows.set_children(list(self._chips))

    def restyle(self) -> None:
        wanted = sum(chip.sizeHint().width() + 6 for chip in self._chips)
        self.setMinimumWidth(min(wanted + 2, 420))


class IntegersControl(Control):
    """``integers``: a typed list such as ``4, 4, 2``, and buttons to add or drop an entry."""

    width_wanted = 165

    def __init__(self, spec: ParameterSpec, term: str = "") -> None:
        super().__init__(spec, term)
        self._value: tuple[int, ...] = tuple(spec.default)
        self.field = NumberField()
        self.field.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.field.setMinimumWidth(60)
        self.fewer, self.more = GlyphButton("minus", size=16), GlyphButton("plus", size=16)
        self.body.addWidget(self.field, 1)
        self.body.addWidget(self.fewer)
        self.body.addWidget(self.more)
        self.field.editingFinished.connect(self._typed)
        self.field.cancelled.connect(lambda: self.show_value(self._value))
        self.field.nudge.connect(self._nudge)
        self.fewer.clicked.connect(self._drop)
        self.more.clicked.connect(self._add)

    def show_value(self, value: Any) -> None:
        self._value = tuple(value)
        self.field.setText(", ".join(str(item) for item in self._value))
        self.field.setModified(False)
        self.fewer.setEnabled(len(self._value) > self.spec.min_items)
        most = self.spec.max_items
        self.more.setEnabled(most is None or len(self._value) < most)
        self.clear_error()

    def editing(self) -> bool:
        return self.field.isModified()

    def input_widgets(self) -> list[QWidget]:
        return [self.field, self.fewer, self.more]

    def _set(self, value: tuple[int, ...]) -> None:
        self.show_value(value)
        self.choose(value)

    def _typed(self) -> None:
        if self.field.isModified():
            self.field.setModified(False)
            self.choose_text(self.field.text())

    def _drop(self) -> None:
        self._set(self._value[:-1])

    def _add(self) -> None:
        last = self._value[-1] if self._value else int(self.spec.low or 1)
        self._set((*self._value, last))

    def _nudge(self, step: int) -> None:
        """Arrow keys change the entry the cursor is in."""
        if not self._value:
            return
        place = self.field.cursorPosition()
        at = min(self.field.text()[:place].count(","), len(self._value) - 1)
        entry = int(nudged(self.spec, self._value[at], step))
        self._set((*self._value[:at], entry, *self._value[at + 1 :]))
        self.field.setCursorPosition(place)

    def retranslate(self) -> None:
        super().retranslate()
        self.field.setPlaceholderText(tr("lesson_controls.none"))
        self.fewer.name_it(tr("lesson_controls.fewer"))
        self.more.name_it(tr("lesson_controls.one_more"))


class PointControl(Control):
    """``point``: two typed numbers; a click on a panel usually sets them."""

    width_wanted = 170

    def __init__(self, spec: ParameterSpec, term: str = "") -> None:
        super().__init__(spec, term)
        self._value: tuple[float, float] = tuple(spec.default)
        self.fields = (NumberField(), NumberField())
        for name, field in zip("xy", self.fields, strict=True):
            field.setMinimumWidth(52)
            field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            self.body.addWidget(label("muted", name))
            self.body.addWidget(field, 1)
            field.editingFinished.connect(self._typed)
            field.cancelled.connect(lambda: self.show_value(self._value))
        self.fields[0].nudge.connect(lambda step: self._nudge(0, step))
        self.fields[1].nudge.connect(lambda step: self._nudge(1, step))

    def show_value(self, value: Any) -> None:
        self._value = (float(value[0]), float(value[1]))
        for field, number in zip(self.fields, self._value, strict=True):
            field.setText(shown(number))
            field.setModified(False)
        self.clear_error()

    def editing(self) -> bool:
        return any(field.isModified() for field in self.fields)

    def input_widgets(self) -> list[QWidget]:
        return list(self.fields)

    def _typed(self) -> None:
        if not self.editing():
            return
        for field in self.fields:
            field.setModified(False)
        self.choose_text(" ".join(field.text() for field in self.fields))

    def _nudge(self, axis: int, step: int) -> None:
        moved = list(self._value)
        moved[axis] = nudged(self.spec, moved[axis], step)
        self.show_value(moved)
        self.choose(moved)

    def retranslate(self) -> None:
        super().retranslate()
        for axis, field in zip("xy", self.fields, strict=True):
            field.setAccessibleName(f"{pick(self.spec.label)} {axis}")
