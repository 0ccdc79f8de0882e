"""A learner's own formula in x and y, read by a parser of our own, never ``eval``.

``Formula.parse("sin(x) + y^2 / 4")`` gives an object that can be called with NumPy arrays or with
torch tensors (then autograd differentiates it), typeset as LaTeX, and written as Python source for
the stand-alone script. ``reading`` has the grammar, ``tree`` what it makes, ``writing`` the way back.

Imports numpy; torch only once a tensor is passed in, so ``parameters.py`` may check formulas before
torch has been loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from desktop.engine.formula.reading import MAX_LENGTH, FormulaError, read
from desktop.engine.formula.tree import (
    FUNCTION_NAMES,
    NUMPY_FUNCTIONS,
    TORCH_NAMES,
    TWO_ARGUMENTS,
    Call,
    Negation,
    Node,
    Number,
    Variable,
)
from desktop.engine.formula.writing import latex, python

__all__ = ["FUNCTION_NAMES", "MAX_LENGTH", "TWO_ARGUMENTS", "Formula", "FormulaError"]


@dataclass(frozen=True)
class Formula:
    """A formula that has been read: call it, typeset it, or write it as Python."""

    text: str
    tree: Node

    @classmethod
    def parse(cls, text: str) -> Formula:
        """Read ``text``; raises ``FormulaError`` with the position of the first problem."""
        with np.errstate(all="ignore"):
            return cls(text, read(text))

    def __call__(self, x: Any, y: Any) -> Any:
        """The value at ``x``, ``y``: numbers, NumPy arrays or torch tensors of one shape.

        Outside the formula's domain the result is NaN or infinite, without a warning.
        """
        if _is_tensor(x) or _is_tensor(y):
            # 0 * x keeps a constant formula a tensor of the right shape with a gradient.
            value = _evaluate(self.tree, x, y, _call_torch)
            return value if _is_tensor(value) else value + 0 * (x + y)
        # float64 scalars instead of Python floats: 1 / 0 is then inf and not an exception.
        x, y = np.asarray(x, dtype=np.float64)[()], np.asarray(y, dtype=np.float64)[()]
        with np.errstate(all="ignore"):
            value = _evaluate(self.tree, x, y, _call_numpy)
            return value + np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)))[()]

    def latex(self) -> str:
        """The formula for a typesetter, with no more brackets than it needs."""
        return latex(self.tree)

    def python(self) -> str:
        """The formula as a Python expression in ``x``, ``y`` and ``torch``."""
        return python(self.tree)


def _evaluate(node: Node, x: Any, y: Any, call: Callable[[str, list[Any]], Any]) -> Any:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Variable):
        return x if node.name == "x" else y
    if isinstance(node, Negation):
        return -_evaluate(node.inner, x, y, call)
    if isinstance(node, Call):
        return call(node.name, [_evaluate(part, x, y, call) for part in node.arguments])
    left = _evaluate(node.left, x, y, call)
    right = _evaluate(node.right, x, y, call)
    if node.operator == "+":
        return left + right
    if node.operator == "-":
        return left - right
    if node.operator == "*":
        return left * right
    return left / right if node.operator == "/" else left**right


def _call_numpy(name: str, arguments: list[Any]) -> Any:
    return NUMPY_FUNCTIONS[name](*arguments)


def _call_torch(name: str, arguments: list[Any]) -> Any:
    import torch

    like = next(value for value in arguments if isinstance(value, torch.Tensor))
    tensors = [torch.as_tensor(value, dtype=like.dtype) for value in arguments]
    return getattr(torch, TORCH_NAMES.get(name, name))(*tensors)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)
