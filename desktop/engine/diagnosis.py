"""Why did this break? Detectors that lessons share, each with its evidence in numbers.

A detector looks at numbers the run really produced and returns a ``Finding`` or ``None``: what
happened, the evidence, and something to try. A lesson's ``diagnose`` lists the ones that apply::

    def diagnose(self, history):
        return findings(
            nonfinite(history, "loss", fix=lower(self.parameters, "learning_rate")),
            diverging(history, "loss", fix=lower(self.parameters, "learning_rate")),
            overfitting(history, "train_loss", "test_loss"),
            dead_units(self.layer_outputs()),
        )

The thresholds are judgements, not laws; each stands as a named argument with its default, so that a
lesson can say why it chose another. Imports numpy, no torch, no Qt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from desktop.bilingual import Bilingual
from desktop.engine.evidence import NOTHING, findings, lower, number, raise_
from desktop.engine.frames import Array, Finding
from desktop.engine.history import History
from desktop.engine.unit_diagnosis import (
    LayerOutputs,
    dead_mask,
    dead_units,
    exploding_gradient,
    saturated_mask,
    saturated_units,
    vanishing_gradient,
)

__all__ = [
    "LayerOutputs",
    "dead_mask",
    "dead_units",
    "diverging",
    "exploding_gradient",
    "findings",
    "gap",
    "lower",
    "nonfinite",
    "number",
    "overfitting",
    "plateau",
    "raise_",
    "saturated_mask",
    "saturated_units",
    "vanishing_gradient",
]


def nonfinite(history: History, *names: str, fix: Mapping[str, Any] = NOTHING) -> Finding | None:
    """A scalar that became infinite or NaN. Name scalars that are reported at every step."""
    for name in names:
        steps, values = history.series(name)
        broken = ~np.isfinite(values)
        if len(values) and np.isnan(values[0]):
            broken[0] = False  # not measured before the first step
        if not broken.any():
            continue
        first = int(np.argmax(broken))
        before = values[:first][np.isfinite(values[:first])]
        what = "NaN" if np.isnan(values[first]) else ("+∞" if values[first] > 0 else "−∞")
        step = int(steps[first])
        last = number(before[-1]) if len(before) else "–"
        return Finding(
            "nonfinite",
            "bad",
            Bilingual(
                f"第 {step} 步起，损失不再是一个数，而是 {what}。",
                f"From step {step} on, the loss is no longer a number: it is {what}.",
            ),
            Bilingual(
                f"此前最后一个有限值是 {last}。一旦出现 NaN 或无穷，它会随每次更新传遍所有参数。",
                f"The last finite value was {last}. "
                "Once there is a NaN or an infinity, each update spreads it to every parameter.",
            ),
            Bilingual(
                "多半是步子太大，数值溢出了。倒回到还正常的那一步，把学习率调小再继续。",
                "Usually the steps were too large and the numbers overflowed. Rewind to a step "
                "that was still healthy, lower the learning rate and go on from there.",
            ),
            fix,
            "divergence",
        )
    return None


def diverging(
    history: History, name: str = "loss", *, times: float = 3.0, fix: Mapping[str, Any] = NOTHING
) -> Finding | None:
    """The loss grows instead of shrinking: now ``times`` its start, or far above its best."""
    steps, values = _finite(history, name)
    if len(values) < 4:
        return None
    window = max(1, min(50, len(values) // 20))
    start, now = _middle(values[:window]), _middle(values[-window:])
    before = _middle(values[-2 * window : -window])
    smooth = _smooth(values, window)  # one lucky batch is not the best loss
    best, lowest = float(smooth.min()), int(steps[int(np.argmin(smooth)) + window // 2])
    scale = max(abs(start), 1e-12)
    climbed = now > times * scale or (now > start and now > 10 * max(abs(best), 1e-3 * scale))
    if not (climbed and now > before):
        return None
    return Finding(
        "diverging",
        "bad",
        Bilingual("损失在变大：训练正在发散。", "The loss is growing: training diverges."),
        Bilingual(
            f"一开始是 {number(start)}，最低是第 {lowest} 步的 {number(best)}，"
            f"第 {int(steps[-1])} 步已经是 {number(now)}。",
            f"It began at {number(start)}, was lowest at step {lowest} with {number(best)}, and is "
            f"{number(now)} at step {int(steps[-1])}.",
        ),
        Bilingual(
            "每一步都跨过了谷底，落到对面更高的坡上。把学习率调小，例如除以 10。",
            "Each step jumps across the valley and lands higher on the other side. Lower the "
            "learning rate, for instance to a tenth.",
        ),
        fix,
        "divergence",
    )


def plateau(
    history: History,
    name: str = "loss",
    *,
    at_least: int = 60,
    improvement: float = 0.01,
    good_enough: float = -math.inf,
    fix: Mapping[str, Any] = NOTHING,
) -> Finding | None:
    """The loss has hardly moved over the last third of the run and is still high.

    “Still high” is above ``good_enough`` and above a tenth of where it began.
    """
    steps, values = _finite(history, name)
    if len(values) < at_least:
        return None
    third = values[-len(values) // 3 :]
    half = len(third) // 2
    early, late = _middle(third[:half]), _middle(third[half:])
    if late <= max(good_enough, 0.1 * abs(float(values[0]))):
        return None
    if abs(early - late) > improvement * max(abs(early), 1e-12):
        return None
    return Finding(
        "plateau",
        "info",
        Bilingual("损失几乎不再下降。", "The loss has almost stopped falling."),
        Bilingual(
            f"从第 {int(steps[-len(third)])} 步到第 {int(steps[-1])} 步，"
            f"它只从 {number(early)} 变到 {number(late)}。",
            f"From step {int(steps[-len(third)])} to step {int(steps[-1])} it went from "
            f"{number(early)} to {number(late)}.",
        ),
        Bilingual(
            "可能是学习率太小，可能是停在平坦处或鞍点附近，"
            "也可能这个模型已经尽力了。依次试试：调大学习率、换一个优化器、让模型大一些。",
            "The learning rate may be too small, the path may rest on a flat stretch or near a "
            "saddle point, or this model can do no better. Try in this order: a larger learning "
            "rate, another optimizer, a larger model.",
        ),
        fix,
        "learning-curve",
    )


def overfitting(
    history: History,
    train: str = "train_loss",
    held_out: str = "test_loss",
    *,
    rise: float = 0.1,
    fix: Mapping[str, Any] = NOTHING,
) -> Finding | None:
    """The held-out loss rose by ``rise`` from its best while the training loss kept falling."""
    steps, train_loss, held_loss = _together(history, train, held_out)
    if len(steps) < 10:
        return None
    width = max(1, len(steps) // 50)
    train_loss, held_loss = _smooth(train_loss, width), _smooth(held_loss, width)
    best = int(np.argmin(held_loss))
    rose = held_loss[-1] > (1 + rise) * held_loss[best] and train_loss[-1] < train_loss[best]
    if not rose or len(held_loss) - best < 5:
        return None
    at = int(steps[min(best + width // 2, len(steps) - 1)])
    return Finding(
        "overfitting",
        "warning",
        Bilingual(
            "模型开始死记训练数据：这就是过拟合。",
            "The model has begun to memorise the training data: this is overfitting.",
        ),
        Bilingual(
            f"没见过的数据上，损失在第 {at} 步最低，为 {number(held_loss[best])}，"
            f"现在是 {number(held_loss[-1])}；训练损失却从 {number(train_loss[best])} "
            f"降到了 {number(train_loss[-1])}。",
            f"On data it has not seen, the loss was lowest at step {at} with "
            f"{number(held_loss[best])} and is {number(held_loss[-1])} now, while the training "
            f"loss fell from {number(train_loss[best])} to {number(train_loss[-1])}.",
        ),
        Bilingual(
            f"可以停在第 {at} 步附近（早停），加一点正则化，换小一些的模型，或者多找些数据。",
            f"Stop near step {at} (early stopping), add some regularisation, take a smaller model, "
            "or find more data.",
        ),
        fix,
        "overfitting",
    )


def gap(
    train_loss: float,
    held_out_loss: float,
    *,
    times: float = 2.0,
    fix: Mapping[str, Any] = NOTHING,
) -> Finding | None:
    """Two final losses, for models that are fitted at once and have no curve over steps."""
    if not (held_out_loss > times * train_loss and math.isfinite(held_out_loss)):
        return None
    ratio = number(held_out_loss / train_loss) if train_loss > 0 else "∞"
    return Finding(
        "overfitting",
        "warning",
        Bilingual(
            "模型在见过的点上比没见过的点上好得多：这就是过拟合。",
            "The model is much better on points it has seen than on new ones: overfitting.",
        ),
        Bilingual(
            f"训练误差 {number(train_loss)}，新数据上的误差 {number(held_out_loss)}，"
            f"是它的 {ratio} 倍。",
            f"The training error is {number(train_loss)}, the error on new data "
            f"{number(held_out_loss)}: {ratio} times as much.",
        ),
        Bilingual(
            "换更简单的模型，加正则化，或者增加数据点，看看差距会不会缩小。",
            "Take a simpler model, add regularisation or add points, and see whether the gap "
            "closes.",
        ),
        fix,
        "overfitting",
    )


def _finite(history: History, name: str) -> tuple[Array, Array]:
    steps, values = history.series(name)
    known = np.isfinite(values)
    return steps[known], values[known]


def _together(history: History, one: str, other: str) -> tuple[Array, Array, Array]:
    """The steps at which both scalars are known."""
    steps, first = history.series(one)
    _, second = history.series(other)
    if len(first) != len(second):
        return steps[:0], first[:0], second[:0]
    known = np.isfinite(first) & np.isfinite(second)
    return steps[known], first[known], second[known]


def _middle(values: Array) -> float:
    return float(np.median(values))


def _smooth(values: Array, width: int) -> Array:
    """Running mean over ``width`` rows, only where the window is full."""
    if width <= 1:
        return values
    sums = np.cumsum(np.insert(values, 0, 0.0))
    return (sums[width:] - sums[:-width]) / width
