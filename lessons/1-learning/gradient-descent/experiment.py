"""Gradient descent on a surface: the optimizers of ``desktop.engine.optimizers`` race from one start.

The first half is the program a learner reads and copies: plain torch. The second half is the
experiment that runs it step by step and shows what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.engine.experiment import Experiment
from desktop.engine.formula import Formula
from desktop.engine.frames import Explanation, Finding, Item
from desktop.engine.history import History
from desktop.engine.optimizers import adagrad, adam, adamw, momentum, nesterov, rmsprop, sgd
from desktop.engine.surfaces import ackley, beale, himmelblau, rastrigin, rosenbrock, saddle

from . import findings, pictures
from .landscape import Landscape, house_landscape, known_landscape, own_landscape
from .parameters import SCALARS, Parameters

# ------------------------------------------------------------------------------------------------
# The program


def house_data(rows: tuple[tuple[float, ...], ...], rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Distances from the centre (km) and prices (10,000 yuan per m²) of the given or 40 made-up houses."""
    if rows:
        data = torch.tensor(rows, dtype=torch.float64)
        return data[:, 0], data[:, 1]
    distance = 1 + 29 * torch.rand(40, generator=rng, dtype=torch.float64)
    noise = 0.5 * torch.randn(40, generator=rng, dtype=torch.float64)
    return distance, 6.2 - 0.13 * distance + noise


def house_feature(distance: Tensor, standardised: bool) -> Tensor:
    """The distance as the model sees it: mean 0 and spread 1, or simply in units of 10 km."""
    if standardised:
        return (distance - distance.mean()) / distance.std(correction=0)
    return distance / 10


def house_loss(feature: Tensor, price: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Mean squared error of the line price = w · feature + b, as a function of w and b."""

    def loss(w: Tensor, b: Tensor) -> Tensor:
        predicted = w[..., None] * feature + b[..., None]
        return ((predicted - price) ** 2).mean(dim=-1)

    return loss


def own_formula(x: Tensor, y: Tensor) -> Tensor:
    """A surface of your own."""
    return torch.sin(2 * x) + torch.cos(3 * y) / 2 + (x**2 + y**2) / 8


def find_surface(name: str, distance: Tensor, price: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """The height to descend, as a function of two coordinates."""
    surfaces = {
        "houses": house_loss(house_feature(distance, standardised=True), price),
        "houses_raw": house_loss(house_feature(distance, standardised=False), price),
        "rosenbrock": rosenbrock,
        "himmelblau": himmelblau,
        "beale": beale,
        "saddle": saddle,
        "rastrigin": rastrigin,
        "ackley": ackley,
        "own": own_formula,
    }
    return surfaces[name]


def find_rules(
    learning_rate: float, adaptive_rate: float, beta: float, beta2: float, weight_decay: float
) -> dict[str, tuple[Callable[..., Tensor], dict[str, float]]]:
    """Every update rule with its settings."""
    plain = {"learning_rate": learning_rate}
    heavy = {"learning_rate": learning_rate, "beta": beta}
    adaptive = {"learning_rate": adaptive_rate}
    adams = {"learning_rate": adaptive_rate, "beta1": beta, "beta2": beta2}
    return {
        "sgd": (sgd, plain),
        "momentum": (momentum, heavy),
        "nesterov": (nesterov, heavy),
        "adagrad": (adagrad, adaptive),
        "rmsprop": (rmsprop, adaptive),
        "adam": (adam, adams),
        "adamw": (adamw, {**adams, "weight_decay": weight_decay}),
    }


def height_and_gradient(
    height: Callable[[Tensor, Tensor], Tensor], point: Tensor
) -> tuple[Tensor, Tensor]:
    """How high the surface is at ``point``, and its two partial derivatives there."""
    point = point.detach().requires_grad_()
    value = height(point[0], point[1])
    (gradient,) = torch.autograd.grad(value, point)
    return value.detach(), gradient


def script_main(
    *,
    surface: str,
    optimizers: tuple[str, ...],
    learning_rate: float,
    adaptive_rate: float,
    start: tuple[float, float],
    beta: float,
    beta2: float,
    weight_decay: float,
    noise: float,
    houses: tuple[tuple[float, ...], ...],
    seed: int,
    steps: int,
) -> None:
    """Let every optimizer walk from ``start`` and print its height after each step."""
    rng = torch.Generator().manual_seed(seed)
    height = find_surface(surface, *house_data(houses, rng))
    rules = find_rules(learning_rate, adaptive_rate, beta, beta2, weight_decay)
    points = {name: torch.tensor(start, dtype=torch.float64) for name in optimizers}
    heights = {name: height_and_gradient(height, points[name]) for name in optimizers}
    memories: dict[str, dict[str, Any]] = {name: {} for name in optimizers}
    diverged = set()
    for step in range(1, steps + 1):
        disturbance = noise * torch.randn(len(optimizers), 2, generator=rng, dtype=torch.float64)
        for index, name in enumerate(optimizers):
            if name in diverged:
                continue
            rule, settings = rules[name]
            gradient = heights[name][1] + disturbance[index]
            moved = rule(points[name], gradient, memories[name], **settings)
            value, gradient = height_and_gradient(height, moved)
            if moved.abs().max() > 1e6 or not torch.cat([value[None], gradient]).isfinite().all():
                diverged.add(name)  # it stays where it last made sense
            else:
                points[name], heights[name] = moved, (value, gradient)
        print(f"step {step}", *(f"loss_{name}={heights[name][0].item()!r}" for name in optimizers))


# ------------------------------------------------------------------------------------------------
# The experiment

TRAIL_LENGTH = 1500


@dataclass
class Walker:
    """One optimizer on its way: where it is, what it remembers, where it has been."""

    name: str
    point: Tensor
    value: float
    gradient: Tensor
    memory: dict[str, Any] = field(default_factory=dict)
    stopped: str = ""
    step_length: float = 0.0
    trail: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    stride: int = 1
    steps: int = 0

    def leave_mark(self) -> None:
        """Remember this place; a long trail keeps every second, then every fourth … place."""
        if self.steps % self.stride == 0:
            self.trail = np.vstack([self.trail, self.place()])
        if len(self.trail) > TRAIL_LENGTH:
            self.trail, self.stride = self.trail[::2], self.stride * 2

    def place(self) -> np.ndarray:
        """Where it is: x, y, height."""
        return np.array([*self.point.tolist(), self.value])

    def line(self) -> np.ndarray:
        """The trail and the present place, (n, 3)."""
        return np.vstack([self.trail, self.place()])


class GradientDescent(Experiment[Parameters]):
    """All selected optimizers, one step each, from the same start on the same surface."""

    Parameters = Parameters
    scalars = SCALARS
    state_names = ("walkers",)
    shown_code = (
        house_data,
        house_feature,
        house_loss,
        rosenbrock,
        himmelblau,
        beale,
        saddle,
        rastrigin,
        ackley,
        own_formula,
        find_surface,
        sgd,
        momentum,
        nesterov,
        adagrad,
        rmsprop,
        adam,
        adamw,
        find_rules,
        height_and_gradient,
    )
    script_main = script_main

    @classmethod
    def script_definitions(cls, parameters: Parameters) -> str:
        """The learner's formula as Python, in place of the lesson's own."""
        if parameters.surface != "own":
            return ""
        expression = Formula.parse(parameters.formula).python()
        return (
            "def own_formula(x: Tensor, y: Tensor) -> Tensor:\n"
            f'    """{parameters.formula}"""\n'
            f"    return {expression} + 0 * (x + y)\n"
        )

    def build(self) -> None:
        settings = self.parameters
        self.distance, self.price = house_data(settings.houses, self.rng)
        self.landscape = self._landscape()
        self.height = self.landscape.height
        self.rules = self._rules()
        start = torch.tensor(settings.start, dtype=torch.float64)
        value, gradient = height_and_gradient(self.height, start)
        self.walkers = [Walker(name, start, value.item(), gradient) for name in settings.optimizers]
        self.first_slope = torch.linalg.vector_norm(gradient).item()
        for walker in self.walkers:
            walker.leave_mark()

    def _rules(self) -> dict[str, tuple[Callable[..., Tensor], dict[str, float]]]:
        settings = self.parameters
        return find_rules(
            settings.learning_rate,
            settings.adaptive_rate,
            settings.beta,
            settings.beta2,
            settings.weight_decay,
        )

    def adopt(self, parameters: Parameters) -> None:
        """The optimizers go on from where they are, with their velocities, under new settings."""
        self.parameters = parameters
        self.rules = self._rules()

    def _landscape(self) -> Landscape:
        name = self.parameters.surface
        if name == "own":
            return own_landscape(self.parameters)
        if name not in ("houses", "houses_raw"):
            return known_landscape(self.parameters)
        feature = house_feature(self.distance, standardised=name == "houses")
        design = torch.stack([feature, torch.ones_like(feature)], dim=1)
        best = torch.linalg.lstsq(design, self.price[:, None]).solution[:, 0].tolist()
        height = find_surface(name, self.distance, self.price)
        return house_landscape(self.parameters, height, (best[0], best[1]))

    # ---- walking

    def step(self) -> Mapping[str, float]:
        shape = (len(self.walkers), 2)
        disturbance = self.parameters.noise * torch.randn(
            shape, generator=self.rng, dtype=torch.float64
        )
        for index, walker in enumerate(self.walkers):
            if not walker.stopped:
                self._advance(walker, disturbance[index])
        return self.measure()

    def _advance(self, walker: Walker, disturbance: Tensor) -> None:
        rule, settings = self.rules[walker.name]
        gradient = walker.gradient + disturbance
        moved = rule(walker.point, gradient, walker.memory, **settings)
        value, gradient = height_and_gradient(self.height, moved)
        if moved.abs().max() > 1e6:
            walker.stopped = "far"
        elif not torch.cat([value[None], gradient]).isfinite().all():
            walker.stopped = "undefined"
        else:
            walker.step_length = torch.linalg.vector_norm(moved - walker.point).item()
            walker.point, walker.value, walker.gradient = moved, value.item(), gradient
            walker.steps += 1
            walker.leave_mark()

    def measure(self) -> Mapping[str, float]:
        first = self.walkers[0]
        found = {
            "loss": first.value,
            "gradient_norm": torch.linalg.vector_norm(first.gradient).item(),
        }
        found.update({f"loss_{walker.name}": walker.value for walker in self.walkers})
        return found

    @property
    def finished(self) -> bool:
        """Every optimizer has left the map, or stands where nothing pulls it any more."""
        return all(walker.stopped or self._rests(walker) for walker in self.walkers)

    def _rests(self, walker: Walker) -> bool:
        still = walker.gradient.abs().max() < 1e-9 and walker.step_length < 1e-9
        return bool(still) and walker.steps > 0 and self.parameters.noise == 0

    # ---- looking

    @property
    def followed(self) -> Walker:
        """The walker whose arrow, arithmetic and read-outs are shown."""
        chosen = [walker for walker in self.walkers if walker.name == self.parameters.followed]
        return (chosen or self.walkers)[0]

    def curvature(self, place: tuple[float, float]) -> tuple[float, float]:
        """Smallest and largest eigenvalue of the Hessian: how the surface bends there."""
        at = torch.tensor(place, dtype=torch.float64)
        hessian = torch.autograd.functional.hessian(lambda p: self.height(p[0], p[1]), at)
        if not torch.isfinite(hessian).all():
            return (float("nan"), float("nan"))
        low, high = torch.linalg.eigvalsh(hessian).tolist()
        return (low, high)

    def frame(self) -> Mapping[str, Item]:
        return pictures.items(self)

    def explain(self, item: str, index: tuple[int, ...]) -> Explanation | None:
        return pictures.explanation(self, item, index)

    def diagnose(self, history: History) -> list[Finding]:
        return findings.diagnose(self, history)

    @property
    def feature(self) -> Tensor | None:
        """The houses' distances as the model sees them; ``None`` on the other surfaces."""
        if self.parameters.surface not in ("houses", "houses_raw"):
            return None
        return house_feature(self.distance, standardised=self.parameters.surface == "houses")

    @property
    def feature_label(self) -> Bilingual:
        """What the horizontal axis of the houses is called."""
        return Bilingual("到市中心的距离", "distance from the centre")
