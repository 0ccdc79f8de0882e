"""What prediction and goal cards share: heading with icon, body, state.

Imports Qt, icons and theme.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEasingCurve, QPropertyAnimation, Signal
from PySide6.QtWidgets import QFrame, QGraphicsOpacityEffect, QHBoxLayout, QLabel, QVBoxLayout

from desktop.engine.history import History
from desktop.ui.icons import pixmap
from desktop.ui.lesson.look import label
from desktop.ui.theme import palette, theme


def series_of(history: History) -> dict[str, tuple[Any, Any]]:
    """A run's scalars as the course's checks read them."""
    return {name: history.series(name) for name in history.names}


class IconLabel(QLabel):
    """A small icon beside a heading; keeps its colour role when the theme changes."""

    def __init__(self, name: str, role: str) -> None:
        super().__init__()
        self._name, self._role = name, role
        theme().changed.connect(self.redraw)
        self.redraw()

    def set_icon(self, name: str, role: str) -> None:
        """Show another icon."""
        self._name, self._role = name, role
        self.redraw()

    def redraw(self) -> None:
        """Paint the icon in the theme in force."""
        color = getattr(palette(), self._role)
        side = theme().icon_pixels(17)
        self.setFixedSize(side + 1, side + 1)
        self.setPixmap(pixmap(self._name, side, color, self.devicePixelRatioF()))


class CheckCard(QFrame):
    """What both kinds share: heading with icon, body, state."""

    state_changed = Signal()

    def __init__(self, icon_name: str) -> None:
        super().__init__()
        self.setProperty("kind", "check")
        self.setProperty("tone", "")
        self.icon = IconLabel(icon_name, "accent")
        self.heading = label("section")
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.icon)
        head.addWidget(self.heading, 1)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(14, 10, 14, 12)
        self.column.setSpacing(7)
        self.column.addLayout(head)

    @property
    def open_question(self) -> bool:
        """Whether this card now holds the step's main action."""
        return False

    def retranslate(self) -> None:
        """All texts in the language in force."""
        raise NotImplementedError

    def celebrate(self) -> None:
        """A short glow when something was reached; nothing moves with reduced motion."""
        if theme().reduced_motion:
            return
        effect = QGraphicsOpacityEffect(self)
        self.setGraphicsEffect(effect)
        glow = QPropertyAnimation(effect, b"opacity", self)
        glow.setDuration(420)
        glow.setStartValue(0.35)
        glow.setEndValue(1.0)
        glow.setEasingCurve(QEasingCurve.Type.OutCubic)
        glow.finished.connect(lambda: self.setGraphicsEffect(None))  # type: ignore[arg-type]
        glow.start(QPropertyAnimation.DeletionPolicy.DeleteWhenStopped)
