"""What a lesson is, as data: the shape of ``lesson.toml``, ``zh.md`` and ``en.md`` once read.

A lesson is one folder ``lessons/<chapter>/<slug>/`` with ``lesson.toml`` (this structure),
``zh.md`` and ``en.md`` (one ``## heading {#step-id}`` per step), ``parameters.py`` (controls, no
torch) and ``experiment.py``. Nothing here imports an experiment; ``folder`` tells where it is.
Imports nothing of ours but ``desktop.bilingual``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from desktop.bilingual import Bilingual, Language


@dataclass(frozen=True)
class PanelSpec:
    """One live panel: which frame item, drawn by which widget, where.

    ``kind`` names the widget (``desktop.ui.panels``): curves, history, contour, surface3d, scatter,
    heatmap, network, matrix, matrices, tokens, bars, readouts, texts, worked. ``gestures`` maps what
    a learner does on the panel to an effect: ``click = "set:start"`` sets a point parameter,
    ``draw = "append:points"`` adds rows, ``edit_weight = "act:edit_weight"`` calls ``act``,
    ``select = "set:head"`` sets an integer or choice. ``options`` are for the widget.
    """

    id: str
    item: str
    kind: str
    title: Bilingual
    help: Bilingual
    row: int
    column: int
    row_span: int = 1
    column_span: int = 1
    gestures: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Condition:
    """``left op right × times``, for instance ``last:loss < first:loss × 0.5``.

    Each side is a number or ``statistic:scalar`` with the statistics first, last, min, max, mean,
    and ``step_below:scalar:0.05`` (the first step at which the scalar is below 0.05, infinite if
    never). In a prediction with several runs, ``b.last:loss`` speaks of run ``b``. A NaN makes any
    comparison false except ``is nan``-style ``op = "nonfinite"``.
    """

    left: str | float
    op: Literal["<", "<=", ">", ">=", "between", "nonfinite"]
    right: str | float = 0.0
    times: float = 1.0
    upper: float = 0.0


@dataclass(frozen=True)
class PredictionOption:
    """One answer to a prediction, and the conditions under which the real run makes it true."""

    id: str
    text: Bilingual
    when: tuple[Condition, ...]


@dataclass(frozen=True)
class PredictionRun:
    """One run that a prediction starts: parameter changes from the defaults, seed, steps."""

    name: str
    parameters: Mapping[str, Any]
    steps: int
    seed: int = 0


@dataclass(frozen=True)
class Prediction:
    """A question the learner commits to; the runs then settle it. The first option whose conditions
    all hold is the truth, so the last one may have none."""

    id: str
    question: Bilingual
    runs: tuple[PredictionRun, ...]
    options: tuple[PredictionOption, ...]
    explanation: Bilingual
    kind: Literal["prediction"] = "prediction"


@dataclass(frozen=True)
class Goal:
    """Something to reach with the own hands: all ``when`` hold, within ``within_steps`` steps, and
    every parameter named in ``require`` has one of the values listed. ``solution`` is a setting that
    reaches it (used by the tests and by “show me”)."""

    id: str
    text: Bilingual
    when: tuple[Condition, ...]
    within_steps: int
    require: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    solution: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["goal"] = "goal"


Check = Prediction | Goal


@dataclass(frozen=True)
class Step:
    """One step of a lesson. ``markdown`` is the prose without its heading.

    ``preset`` is applied when the learner enters the step; ``panels`` are the ids shown (all when
    empty); ``controls`` the parameters in front (the lesson's own when empty).
    """

    id: str
    title: Bilingual
    markdown: Mapping[Language, str]
    preset: Mapping[str, Any] = field(default_factory=dict)
    panels: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    autoplay: bool = False


@dataclass(frozen=True)
class Lesson:
    """A lesson as read from its folder."""

    slug: str
    chapter: str
    order: int
    title: Bilingual
    summary: Bilingual
    minutes: int
    folder: Path
    panels: tuple[PanelSpec, ...]
    steps: tuple[Step, ...]
    controls: tuple[str, ...]
    more_controls: tuple[str, ...]
    steps_per_second: float
    trains: bool
    code_note: Bilingual
    data_parameter: str = ""
    terms: tuple[str, ...] = ()
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Where a lesson starts for a reader of each language, such as a sentence in that language;
    what is left out has the default of ``parameters.py``."""
    test: Mapping[str, Any] = field(default_factory=dict)
    """Hints for ``tests/lessons/test_every_lesson.py``, which explains them; the window ignores it."""

    def start_of(self, step: Step, language: Language) -> dict[str, Any]:
        """The settings a step begins with, for a reader of ``language``."""
        return {**self.defaults.get(language, {}), **step.preset}

    @property
    def checks(self) -> tuple[Check, ...]:
        """Predictions and goals of all steps, in order."""
        return tuple(check for step in self.steps for check in step.checks)


@dataclass(frozen=True)
class Chapter:
    """A folder of lessons: number from its name, title from ``chapter.toml``."""

    slug: str
    number: int
    title: Bilingual
    lessons: tuple[Lesson, ...]
