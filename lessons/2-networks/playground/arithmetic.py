"""The arithmetic behind what the learner clicks: a neuron's sum, a weight's gradient and update.

Every number is read off the living network; nothing is changed by looking. A neuron is worked out
at the probe, the place the learner chose; a weight for the batch that comes next, so that the new
value shown is the one the next update really gives.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from desktop.bilingual import Bilingual
from desktop.engine.frames import Explanation

from .parameters import Parameters
from .training import Training

Array = NDArray[Any]
Line = tuple[str, Bilingual]

TERMS_SHOWN = 4
FEATURE_LATEX = {
    "x1": "x_1",
    "x2": "x_2",
    "x1_squared": "x_1^2",
    "x2_squared": "x_2^2",
    "product": "x_1 x_2",
    "sin_x1": r"\sin x_1",
    "sin_x2": r"\sin x_2",
}


def number(value: float, digits: int = 4) -> str:
    """A number as LaTeX, with powers of ten where it is very large or small."""
    if not np.isfinite(value):
        return r"\mathrm{NaN}" if np.isnan(value) else (r"\infty" if value > 0 else r"-\infty")
    text = f"{float(value):.{digits}g}"
    mantissa, e, exponent = text.partition("e")
    return rf"{mantissa}\cdot 10^{{{int(exponent)}}}" if e else text


def factor(value: float, digits: int = 4) -> str:
    """A number that may stand behind a multiplication sign."""
    return f"({number(value, digits)})" if value < 0 else number(value, digits)


def sum_of_products(left: Array, right: Array | None = None) -> str:
    """``a·b + c·d + …`` (or ``a + c + …``) with at most ``TERMS_SHOWN`` terms written out."""
    shown = []
    for i, a in enumerate(left[:TERMS_SHOWN]):
        term = factor(a, 3) if i else number(a, 3)
        shown.append(term if right is None else rf"{term} \cdot {factor(right[i], 3)}")
    if len(left) > TERMS_SHOWN:
        shown.append(r"\cdots")
    return " + ".join(shown)


class Arithmetic:
    """Explains one training as it stands now."""

    def __init__(self, training: Training, parameters: Parameters, rng: torch.Generator) -> None:
        self.training, self.parameters, self.rng = training, parameters, rng

    # ---- a neuron

    def unit(self, layer: int, unit: int) -> Explanation | None:
        """The output of one unit at the probe; layer 0 holds the inputs."""
        sizes = self.training.network.sizes
        if not (0 <= layer < len(sizes) and 0 <= unit < sizes[layer]):
            return None
        return self._input(unit) if layer == 0 else self._neuron(layer, unit)

    def _input(self, unit: int) -> Explanation:
        name = self.parameters.features[unit]
        x1, x2 = self.parameters.probe
        value = self.training.data.inputs(np.array([[x1, x2]]))[0, unit]
        return Explanation(
            Bilingual(f"输入 {SYMBOL_TEXT[name]}", f"Input {SYMBOL_TEXT[name]}"),
            (
                (
                    rf"(x_1, x_2) = ({number(x1)}, {number(x2)})",
                    Bilingual("探针所在的位置", "where the probe is"),
                ),
                (
                    f"{FEATURE_LATEX[name]} = {number(value)}",
                    Bilingual("输入层交给网络的数", "what the input layer hands on"),
                ),
            ),
            Bilingual(
                "输入不用学，由坐标直接算出。",
                "Inputs are not learned; they follow from the coordinates.",
            ),
        )

    def _neuron(self, layer: int, unit: int) -> Explanation:
        training, network = self.training, self.training.network
        before, z = self._at_probe(layer)
        weights, bias = network.W[layer - 1][unit, :-1], network.W[layer - 1][unit, -1]
        last = layer == len(network.sizes) - 1
        name = r"\hat y" if last else f"a_{{{unit + 1}}}"
        products = sum_of_products(weights, before)
        lines: list[Line] = [
            (
                rf"z = \sum_j w_j\, {'x' if layer == 1 else 'a'}_j + b",
                Bilingual(
                    f"{len(weights)} 个输入各乘以自己的权重，再加偏置",
                    f"{len(weights)} inputs, each times its weight, plus the bias",
                ),
            ),
            (
                rf"z = {products} + {factor(bias, 3)}",
                Bilingual("最后一项是偏置", "the last term is the bias"),
            ),
            (rf"z = {number(z[unit])}", Bilingual("加权和", "the weighted sum")),
        ]
        if last:
            value = float(training.loss.guess(z[unit : unit + 1])[0])
            lines.append((self._head_latex(float(z[unit]), value), self._head_remark(value)))
        else:
            value = float(self._activate(z[unit : unit + 1])[0])
            lines.append((self._activation_latex(name, float(z[unit]), value), self._bend(value)))
        where = "输出" if last else f"隐藏层 {layer} 第 {unit + 1} 个神经元"
        where_en = "The output" if last else f"Hidden layer {layer}, neuron {unit + 1}"
        x1, x2 = self.parameters.probe
        return Explanation(
            Bilingual(where, where_en),
            tuple(lines),
            Bilingual(
                f"在探针 ({x1:g}, {x2:g}) 处计算。小方块里每个像素都是这样算出来的。",
                f"Worked out at the probe ({x1:g}, {x2:g}). Each pixel of its tile is made this way.",
            ),
            "neuron",
        )

    def _at_probe(self, layer: int) -> tuple[Array, Array]:
        """The outputs of the layer before, and the weighted sums of ``layer``, at the probe."""
        network = self.training.network
        a = self.training.data.inputs(np.array([self.parameters.probe]))[0, :-1]
        z = a
        for k in range(layer):
            a = self._activate(z) if k else a
            z = network.W[k][:, :-1] @ a + network.W[k][:, -1]
        return a, z

    def _activate(self, z: Array) -> Array:
        a = z.copy()
        self.training.network.activation.apply(a)
        return a

    def _activation_latex(self, name: str, z: float, value: float) -> str:
        written = {
            "tanh": rf"\tanh({number(z)})",
            "relu": rf"\max(0,\ {number(z)})",
            "leaky_relu": rf"\max({number(0.01 * z)},\ {number(z)})",
            "sigmoid": rf"\frac{{1}}{{1 + e^{{-({number(z)})}}}}",
            "linear": "z",
        }[self.parameters.activation]
        return rf"{name} = {written} = {number(value)}"

    def _bend(self, value: float) -> Bilingual:
        if self.parameters.activation == "relu" and value == 0:
            return Bilingual("加权和不为正，ReLU 输出 0", "the sum is not positive: ReLU gives 0")
        if self.parameters.activation == "linear":
            return Bilingual("线性：原样送出", "linear: passed on as it is")
        return Bilingual("经过激活函数", "through the activation function")

    def _head_latex(self, z: float, value: float) -> str:
        if not self.training.data.classes:
            return rf"\hat y = z = {number(value)}"
        inside = rf"{number(z)}/2" if self.parameters.loss == "cross_entropy" else number(z)
        return rf"\hat y = \tanh({inside}) = {number(value)}"

    def _head_remark(self, value: float) -> Bilingual:
        if not self.training.data.classes:
            return Bilingual("回归：加权和就是答案", "regression: the sum is the answer")
        if self.parameters.loss == "cross_entropy":
            share = f"{50 * (1 + value):.3g}"
            return Bilingual(
                f"也就是说，网络认为是蓝色（+1）的概率为 {share}%",
                f"in other words, blue (+1) with probability {share}%",
            )
        colour = ("蓝色（+1）", "blue (+1)") if value > 0 else ("橙色（−1）", "orange (−1)")
        return Bilingual(f"符号决定类别：{colour[0]}", f"the sign decides the class: {colour[1]}")

    # ---- a weight

    def weight(self, layer: int, row: int, column: int) -> Explanation | None:
        """Gradient and next update of the weight from unit ``column`` to unit ``row`` of the layer
        after; ``column`` −1 is the bias."""
        training, network = self.training, self.training.network
        if not (0 <= layer < len(network.W) and 0 <= row < network.W[layer].shape[0]):
            return None
        if not -1 <= column < network.W[layer].shape[1] - 1:
            return None
        before = float(network.W[layer][row, column])
        x, y = training.next_batch(self.rng)
        if len(y) == 0:
            return None
        training.compute_gradient(x.T, y)
        step = training.pass_for(len(y))
        inputs = (x.T if layer == 0 else step.A[layer - 1])[column]
        slopes = step.dZ[layer][row]
        gradient = float(network.dW[layer][row, column])
        after = self._after_update(layer, row, column)
        bias = column == -1
        name = "b" if bias else "w"
        source = Bilingual(
            f"下一批 {len(y)} 个点：δ 是损失对加权和的导数，乘以这条线送来的数，再相加",
            f"the next batch, {len(y)} points: δ, the slope of the loss by the sum, times what came "
            "along this line, added up",
        )
        lines: list[Line] = [
            (f"{name} = {number(before)}", Bilingual("现在的值", "its value now")),
            (
                rf"\frac{{\partial L}}{{\partial {name}}} = \sum_i \delta_i"
                + ("" if bias else r"\, a_i"),
                source,
            ),
            (
                rf"= {sum_of_products(slopes, None if bias else inputs)}",
                Bilingual("用真实的数", "with the real numbers"),
            ),
            (rf"= {number(float(slopes @ inputs))}", Bilingual("梯度", "the gradient")),
            *self._regularisation_line(before, gradient, bias),
            *self._update_lines(name, layer, row, column, gradient, after),
        ]
        arrow = f"{column + 1} → {row + 1}" if not bias else f"{row + 1}"
        return Explanation(
            Bilingual(
                f"第 {layer + 1} 组{'偏置' if bias else '权重'} {arrow}",
                f"{'Bias' if bias else 'Weight'} {arrow}, layer {layer + 1}",
            ),
            tuple(lines),
            Bilingual(
                "梯度为正，说明这个数再大一点损失就会上升，所以更新让它变小。"
                if gradient > 0
                else "梯度为负，说明这个数再大一点损失就会下降，所以更新让它变大。"
                if gradient < 0
                else "梯度恰好为零：这一批数据不会改动它。",
                "A positive gradient: raising this number would raise the loss, so it is lowered."
                if gradient > 0
                else "A negative gradient: raising this number would lower the loss, so it is raised."
                if gradient < 0
                else "The gradient is exactly zero: this batch will not move it.",
            ),
            "backpropagation",
        )

    def _regularisation_line(self, before: float, gradient: float, bias: bool) -> list[Line]:
        kind, rate = self.parameters.regularisation, self.parameters.regularisation_rate
        if kind == "none" or bias:
            return []
        pull = before if kind == "l2" else float(np.sign(before))
        return [
            (
                rf"g = {number(gradient - rate * pull)} + {number(rate)} \cdot {factor(pull)}"
                rf" = {number(gradient)}",
                Bilingual(
                    f"{kind.upper()} 正则化加上的一份", f"the share that {kind.upper()} adds"
                ),
            )
        ]

    def _after_update(self, layer: int, row: int, column: int) -> float:
        """The value after the next update, found by making it on copies."""
        network = self.training.network
        optimizer, theta = copy.deepcopy(self.training.optimizer), network.theta.copy()
        optimizer.update(theta, network.gradient, self.parameters.learning_rate)
        return float(theta[self._place(layer, row, column)])

    def _place(self, layer: int, row: int, column: int) -> int:
        """Where ``W[layer][row, column]`` lies in the vector of all parameters."""
        W = self.training.network.W
        start = sum(earlier.size for earlier in W[:layer])
        return start + row * W[layer].shape[1] + column % W[layer].shape[1]

    def _update_lines(
        self, name: str, layer: int, row: int, column: int, gradient: float, after: float
    ) -> list[Line]:
        place = self._place(layer, row, column)
        eta, value = self.parameters.learning_rate, float(self.training.network.theta[place])
        m, s = (float(v) for v in self.training.optimizer.memory[:, place])
        start = rf"{name} \leftarrow {number(value)} - {number(eta)} \cdot "
        end = f" = {number(after, 5)}"
        remark = Bilingual("下一次更新后的值", "its value after the next update")
        optimizer = self.parameters.optimizer
        if optimizer == "sgd":
            return [(start + factor(gradient) + end, remark)]
        if optimizer == "momentum":
            v = 0.9 * m + gradient
            line = rf"v \leftarrow 0.9 \cdot {factor(m)} + {factor(gradient)} = {number(v)}"
            return [
                (
                    line,
                    Bilingual("速度：保留九成，再加新的梯度", "speed: nine tenths kept, plus g"),
                ),
                (start + factor(v) + end, remark),
            ]
        if optimizer == "rmsprop":
            s = 0.99 * s + 0.01 * gradient**2
            line = rf"s \leftarrow 0.99\, s + 0.01\, g^2 = {number(s)}"
            return [
                (line, Bilingual("梯度平方的滑动平均", "running mean of the squared gradient")),
                (rf"{start}\frac{{{number(gradient)}}}{{\sqrt{{{number(s)}}}}}{end}", remark),
            ]
        t = self.training.optimizer.steps + 1
        m, s = 0.9 * m + 0.1 * gradient, 0.999 * s + 0.001 * gradient**2
        m_hat, s_hat = m / (1 - 0.9**t), s / (1 - 0.999**t)
        line = rf"\hat m = {number(m_hat)},\quad \hat s = {number(s_hat)}"
        return [
            (
                line,
                Bilingual(
                    f"梯度和梯度平方的滑动平均，第 {t} 步的偏差已校正",
                    f"running means of g and g², corrected for the start (step {t})",
                ),
            ),
            (rf"{start}\frac{{{number(m_hat)}}}{{\sqrt{{{number(s_hat)}}}}}{end}", remark),
        ]

    # ---- the table and the parameter count

    def confusion_cell(self, counts: Array, row: int, column: int) -> Explanation | None:
        """One cell of the confusion matrix, and the accuracy."""
        if not (0 <= row < counts.shape[0] and 0 <= column < counts.shape[1]):
            return None
        total, right = float(counts.sum()), float(np.trace(counts))
        sign = ("−1", "+1")
        return Explanation(
            Bilingual(
                f"真实为 {sign[row]}，判为 {sign[column]}",
                f"Truly {sign[row]}, called {sign[column]}",
            ),
            (
                (
                    rf"\frac{{{counts[row, column]:g}}}{{{total:g}}} = "
                    rf"{number(counts[row, column] / max(total, 1))}",
                    Bilingual("占测试点的比例", "as a share of the test points"),
                ),
                (
                    rf"\frac{{{right:g}}}{{{total:g}}} = {number(right / max(total, 1))}",
                    Bilingual("准确率：对角线除以总数", "accuracy: the diagonal over the total"),
                ),
            ),
            term="confusion-matrix",
        )


SYMBOL_TEXT = {
    "x1": "x₁",
    "x2": "x₂",
    "x1_squared": "x₁²",
    "x2_squared": "x₂²",
    "product": "x₁x₂",
    "sin_x1": "sin x₁",
    "sin_x2": "sin x₂",
}
