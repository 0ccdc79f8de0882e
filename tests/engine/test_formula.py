"""The formula parser: values against Python's own arithmetic, gradients, errors, and fuzz."""

from __future__ import annotations

import ast
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.engine.formula import FUNCTION_NAMES, MAX_LENGTH, TWO_ARGUMENTS, Formula, FormulaError

XS = np.array([0.3, 0.7, 1.9, 2.5])
YS = np.array([0.2, 1.1, 0.9, 0.4])

VALUES = {
    "x + y": XS + YS,
    "x - y - 1": XS - YS - 1,
    "x / y / 2": XS / YS / 2,
    "2x": 2 * XS,
    "2x y": 2 * XS * YS,
    "2(x+1)(y-1)": 2 * (XS + 1) * (YS - 1),
    "3 sin(x) cos(y)": 3 * np.sin(XS) * np.cos(YS),
    "-x^2": -(XS**2),
    "(-x)^2": XS**2,
    "2^-x": 2**-XS,
    "2^3^x": 2 ** (3**XS),
    "x**2 + y**2": XS**2 + YS**2,
    "x² + y³": XS**2 + YS**3,
    "√x + √(x+y)": np.sqrt(XS) + np.sqrt(XS + YS),
    "sin(2πx)": np.sin(2 * np.pi * XS),
    "e^x": np.exp(XS),
    "exp(-(x^2+y^2)/2)": np.exp(-(XS**2 + YS**2) / 2),
    "ln(x) + log2(x) + log10(y)": np.log(XS) + np.log2(XS) + np.log10(YS),
    "abs(x - 1)": np.abs(XS - 1),
    "max(x, y) - min(x, 1)": np.maximum(XS, YS) - np.minimum(XS, 1),
    "tanh(x) + sinh(y) + cosh(x)": np.tanh(XS) + np.sinh(YS) + np.cosh(XS),
    "arctan(x) + asin(x/3) + acos(y/3)": np.arctan(XS) + np.arcsin(XS / 3) + np.arccos(YS / 3),
    "sigmoid(x) + relu(x - 1)": 1 / (1 + np.exp(-XS)) + np.maximum(XS - 1, 0),
    "1.5e-1 x + .5": 0.15 * XS + 0.5,
    "x×y÷2−1": XS * YS / 2 - 1,
    "(x+1)*[y]": (XS + 1) * YS,
    "+x - -y": XS + YS,
    "  X *  Y ": XS * YS,
    "7": np.full(4, 7.0),
}


@pytest.mark.parametrize("text", VALUES)
def test_values_in_numpy_and_torch(text: str) -> None:
    formula = Formula.parse(text)
    np.testing.assert_allclose(formula(XS, YS), VALUES[text], rtol=1e-14)
    tensors = formula(torch.tensor(XS), torch.tensor(YS))
    assert tensors.dtype == torch.float64
    np.testing.assert_allclose(tensors.numpy(), VALUES[text], rtol=1e-13)
    assert float(formula(0.3, 0.2)) == pytest.approx(VALUES[text][0])


@pytest.mark.parametrize("text", VALUES)
def test_python_source_computes_the_same(text: str) -> None:
    x, y = torch.tensor(XS), torch.tensor(YS)
    code = compile(ast.parse(Formula.parse(text).python(), mode="eval"), "formula", "eval")
    value = eval(code, {"torch": torch, "x": x, "y": y})
    torch.testing.assert_close(
        torch.as_tensor(value, dtype=torch.float64).expand(4),
        Formula.parse(text)(x, y),
        rtol=1e-14,
        atol=0,
    )


@pytest.mark.parametrize("text", [text for text in VALUES if text != "7"])
def test_gradients(text: str) -> None:
    formula = Formula.parse(text)
    x = torch.tensor(XS, requires_grad=True)
    y = torch.tensor(YS, requires_grad=True)
    gradients = torch.autograd.grad(
        formula(x, y).sum(), (x, y), allow_unused=True, materialize_grads=True
    )
    h = 1e-6
    numeric = (
        (formula(XS + h, YS) - formula(XS - h, YS)) / (2 * h),
        (formula(XS, YS + h) - formula(XS, YS - h)) / (2 * h),
    )
    for exact, approximate in zip(gradients, numeric, strict=True):
        np.testing.assert_allclose(exact.numpy(), approximate, rtol=1e-4, atol=1e-6)


def test_a_constant_formula_still_has_a_gradient() -> None:
    x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(Formula.parse("2*pi")(x, x), x)
    assert gradient.item() == 0


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1/x", 0.0),
        ("log(x)", -1.0),
        ("sqrt(x)", -1.0),
        ("x^0.5", -1.0),
        ("1/0", 1.0),
        ("exp(exp(exp(x)))", 9.0),
        ("(0-1)^0.5 + x", 1.0),
        ("0/0 + y", 1.0),
    ],
)
def test_outside_the_domain_is_nonfinite_and_silent(text: str, at: float) -> None:
    formula = Formula.parse(text)
    assert not math.isfinite(float(formula(at, at)))
    assert not math.isfinite(formula(torch.tensor(at), torch.tensor(at)).item())


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("   ", 0),
        ("x +", 3),
        ("x + * y", 4),
        ("sin(x", 3),
        ("x)", 1),
        ("foo(x)", 0),
        ("x + bar", 4),
        ("x $ y", 2),
        ("xy", 0),
        ("sin x", 4),
        ("sin(x, y)", 0),
        ("max(x)", 0),
        ("0,5 x", 1),
        ("2 +\t@", 4),
        ("()", 1),
        ("x^", 2),
        ("__import__('os')", 0),
        ("x.real", 1),
    ],
)
def test_errors_say_where(text: str, position: int) -> None:
    with pytest.raises(FormulaError) as caught:
        Formula.parse(text)
    error = caught.value
    assert error.position == position
    assert str(position + 1) in error.message.zh
    assert str(position + 1) in error.message.en
    assert error.hint.zh
    assert error.hint.en


def test_hints_know_common_slips() -> None:
    with pytest.raises(FormulaError) as caught:
        Formula.parse("xy + 1")
    assert "x*y" in caught.value.hint.en
    with pytest.raises(FormulaError) as caught:
        Formula.parse("0,5")
    assert "0.5" in caught.value.hint.zh


def test_full_width_characters_of_a_chinese_keyboard() -> None:
    np.testing.assert_allclose(Formula.parse("(x+1)*2")(XS, YS), (XS + 1) * 2)


@pytest.mark.parametrize("text", ["(" * 100 + "x" + ")" * 100, "-" * 150 + "x", "2^" * 60 + "x"])
def test_deep_nesting_is_refused_not_a_crash(text: str) -> None:
    with pytest.raises(FormulaError):
        Formula.parse(text)


def test_length_is_limited() -> None:
    Formula.parse("x" + "+x" * ((MAX_LENGTH - 1) // 2))
    with pytest.raises(FormulaError):
        Formula.parse("x" + "+x" * MAX_LENGTH)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x^2/4", r"\frac{x^{2}}{4}"),
        ("(x+1)*y", r"\left(x + 1\right) \, y"),
        ("x-(y-1)", r"x - \left(y - 1\right)"),
        ("(-x)^2", r"\left(-x\right)^{2}"),
        ("sqrt(x) + abs(y)", r"\sqrt{x} + \left|y\right|"),
        ("2*3x", r"6 \, x"),
        ("pi*x", r"\pi \, x"),
        ("ln(x)", r"\ln\left(x\right)"),
    ],
)
def test_latex(text: str, latex: str) -> None:
    assert Formula.parse(text).latex() == latex


def test_parsing_imports_no_torch() -> None:
    code = (
        "import sys; from desktop.engine.formula import Formula;"
        "Formula.parse('sin(x)')(1.0, 2.0); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# ------------------------------------------------------------------------------------------------
# Fuzz

numbers = st.floats(0.1, 9.0).map(lambda value: f"{value:.3g}")
leaves = st.one_of(st.sampled_from(["x", "y", "pi"]), numbers)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, st.sampled_from(["2", "3", "0.5"])).map(lambda p: f"({p[0]})^{p[1]}"),
        inner.map(lambda part: f"(-{part})"),
        st.tuples(st.sampled_from(["sin", "cos", "tanh", "exp", "sqrt", "abs"]), inner).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        st.tuples(st.sampled_from(TWO_ARGUMENTS), inner, inner).map(
            lambda p: f"{p[0]}({p[1]}, {p[2]})"
        ),
    )


formulas = st.recursive(leaves, _larger, max_leaves=8).filter(lambda text: len(text) <= MAX_LENGTH)
NAMES = {
    "pi": math.pi,
    "abs": np.abs,
    "max": np.maximum,
    "min": np.minimum,
    **{name: getattr(np, name) for name in ("sin", "cos", "tanh", "exp", "sqrt")},
}


@settings(max_examples=150, deadline=None)
@given(formulas)
def test_random_formulas_equal_python(text: str) -> None:
    formula = Formula.parse(text)
    # Numbers as arrays: Python's own floats would raise on 1/0 and turn (-1)**0.5 complex.
    tree = ast.parse(text.replace("^", "**"), mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = float(node.value)
    names = {**NAMES, "pi": np.float64(math.pi), "x": XS, "y": YS}
    wrapped = _Float64().visit(tree)
    with np.errstate(all="ignore"):
        code = compile(ast.fix_missing_locations(wrapped), "reference", "eval")
        expected = eval(code, {**names, "float64": np.float64})
    expected = np.broadcast_to(expected, 4)
    np.testing.assert_allclose(formula(XS, YS), expected, rtol=1e-9, atol=1e-300)
    tensors = formula(torch.tensor(XS), torch.tensor(YS)).numpy()
    np.testing.assert_allclose(tensors, expected, rtol=1e-9, atol=1e-300)
    assert formula.latex().count("{") == formula.latex().count("}")
    code = compile(formula.python(), "written", "eval")
    ours = eval(code, {"torch": torch, "x": torch.tensor(XS), "y": torch.tensor(YS)})
    written = torch.as_tensor(ours, dtype=torch.float64).expand(4).numpy()
    np.testing.assert_allclose(written, expected, rtol=1e-9, atol=1e-300)


class _Float64(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Call(ast.Name("float64", ast.Load()), [node], [])


def parsed_or_refused(text: str) -> Formula | FormulaError:
    """Any other exception is a failure."""
    try:
        return Formula.parse(text)
    except FormulaError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="xy0123456789.+-*/^() ,esincoglqrtabpπ²√×", max_size=40))
def test_garbage_is_read_or_refused_politely(text: str) -> None:
    found = parsed_or_refused(text)
    if isinstance(found, FormulaError):
        assert 0 <= found.position <= len(text)
    else:
        assert np.shape(found(XS, YS)) == (4,)
        assert found.latex()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=30))
def test_any_text_at_all(text: str) -> None:
    found = parsed_or_refused(text)
    if isinstance(found, FormulaError):
        assert found.message.zh
        assert found.message.en


def test_names_are_documented() -> None:
    assert {"sin", "cos", "exp", "log", "sqrt", "abs", "tanh"} <= set(FUNCTION_NAMES)
