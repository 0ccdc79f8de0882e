"""Text to token ids and back: byte-level BPE and single characters, in the published file format.

Both kinds are written as ``tokenizer.json``, the format of the ``tokenizers`` library, so a model
that a learner trained opens with the same code as one from the hub. A token may be half of a
character (UTF-8 spreads 你 over three bytes): ``StreamDecoder`` holds the half back until the rest
has come. Imports ``tokenizers``, no torch, no Qt.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from functools import cached_property

import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

from desktop.bilingual import Bilingual, GlassboxError

END_OF_TEXT = "<|endoftext|>"
UNKNOWN = "\ufffd"
LARGEST_VOCABULARY = 1_000_000
PIECE = 20_000
"""Training text is handed over in pieces of about this many characters, cut at line ends."""


class TokenizerError(GlassboxError):
    """A tokenizer file that cannot be used, or a text that gives no tokens."""


def byte_alphabet() -> dict[str, int]:
    """The printable stand-in for each byte in byte-level BPE, as GPT-2 introduced it."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    alphabet = {chr(byte): byte for byte in plain}
    alphabet.update({chr(256 + place): byte for place, byte in enumerate(others)})
    return alphabet


class Tokenizer:
    """Encodes and decodes with one vocabulary."""

    def __init__(self, inner: tokenizers.Tokenizer) -> None:
        inner.encode_special_tokens = True  # a typed “<|endoftext|>” is a text, not a command
        self._inner = inner

    # ---- making one

    @classmethod
    def train_bpe(cls, text: str, vocabulary: int) -> Tokenizer:
        """Learn byte-pair merges from ``text``. All 256 bytes are in, so any text can be encoded;
        the vocabulary ends up smaller when the text has not enough pairs to merge."""
        inner = tokenizers.Tokenizer(models.BPE())
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=max(vocabulary, 257),
            initial_alphabet=sorted(byte_alphabet()),
            special_tokens=[END_OF_TEXT],
            min_frequency=2,
            show_progress=False,
        )
        inner.train_from_iterator(_pieces(text), trainer)
        return cls(inner)

    @classmethod
    def characters(cls, text: str) -> Tokenizer:
        """One token for each different character of ``text``; others become �."""
        if not text:
            raise TokenizerError(
                Bilingual("没有文字，做不出字表。", "There is no text to take characters from.")
            )
        known = sorted(set(text) - {UNKNOWN})
        names = [END_OF_TEXT, UNKNOWN, *known]
        vocabulary = {name: place for place, name in enumerate(names)}
        inner = tokenizers.Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
        inner.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
        inner.decoder = decoders.Fuse()
        inner.add_special_tokens([END_OF_TEXT])
        return cls(inner)

    @classmethod
    def from_json(cls, text: str) -> Tokenizer:
        """Read the text of a ``tokenizer.json``; raises ``TokenizerError``."""
        try:
            tokenizer = cls(tokenizers.Tokenizer.from_str(text))
        except Exception as error:
            raise _unusable(str(error)) from error
        if not 0 < tokenizer.size <= LARGEST_VOCABULARY:
            raise _unusable(f"vocabulary of {tokenizer.size}")
        return tokenizer

    def to_json(self) -> str:
        """The text of ``tokenizer.json``."""
        return self._inner.to_str(pretty=True)

    # ---- using it

    @cached_property
    def size(self) -> int:
        """How many ids there are: the largest id plus one. Kept, because it is asked for with every
        token, and counting Phi-2's takes as long as writing one."""
        vocabulary = self._inner.get_vocab(with_added_tokens=True)
        return max(vocabulary.values()) + 1 if vocabulary else 0

    @property
    def end_of_text(self) -> int | None:
        """The id that ends a text, if there is one."""
        return self._inner.token_to_id(END_OF_TEXT)

    def encode(self, text: str) -> list[int]:
        """The ids of ``text``."""
        return list(self._inner.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``; half characters become �, marks such as end-of-text nothing."""
        return b"".join(self.bytes_of(token) for token in ids).decode("utf-8", errors="replace")

    def bytes_of(self, token: int) -> bytes:
        """What one token adds to the text."""
        if token in self._special:
            return b""
        name = self._inner.id_to_token(token)
        if name is None:  # ids beyond the vocabulary only fill up the matrix
            return b""
        if token in self._added or not self._is_byte_level:
            return name.encode("utf-8", errors="replace")
        return bytes(self._alphabet[letter] for letter in name if letter in self._alphabet)

    def label(self, token: int) -> str:
        """One token for people: visible white space, half characters as hexadecimal bytes."""
        if token in self._special:
            return str(self._inner.id_to_token(token))
        raw = self.bytes_of(token)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return "".join(f"⟨{byte:02X}⟩" for byte in raw)
        for hidden, shown in (("\n", "↵"), ("\t", "⇥"), (" ", "␣")):
            text = text.replace(hidden, shown)
        return text

    @cached_property
    def _alphabet(self) -> dict[str, int]:
        return byte_alphabet()

    @cached_property
    def _is_byte_level(self) -> bool:
        return isinstance(self._inner.decoder, decoders.ByteLevel)

    @cached_property
    def _added(self) -> frozenset[int]:
        return frozenset(self._inner.get_added_tokens_decoder())

    @cached_property
    def _special(self) -> frozenset[int]:
        added = self._inner.get_added_tokens_decoder()
        return frozenset(place for place, token in added.items() if token.special)


class StreamDecoder:
    """Turns tokens into text as they come; a character appears once its last byte is there."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token: int) -> str:
        """The text that this token completes, often all of it, sometimes none."""
        return self._decoder.decode(self._tokenizer.bytes_of(token))

    def finish(self) -> str:
        """What is left: � for half a character, otherwise nothing."""
        return self._decoder.decode(b"", final=True)


def _pieces(text: str) -> Iterable[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start + PIECE)
        end = len(text) if end < 0 else end + 1
        yield text[start:end]
        start = end


def _unusable(details: str) -> TokenizerError:
    return TokenizerError(
        Bilingual("tokenizer.json 无法使用。", "tokenizer.json cannot be used."),
        Bilingual(
            "文件可能没有下载完整，或者是给别的程序用的。",
            "The file may be incomplete, or meant for another program.",
        ),
        details,
    )
