"""Values over the plane as pictures: smooth images, filled contours with lines, read-off.

Contours are drawn per pixel rather than as thousands of line pieces: the field is interpolated to
the screen's resolution, and a line is where the level number changes. Imports numpy, Qt; no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from desktop.engine.frames import Field
from desktop.ui.panels.axes import View
from desktop.ui.panels.look import Look, image_of, limits_of

Floats = NDArray[np.floating[Any]]
BANDS = 14
FILL = 0.62
"""How much of the scale's colour the bands carry; the lines between them carry all of it."""


def value_at(field: Field, x: float, y: float) -> float:
    """The field at a place, interpolated between its grid points; NaN outside."""
    xs, ys = field.xs, field.ys
    if not (xs[0] <= x <= xs[-1] and ys[0] <= y <= ys[-1]):
        return math.nan
    i, part_x = _place(xs, x)
    j, part_y = _place(ys, y)
    v = field.values
    below = v[j, i] * (1 - part_x) + v[j, i + 1] * part_x
    above = v[j + 1, i] * (1 - part_x) + v[j + 1, i + 1] * part_x
    return float(below * (1 - part_y) + above * part_y)


def _place(grid: Floats, value: float) -> tuple[int, float]:
    i = int(np.clip(np.searchsorted(grid, value) - 1, 0, len(grid) - 2))
    return i, float((value - grid[i]) / ((grid[i + 1] - grid[i]) or 1.0))


def resampled(field: Field, at_x: Floats, at_y: Floats) -> Floats:
    """The field on another grid (bilinear), NaN outside; rows follow ``at_y``."""
    along_x = np.interp(at_x, field.xs, np.arange(len(field.xs)), left=np.nan, right=np.nan)
    along_y = np.interp(at_y, field.ys, np.arange(len(field.ys)), left=np.nan, right=np.nan)
    values = np.asarray(field.values, float)
    with np.errstate(invalid="ignore"):  # infinity beside infinity is simply not a number
        return _along(_along(values, along_y, 0), along_x, 1)


def _along(values: Floats, at: Floats, axis: int) -> Floats:
    low = np.clip(np.nan_to_num(at), 0, values.shape[axis] - 2 or 0).astype(int)
    part = at - low
    shape = (-1, 1) if axis == 0 else (1, -1)
    first, second = np.take(values, low, axis), np.take(values, low + 1, axis)
    mixed: Floats = first + (second - first) * part.reshape(shape)
    return mixed


def field_image(field: Field, limits: tuple[float, float], drawn_with: Look) -> QImage:
    """The field as a small image, one pixel a grid point, row 0 at the top of the image."""
    return drawn_with.image(field.values[::-1], diverging=field.diverging, limits=limits)


def field_rect(field: Field, view: View) -> QRectF:
    """Where ``field_image`` goes: each grid point is the middle of its cell."""
    half_x = (field.xs[-1] - field.xs[0]) / max(1, len(field.xs) - 1) / 2
    half_y = (field.ys[-1] - field.ys[0]) / max(1, len(field.ys) - 1) / 2
    return QRectF(
        view.point(field.xs[0] - half_x, field.ys[-1] + half_y),
        view.point(field.xs[-1] + half_x, field.ys[0] - half_y),
    )


def field_limits(field: Field) -> tuple[float, float]:
    """The ends of the field's colour scale."""
    return limits_of(field.values, diverging=field.diverging, limits=field.limits)


@dataclass(frozen=True)
class Levels:
    """Contour levels, lowest first; geometric above the lowest value when most of it lies low."""

    values: tuple[float, ...]

    def number(self, values: Floats) -> Floats:
        """Each value as a level number with fraction: 0 at the lowest level, n−1 at the highest."""
        known = np.array(self.values)
        at = np.interp(values, known, np.arange(len(known), dtype=float))
        at[~np.isfinite(values)] = np.nan
        return at


def levels_of(field: Field, count: int = BANDS) -> Levels:
    """Levels that show the shape: even ones, or geometric ones for a narrow valley."""
    low, high = field_limits(field)
    values = field.values[np.isfinite(field.values)]
    if field.diverging or not values.size:
        return Levels(_even(low, high, count))
    above = np.sort(values - low)
    middle, span = float(above[len(above) // 2]), high - low
    if middle > 0.12 * span:
        return Levels(_even(low, high, count))
    first = max(float(above[len(above) // 50]), span * 1e-5)
    return Levels(_growing(low, first, span))


def _even(low: float, high: float, count: int) -> tuple[float, ...]:
    """Round numbers one step apart, the data's own ends outermost."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    inner = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    inner = [v for v in inner if low + 0.2 * step < v < high - 0.2 * step]
    return (low, *inner, high)


def _growing(low: float, first: float, span: float) -> tuple[float, ...]:
    """1, 2, 5, 10, … (or 1, 3, 10, …) above the lowest value, whose own digits are dropped when
    it lies so close to zero that nobody could tell."""
    decades = math.log10(span / first)
    steps = (1.0, 2.0, 5.0) if decades < 4.5 else (1.0, 3.0)
    powers = range(math.floor(math.log10(first)), math.ceil(math.log10(span)) + 1)
    base = 0.0 if 0 <= low < first / 10 else low
    inner = [base + m * 10.0**k for k in powers for m in steps]
    inner = [v for v in inner if low + first * 0.5 < v < low + span * 0.97]
    return (low, *inner, low + span)


def contour_image(
    field: Field, levels: Levels, view: View, drawn_with: Look, ratio: float
) -> QImage:
    """Filled bands with a line between neighbours, as large as the view's plot."""
    wide, high = max(2, round(view.plot.width() * ratio)), max(2, round(view.plot.height() * ratio))
    xs = np.linspace(view.x.low, view.x.high, wide)
    ys = np.linspace(view.y.high, view.y.low, high)
    at = levels.number(resampled(field, xs, ys))
    outside = ~np.isfinite(at)
    at = np.nan_to_num(at)
    count = len(levels.values) - 1
    full = _rgb(drawn_with.lut(field.diverging))
    surface = drawn_with.color("surface")
    page = np.array([surface.red(), surface.green(), surface.blue()], float)
    band = np.clip((np.minimum(np.floor(at), count - 1) + 0.5) / count * 255, 0, 255).astype(int)
    colors = page + (full[band] - page) * FILL
    # Coverage of a hairline: the distance to the nearest level in pixels, one pixel wide.
    slope = np.hypot(*np.gradient(at)) + 1e-9
    nearest = np.rint(at)
    inner = (nearest > 0) & (nearest < count)
    cover = np.clip(0.5 * ratio + 0.35 - np.abs(at - nearest) / slope, 0, 1) * inner
    line = full[np.clip(nearest / count * 255, 0, 255).astype(int)]
    colors += (line - colors) * (0.8 * cover)[..., None]
    colors[outside] = page
    packed = colors.astype(np.uint32)
    return image_of(0xFF000000 | packed[..., 0] << 16 | packed[..., 1] << 8 | packed[..., 2])


def _rgb(lut: NDArray[np.uint32]) -> Floats:
    return np.stack([lut >> 16 & 255, lut >> 8 & 255, lut & 255], axis=-1).astype(float)
