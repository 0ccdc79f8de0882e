"""Do the numbers of a run make a condition true? Settles predictions and checks goals.

Every statistic is computed as it stood after each step, so that a goal counts as reached at the
step where it was reached, however rarely the window looks, and a prediction is settled by the last
step. A comparison with NaN is false; ``nonfinite`` is how a condition asks for NaN or infinity.
Imports numpy and ``desktop.course.lesson``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop.course.lesson import Condition, Goal, Prediction

Floats = NDArray[np.float64]
Series = Mapping[str, tuple[Any, Any]]
"""The scalars of one run: name → (steps, values), arrays or lists of equal length."""

STATISTICS = ("first", "last", "min", "max", "mean", "step_below", "step_above")
_SIDE = re.compile(
    r"^(?:(?P<run>[A-Za-z0-9_-]+)\.)?(?P<statistic>[a-z_]+):(?P<scalar>[A-Za-z0-9_]+)"
    r"(?::(?P<limit>[-+0-9.eE]+))?$"
)


class ConditionSyntaxError(ValueError):
    """A side of a condition that cannot be understood; the text says why, in English for authors."""


@dataclass(frozen=True)
class Side:
    """``run.statistic:scalar:limit`` taken apart; ``run`` is empty where there is only one."""

    run: str
    statistic: str
    scalar: str
    limit: float = math.nan


@dataclass(frozen=True)
class Evidence:
    """One condition with the numbers that decided it."""

    condition: Condition
    left: float
    right: float
    holds: bool


def parse_side(text: str) -> Side:
    """Read ``last:loss``, ``b.min:test_loss`` or ``step_below:loss:0.05``."""
    match = _SIDE.match(text)
    if not match or match["statistic"] not in STATISTICS:
        raise ConditionSyntaxError(
            f"“{text}” is not statistic:scalar with a statistic of {', '.join(STATISTICS)}"
        )
    needs_limit = match["statistic"].startswith("step_")
    if needs_limit != (match["limit"] is not None):
        wanted = "needs a limit, as in step_below:loss:0.05" if needs_limit else "takes no limit"
        raise ConditionSyntaxError(f"“{text}”: {match['statistic']} {wanted}")
    try:
        limit = float(match["limit"]) if needs_limit else math.nan
    except ValueError as error:
        raise ConditionSyntaxError(f"“{text}”: {match['limit']} is not a number") from error
    return Side(match["run"] or "", match["statistic"], match["scalar"], limit)


def settle(prediction: Prediction, histories: Mapping[str, Series]) -> str | None:
    """The id of the first option all of whose conditions hold at the end of the runs, or ``None``."""
    for option in prediction.options:
        if all(item.holds for item in evidence(option.when, histories)):
            return option.id
    return None


def evidence(
    conditions: Iterable[Condition], histories: Mapping[str, Series]
) -> tuple[Evidence, ...]:
    """Each condition at the end of the runs, with its numbers."""
    steps = _all_steps(histories.values())
    found = []
    for condition in conditions:
        left = _side_values(condition.left, histories, steps)
        right = _side_values(condition.right, histories, steps) * condition.times
        holds = _compare(condition, left, right)
        found.append(
            Evidence(
                condition,
                float(left[-1]) if len(left) else math.nan,
                float(right[-1]) if len(right) else math.nan,
                bool(holds[-1]) if len(holds) else False,
            )
        )
    return tuple(found)


def goal_reached(goal: Goal, series: Series, parameters: Any) -> bool:
    """Whether at some step up to ``within_steps`` all conditions held, with the required settings.

    ``parameters`` is a mapping or an object with one attribute per parameter.
    """
    return requirements_met(goal, parameters) and goal_step(goal, series) is not None


def goal_step(goal: Goal, series: Series) -> int | None:
    """The first step at which all conditions of the goal held, or ``None``."""
    histories = {"": series}
    steps = _all_steps(histories.values())
    reached = steps <= goal.within_steps
    for condition in goal.when:
        left = _side_values(condition.left, histories, steps)
        right = _side_values(condition.right, histories, steps) * condition.times
        reached = reached & _compare(condition, left, right)
    return int(steps[int(np.argmax(reached))]) if reached.any() else None


def requirements_met(goal: Goal, parameters: Any) -> bool:
    """Whether every parameter named in ``require`` has one of the values listed there."""
    for name, allowed in goal.require.items():
        value = parameters[name] if isinstance(parameters, Mapping) else getattr(parameters, name)
        if _frozen(value) not in [_frozen(item) for item in allowed]:
            return False
    return True


def recorded(steps: Any, values: Any) -> tuple[NDArray[np.int64], Floats]:
    """The entries that were measured. NaN stands both for “not measured at this step” and for a
    number that became NaN; what tells them apart is that gaps end. A stretch of NaN that a number
    follows is a gap, and so is a final stretch no longer than the longest gap before it; any longer
    final stretch is a run that broke."""
    at, numbers = np.asarray(steps, dtype=np.int64), np.asarray(values, dtype=np.float64)
    measured = np.flatnonzero(~np.isnan(numbers))
    if len(measured) == 0:
        return at, numbers
    tail = len(numbers) - 1 - measured[-1]
    longest_gap = int(np.diff(measured, prepend=-1).max()) - 1
    keep = ~np.isnan(numbers)
    if tail > longest_gap:
        keep[measured[-1] + 1 :] = True
    return at[keep], numbers[keep]


def _all_steps(runs: Iterable[Series]) -> NDArray[np.int64]:
    every = [np.asarray(steps, dtype=np.int64) for run in runs for steps, _ in run.values()]
    return np.unique(np.concatenate(every)) if every else np.empty(0, dtype=np.int64)


def _side_values(
    side: str | float, histories: Mapping[str, Series], steps: NDArray[np.int64]
) -> Floats:
    """The side's value as it stood at each of ``steps``; NaN before the first measurement."""
    if not isinstance(side, str):
        return np.full(len(steps), float(side))
    parsed = parse_side(side)
    run = histories.get(parsed.run) if parsed.run else next(iter(histories.values()), None)
    if run is None or parsed.scalar not in run:
        return np.full(len(steps), math.nan)
    at, values = recorded(*run[parsed.scalar])
    running = _running(parsed, at, values)
    rows = np.searchsorted(at, steps, side="right") - 1
    before = math.inf if parsed.statistic.startswith("step_") else math.nan
    return (
        np.where(rows >= 0, running[np.maximum(rows, 0)], before)
        if len(at)
        else np.full(len(steps), before)
    )


def _running(side: Side, at: NDArray[np.int64], values: Floats) -> Floats:
    """The statistic after each measurement. NaN, once there, stays in min, max and mean."""
    if side.statistic == "last" or not len(values):
        return values
    if side.statistic == "first":
        return np.full(len(values), values[0])
    if side.statistic == "min":
        return np.minimum.accumulate(values)
    if side.statistic == "max":
        return np.maximum.accumulate(values)
    if side.statistic == "mean":
        with np.errstate(invalid="ignore", over="ignore"):
            return np.cumsum(values) / np.arange(1, len(values) + 1)
    hit = values < side.limit if side.statistic == "step_below" else values > side.limit
    first = int(np.argmax(hit)) if hit.any() else len(hit)
    return np.where(np.arange(len(hit)) >= first, float(at[min(first, len(at) - 1)]), math.inf)


def _compare(condition: Condition, left: Floats, right: Floats) -> NDArray[np.bool_]:
    if condition.op == "<":
        return left < right
    if condition.op == "<=":
        return left <= right
    if condition.op == ">":
        return left > right
    if condition.op == ">=":
        return left >= right
    if condition.op == "between":
        return (left >= right) & (left <= condition.upper)
    return ~np.isfinite(left)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value
