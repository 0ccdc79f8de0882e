"""One widget per kind of frame item; ``make_panel`` chooses. A kind is imported when first needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from desktop.bilingual import Bilingual, GlassboxError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from desktop.course.lesson import PanelSpec
    from desktop.ui.panels.base import Panel

_KINDS = {
    "curves": ("curves", "CurvesPanel"),
    "history": ("history", "HistoryPanel"),
    "contour": ("contour", "ContourPanel"),
    "surface3d": ("surface3d", "Surface3dPanel"),
    "scatter": ("scatter", "ScatterPanel"),
    "heatmap": ("heatmap", "HeatMapPanel"),
    "network": ("network", "NetworkPanel"),
    "matrix": ("matrix", "MatrixPanel"),
    "matrices": ("matrices", "MatricesPanel"),
    "tokens": ("tokens", "TokensPanel"),
    "bars": ("bars", "BarsPanel"),
    "readouts": ("readouts", "ReadoutsPanel"),
    "texts": ("texts", "TextsPanel"),
    "worked": ("worked", "WorkedPanel"),
}
KINDS = tuple(_KINDS)


def make_panel(spec: PanelSpec, parent: QWidget | None = None) -> Panel:
    """The widget that draws ``spec.kind``; an unknown kind raises ``GlassboxError``."""
    if spec.kind not in _KINDS:
        raise GlassboxError(
            Bilingual(f"没有“{spec.kind}”这种面板。", f"There is no panel kind “{spec.kind}”."),
            Bilingual(f"可用：{', '.join(KINDS)}。", f"There are: {', '.join(KINDS)}."),
        )
    module, name = _KINDS[spec.kind]
    panel_class = getattr(import_module(f"{__name__}.{module}"), name)
    panel: Panel = panel_class(spec, parent)
    return panel
