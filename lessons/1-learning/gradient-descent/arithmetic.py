"""One update, spelled out with the numbers of this very moment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from desktop.bilingual import Bilingual

if TYPE_CHECKING:
    from .experiment import GradientDescent

Line = tuple[str, Bilingual]


def number(value: float) -> str:
    """Four significant digits, with a power of ten only where it has to be (LaTeX)."""
    if not math.isfinite(value):
        return r"\infty" if value > 0 else r"-\infty" if value < 0 else r"\mathrm{NaN}"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        digits, exponent = f"{value:.2e}".split("e")
        return rf"{digits} \cdot 10^{{{int(exponent)}}}"
    text = f"{value:.4g}"
    return f"{value:.0f}" if "e" in text else text


def signed(value: float) -> str:
    """A number to be subtracted or multiplied: brackets around a negative one."""
    return f"({number(value)})" if value < 0 else number(value)


def update_lines(experiment: GradientDescent) -> Iterator[Line]:
    """Gradient, what the rule makes of it, and the new coordinates of the followed walker.

    The disturbance comes from a copy of the generator, so looking changes nothing and the numbers
    are those of the step that will really follow.
    """
    walker = experiment.followed
    names = ("x", "y") if experiment.feature is None else ("w", "b")
    if walker.stopped:
        yield r"\theta_{t+1} = \theta_t", _stopped(walker.stopped)
        return
    rule, settings = experiment.rules[walker.name]
    memory = dict(walker.memory)
    gradient = walker.gradient + _disturbance(experiment)
    moved = rule(walker.point, gradient, memory, **settings)
    g, before, after = gradient.tolist(), walker.point.tolist(), moved.tolist()
    remark = Bilingual("这里的梯度：两个偏导数", "the gradient here: two partial derivatives")
    if experiment.parameters.noise > 0:
        remark = Bilingual("这里的梯度，加上噪声", "the gradient here, plus noise")
    yield _pair(r"g = \nabla L", g), remark
    yield from _middle(walker.name, walker.memory, memory, settings)
    rate = settings["learning_rate"]
    for axis in (0, 1):
        yield (
            _coordinate(walker.name, names[axis], axis, g, memory, settings, before, after, rate),
            Bilingual(f"{names[axis]} 的新值", f"the new {names[axis]}"),
        )


def _disturbance(experiment: GradientDescent) -> torch.Tensor:
    copy = torch.Generator()
    copy.set_state(experiment.rng.get_state())
    shape = (len(experiment.walkers), 2)
    noise = experiment.parameters.noise * torch.randn(shape, generator=copy, dtype=torch.float64)
    return noise[experiment.walkers.index(experiment.followed)]


def _stopped(why: str) -> Bilingual:
    if why == "far":
        return Bilingual(
            "它跑出了一百万以外，停在那里不再走了", "it ran beyond a million and was stopped there"
        )
    return Bilingual(
        "下一步落在没有定义的地方，所以停在这里",
        "the next step would land where the surface is undefined, so it stays here",
    )


def _pair(symbol: str, values: list[float]) -> str:
    return rf"{symbol} = \left({number(values[0])},\ {number(values[1])}\right)"


def _middle(
    name: str,
    old: dict[str, torch.Tensor],
    new: dict[str, torch.Tensor],
    settings: dict[str, float],
) -> Iterator[Line]:
    """What the rule remembers, before and after this gradient."""
    if name in ("momentum", "nesterov"):
        last = old["velocity"].tolist() if "velocity" in old else [0.0, 0.0]
        yield _pair(r"v_{\mathrm{old}}", last), Bilingual("到现在为止的速度", "the velocity so far")
        yield (
            _pair(
                rf"v = {number(settings['beta'])}\,v_{{\mathrm{{old}}}} + g",
                new["velocity"].tolist(),
            ),
            Bilingual(
                "旧速度的一部分，加上新梯度", "part of the old velocity, plus the new gradient"
            ),
        )
    elif name == "adagrad":
        yield (
            _pair(r"s = s + g^2", new["total"].tolist()),
            Bilingual("到现在为止梯度平方的总和", "the sum of all squared gradients so far"),
        )
    elif name == "rmsprop":
        yield (
            _pair(r"s = 0.99\,s + 0.01\,g^2", new["square"].tolist()),
            Bilingual("梯度平方的滑动平均", "running mean of squared gradients"),
        )
    elif name in ("adam", "adamw"):
        yield from _adam(new, settings)


def _adam(new: dict[str, torch.Tensor], settings: dict[str, float]) -> Iterator[Line]:
    b1, b2, time = settings["beta1"], settings["beta2"], int(new["time"])
    yield (
        _pair(rf"m = {number(b1)}\,m + {number(1 - b1)}\,g", new["mean"].tolist()),
        Bilingual("梯度的滑动平均", "running mean of gradients"),
    )
    yield (
        _pair(rf"v = {number(b2)}\,v + {number(1 - b2)}\,g^2", new["square"].tolist()),
        Bilingual("梯度平方的滑动平均", "running mean of squared gradients"),
    )
    mean = (new["mean"] / (1 - b1**time)).tolist()
    square = (new["square"] / (1 - b2**time)).tolist()
    yield (
        _pair(rf"\hat m = \frac{{m}}{{1 - {number(b1)}^{{{time}}}}}", mean),
        Bilingual("修正：平均是从 0 开始的", "corrected, because the mean began at 0"),
    )
    yield (
        _pair(rf"\hat v = \frac{{v}}{{1 - {number(b2)}^{{{time}}}}}", square),
        Bilingual("同样修正", "corrected likewise"),
    )


def _coordinate(
    name: str,
    letter: str,
    axis: int,
    g: list[float],
    memory: dict[str, torch.Tensor],
    settings: dict[str, float],
    before: list[float],
    after: list[float],
    rate: float,
) -> str:
    """``w ← 2 − 0.03 × 6.2 = 1.814`` in the form that belongs to the rule."""
    old = signed(before[axis])
    if name == "adamw":
        decay = rate * settings["weight_decay"]
        old = rf"(1 - {number(decay)}) \times {old}"
    push = _push(name, axis, g, memory, settings)
    return rf"{letter} \leftarrow {old} - {number(rate)} \times {push} = {number(after[axis])}"


def _push(
    name: str,
    axis: int,
    g: list[float],
    memory: dict[str, torch.Tensor],
    settings: dict[str, float],
) -> str:
    """What is multiplied by the learning rate, with its numbers."""
    if name == "sgd":
        return signed(g[axis])
    if name == "momentum":
        return signed(memory["velocity"][axis].item())
    if name == "nesterov":
        velocity = memory["velocity"][axis].item()
        beta = settings["beta"]
        return rf"\left({number(g[axis])} + {number(beta)} \times {signed(velocity)}\right)"
    if name in ("adagrad", "rmsprop"):
        square = memory["total" if name == "adagrad" else "square"][axis].item()
        return rf"\frac{{{number(g[axis])}}}{{\sqrt{{{number(square)}}}}}"
    time = int(memory["time"])
    mean = memory["mean"][axis].item() / (1 - settings["beta1"] ** time)
    square = memory["square"][axis].item() / (1 - settings["beta2"] ** time)
    return rf"\frac{{{number(mean)}}}{{\sqrt{{{number(square)}}}}}"
