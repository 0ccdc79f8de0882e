"""Look inside: what the model considered, looked at and thought, layer by layer, for one token.

Three tabs share the drawer: the alternatives as bars (choose one to go on from it as a branch), the
attention over everything read so far, and the logit lens as a table of layers and ranks. It follows
the newest token until one is chosen. Imports Qt, the runtime's messages and strings; no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.course.chats import TokenRecord
from desktop.runtime.chat_messages import TUTOR_NAME, Inspection
from desktop.ui.chat.alternatives import Alternatives
from desktop.ui.chat.attention import AttentionText
from desktop.ui.chat.byte_tokens import Spelled, spell_record
from desktop.ui.chat.controller import probability
from desktop.ui.chat.lens import LensTable
from desktop.ui.chat.numbers import share
from desktop.ui.lesson.look import GlyphButton, button, label
from desktop.ui.plain import plain_tip
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme

LONGEST = 18
"""Letters of a token in the heading."""


class InsideDrawer(QFrame):
    """Shows one token of one answer."""

    what_if = Signal(int, int, int)
    """answer, place, id of the other token"""
    closed = Signal()
    follow_wanted = Signal()
    term_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "bar")
        self.answer, self.place = 0, -1
        self.following = True
        self._record: TokenRecord | None = None
        self._spelled = Spelled("", "")
        self._inspection: Inspection | None = None
        self._other = ""
        self._title = label("heading")
        self._note = label("small", wrap=True)
        self.follow_button = button("link", self.follow_wanted.emit)
        self.close_button = GlyphButton("close", "muted", size=15)
        self.close_button.clicked.connect(self.closed)
        self.alternatives = Alternatives()
        self.alternatives.chosen.connect(self._chosen)
        self.attention = AttentionText()
        self.layer, self.head = QComboBox(), QComboBox()
        for box in (self.layer, self.head):
            box.currentIndexChanged.connect(self._show_attention)
        self.lens = LensTable()
        self._hints = {name: label("small", wrap=True) for name in ("bars", "attention", "lens")}
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setFocusProxy(None)  # type: ignore[arg-type]  # the bar has a place of its own
        self.tabs.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.tabs.addTab(_scrolled(self._hints["bars"], self.alternatives), "")
        self._picks = picks = QWidget()
        row = QHBoxLayout(picks)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.layer, 1)
        row.addWidget(self.head, 1)
        self._attention_area = _scrolled(self.attention)
        self.tabs.addTab(_page(self._hints["attention"], picks, self._attention_area), "")
        self._to_deepest = QTimer(self)
        self._to_deepest.setSingleShot(True)  # the page takes its new height first
        self._to_deepest.timeout.connect(self._scroll_to_deepest)
        self.tabs.currentChanged.connect(lambda _: self._to_deepest.start())
        self.tabs.addTab(_page(self._hints["lens"], self.lens), "")
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self.close_button)
        below = QHBoxLayout()
        below.addWidget(self._note, 1)
        below.addWidget(self.follow_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 6, 8, 6)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addLayout(below)
        layout.addWidget(self.tabs, 1)
        language().changed.connect(self.retranslate)
        theme().changed.connect(self._refresh)
        self.retranslate()

    def in_order(self) -> list[QWidget]:
        """What Tab goes through."""
        pages = (self.tabs.widget(place) for place in range(self.tabs.count()))
        head = [self.close_button, self.follow_button, self.tabs.tabBar()]
        return [*head, *(page for page in pages if page is not None)]

    # ---- what it shows

    def show_token(self, answer: int, place: int, records: Sequence[TokenRecord]) -> None:
        """A token of an answer and its alternatives; attention and lens follow with
        ``show_inspection``."""
        self.answer, self.place, self._record = answer, place, records[place]
        self._spelled = spell_record(records, place)
        self.alternatives.show_token(records, place)
        if self._other:
            self._written_by("")
        self._say()

    def show_unseen(self, model: str) -> None:
        """The token was written by a model that is not loaded: only what was kept is known of it."""
        self._inspection = None
        self.attention.show_weights((), None)
        self.lens.clear_all()
        self._written_by(model)

    def show_inspection(self, found: Inspection) -> None:
        """Attention and lens of the token that is shown."""
        self._inspection = found
        self._fill_picks(*found.attention.shape[:2])
        self._show_attention()
        self.lens.show_inspection(found)

    def forget(self) -> None:
        """Nothing is chosen."""
        self.answer, self.place, self._record, self._inspection = 0, -1, None, None
        self.following = True
        self.alternatives.clear()
        self.attention.show_weights((), None)
        self.lens.clear_all()
        self._written_by("")
        self._say()

    def _written_by(self, other: str) -> None:
        """``other``: the model that would have to be loaded first."""
        self._other = other
        self.alternatives.may_choose = not other
        self._picks.setVisible(not other)
        name = tr("chat.tutor") if other == TUTOR_NAME else other
        for key, hint in self._hints.items():
            own = tr(f"chat_inside.hint_{key}")
            hint.setText(tr("chat_inside.other_model", model=name) if other else own)

    def _say(self) -> None:
        one = self._record
        self.follow_button.setVisible(not self.following)
        self.tabs.setVisible(one is not None)
        if one is None:
            self._title.setText(tr("chat_inside.title"))
            self._note.setText(tr("chat_inside.nothing"))
            return
        token = self._spelled.alone or "·"
        token = token if len(token) <= LONGEST else token[: LONGEST - 1] + "…"
        self._title.setText(tr("chat_inside.token", token=token, place=self.place + 1))
        self._title.setToolTip(plain_tip(self._spelled.tip))
        self._note.setText(tr("chat_inside.chance", share=share(probability(one))))

    def _chosen(self, token: int) -> None:
        self.what_if.emit(self.answer, self.place, token)

    def _fill_picks(self, layers: int, heads: int) -> None:
        for box, count, key in ((self.layer, layers, "layer"), (self.head, heads, "head")):
            if box.count() == count + 1:
                continue
            box.blockSignals(True)
            box.clear()
            box.addItem(tr(f"chat_inside.all_{key}s"))
            for number in range(1, count + 1):
                box.addItem(tr(f"chat_inside.{key}", number=number))
            box.blockSignals(False)

    def _show_attention(self) -> None:
        found = self._inspection
        if found is None:
            return
        weights = found.attention
        layer, head = self.layer.currentIndex(), self.head.currentIndex()
        weights = weights.mean(0) if layer < 1 else weights[layer - 1]
        weights = weights.mean(0) if head < 1 else weights[head - 1]
        self.attention.show_weights(found.tokens, weights)
        self._to_deepest.start()

    def _scroll_to_deepest(self) -> None:
        place = self.attention.deepest()
        inner = self._attention_area.widget()
        if place is None or inner is None or not self.attention.isVisible():
            return
        at = self.attention.viewport().mapTo(inner, place.center())
        self._attention_area.ensureVisible(at.x(), at.y(), 0, 2 * place.height())

    def _refresh(self) -> None:
        self.alternatives.update()
        self._show_attention()
        if self._inspection is not None:
            self.lens.show_inspection(self._inspection)

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self.close_button.name_it(tr("chat_inside.close"), "Ctrl+I")
        self.follow_button.setText(tr("chat_inside.follow"))
        for place, key in enumerate(("bars", "attention", "lens")):
            self.tabs.setTabText(place, tr(f"chat_inside.tab_{key}"))
        self.tabs.setAccessibleName(tr("chat_inside.title"))
        self.tabs.tabBar().setAccessibleName(tr("chat_inside.title"))
        for box in (self.layer, self.head):
            box.setToolTip(tr("chat_inside.averaged"))
        self.layer.setAccessibleName(tr("chat_inside.pick_layer"))
        self.head.setAccessibleName(tr("chat_inside.pick_head"))
        for box, key in ((self.layer, "layer"), (self.head, "head")):
            for place in range(box.count()):
                box.setItemText(
                    place,
                    tr(f"chat_inside.{key}", number=place)
                    if place
                    else tr(f"chat_inside.all_{key}s"),
                )
        for widget in (self.alternatives, self.attention, self.lens):
            widget.retranslate()
        self._written_by(self._other)
        self._say()


def _page(*widgets: QWidget) -> QWidget:
    """The last one takes what room there is."""
    page, body = _box(*widgets)
    body.setStretchFactor(widgets[-1], 1)
    return page


def _box(*widgets: QWidget) -> tuple[QWidget, QVBoxLayout]:
    inner = QWidget()
    inner.setProperty("kind", "clear")
    body = QVBoxLayout(inner)
    body.setContentsMargins(0, 6, 8, 4)
    body.setSpacing(6)
    for widget in widgets:
        body.addWidget(widget)
    return inner, body


def _scrolled(*widgets: QWidget) -> QScrollArea:
    inner, body = _box(*widgets)
    body.addStretch(1)
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it has the focus, and scrolls it
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inner)
    return area
