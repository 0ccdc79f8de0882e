"""Doing what a ``do:`` link says, and asking what an experiment can do.

Imports the course's link parser, the engine's loader and the session's type; no Qt of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from desktop.course.prose import Action
from desktop.engine.loading import load_experiment
from desktop.engine.parameters import ParameterSet
from desktop.runtime.session import Session


def perform(
    action: Action,
    session: Session,
    parameters: ParameterSet,
    change: Callable[[Mapping[str, Any]], None],
) -> None:
    """Pause, reset, seek, fork, set, step, play, in this order; raises ``GlassboxError`` before
    anything is done when a value is not one the lesson accepts."""
    declared = type(parameters)
    values = {name: declared.spec(name).parse(text) for name, text in action.set.items()}
    parameters.changed(**values)
    if action.pause:
        session.pause()
    if action.reset or action.seed is not None:
        session.reset(action.seed)
    if action.seek is not None:
        session.seek(action.seek)
    if action.fork:
        session.fork(**values)
    elif values:
        change(values)
    if action.step:
        session.step(action.step)
    if action.play:
        session.play()


def can_keep(folder: Path) -> bool:
    """Whether the lesson trains a model that can be kept. Call it once the experiment is loaded:
    before, this would import torch in the interface thread."""
    from desktop.engine.experiment import Experiment

    return load_experiment(folder).keep is not Experiment.keep
