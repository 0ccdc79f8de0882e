"""The strip of controls under the panels, generated from the lesson's parameter specs.

In front stand the controls the step speaks of; the rest are one fold away. Changes are gathered for
a moment, so that a dragged slider asks for at most one new run per ``CHANGE_INTERVAL_MS``. Imports
Qt, the controls and the strings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QWidget

from desktop.bilingual import GlassboxError
from desktop.engine.parameters import ParameterSet, ParameterSpec
from desktop.ui.icons import icon
from desktop.ui.lesson.control import Control
from desktop.ui.lesson.control_data import RowsControl, TextControl
from desktop.ui.lesson.control_kinds import (
    ChoiceControl,
    FlagControl,
    IntegersControl,
    PointControl,
    SubsetControl,
)
from desktop.ui.lesson.control_number import NumberControl
from desktop.ui.lesson.flow import FlowRows
from desktop.ui.lesson.look import button
from desktop.ui.strings import tr

CHANGE_INTERVAL_MS = 50
TermFinder = Callable[[ParameterSpec], str]
"""Gives the glossary id that explains a parameter, or an empty string."""

KINDS: dict[str, type[Control]] = {
    "number": NumberControl,
    "integer": NumberControl,
    "flag": FlagControl,
    "choice": ChoiceControl,
    "subset": SubsetControl,
    "integers": IntegersControl,
    "text": TextControl,
    "point": PointControl,
    "rows": RowsControl,
}


def make_control(spec: ParameterSpec, term: str = "") -> Control:
    """The control for one parameter."""
    return KINDS[spec.kind](spec, term)


class ControlsStrip(QFrame):
    """All controls of a lesson; ``changes_made`` carries what the learner changed, by name."""

    changes_made = Signal(dict)
    term_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "strip")
        self.controls: dict[str, Control] = {}
        self._front: tuple[str, ...] = ()
        self._folded: tuple[str, ...] = ()
        self._open = False
        self._highest = 400
        self._pending: dict[str, Any] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(CHANGE_INTERVAL_MS)
        self._timer.timeout.connect(self.flush)
        self._rows = FlowRows(spacing=18, line_spacing=8, unit=162)
        self._rows.setObjectName("ControlsPage")
        self._scroll = QScrollArea()
        self._scroll.setObjectName("ControlsScroll")
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(self._rows)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.more = button("link", self.toggle_more)
        self.more.setParent(self)
        self.more.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 12, 8)
        row.addWidget(self._scroll, 1)
        self._rows.height_changed.connect(lambda _height: self._fit())

    # ---- contents

    def build(
        self, specs: Mapping[str, ParameterSpec], find_term: TermFinder, drawable: str = ""
    ) -> None:
        """Make the controls of a lesson; ``drawable`` names the data that a panel lets draw."""
        self.flush()
        self._rows.set_children([])
        for control in self.controls.values():
            control.deleteLater()
        self.controls = {}
        for name, spec in specs.items():
            control = make_control(spec, find_term(spec))
            if isinstance(control, RowsControl):
                control.drawable = name == drawable
            control.changed.connect(self._changed)
            control.term_requested.connect(self.term_requested)
            control.hide()
            control.setParent(self._rows)
            control.restyle()
            control.retranslate()
            self.controls[name] = control
        self._open = False

    def arrange(self, front: tuple[str, ...], folded: tuple[str, ...]) -> None:
        """Which controls stand in front and which behind “more”."""
        self._front = tuple(name for name in front if name in self.controls)
        self._folded = tuple(
            name for name in folded if name in self.controls and name not in self._front
        )
        self._refill()

    def in_order(self) -> list[QWidget]:
        """The controls in front, what opens the fold, and the controls behind it."""
        front = [self.controls[name] for name in self._front]
        return [*front, self.more, *(self.controls[name] for name in self._folded)]

    def toggle_more(self) -> None:
        """Open or close the fold."""
        self._open = not self._open
        self._refill()

    @property
    def more_open(self) -> bool:
        """Whether the fold is open."""
        return self._open

    def _refill(self) -> None:
        names = self._front + (self._folded if self._open else ())
        self._rows.set_children([self.controls[name] for name in names])
        self.more.setVisible(bool(self._folded))
        self.setVisible(bool(self._front or self._folded))
        self._paint_fold()
        self._fit()

    def _paint_fold(self) -> None:
        self.more.setText(tr("lesson_controls.less" if self._open else "lesson_controls.more"))
        self.more.setIcon(icon("chevron-up" if self._open else "chevron-down", "muted"))

    def limit_height(self, pixels: int) -> None:
        """Beyond this height the strip scrolls, so that the panels keep their room."""
        self._highest = pixels
        self._fit()

    def _fit(self) -> None:
        wanted = max(0 if self._rows.empty else self._rows.height(), 18)
        self.setFixedHeight(min(wanted, max(60, self._highest)) + 18)
        self._place_fold()

    def _place_fold(self) -> None:
        """The fold button sits in the upper right corner, where labels leave room."""
        self.more.adjustSize()
        inset = 12 if self._scroll.verticalScrollBar().maximum() == 0 else 22
        self.more.move(self.width() - self.more.width() - inset, 5)
        self.more.raise_()
        corner = self._rows.child_at_corner()
        for control in self.controls.values():
            room = self.more.width() + 4 if control is corner and self._folded else 0
            control.leave_corner(room)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_fold()

    # ---- values

    def show_parameters(self, parameters: ParameterSet) -> None:
        """Display the values in force, except where the learner is typing or dragging."""
        for name, control in self.controls.items():
            value = getattr(parameters, name)
            if not (name in self._pending or control.editing() or control.refused(value)):
                control.show_value(value)

    def refuse(self, name: str, error: GlassboxError, parameters: ParameterSet) -> bool:
        """Say below a control why its text cannot be used; ``False`` if there is none in sight."""
        control = self.controls.get(name)
        if not isinstance(control, TextControl) or not control.isVisible():
            return False
        control.refuse(error, getattr(parameters, name))
        return True

    def _changed(self, name: str, value: object) -> None:
        self._pending[name] = value
        if not self._timer.isActive():
            self._timer.start()

    def flush(self) -> None:
        """Say what has been gathered, now."""
        self._timer.stop()
        if self._pending:
            changes, self._pending = self._pending, {}
            self.changes_made.emit(changes)

    def retranslate(self) -> None:
        """All texts again in the language in force."""
        for control in self.controls.values():
            control.retranslate()
        self._paint_fold()
        self._rows.arrange()
        self._place_fold()

    def input_widgets(self) -> list[QWidget]:
        """Every input of the controls shown, in reading order."""
        names = self._front + (self._folded if self._open else ())
        return [widget for name in names for widget in self.controls[name].input_widgets()]
