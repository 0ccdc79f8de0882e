"""Each setting equals the processor of the same name in transformers; draws follow the odds."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.generation import logits_process as reference

from desktop.llm import sampling
from desktop.llm.sampling import Sampling

seeds = st.integers(0, 10_000)
history = st.lists(st.integers(0, 49), min_size=1, max_size=40)


def scores_of(seed, vocabulary=50):
    return torch.randn(vocabulary, generator=torch.Generator().manual_seed(seed)) * 3


def theirs(processor, seen, scores):
    return processor(torch.tensor([seen]), scores[None].clone())[0]


@given(seeds, history, st.floats(0.5, 3))
@settings(max_examples=60, deadline=None)
def test_repetition_penalty(seed, seen, penalty):
    scores = scores_of(seed)
    ours = sampling.penalize_repetition(scores, seen, penalty)
    processor = reference.RepetitionPenaltyLogitsProcessor(penalty)
    torch.testing.assert_close(ours, theirs(processor, seen, scores))


@given(seeds, st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_no_repeat_ngram(seed, seen, size):
    scores = scores_of(seed)
    ours = sampling.forbid_repeated_ngrams(scores, seen, size)
    processor = reference.NoRepeatNGramLogitsProcessor(size)
    torch.testing.assert_close(ours, theirs(processor, seen, scores))


@given(seeds, st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_top_k(seed, k):
    scores = scores_of(seed)
    processor = reference.TopKLogitsWarper(k)
    torch.testing.assert_close(sampling.keep_top_k(scores, k), theirs(processor, [0], scores))


@given(seeds, st.floats(0.01, 1.0))
@settings(max_examples=60, deadline=None)
def test_top_p(seed, p):
    scores = scores_of(seed)
    processor = reference.TopPLogitsWarper(p)
    torch.testing.assert_close(sampling.keep_top_p(scores, p), theirs(processor, [0], scores))


@given(seeds, st.floats(0.0, 0.99))
@settings(max_examples=60, deadline=None)
def test_min_p(seed, min_p):
    scores = scores_of(seed)
    processor = reference.MinPLogitsWarper(min_p)
    torch.testing.assert_close(sampling.keep_min_p(scores, min_p), theirs(processor, [0], scores))


@given(seeds, history, st.floats(0.2, 2), st.integers(0, 20), st.floats(0.1, 1), st.floats(0, 0.5))
@settings(max_examples=60, deadline=None)
def test_something_always_remains(seed, seen, temperature, k, p, min_p):
    chosen = Sampling(temperature, k, p, min_p, 1.3, 2)
    probabilities = sampling.process(scores_of(seed), seen, chosen).softmax(-1)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_draws_follow_the_probabilities_and_the_seed():
    scores, rng = scores_of(1, 8), torch.Generator().manual_seed(5)
    draws = torch.tensor([sampling.choose(scores, Sampling(), rng) for _ in range(20_000)])
    observed = torch.bincount(draws, minlength=8) / len(draws)
    torch.testing.assert_close(observed, scores.softmax(-1), atol=0.015, rtol=0)
    again = torch.Generator().manual_seed(5)
    assert [sampling.choose(scores, Sampling(), again) for _ in range(20)] == draws[:20].tolist()


def test_temperature_zero_takes_the_highest():
    scores = scores_of(2)
    greedy = Sampling(temperature=0, top_k=3)
    processed = sampling.process(scores, [1, 2], greedy)
    assert sampling.choose(processed, greedy, torch.Generator()) == int(scores.argmax())


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -1}, {"top_p": 0}, {"min_p": 1}, {"repetition_penalty": 0}, {"top_k": -2}],
)
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Sampling(**wrong)
