"""How well the tutor answers questions it has never seen, by what each answer has to contain.

The held-out questions (``resources/tutor/held-out-*.jsonl``) were written apart from the training data;
a test sees to it that none of them is in there. Every question goes the way of a question in the chat:
grounding, prompt, the model's likeliest tokens among those that its source allows. Of each answer is judged:

- concept: a passage that the answer is made of (one, or two where the second fits nearly as well) is
  about an accepted term or lesson (for questions about the tutor, is one of those answers), and the
  answer states at least one required fact, if any is required
- first: the same, of the first passage alone
- facts: the answer contains an accepted wording of every required fact
- language: an English answer has no Chinese character, in a Chinese one at least a third of the
  letters are Chinese
- declined: no source was found and the answer says that it cannot help with this
- unbroken: text, ended by the model itself, without replacement or control characters

Wordings are looked for as they are, without regard to case: a right sentence in words that nobody
thought of counts as wrong, a wrong one with the right words as right. Reading the failures, which the
command lists, is part of the measurement. Imports torch through the language model; no Qt.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from desktop import paths, tutor
from desktop.bilingual import LANGUAGES, Language
from desktop.course.catalog import load_course
from desktop.llm.cache import Decoder
from desktop.llm.fast_open import open_for_chat
from desktop.llm.generate import Settings, Summary, generate
from desktop.llm.prompts import INSTRUCT, Message, fit
from desktop.llm.quoting import Quoting
from desktop.llm.sampling import Sampling
from desktop.llm.tokenizer import Tokenizer
from desktop.tutor.grounding import Grounder, Grounding

MAX_TOKENS = 400
FIGURES = ("concept", "facts", "language", "declined", "unbroken")
REPORTED = ("concept", "first", *FIGURES[1:])
_DECLINES: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile("不|没|课外|别的|超出|只(懂|会|讲|教|认|知)|外行|无能为力|难倒"),
    "en": re.compile(
        r"\b(not|no|nothing|cannot|can't|don't|never|none|only|outside|beyond|unable|neither|nor"
        r"|without|lies elsewhere|poor advice|lawyer|harm|couldn't|isn't|haven't|little use)\b",
        re.IGNORECASE,
    ),
}


@dataclass(frozen=True)
class HeldOut:
    """A question and what a right answer is known by: ``ids`` any of which it may be about, and for
    each required fact the accepted wordings. ``topic`` is what was asked before, if anything."""

    lang: Language
    kind: str
    ids: tuple[str, ...]
    question: str
    facts: tuple[tuple[str, ...], ...]
    topic: str = ""


@dataclass(frozen=True)
class Verdict:
    """An answer and what was found of it; ``None`` where a figure does not apply."""

    item: HeldOut
    answer: str
    records: tuple[str, ...]
    concept: bool | None
    first: bool | None
    facts: bool | None
    language: bool
    declined: bool | None
    unbroken: bool
    tokens: int = 0
    tokens_per_second: float | None = None

    @property
    def passed(self) -> bool:
        """Whether everything that applies is right."""
        return all(getattr(self, name) is not False for name in FIGURES)


def held_out_files() -> tuple[Path, ...]:
    """The sets of questions that are never trained on, oldest first.

    A set that has been looked at while the search was improved says less and less; a fresh one is
    then written by someone who knows neither the set nor the wordings trained on.
    """
    return tuple(sorted((paths.resources() / "tutor").glob("held-out-*.jsonl")))


def load_held_out(path: Path) -> tuple[HeldOut, ...]:
    """The questions, in the order of the file."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return tuple(
        HeldOut(
            line["lang"],
            line["kind"],
            tuple(line["ids"]),
            line["question"],
            tuple(tuple(wordings) for wordings in line["facts"]),
            line.get("topic", ""),
        )
        for line in lines
    )


# ---- judging


def judge(item: HeldOut, found: Grounding, answer: str, *, ended: bool = True) -> Verdict:
    """Everything that can be said about an answer; ``ended`` says that the model came to an end."""
    inside = item.kind != "outside"
    stated = [_contains(answer, wordings) for wordings in item.facts]
    something = any(stated) or not item.facts
    return Verdict(
        item,
        answer,
        found.records,
        concept=something and any(_about(item, one) for one in found.records) if inside else None,
        first=something and any(_about(item, one) for one in found.records[:1]) if inside else None,
        facts=all(stated) if inside else None,
        language=in_language(answer, item.lang),
        declined=None if inside else found.outside and declines(answer, item.lang),
        unbroken=ended and unbroken(answer),
    )


def _about(item: HeldOut, record: str) -> bool:
    kind, _, ids = record.partition(":")
    if item.kind == "about":
        return kind == "about"
    return bool(set(ids.split(",")) & set(item.ids))


def _contains(answer: str, wordings: Sequence[str]) -> bool:
    return any(wording.casefold() in answer.casefold() for wording in wordings)


def in_language(answer: str, lang: Language) -> bool:
    """Whether an answer is in this language; names and formulas may be Latin in a Chinese one."""
    letters = [one for one in answer if one.isalpha()]
    chinese = sum("\u3400" <= one <= "\u9fff" for one in letters)
    return bool(letters) and (chinese == 0 if lang == "en" else chinese >= len(letters) / 3)


def declines(answer: str, lang: Language) -> bool:
    """Whether an answer says in some way that this is not its business."""
    return bool(_DECLINES[lang].search(answer))


def unbroken(answer: str) -> bool:
    """Whether an answer is there, and no character of it was cut in the middle."""
    return bool(answer.strip()) and not any(
        one == "\ufffd" or (unicodedata.category(one) in ("Cc", "Cs", "Co", "Cn") and one != "\n")
        for one in answer
    )


# ---- asking


class Asker:
    """The tutor without a window: grounding and model, answering as the chat does."""

    def __init__(self, grounder: Grounder, decoder: Decoder, tokenizer: Tokenizer) -> None:
        self.grounder, self._decoder, self._tokenizer = grounder, decoder, tokenizer

    @classmethod
    def open(cls, model: Path | None = None) -> Asker:
        """With the shipped data, and the shipped model if no other is named."""
        opened = open_for_chat(model or tutor.model_folder(), device="cpu")
        grounder = Grounder(load_course(paths.lessons()))
        return cls(grounder, opened.decoder, opened.tokenizer)

    def ask(self, item: HeldOut) -> Verdict:
        """Answer one question, after the one before it where there is one."""
        before: list[Message] = []
        topic = ""
        if item.topic:
            first = self.grounder.ground(item.topic)
            topic = first.topic
            said = self._answer(first, [Message("user", item.topic)]).text
            before = [Message("user", item.topic), Message("assistant", said)]
        found = self.grounder.ground(item.question, topic)
        if found.topic == item.question:
            before = []
        summary = self._answer(found, [*before, Message("user", item.question)])
        verdict = judge(item, found, summary.text.strip(), ended=summary.stop != "limit")
        return Verdict(
            **{
                **{name: getattr(verdict, name) for name in verdict.__dataclass_fields__},
                "tokens": len(summary.ids),
                "tokens_per_second": summary.tokens_per_second,
            }
        )

    def _answer(self, found: Grounding, turns: Sequence[Message]) -> Summary:
        messages = [Message("system", found.background), *turns]
        capacity = self._decoder.capacity
        ids, _ = fit(self._tokenizer, INSTRUCT, messages, capacity, min(MAX_TOKENS, capacity // 4))
        settings = Settings(
            Sampling(temperature=0.0),
            MAX_TOKENS,
            INSTRUCT.stop_strings,
            alternatives=1,
            quoting=Quoting.of(self._tokenizer, found.lines, found.further),
        )
        writing = generate(self._decoder, self._tokenizer, ids, settings)
        while True:
            try:
                next(writing)
            except StopIteration as end:
                summary: Summary = end.value
                return summary

    def ask_all(self, items: Iterable[HeldOut]) -> Iterator[Verdict]:
        """One verdict after the other."""
        return (self.ask(item) for item in items)


# ---- summing up


def summary(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The share of right answers of every figure: altogether, by language and by kind."""
    speeds = [one.tokens_per_second for one in verdicts if one.tokens_per_second is not None]
    return {
        "questions": len(verdicts),
        "all": shares(verdicts),
        **{lang: shares([one for one in verdicts if one.item.lang == lang]) for lang in LANGUAGES},
        "kinds": {
            kind: shares([one for one in verdicts if one.item.kind == kind])
            for kind in dict.fromkeys(one.item.kind for one in verdicts)
        },
        "tokens": sum(one.tokens for one in verdicts),
        "tokens_per_second": round(median(speeds), 1) if speeds else None,
    }


def shares(verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    """Each figure's part of right answers among those to which it applies."""
    found: dict[str, float | None] = {}
    for name in REPORTED:
        given = [value for one in verdicts if (value := getattr(one, name)) is not None]
        found[name] = round(sum(given) / len(given), 4) if given else None
    return found


def failure(verdict: Verdict) -> dict[str, Any]:
    """What there is to read about an answer that fell short."""
    return {
        "wrong": [name for name in FIGURES if getattr(verdict, name) is False],
        **{name: value for name, value in asdict(verdict.item).items() if value},
        "records": verdict.records,
        "answer": verdict.answer,
    }
