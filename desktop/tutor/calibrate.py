"""Fits what the search and “this lies outside the course” go by: ``python -m desktop.tutor.calibrate``.

Each wording of the data files is asked as if it had never been written (its record is searched
without it). The weights of the signals make the right record, or one about the same, as likely as
possible: a softmax over all records, both languages together. Then, by language, a logistic regression
over a few numbers of the best match decides whether the course covers a question; for that, the
questions from elsewhere are asked of an index that knows only the other half of them. Prints what
belongs into ``retrieval`` and ``grounding``, how often the right record comes first or among two, and
what the decision loses. Imports torch; the held-out questions are never read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from desktop import paths, tutor
from desktop.bilingual import LANGUAGES, Language
from desktop.course.glossary import Glossary, load_glossary
from desktop.tutor.records import Record, load_records
from desktop.tutor.retrieval import BY_HAND, SIGNALS, WEIGHTS, Index, Match

EVERY = 4
"""One wording in so many is asked."""
Asked = tuple[str, Record]


def wordings(records: Sequence[Record], every: int = EVERY) -> list[Asked]:
    """Questions and the records that they belong to."""
    return [(question, one) for one in records for question in one.questions][::every]


def same_topic(wanted: Record, found: Record) -> bool:
    """Whether an answer is about what was asked: the same record, a shared term or lesson, or both
    about something outside."""
    if wanted.kind == found.kind == "outside":
        return True
    return wanted is found or bool(set(wanted.ids) & set(found.ids))


# ---- the search


def signals_of(index: Index, asked: Sequence[Asked]) -> tuple[torch.Tensor, torch.Tensor]:
    """(questions, records, signals), each question left out, and which records are right."""
    signals = np.stack([index.signals(question, record) for question, record in asked])
    right = [[same_topic(record, one) for one in index.records] for _, record in asked]
    return torch.tensor(signals, dtype=torch.float32), torch.tensor(right)


def fitted_weights(samples: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """The weights under which the right records are most likely, one sample a language."""
    free = torch.tensor([float(name not in BY_HAND) for name in SIGNALS])
    given = torch.tensor(WEIGHTS, dtype=torch.float32) * (1 - free)
    weights = free.clone().requires_grad_()

    def loss() -> torch.Tensor:
        total = 1e-4 * (weights**2).sum()
        for signals, right in samples:
            scores = signals @ (weights * free + given)
            wanted = scores.masked_fill(~right, -torch.inf).logsumexp(1)
            total = total + (scores.logsumexp(1) - wanted).mean()
        return total

    return minimized(weights, loss) * free + given


def minimized(weights: torch.Tensor, loss: Callable[[], torch.Tensor]) -> torch.Tensor:
    """The weights at the minimum of a smooth, convex loss."""
    optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        value = loss()
        torch.autograd.backward([value])
        return value.item()

    optimizer.step(closure)
    return weights.detach()


def hits(
    signals: torch.Tensor, right: torch.Tensor, asked: Sequence[Asked], weights: torch.Tensor
) -> dict[str, dict[str, float]]:
    """By kind, how often a right record comes first, and among the first two."""
    best = (signals @ weights).topk(2, dim=1).indices
    found = right.gather(1, best)
    kinds = np.array([record.kind for _, record in asked])
    return {
        kind: {
            "first": round(found[kinds == kind, 0].float().mean().item(), 3),
            "two": round(found[kinds == kind].any(1).float().mean().item(), 3),
        }
        for kind in dict.fromkeys(kinds.tolist())
    }


# ---- outside the course


def features_of(match: Match) -> list[float]:
    """What the decision looks at, in the order of ``grounding.DECISION``."""
    return [match.covered, match.familiar, float(match.named), match.lead]


def asked_anew(
    records: Sequence[Record], lang: Language, glossary: Glossary
) -> tuple[list[list[float]], list[list[float]]]:
    """Features of questions from inside and from outside the course."""
    inside = [one for one in records if one.kind != "outside"]
    outside = [one for one in records if one.kind == "outside"]
    kept: list[list[float]] = []
    strange: list[list[float]] = []
    for half in range(2):
        index = Index([*inside, *outside[half::2]], lang, glossary)
        for question, record in wordings(inside)[half::2]:
            kept += [features_of(one) for one in index.search(question, 1, but=record)]
        for question, _ in wordings(outside[1 - half :: 2], 1):
            strange += [features_of(one) for one in index.search(question, 1)]
    return kept, strange


def fitted_decision(inside: list[list[float]], outside: list[list[float]]) -> torch.Tensor:
    """Weights and, last, bias of a logistic regression in which both sides weigh the same."""
    x = torch.tensor([[*one, 1.0] for one in inside + outside])
    y = torch.tensor([1.0] * len(inside) + [0.0] * len(outside))
    share = torch.where(y > 0, 0.5 / len(inside), 0.5 / len(outside))
    weights = torch.zeros(x.shape[1], requires_grad=True)

    def loss() -> torch.Tensor:
        each = F.binary_cross_entropy_with_logits(x @ weights, y, reduction="none")
        return (each * share).sum() + 1e-4 * (weights[:-1] ** 2).sum()

    return minimized(weights, loss)


def report(records: Sequence[Record], lang: Language, glossary: Glossary) -> dict[str, object]:
    """The decision of one language and what it would lose at several levels."""
    inside, outside = asked_anew(records, lang, glossary)
    weights = fitted_decision(inside, outside)

    def chances(features: list[list[float]]) -> torch.Tensor:
        return torch.sigmoid(torch.tensor([[*one, 1.0] for one in features]) @ weights)

    levels = {
        level: {
            "outside_declined": round((chances(outside) < level).float().mean().item(), 3),
            "inside_lost": round((chances(inside) < level).float().mean().item(), 3),
        }
        for level in (0.2, 0.3, 0.4, 0.5, 0.6)
    }
    return {"lang": lang, "decision": [round(w, 3) for w in weights.tolist()], "at": levels}


def main() -> None:
    """Fit everything and print it."""
    records = load_records(tutor.data_folder())
    glossary = load_glossary(paths.resources() / "glossary")
    by_language = {lang: [one for one in records if one.lang == lang] for lang in LANGUAGES}
    asked = {lang: wordings(by_language[lang]) for lang in LANGUAGES}
    samples = {
        lang: signals_of(Index(by_language[lang], lang, glossary), asked[lang])
        for lang in LANGUAGES
    }
    weights = fitted_weights(list(samples.values()))
    print(json.dumps({"weights": [round(weight, 2) for weight in weights.tolist()]}))
    for lang in LANGUAGES:
        print(json.dumps({"lang": lang, **hits(*samples[lang], asked[lang], weights)}))
    WEIGHTS[:] = weights.tolist()  # what the decision is then about
    for lang in LANGUAGES:
        print(json.dumps(report(by_language[lang], lang, glossary)))


if __name__ == "__main__":
    main()
