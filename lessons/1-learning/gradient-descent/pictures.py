"""What the learner sees of the race: map, slices, houses, read-outs, and one update in full."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from desktop.bilingual import Bilingual
from desktop.engine.frames import (
    Arrow,
    Axis,
    Curves,
    Explanation,
    Item,
    Path,
    PointGroup,
    Readout,
    Readouts,
    Scatter,
    Series,
    Surface,
    Worked,
)

from .arithmetic import number, update_lines
from .landscape import PRICE_UNIT, stable_rate
from .parameters import OPTIMIZERS, inside

if TYPE_CHECKING:
    from .experiment import GradientDescent, Walker

# The usual company of three or four gets the most distinct colours; the panel of losses lists them so.
COLOR_ORDER = ("sgd", "momentum", "nesterov", "adam", "rmsprop", "adamw", "adagrad")
COLORS = {name: index for index, name in enumerate(COLOR_ORDER)}
LABELS = {name: Bilingual(zh, en) for name, (zh, en) in OPTIMIZERS.items()}
ARROW_SHARE = 0.2


def items(experiment: GradientDescent) -> Mapping[str, Item]:
    """Everything there is to see at this step."""
    return {
        "surface": surface(experiment),
        "slices": slices(experiment),
        "fit": fit(experiment),
        "update": Worked(tuple(update_lines(experiment)), note=LABELS[experiment.followed.name]),
        "numbers": read_outs(experiment),
    }


# ------------------------------------------------------------------------------------------------
# The map


def surface(experiment: GradientDescent) -> Surface:
    """The surface with all paths; the arrow belongs to the followed walker."""
    landscape = experiment.landscape
    paths = []
    for walker in experiment.walkers:
        line = walker.line()
        heights = landscape.drawn(line[:, 2])
        paths.append(
            Path(walker.name, LABELS[walker.name], line[:, :2], heights, COLORS[walker.name])
        )
    marks = landscape.minima if experiment.parameters.show_minima else ()
    return Surface(
        landscape.x,
        landscape.y,
        landscape.field,
        tuple(paths),
        _arrows(experiment),
        marks + (landscape.saddles if experiment.parameters.show_minima else ()),
    )


def _arrows(experiment: GradientDescent) -> tuple[Arrow, ...]:
    """Where −∇L points.

    Gradients differ by factors of a thousand, so the length follows the square root of |∇L|, with
    the start as the measure and a limit.
    """
    walker = experiment.followed
    domain = experiment.parameters.domain()
    place, gradient = walker.point.tolist(), walker.gradient.numpy()
    slope, first_slope = float(np.hypot(*gradient)), max(experiment.first_slope, 1e-12)
    if walker.stopped or slope == 0 or not inside((place[0], place[1]), domain):
        return ()
    reach = ARROW_SHARE * min(domain[1] - domain[0], domain[3] - domain[2])
    length = reach * min(1.2, math.sqrt(slope / first_slope))
    vector = -gradient / slope * length
    label = Bilingual("−∇L：最陡下坡", "−∇L, steepest descent")
    return (Arrow(label, (place[0], place[1]), (float(vector[0]), float(vector[1])), 7),)


# ------------------------------------------------------------------------------------------------
# Slices through the present place


def slices(experiment: GradientDescent) -> Curves:
    """The height when only one coordinate changes, and its tangent: the partial derivative."""
    walker = experiment.followed
    domain = experiment.parameters.domain()
    series: list[Series] = []
    for axis in (0, 1):
        reach = 0.3 * (domain[2 * axis + 1] - domain[2 * axis])
        series += _slice(experiment, walker, axis, reach)
    return Curves(
        Axis(
            Bilingual("只动一个参数：离现在的位置多远", "one parameter alone: distance from here")
        ),
        Axis(Bilingual("损失 L", "loss L")),
        tuple(series),
        marks=((0.0, Bilingual("现在", "here")),),
    )


def _slice(
    experiment: GradientDescent, walker: Walker, axis: int, reach: float
) -> tuple[Series, Series]:
    name = axis_names(experiment)[axis]
    offsets = torch.linspace(-reach, reach, 61, dtype=torch.float64)
    places = walker.point.repeat(61, 1)
    places[:, axis] += offsets
    with torch.no_grad():
        heights = experiment.height(places[:, 0], places[:, 1]).numpy()
    slope = walker.gradient[axis].item()
    short = 0.45 * reach * np.array([-1.0, 1.0])
    curve = Bilingual(f"只动 {name}", f"only {name} moves")
    tangent = Bilingual(
        f"切线，斜率 ∂L/∂{name} = {number(slope)}", f"tangent, slope ∂L/∂{name} = {number(slope)}"
    )
    return (
        Series(f"along_{name}", curve, offsets.numpy(), heights, color=axis),
        Series(
            f"tangent_{name}", tangent, short, walker.value + slope * short, axis, style="dashed"
        ),
    )


def axis_names(experiment: GradientDescent) -> tuple[str, str]:
    """What the two coordinates are called on this surface."""
    return ("x", "y") if experiment.feature is None else ("w", "b")


# ------------------------------------------------------------------------------------------------
# The houses


def fit(experiment: GradientDescent) -> Scatter:
    """Every place on the loss surface is a line through the houses; this is that line."""
    label = Bilingual("到市中心的距离", "distance from the centre")
    x, y = Axis(label, "km"), Axis(Bilingual("房价", "price"), PRICE_UNIT)
    feature = experiment.feature
    if feature is None:
        note = Bilingual(
            "这张曲面背后没有数据；选“房价”曲面就会看到直线。",
            "No data stand behind this surface; choose a house-price surface to see the line.",
        )
        return Scatter(x, y, (), note=note)
    distance, price = experiment.distance.numpy(), experiment.price.numpy()
    margin = 0.15 * float(np.ptp(price)) + 1e-9
    y = replace(y, limits=(float(price.min()) - 3 * margin, float(price.max()) + 3 * margin))
    ends = np.array([int(distance.argmin()), int(distance.argmax())])
    lines = []
    for walker in experiment.walkers:
        w, b = walker.point.tolist()
        heights = w * feature.numpy()[ends] + b
        lines.append(
            Series(walker.name, LABELS[walker.name], distance[ends], heights, COLORS[walker.name])
        )
    w, b = experiment.followed.point.tolist()
    predicted = w * feature.numpy() + b
    segments = np.stack([distance, price, distance, predicted], axis=1)
    houses = PointGroup(
        "houses", Bilingual("房子", "houses"), np.stack([distance, price], 1), color=7
    )
    return Scatter(x, y, (houses,), lines=tuple(lines), segments=segments)


# ------------------------------------------------------------------------------------------------
# Numbers


def read_outs(experiment: GradientDescent) -> Readouts:
    """Loss, slope, step and curvature where the followed walker is."""
    walker = experiment.followed
    first, second = axis_names(experiment)
    low, high = experiment.curvature((walker.point[0].item(), walker.point[1].item()))
    values = [
        Readout("loss", Bilingual("损失 L", "loss L"), walker.value, term="loss-function"),
        Readout(
            "gradient_norm",
            Bilingual("梯度长度 |∇L|", "gradient length |∇L|"),
            torch.linalg.vector_norm(walker.gradient).item(),
            term="gradient",
        ),
        Readout("step", Bilingual("上一步走了", "last step length"), walker.step_length),
        Readout("first", Bilingual.same(first), walker.point[0].item()),
        Readout("second", Bilingual.same(second), walker.point[1].item()),
        Readout(
            "curvature",
            Bilingual("最大曲率 λ", "largest curvature λ"),
            high,
            help=Bilingual(
                "海森矩阵的最大特征值：损失在最弯的方向上弯得多厉害",
                "largest eigenvalue of the Hessian: how sharply the loss bends where it bends most",
            ),
        ),
    ]
    if low < 0 and not math.isclose(low, high):
        values.append(
            Readout(
                "lowest_curvature",
                Bilingual("最小曲率", "smallest curvature"),
                low,
                term="saddle-point",
            )
        )
    if walker.name in ("sgd", "momentum", "nesterov") and high > 0:
        limit = stable_rate(walker.name, experiment.parameters.beta, high)
        values.append(
            Readout(
                "stable_rate",
                Bilingual("学习率上限", "learning rate limit"),
                limit,
                term="learning-rate",
                help=Bilingual(
                    "在这样弯的碗里，学习率到了这个数就会发散；SGD 的上限是 2/λ",
                    "in a bowl that bends like this, rates from here on diverge; for SGD it is 2/λ",
                ),
            )
        )
    return Readouts(tuple(values))


# ------------------------------------------------------------------------------------------------
# Pointing at something


def explanation(
    experiment: GradientDescent, item: str, index: tuple[int, ...]
) -> Explanation | None:
    """The arithmetic behind a read-out, or the next update for anything else that moves."""
    if item == "numbers" and index:
        shown = read_outs(experiment).values
        name = shown[index[0]].name if 0 <= index[0] < len(shown) else ""
        if name == "gradient_norm":
            return _norm(experiment)
        if name in ("curvature", "stable_rate"):
            return _limit(experiment)
    if item not in ("surface", "update", "numbers"):
        return None
    walker = experiment.followed
    title = Bilingual(
        f"{LABELS[walker.name].zh} 的下一步", f"The next step of {LABELS[walker.name].en}"
    )
    return Explanation(title, tuple(update_lines(experiment)), term="gradient-descent")


def _norm(experiment: GradientDescent) -> Explanation:
    first, second = experiment.followed.gradient.tolist()
    length = math.hypot(first, second)
    latex = rf"|\nabla L| = \sqrt{{({number(first)})^2 + ({number(second)})^2}} = {number(length)}"
    return Explanation(
        Bilingual("梯度的长度", "The length of the gradient"),
        ((latex, Bilingual("两个偏导数，勾股定理", "two partial derivatives, Pythagoras")),),
        term="gradient",
    )


def _limit(experiment: GradientDescent) -> Explanation:
    walker = experiment.followed
    _, high = experiment.curvature((walker.point[0].item(), walker.point[1].item()))
    rate = experiment.parameters.learning_rate
    factor = 1 - rate * high
    lines = (
        (
            rf"\eta_{{\max}} = \frac{{2}}{{\lambda}} = \frac{{2}}{{{number(high)}}} = {number(2 / high)}"
            if high > 0
            else rf"\lambda = {number(high)}",
            Bilingual(
                "SGD 在这样弯的碗里能用的最大学习率", "the largest rate SGD survives in such a bowl"
            ),
        ),
        (
            rf"1 - \eta\lambda = 1 - {number(rate)} \times {number(high)} = {number(factor)}",
            Bilingual(
                "SGD 每一步把到谷底的距离乘上这个数；绝对值超过 1 就越走越远",
                "each SGD step multiplies the distance to the bottom by this; beyond ±1 it grows",
            ),
        ),
    )
    return Explanation(
        Bilingual("曲率和学习率", "Curvature and learning rate"), lines, term="learning-rate"
    )
