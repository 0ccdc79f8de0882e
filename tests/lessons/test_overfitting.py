"""Overfitting: its fits against NumPy and scikit-learn, its honesty about the test set, its claims."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.polynomial import legendre as numpy_legendre
from sklearn.linear_model import Ridge

from desktop import paths
from desktop.engine.frames import Bars, Curves, Readouts, Scatter
from desktop.engine.history import History
from desktop.engine.loading import load_experiment, load_parameters
from desktop.engine.parameters import ParameterError
from desktop.engine.snapshots import capture, restore, state_digest

FOLDER = paths.lessons() / "1-learning" / "overfitting"
Parameters, _ = load_parameters(FOLDER)
Experiment = load_experiment(FOLDER)
PACKAGE = Experiment.__module__.rpartition(".")[0]


def module(name: str) -> Any:
    return __import__(f"{PACKAGE}.{name}", fromlist=["_"])


def ran(steps: int, seed: int = 0, **values: Any) -> tuple[Any, History]:
    experiment, history = Experiment(Parameters(**values), seed), History()
    history.append(0, experiment.measure())
    for step in range(1, steps + 1):
        history.append(step, experiment.step())
    return experiment, history


def last(history: History, name: str) -> float:
    return float(history.series(name)[1][-1])


def shown(experiment: Any, item: str = "numbers") -> dict[str, float]:
    read_outs = experiment.frame()[item]
    assert isinstance(read_outs, Readouts)
    return {value.name: value.value for value in read_outs.values}


# ------------------------------------------------------------------------------------------------
# The fits


def test_basis_equals_numpy() -> None:
    x = np.linspace(-1, 1, 37)
    ours = module("models").legendre(torch.tensor(x), 15).numpy()
    reference = numpy_legendre.legvander(x, 15) * np.sqrt(2 * np.arange(16) + 1)
    np.testing.assert_allclose(ours, reference, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("degree", [0, 1, 5, 9])
def test_exact_fit_without_penalty_equals_polyfit(degree: int) -> None:
    experiment, _ = ran(0, samples=60)
    x, y = (part.numpy() for part in experiment.part(experiment.train))
    weights = module("models").exact_fit(torch.tensor(x), torch.tensor(y), degree, 0.0)
    places = np.linspace(-1, 1, 50)
    ours = (module("models").legendre(torch.tensor(places), degree) @ weights).numpy()
    reference = np.polynomial.Polynomial.fit(x, y, degree, domain=[-1, 1])(places)
    np.testing.assert_allclose(ours, reference, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("penalty", [1e-4, 0.01, 0.3])
def test_exact_fit_equals_scikit_learn_ridge(penalty: float) -> None:
    experiment, _ = ran(0, degree=12, penalty=penalty)
    x, y = (part.numpy() for part in experiment.part(experiment.train))
    design = numpy_legendre.legvander(x, 12) * np.sqrt(2 * np.arange(13) + 1)
    # Ridge minimises the sum, not the mean, of squares.
    ridge = Ridge(alpha=len(x) * penalty, solver="svd").fit(design[:, 1:], y)
    reference = np.concatenate([[ridge.intercept_], ridge.coef_])
    np.testing.assert_allclose(experiment.exact.numpy(), reference, rtol=1e-6, atol=1e-8)


def test_training_ends_at_the_exact_solution() -> None:
    experiment, _ = ran(3000, degree=6, samples=100, learning_rate=0.02)
    torch.testing.assert_close(
        experiment.net.weights.detach(), experiment.exact, rtol=1e-3, atol=1e-3
    )


def test_one_step_of_training_by_hand() -> None:
    experiment, _ = ran(0, degree=3, penalty=0.1, learning_rate=0.01)
    x, y = (part.numpy() for part in experiment.part(experiment.train))
    design = numpy_legendre.legvander(x, 3) * np.sqrt(2 * np.arange(4) + 1)
    gradient = -2 * design.T @ y / len(x)  # all weights are zero, so the penalty has no slope
    experiment.step()
    # Adam's first step has the length of the learning rate in every coordinate.
    np.testing.assert_allclose(
        experiment.net.weights.detach().numpy(), -0.01 * np.sign(gradient), rtol=1e-5
    )


def test_more_degrees_never_raise_the_training_error() -> None:
    for seed in range(3):
        experiment, _ = ran(0, seed=seed)
        train = experiment.degrees.train.numpy()
        assert (np.diff(train) <= 2e-4).all(), "the penalty of 1e-6 leaves no more than that"


def test_error_scalars_are_mean_squares() -> None:
    experiment, history = ran(25, model="net", width=8, reveal_test=True)
    for name, indices in (
        ("train_loss", experiment.train),
        ("validation_loss", experiment.validation),
        ("test_loss", experiment.test),
    ):
        predicted = experiment.predict(experiment.raw_x[indices]).numpy()
        expected = np.mean((predicted - experiment.raw_y[indices].numpy()) ** 2)
        assert last(history, name) == pytest.approx(expected, rel=1e-12)


def test_networks_side_by_side_train_as_if_alone() -> None:
    """Row k of the family equals a network of that width trained by itself."""
    experiment, _ = ran(0, model="net", penalty=0.01)
    family, row = experiment.family, 3
    width = module("sweep").WIDTHS[row]
    alone = module("models").Net(width, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for name in ("steepness", "shift", "height"):
            getattr(alone, name).copy_(getattr(family, name)[row, :width])
    optimizer = torch.optim.Adam(alone.parameters(), lr=experiment.parameters.learning_rate)
    for _ in range(50):
        experiment.step()
        module("models").train_step(
            alone, optimizer, *experiment.part(experiment.train), penalty=0.01
        )
    x, y = experiment.part(experiment.validation)
    with torch.no_grad():
        expected = module("models").error(alone, x, y)
        torch.testing.assert_close(family.errors(x, y)[row], expected, rtol=1e-7, atol=1e-9)


# ------------------------------------------------------------------------------------------------
# Data


def test_the_split_is_a_half_and_two_quarters_without_overlap() -> None:
    experiment, _ = ran(0, samples=30)
    parts = [experiment.train, experiment.validation, experiment.test]
    assert [len(part) for part in parts] == [16, 7, 7]
    assert sorted(torch.cat(parts).tolist()) == list(range(30))


def test_points_are_the_curve_plus_noise() -> None:
    experiment, _ = ran(0, samples=1000, noise=0.4)
    deviation = experiment.raw_y.numpy() - np.sin(1.5 * np.pi * experiment.raw_x.numpy())
    assert deviation.std() == pytest.approx(0.4, rel=0.1)
    assert abs(deviation.mean()) < 0.05
    quiet, _ = ran(0, samples=50, noise=0.0, curve="bump")
    np.testing.assert_allclose(quiet.raw_y, 1 / (1 + 25 * quiet.raw_x**2))


def test_own_points_join_and_later_stand_alone() -> None:
    few = tuple((float(i), 10.0 * i) for i in range(5))
    experiment, _ = ran(3, points=few)
    assert len(experiment.raw_x) == 35
    many = tuple((float(i), 50.0 + 10.0 * i) for i in range(40))
    experiment, _ = ran(400, points=many, degree=1, learning_rate=0.05)
    assert len(experiment.raw_x) == 40
    assert experiment.spread is None
    places = torch.tensor([0.0, 13.0, 39.0], dtype=torch.float64)
    np.testing.assert_allclose(experiment.predict(places), [50.0, 180.0, 440.0], atol=2)
    frame = experiment.frame()
    assert isinstance(frame["fit"], Scatter)
    assert "truth" not in [line.name for line in frame["fit"].lines]
    assert frame["tradeoff"].note.en


@pytest.mark.parametrize(
    "points",
    [
        tuple((1.0, float(i)) for i in range(20)),
        tuple((float(i), 7.0) for i in range(20)),
    ],
)
def test_points_without_any_spread_are_refused(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameters(points=points)
    assert "same" in caught.value.message.en


@pytest.mark.parametrize(
    "points",
    [
        ((0.0, 0.0),),
        tuple((1e6 * (-1) ** i, -1e6 + i) for i in range(30)),
        tuple((float(i % 2), float(i)) for i in range(12)),
    ],
)
def test_strange_own_data_stay_finite(points: tuple[tuple[float, float], ...]) -> None:
    experiment, history = ran(30, points=points)
    for name in history.names:
        assert np.isfinite(history.series(name)[1]).all()
    experiment.frame()
    experiment.diagnose(history)


# ------------------------------------------------------------------------------------------------
# Early stopping, the test set, diagnosis


def test_early_stopping_goes_back_to_the_best_step() -> None:
    free, free_history = ran(600, model="net", width=64)
    del free
    _, validation = free_history.series("validation_loss")
    experiment, history = ran(600, model="net", width=64, early_stopping=True)
    best = int(np.argmin(validation[1:])) + 1
    assert experiment.finished
    assert experiment.watch.best_step == best
    assert last(history, "validation_loss") == pytest.approx(validation[best])
    assert shown(experiment)["best_step"] == best


def test_going_back_in_time_before_the_stop() -> None:
    experiment, _ = ran(40, model="net", width=64, early_stopping=True)
    state, digest = capture(experiment), state_digest(experiment)
    for _ in range(400):
        experiment.step()
    assert experiment.finished
    restore(experiment, state)
    assert state_digest(experiment) == digest
    assert not experiment.finished


def test_the_test_set_stays_closed_until_opened() -> None:
    experiment, history = ran(20)
    assert "test_loss" not in history.names
    frame = experiment.frame()
    assert "test" not in [group.name for group in frame["fit"].groups]
    assert "test" not in [line.name for line in frame["sweep"].series]
    assert "test_loss" not in shown(experiment)
    experiment.adopt(experiment.parameters.changed(reveal_test=True))
    assert experiment.opened_at == 20
    assert "test_loss" in experiment.step()
    assert "test" in [group.name for group in experiment.frame()["fit"].groups]
    assert experiment.diagnose(history) == [], "opened at the end: nothing to blame"
    always, history = ran(20, reveal_test=True)
    assert "test-set-used" in [finding.code for finding in always.diagnose(history)]


def test_findings() -> None:
    def codes(steps: int, **values: Any) -> list[str]:
        experiment, history = ran(steps, **values)
        return [finding.code for finding in experiment.diagnose(history)]

    assert "overfitting" in codes(300, degree=15)
    assert "interpolation" in codes(1, degree=15)
    assert codes(400, degree=5, learning_rate=0.05) == []
    assert codes(400, degree=1) == ["underfitting"]
    assert codes(300, degree=12, samples=1000) == []


# ------------------------------------------------------------------------------------------------
# What is shown


def test_bias_variance_and_noise_add_up() -> None:
    experiment, _ = ran(0)
    tradeoff = experiment.frame()["tradeoff"]
    assert isinstance(tradeoff, Curves)
    series = {one.name: one for one in tradeoff.series}
    spread = experiment.spread
    mean_error = ((spread.curves - spread.truth) ** 2).mean(dim=(0, 2)).numpy()
    seen = len(series["bias"].x)
    assert seen >= 5
    total = series["total"].y
    # E[(f − truth)²] = bias² + variance; the variance here divides by 40, the correction by 39.
    np.testing.assert_allclose(total[:5], mean_error[:5] + 0.09, rtol=0.05)
    np.testing.assert_allclose(series["noise"].y, 0.09)


def test_bands_hold_what_they_claim() -> None:
    experiment, _ = ran(0, degree=5, show_spread=True)
    band = next(line for line in experiment.frame()["fit"].lines if line.name == "spread")
    curves = experiment.spread.curves[:, 5].numpy()
    inside = (curves >= band.low) & (curves <= band.high)
    assert inside.mean() == pytest.approx(0.8, abs=0.05)
    sweep = {line.name: line for line in experiment.frame()["sweep"].series}
    assert (sweep["fresh"].low <= sweep["fresh"].y).all()
    assert (sweep["fresh"].y <= sweep["fresh"].high).all()


def test_true_error_equals_the_error_on_very_many_fresh_points() -> None:
    experiment, _ = ran(200, degree=5, learning_rate=0.05)
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, 200_000)
    y = np.sin(1.5 * np.pi * x) + 0.3 * rng.normal(size=x.size)
    error = np.mean((experiment.predict(torch.tensor(x)).numpy() - y) ** 2)
    assert shown(experiment)["true_error"] == pytest.approx(error, rel=0.02)


def test_the_penalty_shrinks_the_weights() -> None:
    def largest(penalty: float) -> float:
        bars = ran(300, degree=15, penalty=penalty, learning_rate=0.05)[0].frame()["weights"]
        assert isinstance(bars, Bars)
        return float(np.abs(bars.values[1:]).sum())

    sizes = [largest(penalty) for penalty in (1e-6, 0.01, 0.1, 1.0)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("values", "count"), [({"degree": 12}, 13), ({"model": "net", "width": 64}, 193)]
)
def test_parameter_count_and_its_explanation(values: dict[str, Any], count: int) -> None:
    experiment, _ = ran(1, **values)
    names = [value.name for value in experiment.frame()["numbers"].values]
    assert shown(experiment)["parameters"] == count
    explained = experiment.explain("numbers", (names.index("parameters"),))
    assert explained is not None
    assert str(count) in explained.lines[0][0]
    for name in ("train_loss", "validation_loss", "gap"):
        assert experiment.explain("numbers", (names.index(name),)) is not None


# ------------------------------------------------------------------------------------------------
# What the prose claims


def test_claims_of_the_prose() -> None:
    _, history = ran(600, model="net", width=64)
    _, validation = history.series("validation_loss")
    assert int(np.argmin(validation)) == 59
    assert validation.min() == pytest.approx(0.077, abs=0.001)
    assert validation[-1] == pytest.approx(0.2, abs=0.01)
    experiment, history = ran(300, degree=15, samples=300, learning_rate=0.05)
    assert len(experiment.train) == 150
    assert last(history, "train_loss") == pytest.approx(0.09, abs=0.02)
    assert last(history, "validation_loss") == pytest.approx(0.09, abs=0.02)
    experiment, _ = ran(0)
    fresh = np.median(experiment.spread.fresh.numpy(), axis=0)
    assert int(fresh.argmin()) == 5
