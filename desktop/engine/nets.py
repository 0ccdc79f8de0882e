"""Small fully connected networks, trained by hand-written backpropagation.

No autograd: each derivative is written out where a learner can read it, and each operation writes
into an array made beforehand, so that a step over ten points takes microseconds. What makes it fast
is also what makes it short: all weights and biases lie in one vector ``theta``, all derivatives in
another of the same layout, so an optimizer updates the whole network in a few operations.

Columns are examples: ``A[k]`` (units + 1, rows) holds the outputs of layer k, and its last row is
always 1, so that the last column of ``W[k]`` (units of the next layer, units + 1) is the bias and one
product ``W[k] @ A[k]`` gives every weighted sum. Imports torch (for random numbers) and numpy only.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[Any]

# Constants as arrays: an operation between arrays starts twice as fast as one with a Python number.
ZERO, HALF, ONE, TWO = (np.array(value, np.float32) for value in (0.0, 0.5, 1.0, 2.0))

# ------------------------------------------------------------------------------------------------
# Activation functions: z → a in place, and the slope da/dz written in terms of a


class Tanh:
    """a = tanh z, slope 1 − a²."""

    @staticmethod
    def apply(z: Array) -> None:
        np.tanh(z, out=z)

    @staticmethod
    def slope(a: Array, out: Array) -> None:
        np.square(a, out=out)
        np.subtract(ONE, out, out=out)


class Relu:
    """a = max(0, z), slope 1 where a > 0 and 0 elsewhere."""

    @staticmethod
    def apply(z: Array) -> None:
        np.maximum(z, ZERO, out=z)

    @staticmethod
    def slope(a: Array, out: Array) -> None:
        np.sign(a, out=out)


class LeakyRelu:
    """a = z where z > 0, else z / 100; slope 1 or 1/100."""

    @staticmethod
    def apply(z: Array) -> None:
        np.maximum(z, 0.01 * z, out=z)

    @staticmethod
    def slope(a: Array, out: Array) -> None:
        np.sign(a, out=out)
        np.maximum(out, 0.01, out=out)


class Sigmoid:
    """a = 1 / (1 + e⁻ᶻ), slope a (1 − a). Written with tanh, which cannot overflow."""

    @staticmethod
    def apply(z: Array) -> None:
        np.multiply(z, HALF, out=z)
        np.tanh(z, out=z)
        np.multiply(z, HALF, out=z)
        np.add(z, HALF, out=z)

    @staticmethod
    def slope(a: Array, out: Array) -> None:
        np.subtract(ONE, a, out=out)
        np.multiply(out, a, out=out)


class Linear:
    """a = z, slope 1: no activation at all."""

    @staticmethod
    def apply(z: Array) -> None:
        pass

    @staticmethod
    def slope(a: Array, out: Array) -> None:  # noqa: ARG004
        out.fill(1.0)


ACTIVATIONS: dict[str, Any] = {
    "tanh": Tanh,
    "relu": Relu,
    "leaky_relu": LeakyRelu,
    "sigmoid": Sigmoid,
    "linear": Linear,
}

# ------------------------------------------------------------------------------------------------
# Losses: how wrong is a guess? ``z`` is the output unit's weighted sum. When the answer is one of the
# classes −1 and +1, the guess is tanh z (or, for cross-entropy, twice a probability minus 1);
# when it is a number, the guess is z itself.


class MeanSquaredError:
    """L = mean (guess − y)²."""

    def __init__(self, classes: bool) -> None:
        self.head = Tanh if classes else Linear

    def guess(self, z: Array) -> Array:
        """What the network answers, from the weighted sum of its output unit."""
        return np.tanh(z) if self.head is Tanh else z.copy()

    def value(self, z: Array, y: Array) -> float:
        """The loss over these examples."""
        return float(np.mean((self.guess(z) - y) ** 2))

    def slope(self, z: Array, y: Array, out: Array) -> None:
        """dL/dz for each example, except for the division by their number."""
        guess = self.guess(z)
        self.head.slope(guess, out)  # d guess / d z
        np.subtract(guess, y, out=guess)
        np.multiply(out, guess, out=out)
        np.multiply(out, TWO, out=out)


class LogCosh(MeanSquaredError):  # noqa: N818 (an error in the sense of statistics)
    """L = mean log cosh(guess − y): a parabola near 0, a straight line far from it."""

    def value(self, z: Array, y: Array) -> float:
        error = self.guess(z) - y
        return float(np.mean(np.logaddexp(error, -error)) - np.log(2.0))

    def slope(self, z: Array, y: Array, out: Array) -> None:
        guess = self.guess(z)
        self.head.slope(guess, out)
        np.subtract(guess, y, out=guess)
        np.tanh(guess, out=guess)
        np.multiply(out, guess, out=out)


class CrossEntropy(MeanSquaredError):  # noqa: N818
    """L = mean −log p, p = 1 / (1 + e⁻ᶻ) or 1 − p, whichever belongs to the right class."""

    def guess(self, z: Array) -> Array:
        return np.tanh(HALF * z)  # = 2p − 1, so that −1 and +1 are the two certainties

    def value(self, z: Array, y: Array) -> float:
        return float(np.mean(np.logaddexp(0.0, -y * z)))

    def slope(self, z: Array, y: Array, out: Array) -> None:
        np.subtract(self.guess(z), y, out=out)  # the slopes of log and of σ cancel: p − t remains
        np.multiply(out, HALF, out=out)


LOSSES: dict[str, Any] = {
    "mse": MeanSquaredError,
    "cross_entropy": CrossEntropy,
    "log_cosh": LogCosh,
}

# ------------------------------------------------------------------------------------------------
# The network


class Network:
    """Weights and biases of layers with ``sizes`` units: inputs, hidden layers, output."""

    def __init__(
        self, sizes: tuple[int, ...], activation: str = "tanh", dtype: Any = np.float32
    ) -> None:
        self.sizes, self.activation, self.dtype = sizes, ACTIVATIONS[activation], dtype
        shapes = [(n_out, n_in + 1) for n_in, n_out in pairwise(sizes)]
        count = sum(rows * columns for rows, columns in shapes)
        self.theta = np.zeros(count, dtype)
        self.gradient = np.zeros(count, dtype)
        self.W = split_vector(self.theta, shapes)
        self.dW = split_vector(self.gradient, shapes)
        self.is_weight = np.ones(count, dtype)  # 0 where theta holds a bias
        for mask in split_vector(self.is_weight, shapes):
            mask[:, -1] = 0.0

    def initialise(self, how: str, rng: torch.Generator) -> None:
        """Random weights whose spread suits each layer's width; biases start at 0."""
        for W in self.W:
            n_out, n_in = W.shape[0], W.shape[1] - 1
            spread = {
                "glorot": (6 / (n_in + n_out)) ** 0.5,
                "he": (6 / n_in) ** 0.5,
                "half": 0.5,
                "zeros": 0.0,
            }[how]
            random = 2 * torch.rand(n_out, n_in, generator=rng).numpy() - 1
            W[:, :-1] = spread * random
            W[:, -1] = 0.0


def split_vector(vector: Array, shapes: list[tuple[int, int]]) -> list[Array]:
    """Windows of the given shapes onto one vector, one after the other."""
    windows, start = [], 0
    for rows, columns in shapes:
        windows.append(vector[start : start + rows * columns].reshape(rows, columns))
        start += rows * columns
    return windows


class Pass:
    """The arrays for sending ``rows`` examples through a network, forward and back.

    They are made once, windows and transposes included, because for ten examples making a window
    costs as much as multiplying with it.
    """

    def __init__(self, network: Network, rows: int) -> None:
        self.network, self.rows = network, rows
        dtype, hidden, n_out = network.dtype, network.sizes[1:-1], network.sizes[-1]
        shapes = [(units + 1, rows) for units in hidden]
        count = sum(units * rows for units, _ in shapes)
        self.outputs = np.ones(count, dtype)  # every hidden unit, and a row of ones per layer
        self.slopes = np.ones(count, dtype)  # da/dz, laid out alike
        self.A, self.slope_of = (
            split_vector(self.outputs, shapes),
            split_vector(self.slopes, shapes),
        )
        self.dA = [np.zeros(shape, dtype) for shape in shapes]
        # Z is a window onto A, and dZ onto dA: sums become outputs, slopes become slopes, in place
        self.Z = [A[:-1] for A in self.A] + [np.zeros((n_out, rows), dtype)]
        self.dZ = [dA[:-1] for dA in self.dA] + [np.zeros((n_out, rows), dtype)]
        self.z, self.dz = self.Z[-1][0], self.dZ[-1][0]
        self.A_turned = [A.T for A in self.A]
        self.W_turned = [W.T for W in network.W]
        self.per_example = np.array(1 / max(rows, 1), dtype)

    def forward(self, x: Array) -> Array:
        """``x`` (inputs + 1, rows), last row 1 → weighted sum z (rows,) of the output unit."""
        activate = self.network.activation.apply
        A = x
        for W, Z, A_next in zip(self.network.W, self.Z, self.A, strict=False):
            W.dot(A, Z)  # every unit's weighted sum, bias included
            activate(Z)
            A = A_next
        self.network.W[-1].dot(A, self.Z[-1])
        return self.z

    def backward(self, x: Array) -> None:
        """From ``dz`` = dL/dz of the output unit, fill ``network.gradient`` by the chain rule."""
        dW, dZ, dA = self.network.dW, self.dZ, self.dA
        self.network.activation.slope(self.outputs, self.slopes)  # da/dz of every unit at once
        for k in range(len(dA), 0, -1):
            dZ[k].dot(self.A_turned[k - 1], dW[k])  # dL/dW = dL/dz · the layer's input
            self.W_turned[k].dot(dZ[k], dA[k - 1])  # dL/da of the layer before …
            np.multiply(dA[k - 1], self.slope_of[k - 1], out=dA[k - 1])  # … and its dL/dz
        dZ[0].dot(x.T, dW[0])


# ------------------------------------------------------------------------------------------------
# Optimizers: theta, its gradient and a learning rate → a better theta


class Sgd:
    """θ ← θ − η g."""

    def __init__(self, count: int, dtype: Any = np.float32) -> None:
        self.memory = np.zeros((2, count), dtype)  # what it remembers of earlier gradients
        self.scratch = np.zeros(count, dtype)
        self.steps = 0

    def update(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        np.multiply(gradient, learning_rate, out=self.scratch)
        np.subtract(theta, self.scratch, out=theta)


class Momentum(Sgd):
    """v ← 0.9 v + g, θ ← θ − η v: a ball that keeps its speed."""

    def update(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        v = self.memory[0]
        np.multiply(v, 0.9, out=v)
        np.add(v, gradient, out=v)
        np.multiply(v, learning_rate, out=self.scratch)
        np.subtract(theta, self.scratch, out=theta)


class RmsProp(Sgd):
    """s ← 0.99 s + 0.01 g², θ ← θ − η g / √s: each parameter gets its own step length."""

    def update(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        s = self.memory[1]
        np.multiply(s, 0.99, out=s)
        np.square(gradient, out=self.scratch)
        np.multiply(self.scratch, 0.01, out=self.scratch)
        np.add(s, self.scratch, out=s)
        np.sqrt(s, out=self.scratch)
        np.add(self.scratch, 1e-8, out=self.scratch)
        np.divide(gradient, self.scratch, out=self.scratch)
        np.multiply(self.scratch, learning_rate, out=self.scratch)
        np.subtract(theta, self.scratch, out=theta)


class Adam(Sgd):
    """Momentum and RMSProp together, with both averages corrected for having started at 0."""

    def update(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        m, s = self.memory
        self.steps += 1
        np.multiply(m, 0.9, out=m)
        np.multiply(gradient, 0.1, out=self.scratch)
        np.add(m, self.scratch, out=m)
        np.multiply(s, 0.999, out=s)
        np.square(gradient, out=self.scratch)
        np.multiply(self.scratch, 0.001, out=self.scratch)
        np.add(s, self.scratch, out=s)
        np.sqrt(s, out=self.scratch)
        np.multiply(self.scratch, (1 - 0.999**self.steps) ** -0.5, out=self.scratch)
        np.add(self.scratch, 1e-8, out=self.scratch)
        np.divide(m, self.scratch, out=self.scratch)
        np.multiply(self.scratch, learning_rate / (1 - 0.9**self.steps), out=self.scratch)
        np.subtract(theta, self.scratch, out=theta)


OPTIMIZERS: dict[str, type[Sgd]] = {
    "sgd": Sgd,
    "momentum": Momentum,
    "rmsprop": RmsProp,
    "adam": Adam,
}
