"""The glossary is complete, in both languages, and leads nowhere wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from desktop import paths
from desktop.bilingual import LANGUAGES
from desktop.course import CourseError
from desktop.course.glossary import Term, load_glossary
from desktop.course.typography import halfwidth_faults

GLOSSARY = load_glossary(paths.resources() / "glossary")
TERMS = [pytest.param(term, id=term.id) for term in GLOSSARY]

WANTED = [
    "accuracy",
    "activation-function",
    "adagrad",
    "adam",
    "adamw",
    "adversarial",
    "alignment",
    "all-reduce",
    "attention",
    "attention-head",
    "attribution",
    "autoencoder",
    "backpropagation",
    "bag-of-words",
    "bandit",
    "batch-size",
    "beam-search",
    "bert",
    "bias",
    "bias-variance",
    "boltzmann-machine",
    "bottleneck",
    "bpe",
    "byte-fallback",
    "catastrophic-forgetting",
    "causal-mask",
    "chain-rule",
    "class-imbalance",
    "classification",
    "cnn",
    "confusion-matrix",
    "context-window",
    "contrastive-divergence",
    "convergence",
    "convolution",
    "cross-entropy",
    "cross-validation",
    "curvature",
    "data-parallel",
    "dbn",
    "dead-relu",
    "decision-boundary",
    "decision-threshold",
    "decoding",
    "deep-learning",
    "deep-neural-network",
    "dense-vector",
    "distillation",
    "divergence",
    "dpo",
    "dropout",
    "early-stopping",
    "embedding",
    "epoch",
    "explainability",
    "exploding-gradient",
    "exploration",
    "f1-score",
    "feature-map",
    "feed-forward",
    "fine-tuning",
    "flops",
    "frozen-layer",
    "gan",
    "generalisation",
    "gnn",
    "gpt",
    "gradient",
    "gradient-descent",
    "greedy-decoding",
    "gru",
    "hallucination",
    "hidden-layer",
    "hyper-parameter",
    "initialisation",
    "iteration",
    "k-means",
    "kernel",
    "knowledge-cut-off",
    "kv-cache",
    "l1-regularisation",
    "language-model",
    "large-language-model",
    "large-model",
    "layer",
    "layer-norm",
    "learning-curve",
    "learning-rate",
    "lime",
    "local-minimum",
    "log-cosh",
    "logit",
    "logit-lens",
    "lora",
    "loss-function",
    "lstm",
    "machine-learning",
    "masked-language-model",
    "mean-squared-error",
    "message-passing",
    "mode-collapse",
    "momentum",
    "multi-head-attention",
    "nesterov",
    "neural-network",
    "neuron",
    "next-sentence-prediction",
    "next-token-prediction",
    "no-repeat-ngram",
    "noise",
    "normalisation",
    "one-hot",
    "optimizer",
    "overfitting",
    "oversampling",
    "parameter",
    "perplexity",
    "pipeline-parallel",
    "polynomial",
    "pooling",
    "positional-encoding",
    "pre-training",
    "precision",
    "prompt",
    "q-table",
    "quantization",
    "query-key-value",
    "recall",
    "regression",
    "regularisation",
    "reinforcement-learning",
    "relu",
    "repetition-penalty",
    "residual-connection",
    "residual-stream",
    "reward-hacking",
    "reward-model",
    "rlhf",
    "rmsprop",
    "rnn",
    "rotary-embedding",
    "saddle-point",
    "sampling",
    "saturation",
    "scaled-dot-product",
    "seed",
    "self-attention",
    "self-supervised-learning",
    "sgd",
    "shap",
    "sigmoid",
    "small-model",
    "softmax",
    "sparse-vector",
    "supervised-learning",
    "tanh",
    "temperature",
    "tensor-parallel",
    "test-set",
    "token",
    "tokenizer",
    "top-k",
    "top-p",
    "train-test-split",
    "transfer-learning",
    "transformer",
    "underfitting",
    "universal-approximation",
    "unsupervised-learning",
    "validation-set",
    "vanishing-gradient",
    "vocabulary",
    "vocabulary-extension",
    "weight",
    "weight-decay",
]

CURRICULUM = [
    "function",
    "linear-regression",
    "gradient-descent",
    "learning-rate",
    "more-features",
    "overfitting",
    "classification",
    "batch-size",
    "ways-of-learning",
    "neuron",
    "sum-of-sigmoids",
    "playground",
    "backpropagation",
    "training-loop",
    "deep-or-wide",
    "dead-or-exploding",
    "cnn",
    "rnn",
    "autoencoder",
    "dbn",
    "gan",
    "gnn",
    "reinforcement",
    "transfer",
    "resnet",
    "which-network",
    "tokens",
    "embeddings",
    "self-attention",
    "multi-head",
    "positions",
    "transformer-block",
    "gpt",
    "bert",
    "perplexity",
    "decoding",
    "rnn-vs-transformer",
    "what-is-large",
    "pipeline",
    "compute",
    "memory",
    "distributed",
    "fine-tuning",
    "imbalance",
    "alignment",
    "distillation",
    "quantization",
    "explain",
    "choosing",
    "load-a-model",
    "one-token",
    "chat-limits",
]


def test_every_term_of_the_curriculum_is_there() -> None:
    assert [term for term in WANTED if term not in GLOSSARY] == []


def test_no_two_terms_share_a_name() -> None:
    for language in LANGUAGES:
        names = [term.name[language].casefold() for term in GLOSSARY]
        assert {name for name in names if names.count(name) > 1} == set()


def test_no_alias_is_the_name_of_another_term() -> None:
    names = {term.name[language].casefold(): term.id for term in GLOSSARY for language in LANGUAGES}
    clashes = [
        (term.id, alias)
        for term in GLOSSARY
        for alias in term.aliases
        if names.get(alias.casefold(), term.id) != term.id
    ]
    assert clashes == []


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_written_in_both_languages(term: Term) -> None:
    assert re.search(r"[\u4e00-\u9fff]", term.definition.zh)
    assert not re.search(r"[\u3000-\u9fff\uff00-\uffef]", term.definition.en + term.more.en)
    assert term.definition.zh.endswith("。") or term.definition.zh.endswith("\uff1f")
    assert term.definition.en[-1] in ".?"
    assert bool(term.more.zh) == bool(term.more.en)
    assert halfwidth_faults(term.definition.zh) == []
    assert halfwidth_faults(term.more.zh) == []


@pytest.mark.parametrize("term", TERMS)
def test_a_term_leads_to_known_lessons_and_terms(term: Term) -> None:
    assert term.lessons
    assert [slug for slug in term.lessons if slug not in CURRICULUM] == []
    assert [other for other in term.see if other not in GLOSSARY or other == term.id] == []


@pytest.mark.filterwarnings("ignore:path is deprecated:DeprecationWarning")
@pytest.mark.parametrize("term", [item for item in TERMS if item.values[0].formula])  # type: ignore[union-attr]
def test_a_formula_can_be_typeset_and_its_symbols_are_explained(term: Term) -> None:
    import ziamath

    assert "<svg" in ziamath.Latex(term.formula).svg()
    assert term.more or term.id == "learning-rate"


def test_a_mistake_in_a_term_is_named(tmp_path: Path) -> None:
    path = tmp_path / "terms.toml"
    path.write_text('[Learning_Rate]\nname = { zh = "学习率", en = "lr" }\n', encoding="utf-8")
    with pytest.raises(CourseError, match="lower case"):
        load_glossary(tmp_path)
    path.write_text('[loss]\nname = { zh = "损失", en = "loss" }\n', encoding="utf-8")
    with pytest.raises(CourseError, match=r"loss\.definition"):
        load_glossary(tmp_path)


def test_chinese_and_english_readers_get_their_own_order() -> None:
    english = [term.name.en.casefold() for term in GLOSSARY.ordered("en")]
    assert english == sorted(english)
    chinese = [term.name.zh for term in GLOSSARY.ordered("zh")]
    assert len(chinese) == len(GLOSSARY)
    by_sound = ["Adam", "注意力", "过拟合", "困惑度", "损失函数", "词元", "梯度"]
    assert sorted(by_sound, key=chinese.index) == [
        *("Adam", "词元", "过拟合", "困惑度", "损失函数", "梯度", "注意力")
    ]
    assert {term.id for term in GLOSSARY.shown_in("gradient-descent")} >= {"gradient", "momentum"}
