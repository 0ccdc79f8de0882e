"""The whole program of the playground, without any window: prepare data, train, measure.

Plain numpy and torch; ``main`` is what *Copy as script* calls. Learners read this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from desktop.engine.datasets import make_points, split_points
from desktop.engine.nets import (
    LOSSES,
    OPTIMIZERS,
    Network,
    Pass,
)

Array = NDArray[Any]


class Data:
    """Points ``xy`` (n, 2) with labels ``y`` (n,), which of them train, and what the network sees."""

    def __init__(self, xy: Array, y: Array, train_share: float, features: tuple[str, ...]) -> None:
        self.xy, self.features = xy, features
        self.classes = bool(np.isin(y, (-1, 1)).all())  # otherwise a number is asked for
        self.shift, self.scale = scaling_of(xy)
        self.y_scale = 1.0 if self.classes else max(1.0, float(np.abs(y).max(initial=0.0)))
        inputs, y = self.inputs(xy), (y / self.y_scale).astype(np.float32)
        self.in_training = split_points(len(y), train_share)
        self.x_train, self.y_train = inputs[self.in_training], y[self.in_training]
        self.x_test, self.y_test = inputs[~self.in_training], y[~self.in_training]

    def inputs(self, xy: Array) -> Array:
        """The input layer's values (n, features + 1) at the places ``xy``; the last column is 1."""
        x1, x2 = ((xy - self.shift) * self.scale).T
        columns = {
            "x1": x1,
            "x2": x2,
            "x1_squared": x1**2,
            "x2_squared": x2**2,
            "product": x1 * x2,
            "sin_x1": np.sin(x1),
            "sin_x2": np.sin(x2),
        }
        chosen = [columns[name] for name in self.features]
        return np.stack([*chosen, np.ones_like(x1)], axis=1).astype(np.float32)


def scaling_of(xy: Array) -> tuple[Array, Array]:
    """Shift and factor per coordinate that bring far-flung or cramped points to about −5 … 5.

    Points that already lie in the playground's square are left as they are.
    """
    if len(xy) == 0:
        return np.zeros(2), np.ones(2)
    low, high = xy.min(axis=0), xy.max(axis=0)
    reach = np.maximum(np.abs(low), np.abs(high))
    if (reach <= 6).all() and (reach >= 1).all():
        return np.zeros(2), np.ones(2)
    return (low + high) / 2, 10 / np.maximum(high - low, 1e-6)


class Training:
    """A network, its training data and an optimizer: trained batch by batch."""

    def __init__(
        self, network: Network, data: Data, loss: str, optimizer: str, batch_size: int
    ) -> None:
        self.network, self.batch_size = network, batch_size
        self.optimizer = OPTIMIZERS[optimizer](len(network.theta), network.dtype)
        self.regularisation, self.regularisation_rate = "none", 0.0
        self.passes: dict[int, Pass] = {}
        self.use(data, loss)

    def use(self, data: Data, loss: str) -> None:
        """Train on this data from now on, starting with a new epoch."""
        self.data, self.loss = data, LOSSES[loss](data.classes)
        self.every_x = np.concatenate([data.x_train, data.x_test])
        self.arrange(np.arange(len(data.x_train)))
        self.position = len(self.order)  # this epoch is over: the next batch begins a new one

    def epoch(self, learning_rate: float, rng: torch.Generator) -> None:
        """Finish the current epoch, or go once through all training points in a new order."""
        self.batch(learning_rate, rng)
        while self.position < len(self.order):
            self.batch(learning_rate, rng)

    def batch(self, learning_rate: float, rng: torch.Generator) -> None:
        """One update: forward, loss, backward, step."""
        if len(self.order) == 0:
            return  # a learner's own data before the first point
        if self.position >= len(self.order):
            self.arrange(torch.randperm(len(self.order), generator=rng).numpy())
        end = min(self.position + self.batch_size, len(self.order))
        x, y = self.x[self.position : end], self.y[self.position : end]
        self.position = end
        self.compute_gradient(x.T, y)
        self.optimizer.update(self.network.theta, self.network.gradient, learning_rate)

    def next_batch(self, rng: torch.Generator) -> tuple[Array, Array]:
        """The examples of the next update; looking at them changes nothing."""
        if self.position < len(self.order):
            chosen = slice(self.position, self.position + self.batch_size)
            return self.x[chosen], self.y[chosen]
        future = torch.Generator()
        future.set_state(rng.get_state())
        order = torch.randperm(len(self.order), generator=future).numpy()[: self.batch_size]
        return self.data.x_train[order], self.data.y_train[order]

    def arrange(self, order: Array) -> None:
        """Lay the training points out in this order and go to the first."""
        self.order, self.position = order, 0
        self.x, self.y = self.data.x_train[order], self.data.y_train[order]

    def compute_gradient(self, x: Array, y: Array) -> None:
        """Fill ``network.gradient`` with the slope of the mean loss over these examples."""
        step = self.pass_for(len(y))
        z = step.forward(x)
        self.loss.slope(z, y, step.dz)
        np.multiply(step.dz, step.per_example, out=step.dz)
        step.backward(x)
        if self.regularisation != "none":
            theta, is_weight = self.network.theta, self.network.is_weight
            pull = theta if self.regularisation == "l2" else np.sign(theta)
            self.network.gradient += self.regularisation_rate * is_weight * pull

    def pass_for(self, rows: int) -> Pass:
        """The arrays for that many examples, made once."""
        if rows not in self.passes:
            self.passes[rows] = Pass(self.network, rows)
        return self.passes[rows]

    def measure(self) -> dict[str, float]:
        """Loss and accuracy on the training points and on the test points."""
        n = len(self.data.y_train)
        if n == 0:
            return {}
        z = self.pass_for(len(self.every_x)).forward(self.every_x.T)
        found: dict[str, float] = {"train_loss": self.loss.value(z[:n], self.data.y_train)}
        if len(self.data.y_test):
            found["test_loss"] = self.loss.value(z[n:], self.data.y_test)
        if self.data.classes:
            found["train_accuracy"] = accuracy(z[:n], self.data.y_train)
            if len(self.data.y_test):
                found["test_accuracy"] = accuracy(z[n:], self.data.y_test)
        return found


def accuracy(z: Array, y: Array) -> float:
    """The share of points on the right side: z and the label have the same sign."""
    return float(np.count_nonzero(z * y > 0)) / len(y)


def prepare(
    rng: torch.Generator,
    data: str,
    own_data: tuple[tuple[float, ...], ...],
    points: int,
    noise: float,
    train_share: float,
    features: tuple[str, ...],
    hidden: tuple[int, ...],
    activation: str,
    initialisation: str,
    loss: str,
    optimizer: str,
    batch_size: int,
    regularisation: str,
    regularisation_rate: float,
) -> Training:
    """Data, network and optimizer, ready to train."""
    if data == "own":
        xy, y = own_points(own_data)
    else:
        xy, y = make_points(data, points, noise, rng)
    network = Network((len(features), *hidden, 1), activation)
    network.initialise(initialisation, rng)
    prepared = Data(xy, y, train_share, features)
    training = Training(network, prepared, loss, optimizer, batch_size)
    training.regularisation, training.regularisation_rate = regularisation, regularisation_rate
    return training


def own_points(rows: tuple[tuple[float, ...], ...]) -> tuple[Array, Array]:
    """Rows of x₁, x₂, label as places (n, 2) and labels (n,)."""
    table = np.array(rows, dtype=np.float32).reshape(-1, 3)
    return table[:, :2], table[:, 2]


def main(
    data: str,
    own_data: tuple[tuple[float, ...], ...],
    points: int,
    noise: float,
    train_share: float,
    features: tuple[str, ...],
    hidden: tuple[int, ...],
    activation: str,
    initialisation: str,
    loss: str,
    optimizer: str,
    learning_rate: float,
    batch_size: int,
    regularisation: str,
    regularisation_rate: float,
    step_is: str,
    seed: int,
    steps: int,
) -> None:
    """Train, and print the losses after every step."""
    rng = torch.Generator().manual_seed(seed)
    training = prepare(
        rng,
        data,
        own_data,
        points,
        noise,
        train_share,
        features,
        hidden,
        activation,
        initialisation,
        loss,
        optimizer,
        batch_size,
        regularisation,
        regularisation_rate,
    )
    for step in range(1, steps + 1):
        if step_is == "epoch":
            training.epoch(learning_rate, rng)
        else:
            training.batch(learning_rate, rng)
        found = training.measure()
        print("step", step, *(f"{name}={value:.9g}" for name, value in found.items()))
