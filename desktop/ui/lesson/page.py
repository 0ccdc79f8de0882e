"""The lesson's widgets and where they stand: header, prose, panels, controls, transport.

Knows nothing of sessions and stores; ``LessonView`` connects what is built here. Imports Qt and the
widgets of this package.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.focus_order import chain_focus
from desktop.ui.lesson.code_view import CodeView
from desktop.ui.lesson.controls import ControlsStrip
from desktop.ui.lesson.header import LessonHeader
from desktop.ui.lesson.look import sheet
from desktop.ui.lesson.notices import ErrorNotice, FindingNotice
from desktop.ui.lesson.panel_grid import PanelGrid
from desktop.ui.lesson.prose import NARROWEST, WIDEST, ProseColumn
from desktop.ui.lesson.prose_text import TermTip
from desktop.ui.lesson.share import Sharing
from desktop.ui.lesson.transport import Transport
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme

LOWEST_PANELS = 160
PROSE_SHARE, PROSE_MOST, CONTROLS_MOST = 0.325, 0.42, 0.36
"""Shares of the page: the prose column's width, its limit, and the controls' greatest height."""


class PanelArea(QScrollArea):
    """Room for the panels; where it is too low for them all, as with very large text, it scrolls."""

    def __init__(self, grid: PanelGrid) -> None:
        super().__init__()
        self.setObjectName("PanelArea")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._grid = grid
        self.setWidget(grid)
        grid.setObjectName("PanelGrid")

    def minimumSizeHint(self) -> QSize:
        return QSize(self._grid.minimumSizeHint().width(), LOWEST_PANELS)


class LessonPage(QWidget):
    """Everything a lesson shows, laid out."""

    def __init__(self, term_tip: TermTip) -> None:
        super().__init__()
        self.setObjectName("LessonView")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._build(term_tip)
        theme().changed.connect(self._restyle)
        language().changed.connect(self.retranslate)
        self._restyle()

    def _build(self, term_tip: TermTip) -> None:
        self.sharing = Sharing(self)
        self.header = LessonHeader(self.sharing.make_menu(self))
        self.prose = ProseColumn(term_tip)
        self.grid, self.code = PanelGrid(), CodeView()
        self.pages = QStackedWidget()
        self.panels = PanelArea(self.grid)
        self.pages.addWidget(self.panels)
        self.pages.addWidget(self.code)
        self.finding, self.error = FindingNotice(), ErrorNotice()
        self.controls, self.transport = ControlsStrip(), Transport()
        self._right = QVBoxLayout()
        self._right.setSpacing(8)
        self._right.addWidget(self.pages, 1)
        for widget in (self.error, self.finding, self.controls, self.transport):
            self._right.addWidget(widget)
        self._body = QHBoxLayout()
        self._body.setSpacing(12)
        self._body.addWidget(self.prose)
        self._body.addLayout(self._right, 1)
        self._whole = QVBoxLayout(self)
        self._whole.setContentsMargins(16, 10, 14, 12)
        self._whole.setSpacing(10)
        self._whole.addWidget(self.header)
        self._whole.addLayout(self._body, 1)

    def order_focus(self) -> None:
        """Tab follows the eye: prose and questions, the next step, panels, controls, transport."""
        chain_focus(
            (
                *(self.header, self.prose.area, self.prose.steps, self.error, self.finding),
                *(self.grid.panels[one] for one in self.grid.shown),
                *self.controls.in_order(),
                *self.transport.in_order(),
                self.code,
            )
        )

    # ---- appearance

    def retranslate(self, _language: str = "") -> None:
        """All texts in the language in force."""
        self.setAccessibleName(tr("lesson_view.page"))
        for part in (
            self.header,
            self.prose,
            self.controls,
            self.transport,
            self.finding,
            self.error,
            self.code,
            self.sharing,
            self.grid,
        ):
            part.retranslate()

    def _restyle(self) -> None:
        self.setStyleSheet(sheet())
        self.prose.refresh()

    def _share_width(self) -> None:
        """Give the prose its share, as far as what stands right of it leaves room.

        The page's own least width counts the narrowest prose, not the prose as it is now: otherwise
        a page that has once been wide could not become narrow again.
        """
        margins = self.contentsMargins() + self._whole.contentsMargins()
        beside = self._right.minimumSize().width() + self._body.spacing()
        beside += margins.left() + margins.right()
        least = max(NARROWEST + beside, self.header.minimumSizeHint().width())
        if self.minimumWidth() != least:
            self.setMinimumWidth(least)
        scale = max(1.0, theme().text_scale)
        wanted = self.width() * PROSE_SHARE * scale
        most = min(WIDEST * scale, self.width() * PROSE_MOST, self.width() - beside)
        self.prose.setFixedWidth(round(max(NARROWEST, min(most, wanted))))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._share_width()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()
        self.controls.limit_height(round(event.size().height() * CONTROLS_MOST))
