"""What a question wants of a record, and the passage and the answer that follow from it.

“An example, please” wants the example, “what do people get wrong” the mistake, “in one sentence”
the short answer; everything else gets the whole explanation. The same composition makes the
training data and the sources of a real answer. No torch.
"""

from __future__ import annotations

import re
from typing import Literal

from desktop.bilingual import Bilingual, Language
from desktop.tutor.prompt import FOR_EXAMPLE, MISTAKE, Passage
from desktop.tutor.records import Part, Record

Want = Literal["all", "short", "example", "mistake", "more", "rest"]
"""``more`` is what the whole explanation leaves out; ``rest`` is that in place of the example."""

_WANTS: tuple[tuple[Want, re.Pattern[str]], ...] = (
    (
        "mistake",
        re.compile(
            r"误区|误解|误会|理解错|容易(搞|弄|犯|想|理解)?错|常(搞|弄|理解)错|哪里会错|常犯|踩坑|(有|些|的|个)坑|"
            r"\bmistakes?\b|misconception|misunderst|get(s|ting)? wrong|pitfall|\bgotcha",
            re.IGNORECASE,
        ),
    ),
    (
        "example",
        re.compile(
            r"举.{0,4}例|例子|示例|比如呢|比方|具体点|实例|用数字|\bexamples?\b|for instance|(with|some) numbers|\be\.?g\.|concrete",
            re.IGNORECASE,
        ),
    ),
    (
        "short",
        re.compile(
            r"一句话|简单(点|说|一点|地)|简短|短一点|太长|说人话|大白话|总结一下|长话短说|"
            r"one (sentence|line)|short(er|ly)?\b|brief|tl;?dr|in a nutshell|simpler|too long|sum (it )?up",
            re.IGNORECASE,
        ),
    ),
)
FOLLOW_UPS: dict[Want, Bilingual] = {
    "example": Bilingual("举个例子", "an example please"),
    "mistake": Bilingual("常见误区是什么", "what do people get wrong"),
    "short": Bilingual("简单点说", "shorter please"),
}


def want_of(question: str) -> Want:
    """Which part of an explanation the question asks for."""
    return next((want for want, pattern in _WANTS if pattern.search(question)), "all")


def subject_of(question: str) -> str:
    """The question without the words that say which part is wanted."""
    for _, pattern in _WANTS:
        question = pattern.sub(" ", question)
    return question


def passage_of(record: Record, title: str, want: Want = "all") -> Passage:
    """The text that the model gets to answer from."""
    return Passage(title, _composed(record, want, around=True))


def answer_of(record: Record, want: Want = "all") -> str:
    """The answer that the record gives to such a question."""
    return _composed(record, want, around=False)


def _composed(record: Record, want: Want, *, around: bool) -> str:
    """``around`` adds what the wanted part is an example or a mistake *of*."""
    parts, lang = record.parts, record.lang
    short = parts["short"]
    if "long" not in parts:
        return short
    if want == "all":
        whole = _joined(short, parts["long"], lang)
        return f"{whole}\n{FOR_EXAMPLE[lang]}{parts['example']}"
    if want == "rest":
        whole = _joined(short, parts["long"], lang)
        return f"{whole}\n{MISTAKE[lang]}{parts['mistake']}"
    if want == "short":
        return _joined(short, parts["long"], lang) if around else short
    part: Part = "example" if want == "example" else "mistake"
    wanted = (FOR_EXAMPLE if part == "example" else MISTAKE)[lang] + parts[part]
    return f"{short}\n{wanted}" if around else wanted


def _joined(first: str, second: str, lang: Language) -> str:
    return first + second if lang == "zh" else f"{first} {second}"
