"""Lines of an arithmetic: a typeset formula with a remark beside or below it.

Shared by the worked panel and the explanation popover. Laying out a formula costs 5–20 ms, so
``prepare`` sets at most one new formula per call and the owner calls it again from a timer: numbers
that change thirty times a second never stall the window. Imports Qt; no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgRenderer

from desktop.bilingual import Bilingual
from desktop.ui import formula
from desktop.ui.panels.look import BODY, Look
from desktop.ui.strings import pick

Line = tuple[str, Bilingual]
FORMULA_PIXELS = 16.0
COLUMN_LEAST, COLUMN_GAP = 320, 24


@dataclass
class _Row:
    """One line, set as far as it is known."""

    latex: str
    remark: str
    image: formula.FormulaImage | None = None
    failed: bool = False


def plain(lines: Sequence[Line]) -> str:
    """The lines as text that can be pasted: LaTeX and remarks."""
    return "\n".join(f"{latex}    {pick(remark)}".rstrip() for latex, remark in lines)


def broken(latex: str, fits: Callable[[str], bool]) -> list[str]:
    """A long calculation cut before “+” and “=” (never inside brackets) into lines that fit."""
    lines: list[str] = []
    for piece in _pieces(latex):
        if lines and fits(lines[-1] + piece):
            lines[-1] += piece
        else:
            lines.append(rf"\quad {piece.strip()}" if lines else piece)
    return lines


def _pieces(latex: str) -> list[str]:
    pieces, depth, start = [], 0, 0
    for at, sign in enumerate(latex):
        depth += (sign in "{([") - (sign in "})]")
        if depth == 0 and at and latex.startswith((" + ", " = "), at):
            pieces.append(latex[start:at])
            start = at
    return [*pieces, latex[start:]]


class FormulaLines:
    """The lines as they can be drawn now. An arithmetic stays until all of the next one is set: two
    lines side by side always belong to the same calculation."""

    def __init__(self, *, columns: int = 1) -> None:
        """``columns``: so many beside each other where there is room for them."""
        self._most = columns
        self._rows: list[_Row] = []
        self._coming: list[_Row] = []
        self._waiting: list[_Row] = []

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Replace the lines; formulas are set by later calls of ``prepare``."""
        self._coming = [_Row(latex, pick(remark)) for latex, remark in lines]
        self._waiting = list(self._coming)
        if not self._coming or not self.complete:
            self._rows = self._coming  # nothing whole to look at yet: show each line as it comes

    @property
    def complete(self) -> bool:
        """Whether there are lines to see, and every one is set."""
        return bool(self._rows) and all(row.image is not None or row.failed for row in self._rows)

    def prepare(self, drawn_with: Look, ratio: float) -> bool:
        """Set the next formula that is not ready; False when nothing is left to do."""
        while self._waiting:
            row = self._waiting.pop(0)
            arguments = {
                "pixels": drawn_with.pixels(FORMULA_PIXELS),
                "color": drawn_with.color("ink"),
                "ratio": ratio,
            }
            known = formula.cached(row.latex, **arguments)  # type: ignore[arg-type]
            self._set(row, drawn_with, ratio)
            if not self._waiting:
                self._rows = self._coming
            if not known:
                return bool(self._waiting)
        return False

    def prepare_all(self, drawn_with: Look, ratio: float) -> None:
        """Set everything now, for a popover or a saved figure."""
        while self.prepare(drawn_with, ratio):
            pass

    def _set(self, row: _Row, drawn_with: Look, ratio: float) -> None:
        try:
            row.image = formula.render(
                row.latex,
                pixels=drawn_with.pixels(FORMULA_PIXELS),
                color=drawn_with.color("ink"),
                ratio=ratio,
            )
            row.failed = False
        except formula.FormulaError:
            # The numbers still matter: show the source rather than nothing.
            row.image, row.failed = None, True

    def height(self, width: float, drawn_with: Look) -> float:
        """How high the lines are at this width."""
        columns, wide = self._columns(width, drawn_with)
        heights = [sum(self._row_height(row, wide, drawn_with) for row in rows) for rows in columns]
        return max(heights, default=0.0)

    def _columns(self, width: float, drawn_with: Look) -> tuple[list[list[_Row]], float]:
        """The lines in columns of about equal height, read downwards, and how wide each is."""
        gap = drawn_with.pixels(COLUMN_GAP)
        count = min(self._most, len(self._rows), int(width // drawn_with.pixels(COLUMN_LEAST)))
        if count < 2:
            return [self._rows], width
        wide = (width - gap * (count - 1)) / count
        heights = [self._row_height(row, wide, drawn_with) for row in self._rows]
        columns: list[list[_Row]] = [[] for _ in range(count)]
        above = 0.0
        for row, high in zip(self._rows, heights, strict=True):
            columns[min(count - 1, int((above + high / 2) / sum(heights) * count))].append(row)
            above += high
        return columns, wide

    def wrap(self, lines: Sequence[Line], width: float, drawn_with: Look, ratio: float) -> None:
        """Replace the lines, the long ones cut so that each can be read at this width."""

        def fits(latex: str) -> bool:
            try:
                found = formula.render(
                    latex,
                    pixels=drawn_with.pixels(FORMULA_PIXELS),
                    color=drawn_with.color("ink"),
                    ratio=ratio,
                )
            except formula.FormulaError:
                return True
            return found.width <= width * 1.15  # a little smaller reads better than cut

        cut: list[Line] = []
        for latex, remark in lines:
            parts = [latex] if fits(latex) else broken(latex, fits)
            cut += [(part, Bilingual("", "")) for part in parts[:-1]] + [(parts[-1], remark)]
        self.set_lines(cut)

    def width(self, drawn_with: Look) -> float:
        """How wide they want to be."""
        metrics = drawn_with.metrics(BODY)
        return max(
            (
                max(self._formula_size(row, drawn_with)[0], metrics.horizontalAdvance(row.remark))
                for row in self._rows
            ),
            default=0.0,
        )

    def _formula_size(self, row: _Row, drawn_with: Look) -> tuple[float, float]:
        if row.image is not None:
            return row.image.width, row.image.height
        metrics = drawn_with.metrics(BODY)
        return metrics.horizontalAdvance(row.latex) * 1.1, metrics.height()

    def _row_height(self, row: _Row, width: float, drawn_with: Look) -> float:
        wide, high = self._formula_size(row, drawn_with)
        high *= min(1.0, width / max(1.0, wide))
        gap = drawn_with.pixels(9)
        if not row.remark:
            return high + gap
        return high + self._remark_box(row, width, drawn_with).height() + gap + 2

    def _remark_box(self, row: _Row, width: float, drawn_with: Look) -> QRectF:
        flags = Qt.TextFlag.TextWordWrap.value
        metrics = drawn_with.metrics(BODY)
        return metrics.boundingRect(QRectF(0, 0, max(40.0, width), 4000), flags, row.remark)

    def paint(
        self, painter: QPainter, area: QRectF, drawn_with: Look, *, vector: bool = False
    ) -> None:
        """Draw the lines from the top of ``area``; ``vector`` draws paths for saved figures."""
        columns, wide = self._columns(area.width(), drawn_with)
        x = area.left()
        for rows in columns:
            y = area.top()
            for row in rows:
                y = self._paint_row(painter, row, QPointF(x, y), wide, drawn_with, vector)
            x += wide + drawn_with.pixels(COLUMN_GAP)

    def _paint_row(
        self,
        painter: QPainter,
        row: _Row,
        at: QPointF,
        width: float,
        drawn_with: Look,
        vector: bool,
    ) -> float:
        wide, high = self._formula_size(row, drawn_with)
        shrink = min(1.0, width / max(1.0, wide))
        box = QRectF(at.x(), at.y(), wide * shrink, high * shrink)
        if row.image is not None and vector:
            source = formula.svg(
                row.latex,
                pixels=drawn_with.pixels(FORMULA_PIXELS),
                color=drawn_with.color("ink"),
            )
            QSvgRenderer(QByteArray(source)).render(painter, box)
        elif row.image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(box, row.image.image)
        elif row.failed:
            painter.setFont(drawn_with.mono())
            painter.setPen(drawn_with.color("ink"))
            painter.drawText(box.topLeft() + QPointF(0, drawn_with.metrics().ascent()), row.latex)
        y = box.bottom() + 2
        if row.remark:
            remark = self._remark_box(row, width, drawn_with)
            painter.setFont(drawn_with.font(BODY))
            painter.setPen(drawn_with.color("muted"))
            flags = Qt.TextFlag.TextWordWrap.value
            painter.drawText(QRectF(at.x(), y, width, remark.height() + 2), flags, row.remark)
            y += remark.height()
        return y + drawn_with.pixels(9)
