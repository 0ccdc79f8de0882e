"""Points in the plane to learn from: two classes, or a number at every place.

The six sets of TensorFlow Playground, drawn with a seeded ``torch.Generator``. Every generator
returns ``x`` (n, 2) and ``y`` (n,), both float32. Classes are the numbers −1 and +1, and the
numbers of a regression lie between −1 and +1, so one network output serves both. ``noise`` runs
from 0 (none) to 1. Imports torch and numpy only, so that a lesson can show it as it is.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

Points = tuple[NDArray[np.float32], NDArray[np.float32]]

CLASSIFICATION = ("circle", "xor", "gauss", "spiral")
REGRESSION = ("plane", "hills")
HILLS = ((-4, 2.5, 1), (0, 2.5, -1), (4, 2.5, 1), (-4, -2.5, -1), (0, -2.5, 1), (4, -2.5, -1))


def uniform(n: int, low: float, high: float, rng: torch.Generator) -> torch.Tensor:
    """``n`` numbers spread evenly between ``low`` and ``high``."""
    return low + (high - low) * torch.rand(n, generator=rng)


def circle(n: int, noise: float, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A disc of +1 inside a ring of −1. Noise moves the points, then the label is decided."""
    inside = torch.arange(n) < n // 2
    radius = torch.where(inside, uniform(n, 0, 2.5, rng), uniform(n, 3.5, 5, rng))
    angle = uniform(n, 0, 2 * math.pi, rng)
    x = torch.stack([radius * angle.sin(), radius * angle.cos()], dim=1)
    shift = noise * torch.stack([uniform(n, -5, 5, rng), uniform(n, -5, 5, rng)], dim=1)
    y = torch.where((x + shift).norm(dim=1) < 2.5, 1.0, -1.0)
    return x, y


def xor(n: int, noise: float, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """+1 where both coordinates have the same sign, −1 where they differ; a gap along the axes."""
    x = torch.stack([uniform(n, -5, 5, rng), uniform(n, -5, 5, rng)], dim=1)
    x = x + 0.3 * torch.where(x > 0, 1.0, -1.0)
    shift = noise * torch.stack([uniform(n, -5, 5, rng), uniform(n, -5, 5, rng)], dim=1)
    y = torch.where((x + shift).prod(dim=1) >= 0, 1.0, -1.0)
    return x, y


def gauss(n: int, noise: float, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Two round clouds, +1 around (2, 2) and −1 around (−2, −2). Noise widens them."""
    y = torch.where(torch.arange(n) < n // 2, 1.0, -1.0)
    variance = 0.5 + 7 * noise
    x = 2 * y[:, None] + math.sqrt(variance) * torch.randn(n, 2, generator=rng)
    return x, y


def spiral(n: int, noise: float, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Two arms wound around each other, one and three quarter turns each."""
    half = n // 2
    along = torch.cat([torch.arange(half) / half, torch.arange(n - half) / (n - half)])
    y = torch.where(torch.arange(n) < half, 1.0, -1.0)
    angle = 1.75 * 2 * math.pi * along + torch.where(y > 0, 0.0, math.pi)
    x = 5 * along[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1)
    x = x + noise * torch.stack([uniform(n, -1, 1, rng), uniform(n, -1, 1, rng)], dim=1)
    return x, y


def plane(n: int, noise: float, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A slope: the number grows evenly along the diagonal."""
    x = torch.stack([uniform(n, -6, 6, rng), uniform(n, -6, 6, rng)], dim=1)
    shift = noise * torch.stack([uniform(n, -6, 6, rng), uniform(n, -6, 6, rng)], dim=1)
    y = ((x + shift).sum(dim=1) / 10).clamp(-1, 1)
    return x, y


def hills(n: int, noise: float, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Three hills and three hollows; each point takes the value of the strongest one."""
    x = torch.stack([uniform(n, -6, 6, rng), uniform(n, -6, 6, rng)], dim=1)
    shift = noise * torch.stack([uniform(n, -6, 6, rng), uniform(n, -6, 6, rng)], dim=1)
    centres = torch.tensor([hill[:2] for hill in HILLS], dtype=torch.float32)
    signs = torch.tensor([hill[2] for hill in HILLS], dtype=torch.float32)
    distance = torch.cdist(x + shift, centres, compute_mode="donot_use_mm_for_euclid_dist")
    heights = signs * (1 - distance / 2).clamp(0, 1)
    strongest = heights.abs().argmax(dim=1, keepdim=True)
    y = heights.gather(1, strongest).squeeze(1)
    return x, y


DATASETS = {
    "circle": circle,
    "xor": xor,
    "gauss": gauss,
    "spiral": spiral,
    "plane": plane,
    "hills": hills,
}


def make_points(name: str, n: int, noise: float, rng: torch.Generator) -> Points:
    """``n`` shuffled points of the set called ``name``."""
    x, y = DATASETS[name](n, noise, rng)
    order = torch.randperm(n, generator=rng)
    return x[order].numpy(), y[order].numpy()


def split_points(n: int, share: float) -> NDArray[np.bool_]:
    """(n,) True for the points to train on, ``share`` of them, the others being kept for testing.

    Multiples of the golden ratio, modulo 1, fill the interval evenly whatever ``n`` is. So the
    share is right to within a point or two, and adding a point moves no other to the other side.
    """
    golden = (5**0.5 - 1) / 2
    return (golden * np.arange(n)) % 1.0 < share


def is_classification(y: NDArray[np.float32]) -> bool:
    """Whether the labels are just −1 and +1."""
    return bool(np.isin(y, (-1.0, 1.0)).all())
