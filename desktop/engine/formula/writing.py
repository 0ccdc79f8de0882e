"""From the tree of a formula to text again: Python source for the stand-alone script, and LaTeX.

Imports the tree, nothing else.
"""

from __future__ import annotations

import math

from desktop.engine.formula.tree import (
    TORCH_NAMES,
    TWO_ARGUMENTS,
    Call,
    Negation,
    Node,
    Number,
    Operation,
    Variable,
)

_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4}
_ATOM = 5


def _strength(node: Node) -> int:
    """How tightly the outermost operation binds."""
    if isinstance(node, Operation):
        return _STRENGTH[node.operator]
    if isinstance(node, Negation) or (isinstance(node, Number) and node.value < 0):
        return 1
    return _ATOM


def python(node: Node) -> str:
    """The formula as a Python expression in ``x``, ``y`` and ``torch``."""
    if isinstance(node, Number):
        plain = math.isfinite(node.value)
        return repr(node.value) if plain else f"float('{node.value}')"
    if isinstance(node, Variable):
        return node.name
    if isinstance(node, Negation):
        return f"-{_wrap(python(node.inner), _strength(node.inner) <= 2)}"
    if isinstance(node, Call):
        parts = [python(part) for part in node.arguments]
        if node.name in TWO_ARGUMENTS:
            parts = [
                f"torch.tensor({part}, dtype=torch.float64)" if isinstance(leaf, Number) else part
                for part, leaf in zip(parts, node.arguments, strict=True)
            ]
        return f"torch.{TORCH_NAMES.get(node.name, node.name)}({', '.join(parts)})"
    own = _strength(node)
    left_weak = _strength(node.left) < own or (node.operator == "^" and _strength(node.left) < 5)
    right_weak = _strength(node.right) <= own
    left = _wrap(python(node.left), left_weak)
    right = _wrap(python(node.right), right_weak)
    return f"{left}**{right}" if node.operator == "^" else f"{left} {node.operator} {right}"


def _wrap(text: str, needed: bool) -> str:
    return f"({text})" if needed else text


def _latex_number(value: float) -> str:
    for name, constant in ((r"\pi", math.pi), ("e", math.e)):
        if value == constant:
            return name
    if not math.isfinite(value):
        return r"\infty" if value > 0 else r"-\infty" if value < 0 else r"\mathrm{nan}"
    text = f"{value:.6g}"
    if "e" in text:
        digits, exponent = text.split("e")
        return rf"{digits} \cdot 10^{{{int(exponent)}}}"
    return text


_LATEX_FUNCTIONS = {
    "asin": r"\arcsin",
    "acos": r"\arccos",
    "atan": r"\arctan",
    "log2": r"\log_{2}",
    "log10": r"\log_{10}",
    "log": r"\ln",
    "sigmoid": r"\sigma",
    "relu": r"\operatorname{ReLU}",
}


def latex(node: Node) -> str:
    """The formula for a typesetter, with no more brackets than it needs."""
    if isinstance(node, Number):
        return _latex_number(node.value)
    if isinstance(node, Variable):
        return node.name
    if isinstance(node, Negation):
        return f"-{_latex_wrap(node.inner, _strength(node.inner) <= 1)}"
    if isinstance(node, Call):
        return _latex_call(node)
    left, right = node.left, node.right
    if node.operator == "/":
        return rf"\frac{{{latex(left)}}}{{{latex(right)}}}"
    if node.operator == "^":
        return (
            f"{_latex_wrap(left, _strength(left) < 5 or isinstance(left, Call))}^{{{latex(right)}}}"
        )
    own = _strength(node)
    first = _latex_wrap(left, _strength(left) < own)
    second = _latex_wrap(
        right, _strength(right) <= own and not (node.operator == "+" and right == 0)
    )
    if node.operator != "*":
        return f"{first} {node.operator} {second}"
    digits_meet = isinstance(right, Number) or (
        isinstance(right, Operation) and isinstance(right.left, Number)
    )
    return f"{first} \\cdot {second}" if digits_meet else rf"{first} \, {second}"


def _latex_wrap(node: Node, needed: bool) -> str:
    return rf"\left({latex(node)}\right)" if needed else latex(node)


def _latex_call(node: Call) -> str:
    inner = ", ".join(latex(part) for part in node.arguments)
    if node.name == "sqrt":
        return rf"\sqrt{{{inner}}}"
    if node.name == "abs":
        return rf"\left|{inner}\right|"
    if node.name == "exp":
        return f"e^{{{inner}}}"
    return rf"{_LATEX_FUNCTIONS.get(node.name, chr(92) + node.name)}\left({inner}\right)"
