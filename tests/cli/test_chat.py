"""``glassbox chat``: which model answers, and what stands under the answer."""

import pytest

from desktop import tutor
from desktop.commands.chat import NoModelError, find_model
from desktop.tutor.records import load_records

ASKED = ["chat", "--prompt", "What is overfitting?", "--threads", "1"]


def test_without_a_model_of_ones_own_the_tutor_answers_with_its_sources(glassbox):
    answer = glassbox(*ASKED, "--lang", "en")
    assert answer.status == 0
    assert "validation" in answer.out
    assert answer.out[0].isalpha()
    assert "From the course: overfitting" in answer.out


def test_the_same_for_programs(glassbox):
    answer = glassbox(*ASKED, "--json")
    *tokens, done = answer.lines
    assert "".join(token["text"] for token in tokens).strip() == done["text"].strip()
    assert {"kind": "term", "id": "overfitting"}.items() <= done["sources"][0].items()


def test_the_tutor_says_whole_sentences_of_the_course(glassbox):
    answer = glassbox("chat", "--prompt", "词元是什么", "--json", "--threads", "1")
    said = answer.lines[-1]["text"].strip()
    term = next(
        record
        for record in load_records(tutor.data_folder())
        if record.kind == "term" and record.ids == ("token",) and record.lang == "zh"
    )
    assert said.startswith(term.parts["short"])
    assert all(
        line in "".join(term.parts.values()) for line in said.replace("比如：", "").splitlines()
    )


def test_raw_prompts_get_no_background(glassbox):
    answer = glassbox(*ASKED, "--raw", "--max-tokens", "3", "--json")
    done = answer.lines[-1]
    assert done["sources"] == []
    assert done["prompt_tokens"] < 12


def test_the_tutor_has_a_name_and_an_unknown_model_an_error(tmp_path):
    assert find_model("tutor", str(tmp_path)) == tutor.model_folder()
    assert find_model(None, str(tmp_path)) == tutor.model_folder()
    with pytest.raises(Exception, match="There is no model “other”"):
        find_model("other", str(tmp_path))


def test_without_the_tutor_and_without_models_a_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(tutor, "model_folder", lambda: tmp_path / "gone")
    with pytest.raises(NoModelError, match="There is no model yet"):
        find_model(None, str(tmp_path))
