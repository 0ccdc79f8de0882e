"""Saving what a panel shows: PNG and SVG like a figure in a paper, CSV with the numbers.

A saved figure has its title, note, axes and units, at twice the screen's resolution. Files are
written beside and renamed, so a failed save leaves the old file alone. Imports Qt, frames; no torch.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from desktop.bilingual import Bilingual, GlassboxError
from desktop.engine import frames
from desktop.ui.panels.look import BODY, Look
from desktop.ui.strings import pick

if TYPE_CHECKING:
    from desktop.ui.panels.base import Panel

MARGIN, TITLE_PIXELS, RATIO = 16, 15.0, 2.0


class ExportError(GlassboxError):
    """A figure or table could not be written."""


def save(panel: Panel, path: Path, drawn_with: Look) -> None:
    """Write ``path`` in the format its suffix names."""
    suffix = path.suffix.lower()
    if suffix == ".png":
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        QImageWriter(buffer, QByteArray(b"PNG")).write(image(panel, drawn_with))
        _write(path, bytes(buffer.data().data()))
    elif suffix == ".svg":
        _write(path, svg(panel, drawn_with))
    elif suffix == ".csv":
        # The byte order mark makes spreadsheets read Chinese as Chinese.
        _write(path, b"\xef\xbb\xbf" + csv_text(panel.table()).encode())
    else:
        raise ExportError(
            Bilingual(f"不能保存为“{suffix}”。", f"A figure cannot be saved as “{suffix}”."),
            Bilingual("可以用 .png、.svg 或 .csv。", "Use .png, .svg or .csv."),
        )


def image(panel: Panel, drawn_with: Look) -> QImage:
    """The figure with its title, sharp enough to print."""
    size = _page(panel, drawn_with)
    picture = QImage(size * RATIO, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(RATIO)
    painter = QPainter(picture)
    try:
        _draw_page(panel, painter, size, drawn_with)
    finally:
        painter.end()
    return picture


def svg(panel: Panel, drawn_with: Look) -> bytes:
    """The figure with its title as SVG."""
    size = _page(panel, drawn_with)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(panel.title())
    painter = QPainter(generator)
    try:
        _draw_page(panel, painter, size, drawn_with)
    finally:
        painter.end()
    buffer.close()
    return bytes(data.data())


def _title_height(panel: Panel, drawn_with: Look) -> float:
    height = drawn_with.metrics(TITLE_PIXELS, 600).height() + 6
    return height + drawn_with.metrics(BODY).height() if panel.note() else height


def _page(panel: Panel, drawn_with: Look) -> QSize:
    figure = panel.figure_size()
    top = _title_height(panel, drawn_with)
    return QSize(figure.width() + 2 * MARGIN, round(figure.height() + top + 2 * MARGIN))


def _draw_page(panel: Panel, painter: QPainter, size: QSize, drawn_with: Look) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), drawn_with.color("surface"))
    metrics = drawn_with.metrics(TITLE_PIXELS, 600)
    painter.setPen(drawn_with.color("ink"))
    painter.setFont(drawn_with.font(TITLE_PIXELS, 600))
    room = size.width() - 2 * MARGIN
    title = metrics.elidedText(panel.title(), Qt.TextElideMode.ElideRight, room)
    painter.drawText(QPointF(MARGIN, MARGIN + metrics.ascent()), title)
    if note := panel.note():
        lines = drawn_with.metrics(BODY)
        painter.setPen(drawn_with.color("muted"))
        painter.setFont(drawn_with.font(BODY))
        note = lines.elidedText(note, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(MARGIN, MARGIN + metrics.height() + lines.ascent()), note)
    top = MARGIN + _title_height(panel, drawn_with)
    area = QRectF(MARGIN, top, room, size.height() - top - MARGIN)
    panel.exporting = True
    try:
        panel.paint_or_empty(painter, area, drawn_with)
    finally:
        panel.exporting = False


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ExportError(
            Bilingual(f"无法写入“{path.name}”。", f"“{path.name}” could not be written."),
            Bilingual(
                "请换一个有写入权限、空间足够的文件夹。",
                "Choose a folder you may write to, with space left.",
            ),
            str(error),
        ) from error


# ------------------------------------------------------------------------------------------------
# Tables


def csv_text(rows: list[list[Any]]) -> str:
    """Rows as CSV; numbers with all their digits, so that nothing is lost."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return repr(value) if isinstance(value, float) else value


def table(item: frames.Item) -> list[list[Any]]:
    """The numbers of any item, header first, in the shape a spreadsheet user would expect."""
    if isinstance(item, frames.Matrix):
        return _matrix(item)
    if isinstance(item, frames.Matrices):
        return _matrices(item)
    if isinstance(item, frames.HeatMap):
        return _field(item.field_, pick(item.x.label) or "x", pick(item.y.label) or "y")
    if isinstance(item, frames.Surface):
        return _surface(item)
    if isinstance(item, frames.Network):
        return _network(item)
    if isinstance(item, frames.Bars):
        return [["label", "value"], *zip(item.labels, item.values.tolist(), strict=True)]  # type: ignore[list-item]
    if isinstance(item, frames.Readouts):
        rows = [[r.name, pick(r.label), r.value, r.unit] for r in item.values]
        return [["name", "label", "value", "unit"], *rows]
    if isinstance(item, frames.Tokens):
        return _tokens(item)
    if isinstance(item, frames.TextBlocks):
        return [["heading", "text"], *([pick(e.heading), e.text] for e in item.entries)]
    if isinstance(item, frames.Worked):
        return [["formula", "remark"], *([latex, pick(remark)] for latex, remark in item.lines)]
    return _columns(item.arrays())


def _columns(arrays: dict[str, Any]) -> list[list[Any]]:
    columns: list[tuple[str, list[Any]]] = []
    for name, values in arrays.items():
        array = np.asarray(values)
        if array.ndim == 1:
            columns.append((name, array.tolist()))
        elif array.ndim == 2:
            ends = ("x", "y") if array.shape[1] == 2 else range(array.shape[1])
            columns += [(f"{name}.{end}", array[:, k].tolist()) for k, end in enumerate(ends)]
        else:
            columns.append((name, [array.item()]))
    longest = max((len(values) for _, values in columns), default=0)
    body = [[values[i] if i < len(values) else "" for _, values in columns] for i in range(longest)]
    return [[name for name, _ in columns], *body]


def _matrix(item: frames.Matrix) -> list[list[Any]]:
    rows = []
    for i, name in enumerate(item.rows):
        hidden = item.mask[i] if item.mask is not None else np.zeros(len(item.columns), bool)
        rows.append(
            [name, *("" if h else v for v, h in zip(item.values[i].tolist(), hidden, strict=True))]
        )
    return [["", *item.columns], *rows]


def _matrices(item: frames.Matrices) -> list[list[Any]]:
    rows: list[list[Any]] = [["matrix", "row", "column", "value"]]
    for index, matrix in enumerate(item.matrices):
        name = pick(matrix.title) or str(index)
        for i, row in enumerate(matrix.rows):
            for j, column in enumerate(matrix.columns):
                if matrix.mask is None or not matrix.mask[i, j]:
                    rows.append([name, row, column, float(matrix.values[i, j])])
    return rows


def _field(field: frames.Field, x: str, y: str) -> list[list[Any]]:
    rows: list[list[Any]] = [[x, y, pick(field.label) or "value"]]
    for j, at_y in enumerate(field.ys.tolist()):
        for at_x, value in zip(field.xs.tolist(), field.values[j].tolist(), strict=True):
            rows.append([at_x, at_y, value])
    return rows


def _surface(item: frames.Surface) -> list[list[Any]]:
    """The heights on the grid, then every path with its steps."""
    header, *grid = _field(item.height, pick(item.x.label) or "x", pick(item.y.label) or "y")
    rows: list[list[Any]] = [["path", "step", *header], *(["", "", *row] for row in grid)]
    for path in item.paths:
        for step, (x, y) in enumerate(path.points.tolist()):
            rows.append([pick(path.label) or path.name, step, x, y, float(path.heights[step])])
    return rows


def _network(item: frames.Network) -> list[list[Any]]:
    rows: list[list[Any]] = [["kind", "layer", "to", "from", "value"]]
    for k, weights in enumerate(item.weights):
        into, out_of = item.layers[k + 1], item.layers[k]
        for i, name in enumerate(into.units):
            for j, source in enumerate(out_of.units):
                rows.append(["weight", into.name, name, source, float(weights[i, j])])
        if into.biases is not None:
            rows += [
                ["bias", into.name, name, "", float(bias)]
                for name, bias in zip(into.units, into.biases, strict=True)
            ]
    return rows


def _tokens(item: frames.Tokens) -> list[list[Any]]:
    header = ["token", "id", *(["value"] if item.values is not None else [])]
    rows: list[list[Any]] = [header]
    for index, token in enumerate(item.tokens):
        row: list[Any] = [token, item.ids[index] if index < len(item.ids) else ""]
        if item.values is not None:
            row.append(float(item.values[index]))
        rows.append(row)
    return rows
