"""Why did this break? What the playground can tell about a run, with the evidence.

The detectors shared by all lessons are in ``desktop/engine/diagnosis.py``; here are those that only
make sense for a small network on the plane.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop.bilingual import Bilingual
from desktop.engine.diagnosis import (
    LayerOutputs,
    dead_mask,
    dead_units,
    diverging,
    findings,
    lower,
    nonfinite,
    overfitting,
    plateau,
    saturated_mask,
    saturated_units,
    vanishing_gradient,
)
from desktop.engine.frames import Finding
from desktop.engine.history import History

from .parameters import Parameters
from .training import Training

Array = NDArray[Any]

GOOD_ENOUGH = 0.05
"""A loss below this is no plateau worth speaking of."""


def layer_outputs(training: Training) -> list[LayerOutputs]:
    """What every hidden unit puts out for every point."""
    step = training.pass_for(len(training.every_x))
    step.forward(training.every_x.T)
    return [
        LayerOutputs(Bilingual(f"隐藏层 {k + 1}", f"hidden layer {k + 1}"), A[:-1].T.copy())
        for k, A in enumerate(step.A)
    ]


def stuck_units(training: Training) -> list[tuple[Bilingual, Array]]:
    """Per hidden layer, (units,) True for units that learn nothing any more: dead or saturated."""
    outputs = layer_outputs(training)
    if len(training.every_x) == 0:
        return [(layer.label, np.zeros(layer.outputs.shape[1], bool)) for layer in outputs]
    name = training.network.activation.__name__
    if name == "Relu":
        return [(layer.label, dead_mask(layer.outputs)) for layer in outputs]
    if name in ("Tanh", "Sigmoid"):
        low = -1.0 if name == "Tanh" else 0.0
        return [(layer.label, saturated_mask(layer.outputs, low, 1.0)) for layer in outputs]
    return [(layer.label, np.zeros(layer.outputs.shape[1], bool)) for layer in outputs]


def diagnose(training: Training, parameters: Parameters, history: History) -> list[Finding]:
    """Everything that is wrong with the run, worst first."""
    if len(training.every_x) == 0:
        return []
    slower = lower(parameters, "learning_rate")
    outputs = layer_outputs(training)
    bounded = {"tanh": -1.0, "sigmoid": 0.0}.get(parameters.activation)
    stuck = (
        straight_border(training, parameters, history)
        or symmetry(training, parameters)
        or saturated_output(training, parameters, history)
    )
    return findings(
        nonfinite(history, "train_loss", fix=slower),
        diverging(history, "train_loss", fix=slower),
        dead_units(outputs, fix={"activation": "leaky_relu"})
        if parameters.activation == "relu"
        else None,
        saturated_units(outputs, bounded, 1.0, fix=slower) if bounded is not None else None,
        vanishing(training) if len(outputs) > 1 else None,
        stuck or plateau(history, "train_loss", good_enough=GOOD_ENOUGH),
        memorising(parameters, history),
    )


def memorising(parameters: Parameters, history: History) -> Finding | None:
    """Overfitting, unless the test loss is so small that its rise means nothing."""
    _, losses = history.series("test_loss")
    if not len(losses) or not losses[-1] > 2 * GOOD_ENOUGH:
        return None
    fix = {"regularisation": "l2"} if parameters.regularisation == "none" else {}
    return overfitting(history, fix=fix)


def vanishing(training: Training) -> Finding | None:
    """Root mean square of the gradient, layer by layer, over all training points."""
    data = training.data
    training.compute_gradient(data.x_train.T, data.y_train)
    sizes = [float(np.sqrt(np.mean(np.square(dW[:, :-1])))) for dW in training.network.dW]
    labels = [
        Bilingual(f"第 {k + 1} 组权重", f"weights {k + 1}") for k in range(len(training.network.W))
    ]
    return vanishing_gradient(sizes, labels, fix={"activation": "relu"})


def straight_border(training: Training, parameters: Parameters, history: History) -> Finding | None:
    """The network can only draw a straight border, and that is not enough here."""
    flat = not parameters.hidden or parameters.activation == "linear"
    _, losses = history.series("train_loss")
    if not flat or len(losses) < 40 or not losses[-1] > 0.3 or not training.data.classes:
        return None
    _, accuracies = history.series("train_accuracy")
    return Finding(
        "straight-border",
        "warning",
        Bilingual("这个网络只会画直线。", "This network can only draw straight borders."),
        Bilingual(
            f"{len(losses) - 1} 步之后损失还有 {losses[-1]:.3g}，只分对了 "
            f"{100 * accuracies[-1]:.0f}% 的训练点。"
            + ("没有隐藏层。" if not parameters.hidden else "激活函数是线性的。"),
            f"After {len(losses) - 1} steps the loss is still {losses[-1]:.3g} and "
            f"{100 * accuracies[-1]:.0f}% of the training points are right. "
            + (
                "There is no hidden layer."
                if not parameters.hidden
                else "The activation is linear."
            ),
        ),
        Bilingual(
            "加一个隐藏层，并用 tanh 或 ReLU 这样会弯的激活函数。",
            "Add a hidden layer, with an activation that bends, such as tanh or ReLU.",
        ),
        {"hidden": [4], "activation": "tanh"} if not parameters.hidden else {"activation": "tanh"},
        "activation-function",
    )


def symmetry(training: Training, parameters: Parameters) -> Finding | None:
    """All units of a layer have the same weights, so they stay the same for ever."""
    for k, W in enumerate(training.network.W[:-1]):
        if len(W) < 2 or not np.isfinite(W).all() or np.ptp(W, axis=0).max() > 1e-7:
            continue
        return Finding(
            "symmetry",
            "bad",
            Bilingual(
                f"隐藏层 {k + 1} 的神经元一模一样。",
                f"The neurons of hidden layer {k + 1} are all the same.",
            ),
            Bilingual(
                f"{len(W)} 个神经元的权重和偏置完全相等，得到的梯度也就相等："
                "它们永远同步变化，等于只有一个。",
                f"All {len(W)} have equal weights and biases, so they get equal gradients and move "
                "together for ever: the layer is worth a single neuron.",
            ),
            Bilingual(
                "让初始权重随机：选 Glorot 或 He。",
                "Start from random weights: choose Glorot or He.",
            ),
            {"initialisation": "glorot"} if parameters.initialisation == "zeros" else {},
            "symmetry-breaking",
        )
    return None


def saturated_output(
    training: Training, parameters: Parameters, history: History
) -> Finding | None:
    """The output unit says −1 or +1 with full force, wrongly, and tanh is so flat there that the
    squared error cannot pull it back."""
    _, accuracies = history.series("train_accuracy")
    if not len(accuracies) or accuracies[-1] > 0.9 or parameters.loss == "cross_entropy":
        return None
    z = training.pass_for(len(training.every_x)).forward(training.every_x.T)
    at_end = float(np.mean(np.abs(z) > 4))  # tanh 4 = 0.9993, slope 0.0013
    if at_end < 0.9:
        return None
    return Finding(
        "saturated-output",
        "bad",
        Bilingual("输出神经元卡死了。", "The output neuron is stuck."),
        Bilingual(
            f"{100 * at_end:.0f}% 的点上它的加权和超过 ±4，回答是满格的 −1 或 +1，"
            f"却只对了 {100 * accuracies[-1]:.0f}%。tanh 在那里是平的，梯度几乎为 0，错了也改不动。",
            f"For {100 * at_end:.0f}% of the points its sum lies beyond ±4, so it answers a full −1 "
            f"or +1, and {100 * accuracies[-1]:.0f}% are right. Tanh is flat there: the gradient is "
            "nearly 0 and nothing pulls it back.",
        ),
        Bilingual(
            "学习率调小，从头再来；或换成交叉熵：它的梯度在大错时不会消失。",
            "Lower the learning rate and start again, or use cross-entropy, whose gradient does not "
            "vanish when an answer is badly wrong.",
        ),
        {**lower(parameters, "learning_rate", 0.01), "loss": "cross_entropy"},
        "vanishing-gradient",
    )
