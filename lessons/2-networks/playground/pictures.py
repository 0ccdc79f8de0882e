"""What the playground shows: every neuron's output over the plane, the points, the tables.

Neuron maps are the real network evaluated on a grid: a coarse one for the small tiles, a finer one
for the output. Which units are dead or stuck is read off the data, not off the maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop.bilingual import Bilingual
from desktop.engine.frames import (
    Axis,
    Field,
    Item,
    Matrix,
    Network,
    NetworkLayer,
    PointGroup,
    Readout,
    Readouts,
    Scatter,
)

from .findings import stuck_units
from .parameters import Parameters
from .training import Training

Array = NDArray[Any]

SYMBOLS = {
    "x1": "x₁",
    "x2": "x₂",
    "x1_squared": "x₁²",
    "x2_squared": "x₂²",
    "product": "x₁x₂",
    "sin_x1": "sin x₁",
    "sin_x2": "sin x₂",
}
OUTPUT_CELLS = 64
INPUTS = Bilingual("输入", "Inputs")
OUTPUT = Bilingual("输出", "Output")
MEASURED = (  # scalar, label, factor and unit on screen, glossary term
    ("train_loss", Bilingual("训练损失", "training loss"), 1, "", "loss-function"),
    ("test_loss", Bilingual("测试损失", "test loss"), 1, "", "generalisation"),
    ("train_accuracy", Bilingual("训练准确率", "training accuracy"), 100, "%", "accuracy"),
    ("test_accuracy", Bilingual("测试准确率", "test accuracy"), 100, "%", "accuracy"),
)
GUESS = Bilingual("网络的回答", "network's answer")


class Grid:
    """The centres of ``cells`` × ``cells`` squares over the plane, as the network sees them."""

    def __init__(self, training: Training, extent: tuple[float, ...], cells: int) -> None:
        left, right, bottom, top = extent
        middle = (np.arange(cells) + 0.5) / cells
        self.cells = cells
        self.xs, self.ys = left + (right - left) * middle, bottom + (top - bottom) * middle
        xy = np.stack(np.meshgrid(self.xs, self.ys), axis=-1).reshape(-1, 2)
        self.x = np.ascontiguousarray(training.data.inputs(xy).T)
        self.features = self.x[:-1].reshape(-1, cells, cells)

    def evaluate(self, training: Training) -> Array:
        """One forward pass; returns the network's answer (cells, cells)."""
        z = training.pass_for(self.x.shape[1]).forward(self.x)
        return training.loss.guess(z).reshape(self.cells, self.cells)

    def hidden_maps(self, training: Training) -> list[Array]:
        """(units, cells, cells) for each hidden layer, copied out of the last ``evaluate``."""
        outputs = training.pass_for(self.x.shape[1]).A
        return [A[:-1].copy().reshape(-1, self.cells, self.cells) for A in outputs]


class Painter:
    """Makes the frame items of one training run."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self.extent = extent_of(training.data.xy)
        units = sum(training.network.sizes[1:-1])
        self.coarse = Grid(training, self.extent, 24 if units <= 64 else 16)
        self.fine = Grid(training, self.extent, OUTPUT_CELLS)
        self.groups = self._point_groups()

    def items(self, parameters: Parameters, scalars: Mapping[str, float]) -> dict[str, Item]:
        """Everything there is to see now."""
        output = self._output(parameters)
        return {
            "network": self._network(parameters, output),
            "output": output,
            "confusion": self._confusion(),
            "readouts": self._readouts(scalars),
        }

    def _point_groups(self) -> tuple[PointGroup, ...]:
        data = self.training.data
        values = np.concatenate([data.y_train, data.y_test]) * data.y_scale
        n = len(data.y_train)
        train, test = data.xy[data.in_training], data.xy[~data.in_training]
        return (
            PointGroup("train", Bilingual("训练点", "training points"), train, values[:n]),
            PointGroup("test", Bilingual("测试点", "test points"), test, values[n:], hollow=True),
        )

    def _output(self, parameters: Parameters) -> Scatter:
        data, extent = self.training.data, self.extent
        limits = (-data.y_scale, data.y_scale)
        guess = self.fine.evaluate(self.training) * data.y_scale
        if parameters.discretize:
            guess = np.sign(guess) * data.y_scale
        return Scatter(
            Axis(Bilingual.same("x₁"), limits=extent[:2]),
            Axis(Bilingual.same("x₂"), limits=extent[2:]),
            self.groups if parameters.show_test else self.groups[:1],
            Field(self.fine.xs, self.fine.ys, guess, GUESS, diverging=True, limits=limits),
            value=Axis(GUESS, limits=limits),
        )

    def _network(self, parameters: Parameters, output: Scatter) -> Network:
        network = self.training.network
        guess = self.coarse.evaluate(self.training)
        maps = self.coarse.hidden_maps(self.training)
        flags = [mask for _, mask in stuck_units(self.training)]
        layers = [
            NetworkLayer(
                "inputs",
                INPUTS,
                tuple(SYMBOLS[name] for name in parameters.features),
                self.coarse.features,
            )
        ]
        for k, (values, W) in enumerate(zip(maps, network.W, strict=False)):
            layers.append(
                NetworkLayer(
                    f"hidden{k + 1}",
                    Bilingual(f"隐藏层 {k + 1}", f"Hidden {k + 1}"),
                    tuple(f"{k + 1}.{j + 1}" for j in range(len(values))),
                    values,
                    W[:, -1].copy(),
                    flags[k],
                )
            )
        layers.append(
            NetworkLayer("output", OUTPUT, ("ŷ",), guess[None], network.W[-1][:, -1].copy())
        )
        weights = tuple(W[:, :-1].copy() for W in network.W)
        limit = 1.0 if parameters.activation in ("tanh", "sigmoid") else shared_limit(maps)
        return Network(tuple(layers), weights, self.extent, limit, output)

    def _confusion(self) -> Matrix:
        data = self.training.data
        if not data.classes:
            return error_table(
                self._test_guess() * data.y_scale, data.y_test * data.y_scale, data.y_scale
            )
        counts = self.confusion_counts()
        return Matrix(
            counts,
            ("−1", "+1"),
            ("−1", "+1"),
            Axis(Bilingual("测试点数", "test points"), limits=(0.0, max(1.0, float(counts.max())))),
            diverging=False,
            row_axis=Bilingual("真实类别", "true class"),
            column_axis=Bilingual("网络的判断", "network's answer"),
        )

    def confusion_counts(self) -> Array:
        """How many test points of each class (row) got each answer (column); order −1, +1."""
        guess, y = self._test_guess() > 0, self.training.data.y_test > 0
        return np.array(
            [[np.sum((y == t) & (guess == g)) for g in (False, True)] for t in (False, True)],
            dtype=np.float64,
        )

    def _test_guess(self) -> Array:
        training = self.training
        z = training.pass_for(len(training.every_x)).forward(training.every_x.T)
        return training.loss.guess(z[len(training.data.y_train) :])

    def _readouts(self, scalars: Mapping[str, float]) -> Readouts:
        theta = self.training.network.theta
        values = [
            Readout(name, label, scale * scalars[name], unit, term=term)
            for name, label, scale, unit, term in MEASURED
            if name in scalars
        ]
        values += [
            Readout(
                "parameters",
                Bilingual("参数个数", "parameters"),
                float(len(theta)),
                term="parameter",
                help=Bilingual(self._counted(), self._counted()),
            ),
            Readout(
                "largest_weight",
                Bilingual("最大的权重", "largest weight"),
                float(np.abs(theta * self.training.network.is_weight).max()),
                digits=3,
                term="weight",
            ),
        ]
        return Readouts(tuple(values))

    def _counted(self) -> str:
        sizes = self.training.network.sizes
        parts = [f"({n_in}+1)·{n_out}" for n_in, n_out in pairwise(sizes)]
        return f"{' + '.join(parts)} = {len(self.training.network.theta)}"


def error_table(guess: Array, y: Array, scale: float) -> Matrix:
    """For a regression, how guesses compare with the truth: both sorted into three ranges."""
    edge = scale / 3
    rows, columns = (np.digitize(values, (-edge, edge)) for values in (y, guess))
    counts = np.array([[np.sum((rows == i) & (columns == j)) for j in range(3)] for i in range(3)])
    names = (f"< −{edge:.2g}", f"±{edge:.2g}", f"> {edge:.2g}")
    return Matrix(
        counts.astype(np.float64),
        names,
        names,
        Axis(Bilingual("测试点数", "test points")),
        diverging=False,
        row_axis=Bilingual("真实的数", "true number"),
        column_axis=Bilingual("网络的回答", "network's answer"),
    )


def extent_of(xy: Array) -> tuple[float, float, float, float]:
    """The playground's square, or a frame around data that lies elsewhere."""
    if len(xy) == 0 or 1 <= np.abs(xy).max() <= 6:
        return (-6.0, 6.0, -6.0, 6.0)
    low, high = xy.min(axis=0), xy.max(axis=0)
    margin = np.maximum(0.08 * (high - low), 1e-6)
    (left, bottom), (right, top) = low - margin, high + margin
    return (float(left), float(right), float(bottom), float(top))


def shared_limit(maps: list[Array]) -> float:
    """One colour scale for all unbounded units: a power of two that holds most of their values."""
    values = [float(np.sqrt(np.mean(np.square(m)))) for m in maps]
    size = max([v for v in values if np.isfinite(v)], default=1.0)
    return float(2.0 ** np.ceil(np.log2(min(max(1.5 * size, 0.5), 1e30))))
