"""Self-attention: equal to torch, every explanation equal to the number on screen, and it learns."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from desktop import paths
from desktop.engine.history import History
from desktop.engine.loading import load_experiment
from desktop.engine.parameters import ParameterError
from desktop.engine.run import Run

FOLDER = paths.lessons() / "4-transformers" / "self-attention"
SelfAttention = load_experiment(FOLDER)
Parameters = SelfAttention.Parameters


def experiment(seed: int = 0, **changes: object):
    return SelfAttention(Parameters(**changes), seed)


def advance(running, steps: int) -> dict[str, float]:
    for _ in range(steps):
        found = running.step()
    return dict(found)


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("heads", "size"), [(1, 2), (2, 8), (3, 7), (4, 32)])
def test_equals_scaled_dot_product_attention(scaled, causal, heads, size):
    running = experiment(heads=heads, size=size, scaled=scaled, causal=causal)
    advance(running, 2)
    inside = running.inside()
    expected = torch.nn.functional.scaled_dot_product_attention(
        inside.q, inside.k, inside.v, is_causal=causal, scale=size**-0.5 if scaled else 1.0
    )
    difference = float((expected - inside.found.output).abs().max())
    assert difference == pytest.approx(inside.difference, abs=1e-9)
    assert difference < 1e-5
    assert running.measure()["max_difference"] == inside.difference


def test_projections_are_products_with_learned_matrices():
    running = experiment(heads=2, size=4)
    model, inside = running.model, running.inside()
    q = (inside.x @ model.w_q.detach()).reshape(-1, 2, 4).permute(1, 0, 2)
    assert torch.allclose(q, inside.q)
    before = model.w_q.detach().clone()
    running.step()
    assert not torch.equal(before, model.w_q.detach())


def test_rows_sum_to_one_and_the_mask_hides_exactly():
    items = experiment(text="王后笑着说她很开心").frame()
    weights = items["weights"]
    assert np.allclose(weights.values.sum(1), 1.0, atol=1e-6)
    assert (weights.values[weights.mask] == 0).all()
    assert weights.rows == tuple("王后笑着说她很开心")


def last_number(latex: str) -> float:
    """The value after the last equals sign."""
    right = latex.rsplit("=", 1)[1].strip()
    right = re.sub(r" \\times 10\^\{(-?\d+)\}", r"e\1", right)
    return float(right)


@pytest.mark.parametrize("size", [4, 32])
@pytest.mark.parametrize("item", ["x", "q", "k", "v", "scores", "scaled", "weights", "output"])
def test_the_arithmetic_of_a_cell_ends_in_the_cell(item, size):
    running = experiment(size=size, head=1)
    advance(running, 3)
    matrix = running.frame()[item]
    for cell in [(4, 1), (7, 2), (0, 0)]:
        explanation = running.explain(item, cell)
        assert last_number(explanation.lines[-1][0]) == pytest.approx(
            float(matrix.values[cell]), rel=2e-3, abs=1e-6
        )


def test_explanations_of_small_multiples_and_of_nothing():
    running = experiment()
    assert "W_K" in running.explain("qkv", (1, 0, 0)).lines[0][1].en
    assert running.explain("heads", (1, 4, 1)) is not None
    assert r"\infty" in running.explain("weights", (1, 4)).lines[0][0]
    for item, index in [("weights", (99, 0)), ("output", (0, 99)), ("next", (0,)), ("x", ())]:
        assert running.explain(item, index) is None


def test_without_root_d_the_softmax_saturates_as_d_grows():
    plain, scaled = experiment().saturation
    assert (np.diff(plain) < 0).all()
    assert plain[-1] < 0.25 * plain[0]
    assert np.ptp(scaled) < 0.2
    assert [finding.code for finding in saturated_findings()] == ["saturated"]


def saturated_findings():
    running = experiment(size=64, scaled=False)
    history = History()
    history.append(0, running.measure())
    return running.diagnose(history)


def test_a_sentence_typed_while_training_goes_on_and_can_be_rewound():
    run = Run(SelfAttention, Parameters(), 0)
    for _ in range(5):
        run.advance()
    run.change(run.parameters.changed(text="一只 quick 狐狸"))
    for _ in range(5):
        run.advance()
    assert run.frame().items["weights"].rows == ("一", "只", "quick", "狐", "狸")
    end = run.frame().items["output"].values
    run.go_to(2)
    assert run.frame().items["weights"].rows[1] == "queen"
    run.go_to(10)
    assert np.array_equal(run.frame().items["output"].values, end)


def test_more_new_words_than_rows_are_free():
    running = experiment()
    for start in range(0, 300, 20):
        words = " ".join(f"w{n}" for n in range(start, start + 20))
        running.adopt(running.parameters.changed(text=words))
        running.step()
        assert running.frame()["weights"].rows[0] == f"w{start}"
    assert len(set(running.vocabulary)) == len(running.vocabulary)


@pytest.mark.parametrize("text", ["", "   ", "\n", "word " * 25, "字" * 25, "x" * 241])
def test_empty_and_huge_sentences_are_refused_in_words(text):
    with pytest.raises(ParameterError) as caught:
        Parameters(text=text)
    assert caught.value.message.zh
    assert caught.value.message.en


@pytest.mark.parametrize("text", ["a", "。", "🙂", "a b", "王", "don't stop", "MIXED 中文 words"])
def test_odd_sentences_work(text):
    running = experiment(text=text)
    scalars = advance(running, 2)
    assert np.isfinite(scalars["loss"])
    assert running.frame()["sentence"].tokens


@pytest.mark.slow
def test_it_learns_to_look_back_at_the_person():
    running = experiment(heads=4)
    assert running.measure()["pronoun"] < 0.05
    scalars = advance(running, 250)
    assert scalars["pronoun"] > 0.97
    weights = running.inside().found.weights
    assert float(weights[:, 4, 1].max()) > 0.5, "some head at “said” looks at “queen”"
