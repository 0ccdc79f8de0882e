"""Conversations with a model, in the learner's one database, written while they happen.

A conversation is a tree: a message knows the one it answers, so editing a question or answering
again adds a branch and loses nothing. ``leaf`` names the end of the branch that is shown. An answer
being written is kept token by token in a table of its own, so a killed program loses at most the
token it was computing; ``recover`` closes such answers at the next start. Imports the course's own
modules only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from desktop.course.chat_tables import CHAT_TABLES
from desktop.course.database import Database

__all__ = ["CHAT_TABLES", "Chats", "Conversation", "Found", "Message", "TokenRecord"]

Role = Literal["user", "assistant"]
State = Literal["writing", "done", "stopped", "failed"]
SNIPPET = 60
TITLE = 40


@dataclass(frozen=True)
class TokenRecord:
    """One token as it was chosen: ``top`` holds alternatives as (id, label, log-probability)."""

    id: int
    text: str
    logprob: float = 0.0
    top: tuple[tuple[int, str, float], ...] = ()
    ms: float = 0.0


@dataclass(frozen=True)
class Message:
    """One message; ``parent`` is 0 for the first. ``facts`` holds figures such as tokens a second."""

    id: int
    conversation: int
    parent: int
    role: Role
    text: str
    state: State
    model: str
    facts: Mapping[str, Any]
    at: float


@dataclass(frozen=True)
class Conversation:
    """A conversation's own facts; its messages are read with ``Chats.messages``."""

    id: int
    title: str
    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    draft: str = ""
    leaf: int = 0
    created: float = 0.0
    changed: float = 0.0


@dataclass(frozen=True)
class Found:
    """A conversation that contains what was searched for, with the place."""

    conversation: Conversation
    snippet: str


class Chats:
    """All conversations of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.recover()

    def recover(self) -> None:
        """After a kill: answers that were being written end where the last token was kept, and
        conversations deleted before the last close are gone for good."""
        for (message,) in self._read("SELECT id FROM messages WHERE state = 'writing'"):
            self.finish(_int(message), "stopped", {"stop": "interrupted"})
        self._database.write_all(
            [
                (
                    "DELETE FROM tokens WHERE message IN (SELECT m.id FROM messages m JOIN "
                    "conversations c ON c.id = m.conversation WHERE c.deleted > 0)",
                    (),
                ),
                (
                    "DELETE FROM messages WHERE conversation IN "
                    "(SELECT id FROM conversations WHERE deleted > 0)",
                    (),
                ),
                ("DELETE FROM conversations WHERE deleted > 0", ()),
            ]
        )

    # ---- conversations

    def create(self, model: str = "", settings: Mapping[str, Any] | None = None) -> Conversation:
        """A new, empty conversation."""
        now = self._after_all()
        row = self._database.write(
            "INSERT INTO conversations (title, model, settings, draft, leaf, created, changed, "
            "deleted) VALUES ('', ?, ?, '', 0, ?, ?, 0)",
            (model, _dump(settings or {}), now, now),
        )
        return self.get(row)

    def _after_all(self) -> float:
        """Now, but after every conversation: the one used last stays first when the clock is set back."""
        latest = self._read("SELECT coalesce(max(changed), 0) FROM conversations")[0][0]
        return max(time.time(), float(latest) + 0.001)  # type: ignore[arg-type]

    def get(self, conversation: int) -> Conversation:
        """One conversation; raises ``KeyError`` when there is none."""
        for row in self._read(f"{_CONVERSATION} WHERE id = ? AND deleted = 0", (conversation,)):
            return _conversation(row)
        raise KeyError(conversation)

    def all(self) -> tuple[Conversation, ...]:
        """Every conversation, the one used last first."""
        rows = self._read(f"{_CONVERSATION} WHERE deleted = 0 ORDER BY changed DESC, id DESC")
        return tuple(_conversation(row) for row in rows)

    def rename(self, conversation: int, title: str) -> None:
        """Give it a title; an empty one lets the first question stand for it again."""
        self._set(conversation, "title", title.strip())

    def set_draft(self, conversation: int, draft: str) -> None:
        """Keep what is typed but not sent."""
        self._set(conversation, "draft", draft)

    def set_settings(self, conversation: int, settings: Mapping[str, Any]) -> None:
        """Keep the sampling settings."""
        self._set(conversation, "settings", _dump(settings))

    def set_model(self, conversation: int, model: str) -> None:
        """Keep which model it talks to."""
        self._set(conversation, "model", model)

    def set_leaf(self, conversation: int, message: int) -> None:
        """Show the branch that ends with ``message``."""
        self._set(conversation, "leaf", message)

    def delete(self, conversation: int) -> None:
        """Put it away; ``undelete`` brings it back until the program is started again."""
        self._set(conversation, "deleted", time.time())

    def undelete(self, conversation: int) -> None:
        """Bring a deleted conversation back."""
        self._set(conversation, "deleted", 0.0)

    def title(self, conversation: Conversation) -> str:
        """Its title, or the beginning of its first question; empty when there is neither."""
        if conversation.title:
            return conversation.title
        for (text,) in self._read(
            "SELECT text FROM messages WHERE conversation = ? ORDER BY id LIMIT 1",
            (conversation.id,),
        ):
            line = " ".join(str(text).split())
            return line if len(line) <= TITLE else line[: TITLE - 1].rstrip() + "…"
        return ""

    # ---- messages

    def add(
        self,
        conversation: int,
        parent: int,
        role: Role,
        text: str,
        model: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> int:
        """Add a message behind ``parent`` and show its branch. An assistant's begins to be written."""
        state = "writing" if role == "assistant" else "done"
        row = self._database.write(
            "INSERT INTO messages (conversation, parent, role, text, state, model, facts, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (conversation, parent, role, text, state, model, _dump(facts or {}), time.time()),
        )
        self._database.write(
            "UPDATE conversations SET leaf = ?, changed = ? WHERE id = ?",
            (row, self._after_all(), conversation),
        )
        return row

    def append(self, message: int, start: int, tokens: Sequence[TokenRecord]) -> None:
        """Keep tokens of an answer from place ``start`` on, all in one write."""
        self._database.write_all(
            [
                (
                    "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (message, start + place, one.id, one.text, one.logprob, _dump(one.top), one.ms),
                )
                for place, one in enumerate(tokens)
            ]
        )

    def finish(
        self,
        message: int,
        state: State,
        facts: Mapping[str, Any] | None = None,
        text: str | None = None,
    ) -> None:
        """Close an answer. Its text is what its tokens spell, unless ``text`` says otherwise."""
        final = "".join(one.text for one in self.tokens(message)) if text is None else text
        self._database.write(
            "UPDATE messages SET text = ?, state = ?, facts = ? WHERE id = ?",
            (final, state, _dump(facts or {}), message),
        )

    def tokens(self, message: int) -> tuple[TokenRecord, ...]:
        """The tokens of an answer, in order."""
        rows = self._read(
            "SELECT token, text, logprob, top, ms FROM tokens WHERE message = ? ORDER BY place",
            (message,),
        )
        return tuple(
            TokenRecord(_int(token), str(text), _float(logprob), _top(top), _float(ms))
            for token, text, logprob, top, ms in rows
        )

    def messages(self, conversation: int) -> dict[int, Message]:
        """Every message of the tree by id."""
        rows = self._read(f"{_MESSAGE} WHERE conversation = ? ORDER BY id", (conversation,))
        return {message.id: message for message in map(_message, rows)}

    def branch(self, conversation: int, leaf: int | None = None) -> tuple[Message, ...]:
        """The messages from the first to ``leaf`` (or to the end of the branch that is shown)."""
        messages = self.messages(conversation)
        at = self.get(conversation).leaf if leaf is None else leaf
        path: list[Message] = []
        while at in messages:
            path.append(messages[at])
            at = messages[at].parent
        return tuple(reversed(path))

    def siblings(self, message: Message) -> tuple[int, ...]:
        """The ids of all messages in the same place, the oldest first."""
        rows = self._read(
            "SELECT id FROM messages WHERE conversation = ? AND parent = ? ORDER BY id",
            (message.conversation, message.parent),
        )
        return tuple(_int(row) for (row,) in rows)

    def newest_leaf(self, conversation: int, message: int) -> int:
        """The end of the newest branch that goes through ``message``."""
        messages = self.messages(conversation)
        while True:
            children = [one.id for one in messages.values() if one.parent == message]
            if not children:
                return message
            message = max(children)

    # ---- finding

    def search(self, text: str, limit: int = 50) -> tuple[Found, ...]:
        """Conversations whose title or messages contain ``text``, the one used last first."""
        wanted = text.strip()
        if not wanted:
            return tuple(Found(one, "") for one in self.all()[:limit])
        pattern = f"%{_escaped(wanted)}%"
        found = []
        for one in self.all():
            rows = self._read(
                "SELECT text FROM messages WHERE conversation = ? AND text LIKE ? ESCAPE '\\' "
                "ORDER BY id LIMIT 1",
                (one.id, pattern),
            )
            if rows:
                found.append(Found(one, _snippet(str(rows[0][0]), wanted)))
            elif wanted.casefold() in one.title.casefold():
                found.append(Found(one, ""))
            if len(found) == limit:
                break
        return tuple(found)

    # ---- small things

    def _read(self, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        return self._database.read(statement, values)

    def _set(self, conversation: int, column: str, value: object) -> None:
        self._database.write(
            f"UPDATE conversations SET {column} = ? WHERE id = ?", (value, conversation)
        )


_CONVERSATION = (
    "SELECT id, title, model, settings, draft, leaf, created, changed FROM conversations"
)
_MESSAGE = "SELECT id, conversation, parent, role, text, state, model, facts, at FROM messages"


def _conversation(row: Sequence[Any]) -> Conversation:
    number, title, model, settings, draft, leaf, created, changed = row
    return Conversation(number, title, model, _load(settings, {}), draft, leaf, created, changed)


def _message(row: Sequence[Any]) -> Message:
    number, conversation, parent, role, text, state, model, facts, at = row
    return Message(number, conversation, parent, role, text, state, model, _load(facts, {}), at)


def _top(text: object) -> tuple[tuple[int, str, float], ...]:
    try:
        return tuple((int(a), str(b), float(c)) for a, b, c in _load(str(text), []))
    except (TypeError, ValueError, OverflowError):
        return ()  # edited by hand, or by another program


def _snippet(text: str, wanted: str) -> str:
    """A line around the first place where ``wanted`` occurs."""
    line = " ".join(text.split())
    at = max(0, line.casefold().find(" ".join(wanted.split()).casefold()))
    start = max(0, at - SNIPPET // 3)
    cut = line[start : start + SNIPPET]
    return f"{'…' if start else ''}{cut}{'…' if start + SNIPPET < len(line) else ''}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _dump(value: Mapping[str, Any] | Iterable[Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _load(text: str, default: Any) -> Any:
    """What the field holds, or ``default`` when it is not of its type."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return default
    return value if isinstance(value, type(default)) else default


def _int(value: object) -> int:
    return int(value)  # type: ignore[call-overload]


def _float(value: object) -> float:
    return float(value)  # type: ignore[arg-type]
