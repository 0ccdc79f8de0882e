"""Carries out requests on the current experiment: everything the worker thread does, without threads.

``handle`` takes a request; long work becomes a *job*, a generator that the thread advances a little
at a time, so that a newer request can drop it (closing the generator is the cancel: each job owns
its own). ``advance`` trains one step when playing. Results leave through an ``Outbox``. Nothing here
sleeps or reads a clock that is not passed in, which is why it is easy to test.
Imports the engine (and with it torch); no Qt.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import singledispatchmethod

from desktop.bilingual import Bilingual, GlassboxError
from desktop.course.lesson import Lesson, Prediction
from desktop.engine.frames import Finding
from desktop.engine.loading import load_experiment
from desktop.engine.parameters import ParameterSet
from desktop.engine.recipe import Recipe, replay
from desktop.engine.run import Run
from desktop.engine.script import shown_source, standalone_script
from desktop.runtime import messages as m
from desktop.runtime.outbox import Outbox, Picture
from desktop.runtime.pace import FramePace, Pace
from desktop.runtime.runs import RunTable, describe_change, label_of

Job = Iterator[None]

PREDICTION_SECONDS = 4.0
"""A prediction's run is paced to take about this long, so that the learner sees it happen."""

DIAGNOSIS_INTERVAL = 0.7

REPLAYING = Bilingual("正在重放训练…", "Replaying the training…")
PREDICTING = Bilingual("正在真实运行来验证你的预测…", "Running for real to settle your prediction…")
OPENING = Bilingual("正在打开保存的实验…", "Opening the saved experiment…")
SCRIPT_STEPS = 200


class Conductor:
    """One lesson at a time: its runs, whether they play, and the long work in progress."""

    def __init__(self, outbox: Outbox, clock: Callable[[], float] = time.perf_counter) -> None:
        self._out = outbox
        self._clock = clock
        self._lesson: Lesson | None = None
        self._runs: RunTable | None = None
        self._pace = Pace()
        self._frame_pace = FramePace()
        self._speed = 1.0
        self._playing = False
        self._finished = False
        self._job: Job | None = None
        self._busy: Bilingual | None = None
        self._progress: float | None = None
        self._frame_stale = False
        self._findings: tuple[Finding, ...] = ()
        self._diagnosed_at = -1e9

    # ---- what the thread calls

    def handle(self, request: m.Request) -> None:
        """Carry out one request; whatever goes wrong becomes a ``Failed`` event."""
        self._guard(lambda: self._do(request))

    @property
    def wait(self) -> float | None:
        """Seconds until there is something to do; ``None`` when only a request can bring work."""
        if self._job is not None:
            return self._pace.wait(self._clock()) if self._busy is PREDICTING else 0.0
        return self._pace.wait(self._clock()) if self._playing else None

    def advance(self) -> None:
        """Do a little of whatever is under way: a piece of the job, or one training step."""
        if self._job is not None:
            self._guard(self._advance_job)
        elif self._playing:
            self._guard(self._train)
        self.publish()

    def publish(self, *, force: bool = False) -> None:
        """Make a picture when it is due and the last one has been seen (or ``force``)."""
        if self._runs is None or not (self._frame_stale or force):
            return
        moving = self._playing or self._job is not None
        if moving and not force:
            if not self._out.frames.empty or not self._frame_pace.due(self._clock()):
                return
            if self._busy is REPLAYING or self._busy is OPENING:
                self._post_status()
                return
        self._guard(self._make_frame)

    # ---- requests

    @singledispatchmethod
    def _do(self, request: m.Request) -> None:
        raise TypeError(f"unknown request {request!r}")

    @_do.register
    def _(self, request: m.Open) -> None:
        experiment_type = load_experiment(request.lesson.folder)
        runs = RunTable(experiment_type, request.lesson.slug)
        runs.start(request.parameters, request.seed)
        self._cancel_job()
        self._lesson, self._runs = request.lesson, runs
        self._playing = self._finished = False
        self._set_pace()
        self._out.events.append(m.Loaded(request.lesson.slug))
        self._changed()

    @_do.register
    def _(self, request: m.Play) -> None:
        if self._lesson is None or not self._lesson.trains:
            return
        self._cancel_job()
        if self._at_end():
            self._restart(self._current.parameters, self._current.seed)
        self._playing, self._finished = True, False
        self._pace.start(self._clock())
        self._post_status()

    @_do.register
    def _(self, request: m.Pause) -> None:
        self._cancel_job()
        self._pause()

    @_do.register
    def _(self, request: m.StepForward) -> None:
        self._cancel_job()
        self._playing = False
        for _ in range(request.count):
            if self._at_end():
                break
            self._current.advance()
        self._pause()

    @_do.register
    def _(self, request: m.Seek) -> None:
        self._cancel_job()
        self._playing = False
        target = min(max(0, request.step), self._current.head)
        self._start_job(self._seek(target), REPLAYING)

    @_do.register
    def _(self, request: m.SetSpeed) -> None:
        self._speed = max(0.0, request.factor)
        self._set_pace()
        self._post_status()

    @_do.register
    def _(self, request: m.Change) -> None:
        self._cancel_job()
        run = self._current
        parameters = run.parameters.changed(**request.changes)
        if parameters == run.parameters:
            return
        if run.head == 0 or not self._can_go_on(request.changes):
            self._begin_again(parameters)
        elif run.step < run.head:
            self._fork(parameters)
        else:
            self._table.change(parameters)
            self._changed()

    @_do.register
    def _(self, request: m.Act) -> None:
        self._cancel_job()
        if self._current.step < self._current.head:
            self._fork(self._current.parameters)
        self._current.act(request.name, request.arguments)
        self._changed()

    @_do.register
    def _(self, request: m.Reset) -> None:
        self._cancel_job()
        run = self._current
        self._restart(run.parameters, run.seed if request.seed is None else request.seed)

    @_do.register
    def _(self, request: m.Fork) -> None:
        self._cancel_job()
        parameters = self._current.parameters.changed(**request.changes)
        if all(parameters.spec(name).midway for name in request.changes):
            self._fork(parameters)
        else:
            label = describe_change(self._current.parameters, parameters, at=None)
            self._table.start(parameters, self._current.seed, label=label, keep=True)
            self._changed()

    @_do.register
    def _(self, request: m.SelectRun) -> None:
        self._cancel_job()
        self._keep_picture()
        self._table.select(request.run)
        self._changed()

    @_do.register
    def _(self, request: m.RemoveRun) -> None:
        self._table.remove(request.run)
        self._changed()

    @_do.register
    def _(self, request: m.Explain) -> None:
        explanation = self._current.experiment.explain(request.item, request.index)
        self._out.events.append(m.Explained(request.item, request.index, explanation))

    @_do.register
    def _(self, request: m.MakeScript) -> None:
        run = self._current
        kind = type(run.experiment)
        steps = run.step or SCRIPT_STEPS
        script = standalone_script(kind, run.parameters, run.seed, steps)
        self._out.events.append(m.ScriptMade(shown_source(kind), script))

    @_do.register
    def _(self, request: m.MakeRecipe) -> None:
        self._out.events.append(m.RecipeMade(self._table.recipe()))

    @_do.register
    def _(self, request: m.Keep) -> None:
        self._current.experiment.keep(request.folder)
        self._out.events.append(m.Kept(request.folder))

    @_do.register
    def _(self, request: m.OpenRecipe) -> None:
        self._cancel_job()
        self._playing = False
        self._start_job(self._open_recipe(request.recipe), OPENING)

    @_do.register
    def _(self, request: m.Predict) -> None:
        self._cancel_job()
        self._playing = False
        self._start_job(self._predict(request.prediction), PREDICTING)

    # ---- jobs

    def _start_job(self, job: Job, busy: Bilingual) -> None:
        self._job, self._busy, self._progress = job, busy, 0.0

    def _cancel_job(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.close()  # type: ignore[attr-defined]
            self._set_pace()
        self._busy = self._progress = None

    def _advance_job(self) -> None:
        assert self._job is not None
        try:
            next(self._job)
        except StopIteration:
            self._job = self._busy = self._progress = None
            self._set_pace()
            self._changed()
        except BaseException:
            self._job = self._busy = self._progress = None
            self._set_pace()
            raise

    def _seek(self, target: int) -> Job:
        run = self._current
        start = run.step
        for step in run.seek(target):
            self._progress = (step - start) / (target - start) if target > start else None
            yield

    def _open_recipe(self, recipe: Recipe) -> Job:
        kind = type(self._current.experiment)
        recipes = [recipe] if recipe.parent is None else [recipe.parent, recipe]
        total = max(1, sum(one.head for one in recipes))
        runs: list[Run] = []
        for one in recipes:
            work = replay(one, kind, id=self._table.new_id())
            before = sum(run.head for run in runs)
            while True:
                try:
                    done = next(work)
                except StopIteration as end:
                    runs.append(end.value)
                    break
                self._progress = min(1.0, (before + done) / total)
                yield
        self._table.adopt(runs, recipe.fork_step)
        self._out.events.append(m.Reopened(all(run.exact is not False for run in runs)))

    def _predict(self, prediction: Prediction) -> Job:
        base = self._current.experiment_type.Parameters()
        histories = {}
        total = sum(run.steps for run in prediction.runs)
        done = 0
        for number, spec in enumerate(prediction.runs):
            run = self._table.start(
                base.changed(**spec.parameters),
                spec.seed,
                label=label_of(spec.parameters, base),
                keep=number > 0,
            )
            histories[spec.name] = run.history
            self._pace.steps_per_second = spec.steps / PREDICTION_SECONDS
            self._pace.start(self._clock())
            for _ in range(spec.steps):
                if run.experiment.finished:
                    break
                run.advance()
                self._pace.stepped(self._clock())
                self._frame_stale = True
                done += 1
                self._progress = done / total
                yield
            self._keep_picture()
        self._out.events.append(m.Settled(prediction.id, histories))

    # ---- training

    def _train(self) -> None:
        run = self._current
        run.advance()
        self._pace.stepped(self._clock())
        self._frame_stale = True
        if self._at_end():
            self._finished = True
            self._pause()
        elif self._clock() - self._diagnosed_at > DIAGNOSIS_INTERVAL:
            self._diagnose()

    def _at_end(self) -> bool:
        run = self._current
        return run.step == run.head and run.experiment.finished

    def _pause(self) -> None:
        self._playing = False
        self._changed()

    def _restart(self, parameters: ParameterSet, seed: int) -> None:
        same_run = self._current.id
        self._table.start(parameters, seed, history_of=same_run)
        self._finished = False
        self._pace.start(self._clock())
        self._changed()

    def _can_go_on(self, changes: Iterable[str]) -> bool:
        """Whether the run can take these changes where it stands; see ``ParameterSpec.branches``."""
        run = self._current
        branching = run.parent is not None or run.step < run.head
        specs = [run.parameters.spec(name) for name in changes]
        return all(spec.live or (branching and spec.branches) for spec in specs)

    def _begin_again(self, parameters: ParameterSet) -> None:
        """From step 0 with other settings. A branch was made to compare: its origin stays."""
        run = self._current
        if run.parent is None:
            self._restart(parameters, run.seed)
            return
        label = describe_change(run.initial_parameters, parameters, at=None)
        self._table.start(parameters, run.seed, label=label, keep=True, history_of=run.id)
        self._finished = False
        self._pace.start(self._clock())
        self._changed()

    def _fork(self, parameters: ParameterSet) -> None:
        self._keep_picture()
        self._table.fork(parameters)
        self._changed()

    # ---- telling the interface

    def _changed(self) -> None:
        """Something other than an ordinary step happened: diagnose and show it now."""
        self._diagnose()
        self._frame_stale = True
        self.publish(force=True)

    def _diagnose(self) -> None:
        self._diagnosed_at = self._clock()
        run = self._current
        history = run.history if run.step == run.head else run.history.up_to(run.step)
        findings = tuple(run.experiment.diagnose(history))
        if findings != self._findings:
            self._findings = findings
            self._out.events.append(m.Diagnosed(findings))

    def _make_frame(self) -> None:
        started = self._clock()
        frame = self._current.frame()
        self._table.entry.remember(frame)
        assert self._lesson is not None
        self._out.frames.put(Picture(self._lesson.slug, frame, self._table.ghosts()))
        self._frame_stale = False
        self._frame_pace.made(started, self._clock())
        self._post_status()

    def _keep_picture(self) -> None:
        """Remember how the current run looks before another takes its place."""
        self._table.entry.remember(self._current.frame())

    def _post_status(self) -> None:
        if self._lesson is None or self._runs is None:
            return
        run = self._current
        self._out.status.put(
            m.Status(
                lesson=self._lesson.slug,
                run=run.id,
                step=run.step,
                head=run.head,
                playing=self._playing,
                busy=self._busy,
                progress=self._progress,
                speed=self._speed,
                seed=run.seed,
                parameters=run.parameters,
                finished=self._finished,
                runs=self._runs.histories(),
            )
        )

    # ---- small things

    @property
    def _table(self) -> RunTable:
        if self._runs is None:
            raise GlassboxError(Bilingual("还没有打开课程。", "No lesson is open yet."))
        return self._runs

    @property
    def _current(self) -> Run:
        return self._table.current

    def _set_pace(self) -> None:
        pace = self._lesson.steps_per_second if self._lesson else 0.0
        self._pace.steps_per_second = pace * self._speed
        self._pace.start(self._clock())

    def _guard(self, work: Callable[[], None]) -> None:
        """Run ``work``; an error stops the training, is reported in words, and nothing else."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a lesson may raise anything; the app goes on
            self._cancel_job()
            self._playing = False
            self._frame_stale = False
            slug = self._lesson.slug if self._lesson else ""
            self._out.events.append(m.Failed(_in_words(error), slug))
            self._post_status()


def _in_words(error: Exception) -> GlassboxError:
    if isinstance(error, GlassboxError):
        return error
    return GlassboxError(
        Bilingual(
            f"实验出错，已停下：{type(error).__name__}。",
            f"The experiment stopped because of an error: {type(error).__name__}.",
        ),
        Bilingual(
            "按“重置”重新开始，或换一组参数再试。",
            "Press Reset to start again, or try other settings.",
        ),
        details="".join(traceback.format_exception(error)),
    )
