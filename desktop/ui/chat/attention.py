"""What was looked at: everything read so far, each token shaded by its share of the attention.

Imports Qt, theme and strings; no torch.
"""

from __future__ import annotations

import html

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QTextCursor

from desktop.ui.chat.blocks import Text
from desktop.ui.chat.byte_tokens import Spelled, spell
from desktop.ui.chat.numbers import share
from desktop.ui.plain import plain_tip
from desktop.ui.strings import tr
from desktop.ui.style import mixed
from desktop.ui.theme import palette, theme

STRONGEST = 0.62
DEEPEST = "deepest"
MOST_TOKENS = 400
"""Only so many of the newest tokens are drawn: more would not fit into the drawer anyway."""


class AttentionText(Text):
    """Text with a shade behind each token and a line that says what the darkest means."""

    def __init__(self) -> None:
        super().__init__()
        self.retranslate()

    def show_weights(self, tokens: tuple[str, ...], weights: NDArray[np.floating] | None) -> None:
        """Shade ``tokens`` by ``weights``, which add up to 1."""
        if weights is None or not len(weights):
            self.clear()
            self.fit()
            return
        left_out = max(0, len(weights) - MOST_TOKENS)
        tokens, weights = tokens[left_out:], weights[left_out:]
        most = float(weights.max()) or 1.0
        p = palette()
        pieces = ["… " if left_out else ""]
        spelled = spell(tokens)
        strongest = spelled[int(weights.argmax())]
        for one, weight in zip(spelled, weights.tolist(), strict=True):
            color = mixed(p.surface, p.accent, STRONGEST * weight / most)
            ink = f"; color:{p.muted}" if one.quiet else ""
            text = html.escape(one.within).replace("␣", "&nbsp;").replace("↵", "↵<br>")
            span = (
                f'<span style="background-color:{color}{ink}" title="{_tip(one, weight)}">{text}'
                "</span>"
            )
            named = f'<a name="{DEEPEST}">{span}</a>' if one is strongest else span
            pieces.append(f"{named}&#8203;")
        legend = tr("chat_inside.legend", share=share(most), token=strongest.alone)
        self._set_plain_font()
        self.setHtml(
            f'<p style="color:{p.muted}; font-size:{theme().pixels(12)}px; margin:0 0 4px 0">'
            f"{html.escape(legend)}</p>"
            f'<p style="line-height:140%; margin:0">{"".join(pieces)}</p>'
        )
        self.fit()

    def deepest(self) -> QRect | None:
        """Where the token with the deepest shade is."""
        block = self.document().begin()
        while block.isValid():
            pieces = block.begin()
            while not pieces.atEnd():
                piece = pieces.fragment()
                if DEEPEST in piece.charFormat().anchorNames():
                    cursor = QTextCursor(self.document())
                    cursor.setPosition(piece.position())
                    return self.cursorRect(cursor)
                pieces += 1
            block = block.next()
        return None

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self.setAccessibleName(tr("chat_inside.tab_attention"))


def _tip(one: Spelled, weight: float) -> str:
    """For the tooltip of a token, as the value of an attribute."""
    told = tr("chat_inside.tip_share", token=one.alone, share=share(weight))
    return html.escape(plain_tip(f"{told} {one.tip}".strip()))
