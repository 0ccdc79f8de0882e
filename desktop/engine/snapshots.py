"""Copies of an experiment's named state, to go back to any step bit for bit.

``capture`` copies the attributes named in ``state_names`` (and the generator ``rng``, which every
experiment has); ``restore`` puts them back. What others may hold on to is restored *in place*: a
module's parameters and a tensor that requires a gradient keep their identity, because the optimizer
points at them. Everything else is replaced by a fresh copy, because a frame already on its way to
the screen may still be showing the old array.

Understands tensors, arrays, modules, optimizers, the random generators of torch, NumPy and Python,
plain values, containers, and objects made of these. Anything else raises ``SnapshotError`` naming
the attribute. Imports torch and numpy, no Qt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from desktop.bilingual import Bilingual, GlassboxError
from desktop.engine import object_records, tensor_records  # noqa: F401 - they add their kinds
from desktop.engine.experiment import Experiment
from desktop.engine.parameters import ParameterSet
from desktop.engine.records import Copier, Digest, Record, Restorer, UnknownKindError


class SnapshotError(GlassboxError):
    """An attribute named in ``state_names`` that is missing or cannot be copied."""


@dataclass(frozen=True, eq=False)
class State:
    """An experiment's state at one moment. Never changes; may be restored many times, also into
    another experiment built from the same initial parameters and seed."""

    parameters: ParameterSet
    records: Mapping[str, Record]
    nbytes: int = field(compare=False)

    def digest(self) -> str:
        """SHA-256 over everything in it, as hexadecimal digits."""
        digest = Digest()
        digest.text(repr(self.parameters.to_json()))
        for name, record in self.records.items():
            digest.text(name)
            digest.record(record)
        return digest.hexdigest()


def state_names(experiment: Experiment[Any]) -> tuple[str, ...]:
    """The attributes that make up the state, ``rng`` first."""
    return ("rng", *(name for name in experiment.state_names if name != "rng"))


def capture(experiment: Experiment[Any]) -> State:
    """Copy the experiment's state."""
    copier = Copier()
    records: dict[str, Record] = {}
    for name in state_names(experiment):
        if not hasattr(experiment, name):
            raise _problem(experiment, name, "it does not exist")
        try:
            records[name] = copier.record(getattr(experiment, name))
        except UnknownKindError as error:
            raise _problem(experiment, name, str(error)) from error
    return State(experiment.parameters, records, copier.nbytes)


def restore(experiment: Experiment[Any], state: State) -> None:
    """Put ``state`` back into ``experiment``.

    Parameters go first, through ``adopt``: an experiment that makes another optimizer when the
    learner picks one has to have that one again before its state can be filled in.
    """
    if experiment.parameters != state.parameters:
        experiment.adopt(state.parameters)
        experiment.parameters = state.parameters
    restorer = Restorer()
    for name, record in state.records.items():
        current = getattr(experiment, name, None)
        try:
            restored = restorer.value(record, current)
        except UnknownKindError as error:
            raise _problem(experiment, name, str(error)) from error
        if restored is not current:
            setattr(experiment, name, restored)


def state_digest(experiment: Experiment[Any]) -> str:
    """SHA-256 of the state now; equal digests mean bit-for-bit equal states."""
    return capture(experiment).digest()


def _problem(experiment: Experiment[Any], name: str, why: str) -> SnapshotError:
    where = f"{type(experiment).__name__}.{name}"
    return SnapshotError(
        Bilingual(
            f"无法保存实验的状态 {where}，所以不能回到过去的步骤。",
            f"The experiment's state {where} cannot be saved, so earlier steps cannot be revisited.",
        ),
        details=f"{where}: {why}",
    )
