"""What a loaded model takes: the estimate beside what was measured, part by part.

Imports Qt, the chat's data types and strings; no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from desktop.runtime.chat_messages import MemoryPart
from desktop.ui.chat.numbers import size
from desktop.ui.lesson.look import label
from desktop.ui.strings import tr


class MemoryTable(QWidget):
    """Rows are parts, columns the estimate and the measurement; a dash where nothing was measured."""

    def __init__(self, parts: Sequence[MemoryPart]) -> None:
        super().__init__()
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        head = (tr("chat_models.memory"), tr("chat_models.estimated"), tr("chat_models.measured"))
        rows = [head]
        for part in parts:
            name = tr(f"chat_models.part_{part.name}")
            rows.append((name, size(part.estimated), _measured(part)))
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                role = "section" if row == 0 else "small"
                cell = label(role, text, wrap=column == 0)
                if column:
                    cell.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                grid.addWidget(cell, row, column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.addLayout(grid)
        layout.addWidget(label("small", tr("chat_models.memory_note"), wrap=True))


def _measured(part: MemoryPart) -> str:
    """No more exact than it was measured."""
    if part.measured is None:
        return "–"
    if part.measured < part.exact_to:
        return tr("chat_models.less_than", size=size(part.exact_to))
    return size(part.measured)
