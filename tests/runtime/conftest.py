"""A tiny lesson on disk, real in every part: it slides down x² and can be told to fail or to end."""

from pathlib import Path

import pytest

from desktop.bilingual import Bilingual
from desktop.course.lesson import Condition, Lesson, Prediction, PredictionOption, PredictionRun
from desktop.engine.loading import load_parameters

PARAMETERS = '''
"""Controls of the toy lesson."""
from dataclasses import dataclass
from desktop.engine.parameters import ParameterSet, integer, number, scalar

LABEL = dict(zh=("名", "说明"), en=("name", "help"))

@dataclass(frozen=True)
class Parameters(ParameterSet):
    learning_rate: float = number(0.1, low=0.0, high=10.0, live=True, **LABEL)
    start: float = number(1.0, low=-5.0, high=5.0, **LABEL)
    wind: float = number(0.0, low=-1.0, high=1.0, branches=True, **LABEL)
    fail_at: int = integer(0, low=0, high=1000, live=True, **LABEL)
    end_at: int = integer(0, low=0, high=100000, **LABEL)

SCALARS = (scalar("loss", "损失", "loss"),)
'''

EXPERIMENT = '''
"""Slides down x squared, with a little noise from the experiment's own generator."""
from __future__ import annotations
import torch
from desktop.bilingual import Bilingual
from desktop.engine.experiment import Experiment
from desktop.engine.frames import Explanation, Readout, Readouts
from .parameters import SCALARS, Parameters

def descend(x, learning_rate, noise):
    return x - learning_rate * 2 * x + noise

def main(learning_rate, start, seed, steps):
    rng = torch.Generator().manual_seed(seed)
    x = torch.tensor(start)
    for step in range(1, steps + 1):
        x = descend(x, learning_rate, 0.001 * torch.randn((), generator=rng))
        print(f"step {step} loss={float(x * x)!r}")

class Toy(Experiment[Parameters]):
    Parameters = Parameters
    scalars = SCALARS
    state_names = ("x", "rng", "done")
    shown_code = (descend,)
    script_main = main

    def build(self):
        self.x = torch.tensor(self.parameters.start)
        self.done = 0

    def measure(self):
        return {"loss": float(self.x * self.x)}

    def step(self):
        if self.done + 1 == self.parameters.fail_at:
            raise ZeroDivisionError("told to fail")
        self.x = descend(self.x, self.parameters.learning_rate, 0.001 * torch.randn((), generator=self.rng)) + self.parameters.wind
        self.done += 1
        return {"loss": float(self.x * self.x)}

    def frame(self):
        return {"place": Readouts((Readout("x", Bilingual.same("x"), float(self.x)),))}

    def act(self, name, arguments):
        if name != "push":
            return super().act(name, arguments)
        self.x = self.x + float(arguments["by"])

    def explain(self, item, index):
        return Explanation(Bilingual.same(item), ((f"x = {float(self.x):.3f}", Bilingual.same("")),))

    @property
    def finished(self):
        return bool(self.parameters.end_at) and self.done >= self.parameters.end_at
'''

TEXT = Bilingual("文字", "text")


def make_lesson(folder: Path, slug: str = "toy", steps_per_second: float = 0.0) -> Lesson:
    """Write the lesson's modules and return it as the course would."""
    folder.mkdir(parents=True)
    (folder / "parameters.py").write_text(PARAMETERS, encoding="utf-8")
    (folder / "experiment.py").write_text(EXPERIMENT, encoding="utf-8")
    return Lesson(
        slug=slug,
        chapter="1-toys",
        order=1,
        title=TEXT,
        summary=TEXT,
        minutes=1,
        folder=folder,
        panels=(),
        steps=(),
        controls=(),
        more_controls=(),
        steps_per_second=steps_per_second,
        trains=True,
        code_note=TEXT,
    )


@pytest.fixture
def toy(tmp_path):
    """The lesson and its default parameters."""
    lesson = make_lesson(tmp_path / "1-toys" / "toy")
    kind, _ = load_parameters(lesson.folder)
    return lesson, kind()


@pytest.fixture
def prediction() -> Prediction:
    """Two runs of the toy: one that converges, one that diverges."""
    return Prediction(
        id="p",
        question=TEXT,
        runs=(
            PredictionRun("a", {"learning_rate": 0.1}, 10),
            PredictionRun("b", {"learning_rate": 1.1}, 10),
        ),
        options=(
            PredictionOption("a", TEXT, (Condition("a.last:loss", "<", "b.last:loss"),)),
            PredictionOption("b", TEXT, ()),
        ),
        explanation=TEXT,
    )
