"""Command-line parsing whose help and complaints come in the user's language.

argparse writes English only; here its headings are set and the few complaints it makes are
translated. A mistake raises ``UsageError`` instead of printing and exiting, so that it is reported
like every other error. Imports ``desktop.bilingual`` only.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from desktop.bilingual import Bilingual, GlassboxError, Language


class UsageError(GlassboxError):
    """The command line cannot be understood."""


_COMPLAINTS: tuple[tuple[str, str, str], ...] = (
    # (what argparse says, in Chinese, in English); groups are filled in
    (r"unrecognized arguments: (.+)", "不认识的参数：{0}。", "There is no argument {0}."),
    (
        r"the following arguments are required: (.+)",
        "还缺少参数 {0}。",
        "The argument {0} is missing.",
    ),
    (
        r"argument (.+): expected (?:one|at least one|\d+) arguments?",
        "{0} 后面还缺一个值。",
        "{0} needs a value after it.",
    ),
    (
        r"argument (.+): invalid choice: '?(.*?)'? \(choose from (.+)\)",
        "{0} 没有“{1}”这个选项，可选：{2}。",
        "{0} cannot be “{1}”; choose from {2}.",
    ),
    (
        r"argument (.+): invalid (?:int|_whole|whole) value: '?(.*?)'?",
        "{0} 需要一个整数，“{1}”不是。",
        "{0} needs a whole number, and “{1}” is none.",
    ),
    (
        r"argument (.+): invalid float value: '?(.*?)'?",
        "{0} 需要一个数，“{1}”不是。",
        "{0} needs a number, and “{1}” is none.",
    ),
)


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` that speaks ``language`` and raises ``UsageError``."""

    def __init__(self, *args: Any, language: Language = "en", **kwargs: Any) -> None:
        self.language: Language = language
        kwargs.update(add_help=False, allow_abbrev=False)
        super().__init__(*args, **kwargs)
        self._positionals.title = self.pick("参数", "arguments")
        self._optionals.title = self.pick("选项", "options")
        self.add_argument(
            "-h", "--help", action="help", help=self.pick("显示这份说明", "show this")
        )

    def pick(self, zh: str, en: str) -> str:
        """A help text in the user's language."""
        return zh if self.language == "zh" else en

    def format_usage(self) -> str:
        return super().format_usage().replace("usage:", self.pick("用法：", "usage:"), 1)

    def format_help(self) -> str:
        return super().format_help().replace("usage:", self.pick("用法：", "usage:"), 1)

    def error(self, message: str) -> NoReturn:
        text = Bilingual(f"命令行有误：{message}。", f"The command line is wrong: {message}.")
        for pattern, zh, en in _COMPLAINTS:
            match = re.fullmatch(pattern, message, re.DOTALL)
            if match:
                groups = [group.replace("'", "") for group in match.groups()]
                text = Bilingual(zh.format(*groups), en.format(*groups))
                break
        raise UsageError(
            text,
            Bilingual(
                f"“{self.prog} --help”列出所有用法。", f"“{self.prog} --help” lists what there is."
            ),
        )


def whole(low: int, high: int) -> Any:
    """An argument type: a whole number from ``low`` to ``high``."""

    def read(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise UsageError(
                Bilingual(
                    f"{number} 超出范围：可以从 {low} 到 {high}。",
                    f"{number} is out of range: it may be from {low} to {high}.",
                )
            )
        return number

    read.__name__ = "whole"
    return read


def first_command(arguments: Iterable[str], commands: Iterable[str]) -> str | None:
    """The command named on the command line, before anything has been parsed."""
    known = set(commands)
    return next((argument for argument in arguments if argument in known), None)
