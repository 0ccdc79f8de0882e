"""The tokenizer of a model, from whichever files it came with.

All kinds end in the definition that the ``tokenizers`` library reads: a byte-level BPE as in GPT-2,
with the white-space tokens that CodeGen, and so Phi, added behind it. Imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from desktop.bilingual import Bilingual
from desktop.llm.model_folder import read_json
from desktop.llm.sources.errors import SourceError, damaged, missing_file
from desktop.llm.tokenizer import END_OF_TEXT, Tokenizer, byte_alphabet

TOKENIZER, VOCAB, MERGES, ADDED = (
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
)
VOCABULARY_FILES = (TOKENIZER, VOCAB, MERGES, ADDED)
LARGEST_TEXT = 64 * 2**20


def tokenizer_from_folder(folder: Path) -> Tokenizer:
    """From ``tokenizer.json``, or from ``vocab.json`` and ``merges.txt``."""
    if (folder / TOKENIZER).is_file():
        return Tokenizer.from_json(_text(folder / TOKENIZER))
    for name in (VOCAB, MERGES):
        if not (folder / name).is_file():
            raise missing_file(TOKENIZER if name == VOCAB else name, folder)
    vocabulary = _ids(folder / VOCAB)
    added = _ids(folder / ADDED) if (folder / ADDED).is_file() else {}
    lines = _text(folder / MERGES).split("\n")
    merges = [line for line in lines if line and not line.startswith("#version")]
    return byte_level_bpe(vocabulary, merges, added, special={END_OF_TEXT}, name=VOCAB)


def byte_level_bpe(
    vocabulary: Mapping[str, int],
    merges: Sequence[str],
    added: Mapping[str, int],
    special: set[str],
    name: str,
) -> Tokenizer:
    """A tokenizer from its parts.

    ``vocabulary`` holds tokens in the byte alphabet, ``added`` texts that are one token wherever
    they stand; of these, ``special`` ones mean something and add no text. ``name`` is for errors.
    """
    if not set(byte_alphabet()) <= set(vocabulary):
        raise SourceError(
            Bilingual(
                f"{name} 里的词表不是字节级 BPE，Phi 用的是这一种。",
                f"The vocabulary in {name} is no byte-level BPE, which is what Phi uses.",
            ),
            Bilingual("它大概属于另一个模型。", "It probably belongs to another model."),
        )
    marks = {token: vocabulary[token] for token in special if token in vocabulary}
    everything = {**vocabulary, **added}
    if len(set(everything.values())) != len(everything):
        raise damaged(name, "two tokens have the same id")
    extra = sorted({**marks, **added}.items(), key=lambda item: item[1])
    definition = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added_token(text, place, text in special) for text, place in extra],
        "normalizer": None,
        "pre_tokenizer": _byte_level(),
        "post_processor": None,
        "decoder": _byte_level(),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": everything,
            "merges": _pairs(merges, everything, name),
        },
    }
    return Tokenizer.from_json(json.dumps(definition, ensure_ascii=False))


def _pairs(merges: Sequence[str], known: Mapping[str, int], name: str) -> list[list[str]]:
    pairs = []
    for merge in merges:
        pair = merge.split(" ")
        if len(pair) != 2 or not all(part in known for part in (*pair, "".join(pair))):
            raise damaged(name, f"merge {merge!r:.80}")
        pairs.append(pair)
    return pairs


def _added_token(text: str, place: int, special: bool) -> dict[str, Any]:
    return {
        "id": place,
        "content": text,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": not special,
        "special": special,
    }


def _byte_level() -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def _ids(path: Path) -> dict[str, int]:
    values = read_json(path)
    for value in values.values():
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**24:
            raise damaged(path.name, f"id {value!r:.40}")
    return values


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise damaged(path.name, f"{path.stat().st_size} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise damaged(path.name, str(error)) from error
