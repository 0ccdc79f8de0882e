"""A network as one sees it think: every unit's output over the input plane, links as weights.

What a learner can do with it is here: hovering enlarges a unit; a click on a unit asks for its
arithmetic (``explain_requested((layer, unit))``), a click on a link or a bias opens an editor and asks
for ``(gap, to, from)`` or ``(gap, to, -1)``. The picture itself comes from ``network_page`` (what
stands still), ``network_links`` and ``network_units``. Imports Qt, frames; no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen

from desktop.engine.frames import Item, Network
from desktop.ui.panels import axes as drawing
from desktop.ui.panels.axes import View
from desktop.ui.panels.base import DRAG_STARTS, Panel
from desktop.ui.panels.buttons import GlyphButton
from desktop.ui.panels.canvas import Hover
from desktop.ui.panels.layers import Layer
from desktop.ui.panels.look import SMALL, Look
from desktop.ui.panels.network_editor import NumberEditor
from desktop.ui.panels.network_layout import NetworkLayout, Spot, lay_out
from desktop.ui.panels.network_links import LinkPictures, paint_exactly, paint_pointed
from desktop.ui.panels.network_page import output_view, page_key, paint_frame, paint_page
from desktop.ui.panels.network_units import UnitPictures
from desktop.ui.panels.numbers import number
from desktop.ui.panels.points import paint_background, paint_scatter, scatter_bar, scatter_hover
from desktop.ui.strings import tr

LENS = 150.0
LINKS_LATER_MS = 50
"""After the last frame, links that did not fit into it are painted so much later."""


class NetworkPanel(Panel):
    """Draws ``Network``."""

    item: Network

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._layout: NetworkLayout | None = None
        self._links = LinkPictures()
        self._units = UnitPictures()
        self._page, self._points = Layer(), Layer()
        self._largest = 1.0
        self._pressed: QPointF | None = None
        self._focus: tuple[int, int] = (0, 0)
        self._output_view: View | None = None
        self._editor: NumberEditor | None = None
        self._asked_at: QRectF | None = None
        self._layer_buttons: list[GlyphButton] = []
        super().__init__(*arguments, **named)
        # Started anew by each frame that leaves links behind: it fires when no frame follows.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(LINKS_LATER_MS)
        self._later.timeout.connect(self.canvas.redraw)
        for name in ("remove_layer", "add_layer") if self._editable else ():
            button = GlyphButton("", self, word="")
            button.setObjectName(name)
            button.clicked.connect(self._change_layers)
            self._layer_buttons.append(button)
            self.add_tool(button)
        self.retranslate()

    def _change_layers(self) -> None:
        if self.has_content():
            last = len(self.item.layers) - 2
            self.gesture.emit(self.sender().objectName(), {"layer": last})

    # -- derived data ----------------------------------------------------------------------------

    def show_item(self, item: Item, ghosts: Sequence[Item] = ()) -> None:
        """Where the output has a panel of its own (``options.output = false``) it is not drawn twice."""
        if isinstance(item, Network) and not self.spec.options.get("output", True):
            item = replace(item, output=None)
        super().show_item(item, ghosts)

    def item_changed(self) -> None:
        if self.item is None:
            return
        finite = [w[np.isfinite(w)] for w in self.item.weights]
        most = max((float(np.abs(w).max()) for w in finite if w.size), default=1.0)
        # The scale of the widths follows the largest weight slowly, so that links do not breathe.
        self._largest = max(1.0, most, 0.97 * self._largest if self._largest > most else 0.0)

    @property
    def _editable(self) -> bool:
        return bool(self.spec.options.get("layers", "edit_weight" in self.spec.gestures))

    def _lay_out(self, area: QRectF, drawn_with: Look) -> NetworkLayout:
        line = drawn_with.metrics(SMALL).height() + 1
        bar = 0.0
        if self.item.output is not None:
            scale = scatter_bar(self.item.output)
            bar = drawing.bar_width(scale, drawn_with, area.height()) + 8 if scale else 0.0
        shape = tuple(len(layer.units) for layer in self.item.layers)
        known = self._layout
        if known is not None and known.area == area and known.shape == shape and not self.exporting:
            return known
        found = lay_out(self.item, area, line=line, editable=self._editable, bar=bar)
        if not self.exporting:
            self._layout = found
            self._links.forget()
        return found

    def canvas_resized(self) -> None:
        self._layout = None
        super().canvas_resized()

    def retranslate(self) -> None:
        self._layout = None
        for button in self._layer_buttons:
            name = button.objectName()
            button.word = tr(f"network.{name}_short")
            button.set_name(tr(f"network.{name}"))
            button.updateGeometry()
        super().retranslate()

    # -- painting --------------------------------------------------------------------------------

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        layout = self._lay_out(area, drawn_with)
        ratio = 2.0 if self.exporting else self.canvas.devicePixelRatioF()
        if self.exporting:
            paint_page(painter, layout, self.item, drawn_with, buttons=False)
            paint_exactly(painter, layout, self.item.weights, self._largest, drawn_with)
        else:
            self._page.paint(
                painter,
                area,
                ratio,
                (page_key(layout, self.item), drawn_with),
                lambda into: paint_page(into, layout, self.item, drawn_with, buttons=True),
                drawn_with.color("surface"),
            )
            weights = self.item.weights
            self._links.paint(painter, layout, weights, self._largest, drawn_with, ratio)
            if self._links.behind:  # shown at the latest once the network stands still
                self._later.start()
        self._units.paint(
            painter, layout, self.item, drawn_with, ratio=ratio, exporting=self.exporting
        )
        if layout.output is not None:
            self._paint_output(painter, layout.output, drawn_with, ratio)

    def _paint_output(
        self, painter: QPainter, rect: QRectF, drawn_with: Look, ratio: float
    ) -> None:
        output = self.item.output
        assert output is not None
        view = output_view(self.item, rect)
        if not self.exporting:
            self._output_view = view
        painter.save()
        painter.setClipRect(rect)
        if output.background is not None:
            paint_background(painter, output.background, view, drawn_with)
        layer = None if self.exporting else self._points
        paint_scatter(painter, output, (), view, drawn_with, layer=layer, ratio=ratio, radius=3.3)
        painter.restore()
        paint_frame(painter, rect, drawn_with)

    # -- hover -----------------------------------------------------------------------------------

    def _link_at(self, at: QPointF) -> tuple[int, int, int] | None:
        """(gap, row, column) of the link under a place."""
        if self._layout is None or self.item is None:
            return None
        ratio = self.canvas.devicePixelRatioF()
        return self._links.link_at(self._layout, len(self.item.weights), at, ratio)

    def _with_bias(self) -> list[bool]:
        return [layer.biases is not None for layer in self.item.layers]

    def hover_at(self, at: QPointF) -> Hover | None:
        layout = self._layout
        if layout is None or not self.has_content():
            return None
        if (spot := layout.spot_at(at)) is not None:
            return Hover(at, "", (), tr(f"network.{spot.name}"))
        if (place := layout.bias_at(at, self._with_bias())) is not None:
            return self._hover_bias(at, *place)
        if (place := layout.unit_at(at)) is not None:
            return self._hover_unit(at, *place)
        if layout.output is not None and layout.output.contains(at) and self._output_view:
            assert self.item.output is not None
            return scatter_hover(self.item.output, self._output_view, at)
        if (link := self._link_at(at)) is not None:
            k, row, column = link
            source, target = self.item.layers[k].units[column], self.item.layers[k + 1].units[row]
            title = tr("network.from_to", source=source, target=target)
            value = number(float(self.item.weights[k][row, column]))
            hint = tr("network.edit_hint") if "edit_weight" in self.spec.gestures else ""
            return Hover(at, title, ((None, tr("network.weight"), value),), hint)
        return None

    def _hover_bias(self, at: QPointF, layer: int, unit: int) -> Hover:
        biases = self.item.layers[layer].biases
        assert biases is not None
        hint = tr("network.edit_hint") if "edit_bias" in self.spec.gestures else ""
        rows = ((None, tr("network.bias"), number(float(biases[unit]))),)
        return Hover(at, self.item.layers[layer].units[unit], rows, hint)

    def _hover_unit(self, at: QPointF, layer: int, unit: int) -> Hover:
        column = self.item.layers[layer]
        rows: list[Any] = []
        if column.maps is not None:
            shown = column.maps[unit]
            span = f"{number(float(np.nanmin(shown)), 3)} … {number(float(np.nanmax(shown)), 3)}"
            rows.append((None, tr("network.output_range"), span))
        if column.biases is not None:
            rows.append((None, tr("network.bias"), number(float(column.biases[unit]))))
        flagged = column.flags is not None and bool(column.flags[unit])
        return Hover(
            at,
            column.units[unit],
            tuple(rows),
            tr("network.flagged") if flagged else "",
        )

    def paint_overlay(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        layout = self._layout
        if layout is None or not self.has_content():
            return
        at = self.canvas.pointer
        place = layout.unit_at(at) if at is not None else None
        if place is None and self.canvas.hasFocus() and at is None:
            place = self._focused()
        if place is not None:
            self._paint_focus(painter, layout, *place, drawn_with)
            self._paint_lens(painter, layout, *place, drawn_with)
        elif at is not None and layout.spot_at(at) is None:
            link = self._link_at(at)
            if link is not None:
                k, row, column = link
                part = float(self.item.weights[k][row, column]) / self._largest
                paint_pointed(painter, layout, link, part, drawn_with)

    def _focused(self) -> tuple[int, int] | None:
        layer, unit = self._focus
        if layer < len(self.item.layers) and unit < len(self.item.layers[layer].units):
            return self._focus
        return None

    def _paint_focus(
        self, painter: QPainter, layout: NetworkLayout, layer: int, unit: int, drawn_with: Look
    ) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(drawn_with.color("accent"), 2))
        painter.drawRoundedRect(layout.units[layer][unit].adjusted(-1, -1, 1, 1), 2, 2)

    def _paint_lens(
        self, painter: QPainter, layout: NetworkLayout, layer: int, unit: int, drawn_with: Look
    ) -> None:
        """The unit's map enlarged, on the side where it hides least."""
        maps = self.item.layers[layer].maps
        if maps is None:
            return
        side = min(LENS, layout.area.height() * 0.6)
        rect = layout.units[layer][unit]
        right_side = rect.center().x() < layout.area.center().x()
        x = rect.right() + 14 if right_side else rect.left() - 14 - side
        x = max(layout.area.left() + 2, min(x, layout.area.right() - side - 2))
        # The read-out hangs below the pointer, so the lens goes above where it can.
        y = max(layout.area.top() + 2, min(rect.top() - side - 8, layout.area.bottom() - side - 2))
        box = QRectF(x, y, side, side)
        painter.setPen(QPen(drawn_with.color("mark"), 1))
        painter.setBrush(drawn_with.color("raised"))
        painter.drawRoundedRect(box.adjusted(-4, -4, 4, 4), 5, 5)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        limit = self.item.limit
        picture = drawn_with.image(maps[unit][::-1], diverging=True, limits=(-limit, limit))
        painter.drawImage(box, picture)

    # -- clicks and keys -------------------------------------------------------------------------

    def press(self, at: QPointF, event: QMouseEvent) -> bool:
        self._pressed = at
        return True

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        layout = self._layout
        if pressed is None or layout is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if (at - pressed).manhattanLength() > DRAG_STARTS or not self.has_content():
            return
        self._clicked(layout, at)

    def double_click(self, at: QPointF, event: QMouseEvent) -> None:
        self.press(at, event)

    def _clicked(self, layout: NetworkLayout, at: QPointF) -> None:
        if (spot := layout.spot_at(at)) is not None:
            self.gesture.emit(spot.name, dict(spot.payload))
            return
        place = layout.bias_at(at, self._with_bias())
        if place is not None and "edit_bias" in self.spec.gestures:
            self._ask((place[0] - 1, place[1], -1), at)
            self.edit_bias(*place)
            return
        if (place := layout.unit_at(at)) is not None:
            self._focus = place
            self._ask(place)
            return
        if layout.output is not None and layout.output.contains(at) and self._output_view:
            view = self._output_view
            if "click" in self.spec.gestures:
                self.gesture.emit("click", (view.x.value(at.x()), view.y.value(at.y())))
            return
        if "edit_weight" in self.spec.gestures and (link := self._link_at(at)) is not None:
            self._ask(link, at)
            self.edit_weight(*link, at)

    def _ask(self, place: tuple[int, ...], at: QPointF | None = None) -> None:
        """Ask for the arithmetic of a unit (layer, unit), or of a weight (gap, to, from) or a bias
        (gap, to, −1) under the pointer; the answer appears beside it, clear of the editor."""
        self._asked_at = None if at is None else QRectF(at.x() - 46, at.y() - 18, 92, 36)
        self.explain_requested.emit(place)

    def edit_weight(self, gap: int, row: int, column: int, at: QPointF) -> None:
        """Open the editor for one weight."""
        value = float(self.item.weights[gap][row, column])
        self._edit(value, at, "edit_weight", {"layer": gap, "row": row, "column": column})

    def edit_bias(self, layer: int, unit: int) -> None:
        """Open the editor for one bias; like weights, biases are counted from the first gap."""
        biases = self.item.layers[layer].biases
        if biases is None or self._layout is None:
            return
        at = self._layout.bias_rect(layer, unit).center()
        place = {"layer": layer - 1, "row": unit, "unit": unit}
        self._edit(float(biases[unit]), at, "edit_bias", place)

    def _edit(self, value: float, at: QPointF, name: str, place: dict[str, int]) -> None:
        if self._editor is not None:
            self._editor.deleteLater()
        editor = NumberEditor(
            self.canvas, value, lambda number: self.gesture.emit(name, {**place, "value": number})
        )
        editor.setAccessibleName(tr(f"network.{name.removeprefix('edit_')}"))
        x = min(max(2.0, at.x() - 40), self.canvas.width() - editor.width() - 2.0)
        y = min(max(2.0, at.y() - 14), self.canvas.height() - editor.height() - 2.0)
        editor.move(round(x), round(y))
        editor.show()
        editor.setFocus(Qt.FocusReason.OtherFocusReason)
        self._editor = editor

    def key(self, event: QKeyEvent) -> bool:
        if not self.has_content():
            return False
        layer, unit = self._focus
        key = Qt.Key(event.key())
        moves = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        if key in moves:
            across, down = moves[key]
            layer = min(max(0, layer + across), len(self.item.layers) - 1)
            count = len(self.item.layers[layer].units)
            self._focus = (layer, min(max(0, unit + down), count - 1))
            self.canvas.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._ask(self._focus)
        elif key == Qt.Key.Key_B and "edit_bias" in self.spec.gestures:
            self.edit_bias(*self._focus)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus) and self._editable:
            self._resize_layer(layer, grow=key != Qt.Key.Key_Minus)
        else:
            return False
        return True

    def _resize_layer(self, layer: int, *, grow: bool) -> None:
        if 0 < layer < len(self.item.layers) - 1:
            self.gesture.emit("add_unit" if grow else "remove_unit", {"layer": layer})

    def explained_rect(self) -> QRectF:
        if self._asked_at is not None:
            return self._asked_at
        place = self._focused() if self.has_content() else None
        if place is not None and self._layout is not None:
            return self._layout.units[place[0]][place[1]]
        return super().explained_rect()

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        layout = self._layout
        if layout is None or not self.has_content():
            return Qt.CursorShape.ArrowCursor
        pointing: Spot | tuple[int, ...] | None = layout.spot_at(at) or layout.unit_at(at)
        if pointing is None and "edit_weight" in self.spec.gestures:
            pointing = self._link_at(at)
        return Qt.CursorShape.ArrowCursor if pointing is None else Qt.CursorShape.PointingHandCursor
