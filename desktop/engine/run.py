"""One run of an experiment: step on, go back to any step bit for bit, fork, replay.

A run keeps every scalar (``history``), every change and action of the learner with the step it
happened at (``events``), and a few copies of the state (``snapshots``) within a budget of bytes and
of number. Any step is reached from the nearest copy before it by stepping again and repeating the
events: experiments are deterministic, so that gives the same bits. When the budget is spent, every
second copy goes, so the copies stay evenly spread and a seek repeats at most a small part of the
run.

The state *at* step s is the state after the s-th step and after the events that happened at s.
Nothing here knows threads or Qt; whatever an experiment raises passes through unchanged, and the
run is then back at its last good step. Imports torch through the experiment.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from desktop.bilingual import Bilingual, GlassboxError
from desktop.engine.experiment import Experiment
from desktop.engine.frames import Finding, Frame
from desktop.engine.history import History
from desktop.engine.parameters import ParameterSet
from desktop.engine.snapshots import State, capture, restore

BYTE_BUDGET = 256 * 2**20
COUNT_BUDGET = 64

Scalars = Mapping[str, float]


class RunError(GlassboxError):
    """Something that cannot be done to a run at this step."""


@dataclass(frozen=True)
class Event:
    """What the learner did after ``step`` steps: a change of live parameters, or an action.

    ``values`` are the changed parameters as plain JSON values, or the action's arguments.
    """

    step: int
    kind: Literal["change", "act"]
    name: str
    values: Mapping[str, Any]

    def apply(self, experiment: Experiment[Any]) -> None:
        """Do it again."""
        if self.kind == "act":
            experiment.act(self.name, self.values)
            return
        parameters = experiment.parameters.changed(**self.values)
        experiment.adopt(parameters)
        experiment.parameters = parameters


class Snapshots:
    """A few states by step, thinned evenly so that they stay within both budgets.

    Step 0 is always kept; it is what everything can be repeated from.
    """

    def __init__(self, byte_budget: int = BYTE_BUDGET, count_budget: int = COUNT_BUDGET) -> None:
        self.byte_budget = byte_budget
        self.count_budget = max(2, count_budget)
        self.interval = 1
        self._states: dict[int, State] = {}

    def __len__(self) -> int:
        return len(self._states)

    @property
    def nbytes(self) -> int:
        """Bytes of all states."""
        return sum(state.nbytes for state in self._states.values())

    def wants(self, step: int) -> bool:
        """Whether a state at ``step`` belongs to the even spread."""
        return step % self.interval == 0

    def put(self, step: int, state: State) -> None:
        """Keep ``state``; thin out when that is too much."""
        self._states[step] = state
        while len(self._states) > 1 and (
            len(self._states) > self.count_budget or self.nbytes > self.byte_budget
        ):
            self.interval *= 2
            self._states = {s: kept for s, kept in self._states.items() if s % self.interval == 0}

    def drop(self, step: int) -> None:
        """Forget the state at ``step``, which an event has overtaken."""
        self._states.pop(step, None)

    def nearest(self, step: int) -> tuple[int, State]:
        """The newest state at or before ``step``."""
        found = max(kept for kept in self._states if kept <= step)
        return found, self._states[found]

    def up_to(self, step: int) -> Snapshots:
        """A new collection with the states up to ``step``; the states themselves are shared."""
        copy = Snapshots(self.byte_budget, self.count_budget)
        copy.interval = self.interval
        copy._states = {kept: state for kept, state in self._states.items() if kept <= step}
        return copy


class Run:
    """An experiment together with its past.

    ``step`` is where the experiment stands, ``head`` the furthest step it has reached. ``parent`` is
    ``(run id, step)`` for a fork. ``parameters`` are those in force at ``step``. ``exact`` is set when
    the run was opened from a recipe: whether it came out bit for bit as it was saved.
    """

    def __init__(
        self,
        experiment_type: type[Experiment[Any]],
        parameters: ParameterSet,
        seed: int = 0,
        *,
        lesson_slug: str = "",
        id: int = 0,
        byte_budget: int = BYTE_BUDGET,
        count_budget: int = COUNT_BUDGET,
    ) -> None:
        self.experiment_type = experiment_type
        self.initial_parameters = parameters
        self.seed = seed
        self.lesson_slug = lesson_slug
        self.id = id
        self.parent: tuple[int, int] | None = None
        self.exact: bool | None = None
        self.step = 0
        self.head = 0
        self.events: list[Event] = []
        self.history = History(spec.name for spec in experiment_type.scalars)
        self.experiment = experiment_type(parameters, seed)
        self.snapshots = Snapshots(byte_budget, count_budget)
        self.snapshots.put(0, capture(self.experiment))
        self._before_change: State | None = None
        if scalars := self.experiment.measure():
            self.history.append(0, scalars)

    @property
    def parameters(self) -> ParameterSet:
        """The parameters in force at the current step."""
        return self.experiment.parameters

    @property
    def finished(self) -> bool:
        """True when the run stands at its head and there is nothing left to train."""
        return self.step == self.head and self.experiment.finished

    # ---- forward

    def advance(self) -> Scalars:
        """One step; returns its scalars, or nothing when the run is ``finished``.

        Behind the head it repeats a step already taken, events included, and records nothing.
        """
        if self.finished:
            return {}
        repeating = self.step < self.head
        with _Undo(self):
            scalars = dict(self.experiment.step())
        self.step += 1
        self._before_change = None
        if repeating:
            self._repeat_events()
            return scalars
        self.head = self.step
        self.history.append(self.step, scalars)
        if self.snapshots.wants(self.step):
            self.snapshots.put(self.step, capture(self.experiment))
        return scalars

    def _repeat_events(self) -> None:
        first = bisect_left(self.events, self.step, key=lambda event: event.step)
        for event in self.events[first:]:
            if event.step != self.step:
                break
            event.apply(self.experiment)

    # ---- back

    def seek(self, step: int) -> Iterator[int]:
        """Go to ``step``, yielding each step passed. The run may be used, or left, at any yield."""
        step = min(max(0, step), self.head)
        nearest, state = self.snapshots.nearest(step)
        if not nearest <= self.step <= step:
            self._return_to(nearest, state)
        while self.step < step:
            self.advance()
            yield self.step

    def go_to(self, step: int) -> None:
        """``seek`` without watching."""
        for _ in self.seek(step):
            pass

    def _return_to(self, step: int, state: State) -> None:
        restore(self.experiment, state)
        self.step = step
        self._before_change = None

    def recover(self) -> None:
        """Build the state of the current step again after something failed halfway."""
        step = self.step
        nearest, state = self.snapshots.nearest(step)
        self._return_to(nearest, state)
        while self.step < step:
            self.experiment.step()
            self.step += 1
            self._repeat_events()

    # ---- what the learner does

    def change(self, parameters: ParameterSet) -> None:
        """Take new values from here on, of parameters that can change midway.

        Several changes at one step count as one, from the values before the first to the values
        after the last: dragging a slider to and fro while paused leaves no trace.
        """
        self._require_head()
        if parameters == self.parameters:
            return
        self._require_midway(parameters)
        before = self._before_change or capture(self.experiment)
        with _Undo(self, capture(self.experiment) if self._before_change else before):
            if self._before_change:
                restore(self.experiment, before)
            changes = _changes(self.experiment.parameters, parameters)
            event = Event(self.step, "change", "", changes)
            if changes:
                event.apply(self.experiment)
        if self._before_change:
            self.events.pop()
        if changes:
            self.events.append(event)
        self._before_change = before if changes else None
        self._retake_snapshot()

    def act(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Do something by hand, such as editing a weight; see ``Experiment.act``."""
        self._require_head()
        event = Event(self.step, "act", name, _plain_arguments(arguments))
        with _Undo(self, capture(self.experiment)):
            event.apply(self.experiment)
        self.events.append(event)
        self._before_change = None
        self._retake_snapshot()

    def fork(self, new_id: int, parameters: ParameterSet | None = None) -> Run:
        """A second run that shares the past up to the current step, then goes its own way."""
        if parameters is not None:
            self._require_midway(parameters)
        fork = object.__new__(type(self))
        fork.experiment_type = self.experiment_type
        fork.initial_parameters = self.initial_parameters
        fork.seed, fork.lesson_slug, fork.id = self.seed, self.lesson_slug, new_id
        fork.parent = (self.id, self.step)
        fork.step = fork.head = self.step
        fork.events = [event for event in self.events if event.step <= self.step]
        fork.history = self.history.up_to(self.step)
        fork.snapshots = self.snapshots.up_to(self.step)
        fork.exact = self.exact
        fork._before_change = None
        fork.experiment = self.experiment_type(self.initial_parameters, self.seed)
        restore(fork.experiment, capture(self.experiment))
        if parameters is not None:
            fork.change(parameters)
        return fork

    # ---- what can be seen

    def frame(self) -> Frame:
        """Everything to show at the current step."""
        items = self.experiment.frame()
        return Frame(self.id, self.step, items, self.history.at(self.step))

    def diagnose(self) -> tuple[Finding, ...]:
        """What is going wrong, judged by what had happened up to the current step."""
        past = self.history if self.step == self.head else self.history.up_to(self.step)
        return tuple(self.experiment.diagnose(past))

    # ---- rules

    def _require_head(self) -> None:
        if self.step < self.head:
            raise RunError(
                Bilingual(
                    f"现在停在第 {self.step} 步，后面的 {self.head - self.step} 步已经发生过了。",
                    f"This is step {self.step}, and the {self.head - self.step} steps after it "
                    "have already happened.",
                ),
                Bilingual(
                    "从这一步分出一条新的运行，再在那里修改。",
                    "Fork a new run from this step and make the change there.",
                ),
            )

    def _require_midway(self, parameters: ParameterSet) -> None:
        specs = parameters.specs()
        fixed = [specs[n] for n in _changes(self.parameters, parameters) if not specs[n].midway]
        if fixed:
            zh = "、".join(spec.label.zh for spec in fixed)
            en = ", ".join(spec.label.en for spec in fixed)
            raise RunError(
                Bilingual(
                    f"训练中途不能改“{zh}”：数据或模型会因此变成另一个。",
                    f"“{en}” cannot change in the middle of a run: it makes other data or "
                    "another model.",
                ),
                Bilingual("用新的值从第 0 步重新开始。", "Start again from step 0 with it."),
            )

    def _retake_snapshot(self) -> None:
        self.snapshots.drop(self.step)
        if self.step == 0 or self.snapshots.wants(self.step):
            self.snapshots.put(self.step, capture(self.experiment))


def _changes(before: ParameterSet, after: ParameterSet) -> dict[str, Any]:
    """The parameters that differ, as plain values."""
    values = after.to_json()
    return {n: values[n] for n in values if getattr(before, n) != getattr(after, n)}


def _plain_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as a file will give them back, so that a replay sees the very same ones."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(arguments), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise RunError(
            Bilingual("这个操作的参数无法保存。", "This action's arguments cannot be saved."),
            details=repr(arguments),
        ) from error
    return plain


class _Undo:
    """When its block raises, puts the run back to where it was and lets the error through."""

    def __init__(self, run: Run, state: State | None = None) -> None:
        restore_state: Callable[[], None] = run.recover
        if state is not None:
            known = state  # an own name, so that its type stays narrow inside the function below

            def restore_state() -> None:
                restore(run.experiment, known)

        self._restore = restore_state

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        try:
            self._restore()
        except Exception as second:  # noqa: BLE001 - the first error is the one to hear of
            error.add_note(f"Going back to the last good step failed too: {second!r}")
