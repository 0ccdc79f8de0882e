"""The learnt classifier: its arithmetic, its file, and that the shipped ones belong to the data."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from desktop import paths, tutor
from desktop.course.glossary import load_glossary
from desktop.tutor import train_matcher
from desktop.tutor.matcher import UNLIKELY, Matcher, number_of, pieces_of, scale_of
from desktop.tutor.records import load_records
from desktop.tutor.retrieval import Index

GLOSSARY = load_glossary(paths.resources() / "glossary")
RECORDS = load_records(tutor.data_folder())
SHIPPED = {lang: Matcher.load(tutor.matcher_file(lang)) for lang in ("zh", "en")}


def made(texts=("gradient", "softmax attention"), records=3, width=4, seed=0):
    """A matcher of random numbers, and its vectors before they were rounded."""
    rng = np.random.default_rng(seed)
    pieces = sorted({piece for text in texts for piece in pieces_of(text)})
    vectors = rng.normal(size=(len(pieces), width)).astype(np.float32)
    matrix, bias = rng.normal(size=(width, records)), rng.normal(size=records)
    numbers = np.array([number_of(piece) for piece in pieces])
    keys = [f"term:{place}" for place in range(records)]
    return Matcher.of(keys, numbers, vectors, (matrix, bias)), dict(
        zip(pieces, vectors, strict=True)
    )


def test_the_chances_are_a_softmax_of_the_sum_of_the_pieces_vectors():
    matcher, vectors = made()
    arrays = matcher._arrays
    asked = pieces_of("softmax attention")
    weights = np.array(list(asked.values()))
    total = sum(weight * vectors[piece] for piece, weight in asked.items()) * scale_of(weights)
    logits = torch.from_numpy(total @ arrays["matrix"] + arrays["bias"])
    expected = torch.log_softmax(logits, 0).numpy()
    assert matcher.log_chances("softmax attention") == pytest.approx(expected, abs=0.05)


@given(st.text(max_size=60))
def test_any_question_gets_probabilities(question):
    found = SHIPPED["en"].log_chances(question)
    assert found.shape == (len(SHIPPED["en"].keys),)
    assert (found >= UNLIKELY).all()
    assert np.exp(found).sum() == pytest.approx(1.0, abs=0.01)


def test_it_reads_back_what_it_wrote(tmp_path):
    matcher, _ = made()
    matcher.save(tmp_path / "m.safetensors")
    again = Matcher.load(tmp_path / "m.safetensors")
    assert again.keys == matcher.keys
    asked = "gradient of attention"
    assert (again.log_chances(asked) == matcher.log_chances(asked)).all()


def test_a_file_that_is_no_matcher_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"no safetensors at all")
    with pytest.raises(ValueError, match=r"m\.safetensors"):
        Matcher.load(path)


def test_parts_that_do_not_fit_together_are_refused():
    matcher, _ = made()
    arrays = {**matcher._arrays, "bias": np.zeros(7, np.float32)}
    with pytest.raises(ValueError, match="fit together"):
        Matcher(matcher.keys, arrays)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_shipped_one_was_trained_on_the_shipped_records(lang):
    records = [record for record in RECORDS if record.lang == lang]
    assert SHIPPED[lang].keys == tuple(record.key for record in records)
    with pytest.raises(ValueError, match="train it again"):
        Index(records[1:], lang, GLOSSARY, SHIPPED[lang])


@pytest.mark.slow
def test_training_on_a_few_records_learns_to_tell_them_apart(monkeypatch):
    monkeypatch.setattr(train_matcher, "EPOCHS", 30)
    few = [record for record in RECORDS if record.lang == "en" and record.kind == "term"][:6]
    kept = {question for record in few for question in record.questions[::5]}
    matcher = train_matcher.train(few, GLOSSARY, kept)
    asked = [(q, place) for place, record in enumerate(few) for q in record.questions if q in kept]
    right = [matcher.log_chances(question).argmax() == place for question, place in asked]
    assert sum(right) > 0.6 * len(right)
    again = train_matcher.train(few, GLOSSARY, kept)
    assert all((matcher._arrays[name] == again._arrays[name]).all() for name in matcher._arrays)
