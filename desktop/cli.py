"""The ``glassbox`` command: the window, and the same engine without one.

Each command lives in ``desktop/commands``; only the module of the command in use is imported, and
neither torch nor Qt before its arguments have been read, so that a typing mistake is answered at
once. Every error is one sentence in the user's language on standard error, with ``--json`` also an
object on standard output, and an exit status that is not 0.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

from desktop import __version__
from desktop.bilingual import LANGUAGES, Bilingual, GlassboxError, Language
from desktop.commands.arguments import Parser, UsageError, first_command
from desktop.commands.output import Output, system_language

DEBUG = "GLASSBOX_DEBUG"
INTERRUPTED, PIPE_CLOSED, BAD_USAGE, FAILED = 130, 141, 2, 1


@dataclass(frozen=True)
class Command:
    """A command by the module that holds it; ``parts`` are its own commands (``bench ui``)."""

    module: str
    help: Bilingual
    parts: tuple[tuple[str, Command], ...] = ()


def _command(module: str, zh: str, en: str, *parts: tuple[str, Command]) -> Command:
    return Command(f"desktop.commands.{module}", Bilingual(zh, en), parts)


COMMANDS: dict[str, Command] = {
    "lessons": _command(
        "lessons", "列出章节和课程，以及每课的参数", "list chapters, lessons and their parameters"
    ),
    "run": _command(
        "run", "不开窗口，运行一课的实验", "run a lesson's experiment without a window"
    ),
    "doctor": _command(
        "doctor",
        "检查这台机器：版本、设备、内存、字体",
        "check this machine: versions, devices, memory, fonts",
    ),
    "licenses": _command(
        "licenses",
        "透明盒由哪些部分组成，各按什么许可",
        "what Glassbox is made of, and the licences",
    ),
    "shot": _command(
        "shot", "给窗口的某个状态拍一张图", "take a picture of the window in some state"
    ),
    "chat": _command("chat", "在终端里和模型对话", "talk to a model in the terminal"),
    "model": _command(
        "model",
        "语言模型：列出、导入、检查、估计、删除、下载",
        "language models: list, import, verify, estimate, remove, download",
        ("list", _command("model_list", "这台机器上有哪些模型", "the models on this machine")),
        ("import", _command("model_import", "导入一个模型", "import a model")),
        ("verify", _command("model_verify", "逐字节检查一个模型", "check every byte of a model")),
        (
            "estimate",
            _command("model_estimate", "估计一个模型要占多少", "what a model would take"),
        ),
        ("remove", _command("model_remove", "删除一个模型", "remove a model")),
        ("download", _command("model_download", "下载 Phi-2", "download Phi-2")),
    ),
    "bench": _command(
        "bench",
        "测量界面、启动、训练和对话的速度",
        "measure the speed of interface, start, training and chat",
        ("ui", _command("bench_ui", "界面有多流畅", "how smooth the interface is")),
        ("start", _command("bench_start", "启动要多久", "how long the start takes")),
        ("train", _command("bench_train", "训练有多快", "how fast training is")),
        ("chat", _command("bench_chat", "模型写字有多快", "how fast a model writes")),
        ("tutor", _command("bench_tutor", "自带导师答得怎样", "how well the tutor answers")),
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, dispatch, report; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        _write_utf8(stream)
    output = Output(_language(given), "--json" in given, sys.stdout, sys.stderr)
    try:
        status = _run(given, output)
        output.flush()
    except BrokenPipeError:
        _leave_the_pipe()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except GlassboxError as error:
        return _report(output, error)
    except Exception as error:  # noqa: BLE001 - a mistake of ours still ends in a sentence
        return _report(output, _unexpected(error))
    return status


def _run(given: list[str], output: Output) -> int:
    parser = make_parser(given, output.language)
    try:
        arguments = parser.parse_args(given)
    except SystemExit as end:  # --help and --version have printed what was asked
        return int(end.code or 0)
    arguments.output = output
    if arguments.data_dir:
        os.environ["GLASSBOX_DATA_DIR"] = arguments.data_dir
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


# ------------------------------------------------------------------------------------------------
# Parsing


def make_parser(given: Sequence[str], language: Language) -> Parser:
    """The parser; only the command that is named gets its arguments, and its module imported."""
    parser = Parser(
        prog="glassbox",
        language=language,
        description=(
            "在自己的电脑上，把深度学习和语言模型拆开来看。"
            if language == "zh"
            else "See how deep learning and language models work, by running them on your machine."
        ),
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"glassbox {__version__}",
        help=parser.pick("显示版本", "show the version"),
    )
    _add_window(parser)
    _add_common(parser, None)
    parser.set_defaults(run=_open_window)
    chosen = first_command(given, COMMANDS)
    _add_commands(parser, tuple(COMMANDS.items()), chosen, given)
    return parser


def _add_commands(
    parser: Parser,
    commands: tuple[tuple[str, Command], ...],
    chosen: str | None,
    given: Sequence[str],
) -> None:
    parts = parser.add_subparsers(
        title=parser.pick("命令", "commands"), metavar=parser.pick("命令", "COMMAND")
    )
    for name, command in commands:
        text = command.help[parser.language]
        part: Parser = parts.add_parser(name, language=parser.language, help=text, description=text)
        _add_common(part, argparse.SUPPRESS)
        if name != chosen:
            continue
        if command.parts:
            after = given[list(given).index(name) + 1 :]
            _add_commands(part, command.parts, first_command(after, dict(command.parts)), after)
            part.set_defaults(run=_no_part(part, command))
        else:
            module = importlib.import_module(command.module)
            module.add_arguments(part)
            part.set_defaults(run=module.run)


def _add_window(parser: Parser) -> None:
    parser.add_argument(
        "--lesson", metavar="SLUG", help=parser.pick("打开这一课", "open this lesson")
    )
    parser.add_argument(
        "--theme", choices=("light", "dark"), help=parser.pick("浅色或深色", "light or dark")
    )
    parser.add_argument(
        "--open",
        metavar="FILE",
        help=parser.pick("打开一个保存的实验", "open a saved experiment"),
    )


def _add_common(parser: Parser, default: object) -> None:
    """What every command takes, before or after its name."""
    parser.add_argument(
        "--lang",
        choices=LANGUAGES,
        default=default,
        help=parser.pick("中文或英文", "Chinese or English"),
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        default=default,
        help=parser.pick("用户数据放在这里", "keep user data here"),
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=False if default is None else default,
        help=parser.pick("以 JSON 输出", "print JSON"),
    )


def _language(given: Sequence[str]) -> Language:
    """``--lang`` decides, also about the complaint that the rest cannot be understood."""
    for place, argument in enumerate(given):
        value = argument.partition("=")[2] if argument.startswith("--lang=") else ""
        if argument == "--lang" and place + 1 < len(given):
            value = given[place + 1]
        for language in LANGUAGES:
            if value == language:
                return language
    return system_language()


def _no_part(parser: Parser, command: Command) -> Callable[[argparse.Namespace], int]:
    def complain(_: argparse.Namespace) -> int:
        names = ", ".join(name for name, _ in command.parts)
        raise UsageError(
            Bilingual(
                f"“{parser.prog}”后面要写明是哪一项：{names}。",
                f"Say which one after “{parser.prog}”: {names}.",
            )
        )

    return complain


# ------------------------------------------------------------------------------------------------
# Running


def _open_window(arguments: argparse.Namespace) -> int:
    if sys.platform == "win32":
        import torch  # noqa: F401 - its DLLs fail to load once Qt's are there
    from desktop.start import run

    return run(arguments)


def _report(output: Output, error: GlassboxError) -> int:
    if os.environ.get(DEBUG):
        traceback.print_exc()
    from desktop.engine.parameters import ParameterError

    try:
        output.error(error)
    except BrokenPipeError:
        _leave_the_pipe()
    unknown = type(error).__name__ == "UnknownLessonError"
    return BAD_USAGE if unknown or isinstance(error, (UsageError, ParameterError)) else FAILED


def _unexpected(error: Exception) -> GlassboxError:
    from desktop.llm.memory import MemoryFullError, is_out_of_memory

    if is_out_of_memory(error):
        return MemoryFullError(error)
    what = f"{type(error).__name__}: {error}"
    return GlassboxError(
        Bilingual(f"Glassbox 内部出错了：{what}", f"Something went wrong inside Glassbox: {what}"),
        Bilingual(
            f"设置环境变量 {DEBUG}=1 再运行一次，就能看到出错的位置。",
            f"Run it again with {DEBUG}=1 in the environment to see where.",
        ),
    )


def _write_utf8(stream: TextIO | None) -> None:
    """Chinese has to survive a pipe and a terminal with another code page."""
    reconfigure = getattr(stream, "reconfigure", None)
    if stream is None or reconfigure is None:
        return
    if stream.isatty():
        reconfigure(errors="replace")
    else:
        reconfigure(encoding="utf-8", errors="backslashreplace")


def _leave_the_pipe() -> None:
    """Nobody reads any more: let Python's own flush at exit go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        pass  # not a real stream
    finally:
        os.close(nowhere)
