"""The update rules against ``torch.optim``: every coordinate of every step, in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from desktop.engine import optimizers
from desktop.engine.optimizers import RULES
from desktop.engine.surfaces import SURFACES

STEPS = 300
REFERENCES: dict[str, Callable[[list[Tensor], float], torch.optim.Optimizer]] = {
    "sgd": lambda p, lr: torch.optim.SGD(p, lr=lr),
    "momentum": lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9),
    "nesterov": lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9, nesterov=True),
    "adagrad": lambda p, lr: torch.optim.Adagrad(p, lr=lr),
    "rmsprop": lambda p, lr: torch.optim.RMSprop(p, lr=lr),
    "adam": lambda p, lr: torch.optim.Adam(p, lr=lr),
    "adamw": lambda p, lr: torch.optim.AdamW(p, lr=lr),
}
RATES = {
    "rosenbrock": {"plain": 2e-4, "adaptive": 0.02},
    "himmelblau": {"plain": 2e-3, "adaptive": 0.05},
    "rastrigin": {"plain": 1e-3, "adaptive": 0.05},
}
PLAIN = ("sgd", "momentum", "nesterov")


def our_path(surface: str, name: str, rate: float) -> Tensor:
    height, start = SURFACES[surface].height, SURFACES[surface].start
    point = torch.tensor(start, dtype=torch.float64)
    memory: dict[str, Any] = {}
    path = []
    for _ in range(STEPS):
        leaf = point.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(height(leaf[0], leaf[1]), leaf)
        point = RULES[name](point, gradient, memory, learning_rate=rate)
        path.append(point)
    return torch.stack(path)


def torch_path(surface: str, name: str, rate: float) -> Tensor:
    height, start = SURFACES[surface].height, SURFACES[surface].start
    point = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = REFERENCES[name]([point], rate)
    path = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        height(point[0], point[1]).backward()
        optimizer.step()
        path.append(point.detach().clone())
    return torch.stack(path)


@pytest.mark.parametrize("surface", RATES)
@pytest.mark.parametrize("name", RULES)
def test_paths_equal_torch_optim(name: str, surface: str) -> None:
    rate = RATES[surface]["plain" if name in PLAIN else "adaptive"]
    ours, reference = our_path(surface, name, rate), torch_path(surface, name, rate)
    torch.testing.assert_close(ours, reference, rtol=1e-9, atol=1e-11)
    assert (ours[-1] - ours[0]).norm() > 1e-2, "a path that does not move proves nothing"


@pytest.mark.parametrize(
    ("name", "ours", "reference"),
    [
        ("momentum", {"beta": 0.6}, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.6)),
        ("rmsprop", {"alpha": 0.8}, lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.8)),
        (
            "adam",
            {"beta1": 0.5, "beta2": 0.9},
            lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.5, 0.9)),
        ),
        (
            "adamw",
            {"weight_decay": 0.3},
            lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.3),
        ),
    ],
)
def test_settings_mean_what_they_mean_in_torch(
    name: str,
    ours: dict[str, float],
    reference: Callable[[list[Tensor]], torch.optim.Optimizer],
) -> None:
    rng = torch.Generator().manual_seed(3)
    gradients = torch.randn(40, 5, generator=rng, dtype=torch.float64)
    start = torch.randn(5, generator=rng, dtype=torch.float64)
    point, memory = start, {}
    leaf = start.clone().requires_grad_()
    optimizer = reference([leaf])
    for gradient in gradients:
        point = RULES[name](point, gradient, memory, learning_rate=0.01, **ours)
        leaf.grad = gradient.clone()
        optimizer.step()
        torch.testing.assert_close(point, leaf.detach(), rtol=1e-12, atol=1e-13)


def test_a_copy_of_the_memory_is_a_copy() -> None:
    """Looking one step ahead with a copied memory must not disturb the walk."""
    point = torch.tensor([1.0, -2.0], dtype=torch.float64)
    gradient = torch.tensor([0.5, 0.25], dtype=torch.float64)
    for rule in RULES.values():
        memory: dict[str, Any] = {}
        moved = rule(point, gradient, memory, learning_rate=0.1)
        ahead = dict(memory)
        rule(moved, gradient, ahead, learning_rate=0.1)
        again: dict[str, Any] = {}
        rule(point, gradient, again, learning_rate=0.1)
        assert memory.keys() == again.keys()
        for key in memory:
            torch.testing.assert_close(memory[key], again[key], rtol=0, atol=0)
    assert point.tolist() == [1.0, -2.0]


def test_every_rule_is_listed() -> None:
    assert set(RULES.values()) == {getattr(optimizers, name) for name in RULES}
