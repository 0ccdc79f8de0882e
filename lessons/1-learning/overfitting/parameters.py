"""What the learner can change about the points, the model and its training. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.engine.parameters import (
    ParameterSet,
    choice,
    flag,
    integer,
    number,
    rows,
    scalar,
)

LARGEST_DEGREE = 15
OWN_POINTS_ALONE = 12
"""From this many own points on, no generated ones are added."""

MODELS = {
    "polynomial": ("多项式", "polynomial"),
    "net": ("小神经网络", "small neural network"),
}
CURVES = {
    "wave": ("波浪 sin(1.5πx)", "wave sin(1.5πx)"),
    "bump": ("小山 1/(1+25x²)", "bump 1/(1+25x²)"),
    "line": ("直线 0.8x", "line 0.8x"),
    "step": ("台阶 tanh(8x)", "step tanh(8x)"),
}


@dataclass(frozen=True)
class Parameters(ParameterSet):
    """Noisy points of a known curve, split in three, and a model to fit them."""

    model: str = choice(
        "polynomial",
        MODELS,
        zh=("模型", "拿什么样的函数去穿过这些点"),
        en=("model", "the kind of function that is fitted to the points"),
    )
    degree: int = integer(
        12,
        low=0,
        high=LARGEST_DEGREE,
        zh=("多项式次数", "x 的最高次幂；次数 d 的多项式有 d + 1 个参数"),
        en=("degree", "the highest power of x; degree d means d + 1 parameters"),
    )
    width: int = integer(
        32,
        low=1,
        high=128,
        scale="log",
        zh=("隐藏神经元", "小网络中间一层的神经元个数；n 个神经元有 3n + 1 个参数"),
        en=("hidden neurons", "units in the middle layer; n units mean 3n + 1 parameters"),
    )
    samples: int = integer(
        30,
        low=10,
        high=1000,
        scale="log",
        zh=("数据点", "一共生成多少个点；一半训练，四分之一验证，四分之一测试"),
        en=("points", "how many are generated; half train, a quarter validate, a quarter test"),
    )
    noise: float = number(
        0.3,
        low=0.0,
        high=1.0,
        zh=("噪声 σ", "每个点上下随机偏离的标准差"),
        en=("noise σ", "standard deviation of each point’s random deviation"),
    )
    curve: str = choice(
        "wave",
        CURVES,
        zh=("真实曲线", "点是从这条曲线加噪声得到的；模型看不到它"),
        en=("true curve", "the points are this curve plus noise; the model never sees it"),
    )
    penalty: float = number(
        1e-6,
        low=1e-6,
        high=1.0,
        scale="log",
        branches=True,
        zh=("正则化 λ", "把 λ × 权重平方和加进损失；最左端 10⁻⁶ 等于没有"),
        en=(
            "penalty λ",
            "adds λ × the sum of squared weights to the loss; 10⁻⁶ is as good as none",
        ),
    )
    learning_rate: float = number(
        0.02,
        low=1e-4,
        high=0.3,
        scale="log",
        branches=True,
        zh=("学习率", "Adam 每一步走多远"),
        en=("learning rate", "how far each step of Adam goes"),
    )
    early_stopping: bool = flag(
        False,
        branches=True,
        zh=("早停", "验证误差连续 200 步没有新低，就停下并退回最好的那一步"),
        en=(
            "early stopping",
            "stop after 200 steps without a new lowest validation error and go back to the best step",
        ),
    )
    reveal_test: bool = flag(
        False,
        live=True,
        zh=("打开测试集", "只该在一切都选定之后打开一次；打开以后再改设置，它就变成了又一个验证集"),
        en=(
            "open the test set",
            "once, when every choice has been made; if you go on choosing with it open, it becomes "
            "another validation set",
        ),
    )
    show_truth: bool = flag(
        True,
        live=True,
        zh=("画出真实曲线", "真实问题里没有人知道它"),
        en=("show the true curve", "in a real problem nobody knows it"),
    )
    show_exact: bool = flag(
        False,
        live=True,
        zh=("画出精确解", "多项式训练到底会停在哪里；可以一次解出来"),
        en=(
            "show the exact solution",
            "where training a polynomial ends; it can be solved at once",
        ),
    )
    show_spread: bool = flag(
        False,
        live=True,
        zh=(
            "画出 40 批数据的散布",
            "换 40 个随机种子各生成一批数据、各拟合一次，画出中间 80% 的范围",
        ),
        en=(
            "show the spread over 40 samples",
            "40 seeds make 40 data sets, each fitted; the band holds the middle 80% of the fits",
        ),
    )
    points: tuple[tuple[float, ...], ...] = rows(
        (),
        columns=2,
        low=-1e6,
        high=1e6,
        at_most=2000,
        zh=(
            "自己的点",
            f"每行 x, y；不到 {OWN_POINTS_ALONE} 个时加进生成的点里，够 {OWN_POINTS_ALONE} 个就只用自己的",
        ),
        en=(
            "own points",
            f"rows of x, y; fewer than {OWN_POINTS_ALONE} join the generated points, from "
            f"{OWN_POINTS_ALONE} on they stand alone",
        ),
    )

    def validate(self) -> None:
        """Points that stand alone have to spread in both directions, or there is nothing to fit."""
        if not self.own_alone:
            return
        spec = self.spec("points")
        for column, name in enumerate("xy"):
            if len({row[column] for row in self.points}) == 1:
                raise spec.error(
                    f"所有点的 {name} 都一样，没有可拟合的曲线",
                    f"all points have the same {name}, so there is no curve to fit",
                )

    @property
    def own_alone(self) -> bool:
        """Whether the learner's points replace the generated ones."""
        return len(self.points) >= OWN_POINTS_ALONE

    @property
    def size(self) -> int:
        """The model's capacity: its degree or its width."""
        return self.degree if self.model == "polynomial" else self.width


SCALARS = (
    scalar(
        "train_loss",
        "训练误差",
        "training error",
        help_zh="模型见过的点上的均方误差",
        help_en="mean squared error on the points the model has seen",
        log=True,
        better="lower",
        term="mean-squared-error",
    ),
    scalar(
        "validation_loss",
        "验证误差",
        "validation error",
        help_zh="没用来训练、用来做选择的点上的均方误差",
        help_en="mean squared error on points kept for making choices",
        log=True,
        better="lower",
        term="validation-set",
    ),
    scalar(
        "test_loss",
        "测试误差",
        "test error",
        help_zh="只在打开测试集之后才计算",
        help_en="only computed once the test set has been opened",
        log=True,
        better="lower",
        term="train-test-split",
    ),
)
