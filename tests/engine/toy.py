"""A tiny experiment that uses every kind of state: module, optimizer, arrays, own objects."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from desktop.bilingual import Bilingual
from desktop.engine.experiment import ActionError, Experiment
from desktop.engine.frames import Readout, Readouts
from desktop.engine.parameters import ParameterSet, choice, integer, number, rows, scalar

NAME = ("名字", "说明")
NAME_EN = ("name", "help")


@dataclass(frozen=True)
class Parameters(ParameterSet):
    learning_rate: float = number(
        0.1, low=1e-4, high=10.0, scale="log", zh=NAME, en=NAME_EN, live=True
    )
    optimizer: str = choice(
        "sgd",
        {"sgd": ("SGD", "SGD"), "adam": ("Adam", "Adam")},
        zh=("优化器", "说明"),
        en=("optimizer", "help"),
        live=True,
    )
    width: int = integer(3, low=1, high=8, zh=("宽度", "说明"), en=("width", "help"))
    stop_after: int = integer(0, low=0, high=100, zh=NAME, en=NAME_EN)
    fail_at: int = integer(0, low=0, high=100, zh=NAME, en=NAME_EN)
    points: tuple = rows((), columns=2, low=-9, high=9, at_most=50, zh=NAME, en=NAME_EN)


@dataclass
class Ball:
    """A mutable object of the lesson's own, with a tensor and a growing list inside."""

    place: torch.Tensor
    path: list = field(default_factory=list)


def make_optimizer(name, parameters, learning_rate):
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    extra = {"momentum": 0.9} if name == "sgd" else {}
    return kinds[name](parameters, lr=learning_rate, **extra)


class Toy(Experiment[Parameters]):
    Parameters = Parameters
    scalars = (scalar("loss", "损失", "loss"),)
    state_names = ("net", "optimizer", "ball", "noise", "counts", "trace", "steps")

    def build(self):
        p = self.parameters
        self.x = torch.rand(8, 2, generator=self.rng)
        self.net = nn.Sequential(nn.Linear(2, p.width), nn.Tanh(), nn.Linear(p.width, 1))
        with torch.no_grad():
            for weight in self.net.parameters():
                weight.copy_(torch.randn(weight.shape, generator=self.rng))
        self.optimizer = make_optimizer(p.optimizer, self.net.parameters(), p.learning_rate)
        self.ball = Ball(torch.zeros(2))
        self.noise = np.random.default_rng(self.seed)
        self.counts = {"steps": 0, "draws": [1]}
        self.trace = np.zeros(3)
        self.steps = 0

    def measure(self):
        return {"loss": float(self.net(self.x).square().mean().detach())}

    def step(self):
        self.steps += 1
        if self.parameters.fail_at and self.steps == self.parameters.fail_at:
            self.counts["draws"].append("half done")
            raise ZeroDivisionError("the lesson's own error")
        self.optimizer.zero_grad()
        batch = self.x[torch.randint(8, (4,), generator=self.rng)]
        loss = (self.net(batch) + float(self.noise.normal())).square().mean()
        loss.backward()
        self.optimizer.step()
        self.ball.place = self.ball.place + torch.randn(2, generator=self.rng)
        self.ball.path.append(self.ball.place)
        self.counts["steps"] += 1
        self.trace = np.roll(self.trace, 1) + loss.item()
        return {"loss": loss.item()}

    def adopt(self, parameters):
        if parameters.optimizer != self.parameters.optimizer:
            self.optimizer = make_optimizer(
                parameters.optimizer, self.net.parameters(), parameters.learning_rate
            )
        self.optimizer.param_groups[0]["lr"] = parameters.learning_rate
        self.parameters = parameters

    def act(self, name, arguments):
        if name != "nudge":
            super().act(name, arguments)
        with torch.no_grad():
            self.net[0].weight += arguments["by"]
        if not math.isfinite(arguments["by"]) or arguments["by"] > 100:
            raise ActionError(Bilingual("太大", "too much"))

    def frame(self):
        value = float(self.net[0].weight.detach().sum())
        return {"numbers": Readouts((Readout("w", Bilingual.same("w"), value),))}

    @property
    def finished(self):
        return bool(self.parameters.stop_after) and self.steps >= self.parameters.stop_after
