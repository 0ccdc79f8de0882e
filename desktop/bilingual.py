"""A text in both of our languages, the one type every layer may use.

Chinese and English are equals, so a text that a person may read is never a plain string with a
translation beside it: it is one value that holds both. Imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True)
class Bilingual:
    """The same text in Chinese and in English, each written as if it were the original."""

    zh: str
    en: str

    def __getitem__(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)

    def format(self, **values: object) -> Bilingual:
        """Fill ``{name}`` places in both languages with the same values."""
        return Bilingual(self.zh.format(**values), self.en.format(**values))

    def then(self, following: Bilingual) -> Bilingual:
        """This sentence and a following one; either may be empty."""
        return Bilingual(self.zh + following.zh, f"{self.en} {following.en}".strip())

    @classmethod
    def same(cls, text: str) -> Bilingual:
        """A text that needs no translation: a symbol, a proper name, a number."""
        return cls(text, text)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, str]) -> Bilingual:
        """From a table with the keys ``zh`` and ``en``; a missing one raises ``KeyError``."""
        return cls(mapping["zh"], mapping["en"])


class GlassboxError(Exception):
    """Something went wrong in a way a person can act on.

    ``message`` says what happened, ``hint`` what to do next, both in both languages. Anything
    technical belongs in ``details``, which is shown only on request.
    """

    def __init__(
        self, message: Bilingual, hint: Bilingual | None = None, details: str = ""
    ) -> None:
        super().__init__(message.en)
        self.message = message
        self.hint = hint or Bilingual("", "")
        self.details = details
