"""``lesson.toml`` with ``zh.md`` and ``en.md`` → ``Lesson``, every mistake named with its place.

Imports nothing of ours but the course's own modules and the language type.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from desktop.bilingual import LANGUAGES, Bilingual
from desktop.course.checks import ConditionSyntaxError, parse_side
from desktop.course.errors import CourseError
from desktop.course.lesson import (
    Check,
    Condition,
    Goal,
    Lesson,
    PanelSpec,
    Prediction,
    PredictionOption,
    PredictionRun,
    Step,
)
from desktop.course.prose import Section, read_sections
from desktop.course.reading import Table, read_table, read_text

PANEL_KINDS = (
    "curves",
    "history",
    "contour",
    "surface3d",
    "scatter",
    "heatmap",
    "network",
    "matrix",
    "matrices",
    "tokens",
    "bars",
    "readouts",
    "texts",
    "worked",
)
OPERATORS = ("<", "<=", ">", ">=", "between", "nonfinite")


def read_lesson(folder: Path) -> Lesson:
    """Read one lesson folder; raises ``CourseError``."""
    table = read_table(folder / "lesson.toml")
    prose = {
        language: read_sections(folder / f"{language}.md", read_text(folder / f"{language}.md"))
        for language in LANGUAGES
    }
    panels = tuple(_panel(item) for item in table.tables("panels"))
    _unique(table, "panels", [panel.id for panel in panels])
    steps = _steps(table, folder, panels, prose)
    lesson = Lesson(
        slug=folder.name,
        chapter=folder.parent.name,
        order=table.integer("order", least=0),
        title=table.bilingual("title"),
        summary=table.bilingual("summary"),
        minutes=table.integer("minutes", least=1),
        folder=folder,
        panels=panels,
        steps=steps,
        controls=table.texts("controls", ()),
        more_controls=table.texts("more_controls", ()),
        steps_per_second=table.number("steps_per_second", 0.0, least=0.0),
        trains=table.flag("trains", True),
        code_note=table.bilingual("code_note", Bilingual("", "")),
        data_parameter=table.text("data_parameter", ""),
        terms=table.texts("terms", ()),
        defaults=table.mapping("defaults"),
        test=table.mapping("test"),
    )
    table.finish()
    _unique(table, "checks", [check.id for check in lesson.checks])
    return lesson


def _panel(table: Table) -> PanelSpec:
    gestures = table.mapping("gestures")
    for gesture, effect in gestures.items():
        verb, _, target = str(effect).partition(":")
        if verb not in ("set", "append", "act") or not target:
            table.fail(
                f"gestures.{gesture}",
                "要写成 set：参数、append：参数 或 act：操作。",
                "must be set:parameter, append:parameter or act:action.",
            )
    panel = PanelSpec(
        id=table.text("id"),
        item=table.text("item"),
        kind=table.choice("kind", PANEL_KINDS),
        title=table.bilingual("title"),
        help=table.bilingual("help"),
        row=table.integer("row", least=0),
        column=table.integer("column", least=0),
        row_span=table.integer("row_span", 1, least=1),
        column_span=table.integer("column_span", 1, least=1),
        gestures=gestures,
        options=table.mapping("options"),
    )
    table.finish()
    return panel


def _steps(
    table: Table,
    folder: Path,
    panels: tuple[PanelSpec, ...],
    prose: dict[Any, tuple[Section, ...]],
) -> tuple[Step, ...]:
    tables = table.tables("steps")
    ids = [item.text("id") for item in tables]
    _unique(table, "steps", ids)
    if not ids:
        table.fail("steps", "至少要有一个步骤。", "there must be at least one step.")
    for language, sections in prose.items():
        _same_steps(folder / f"{language}.md", [section.id for section in sections], ids)
    known = [panel.id for panel in panels]
    return tuple(
        _step(item, known, {language: sections[number] for language, sections in prose.items()})
        for number, item in enumerate(tables)
    )


def _same_steps(path: Path, found: list[str], wanted: list[str]) -> None:
    if found == wanted:
        return
    missing = [step for step in wanted if step not in found]
    extra = [step for step in found if step not in wanted]
    if missing:
        zh, en = f"缺少步骤 {', '.join(missing)}。", f"has no step {', '.join(missing)}."
    elif extra:
        zh = f"步骤 {', '.join(extra)} 不在 lesson.toml 里，或标题重复。"
        en = f"step {', '.join(extra)} is not in lesson.toml."
    else:
        zh = f"步骤顺序或次数与 lesson.toml 不同，应为 {', '.join(wanted)}。"
        en = f"steps are not in the order of lesson.toml: {', '.join(wanted)}."
    raise CourseError(path, "", zh, en)


def _step(table: Table, panels: list[str], sections: dict[Any, Section]) -> Step:
    shown = table.texts("panels", ())
    for panel in shown:
        if panel not in panels:
            table.fail("panels", f"没有叫 {panel} 的面板。", f"there is no panel {panel}.")
    predictions = [_prediction(item) for item in table.tables("predictions")]
    goals = [_goal(item) for item in table.tables("goals")]
    checks: tuple[Check, ...] = (*predictions, *goals)
    step = Step(
        id=table.text("id"),
        title=Bilingual.from_mapping({name: part.title for name, part in sections.items()}),
        markdown={name: part.markdown for name, part in sections.items()},
        preset=table.mapping("preset"),
        panels=shown,
        controls=table.texts("controls", ()),
        checks=checks,
        autoplay=table.flag("autoplay", False),
    )
    table.finish()
    return step


def _prediction(table: Table) -> Prediction:
    runs = tuple(_run(item) for item in table.tables("runs"))
    _unique(table, "runs", [run.name for run in runs])
    if not runs:
        table.fail("runs", "至少要有一次运行。", "there must be at least one run.")
    names = [run.name for run in runs]
    options = tuple(_option(item, names) for item in table.tables("options"))
    _unique(table, "options", [option.id for option in options])
    if len(options) < 2:
        table.fail("options", "至少要有两个选项。", "there must be at least two options.")
    for number, option in enumerate(options[:-1], start=1):
        if not option.when:
            table.fail(
                f"options[{number}].when",
                "只有最后一个选项可以没有条件。",
                "only the last option may have no conditions.",
            )
    prediction = Prediction(
        id=table.text("id"),
        question=table.bilingual("question"),
        runs=runs,
        options=options,
        explanation=table.bilingual("explanation"),
    )
    table.finish()
    return prediction


def _run(table: Table) -> PredictionRun:
    run = PredictionRun(
        name=table.text("name"),
        parameters=table.mapping("parameters"),
        steps=table.integer("steps", least=0),
        seed=table.integer("seed", 0, least=0),
    )
    table.finish()
    return run


def _option(table: Table, runs: list[str]) -> PredictionOption:
    option = PredictionOption(
        id=table.text("id"),
        text=table.bilingual("text"),
        when=tuple(_condition(item, runs) for item in table.tables("when")),
    )
    table.finish()
    return option


def _goal(table: Table) -> Goal:
    require: dict[str, tuple[Any, ...]] = {}
    for name, values in table.mapping("require").items():
        if not isinstance(values, tuple) or not values:
            table.fail(
                f"require.{name}", "要写成值的列表。", "must be a list of the values allowed."
            )
        require[name] = values
    goal = Goal(
        id=table.text("id"),
        text=table.bilingual("text"),
        when=tuple(_condition(item, []) for item in table.tables("when")),
        within_steps=table.integer("within_steps", least=0),
        require=require,
        solution=table.mapping("solution"),
    )
    table.finish()
    if not goal.when and not goal.require:
        table.fail("when", "目标没有条件。", "the goal has no conditions.")
    return goal


def _condition(table: Table, runs: list[str]) -> Condition:
    op = table.choice("op", OPERATORS)
    if "upper" in table and op != "between":
        table.fail("upper", "只有 between 才有上限。", "only “between” has an upper bound.")
    condition = Condition(
        left=_side(table, "left", runs),
        op=op,  # type: ignore[arg-type]
        right=_side(table, "right", runs) if op != "nonfinite" else 0.0,
        times=table.number("times", 1.0),
        upper=table.number("upper") if op == "between" else 0.0,
    )
    table.finish()
    return condition


def _side(table: Table, key: str, runs: list[str]) -> str | float:
    value = table.raw(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    text = table.text(key)
    try:
        side = parse_side(text)
    except ConditionSyntaxError as error:
        table.fail(key, f"看不懂：{error}。", f"{error}.")
    if side.run and side.run not in runs:
        table.fail(key, f"没有叫 {side.run} 的运行。", f"there is no run {side.run}.")
    if not side.run and len(runs) > 1:
        table.fail(
            key,
            f"有几次运行，请写明是哪一次，例如 {runs[0]}.{text}。",
            f"there are several runs: say which, as in {runs[0]}.{text}.",
        )
    return text


def _unique(table: Table, key: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            table.fail(key, f"“{name}”用了两次。", f"“{name}” is used twice.")
        seen.add(name)
