"""The lesson on screen: composes prose, panels, controls and transport, and routes between them and
the session.

Everything a learner does ends in a call to the session; everything shown comes from its signals.
What is remembered (steps visited, answers, goals, place) is written to the store at once. Imports
Qt, the runtime's session, the course and the widgets of this package; no torch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QAction, QKeyEvent

from desktop.bilingual import GlassboxError
from desktop.course.catalog import Course
from desktop.course.lesson import Goal, Lesson, PanelSpec, Prediction
from desktop.course.store import Position, Store
from desktop.engine.frames import Explanation, Frame
from desktop.engine.loading import load_parameters
from desktop.engine.parameters import ParameterSet, ParameterSpec, ScalarSpec
from desktop.engine.recipe import Recipe
from desktop.runtime.session import Session, Status
from desktop.ui.lesson.gestures import Deed, effect_of
from desktop.ui.lesson.keys import LessonKeys
from desktop.ui.lesson.links import LinkFollower, index_of
from desktop.ui.lesson.page import LessonPage
from desktop.ui.lesson.taking import TakingAway
from desktop.ui.lesson.terms import TermIndex
from desktop.ui.strings import language

PATIENCE_S = 3.0
"""So long the learner's own change is believed rather than an older report of the worker."""


class LessonView(LessonPage):
    """Shows one lesson at a time."""

    glossary_requested = Signal(str)
    lesson_requested = Signal(str, str)
    progress_changed = Signal()
    toast = Signal(str)

    def __init__(self, course: Course, store: Store, session: Session) -> None:
        self._terms = TermIndex(course.glossary)
        super().__init__(self._terms.definition)
        self.course, self.store, self.session = course, store, session
        self.lesson: Lesson | None = None
        self.parameters: ParameterSet | None = None
        self.scalars: tuple[ScalarSpec, ...] = ()
        self.index = 0
        self._asked: ParameterSet | None = None
        self._shown: ParameterSet | None = None
        self._asked_until = 0.0
        self._stranded = False
        self.following = LinkFollower(self)
        self.taking = TakingAway(self)
        self.keys = self._make_keys()
        self._connect_widgets()
        self._connect_session()
        self.retranslate()

    # ---- wiring

    def _connect_widgets(self) -> None:
        session, bar = self.session, self.transport
        prose, grid = self.prose, self.grid
        self._say_changes_before(
            *(bar.play_toggled, bar.step_requested, bar.reset_requested, bar.reseeded),
            *(bar.seek_requested, bar.fork_requested, bar.run_chosen, bar.run_removed),
            *(prose.link_chosen, prose.step_chosen, prose.committed, prose.solution_wanted),
            *(grid.gesture, grid.seek_requested),
            *(self.finding.fix_chosen, self.sharing.recipe_wanted),
        )
        self.header.code_toggled.connect(self.taking.show_code)
        self.header.keep_wanted.connect(self.taking.ask_where_to_keep)
        self.prose.link_chosen.connect(self.following.follow)
        self.prose.step_chosen.connect(self.go_to)
        self.prose.lesson_left.connect(self._leave)
        self.prose.committed.connect(self._run_prediction)
        self.prose.settled.connect(self._store_answer)
        self.prose.goal_reached.connect(self._store_goal)
        self.prose.solution_wanted.connect(self._show_solution)
        self.grid.gesture.connect(self._gesture)
        self.grid.explain_requested.connect(session.explain)
        self.grid.seek_requested.connect(session.seek)
        self.grid.term_requested.connect(self.glossary_requested)
        self.grid.notice.connect(self.toast)
        self.grid.problem.connect(self.error.show_error)
        self.controls.changes_made.connect(self.change)
        self.controls.term_requested.connect(self.glossary_requested)
        self.finding.fix_chosen.connect(self.change)
        self.finding.term_requested.connect(self.glossary_requested)
        self.code.closed.connect(lambda: self.taking.show_code(False))
        self.sharing.recipe_wanted.connect(session.request_recipe)
        self.sharing.opened.connect(self.taking.open_recipe)
        for source in (self.code, self.sharing):
            source.told.connect(self.toast)
            source.failed.connect(self.error.show_error)
        bar.play_toggled.connect(self._running(self._toggle))
        bar.step_requested.connect(self._running(session.step))
        bar.reset_requested.connect(self._running(session.reset))
        bar.reseeded.connect(self._running(session.reset))
        bar.speed_chosen.connect(session.set_speed)
        bar.seek_requested.connect(session.seek)
        bar.fork_requested.connect(lambda: session.fork())
        bar.run_chosen.connect(session.select_run)
        bar.run_removed.connect(session.remove_run)
        bar.cancelled.connect(session.pause)

    def _say_changes_before(self, *wishes: SignalInstance) -> None:
        """What is still being gathered from the controls reaches the session before these do: a
        value typed just before Play is in force from the very first step. Slots run in the order
        in which they were connected, so this comes first."""
        for wish in wishes:
            wish.connect(self.controls.flush)

    def _connect_session(self) -> None:
        session = self.session
        session.loaded.connect(self.taking.offer_keeping)
        session.kept.connect(self.taking.tell_kept)
        session.frame_changed.connect(self._show_frame)
        session.status_changed.connect(self._show_status)
        session.history_grew.connect(self._show_histories)
        session.findings_changed.connect(self._show_findings)
        session.failed.connect(self._show_error)
        session.explained.connect(self._show_explanation)
        session.script_ready.connect(self.code.show_script)
        session.recipe_ready.connect(self.taking.give)
        session.prediction_settled.connect(self._settle)
        session.reopened.connect(self.taking.tell_reopened)

    def _make_keys(self) -> LessonKeys:
        return LessonKeys(
            self,
            {
                "play": self._if_training(self._toggle),
                "step": self._if_training(self.session.step),
                "reset": self._if_training(self.session.reset),
                "fork": self._if_training(self.session.fork),
                "next": lambda: self.go_to(self.index + 1),
                "back": lambda: self.go_to(self.index - 1),
                "code": lambda: self.show_code(self.pages.currentWidget() is not self.code),
                "more": self.controls.toggle_more,
            },
        )

    def _if_training(self, do: Any) -> Any:
        def wish() -> None:
            if self.lesson is not None and self.lesson.trains:
                self.controls.flush()
                self._running(do)()

        return wish

    def _toggle(self) -> None:
        """Play or pause; a run that is over begins again."""
        status = self.session.status
        if status.finished and not status.playing and status.step == status.head:
            self.session.reset()
            self.session.play()
        else:
            self.session.toggle()

    def _running(self, do: Any) -> Any:
        """``do``; or, where this lesson's experiment could not be opened, another try to open it."""
        return lambda *given: self._open_again() if self._stranded else do(*given)

    def _open_again(self) -> None:
        assert self.lesson is not None
        assert self.parameters is not None
        self._stranded = False
        self.error.clear()
        self.session.open(self.lesson, self.parameters)

    def actions(self) -> list[QAction]:
        """The lesson's commands, for menus and the shortcut sheet."""
        return list(self.keys.actions.values())

    # ---- opening

    def open(
        self,
        slug: str,
        step_id: str | None = None,
        parameters: ParameterSet | Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        """Show a lesson at a step, with given settings or the step's own; raises ``GlassboxError``
        for an unknown lesson or settings it does not accept, and then changes nothing."""
        lesson = self.course.lesson(slug)
        declared, scalars = load_parameters(lesson.folder)
        index = index_of(lesson, step_id)
        if isinstance(parameters, ParameterSet):
            settings = parameters
        elif parameters is not None:
            settings = declared.from_json(parameters)
        else:
            settings = declared.from_json(lesson.start_of(lesson.steps[index], language().current))
        self._adopt(lesson, settings, scalars)
        self.session.open(lesson, settings, seed)
        self._enter(index)
        if lesson.steps[index].autoplay and lesson.trains:
            self.session.play()
        self.setFocus()

    def _adopt(
        self, lesson: Lesson, settings: ParameterSet, scalars: tuple[ScalarSpec, ...]
    ) -> None:
        """Make panels and controls for another lesson."""
        self.lesson, self.parameters, self.scalars = lesson, settings, scalars
        self._asked = self._shown = None
        self._stranded = False
        specs = type(settings).specs()
        chapter = next(c for c in self.course.chapters if lesson in c.lessons)
        following = self.course.neighbours(lesson.slug)[1]
        self.error.clear()
        self.finding.forget(specs)
        self.header.show_lesson(chapter.number, chapter.title, lesson.title)
        self.prose.show_lesson(
            lesson, set(self.store.visited_steps(lesson.slug)), following is not None
        )
        self.grid.build(lesson.panels, scalars)
        self.controls.build(specs, self._term_of, _drawable(lesson))
        self.controls.show_parameters(settings)
        self.transport.setVisible(lesson.trains)
        self.transport.set_scalar(scalars[0] if scalars else None)
        self.code.expect(lesson.slug, lesson.code_note)
        self.sharing.set_lesson(lesson.slug)
        self.header.keep.hide()
        self.show_code(False)

    def _term_of(self, spec: ParameterSpec) -> str:
        return self._terms.find(spec.name, spec.label)

    # ---- steps

    def go_to(self, index: int) -> None:
        """Another step of this lesson; its preset is applied."""
        lesson = self.lesson
        if lesson is None or not 0 <= index < len(lesson.steps) or index == self.index:
            return
        self.controls.flush()
        onward = index == self.index + 1
        self.error.clear()
        self._enter(index)
        step = lesson.steps[index]
        start = lesson.start_of(step, language().current)
        changed = self._apply_preset(start, keep_rest=onward and not step.preset)
        if step.autoplay and lesson.trains:
            self.session.play()
        elif changed:
            self.session.pause()

    def turn_to(self, index: int) -> None:
        """Words, panels and controls of another step; the experiment stays as it is."""
        if index != self.index:
            self.controls.flush()
            self._enter(index)

    def _enter(self, index: int) -> None:
        assert self.lesson is not None
        self.index = index
        step = self.lesson.steps[index]
        self.prose.show_step(index, self.store.answers(self.lesson.slug), self.scalars)
        self.grid.show_only(step.panels)
        front = step.controls or self.lesson.controls
        self.controls.arrange(front, self.lesson.controls + self.lesson.more_controls)
        self.order_focus()
        self._remember()
        self._follow_goals()

    def _apply_preset(self, preset: Mapping[str, Any], *, keep_rest: bool) -> bool:
        """Set the table for a step. Going on to a step without a preset keeps the learner's settings;
        otherwise a step starts from the defaults, but the learner's own data always stays."""
        if self.parameters is None or self.lesson is None:
            return False
        declared = type(self.parameters)
        wanted = self.parameters if keep_rest else declared.from_json(preset)
        own = self.lesson.data_parameter
        changes = {
            name: getattr(wanted, name)
            for name in declared.specs()
            if getattr(wanted, name) != getattr(self.parameters, name)
            and (name != own or name in preset)
        }
        if changes:
            self.change(changes)
        return bool(changes)

    def _leave(self) -> None:
        if self.lesson is None:
            return
        self.store.finish_lesson(self.lesson.slug)
        self.progress_changed.emit()
        following = self.course.neighbours(self.lesson.slug)[1]
        if following is not None:
            self.lesson_requested.emit(following.slug, "")

    def _remember(self) -> None:
        lesson = self.lesson
        assert lesson is not None
        step = lesson.steps[self.index].id
        self.store.visit_step(lesson.slug, step)
        self.store.set_position(Position(lesson.slug, step, {}, self.session.status.seed))
        self.progress_changed.emit()

    # ---- changing things

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set parameters of the experiment, if together they make sense."""
        if self.parameters is None or not changes:
            return
        try:
            self.parameters = self.parameters.changed(**changes)
        except GlassboxError as error:
            only = next(iter(changes)) if len(changes) == 1 else ""
            if not self.controls.refuse(only, error, self.parameters):
                self.error.show_error(error)
                self.controls.show_parameters(self.parameters)
            return
        self.error.clear()
        self._asked, self._asked_until = self.parameters, time.monotonic() + PATIENCE_S
        self.controls.show_parameters(self.parameters)
        if self._stranded:
            self._open_again()
            return
        self.session.set_parameters(**{name: getattr(self.parameters, name) for name in changes})

    def _gesture(self, spec: PanelSpec, name: str, payload: object) -> None:
        if self.parameters is None:
            return
        try:
            effect = effect_of(spec.gestures, name, payload, self.parameters)
        except (GlassboxError, TypeError, ValueError) as error:
            if isinstance(error, GlassboxError):
                self.error.show_error(error)
            return
        if isinstance(effect, Deed):
            self.session.act(effect.name, effect.arguments)
        elif effect is not None:
            self.change(effect.values)
            if name == "click" and self._starts_again(effect.values):
                self.session.play()  # who chooses a place to set out from wants to see it set out

    def _starts_again(self, names: Iterable[str]) -> bool:
        assert self.lesson is not None
        specs = type(self.parameters).specs() if self.parameters is not None else {}
        return self.lesson.trains and any(not specs[name].live for name in names)

    # ---- checks

    def _run_prediction(self, prediction: Prediction) -> None:
        self.session.run_prediction(prediction)

    def _settle(self, check: str, histories: Mapping[str, Any]) -> None:
        for card in self.prose.predictions():
            if card.prediction.id == check:
                card.settle(histories)
                self.prose.show_card(card)

    def _store_answer(self, check: str, given: str, truth: str) -> None:
        if self.lesson is not None:
            self.store.record_answer(self.lesson.slug, check, given, truth)
            self.progress_changed.emit()

    def _store_goal(self, check: str) -> None:
        if self.lesson is not None:
            self.store.record_goal(self.lesson.slug, check)
            self.progress_changed.emit()

    def _show_solution(self, goal: Goal) -> None:
        """Set what reaches the goal, from the step's own beginning, and let it run."""
        if self.lesson is None:
            return
        start = self.lesson.start_of(self.lesson.steps[self.index], language().current)
        self._apply_preset({**start, **goal.solution}, keep_rest=False)
        self.session.reset(0)
        self.session.play()

    # ---- what the session says

    def _is_ours(self, status: Status) -> bool:
        return self.lesson is not None and status.lesson == self.lesson.slug

    def _show_status(self, status: Status) -> None:
        if not self._is_ours(status):
            self._show_stranded()
            return
        self.transport.show_status(status)
        self.header.keep.setEnabled(status.head > 0)
        if status.parameters is not None and type(status.parameters) is type(self.parameters):
            self._show_parameters(status.parameters)
        for card in self.prose.predictions():
            card.show_progress(status.progress)

    def _show_stranded(self) -> None:
        """The session stayed with the lesson before this one: this one's could not be opened. The
        panels stay empty, and the next try to run it opens it again."""
        if self.lesson is not None and not self._stranded:
            self._stranded = True
            self.transport.show_status(Status(self.lesson.slug, parameters=self.parameters))

    def _show_findings(self, findings: Any) -> None:
        if self._is_ours(self.session.status):
            self.finding.show_findings(findings)

    def _show_parameters(self, settings: ParameterSet) -> None:
        """The settings in force. A busy worker may still report the ones before the learner's last
        change; showing those would make a switch jump back under the finger."""
        waiting = self._asked is not None and time.monotonic() < self._asked_until
        if settings is self._shown or (waiting and settings != self._asked):
            return
        if settings != self._shown and self.header.code.isChecked():
            self.session.request_script()
        self.parameters = self._shown = settings
        self._asked = None
        self.controls.show_parameters(settings)

    def _show_frame(self, frame: Frame) -> None:
        if self._is_ours(self.session.status):
            self.grid.show_frame(frame, self.session.ghosts())

    def _show_histories(self) -> None:
        if not self._is_ours(self.session.status):
            return
        self.grid.schedule_histories(self.session.histories())
        self._follow_goals()

    def _follow_goals(self) -> None:
        goals = self.prose.goals()
        status = self.session.status
        if not goals or status.parameters is None or not self._is_ours(status):
            return
        current = next((run for run in status.runs if run.id == status.run), None)
        if current is not None:
            for card in goals:
                card.follow(current.history, status.parameters)

    def _show_explanation(self, key: tuple[str, Any], explanation: Explanation | None) -> None:
        self.grid.show_explanation(key[0], explanation)

    def _show_error(self, error: GlassboxError) -> None:
        self._asked = self._shown = None
        for card in self.prose.predictions():
            card.give_up()
        self.error.show_error(error)

    # ---- code and sharing

    def show_code(self, on: bool) -> None:
        """Show the running source in place of the panels, or the panels again."""
        self.taking.show_code(on)

    def open_recipe(self, recipe: Recipe) -> None:
        """Open a shared experiment, in its lesson."""
        self.taking.open_recipe(recipe)

    # ---- keys and texts

    def retranslate(self, _language: str = "") -> None:
        """All texts in the language in force."""
        super().retranslate()
        self.keys.retranslate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.pages.currentWidget() is self.code:
            self.show_code(False)
        elif not self.keys.handle(event):
            super().keyPressEvent(event)


def _drawable(lesson: Lesson) -> str:
    """The parameter that a panel lets the learner draw."""
    for panel in lesson.panels:
        target = panel.gestures.get("draw", "")
        if target.startswith("append:"):
            return target.removeprefix("append:")
    return ""
