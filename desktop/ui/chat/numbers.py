"""Figures of the chat in words: tokens, speed, waiting time, sizes, shares. Imports strings."""

from __future__ import annotations

from desktop.course.chats import Message
from desktop.ui.strings import language, tr


def figures(message: Message) -> str:
    """The line under an answer: how long it is, how fast it came, how it ended."""
    facts = message.facts
    parts = []
    if facts.get("tokens"):
        parts.append(tr("chat.tokens", count=facts["tokens"]))
    speed = facts.get("tokens_per_second")
    if isinstance(speed, (int, float)):
        parts.append(tr("chat.pace", speed=rate(speed)))
    first = facts.get("first_token_s")
    if isinstance(first, (int, float)):
        parts.append(tr("chat.first", seconds=seconds(first)))
    key = _ENDS.get(str(facts.get("stop", "")))
    if key:
        parts.append(tr(key))
    if facts.get("left_out"):
        parts.append(tr("chat.left_out", count=facts["left_out"]))
    return " · ".join(part.replace(" ", _NO_BREAK) for part in parts)


_NO_BREAK = "\u00a0"
"""The line breaks between two figures, not within one."""
_ENDS = {
    "limit": "chat.end_limit",
    "cancelled": "chat.end_cancelled",
    "closed": "chat.end_interrupted",
    "interrupted": "chat.end_interrupted",
    "context": "chat.end_context",
    "error": "chat.end_error",
}


def rate(value: float) -> str:
    """Tokens a second in three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def seconds(value: float) -> str:
    """A waiting time."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def duration(value: float) -> str:
    """How long something still takes, as exactly as anybody can know."""
    if value < 60:
        return tr("chat.duration_s", seconds=max(1, round(value)))
    if value < 3600:
        return tr("chat.duration_min", minutes=round(value / 60))
    hours, minutes = divmod(round(value / 60), 60)
    return tr("chat.duration_h", hours=hours, minutes=minutes)


def share(value: float) -> str:
    """A probability as a percentage that never shows more than it knows."""
    if value >= 0.0995:
        return f"{100 * value:.0f} %"
    return f"{100 * value:.1f} %" if value >= 0.001 else "< 0.1 %"


def size(count: float) -> str:
    """Bytes, for people."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"


def parameters(count: int) -> str:
    """How many parameters, in millions or billions; in Chinese by the ten thousand."""
    if language().current == "zh":
        return f"{count / 10**8:.1f} 亿" if count >= 10**8 else f"{count / 10**4:.0f} 万"
    if count >= 10**9:
        return f"{count / 10**9:.2f} B"
    return f"{count / 10**6:.2f} M" if count < 10**8 else f"{count / 10**6:.0f} M"
