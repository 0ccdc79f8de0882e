"""Tokenizers: nothing is lost on the way to ids and back, also when bytes come one by one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.llm.tokenizer import (
    END_OF_TEXT,
    StreamDecoder,
    Tokenizer,
    TokenizerError,
    byte_alphabet,
)

TEXT = "The cat sat on the mat.\n猫坐在垫子上。\nThe cat and the dog sat. 猫和狗坐在垫子上。\n" * 3
BPE = Tokenizer.train_bpe(TEXT, 300)
LETTERS = Tokenizer.characters(TEXT)


@given(st.text(max_size=60))
def test_bpe_gives_every_text_back(text: str) -> None:
    assert BPE.decode(BPE.encode(text)) == text


def test_a_typed_end_mark_is_only_text() -> None:
    for tokenizer in (BPE, Tokenizer.characters(TEXT + END_OF_TEXT)):
        ids = tokenizer.encode(END_OF_TEXT)
        assert tokenizer.end_of_text not in ids
        assert tokenizer.decode(ids) == END_OF_TEXT


@given(st.text(max_size=60))
def test_stream_equals_decode_at_once(text: str) -> None:
    stream = StreamDecoder(BPE)
    pieces = [stream.push(token) for token in BPE.encode(text)]
    assert "".join(pieces) + stream.finish() == text


def test_half_a_character_waits_for_the_rest() -> None:
    ids = BPE.encode("鑫")
    assert len(ids) == 3
    stream = StreamDecoder(BPE)
    assert [stream.push(token) for token in ids] == ["", "", "鑫"]
    stream = StreamDecoder(BPE)
    stream.push(ids[0])
    assert stream.finish() == "\ufffd"
    assert BPE.label(ids[0]) == "⟨E9⟩"


def test_bpe_merges_what_is_frequent() -> None:
    assert len(BPE.encode("The cat sat on the mat.")) < len("The cat sat on the mat.") / 2
    assert 257 < BPE.size <= 300
    assert BPE.end_of_text == 0
    assert BPE.decode([0]) == ""
    assert BPE.label(0) == END_OF_TEXT


def test_characters_are_single_and_unknown_ones_say_so() -> None:
    assert LETTERS.decode(LETTERS.encode(TEXT)) == TEXT
    assert len(LETTERS.encode("猫坐")) == 2
    assert LETTERS.decode(LETTERS.encode("猫Ω")) == "猫\ufffd"
    assert LETTERS.label(LETTERS.encode("\n")[0]) == "↵"
    assert LETTERS.size == len(set(TEXT)) + 2
    with pytest.raises(TokenizerError):
        Tokenizer.characters("")


@pytest.mark.parametrize("tokenizer", [BPE, LETTERS], ids=["bpe", "characters"])
def test_written_and_read_again(tokenizer: Tokenizer) -> None:
    again = Tokenizer.from_json(tokenizer.to_json())
    text = "The dog. 狗坐\n"
    assert again.encode(text) == tokenizer.encode(text)
    assert again.size == tokenizer.size
    assert again.decode(again.encode(text)) == text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": 3}', '{"version": "1.0"}'])
def test_damaged_file_is_refused_in_words(text: str) -> None:
    with pytest.raises(TokenizerError) as caught:
        Tokenizer.from_json(text)
    assert caught.value.message.zh
    assert caught.value.hint.en


def test_white_space_tokens_are_text_as_in_phi_2() -> None:
    """Phi-2 adds runs of spaces as tokens that are no byte stand-ins."""
    definition = json.loads(BPE.to_json())
    extra = {
        "id": BPE.size,
        "content": "    ",
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": True,
        "special": False,
    }
    definition["added_tokens"].append(extra)
    tokenizer = Tokenizer.from_json(json.dumps(definition))
    ids = tokenizer.encode("The    cat")
    assert BPE.size in ids
    assert tokenizer.decode(ids) == "The    cat"
    assert tokenizer.decode([BPE.size + 5]) == ""


def test_training_gives_the_same_vocabulary_in_another_process() -> None:
    code = (
        "import sys; from desktop.llm.tokenizer import Tokenizer;"
        "sys.stdout.buffer.write(Tokenizer.train_bpe(sys.stdin.read(), 300).to_json().encode())"
    )
    environment = {"PYTHONUTF8": "1", "PYTHONHASHSEED": "7"}
    found = subprocess.run(
        [sys.executable, "-c", code],
        input=TEXT.encode(),
        capture_output=True,
        check=True,
        env=environment,
    )
    assert found.stdout.decode() == BPE.to_json()


def test_alphabet_stands_for_every_byte_once() -> None:
    assert sorted(byte_alphabet().values()) == list(range(256))


def test_the_vocabulary_is_counted_once() -> None:
    """With 50,000 tokens that takes as long as writing one, and it is asked for with each."""
    inner = Tokenizer.characters("abc")._inner
    counted = []

    class Counting:
        def get_vocab(self, with_added_tokens: bool) -> dict[str, int]:
            counted.append(1)
            return inner.get_vocab(with_added_tokens=with_added_tokens)

    tokenizer = Tokenizer.characters("abc")
    tokenizer._inner = Counting()  # type: ignore[assignment]
    assert {tokenizer.size for _ in range(10)} == {5}
    assert len(counted) == 1
