"""A conversation to take along: Markdown for people, JSON for programs.

Markdown has the branch that is shown, each answer with the places of the course it comes from; JSON
has every branch and every token. Neither names a folder of this computer. Imports the course's own
modules only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desktop.bilingual import Language
from desktop.course.chats import Chats, Message


@dataclass(frozen=True)
class ExportWords:
    """What the Markdown says besides the conversation, in the language it is written for."""

    language: Language
    you: str
    model: str
    sources: str
    term: str
    lesson: str
    """``term`` and ``lesson`` say which of the two a source is."""
    known: Mapping[str, str]
    """Models that people know by another name than the one that is kept."""


def to_markdown(chats: Chats, conversation: int, words: ExportWords) -> str:
    """The branch that is shown."""
    title = chats.title(chats.get(conversation))
    parts = [f"# {title}"] if title else []
    for message in chats.branch(conversation):
        parts.append(f"## {_speaker(message, words)}\n\n{message.text.strip()}")
        sources = _sources(message, words)
        if sources:
            parts.append("\n".join([f"{words.sources}", "", *sources]))
    return "\n\n".join(parts) + "\n"


def _speaker(message: Message, words: ExportWords) -> str:
    if message.role == "user":
        return words.you
    return words.known.get(message.model) or f"{words.model} ({message.model})"


def _sources(message: Message, words: ExportWords) -> list[str]:
    found = []
    kept = message.facts.get("sources")
    for source in kept if isinstance(kept, list) else ():
        title = source.get("title") if isinstance(source, Mapping) else None
        name = title.get(words.language) if isinstance(title, Mapping) else None
        if name:
            kind = words.term if source.get("kind") == "term" else words.lesson
            found.append(f"- {name} ({kind})")
    return found


def to_json(chats: Chats, conversation: int) -> str:
    """Everything, with all branches and tokens."""
    one = chats.get(conversation)
    shown = chats.branch(conversation)
    whole = {
        "format": "glassbox-chat",
        "version": 1,
        "title": chats.title(one),
        "model": next((message.model for message in reversed(shown) if message.model), ""),
        "settings": dict(one.settings),
        "shown": one.leaf or None,
        "messages": [_entry(chats, message) for message in chats.messages(conversation).values()],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)


def _entry(chats: Chats, message: Message) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": message.id,
        "parent": message.parent or None,
        "role": message.role,
        "text": message.text,
        "state": message.state,
        "model": message.model,
        "facts": dict(message.facts),
        "at": message.at,
    }
    tokens = chats.tokens(message.id)
    if tokens:
        entry["tokens"] = [
            {"id": token.id, "text": token.text, "logprob": token.logprob} for token in tokens
        ]
    return entry
