"""What stands still in a network picture: layer names and buttons, and the large output's axes.

Imports Qt, frames; no torch.
"""

from __future__ import annotations

from collections.abc import Hashable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from desktop.engine.frames import Network, Scatter
from desktop.ui.panels import axes as drawing
from desktop.ui.panels.axes import View
from desktop.ui.panels.buttons import draw_glyph
from desktop.ui.panels.look import SMALL, Look
from desktop.ui.panels.network_layout import NetworkLayout
from desktop.ui.panels.points import scatter_bar, scatter_range
from desktop.ui.panels.scales import Scale
from desktop.ui.strings import pick


def output_view(item: Network, rect: QRectF) -> View:
    """How the plane maps onto the output picture."""
    assert item.output is not None
    x0, x1, y0, y1 = scatter_range(item.output) or item.extent
    return View(
        rect, Scale(x0, x1, rect.left(), rect.right()), Scale(y0, y1, rect.bottom(), rect.top())
    )


def page_key(layout: NetworkLayout, item: Network) -> Hashable:
    """Everything that ``paint_page`` draws; the same key, the same picture."""
    names = tuple(pick(layer.label) for layer in item.layers)
    if layout.output is None or item.output is None:
        return layout, names
    view = output_view(item, layout.output)
    return layout, names, view.x, view.y, scatter_bar(item.output)


def paint_page(
    painter: QPainter, layout: NetworkLayout, item: Network, drawn_with: Look, *, buttons: bool
) -> None:
    """Names, buttons, and around the output its frame, scale and colour bar."""
    _paint_to_output(painter, layout, drawn_with)
    _paint_heads(painter, layout, item, drawn_with)
    if buttons:
        _paint_buttons(painter, layout, drawn_with)
    if layout.output is not None and item.output is not None:
        _paint_scales(painter, item.output, output_view(item, layout.output), drawn_with)


def paint_frame(painter: QPainter, rect: QRectF, drawn_with: Look) -> None:
    """The output picture's frame, over its edges."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(drawn_with.color("mark"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect.toAlignedRect())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


def _paint_to_output(painter: QPainter, layout: NetworkLayout, drawn_with: Look) -> None:
    """A thread from the last unit to the large picture of its output."""
    if layout.output is None or not layout.units or len(layout.units[-1]) != 1:
        return
    start, end = layout.units[-1][0], layout.output
    painter.setPen(QPen(drawn_with.color("mark", 0.6), 1.2))
    painter.drawLine(
        QPointF(start.right(), start.center().y()), QPointF(end.left(), start.center().y())
    )


def _paint_heads(painter: QPainter, layout: NetworkLayout, item: Network, drawn_with: Look) -> None:
    metrics = drawn_with.metrics(SMALL)
    painter.setFont(drawn_with.font(SMALL))
    painter.setPen(drawn_with.color("muted"))
    for layer, head in zip(item.layers, layout.heads, strict=True):
        text = pick(layer.label)
        if metrics.horizontalAdvance(text) > head.width():  # “Hidden 2” becomes “2” before “Hid…”
            text = text.split()[-1] if " " in text else text
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, head.width())
        wide = metrics.horizontalAdvance(text)
        left = min(head.center().x() - wide / 2, layout.area.right() - wide)
        left = max(layout.area.left(), left)
        painter.drawText(QPointF(left, head.top() + metrics.ascent()), text)


def _paint_buttons(painter: QPainter, layout: NetworkLayout, drawn_with: Look) -> None:
    for spot in layout.spots:
        painter.setPen(QPen(drawn_with.color("hairline"), 1))
        painter.setBrush(drawn_with.color("surface"))
        painter.drawRoundedRect(spot.rect, 4, 4)
        pen = QPen(drawn_with.color("muted"), 1.4)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        glyph = "plus" if spot.name.startswith("add") else "minus"
        draw_glyph(painter, glyph, spot.rect.center(), spot.rect.width() / 18)


def _paint_scales(painter: QPainter, output: Scatter, view: View, drawn_with: Look) -> None:
    """The colour bar beside the output picture and the numbers below it."""
    metrics = drawn_with.metrics(SMALL)
    painter.setFont(drawn_with.font(SMALL))
    rect = view.plot
    bar = scatter_bar(output)
    if bar is not None:
        strip = QRectF(rect.right() + 8, rect.top(), 40, rect.height())
        drawing.draw_color_bar(painter, strip, bar, drawn_with)
        painter.setPen(drawn_with.color("muted"))
        wide = metrics.horizontalAdvance(bar.label)
        end = rect.right() + 8 + drawing.bar_width(bar, drawn_with)
        painter.drawText(QPointF(end - wide, rect.top() - 5), bar.label)
    painter.setPen(drawn_with.color("muted"))
    values, labels = view.x.ticks(drawn_with.pixels(64))
    base = rect.bottom() + 3 + metrics.ascent()
    for value, label in zip(values, labels, strict=True):
        x = view.x.pixel(value) - metrics.horizontalAdvance(label) / 2
        painter.drawText(QPointF(x, base), label)
