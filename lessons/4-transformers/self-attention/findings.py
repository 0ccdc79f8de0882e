"""What can go wrong with one attention layer, said in words with the evidence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from desktop.bilingual import Bilingual
from desktop.engine.frames import Finding
from desktop.engine.history import History

if TYPE_CHECKING:
    from .experiment import SelfAttention

SATURATED = 0.9
PEEKING = 0.2


def find(experiment: SelfAttention, history: History) -> list[Finding]:
    """All findings that hold now."""
    losses = history.series("loss")[1]
    if not len(losses):
        return []
    found = [broken(losses), saturated(experiment), peeking(experiment, losses), bouncing(losses)]
    return [finding for finding in found if finding is not None]


def broken(losses: object) -> Finding | None:
    """A loss that is no number any more."""
    last = float(losses[-1])  # type: ignore[index]
    if math.isfinite(last):
        return None
    return Finding(
        "non-finite",
        "bad",
        Bilingual("损失已经不是一个数了。", "The loss is no number any more."),
        Bilingual(f"最后一步的损失是 {last}。", f"The last loss is {last}."),
        Bilingual("把学习率调小，重新开始。", "Lower the learning rate and start again."),
        {"learning_rate": 0.02},
        term="divergence",
    )


def saturated(experiment: SelfAttention) -> Finding | None:
    """Softmax that gives nearly everything to one word because the scores are too large."""
    if experiment.parameters.scaled:
        return None
    inside = experiment.inside()
    rows = inside.allowed.sum(-1) > 1
    if not bool(rows.any()):
        return None
    peak = float(inside.found.weights[:, rows].amax(-1).mean())
    size = experiment.model.size
    if peak < SATURATED:
        return None
    spread = float(torch.std(inside.found.scores))
    return Finding(
        "saturated",
        "warning",
        Bilingual(
            "softmax 饱和了：几乎每个词都只看一个词。",
            "Softmax is saturated: nearly every word looks at one word only.",
        ),
        Bilingual(
            f"每行最大的权重平均是 {peak:.3f}；得分的标准差是 {spread:.3g}，d = {size}。",
            f"The largest weight of a row is {peak:.3f} on average; the scores have a standard deviation of {spread:.3g} at d = {size}.",
        ),
        Bilingual(
            "饱和的 softmax 梯度接近 0，学得很慢。试试除以 √d。",
            "A saturated softmax passes on almost no gradient and learns slowly. Try dividing by √d.",
        ),
        {"scaled": True},
        term="softmax",
    )


def peeking(experiment: SelfAttention, losses: object) -> Finding | None:
    """A low loss without the mask: the next word was in sight."""
    last = float(losses[-1])  # type: ignore[index]
    if experiment.parameters.causal or not last < PEEKING:
        return None
    return Finding(
        "peeking",
        "warning",
        Bilingual(
            "损失这么低，是因为答案就在眼前。",
            "The loss is this low because the answer is in plain sight.",
        ),
        Bilingual(
            f"没有掩码，损失是 {last:.3f}：每个词都能直接看到它要预测的下一个词。",
            f"Without the mask the loss is {last:.3f}: each word sees the very word that it should predict.",
        ),
        Bilingual(
            "打开因果掩码，再看损失能降到多少。",
            "Switch the causal mask on and see how low it gets.",
        ),
        {"causal": True},
        term="causal-mask",
    )


def bouncing(losses: object) -> Finding | None:
    """A loss that ends well above where it started or has been."""
    values = list(losses)[-30:]  # type: ignore[call-overload]
    if len(values) < 30 or not values[-1] > 1.5 * min(values) + 0.5:
        return None
    return Finding(
        "unstable",
        "warning",
        Bilingual("损失在往回跳。", "The loss is jumping back up."),
        Bilingual(
            f"最近 30 步里它到过 {min(values):.3f}，现在是 {values[-1]:.3f}。",
            f"Within the last 30 steps it was down to {min(values):.3f}; now it is {values[-1]:.3f}.",
        ),
        Bilingual(
            "学习率可能太大，试着除以 10。", "The learning rate may be too high: divide it by 10."
        ),
        {"learning_rate": 0.02},
        term="learning-rate",
    )
