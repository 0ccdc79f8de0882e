"""A number that shrinks, for the tests of the lesson view."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from desktop.bilingual import Bilingual
from desktop.engine.experiment import Experiment
from desktop.engine.frames import Axis, Item, PointGroup, Scatter

from .parameters import SCALARS, Parameters


def update(weight: torch.Tensor, rate: float) -> torch.Tensor:
    """One step towards zero."""
    return weight - rate * weight


def main(*, rate: float, seed: int, steps: int) -> None:
    """Print the loss of every step."""
    torch.manual_seed(seed)
    weight = torch.tensor(1.0)
    for step in range(1, steps + 1):
        weight = update(weight, rate)
        print(f"step {step} loss={float(weight**2)}")


class Line(Experiment[Parameters]):
    """Shrinks a weight."""

    Parameters = Parameters
    scalars = SCALARS
    state_names = ("weight",)
    shown_code = (update,)
    script_main = main

    def build(self) -> None:
        self.weight = torch.tensor(1.0)

    def measure(self) -> Mapping[str, float]:
        return {"loss": float(self.weight**2)}

    def step(self) -> Mapping[str, float]:
        self.weight = update(self.weight, self.parameters.rate)
        return self.measure()

    def frame(self) -> Mapping[str, Item]:
        axis = Axis(Bilingual("x", "x"), limits=(-6, 6))
        here = np.array([[float(self.weight), 0.0], self.parameters.start])
        group = PointGroup("here", Bilingual("这里", "here"), here)
        return {"plane": Scatter(axis, axis, (group,))}
