"""One parameter of every kind, for the tests of the lesson view. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.engine.parameters import (
    ParameterSet,
    choice,
    flag,
    integer,
    integers,
    number,
    point,
    rows,
    scalar,
    subset,
    text,
)

NAMES = {"a": ("甲", "first"), "b": ("乙", "second"), "c": ("丙", "third")}
MANY = {name: (name, f"the choice {name}") for name in "abcdefg"}


@dataclass(frozen=True)
class Parameters(ParameterSet):
    """Everything a control can be."""

    rate: float = number(
        0.1, low=1e-4, high=1.0, scale="log", live=True,
        zh=("学习率", "步长"), en=("learning rate", "how far a step goes"),
    )  # fmt: skip
    count: int = integer(
        5, low=1, high=20, unit="px", zh=("个数", "多少"), en=("count", "how many")
    )
    method: str = choice("a", NAMES, zh=("方法", "哪一种"), en=("method", "which one"))
    shuffle: bool = flag(True, zh=("打乱", "顺序"), en=("shuffle", "the order"))
    methods: tuple[str, ...] = subset(("a",), MANY, zh=("方法们", "哪些"), en=("methods", "which"))
    widths: tuple[int, ...] = integers(
        (4, 2), low=1, high=8, at_most=4, zh=("宽度", "每层"), en=("widths", "of each layer")
    )
    words: str = text(
        "hello", at_least=1, at_most=20, zh=("句子", "一句"), en=("words", "a sentence")
    )
    note: str = text(
        "long", at_most=200, multiline=True, zh=("文章", "多行"), en=("note", "several lines")
    )
    start: tuple[float, float] = point(
        (1.0, 2.0), low=-6, high=6, zh=("起点", "x, y"), en=("start", "x, y")
    )
    points: tuple[tuple[float, ...], ...] = rows(
        columns=2, low=-6, high=6, at_most=50, zh=("数据", "你的"), en=("points", "your own")
    )


SCALARS = (scalar("loss", "损失", "loss", better="lower"),)
