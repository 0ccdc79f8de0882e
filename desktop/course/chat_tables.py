"""The tables that conversations are kept in; ``store.MIGRATIONS`` adds them to the database.

Imports nothing: the store needs it, and ``chats`` needs the store's database.
"""

from __future__ import annotations

CHAT_TABLES: tuple[str, ...] = (
    """CREATE TABLE conversations (
        id INTEGER PRIMARY KEY, title TEXT NOT NULL, model TEXT NOT NULL, settings TEXT NOT NULL,
        draft TEXT NOT NULL, leaf INTEGER NOT NULL, created REAL NOT NULL, changed REAL NOT NULL,
        deleted REAL NOT NULL) STRICT""",
    """CREATE TABLE messages (
        id INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, parent INTEGER NOT NULL,
        role TEXT NOT NULL, text TEXT NOT NULL, state TEXT NOT NULL, model TEXT NOT NULL,
        facts TEXT NOT NULL, at REAL NOT NULL) STRICT""",
    "CREATE INDEX messages_by_conversation ON messages (conversation, parent)",
    """CREATE TABLE tokens (
        message INTEGER NOT NULL, place INTEGER NOT NULL, token INTEGER NOT NULL,
        text TEXT NOT NULL, logprob REAL NOT NULL, top TEXT NOT NULL, ms REAL NOT NULL,
        PRIMARY KEY (message, place)) STRICT, WITHOUT ROWID""",
)
"""Never changed once released; a later change is a further migration."""
