"""What is known about one parameter, and the check of a value against it.

A value comes from a slider, a typed text, the command line or a saved experiment; all of them go
through ``ParameterSpec.check``, which returns the value in its canonical type or says in both
languages what the parameter takes. Imports no torch, no Qt.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from desktop.bilingual import Bilingual, GlassboxError

Kind = Literal[
    "number",  # float on a slider
    "integer",
    "flag",
    "choice",  # one of a few names
    "subset",  # several of a few names, kept in declared order
    "integers",  # a short list of whole numbers, such as layer widths
    "text",
    "point",  # (x, y), usually set by a click
    "rows",  # the learner's own data: rows of numbers
]
Scale = Literal["linear", "log"]


class ParameterError(GlassboxError):
    """A value that a parameter does not accept; the message names the parameter and the range."""


@dataclass(frozen=True)
class Choice:
    """One name a ``choice`` or ``subset`` parameter can take, and what the learner reads."""

    value: str
    label: Bilingual


@dataclass(frozen=True)
class ParameterSpec:
    """Everything known about one parameter.

    ``low`` and ``high`` bound numbers (and each entry of ``integers``, ``point``); ``min_items``
    and ``max_items`` bound the length of texts (characters), subsets, integers and rows. ``live``
    says that a change applies to the running training; otherwise it starts a new run. ``branches``
    says that a change starts an original run again, but a branch goes on with it where it stands.
    """

    name: str
    kind: Kind
    default: Any
    label: Bilingual
    help: Bilingual
    low: float | None = None
    high: float | None = None
    scale: Scale = "linear"
    unit: str = ""
    choices: tuple[Choice, ...] = ()
    min_items: int = 0
    max_items: int | None = None
    columns: int = 0
    multiline: bool = False
    live: bool = False
    branches: bool = False

    @property
    def midway(self) -> bool:
        """Whether an experiment can take on another value in the middle of its training."""
        return self.live or self.branches

    def check(self, value: Any) -> Any:
        """Return ``value`` in its canonical type, or raise ``ParameterError``."""
        return _CHECKS[self.kind](self, value)

    def parse(self, text: str) -> Any:
        """Read a value typed by a person (a control, ``--set``); raises ``ParameterError``."""
        text = text.strip() if self.kind != "text" else text
        if self.kind in ("text", "choice"):
            return self.check(text)
        if self.kind == "flag":
            lowered = text.lower()
            if lowered in ("1", "true", "yes", "on", "是", "开"):
                return True
            if lowered in ("0", "false", "no", "off", "否", "关"):
                return False
            raise self.error(f"“{text}” 不是开或关", f"“{text}” is neither on nor off")
        if self.kind == "subset":
            return self.check([part.strip() for part in text.split(",") if part.strip()])
        if self.kind == "rows":
            try:
                return self.check(json.loads(text))
            except json.JSONDecodeError as error:
                raise self.error("需要 JSON 数组", "needs a JSON list of rows") from error
        numbers = [part for part in text.replace("−", "-").replace(",", " ").split() if part]
        if self.kind in ("number", "integer"):
            if len(numbers) != 1:
                raise self.error(f"“{text}” 不是一个数", f"“{text}” is not one number")
            return self.check(_to_number(self, numbers[0]))
        return self.check([_to_number(self, part) for part in numbers])

    def error(self, zh: str, en: str) -> ParameterError:
        """A ``ParameterError`` that starts with this parameter's name."""
        return ParameterError(
            Bilingual(
                f"{self.label.zh}（{self.name}）：{zh}。", f"{self.label.en} ({self.name}): {en}."
            ),
            self.range_hint(),
        )

    def range_hint(self) -> Bilingual:
        """What the parameter accepts, as one sentence."""
        if self.choices:
            names = ", ".join(choice.value for choice in self.choices)
            return Bilingual(f"可选：{names}。", f"Choose from: {names}.")
        if self.low is not None and self.high is not None:
            return Bilingual(
                f"取值范围 {written_out(self.low)} 到 {written_out(self.high)}。",
                f"It takes values from {written_out(self.low)} to {written_out(self.high)}.",
            )
        if self.max_items is not None:
            most = _counted(self, self.max_items)
            return Bilingual(f"最多 {most.zh}。", f"At most {most.en}.")
        return Bilingual("", "")

    def words(self, value: object) -> Bilingual:
        """A value as a learner reads it: a choice by its name, numbers short."""
        if isinstance(value, bool):
            return Bilingual("开", "on") if value else Bilingual("关", "off")
        if isinstance(value, (int, float)):
            return Bilingual.same(f"{value:.4g}".replace("-", "−"))
        if isinstance(value, (tuple, list)):
            parts = [self.words(item) for item in value]
            return Bilingual("、".join(p.zh for p in parts), ", ".join(p.en for p in parts))
        found = next((choice.label for choice in self.choices if choice.value == value), None)
        return found or Bilingual.same(str(value))


def _to_number(spec: ParameterSpec, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise spec.error(f"“{text}” 不是一个数", f"“{text}” is not a number") from error


def _check_number(spec: ParameterSpec, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise spec.error(f"{value!r} 不是一个数", f"{value!r} is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise spec.error(f"{value!r} 不是有限的数", f"{value!r} is not a finite number")
    _check_bounds(spec, number)
    return number


def _check_integer(spec: ParameterSpec, value: Any) -> int:
    number = _check_number(spec, value)
    if number != int(number):
        raise spec.error(f"{value!r} 不是整数", f"{value!r} is not a whole number")
    return int(number)


def _check_bounds(spec: ParameterSpec, number: float) -> None:
    below = spec.low is not None and number < spec.low
    above = spec.high is not None and number > spec.high
    if below or above:
        raise spec.error(f"{number:g} 超出范围", f"{number:g} is out of range")


def _check_length(spec: ParameterSpec, length: int) -> None:
    if length < spec.min_items:
        if length == 0 and spec.kind == "text":
            raise spec.error("这里不能空着", "this must not be empty")
        least = _counted(spec, spec.min_items)
        raise spec.error(
            f"至少需要 {least.zh}，现在是 {length}", f"needs at least {least.en} and has {length}"
        )
    if spec.max_items is not None and length > spec.max_items:
        found = _counted(spec, length)
        raise spec.error(f"现在有 {found.zh}，太多了", f"{found.en} are too many")


def written_out(number: float) -> str:
    """A number as people write it, 0.00001 rather than 1e-05, unless it is very small or large."""
    small_or_large = number != 0 and not 1e-7 < abs(number) < 1e9
    return f"{number:g}" if small_or_large else f"{number:.8f}".rstrip("0").rstrip(".")


_COUNTED = {"text": ("个字符", "character"), "rows": ("行", "row")}


def _counted(spec: ParameterSpec, count: int) -> Bilingual:
    """“3 items”, in the words for what this parameter holds."""
    zh, en = _COUNTED.get(spec.kind, ("项", "item"))
    return Bilingual(f"{count} {zh}", f"{count} {en}" if count == 1 else f"{count} {en}s")


def _check_flag(spec: ParameterSpec, value: Any) -> bool:
    if not isinstance(value, bool):
        raise spec.error(f"{value!r} 不是开或关", f"{value!r} is neither on nor off")
    return value


def _check_choice(spec: ParameterSpec, value: Any) -> str:
    if value not in [choice.value for choice in spec.choices]:
        raise spec.error(f"没有 {value!r} 这个选项", f"there is no option {value!r}")
    return str(value)


def _check_subset(spec: ParameterSpec, value: Any) -> tuple[str, ...]:
    items = _sequence(spec, value)
    for item in items:
        _check_choice(spec, item)
    chosen = tuple(choice.value for choice in spec.choices if choice.value in items)
    _check_length(spec, len(chosen))
    return chosen


def _check_integers(spec: ParameterSpec, value: Any) -> tuple[int, ...]:
    items = tuple(_check_integer(spec, item) for item in _sequence(spec, value))
    _check_length(spec, len(items))
    return items


def _check_text(spec: ParameterSpec, value: Any) -> str:
    if not isinstance(value, str):
        raise spec.error(f"{value!r} 不是文字", f"{value!r} is not a text")
    _check_length(spec, len(value))
    return value


def _check_point(spec: ParameterSpec, value: Any) -> tuple[float, float]:
    items = _sequence(spec, value)
    if len(items) != 2:
        raise spec.error("需要两个数 x, y", "needs two numbers x, y")
    return (_check_number(spec, items[0]), _check_number(spec, items[1]))


def _check_rows(spec: ParameterSpec, value: Any) -> tuple[tuple[float, ...], ...]:
    rows = []
    for row in _sequence(spec, value):
        numbers = tuple(_check_number(spec, item) for item in _sequence(spec, row))
        if len(numbers) != spec.columns:
            raise spec.error(
                f"每行需要 {spec.columns} 个数", f"each row needs {spec.columns} numbers"
            )
        rows.append(numbers)
    _check_length(spec, len(rows))
    return tuple(rows)


def _sequence(spec: ParameterSpec, value: Any) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise spec.error(f"{value!r} 不是列表", f"{value!r} is not a list")
    return value


_CHECKS: dict[str, Any] = {
    "number": _check_number,
    "integer": _check_integer,
    "flag": _check_flag,
    "choice": _check_choice,
    "subset": _check_subset,
    "integers": _check_integers,
    "text": _check_text,
    "point": _check_point,
    "rows": _check_rows,
}
