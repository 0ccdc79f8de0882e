"""A plot that is alive for a long time: thousands of updates and paints lose and leak nothing.

PySide6 6.12.0 on Python 3.11 gives back one reference to ``None`` too many at every overridden paint
event and one to ``True`` at slot calls; a live plot then aborts the process within seconds. Long
before that, the counts of these two objects sink by one per paint, which is what is measured here.
From Python 3.12 on they are immortal and cannot sink; the memory check still holds there.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.bilingual import Bilingual
from desktop.course.lesson import PanelSpec
from desktop.engine import frames
from desktop.engine.history import History
from desktop.engine.parameters import scalar
from desktop.ui.panels import make_panel

PAINTS = 2500
MOST_LOST = PAINTS // 10
MOST_GROWN = 24 * 2**20


class Bell(QObject):
    """A signal with a Boolean and a slot that hears it: the second way references were lost."""

    rung = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.heard = 0
        self.rung.connect(self.hear)

    @Slot(bool)
    def hear(self, on: bool) -> None:
        self.heard += on


def history_panel() -> tuple[QWidget, Callable[[int], None]]:
    """Our own panel: two scalars growing step by step."""
    spec = PanelSpec("p", "history", "history", Bilingual("损失", "Loss"), Bilingual("", ""), 0, 0)
    panel = make_panel(spec)
    history = History(("loss", "test_loss"))
    scalars = (scalar("loss", "损失", "loss"), scalar("test_loss", "测试", "test loss"))
    run = SimpleNamespace(
        id=1, label=Bilingual("一", "one"), color=0, parent=None, fork_step=0, history=history
    )

    def update(step: int) -> None:
        history.append(step, {"loss": 1 / (1 + step), "test_loss": 2 / (1 + step)})
        panel.show_histories((run,), scalars, step)
        panel.canvas.repaint()

    return panel, update


def heat_map_panel() -> tuple[QWidget, Callable[[int], None]]:
    """Our own panel: a new image each time."""
    spec = PanelSpec("p", "map", "heatmap", Bilingual("图", "Map"), Bilingual("", ""), 0, 0)
    panel = make_panel(spec)
    axis = frames.Axis(Bilingual.same("x"))
    grid = np.arange(30.0)
    noise = np.random.default_rng(0).normal(size=(31, 30, 30))

    def update(step: int) -> None:
        field = frames.Field(grid, grid, noise[step % 31], Bilingual.same("z"), diverging=True)
        panel.show_item(frames.HeatMap(axis, axis, field))
        panel.canvas.repaint()

    return panel, update


def pyqtgraph_plot() -> tuple[QWidget, Callable[[int], None]]:
    """A plot of the library whose live plots first showed the fault."""
    pyqtgraph = pytest.importorskip("pyqtgraph")
    plot = pyqtgraph.PlotWidget()
    curve = plot.plot(np.zeros(100))
    noise = np.random.default_rng(0).normal(size=(31, 100))

    def update(step: int) -> None:
        curve.setData(noise[step % 31])
        plot.viewport().repaint()

    return plot, update


@pytest.mark.parametrize("make", [history_panel, heat_map_panel, pyqtgraph_plot])
def test_thousands_of_live_paints_lose_no_references_and_no_memory(
    qtbot: QtBot, qapp: QApplication, make: Callable[[], tuple[QWidget, Callable[[int], None]]]
) -> None:
    widget, update = make()
    qtbot.addWidget(widget)
    widget.resize(260, 180)
    with qtbot.waitExposed(widget):
        widget.show()
    bell = Bell()
    paints = 0

    def go(first: int, count: int) -> None:
        nonlocal paints
        for step in range(first, first + count):
            update(step)
            bell.rung.emit(True)
            paints += 1
            if step % 50 == 0:
                qapp.processEvents()

    go(0, 300)  # caches, fonts and layouts settle
    gc.collect()
    nones, trues = sys.getrefcount(None), sys.getrefcount(True)
    memory = psutil.Process().memory_info().rss
    go(300, PAINTS)
    gc.collect()
    assert bell.heard == paints == PAINTS + 300
    grown = psutil.Process().memory_info().rss - memory
    assert grown < MOST_GROWN, f"{grown / 2**20:.0f} MiB more after {PAINTS} paints"
    if sys.version_info < (3, 12):
        assert sys.getrefcount(None) > nones - MOST_LOST
        assert sys.getrefcount(True) > trues - MOST_LOST


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal, it cannot sink")
def test_the_measure_notices_lost_references() -> None:
    """A paint that gives back one ``None`` too many, as PySide6 6.12.0 does, is far over the limit."""
    lose = ctypes.pythonapi.Py_DecRef
    give_back = ctypes.pythonapi.Py_IncRef
    for function in (lose, give_back):
        function.argtypes, function.restype = [ctypes.py_object], None
    paints = min(PAINTS, sys.getrefcount(None) // 2)
    before = sys.getrefcount(None)
    for _ in range(paints):
        lose(None)
    sunk = before - sys.getrefcount(None)
    for _ in range(paints):
        give_back(None)
    assert sunk > paints * 0.9 > paints * (MOST_LOST / PAINTS)
