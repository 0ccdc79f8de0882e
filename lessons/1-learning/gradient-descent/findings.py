"""What is going wrong on this surface, in words, with the numbers that show it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from desktop.bilingual import Bilingual
from desktop.engine.frames import Finding
from desktop.engine.history import History

from .landscape import stable_rate
from .parameters import OPTIMIZERS, inside

if TYPE_CHECKING:
    from .experiment import GradientDescent, Walker

PLAIN = ("sgd", "momentum", "nesterov")


def diagnose(experiment: GradientDescent, history: History) -> list[Finding]:
    """At most one finding for each optimizer and each trouble, the gravest first."""
    found: dict[str, tuple[Finding, list[Walker]]] = {}
    for walker in experiment.walkers:
        finding = (
            _undefined(experiment, walker)
            or _diverging(experiment, walker, history)
            or _flat(experiment, walker)
            or _crawling(experiment, walker, history)
            or _restless(experiment, walker, history)
        )
        if finding is not None:
            found.setdefault(finding.code, (finding, []))[1].append(walker)
    order = {"bad": 0, "warning": 1, "info": 2}
    merged = [_merged(finding, walkers[1:]) for finding, walkers in found.values()]
    return sorted(merged, key=lambda finding: order[finding.severity])


def _merged(finding: Finding, others: list[Walker]) -> Finding:
    """One finding in place of the same one for several optimizers."""
    if not others:
        return finding
    names = [_label(walker) for walker in others]
    zh = f"{finding.evidence.zh}同样的还有：{'、'.join(name.zh for name in names)}。"
    en = f"{finding.evidence.en} The same goes for {', '.join(name.en for name in names)}."
    return replace(finding, evidence=Bilingual(zh, en))


def _label(walker: Walker) -> Bilingual:
    return Bilingual(*OPTIMIZERS[walker.name])


def _before_chinese(label: Bilingual) -> str:
    """The name with a space after Latin letters, which Chinese words follow."""
    return f"{label.zh} " if label.zh[-1].isascii() else label.zh


def _place(walker: Walker) -> tuple[float, float]:
    return (walker.point[0].item(), walker.point[1].item())


def _n(value: float) -> str:
    """Four significant digits, very large and very small ones as powers of ten."""
    text = f"{value:.4g}"
    if "e" not in text or not math.isfinite(value):
        return text.replace("-", "−")
    digits, exponent = f"{value:.2e}".split("e")
    return f"{digits}×10{str(int(exponent)).translate(_RAISED)}".replace("-", "−")


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _undefined(experiment: GradientDescent, walker: Walker) -> Finding | None:
    if walker.stopped != "undefined":
        return None
    label = _label(walker)
    x, y = (_n(value) for value in _place(walker))
    return Finding(
        "undefined",
        "bad",
        Bilingual(
            f"{_before_chinese(label)}停下了：下一步落在曲面没有有限值的地方。",
            f"{label.en} stopped: its next step lands where the surface has no finite value.",
        ),
        Bilingual(
            f"它停在 ({x}, {y})，走了 {walker.steps} 步。",
            f"It stands at ({x}, {y}) after {walker.steps} steps.",
        ),
        Bilingual(
            "换小一点的学习率，或者从别处出发。",
            "Take a smaller learning rate, or start elsewhere.",
        ),
        _smaller(experiment, walker, 0.1),
        term="divergence",
    )


def _smaller(experiment: GradientDescent, walker: Walker, factor: float) -> dict[str, float]:
    name = "learning_rate" if walker.name in PLAIN else "adaptive_rate"
    spec = experiment.Parameters.spec(name)
    rate = getattr(experiment.parameters, name) * factor
    return {name: float(f"{max(rate, spec.low or 0):.2g}")}


# ------------------------------------------------------------------------------------------------
# Too large a learning rate


def _diverging(experiment: GradientDescent, walker: Walker, history: History) -> Finding | None:
    _, losses = history.series(f"loss_{walker.name}")
    first = float(losses[0]) if len(losses) else walker.value
    lowest = experiment.landscape.lowest
    grown = walker.value - lowest > 3 * (first - lowest) and walker.steps >= 3
    if walker.stopped != "far" and not grown:
        return None
    label = _label(walker)
    message = Bilingual(
        f"{_before_chinese(label)}发散了：每一步都比上一步冲得更远。",
        f"{label.en} is diverging: every step overshoots further than the one before.",
    )
    if walker.name not in PLAIN:
        return _wandering(experiment, walker, first, message)
    curvature = _steepest_curvature(experiment, walker)
    limit = stable_rate(walker.name, experiment.parameters.beta, curvature)
    rate = experiment.parameters.learning_rate
    if not math.isfinite(limit):
        return _wandering(experiment, walker, first, message)
    rule = {
        "sgd": "2/λ",
        "momentum": "2(1+β)/λ",
        "nesterov": "2(1+β)/((1+2β)λ)",
    }[walker.name]
    evidence = Bilingual(
        f"损失从 {_n(first)} 涨到 {_n(walker.value)}。路上的最大曲率 λ = {_n(curvature)}，"
        f"学习率要小于 {rule} = {_n(limit)} 才稳定，现在是 {_n(rate)}。",
        f"The loss grew from {_n(first)} to {_n(walker.value)}. The largest curvature on the way is "
        f"λ = {_n(curvature)}; the rate is stable below {rule} = {_n(limit)}, and it is {_n(rate)}.",
    )
    safe = float(f"{min(limit / 2, rate / 2):.2g}")
    advice = Bilingual(
        f"把学习率降到 {_n(safe)}：大约是上限的一半。",
        f"Lower the learning rate to {_n(safe)}, about half the limit.",
    )
    low = experiment.Parameters.spec("learning_rate").low or 0.0
    fix = {"learning_rate": max(safe, low)}
    return Finding("diverging", "bad", message, evidence, advice, fix, term="divergence")


def _wandering(
    experiment: GradientDescent, walker: Walker, first: float, message: Bilingual
) -> Finding:
    x, y = (_n(value) for value in _place(walker))
    return Finding(
        "diverging",
        "bad",
        message,
        Bilingual(
            f"损失从 {_n(first)} 变成 {_n(walker.value)}；它在 ({x}, {y})。",
            f"The loss went from {_n(first)} to {_n(walker.value)}; it is at ({x}, {y}).",
        ),
        Bilingual(
            "如果曲面有底，就降低学习率；有些公式根本没有最低点。",
            "If the surface has a bottom, lower the rate; some formulas have no lowest point at all.",
        ),
        _smaller(experiment, walker, 0.1),
        term="divergence",
    )


def _steepest_curvature(experiment: GradientDescent, walker: Walker) -> float:
    """The largest λ among the first places of the path: there the overshooting began."""
    domain = experiment.parameters.domain()
    places = [(x, y) for x, y, _ in walker.trail[:8].tolist() if inside((x, y), domain)]
    found = [experiment.curvature(place)[1] for place in places]
    finite = [value for value in found if math.isfinite(value)]
    return max(finite, default=0.0)


# ------------------------------------------------------------------------------------------------
# Standing still in the wrong place


def _flat(experiment: GradientDescent, walker: Walker) -> Finding | None:
    """The gradient has vanished: at a saddle, in a side valley, or (fine) at the bottom."""
    if walker.steps < 3 or walker.gradient.abs().max().item() > 0.02 * _typical_slope(experiment):
        return None
    low, high = experiment.curvature(_place(walker))
    if not math.isfinite(low):
        return None
    if low < -1e-6 * max(1.0, abs(high)):
        return _saddle(walker, low, high)
    domain = experiment.parameters.domain()
    above = walker.value - experiment.landscape.lowest
    spread = np.ptp(
        experiment.landscape.field.values[np.isfinite(experiment.landscape.field.values)]
    )
    settled = walker.gradient.abs().max().item() < 1e-3 * _typical_slope(experiment)
    if low > 0 and settled and inside(_place(walker), domain) and above > 0.005 * float(spread):
        return _side_valley(walker, above)
    return None


def _typical_slope(experiment: GradientDescent) -> float:
    """How steep this surface is on the whole: the gradient at the start, at least."""
    field = experiment.landscape.field
    rise = np.nanpercentile(field.values, 90) - np.nanpercentile(field.values, 10)
    return max(float(rise) / float(field.xs[-1] - field.xs[0]), 1e-9)


def _saddle(walker: Walker, low: float, high: float) -> Finding:
    label, norm = _label(walker), float(np.hypot(*walker.gradient.tolist()))
    return Finding(
        "saddle",
        "warning",
        Bilingual(
            f"{_before_chinese(label)}停在鞍点附近：这里几乎是平的，却不是谷底。",
            f"{label.en} lingers near a saddle: almost level, yet not a bottom.",
        ),
        Bilingual(
            f"|∇L| = {_n(norm)}，而曲率一正一负：{_n(high)} 和 {_n(low)}。",
            f"|∇L| = {_n(norm)}, while the curvatures have both signs: {_n(high)} and {_n(low)}.",
        ),
        Bilingual(
            "加一点梯度噪声，或者用动量：只要偏离一点点，往下的方向就会把它带走。",
            "Add a little gradient noise, or use momentum: any deviation lets the descending direction "
            "carry it away.",
        ),
        {"noise": 0.1},
        term="saddle-point",
    )


def _side_valley(walker: Walker, above: float) -> Finding:
    label = _label(walker)
    return Finding(
        "local-minimum",
        "info",
        Bilingual(
            f"{_before_chinese(label)}到了一个局部极小：四周都更高，但别处还有更低的地方。",
            f"{label.en} has reached a local minimum: higher all around, but lower places exist.",
        ),
        Bilingual(
            f"它的损失 {_n(walker.value)}，比已知最低处高 {_n(above)}。",
            f"Its loss is {_n(walker.value)}, {_n(above)} above the lowest place known.",
        ),
        Bilingual(
            "换一个起点，或者用更大的学习率、动量或噪声翻过坎去。",
            "Start elsewhere, or cross the rim with a larger rate, momentum or noise.",
        ),
        term="local-minimum",
    )


# ------------------------------------------------------------------------------------------------
# Slow, and never quiet


def _crawling(experiment: GradientDescent, walker: Walker, history: History) -> Finding | None:
    """A long valley: steep across, nearly level along."""
    _, losses = history.series(f"loss_{walker.name}")
    lowest = experiment.landscape.lowest
    if len(losses) < 150 or walker.value - lowest < 1e-3 * (float(losses[0]) - lowest):
        return None
    recent, earlier = float(losses[-1]) - lowest, float(losses[-30]) - lowest
    low, high = experiment.curvature(_place(walker))
    slow = 0 < recent < earlier and recent > 0.93 * earlier
    if not slow or not (low > 0 and high / low > 10):
        return None
    label = _label(walker)
    return Finding(
        "ill-conditioned",
        "info",
        Bilingual(
            f"{_before_chinese(label)}走得很慢：它在一条长谷里，横着陡，顺着几乎是平的。",
            f"{label.en} is crawling: it is in a long valley, steep across and almost level along.",
        ),
        Bilingual(
            f"两个方向的曲率相差 {_n(high / low)} 倍；最近 30 步损失只降了 "
            f"{100 * (1 - recent / earlier):.1f}%。",
            f"The two curvatures differ by a factor of {_n(high / low)}; the last 30 steps lowered the "
            f"loss by only {100 * (1 - recent / earlier):.1f}%.",
        ),
        Bilingual(
            "试试动量或 Adam；对数据来说，先标准化最有用。",
            "Try momentum or Adam; with data, standardising them first helps most.",
        ),
        term="momentum",
    )


def _restless(experiment: GradientDescent, walker: Walker, history: History) -> Finding | None:
    """Adaptive steps keep their length, so a constant rate circles the bottom."""
    if walker.name not in ("rmsprop", "adam", "adamw") or len(history) < 80:
        return None
    _, losses = history.series(f"loss_{walker.name}")
    recent = losses[-40:]
    turns = int((np.diff(np.sign(np.diff(recent))) != 0).sum())
    rate = experiment.parameters.adaptive_rate
    above = float(recent.mean()) - experiment.landscape.lowest
    if turns < 15 or walker.step_length < 0.1 * rate or above <= 0:
        return None
    label = _label(walker)
    return Finding(
        "restless",
        "info",
        Bilingual(
            f"{_before_chinese(label)}在谷底附近来回跳，停不下来。",
            f"{label.en} jumps to and fro near the bottom and does not settle.",
        ),
        Bilingual(
            f"最近 40 步里损失 {turns} 次由降转升或由升转降；步长 {_n(walker.step_length)}，"
            f"学习率 {_n(rate)}。",
            f"In the last 40 steps the loss turned {turns} times; the step is {_n(walker.step_length)} at "
            f"a rate of {_n(rate)}.",
        ),
        Bilingual("快到谷底时降低学习率。", "Lower the rate once the bottom is near."),
        _smaller(experiment, walker, 0.2),
        term="adam",
    )
