"""How a figure is drawn: colours, colour scales and type of one theme, at one text size.

Panels never ask the theme for a colour while painting; they draw with the ``Look`` they are handed.
So the same code paints the screen, a saved figure on a light page and a test image. Imports Qt,
numpy and the theme; no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage

from desktop.ui.theme import (
    CATEGORIES,
    DARK,
    LIGHT,
    Palette,
    ThemeName,
    diverging_lut,
    sequential_lut,
    theme,
)

SMALL, BODY, TITLE = 11.0, 12.0, 13.0


class Metrics(QFontMetricsF):
    """Measures of one font that remember: shaping a text costs ten times a look into a dictionary."""

    MOST = 2000
    """Texts remembered; then all are forgotten, as running numbers are never seen again."""

    def __init__(self, font: QFont) -> None:
        super().__init__(font)
        self._widths: dict[str, float] = {}
        self._elided: dict[tuple[str, int], str] = {}
        self._vertical = (super().height(), super().ascent(), super().descent())

    def height(self) -> float:
        return self._vertical[0]

    def ascent(self) -> float:
        return self._vertical[1]

    def descent(self) -> float:
        return self._vertical[2]

    def horizontalAdvance(self, text: str) -> float:  # type: ignore[override]
        found = self._widths.get(text)
        if found is None:
            if len(self._widths) > self.MOST:
                self._widths.clear()
            found = self._widths[text] = super().horizontalAdvance(text)
        return found

    def elidedText(self, text: str, mode: Qt.TextElideMode, width: float) -> str:  # type: ignore[override]
        if self.horizontalAdvance(text) <= width:
            return text
        key = (text, int(width))
        found = self._elided.get(key)
        if found is None:
            if len(self._elided) > self.MOST:
                self._elided.clear()
            found = self._elided[key] = super().elidedText(text, mode, int(width))
        return found


@dataclass(frozen=True)
class Look:
    """Everything a figure needs to know about colour and type."""

    name: ThemeName
    scale: float = 1.0

    @property
    def palette(self) -> Palette:
        """Role colours."""
        return DARK if self.name == "dark" else LIGHT

    def color(self, role: str, alpha: float = 1.0) -> QColor:
        """A role colour, optionally translucent."""
        return QColor(_role_color(self.name, role, alpha))

    def category(self, index: int, alpha: float = 1.0) -> QColor:
        """A colour from the category palette."""
        return QColor(_category_color(self.name, index, alpha))

    def pixels(self, at_default: float) -> float:
        """A length scaled with the learner's text size."""
        return at_default * self.scale

    def font(self, size: float = BODY, weight: int = 400) -> QFont:
        """The interface's family at ``size`` pixels, digits all of one width."""
        return _font(max(6, round(size * self.scale)), weight, "")

    def mono(self, size: float = BODY) -> QFont:
        """A monospaced face, for tokens and sources."""
        return _font(max(6, round(size * self.scale)), 400, "JetBrains Mono")

    def metrics(self, size: float = BODY, weight: int = 400) -> Metrics:
        """Measures of ``font``; texts measured before are not measured again."""
        return _metrics(max(6, round(size * self.scale)), weight)

    def lut(self, diverging: bool) -> NDArray[np.uint32]:
        """(256,) colours of a scale as 0xFFRRGGBB."""
        return _packed(self.name, diverging)

    def colors(self, *, diverging: bool) -> tuple[QColor, ...]:
        """The 256 colours of a scale; not to be changed."""
        return _lut_colors(self.name, diverging)

    def sample(self, diverging: bool, part: float) -> QColor:
        """The scale's colour at ``part`` of its length (0…1)."""
        if not math.isfinite(part):
            return self.color("hairline")
        return QColor(self.colors(diverging=diverging)[int(min(1.0, max(0.0, part)) * 255)])

    def pack(
        self, values: NDArray[np.floating], *, diverging: bool, limits: tuple[float, float]
    ) -> NDArray[np.uint32]:
        """Values of any shape as 0xFFRRGGBB; NaN becomes the hairline colour."""
        low, high = limits
        # Multiply first, clip after: a value beyond the limits keeps the end's colour.
        scaled = np.subtract(values, low)
        scaled *= 255.0 / ((high - low) or 1.0)
        # One number tells whether all are finite (a sum that overflows only takes the slow way).
        if math.isfinite(float(scaled.sum())):
            np.minimum(scaled, 255.0, out=scaled)
            np.maximum(scaled, 0.0, out=scaled)
            return self.lut(diverging)[scaled.astype(np.uint8)]
        index = np.clip(np.nan_to_num(scaled, nan=0.0, posinf=255, neginf=0), 0, 255)
        colors = self.lut(diverging)[index.astype(np.uint8)]
        colors[np.isnan(scaled)] = 0xFF000000 | (self.color("hairline").rgb() & 0xFFFFFF)
        return colors

    def image(
        self, values: NDArray[np.floating], *, diverging: bool, limits: tuple[float, float]
    ) -> QImage:
        """A (rows, columns) array as an image, row 0 at the top."""
        return image_of(self.pack(values, diverging=diverging, limits=limits))


def look() -> Look:
    """The look of the theme in force."""
    return Look(theme().name, theme().text_scale)


def paper_look() -> Look:
    """Light, for a figure that goes into a document."""
    return Look("light", 1.0)


def lasting_image(packed: NDArray[np.uint32], *, alpha: bool = False) -> QImage:
    """An image over ``packed`` itself, without a copy; the caller keeps the array as it is."""
    rows, columns = packed.shape
    kind = QImage.Format.Format_ARGB32_Premultiplied if alpha else QImage.Format.Format_RGB32
    image = QImage(packed.data, columns, rows, columns * 4, kind)
    image.pixels = packed  # type: ignore[attr-defined]  # Qt does not own the memory: keep it alive
    return image


def image_of(packed: NDArray[np.uint32]) -> QImage:
    """An image that owns a copy of the packed colours (rows, columns)."""
    packed = np.ascontiguousarray(packed)
    rows, columns = packed.shape
    return QImage(packed.data, columns, rows, columns * 4, QImage.Format.Format_RGB32).copy()


def limits_of(
    values: NDArray[np.floating],
    *,
    diverging: bool,
    limits: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """The ends of a colour scale: given, or those of the data; a diverging one is symmetric."""
    if limits is None:
        finite = values[np.isfinite(values)] if values.size else values
        limits = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low, high = limits
    if diverging:
        bound = max(abs(low), abs(high)) or 1.0
        return -bound, bound
    return (low, high) if high > low else (low, low + 1.0)


@lru_cache(maxsize=128)
def _font(pixels: int, weight: int, family: str) -> QFont:
    font = QFont()
    if family:
        font.setFamilies([family, *QFont().families()])
        font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight(weight))
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


@lru_cache(maxsize=64)
def _metrics(pixels: int, weight: int) -> Metrics:
    return Metrics(_font(pixels, weight, ""))


@lru_cache(maxsize=512)
def _role_color(name: ThemeName, role: str, alpha: float) -> QColor:
    color = QColor(getattr(DARK if name == "dark" else LIGHT, role))
    color.setAlphaF(alpha)
    return color


@lru_cache(maxsize=512)
def _category_color(name: ThemeName, index: int, alpha: float) -> QColor:
    colors = CATEGORIES[name]
    color = QColor(colors[index % len(colors)])
    color.setAlphaF(alpha)
    return color


def forget_fonts() -> None:
    """Drop cached fonts after the application's family changed."""
    _font.cache_clear()
    _metrics.cache_clear()


@lru_cache(maxsize=4)
def _packed(name: ThemeName, diverging: bool) -> NDArray[np.uint32]:
    lut = (diverging_lut(name) if diverging else sequential_lut()).astype(np.uint32)
    packed = 0xFF000000 | lut[:, 0] << 16 | lut[:, 1] << 8 | lut[:, 2]
    return packed.astype(np.uint32)


@lru_cache(maxsize=4)
def _lut_colors(name: ThemeName, diverging: bool) -> tuple[QColor, ...]:
    return tuple(QColor.fromRgb(packed) for packed in _packed(name, diverging).tolist())
