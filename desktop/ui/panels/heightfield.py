"""A height field seen from above at an angle, computed without a graphics driver.

Orthographic view: every column of the picture is one straight line over the ground, walked from the
viewer outwards. What rises above everything in front of it is visible (the floating-horizon method),
so the whole picture is a few array operations instead of thousands of polygons. Imports numpy only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
TEXTURE = 320
SAMPLES = 210


@dataclass(frozen=True)
class Camera:
    """Turned by ``azimuth`` and raised by ``elevation`` (radians), ``zoom`` times as large."""

    azimuth: float = -0.9
    elevation: float = 0.62
    zoom: float = 1.0

    def turned(self, across: float, up: float) -> Camera:
        """After a drag; it never looks from below or straight down."""
        elevation = min(1.45, max(0.12, self.elevation + up))
        return Camera((self.azimuth + across) % (2 * math.pi), elevation, self.zoom)

    def zoomed(self, factor: float) -> Camera:
        """Closer or farther."""
        return Camera(self.azimuth, self.elevation, min(6.0, max(0.5, self.zoom * factor)))


@dataclass(frozen=True)
class Projection:
    """Ground and height in −1…1 onto pixels of a picture."""

    camera: Camera
    width: float
    height: float
    lift: float = 0.55

    @property
    def unit(self) -> float:
        """Pixels per unit of ground."""
        up = 2 * (math.sqrt(2) * math.sin(self.camera.elevation) + self._lift_on_screen()) / 2
        fit = min(self.width / 3.0, self.height / max(0.8, 2.4 * up))
        return fit * self.camera.zoom

    def _lift_on_screen(self) -> float:
        return self.lift * math.cos(self.camera.elevation)

    def to_pixels(self, x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """Across, down and depth (growing away from the viewer)."""
        a = self.camera.azimuth
        across = x * math.cos(a) + y * math.sin(a)
        depth = -x * math.sin(a) + y * math.cos(a)
        up = z * self._lift_on_screen() + depth * math.sin(self.camera.elevation)
        return (
            self.width / 2 + self.unit * across,
            self.height * 0.48 - self.unit * up,
            depth,
        )


@dataclass(frozen=True, eq=False)
class Relief:
    """Heights (−1…1) and colours of a field, ready to be looked up: both (n, n), row 0 at low y."""

    heights: NDArray[np.float32]
    colors: NDArray[np.uint32]


def relief(
    heights: Floats, colors: NDArray[np.floating[Any]], *, mesh: int, line: float = 0.16
) -> Relief:
    """A relief from a grid of heights and colours (n, n, 3), shaded, with fine mesh lines."""
    slope_y, slope_x = np.gradient(heights, 2 / heights.shape[0], 2 / heights.shape[1])
    # Light from the upper left, soft: it shows the shape without hiding the colour scale.
    normal = 1 / np.sqrt(1 + (0.55 * slope_x) ** 2 + (0.55 * slope_y) ** 2)
    light = 0.80 + 0.26 * np.clip((0.30 * slope_x - 0.22 * slope_y) * normal + 0.85 * normal, 0, 1)
    count = heights.shape[0]
    at = np.arange(count) * mesh / (count - 1)
    on_line = np.abs(at - np.rint(at)) < mesh / (count - 1) * 0.6
    light = light * (1 - line * (on_line[:, None] | on_line[None, :]))
    shaded = np.clip(colors * np.minimum(light, 1.06)[..., None], 0, 255).astype(np.uint32)
    packed = 0xFF000000 | shaded[..., 0] << 16 | shaded[..., 1] << 8 | shaded[..., 2]
    return Relief(heights.astype(np.float32), packed.astype(np.uint32))


def render(field: Relief, view: Projection) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """The picture (height, width) as premultiplied ARGB, and the depth seen at each pixel (NaN: none)."""
    wide, high = int(view.width), int(view.height)
    a, unit = view.camera.azimuth, view.unit
    across = ((np.arange(wide) + 0.5 - view.width / 2) / unit).astype(np.float32)
    depth = np.linspace(-math.sqrt(2), math.sqrt(2), SAMPLES, dtype=np.float32)
    x = across[None, :] * np.float32(math.cos(a)) - depth[:, None] * np.float32(math.sin(a))
    y = across[None, :] * np.float32(math.sin(a)) + depth[:, None] * np.float32(math.cos(a))
    inside = (np.abs(x) <= 1) & (np.abs(y) <= 1)
    size = field.heights.shape[0]
    scale = np.float32((size - 1) / 2)
    column = np.clip((x + 1) * scale + np.float32(0.5), 0, size - 1).astype(np.int32)
    row = np.clip((y + 1) * scale + np.float32(0.5), 0, size - 1).astype(np.int32)
    cell = row * size + column
    lifted = field.heights.ravel()[cell] * np.float32(view.lift * math.cos(view.camera.elevation))
    up = lifted + depth[:, None] * np.float32(math.sin(view.camera.elevation))
    down = np.float32(view.height * 0.48) - np.float32(unit) * up
    seen = _first_hit(down, inside, high)
    found = seen < SAMPLES
    which = np.minimum(seen, SAMPLES - 1)
    columns = np.arange(wide)[None, :]
    picture = np.where(found, field.colors.ravel()[cell[which, columns]], np.uint32(0))
    depths = np.where(found, depth[which], np.float32(np.nan))
    return picture.astype(np.uint32), depths


def _first_hit(down: NDArray[np.float32], inside: NDArray[np.bool_], high: int) -> NDArray[Any]:
    """For each pixel the number of the first sample (front to back) that covers it, or SAMPLES.

    ``down`` (samples, columns) is the pixel row of each sample. From the front edge upwards, the
    highest sample so far decides; below the front edge one sees the surface from beneath, and the
    lowest so far decides.
    """
    samples, wide = down.shape
    highest = np.minimum.accumulate(np.where(inside, down, np.float32(1e9)), axis=0)
    lowest = np.maximum.accumulate(np.where(inside, down, np.float32(-1e9)), axis=0)
    # Row r has its middle at r + ½: it is reached from above once the highest row is ≤ r + ½ …
    above = _still_beyond(np.ceil(highest - 0.5), high)
    # … and from beneath once the lowest row is ≥ r + ½.
    beneath = samples - _still_beyond(np.floor(lowest - 0.5) + 1, high)
    any_inside: NDArray[np.bool_] = np.any(inside, axis=0)
    edge = np.where(any_inside, down[inside.argmax(axis=0), np.arange(wide)], np.float32(-1))
    rows = np.arange(high, dtype=np.float32)[:, None] + 0.5
    return np.where(any_inside[None, :], np.where(rows <= edge[None, :], above, beneath), samples)


def _still_beyond(first_row: NDArray[np.float32], high: int) -> NDArray[np.int64]:
    """(rows, columns): how many samples have ``first_row`` greater than the row."""
    wide = first_row.shape[1]
    flat = np.clip(first_row, 0, high).astype(np.int64) * wide + np.arange(wide)[None, :]
    histogram = np.bincount(flat.ravel(), minlength=(high + 1) * wide).reshape(high + 1, wide)
    return histogram[::-1].cumsum(axis=0)[::-1][1:]
