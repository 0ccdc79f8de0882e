"""What the learner sees: the fit, the errors over the size of the model, weights and read-outs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.engine.frames import (
    Array,
    Axis,
    Bars,
    Curves,
    Explanation,
    Item,
    PointGroup,
    Readout,
    Readouts,
    Scatter,
    Series,
)

from .data import true_curve
from .models import Polynomial, legendre
from .parameters import LARGEST_DEGREE
from .sweep import WIDTHS

if TYPE_CHECKING:
    from .experiment import Overfitting

TRAIN, VALIDATION, TEST = 0, 1, 2
TRUTH, EXACT, SPREAD = 6, 4, 3
LABELS = {
    TRAIN: Bilingual("训练", "training"),
    VALIDATION: Bilingual("验证", "validation"),
    TEST: Bilingual("测试", "test"),
}
ERROR = Bilingual("均方误差", "mean squared error")
DRAWN = 201
FLOOR = 1e-12
"""What a logarithmic axis gets in place of zero."""


def items(experiment: Overfitting) -> Mapping[str, Item]:
    """Everything there is to see at this step."""
    return {
        "fit": fit(experiment),
        "sweep": sweep(experiment),
        "tradeoff": tradeoff(experiment),
        "weights": weights(experiment),
        "numbers": read_outs(experiment),
    }


# ------------------------------------------------------------------------------------------------
# The fit


def fit(experiment: Overfitting) -> Scatter:
    """The points, the model's curve now, and what it could be compared with."""
    raw_x, raw_y = experiment.raw_x, experiment.raw_y
    low, high = raw_x.min().item(), raw_x.max().item()
    if not experiment.parameters.points:
        low, high = -1.0, 1.0
    places = torch.linspace(low, high, DRAWN, dtype=torch.float64)
    groups = [
        _group("train", TRAIN, experiment, experiment.train),
        _group("validation", VALIDATION, experiment, experiment.validation, hollow=True),
    ]
    if experiment.parameters.reveal_test:
        groups.append(_group("test", TEST, experiment, experiment.test, hollow=True))
    margin = 0.35 * float(raw_y.max() - raw_y.min()) + 1e-9
    limits = (raw_y.min().item() - margin, raw_y.max().item() + margin)
    return Scatter(
        Axis(Bilingual.same("x"), limits=(low, high)),
        Axis(Bilingual.same("y"), limits=limits),
        tuple(groups),
        lines=tuple(_lines(experiment, places)),
    )


def _group(
    name: str, kind: int, experiment: Overfitting, indices: Tensor, *, hollow: bool = False
) -> PointGroup:
    xy = torch.stack([experiment.raw_x[indices], experiment.raw_y[indices]], dim=1).numpy()
    return PointGroup(name, LABELS[kind], xy, color=kind, hollow=hollow)


def _lines(experiment: Overfitting, places: Tensor) -> list[Series]:
    settings, x = experiment.parameters, places.numpy()
    lines = []
    if settings.show_spread and experiment.spread is not None and experiment.exact is not None:
        lines.append(_band(experiment))
    if settings.show_truth and not settings.own_alone:
        truth = true_curve(settings.curve, places).numpy()
        lines.append(
            Series("truth", Bilingual("真实曲线", "true curve"), x, truth, TRUTH, "dashed")
        )
    if settings.show_exact and experiment.exact is not None:
        basis = legendre(experiment.to_unit(places), settings.degree)
        exact = (basis @ experiment.exact) * experiment.y_spread + experiment.y_middle
        label = Bilingual("训练到底的解", "where training ends")
        lines.append(Series("exact", label, x, exact.numpy(), EXACT, "dashed"))
    now = Bilingual("模型现在的曲线", "the model now")
    lines.append(Series("model", now, x, experiment.predict(places).numpy(), TRAIN))
    return lines


def _band(experiment: Overfitting) -> Series:
    """The middle 80% of the exact fits to 40 other data sets."""
    assert experiment.spread is not None
    curves = experiment.spread.curves[:, experiment.parameters.degree].numpy()
    low, middle, high = np.percentile(curves, [10, 50, 90], axis=0)
    label = Bilingual("40 批数据：中间 80%", "40 data sets: middle 80%")
    x = experiment.spread.places.numpy()
    return Series("spread", label, x, middle, SPREAD, low=low, high=high)


# ------------------------------------------------------------------------------------------------
# Error over the size of the model


def sweep(experiment: Overfitting) -> Curves:
    """Training and validation error for every degree (solved) or width (trained so far)."""
    if experiment.parameters.model == "polynomial":
        return _degree_curves(experiment)
    return _width_curves(experiment)


def _degree_curves(experiment: Overfitting) -> Curves:
    settings, found = experiment.parameters, experiment.degrees
    x = np.arange(LARGEST_DEGREE + 1.0)
    series = [
        _error_series("train", TRAIN, x, found.train.numpy()),
        _error_series("validation", VALIDATION, x, found.validation.numpy()),
    ]
    if settings.reveal_test:
        series.append(_error_series("test", TEST, x, found.test.numpy()))
    if settings.show_spread and experiment.spread is not None:
        series = [
            _band_series("train", TRAIN, x, experiment.spread.train.numpy()),
            _band_series("fresh", VALIDATION, x, experiment.spread.fresh.numpy()),
        ]
    label = Bilingual("多项式次数", "degree")
    here = Bilingual(f"现在：{settings.degree}", f"now: {settings.degree}")
    return Curves(
        Axis(label, limits=(0, LARGEST_DEGREE)),
        Axis(ERROR, log=True),
        tuple(series),
        marks=((float(settings.degree), here),),
    )


def _width_curves(experiment: Overfitting) -> Curves:
    assert experiment.family is not None
    settings = experiment.parameters
    x = np.array(WIDTHS, dtype=float)
    parts = [("train", TRAIN, experiment.train), ("validation", VALIDATION, experiment.validation)]
    if settings.reveal_test:
        parts.append(("test", TEST, experiment.test))
    with torch.no_grad():
        series = [
            _error_series(name, kind, x, experiment.family.errors(*experiment.part(at)).numpy())
            for name, kind, at in parts
        ]
    label = Bilingual("隐藏神经元个数", "hidden neurons")
    here = Bilingual(f"现在：{settings.width}", f"now: {settings.width}")
    note = Bilingual(
        "八个网络一起训练到这一步", "eight networks, trained side by side up to this step"
    )
    return Curves(
        Axis(label, log=True),
        Axis(ERROR, log=True),
        tuple(series),
        marks=((float(settings.width), here),),
        note=note,
    )


def _error_series(name: str, kind: int, x: Array, values: Array) -> Series:
    return Series(name, LABELS[kind], x, np.maximum(values, FLOOR), kind)


def _band_series(name: str, kind: int, x: Array, values: Array) -> Series:
    """Median and middle 80% over the seeds, (seeds, degrees)."""
    low, middle, high = np.maximum(np.percentile(values, [10, 50, 90], axis=0), FLOOR)
    labels = {
        TRAIN: Bilingual("训练（40 批数据）", "training (40 data sets)"),
        VALIDATION: Bilingual("全新的点（40 批数据）", "fresh points (40 data sets)"),
    }
    return Series(name, labels[kind], x, middle, kind, low=low, high=high)


def tradeoff(experiment: Overfitting) -> Curves:
    """Bias², variance and noise over the degree: together, the error on fresh points.

    Where the variance drowns the bias, 40 data sets cannot tell it from zero and its line ends.
    """
    x = np.arange(LARGEST_DEGREE + 1.0)
    axes = (
        Axis(Bilingual("多项式次数", "degree"), limits=(0, LARGEST_DEGREE)),
        Axis(ERROR, log=True, limits=(1e-3, 1e3)),
    )
    if experiment.spread is None:
        note = Bilingual(
            "用自己的点时不知道真实曲线，所以分不出偏差和方差。",
            "With own points the true curve is unknown, so bias and variance cannot be told apart.",
        )
        return Curves(*axes, (), note=note)
    bias, wobble = (part.numpy() for part in experiment.spread.bias_squared())
    variance = experiment.spread.variance().numpy()
    drowned = np.flatnonzero(bias < wobble)
    seen = int(drowned[0]) if len(drowned) else len(bias)
    noise = np.full_like(bias, experiment.parameters.noise**2)
    total = np.maximum(bias, 0) + variance + noise
    series = (
        Series("bias", Bilingual("偏差²", "bias²"), x[:seen], np.maximum(bias[:seen], FLOOR), 2),
        Series("variance", Bilingual("方差", "variance"), x, np.maximum(variance, FLOOR), 3),
        Series(
            "noise",
            Bilingual("噪声 σ²", "noise σ²"),
            x,
            np.maximum(noise, FLOOR),
            TRUTH,
            "dashed",
        ),
        Series(
            "total", Bilingual("三者之和", "their sum"), x, np.maximum(total, FLOOR), VALIDATION
        ),
    )
    degree = experiment.parameters.degree
    here = Bilingual(f"现在：{degree}", f"now: {degree}")
    marks = ((float(degree), here),) if experiment.parameters.model == "polynomial" else ()
    return Curves(*axes, series, marks=marks)


# ------------------------------------------------------------------------------------------------
# Weights and numbers


def weights(experiment: Overfitting) -> Bars:
    """The weights that regularisation shrinks."""
    if isinstance(experiment.net, Polynomial):
        values = experiment.net.weights.detach().numpy().copy()
        labels = tuple(f"w{_subscript(k)}" for k in range(len(values)))
        name = Bilingual("权重 wₖ（第 k 条基曲线）", "weight wₖ of basis curve k")
        return Bars(labels, values, Axis(name), keep_order=True)
    heights = experiment.net.height.detach().numpy()
    order = np.argsort(-np.abs(heights))[:16]
    labels = tuple(f"#{unit + 1}" for unit in order)
    name = Bilingual("输出权重，最大的 16 个", "output weights, the 16 largest")
    return Bars(labels, heights[order].copy(), Axis(name), keep_order=True)


def _subscript(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def read_outs(experiment: Overfitting) -> Readouts:
    """The errors, the gap between them, and how much the model could remember."""
    errors = experiment.measure()
    train, validation = errors["train_loss"], errors["validation_loss"]
    values = [
        Readout(
            "train_loss", Bilingual("训练误差", "training error"), train, term="mean-squared-error"
        ),
        Readout(
            "validation_loss",
            Bilingual("验证误差", "validation error"),
            validation,
            term="validation-set",
        ),
        Readout(
            "gap",
            Bilingual("差距（验证 − 训练）", "gap (validation − training)"),
            validation - train,
            term="generalisation",
            help=Bilingual(
                "越大，过拟合越重；它没有一条“是”与“否”的界线",
                "the larger, the more overfitting; there is no line between yes and no",
            ),
        ),
    ]
    if "test_loss" in errors:
        values.append(
            Readout(
                "test_loss",
                Bilingual("测试误差", "test error"),
                errors["test_loss"],
                term="train-test-split",
            )
        )
    if experiment.parameters.show_truth and not experiment.parameters.points:
        values.append(
            Readout(
                "true_error",
                Bilingual("对全新数据的误差", "error on all fresh data"),
                true_error(experiment),
                help=Bilingual(
                    "模型曲线与真实曲线之差的均方，加上噪声 σ²；只有知道真相的人算得出",
                    "mean square of the difference from the true curve, plus the noise σ²; only someone who knows the truth can compute it",
                ),
            )
        )
    values.append(
        Readout(
            "parameters",
            Bilingual("模型参数", "parameters"),
            float(parameter_count(experiment)),
            term="parameter",
        )
    )
    values.append(
        Readout("points", Bilingual("训练点", "training points"), float(len(experiment.train)))
    )
    if experiment.parameters.early_stopping:
        values.append(
            Readout(
                "best_step",
                Bilingual("验证误差最低的一步", "step with the lowest validation error"),
                float(experiment.watch.best_step),
                term="early-stopping",
            )
        )
    return Readouts(tuple(values))


def parameter_count(experiment: Overfitting) -> int:
    """How many numbers training may set."""
    return sum(parameter.numel() for parameter in experiment.net.parameters())


def true_error(experiment: Overfitting) -> float:
    """Expected squared error on a fresh point, from the known curve and noise."""
    places = torch.linspace(-1, 1, 401, dtype=torch.float64)
    difference = experiment.predict(places) - true_curve(experiment.parameters.curve, places)
    return (difference**2).mean().item() + experiment.parameters.noise**2


# ------------------------------------------------------------------------------------------------
# Pointing at something


def explanation(experiment: Overfitting, item: str, index: tuple[int, ...]) -> Explanation | None:
    """How a read-out came about."""
    if item != "numbers" or not index:
        return None
    values = read_outs(experiment).values
    if not 0 <= index[0] < len(values):
        return None
    name = values[index[0]].name
    parts = {
        "train_loss": experiment.train,
        "validation_loss": experiment.validation,
        "test_loss": experiment.test,
    }
    if name in parts:
        return _error_explained(experiment, parts[name], values[index[0]])
    if name == "gap":
        errors = experiment.measure()
        latex = f"{errors['validation_loss']:.4g} - {errors['train_loss']:.4g} = {values[index[0]].value:.4g}"
        remark = Bilingual("验证误差减去训练误差", "validation error minus training error")
        return Explanation(values[index[0]].label, ((latex, remark),), term="generalisation")
    if name == "parameters":
        return _count_explained(experiment)
    return None


def _error_explained(experiment: Overfitting, indices: Tensor, shown: Readout) -> Explanation:
    x, y = experiment.part(indices)
    with torch.no_grad():
        residuals = (experiment.net(x) - y).tolist()
    first = " + ".join(f"({value:.3g})^2" for value in residuals[:3])
    more = r" + \cdots" if len(residuals) > 3 else ""
    latex = rf"\frac{{1}}{{{len(residuals)}}}\left({first}{more}\right) = {shown.value:.4g}"
    remark = Bilingual(
        "每个点上模型与数据之差的平方，取平均",
        "squared difference between model and data, averaged over the points",
    )
    return Explanation(shown.label, ((latex, remark),), term="mean-squared-error")


def _count_explained(experiment: Overfitting) -> Explanation:
    count, settings = parameter_count(experiment), experiment.parameters
    if settings.model == "polynomial":
        latex = f"{settings.degree} + 1 = {count}"
        remark = Bilingual("每个幂次一个，再加常数项", "one for each power, and the constant")
    else:
        latex = rf"3 \times {settings.width} + 1 = {count}"
        remark = Bilingual(
            "每个神经元：陡度、位置、高度；最后加一个偏移",
            "steepness, place and height of each unit, and one offset",
        )
    ratio = count / len(experiment.train)
    text = Bilingual(
        f"每个训练点摊到 {ratio:.2g} 个参数。",
        f"That is {ratio:.2g} parameters for each training point.",
    )
    title = Bilingual("参数个数", "Number of parameters")
    return Explanation(title, ((latex, remark),), text, term="parameter")
