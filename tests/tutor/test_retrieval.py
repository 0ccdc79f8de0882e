"""Finding the written answer that a question asks for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop import paths, tutor
from desktop.course.glossary import load_glossary
from desktop.tutor.pieces import content, features, language_of
from desktop.tutor.records import Record, load_records
from desktop.tutor.retrieval import SIGNALS, Index

GLOSSARY = load_glossary(paths.resources() / "glossary")
RECORDS = load_records(tutor.data_folder())
INDEXES = {lang: Index(RECORDS, lang, GLOSSARY) for lang in ("zh", "en")}


def first(question):
    matches = INDEXES[language_of(question)].search(question)
    return matches[0].record.ids[0] if matches and matches[0].record.ids else None


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_known_wording_finds_its_own_record_or_one_about_the_same(lang):
    asked = [(q, r) for r in RECORDS if r.lang == lang for q in r.questions][::7]
    found = [(q, r, INDEXES[lang].search(q, 1)[0].record) for q, r in asked]
    missed = [q for q, r, one in found if one is not r and not set(one.ids) & set(r.ids)]
    assert len(missed) <= 0.02 * len(asked), missed


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_name_of_a_term_finds_something_about_it(lang):
    missed = [
        term.name[lang]
        for term in GLOSSARY
        if not any(term.id in m.record.ids for m in INDEXES[lang].search(term.name[lang], 2))
    ]
    assert not missed


@pytest.mark.parametrize(
    ("lang", "form"),
    [
        ("en", "what is {}?"),
        ("en", "how does {} work"),
        ("en", "tell me about {} please"),
        ("zh", "什么是{}"),
        ("zh", "{}是什么意思"),
    ],
)
def test_asked_for_a_term_by_name_the_term_comes_first_and_not_a_comparison(lang, form):
    asked = {term.id: form.format(term.name[lang]) for term in GLOSSARY}
    found = {one: INDEXES[lang].search(question, 1)[0] for one, question in asked.items()}
    missed = [
        asked[one]
        for one, match in found.items()
        if match.record.kind not in ("term", "why") or one not in match.record.ids
    ]
    assert len(missed) <= 0.02 * len(asked), missed


@pytest.mark.parametrize(
    ("question", "term"),
    [
        ("what is a lerning rate", "learning-rate"),
        ("waht is overfiting", "overfitting"),
        ("LEARNING RATE???", "learning-rate"),
        ("tell me about perplexities", "perplexity"),
        ("学习率 是 什么", "learning-rate"),
        ("Softmax是啥", "softmax"),
    ],
)
def test_typos_plurals_and_spaces(question, term):
    assert first(question) == term


def test_a_wording_left_out_counts_less_and_no_longer_comes_first_by_itself():
    index = INDEXES["en"]
    record = next(r for r in index.records if r.kind == "term")
    wording = record.questions[0]
    asked, anew = index.search(wording, 1)[0], index.search(wording, 99, but=record)
    assert asked.record is record
    assert next(one for one in anew if one.record is record).covered < asked.covered


def test_nothing_in_common_covers_nothing():
    for question in ("zzqx wvut", "§§§", ""):
        assert all(match.covered < 0.1 for match in INDEXES["en"].search(question))


def test_a_rare_word_counts_more_than_a_common_one_and_a_second_wording_less_than_the_first():
    def record(one, *questions):
        return Record("term", (one,), "en", questions, {"short": "nothing"})

    records = [record("a", "model rope"), record("b", "model tree", "tree"), record("c", "model")]
    index = Index(records, "en")
    covered = index.signals("rope model")[:, SIGNALS.index("covered")]
    assert covered[0] > 2 * covered[2] > 0
    once, twice = (index.signals(word)[:, 0].max() for word in ("rope", "tree"))
    assert once < twice < 2 * once


@pytest.mark.parametrize(
    ("before", "question", "about"),
    [
        ("What is overfitting?", "and how do I notice?", "overfitting"),
        ("什么是过拟合？", "那怎么看出来", "overfitting"),
    ],
)
def test_a_follow_up_is_about_what_was_asked_before(before, question, about):
    index = INDEXES[language_of(question)]
    assert about in index.search(question, 1, before=before)[0].record.ids


@given(st.text(max_size=300), st.sampled_from(["zh", "en"]))
def test_any_text_is_searched_with_finite_scores(text, lang):
    for match in INDEXES[lang].search(text):
        assert math.isfinite(match.score)
        assert math.isfinite(match.familiar)
        assert 0 <= match.covered <= 1


@given(st.text(max_size=200))
def test_features_are_positive_and_words_are_words(text):
    assert all(weight > 0 for weight in features(text).values())
    assert all(word.strip() for word in content(text))


@pytest.mark.parametrize(
    "text", ["a" * 2_000_000, "学习率" * 500_000, " ".join(["loss"] * 400_000)]
)
def test_only_the_beginning_of_a_huge_text_is_looked_at(text):
    index = INDEXES[language_of(text[:100])]
    assert index.search(text) == index.search(text[:400])
