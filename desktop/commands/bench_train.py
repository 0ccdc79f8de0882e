"""``glassbox bench train``: how fast training is, without a window.

The playground is measured twice at each size: the engine alone (250 points, batches of 10, no
losses, no pictures), and as the window runs it, through the conductor of the worker thread, with
losses recorded, snapshots kept, and a picture of every neuron made whenever one is due. Then the
small language model of the lesson ``gpt``, milliseconds per training step. The repeats alternate
between the figures, so that a busy moment of the machine hurts all of them alike. Nothing is
printed that was not measured. Imports torch when it runs; no Qt.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from desktop import paths
from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser, whole
from desktop.commands.output import Output, table
from desktop.course import load_course
from desktop.course.lesson import Lesson

SIZES: tuple[tuple[int, ...], ...] = ((4, 2), (8, 8), (8,) * 6, (32,) * 3)
SECONDS = 0.5
"""How long one repeat of one figure takes."""

Measure = Callable[[], float]


def add_arguments(parser: Parser) -> None:
    """How often, and on how many threads."""
    parser.add_argument(
        "--repeats",
        type=whole(1, 1000),
        default=5,
        metavar="N",
        help=parser.pick("每个数字测几遍（默认 5）", "how often each figure is measured (5)"),
    )
    parser.add_argument(
        "--threads",
        type=whole(1, 1024),
        metavar="N",
        help=parser.pick(
            "torch 用几个线程（默认和窗口里一样）", "torch threads (as in the window)"
        ),
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure everything in alternation and print median, smallest and largest."""
    import torch

    from desktop.runtime.worker import torch_threads

    output: Output = arguments.output
    torch.set_num_threads(arguments.threads or torch_threads())
    course = load_course(paths.lessons())
    measures: dict[str, tuple[str, Measure]] = {}
    if "playground" in course:
        for hidden in SIZES:
            measures |= _playground(course.lesson("playground"), hidden)
    if "gpt" in course:
        measures["gpt.step"] = ("ms", _training_step(course.lesson("gpt")))
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(arguments.repeats):
        for name, (_, measure) in measures.items():
            found[name].append(measure())
    _print(output, measures, found, arguments.repeats, torch.get_num_threads())
    return 0


# ------------------------------------------------------------------------------------------------
# What is measured


def _playground(lesson: Lesson, hidden: tuple[int, ...]) -> dict[str, tuple[str, Measure]]:
    name = "playground." + "-".join(map(str, hidden))
    return {
        f"{name}.engine": ("epochs/s", _engine(lesson, hidden)),
        f"{name}.shown": ("epochs/s", _as_shown(lesson, hidden)),
    }


def _engine(lesson: Lesson, hidden: tuple[int, ...]) -> Measure:
    """Epochs per second of the bare training loop; a new network each time."""
    import numpy as np

    from desktop.engine.loading import load_experiment

    kind = load_experiment(lesson.folder)

    def measure() -> float:
        experiment: Any = kind(kind.Parameters().changed(hidden=hidden), 0)
        training, rate, rng = (
            experiment.training,
            experiment.parameters.learning_rate,
            experiment.rng,
        )
        with np.errstate(all="ignore"):
            training.epoch(rate, rng)
            epochs, start = 0, time.perf_counter()
            while (now := time.perf_counter()) - start < SECONDS:
                training.epoch(rate, rng)
                epochs += 1
        return epochs / (now - start)

    return measure


def _as_shown(lesson: Lesson, hidden: tuple[int, ...]) -> Measure:
    """Epochs per second of the whole worker side, with somebody who takes every picture."""
    from desktop.engine.loading import load_parameters
    from desktop.runtime import messages
    from desktop.runtime.conductor import Conductor
    from desktop.runtime.outbox import Outbox

    parameters = load_parameters(lesson.folder)[0]().changed(hidden=hidden)

    def measure() -> float:
        outbox = Outbox()
        conductor = Conductor(outbox)
        conductor.handle(messages.Open(lesson, parameters, 0))
        conductor.handle(messages.SetSpeed(0))
        conductor.handle(messages.Play())
        start = time.perf_counter()
        while (now := time.perf_counter()) - start < SECONDS:
            conductor.advance()
            outbox.frames.take()
        conductor.handle(messages.Pause())
        status = outbox.status.take()
        assert status is not None
        return status.step / (now - start)

    return measure


def _training_step(lesson: Lesson) -> Measure:
    """Milliseconds per step of a lesson's experiment with its default parameters."""
    from desktop.engine.loading import load_experiment

    kind = load_experiment(lesson.folder)
    made: list[Any] = []

    def measure() -> float:
        if not made:
            made.append(kind(kind.Parameters(), 0))
            made[0].step()
        steps, start, now = 0, time.perf_counter(), 0.0
        while now < SECONDS:
            made[0].step()
            steps, now = steps + 1, time.perf_counter() - start
        return 1000 * now / steps

    return measure


# ------------------------------------------------------------------------------------------------
# Printing


def _print(
    output: Output,
    measures: dict[str, tuple[str, Measure]],
    found: dict[str, list[float]],
    repeats: int,
    threads: int,
) -> None:
    figures = {
        name: {
            "unit": unit,
            "median": statistics.median(found[name]),
            "min": min(found[name]),
            "max": max(found[name]),
        }
        for name, (unit, _) in measures.items()
    }
    output.data(
        {"what": "train", "device": "cpu", "threads": threads, "repeats": repeats, **figures}
    )
    if output.as_json:
        return
    output.say(
        Bilingual(
            f"CPU，{threads} 个 torch 线程，每项测 {repeats} 遍：中位数（最小–最大）",
            f"CPU, {threads} torch threads, {repeats} repeats: median (smallest–largest)",
        )
    )
    rows: list[tuple[str, ...]] = []
    for name, figure in figures.items():
        spread = f"({_short(figure['min'])}–{_short(figure['max'])})"
        rows.append((name, _short(figure["median"]), str(figure["unit"]), spread))
    for line in table(rows):
        output.say(line)


def _short(value: Any) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
