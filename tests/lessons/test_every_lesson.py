"""What every lesson must fulfil; a new lesson inherits all of this by being there.

Lessons are found by the function that the application uses. A lesson may give hints in its
``lesson.toml``, which nothing else reads::

    [test]
    small = { layers = 1 }        # parameters that make it quick without changing what is tested
    steps = 6                     # how far the tests run it (12)
    diverges = ["too-far"]        # steps whose preset is meant to become infinite
    extremes.text = ["a", "一二"]  # instead of the extremes that are made up here
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from desktop import paths
from desktop.bilingual import Bilingual, GlassboxError
from desktop.commands.output import plain
from desktop.course import find_lessons, goal_reached, load_course, settle
from desktop.course.lesson import Goal, Lesson, PanelSpec, Prediction, Step
from desktop.course.prose import actions
from desktop.course.review import missing_parts, structure_differences
from desktop.engine import frames
from desktop.engine.loading import load_experiment, load_parameters
from desktop.engine.parameters import ParameterSet, ParameterSpec
from desktop.engine.recipe import Recipe, replay
from desktop.engine.run import Run
from desktop.engine.script import shown_source, standalone_script
from desktop.engine.snapshots import state_digest

FOLDERS = find_lessons(paths.lessons())
HINTS = {"small", "steps", "diverges", "extremes"}
ITEMS = {
    "curves": frames.Curves,
    "contour": frames.Surface,
    "surface3d": frames.Surface,
    "scatter": frames.Scatter,
    "heatmap": frames.HeatMap,
    "network": frames.Network,
    "matrix": frames.Matrix,
    "matrices": frames.Matrices,
    "tokens": frames.Tokens,
    "bars": frames.Bars,
    "readouts": frames.Readouts,
    "texts": frames.TextBlocks,
    "worked": frames.Worked,
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums must not depend on how many cores the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def course():
    return load_course(paths.lessons())


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def lesson(request: pytest.FixtureRequest) -> Lesson:
    return course().lesson(request.param.name)


def parameters_of(lesson: Lesson, **changes: Any) -> ParameterSet:
    """The defaults, made small by the lesson's hint, with changes."""
    kind = load_parameters(lesson.folder)[0]
    return kind().changed(**{**lesson.test.get("small", {}), **changes})


def start(lesson: Lesson, parameters: ParameterSet | None = None, seed: int = 0, **more) -> Run:
    kind = load_experiment(lesson.folder)
    parameters = parameters_of(lesson) if parameters is None else parameters
    return Run(kind, parameters, seed, lesson_slug=lesson.slug, **more)


def steps_of(lesson: Lesson) -> int:
    return int(lesson.test.get("steps", 12))


def advance(run: Run, steps: int) -> list[dict[str, float]]:
    found = []
    for _ in range(steps):
        if run.finished:
            break
        found.append(dict(run.advance()))
    return found


def same(one: Any, other: Any) -> bool:
    """Equal with NaN equal to NaN; numbers compare by their text, which is exact."""
    return repr(one) == repr(other)


def series(run: Run) -> dict[str, tuple[Any, Any]]:
    return {name: run.history.series(name) for name in run.history.names}


# ------------------------------------------------------------------------------------------------
# The files


def test_lessons_are_found():
    assert FOLDERS
    assert not course().problems, [problem.message.en for problem in course().problems]
    assert len(course().lessons) == len(FOLDERS)


def test_both_languages_have_the_same_structure(lesson: Lesson):
    assert structure_differences(lesson) == []


def test_nothing_is_missing(lesson: Lesson):
    assert missing_parts(lesson) == []


def test_hints_are_known(lesson: Lesson):
    assert set(lesson.test) <= HINTS
    assert set(lesson.test.get("diverges", ())) <= {step.id for step in lesson.steps}
    parameters_of(lesson)


def test_every_parameter_named_exists_and_takes_the_value(lesson: Lesson):
    kind = load_parameters(lesson.folder)[0]
    named = {*lesson.controls, *lesson.more_controls}
    named |= {name for step in lesson.steps for name in step.controls}
    named |= {lesson.data_parameter} - {""}
    for name in named:
        kind.spec(name)
    for step in lesson.steps:
        preset = kind().changed(**step.preset)
        for check in step.checks:
            if isinstance(check, Goal):
                preset.changed(**check.solution)
                for name, allowed in check.require.items():
                    for value in allowed:
                        kind.spec(name).check(value)
            else:
                for run in check.runs:
                    kind().changed(**run.parameters)
        for language in ("zh", "en"):
            for action in actions(step.markdown[language]):
                for name, text in action.set.items():
                    kind.spec(name).parse(text)


def test_every_parameter_can_be_reached_by_a_control_or_gesture(lesson: Lesson):
    specs = load_parameters(lesson.folder)[0].specs()
    reached = {*lesson.controls, *lesson.more_controls, lesson.data_parameter}
    reached |= {name for step in lesson.steps for name in step.controls}
    reached |= {effect.partition(":")[2] for p in lesson.panels for effect in p.gestures.values()}
    assert set(specs) <= reached


def test_gestures_name_parameters_of_the_right_kind(lesson: Lesson):
    specs = load_parameters(lesson.folder)[0].specs()
    for panel in lesson.panels:
        for effect in panel.gestures.values():
            verb, _, target = effect.partition(":")
            if verb == "set":
                assert target in specs
            if verb == "append":
                assert specs[target].kind == "rows"


def test_parameters_and_scalars_speak_both_languages(lesson: Lesson):
    kind, scalars = load_parameters(lesson.folder)
    texts = [text for spec in kind.specs().values() for text in (spec.label, spec.help)]
    texts += [c.label for spec in kind.specs().values() for c in spec.choices]
    texts += [scalar.label for scalar in scalars]
    for text in texts:
        assert isinstance(text, Bilingual)
        assert text.zh
        assert text.en
        assert not re.search("[\u4e00-\u9fff]", text.en), text.en


def test_parameters_load_without_torch(lesson: Lesson):
    code = (
        "import sys; from pathlib import Path; from desktop.engine.loading import load_parameters;"
        f"load_parameters(Path({str(lesson.folder)!r})); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=paths.root())


# ------------------------------------------------------------------------------------------------
# What is shown


def check_panel(lesson: Lesson, panel: PanelSpec, items: Any, scalars: set[str]) -> None:
    if panel.kind == "history":
        assert panel.item == "history"
        assert set(panel.options.get("scalars", ())) <= scalars
        return
    assert panel.item in items, f"{panel.id}: frame() has no item {panel.item}"
    assert isinstance(items[panel.item], ITEMS[panel.kind]), panel.id


def test_every_panel_gets_its_item(lesson: Lesson):
    scalars = {scalar.name for scalar in load_parameters(lesson.folder)[1]}
    panels = {panel.id: panel for panel in lesson.panels}
    for step in lesson.steps:
        run = start(lesson, parameters_of(lesson, **step.preset))
        for _ in range(2):
            items = run.frame().items
            for name in step.panels or panels:
                check_panel(lesson, panels[name], items, scalars)
            advance(run, 1)


def test_every_panel_is_shown_in_some_step(lesson: Lesson):
    shown = {name for step in lesson.steps for name in step.panels or [p.id for p in lesson.panels]}
    assert {panel.id for panel in lesson.panels} == shown


def test_frames_change_nothing_and_repeat_themselves(lesson: Lesson):
    run = start(lesson)
    for _ in range(3):
        before = state_digest(run.experiment)
        first, second = arrays(run), arrays(run)
        run.diagnose()
        assert state_digest(run.experiment) == before
        assert same(first, second)
        advance(run, 1)


def arrays(run: Run) -> Any:
    """Everything a frame shows, as JSON; raises for what has no place there."""
    shown = {name: item.arrays() for name, item in run.frame().items.items()}
    return json.loads(json.dumps(plain(shown), allow_nan=False))


def test_a_shown_array_is_never_written_again(lesson: Lesson):
    run = start(lesson)
    advance(run, 1)
    items = run.frame().items
    before = plain({name: item.arrays() for name, item in items.items()})
    advance(run, 3)
    run.go_to(0)
    assert same(before, plain({name: item.arrays() for name, item in items.items()}))


def test_cells_of_matrices_can_be_explained(lesson: Lesson):
    run = start(lesson)
    advance(run, 1)
    for name, item in run.frame().items.items():
        if isinstance(item, frames.Matrix):
            rows, columns = item.values.shape
            for index in [(0, 0), (rows - 1, columns - 1), (rows - 1, 0)]:
                explanation = run.experiment.explain(name, index)
                assert explanation is None or (explanation.title.zh and explanation.title.en)


# ------------------------------------------------------------------------------------------------
# Numbers


def test_every_preset_runs_with_finite_numbers(lesson: Lesson):
    names = {scalar.name for scalar in load_parameters(lesson.folder)[1]}
    for step in lesson.steps:
        run = start(lesson, parameters_of(lesson, **step.preset))
        for scalars in [run.experiment.measure(), *advance(run, steps_of(lesson))]:
            assert set(scalars) <= names
            assert all(type(value) is float for value in scalars.values())
            if step.id not in lesson.test.get("diverges", ()):
                assert all(map(math.isfinite, scalars.values())), (step.id, scalars)


def test_the_same_seed_gives_the_same_bits_whatever_the_global_generators_do(lesson: Lesson):
    before = torch.get_rng_state(), np.random.get_state()
    runs = []
    for number in range(2):
        torch.manual_seed(number)
        np.random.seed(number)
        runs.append(start(lesson, seed=3))
    for _ in range(steps_of(lesson)):
        scalars = []
        for number, run in enumerate(runs):
            torch.manual_seed(number)
            np.random.seed(number)
            scalars.append(advance(run, 1))
        assert same(*scalars)
        assert state_digest(runs[0].experiment) == state_digest(runs[1].experiment)
    torch.set_rng_state(before[0])
    np.random.set_state(before[1])


def extremes(lesson: Lesson, spec: ParameterSpec) -> list[Any]:
    """The ends of a parameter's range."""
    chosen = lesson.test.get("extremes", {}).get(spec.name)
    if chosen is not None:
        return list(chosen)
    values = [choice.value for choice in spec.choices]
    low, high, most = spec.low, spec.high, spec.max_items
    if spec.kind in ("number", "integer"):
        return [low, high]
    if spec.kind == "flag":
        return [False, True]
    if spec.kind == "choice":
        return values
    if spec.kind == "subset":
        return [values, *([value] for value in values if spec.min_items <= 1)]
    if spec.kind == "integers":
        return [[int(low)] * spec.min_items, [int(low)] * most, [int(high)] * most]
    if spec.kind == "point":
        return [(low, low), (high, low), (high, high)]
    if spec.kind == "rows":
        rng = np.random.default_rng(0)
        return [rng.uniform(low, high, (n, spec.columns)).tolist() for n in {0, 1, min(most, 40)}]
    return ["", "a", "字" * min(most or 10, 40)]


def extreme_cases() -> list[Any]:
    cases = []
    for folder in FOLDERS:
        for name in load_parameters(folder)[0].specs():
            cases.append(pytest.param(folder, name, id=f"{folder.name}-{name}"))
    return cases


@pytest.mark.parametrize(("folder", "name"), extreme_cases())
def test_every_parameter_works_at_its_extremes(folder: Path, name: str):
    """Building, two steps, the frame and the diagnosis; one that can change midway also there.
    Own data and own text may be refused, in words."""
    lesson = course().lesson(folder.name)
    spec = load_parameters(folder)[0].spec(name)
    may_refuse: type[Exception] | tuple[()] = GlassboxError if spec.kind in ("text", "rows") else ()
    for value in extremes(lesson, spec):
        with contextlib.suppress(may_refuse):
            use_extreme(lesson, spec, value)


def use_extreme(lesson: Lesson, spec: ParameterSpec, value: Any) -> None:
    run = start(lesson, parameters_of(lesson, **{spec.name: value}))
    advance(run, 2)
    arrays(run)
    for finding in run.diagnose():
        run.parameters.changed(**finding.fix)
    if spec.midway:
        run = start(lesson)
        advance(run, 2)
        run.change(run.parameters.changed(**{spec.name: value}))
        advance(run, 2)
        arrays(run)


# ------------------------------------------------------------------------------------------------
# Time


def midway_change(lesson: Lesson) -> dict[str, Any]:
    """Another value for the first number or choice that can change midway, if there is one."""
    now = parameters_of(lesson)
    for spec in now.specs().values():
        if spec.midway and spec.kind == "number":
            value = spec.low if getattr(now, spec.name) != spec.low else spec.high
            return {spec.name: value}
        if spec.midway and spec.kind == "choice":
            others = [c.value for c in spec.choices if c.value != getattr(now, spec.name)]
            return {spec.name: others[0]}
    return {}


def test_any_step_is_reached_again_bit_for_bit(lesson: Lesson):
    run = start(lesson, count_budget=3)
    truth = {0: state_digest(run.experiment)}
    shown = {0: arrays(run)}
    middle, end = steps_of(lesson) // 2, steps_of(lesson)
    while run.step < end and not run.finished:
        run.advance()
        if run.step == middle:
            run.change(run.parameters.changed(**midway_change(lesson)))
        truth[run.step] = state_digest(run.experiment)
        shown[run.step] = arrays(run)
    for step in [middle, 0, run.head, 1, middle - 1, middle + 1]:
        step = min(step, run.head)
        run.go_to(step)
        assert state_digest(run.experiment) == truth[step], step
        assert same(arrays(run), shown[step]), step


def test_a_fork_goes_on_like_its_parent_and_leaves_it_alone(lesson: Lesson):
    run = start(lesson, count_budget=3)
    advance(run, steps_of(lesson))
    end, head = state_digest(run.experiment), run.head
    run.go_to(head // 2)
    here = state_digest(run.experiment)
    fork = run.fork(2)
    advance(fork, head - head // 2)
    assert state_digest(fork.experiment) == end
    assert state_digest(run.experiment) == here
    assert same(arrays(fork), arrays(start_at(lesson, head)))
    other = run.fork(3, run.parameters.changed(**midway_change(lesson)))
    advance(other, 2)
    assert state_digest(run.experiment) == here


def start_at(lesson: Lesson, step: int) -> Run:
    run = start(lesson)
    advance(run, step)
    return run


def test_a_saved_experiment_opens_again_bit_for_bit(lesson: Lesson):
    run = start(lesson, seed=7)
    advance(run, 3)
    run.change(run.parameters.changed(**midway_change(lesson)))
    advance(run, 3)
    run.go_to(run.head - 1 if run.head else 0)
    recipe = Recipe.from_text(Recipe.of(run).to_text())
    again = finish(replay(recipe, run.experiment_type))
    assert again.exact
    assert same(arrays(again), arrays(run))


def finish(replaying: Generator[int, None, Run]) -> Run:
    """Let the generator run to its end and give what it returns."""
    while True:
        try:
            next(replaying)
        except StopIteration as end:
            return end.value


# ------------------------------------------------------------------------------------------------
# Checks


def checks(kind: type) -> list[Any]:
    return [
        pytest.param(lesson, step, check, id=f"{lesson.slug}-{check.id}")
        for lesson in course().lessons
        for step in lesson.steps
        for check in step.checks
        if isinstance(check, kind)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("lesson", "step", "goal"), checks(Goal))
def test_a_goals_solution_reaches_it(lesson: Lesson, step: Step, goal: Goal):
    parameters = load_parameters(lesson.folder)[0]().changed(**step.preset)
    run = start(lesson, parameters.changed(**goal.solution))
    while run.step < goal.within_steps and not run.finished:
        run.advance()
        if goal_reached(goal, series(run), run.parameters):
            break
    assert goal_reached(goal, series(run), run.parameters)


@pytest.mark.parametrize(("lesson", "step", "goal"), checks(Goal))
def test_a_goal_is_not_reached_before_anything_happened(lesson: Lesson, step: Step, goal: Goal):
    run = start(lesson, load_parameters(lesson.folder)[0]().changed(**step.preset))
    assert not goal_reached(goal, series(run), run.parameters)


@pytest.mark.slow
@pytest.mark.parametrize(("lesson", "step", "prediction"), checks(Prediction))
def test_a_predictions_runs_settle_it(lesson: Lesson, step: Step, prediction: Prediction):
    defaults = load_parameters(lesson.folder)[0]()
    histories = {}
    for spec in prediction.runs:
        run = start(lesson, defaults.changed(**spec.parameters), spec.seed)
        advance(run, spec.steps)
        histories[spec.name] = series(run)
    assert settle(prediction, histories) in [option.id for option in prediction.options]


# ------------------------------------------------------------------------------------------------
# The code


def test_the_code_shown_is_there_and_is_plain_torch(lesson: Lesson):
    source = shown_source(load_experiment(lesson.folder))
    assert source.count("\n") > 5
    assert "Bilingual" not in source
    assert "desktop" not in source


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 11])
def test_the_script_runs_with_torch_alone_and_prints_the_same_numbers(
    lesson: Lesson, seed: int, tmp_path: Path
):
    run = start(lesson, seed=seed)
    advance(run, steps_of(lesson))
    script = standalone_script(run.experiment_type, run.parameters, seed, run.step)
    assert "desktop" not in script
    assert "glassbox_lessons" not in script
    path = tmp_path / "script.py"
    path.write_text(script, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", str(path)],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        env=environment | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("step ")]
    assert lines, done.stdout
    compare(lines[-1], run.step, run.history.at(run.step))


def compare(line: str, step: int, scalars: dict[str, float]) -> None:
    """``step 12 loss=0.5123 …`` against the run, to the precision that was printed."""
    head, printed = line.split()[1], re.findall(r"(\w+)=(\S+)", line)
    assert int(head.rstrip(":")) == step
    assert {name for name, _ in printed} & set(scalars), line
    for name, text in printed:
        if name in scalars:
            value = float(text.rstrip(",%"))
            assert math.isclose(value, scalars[name], rel_tol=1e-6, abs_tol=half_digit(text)) or (
                math.isnan(value) and math.isnan(scalars[name])
            ), (name, text, scalars[name])


def half_digit(text: str) -> float:
    """Half a unit of the last digit printed, and a little for rounding."""
    digits, _, exponent = text.lower().rstrip(",%").partition("e")
    return 0.51 * 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
