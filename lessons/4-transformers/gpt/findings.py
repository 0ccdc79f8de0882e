"""What can go wrong in training a small GPT: the shared detectors, and one of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from desktop.bilingual import Bilingual
from desktop.engine import diagnosis
from desktop.engine.frames import Finding
from desktop.engine.history import History

if TYPE_CHECKING:
    from .experiment import SmallGpt

GOOD_RATE = 0.003
FAST_RATE = 0.03
RECENT = 10


def find(experiment: SmallGpt, history: History) -> list[Finding]:
    """Broken, worse than guessing, stuck because of a high learning rate, overfitted."""
    rate = experiment.parameters.learning_rate
    slower = {"learning_rate": GOOD_RATE} if rate > GOOD_RATE else {}
    stuck = diagnosis.plateau(history, "loss", fix=slower) if rate >= FAST_RATE else None
    return diagnosis.findings(
        diagnosis.nonfinite(history, "loss", fix=slower),
        worse_than_guessing(history, experiment.model.config.vocab_size, slower),
        stuck,
        diagnosis.overfitting(history, "train_loss", "heldout_loss"),
    )


def worse_than_guessing(
    history: History, vocabulary: int, slower: dict[str, float]
) -> Finding | None:
    """A loss above ln(vocabulary): rolling dice over all tokens would do better."""
    values = history.series("loss")[1]
    if len(values) < 2 * RECENT:
        return None
    now, blind = float(np.median(values[-RECENT:])), math.log(vocabulary)
    if not now > 1.02 * blind:
        return None
    return Finding(
        "diverging",
        "bad",
        Bilingual(
            "模型现在比瞎猜还差：训练发散了。",
            "The model is now worse than blind guessing: training diverged.",
        ),
        Bilingual(
            f"最近 {RECENT} 步损失的中位数是 {now:.3f}；在 {vocabulary} 个词元里瞎猜只有 ln {vocabulary} = {blind:.3f}。",
            f"The median of the last {RECENT} losses is {now:.3f}; blind guessing among {vocabulary} tokens has ln {vocabulary} = {blind:.3f}.",
        ),
        Bilingual(
            "学习率太大。倒回到发散之前，或者用小的学习率重新开始。",
            "The learning rate is too high. Rewind to before it broke, or start again with a smaller one.",
        ),
        slower,
        term="divergence",
    )
