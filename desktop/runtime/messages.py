"""What the interface asks of the experiment worker, and what it hears back. All frozen.

Requests are values, not callbacks: they can be queued, merged and dropped, and nothing in them
belongs to the interface thread. Imports ``desktop.course`` and the torch-free part of the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.bilingual import Bilingual, GlassboxError
from desktop.course.lesson import Lesson, Prediction
from desktop.engine.frames import Explanation, Finding
from desktop.engine.history import History
from desktop.engine.parameters import ParameterSet

if TYPE_CHECKING:
    from desktop.engine.recipe import Recipe


# ------------------------------------------------------------------------------------------------
# Requests


@dataclass(frozen=True)
class Request:
    """Base of everything the interface can ask. Every request has a number of its own."""


@dataclass(frozen=True)
class Open(Request):
    """Load a lesson's experiment and start a run at step 0."""

    lesson: Lesson
    parameters: ParameterSet
    seed: int


@dataclass(frozen=True)
class Play(Request):
    """Train until paused or finished."""


@dataclass(frozen=True)
class Pause(Request):
    """Stop after the step being computed; also cancels work in progress."""


@dataclass(frozen=True)
class StepForward(Request):
    """Pause, then advance ``count`` steps."""

    count: int = 1


@dataclass(frozen=True)
class Seek(Request):
    """Show an earlier step of the run (or go back to its head)."""

    step: int


@dataclass(frozen=True)
class SetSpeed(Request):
    """Factor on the lesson's pace; 0 means as fast as possible."""

    factor: float


@dataclass(frozen=True)
class Change(Request):
    """New parameter values."""

    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Act(Request):
    """Something done by hand to the running experiment."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Reset(Request):
    """Back to step 0, with another seed if one is given."""

    seed: int | None = None


@dataclass(frozen=True)
class Fork(Request):
    """Branch off at the step shown, with some parameters changed; both runs stay."""

    changes: Mapping[str, Any]


@dataclass(frozen=True)
class SelectRun(Request):
    """Show and continue another run."""

    run: int


@dataclass(frozen=True)
class RemoveRun(Request):
    """Forget a run that is not the one shown."""

    run: int


@dataclass(frozen=True)
class Explain(Request):
    """Ask for the arithmetic behind one element."""

    item: str
    index: tuple[int, ...]


@dataclass(frozen=True)
class Keep(Request):
    """Write what has been learned as a model folder."""

    folder: Path


@dataclass(frozen=True)
class MakeScript(Request):
    """Ask for the source shown and the stand-alone script."""


@dataclass(frozen=True)
class MakeRecipe(Request):
    """Ask for the full state as a recipe."""


@dataclass(frozen=True)
class OpenRecipe(Request):
    """Rebuild the state a recipe describes."""

    recipe: Recipe


@dataclass(frozen=True)
class Predict(Request):
    """Play the runs of a prediction, then report their scalars."""

    prediction: Prediction


@dataclass(frozen=True)
class Close(Request):
    """End the worker."""


# ------------------------------------------------------------------------------------------------
# What comes back


@dataclass(frozen=True, eq=False)
class RunHistory:
    """One run as the interface sees it; ``history`` grows while it trains.

    ``color`` indexes the category palette. ``parent`` and ``fork_step`` say where it branched off.
    """

    id: int
    label: Bilingual
    color: int
    parent: int | None
    fork_step: int
    head: int
    history: History


@dataclass(frozen=True, eq=False)
class Status:
    """Where the session stands. ``busy`` names long work, ``progress`` is 0…1 where it is known."""

    lesson: str = ""
    run: int = 0
    step: int = 0
    head: int = 0
    playing: bool = False
    busy: Bilingual | None = None
    progress: float | None = None
    speed: float = 1.0
    seed: int = 0
    parameters: ParameterSet | None = None
    finished: bool = False
    runs: tuple[RunHistory, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """The experiment exists; its first frame follows."""

    lesson: str


@dataclass(frozen=True)
class Failed:
    """Something could not be done; the session is as it was and stays usable.

    ``lesson`` is the one that is open, which is the old one when opening another failed.
    """

    error: GlassboxError
    lesson: str


@dataclass(frozen=True)
class Explained:
    """The answer to ``Explain``."""

    item: str
    index: tuple[int, ...]
    explanation: Explanation | None


@dataclass(frozen=True)
class ScriptMade:
    """The answer to ``MakeScript``."""

    shown: str
    script: str


@dataclass(frozen=True)
class RecipeMade:
    """The answer to ``MakeRecipe``."""

    recipe: Recipe


@dataclass(frozen=True)
class Kept:
    """The model folder has been written."""

    folder: Path


@dataclass(frozen=True)
class Reopened:
    """A saved experiment has been rebuilt; ``exact`` is false when the last digits differ, which
    another machine or another torch can cause."""

    exact: bool


@dataclass(frozen=True)
class Diagnosed:
    """What is going wrong now; empty when nothing is."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class Settled:
    """The runs of a prediction have ended."""

    check: str
    histories: Mapping[str, History] = field(default_factory=dict)
