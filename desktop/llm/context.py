"""What a model still sees of a text that has grown longer than its context.

A shift forgets the middle: the first ``keep`` tokens stay, half of the rest goes, and what remains is
read again. Looking back at a token needs the very tokens that the model saw when it chose it, so the
same arithmetic is used while writing and afterwards. Imports nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def forget_the_middle(ids: Sequence[int], keep: int, capacity: int) -> list[int]:
    """``ids`` without half of what follows the ``keep`` first ones, the newest kept."""
    keep = max(0, min(keep, capacity // 2))
    rest = ids[keep:]
    return [*ids[:keep], *rest[len(rest) // 2 :]]


def context_after(
    prompt: Sequence[int], written: Iterable[int], capacity: int, keep: int = 0
) -> list[int]:
    """What the model sees once it has written ``written`` behind ``prompt``."""
    context = list(prompt)
    for token in written:
        full = len(context) >= capacity
        context.append(token)
        if full:
            context = forget_the_middle(context, keep, capacity)
    return context
