"""Questions that lean on the one before them."""

import pytest

from desktop import paths
from desktop.course.catalog import load_course
from desktop.tutor.grounding import Grounder

GROUNDER = Grounder(load_course(paths.lessons()))


def said(found):
    """Everything that the answer may be made of."""
    return (*found.lines, *found.further)


def talk(*questions):
    """What is found for each question of a conversation."""
    found, topic = [], ""
    for question in questions:
        found.append(GROUNDER.ground(question, topic))
        topic = found[-1].topic
    return found


@pytest.mark.parametrize(
    ("question", "more"),
    [
        ("what is dropout", "tell me more"),
        ("what is dropout", "go on"),
        ("什么是过拟合", "再多说点"),
        ("什么是过拟合", "详细说说"),
    ],
)
def test_more_is_something_that_has_not_been_said(question, more):
    first, second = talk(question, more)
    assert second.records[0] == first.records[0]
    assert not set(said(second)) & set(said(first))
    assert second.further


@pytest.mark.parametrize(
    ("question", "why"),
    [("what is dropout", "why is that"), ("什么是过拟合", "为什么会这样"), ("什么是动量", "为啥")],
)
def test_why_gets_a_reason(question, why):
    first, second = talk(question, why)
    term = first.records[0].split(":")[1]
    assert second.records[0].startswith("why:") or second.lines != first.lines
    assert term in second.records[0]


@pytest.mark.parametrize(
    ("question", "aspect", "told"),
    [
        ("什么是过拟合", "怎么解决", "正则"),
        ("什么是学习率", "太大会怎样", "发散"),
        ("what is a learning rate", "and too small?", "slow"),
    ],
)
def test_an_aspect_is_answered_without_saying_everything_again(question, aspect, told):
    first, second = talk(question, aspect)
    assert told in "".join(said(second))
    assert said(second) != said(first)


@pytest.mark.parametrize(
    ("question", "compare", "pair"),
    [
        ("what is top-k", "compared with top-p?", {"top-k", "top-p"}),
        ("什么是 top-p", "跟温度比呢", {"top-p", "temperature"}),
        ("什么是学习率", "和批大小比呢", {"learning-rate", "batch-size"}),
    ],
)
def test_a_comparison_with_what_was_asked_before(question, compare, pair):
    kind, _, ids = talk(question, compare)[1].records[0].partition(":")
    assert (kind, set(ids.split(","))) == ("comparison", pair)


def test_the_topic_outlives_a_question_from_elsewhere_and_several_follow_ups():
    found = talk("what is a learning rate", "tell me a joke", "go on", "an example please", "why")
    assert found[1].outside
    assert all("learning-rate" in one.records[0] for one in (found[0], *found[2:]))


def test_more_of_nothing_is_no_follow_up():
    assert GROUNDER.ground("tell me a joke", "").outside


@pytest.mark.parametrize(
    ("question", "said_then"),
    [
        ("what is overfitting", "ok thanks"),
        ("what is overfitting", "so who are you"),
        ("什么是过拟合", "好的谢谢"),
        ("什么是过拟合", "那你是谁"),
    ],
)
def test_what_is_said_to_the_tutor_itself_is_no_follow_up(question, said_then):
    assert talk(question, said_then)[1].records[0].startswith("about:")
