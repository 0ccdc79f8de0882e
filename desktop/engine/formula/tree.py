"""The tree of a formula that has been read, and the functions that may stand in it.

A number is folded when it is built, so a constant part is always one ``Number``. Imports numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

CONSTANTS = {"pi": math.pi, "e": math.e}
VARIABLES = ("x", "y")

NUMPY_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0.0),
    "max": np.maximum,
    "min": np.minimum,
}
TWO_ARGUMENTS = ("max", "min")
TORCH_NAMES = {"max": "maximum", "min": "minimum"}
FUNCTION_NAMES = tuple(NUMPY_FUNCTIONS)


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True)
class Variable:
    """``x`` or ``y``."""

    name: str


@dataclass(frozen=True)
class Operation:
    """``left operator right`` with one of + - * / ^."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Negation:
    """``-inner``."""

    inner: Node


@dataclass(frozen=True)
class Call:
    """A function of one or two arguments."""

    name: str
    arguments: tuple[Node, ...]


Node = Number | Variable | Operation | Negation | Call

_ON_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}


def operate(operator: str, left: Node, right: Node) -> Node:
    """``left operator right``, or its value if both are numbers."""
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(float(_ON_NUMBERS[operator](np.float64(left.value), np.float64(right.value))))
    return Operation(operator, left, right)


def negate(inner: Node) -> Node:
    """``-inner``, or its value."""
    return Number(-inner.value) if isinstance(inner, Number) else Negation(inner)


def call(name: str, arguments: tuple[Node, ...]) -> Node:
    """``name(arguments)``, or its value if all arguments are numbers."""
    values = [argument.value for argument in arguments if isinstance(argument, Number)]
    if len(values) == len(arguments):
        return Number(float(NUMPY_FUNCTIONS[name](*map(np.float64, values))))
    return Call(name, arguments)
