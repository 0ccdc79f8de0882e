"""Gradient descent: its numbers against torch.optim, NumPy and closed forms, and its prose's claims."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch

from desktop import paths
from desktop.bilingual import GlassboxError
from desktop.course.lesson_file import read_lesson
from desktop.engine.frames import Curves, Readouts, Scatter, Surface, Worked
from desktop.engine.history import History
from desktop.engine.loading import load_experiment, load_parameters
from desktop.engine.parameters import ParameterError

FOLDER = paths.lessons() / "1-learning" / "gradient-descent"
Parameters, _ = load_parameters(FOLDER)
Experiment = load_experiment(FOLDER)
ALL = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")


def ran(steps: int, seed: int = 0, **values: Any) -> tuple[Any, History]:
    experiment, history = Experiment(Parameters(**values), seed), History()
    history.append(0, experiment.measure())
    for step in range(1, steps + 1):
        history.append(step, experiment.step())
    return experiment, history


def first_below(history: History, name: str, limit: float) -> int | None:
    steps, values = history.series(name)
    hits = np.flatnonzero(values < limit)
    return int(steps[hits[0]]) if len(hits) else None


def houses(experiment: Any) -> tuple[np.ndarray, np.ndarray]:
    """The feature and the price, standardised here and not by the lesson."""
    distance, price = experiment.distance.numpy(), experiment.price.numpy()
    return (distance - distance.mean()) / distance.std(), price


# ------------------------------------------------------------------------------------------------
# The numbers


def test_loss_and_gradient_in_closed_form() -> None:
    experiment, _ = ran(5)
    x, y = houses(experiment)
    w, b = experiment.walkers[0].point.tolist()
    residual = w * x + b - y
    assert experiment.walkers[0].value == pytest.approx(np.mean(residual**2), rel=1e-12)
    expected = [2 * np.mean(residual * x), 2 * np.mean(residual)]
    np.testing.assert_allclose(experiment.walkers[0].gradient.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("surface", ["houses", "houses_raw"])
def test_the_marked_minimum_is_the_least_squares_line(surface: str) -> None:
    experiment, _ = ran(0, surface=surface)
    x, y = houses(experiment)
    if surface == "houses_raw":
        x = experiment.distance.numpy() / 10
    w, b = np.linalg.lstsq(np.stack([x, np.ones_like(x)], 1), y, rcond=None)[0]
    assert experiment.landscape.minima[0].at == pytest.approx((w, b))


@pytest.mark.parametrize("name", ALL)
def test_path_on_the_houses_equals_torch_optim(name: str) -> None:
    experiment, _ = ran(0, optimizers=(name,), learning_rate=0.05, adaptive_rate=0.05)
    x, y = (torch.tensor(part) for part in houses(experiment))
    theta = torch.tensor([2.0, 7.0], dtype=torch.float64, requires_grad=True)
    optimizer = {
        "sgd": lambda: torch.optim.SGD([theta], lr=0.05),
        "momentum": lambda: torch.optim.SGD([theta], lr=0.05, momentum=0.9),
        "nesterov": lambda: torch.optim.SGD([theta], lr=0.05, momentum=0.9, nesterov=True),
        "adagrad": lambda: torch.optim.Adagrad([theta], lr=0.05),
        "rmsprop": lambda: torch.optim.RMSprop([theta], lr=0.05),
        "adam": lambda: torch.optim.Adam([theta], lr=0.05),
        "adamw": lambda: torch.optim.AdamW([theta], lr=0.05, weight_decay=0.1),
    }[name]()
    for _ in range(150):
        experiment.step()
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(theta[0] * x + theta[1], y).backward()
        optimizer.step()
        reference = theta.detach()
        torch.testing.assert_close(experiment.walkers[0].point, reference, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("surface", ["houses", "houses_raw"])
@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
def test_the_learning_rate_limit_is_the_limit(name: str, surface: str) -> None:
    """Just below it the loss falls, just above it grows."""
    experiment, _ = ran(0, surface=surface, optimizers=(name,), followed=name)
    shown = {value.name: value.value for value in experiment.frame()["numbers"].values}
    limit = shown["stable_rate"]
    for factor, falls in ((0.97, True), (1.03, False)):
        _, history = ran(1500, surface=surface, optimizers=(name,), learning_rate=factor * limit)
        _, losses = history.series("loss")
        assert bool(losses[-1] < losses[0]) is falls, (factor, losses[-1])


def test_curvature_of_the_valley() -> None:
    experiment, _ = ran(0, surface="houses_raw")
    x = experiment.distance.numpy() / 10
    moment = np.array([[np.mean(x * x), np.mean(x)], [np.mean(x), 1.0]])
    expected = np.linalg.eigvalsh(2 * moment)
    np.testing.assert_allclose(experiment.curvature((0.3, -2.0)), expected, rtol=1e-9)


def test_standardising_makes_the_bowl_round() -> None:
    experiment, _ = ran(0)
    assert experiment.curvature((1.0, 1.0)) == pytest.approx((2.0, 2.0))


# ------------------------------------------------------------------------------------------------
# What is shown


def test_slices_and_their_tangents() -> None:
    experiment, _ = ran(3, surface="himmelblau", learning_rate=0.001)
    curves = experiment.frame()["slices"]
    assert isinstance(curves, Curves)
    series = {one.name: one for one in curves.series}
    x, y = experiment.walkers[0].point.tolist()
    along = series["along_x"]
    expected = ((x + along.x) ** 2 + y - 11) ** 2 + (x + along.x + y**2 - 7) ** 2
    np.testing.assert_allclose(along.y, expected, rtol=1e-10)
    for axis in ("x", "y"):
        curve, tangent = series[f"along_{axis}"], series[f"tangent_{axis}"]
        middle = len(curve.x) // 2
        near = np.gradient(curve.y, curve.x)[middle]
        slope = (tangent.y[1] - tangent.y[0]) / (tangent.x[1] - tangent.x[0])
        assert slope == pytest.approx(near, rel=0.05, abs=0.5)


def test_the_line_through_the_houses_is_the_point_on_the_map() -> None:
    experiment, _ = ran(10)
    fit = experiment.frame()["fit"]
    assert isinstance(fit, Scatter)
    x, _ = houses(experiment)
    w, b = experiment.walkers[0].point.tolist()
    assert fit.segments is not None
    np.testing.assert_allclose(fit.segments[:, 3], w * x + b, rtol=1e-10)
    line = fit.lines[0]
    slope = (line.y[1] - line.y[0]) / (line.x[1] - line.x[0])
    assert slope == pytest.approx(w / experiment.distance.numpy().std())


def test_the_arrow_points_downhill() -> None:
    experiment, _ = ran(0, surface="rosenbrock")
    surface = experiment.frame()["surface"]
    assert isinstance(surface, Surface)
    (arrow,) = surface.arrows
    gradient = experiment.walkers[0].gradient.numpy()
    cosine = -(gradient @ arrow.vector) / np.linalg.norm(gradient) / np.linalg.norm(arrow.vector)
    assert cosine == pytest.approx(1)


def test_a_path_and_its_loss_curve_have_one_colour() -> None:
    """The panel of losses colours its lines by their place in the list of scalars."""
    experiment, _ = ran(1, optimizers=ALL)
    colours = {path.name: path.color for path in experiment.frame()["surface"].paths}
    panels = [panel for panel in read_lesson(FOLDER).panels if panel.id.startswith("race")]
    assert panels
    for panel in panels:
        listed = [name.removeprefix("loss_") for name in panel.options["scalars"]]
        assert {name: place for place, name in enumerate(listed)} == colours


def test_the_surface_keeps_its_field() -> None:
    experiment, _ = ran(0)
    first = experiment.frame()["surface"].height
    experiment.step()
    assert experiment.frame()["surface"].height is first


@pytest.mark.parametrize("noise", [0.0, 2.0])
@pytest.mark.parametrize("name", ALL)
def test_the_update_spelled_out_is_the_update_that_follows(name: str, noise: float) -> None:
    experiment, _ = ran(4, surface="himmelblau", optimizers=ALL, followed=name, noise=noise)
    worked = experiment.frame()["update"]
    assert isinstance(worked, Worked)
    walker = experiment.followed
    experiment.step()
    for (latex, _), value in zip(worked.lines[-2:], walker.point.tolist(), strict=True):
        written = float(latex.rsplit("=", 1)[1].replace(r"\cdot 10^", "e").strip(" {}"))
        assert written == pytest.approx(value, rel=1e-3, abs=1e-3)


def test_the_written_arithmetic_is_right() -> None:
    """Evaluate both sides of SGD's line, with the digits on screen."""
    experiment, _ = ran(0, learning_rate=0.1)
    for latex, _ in experiment.frame()["update"].lines[-2:]:
        left, right = latex.split(r"\leftarrow")[1].split("=")
        product = re.sub(r"\\times", "*", left)
        assert eval(product) == pytest.approx(float(right), rel=2e-3)


def test_every_follower_explains_itself() -> None:
    experiment, _ = ran(20, optimizers=ALL, surface="rosenbrock", learning_rate=1e-4)
    for name in ALL:
        experiment.adopt(experiment.parameters.changed(followed=name))
        assert experiment.followed.name == name
        assert experiment.explain("update", (0,)) is not None
        read_outs = experiment.frame()["numbers"]
        assert isinstance(read_outs, Readouts)
        for index in range(len(read_outs.values)):
            assert experiment.explain("numbers", (index,)) is not None
    assert experiment.explain("fit", (0,)) is None


def test_long_walks_keep_a_bounded_trail_that_spans_the_whole_way() -> None:
    experiment, _ = ran(4000, surface="rosenbrock", learning_rate=1e-4)
    line = experiment.walkers[0].line()
    assert len(line) < 1600
    np.testing.assert_allclose(line[0, :2], experiment.parameters.start)
    np.testing.assert_allclose(line[-1, :2], experiment.walkers[0].point.numpy())


# ------------------------------------------------------------------------------------------------
# Breaking it


def test_divergence_is_finite_and_says_why() -> None:
    experiment, history = ran(120, learning_rate=1.1)
    assert experiment.finished
    assert np.isfinite(history.series("loss")[1]).all()
    (finding,) = experiment.diagnose(history)
    assert finding.code == "diverging"
    assert "λ = 2" in finding.evidence.zh
    assert "λ = 2" in finding.evidence.en
    assert "2/λ = 1" in finding.evidence.en
    _, cured = ran(100, **{"learning_rate": 1.1, **finding.fix})
    assert cured.series("loss")[1][-1] < 0.146


def test_one_step_at_half_the_limit() -> None:
    _, history = ran(1, learning_rate=0.5)
    assert history.series("loss")[1][-1] == pytest.approx(0.14511929, abs=1e-7)


def test_saddle_and_local_minimum_are_recognised() -> None:
    experiment, history = ran(200, surface="saddle", start=(2.0, 0.0), learning_rate=0.05)
    assert [finding.code for finding in experiment.diagnose(history)] == ["saddle"]
    experiment, history = ran(400, surface="rastrigin", optimizers=ALL[:3], learning_rate=0.002)
    (finding,) = experiment.diagnose(history)
    assert finding.code == "local-minimum"
    assert "Nesterov" in finding.evidence.en, "one finding speaks for all it applies to"


def test_the_bottom_is_no_reason_to_complain() -> None:
    experiment, history = ran(400, learning_rate=0.1)
    assert experiment.finished
    assert experiment.diagnose(history) == []


def test_a_step_off_the_domain_stops_the_walk() -> None:
    experiment, history = ran(
        200, surface="own", formula="log(x) + y^2", start=(2.0, 1.0), learning_rate=0.05
    )
    assert experiment.walkers[0].stopped == "undefined"
    assert np.isfinite(history.series("loss")[1]).all()
    assert experiment.diagnose(history)[0].code == "undefined"


@pytest.mark.parametrize(
    "formula", ["log(x^2+y^2)", "-x^2 - y^2", "exp(x^2+y^2)", "1/(x*y)", "x+y", "5", "abs(x)"]
)
def test_any_formula_keeps_every_number_finite(formula: str) -> None:
    experiment, history = ran(
        300, surface="own", formula=formula, optimizers=ALL, learning_rate=0.3, adaptive_rate=0.5
    )
    for name in history.names:
        assert np.isfinite(history.series(name)[1]).all(), name
    surface = experiment.frame()["surface"]
    for path in surface.paths:
        assert np.isfinite(path.points).all()
        assert np.isfinite(path.heights).all()
    low, high = surface.height.limits
    assert math.isfinite(low)
    assert low < high
    experiment.diagnose(history)


# ------------------------------------------------------------------------------------------------
# Input


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"formula": "sin("}, "Character"),
        ({"surface": "own", "formula": "1/0"}, "finite"),
        ({"surface": "own", "formula": "log(-x^2-1)"}, "finite"),
        ({"surface": "own", "formula": "log(x)", "start": (-1.0, 1.0)}, "start"),
        ({"houses": ((1.0, 2.0), (2.0, 3.0))}, "3 rows"),
        ({"houses": ((1.0, 2.0), (1.0, 3.0), (1.0, 4.0))}, "equal"),
        ({"start": (math.nan, 0.0)}, "finite"),
        ({"optimizers": ()}, "1"),
        ({"learning_rate": 7.0}, "range"),
    ],
)
def test_bad_input_gets_one_clear_sentence(values: dict[str, Any], word: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameters(**values)
    error: GlassboxError = caught.value
    assert word in error.message.en
    assert error.message.zh


def test_the_start_follows_the_surface() -> None:
    assert Parameters().start == (2.0, 7.0)
    assert Parameters(surface="rosenbrock").start == (-1.5, 2.4)
    assert Parameters(surface="rosenbrock", start=(0.5, 0.5)).start == (0.5, 0.5)
    assert Parameters(surface="own", formula="sqrt(-x)").start[0] < 0, "somewhere it is defined"


def test_own_data_are_standardised_and_fitted() -> None:
    rows = tuple((float(d), 300.0 - 7 * d) for d in range(1, 25))
    experiment, _ = ran(60, houses=rows, learning_rate=0.4)
    w, b = experiment.walkers[0].point.tolist()
    distance = np.array(rows)[:, 0]
    assert w == pytest.approx(-7 * distance.std())
    assert b == pytest.approx(np.mean([price for _, price in rows]))
    x_low, x_high, y_low, y_high = experiment.parameters.domain()
    assert x_low < w < x_high
    assert y_low < b < y_high


# ------------------------------------------------------------------------------------------------
# What the prose claims


def test_claims_of_the_prose() -> None:
    _, bowl = ran(60, learning_rate=0.1)
    valley, history = ran(300, surface="houses_raw", learning_rate=0.1, start=(2.94, 2.35))
    assert first_below(bowl, "loss", 0.15) == 19
    assert first_below(history, "loss", 0.15) in range(130, 140)
    low, high = valley.curvature((0.0, 0.0))
    assert (round(low, 2), round(high, 1), round(high / low)) == (0.24, 7.7, 32)
    same_line = bowl.series("loss")[1][0], history.series("loss")[1][0]
    assert same_line[0] == pytest.approx(same_line[1], rel=2e-3)


def test_claims_about_the_race() -> None:
    _, ravine = ran(
        600,
        surface="rosenbrock",
        optimizers=("sgd", "momentum", "adam"),
        learning_rate=0.0005,
        adaptive_rate=0.05,
    )
    assert first_below(ravine, "loss_adam", 0.1) == pytest.approx(400, abs=10)
    assert first_below(ravine, "loss_momentum", 0.1) == pytest.approx(530, abs=10)
    assert first_below(ravine, "loss_sgd", 0.1) is None
    _, valley = ran(
        500,
        surface="houses_raw",
        optimizers=("momentum", "adam"),
        learning_rate=0.1,
        adaptive_rate=0.1,
        start=(2.94, 2.35),
    )
    momentum, adam = (first_below(valley, f"loss_{name}", 0.15) for name in ("momentum", "adam"))
    assert momentum is not None
    assert adam is not None
    assert momentum < 70 < 150 < adam


def test_beta_zero_makes_the_three_ways_coincide() -> None:
    experiment, _ = ran(50, optimizers=ALL[:3], beta=0.0, surface="houses_raw", learning_rate=0.04)
    first, second, third = (walker.point for walker in experiment.walkers)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first, third, rtol=0, atol=0)


def test_the_default_formula_is_the_one_in_the_shown_code() -> None:
    experiment, _ = ran(0, surface="own")
    module = __import__(Experiment.__module__, fromlist=["own_formula"])
    x = torch.linspace(-4, 4, 50, dtype=torch.float64)
    y = x.flip(0) * 0.7
    torch.testing.assert_close(experiment.height(x, y), module.own_formula(x, y))
