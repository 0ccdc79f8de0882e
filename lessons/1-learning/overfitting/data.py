"""Noisy points of a known curve, and how they are split. Plain torch; part of the script."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def true_curve(name: str, x: Tensor) -> Tensor:
    """The curve behind the points."""
    if name == "wave":
        return torch.sin(1.5 * math.pi * x)
    if name == "bump":
        return 1 / (1 + 25 * x**2)
    if name == "line":
        return 0.8 * x
    return torch.tanh(8 * x)


def noisy_points(
    curve: str, samples: int, noise: float, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """``samples`` places between −1 and 1 and the curve there, each plus normal noise.

    The places are somewhat denser towards the ends, where a polynomial is least held in check.
    """
    angle = math.pi * (torch.rand(samples, generator=rng, dtype=torch.float64) - 0.5)
    x = torch.sin(angle)
    deviation = noise * torch.randn(samples, generator=rng, dtype=torch.float64)
    return x, true_curve(curve, x) + deviation


def split(count: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of the training (half), validation and test points (a quarter each), at random."""
    order = torch.randperm(count, generator=rng)
    held_out = max(2, count // 4)
    return order[2 * held_out :], order[:held_out], order[held_out : 2 * held_out]


def scaled_to_unit(x: Tensor) -> Tensor:
    """x moved and stretched so that it covers −1 to 1."""
    low, high = x.min(), x.max()
    return 2 * (x - low) / (high - low) - 1
