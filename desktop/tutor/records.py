"""What the tutor can say: the written answers of ``resources/tutor/data``, one record a line.

A record belongs to terms or lessons, to the tutor itself, or to what lies outside the course, and
lists differently worded questions that it answers. Imports the course's glossary; no torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from desktop.bilingual import Language
from desktop.course.glossary import Glossary

Kind = Literal["term", "lesson", "comparison", "why", "about", "outside"]
Part = Literal["short", "long", "example", "mistake"]

PARTS: tuple[Part, ...] = ("short", "long", "example", "mistake")


@dataclass(frozen=True)
class Record:
    """One answer in one language. ``ids`` are glossary terms, or a lesson's slug; terms and lessons
    come in ``parts``, everything else is one ``short`` part."""

    kind: Kind
    ids: tuple[str, ...]
    lang: Language
    questions: tuple[str, ...]
    parts: dict[Part, str]
    title: str = ""
    chapter: int = 0
    """What a lesson is called, and its chapter."""

    @property
    def key(self) -> str:
        """What it is about, the same in both languages where there is a counterpart."""
        return (
            f"{self.kind}:{','.join(self.ids)}"
            if self.ids
            else f"{self.kind}:{self.parts['short']}"
        )


@dataclass(frozen=True)
class Dialogue:
    """A conversation in one language: what the learner and the tutor say in turn."""

    lang: Language
    turns: tuple[tuple[str, str], ...]


def same_topic(wanted: Record, found: Record) -> bool:
    """Whether an answer is about what was asked: the same record, a shared term or lesson, or both
    about something outside."""
    if wanted.kind == found.kind == "outside":
        return True
    return wanted is found or bool(set(wanted.ids) & set(found.ids))


def names_of(record: Record, glossary: Glossary | None) -> list[str]:
    """What a term is called, in both languages; nothing for any other record."""
    term = glossary.get(record.ids[0]) if glossary is not None and record.kind == "term" else None
    return [] if term is None else [term.name.zh, term.name.en, *term.aliases]


def load_records(folder: Path) -> tuple[Record, ...]:
    """Every record of the ``*.jsonl`` files, in the order of the files and lines."""
    return tuple(_record(line) for line in _lines(folder) if line["kind"] != "dialogue")


def load_dialogues(folder: Path) -> tuple[Dialogue, ...]:
    """Every dialogue of the ``*.jsonl`` files."""
    return tuple(_dialogue(line) for line in _lines(folder) if line["kind"] == "dialogue")


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _record(line: dict[str, Any]) -> Record:
    parts: dict[Part, str] = {part: line[part] for part in PARTS if part in line}
    return Record(
        kind=line["kind"],
        ids=tuple(line.get("ids") or ([line["id"]] if "id" in line else [])),
        lang=line["lang"],
        questions=tuple(line["questions"]),
        parts=parts or {"short": line["answer"]},
        title=line.get("title", ""),
        chapter=line.get("chapter", 0),
    )


def _dialogue(line: dict[str, Any]) -> Dialogue:
    said = [next(iter(turn.values())) for turn in line["turns"]]
    return Dialogue(line["lang"], tuple(zip(said[::2], said[1::2], strict=True)))
