"""Which glossary term explains a control or a link.

Imports the course's glossary; no Qt.
"""

from __future__ import annotations

from desktop.bilingual import Bilingual
from desktop.course.glossary import Glossary


class TermIndex:
    """Terms by id, by name in either language and by alias."""

    def __init__(self, glossary: Glossary) -> None:
        self._glossary = glossary
        self._by_name: dict[str, str] = {}
        for term in glossary:
            for name in (term.name.zh, term.name.en, *term.aliases):
                self._by_name.setdefault(_plain(name), term.id)

    def find(self, name: str, label: Bilingual) -> str:
        """The id of the term a parameter is about, or an empty string."""
        direct = name.replace("_", "-")
        if direct in self._glossary:
            return direct
        for text in (label.en, label.zh, name):
            found = self._by_name.get(_plain(text))
            if found:
                return found
        return ""

    def definition(self, term_id: str) -> Bilingual | None:
        """The one-sentence definition, for a tooltip."""
        term = self._glossary.get(term_id)
        return term.definition if term else None


def _plain(name: str) -> str:
    return name.casefold().replace("-", " ").replace("_", " ").strip()
