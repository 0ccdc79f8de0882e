"""From a question to the background of the prompt and the sources under the answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop import paths, tutor
from desktop.course.catalog import load_course
from desktop.tutor.evaluate import declines
from desktop.tutor.grounding import Grounder, LessonContext, Source, lesson_text
from desktop.tutor.prompt import NOTHING_FOUND, LessonState
from desktop.tutor.records import load_records

COURSE = load_course(paths.lessons())
GROUNDER = Grounder(COURSE)
STATE = LessonState(40, {"loss": 0.1234567}, {"learning rate": "0.1"}, "It diverges.")
CONTEXT = LessonContext("gradient-descent", COURSE.lesson("gradient-descent").steps[0].id, STATE)


def terms(found):
    return [one.id for one in found.sources if one.kind == "term"]


@pytest.mark.parametrize("question", ["什么是学习率？", "what is a learning rate?"])
def test_a_question_about_a_term_has_its_entry_as_source(question):
    found = GROUNDER.ground(question)
    assert not found.outside
    assert terms(found)[0] == "learning-rate"
    assert found.lang == ("zh" if "率" in question else "en")


def test_every_source_can_be_opened():
    for question in (
        "梯度下降",
        "What is overfitting?",
        "self-attention lesson",
        "GPT 那一课讲什么",
    ):
        for source in GROUNDER.ground(question).sources:
            assert source.title.zh
            assert source.title.en
            if source.kind == "term":
                assert COURSE.glossary.get(source.id) is not None
            else:
                lesson = COURSE.lesson(source.id)
                assert not source.step or source.step in {step.id for step in lesson.steps}


def test_sources_survive_being_kept():
    for source in GROUNDER.ground("What is overfitting?").sources:
        assert Source.from_mapping(source.to_mapping()) == source


@pytest.mark.parametrize("values", [None, 3, {}, {"kind": "file"}, {"kind": "term", "title": 1}])
def test_what_is_no_source_is_none(values):
    assert Source.from_mapping(values) is None


@pytest.mark.parametrize("question", ["红烧肉怎么做", "how do I cook rice", "zzqx", ""])
def test_what_the_course_does_not_cover_has_no_sources(question):
    found = GROUNDER.ground(question)
    assert found.outside
    assert not found.sources
    assert found.background == NOTHING_FOUND[found.lang]


@pytest.mark.parametrize(
    ("topic", "follow_up"),
    [
        ("What is dropout?", "an example please"),
        ("What is dropout?", "shorter please"),
        ("什么是随机失活？", "举个例子"),
    ],
)
def test_a_follow_up_stays_with_its_topic(topic, follow_up):
    before = GROUNDER.ground(topic)
    found = GROUNDER.ground(follow_up, before.topic)
    assert terms(found)[:1] == terms(before)[:1]
    assert found.topic == topic


def test_a_new_question_leaves_the_topic():
    found = GROUNDER.ground("What is overfitting?", "What is dropout?")
    assert terms(found)[0] == "overfitting"
    assert found.topic == "What is overfitting?"


def test_a_topic_in_the_other_language_is_not_carried_over():
    assert GROUNDER.ground("举个例子", "What is dropout?").topic == "举个例子"


def test_the_open_lesson_gives_its_step_and_numbers():
    found = GROUNDER.ground("What is happening here?", context=CONTEXT)
    assert [(one.kind, one.id, one.step) for one in found.sources] == [
        ("lesson", "gradient-descent", CONTEXT.step)
    ]
    for piece in ("step 40", "loss = 0.1235", "learning rate = 0.1", "It diverges."):
        assert piece in found.background


def test_a_question_about_a_term_keeps_its_entry_with_a_lesson_attached():
    found = GROUNDER.ground("What is overfitting?", context=CONTEXT)
    assert terms(found)[0] == "overfitting"
    assert "loss = 0.1235" in found.background


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_lesson_for_other_models_is_in_their_language(lang):
    text = lesson_text(COURSE, CONTEXT, lang)
    lesson = COURSE.lesson("gradient-descent")
    assert lesson.title[lang] in text
    assert "loss = 0.1235" in text


def test_a_context_survives_being_kept():
    assert LessonContext.from_mapping(CONTEXT.to_mapping()) == CONTEXT


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=100), st.booleans())
def test_any_text_is_grounded(question, topic, attached):
    found = GROUNDER.ground(question, topic, CONTEXT if attached else None)
    assert found.background
    assert found.outside == (not found.background.strip() or not found.records)


def test_a_huge_question_is_looked_at_in_part():
    assert GROUNDER.ground("what is a learning rate " + "x " * 1_000_000).lang == "en"


def test_an_answer_is_made_of_the_course_s_lines_or_declines_in_written_words():
    found = GROUNDER.ground("What is overfitting?")
    assert all(line in found.background for line in (found.lines[0], found.further[0]))
    assert found.further[0].startswith("For example: ")
    assert declines(GROUNDER.ground("What is the weather like today?").lines[0], "en")
    assert GROUNDER.ground("What is overfitting?", context=CONTEXT).lines == found.lines


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("What is the loss now?", "At step 40, loss = 0.1235."),
        ("what's my current loss", "At step 40, loss = 0.1235."),
        ("What went wrong?", "It diverges."),
        ("why does it go wrong", "It diverges."),
    ],
)
def test_numbers_and_diagnosis_of_the_open_experiment_are_said_as_they_are(question, line):
    assert GROUNDER.ground(question, context=CONTEXT).lines == (line,)


def test_a_diagnosis_in_the_other_language_is_not_mixed_in():
    assert "It diverges." not in GROUNDER.ground("怎么回事？", context=CONTEXT).lines


@pytest.mark.parametrize(
    ("before", "question"),
    [
        ("What is overfitting?", "so who won the world cup"),
        ("how does attention work", "and how do I cook rice?"),
        ("什么是过拟合？", "那红烧肉怎么做"),
        ("注意力是怎么算的", "那我晚上吃啥"),
    ],
)
def test_a_change_of_subject_is_no_follow_up(before, question):
    assert GROUNDER.ground(question, GROUNDER.ground(before).topic).outside


def test_an_example_of_something_else_is_not_one_of_the_topic():
    found = GROUNDER.ground("an example of dropout", GROUNDER.ground("What is overfitting?").topic)
    assert terms(found)[0] == "dropout"


@pytest.mark.parametrize("question", ["how do I cook rice?", "红烧肉怎么做"])
def test_an_open_lesson_does_not_answer_what_lies_elsewhere(question):
    assert GROUNDER.ground(question, context=CONTEXT).outside


@pytest.mark.parametrize("question", ["who are you?", "Who are you", "what are you", "你是谁？"])
def test_a_question_of_nothing_but_empty_words_is_known(question):
    assert not GROUNDER.ground(question).outside


def test_an_answer_about_a_lesson_says_which_and_whether_it_is_there():
    here = GROUNDER.ground("Which lesson shows gradient descent?")
    assert here.lines[0].startswith("Chapter 1, “Gradient descent”: ")
    to_come = GROUNDER.ground("解码在哪一课能看到？")
    assert to_come.lines[0].startswith("第 4 章“解码”一课（还在编写，这个版本里没有）：")


def test_two_terms_without_a_written_comparison_are_both_explained():
    found = GROUNDER.ground("data parallel vs pipeline parallel")
    assert found.records == ("comparison:data-parallel,pipeline-parallel",)
    assert "batch" in found.lines[0]
    assert "layers" in found.lines[0]
    assert len(found.sources) == 2


def test_a_lesson_that_exists_goes_by_the_course_s_own_title():
    for record in load_records(tutor.data_folder()):
        if record.kind == "lesson":
            assert record.title
            assert 1 <= record.chapter <= 6
            if record.ids[0] in COURSE:
                lesson = COURSE.lesson(record.ids[0])
                assert record.title == lesson.title[record.lang]
