"""What the learner can change in the playground. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from desktop.bilingual import Bilingual
from desktop.engine.parameters import (
    ParameterError,
    ParameterSet,
    choice,
    flag,
    integer,
    integers,
    number,
    point,
    rows,
    scalar,
    subset,
)


def two_moons(count: int = 60) -> tuple[tuple[float, float, float], ...]:
    """Two interlocking crescents: something to start from before the learner's own data is there."""
    found = []
    for i in range(count // 2):
        angle = math.pi * i / (count // 2 - 1)
        wobble = 0.35 * math.sin(7.0 * i)
        x, y = (2.6 + wobble) * math.cos(angle), (2.6 + wobble) * math.sin(angle)
        found.append((round(x - 1.3, 2), round(y - 0.7, 2), 1.0))
        found.append((round(1.3 - x, 2), round(0.7 - y, 2), -1.0))
    return tuple(found)


@dataclass(frozen=True)
class Parameters(ParameterSet):
    """Data, network and training, in the order of the controls."""

    data: str = choice(
        "circle",
        {
            "circle": ("圆与环（分类）", "circle (classes)"),
            "xor": ("异或（分类）", "xor (classes)"),
            "gauss": ("两团云（分类）", "two clouds (classes)"),
            "spiral": ("双螺旋（分类）", "spiral (classes)"),
            "plane": ("斜面（回归）", "slope (regression)"),
            "hills": ("峰与谷（回归）", "hills (regression)"),
            "own": ("我的数据", "my own data"),
        },
        zh=("数据", "网络要学的点：分类要分出两种颜色，回归要在每个位置给出一个数"),
        en=(
            "data",
            "the points to learn: two colours to tell apart, or a number to give at every place",
        ),
    )
    features: tuple[str, ...] = subset(
        ("x1", "x2"),
        {
            "x1": ("x₁", "x₁"),
            "x2": ("x₂", "x₂"),
            "x1_squared": ("x₁²", "x₁²"),
            "x2_squared": ("x₂²", "x₂²"),
            "product": ("x₁x₂", "x₁x₂"),
            "sin_x1": ("sin x₁", "sin x₁"),
            "sin_x2": ("sin x₂", "sin x₂"),
        },
        zh=("输入特征", "输入层看到的量，都由两个坐标 x₁、x₂ 算出"),
        en=("input features", "what the input layer sees, all computed from x₁ and x₂"),
    )
    hidden: tuple[int, ...] = integers(
        (4, 2),
        low=1,
        high=32,
        at_most=6,
        zh=("隐藏层", "每个隐藏层有几个神经元，从左到右；留空就没有隐藏层"),
        en=("hidden layers", "neurons in each hidden layer, left to right; empty means none"),
    )
    activation: str = choice(
        "tanh",
        {
            "tanh": ("tanh", "tanh"),
            "relu": ("ReLU", "ReLU"),
            "leaky_relu": ("带泄漏的 ReLU", "leaky ReLU"),
            "sigmoid": ("sigmoid", "sigmoid"),
            "linear": ("线性（不激活）", "linear (none)"),
        },
        zh=("激活函数", "每个隐藏神经元对加权和做的弯折"),
        en=("activation", "how each hidden neuron bends its weighted sum"),
    )
    learning_rate: float = number(
        0.03,
        low=1e-5,
        high=10.0,
        scale="log",
        live=True,
        zh=("学习率", "每次更新沿负梯度走多远；训练途中可以改"),
        en=("learning rate", "how far each update goes; can be changed while training"),
    )
    batch_size: int = integer(
        10,
        low=1,
        high=500,
        scale="log",
        live=True,
        zh=("批大小", "每看多少个点更新一次权重"),
        en=("batch size", "how many points are looked at for each update"),
    )
    loss: str = choice(
        "mse",
        {
            "mse": ("均方误差", "mean squared error"),
            "cross_entropy": ("交叉熵（仅分类）", "cross-entropy (classes)"),
            "log_cosh": ("log-cosh", "log-cosh"),
        },
        zh=("损失函数", "用什么量“错了多少”"),
        en=("loss", "how wrongness is measured"),
    )
    optimizer: str = choice(
        "sgd",
        {
            "sgd": ("SGD", "SGD"),
            "momentum": ("动量", "momentum"),
            "rmsprop": ("RMSProp", "RMSProp"),
            "adam": ("Adam", "Adam"),
        },
        live=True,
        zh=("优化器", "怎样把梯度变成一次更新；换优化器时它的记忆清零"),
        en=(
            "optimizer",
            "how gradients become an update; its memory starts afresh when you change it",
        ),
    )
    regularisation: str = choice(
        "none",
        {"none": ("无", "none"), "l1": ("L1", "L1"), "l2": ("L2", "L2")},
        live=True,
        zh=("正则化", "给大权重加一点代价：L1 让权重归零，L2 让权重都变小"),
        en=("regularisation", "a price on large weights: L1 pushes them to zero, L2 shrinks all"),
    )
    regularisation_rate: float = number(
        0.003,
        low=1e-5,
        high=1.0,
        scale="log",
        live=True,
        zh=("正则化强度", "这份代价有多重"),
        en=("regularisation rate", "how heavy that price is"),
    )
    points: int = integer(
        500,
        low=20,
        high=2000,
        scale="log",
        zh=("点数", "训练点和测试点一共多少个"),
        en=("points", "how many points there are, for training and testing together"),
    )
    train_share: float = number(
        0.5,
        low=0.1,
        high=0.9,
        zh=("训练集比例", "多少点用来训练，其余只用来测试"),
        en=("training share", "the part of the points to train on; the rest only tests"),
    )
    noise: float = number(
        0.0,
        low=0.0,
        high=0.5,
        zh=("噪声", "把点打乱多少"),
        en=("noise", "how much the points are scattered"),
    )
    initialisation: str = choice(
        "glorot",
        {
            "glorot": ("Glorot", "Glorot"),
            "he": ("He", "He"),
            "half": ("±0.5 均匀", "uniform ±0.5"),
            "zeros": ("全零", "all zeros"),
        },
        zh=("初始化", "训练前的权重从哪里来"),
        en=("initialisation", "where the weights come from before training"),
    )
    step_is: str = choice(
        "epoch",
        {"epoch": ("一轮", "an epoch"), "batch": ("一批", "a batch")},
        zh=("一步是", "“单步”走一轮（看完全部训练点）还是一批（更新一次）"),
        en=("a step is", "an epoch (all training points once) or a batch (one update)"),
    )
    stop_below: float = number(
        0.0,
        low=0.0,
        high=1.0,
        live=True,
        zh=("达标即停", "测试损失低于它就停下；0 表示一直训练"),
        en=("stop below", "stop once the test loss is below this; 0 means never"),
    )
    show_test: bool = flag(
        False,
        live=True,
        zh=("显示测试点", "把只用来测试的点也画出来（空心）"),
        en=("show test points", "draw the points that only test, too (hollow)"),
    )
    discretize: bool = flag(
        False,
        live=True,
        zh=("只看类别", "输出图只分正负两色，不分深浅"),
        en=("classes only", "colour the output by its sign alone"),
    )
    probe: tuple[float, float] = point(
        (1.0, 2.0),
        low=-6.0,
        high=6.0,
        live=True,
        zh=("探针", "点开一个神经元时，用这个位置的输入算给你看"),
        en=("probe", "the input whose arithmetic is shown when you click a neuron"),
    )
    own_data: tuple[tuple[float, ...], ...] = rows(
        two_moons(),
        columns=3,
        low=-1000.0,
        high=1000.0,
        at_most=2000,
        live=True,
        zh=("我的数据", "每行 x₁, x₂，标签；标签只有 −1 和 1 就是分类，否则是回归"),
        en=("my own data", "rows of x₁, x₂, label; labels −1 and 1 mean classes, others numbers"),
    )

    def validate(self) -> None:
        """Cross-entropy is about classes."""
        if self.loss == "cross_entropy" and not self.has_classes():
            raise ParameterError(
                Bilingual(
                    "交叉熵衡量的是“分错类”，而这份数据要预测的是数。",
                    "Cross-entropy measures wrong classes, and this data asks for numbers.",
                ),
                Bilingual(
                    "请先把损失函数换成均方误差或 log-cosh。",
                    "Choose mean squared error or log-cosh first.",
                ),
            )

    def has_classes(self) -> bool:
        """Whether the task is to tell two classes apart."""
        if self.data == "own":
            return all(row[2] in (-1.0, 1.0) for row in self.own_data)
        return self.data not in ("plane", "hills")


SCALARS = (
    scalar(
        "train_loss",
        "训练损失",
        "training loss",
        help_zh="训练点上错了多少，不含正则化的代价",
        help_en="how wrong the network is on the points it trains on, without the price on weights",
        log=True,
        better="lower",
        term="loss-function",
    ),
    scalar(
        "test_loss",
        "测试损失",
        "test loss",
        help_zh="没拿来训练的点上错了多少",
        help_en="how wrong it is on points it never trains on",
        log=True,
        better="lower",
        term="generalisation",
    ),
    scalar(
        "train_accuracy",
        "训练准确率",
        "training accuracy",
        help_zh="训练点中分对的比例",
        help_en="the share of training points whose class is right",
        better="higher",
        term="accuracy",
    ),
    scalar(
        "test_accuracy",
        "测试准确率",
        "test accuracy",
        help_zh="测试点中分对的比例",
        help_en="the share of test points whose class is right",
        better="higher",
        term="accuracy",
    ),
)
