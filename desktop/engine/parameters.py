"""What a learner may change: typed, frozen, bounded, explained in both languages.

Each lesson has a ``parameters.py`` with one frozen dataclass. It imports this module and no torch,
so the window can draw every control before torch has been loaded::

    @dataclass(frozen=True)
    class Parameters(ParameterSet):
        learning_rate: float = number(
            0.1, low=1e-4, high=2.0, scale="log",
            zh=("学习率", "每一步沿负梯度走多远"), en=("learning rate", "how far each step goes"))

The declaration is the single source of the control on screen, the check on the command line, the
entry in ``glassbox lessons`` and the field in a saved experiment. Imports no torch, no Qt.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from desktop.bilingual import Bilingual
from desktop.engine.parameter_spec import Choice, Kind, ParameterError, ParameterSpec, Scale

__all__ = [
    "ParameterError",
    "ParameterSet",
    "ParameterSpec",
    "ScalarSpec",
    "choice",
    "flag",
    "integer",
    "integers",
    "number",
    "point",
    "rows",
    "scalar",
    "subset",
    "text",
]

LabelAndHelp = tuple[str, str]
"""What a learner reads: the name of a parameter and one sentence about it."""


def _declare(kind: Kind, default: Any, zh: LabelAndHelp, en: LabelAndHelp, **rest: Any) -> Any:
    label, help_text = Bilingual(zh[0], en[0]), Bilingual(zh[1], en[1])
    spec = ParameterSpec("", kind, default, label, help_text, **rest)
    return dataclasses.field(default=default, metadata={"spec": spec})


def number(
    default: float,
    *,
    low: float,
    high: float,
    zh: LabelAndHelp,
    en: LabelAndHelp,
    scale: Scale = "linear",
    unit: str = "",
    live: bool = False,
    branches: bool = False,
) -> Any:
    """A real number on a slider, linear or logarithmic."""
    bounds = {"low": low, "high": high, "scale": scale, "unit": unit}
    return _declare("number", default, zh, en, **bounds, live=live, branches=branches)


def integer(
    default: int,
    *,
    low: int,
    high: int,
    zh: LabelAndHelp,
    en: LabelAndHelp,
    scale: Scale = "linear",
    unit: str = "",
    live: bool = False,
) -> Any:
    """A whole number."""
    return _declare(
        "integer", default, zh, en, low=low, high=high, scale=scale, unit=unit, live=live
    )


def flag(
    default: bool,
    *,
    zh: LabelAndHelp,
    en: LabelAndHelp,
    live: bool = False,
    branches: bool = False,
) -> Any:
    """On or off."""
    return _declare("flag", default, zh, en, live=live, branches=branches)


def _choices(names: Mapping[str, tuple[str, str]]) -> tuple[Choice, ...]:
    return tuple(Choice(value, Bilingual(zh, en)) for value, (zh, en) in names.items())


def choice(
    default: str,
    names: Mapping[str, tuple[str, str]],
    *,
    zh: LabelAndHelp,
    en: LabelAndHelp,
    live: bool = False,
) -> Any:
    """One of a few names; ``names`` maps each value to its (Chinese, English) label."""
    return _declare("choice", default, zh, en, choices=_choices(names), live=live)


def subset(
    default: tuple[str, ...],
    names: Mapping[str, tuple[str, str]],
    *,
    zh: LabelAndHelp,
    en: LabelAndHelp,
    at_least: int = 1,
    live: bool = False,
) -> Any:
    """Several of a few names."""
    return _declare(
        "subset", default, zh, en, choices=_choices(names), min_items=at_least, live=live
    )


def integers(
    default: tuple[int, ...],
    *,
    low: int,
    high: int,
    at_least: int = 0,
    at_most: int,
    zh: LabelAndHelp,
    en: LabelAndHelp,
    live: bool = False,
) -> Any:
    """A short list of whole numbers, such as the widths of hidden layers."""
    return _declare(
        "integers",
        default,
        zh,
        en,
        low=low,
        high=high,
        min_items=at_least,
        max_items=at_most,
        live=live,
    )


def text(
    default: str,
    *,
    zh: LabelAndHelp,
    en: LabelAndHelp,
    at_least: int = 0,
    at_most: int = 200,
    multiline: bool = False,
    live: bool = False,
) -> Any:
    """A text the learner types or loads; lengths are in characters."""
    return _declare(
        "text",
        default,
        zh,
        en,
        min_items=at_least,
        max_items=at_most,
        multiline=multiline,
        live=live,
    )


def point(
    default: tuple[float, float],
    *,
    low: float,
    high: float,
    zh: LabelAndHelp,
    en: LabelAndHelp,
    live: bool = False,
) -> Any:
    """A place in the plane, usually set by a click on a panel."""
    return _declare("point", default, zh, en, low=low, high=high, live=live)


def rows(
    default: tuple[tuple[float, ...], ...] = (),
    *,
    columns: int,
    low: float,
    high: float,
    at_most: int,
    zh: LabelAndHelp,
    en: LabelAndHelp,
    live: bool = False,
) -> Any:
    """The learner's own data, drawn on a panel or read from a CSV file."""
    return _declare(
        "rows", default, zh, en, columns=columns, low=low, high=high, max_items=at_most, live=live
    )


@dataclass(frozen=True)
class ParameterSet:
    """Base of every lesson's frozen ``Parameters``; values are checked when it is made."""

    _cache: ClassVar[dict[type, dict[str, ParameterSpec]]] = {}

    def __post_init__(self) -> None:
        for name, spec in self.specs().items():
            object.__setattr__(self, name, spec.check(getattr(self, name)))
        self.validate()

    def validate(self) -> None:
        """Check what no single parameter can know; raise ``ParameterError``."""

    @classmethod
    def specs(cls) -> dict[str, ParameterSpec]:
        """The specs by name, in the order they were declared."""
        if cls not in ParameterSet._cache:
            ParameterSet._cache[cls] = {
                field.name: dataclasses.replace(field.metadata["spec"], name=field.name)
                for field in dataclasses.fields(cls)
                if "spec" in field.metadata
            }
        return ParameterSet._cache[cls]

    @classmethod
    def spec(cls, name: str) -> ParameterSpec:
        """The spec called ``name``; raises ``ParameterError`` that lists the names there are."""
        specs = cls.specs()
        if name not in specs:
            raise ParameterError(
                Bilingual(f"没有叫“{name}”的参数。", f"There is no parameter called “{name}”."),
                Bilingual(f"可用的参数：{', '.join(specs)}。", f"There are: {', '.join(specs)}."),
            )
        return specs[name]

    def changed(self, **values: Any) -> Self:
        """A checked copy with some values replaced."""
        for name in values:
            self.spec(name)
        return dataclasses.replace(self, **values)

    def to_json(self) -> dict[str, Any]:
        """Plain values, tuples as lists, ready for JSON."""
        return {name: _plain(getattr(self, name)) for name in self.specs()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Checked parameters from plain values; names left out keep their defaults."""
        for name in values:
            cls.spec(name)
        return cls(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True)
class ScalarSpec:
    """One number an experiment reports at each step: what to call it and how to draw it.

    ``term`` names a glossary entry; ``log`` asks for a logarithmic axis at first; ``better`` says
    which way is an improvement, where there is one.
    """

    name: str
    label: Bilingual
    help: Bilingual = Bilingual("", "")
    unit: str = ""
    log: bool = False
    better: Literal["lower", "higher", ""] = ""
    term: str = ""


def scalar(
    name: str,
    zh: str,
    en: str,
    *,
    help_zh: str = "",
    help_en: str = "",
    unit: str = "",
    log: bool = False,
    better: Literal["lower", "higher", ""] = "",
    term: str = "",
) -> ScalarSpec:
    """Shorthand for a ``ScalarSpec``; a lesson's ``parameters.py`` lists them as ``SCALARS``."""
    return ScalarSpec(name, Bilingual(zh, en), Bilingual(help_zh, help_en), unit, log, better, term)
