"""One axis of a plot: data onto pixels and back, and the round numbers that stand beside it.

Imports numpy and the numbers' texts; no Qt, no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from desktop.ui.panels.numbers import short, tick_labels

MOST_TRIED = 12
"""Into so many parts at most is a short axis divided to find two round numbers on it."""


@dataclass(frozen=True)
class Scale:
    """One axis: data from ``low`` to ``high`` onto pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float = 0.0
    end: float = 1.0
    log: bool = False
    whole: bool = False
    """Whether only whole numbers mean something here: steps, layers, positions."""

    def to_pixels(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Data to pixels; what a log axis cannot show becomes NaN."""
        low, high = self._ends()
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values > 0, np.log10(values), np.nan)
        return self.start + (values - low) * ((self.end - self.start) / (high - low))

    def pixel(self, value: float) -> float:
        """One value to a pixel."""
        low, high = self._ends()
        if self.log:
            if value <= 0:
                return math.nan
            value = math.log10(value)
        return self.start + (value - low) * ((self.end - self.start) / (high - low))

    def value(self, pixel: float) -> float:
        """A pixel back to data."""
        low, high = self._ends()
        at = low + (pixel - self.start) / ((self.end - self.start) or 1.0) * (high - low)
        return float(10.0 ** min(300.0, max(-300.0, at))) if self.log else at

    def zoomed(self, factor: float, around: float) -> Scale:
        """Closer (factor < 1) or farther, the data value ``around`` staying where it is."""
        low, high = self._ends()
        center = math.log10(around) if self.log and around > 0 else around
        return self._with_ends(center + (low - center) * factor, center + (high - center) * factor)

    def moved(self, pixels: float) -> Scale:
        """Panned by a distance on screen."""
        low, high = self._ends()
        shift = -pixels * (high - low) / ((self.end - self.start) or 1.0)
        return self._with_ends(low + shift, high + shift)

    def ticks(self, metrics_width: float) -> tuple[list[float], list[str]]:
        """Where to put labels ``metrics_width`` apart at least, and what they say."""
        room = abs(self.end - self.start)
        count = max(2, int(room / max(1.0, metrics_width)))
        found = self._ticks(count)
        while (
            len(found[0]) < 2 and count < MOST_TRIED
        ):  # one number alone says nothing of the scale
            count += 1
            found = self._ticks(count)
        return found

    def _ticks(self, count: int) -> tuple[list[float], list[str]]:
        if self.log:
            return _log_ticks(self.low, self.high, count)
        return _linear_ticks(self.low, self.high, count, whole=self.whole)

    def _ends(self) -> tuple[float, float]:
        if not self.log:
            return (self.low, self.high) if self.high != self.low else (self.low, self.low + 1)
        low, high = math.log10(max(self.low, 1e-300)), math.log10(max(self.high, 1e-300))
        return (low, high) if high != low else (low, low + 1)

    def _with_ends(self, low: float, high: float) -> Scale:
        if self.log:
            low, high = 10.0 ** max(-300.0, low), 10.0 ** min(300.0, high)
        if not (math.isfinite(low) and math.isfinite(high)) or high - low < 1e-12 * abs(high):
            return self
        return replace(self, low=low, high=high)


def _linear_ticks(
    low: float, high: float, count: int, *, whole: bool = False
) -> tuple[list[float], list[str]]:
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low], [short(low)]
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    if whole:
        step = max(1.0, math.ceil(step))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    values = [k * step for k in range(first, min(last, first + 50) + 1)]
    return values, tick_labels(values, step)


def _log_ticks(low: float, high: float, count: int) -> tuple[list[float], list[str]]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = [10.0**k for k in range(first, last + 1)]
    inside = [value for value in decades if low * 0.999 <= value <= high * 1.001]
    if len(inside) < 2:
        fine = [m * decade for decade in decades for m in (1, 2, 3, 5)]
        inside = [value for value in fine if low * 0.999 <= value <= high * 1.001]
    if len(inside) < 2:
        return _linear_ticks(low, high, count)
    every = max(1, math.ceil(len(inside) / count))
    values = inside[::every]
    return values, [short(value) for value in values]
