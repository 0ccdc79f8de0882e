"""Seven update rules, as a textbook writes them.

Each rule is one function: it takes where we are, the gradient there and the rule's memory, and
returns where we go. ``memory`` is a dictionary that starts empty; a rule replaces its entries and
never changes a tensor in place, so a copy of the dictionary is a copy of the memory. Step for step
the rules equal ``torch.optim`` (tests/engine/test_optimizers.py). Imports torch, nothing of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Memory = dict[str, Any]


def sgd(point: Tensor, gradient: Tensor, _memory: Memory, *, learning_rate: float) -> Tensor:
    """Gradient descent: one step straight downhill."""
    return point - learning_rate * gradient


def momentum(
    point: Tensor, gradient: Tensor, memory: Memory, *, learning_rate: float, beta: float = 0.9
) -> Tensor:
    """A heavy ball: the velocity keeps the share ``beta`` of itself and adds the new gradient."""
    velocity = beta * memory["velocity"] + gradient if memory else gradient
    memory["velocity"] = velocity
    return point - learning_rate * velocity


def nesterov(
    point: Tensor, gradient: Tensor, memory: Memory, *, learning_rate: float, beta: float = 0.9
) -> Tensor:
    """Momentum that already counts the next push of its own velocity."""
    velocity = beta * memory["velocity"] + gradient if memory else gradient
    memory["velocity"] = velocity
    return point - learning_rate * (gradient + beta * velocity)


def adagrad(
    point: Tensor, gradient: Tensor, memory: Memory, *, learning_rate: float, eps: float = 1e-10
) -> Tensor:
    """Each coordinate gets its own step size, which shrinks with all gradients seen so far."""
    total = memory.get("total", torch.zeros_like(point)) + gradient**2
    memory["total"] = total
    return point - learning_rate * gradient / (total.sqrt() + eps)


def rmsprop(
    point: Tensor,
    gradient: Tensor,
    memory: Memory,
    *,
    learning_rate: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
) -> Tensor:
    """AdaGrad that forgets: a running mean of squared gradients instead of their sum."""
    square = memory.get("square", torch.zeros_like(point))
    square = alpha * square + (1 - alpha) * gradient**2
    memory["square"] = square
    return point - learning_rate * gradient / (square.sqrt() + eps)


def adam(
    point: Tensor,
    gradient: Tensor,
    memory: Memory,
    *,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Tensor:
    """Momentum divided by RMSProp's root, both corrected for having started at zero."""
    time = memory.get("time", 0) + 1
    mean = beta1 * memory.get("mean", torch.zeros_like(point)) + (1 - beta1) * gradient
    square = beta2 * memory.get("square", torch.zeros_like(point)) + (1 - beta2) * gradient**2
    memory.update(time=time, mean=mean, square=square)
    mean_hat = mean / (1 - beta1**time)
    square_hat = square / (1 - beta2**time)
    return point - learning_rate * mean_hat / (square_hat.sqrt() + eps)


def adamw(
    point: Tensor,
    gradient: Tensor,
    memory: Memory,
    *,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> Tensor:
    """Adam after a small pull of the parameters themselves towards zero."""
    decayed = point * (1 - learning_rate * weight_decay)
    return adam(
        decayed, gradient, memory, learning_rate=learning_rate, beta1=beta1, beta2=beta2, eps=eps
    )


RULES: dict[str, Callable[..., Tensor]] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
}
