"""Which terms a question names: by name or alias in either language, the longest names first.

Words are compared without spaces, hyphens and endings (“fine tuning”, “finetuned”), and one typing
mistake in a longer name is forgiven. Names that are also everyday words (“layer”, “temperature”)
count for ranking, but do not by themselves make a question one about the course. No torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desktop.course.glossary import Glossary
from desktop.course.search import fold

LONGEST = 5
"""Words of the longest name that is looked for."""
_WORDS = re.compile(r"[a-z0-9]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_SHORT_FORMS = {
    "lr": "learning-rate",
    "acc": "accuracy",
    "convnet": "cnn",
    "convolutional net": "cnn",
    "graph neural net": "gnn",
    "neural net": "neural-network",
    "backprop": "backpropagation",
    "attn": "attention",
    "multihead attn": "multi-head-attention",
    "params": "parameter",
    "hyperparams": "hyper-parameter",
    "llm": "large-language-model",
    "kmeans": "k-means",
    "qkv": "query-key-value",
    "kv": "kv-cache",
    "relu": "relu",
}
_EVERYDAY = frozenset(
    [
        "model",
        "layer",
        "feature",
        "bias",
        "weight",
        "noise",
        "seed",
        "prompt",
        "policy",
        "reward",
        "kernel",
        "residual",
        "temperature",
        "accuracy",
        "precision",
        "recall",
        "convergence",
        "sampling",
        "momentum",
        "attention",
        "iteration",
        "parameter",
        "alignment",
        "classification",
        "normalisation",
        "exploration",
        "divergence",
        "bandwidth",
        "memory",
        "curvature",
        "polynomial",
        "pooling",
        "position",
        "vocabulary",
        "adversarial",
        "function",
        "bandit",
        "saturation",
        "inference",
        "decoding",
        "distillation",
        "optimizer",
        "adam",
        "bert",
        "regression",
        "initialisation",
    ]
)
_BROAD = frozenset(
    [
        "model",
        "neural-network",
        "deep-learning",
        "machine-learning",
        "artificial-intelligence",
        "parameter",
        "layer",
        "large-language-model",
        "large-model",
        "language-model",
        "transformer",
        "gpt",
        "training-set",
        "weight",
        "token",
        "gradient",
        "optimizer",
        "classification",
        "neuron",
    ]
)


@dataclass(frozen=True)
class Mention:
    """A term named in a question: ``share`` is its part of what is named, less where much of the
    question is about something else; ``sure`` is false for everyday words."""

    id: str
    share: float
    sure: bool


class Mentions:
    """Every name of the glossary, ready to be looked for."""

    def __init__(self, glossary: Glossary) -> None:
        self._latin: dict[str, str] = {}
        self._chinese: dict[str, str] = {}
        for name, term in _SHORT_FORMS.items():
            if glossary.get(term) is not None:
                self._latin[_key(_WORDS.findall(name))] = term
        for entry in glossary:
            for name in (entry.name.zh, entry.name.en, *entry.aliases):
                folded = fold(name)
                if _CHINESE.search(folded):
                    self._chinese.setdefault("".join(folded.split()), entry.id)
                elif words := _WORDS.findall(folded):
                    self._latin.setdefault(_key(words), entry.id)
        self._by_start: dict[str, list[str]] = {}
        for key in self._latin:
            self._by_start.setdefault(key[:1], []).append(key)

    def find(self, question: str) -> tuple[Mention, ...]:
        """The named terms; a part of a longer name is not named by itself."""
        folded = fold(question)
        found = [*self._chinese_names(folded), *self._latin_names(_WORDS.findall(folded))]
        lengths: dict[str, float] = {}
        for term, length in found:
            lengths[term] = lengths.get(term, 0.0) + length
        whole = float(sum(2 if _CHINESE.match(one) else one.isalnum() for one in folded)) or 1.0
        if sum(lengths.values()) < 0.6 * whole:  # “an epoch in deep learning”: the epoch is meant
            lengths = {one: n * (0.35 if one in _BROAD else 1.0) for one, n in lengths.items()}
        total = max(sum(lengths.values()), 0.4 * whole)
        return tuple(
            Mention(one, n / total, one not in _EVERYDAY | _BROAD) for one, n in lengths.items()
        )

    def _chinese_names(self, text: str) -> Iterator[tuple[str, float]]:
        longest = max(map(len, self._chinese), default=0)
        text, at = "".join(text.split()), 0
        while at < len(text):
            sizes = range(min(longest, len(text) - at), 0, -1)
            name = next(
                (text[at : at + n] for n in sizes if text[at : at + n] in self._chinese), ""
            )
            if name:
                yield self._chinese[name], 2.0 * len(name)
            at += len(name) or 1

    def _latin_names(self, words: Sequence[str]) -> Iterator[tuple[str, float]]:
        at = 0
        while at < len(words):
            sizes = range(min(LONGEST, len(words) - at), 0, -1)
            named = ((n, self._named(words[at : at + n])) for n in sizes)
            size, term = next(((n, one) for n, one in named if one), (1, ""))
            if term:
                yield term, float(len("".join(words[at : at + size])))
            at += size

    def _named(self, words: Sequence[str]) -> str:
        key = _key(words)
        if key in self._latin:
            return self._latin[key]
        if len(key) < 7 or len(key) > 40:
            return ""
        same_start = self._by_start.get(key[:1], ())
        return next((self._latin[one] for one in same_start if _one_mistake(key, one)), "")


def _key(words: Sequence[str]) -> str:
    """The words as one, without the ending of the last."""
    joined = "".join(words)
    for ending in ("ings", "ing", "ies", "ed", "es", "s", "e", "y"):
        if len(joined) > len(ending) + 3 and joined.endswith(ending) and not joined.endswith("ss"):
            return joined[: -len(ending)]
    return joined


def _one_mistake(first: str, second: str) -> bool:
    """One letter added, left out, changed, or two neighbours swapped."""
    if abs(len(first) - len(second)) > 1 or len(second) < 6:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    a, b = first[start:], second[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[1::-1] + a[2:] == b and len(a) > 1)
