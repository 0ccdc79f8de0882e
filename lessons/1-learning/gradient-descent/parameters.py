"""What the learner can change on the loss surface. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from desktop.bilingual import Bilingual
from desktop.engine.formula import Formula, FormulaError
from desktop.engine.parameters import (
    ParameterError,
    ParameterSet,
    choice,
    flag,
    number,
    point,
    rows,
    scalar,
    subset,
    text,
)
from desktop.engine.surfaces import SURFACES, Domain

OPTIMIZERS = {
    "sgd": ("SGD", "SGD"),
    "momentum": ("动量", "Momentum"),
    "nesterov": ("Nesterov", "Nesterov"),
    "adagrad": ("AdaGrad", "AdaGrad"),
    "rmsprop": ("RMSProp", "RMSProp"),
    "adam": ("Adam", "Adam"),
    "adamw": ("AdamW", "AdamW"),
}
SURFACE_NAMES = {
    "houses": ("房价（距离已标准化）", "House prices (distance standardised)"),
    "houses_raw": ("房价（距离以 10 km 计）", "House prices (distance in 10 km)"),
    "rosenbrock": ("Rosenbrock 弯谷", "Rosenbrock’s valley"),
    "himmelblau": ("Himmelblau 四个谷底", "Himmelblau’s four minima"),
    "beale": ("Beale 高原与陡角", "Beale’s plain and corners"),
    "saddle": ("鞍点", "A saddle"),
    "rastrigin": ("Rastrigin 许多小坑", "Rastrigin’s many dimples"),
    "ackley": ("Ackley 漏斗", "Ackley’s funnel"),
    "own": ("我自己的公式", "My own formula"),
}
HOUSE_DOMAINS: dict[str, Domain] = {
    "houses": (-4.2, 2.4, -0.4, 8.8),
    "houses_raw": (-5.2, 3.6, 0.2, 12.6),
}
# Both stand for the same line through the houses that seed 0 makes.
HOUSE_STARTS = {"houses": (2.0, 7.0), "houses_raw": (2.94, 2.35)}


@dataclass(frozen=True)
class Parameters(ParameterSet):
    """A surface, a start, and the optimizers that race down it."""

    surface: str = choice(
        "houses",
        SURFACE_NAMES,
        zh=("曲面", "小球要走下的那张曲面"),
        en=("surface", "the surface the ball has to descend"),
    )
    optimizers: tuple[str, ...] = subset(
        ("sgd",),
        OPTIMIZERS,
        zh=("优化器", "一起从同一个起点出发的优化器"),
        en=("optimizers", "the optimizers that set out together from the same start"),
    )
    learning_rate: float = number(
        0.03,
        low=1e-5,
        high=3.0,
        scale="log",
        branches=True,
        zh=("学习率 η", "SGD、动量和 Nesterov 用的学习率：梯度要乘上它才是步子"),
        en=("learning rate η", "for SGD, momentum and Nesterov: the step is η times the gradient"),
    )
    adaptive_rate: float = number(
        0.05,
        low=1e-4,
        high=3.0,
        scale="log",
        branches=True,
        zh=(
            "自适应学习率",
            "AdaGrad、RMSProp、Adam、AdamW 用的学习率：它们先把梯度缩放到 1 左右，"
            "所以这个数大致就是一步的长度",
        ),
        en=(
            "adaptive rate",
            "for AdaGrad, RMSProp, Adam and AdamW: they rescale the gradient to about 1, so this is "
            "roughly the length of one step",
        ),
    )
    start: tuple[float, float] = point(
        (2.0, 7.0),
        low=-1e6,
        high=1e6,
        zh=("起点", "在等高线图上点一下就能换；落在曲面范围以外时，用这张曲面自己的起点"),
        en=(
            "start",
            "click on the contour map to move it; outside the surface’s region, the surface’s own "
            "start is used",
        ),
    )
    beta: float = number(
        0.9,
        low=0.0,
        high=0.99,
        branches=True,
        zh=("动量 β", "速度每一步保留多少；也是 Adam 的 β₁"),
        en=("momentum β", "the share of its velocity a ball keeps each step; also Adam’s β₁"),
    )
    beta2: float = number(
        0.999,
        low=0.5,
        high=0.9999,
        branches=True,
        zh=("Adam 的 β₂", "梯度平方的滑动平均记得多久"),
        en=("Adam’s β₂", "how long the running mean of squared gradients remembers"),
    )
    weight_decay: float = number(
        0.1,
        low=0.0,
        high=1.0,
        branches=True,
        zh=("权重衰减", "AdamW 每一步把参数往 (0, 0) 拉多少"),
        en=("weight decay", "how strongly AdamW pulls the parameters towards (0, 0)"),
    )
    noise: float = number(
        0.0,
        low=0.0,
        high=10.0,
        branches=True,
        zh=(
            "梯度噪声",
            "给每个梯度分量加上正态噪声的标准差；真实训练里，噪声来自每步只看一小批数据",
        ),
        en=(
            "gradient noise",
            "standard deviation of normal noise added to each gradient component; in real training "
            "it comes from looking at a small batch of the data only",
        ),
    )
    followed: str = choice(
        "sgd",
        OPTIMIZERS,
        live=True,
        zh=("跟着看", "箭头、算式和读数属于哪个优化器；没选上它时，看第一个"),
        en=(
            "follow",
            "whose arrow, arithmetic and read-outs are shown; the first one if it is not running",
        ),
    )
    formula: str = text(
        "sin(2x) + cos(3y)/2 + (x^2 + y^2)/8",
        zh=("我的公式", "关于 x 和 y 的公式，例如 x^2 + 3*sin(y)"),
        en=("my formula", "a formula in x and y, for instance x^2 + 3*sin(y)"),
    )
    formula_range: float = number(
        4.0,
        low=0.5,
        high=50.0,
        scale="log",
        zh=("公式的范围", "画出 −r 到 r 的正方形"),
        en=("range", "the square from −r to r is drawn"),
    )
    houses: tuple[tuple[float, ...], ...] = rows(
        (),
        columns=2,
        low=-1e6,
        high=1e6,
        at_most=2000,
        zh=("自己的数据", "每行：距离（km）、价格；空着就用本课生成的 40 套房子"),
        en=("own data", "each row: distance (km), price; empty means the lesson’s 40 houses"),
    )
    show_minima: bool = flag(
        True,
        live=True,
        zh=("标出谷底", "在图上标出已知的最低点"),
        en=("show minima", "mark the known lowest points"),
    )

    def validate(self) -> None:
        """Read the formula and the data, and put the start where it means something."""
        formula = self._read_formula()
        self._check_houses()
        start = self.start if inside(self.start, self.domain()) else self._default_start()
        if self.surface == "own":
            start = self._defined_start(formula, start)
        object.__setattr__(self, "start", start)

    def domain(self) -> Domain:
        """The region of the plane that is drawn: (x low, x high, y low, y high)."""
        if self.surface == "own":
            reach = self.formula_range
            return (-reach, reach, -reach, reach)
        if self.surface in SURFACES:
            return SURFACES[self.surface].domain
        if not self.houses:
            return HOUSE_DOMAINS[self.surface]
        return _domain_of_data(np.array(self.houses), standardised=self.surface == "houses")

    def _default_start(self) -> tuple[float, float]:
        if self.surface in SURFACES:
            return SURFACES[self.surface].start
        if self.surface in HOUSE_STARTS and not self.houses:
            return HOUSE_STARTS[self.surface]
        x_low, x_high, y_low, y_high = self.domain()
        return (x_low + 0.85 * (x_high - x_low), y_low + 0.85 * (y_high - y_low))

    def _read_formula(self) -> Formula:
        try:
            return Formula.parse(self.formula)
        except FormulaError as error:
            raise ParameterError(error.message, error.hint, error.details) from error

    def _defined_start(self, formula: Formula, start: tuple[float, float]) -> tuple[float, float]:
        """``start``, unless the formula has no value or no slope there."""
        xs = np.linspace(-self.formula_range, self.formula_range, 60)
        share = float(np.isfinite(formula(*np.meshgrid(xs, xs))).mean())
        if share < 0.1:
            zh, en = "没有一处", "nowhere"
            if share > 0:
                zh, en = (
                    f"只有 {100 * share:.0f}% 的地方",
                    f"at only {100 * share:.0f}% of the places",
                )
            raise ParameterError(
                Bilingual(
                    f"画出的范围里，{zh}这个公式有有限的值（除以零、负数开方或取对数、数太大）。",
                    f"The formula has a finite value {en} in the area drawn (division by zero, root "
                    "or logarithm of a negative number, or numbers too large).",
                ),
                Bilingual("例如：sin(x) + y^2 / 4", "For example: sin(x) + y^2 / 4"),
            )
        mirrored = [(sx * start[0], sy * start[1]) for sx in (1, -1) for sy in (1, -1)]
        candidates = [start] if inside(self.start, self.domain()) else mirrored
        for candidate in candidates:
            if _defined_around(formula, candidate, self.formula_range * 1e-4):
                return candidate
        raise ParameterError(
            Bilingual(
                f"公式在起点 ({start[0]:.4g}, {start[1]:.4g}) 没有有限的值或斜率。",
                f"The formula has no finite value or slope at the start "
                f"({start[0]:.4g}, {start[1]:.4g}).",
            ),
            Bilingual(
                "在图上另点一个起点，或者改一改公式。",
                "Click on another start, or change the formula.",
            ),
        )

    def _check_houses(self) -> None:
        if not self.houses:
            return
        spec = self.spec("houses")
        if len(self.houses) < 3:
            raise spec.error("至少需要 3 行", "needs at least 3 rows")
        distances = {row[0] for row in self.houses}
        if len(distances) == 1:
            raise spec.error(
                "所有距离都一样，画不出一条随距离变化的线",
                "all distances are equal, so no line over distance can be fitted",
            )


def inside(place: tuple[float, float], domain: Domain) -> bool:
    """Whether ``place`` lies in the region drawn."""
    x_low, x_high, y_low, y_high = domain
    return x_low <= place[0] <= x_high and y_low <= place[1] <= y_high


def _defined_around(formula: Formula, at: tuple[float, float], reach: float) -> bool:
    """Whether the formula is finite at a place and just beside it in both directions."""
    xs = at[0] + reach * np.array([0, 1, -1, 0, 0])
    ys = at[1] + reach * np.array([0, 0, 0, 1, -1])
    return bool(np.isfinite(formula(xs, ys)).all())


def _domain_of_data(houses: np.ndarray, *, standardised: bool) -> Domain:
    """A region around the best line, wide enough to show a walk towards it."""
    distance, price = houses[:, 0], houses[:, 1]
    feature = (distance - distance.mean()) / distance.std() if standardised else distance / 10
    design = np.stack([feature, np.ones_like(feature)], axis=1)
    best = np.linalg.lstsq(design, price, rcond=None)[0]
    moment = design.T @ design / len(price)  # half the Hessian of the mean squared error
    reach = 4 * max(float(price.std()), 1e-6) * np.sqrt(np.diag(np.linalg.pinv(moment)))
    return (
        float(best[0] - reach[0]),
        float(best[0] + reach[0]),
        float(best[1] - reach[1]),
        float(best[1] + reach[1]),
    )


SCALARS = (
    scalar(
        "loss",
        "损失",
        "loss",
        help_zh="第一个选中的优化器所在位置的高度",
        help_en="the height where the first selected optimizer is",
        log=True,
        better="lower",
        term="loss-function",
    ),
    scalar(
        "gradient_norm",
        "梯度长度",
        "gradient norm",
        help_zh="第一个优化器所在处 |∇L|；为零的地方是平的",
        help_en="|∇L| where the first optimizer is; it is zero where the surface is level",
        log=True,
        term="gradient",
    ),
    *(
        scalar(f"loss_{name}", zh, en, log=True, better="lower", term="loss-function")
        for name, (zh, en) in OPTIMIZERS.items()
    ),
)
