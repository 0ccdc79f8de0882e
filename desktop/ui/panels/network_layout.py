"""Where the parts of a network picture go: columns of units, gaps, buttons, the output.

Pure geometry from the item and the size, so that hit tests, painting and tests agree. Imports Qt
core types and frames; no widgets, no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

from desktop.engine.frames import Network

UNIT_MOST, UNIT_LEAST, BIAS_FROM = 60.0, 7.0, 14.0
OUTPUT_SHARE = 0.4
"""Of the width at most, for the large picture of the output."""


@dataclass(frozen=True)
class Spot:
    """A small button on the picture: where, which gesture, its payload."""

    rect: QRectF
    name: str
    payload: dict[str, int]


@dataclass(frozen=True, eq=False)
class NetworkLayout:
    """Rectangles of everything, for one network shape in one area."""

    area: QRectF
    shape: tuple[int, ...]
    units: tuple[tuple[QRectF, ...], ...]
    heads: tuple[QRectF, ...]
    output: QRectF | None
    spots: tuple[Spot, ...]
    tile: float

    def unit_at(self, at: QPointF) -> tuple[int, int] | None:
        """(layer, unit) under a place."""
        for layer, column in enumerate(self.units):
            for index, rect in enumerate(column):
                if rect.adjusted(-1, -1, 1, 1).contains(at):
                    return layer, index
        return None

    def bias_rect(self, layer: int, unit: int) -> QRectF:
        """The small square at a unit's lower left corner that shows its bias (none on tiny units)."""
        if self.tile < BIAS_FROM:
            return QRectF()
        side = max(5.0, min(9.0, self.tile * 0.24))
        rect = self.units[layer][unit]
        return QRectF(rect.left() - side / 2, rect.bottom() - side / 2, side, side)

    def bias_at(self, at: QPointF, with_bias: Sequence[bool]) -> tuple[int, int] | None:
        """(layer, unit) whose bias square is under a place."""
        for layer, column in enumerate(self.units):
            for index in range(len(column) if with_bias[layer] else 0):
                if (
                    self.bias_rect(layer, index).adjusted(-3, -3, 3, 3).contains(at)
                    and self.tile >= BIAS_FROM
                ):
                    return layer, index
        return None

    def spot_at(self, at: QPointF) -> Spot | None:
        """The button under a place."""
        return next((s for s in self.spots if s.rect.adjusted(-3, -3, 3, 3).contains(at)), None)

    def gap(self, k: int) -> QRectF:
        """The space between column ``k`` and the next."""
        left = self.units[k][0].right() if self.units[k] else self.area.left()
        right = self.units[k + 1][0].left() if self.units[k + 1] else self.area.right()
        return QRectF(left, self.area.top(), max(1.0, right - left), self.area.height())


def lay_out(
    item: Network, area: QRectF, *, line: float, editable: bool, bar: float = 0.0
) -> NetworkLayout:
    """Everything's place; ``line`` is the height of a row of small text, ``bar`` room for a scale."""
    shape = tuple(len(layer.units) for layer in item.layers)
    head = line + (line + 4 if editable else 0) + 4
    left, right = area.left() + 4, area.right() - 4
    output = None
    if item.output is not None:
        free = area.height() - head - line - 4
        side = min(free, area.width() * OUTPUT_SHARE)
        # At the height of the last unit, whose output it is.
        top = area.top() + head + max(0.0, (free - side) / 2)
        output = QRectF(right - bar - side, round(top), side, side)
        right = output.left() - max(26.0, area.width() * 0.045)
    room = QRectF(left, area.top() + head, right - left, area.height() - head - 8)
    most = max(shape, default=1)
    columns = max(1, len(shape))
    gap_share = 0.22 if most <= 12 else 0.14
    tile = min(UNIT_MOST, room.height() / (most * (1 + gap_share)))
    # Whole pixels: pictures of units are then copied, not scaled, and their frames are crisp.
    tile = float(int(max(UNIT_LEAST, min(tile, room.width() / (columns * 1.7)))))
    step_x = (room.width() - tile) / max(1, columns - 1)
    units, heads = [], []
    for k, count in enumerate(shape):
        pitch = min(tile * 1.5, (room.height() - tile) / max(1, count - 1)) if count > 1 else 0.0
        top = room.top() + (room.height() - tile - pitch * (count - 1)) / 2
        x = float(round(room.left() + k * step_x))
        units.append(tuple(QRectF(x, round(top + pitch * i), tile, tile) for i in range(count)))
        middle = x + tile / 2
        span = max(tile, min(step_x - 6, 130.0))
        heads.append(QRectF(middle - span / 2, area.top(), span, head - 4))
    spots = _spots(item, heads, line) if editable else ()
    return NetworkLayout(area, shape, tuple(units), tuple(heads), output, tuple(spots), tile)


def _spots(item: Network, heads: list[QRectF], line: float) -> list[Spot]:
    """Buttons under the heads of hidden layers."""
    spots = []
    side = min(18.0, line + 2)
    for k in range(1, len(item.layers) - 1):
        y = heads[k].top() + line + 2
        middle = heads[k].center().x()
        spots.append(Spot(QRectF(middle + 2, y, side, side), "add_unit", {"layer": k}))
        spots.append(Spot(QRectF(middle - 2 - side, y, side, side), "remove_unit", {"layer": k}))
    return spots
