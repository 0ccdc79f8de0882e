"""Predictions and goals are settled by the numbers of the run, NaN and gaps included."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.bilingual import Bilingual
from desktop.course.checks import (
    ConditionSyntaxError,
    evidence,
    goal_reached,
    goal_step,
    parse_side,
    recorded,
    settle,
)
from desktop.course.lesson import Condition, Goal, Prediction, PredictionOption

TEXT = Bilingual.same("x")
NAN = math.nan


def run(**scalars: list[float]) -> dict[str, tuple[Any, Any]]:
    """Scalars measured at steps 0, 1, 2 …"""
    return {name: (np.arange(len(values)), np.array(values)) for name, values in scalars.items()}


def holds(condition: Condition, **histories: dict[str, tuple[Any, Any]]) -> bool:
    return evidence((condition,), histories)[0].holds


def test_statistics_speak_of_the_whole_run() -> None:
    history = run(loss=[4.0, 1.0, 3.0, 2.0])
    wanted = {
        "first:loss": 4.0,
        "last:loss": 2.0,
        "min:loss": 1.0,
        "max:loss": 4.0,
        "mean:loss": 2.5,
        "step_below:loss:2.5": 1.0,
        "step_above:loss:9": math.inf,
    }
    for side, value in wanted.items():
        (found,) = evidence((Condition(left=side, op="<", right=0.0),), {"a": history})
        assert found.left == value, side


@pytest.mark.parametrize(
    ("op", "right", "upper", "expected"),
    [("<", 2, 0, False), ("<=", 2, 0, True), (">", 1, 0, True), (">=", 2, 0, True),
     ("between", 1, 3, True), ("between", 3, 4, False), ("nonfinite", 0, 0, False)],
)  # fmt: skip
def test_operators(op: Any, right: float, upper: float, expected: bool) -> None:
    condition = Condition(left="last:loss", op=op, right=right, upper=upper)
    assert holds(condition, a=run(loss=[5.0, 2.0])) is expected


def test_times_scales_the_right_side_and_runs_are_told_apart() -> None:
    condition = Condition(left="b.last:loss", op="<", right="a.last:loss", times=0.5)
    assert holds(condition, a=run(loss=[3.0]), b=run(loss=[1.4]))
    assert not holds(condition, a=run(loss=[3.0]), b=run(loss=[1.6]))


@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "between"])
@pytest.mark.parametrize("statistic", ["last", "min", "max", "mean"])
def test_nan_makes_every_comparison_false(op: Any, statistic: str) -> None:
    condition = Condition(left=f"{statistic}:loss", op=op, right=-1e9, upper=1e9)
    history = run(loss=[1.0, 2.0, NAN])
    assert not holds(condition, a=history)
    assert holds(Condition(left=f"{statistic}:loss", op="nonfinite"), a=history)


def test_infinity_is_large_and_not_finite() -> None:
    history = run(loss=[1.0, math.inf])
    assert holds(Condition(left="last:loss", op=">", right=1e300), a=history)
    assert holds(Condition(left="last:loss", op="nonfinite"), a=history)


def test_an_unknown_scalar_or_empty_run_makes_nothing_true() -> None:
    condition = Condition(left="last:other", op="<", right=1.0)
    assert not holds(condition, a=run(loss=[0.0]))
    assert not holds(condition)
    assert not holds(condition, a={"other": (np.empty(0, int), np.empty(0))})


def test_a_scalar_measured_now_and_then_has_gaps_not_nans() -> None:
    sparse = run(loss=[1.0] * 7, test=[9.0, NAN, NAN, 5.0, NAN, NAN, NAN])
    assert list(recorded(*sparse["test"])[1][:2]) == [9.0, 5.0]
    assert holds(Condition(left="last:test", op="nonfinite"), a=sparse)  # longer than any gap
    shorter = run(loss=[1.0] * 6, test=[9.0, NAN, NAN, 5.0, NAN, NAN])
    assert holds(Condition(left="last:test", op="<=", right=5.0), a=shorter)


def test_the_first_option_that_holds_is_the_truth() -> None:
    below = Condition(left="last:loss", op="<", right=1.0)
    options = (
        PredictionOption("low", TEXT, (below,)),
        PredictionOption("broken", TEXT, (Condition(left="last:loss", op="nonfinite"),)),
        PredictionOption("other", TEXT, ()),
    )
    prediction = Prediction("p", TEXT, (), options, TEXT)
    assert settle(prediction, {"a": run(loss=[2.0, 0.5])}) == "low"
    assert settle(prediction, {"a": run(loss=[2.0, NAN])}) == "broken"
    assert settle(prediction, {"a": run(loss=[2.0, 3.0])}) == "other"
    assert settle(Prediction("p", TEXT, (), options[:1], TEXT), {"a": run(loss=[2.0])}) is None


def goal(within: int = 3, **require: tuple[Any, ...]) -> Goal:
    conditions = (
        Condition(left="last:loss", op="<", right=0.5),
        Condition(left="last:test", op="<", right=0.5),
    )
    return Goal("g", TEXT, conditions, within, require)


def test_a_goal_counts_from_the_step_where_it_was_reached() -> None:
    series = run(loss=[1.0, 0.4, 0.4, 9.0], test=[1.0, 1.0, 0.4, 9.0])
    assert goal_step(goal(), series) == 2
    assert goal_reached(goal(), series, {})
    assert not goal_reached(goal(within=1), series, {})


def test_conditions_must_hold_at_the_same_step() -> None:
    assert not goal_reached(goal(), run(loss=[0.4, 1.0], test=[1.0, 0.4]), {})


def test_a_goal_without_training_is_reached_at_step_zero() -> None:
    assert goal_reached(goal(within=0), run(loss=[0.1], test=[0.1]), {})


def test_required_settings_are_looked_up_in_tables_and_objects() -> None:
    series = run(loss=[0.1], test=[0.1])
    wanted = goal(optimizer=("sgd", "adam"), layers=((4, 2),))

    class Parameters:
        optimizer = "adam"
        layers = (4, 2)

    assert goal_reached(wanted, series, Parameters())
    assert goal_reached(wanted, series, {"optimizer": "sgd", "layers": [4, 2]})
    assert not goal_reached(wanted, series, {"optimizer": "rmsprop", "layers": (4, 2)})


@pytest.mark.parametrize(
    "text", ["loss", "last", "final:loss", "last:loss:3", "step_below:loss", "step_below:loss:--1"]
)
def test_a_side_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ConditionSyntaxError):
        parse_side(text)


@given(st.lists(st.floats(), min_size=1, max_size=30))
def test_running_statistics_agree_with_the_plain_ones(values: list[float]) -> None:
    at, numbers = recorded(range(len(values)), values)
    history = {"x": (at, numbers)}
    for name, plain in (("min", np.min), ("max", np.max), ("first", lambda v: v[0])):
        (found,) = evidence((Condition(left=f"{name}:x", op="<", right=0.0),), {"a": history})
        if len(recorded(at, numbers)[0]) == len(at):
            np.testing.assert_equal(found.left, plain(numbers))
