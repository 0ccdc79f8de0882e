"""The live panels of a step, in the grid the lesson asks for.

Panels are made once for a lesson and kept; a step shows some of them. Only panels on screen are
told about new frames, in turns (``rounds``), and one that comes back is shown the newest first. Imports Qt,
``desktop.ui.panels`` and frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from desktop.course.lesson import PanelSpec
from desktop.engine.frames import Explanation, Frame
from desktop.engine.parameters import ScalarSpec
from desktop.runtime.messages import RunHistory
from desktop.ui.lesson.arrangement import Place, bands, best, places
from desktop.ui.lesson.rounds import Rounds
from desktop.ui.panels import make_panel
from desktop.ui.panels.base import Panel
from desktop.ui.theme import theme

LOW_KINDS = ("tokens", "readouts", "worked")
"""Kinds as high as what they say: a row of them alone leaves the rest of the height to the others."""

PANEL_LEAST, UNLIMITED = 110, (1 << 24) - 1
ROW_LEAST, GRID_LEAST = 120, 440
"""Heights, growing with the text, below which the grid scrolls rather than shrinks: of a row, but
never more in all than a window of 720 pixels has room for at the usual size of text."""
WIDEST_SHARE = 0.58
"""Of the grid's width, for a panel that would use more of it."""


class _Rows(QGridLayout):
    """A grid whose height follows from its rows alone. Wrapped words in a panel would otherwise make
    the area around it ask for the height that all panels would like, and scroll for want of it."""

    def hasHeightForWidth(self) -> bool:
        return False


class PanelGrid(QWidget):
    """Panels and the routes from frames to them."""

    gesture = Signal(object, str, object)
    explain_requested = Signal(str, tuple)
    seek_requested = Signal(int)
    term_requested = Signal(str)
    notice = Signal(str)
    problem = Signal(object)

    def __init__(self, make: Callable[[PanelSpec], Panel] = make_panel) -> None:
        super().__init__()
        self._make = make
        self.panels: dict[str, Panel] = {}
        self._specs: dict[str, PanelSpec] = {}
        self._shown: tuple[str, ...] = ()
        self._frame: Frame | None = None
        self._ghosts: tuple[Frame, ...] = ()
        self._runs: tuple[RunHistory, ...] = ()
        self._step = 0
        self._scalars: tuple[ScalarSpec, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._grid = _Rows(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(10)
        self._rounds = Rounds(self._draw, self)
        self._low: dict[str, int] = {}
        self._low_rows: list[list[str]] = []
        self._tall = ""
        self._arranged: list[PanelSpec] = []
        self._shapes: dict[str, Hashable] = {}
        self._row_count = 1
        self._bands: list[int] = []
        theme().changed.connect(self._keep_height)

    # ---- which panels

    def build(self, specs: Iterable[PanelSpec], scalars: tuple[ScalarSpec, ...]) -> None:
        """Make the panels of a lesson; the old ones go."""
        self._rounds.forget()
        self._low.clear()
        self._shapes.clear()
        self._tall = ""
        for panel in self.panels.values():
            self._grid.removeWidget(panel)
            panel.hide()
            panel.setParent(None)
            panel.deleteLater()
        self._frame, self._ghosts, self._runs, self._shown = None, (), (), ()
        self._scalars = scalars
        self._specs = {spec.id: spec for spec in specs}
        self.panels = {}
        for spec in self._specs.values():
            self._add(spec)

    def _add(self, spec: PanelSpec) -> None:
        panel = self._make(spec)
        panel.setParent(self)
        panel.hide()
        panel.gesture.connect(
            lambda name, payload, spec=spec: self.gesture.emit(spec, name, payload)
        )
        panel.explain_requested.connect(
            lambda index, item=spec.item: self.explain_requested.emit(item, tuple(index))
        )
        panel.seek_requested.connect(self.seek_requested)
        panel.term_requested.connect(self.term_requested)
        panel.notice.connect(self.notice)
        panel.problem.connect(self.problem)
        panel.height_changed.connect(lambda panel_id=spec.id: self._fit_low(panel_id))
        self.panels[spec.id] = panel

    def show_only(self, ids: tuple[str, ...]) -> None:
        """The panels of a step, in the lesson's grid with empty rows and columns closed up."""
        wanted = tuple(ids) or tuple(self._specs)
        for panel_id in self._shown:
            if panel_id not in wanted:
                self.panels[panel_id].hide()
        self._shown = tuple(panel_id for panel_id in wanted if panel_id in self.panels)
        self._place([self._specs[panel_id] for panel_id in self._shown])
        for panel_id in self._shown:
            self.panels[panel_id].show()
        for panel_id in self._shown:
            self._draw(panel_id)
            self._rounds.drawn(panel_id)
        self._rearrange()
        self._fit()

    def _place(self, specs: list[PanelSpec]) -> None:
        self._arranged = specs
        rows = bands(specs, "row")
        columns = bands(specs, "column")
        for panel in self.panels.values():
            self._grid.removeWidget(panel)
        for index in range(self._grid.rowCount()):
            self._grid.setRowStretch(index, 0)
        for index in range(self._grid.columnCount()):
            self._grid.setColumnStretch(index, 0)
        for index, band in enumerate(rows):
            self._grid.setRowStretch(index, len(band))
        for index, band in enumerate(columns):
            self._grid.setColumnStretch(index, len(band))
        found = places(specs)
        for panel_id, (row, row_span, column, column_span) in found.items():
            panel = self.panels[panel_id]
            self._grid.addWidget(panel, row, column, row_span, column_span)
        self._find_low(found, len(rows))
        least = min((len(band) for band in rows), default=1)
        self._bands = [min(round(len(band) / least), 2) for band in rows]
        self._keep_height()
        self._find_tall(found, len(columns))

    def _rearrange(self) -> None:
        """Set the panels out so that little of the room stays blank; with nothing to show yet, as the
        lesson says."""
        own = [self._specs[panel_id] for panel_id in self._shown]
        if not own or not all(self.panels[spec.id].has_content() for spec in own):
            return
        gap = self._grid.spacing()
        size = float(self.width() - gap), float(self.height() - gap)
        found = own  # where it scrolls, the lesson's first panel stays in sight
        if not self._scrolls():
            found = best(own, self._arranged, size, self._filled, self._natural)
        if found != self._arranged:
            self._place(found)
            self._fit()

    def _scrolls(self) -> bool:
        around = self.parentWidget()
        return around is not None and self.height() > around.height() + 1

    def _filled(self, panel_id: str, width: float, height: float) -> tuple[float, float]:
        return self.panels[panel_id].filled(width, height)

    def _natural(self, panel_id: str, width: float) -> float | None:
        low = self._specs[panel_id].kind in LOW_KINDS
        return self.panels[panel_id].height_at(width) if low else None

    def _find_low(self, places: dict[str, Place], rows: int) -> None:
        """Which panels get their natural height: all of a row, if other rows can take the rest."""
        for panel_id in self._low:
            self.panels[panel_id].setMinimumHeight(PANEL_LEAST)
            self.panels[panel_id].setMaximumHeight(UNLIMITED)
        in_row = [
            [id_ for id_, place in places.items() if place[:2] == (row, 1)] for row in range(rows)
        ]
        low = [
            row
            for row, found in enumerate(in_row)
            if found and all(self._specs[id_].kind in LOW_KINDS for id_ in found)
        ]
        if len(low) == rows:
            low = []
        self._row_count = rows
        self._low_rows = [in_row[row] for row in low]
        self._low = {id_: 0 for found in self._low_rows for id_ in found}
        for row in low:
            self._grid.setRowStretch(row, 0)

    def _find_tall(self, found: dict[str, Place], columns: int) -> None:
        """The panel that stands alone in the left one of two columns; it may take more than half."""
        left = [id_ for id_, place in found.items() if place[2] == 0 and place[3] == 1]
        self._tall = left[0] if len(left) == 1 and columns == 2 else ""

    def _share_width(self) -> None:
        """A figure whose shape is given, such as a map, gets the width that its height can use."""
        if not self._tall:
            return
        room = self.width() - self._grid.spacing()
        tall = self.panels[self._tall]
        high = self.height() if tall.y() + tall.height() >= self.height() else tall.height()
        wanted = tall.wanted_width(high) or room // 2
        left = max(room // 2, min(round(room * WIDEST_SHARE), wanted))
        if abs(left - self._grid.columnStretch(0)) > 1:
            self._grid.setColumnStretch(0, left)
            self._grid.setColumnStretch(1, room - left)

    def _keep_height(self) -> None:
        """A floor for the grid's height: what all rows need to be read."""
        gaps = self._grid.spacing() * max(0, len(self._bands) - 1)
        rows = theme().pixels(ROW_LEAST) * sum(self._bands)
        self.setMinimumHeight(min(rows + gaps, theme().pixels(GRID_LEAST)))

    def _fit_low(self, panel_id: str) -> None:
        """Follow what the panel says, but never shrink: the page must not dance while it runs."""
        if panel_id not in self._low:
            return
        panel = self.panels[panel_id]
        self._low[panel_id] = max(self._low[panel_id], panel.natural_height())
        in_row = next(row for row in self._low_rows if panel_id in row)
        share = (self.height() - (self._row_count - 1) * self._grid.spacing()) // self._row_count
        wanted = max(PANEL_LEAST, min(max(self._low[one] for one in in_row), share))
        for one in in_row:  # side by side, they end on one line
            panel = self.panels[one]
            if (panel.minimumHeight(), panel.maximumHeight()) != (wanted, wanted):
                panel.setFixedHeight(wanted)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._rearrange()
        self._fit()

    def _fit(self) -> None:
        """Heights and widths that depend on what the panels show, from the start."""
        self._grid.activate()
        for panel_id in self._low:  # of a panel just moved, only this knows its height
            panel = self.panels[panel_id]
            known = panel.has_content()
            self._low[panel_id] = math.ceil(panel.height_at(panel.width())) if known else 0
        for panel_id in self._low:
            self._fit_low(panel_id)
        self._grid.activate()
        self._share_width()

    @property
    def shown(self) -> tuple[str, ...]:
        """Ids of the panels on screen."""
        return self._shown

    # ---- data

    def show_frame(self, frame: Frame, ghosts: tuple[Frame, ...]) -> None:
        """A new picture of the run, with the runs it is compared with."""
        self._frame, self._ghosts = frame, ghosts
        self._step = frame.step
        for panel_id in self._shown:
            self._rounds.ask(panel_id, self._kind(panel_id))

    def schedule_histories(self, runs: tuple[RunHistory, ...]) -> None:
        """The scalars grew; the curves follow soon."""
        self._runs = runs
        for panel_id in self._shown:
            if is_history(self._specs[panel_id]):
                self._rounds.ask(panel_id, "history")

    def _kind(self, panel_id: str) -> str:
        spec = self._specs[panel_id]
        return "history" if is_history(spec) else spec.kind

    def show_explanation(self, item: str, explanation: Explanation | None) -> None:
        """The arithmetic that was asked for, on the panels that show ``item``."""
        if explanation is None:
            return
        for panel_id in self._shown:
            if self._specs[panel_id].item == item:
                self.panels[panel_id].show_explanation(explanation)

    def _draw(self, panel_id: str) -> None:
        """Give a panel the newest there is for it."""
        spec, panel = self._specs.get(panel_id), self.panels.get(panel_id)
        if spec is None or panel is None or panel_id not in self._shown:
            return
        if is_history(spec):
            front = self._frame.run if self._frame is not None else None
            panel.show_histories(self._runs, self._scalars, self._marked(front), front_run=front)
        elif self._frame is not None and (item := self._frame.items.get(spec.item)) is not None:
            ghosts = tuple(
                ghost.items[spec.item] for ghost in self._ghosts if spec.item in ghost.items
            )
            panel.show_item(item, ghosts)
        self._fit_low(panel_id)
        if self._shapes.get(panel_id) != (shape := (panel.has_content(), panel.shape())):
            self._shapes[panel_id] = shape
            self._rearrange()
        if panel_id == self._tall:
            self._share_width()

    def _marked(self, front: int | None) -> int:
        """The step that curves mark: the one shown, or while the run goes on its newest, as its
        scalars are a few steps ahead of the last picture."""
        for run in self._runs:
            if run.id == front and self._step >= run.head:
                return max(self._step, run.history.last_step)
        return self._step

    def retranslate(self) -> None:
        """Panels listen themselves; drawing again picks up texts inside the items."""
        for panel_id in self._shown:
            self._draw(panel_id)


def is_history(spec: PanelSpec) -> bool:
    """Whether the panel shows the scalars of the runs rather than an item of the frame."""
    return spec.kind == "history" or spec.item == "history"
