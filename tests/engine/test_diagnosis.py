"""Each detector finds what it is for, with true numbers, and stays silent on healthy runs."""

import dataclasses

import numpy as np
import pytest
import torch

from desktop.bilingual import Bilingual
from desktop.engine import diagnosis as d
from desktop.engine.history import History

from .toy import Parameters

RNG = np.random.default_rng(0)
FALLING = np.exp(-np.arange(200) / 40) + 0.01 * RNG.random(200)


def history(**series) -> History:
    made = History(series)
    for step, row in enumerate(zip(*series.values(), strict=True)):
        made.append(step, dict(zip(series, row, strict=True)))
    return made


def layer(outputs):
    return d.LayerOutputs(Bilingual("第一层", "layer 1"), np.asarray(outputs))


HEALTHY = history(train_loss=FALLING, test_loss=FALLING + 0.02)
NORMAL = np.tanh(RNG.normal(size=(200, 6)))


@pytest.mark.parametrize(
    "finding",
    [
        d.nonfinite(HEALTHY, "train_loss", "test_loss"),
        d.diverging(HEALTHY, "train_loss"),
        d.diverging(history(loss=0.5 + 0.45 * RNG.normal(size=300)), "loss"),
        d.plateau(HEALTHY, "train_loss"),
        d.overfitting(HEALTHY),
        d.gap(0.1, 0.12),
        d.dead_units([layer(np.maximum(RNG.normal(size=(200, 6)), 0))]),
        d.saturated_units([layer(NORMAL)]),
        d.vanishing_gradient([0.1, 0.2], [Bilingual.same("a"), Bilingual.same("b")]),
        d.exploding_gradient([0.1, 0.2], [Bilingual.same("a"), Bilingual.same("b")]),
    ],
)
def test_healthy_numbers_give_no_finding(finding):
    assert finding is None


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_very_short_runs_give_no_finding(steps):
    short = history(train_loss=[1.0] * steps, test_loss=[1.0] * steps)
    assert (
        d.findings(
            d.nonfinite(short, "train_loss"),
            d.diverging(short, "train_loss"),
            d.plateau(short, "train_loss"),
            d.overfitting(short),
        )
        == []
    )


def test_nonfinite_names_the_first_bad_step_and_the_last_good_value():
    loss = [np.nan, 0.5, 2.25, np.inf, np.nan]
    finding = d.nonfinite(history(loss=loss), "loss")
    assert "step 3" in finding.message.en
    assert "第 3 步" in finding.message.zh
    assert "2.25" in finding.evidence.en
    assert "∞" in finding.message.zh


def test_diverging_on_gradient_descent_with_too_large_a_rate():
    w, losses = 1.0, []
    for _ in range(30):
        losses.append(w * w)
        w -= 1.1 * 2 * w
    finding = d.diverging(history(loss=losses), "loss", fix={"learning_rate": 0.1})
    assert finding.severity == "bad"
    assert d.number(losses[0]) in finding.evidence.en
    assert dict(finding.fix) == {"learning_rate": 0.1}


def test_plateau_only_while_the_loss_is_still_high():
    stuck = np.concatenate([np.linspace(1, 0.6, 30), np.full(100, 0.6)])
    assert d.plateau(history(loss=stuck)).code == "plateau"
    assert d.plateau(history(loss=stuck), good_enough=0.7) is None
    assert d.plateau(history(loss=np.concatenate([[10.0], stuck]))) is None


def test_overfitting_names_the_step_to_stop_at():
    steps = np.arange(300)
    train = np.exp(-steps / 60)
    held = 0.2 + ((steps - 100) / 250) ** 2
    finding = d.overfitting(history(train_loss=train, test_loss=held))
    assert "step 100" in finding.evidence.en
    assert "第 100 步" in finding.advice.zh


def test_overfitting_with_a_test_loss_measured_now_and_then():
    steps = np.arange(300)
    held = np.where(steps % 10 == 0, 0.2 + ((steps - 100) / 250) ** 2, np.nan)
    assert d.overfitting(history(train_loss=np.exp(-steps / 60), test_loss=held))


def test_gap_states_both_errors():
    assert "0.5" in d.gap(0.1, 0.5).evidence.en
    assert "∞" in d.gap(0.0, 0.5).evidence.zh


def test_dead_units_are_those_without_gradient():
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 8)
    with torch.no_grad():
        net.bias[:3] = -100.0
    x = torch.randn(50, 2)
    outputs = torch.relu(net(x))
    outputs.sum().backward()
    mask = d.dead_mask(outputs.detach().numpy())
    assert np.array_equal(mask, (net.bias.grad == 0).numpy())
    finding = d.dead_units([layer(outputs.detach().numpy())])
    assert finding.message.en.startswith("3 of 8")
    assert "第一层 3/8" in finding.evidence.zh
    assert finding.severity == "warning"


def test_a_dead_layer_is_bad_even_if_it_is_small():
    finding = d.dead_units([layer(np.zeros((5, 1))), layer(np.ones((5, 99)))])
    assert finding.severity == "bad"


def test_saturated_units_at_either_end():
    outputs = np.where(RNG.random((100, 4)) < 0.5, -0.999, 0.999)
    assert d.saturated_mask(outputs).all()
    assert d.saturated_units([layer(outputs)]).code == "saturation"
    assert not d.saturated_mask(np.full((9, 2), 0.5), 0.0, 1.0).any()
    assert d.saturated_mask(np.full((9, 2), 0.001), 0.0, 1.0).all()


def test_gradients_that_vanish_or_explode():
    labels = [Bilingual("输入层", "the first layer"), Bilingual("输出层", "the last layer")]
    finding = d.vanishing_gradient([1e-6, 0.1], labels)
    assert "1.0×10⁵" in finding.evidence.en
    assert d.vanishing_gradient([0.0, 0.1], labels)
    assert d.exploding_gradient([1.0, float("nan")], labels).severity == "bad"
    assert "输入层" in d.exploding_gradient([1e6, 1.0], labels).evidence.zh
    assert d.exploding_gradient([], []) is None


def test_findings_put_the_cause_first_and_leave_out_consequences():
    nan = d.nonfinite(history(loss=[1.0, np.nan]), "loss")
    wild = d.diverging(history(loss=np.exp(np.arange(30.0))), "loss")
    dead = d.dead_units([layer(np.c_[np.zeros(9), np.ones((9, 7))])])
    assert [f.code for f in d.findings(None, dead, wild, nan)] == ["nonfinite", "dead-relu"]
    assert [f.code for f in d.findings(dead, wild)] == ["diverging", "dead-relu"]


def test_fixes_stay_within_the_parameters_range():
    assert d.lower(Parameters(learning_rate=1.0), "learning_rate") == {"learning_rate": 0.1}
    assert d.lower(Parameters(learning_rate=1e-4), "learning_rate") == {}
    assert d.raise_(Parameters(learning_rate=5.0), "learning_rate") == {"learning_rate": 10.0}


def test_numbers_read_well():
    values = [0.0, 0.12345, 12.3456, 1234.5, 123456.0, 1e-9, float("nan"), -float("inf")]
    shown = ["0", "0.123", "12.3", "1234", "1.2×10⁵", "1.0×10⁻⁹", "NaN", "−∞"]
    assert [d.number(value) for value in values] == shown


def test_every_finding_speaks_both_languages():
    labels = [Bilingual("甲", "a"), Bilingual("乙", "b")]
    for finding in [
        d.nonfinite(history(loss=[1.0, np.nan]), "loss"),
        d.diverging(history(loss=np.exp(np.arange(30.0))), "loss"),
        d.plateau(history(loss=np.ones(100))),
        d.gap(0.1, 1.0),
        d.dead_units([layer(np.zeros((5, 1)))]),
        d.saturated_units([layer(np.ones((5, 1)))]),
        d.vanishing_gradient([1e-9, 1.0], labels),
        d.exploding_gradient([1e9, 1.0], labels),
    ]:
        for field in dataclasses.fields(finding):
            value = getattr(finding, field.name)
            if isinstance(value, Bilingual):
                assert value.zh
                assert value.en
                assert any("\u4e00" <= letter <= "\u9fff" for letter in value.zh)
                assert not any("\u4e00" <= letter <= "\u9fff" for letter in value.en)
