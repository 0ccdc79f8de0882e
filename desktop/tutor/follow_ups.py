"""What a question refers to: a search for it alone, or for it and what was asked before.

“An example?”, “why?” and “tell me more” say nothing about what; “and if it is too large?” says half of
it. Such a question follows up the one before (its *topic*), and gets what has not been said of
that yet, rather than the same answer once more. No torch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from desktop.bilingual import Language
from desktop.tutor.answers import Want, subject_of
from desktop.tutor.coverage import from_elsewhere, is_outside
from desktop.tutor.pieces import content, language_of
from desktop.tutor.records import same_topic
from desktop.tutor.retrieval import Index, Match

LIMIT = 4
_MANY = 40
"""Records among which one about the same is looked for."""
_SURE = 3.0
"""A question is clear by itself that has such a score (a logit), and that much more than any other."""
_FEW_WORDS = {"en": 2, "zh": 3}
"""So few words (pairs of characters) of its own, and a question leans on the one before."""
_OWN_TOPIC = 0.35
"""A request for an example that is covered so far names what it wants one of."""
_REMEMBERED = 200
"""Characters of the questions before that a follow-up is looked up with."""
POINTING, BESIDE = 0.5, 0.25
"""What the question before counts where something points back to it (“why does it …”), and where nothing
does but nothing is named either: both may well begin a new subject."""
_MORE = re.compile(
    r"(再|多|详细|具体|深入|继续|接着).{0,2}(说|讲|聊|展开|解释|介绍)|展开|^(那)?(继续|接着|然后|还有)(呢|吗|说|讲)?|详细|深入|"
    r"\b(more|continue|elaborate|go on|keep going|in detail|what else|deeper|expand)\b",
    re.IGNORECASE,
)
_WHY = re.compile(r"为(什么|啥|何)|怎么会|原因|\b(why|how come|reason)\b", re.IGNORECASE)
_ASPECT = re.compile(
    r"解决|避免|防止|克服|缓解|应对|怎么治|怎么办(?!理)|优点|缺点|好处|坏处|用处|有(什么|啥)用|什么时候|影响|后果|原理|公式|作用|目的|"
    r"\b(fix|avoid|prevent|solve|cure|get rid|deal with|when|useful|use|benefit|downside|advantage|drawback|purpose|formula)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"^(那)?(和|跟|与|同|比|相比)|比(呢|较|起来)|^(and )?(compared|versus|vs|how does (it|that) (compare|differ))\b|"
    r"\b(than|from|as) (it|that|this)\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"^(那|那么|还有|继续|然后|所以|可是|但)|这(个|样|是|么)|它|上面|刚才|"
    r"^(and|so|but|then|ok|what about|how about)\b|\b(it|its|that|this|those|them)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Found:
    """The best records, which part of the first is wanted, and what a later follow-up refers to.
    ``follows`` says that the question leans on the one before altogether."""

    matches: tuple[Match, ...]
    want: Want
    topic: str
    follows: bool = False


def find(index: Index, question: str, topic: str, want: Want) -> Found:
    """Search for a question whose predecessor was ``topic`` (``""`` if it is the first)."""
    alone = tuple(index.search(question, LIMIT))
    lang = language_of(question)
    earlier = index.search(topic, LIMIT) if language_of(topic) == lang else ()
    if not alone or not earlier:
        return Found(alone, want, question)
    own = len(content(subject_of(question)))
    points = bool(_POINTS_BACK.search(question))
    bare = own <= _FEW_WORDS[lang] and not (alone[0].named if points else index.named(question))
    vague = bare or alone[0].covered < _OWN_TOPIC or (points and own <= 2 * _FEW_WORDS[lang])
    if want != "all" and vague and not alone[0].named:
        return Found(tuple(earlier), want, topic, follows=True)
    recent = topic[-_REMEMBERED:]
    both = f"{recent} {question}"
    if _COMPARES.search(question):
        return Found(tuple(index.search(both, LIMIT)), want, both)
    foreseen = any(one.search(question) for one in (_MORE, _WHY, _ASPECT))
    leans = bare and (foreseen or (points and not _to_the_tutor(alone)))
    if (from_elsewhere(alone[0]) and not (bare and foreseen)) or (
        not leans and _clear(alone, lang)
    ):
        return Found(alone, want, question)
    if bare:
        return _leaning(index, question, topic, earlier[0])
    if alone[0].named and not points:
        return Found(alone, want, question)
    found = index.search(question, LIMIT, before=recent, leaning=POINTING if points else BESIDE)
    if want == "all" and found[0].record is earlier[0].record:
        return Found(tuple(found[:1]), "rest", both)
    return Found(tuple(found), want, both)


def _to_the_tutor(alone: Sequence[Match]) -> bool:
    """Whether this is surely said to the tutor itself (“ok thanks”, “so who are you”)."""
    best = alone[0]
    others = [one for one in alone if one.record.kind not in ("about", "outside")]
    return best.record.kind == "about" and all(best.score - one.score >= _SURE for one in others)


def _clear(alone: Sequence[Match], lang: Language) -> bool:
    """Whether a question stands by itself: about the tutor, from elsewhere, or surely about one thing."""
    best = alone[0]
    if best.known or best.record.kind == "about" or is_outside(alone, lang):
        return True
    others = [one for one in alone[1:] if not same_topic(best.record, one.record)]
    return best.score >= _SURE and all(best.score - one.score >= _SURE for one in others)


def _leaning(index: Index, question: str, topic: str, first: Match) -> Found:
    """Of what was asked before and ``first`` answers: more, the reason, or whatever the few words say."""
    found = [
        match
        for match in index.search(question, _MANY, before=topic[-_REMEMBERED:])
        if match.record.kind not in ("about", "outside")
    ] or [first]
    related = [match for match in found if _related(match, first)]
    reasons = [match for match in related if match.record.kind == "why"]
    if _WHY.search(question) and reasons:
        return _follow(reasons, "all", topic)
    if _MORE.search(question) or _WHY.search(question):
        rest = [match for match in related if match.record.kind in ("why", "comparison", "term")]
        said_all = "mistake" not in first.record.parts
        return _follow(rest if said_all and rest else [first, *rest], "more", topic)
    if found[0].record is first.record or _ASPECT.search(question):
        return _follow([first, *reasons], "rest", topic)
    return _follow(found, "all", topic)


def _follow(matches: Sequence[Match], want: Want, topic: str) -> Found:
    return Found(tuple(matches[:LIMIT]), want, topic, follows=True)


def _related(match: Match, first: Match) -> bool:
    """Whether a record is another one about the same."""
    shared = set(match.record.ids) & set(first.record.ids)
    return bool(shared) and match.record is not first.record
