"""The interface's handle on the running experiment.

A ``Session`` lives in the interface thread. Its methods put requests into the worker's queue and
return at once; a timer at the display's rate reads the outbox and emits signals. No Qt signal crosses
a thread, so no lambda can end up running on the wrong one, and a flood of frames cannot starve the
event loop. Imports Qt, ``desktop.runtime`` and torch-free engine modules only: torch is loaded by the
worker thread, after the first paint.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from desktop.bilingual import Bilingual
from desktop.course.lesson import Lesson, Prediction
from desktop.engine.frames import Finding, Frame
from desktop.engine.parameters import ParameterSet
from desktop.runtime import messages as m
from desktop.runtime.messages import RunHistory, Status
from desktop.runtime.outbox import Outbox
from desktop.runtime.worker import ExperimentWorker

if TYPE_CHECKING:
    from desktop.engine.recipe import Recipe

DISPLAY_INTERVAL_MS = 16
STATUS_INTERVAL, HISTORY_INTERVAL = 0.1, 0.04
"""Seconds between two reports of a run that goes on as it was."""

LOADING = Bilingual("正在准备实验…", "Getting the experiment ready…")

__all__ = ["RunHistory", "Session", "Status"]


class Session(QObject):
    """One lesson's experiment at a time, from the interface's point of view."""

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

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.status = Status()
        self.findings: tuple[Finding, ...] = ()
        self._ghosts: tuple[Frame, ...] = ()
        self._outbox = Outbox()
        self._worker = ExperimentWorker(self._outbox)
        self._opened = False
        self._expected = ""
        self._lengths: tuple[tuple[int, int], ...] = ()
        self._told = self.status
        self._told_at = self._grew_at = -1.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(DISPLAY_INTERVAL_MS)
        self._timer.timeout.connect(self._drain)

    # ---- asking

    def warm_up(self) -> None:
        """Start the worker thread, which imports torch, before there is anything to run."""
        if not self._opened:
            self._opened = True
            self._worker.start()
            self._timer.start()

    def open(self, lesson: Lesson, parameters: ParameterSet, seed: int = 0) -> None:
        """Load a lesson's experiment; ``loaded`` follows, then its first frame."""
        self.warm_up()
        self._expected = lesson.slug
        self._set_status(Status(lesson.slug, parameters=parameters, seed=seed, busy=LOADING))
        self._send(m.Open(lesson, parameters, seed))

    def play(self) -> None:
        """Train until paused or finished."""
        self._send(m.Play())

    def pause(self) -> None:
        """Stop after the step being computed; also drops long work in progress."""
        self._send(m.Pause())

    def toggle(self) -> None:
        """Play if paused, pause if playing."""
        self.pause() if self.status.playing else self.play()

    def step(self, count: int = 1) -> None:
        """Pause and advance ``count`` steps."""
        self._send(m.StepForward(count))

    def seek(self, step: int) -> None:
        """Show an earlier step; playing on from there repeats the same numbers."""
        self._send(m.Seek(step))

    def set_speed(self, factor: float) -> None:
        """Factor on the lesson's own pace; 0 trains as fast as possible."""
        self._send(m.SetSpeed(factor))

    def set_parameters(self, **changes: Any) -> None:
        """Live parameters change the run from here on; others start it again.

        While an earlier step is shown, a change branches off there if the experiment can take it
        midway; on a branch the same changes apply where it stands.
        """
        self._send(m.Change(changes))

    def act(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Something done by hand, such as editing a weight."""
        self._send(m.Act(name, arguments))

    def reset(self, seed: int | None = None) -> None:
        """Back to step 0."""
        self._send(m.Reset(seed))

    def fork(self, **changes: Any) -> None:
        """Branch off at the step shown; both runs stay on screen."""
        self._send(m.Fork(changes))

    def select_run(self, run_id: int) -> None:
        """Show and continue another run."""
        self._send(m.SelectRun(run_id))

    def remove_run(self, run_id: int) -> None:
        """Forget a run that is not shown."""
        self._send(m.RemoveRun(run_id))

    def explain(self, item: str, index: tuple[int, ...]) -> None:
        """Ask for the arithmetic behind one element; ``explained`` follows."""
        self._send(m.Explain(item, tuple(index)))

    def request_script(self) -> None:
        """Ask for the source; ``script_ready`` follows."""
        self._send(m.MakeScript())

    def request_recipe(self) -> None:
        """Ask for the full state; ``recipe_ready`` follows."""
        self._send(m.MakeRecipe())

    def open_recipe(self, recipe: Recipe) -> None:
        """Rebuild a saved state of the lesson that is open."""
        self._send(m.OpenRecipe(recipe))

    def keep(self, folder: Path) -> None:
        """Write what has been learned as a model folder; ``kept`` follows."""
        self._send(m.Keep(folder))

    def run_prediction(self, prediction: Prediction) -> None:
        """Play the prediction's runs one after the other; ``prediction_settled`` follows."""
        self._send(m.Predict(prediction))

    # ---- reading

    def histories(self) -> tuple[RunHistory, ...]:
        """All runs on screen with their scalars."""
        return self.status.runs

    def ghosts(self) -> tuple[Frame, ...]:
        """The last frames of the runs that are compared with the current one."""
        return self._ghosts

    def close(self) -> None:
        """Cancel everything and end the worker thread."""
        self._timer.stop()
        if self._opened:
            self._worker.close()
            self._opened = False

    # ---- draining the outbox

    def _send(self, request: m.Request) -> None:
        if self._opened:
            self._worker.send(request)

    def _set_status(self, status: Status) -> None:
        self.status = self._told = status
        self.status_changed.emit(status)

    def _drain(self) -> None:
        now = time.perf_counter()
        events = self._outbox.events
        while events:
            self._tell(events.popleft())
        status = self._outbox.status.take()
        if status is not None and status.lesson == self._expected:
            self.status = status
        picture = self._outbox.frames.take()
        drawn = picture is not None and picture.lesson == self._expected
        if picture is not None and drawn:
            self._ghosts = picture.ghosts
            self.frame_changed.emit(picture.frame)
        self._tell_status(now, after_frame=drawn)
        lengths = tuple((run.id, len(run.history)) for run in self.status.runs)
        due = now - self._grew_at >= HISTORY_INTERVAL or not _moving(self.status)
        if lengths != self._lengths and due:
            self._lengths, self._grew_at = lengths, now
            self.history_grew.emit()

    def _tell_status(self, now: float, *, after_frame: bool) -> None:
        """Tell of the status at once when something happened; while only steps pass, as often as
        texts can be read, and not in the same pass as a picture."""
        status, told = self.status, self._told
        if status is told:
            return
        if _moving(status) and _situation(status) == _situation(told):
            waited = now - self._told_at
            if waited < STATUS_INTERVAL or (after_frame and waited < 2 * STATUS_INTERVAL):
                return
        self._told_at = now
        self._set_status(status)

    def _tell(self, event: object) -> None:
        match event:
            case m.Loaded(lesson):
                self.loaded.emit(lesson)
            case m.Failed(error, still_open):
                self._expected = still_open
                self.failed.emit(error)
            case m.Explained(item, index, explanation):
                self.explained.emit((item, index), explanation)
            case m.ScriptMade(shown, script):
                self.script_ready.emit(shown, script)
            case m.RecipeMade(recipe):
                self.recipe_ready.emit(recipe)
            case m.Kept(folder):
                self.kept.emit(folder)
            case m.Reopened(exact):
                self.reopened.emit(exact)
            case m.Diagnosed(findings):
                self.findings = findings
                self.findings_changed.emit(findings)
            case m.Settled(check, histories):
                self.prediction_settled.emit(check, histories)


def _moving(status: Status) -> bool:
    """Whether steps pass by themselves, so that another report follows soon."""
    return status.playing or status.busy is not None


def _situation(status: Status) -> tuple[Any, ...]:
    """Everything in a status but how far the runs have come."""
    return (
        status.lesson,
        status.run,
        status.playing,
        status.busy,
        status.progress is None,
        status.speed,
        status.seed,
        status.parameters,
        status.finished,
        tuple((run.id, run.label) for run in status.runs),
    )
