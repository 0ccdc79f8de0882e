"""A session that only writes down what it is asked, and runs made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.bilingual import Bilingual
from desktop.engine.history import History
from desktop.engine.parameters import ParameterSet
from desktop.runtime.messages import RunHistory, Status


class FakeSession(QObject):
    """Writes down every request; the test says what comes back."""

    loaded = Signal(str)
    frame_changed = Signal(object)
    status_changed = Signal(object)
    history_grew = Signal()
    findings_changed = Signal(object)
    failed = Signal(object)
    explained = Signal(object, object)
    script_ready = Signal(str, str)
    recipe_ready = Signal(object)
    kept = Signal(object)
    reopened = Signal(bool)
    prediction_settled = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.status = Status()
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)

        def note(*args: Any, **named: Any) -> None:
            self.asked.append((name, args, named))

        return note

    def open(self, lesson: Any, parameters: ParameterSet, seed: int = 0) -> None:
        """Stand at step 0 of a fresh run."""
        self.asked.append(("open", (lesson.slug, parameters, seed), {}))
        self.tell(lesson=lesson.slug, parameters=parameters, seed=seed, run=1)

    def tell(self, **changes: Any) -> None:
        """A new status."""
        values = {**vars(self.status), **changes}
        self.status = Status(**values)
        self.status_changed.emit(self.status)

    def histories(self) -> tuple[RunHistory, ...]:
        """The runs of the status."""
        return self.status.runs

    def ghosts(self) -> tuple[Any, ...]:
        """No other runs."""
        return ()

    def names(self) -> list[str]:
        """What was asked, in order."""
        return [name for name, _args, _named in self.asked]

    def last(self, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments of the newest request called ``name``."""
        return next((args, named) for asked, args, named in reversed(self.asked) if asked == name)


def run_of(losses: list[float], run_id: int = 1, **more: Any) -> RunHistory:
    """A run whose loss went like this from step 0."""
    history = History(["loss"])
    for step, loss in enumerate(losses):
        history.append(step, {"loss": loss})
    given = {"color": 0, "parent": None, "fork_step": 0, "head": len(losses) - 1, **more}
    return RunHistory(run_id, Bilingual("第一次", f"run {run_id}"), history=history, **given)
