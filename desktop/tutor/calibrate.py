"""Fits what the search and “this lies outside the course” go by: ``python -m desktop.tutor.calibrate``.

Every fourth wording of the data files is asked as if it had never been written: its record is searched
without it, by a matcher that was trained without it. Half of the records of what lies outside the course are
unknown to the index and the matcher, each half once. The weights of the signals make the right record,
or one about the same, as likely as possible: a softmax over all records, both languages together. Then, by
language, a logistic regression over a few numbers of the best match decides whether the course covers a
question, with the unknown half as what lies outside. Prints what belongs into ``retrieval`` and
``coverage``, how often the right record comes first or among two, and what the decision loses. Takes some
minutes. Imports torch; the held-out questions are never read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from desktop import paths, tutor
from desktop.bilingual import LANGUAGES, Language
from desktop.course.glossary import Glossary, load_glossary
from desktop.tutor.coverage import decisive
from desktop.tutor.records import Record, load_records, same_topic
from desktop.tutor.retrieval import BY_HAND, SIGNALS, WEIGHTS, Index, Match
from desktop.tutor.train_matcher import train

EVERY = 4
"""One wording in so many is asked."""
Asked = tuple[str, Record]
Signs = tuple[float, ...]


def wordings(records: Iterable[Record], every: int = EVERY) -> list[Asked]:
    """Questions and the records that they belong to."""
    return [(question, one) for one in records for question in one.questions][::every]


@dataclass(frozen=True)
class Trial:
    """An index that knows half of what lies outside, questions that it should find the record of, and
    questions from elsewhere of a sort that it does not know."""

    index: Index
    asked: tuple[Asked, ...]
    strange: tuple[str, ...]


def trials(records: Sequence[Record], lang: Language, glossary: Glossary) -> list[Trial]:
    """One for each half of the records of one language that are outside the course."""
    outside = [one for one in records if one.kind == "outside"]
    found = []
    for half in range(2):
        unknown = outside[1 - half :: 2]
        known = [one for one in records if one not in unknown]
        asked = wordings(known)
        matcher = train(known, glossary, {question for question, _ in asked})
        strange = [question for one in unknown for question in one.questions]
        index = Index(known, lang, glossary, matcher)
        found.append(Trial(index, tuple(asked[half::2]), tuple(strange)))
    return found


# ---- the search


def signals_of(trial: Trial) -> tuple[torch.Tensor, torch.Tensor]:
    """(questions, records, signals), each question left out, and which records are right."""
    index, asked = trial.index, trial.asked
    signals = np.stack([index.signals(question, record) for question, record in asked])
    right = [[same_topic(record, one) for one in index.records] for _, record in asked]
    return torch.tensor(signals, dtype=torch.float32), torch.tensor(right)


def fitted_weights(samples: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """The weights under which the right records are most likely, one sample a trial."""
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


def signs_of(trial: Trial) -> tuple[list[Signs], list[Signs]]:
    """What the decision would look at, of questions about the course and of those from elsewhere."""
    course = [one for one in trial.asked if one[1].kind != "outside"]
    inside = [trial.index.search(question, 1, but=record) for question, record in course]
    outside = [trial.index.search(question, 1) for question in trial.strange]
    return _signs(inside), _signs(outside)


def _signs(found: Iterable[Sequence[Match]]) -> list[Signs]:
    return [decisive(match) for matches in found for match in matches]


def fitted_decision(inside: Sequence[Signs], outside: Sequence[Signs]) -> torch.Tensor:
    """Weights and, last, bias of a logistic regression in which both sides weigh the same."""
    x = torch.tensor([[*one, 1.0] for one in (*inside, *outside)])
    y = torch.tensor([1.0] * len(inside) + [0.0] * len(outside))
    share = torch.where(y > 0, 0.5 / len(inside), 0.5 / len(outside))
    weights = torch.zeros(x.shape[1], requires_grad=True)

    def loss() -> torch.Tensor:
        each = F.binary_cross_entropy_with_logits(x @ weights, y, reduction="none")
        return (each * share).sum() + 1e-4 * (weights[:-1] ** 2).sum()

    return minimized(weights, loss)


def report(tried: Sequence[Trial], lang: Language) -> dict[str, object]:
    """The decision of one language and what it would lose at several levels."""
    signs = [signs_of(trial) for trial in tried]
    inside = [one for here, _ in signs for one in here]
    outside = [one for _, elsewhere in signs for one in elsewhere]
    weights = fitted_decision(inside, outside)

    def chances(features: Sequence[Signs]) -> torch.Tensor:
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
    tried = {
        lang: trials([one for one in records if one.lang == lang], lang, glossary)
        for lang in LANGUAGES
    }
    samples = {lang: [signals_of(trial) for trial in tried[lang]] for lang in LANGUAGES}
    weights = fitted_weights([one for found in samples.values() for one in found])
    print(json.dumps({"weights": [round(weight, 2) for weight in weights.tolist()]}))
    for lang in LANGUAGES:
        for (signals, right), trial in zip(samples[lang], tried[lang], strict=True):
            print(json.dumps({"lang": lang, **hits(signals, right, trial.asked, weights)}))
    WEIGHTS[:] = weights.tolist()  # what the decision is then about
    for lang in LANGUAGES:
        print(json.dumps(report(tried[lang], lang)))


if __name__ == "__main__":
    main()
