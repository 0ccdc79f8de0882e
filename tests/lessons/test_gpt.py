"""The GPT lesson: its step against plain autograd, its pictures against the model, keeping, limits."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PhiForCausalLM
from transformers.utils.logging import disable_progress_bar

from desktop import paths
from desktop.engine.history import History
from desktop.engine.loading import load_experiment
from desktop.engine.parameters import ParameterError
from desktop.engine.run import Run
from desktop.llm import model_folder

FOLDER = paths.lessons() / "4-transformers" / "gpt"
SmallGpt = load_experiment(FOLDER)
Parameters = SmallGpt.Parameters
SMALL = {"layers": 2, "width": "32", "heads": "2", "context": 16, "batch": 4}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def experiment(seed: int = 0, **changes: object):
    return SmallGpt(Parameters(**{**SMALL, **changes}), seed)


def advance(running, steps: int) -> dict[str, float]:
    for _ in range(steps):
        found = running.step()
    return dict(found)


def test_the_corpus_is_large_enough_and_in_both_languages():
    texts = {name: (FOLDER / f"corpus_{name}.txt").read_bytes() for name in ("en", "zh")}
    assert sum(map(len, texts.values())) > 20_000
    assert not any(letter > "\u3000" for letter in texts["en"].decode())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_untrained_model_guesses_blindly(language):
    running = experiment(language=language)
    blind = math.log(running.tokenizer.size)
    measured = running.measure()
    assert measured["heldout_loss"] == pytest.approx(blind, rel=0.01)
    assert measured["heldout_perplexity"] == pytest.approx(math.exp(measured["heldout_loss"]))


def test_one_step_equals_autograd_and_a_plain_adamw():
    running, other = experiment(), experiment()
    module = __import__("sys").modules[SmallGpt.__module__]
    inputs, targets = module.random_passages(other.training, 4, 16, other.rng)
    logits = other.model(inputs, look=True).logits  # the spelled-out attention
    loss = -torch.log_softmax(logits, -1).gather(-1, targets[..., None]).mean()
    plain = torch.optim.AdamW(
        other.model.parameters(), lr=0.003, betas=(0.9, 0.95), weight_decay=0.1, foreach=False
    )
    loss.backward()
    torch.nn.utils.clip_grad_norm_(other.model.parameters(), 1.0)
    plain.step()
    scalars = running.step()
    assert scalars["loss"] == pytest.approx(loss.item(), rel=1e-5)
    for ours, theirs in zip(running.model.parameters(), other.model.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=2e-4)


def test_matrices_on_screen_are_the_models_own():
    running = experiment(prompt="The cat sat", head=3)
    advance(running, 3)
    items = running.frame()
    heads = items["heads"].matrices
    assert len(heads) == 4
    assert items["heads"].selected == 3
    assert np.array_equal(items["attention"].values, heads[3].values)
    assert np.allclose(heads[3].values.sum(1), 1, atol=1e-6)
    prompt = running.look()
    q, k = running.queries_and_keys(prompt, 1)
    scores = (q @ k.transpose(-2, -1)) / math.sqrt(16)
    hidden = torch.ones(11, 11, dtype=torch.bool).triu(1)
    weights = torch.softmax(scores.masked_fill(hidden, -torch.inf), -1)
    assert torch.allclose(weights, prompt.output.attentions[1][0], atol=1e-6)


def test_bars_and_surprise_follow_from_the_logits():
    running = experiment(prompt="The cat", temperature=0.5)
    logits = running.look().output.logits[0]
    chances = torch.softmax(logits[-1] / 0.5, -1)
    assert running.frame()["next"].values == pytest.approx(
        chances.topk(12).values.numpy(), rel=1e-5
    )
    costs = -torch.log_softmax(logits, -1)
    shown = running.frame()["prompt"].values
    assert np.isnan(shown[0])
    assert shown[3] == pytest.approx(float(costs[2, running.look().ids[3]]), rel=1e-5)
    greedy = experiment(prompt="The cat", temperature=0.0).frame()["next"].values
    assert greedy[0] == 1
    assert greedy[1:].sum() == 0


def test_explanations():
    running = experiment(prompt="The cat")
    for item, index in [
        ("attention", (3, 1)),
        ("heads", (2, 3, 1)),
        ("next", (0,)),
        ("prompt", (2,)),
    ]:
        assert running.explain(item, index).lines
    assert r"\infty" in running.explain("attention", (1, 3)).lines[0][0]
    for item, index in [("attention", (99, 0)), ("next", (99,)), ("prompt", (0,)), ("size", (0,))]:
        assert running.explain(item, index) is None


def test_parameter_count_and_memory_are_those_of_the_tensors():
    running = experiment()
    advance(running, 1)
    items = running.frame()
    count = sum(weights.numel() for weights in running.model.parameters())
    size = {readout.name: readout.value for readout in items["size"].values}
    memory = {readout.name: readout.value for readout in items["memory"].values}
    assert size["parameters"] == count
    assert memory["weights"] == pytest.approx(4 * count / 2**20)
    assert memory["optimizer"] == pytest.approx(2 * memory["weights"], rel=0.01)
    assert memory["total"] == pytest.approx(sum(v for k, v in memory.items() if k != "total"))


def test_a_prompt_changes_nothing_in_the_training():
    one, other = experiment(), experiment()
    advance(one, 12)
    advance(other, 6)
    other.adopt(other.parameters.changed(prompt="The dog ", temperature=1.5, head=2))
    advance(other, 6)
    assert all(
        torch.equal(a, b)
        for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True)
    )
    assert other.samples[0][1].startswith("The dog ")


def test_held_out_text_is_never_trained_on():
    running = experiment()
    text = running.tokenizer.decode(running.training.tolist())
    unseen = running.tokenizer.decode(running.unseen_passages[0][-1].tolist())
    assert unseen not in text


def test_the_kept_model_opens_again_and_in_transformers(tmp_path: Path):
    running = experiment(tokenizer="bpe", vocabulary=300)
    advance(running, 3)
    before = running.look().output.logits
    running.keep(tmp_path / "mine")
    loaded = model_folder.load(tmp_path / "mine")
    ids = torch.tensor([running.look().ids])
    assert torch.equal(loaded.model(ids, look=True).logits, before)
    assert loaded.tokenizer.encode("The cat") == running.tokenizer.encode("The cat")
    assert loaded.notes["steps"] == 3
    disable_progress_bar()  # its monitor thread would outlive the test
    other = PhiForCausalLM.from_pretrained(tmp_path / "mine").eval()
    assert (other(ids).logits - before).abs().max() < 1e-4


def test_keeping_changes_nothing_and_nan_is_not_kept(tmp_path: Path):
    one, other = experiment(), experiment()
    advance(one, 4)
    one.keep(tmp_path / "mine")
    advance(other, 4)
    assert advance(one, 2) == advance(other, 2)
    with torch.no_grad():
        one.model.lm_head.bias[0] = math.nan
    with pytest.raises(Exception, match="NaN"):
        one.keep(tmp_path / "broken")
    assert not (tmp_path / "broken").exists()


@pytest.mark.parametrize("text", ["short", "a" * 499, "x" * 200_001])
def test_own_text_too_short_or_too_long(text):
    with pytest.raises(ParameterError) as caught:
        Parameters(own_text=text)
    assert caught.value.message.zh


@pytest.mark.parametrize("tokenizer", ["characters", "bpe"])
@pytest.mark.parametrize("text", ["a" * 600, "🙂 ok\n" * 200, "\n \t" * 300, "春眠不觉晓。" * 100])
def test_odd_own_texts_train_or_are_refused_in_words(text, tokenizer):
    parameters = Parameters(**{**SMALL, "own_text": text, "tokenizer": tokenizer})
    try:
        running = SmallGpt(parameters, 0)
    except Exception as error:  # noqa: BLE001
        assert "tokens" in error.message.en  # type: ignore[attr-defined]  # noqa: PT017
        return
    assert math.isfinite(advance(running, 2)["loss"])
    assert running.frame()["attention"].rows


def test_a_learning_rate_of_one_is_worse_than_guessing_and_says_so():
    running, history = experiment(learning_rate=1.0), History()
    history.append(0, running.measure())
    for step in range(1, 41):
        history.append(step, running.step())
    (finding,) = running.diagnose(history)
    assert finding.code == "diverging"
    assert finding.fix == {"learning_rate": 0.003}


def test_snapshots_stay_small():
    run = Run(SmallGpt, Parameters(), 0)
    run.advance()
    weights = 4 * run.experiment.model.config.parameter_count
    assert run.snapshots.nearest(1)[1].nbytes < 3.2 * weights


@pytest.mark.slow
def test_it_learns_words_within_a_hundred_steps():
    running = SmallGpt(Parameters(), 0)
    scalars = advance(running, 100)
    assert scalars["heldout_loss"] < 2.0
    known = set((FOLDER / "corpus_en.txt").read_text(encoding="utf-8").split())
    words = running.samples[0][1].removeprefix(running.prompt_text).split()
    assert sum(word in known for word in words) > 0.3 * len(words)
