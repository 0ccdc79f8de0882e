"""Points in the plane, the field behind them, fitted lines and residuals: ranges, legend, painting.

Shared by the scatter panel and the network's output picture. Imports Qt, frames; no torch.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QLineF, QPointF
from PySide6.QtGui import QPainter, QPen

from desktop.engine.frames import Field, PointGroup, Scatter
from desktop.ui.panels.axes import ColorBar, LegendEntry, View
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.fields import field_image, field_limits, field_rect, value_at
from desktop.ui.panels.layers import Layer
from desktop.ui.panels.lines import draw_band, draw_curve, draw_dots
from desktop.ui.panels.look import Look, limits_of, look
from desktop.ui.panels.numbers import number, with_unit
from desktop.ui.panels.plot import Range, finite_range
from desktop.ui.strings import pick, tr


def scatter_range(item: Scatter) -> Range | None:
    """What there is to see: the background's extent, or all points and lines."""
    if item.background is not None:
        xs, ys = item.background.xs, item.background.ys
        return float(xs[0]), float(xs[-1]), float(ys[0]), float(ys[-1])
    xs_all: list[Any] = [group.xy[:, 0] for group in item.groups]
    ys_all: list[Any] = [group.xy[:, 1] for group in item.groups]
    x = finite_range([*xs_all, *([] if any(len(a) for a in xs_all) else [s.x for s in item.lines])])
    y = finite_range(ys_all if any(len(a) for a in ys_all) else [s.y for s in item.lines])
    return (*x, *y) if x and y else None


def scatter_limits(item: Scatter) -> tuple[float, float]:
    """The ends of the scale that colours the points."""
    if item.value is not None and item.value.limits is not None:
        return limits_of(np.empty(0), diverging=item.diverging, limits=item.value.limits)
    if item.background is not None:
        return field_limits(item.background)
    values = [group.values for group in item.groups if group.values is not None]
    together = np.concatenate(values) if values else np.empty(0)
    return limits_of(np.asarray(together, float), diverging=item.diverging)


def scatter_bar(item: Scatter) -> ColorBar | None:
    """A colour bar for the background, or for coloured points."""
    if item.background is not None:
        field = item.background
        label = f"{pick(field.label)} ({field.unit})" if field.unit else pick(field.label)
        return ColorBar(label, field_limits(field), field.diverging)
    if item.value is not None and any(group.values is not None for group in item.groups):
        label = pick(item.value.label)
        label = f"{label} ({item.value.unit})" if item.value.unit else label
        return ColorBar(label, scatter_limits(item), item.diverging)
    return None


def scatter_legend(item: Scatter, drawn_with: Look) -> list[LegendEntry]:
    """Names of the groups and lines."""
    entries = []
    for group in item.groups:
        if not group.label:
            continue
        plain = group.values is None
        color = drawn_with.category(group.color) if plain else drawn_with.color("mark")
        entries.append(LegendEntry(pick(group.label), color, "ring" if group.hollow else "dots"))
    entries += [
        LegendEntry(pick(line.label), drawn_with.category(line.color), line.style)
        for line in item.lines
        if line.label
    ]
    return entries if len(entries) > 1 else []


def paint_background(painter: QPainter, field: Field, view: View, drawn_with: Look) -> None:
    """The field behind the points, smooth."""
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.drawImage(field_rect(field, view), field_image(field, field_limits(field), drawn_with))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


def paint_scatter(
    painter: QPainter,
    item: Scatter,
    ghosts: Sequence[Scatter],
    view: View,
    drawn_with: Look,
    *,
    layer: Layer | None = None,
    ratio: float = 1.0,
    radius: float = 3.8,
) -> None:
    """Segments, lines and points into ``view``; the background is painted before.

    Points that stay are kept in ``layer``; without one (saved figures) all is drawn exactly.
    """
    exact = layer is None
    if item.segments is not None and len(item.segments):
        _paint_segments(painter, np.asarray(item.segments, float), view, drawn_with)
    for ghost in ghosts:
        for line in ghost.lines:
            x, y = view.x.to_pixels(line.x), view.y.to_pixels(line.y)
            color = drawn_with.category(line.color, 0.45)
            draw_curve(painter, x, y, color, width=1.3, style="dashed")
    for line in item.lines:
        x, y = (
            view.x.to_pixels(np.asarray(line.x, float)),
            view.y.to_pixels(np.asarray(line.y, float)),
        )
        color = drawn_with.category(line.color)
        if line.low is not None and line.high is not None:
            low, high = view.y.to_pixels(line.low), view.y.to_pixels(line.high)
            draw_band(painter, x, low, high, color)
        draw_curve(painter, x, y, color, width=2.0, style=line.style, exact=exact)
    if layer is None:
        _paint_groups(painter, item, view, drawn_with, radius)
        return
    key = (item.groups, points_key(item), view, drawn_with, radius)
    area = view.plot.adjusted(-radius - 1, -radius - 1, radius + 1, radius + 1)
    layer.paint(
        painter, area, ratio, key, lambda into: _paint_groups(into, item, view, drawn_with, radius)
    )


def points_key(item: Scatter) -> Hashable:
    """What besides the points themselves decides how they look."""
    return scatter_limits(item) if _colored(item) else None, item.diverging, item.background is None


def _colored(item: Scatter) -> bool:
    return any(group.values is not None for group in item.groups)


def _paint_groups(
    painter: QPainter, item: Scatter, view: View, drawn_with: Look, radius: float
) -> None:
    limits = scatter_limits(item) if _colored(item) else (0.0, 1.0)
    for group in item.groups:
        _paint_group(painter, group, item, limits, view, drawn_with, radius)


def _paint_segments(painter: QPainter, segments: Any, view: View, drawn_with: Look) -> None:
    x0, y0 = view.x.to_pixels(segments[:, 0]), view.y.to_pixels(segments[:, 1])
    x1, y1 = view.x.to_pixels(segments[:, 2]), view.y.to_pixels(segments[:, 3])
    places = np.clip(np.stack([x0, y0, x1, y1], axis=1), -1e4, 1e5)
    places = places[np.isfinite(places).all(axis=1)]
    pen = QPen(drawn_with.color("mark", 0.8), 1.0)
    pen.setCosmetic(True)
    painter.setPen(pen)
    painter.drawLines([QLineF(*row) for row in places.tolist()])


def _paint_group(
    painter: QPainter,
    group: PointGroup,
    item: Scatter,
    limits: tuple[float, float],
    view: View,
    drawn_with: Look,
    radius: float,
) -> None:
    if not len(group.xy):
        return
    x = view.x.to_pixels(np.asarray(group.xy[:, 0], float))
    y = view.y.to_pixels(np.asarray(group.xy[:, 1], float))
    many = len(x) > 400
    size = radius * (0.75 if many else 1.0)
    outline = drawn_with.color("ink" if item.background is not None else "surface", 0.75)
    if group.values is None:
        color = drawn_with.category(group.color)
        draw_dots(painter, x, y, color, radius=size, outline=outline, hollow=group.hollow)
        return
    low, high = limits
    parts = np.clip((np.asarray(group.values, float) - low) / ((high - low) or 1.0), 0, 1)
    # Points of one colour are drawn together; a continuous value is cut into 64 colours.
    shades = np.rint(np.nan_to_num(parts, nan=0.5) * 63).astype(int)
    for shade in np.unique(shades):
        here = shades == shade
        color = drawn_with.sample(item.diverging, shade / 63)
        if group.hollow:
            draw_dots(painter, x[here], y[here], drawn_with.color("ink", 0.75), radius=size + 0.6)
            draw_dots(painter, x[here], y[here], color, radius=size - 0.5)
            draw_dots(painter, x[here], y[here], drawn_with.color("surface"), radius=size * 0.38)
        else:
            draw_dots(painter, x[here], y[here], color, radius=size, outline=outline)


def scatter_hover(item: Scatter, view: View, at: QPointF) -> Hover | None:
    """The point under the pointer, or the field's value there."""
    drawn_with = look()
    x_name, y_name = pick(item.x.label) or "x", pick(item.y.label) or "y"
    best: tuple[PointGroup, int] | None = None
    closest = 9.0
    for group in item.groups:
        if not len(group.xy):
            continue
        dx = view.x.to_pixels(np.asarray(group.xy[:, 0], float)) - at.x()
        dy = view.y.to_pixels(np.asarray(group.xy[:, 1], float)) - at.y()
        distance = np.nan_to_num(np.hypot(dx, dy), nan=np.inf)
        index = int(distance.argmin())
        if distance[index] < closest:
            closest, best = float(distance[index]), (group, index)
    rows: list[Any] = []
    title = ""
    x, y = view.x.value(at.x()), view.y.value(at.y())
    if best is not None:
        group, index = best
        x, y = float(group.xy[index, 0]), float(group.xy[index, 1])
        title = pick(group.label)
        if group.values is not None:
            name = pick(item.value.label) if item.value is not None else ""
            rows.append((None, name or tr("panel.value"), number(group.values[index])))
    if item.background is not None:
        field = item.background
        value = with_unit(number(value_at(field, x, y)), field.unit)
        rows.append((None, pick(field.label) or tr("panel.value"), value))
    for line in item.lines[:6]:
        if len(line.x) > 1 and line.x[0] <= x <= line.x[-1]:
            value = with_unit(number(float(np.interp(x, line.x, line.y))), item.y.unit)
            rows.append((drawn_with.category(line.color), pick(line.label), value))
    rows.append((None, x_name, with_unit(number(x, 3), item.x.unit)))
    rows.append((None, y_name, with_unit(number(y, 3), item.y.unit)))
    return Hover(at, title, tuple(rows))
