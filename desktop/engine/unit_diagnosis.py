"""Detectors that look inside a network: dead and saturated units, gradients that vanish or explode.

Part of ``desktop.engine.diagnosis``, which lessons import. Imports numpy, no torch, no Qt.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from desktop.bilingual import Bilingual
from desktop.engine.evidence import NOTHING, Severity, number
from desktop.engine.frames import Array, Finding

# ------------------------------------------------------------------------------------------------
# From what the units put out


@dataclass(frozen=True)
class LayerOutputs:
    """What one layer put out: ``outputs`` (examples, units), and what the learner calls the layer."""

    label: Bilingual
    outputs: Array


def dead_mask(outputs: Array) -> Array:
    """(units,) True where a unit puts out exactly 0 for every example."""
    return np.all(np.asarray(outputs) == 0, axis=0)


def saturated_mask(
    outputs: Array, low: float = -1.0, high: float = 1.0, *, edge: float = 0.02, share: float = 0.95
) -> Array:
    """(units,) True where ``share`` of the outputs lie within ``edge`` of the range's ends."""
    values = np.asarray(outputs)
    margin = edge * (high - low)
    at_end = (values <= low + margin) | (values >= high - margin)
    return at_end.mean(axis=0) >= share


def dead_units(
    layers: Iterable[LayerOutputs], *, share: float = 0.1, fix: Mapping[str, Any] = NOTHING
) -> Finding | None:
    """ReLU units that are 0 for every example: at least ``share`` of all, or a whole layer."""
    layers = list(layers)
    count = _count(layers, [dead_mask(layer.outputs) for layer in layers])
    if count.total == 0 or (count.found < share * count.total and not count.whole_layer):
        return None
    examples = len(layers[0].outputs)
    severity: Severity = "bad" if count.whole_layer or count.found >= count.total / 2 else "warning"
    return Finding(
        "dead-relu",
        severity,
        Bilingual(
            f"{count.total} 个 ReLU 神经元里有 {count.found} 个已经死了。",
            f"{count.found} of {count.total} ReLU units are dead.",
        ),
        Bilingual(
            f"对全部 {examples} 个样本，它们的输出都是 0，梯度也就是 0，再训练也不会醒来"
            f"（{count.places.zh}）。",
            f"For all {examples} examples they put out 0, so their gradient is 0 and training "
            f"cannot wake them ({count.places.en}).",
        ),
        Bilingual(
            "整层都死时，它前面的层也收不到梯度。换一个随机种子或更小的学习率重新开始，"
            "或者改用 tanh、Leaky ReLU。",
            "Once a whole layer is dead, the layers before it get no gradient either. Start again "
            "with another seed or a smaller learning rate, or use tanh or leaky ReLU.",
        ),
        fix,
        "dead-relu",
    )


def saturated_units(
    layers: Iterable[LayerOutputs],
    low: float = -1.0,
    high: float = 1.0,
    *,
    share: float = 0.5,
    fix: Mapping[str, Any] = NOTHING,
) -> Finding | None:
    """Sigmoid or tanh units that sit at the ends of their range for nearly every example."""
    layers = list(layers)
    count = _count(layers, [saturated_mask(layer.outputs, low, high) for layer in layers])
    if count.total == 0 or count.found < share * count.total:
        return None
    return Finding(
        "saturation",
        "warning",
        Bilingual(
            f"{count.total} 个神经元里有 {count.found} 个饱和了。",
            f"{count.found} of {count.total} units are saturated.",
        ),
        Bilingual(
            f"对 95% 以上的样本，它们的输出都贴着 {low:g} 或 {high:g}。"
            f"那里曲线是平的，梯度接近 0（{count.places.zh}）。",
            f"For 95% of the examples or more they put out {low:g} or {high:g}, where the curve is "
            f"flat and the gradient nearly 0 ({count.places.en}).",
        ),
        Bilingual(
            "让权重小一些：缩小初始值，加 L2 正则化，或把输入的尺度调到 1 左右。",
            "Keep the weights smaller: start smaller, add L2 regularisation, or scale the inputs "
            "to about 1.",
        ),
        fix,
        "vanishing-gradient",
    )


@dataclass(frozen=True)
class _Count:
    found: int
    total: int
    whole_layer: bool
    places: Bilingual


def _count(layers: Sequence[LayerOutputs], masks: Sequence[Array]) -> _Count:
    places = [(layer.label, int(m.sum()), len(m)) for layer, m in zip(layers, masks, strict=True)]
    hit = [(label, found, total) for label, found, total in places if found]
    return _Count(
        found=sum(found for _, found, _ in places),
        total=sum(total for _, _, total in places),
        whole_layer=any(found == total for _, found, total in hit),
        places=Bilingual(
            "，".join(f"{label.zh} {found}/{total}" for label, found, total in hit),
            ", ".join(f"{label.en} {found}/{total}" for label, found, total in hit),
        ),
    )


# ------------------------------------------------------------------------------------------------
# From the gradients


def vanishing_gradient(
    norms: Sequence[float],
    labels: Sequence[Bilingual],
    *,
    ratio: float = 1e-3,
    fix: Mapping[str, Any] = NOTHING,
) -> Finding | None:
    """Gradients that fade on their way back: the first layer's is below ``ratio`` of the last's.

    ``norms`` are root mean squares of each layer's weight gradient, from the input to the output;
    a mean, so that a wide layer does not look stronger than a narrow one.
    """
    if len(norms) < 2 or not all(map(math.isfinite, norms)) or norms[-1] <= 0:
        return None
    if norms[0] >= ratio * norms[-1]:
        return None
    times = number(norms[-1] / norms[0]) if norms[0] > 0 else "∞"
    return Finding(
        "vanishing-gradient",
        "warning",
        Bilingual(
            "梯度传到前面的层时几乎消失了。",
            "The gradient has almost vanished by the time it reaches the first layers.",
        ),
        Bilingual(
            f"{labels[-1].zh}的梯度平均大小是 {number(norms[-1])}，{labels[0].zh}只有 "
            f"{number(norms[0])}，相差 {times} 倍。",
            f"The gradient's mean size is {number(norms[-1])} in {labels[-1].en} and "
            f"{number(norms[0])} in {labels[0].en}: {times} times smaller.",
        ),
        Bilingual(
            "前面的层因此几乎学不动。试试 ReLU、更少的层，或者加上残差连接与归一化。",
            "So the first layers hardly learn. Try ReLU, fewer layers, or residual connections and "
            "normalisation.",
        ),
        fix,
        "vanishing-gradient",
    )


def exploding_gradient(
    norms: Sequence[float],
    labels: Sequence[Bilingual],
    *,
    limit: float = 1e3,
    fix: Mapping[str, Any] = NOTHING,
) -> Finding | None:
    """A layer's gradient is larger than ``limit`` (root mean square) or not finite."""
    if not len(norms):
        return None
    sizes = [norm if math.isfinite(norm) else math.inf for norm in norms]
    worst = int(np.argmax(sizes))
    if sizes[worst] <= limit:
        return None
    return Finding(
        "exploding-gradient",
        "bad",
        Bilingual("梯度爆炸了。", "The gradient has exploded."),
        Bilingual(
            f"{labels[worst].zh}的梯度平均大小是 {number(sizes[worst])}。",
            f"The gradient's mean size in {labels[worst].en} is {number(sizes[worst])}.",
        ),
        Bilingual(
            "把学习率调小，或者把梯度裁剪到一个上限，例如 1。",
            "Lower the learning rate, or clip the gradient to a limit such as 1.",
        ),
        fix,
        "gradient",
    )
