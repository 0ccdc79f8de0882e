"""The playground: a network on points in the plane, every neuron visible while it learns.

One ``step`` is an epoch, or one batch when the learner asks for it. The training itself is in
``training.py`` and ``desktop/engine/nets.py``, what is drawn in ``pictures.py``, and the arithmetic
shown on a click in ``arithmetic.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop.bilingual import Bilingual
from desktop.engine import datasets, nets
from desktop.engine.experiment import ActionError, Experiment
from desktop.engine.frames import Explanation, Finding, Item
from desktop.engine.history import History

from .arithmetic import Arithmetic
from .findings import diagnose
from .parameters import SCALARS, Parameters
from .pictures import Painter
from .training import Data, Training, accuracy, main, own_points, prepare, scaling_of

PREPARED = (
    "data",
    "own_data",
    "points",
    "noise",
    "train_share",
    "features",
    "hidden",
    "activation",
    "initialisation",
    "loss",
    "optimizer",
    "batch_size",
    "regularisation",
    "regularisation_rate",
)


class Playground(Experiment[Parameters]):
    """TensorFlow Playground's idea, with its arithmetic, its losses and its failures in the open."""

    Parameters = Parameters
    scalars = SCALARS
    state_names = ("theta", "memory", "optimizer_steps", "order", "position", "latest")
    shown_code = (
        nets.Network,
        nets.Pass,
        nets.Tanh,
        nets.Relu,
        nets.LeakyRelu,
        nets.Sigmoid,
        nets.Linear,
        nets.MeanSquaredError,
        nets.LogCosh,
        nets.CrossEntropy,
        nets.Sgd,
        nets.Momentum,
        nets.RmsProp,
        nets.Adam,
        Training,
        Data,
        scaling_of,
        datasets.circle,
        datasets.xor,
        datasets.gauss,
        datasets.spiral,
        datasets.plane,
        datasets.hills,
        datasets.split_points,
        accuracy,
        prepare,
    )
    script_main = main

    def build(self) -> None:
        settings = {name: getattr(self.parameters, name) for name in PREPARED}
        self.training = prepare(self.rng, **settings)
        self.painter = Painter(self.training)
        self.latest = self.measure()

    def step(self) -> Mapping[str, float]:
        with np.errstate(all="ignore"):  # a diverging run overflows: the diagnosis speaks of it
            if self.parameters.step_is == "epoch":
                self.training.epoch(self.parameters.learning_rate, self.rng)
            else:
                self.training.batch(self.parameters.learning_rate, self.rng)
            self.latest = self.training.measure()
        return self.latest

    def measure(self) -> Mapping[str, float]:
        with np.errstate(all="ignore"):
            return self.training.measure()

    def frame(self) -> Mapping[str, Item]:
        with np.errstate(all="ignore"):
            return self.painter.items(self.parameters, self.latest)

    @property
    def finished(self) -> bool:
        goal = self.parameters.stop_below
        return goal > 0 and self.latest.get("test_loss", np.inf) < goal

    def adopt(self, parameters: Parameters) -> None:
        training, before = self.training, self.parameters
        training.batch_size = parameters.batch_size
        training.regularisation = parameters.regularisation
        training.regularisation_rate = parameters.regularisation_rate
        if parameters.optimizer != before.optimizer:
            network = training.network
            training.optimizer = nets.OPTIMIZERS[parameters.optimizer](
                len(network.theta), network.dtype
            )
        self.parameters = parameters
        if parameters.data == "own" and parameters.own_data != before.own_data:
            xy, y = own_points(parameters.own_data)
            data = Data(xy, y, parameters.train_share, parameters.features)
            training.use(data, parameters.loss)
            self.painter = Painter(training)
            self.latest = self.measure()

    # ---- the learner's hand

    def act(self, name: str, arguments: Mapping[str, Any]) -> None:
        """``edit_weight`` (layer, row, column, value) and ``edit_bias`` (layer, row, value).

        ``layer`` counts the weights from the left: 0 lies between the inputs and the first hidden
        layer. ``row`` is the unit the weight leads to, ``column`` the one it comes from.
        """
        if name not in ("edit_weight", "edit_bias"):
            super().act(name, arguments)
        W = self.training.network.W
        try:
            layer, row = int(arguments["layer"]), int(arguments["row"])
            column = int(arguments["column"]) if name == "edit_weight" else 0
            value = float(arguments["value"])
        except (KeyError, TypeError, ValueError) as error:
            raise _no_such_weight(repr(error)) from error
        if not 0 <= layer < len(W):
            raise _no_such_weight(f"layer {layer}")
        if not (0 <= row < W[layer].shape[0] and 0 <= column < W[layer].shape[1] - 1):
            raise _no_such_weight(f"row {row}, column {column}")
        if not np.isfinite(value):
            raise _no_such_weight(f"value {value}")
        W[layer][row, column if name == "edit_weight" else -1] = value
        self.latest = self.measure()

    def explain(self, item: str, index: tuple[int, ...]) -> Explanation | None:
        """A unit by (layer, unit) or a weight by (layer, to, from) of the network; a confusion cell."""
        arithmetic = Arithmetic(self.training, self.parameters, self.rng)
        with np.errstate(all="ignore"):
            if item == "network" and len(index) == 2:
                return arithmetic.unit(*index)
            if item == "network" and len(index) == 3:
                return arithmetic.weight(*index)
            if item == "confusion" and len(index) == 2 and self.training.data.classes:
                return arithmetic.confusion_cell(self.painter.confusion_counts(), *index)
        return None

    def diagnose(self, history: History) -> list[Finding]:
        with np.errstate(all="ignore"):
            return diagnose(self.training, self.parameters, history)

    # ---- the state, as copies may be put back into the living arrays

    @property
    def theta(self) -> NDArray[np.float32]:
        """Every weight and bias."""
        return self.training.network.theta

    @theta.setter
    def theta(self, values: NDArray[np.float32]) -> None:
        self.training.network.theta[:] = values

    @property
    def memory(self) -> NDArray[np.float32]:
        """The optimizer's averages."""
        return self.training.optimizer.memory

    @memory.setter
    def memory(self, values: NDArray[np.float32]) -> None:
        self.training.optimizer.memory[:] = values

    @property
    def optimizer_steps(self) -> int:
        """How many updates the optimizer has made."""
        return self.training.optimizer.steps

    @optimizer_steps.setter
    def optimizer_steps(self, value: int) -> None:
        self.training.optimizer.steps = value

    @property
    def order(self) -> NDArray[np.int64]:
        """The order of the training points in this epoch."""
        return self.training.order

    @order.setter
    def order(self, values: NDArray[np.int64]) -> None:
        position = self.training.position
        self.training.arrange(values)
        self.training.position = position

    @property
    def position(self) -> int:
        """How far this epoch has got."""
        return self.training.position

    @position.setter
    def position(self, value: int) -> None:
        self.training.position = value


def _no_such_weight(details: str) -> ActionError:
    return ActionError(
        Bilingual(
            "没有这个权重，或者新的值不是一个有限的数。",
            "There is no such weight, or the new value is not a finite number.",
        ),
        details=details,
    )
