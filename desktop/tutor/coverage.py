"""Whether the course covers a question at all, from what the search found. No torch.

A logistic regression over a few numbers of the best match, by language; ``desktop.tutor.calibrate`` fits it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from desktop.bilingual import Language
from desktop.tutor.retrieval import Match

DECISION: dict[Language, tuple[float, ...]] = {
    "zh": (0.717, 0.62, 1.315, 0.16, -0.297, -2.667),
    "en": (1.464, 0.448, 0.659, 0.126, -0.356, -3.464),
}
"""Weights of the best match's covered part, of how familiar the question sounds, of a named term, of
the lead over what lies outside and of how strange it is to the matcher, and bias: from
``desktop.tutor.calibrate``."""
COVERED: dict[Language, float] = {"zh": 0.3, "en": 0.3}
"""From this probability on, a question counts as one about the course."""
_UNFAMILIAR = -1.0


def decisive(match: Match) -> tuple[float, ...]:
    """What the decision about a question looks at, in the order of ``DECISION``."""
    return match.covered, match.familiar, float(match.named), match.lead, match.strange


def is_outside(matches: Sequence[Match], lang: Language) -> bool:
    """Whether a question with these best matches lies outside the course."""
    if not matches or matches[0].record.kind == "outside":
        return True
    best = matches[0]
    if best.known:
        return False
    signs = (*decisive(best), 1.0)
    logit = sum(weight * sign for weight, sign in zip(DECISION[lang], signs, strict=True))
    return 1 / (1 + math.exp(-logit)) < COVERED[lang]


def from_elsewhere(best: Match) -> bool:
    """Whether a question sounds so little of the course (“and how do I cook rice?”) that it follows up
    nothing, nor is about the lesson that is open."""
    return best.familiar <= _UNFAMILIAR and best.strange >= 0
