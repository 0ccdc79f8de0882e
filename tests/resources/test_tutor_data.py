"""The tutor's training text: whole, in both languages, about things that exist, nothing twice."""

import json
import re
from collections import Counter

from desktop import paths
from desktop.course.glossary import load_glossary

FOLDER = paths.resources() / "tutor" / "data"
FILES = sorted(FOLDER.glob("*.jsonl"))
NEEDED = {
    "term": {"id", "questions", "short", "long", "example", "mistake", "see"},
    "lesson": {"id", "questions", "short", "long", "example", "mistake", "see"},
    "comparison": {"ids", "questions", "answer"},
    "why": {"ids", "questions", "answer"},
    "dialogue": {"turns"},
    "about": {"questions", "answer"},
    "outside": {"questions", "answer"},
}
FEWEST_QUESTIONS = {"term": 8, "lesson": 8, "comparison": 4, "why": 4, "about": 1, "outside": 1}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def records():
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            yield f"{path.name}:{number}", json.loads(line)


def texts_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_of(item)


def test_every_record_is_whole():
    for place, record in records():
        kind = record["kind"]
        assert NEEDED[kind] <= record.keys(), place
        assert record["lang"] in ("zh", "en"), place
        assert len(record.get("questions", ())) >= FEWEST_QUESTIONS.get(kind, 0), place
        assert all(text.strip() for text in texts_of(record)), place


def test_every_glossary_term_is_there_in_both_languages():
    written = {(r["id"], r["lang"]) for _, r in records() if r["kind"] == "term"}
    missing = [
        (term.id, language)
        for term in load_glossary(paths.resources() / "glossary")
        for language in ("zh", "en")
        if (term.id, language) not in written
    ]
    assert not missing


def test_texts_are_in_their_language_and_unbroken():
    for place, record in records():
        text = " ".join(texts_of([record.get("short", ""), record.get("answer", "")]))
        for turn in record.get("turns", ()):
            text += " ".join(turn.values())
        assert "\ufffd" not in text, place
        assert bool(CHINESE.search(text)) == (record["lang"] == "zh"), place


def test_no_question_is_asked_twice():
    asked = Counter(
        question.strip().lower()
        for _, record in records()
        for question in record.get("questions", ())
    )
    assert not [question for question, times in asked.items() if times > 1]


def test_dialogues_alternate():
    for place, record in records():
        if record["kind"] == "dialogue":
            speakers = [next(iter(turn)) for turn in record["turns"]]
            assert speakers == ["user", "tutor"] * (len(speakers) // 2), place
