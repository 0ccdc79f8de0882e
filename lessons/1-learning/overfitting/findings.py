"""What is going wrong in this fit, in words, with the numbers that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop.bilingual import Bilingual
from desktop.engine.diagnosis import (
    diverging,
    findings,
    gap,
    lower,
    nonfinite,
    number,
    overfitting,
    raise_,
)
from desktop.engine.frames import Finding
from desktop.engine.history import History

from .pictures import parameter_count

if TYPE_CHECKING:
    from .experiment import Overfitting

MEMORISING_GAP = 2.5
"""Validation error above this multiple of the training error is worth a word after some training."""
NOTABLE_RISE = 0.4
"""With a handful of validation points, a smaller rise of their error is often just luck."""
SETTLED_STEPS = 300


def diagnose(experiment: Overfitting, history: History) -> list[Finding]:
    """Divergence first; then too much freedom, too little, and the test set's honour."""
    settings = experiment.parameters
    slower = lower(settings, "learning_rate")
    firmer = {"penalty": 0.003} if settings.penalty < 0.003 else raise_(settings, "penalty", 3)
    late = None
    if not settings.early_stopping:
        stop = {"early_stopping": True}
        late = overfitting(history, "train_loss", "validation_loss", rise=NOTABLE_RISE, fix=stop)
    return findings(
        nonfinite(history, "train_loss", fix=slower),
        diverging(history, "train_loss", fix=slower),
        late or _memorising(experiment, firmer),
        _too_stiff(experiment),
        _can_pass_through_all(experiment),
        _test_set_open(experiment),
    )


def _memorising(experiment: Overfitting, fix: dict[str, float]) -> Finding | None:
    if experiment.count < SETTLED_STEPS:
        return None
    errors = experiment.measure()
    return gap(errors["train_loss"], errors["validation_loss"], times=MEMORISING_GAP, fix=fix)


def _too_stiff(experiment: Overfitting) -> Finding | None:
    """Underfitting: even the training error stays far above the noise."""
    settings = experiment.parameters
    if experiment.count < SETTLED_STEPS or settings.points:
        return None
    train = experiment.measure()["train_loss"]
    floor = settings.noise**2
    if train < 2 * floor + 0.02:
        return None
    larger = "degree" if settings.model == "polynomial" else "width"
    now = getattr(settings, larger)
    high = int(settings.spec(larger).high or now)
    fix = {larger: min(high, max(now + 2, 2 * now))} if now < high else {}
    return Finding(
        "underfitting",
        "info",
        Bilingual(
            "模型太死板：连训练点也跟不上，这叫欠拟合。",
            "The model is too stiff: it cannot even follow the training points. This is underfitting.",
        ),
        Bilingual(
            f"训练误差 {number(train)}，而噪声只占 σ² = {number(floor)}。",
            f"The training error is {number(train)}, of which noise accounts for only "
            f"σ² = {number(floor)}.",
        ),
        Bilingual(
            "让模型大一点，正则化小一点，或者再多训练一会儿。",
            "Take a larger model or less regularisation, or train for longer.",
        ),
        fix,
        "underfitting",
    )


def _can_pass_through_all(experiment: Overfitting) -> Finding | None:
    """As many parameters as points: the curve can go through every one of them."""
    settings, points = experiment.parameters, len(experiment.train)
    count = parameter_count(experiment)
    if settings.model != "polynomial" or count < points or settings.penalty > 1e-5:
        return None
    return Finding(
        "interpolation",
        "warning",
        Bilingual(
            "参数不比训练点少：这条曲线可以穿过每一个训练点，连噪声一起。",
            "There are no fewer parameters than training points: the curve can pass through every "
            "one of them, noise included.",
        ),
        Bilingual(
            f"{count} 个参数，{points} 个训练点。", f"{count} parameters, {points} training points."
        ),
        Bilingual(
            "增加数据点，降低次数，或者加大正则化。",
            "Add points, lower the degree, or raise the penalty.",
        ),
        {"penalty": 0.003},
        "overfitting",
    )


def _test_set_open(experiment: Overfitting) -> Finding | None:
    """Opened before the run began: whoever then changes a setting is choosing by the test set."""
    if not experiment.parameters.reveal_test or experiment.opened_at != 0:
        return None
    return Finding(
        "test-set-used",
        "info",
        Bilingual(
            "测试集从一开始就打开着：照着它来选设置，它就不再是测试集了。",
            "The test set has been open from the start: choose settings by it, and it is no longer "
            "a test set.",
        ),
        Bilingual(
            f"现在的测试误差 {number(experiment.measure()['test_loss'])} 只有在没有参考过它时才可信。",
            f"The test error of {number(experiment.measure()['test_loss'])} can be trusted only if "
            "nothing was chosen by it.",
        ),
        Bilingual(
            "先关上它，用验证误差选好一切，再打开一次。",
            "Close it, settle everything by the validation error, then open it once.",
        ),
        {"reveal_test": False},
        "train-test-split",
    )
