"""A learnt second opinion on which record a question asks for, beside the words that they share.

A linear classifier over the mean of its pieces' vectors (Joulin et al., “Bag of Tricks for Efficient
Text Classification”, 2017): every piece of text has a vector, a question is the sum of the vectors of its
pieces, and a softmax over the records follows from one matrix. It was trained on the known wordings
(``desktop.tutor.train_matcher``) and so knows which of a question's words matter, where BM25 knows only
how rare they are. Vectors are kept as bytes; needs numpy, no torch.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from desktop.tutor.pieces import features, shingles

UNLIKELY = -12.0
"""The logarithm of a probability than which none counts as smaller."""
_LEAST = 0.3
"""A sum of weights is not taken as smaller when a question is divided by its root."""


def pieces_of(text: str) -> dict[str, float]:
    """What the classifier sees of a text: its pieces, and the order in which they follow each other."""
    return features(text) | shingles(text)


def number_of(piece: str) -> int:
    """The number under which a piece's vector is kept."""
    return zlib.crc32(piece.encode())


def scale_of(weights: np.ndarray) -> float:
    """What a sum over pieces of these weights is multiplied with: long texts count for more than short
    ones, but not in proportion, for neighbouring pieces say the same twice."""
    return float(max(_LEAST, weights.sum()) ** -0.5)


class Matcher:
    """The classifier of one language. ``keys`` are the records' (``Record.key``), in the order of the
    outputs; ``numbers`` (pieces, ascending) says whose vector is where in ``vectors`` (pieces, width,
    int8), which are multiplied with ``steps`` (pieces); ``matrix`` is (width, records), ``bias``
    (records)."""

    def __init__(self, keys: Sequence[str], arrays: Mapping[str, np.ndarray]) -> None:
        self.keys = tuple(keys)
        self._arrays = dict(arrays)
        self._numbers, self._vectors = arrays["numbers"], arrays["vectors"]
        self._steps, self._matrix = arrays["steps"], arrays["matrix"]
        self._bias = arrays["bias"]
        pieces, width = self._vectors.shape
        fits = (
            self._numbers.shape == self._steps.shape == (pieces,)
            and self._matrix.shape == (width, len(self.keys))
            and self._bias.shape == (len(self.keys),)
        )
        if not fits:
            raise ValueError("the parts of the matcher do not fit together")

    @classmethod
    def of(
        cls,
        keys: Sequence[str],
        numbers: np.ndarray,
        vectors: np.ndarray,
        output: tuple[np.ndarray, np.ndarray],
    ) -> Matcher:
        """From vectors as they were trained (pieces, width, float32), rounded to bytes one by one."""
        order = np.argsort(numbers)
        vectors = vectors[order]
        steps = np.maximum(np.abs(vectors).max(1), 1e-8) / 127.0
        return cls(
            keys,
            {
                "numbers": numbers[order].astype(np.uint32),
                "vectors": np.rint(vectors / steps[:, None]).astype(np.int8),
                "steps": steps.astype(np.float32),
                "matrix": np.ascontiguousarray(output[0], np.float32),
                "bias": output[1].astype(np.float32),
            },
        )

    def log_chances(self, question: str) -> np.ndarray:
        """The logarithm of each record's probability, in the order of ``keys``; ``UNLIKELY`` at least."""
        asked = pieces_of(question)
        numbers = np.array([number_of(piece) for piece in asked], dtype=np.uint32)
        weights = np.array(list(asked.values()), dtype=np.float32)
        at = np.minimum(np.searchsorted(self._numbers, numbers), len(self._numbers) - 1)
        known = self._numbers[at] == numbers
        at, weights = at[known], weights[known]
        vectors = self._vectors[at] * self._steps[at, None]
        logits = (weights @ vectors) * scale_of(weights) @ self._matrix + self._bias
        logits -= logits.max()
        return np.maximum(logits - np.log(np.exp(logits).sum()), UNLIKELY)

    def save(self, path: Path) -> None:
        """Write it as safetensors."""
        save_file(self._arrays, path, metadata={"keys": json.dumps(self.keys)})

    @classmethod
    def load(cls, path: Path) -> Matcher:
        """From a file of ``save``. Raises ``ValueError`` if it is not one, ``OSError`` if it is missing."""
        try:
            with safe_open(path, framework="numpy") as file:
                keys = json.loads((file.metadata() or {}).get("keys", "[]"))
                names = ("numbers", "vectors", "steps", "matrix", "bias")
                return cls(keys, {name: file.get_tensor(name) for name in names})
        except SafetensorError as error:
            raise ValueError(f"{path.name} is no matcher: {error}") from error
