"""Markdown set in a ``QTextDocument``: type, line rhythm, glossary links, formulas on the baseline.

``markdown.to_html`` says what is in the text; this says how it looks. Formulas are images
called ``math:…`` which ``PictureObjects`` paints at the sharpness of the screen.
Imports Qt, ``ui.markdown``, ``ui.formula``, fonts and theme; no torch.
"""

from __future__ import annotations

from urllib.parse import unquote

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPyTextObject,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)

from desktop.ui import fonts
from desktop.ui.formula import FormulaError, FormulaImage, render
from desktop.ui.markdown import TextStyle, to_html
from desktop.ui.style import mixed
from desktop.ui.theme import palette

_THIN, _THIN_STAND_IN = "\u2009", "\ue009"
_BASELINE = 0.8
"""Qt sets text in lines of fixed height with the baseline at four fifths of it."""
_HARMLESS = 4.0
"""So far a formula may reach below its line: letters of the next one begin lower."""
_LEADING = 0.2
"""The part of a line that is not the letters' own height."""


def css(style: TextStyle) -> str:
    """The default style sheet of a document set in ``style``."""
    p, mono = palette(), fonts.mono_family()
    px = style.pixels
    return f"""
    body, p, li, td, th {{ color: {p.ink}; font-size: {px:.0f}px; }}
    p {{ margin-top: 0; margin-bottom: {px * 0.75:.0f}px; }}
    p.display {{ margin-top: {px * 0.2:.0f}px; margin-bottom: {px * 0.95:.0f}px;
        margin-left: 16px; }}
    ul, ol {{ margin-top: 0; margin-bottom: {px * 0.6:.0f}px; margin-left: 0;
        -qt-list-indent: 1; }}
    li {{ margin-bottom: {px * 0.25:.0f}px; }}
    strong {{ font-weight: 600; }}
    a {{ text-decoration: none; color: {p.accent}; }}
    a.glossary {{ color: {p.ink}; text-decoration: underline; }}
    a.do {{ font-weight: 600; }}
    span.mark {{ font-size: {px * 0.7:.0f}px; }}
    span.code {{ font-family: '{mono}'; font-size: {px * 0.88:.0f}px;
        background-color: {p.hover}; }}
    pre.block {{ font-family: '{mono}'; font-size: {px * 0.84:.0f}px; white-space: pre-wrap;
        background-color: {p.hover}; margin-top: 2px; margin-bottom: {px * 0.8:.0f}px; }}
    table.grid {{ border-collapse: collapse; border-color: {p.hairline};
        margin-top: {px * 0.3:.0f}px; margin-bottom: {px * 0.8:.0f}px; }}
    table.grid th {{ font-weight: 600; text-align: left; background-color: {p.hover}; }}
    table.box {{ margin-top: {px * 0.85:.0f}px; margin-bottom: {px * 0.8:.0f}px; }}
    td.box-try {{ background-color: {mixed(p.surface, p.accent, 0.07)}; }}
    td.box-mistake {{ background-color: {mixed(p.surface, p.warning, 0.09)}; }}
    td.box-sources, td.box-note {{ background-color: {p.hover}; }}
    td.box-sources p, td.box-sources li, td.box-sources em, td.box-sources a {{ font-size: {px * 0.87:.0f}px; }}
    p.box-title {{ font-size: {px * 0.87:.0f}px; font-weight: 600; color: {p.muted};
        margin-bottom: {px * 0.3:.0f}px; }}
    p.try-title {{ color: {p.accent}; }}
    p.mistake-title {{ color: {p.warning}; }}
    """


def fill(document: QTextDocument, markdown: str, style: TextStyle) -> None:
    """Set ``document`` to the Markdown, with an even line rhythm and dotted glossary links."""
    font = fonts.ui_font(style.pixels)
    document.setDefaultFont(font)
    document.setDefaultStyleSheet(css(style))
    document.setDocumentMargin(0)
    document.setIndentWidth(18)
    document.setHtml(to_html(markdown, style).replace(_THIN, _THIN_STAND_IN))
    _set_thin_spaces(document)
    _set_rhythm(document, style)
    _dot_glossary_links(document)


def _set_thin_spaces(document: QTextDocument) -> None:
    """Qt's HTML reader makes every kind of space a full one, so thin ones come in afterwards."""
    found = document.find(_THIN_STAND_IN)
    while not found.isNull():
        found.insertText(_THIN)
        found = document.find(_THIN_STAND_IN, found)


def _set_rhythm(document: QTextDocument, style: TextStyle) -> None:
    """Lines of one height, whatever mixture of fonts is in them; tall formulas get more room."""
    block = document.begin()
    while block.isValid():
        cursor = QTextCursor(block)
        if not block.blockFormat().nonBreakableLines() and not _is_code(block):
            blockfmt = QTextBlockFormat()
            height, kind = _block_height(block, style)
            blockfmt.setLineHeight(height, kind.value)
            cursor.mergeBlockFormat(blockfmt)
        block = block.next()


def _is_code(block: QTextBlock) -> bool:
    return block.charFormat().fontFixedPitch() or fonts.mono_family() in (
        block.charFormat().fontFamilies() or []
    )


def _block_height(
    block: QTextBlock, style: TextStyle
) -> tuple[float, QTextBlockFormat.LineHeightTypes]:
    size = block.charFormat().font().pixelSize()
    height = style.line_height * (size / style.pixels if size > 0 else 1.0)
    deepest, tall = 0.0, False
    for name in _picture_names(block):
        if name.startswith("math:display:"):
            return height, QTextBlockFormat.LineHeightTypes.MinimumHeight
        if name.startswith("math:inline:"):
            picture = formula(name, style.pixels)
            if picture:
                deepest = max(deepest, picture.depth)
                tall = tall or picture.height - picture.depth > height * _BASELINE + 3
    below = deepest - height * (1 - _BASELINE)
    if below > _HARMLESS:  # its depth is painted where the next line would be
        return below + height * _LEADING, QTextBlockFormat.LineHeightTypes.LineDistanceHeight
    if tall:
        return height, QTextBlockFormat.LineHeightTypes.MinimumHeight
    return round(height), QTextBlockFormat.LineHeightTypes.FixedHeight


def _picture_names(block: QTextBlock) -> list[str]:
    names = []
    iterator = block.begin()
    while not iterator.atEnd():
        form = iterator.fragment().charFormat()
        if form.isImageFormat():
            names.append(form.toImageFormat().name())
        iterator += 1
    return names


def _dot_glossary_links(document: QTextDocument) -> None:
    dotted = QTextCharFormat()
    dotted.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DotLine)
    dotted.setUnderlineColor(palette().color("accent"))
    spans: list[tuple[int, int]] = []
    block = document.begin()
    while block.isValid():
        iterator = block.begin()
        while not iterator.atEnd():
            fragment = iterator.fragment()
            if fragment.charFormat().anchorHref().startswith("glossary:"):
                spans.append((fragment.position(), fragment.length()))
            iterator += 1
        block = block.next()
    for start, length in spans:
        cursor = QTextCursor(document)
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(dotted)


# ------------------------------------------------------------------------------------------------
# Pictures in the text


def formula(name: str, pixels: float, ratio: float = 1.0) -> FormulaImage | None:
    """The formula behind an image name, or ``None`` when its LaTeX cannot be set."""
    _scheme, mode, latex = name.split(":", 2)
    scale = 1.08 if mode == "display" else 1.0
    try:
        return render(
            unquote(latex), pixels=pixels * scale, color=palette().color("ink"), ratio=ratio
        )
    except FormulaError:
        return None


class PictureObjects(QPyTextObject):
    """Paints the ``math:…`` images of a document.

    Qt puts the bottom of an inline picture on the baseline. An inline formula therefore reports only
    its height above the baseline as its size, and its depth is painted below, where letters have
    their descenders too.
    """

    def __init__(self, parent: QObject, pixels: float) -> None:
        super().__init__(parent)
        self.pixels = pixels
        self.widest = 10_000.0

    def attach(self, document: QTextDocument) -> None:
        """Take over the images of ``document``."""
        kind = int(QTextFormat.ObjectTypes.ImageObject.value)
        document.documentLayout().registerHandler(kind, self)

    def intrinsicSize(self, document: QTextDocument, position: int, form: QTextFormat) -> QSizeF:
        name = form.toImageFormat().name()
        if not name.startswith("math:"):
            return QSizeF(0, 0)
        picture = formula(name, self.pixels)
        if picture is None:
            return self._source_size(name)
        if name.startswith("math:display:"):
            scale = self._scale(picture)
            return QSizeF(picture.width * scale, picture.height * scale)
        return QSizeF(picture.width, picture.height - picture.depth)

    def drawObject(
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        document: QTextDocument,
        position: int,
        form: QTextFormat,
    ) -> None:
        rect = QRectF(rect)
        name = form.toImageFormat().name()
        ratio = painter.device().devicePixelRatio() if painter.device() else 1.0
        if not name.startswith("math:"):
            return
        picture = formula(name, self.pixels, ratio)
        if picture is None:
            painter.setFont(self._source_font())
            painter.setPen(QColor(palette().bad))
            painter.drawText(rect, Qt.AlignmentFlag.AlignBottom, unquote(name.split(":", 2)[2]))
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        scale = self._scale(picture) if name.startswith("math:display:") else 1.0
        corner = _on_pixels(rect.topLeft(), ratio)
        if scale == 1.0:  # pixel for pixel, so that thin strokes stay sharp
            painter.drawImage(corner, picture.image)
            return
        size = QSizeF(picture.width * scale, picture.height * scale)
        painter.drawImage(QRectF(corner, size), picture.image)

    def _scale(self, picture: FormulaImage) -> float:
        return min(1.0, self.widest / max(1.0, picture.width))

    def _source_font(self) -> QFont:
        return fonts.mono_font(self.pixels * 0.85)

    def _source_size(self, name: str) -> QSizeF:
        metrics = QFontMetricsF(self._source_font())
        return QSizeF(
            metrics.horizontalAdvance(unquote(name.split(":", 2)[2])) + 2, metrics.ascent()
        )


def _on_pixels(point: QPointF, ratio: float) -> QPointF:
    """The nearest place where an image's pixels meet the screen's."""
    return QPointF(round(point.x() * ratio) / ratio, round(point.y() * ratio) / ratio)
