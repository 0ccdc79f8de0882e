"""One tokenizer from three kinds of files, the same as the library that publishes them makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from desktop.bilingual import GlassboxError
from desktop.llm.sources import open_source
from desktop.llm.sources.vocabulary import byte_level_bpe, tokenizer_from_folder
from desktop.llm.tokenizer import Tokenizer, byte_alphabet
from tests.llm.model_files import (
    MERGES,
    VOCAB,
    their_model,
    tokenizer_json,
    vocabulary,
    write_gguf,
    write_older_folder,
)

TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=" \t\nthecatinonr.1'<|>", max_size=60),
    st.sampled_from(
        ["<|endoftext|>", "        \t\t\t  the cat\n    x", "don't  stop", "猫 in\r\n"]
    ),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vocabulary")


@pytest.fixture(scope="module")
def ways(place: Path) -> tuple[Tokenizer, ...]:
    """From tokenizer.json, from vocab.json with merges.txt, from GGUFs of today and of 2023."""
    model = their_model()
    write_older_folder(place / "older", model)
    made = [Tokenizer.from_json(tokenizer_json()), tokenizer_from_folder(place / "older")]
    for old in (False, True):
        write_gguf(place / "phi.gguf", model.state_dict(), old_tokens=old)
        with open_source(place / "phi.gguf") as source:
            made.append(source.tokenizer())
    return tuple(made)


@pytest.fixture(scope="module")
def theirs(place: Path) -> PreTrainedTokenizerFast:
    folder = place / "theirs"
    folder.mkdir()
    (folder / "tokenizer.json").write_text(tokenizer_json(), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false}'
    )
    return AutoTokenizer.from_pretrained(folder)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_all_ways_give_the_same_ids(
    ways: tuple[Tokenizer, ...], theirs: PreTrainedTokenizerFast, text: str
) -> None:
    wanted = theirs.encode(text, add_special_tokens=False, split_special_tokens=True)
    for tokenizer in ways:
        assert tokenizer.encode(text) == wanted
        assert tokenizer.decode(wanted) == text


def test_sizes_leave_out_the_padding(ways: tuple[Tokenizer, ...]) -> None:
    plain, blanks = vocabulary()
    for tokenizer in ways:
        assert tokenizer.size == len(plain) + len(blanks) < VOCAB
        assert tokenizer.end_of_text == plain["<|endoftext|>"]
        assert tokenizer.bytes_of(plain["<|endoftext|>"]) == b""
        assert tokenizer.bytes_of(blanks["\t\t"]) == b"\t\t"
        assert tokenizer.bytes_of(VOCAB - 1) == b""


ALPHABET = {letter: place for place, letter in enumerate(byte_alphabet())}


@pytest.mark.parametrize(
    ("names", "merges", "added"),
    [
        ({"a": 0}, [], {}),
        (ALPHABET, ["t h"], {}),
        (ALPHABET, ["th"], {}),
        (ALPHABET, ["t h e"], {}),
        (ALPHABET | {"th": 256}, ["t h"], {"  ": 256}),
    ],
)
def test_parts_that_do_not_fit(
    names: dict[str, int], merges: list[str], added: dict[str, int]
) -> None:
    with pytest.raises(GlassboxError):
        byte_level_bpe(names, merges, added, set(), "vocab.json")


def test_parts_that_fit() -> None:
    made = byte_level_bpe(ALPHABET | {"th": 256}, MERGES[:1], {"  ": 257}, set(), "vocab.json")
    assert made.encode("th  ") == [256, 257]
