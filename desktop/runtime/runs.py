"""The runs of one lesson that are on screen together: the current one and those it is compared with.

At most ``MOST_RUNS`` are kept; the oldest that is not current goes first. Each has a colour that
stays its own. Used by the worker thread only; the interface gets frozen ``RunHistory`` values.
Imports the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from desktop.bilingual import Bilingual
from desktop.engine.experiment import Experiment
from desktop.engine.frames import Frame
from desktop.engine.parameters import ParameterSet
from desktop.engine.recipe import Recipe
from desktop.engine.run import Run
from desktop.runtime.messages import RunHistory

MOST_RUNS = 6
ORIGINAL = Bilingual("原来的运行", "original run")


@dataclass
class Entry:
    """A run with what the interface needs to draw it."""

    run: Run
    label: Bilingual
    color: int
    last_frame: Frame | None = None
    origin: ParameterSet | None = None
    """The settings in force where a branch left its parent: its label says what is different."""

    def remember(self, frame: Frame) -> None:
        """Keep the picture that is furthest along: a run one looked back into, to branch off there,
        is compared as far as it went."""
        if self.last_frame is None or frame.step >= self.last_frame.step:
            self.last_frame = frame


class RunTable:
    """Runs by id, the current one marked."""

    _ids = count(
        1
    )  # shared by all lessons, so that a late picture cannot be mistaken for a new one

    def __init__(self, experiment_type: type[Experiment[Any]], slug: str) -> None:
        self._type = experiment_type
        self._slug = slug
        self._entries: dict[int, Entry] = {}
        self._current = 0

    @property
    def current(self) -> Run:
        """The run that is shown and trained."""
        return self._entries[self._current].run

    @property
    def entry(self) -> Entry:
        """The current run with its label and colour."""
        return self._entries[self._current]

    def __contains__(self, run_id: int) -> bool:
        return run_id in self._entries

    def new_id(self) -> int:
        """A number no run has had."""
        return next(self._ids)

    def start(
        self,
        parameters: ParameterSet,
        seed: int,
        *,
        label: Bilingual = ORIGINAL,
        keep: bool = False,
        history_of: int | None = None,
    ) -> Run:
        """A new run at step 0 becomes current; the others stay only if ``keep``.

        The experiment is built before anything is dropped, so a failure leaves all as it was.
        ``history_of`` reuses that run's id and colour (a reset).
        """
        run_id = history_of or self.new_id()
        run = Run(self._type, parameters, seed, lesson_slug=self._slug, id=run_id)
        if not keep:
            self._entries.clear()
        self.add(run, label)
        return run

    def add(self, run: Run, label: Bilingual) -> None:
        """Take in a run made elsewhere and make it current."""
        old = self._entries.get(run.id)
        color = old.color if old else self._free_color()
        self._entries[run.id] = Entry(run, label, color)
        self._current = run.id
        while len(self._entries) > MOST_RUNS:
            oldest = next(key for key in self._entries if key != self._current)
            del self._entries[oldest]

    def adopt(self, runs: list[Run], fork_step: int) -> None:
        """Runs rebuilt from a saved state take the place of all others; the last is current."""
        self._entries.clear()
        for before, run in zip([None, *runs], runs, strict=False):
            if before is None:
                self.add(run, ORIGINAL)
            else:
                self.entry.last_frame = before.frame()
                run.parent = (before.id, fork_step)
                self.add(run, describe_change(before.parameters, run.parameters, at=fork_step))

    def recipe(self) -> Recipe:
        """How to get the current run again, and the one it was forked from if that is still here."""
        run = self.current
        parent = self._entries.get(run.parent[0]) if run.parent else None
        return Recipe.of(run, Recipe.of(parent.run) if parent else None)

    def fork(self, parameters: ParameterSet) -> Run:
        """Branch the current run off at the step it stands at."""
        before = self.current
        run = before.fork(self.new_id(), parameters)
        self.add(run, describe_change(before.parameters, parameters, at=before.step))
        self.entry.origin = before.parameters
        return run

    def change(self, parameters: ParameterSet) -> None:
        """The current run takes other settings where it stands; a branch's label says so."""
        entry, run = self.entry, self.current
        run.change(parameters)
        if entry.origin is not None and run.parent is not None:
            entry.label = describe_change(entry.origin, parameters, at=run.parent[1])

    def select(self, run_id: int) -> None:
        """Make another run current."""
        if run_id in self._entries:
            self._current = run_id

    def remove(self, run_id: int) -> None:
        """Forget a run; the current one stays."""
        if run_id != self._current:
            self._entries.pop(run_id, None)

    def histories(self) -> tuple[RunHistory, ...]:
        """What the interface may know about every run, in the order they were made."""
        return tuple(_public(entry) for entry in self._entries.values())

    def ghosts(self) -> tuple[Frame, ...]:
        """The last frames of the runs that are not current."""
        return tuple(
            entry.last_frame
            for run_id, entry in self._entries.items()
            if run_id != self._current and entry.last_frame is not None
        )

    def _free_color(self) -> int:
        used = {entry.color for entry in self._entries.values()}
        return next(color for color in count() if color not in used)


def _public(entry: Entry) -> RunHistory:
    parent, fork_step = entry.run.parent or (None, 0)
    return RunHistory(
        entry.run.id,
        entry.label,
        entry.color,
        parent,
        fork_step,
        entry.run.head,
        entry.run.history,
    )


def describe_change(before: ParameterSet, after: ParameterSet, *, at: int | None) -> Bilingual:
    """What distinguishes a branch: “from step 120: learning rate = 0.3”."""
    changed = [
        (spec.label, spec.words(getattr(after, name)))
        for name, spec in after.specs().items()
        if getattr(before, name) != getattr(after, name)
    ]
    zh = "、".join(f"{label.zh} = {_short(value.zh)}" for label, value in changed) or "不变"
    en = ", ".join(f"{label.en} = {_short(value.en)}" for label, value in changed) or "unchanged"
    if at is None:
        return Bilingual(zh, en)
    return Bilingual(f"从第 {at} 步起：{zh}", f"from step {at}: {en}")


def _short(text: str) -> str:
    return text if len(text) <= 24 else text[:23] + "…"


def label_of(changes: Mapping[str, Any], base: ParameterSet) -> Bilingual:
    """The label of a prediction's run: what it sets."""
    return describe_change(base, base.changed(**changes), at=None)
