"""Test surfaces z = f(x, y) on which optimizers are usually compared.

Every height is one plain function of torch tensors; ``SURFACES`` adds the region worth looking at, a
good start, the minima known from the literature and whether the picture needs a logarithmic height.
Imports no torch by itself (the functions use the tensors' own methods), so that a lesson's
``parameters.py`` may read the table before torch has been loaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Height = Callable[[Any, Any], Any]
Domain = tuple[float, float, float, float]


def rosenbrock(x: Any, y: Any) -> Any:
    """A curved valley: easy to fall into, slow to follow. Minimum 0 at (1, 1)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def himmelblau(x: Any, y: Any) -> Any:
    """Four minima, all 0; the start decides which one is found."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def beale(x: Any, y: Any) -> Any:
    """A wide plain with steep corners. Minimum 0 at (3, 0.5)."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def saddle(x: Any, y: Any) -> Any:
    """A mountain pass at (0, 0): up along x, down along y, until two minima at y = ±√2."""
    return x**2 - y**2 + y**4 / 4


def rastrigin(x: Any, y: Any) -> Any:
    """A bowl with a hundred dimples. The deepest, 0, is at (0, 0)."""
    waves = (2 * math.pi * x).cos() + (2 * math.pi * y).cos()
    return 20 + x**2 + y**2 - 10 * waves


def ackley(x: Any, y: Any) -> Any:
    """A rippled plain with a deep funnel in the middle. Minimum 0 at (0, 0)."""
    # 1e-12 keeps the square root differentiable in the very centre.
    funnel = -20 * (-0.2 * ((x**2 + y**2) / 2 + 1e-12).sqrt()).exp()
    ripples = -(((2 * math.pi * x).cos() + (2 * math.pi * y).cos()) / 2).exp()
    return funnel + ripples + math.e + 20


@dataclass(frozen=True)
class KnownSurface:
    """A height with what one needs to look at it: ``domain`` is (x low, x high, y low, y high)."""

    height: Height
    domain: Domain
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    lowest: float
    latex: str
    log_height: bool = False
    saddles: tuple[tuple[float, float], ...] = ()


SURFACES: dict[str, KnownSurface] = {
    "rosenbrock": KnownSurface(
        height=rosenbrock,
        domain=(-2.0, 2.0, -1.5, 3.5),
        start=(-1.5, 2.4),
        minima=((1.0, 1.0),),
        lowest=0.0,
        latex=r"(1-x)^2 + 100\,(y-x^2)^2",
        log_height=True,
    ),
    "himmelblau": KnownSurface(
        height=himmelblau,
        domain=(-5.5, 5.5, -5.5, 5.5),
        start=(-0.3, -1.2),
        minima=((3.0, 2.0), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)),
        lowest=0.0,
        latex=r"(x^2+y-11)^2 + (x+y^2-7)^2",
        log_height=True,
    ),
    "beale": KnownSurface(
        height=beale,
        domain=(-4.5, 4.5, -4.5, 4.5),
        start=(-2.0, 2.5),
        minima=((3.0, 0.5),),
        lowest=0.0,
        latex=r"(1.5-x+xy)^2 + (2.25-x+xy^2)^2 + (2.625-x+xy^3)^2",
        log_height=True,
    ),
    "saddle": KnownSurface(
        height=saddle,
        domain=(-2.5, 2.5, -2.5, 2.5),
        start=(2.0, 0.001),
        minima=((0.0, math.sqrt(2)), (0.0, -math.sqrt(2))),
        lowest=-1.0,
        latex=r"x^2 - y^2 + \frac{y^4}{4}",
        saddles=((0.0, 0.0),),
    ),
    "rastrigin": KnownSurface(
        height=rastrigin,
        domain=(-5.12, 5.12, -5.12, 5.12),
        start=(3.3, 2.6),
        minima=((0.0, 0.0),),
        lowest=0.0,
        latex=r"20 + x^2 + y^2 - 10\cos 2\pi x - 10\cos 2\pi y",
    ),
    "ackley": KnownSurface(
        height=ackley,
        domain=(-5.0, 5.0, -5.0, 5.0),
        start=(3.6, -2.7),
        minima=((0.0, 0.0),),
        lowest=0.0,
        latex=r"-20\,e^{-0.2\sqrt{(x^2+y^2)/2}} - e^{(\cos 2\pi x + \cos 2\pi y)/2} + e + 20",
    ),
}


def grid(height: Height, domain: Domain, points: int = 121) -> tuple[Any, Any, Any]:
    """``xs`` (n,), ``ys`` (n,) and heights (n, n) with row 0 at the bottom; NaN where undefined."""
    import torch

    xs = torch.linspace(domain[0], domain[1], points, dtype=torch.float64)
    ys = torch.linspace(domain[2], domain[3], points, dtype=torch.float64)
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    values = height(x, y)
    values = torch.where(torch.isfinite(values), values, torch.nan)
    return xs.numpy(), ys.numpy(), values.numpy()
