"""Every fixed text of the interface, in the language chosen now.

Texts live in ``resources/translations/*.toml``: one table per file part, each entry with ``zh`` and
``en``, so that a translator sees both and a test can compare them::

    [transport]
    play = { zh = "播放", en = "Play" }

Widgets ask ``tr("transport.play")`` and listen to ``language().changed`` to set their texts again;
no restart. Imports Qt and ``desktop.bilingual``; no torch.
"""

from __future__ import annotations

import tomllib
from functools import cache

from PySide6.QtCore import QObject, Signal

from desktop import paths
from desktop.bilingual import Bilingual, Language


class LanguageSwitch(QObject):
    """The one place that knows the current language."""

    changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.current: Language = "en"

    def set(self, language: Language) -> None:
        """Switch; every widget hears ``changed``."""
        if language != self.current:
            self.current = language
            self.changed.emit(language)


@cache
def language() -> LanguageSwitch:
    """The application's language switch (made on first use, in the interface thread)."""
    return LanguageSwitch()


@cache
def table() -> dict[str, Bilingual]:
    """All texts by dotted key."""
    found: dict[str, Bilingual] = {}
    for path in sorted(paths.resources().joinpath("translations").glob("*.toml")):
        for section, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for key, texts in entries.items():
                found[f"{section}.{key}"] = Bilingual.from_mapping(texts)
    return found


def tr(key: str, **values: object) -> str:
    """The text called ``key`` in the current language, its ``{name}`` places filled."""
    text = table()[key][language().current]
    return text.format(**values) if values else text


def pick(text: Bilingual) -> str:
    """A bilingual value in the current language."""
    return text[language().current]
