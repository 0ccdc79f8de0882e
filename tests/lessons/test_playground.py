"""The playground against torch: the same batches give the same weights, and what it says is true."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from desktop import paths
from desktop.course.catalog import load_course
from desktop.course.checks import goal_reached, settle
from desktop.engine.experiment import ActionError
from desktop.engine.loading import load_experiment
from desktop.engine.parameters import ParameterError
from desktop.engine.run import Run
from desktop.engine.script import standalone_script
from desktop.engine.snapshots import state_digest

FOLDER = paths.lessons() / "2-networks" / "playground"
Playground = load_experiment(FOLDER)


def experiment(seed=0, **values):
    return Playground(Playground.Parameters().changed(**values), seed)


def run_of(steps, seed=0, **values):
    run = Run(Playground, Playground.Parameters().changed(**values), seed)
    for _ in range(steps):
        run.advance()
    return run


def codes(run):
    return [finding.code for finding in run.diagnose()]


# ---- training equals torch


def torch_twin(made):
    """The network of an experiment as torch modules."""
    kind = {"tanh": nn.Tanh, "relu": nn.ReLU}[made.parameters.activation]
    layers = []
    for W in made.training.network.W:
        linear = nn.Linear(W.shape[1] - 1, W.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W[:, :-1].copy()))
            linear.bias.copy_(torch.from_numpy(W[:, -1].copy()))
        layers += [linear, kind()]
    return nn.Sequential(*layers[:-1])


TRAINED_LIKE_TORCH = [
    {"data": "circle"},
    {"data": "spiral", "optimizer": "adam", "loss": "cross_entropy", "hidden": (8, 8)},
    {"data": "hills", "optimizer": "rmsprop", "learning_rate": 0.003, "features": ("x1", "x2")},
    {"data": "xor", "optimizer": "momentum", "learning_rate": 0.01, "loss": "log_cosh"},
    {"data": "circle", "regularisation": "l2", "regularisation_rate": 0.01, "batch_size": 16},
    {"data": "circle", "regularisation": "l1", "regularisation_rate": 0.01},
    {"data": "gauss", "hidden": (), "features": ("x1", "product", "sin_x2")},
]


@pytest.mark.parametrize("values", TRAINED_LIKE_TORCH, ids=str)
def test_training_equals_a_torch_sequential_on_the_same_batches(values):
    made = experiment(**values)
    p, data = made.parameters, made.training.data
    model = torch_twin(made)
    rate = p.learning_rate
    optimizer = {
        "sgd": lambda q: torch.optim.SGD(q, lr=rate),
        "momentum": lambda q: torch.optim.SGD(q, lr=rate, momentum=0.9),
        "rmsprop": lambda q: torch.optim.RMSprop(q, lr=rate),
        "adam": lambda q: torch.optim.Adam(q, lr=rate),
    }[p.optimizer](model.parameters())
    x = torch.from_numpy(data.x_train[:, :-1].copy())
    y = torch.from_numpy(data.y_train.copy())
    classes = p.data not in ("plane", "hills")
    for _ in range(3):
        made.step()
        for chosen in torch.from_numpy(made.training.order.copy()).split(p.batch_size):
            z = model(x[chosen]).squeeze(1)
            guess = z.tanh() if classes else z
            loss = {
                "mse": lambda: functional.mse_loss(guess, y[chosen]),  # noqa: B023
                "log_cosh": lambda: (guess - y[chosen]).cosh().log().mean(),  # noqa: B023
                "cross_entropy": lambda: functional.binary_cross_entropy_with_logits(
                    z,  # noqa: B023
                    (y[chosen] + 1) / 2,  # noqa: B023
                ),
            }[p.loss]()
            for layer in model:
                if isinstance(layer, nn.Linear) and p.regularisation == "l2":
                    loss = loss + p.regularisation_rate * 0.5 * layer.weight.square().sum()
                elif isinstance(layer, nn.Linear) and p.regularisation == "l1":
                    loss = loss + p.regularisation_rate * layer.weight.abs().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    linears = [layer for layer in model if isinstance(layer, nn.Linear)]
    for W, linear in zip(made.training.network.W, linears, strict=True):
        weight, bias = linear.weight.detach().numpy(), linear.bias.detach().numpy()
        np.testing.assert_allclose(W[:, :-1], weight, rtol=2e-3, atol=2e-4)
        np.testing.assert_allclose(W[:, -1], bias, rtol=2e-3, atol=2e-4)


def test_losses_reported_are_those_of_torch():
    for loss, reference in [
        ("mse", lambda z, y: functional.mse_loss(z.tanh(), y)),
        ("cross_entropy", lambda z, y: functional.binary_cross_entropy_with_logits(z, (y + 1) / 2)),
    ]:
        made = experiment(loss=loss)
        made.step()
        scalars = made.step()
        data = made.training.data
        model = torch_twin(made)
        with torch.no_grad():
            z = model(torch.from_numpy(data.x_test[:, :-1].copy())).squeeze(1)
        y = torch.from_numpy(data.y_test)
        assert scalars["test_loss"] == pytest.approx(reference(z, y).item(), rel=1e-4)
        assert scalars["test_accuracy"] == pytest.approx(
            ((z > 0) == (y > 0)).double().mean().item()
        )


def test_a_batch_is_a_part_of_an_epoch():
    by_epoch, by_batch = experiment(), experiment(step_is="batch")
    by_epoch.step()
    for _ in range(25):
        by_batch.step()
    np.testing.assert_array_equal(by_epoch.theta, by_batch.theta)


def test_the_last_batch_may_be_smaller():
    made = experiment(points=25, train_share=0.9, batch_size=10)
    made.step()
    assert made.training.position == len(made.training.order) == 23
    assert {10, 3} <= set(made.training.passes)


# ---- what is shown


def test_neuron_maps_are_the_network():
    made = experiment(hidden=(3, 2), activation="relu")
    made.step()
    network = made.frame()["network"]
    model = torch_twin(made)
    cells = network.layers[1].maps.shape[-1]
    middle = -6 + 12 * (np.arange(cells) + 0.5) / cells
    x1, x2 = np.meshgrid(middle, middle)
    x = torch.from_numpy(np.stack([x1, x2], axis=-1).reshape(-1, 2).astype(np.float32))
    with torch.no_grad():
        first = model[1](model[0](x))
        second = model[3](model[2](first))
        output = model[4](second).tanh()
    for layer, expected in zip(network.layers[1:], (first, second, output), strict=True):
        maps = expected.numpy().T.reshape(-1, cells, cells)
        np.testing.assert_allclose(layer.maps, maps, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(network.layers[0].maps[0][0], middle.astype(np.float32))
    assert [w.shape for w in network.weights] == [(3, 2), (2, 3), (1, 2)]


def test_a_frame_changes_nothing_and_is_never_written_again():
    made, plain = experiment(), experiment()
    made.step(), plain.step()
    frame = made.frame()
    kept = {name: np.array(value) for name, value in frame["network"].arrays().items()}
    assert state_digest(made) == state_digest(plain)
    made.step()
    made.frame()
    for name, value in frame["network"].arrays().items():
        np.testing.assert_array_equal(value, kept[name])


def test_confusion_matrix_counts_every_test_point():
    made = experiment(data="xor", hidden=())
    scalars = made.step()
    shown = made.frame()["confusion"]
    counts = shown.values
    assert shown.value.limits == (0.0, counts.max())  # no points at all is the darkest colour
    assert counts.sum() == len(made.training.data.y_test)
    assert np.trace(counts) / counts.sum() == pytest.approx(scalars["test_accuracy"])


@pytest.mark.parametrize("hidden", [(), (4, 2), (32, 32, 32)])
def test_parameter_count(hidden):
    made = experiment(hidden=hidden)
    count = {r.name: r.value for r in made.frame()["readouts"].values}["parameters"]
    sizes = (2, *hidden, 1)
    assert count == sum((a + 1) * b for a, b in pairwise(sizes))
    assert count == sum(p.numel() for p in torch_twin(made).parameters())


# ---- a click shows the arithmetic


def last_number(latex: str) -> float:
    text = re.sub(r"\\cdot 10\^\{(-?\d+)\}", r"e\1", latex).rsplit("=", 1)[1]
    return float(text)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("regularisation", ["none", "l1", "l2"])
@pytest.mark.parametrize("index", [(0, 1, 0), (1, 0, 3), (2, 0, -1)])
@pytest.mark.parametrize("steps", [25, 30])
def test_the_update_explained_is_the_update_made(optimizer, regularisation, index, steps):
    made = experiment(optimizer=optimizer, regularisation=regularisation, step_is="batch")
    for _ in range(steps):
        made.step()
    layer, row, column = index
    before = state_digest(made)
    explanation = made.explain("network", index)
    assert state_digest(made) == before
    made.step()
    value = float(made.training.network.W[layer][row, column])
    assert last_number(explanation.lines[-1][0]) == pytest.approx(value, rel=1e-4)


def test_a_neuron_explained_is_the_neuron_drawn():
    made = experiment(probe=(1.25, -3.75), hidden=(4, 2))  # the middle of a cell of the 24 × 24 map
    made.step()
    network = made.frame()["network"]
    cells = network.layers[1].maps.shape[-1]
    i, j = (int((v + 6) / 12 * cells) for v in (1.25, -3.75))
    for layer in range(4):
        for unit in range(len(network.layers[layer].units)):
            explanation = made.explain("network", (layer, unit))
            drawn = float(network.layers[layer].maps[unit][j, i])
            assert last_number(explanation.lines[-1][0]) == pytest.approx(drawn, rel=2e-3, abs=1e-6)


def test_there_is_nothing_to_explain_beside_the_network():
    made = experiment()
    for index in [(9, 0), (1, 9), (0, 9, 0), (0, 0, 9), (-1, 0)]:
        assert made.explain("network", index) is None
    assert made.explain("history", (0,)) is None
    assert made.explain("confusion", (0, 1)) is not None


# ---- the learner's hand


def test_editing_a_weight_and_a_bias():
    made = experiment()
    made.act("edit_weight", {"layer": 0, "row": 3, "column": 1, "value": 2.5})
    made.act("edit_bias", {"layer": 2, "row": 0, "value": -1})
    network = made.frame()["network"]
    assert network.weights[0][3, 1] == 2.5
    assert network.layers[3].biases[0] == -1
    assert made.latest == made.measure()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("edit_weight", {"layer": 0, "row": 0, "column": 2, "value": 1}),
        ("edit_weight", {"layer": 3, "row": 0, "column": 0, "value": 1}),
        ("edit_weight", {"layer": 0, "row": -1, "column": 0, "value": 1}),
        ("edit_weight", {"layer": 0, "row": 0, "value": 1}),
        ("edit_bias", {"layer": 0, "row": 0, "value": "much"}),
        ("edit_bias", {"layer": 0, "row": 0, "value": float("nan")}),
        ("paint", {}),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(name, arguments):
    made = experiment()
    before = state_digest(made)
    with pytest.raises(ActionError):
        made.act(name, arguments)
    assert state_digest(made) == before


def test_rewind_with_edits_live_changes_and_drawn_points_is_bit_for_bit():
    run = run_of(10, data="own", own_data=[[1, 1, 1], [-1, -1, -1], [2, 1, 1], [-2, 0, -1]])
    run.act("edit_weight", {"layer": 0, "row": 0, "column": 0, "value": 0.5})
    for _ in range(5):
        run.advance()
    points = (*run.parameters.own_data, (0.0, 3.0, 1.0), (0.5, -3.0, -1.0))
    run.change(run.parameters.changed(own_data=points))
    assert len(run.experiment.training.data.xy) == 6
    for _ in range(5):
        run.advance()
    run.change(run.parameters.changed(optimizer="adam", learning_rate=0.01, batch_size=3))
    for _ in range(20):
        run.advance()
    digest, frame = state_digest(run.experiment), run.frame()
    run.go_to(3)
    assert len(run.experiment.training.data.xy) == 4
    run.go_to(40)
    assert state_digest(run.experiment) == digest
    for name, value in run.frame().items["network"].arrays().items():
        np.testing.assert_array_equal(value, frame.items["network"].arrays()[name])


def test_it_stops_when_the_goal_is_met():
    made = experiment(stop_below=0.1)
    assert not made.finished
    for _ in range(200):
        made.step()
        if made.finished:
            break
    assert made.finished
    assert made.latest["test_loss"] < 0.1


# ---- own data


def test_labels_decide_between_classes_and_numbers():
    assert experiment(data="own", own_data=[[0, 1, 1], [1, 0, -1]]).training.data.classes
    made = experiment(data="own", own_data=[[0, 1, 0.5], [1, 0, -1], [2, 2, 3]])
    assert not made.training.data.classes
    assert made.training.data.y_scale == 3
    assert "train_accuracy" not in made.step()


def test_far_flung_data_is_scaled_and_shown_in_its_own_units():
    rows = [[100 + i, 0.001 * i, 1 if i % 2 else -1] for i in range(20)]
    made = experiment(data="own", own_data=rows)
    inputs = made.training.data.x_train[:, :2]
    assert np.abs(inputs).max() <= 5.001
    scalars = made.step()
    assert np.isfinite(list(scalars.values())).all()
    left, right, bottom, top = made.frame()["network"].extent
    assert left < 100
    assert right > 119
    assert bottom < 0.0
    assert 0.019 < top < 0.03


def test_one_point_is_enough_to_run():
    made = experiment(data="own", own_data=[[1, 2, 1]])
    made.step()
    made.frame()
    assert set(made.latest) == {"train_loss", "train_accuracy"}


def test_an_empty_canvas_waits_for_points():
    run = run_of(3, data="own", own_data=())
    assert run.experiment.latest == {}
    assert run.frame().items["confusion"].values.sum() == 0
    assert codes(run) == []
    assert run.experiment.explain("network", (0, 0, 0)) is None
    run.change(run.parameters.changed(own_data=[[1, 2, 1], [-2, -1, -1]]))
    before = run.experiment.theta.copy()
    run.advance()
    assert not np.array_equal(run.experiment.theta, before)


def test_cross_entropy_needs_classes():
    with pytest.raises(ParameterError, match="classes"):
        Playground.Parameters().changed(data="hills", loss="cross_entropy")
    with pytest.raises(ParameterError):
        Playground.Parameters().changed(data="own", own_data=[[0, 0, 0.5]], loss="cross_entropy")


# ---- why did this break?


def test_a_healthy_run_has_nothing_wrong():
    assert codes(run_of(150)) == []


@pytest.mark.parametrize(
    ("code", "steps", "values"),
    [
        ("nonfinite", 40, {"data": "plane", "activation": "relu", "learning_rate": 10.0}),
        ("saturated-output", 60, {"learning_rate": 10.0}),
        (
            "dead-relu",
            60,
            {"activation": "relu", "loss": "cross_entropy", "learning_rate": 10.0},
        ),
        ("symmetry", 60, {"initialisation": "zeros"}),
        ("straight-border", 100, {"data": "xor", "hidden": ()}),
        ("straight-border", 100, {"hidden": (8, 8), "activation": "linear"}),
        ("vanishing-gradient", 100, {"activation": "sigmoid", "hidden": (8,) * 6}),
        (
            "overfitting",
            400,
            {"noise": 0.4, "points": 60, "hidden": (16, 16), "optimizer": "adam"},
        ),
    ],
)
def test_what_breaks_is_named(code, steps, values):
    run = run_of(steps, **values)
    assert code in codes(run)
    for finding in run.diagnose():
        fixed = run.parameters.changed(**finding.fix)
        assert fixed != run.parameters or not finding.fix


def test_dead_units_are_named_and_flagged():
    run = run_of(3, activation="relu")
    for row in range(4):
        run.act("edit_bias", {"layer": 0, "row": row, "value": -1000})
    assert "dead-relu" in codes(run)
    flags = run.frame().items["network"].layers[1].flags
    assert flags.all()


# ---- the lesson


@pytest.fixture(scope="module")
def lesson():
    course = load_course(paths.lessons())
    return course.lesson("playground")


def series(history):
    return {name: history.series(name) for name in history.names}


def test_predictions_come_out_as_the_lesson_tells(lesson):
    truth = {}
    for check in lesson.checks:
        if check.kind == "prediction":
            histories = {
                spec.name: series(run_of(spec.steps, spec.seed, **spec.parameters).history)
                for spec in check.runs
            }
            truth[check.id] = settle(check, histories)
    assert truth == TRUTHS


TRUTHS = {"no-hidden": "no", "linear": "only-tanh", "too-fast": "dies"}


def test_goals_are_reached_by_their_solutions(lesson):
    for step in lesson.steps:
        for goal in step.checks:
            if goal.kind != "goal":
                continue
            values = {**step.preset, **goal.solution}
            run = run_of(goal.within_steps, **values)
            assert goal_reached(goal, series(run.history), run.parameters), goal.id


def test_the_script_prints_the_same_losses(tmp_path: Path):
    values = {"data": "spiral", "optimizer": "adam", "regularisation": "l1", "hidden": (8, 4)}
    run = run_of(7, 3, **values)
    script = tmp_path / "playground.py"
    source = standalone_script(Playground, run.parameters, 3, 7)
    script.write_text(source, encoding="utf-8")
    assert "desktop" not in source
    result = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    last = result.stdout.strip().splitlines()[-1].split()
    assert last[:2] == ["step", "7"]
    printed = dict(part.split("=") for part in last[2:])
    for name, value in run.history.at(7).items():
        assert float(printed[name]) == pytest.approx(value, rel=1e-6)
