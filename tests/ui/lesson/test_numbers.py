"""Numbers on sliders and on screen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.bilingual import Bilingual
from desktop.engine.parameters import ParameterSpec
from desktop.ui.lesson.numbers import (
    SLIDER_STEPS,
    counted,
    from_position,
    nudged,
    shown,
    to_position,
)

NAME = Bilingual("数", "number")
LOG = ParameterSpec("rate", "number", 0.1, NAME, NAME, low=1e-4, high=2.0, scale="log")
LINEAR = ParameterSpec("x", "number", 0.0, NAME, NAME, low=-6.0, high=6.0)
WHOLE = ParameterSpec("n", "integer", 1, NAME, NAME, low=1, high=500)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.1, "0.1"),
        (-1.5, "−1.5"),
        (1234.5678, "1235"),
        (0.00012345, "0.0001234"),
        (1e-7, "1e−7"),
        (2.5e9, "2.5e9"),
        (100000, "100000"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
    ],
)
def test_shown(value: float, text: str) -> None:
    assert shown(value) == text


def test_thousands() -> None:
    assert counted(1234567) == "1\u2009234\u2009567"


@given(st.integers(0, SLIDER_STEPS), st.sampled_from([LOG, LINEAR, WHOLE]))
def test_a_slider_position_is_a_value_in_range_and_comes_back(
    position: int, spec: ParameterSpec
) -> None:
    value = from_position(spec, position)
    assert spec.check(int(value) if spec.kind == "integer" else value) is not None
    assert abs(to_position(spec, value) - position) <= 4


@given(
    st.floats(1e-4, 2.0),
    st.integers(-20, 20),
)
def test_nudging_stays_in_range(value: float, steps: int) -> None:
    assert LOG.low is not None
    assert LOG.high is not None
    assert LOG.low <= nudged(LOG, value, steps) <= LOG.high
