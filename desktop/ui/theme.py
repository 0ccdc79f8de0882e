"""Colours, type and colour scales: the one visual language (calm paper, vivid data).

``palette()`` gives the role colours of the theme in force; ``theme().changed`` tells widgets to
repaint. Data colours: ``DIVERGING`` orange–neutral–blue centred on zero with the neutral equal to
the surface, ``SEQUENTIAL`` viridis, ``CATEGORIES`` Okabe–Ito. ``tests/ui/test_theme.py`` checks the
contrasts. Imports Qt and numpy, no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor

ICON_GROWTH = 0.6
ThemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """Role colours; every widget draws with these and nothing else."""

    paper: str
    surface: str
    raised: str
    ink: str
    muted: str
    hairline: str
    accent: str
    accent_ink: str
    good: str
    warning: str
    bad: str
    hover: str
    selection: str
    mark: str
    """Lines and marks on panels that must reach 3:1 without shouting: axes, unlabelled curves."""

    def color(self, role: str) -> QColor:
        """The role as a ``QColor``."""
        return QColor(getattr(self, role))


LIGHT = Palette(
    paper="#F7F7F4",
    surface="#FFFFFF",
    raised="#FFFFFF",
    ink="#1B1F24",
    muted="#5B6470",
    hairline="#E3E5E8",
    accent="#2A63D4",
    accent_ink="#FFFFFF",
    good="#1A7F4E",
    warning="#9A6700",
    bad="#B3261E",
    hover="#EFF1F4",
    selection="#DFE8FB",
    mark="#7A828C",
)
DARK = Palette(
    paper="#14171B",
    surface="#1A1E24",
    raised="#20252C",
    ink="#E8EAED",
    muted="#9AA4AF",
    hairline="#2C323A",
    accent="#7AA7FF",
    accent_ink="#10141A",
    good="#4CC38A",
    warning="#E2B340",
    bad="#FF8A80",
    hover="#262C34",
    selection="#2A3A57",
    mark="#7F8995",
)

# Okabe & Ito (2008), colour-blind safe; the yellow is left out on white, and black becomes ink.
CATEGORIES: dict[ThemeName, tuple[str, ...]] = {
    "light": (
        "#0072B2",
        "#D55E00",
        "#009E73",
        "#B35A8C",
        "#A87400",
        "#2F8DC4",
        "#555B63",
        "#8A6D00",
    ),
    "dark": (
        "#56B4E9",
        "#E69F00",
        "#3FC79A",
        "#E08BC0",
        "#F0E442",
        "#5C9DFF",
        "#B6BDC6",
        "#D55E00",
    ),
}
ORANGE, BLUE = "#D9772B", "#2676B8"


class Theme(QObject):
    """The theme in force, text size and motion; one object for the whole application."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name: ThemeName = "light"
        self.text_scale = 1.0
        self.reduced_motion = False

    def set(
        self,
        *,
        name: ThemeName | None = None,
        text_scale: float | None = None,
        reduced_motion: bool | None = None,
    ) -> None:
        """Change any of them; listeners hear ``changed`` once."""
        before = (self.name, self.text_scale, self.reduced_motion)
        if name is not None:
            self.name = name
        if text_scale is not None:
            self.text_scale = min(2.0, max(0.8, text_scale))
        if reduced_motion is not None:
            self.reduced_motion = reduced_motion
        if before != (self.name, self.text_scale, self.reduced_motion):
            self.changed.emit()

    @property
    def palette(self) -> Palette:
        """Role colours now."""
        return DARK if self.name == "dark" else LIGHT

    def category(self, index: int) -> QColor:
        """Colour of category ``index``, repeating after the last."""
        colors = CATEGORIES[self.name]
        return QColor(colors[index % len(colors)])

    def pixels(self, at_default: float) -> int:
        """A size in pixels scaled with the learner's text size."""
        return round(at_default * self.text_scale)

    def icon_pixels(self, at_default: float) -> int:
        """The size of an icon or a small control: it grows with large text, but less than the words
        beside it, and stays as it is with small text."""
        return round(at_default * (1 + ICON_GROWTH * max(0.0, self.text_scale - 1)))


@cache
def theme() -> Theme:
    """The application's theme (made on first use, in the interface thread)."""
    return Theme()


def palette() -> Palette:
    """Role colours now."""
    return theme().palette


def _ramp(stops: list[str], count: int = 256) -> NDArray[np.uint8]:
    colors = np.array([[c.red(), c.green(), c.blue()] for c in map(QColor, stops)], dtype=float)
    at = np.linspace(0, len(stops) - 1, count)
    low = np.clip(at.astype(int), 0, len(stops) - 2)
    part = (at - low)[:, None]
    return np.rint(colors[low] * (1 - part) + colors[low + 1] * part).astype(np.uint8)


@cache
def diverging_lut(name: ThemeName) -> NDArray[np.uint8]:
    """(256, 3) colours: orange (negative) – surface (zero) – blue (positive)."""
    neutral = (DARK if name == "dark" else LIGHT).surface
    orange = "#F0964F" if name == "dark" else ORANGE
    blue = "#4A9BDB" if name == "dark" else BLUE
    return _ramp([orange, neutral, blue])


# Ten equally spaced samples of matplotlib's viridis (van der Walt & Smith 2015, CC0).
_VIRIDIS = (
    "#440154", "#482878", "#3E4A89", "#31688E", "#26828E",
    "#1F9E89", "#35B779", "#6DCD59", "#B4DE2C", "#FDE725",
)  # fmt: skip


@cache
def sequential_lut() -> NDArray[np.uint8]:
    """(256, 3) viridis: dark is little, bright is much."""
    return _ramp(list(_VIRIDIS))


def colorize(
    values: NDArray[np.floating], *, diverging: bool, limits: tuple[float, float] | None = None
) -> NDArray[np.uint8]:
    """Map an array of any shape (…) to colours (…, 3) uint8; NaN becomes the hairline colour.

    Diverging data is centred on zero: its limits become ±max(|limits|).
    """
    finite = np.isfinite(values)
    if limits is None:
        shown = values[finite]
        limits = (float(shown.min()), float(shown.max())) if shown.size else (0.0, 1.0)
    low, high = limits
    if diverging:
        bound = max(abs(low), abs(high)) or 1.0
        low, high = -bound, bound
    span = (high - low) or 1.0
    index = np.clip((np.where(finite, values, low) - low) * (255.0 / span), 0, 255).astype(np.uint8)
    lut = diverging_lut(theme().name) if diverging else sequential_lut()
    colors = lut[index]
    if not finite.all():
        missing = palette().color("hairline")
        colors[~finite] = (missing.red(), missing.green(), missing.blue())
    return colors
