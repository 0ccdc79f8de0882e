"""The tutor's training examples and the prompt: reproducible, whole, and never too long."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from desktop import tutor
from desktop.bilingual import LANGUAGES
from desktop.course.catalog import Course
from desktop.llm import model_folder
from desktop.tutor.answers import answer_of, passage_of, want_of
from desktop.tutor.corpus import Examples, reading
from desktop.tutor.prompt import LessonState, Passage, background, tutor_prompt
from desktop.tutor.records import load_dialogues, load_records
from desktop.tutor.titles import Titles

RECORDS = load_records(tutor.data_folder())


def test_the_same_number_and_seed_give_the_same_example(course: Course) -> None:
    first, second = (Examples(RECORDS, Titles(course)) for _ in range(2))
    assert [first.draw(n, 3) for n in range(200)] == [second.draw(n, 3) for n in range(200)]
    assert first.draw(0, 3) != first.draw(0, 4)


def test_every_kind_of_example_is_drawn_and_fits_the_context(course: Course) -> None:
    examples = Examples(RECORDS, Titles(course))
    loaded = model_folder.load(tutor.model_folder())
    drawn = [examples.draw(number, 0) for number in range(600)]
    longest = max(len(loaded.tokenizer.encode(one.prompt + " " + one.answer)) for one in drawn)
    assert longest < loaded.model.config.max_position_embeddings
    prompts = "\n".join(one.prompt for one in drawn)
    for mark in ("资料：无", "Source: none", "现场：", "Now: ", "常见误区：", "For example: "):
        assert mark in prompts
    assert all(one.answer.strip() and one.prompt.endswith("Output:") for one in drawn)


def test_a_source_that_nobody_can_know_is_read_word_for_word(course: Course) -> None:
    examples = Examples(RECORDS, Titles(course))
    known = {part for record in RECORDS for part in record.parts.values()}
    for number in range(50):
        one = examples._read_aloud(random.Random(number))
        assert one.answer in one.prompt
        assert one.answer not in known


def test_validation_wordings_are_never_trained_on(course: Course) -> None:
    examples = Examples(RECORDS, Titles(course))
    trained = {question for _, question in examples._known}
    for one in examples.validation():
        question = one.prompt.rsplit("Instruct: ", 1)[1].removesuffix("\nOutput:")
        assert question not in trained


def test_pre_training_reads_every_answer_and_every_lesson(course: Course) -> None:
    everything = "\n".join(reading(RECORDS, load_dialogues(tutor.data_folder()), course))
    assert all(record.parts["short"] in everything for record in RECORDS)
    for lesson in course.lessons:
        assert all(step.title[lang] in everything for step in lesson.steps for lang in LANGUAGES)


def test_what_is_asked_for_is_what_is_answered() -> None:
    record = next(one for one in RECORDS if one.ids == ("overfitting",) and one.lang == "en")
    assert want_of("an example please") == "example"
    assert want_of("有什么常见误区？") == "mistake"
    assert want_of("what is it") == "all"
    assert record.parts["example"] in answer_of(record, "example")
    assert record.parts["long"] not in answer_of(record, "example")
    assert record.parts["short"] in passage_of(record, "overfitting", "example").text


texts = st.text(max_size=60)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(texts, st.lists(st.tuples(texts, texts), max_size=3), st.sampled_from(LANGUAGES))
@settings(max_examples=60)
def test_a_prompt_holds_what_it_was_made_of(
    question: str, passages: list[tuple[str, str]], lang: str
) -> None:
    text = background([Passage(*one) for one in passages], lang)  # type: ignore[arg-type]
    prompt = tutor_prompt(question, text)
    assert prompt.endswith("Output:")
    assert question.strip() in prompt
    assert all(title.strip() in prompt and body.strip() in prompt for title, body in passages)


@given(st.integers(0, 10**6), st.dictionaries(texts, numbers, max_size=4), texts)
@settings(max_examples=60)
def test_a_state_survives_being_kept(step: int, scalars: dict[str, float], diagnosis: str) -> None:
    state = LessonState(step, scalars, {"seed": "0"}, diagnosis)
    assert LessonState.from_mapping(state.to_mapping()) == state
    assert all(name in state.text("zh") for name in scalars)
