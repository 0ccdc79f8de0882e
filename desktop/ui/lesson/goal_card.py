"""The goal card: something to reach with the own hands, watched while the run goes on.

Imports Qt, the course's checks and the strings.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout

from desktop.course.checks import Evidence, evidence, goal_step, parse_side, requirements_met
from desktop.course.lesson import Goal
from desktop.course.store import Answer
from desktop.engine.history import History
from desktop.engine.parameters import ParameterSet, ScalarSpec
from desktop.ui.lesson.check_card import CheckCard, series_of
from desktop.ui.lesson.look import button, label, set_part
from desktop.ui.lesson.numbers import counted
from desktop.ui.markdown import spaced
from desktop.ui.panels.numbers import number, round_number
from desktop.ui.strings import pick, tr


class GoalCard(CheckCard):
    """A goal and how near the run is to it."""

    reached = Signal()
    solution_wanted = Signal(object)

    def __init__(self, goal: Goal, answer: Answer | None, scalars: tuple[ScalarSpec, ...]) -> None:
        super().__init__("target")
        self.goal, self._scalars = goal, {scalar.name: scalar for scalar in scalars}
        self.done = bool(answer and answer.passed)
        self._at: int | None = None
        self._evidence: tuple[Evidence, ...] = ()
        self._step, self._fits = 0, True
        self.text = label("strong", wrap=True)
        self.live = label("muted", wrap=True)
        self.verdict = label("verdict-good", wrap=True)
        self.show_me = button("link", self._show_me)
        row = QHBoxLayout()
        row.addWidget(self.show_me)
        row.addStretch(1)
        for widget in (self.text, self.live, self.verdict):
            self.column.addWidget(widget)
        self.column.addLayout(row)
        self._refresh()
        self.retranslate()

    def _show_me(self) -> None:
        self.solution_wanted.emit(self.goal)

    def follow(self, history: History, parameters: ParameterSet) -> None:
        """Look at the run shown; says ``reached`` once."""
        series = series_of(history)
        self._step = max(0, history.last_step)
        self._fits = requirements_met(self.goal, parameters)
        self._evidence = evidence(self.goal.when, {"": series})
        at = goal_step(self.goal, series) if self._fits else None
        if at is not None and not self.done:
            self.done, self._at = True, at
            self._refresh()
            self.celebrate()
            self.reached.emit()
            self.state_changed.emit()
        self._say()

    def _refresh(self) -> None:
        self.verdict.setVisible(self.done)
        self.live.setVisible(not self.done)
        self.show_me.setVisible(not self.done and bool(self.goal.solution))
        set_part(self, "tone", "good" if self.done else "")
        self.icon.set_icon(*(("check", "good") if self.done else ("target", "accent")))

    def _say(self) -> None:
        if self.done:
            key = "lesson_checks.reached_at" if self._at is not None else "lesson_checks.reached"
            self.verdict.setText(spaced(tr(key, step=counted(self._at or 0))))
            return
        lines = [self._line(found) for found in self._evidence]
        if not self._fits:
            lines.append(tr("lesson_checks.not_allowed"))
        elif self._step > self.goal.within_steps:
            lines.append(tr("lesson_checks.too_late", steps=counted(self.goal.within_steps)))
        else:
            lines.append(
                tr(
                    "lesson_checks.steps_used",
                    step=counted(self._step),
                    steps=counted(self.goal.within_steps),
                )
            )
        self.live.setText(spaced("\n".join(line for line in lines if line)))

    def _line(self, found: Evidence) -> str:
        """One condition with its number now: “test loss 0.21 → below 0.05”."""
        left = found.condition.left
        if not isinstance(left, str):
            return ""
        side = parse_side(left)
        scalar = self._scalars.get(side.scalar)
        name = pick(scalar.label) if scalar else side.scalar
        condition = found.condition
        if condition.op == "between":
            target = f"{round_number(found.right)} … {round_number(condition.upper)}"
        elif condition.op == "nonfinite":
            return ""
        else:
            target = (
                f"{condition.op.replace('<=', '≤').replace('>=', '≥')} {round_number(found.right)}"
            )
        return tr("lesson_checks.now", name=name, value=number(found.left), target=target)

    def retranslate(self) -> None:
        """All texts in the language in force."""
        self.heading.setText(tr("lesson_checks.goal"))
        self.text.setText(spaced(pick(self.goal.text)))
        self.show_me.setText(tr("lesson_checks.show_me"))
        self._say()
