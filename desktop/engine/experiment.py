"""The contract every lesson's experiment fulfils.

An experiment is a small torch program cut at its natural joint: ``step`` advances it once, ``frame``
says what can be seen now. Everything else a learner enjoys (rewind, fork, share, predictions, code
export) is built from these two and from three promises:

1. **Deterministic**: the same parameters, seed and events give the same numbers. Randomness comes
   from ``self.rng`` (a ``torch.Generator``), never from the global generator.
2. **Its state is named**: the attributes listed in ``state_names`` are all that ``step`` changes.
   ``desktop.engine.snapshots`` copies and restores exactly these.
3. **``frame`` changes nothing**: it may be called at any step, any number of times.

The code a learner reads is the code that runs: ``shown_code`` lists the functions and classes (plain
torch, nothing of Glassbox in them) that ``step`` calls, in reading order. Imports torch, no Qt.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch

from desktop.bilingual import Bilingual, GlassboxError
from desktop.engine.frames import Explanation, Finding, Item
from desktop.engine.history import History
from desktop.engine.parameters import ParameterSet, ScalarSpec

P = TypeVar("P", bound=ParameterSet)


class ActionError(GlassboxError):
    """An action the experiment does not know, or with arguments that make no sense."""


class Experiment(ABC, Generic[P]):
    """One lesson's running program; a lesson's ``experiment.py`` defines exactly one subclass."""

    Parameters: ClassVar[type[ParameterSet]]
    scalars: ClassVar[tuple[ScalarSpec, ...]] = ()
    state_names: ClassVar[tuple[str, ...]] = ()
    shown_code: ClassVar[tuple[Callable[..., Any] | type | str, ...]] = ()
    """Functions and classes; a text names a module-level constant they use."""
    script_main: ClassVar[Callable[..., Any] | None] = None
    """Last function of the stand-alone script: called with the parameters as keyword arguments plus
    ``seed`` and ``steps``; prints one line ``step name=value …`` for every step."""

    @classmethod
    def script_definitions(cls, parameters: P) -> str:  # noqa: ARG003
        """Source that depends on the values, such as the learner's own formula as a function; the
        stand-alone script has it after the shown code, so it may replace a function of that name."""
        return ""

    def __init__(self, parameters: P, seed: int) -> None:
        self.parameters = parameters
        self.seed = seed
        self.rng = torch.Generator().manual_seed(seed)
        self.build()

    # ---- what a lesson writes

    @abstractmethod
    def build(self) -> None:
        """Make data, model and optimizer from ``self.parameters`` and ``self.rng``."""

    @abstractmethod
    def step(self) -> Mapping[str, float]:
        """Advance once and return this step's scalars, named as in ``scalars``."""

    @abstractmethod
    def frame(self) -> Mapping[str, Item]:
        """What can be seen now, by item name."""

    def measure(self) -> Mapping[str, float]:
        """The scalars before the first step (step 0); empty when there is nothing to measure yet."""
        return {}

    def adopt(self, parameters: P) -> None:
        """Take new values of parameters that can change midway (``live``, and ``branches`` on a
        branch); the run goes on. The default just keeps them."""
        self.parameters = parameters

    def act(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Do something the learner did by hand, such as editing a weight. Raises ``ActionError``."""
        raise ActionError(
            Bilingual(f"这个实验不认识操作“{name}”。", f"This experiment has no action “{name}”.")
        )

    def keep(self, folder: Path) -> None:
        """Write what has been learned as a model folder that the chat can load.

        Not an action: actions are repeated when a saved experiment is opened, and opening a
        stranger's file must never write files. Raises ``ActionError`` where there is nothing to keep.
        """
        raise ActionError(
            Bilingual("这个实验没有可以保存的模型。", "This experiment has no model to keep.")
        )

    def explain(self, item: str, index: tuple[int, ...]) -> Explanation | None:
        """The arithmetic behind one element of an item, with its real numbers, or ``None``."""
        return None

    def diagnose(self, history: History) -> list[Finding]:
        """What is going wrong in this run, in words; see ``desktop.engine.diagnosis``."""
        return []

    @property
    def finished(self) -> bool:
        """True when there is nothing left to train."""
        return False
