"""LaTeX to images, without a browser and without TeX: ziamath lays out, QtSvg paints.

``render`` answers with an image that is sharp on the given screen, its size in logical pixels and
its depth below the text baseline, so that prose can set it in a line. Laying out costs 5–20 ms, so
results are cached, and ``cached`` tells whether a formula would come at once. ziamath is imported
at the first formula (a quarter of a second), not with the window. Imports Qt; no torch.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from desktop.bilingual import Bilingual, GlassboxError

CACHE_ENTRIES = 400
# Commands that latex2mathml does not know come out as their own name in red-less plain letters;
# a learner must never see those, so anything left with a backslash is refused.
_BACKSLASH = "\\"
# Written often by hand, unknown to the reader: the same thing in commands it does know.
_SPELLINGS = {"\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\lvert": "|", "\\rvert": "|", "−": "-"}


# A minus that begins a number or a term stands close to it; only one between two terms gets room.
_SIGN = re.compile(
    r"(^|[(\[{,=<>+*/|&]|\\(?:leftarrow|rightarrow|to|times|cdot|approx|le|leq|ge|geq|in|quad"
    r"|left[(\[|]|[ ,;!]))(\s*)-(?=\s*[\w\\.(])"
)


class FormulaError(GlassboxError):
    """The LaTeX could not be set; the source is in ``details``."""


@dataclass(frozen=True)
class FormulaImage:
    """A formula ready to draw: sizes in logical pixels, ``depth`` below the baseline."""

    image: QImage
    width: float
    height: float
    depth: float


_cache: OrderedDict[tuple[str, float, int, float], FormulaImage | FormulaError] = OrderedDict()


def cached(latex: str, *, pixels: float, color: QColor, ratio: float) -> bool:
    """Whether ``render`` with the same arguments answers without laying out."""
    return (latex, round(pixels, 2), color.rgba(), round(ratio, 3)) in _cache


def render(latex: str, *, pixels: float, color: QColor, ratio: float) -> FormulaImage:
    """The formula set in ``pixels`` high type for a screen with ``ratio`` device pixels per pixel."""
    key = (latex, round(pixels, 2), color.rgba(), round(ratio, 3))
    found = _cache.get(key)
    if found is None:
        try:
            found = _paint(_svg(latex, pixels, color), ratio)
        except FormulaError as error:
            found = error
        _cache[key] = found
        while len(_cache) > CACHE_ENTRIES:
            _cache.popitem(last=False)
    else:
        _cache.move_to_end(key)
    if isinstance(found, FormulaError):
        raise found
    return found


def svg(latex: str, *, pixels: float, color: QColor) -> bytes:
    """The formula as SVG (paths only, no text), for saving figures."""
    return _svg(latex, pixels, color).encode()


def _error(latex: str, reason: str) -> FormulaError:
    return FormulaError(
        Bilingual("这个公式无法排版。", "This formula cannot be typeset."),
        Bilingual("请检查 LaTeX 写法。", "Check the LaTeX source."),
        f"{latex}\n{reason}",
    )


def _svg(latex: str, pixels: float, color: QColor) -> str:
    import ziamath  # heavy: only once a formula is really shown

    # SVG 1.1 paths: QtSvg knows neither <symbol> nor <use> well enough for SVG 2.
    ziamath.config.svg2 = False
    for written, known in _SPELLINGS.items():
        latex = latex.replace(written, known)
    latex = _SIGN.sub(r"\1\2{-}", latex)
    try:
        formula = ziamath.Latex(latex, size=pixels, color=color.name(QColor.NameFormat.HexRgb))
        if _BACKSLASH in formula.mathmlstr():
            raise _error(latex, "unknown command")
        text = formula.svg()
    except FormulaError:
        raise
    except Exception as error:
        raise _error(latex, repr(error)) from error
    return str(text)


def _paint(source: str, ratio: float) -> FormulaImage:
    renderer = QSvgRenderer(QByteArray(source.encode()))
    box = renderer.viewBoxF()
    if not renderer.isValid() or box.isEmpty():
        raise _error(source[:80], "no picture")
    # The view box starts at -ascent, so what lies below zero hangs under the baseline.
    width, height, depth = box.width(), box.height(), box.y() + box.height()
    image = QImage(
        max(1, round(width * ratio)),
        max(1, round(height * ratio)),
        QImage.Format.Format_ARGB32_Premultiplied,
    )
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, image.width(), image.height()))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return FormulaImage(image, width, height, depth)
