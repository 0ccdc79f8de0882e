"""The arguments of ``glassbox chat``, and what is made of them. Imports torch only when asked to."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser, UsageError, whole

if TYPE_CHECKING:
    from desktop.llm.generate import Settings
    from desktop.llm.sampling import Sampling

FORMATS = ("instruct", "chat", "code")
TEMPERATURE = 0.7
"""For every model but the tutor, which says the likeliest."""


def add_arguments(parser: Parser) -> None:
    """Model, prompt and sampling."""
    add = parser.add_argument
    add("--model", metavar="NAME|PATH", help=parser.pick("模型名或路径", "a model's name or path"))
    add("--prompt", metavar="TEXT", help=parser.pick("只回答这一个", "answer just this"))
    add("--ids", metavar="N,N", help=parser.pick("提示，写成词元编号", "the prompt as token ids"))
    add(
        "--raw",
        action="store_true",
        help=parser.pick(
            "提示原样交给模型，不加格式", "give the prompt as it is, without a format"
        ),
    )
    add(
        "--format",
        choices=FORMATS,
        default="instruct",
        help=parser.pick("提示的格式(默认 instruct)", "how prompts are written (instruct)"),
    )
    add("--stop", action="append", default=[], help=parser.pick("停止字符串", "a stop string"))
    add("--device", choices=("cpu", "cuda"), help=parser.pick("在哪里计算", "where to compute"))
    add(
        "--system-info",
        action="store_true",
        help=parser.pick("说明在哪里、怎样计算", "say where and how it is computed"),
    )
    _add_numbers(parser)


def _add_numbers(parser: Parser) -> None:
    wholes: tuple[tuple[str, int, int, int | None, str, str], ...] = (
        ("max-tokens", 1, 1_000_000, 256, "最多写几个词元", "tokens to write at most"),
        ("context", 16, 1_000_000, None, "上下文的长度", "length of the context"),
        (
            "top-k",
            0,
            1_000_000,
            0,
            "只从前 K 个里选,0 为不限",
            "choose among the K likeliest; 0: all",
        ),
        ("beams", 1, 64, 1, "束搜索的宽度", "beam search with this many beams"),
        (
            "no-repeat-ngram",
            0,
            100,
            0,
            "不重复这么长的片段,0 为不限",
            "never repeat N tokens; 0: off",
        ),
        ("alternatives", 1, 100, 5, "每个词元列出几个候选", "alternatives shown with each token"),
        ("seed", 0, 2**63 - 1, 0, "随机种子", "random seed"),
        ("threads", 1, 1024, None, "torch 用几个线程", "torch threads"),
    )
    for name, low, high, default, zh, en in wholes:
        parser.add_argument(
            f"--{name}",
            type=whole(low, high),
            default=default,
            metavar="N",
            help=parser.pick(zh, en),
        )
    floats: tuple[tuple[str, float | None, str, str], ...] = (
        (
            "temperature",
            None,
            "温度，0 为总取最可能的（导师 0，其他模型 0.7）",
            "temperature; 0: always the likeliest (tutor 0, other models 0.7)",
        ),
        ("top-p", 1.0, "只从合起来占 P 的词元里选", "choose among tokens that make up P together"),
        ("min-p", 0.0, "至少是最可能者的 P 倍", "at least P times as likely as the likeliest"),
        ("repetition-penalty", 1.0, "重复惩罚，1 为不罚", "repetition penalty; 1: off"),
    )
    for name, value, zh, en in floats:
        parser.add_argument(
            f"--{name}", type=float, default=value, metavar="X", help=parser.pick(zh, en)
        )


def settings_of(arguments: argparse.Namespace, *, tutor: bool) -> Settings:
    """Sampling and limits as asked for; the tutor, unless told otherwise, says the likeliest."""
    from desktop.llm.generate import Settings

    return Settings(
        _sampling(arguments, 0.0 if tutor else TEMPERATURE),
        max_tokens=arguments.max_tokens,
        stop_strings=tuple(arguments.stop),
        seed=arguments.seed,
        alternatives=arguments.alternatives,
    )


def _sampling(arguments: argparse.Namespace, temperature: float) -> Sampling:
    from desktop.llm.sampling import Sampling

    try:
        return Sampling(
            temperature if arguments.temperature is None else arguments.temperature,
            arguments.top_k,
            arguments.top_p,
            arguments.min_p,
            arguments.repetition_penalty,
            arguments.no_repeat_ngram,
        )
    except ValueError as error:
        name, _, value = str(error).partition(" cannot be ")
        raise UsageError(
            Bilingual(f"{name} 不能是 {value}。", f"{name} cannot be {value}."),
            Bilingual("glassbox chat --help 列出了含义。", "See glassbox chat --help."),
        ) from error


def ids_of(text: str, size: int) -> list[int]:
    """The token ids of ``--ids``; raises ``UsageError`` if they are none of this vocabulary."""
    try:
        ids = [int(part) for part in text.split(",")]
    except ValueError:
        ids = [-1]
    if not all(0 <= token < size for token in ids):
        raise UsageError(
            Bilingual(
                f"--ids 需要用逗号分开的词元编号，从 0 到 {size - 1}。",
                f"--ids needs token ids from 0 to {size - 1}, with commas between them.",
            )
        )
    return ids
