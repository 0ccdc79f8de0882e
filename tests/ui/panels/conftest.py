"""One made-up item of every kind, with round numbers that tests can check."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.bilingual import Bilingual
from desktop.course.lesson import PanelSpec
from desktop.engine import frames as f
from desktop.engine.history import History
from desktop.engine.parameters import scalar
from desktop.ui.panels import make_panel
from desktop.ui.panels.base import Panel


def axis(zh: str, en: str, **more: Any) -> f.Axis:
    return f.Axis(Bilingual(zh, en), **more)


X, Y = f.Axis(Bilingual.same("x")), f.Axis(Bilingual.same("y"))
SCALARS = (scalar("loss", "损失", "loss"), scalar("test_loss", "测试损失", "test loss"))


def curves(k: int = 0) -> f.Curves:
    x = np.linspace(0, 10, 101)
    first = f.Series("line", Bilingual("直线", "line"), x, 2 * x + k)
    second = f.Series("dots", Bilingual("点", "dots"), x[::10], x[::10], 1, "dots")
    return f.Curves(
        axis("时间", "time", unit="s"), Y, (first, second), ((5.0, Bilingual("这里", "here")),)
    )


FIELD = f.Field(
    np.linspace(-2, 2, 41),
    np.linspace(-1, 1, 21),
    np.add.outer(np.linspace(-1, 1, 21) ** 2, np.linspace(-2, 2, 41) ** 2),
    Bilingual("损失", "loss"),
)


def surface(k: int = 0) -> f.Surface:
    at = np.linspace(1.5, 0.1, 12 + k % 5)
    points = np.stack([at, at / 2], axis=1)
    path = f.Path("p", Bilingual("路径", "path"), points, (points**2).sum(axis=1))
    arrow = f.Arrow(Bilingual("梯度", "gradient"), (0.5, 0.5), (0.3, 0.1), 1)
    mark = f.Mark(Bilingual("最小值", "minimum"), (0.0, 0.0))
    return f.Surface(X, Y, FIELD, (path,), (arrow,), (mark,))


def scatter(k: int = 0) -> f.Scatter:
    xy = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])
    line = f.Series("fit", Bilingual("拟合", "fit"), np.array([0.0, 2.0]), np.array([0.0, 4.0 + k]))
    segments = np.array([[1.0, 2.0, 1.0, 2.5]])
    group = f.PointGroup("data", Bilingual("数据", "data"), xy)
    return f.Scatter(X, Y, (group,), lines=(line,), segments=segments)


def classes(k: int = 0) -> f.Scatter:
    grid = np.linspace(-6, 6, 20)
    field = f.Field(
        grid,
        grid,
        np.tanh(np.add.outer(grid, grid) + k * 0.1),
        Bilingual("输出", "output"),
        diverging=True,
        limits=(-1, 1),
    )
    xy = np.array([[-3.0, -3.0], [3.0, 3.0], [4.0, 1.0]])
    group = f.PointGroup("data", Bilingual("数据", "data"), xy, np.array([-1.0, 1.0, 1.0]))
    return f.Scatter(X, Y, (group,), background=field, value=axis("类别", "class", limits=(-1, 1)))


def heatmap(k: int = 0) -> f.HeatMap:
    field = f.Field(
        np.arange(4.0), np.arange(3.0), np.arange(12.0).reshape(3, 4) + k, Bilingual("值", "value")
    )
    return f.HeatMap(axis("列", "column"), axis("行", "row"), field)


def network(k: int = 0, widths: tuple[int, ...] = (3, 2)) -> f.Network:
    rng = np.random.default_rng(k)
    sizes = (2, *widths, 1)
    layers = []
    for index, size in enumerate(sizes):
        layers.append(
            f.NetworkLayer(
                f"l{index}",
                Bilingual(f"第 {index} 层", f"layer {index}"),
                tuple(f"u{index}.{unit}" for unit in range(size)),
                rng.normal(size=(size, 10, 10)),
                None if index == 0 else np.full(size, 0.25),
                np.arange(size) == 0 if index == 1 else None,
            )
        )
    weights = tuple(np.full((to, of), 0.5) + 0.001 * k for of, to in itertools.pairwise(sizes))
    return f.Network(tuple(layers), weights, output=classes(k))


def matrix(k: int = 0) -> f.Matrix:
    values = np.array([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.125, 0.5, 0.375]])
    words = ("the", "cat", "sat")
    return f.Matrix(
        values,
        words,
        words,
        axis("注意力", "attention", limits=(0, 1)),
        False,
        np.triu(np.ones((3, 3), bool), 1),
        Bilingual("查询", "query"),
        Bilingual("键", "key"),
        Bilingual(f"头 {k}", f"head {k}"),
    )


def matrices(k: int = 0) -> f.Matrices:
    return f.Matrices(tuple(matrix(i) for i in range(4)), 2, selected=k % 4)


def tokens(k: int = 0) -> f.Tokens:
    words = ("The", " cat", "坐", "\n")
    return f.Tokens(
        words, (5, 6, 7, 8), np.array([0.1, 0.2, 0.3, 0.4 + k]), axis("惊讶", "surprise")
    )


def bars(k: int = 0) -> f.Bars:
    return f.Bars(("b", "a", "c"), np.array([0.25, 0.5, 0.125]), axis("概率", "probability"), 1)


def readouts(k: int = 0) -> f.Readouts:
    loss = f.Readout("loss", Bilingual("损失", "loss"), 0.012345 + k, term="loss-function")
    return f.Readouts((loss, f.Readout("rate", Bilingual("速度", "speed"), -1234.5, "ms")))


def texts(k: int = 0) -> f.TextBlocks:
    return f.TextBlocks((f.TextEntry(Bilingual("第 1 步", "step 1"), f"hello\nworld {k}"),))


def worked(k: int = 0) -> f.Worked:
    return f.Worked(((rf"w = \frac{{1}}{{2}} + {k % 3}", Bilingual("新权重", "the new weight")),))


ITEMS: dict[str, Callable[[int], f.Item]] = {
    "curves": curves,
    "contour": surface,
    "surface3d": surface,
    "scatter": scatter,
    "heatmap": heatmap,
    "network": network,
    "matrix": matrix,
    "matrices": matrices,
    "tokens": tokens,
    "bars": bars,
    "readouts": readouts,
    "texts": texts,
    "worked": worked,
}


def runs(steps: int = 50) -> tuple[Any, ...]:
    first = History(("loss", "test_loss"))
    for step in range(steps):
        first.append(step, {"loss": 100.0 - step, "test_loss": 200.0 - step})
    second = first.up_to(20)
    for step in range(21, steps):
        second.append(step, {"loss": 80.0 / step, "test_loss": 90.0 / step})
    return (
        SimpleNamespace(
            id=1, label=Bilingual("一", "one"), color=0, parent=None, fork_step=0, history=first
        ),
        SimpleNamespace(
            id=2, label=Bilingual("二", "two"), color=1, parent=1, fork_step=20, history=second
        ),
    )


def spec(kind: str, **more: Any) -> PanelSpec:
    title = Bilingual("一张图", "A figure")
    return PanelSpec("panel", "item", kind, title, Bilingual("怎么看", "how to read"), 0, 0, **more)


Shown = Callable[..., Panel]


@pytest.fixture
def shown(qtbot: QtBot) -> Shown:
    """Make a panel of a kind inside a window, show its sample item and wait for the first paint."""

    windows: list[QWidget] = []  # qtbot keeps no strong reference

    def show(kind: str, item: f.Item | None = None, **more: Any) -> Panel:
        window = QWidget()
        qtbot.addWidget(window)
        windows.append(window)
        window.resize(700, 440)
        panel = make_panel(spec(kind, **more), window)
        panel.resize(680, 420)
        fill(panel, 0, item)
        with qtbot.waitExposed(window):
            window.show()
        panel.canvas.repaint()
        return panel

    return show


def fill(panel: Panel, k: int = 0, item: f.Item | None = None) -> None:
    """Show the ``k``-th variant of the kind's sample."""
    if panel.spec.kind == "history":
        panel.show_histories(runs(), SCALARS, 10 + k % 30)
    else:
        panel.show_item(item if item is not None else ITEMS[panel.spec.kind](k))


@pytest.fixture
def samples() -> Any:
    """The builders above, for tests that need more than one."""
    return SimpleNamespace(
        ITEMS=ITEMS,
        SCALARS=SCALARS,
        FIELD=FIELD,
        runs=runs,
        fill=fill,
        spec=spec,
        axis=axis,
        network=network,
        surface=surface,
        classes=classes,
        matrix=matrix,
    )
