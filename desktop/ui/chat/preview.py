"""Exactly what the model gets, token by token: the prompt with its format around it.

Imports Qt, fonts and strings; no torch.
"""

from __future__ import annotations

import html

from desktop.llm.prompts import PromptToken
from desktop.ui.chat.blocks import Text
from desktop.ui.chat.byte_tokens import spell
from desktop.ui.chat.page import ChatPage
from desktop.ui.lesson.look import label
from desktop.ui.plain import plain_tip
from desktop.ui.strings import tr
from desktop.ui.style import mixed
from desktop.ui.theme import palette, theme


class PreviewPage(ChatPage):
    """Tokens with alternating tint and their ids."""

    title_key = "chat_preview.title"

    def __init__(self) -> None:
        super().__init__()
        self._tokens: tuple[PromptToken, ...] = ()
        self._left_out = 0
        self._waiting = True
        self._note = label("muted", wrap=True)
        self.shown = Text(code=True)
        self.body.addWidget(self._note)
        self.body.addWidget(self.shown)
        self.body.addStretch(1)
        self.retranslate()

    def show_tokens(self, tokens: tuple[PromptToken, ...], left_out: int) -> None:
        """Show these."""
        self._tokens, self._left_out, self._waiting = tokens, left_out, False
        self.retranslate()

    def wait(self) -> None:
        """They have been asked for."""
        self._tokens, self._left_out, self._waiting = (), 0, True
        self.retranslate()

    def refresh(self) -> None:
        p = palette()
        tints = (mixed(p.surface, p.accent, 0.16), mixed(p.surface, p.accent, 0.06))
        pieces = []
        small = theme().pixels(9)
        spelled = spell([token.label for token in self._tokens])
        for place, (token, one) in enumerate(zip(self._tokens, spelled, strict=True)):
            text = html.escape(one.within).replace("↵", "↵<br>")
            tip = f' title="{html.escape(plain_tip(one.tip))}"' if one.tip else ""
            ink = f";color:{p.muted}" if one.quiet else ""
            pieces.append(
                f'<span style="background-color:{tints[place % 2]}{ink}"{tip}>{text}</span>'
                f'<span style="color:{p.muted};font-size:{small}px">{token.id}</span> '
            )
        self.shown.setHtml(f'<p style="line-height:150%">{"".join(pieces)}</p>')
        self.shown.fit()

    def retranslate(self) -> None:
        super().retranslate()
        note = tr("chat_preview.note", count=len(self._tokens))
        if self._waiting:
            note = tr("chat_preview.waiting")
        if self._left_out:
            note += " " + tr("chat_preview.left_out", count=self._left_out)
        self._note.setText(note)
        self.shown.setAccessibleName(tr("chat_preview.title"))
        self.refresh()
