"""The questions that measure the tutor: enough of them, well made, and none of them trained on."""

import math
import re
from collections import defaultdict

import pytest

from desktop import tutor
from desktop.course.search import fold
from desktop.tutor.evaluate import held_out_files, load_held_out
from desktop.tutor.pieces import language_of
from desktop.tutor.records import load_dialogues, load_records

SETS = {path.name: load_held_out(path) for path in held_out_files()}
ITEMS = [item for items in SETS.values() for item in items]
KINDS = {"term", "comparison", "why", "lesson", "follow", "about", "outside"}
RECORDS = load_records(tutor.data_folder())


def bare(text):
    return "".join(re.findall(r"\w+", fold(text)))


def pieces(text):
    """Pairs of characters in Chinese, runs of four in English: the order of words counts."""
    size = 2 if language_of(text) == "zh" else 4
    short = bare(text)
    return {short[at : at + size] for at in range(max(1, len(short) - size + 1))}


def trained_questions():
    yield from (question for record in RECORDS for question in record.questions)
    for dialogue in load_dialogues(tutor.data_folder()):
        yield from (asked for asked, _ in dialogue.turns)


@pytest.mark.parametrize("name", SETS)
def test_there_are_enough_in_both_languages_and_outside_the_course(name):
    items = SETS[name]
    assert len(items) >= 220
    for lang in ("zh", "en"):
        own = [item for item in items if item.lang == lang]
        assert len(own) >= 0.45 * len(items)
        assert sum(item.kind == "outside" for item in own) >= 0.13 * len(own)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("kind", sorted(KINDS - {"outside"}))
def test_every_kind_is_asked_in_both_languages(name, kind):
    assert {item.lang for item in SETS[name] if item.kind == kind} == {"zh", "en"}


def test_every_question_can_be_judged():
    known = {one for record in RECORDS for one in record.ids}
    for item in ITEMS:
        assert language_of(item.question) == item.lang, item
        assert item.kind in KINDS, item
        assert set(item.ids) <= known, item
        assert bool(item.ids) == (item.kind not in ("about", "outside")), item
        assert bool(item.facts) == (item.kind != "outside"), item
        assert all(wordings and all(wordings) for wordings in item.facts), item
        assert bool(item.topic) == (item.kind == "follow"), item


def test_no_question_is_asked_twice():
    asked = [bare(item.question) for item in ITEMS]
    assert not [one for one in asked if asked.count(one) > 1]


def test_no_question_was_trained_on_nor_nearly():
    by_size = defaultdict(list)
    for question in set(trained_questions()):
        other = pieces(question)
        by_size[language_of(question), len(other)].append((question, other))
    alike = []
    for item in ITEMS:
        if item.kind == "follow":  # “an example, please”: the topic before makes it new
            continue
        own = pieces(item.question)
        # Of sets whose sizes differ more, no 70 % can be common.
        for size in range(math.ceil(0.7 * len(own)), math.floor(len(own) / 0.7) + 1):
            for question, other in by_size[item.lang, size]:
                if len(own & other) >= 0.7 * len(own | other):
                    alike.append((item.question, question))
    assert not alike
