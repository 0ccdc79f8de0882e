"""The pieces of a text that can be compared: words, parts of words, characters and pairs of them.

Words are taken whole and by their four-letter pieces (so a typo or an ending costs little), Chinese
by single characters and by pairs; words that questions about anything share weigh little. No torch.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict

from desktop.bilingual import Language
from desktop.course.search import fold

MAX_QUESTION = 400
"""Characters of a question that are looked at; beyond that nobody asks for one thing."""
_LATIN = re.compile(r"[a-z0-9]+|[α-ω√≈×²³]")
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_SINGLE, _PAIR, _WORD, _PIECE = 0.35, 1.0, 1.6, 0.35
_TWO_WORDS, _TRIPLE = 0.7, 0.5
_EMPTY = 0.15
"""The weight of words that questions about anything share."""
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a an the is are was were be been do does did can could should would will shall may might
        must i you he she it we they me him her us them my your his its our their this that
        these those what which who whom whose when where why how much many and or but if so than
        then as of at by for from in into on to with about not no yes there here have has had
        get got go one some any more most very just really actually please tell explain mean
        meaning like want need thing say s t re m ve ll d whats im dont doesnt isnt
        """,
    )
)
_EMPTY_CHINESE = frozenset(
    "的了吗呢吧啊呀么我你他她它们这那是有在和与或也都就还要会能可以不没很太个到底啥怎什为何请问讲说下来去上一"
)


def language_of(text: str) -> Language:
    """Chinese if there is a Chinese character in it, otherwise English."""
    return "zh" if _CHINESE.search(text) else "en"


def features(text: str) -> dict[str, float]:
    """Weighted pieces of a text: words and their four-letter pieces, characters and pairs."""
    folded = fold(text[:MAX_QUESTION])
    found: dict[str, float] = defaultdict(float)
    for word in _LATIN.findall(folded):
        if word in _EMPTY_WORDS:
            found[word] += _EMPTY
            continue
        stem = _stem(word)
        found[stem] += _WORD
        bounded = f"^{stem}$"
        for at in range(len(bounded) - 3):
            found["~" + bounded[at : at + 4]] += _PIECE
    for run in _CHINESE.findall(folded):
        for character in run:
            found[character] += _SINGLE * (_EMPTY if character in _EMPTY_CHINESE else 1.0)
        for first, second in itertools.pairwise(run):
            empty = (first in _EMPTY_CHINESE) + (second in _EMPTY_CHINESE)
            found[first + second] += _PAIR * (1.0, 0.4, _EMPTY)[empty]
    return found


def shingles(text: str) -> dict[str, float]:
    """Words two by two and Chinese characters three by three: the order that ``features`` forgets."""
    folded = fold(text[:MAX_QUESTION])
    words = [_stem(word) for word in _LATIN.findall(folded)]
    found = {f"{first} {second}": _TWO_WORDS for first, second in itertools.pairwise(words)}
    for run in _CHINESE.findall(folded):
        found |= dict.fromkeys(map("".join, zip(run, run[1:], run[2:], strict=False)), _TRIPLE)
    return found


def content(text: str) -> list[str]:
    """The words and pairs of characters that say what a text is about."""
    folded = fold(text[:MAX_QUESTION])
    found = [_stem(word) for word in _LATIN.findall(folded) if word not in _EMPTY_WORDS]
    for run in _CHINESE.findall(folded):
        pairs = itertools.pairwise(run)
        found += [a + b for a, b in pairs if not {a, b} & _EMPTY_CHINESE]
    return found


def _stem(word: str) -> str:
    """The plural and third-person s away; four-letter pieces see to other endings."""
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
