"""Chooses what decides “this lies outside the course”: ``python -m desktop.tutor.calibrate``.

Each wording of the data files is asked as if it had never been written (the index leaves it out);
questions from elsewhere are asked of an index without their own record. Three numbers of the best match
(its score, how much of the question occurs in the course, whether a term is named) go into a logistic regression, fitted
here by plain gradient descent. Prints the weights for ``grounding`` and, by language, how often the
right record comes first or among three, and what the decision loses. Imports torch; the held-out
questions are never read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from desktop import paths
from desktop.bilingual import LANGUAGES, Language
from desktop.course.glossary import load_glossary
from desktop.tutor.records import Record, load_records
from desktop.tutor.retrieval import Index, Match

Features = list[float]


def features_of(matches: Sequence[Match]) -> Features:
    """What the decision looks at: score of the best match and how much of the question is known,
    and whether it names a term."""
    if not matches:
        return [0.0, 0.0, 0.0]
    return [matches[0].score, matches[0].known, float(matches[0].named)]


def asked_anew(
    index: Index, every: int = 3
) -> tuple[list[Features], dict[str, list[tuple[bool, bool]]]]:
    """One wording in ``every``, left out of the index: features, and first/among three by kind."""
    found: list[Features] = []
    right: dict[str, list[tuple[bool, bool]]] = {}
    pairs = [(record, wording) for record in index.records for wording in record.questions]
    for record, wording in pairs[::every]:
        if record.kind in ("about", "outside"):
            continue
        matches = index.search(wording, 3, but=wording)
        hits = [same_topic(record, match.record) for match in matches]
        found.append(features_of(matches))
        right.setdefault(record.kind, []).append((hits[:1] == [True], any(hits)))
    return found, right


def same_topic(wanted: Record, found: Record) -> bool:
    """Whether an answer is about what was asked: the same record, or a shared term or lesson."""
    return wanted is found or bool(set(wanted.ids) & set(found.ids))


def fitted(inside: list[Features], outside: list[Features]) -> tuple[list[float], float]:
    """Weights and bias of a logistic regression in which both sides weigh the same."""
    x = torch.tensor(inside + outside)
    y = torch.tensor([1.0] * len(inside) + [0.0] * len(outside))
    share = torch.where(y > 0, 0.5 / len(inside), 0.5 / len(outside))
    weights = torch.zeros(x.shape[1] + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = x @ weights[:-1] + weights[-1]
        loss = (F.binary_cross_entropy_with_logits(logits, y, reduction="none") * share).sum()
        loss = loss + 1e-3 * (weights[:-1] ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    *slopes, bias = weights.detach().tolist()
    return slopes, bias


def report(lang: Language, records: Sequence[Record]) -> dict[str, object]:
    """Everything printed for one language."""
    glossary = load_glossary(paths.resources() / "glossary")
    index = Index([one for one in records if one.kind != "outside"], lang, glossary)
    inside, right = asked_anew(index)
    elsewhere = [one for one in records if one.kind == "outside" and one.lang == lang]
    outside = [
        features_of(index.search(question, 1)) for one in elsewhere for question in one.questions
    ]
    weights, bias = fitted(inside, outside)

    def chance(x: Features) -> float:
        total = sum(weight * value for weight, value in zip(weights, x, strict=True)) + bias
        return float(torch.sigmoid(torch.tensor(total)))

    levels = {
        level: {
            "outside_declined": _share([chance(x) < level for x in outside]),
            "inside_lost": _share([chance(x) < level for x in inside]),
        }
        for level in (0.3, 0.4, 0.5, 0.6)
    }
    return {
        "lang": lang,
        "weights": [round(weight, 3) for weight in weights],
        "bias": round(bias, 3),
        "first": {kind: _share([one for one, _ in hits]) for kind, hits in right.items()},
        "among_three": {kind: _share([three for _, three in hits]) for kind, hits in right.items()},
        "at": levels,
    }


def _share(values: Sequence[bool]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0


if __name__ == "__main__":
    everything = load_records(paths.resources() / "tutor" / "data")
    for language in LANGUAGES:
        print(json.dumps(report(language, everything), ensure_ascii=False))
