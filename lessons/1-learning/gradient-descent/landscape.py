"""The surface under the ball: its height function, and how to draw it.

House prices, the test surfaces of ``desktop.engine.surfaces`` and the learner's own formula all
become one ``Landscape``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.engine.formula import Formula
from desktop.engine.frames import Array, Axis, Field, Mark
from desktop.engine.surfaces import SURFACES, grid

from .parameters import Parameters

PRICE_UNIT = "10⁴ ¥/m²"
MINIMUM = Bilingual("谷底", "minimum")
SADDLE = Bilingual("鞍点", "saddle")
LOWEST_DRAWN = Bilingual("图中最低处", "lowest point drawn")


@dataclass(frozen=True, eq=False)
class Landscape:
    """A height over the plane with everything the panels need to draw it once."""

    height: Callable[[Tensor, Tensor], Tensor]
    field: Field
    x: Axis
    y: Axis
    minima: tuple[Mark, ...]
    saddles: tuple[Mark, ...]
    lowest: float
    log_height: bool
    formula: str

    def drawn(self, heights: Array) -> Array:
        """Heights as the picture shows them, limited to what it can show."""
        shown = np.log10(1 + np.maximum(heights - self.lowest, 0)) if self.log_height else heights
        low, high = self.field.limits or (-np.inf, np.inf)
        return np.clip(np.nan_to_num(shown, nan=high), low, high)


def house_landscape(
    parameters: Parameters, height: Callable[[Tensor, Tensor], Tensor], best: tuple[float, float]
) -> Landscape:
    """The mean squared error over slope w and intercept b; ``best`` is its closed-form minimum."""
    per = "σ" if parameters.surface == "houses" else "10 km"
    x = Axis(Bilingual("斜率 w", "slope w"), f"{PRICE_UNIT} / {per}")
    y = Axis(Bilingual("截距 b", "intercept b"), PRICE_UNIT)
    lowest = float(height(torch.tensor(best[0]).double(), torch.tensor(best[1]).double()))
    label = Bilingual("损失 L(w, b)", "loss L(w, b)")
    return _landscape(
        parameters,
        height,
        (x, y),
        label,
        (Mark(MINIMUM, best),),
        lowest=lowest,
        formula=r"L(w, b) = \frac{1}{n}\sum_{i=1}^{n}\left(w\,x_i + b - y_i\right)^2",
    )


def known_landscape(parameters: Parameters) -> Landscape:
    """One of the surfaces from the literature."""
    known = SURFACES[parameters.surface]
    label = Bilingual("高度 L(x, y)", "height L(x, y)")
    return _landscape(
        parameters,
        known.height,
        _plane(),
        label,
        tuple(Mark(MINIMUM, place) for place in known.minima),
        tuple(Mark(SADDLE, place) for place in known.saddles),
        lowest=known.lowest,
        log_height=known.log_height,
        formula=known.latex,
    )


def own_landscape(parameters: Parameters) -> Landscape:
    """The learner's formula; its lowest point is only looked for among the points drawn."""
    formula = Formula.parse(parameters.formula)
    xs, ys, values = grid(formula, parameters.domain())
    row, column = np.unravel_index(int(np.nanargmin(values)), values.shape)
    mark = Mark(LOWEST_DRAWN, (float(xs[column]), float(ys[row])))
    return _landscape(
        parameters,
        formula,
        _plane(),
        Bilingual("高度 L(x, y)", "height L(x, y)"),
        (mark,),
        lowest=float(values[row, column]),
        formula=f"L(x, y) = {formula.latex()}",
    )


def _plane() -> tuple[Axis, Axis]:
    return Axis(Bilingual.same("x")), Axis(Bilingual.same("y"))


def _landscape(
    parameters: Parameters,
    height: Callable[[Tensor, Tensor], Tensor],
    axes: tuple[Axis, Axis],
    label: Bilingual,
    minima: tuple[Mark, ...],
    saddles: tuple[Mark, ...] = (),
    *,
    lowest: float,
    formula: str,
    log_height: bool = False,
) -> Landscape:
    domain = parameters.domain()
    xs, ys, values = grid(height, domain)
    if log_height:
        # The valley of Rosenbrock is thousands of times lower than its walls.
        values = np.log10(1 + values - lowest)
        label = Bilingual("log₁₀(1 + L)", "log₁₀(1 + L)")
    field = Field(xs, ys, values, label, limits=_limits(values))
    return Landscape(
        height,
        field,
        Axis(axes[0].label, axes[0].unit, limits=domain[:2]),
        Axis(axes[1].label, axes[1].unit, limits=domain[2:]),
        minima,
        saddles,
        lowest,
        log_height,
        formula,
    )


def _limits(values: Array) -> tuple[float, float]:
    """The range of heights to colour; a pole in a formula must not flatten all the rest."""
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    usual = np.percentile(finite, [2, 98])
    spread = 2 * float(usual[1] - usual[0])
    low, high = max(low, float(usual[0]) - spread), min(high, float(usual[1]) + spread)
    return (low, high) if high - low > 1e-9 * max(1, abs(high)) else (low - 0.5, low + 0.5)


def stable_rate(rule: str, beta: float, curvature: float) -> float:
    """The learning rate from which a rule diverges in a valley of this curvature λ.

    Exact for a quadratic: gradient descent multiplies the distance by 1 − ηλ each step, the other
    two follow from the roots of their two-step recurrence.
    """
    if curvature <= 0:
        return math.inf
    if rule == "momentum":
        return 2 * (1 + beta) / curvature
    if rule == "nesterov":
        return 2 * (1 + beta) / ((1 + 2 * beta) * curvature)
    return 2 / curvature
