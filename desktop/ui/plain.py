"""Tooltips for texts from elsewhere: Qt makes markup of whatever looks like it, unless it is told not to.

Labels have ``Qt.TextFormat.PlainText`` for that; tooltips have nothing, so names of models, titles of
conversations and tokens go through here. Imports Qt.
"""

from __future__ import annotations

from html import escape

from PySide6.QtGui import Qt


def plain_tip(text: str) -> str:
    """``text`` for ``setToolTip`` so that it is shown letter by letter."""
    if not Qt.mightBeRichText(text):
        return text
    return f'<p style="white-space: pre-wrap">{escape(text)}</p>'
