"""Finding the written answer that a question asks for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop import paths, tutor
from desktop.course.glossary import load_glossary
from desktop.tutor.records import load_records
from desktop.tutor.retrieval import Index, content, features, language_of

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


def test_a_wording_left_out_no_longer_finds_itself():
    record = next(r for r in RECORDS if r.kind == "term" and r.lang == "en")
    wording = record.questions[0]
    index = INDEXES["en"]
    assert index.search(wording, 1)[0].wording == pytest.approx(1.0)
    assert index.search(wording, 1, but=wording)[0].wording < 1.0


def test_nothing_in_common_finds_nothing_close():
    for question in ("zzqx wvut", "§§§", ""):
        assert all(match.wording < 0.2 for match in INDEXES["en"].search(question))


@given(st.text(max_size=300), st.sampled_from(["zh", "en"]))
def test_any_text_is_searched_with_finite_scores(text, lang):
    for match in INDEXES[lang].search(text):
        assert math.isfinite(match.score)
        assert 0 <= match.wording <= 1 + 1e-9
        assert 0 <= match.known <= 1


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
