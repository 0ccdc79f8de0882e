"""Numbers to read off."""

from __future__ import annotations

from typing import Any

from desktop.bilingual import Bilingual
from desktop.engine.frames import Readout, Readouts
from desktop.ui.panels.look import look
from desktop.ui.panels.numbers import number
from desktop.ui.panels.readouts import VALUE_PIXELS


def test_a_number_with_a_power_of_ten_stays_clear_of_its_neighbour(shown: Any) -> None:
    panel = shown("readouts")
    values = tuple(Readout(f"n{k}", Bilingual.same("w"), -1.234e-18, digits=3) for k in range(6))
    panel.show_item(Readouts(values))
    cells = panel.cells(420.0, look())
    wide = look().metrics(VALUE_PIXELS, 500).horizontalAdvance(number(-1.234e-18, 3))
    assert min(cell.width() for cell in cells) > wide
