"""The test surfaces against formulas written out in NumPy, and their known minima."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from desktop.engine.surfaces import SURFACES, grid

TAU = 2 * np.pi
REFERENCES = {
    "rosenbrock": lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
    "himmelblau": lambda x, y: (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2,
    "beale": lambda x, y: sum(
        (c - x * (1 - y**k)) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))
    ),
    "saddle": lambda x, y: x * x - y * y + 0.25 * y**4,
    "rastrigin": lambda x, y: sum(z * z - 10 * np.cos(TAU * z) + 10 for z in (x, y)),
    "ackley": lambda x, y: (
        -20 * np.exp(-0.2 * np.sqrt(0.5 * (x * x + y * y)))
        - np.exp(0.5 * (np.cos(TAU * x) + np.cos(TAU * y)))
        + np.e
        + 20
    ),
}


@pytest.mark.parametrize("name", SURFACES)
def test_heights(name: str) -> None:
    known = SURFACES[name]
    xs, ys, values = grid(known.height, known.domain, points=41)
    x, y = np.meshgrid(xs, ys)
    np.testing.assert_allclose(values, REFERENCES[name](x, y), rtol=1e-10, atol=1e-5)
    assert values.shape == (41, 41)
    assert (xs[0], xs[-1], ys[0], ys[-1]) == known.domain


@pytest.mark.parametrize("name", SURFACES)
def test_known_minima_are_minima(name: str) -> None:
    known = SURFACES[name]
    x_low, x_high, y_low, y_high = known.domain
    for place in known.minima:
        at = torch.tensor(place, dtype=torch.float64)
        lowest = known.height(at[0], at[1]).item()
        assert lowest == pytest.approx(known.lowest, abs=1e-5)
        angle = torch.linspace(0, 2 * math.pi, 64, dtype=torch.float64)
        around = known.height(at[0] + 0.01 * angle.cos(), at[1] + 0.01 * angle.sin())
        assert bool((around > lowest).all())
        assert x_low < place[0] < x_high
        assert y_low < place[1] < y_high
    _, _, values = grid(known.height, known.domain)
    assert values.min() >= known.lowest - 1e-9


@pytest.mark.parametrize("name", SURFACES)
def test_gradients_by_autograd_equal_finite_differences(name: str) -> None:
    known = SURFACES[name]
    rng = np.random.default_rng(0)
    x_low, x_high, y_low, y_high = known.domain
    for x, y in rng.uniform((x_low, y_low), (x_high, y_high), size=(20, 2)):
        at = torch.tensor([x, y], dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(known.height(at[0], at[1]), at)
        step = 1e-6
        f = REFERENCES[name]
        numeric = [
            (f(x + step, y) - f(x - step, y)) / (2 * step),
            (f(x, y + step) - f(x, y - step)) / (2 * step),
        ]
        np.testing.assert_allclose(gradient.numpy(), numeric, rtol=1e-4, atol=1e-3)


def test_the_saddle_is_one() -> None:
    at = torch.tensor(SURFACES["saddle"].saddles[0], dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(lambda p: SURFACES["saddle"].height(*p), at)
    low, high = torch.linalg.eigvalsh(hessian).tolist()
    assert low == pytest.approx(-2)
    assert high == pytest.approx(2)


def test_undefined_places_are_nan() -> None:
    _, _, values = grid(lambda x, y: x.log() + 0 * y, (-1.0, 1.0, -1.0, 1.0), points=11)
    assert np.isnan(values[:, :6]).all()
    assert np.isfinite(values[:, 6:]).all()
