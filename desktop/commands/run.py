"""``glassbox run SLUG``: a lesson's experiment without a window, its numbers step by step.

The same ``Run`` as behind the window, so the numbers are the same for the same parameters and seed.
Prints every step's scalars as they come, then what the panels would show and the diagnosis.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from desktop import paths
from desktop.bilingual import Bilingual, GlassboxError
from desktop.commands.arguments import Parser, UsageError, whole
from desktop.commands.output import Output
from desktop.course import load_course
from desktop.engine.loading import load_experiment, load_parameters
from desktop.engine.parameters import ParameterSet

if TYPE_CHECKING:
    from desktop.engine.run import Run

DEFAULT_STEPS = 100


def add_arguments(parser: Parser) -> None:
    """The lesson, how long, which randomness, which parameters."""
    parser.add_argument("slug", metavar="SLUG", help=parser.pick("课程", "the lesson"))
    parser.add_argument(
        "--steps",
        type=whole(0, 10**9),
        metavar="N",
        help=parser.pick(
            f"运行多少步（默认 {DEFAULT_STEPS}）", f"how many steps ({DEFAULT_STEPS})"
        ),
    )
    parser.add_argument(
        "--seed",
        type=whole(0, 2**63 - 1),
        default=0,
        metavar="S",
        help=parser.pick("随机种子（默认 0）", "random seed (0)"),
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=parser.pick("改一个参数，可以写多次", "change a parameter; may be repeated"),
    )


def run(arguments: argparse.Namespace) -> int:
    """Run and print."""
    output: Output = arguments.output
    lesson = load_course(paths.lessons()).lesson(arguments.slug)
    parameters = read_settings(load_parameters(lesson.folder)[0], arguments.set)
    steps = arguments.steps
    if steps is None:
        steps = DEFAULT_STEPS if lesson.trains else 0

    from desktop.engine.run import Run  # imports torch: only once everything typed is in order

    experiment_type = load_experiment(lesson.folder)
    try:
        run = Run(experiment_type, parameters, arguments.seed, lesson_slug=lesson.slug)
    except GlassboxError:
        raise
    except Exception as error:
        raise _broke(0, error) from error
    scalars = run.experiment.measure()
    _print_step(output, 0, scalars)
    while run.step < steps and not run.finished:
        scalars = _advance(run)
        _print_step(output, run.step, scalars)
    _print_final(output, run, scalars)
    return 0


def read_settings(kind: type[ParameterSet], settings: Sequence[str]) -> ParameterSet:
    """Parameters with the ``NAME=VALUE`` changes of the command line."""
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(
                Bilingual(
                    f"--set 要写成“名字=值”，“{setting}”里没有等号。",
                    f"--set takes NAME=VALUE, and “{setting}” has no equals sign.",
                )
            )
        values[name.strip()] = kind.spec(name.strip()).parse(text)
    return kind().changed(**values)


def _advance(run: Run) -> Mapping[str, float]:
    try:
        return run.advance()
    except GlassboxError:
        raise
    except Exception as error:
        raise _broke(run.step + 1, error) from error


def _broke(step: int, error: Exception) -> GlassboxError:
    what = f"{type(error).__name__}: {error}"
    return GlassboxError(
        Bilingual(
            f"实验在第 {step} 步出错停下了（{what}）。",
            f"The experiment stopped with an error at step {step} ({what}).",
        ),
        Bilingual("换一组参数再试。", "Try other parameters."),
    )


def _print_step(output: Output, step: int, scalars: Mapping[str, float]) -> None:
    if not scalars:
        return
    output.data({"step": step, "scalars": scalars})
    if not output.as_json:
        numbers = "  ".join(f"{name}={value:.6g}" for name, value in scalars.items())
        output.say(f"{step:>6}  {numbers}")


def _print_final(output: Output, run: Run, scalars: Mapping[str, float]) -> None:
    frame = run.frame()
    arrays = {
        f"{item}.{name}": values
        for item, shown in frame.items.items()
        for name, values in shown.arrays().items()
    }
    found = run.diagnose()
    output.data(
        {
            "final": {
                "step": run.step,
                "finished": run.finished,
                "seed": run.seed,
                "parameters": run.parameters.to_json(),
                "scalars": scalars,
                "arrays": arrays,
                "diagnosis": [
                    {
                        "code": finding.code,
                        "severity": finding.severity,
                        "message": finding.message,
                        "evidence": finding.evidence,
                        "advice": finding.advice,
                        "fix": dict(finding.fix),
                    }
                    for finding in found
                ],
            }
        }
    )
    if output.as_json:
        return
    output.say("")
    for name, values in arrays.items():
        output.say(f"  {name} {_summary(values)}")
    for finding in found:
        parts = (finding.message, finding.evidence, finding.advice)
        space = " " if output.language == "en" else ""
        output.say("")
        output.say(space.join(output.pick(part) for part in parts))


def _summary(values: Any) -> str:
    """An array in a few characters: all of a small one, the shape and range of a large one."""
    import numpy as np

    if isinstance(values, (str, int, float)):
        return f"= {values:.6g}" if isinstance(values, float) else f"= {values}"
    array = np.asarray(values)
    shape = " × ".join(map(str, array.shape))
    if array.dtype.kind not in "fiub" or array.size == 0:
        return f"[{shape}]"
    if array.size <= 6:
        return "= " + ", ".join(f"{number:.6g}" for number in array.astype(float).ravel())
    return f"[{shape}] {np.nanmin(array):.4g} … {np.nanmax(array):.4g}"
