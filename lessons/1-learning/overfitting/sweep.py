"""Every degree at once, over many data sets: how error depends on the size of the model.

Nothing here is part of training; it is the bird's-eye view that a single run cannot give.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from .data import noisy_points, split, true_curve
from .models import exact_fit, legendre
from .parameters import LARGEST_DEGREE

SEEDS = 40
PLACES = 101
WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, eq=False)
class DegreeSweep:
    """Errors of the exact fit for each degree, (degrees,), on this very data set."""

    train: Tensor
    validation: Tensor
    test: Tensor


def degree_sweep(
    sets: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], tuple[Tensor, Tensor]],
    penalty: float,
) -> DegreeSweep:
    """Fit every degree to the training points and measure it on all three sets."""
    (x, y), *_ = sets
    rows = []
    for degree in range(LARGEST_DEGREE + 1):
        weights = exact_fit(x, y, degree, penalty)
        rows.append([((legendre(at, degree) @ weights - value) ** 2).mean() for at, value in sets])
    table = torch.tensor(rows, dtype=torch.float64)
    return DegreeSweep(table[:, 0], table[:, 1], table[:, 2])


@dataclass(frozen=True, eq=False)
class Spread:
    """Many data sets of the same kind: errors (seeds, degrees), fitted curves (seeds, degrees, places)."""

    train: Tensor
    fresh: Tensor
    places: Tensor
    curves: Tensor
    truth: Tensor

    def bias_squared(self) -> tuple[Tensor, Tensor]:
        """(degrees,) how far the average fit is from the truth, and how uncertain that is.

        The average of 40 curves still wobbles by a fortieth of their variance; that much is taken
        off the first and returned as the second.
        """
        wobble = self.curves.var(dim=0).mean(dim=1) / len(self.curves)
        raw = ((self.curves.mean(dim=0) - self.truth) ** 2).mean(dim=1)
        return raw - wobble, wobble

    def variance(self) -> Tensor:
        """(degrees,) how much the fits differ from one another."""
        return self.curves.var(dim=0, correction=0).mean(dim=1)


@lru_cache(maxsize=8)
def spread_over_seeds(curve: str, samples: int, noise: float, penalty: float) -> Spread:
    """Draw 40 data sets with seeds of their own, fit every degree to each, test on fresh points.

    Kept for the last few settings, because it does not depend on the degree being looked at.
    """
    places = torch.linspace(-1, 1, PLACES, dtype=torch.float64)
    truth = true_curve(curve, places)
    basis = legendre(places, LARGEST_DEGREE)
    train, fresh, curves = [], [], []
    for seed in range(SEEDS):
        rng = torch.Generator().manual_seed(10_000 + seed)
        x, y = noisy_points(curve, samples, noise, rng)
        kept = split(samples, rng)[0]
        errors, fits = _fit_all(x[kept], y[kept], basis, penalty)
        train.append(errors)
        curves.append(fits)
        # Fresh points: the true curve plus noise, whose mean square is σ².
        fresh.append(((fits - truth) ** 2).mean(dim=1) + noise**2)
    return Spread(torch.stack(train), torch.stack(fresh), places, torch.stack(curves), truth)


def _fit_all(x: Tensor, y: Tensor, basis: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """Training error (degrees,) and curve (degrees, places) of every degree."""
    errors, fits = [], []
    for degree in range(LARGEST_DEGREE + 1):
        weights = exact_fit(x, y, degree, penalty)
        errors.append(((legendre(x, degree) @ weights - y) ** 2).mean())
        fits.append(basis[:, : degree + 1] @ weights)
    return torch.stack(errors), torch.stack(fits)


class NetFamily(nn.Module):
    """Networks of several widths trained side by side, to see how the error depends on the width.

    Row k has ``WIDTHS[k]`` hidden units; the rest of the row is masked and stays unused.
    """

    def __init__(self, rng: torch.Generator) -> None:
        super().__init__()
        widest = max(WIDTHS)
        random = torch.randn(3, len(WIDTHS), widest, generator=rng, dtype=torch.float64)
        widths = torch.tensor(WIDTHS, dtype=torch.float64)[:, None]
        self.register_buffer("mask", (torch.arange(widest) < widths).to(torch.float64))
        self.steepness = nn.Parameter(6 * random[0])
        self.shift = nn.Parameter(4 * random[1])
        self.height = nn.Parameter(random[2] / widths**0.5)
        self.offset = nn.Parameter(torch.zeros(len(WIDTHS), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """(widths, n)"""
        bends = torch.tanh(x[None, :, None] * self.steepness[:, None] + self.shift[:, None])
        heights = self.height * self.mask
        return torch.einsum("knu,ku->kn", bends, heights) + self.offset[:, None]

    def errors(self, x: Tensor, y: Tensor) -> Tensor:
        """(widths,) mean squared errors."""
        return ((self(x) - y) ** 2).mean(dim=1)

    def loss(self, x: Tensor, y: Tensor, penalty: float) -> Tensor:
        """The sum over the networks: no weight is shared, so each trains as if alone."""
        height, steepness = self.height * self.mask, self.steepness * self.mask
        squares = (height**2).sum() + (steepness**2).sum() / 100
        return self.errors(x, y).sum() + penalty * squares
