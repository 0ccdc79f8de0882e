"""What every panel has: a title row, hover read-out, menu (save, copy, reset), and one way in.

A panel draws one kind of frame item. It is told ``show_item`` at most once per display refresh and
only remembers the item; the next paint draws it, so a flood of frames costs one paint a refresh.
Panels know nothing of sessions or lessons; what a learner does leaves as signals:

``gesture(name, payload)``
    ``click``  (x, y) in data units · ``draw``  a tuple of rows (x, y) or, with
    ``options.draw_values``, (x, y, value) · ``erase``  (x, y): remove the nearest drawn point ·
    ``select``  index of a matrix or token · ``edit_weight``  {layer, row, column, value} ·
    ``edit_bias``  {layer, unit, value} · ``add_layer`` / ``remove_layer``  {layer} ·
    ``add_unit`` / ``remove_unit``  {layer}. ``layer`` is an index into ``Network.layers`` except
    for ``edit_weight``, where it is the index into ``Network.weights``.
``explain_requested(index)``
    asks for the arithmetic of one cell or unit; answer with ``show_explanation``.
``seek_requested(step)`` · ``term_requested(glossary id)`` · ``notice(text)`` ·
``problem(GlassboxError)``

Everything is painted by QPainter from one ``paint`` method per kind: the screen, a saved PNG or
SVG and the tests see the same drawing, there is no chart library to import before the first window,
and hovering re-uses the painted picture. Imports Qt, frames and theme; no torch.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from desktop.bilingual import GlassboxError
from desktop.course.lesson import PanelSpec
from desktop.engine.frames import NOTHING, Explanation, Item
from desktop.ui.elided import ElidedLabel
from desktop.ui.panels import export
from desktop.ui.panels.buttons import GlyphButton
from desktop.ui.panels.canvas import Canvas, Hover
from desktop.ui.panels.look import BODY, TITLE, Look, forget_fonts, look, paper_look
from desktop.ui.strings import language, pick, tr
from desktop.ui.theme import theme

CARD_TOP, CARD_BOTTOM, CARD_GAP = 7, 10, 2
CARD_LEFT, CARD_RIGHT = 12, 8
DRAG_STARTS = 4.0
"""A press that moved less than this many pixels is a click."""


class Panel(QFrame):
    """Base of all panels. A kind overrides ``paint`` and whichever hooks it needs."""

    gesture = Signal(str, object)
    explain_requested = Signal(tuple)
    seek_requested = Signal(int)
    term_requested = Signal(str)
    notice = Signal(str)
    problem = Signal(object)
    height_changed = Signal()
    """A figure that scrolls wants another height than before."""

    scrolls = False
    """Whether the figure is as high as it needs and scrolls, rather than filling the panel."""
    uses_right_button = False
    light_figures = True
    """Whether figures are saved on a light page; one choice for all panels."""

    def __init__(self, spec: PanelSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.item: Any = None
        self.ghosts: tuple[Any, ...] = ()
        self.exporting = False
        self._popover: QWidget | None = None
        self._menu: QMenu | None = None
        self.setMinimumSize(180, 110)
        self._build()
        theme().changed.connect(self._theme_changed)
        language().changed.connect(self._language_changed)
        self.retranslate()

    def _build(self) -> None:
        self.title_label = ElidedLabel(self)
        self.title_label.setMinimumWidth(20)
        self.note_label = QLabel(self)
        self.note_label.setProperty("role", "small")
        self.note_label.setTextFormat(Qt.TextFormat.PlainText)
        self.note_label.setMinimumWidth(20)
        self.note_label.setWordWrap(True)
        self.help_button = GlyphButton("help", self)
        self.help_button.clicked.connect(self._show_help)
        self.menu_button = GlyphButton("menu", self)
        self.menu_button.clicked.connect(self._open_menu)
        self.canvas = Canvas(self)
        self.title_row = QHBoxLayout()
        self.title_row.setContentsMargins(0, 0, 0, 0)
        self.title_row.setSpacing(2)
        self.title_row.addWidget(self.title_label)
        self.title_row.addWidget(self.help_button)
        self.title_row.addStretch(1)
        self.title_row.addWidget(self.menu_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(CARD_LEFT, CARD_TOP, CARD_RIGHT, CARD_BOTTOM)
        column.setSpacing(CARD_GAP)
        column.addLayout(self.title_row)
        column.addWidget(self.note_label)
        column.addWidget(self._body(), 1)
        self.note_label.hide()

    def sizeHint(self) -> QSize:
        """As low as it may be: rows of panels are shares of the room, and what a panel would like
        must not move them."""
        return QSize(super().sizeHint().width(), super().minimumSizeHint().height())

    def hasHeightForWidth(self) -> bool:
        """Words above a figure that break into lines take their room from the figure."""
        return False

    def _body(self) -> QWidget:
        if not self.scrolls:
            return self.canvas
        scroll = QScrollArea(self)
        scroll.setWidget(self.canvas)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.viewport().setAutoFillBackground(False)
        return scroll

    def add_tool(self, button: QWidget) -> None:
        """Put a small control into the title row, left of the menu."""
        self.title_row.insertWidget(self.title_row.count() - 1, button)

    # -- the way in ------------------------------------------------------------------------------

    def show_item(self, item: Item, ghosts: Sequence[Item] = ()) -> None:
        """Show this item; ``ghosts`` are the same item of other runs, drawn faded."""
        self.item, self.ghosts = item, tuple(ghosts)
        self._show_note()
        self.item_changed()
        self._fit_height()
        self.canvas.redraw()

    def show_histories(
        self,
        runs: Sequence[Any],
        scalars: Sequence[Any],
        current_step: int,
        front_run: int | None = None,
    ) -> None:
        """Scalars of all runs; only history panels draw them. ``front_run`` (the last when None) is
        drawn in full strength, the others faded."""

    def show_explanation(self, explanation: Explanation) -> None:
        """Show the arithmetic that ``explain_requested`` asked for, beside where it was asked."""
        from desktop.ui.panels.explanation import Popover

        if self._popover is None:
            popover = Popover(self)
            popover.term_requested.connect(self.term_requested)
            self._popover = popover
        assert isinstance(self._popover, Popover)
        self._popover.show_explanation(explanation, self.explained_rect())

    def clear(self) -> None:
        """Forget the item; an empty state says what will be here."""
        self.item, self.ghosts = None, ()
        if self._popover is not None:
            self._popover.hide()
        self._show_note()
        self.item_changed()
        self.canvas.redraw()

    def reset_view(self) -> None:
        """Undo zoom, pan and rotation."""
        self.canvas.redraw()

    # -- hooks for the kinds ---------------------------------------------------------------------

    def item_changed(self) -> None:
        """A new item (or none) is in ``self.item``; derive what painting needs, cheaply."""

    def paint(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        """Draw the item into ``area``; must work for any size and look."""

    def paint_overlay(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        """Draw what follows the pointer or the keyboard cursor, over the cached figure."""

    def hover_at(self, at: QPointF) -> Hover | None:
        """What is under the pointer."""
        return None

    def content_height(self, width: float) -> float:
        """How high the figure wants to be; only for panels that scroll."""
        return 0.0

    def natural_height(self) -> int:
        """How high the whole panel would like to be; only for panels that scroll."""
        return self._around(self.width()) + self.canvas.minimumHeight()

    def height_at(self, width: float) -> float:
        """How high it would like to be if it were so wide; only for panels that scroll."""
        return self._around(width) + self.content_height(width - CARD_LEFT - CARD_RIGHT)

    def _around(self, width: float) -> int:
        """The height of all but the figure."""
        height = CARD_TOP + CARD_BOTTOM + self.title_row.sizeHint().height() + CARD_GAP
        if not self.note_label.isHidden():
            room = max(20, round(width) - CARD_LEFT - CARD_RIGHT)
            height += self.note_label.heightForWidth(room) + CARD_GAP
        return height

    def filled(self, width: float, height: float) -> tuple[float, float]:
        """Of a panel of this size, what its title and its figure can use."""
        beside, around = CARD_LEFT + CARD_RIGHT, self._around(width)
        wide, high = self.figure_fills(max(20.0, width - beside), max(20.0, height - around))
        return min(width, wide + beside), min(height, high + around)

    def figure_fills(self, width: float, height: float) -> tuple[float, float]:
        """Of an area of this size, what the figure can use: figures of a given shape leave a part
        of it blank."""
        return width, min(height, self.content_height(width)) if self.scrolls else height

    def shape(self) -> Hashable:
        """What ``figure_fills`` depends on besides the size, to notice when it changes."""
        return None

    def wanted_width(self, height: int) -> int:
        """How wide a panel so high would have to be for its figure to fill it; 0 if any width will do."""
        return 0

    def has_content(self) -> bool:
        """Whether there is something to draw."""
        return self.item is not None

    def table(self) -> list[list[Any]]:
        """The figure's numbers as rows for CSV, the first row being the header."""
        return export.table(self.item) if self.item is not None else []

    def title(self) -> str:
        """The figure's title in the current language."""
        return pick(self.spec.title)

    def explained_rect(self) -> QRectF:
        """Where the popover should point, in canvas pixels."""
        pointer = self.canvas.pointer or self.canvas.area().center()
        return QRectF(pointer.x() - 4, pointer.y() - 4, 8, 8)

    def canvas_resized(self) -> None:
        """The canvas has a new size."""
        self._fit_height()

    def press(self, at: QPointF, event: QMouseEvent) -> bool:
        """A button went down; True if the panel uses it."""
        return True

    def move_pointer(self, at: QPointF, event: QMouseEvent) -> None:
        """The pointer moved, perhaps with a button down."""

    def release(self, at: QPointF, event: QMouseEvent) -> None:
        """A button went up."""

    def double_click(self, at: QPointF, event: QMouseEvent) -> None:
        """Double click resets the view."""
        self.reset_view()

    def wheel(self, at: QPointF, event: QWheelEvent) -> bool:
        """The wheel turned; True if used."""
        return False

    def key(self, event: QKeyEvent) -> bool:
        """A key went down; True if used."""
        return False

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        """Which cursor says what can be done here."""
        return Qt.CursorShape.ArrowCursor

    # -- texts and theme -------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Set all texts again in the current language."""
        self.title_label.setText(self.title())
        self.setAccessibleName(self.title())
        self.canvas.setAccessibleName(self.title())
        self.canvas.setAccessibleDescription(pick(self.spec.help))
        self.help_button.set_name(
            tr("panel.help_of", title=self.title()), _wrapped(pick(self.spec.help))
        )
        self.help_button.setVisible(bool(self.spec.help))
        self.menu_button.set_name(tr("panel.menu_of", title=self.title()), tr("panel.menu"))
        self._menu = None
        self._show_note()
        self._restyle()
        self.canvas.redraw()

    def _show_note(self) -> None:
        note = self.note() if self.has_content() else ""
        if note != self.note_label.text():
            self.note_label.setText(note)
            self.note_label.setToolTip(note)
        if bool(note) == self.note_label.isHidden():
            self.note_label.setVisible(bool(note))

    def _restyle(self) -> None:
        drawn_with = look()
        self.title_label.setFont(drawn_with.font(TITLE, 600))
        shades = self.title_label.palette()
        shades.setColor(self.title_label.foregroundRole(), drawn_with.color("ink"))
        self.title_label.setPalette(shades)
        for button in self.findChildren(GlyphButton):
            button.updateGeometry()
            button.update()

    def _theme_changed(self) -> None:
        forget_fonts()
        self._restyle()
        self.item_changed()
        self._fit_height()
        self.canvas.redraw()
        self.update()

    def _language_changed(self, _language: str) -> None:
        self.retranslate()
        self.item_changed()
        self._fit_height()

    def _fit_height(self) -> None:
        if self.scrolls:
            wanted = round(self.content_height(self.canvas.width()) if self.has_content() else 40)
            if wanted != self.canvas.minimumHeight():
                self.canvas.setMinimumHeight(wanted)
                self.height_changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        drawn_with = look()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(drawn_with.color("hairline"), 1))
        painter.setBrush(drawn_with.color("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        painter.end()

    def paint_or_empty(self, painter: QPainter, area: QRectF, drawn_with: Look) -> None:
        """The figure, or a line saying what will be here."""
        if self.has_content():
            self.paint(painter, area, drawn_with)
            return
        painter.setPen(drawn_with.color("muted"))
        painter.setFont(drawn_with.font(BODY))
        flags = Qt.AlignmentFlag.AlignCenter.value | Qt.TextFlag.TextWordWrap.value
        text = self.note() or tr("panel.empty")
        painter.drawText(area.adjusted(12, 0, -12, 0), flags, text)

    def _show_help(self) -> None:
        at = self.help_button.mapToGlobal(QPoint(0, self.help_button.height()))
        QToolTip.showText(at, self.help_button.toolTip(), self.help_button)

    # -- saving ----------------------------------------------------------------------------------

    def menu(self) -> QMenu:
        """The panel's menu, made when first asked for."""
        if self._menu is None:
            menu = QMenu(self)
            menu.addAction(tr("panel.copy_image"), self._copy_from_menu)
            menu.addAction(tr("panel.save_png"), lambda: self._ask_and_save("png"))
            menu.addAction(tr("panel.save_svg"), lambda: self._ask_and_save("svg"))
            menu.addAction(tr("panel.save_csv"), lambda: self._ask_and_save("csv"))
            menu.addSeparator()
            light = QAction(tr("panel.light_figures"), menu)
            light.setCheckable(True)
            light.setChecked(Panel.light_figures)
            light.toggled.connect(self._choose_light)
            menu.addAction(light)
            for action in self.extra_actions(menu):
                menu.addAction(action)
            menu.addSeparator()
            menu.addAction(tr("panel.reset_view"), self.reset_view)
            self._menu = menu
        for action in self._menu.actions()[:4]:
            action.setEnabled(self.has_content())
        return self._menu

    def extra_actions(self, menu: QMenu) -> Iterable[QAction]:
        """Further entries of the menu."""
        return ()

    def _open_menu(self) -> None:
        self.menu().popup(self.menu_button.mapToGlobal(QPoint(0, self.menu_button.height())))

    def _choose_light(self, on: bool) -> None:
        Panel.light_figures = on

    def _copy_from_menu(self) -> None:
        self.copy_image(light=Panel.light_figures)
        self.notice.emit(tr("panel.copied"))

    def _ask_and_save(self, suffix: str) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, tr(f"panel.save_{suffix}"), f"{self.spec.id}.{suffix}", f"*.{suffix}"
        )
        if not path:
            return
        target = Path(path)
        if not target.suffix:
            target = target.with_suffix(f".{suffix}")
        try:
            self.save(target, light=Panel.light_figures)
        except GlassboxError as error:
            self.problem.emit(error)
        else:
            self.notice.emit(tr("panel.saved", name=target.name))

    def save(self, path: Path | str, light: bool = False) -> None:
        """Write the figure (.png, .svg) or its numbers (.csv); raises ``GlassboxError``."""
        export.save(self, Path(path), paper_look() if light else look())

    def copy_image(self, light: bool = False) -> None:
        """Put the figure on the clipboard."""
        picture = export.image(self, paper_look() if light else look())
        QGuiApplication.clipboard().setImage(picture)

    def figure_size(self) -> QSize:
        """Size of a saved figure in logical pixels, without its title and without blank edges."""
        width = max(360, self.canvas.width())
        if self.scrolls:
            return QSize(width, max(60, math.ceil(self.content_height(width))))
        wide, high = self.figure_fills(width, max(160, self.canvas.height()))
        return QSize(max(360, math.ceil(wide)), max(100, math.ceil(high)))

    def note(self) -> str:
        """The line under the title."""
        item_note = self.item.note if self.item is not None else NOTHING
        return pick(item_note)


def _wrapped(text: str) -> str:
    """Tooltip text that wraps at a readable width; escaped, since tooltips may read HTML."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
    return f"<div style='max-width: 320px'>{escaped}</div>" if text else ""
