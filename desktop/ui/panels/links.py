"""The connections between two columns of units, drawn as one picture with array operations.

A thousand antialiased curves cost Qt a tenth of a second. Where each curve runs depends only on the
layout, so that is computed once: for every curve the pixels near it and their distance. A new set of
weights then costs one weighted count over those pixels, a millisecond or two. Width and strength
follow |w|, colour follows its sign. Imports numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
THIN, THICK = 0.35, 2.3
"""Half the width in pixels of the weakest and of the strongest connection."""
DENSE = 150
"""More connections than this are hairlines, told apart by strength alone."""


def curve_heights(start: Floats, end: Floats, columns: int) -> Floats:
    """(links, columns): the curve's height over each pixel column between two units.

    A smooth step: level where it leaves a unit and where it arrives.
    """
    part = (np.arange(columns, dtype=np.float32) + 0.5) / columns
    eased = part * part * (3 - 2 * part)
    return start[:, None] + (end - start)[:, None] * eased[None, :]


@dataclass(frozen=True, eq=False)
class LinkMap:
    """Where the curves of one gap run.

    ``link`` and ``distance`` list, pixel after pixel, which curves cover it and how far their middle
    is; ``starts`` is where each covered pixel's list begins and ``covered`` its index in the picture.
    """

    width: int
    height: int
    count: int
    link: NDArray[np.intp]
    distance: NDArray[np.float32]
    starts: NDArray[np.intp]
    covered: NDArray[np.intp]
    heights: Floats
    dense: bool

    @classmethod
    def of(cls, sources: Floats, targets: Floats, width: int, height: int, scale: float) -> LinkMap:
        """For units at heights ``sources`` and ``targets`` (pixels); links ordered target by target."""
        start, end = np.tile(sources, len(targets)), np.repeat(targets, len(sources))
        heights = curve_heights(start.astype(np.float32), end.astype(np.float32), width)
        dense = len(start) > DENSE
        reach = (0.5 if dense else THICK * scale) + 0.5
        link, pixel, distance = _near_pixels(heights, reach, width, height)
        order = np.argsort(pixel, kind="stable")
        pixel = pixel[order]
        starts = np.flatnonzero(np.diff(pixel, prepend=-1))
        return cls(
            width,
            height,
            len(start),
            link[order].astype(np.intp),
            distance[order].astype(np.float32),
            starts,
            pixel[starts].astype(np.intp),
            heights,
            dense,
        )

    @property
    def cost(self) -> int:
        """How much there is to compute for one picture: covered pixels, once for each curve."""
        return len(self.link)

    def paint(
        self,
        weights: Floats,
        largest: float,
        negative: tuple[int, int, int],
        positive: tuple[int, int, int],
        scale: float = 1.0,
    ) -> NDArray[np.uint32]:
        """The picture (height, width), premultiplied ARGB, of these weights (targets, sources)."""
        picture = np.zeros(self.height * self.width, np.uint32)
        if len(self.link):
            w = np.nan_to_num(np.asarray(weights, np.float32)).ravel()
            signed = self._cover(w, np.float32(max(largest, 1e-12)), np.float32(scale))
            # Blue and orange are summed apart: |signed| adds both, signed their difference.
            both = np.add.reduceat(np.abs(signed), self.starts)
            difference = np.add.reduceat(signed, self.starts)
            picture[self.covered] = _mixed(both, difference, negative, positive)
        return picture.reshape(self.height, self.width)

    def _cover(self, w: NDArray[np.float32], largest: np.float32, scale: np.float32) -> Floats:
        """How much each curve covers each pixel near it, negative for negative weights."""
        part = np.minimum(np.abs(w) / largest, np.float32(1))
        if self.dense:
            cover = np.maximum(np.float32(0), np.float32(1) - self.distance)
            strength = np.copysign(np.float32(0.95) * part, w)
        else:
            half = (np.float32(THIN) + np.float32(THICK - THIN) * part) * scale + np.float32(0.5)
            cover = np.take(half, self.link)
            cover -= self.distance
            np.maximum(cover, np.float32(0), out=cover)
            np.minimum(cover, np.float32(1), out=cover)
            strength = np.copysign(np.float32(0.28) + np.float32(0.67) * part, w)
            strength[w == 0] = 0
        cover *= np.take(strength, self.link)
        return cover

    def nearest(self, column: float, row: float, within: float) -> int | None:
        """The link that passes closest to a place, if within so many pixels."""
        if not self.count or not 0 <= column < self.width:
            return None
        away = np.abs(self.heights[:, int(column)] - row)
        index = int(away.argmin())
        return index if away[index] <= within else None


def _near_pixels(
    heights: Floats, reach: float, width: int, height: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], Floats]:
    """(link, pixel index, distance) of all pixels within ``reach`` of a curve."""
    slope = np.gradient(heights, axis=1) if width > 1 else np.zeros_like(heights)
    flatness = 1 / np.sqrt(1 + slope * slope)
    most = int(np.ceil(reach / flatness.min())) + 1 if flatness.size else 0
    base = np.floor(heights).astype(np.int32)
    columns = np.arange(width)[None, :]
    links = np.arange(len(heights), dtype=np.int32)[:, None]
    found: list[tuple[Any, Any, Any]] = []
    for offset in range(-most, most + 1):
        row = base + offset
        away = np.abs(row + 0.5 - heights) * flatness
        near = (away < reach) & (row >= 0) & (row < height)
        found.append(
            (np.broadcast_to(links, near.shape)[near], (row * width + columns)[near], away[near])
        )
    link, pixel, distance = (np.concatenate(part) for part in zip(*found, strict=True))
    return link, pixel, distance


def _mixed(
    both: Floats,
    difference: Floats,
    negative: tuple[int, int, int],
    positive: tuple[int, int, int],
) -> NDArray[np.uint32]:
    """Covered pixels as colours: as opaque as they are covered, as blue as blue's share."""
    alpha = np.minimum(both, np.float32(1))
    share = (difference / np.maximum(both, np.float32(1e-9)) + np.float32(1)) * np.float32(0.5)
    packed = (alpha * np.float32(255)).astype(np.uint32) << 24
    for shift, low, high in zip((16, 8, 0), negative, positive, strict=True):
        channel = (np.float32(low) + np.float32(high - low) * share) * alpha
        packed |= channel.astype(np.uint32) << shift
    return packed.astype(np.uint32, copy=False)
