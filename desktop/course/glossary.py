"""The glossary: every technical term of the course, in both languages, from ``resources/glossary``.

A file holds one table per term; the id is the table's name::

    [learning-rate]
    name = { zh = "学习率", en = "learning rate" }
    aliases = ["lr", "step size"]
    definition = { zh = "…", en = "…" }
    more = { zh = "…", en = "…" }          # optional
    formula = '\\eta'                       # optional LaTeX, symbols explained in `more`
    lessons = ["gradient-descent"]          # lessons that show it; links appear once they exist
    see = ["gradient-descent"]              # related terms

Imports nothing of ours but the course's own modules and the language type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.bilingual import Bilingual, Language
from desktop.course.reading import Table, read_table

if TYPE_CHECKING:
    from desktop.course.search import Hit

_ID = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
NOTHING = Bilingual("", "")


@dataclass(frozen=True)
class Term:
    """One term: what it is called, what it means in one sentence, and where to see it."""

    id: str
    name: Bilingual
    aliases: tuple[str, ...]
    definition: Bilingual
    more: Bilingual
    formula: str
    lessons: tuple[str, ...]
    see: tuple[str, ...]


class Glossary:
    """All terms by id."""

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        self._terms = {term.id: term for term in terms}

    def __len__(self) -> int:
        return len(self._terms)

    def __iter__(self) -> Iterator[Term]:
        return iter(self._terms.values())

    def __contains__(self, term_id: str) -> bool:
        return term_id in self._terms

    def get(self, term_id: str) -> Term | None:
        """The term, or ``None``."""
        return self._terms.get(term_id)

    def ordered(self, language: Language) -> tuple[Term, ...]:
        """Terms as a reader of ``language`` looks them up: English by name; Chinese by the sound of
        its characters, names in Latin letters first. (The national encoding GB 2312 lists common
        characters by their pinyin, so its bytes sort as a dictionary does.)"""
        return tuple(
            sorted(
                self,
                key=lambda term: term.name[language].casefold().encode("gb18030", "replace"),
            )
        )

    def shown_in(self, lesson: str) -> tuple[Term, ...]:
        """The terms that name ``lesson`` as a place to see them."""
        return tuple(term for term in self if lesson in term.lessons)

    def search(self, query: str, language: Language, limit: int = 20) -> list[Hit]:
        """Terms that match, best first."""
        return self._index.search(query, language, limit)

    @cached_property
    def _index(self):  # type: ignore[no-untyped-def]
        from desktop.course.search import SearchIndex

        return SearchIndex((), self)


def load_glossary(folder: Path) -> Glossary:
    """Read every ``*.toml`` of the folder; raises ``CourseError``."""
    terms: dict[str, Term] = {}
    for path in sorted(folder.glob("*.toml")):
        table = read_table(path)
        for term_id in table.keys():  # noqa: SIM118 (a Table is no dict)
            if term_id in terms:
                table.fail(term_id, "这个词条已经有了。", "this term exists already.")
            terms[term_id] = _term(table, term_id)
    return Glossary(terms.values())


def _term(file: Table, term_id: str) -> Term:
    if not _ID.match(term_id):
        file.fail(
            term_id,
            "词条名要用小写英文和连字符。",
            "a term's id is written in lower case with hyphens.",
        )
    table = file.table(term_id)
    term = Term(
        id=term_id,
        name=table.bilingual("name"),
        aliases=table.texts("aliases", ()),
        definition=table.bilingual("definition"),
        more=table.bilingual("more", NOTHING),
        formula=table.text("formula", ""),
        lessons=table.texts("lessons", ()),
        see=table.texts("see", ()),
    )
    table.finish()
    return term
