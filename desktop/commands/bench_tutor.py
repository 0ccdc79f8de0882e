"""``glassbox bench tutor``: how well, and how fast, the built-in tutor answers unseen questions.

Every held-out question is asked as in the chat, with the likeliest token each time, so the same
weights give the same answers again. What the figures mean is written in ``desktop.tutor.evaluate``;
the answers that fall short are listed one by one, to be read. Imports torch when it runs; no Qt.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.bilingual import LANGUAGES, Bilingual
from desktop.commands.arguments import Parser, whole
from desktop.commands.output import Output, table

if TYPE_CHECKING:
    from desktop.tutor.evaluate import Verdict

NAMES = {
    "concept": Bilingual("概念找对", "right concept"),
    "first": Bilingual("首先就对", "… named first"),
    "facts": Bilingual("要点齐全", "required facts"),
    "language": Bilingual("语言一致", "language"),
    "declined": Bilingual("课外问题婉拒", "off-topic declined"),
    "unbroken": Bilingual("没有坏字符、正常结束", "unbroken"),
}
KINDS = {
    "term": Bilingual("词条", "terms"),
    "comparison": Bilingual("比较", "comparisons"),
    "why": Bilingual("为什么", "why and how"),
    "lesson": Bilingual("课", "lessons"),
    "follow": Bilingual("追问", "follow-ups"),
    "about": Bilingual("关于导师", "about the tutor"),
    "outside": Bilingual("课外", "off-topic"),
}


def add_arguments(parser: Parser) -> None:
    """Which weights, and how many of the questions."""
    parser.add_argument(
        "--model",
        metavar="PATH",
        type=Path,
        help=parser.pick("别的权重所在的文件夹", "a folder with other weights"),
    )
    parser.add_argument(
        "--questions",
        metavar="FILE",
        type=Path,
        help=parser.pick("另一份考题（默认是最新的一份）", "another set of questions (the newest)"),
    )
    for name, default, zh, en in (
        ("every", 1, "每 N 个问题问一个", "ask one question in N"),
        ("threads", os.cpu_count() or 1, "torch 用几个线程", "torch threads"),
    ):
        parser.add_argument(
            f"--{name}",
            type=whole(1, 10_000),
            default=default,
            metavar="N",
            help=parser.pick(f"{zh}(默认 {default})", f"{en} ({default})"),
        )


def run(arguments: argparse.Namespace) -> int:
    """Ask, judge, print."""
    import torch

    from desktop.tutor.evaluate import Asker, failure, held_out_files, load_held_out, summary

    torch.set_num_threads(arguments.threads)
    output: Output = arguments.output
    file = arguments.questions or held_out_files()[-1]
    items = load_held_out(file)[:: arguments.every]
    verdicts = []
    for verdict in Asker.open(arguments.model).ask_all(items):
        verdicts.append(verdict)
        if not verdict.passed:
            _say(output, verdict)
    report = {"what": "tutor", "set": file.name, "device": "cpu", **summary(verdicts)}
    report["threads"] = arguments.threads
    output.data({**report, "failures": [failure(one) for one in verdicts if not one.passed]})
    _figures(output, report)
    return 0


def _say(output: Output, verdict: Verdict) -> None:
    """A failure as it comes: what was wrong, what was asked, what was answered."""
    wrong = [output.pick(name) for key, name in NAMES.items() if getattr(verdict, key) is False]
    item = verdict.item
    before = f"{item.topic} / " if item.topic else ""
    output.say(f"✗ {output.pick(KINDS[item.kind])} · {', '.join(wrong)}")
    output.say(f"    {before}{item.question}")
    output.say(f"    → {' '.join(verdict.answer.split())}")


def _figures(output: Output, report: dict[str, Any]) -> None:
    groups = [("", report["all"])]
    groups += [(lang, report[lang]) for lang in LANGUAGES]
    groups += [(output.pick(KINDS[kind]), given) for kind, given in report["kinds"].items()]
    rows = [("", *(output.pick(name) for name in NAMES.values()))]
    for name, given in groups:
        rows.append((name, *(_percent(given[key]) for key in NAMES)))
    output.say()
    for line in table(rows):
        output.say(line)
    speed = report["tokens_per_second"]
    output.say(
        Bilingual(
            f"{report['questions']} 个问题，写字速度中位数每秒 {speed} 个词元",
            f"{report['questions']} questions; median speed of writing {speed} tokens/s",
        )
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
