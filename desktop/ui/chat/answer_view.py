"""An answer in blocks, with its sources, its figures and what can be done with it.

While it is written only its newest letters are handled. With the look inside open it shows its tokens
instead of its typeset blocks. Imports Qt, the chat's own widgets and strings; no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from desktop.course.chats import Message, TokenRecord
from desktop.runtime.chat_messages import TUTOR_NAME, LoadOffer
from desktop.tutor.grounding import Source
from desktop.ui.chat.blocks import CodeBlock, TextBlock
from desktop.ui.chat.message_view import MessageView
from desktop.ui.chat.numbers import figures
from desktop.ui.chat.offers import OffersCard
from desktop.ui.chat.sources import SourcesRow
from desktop.ui.chat.stream import Append, Close, MarkdownStream, Open
from desktop.ui.chat.token_text import TokenText
from desktop.ui.lesson.look import GlyphButton, label
from desktop.ui.strings import tr


class AnswerView(MessageView):
    """What the model wrote, block by block."""

    again_wanted = Signal(int)
    token_chosen = Signal(int, int)
    """message, place"""
    web_requested = Signal(str)
    offer_taken = Signal(int, object)
    """message, ``LoadOffer``"""
    source_chosen = Signal(object)

    def __init__(self, message: Message, place: int, count: int, *, tokens: bool) -> None:
        super().__init__(message, place, count)
        is_tutor = message.model == TUTOR_NAME
        # The tutor sets its example off by a single line break, which Markdown takes for a space.
        self._stream = MarkdownStream(lines_are_paragraphs=is_tutor)
        self._blocks: list[TextBlock | CodeBlock] = []
        self._text = ""
        self.records: list[TokenRecord] | None = [] if message.state == "writing" else None
        self._facts: Mapping[str, Any] = message.facts
        self._writing = message.state == "writing"
        self.name = label("small")
        top = QHBoxLayout()
        top.setSpacing(0)
        top.addWidget(self.name, 1)
        self.body.addLayout(top)
        self.add_branch_buttons(top)
        self._area = QVBoxLayout()
        self._area.setSpacing(8)
        self.body.addLayout(self._area)
        self.tokens: TokenText | None = None
        self.offers: OffersCard | None = None
        self.sources = SourcesRow()
        self.sources.chosen.connect(self.source_chosen)
        self.body.addWidget(self.sources)
        self._show_sources()
        self.foot = label("small", wrap=True)
        self.again_button = GlyphButton("reset", "muted", size=15)
        self.again_button.clicked.connect(self._again)
        self.row.addWidget(self.copy_button)
        self.row.addWidget(self.again_button)
        self.row.addSpacing(6)
        self.row.addWidget(self.foot, 1)
        self.body.addLayout(self.row)
        if message.text:
            self._take(message.text)
        if not self._writing:
            self._finish_stream()
        self._tokens_wanted = tokens
        self.retranslate()
        self._show_foot()

    # ---- being written

    def add(self, records: Sequence[TokenRecord]) -> None:
        """The newest tokens."""
        if self.records is not None:
            self.records.extend(records)
        if self.tokens is not None:
            self.tokens.add(list(records))
        self._take("".join(one.text for one in records))

    def end(self, message: Message) -> None:
        """It is over."""
        self.message, self._facts, self._writing = message, message.facts, False
        self._show_sources()
        self._finish_stream()
        self._show_foot()

    def show_offers(self, offers: Sequence[LoadOffer]) -> None:
        """Memory ran out: ways to load the model so that it can answer."""
        self.offers = OffersCard(offers)
        self.offers.taken.connect(self._take_offer)
        self.body.insertWidget(self.body.indexOf(self.sources), self.offers)

    def _take_offer(self, offer: LoadOffer) -> None:
        self.offer_taken.emit(self.message.id, offer)

    def text(self) -> str:
        return self._text

    def _take(self, text: str) -> None:
        self._text += text
        self._carry_out(self._stream.feed(text))

    def _finish_stream(self) -> None:
        self._carry_out(self._stream.finish())

    def _carry_out(self, deeds: Any) -> None:
        for deed in deeds:
            match deed:
                case Open(code, name):
                    self._add_block(CodeBlock(name) if code else TextBlock())
                case Append(text):
                    self._blocks[-1].append(text)
                case Close(text):
                    self._blocks[-1].close_with(text)

    def _add_block(self, block: TextBlock | CodeBlock) -> None:
        block.view.web_requested.connect(self.web_requested)
        block.view.setAccessibleName(tr("chat.answer_name"))
        self._blocks.append(block)
        self._area.addWidget(block)
        block.setVisible(self.tokens is None)

    # ---- tokens instead of blocks

    def show_tokens(self, records: Sequence[TokenRecord] | None) -> None:
        """Show these tokens, or with ``None`` the typeset blocks again."""
        if records is None:
            if self.tokens is not None:
                self.tokens.hide()
                self.tokens.deleteLater()
                self.tokens = None
            for block in self._blocks:
                block.show()
            return
        self.records = list(records)
        if self.tokens is None:
            self.tokens = TokenText()
            self.tokens.token_chosen.connect(self._tell_token)
            self._area.insertWidget(0, self.tokens)
        self.tokens.show_tokens(self.records)
        for block in self._blocks:
            block.hide()

    def _tell_token(self, place: int) -> None:
        self.token_chosen.emit(self.message.id, place)

    # ---- the rest

    def _show_sources(self) -> None:
        kept = self._facts.get("sources", ())
        found = [Source.from_mapping(one) for one in kept] if isinstance(kept, list) else []
        self.sources.show_sources([one for one in found if one is not None])

    def _again(self) -> None:
        self.again_wanted.emit(self.message.id)

    def _show_foot(self) -> None:
        self.again_button.setVisible(not self._writing)
        self.copy_button.setVisible(not self._writing)
        self.foot.setText("" if self._writing else figures(self.message))

    def retranslate(self) -> None:
        super().retranslate()
        is_tutor = self.message.model == TUTOR_NAME
        self.name.setText(tr("chat.tutor") if is_tutor else self.message.model)
        self.again_button.name_it(tr("chat.again"))
        self.foot.setToolTip(tr("chat.figures_tip"))
        self.sources.retranslate()
        if self.offers is not None:
            self.offers.retranslate()
        if hasattr(self, "_facts"):
            self._show_foot()

    def refresh(self) -> None:
        super().refresh()
        for block in self._blocks:
            block.refresh()
        if self.tokens is not None and self.records is not None:
            self.tokens.show_tokens(self.records)
