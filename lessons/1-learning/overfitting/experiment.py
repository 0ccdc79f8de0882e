"""Overfitting: a flexible curve is trained on a few noisy points, and three errors are watched.

The models, the training step and early stopping are in ``models.py``, the points in ``data.py``;
both are plain torch and make up the script a learner copies.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from desktop.engine.experiment import Experiment
from desktop.engine.frames import Explanation, Finding, Item
from desktop.engine.history import History

from . import findings, pictures
from .data import noisy_points, scaled_to_unit, split, true_curve
from .models import (
    EarlyStopping,
    Net,
    Polynomial,
    error,
    exact_fit,
    legendre,
    make_model,
    train_step,
)
from .parameters import OWN_POINTS_ALONE, SCALARS, Parameters
from .sweep import DegreeSweep, NetFamily, Spread, degree_sweep, spread_over_seeds

# ------------------------------------------------------------------------------------------------
# The program


def all_points(
    curve: str,
    samples: int,
    noise: float,
    points: tuple[tuple[float, ...], ...],
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Generated points, own points, or both."""
    x, y = noisy_points(curve, samples, noise, rng)
    if points:
        own = torch.tensor(points, dtype=torch.float64)
        alone = len(points) >= OWN_POINTS_ALONE
        x = own[:, 0] if alone else torch.cat([x, own[:, 0]])
        y = own[:, 1] if alone else torch.cat([y, own[:, 1]])
    return x, y


def script_main(
    *,
    model: str,
    degree: int,
    width: int,
    samples: int,
    noise: float,
    curve: str,
    penalty: float,
    learning_rate: float,
    early_stopping: bool,
    points: tuple[tuple[float, ...], ...],
    seed: int,
    steps: int,
) -> None:
    """Train on the training points and print both errors after each step."""
    rng = torch.Generator().manual_seed(seed)
    x, y = all_points(curve, samples, noise, points, rng)
    if points:
        x = scaled_to_unit(x)
        y = (y - y.mean()) / y.std(correction=0)
    train, validation, _ = split(len(x), rng)
    net = make_model(model, degree, width, rng)
    optimizer = torch.optim.Adam(net.parameters(), lr=learning_rate)
    watch = EarlyStopping()
    for step in range(1, steps + 1):
        if not watch.stopped:
            train_step(net, optimizer, x[train], y[train], penalty)
            if early_stopping:
                watch.look(step, error(net, x[validation], y[validation]).item(), net)
        train_loss = error(net, x[train], y[train]).item()
        validation_loss = error(net, x[validation], y[validation]).item()
        print(f"step {step} train_loss={train_loss!r} validation_loss={validation_loss!r}")


# ------------------------------------------------------------------------------------------------
# The experiment


class Overfitting(Experiment[Parameters]):
    """One model on one data set, with the bird's-eye view of all sizes beside it."""

    Parameters = Parameters
    scalars = SCALARS
    state_names = ("net", "optimizer", "watch", "family", "family_optimizer", "count", "opened_at")
    shown_code = (
        true_curve,
        noisy_points,
        split,
        legendre,
        Polynomial,
        Net,
        make_model,
        error,
        train_step,
        EarlyStopping,
        exact_fit,
    )
    script_main = script_main

    def build(self) -> None:
        settings = self.parameters
        self.raw_x, self.raw_y = all_points(
            settings.curve, settings.samples, settings.noise, settings.points, self.rng
        )
        self._scale()
        self.train, self.validation, self.test = split(len(self.x), self.rng)
        self.net = make_model(settings.model, settings.degree, settings.width, self.rng)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=settings.learning_rate)
        self.watch = EarlyStopping()
        self.count = 0
        self.opened_at = 0 if settings.reveal_test else -1
        self._view_all_sizes()
        self._make_family()

    def _scale(self) -> None:
        """Bring own data into the range the models are made for; generated data are in it."""
        self.x, self.y = self.raw_x, self.raw_y
        self.y_middle, self.y_spread = 0.0, 1.0
        if self.parameters.points:
            self.x = scaled_to_unit(self.raw_x)
            self.y_middle = self.raw_y.mean().item()
            self.y_spread = self.raw_y.std(correction=0).item()
            self.y = (self.raw_y - self.raw_y.mean()) / self.raw_y.std(correction=0)

    def _view_all_sizes(self) -> None:
        """Exact fits of every degree at once."""
        settings = self.parameters
        sets = (self.part(self.train), self.part(self.validation), self.part(self.test))
        self.degrees: DegreeSweep = degree_sweep(sets, settings.penalty)
        self.spread: Spread | None = None
        if not settings.points:
            self.spread = spread_over_seeds(
                settings.curve, settings.samples, settings.noise, settings.penalty
            )
        self.exact: Tensor | None = None
        if settings.model == "polynomial":
            self.exact = exact_fit(*sets[0], settings.degree, settings.penalty)

    def _make_family(self) -> None:
        """For networks, all widths train alongside."""
        self.family: NetFamily | None = None
        self.family_optimizer: torch.optim.Optimizer | None = None
        if self.parameters.model == "net":
            self.family = NetFamily(torch.Generator().manual_seed(self.seed + 1))
            self.family_optimizer = torch.optim.Adam(
                self.family.parameters(), lr=self.parameters.learning_rate
            )

    def part(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """The points of one of the three sets."""
        return self.x[indices], self.y[indices]

    # ---- training

    def step(self) -> Mapping[str, float]:
        self.count += 1
        if not self.watch.stopped:
            train_step(self.net, self.optimizer, *self.part(self.train), self.parameters.penalty)
            if self.parameters.early_stopping:
                self.watch.look(self.count, self.error_on(self.validation), self.net)
            self._train_family()
        return self.measure()

    def _train_family(self) -> None:
        if self.family is None or self.family_optimizer is None:
            return
        self.family_optimizer.zero_grad()
        self.family.loss(*self.part(self.train), self.parameters.penalty).backward()
        self.family_optimizer.step()

    def error_on(self, indices: Tensor) -> float:
        """Mean squared error of the model on some of the points."""
        with torch.no_grad():
            return error(self.net, *self.part(indices)).item()

    def measure(self) -> Mapping[str, float]:
        found = {
            "train_loss": self.error_on(self.train),
            "validation_loss": self.error_on(self.validation),
        }
        if self.parameters.reveal_test:
            found["test_loss"] = self.error_on(self.test)
        return found

    def adopt(self, parameters: Parameters) -> None:
        """What is looked at, and how the training goes on. Opening the test set is remembered."""
        before, self.parameters = self.parameters, parameters
        if parameters.reveal_test and not before.reveal_test:
            self.opened_at = self.count
        for optimizer in (self.optimizer, self.family_optimizer):
            for group in optimizer.param_groups if optimizer else ():
                group["lr"] = parameters.learning_rate
        if parameters.penalty != before.penalty:
            self._view_all_sizes()

    @property
    def finished(self) -> bool:
        """Early stopping has put the best weights back."""
        return self.watch.stopped

    # ---- looking

    def predict(self, raw_x: Tensor) -> Tensor:
        """The model's curve in the units of the data."""
        with torch.no_grad():
            return self.net(self.to_unit(raw_x)) * self.y_spread + self.y_middle

    def to_unit(self, raw_x: Tensor) -> Tensor:
        """Places in the units of the data, as the model wants them."""
        if not self.parameters.points:
            return raw_x
        low, high = self.raw_x.min(), self.raw_x.max()
        return 2 * (raw_x - low) / (high - low) - 1

    def frame(self) -> Mapping[str, Item]:
        return pictures.items(self)

    def explain(self, item: str, index: tuple[int, ...]) -> Explanation | None:
        return pictures.explanation(self, item, index)

    def diagnose(self, history: History) -> list[Finding]:
        return findings.diagnose(self, history)
