"""What the interface asks of the chat worker, and what it hears back. All frozen, no torch, no Qt.

An ``Answer`` owns its cancel event, so a stop can never reach the wrong answer, and everything that is
said about it names the message it becomes.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from desktop.bilingual import Bilingual, GlassboxError
from desktop.course.chats import TokenRecord
from desktop.llm.prompts import FORMATS, RAW, Message, PromptToken
from desktop.tutor.grounding import LessonContext, Source

TUTOR_NAME = "tutor"
"""The built-in model's name in what is kept; on screen it is called by a word of the language."""

LIMITS: Mapping[str, tuple[float, float]] = {
    "temperature": (0.0, 2.0),
    "top_k": (0, 200),
    "top_p": (0.05, 1.0),
    "min_p": (0.0, 0.5),
    "repetition_penalty": (1.0, 2.0),
    "no_repeat_ngram": (0, 10),
    "max_tokens": (1, 2048),
    "seed": (-1, 2**31 - 1),
}


@dataclass(frozen=True)
class ChatSettings:
    """How answers are sampled. ``seed`` −1 draws another seed for every answer."""

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.0
    repetition_penalty: float = 1.1
    no_repeat_ngram: int = 0
    max_tokens: int = 256
    seed: int = -1
    format: str = ""
    """A prompt format's id; empty takes the one that suits the model."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> ChatSettings:
        """From what was kept; whatever is unknown or out of range takes its default."""
        found: dict[str, Any] = {}
        for one in fields(cls):
            value, default = values.get(one.name), one.default
            if one.name == "format":
                if value in FORMATS:
                    found["format"] = value
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                low, high = LIMITS[one.name]
                if low <= value <= high:
                    found[one.name] = int(value) if isinstance(default, int) else float(value)
        return cls(**found)

    def to_mapping(self) -> dict[str, Any]:
        """As plain values, to be kept."""
        return asdict(self)

    @classmethod
    def for_tutor(cls) -> ChatSettings:
        """The tutor repeats what the course says: always the likeliest token, no penalty."""
        return cls(temperature=0.0, repetition_penalty=1.0, max_tokens=400)


@dataclass(frozen=True)
class MemoryPart:
    """Bytes of one part of a model (``weights``, ``cache``, ``work`` or ``total``): as estimated
    before loading, and as measured after it where that part can be told apart."""

    name: str
    estimated: int
    measured: int | None = None
    exact_to: int = 0
    """A measurement of less than this says no more than that it is less."""


@dataclass(frozen=True)
class LoadOffer:
    """A way to load a model that did not fit as it was asked for."""

    kind: Literal["context", "device"]
    """What would be different: a shorter context, or the processor in place of the card."""
    text: Bilingual
    capacity: int
    device: str


@dataclass(frozen=True)
class ModelInfo:
    """What is known of the loaded model; ``why`` says how it runs and for what reason."""

    name: str
    path: Path
    parameters: int
    layers: int
    heads: int
    context: int
    vocabulary: int
    suggested_format: str = RAW.id
    memory_bytes: int = 0
    """Measured after loading."""
    expected_bytes: int = 0
    """Estimated before, for a full context."""
    device: str = "cpu"
    why: Bilingual = field(default_factory=lambda: Bilingual("", ""))
    is_tutor: bool = False
    """The small model that ships with Glassbox and answers from the course."""
    memory: tuple[MemoryPart, ...] = ()


# ------------------------------------------------------------------------------------------------
# Requests


@dataclass(frozen=True)
class Request:
    """Base of everything the interface can ask."""


@dataclass(frozen=True)
class Load(Request):
    """Open a model, in place of the one that is loaded."""

    path: Path
    capacity: int | None = None
    """Tokens of context, if fewer than the model was made for."""
    device: str | None = None
    cancel: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Unload(Request):
    """Give the model's memory back."""


@dataclass(frozen=True)
class Answer(Request):
    """Continue a conversation and keep the result as ``message``.

    ``forced`` are tokens the answer begins with: those of another branch up to the place where an
    alternative was picked.
    """

    message: int
    turns: tuple[Message, ...]
    settings: ChatSettings
    look: bool = False
    forced: tuple[TokenRecord, ...] = ()
    context: LessonContext | None = None
    """The open lesson, if the learner attached it to the question."""
    cancel: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Preview(Request):
    """Ask for exactly what the model would get."""

    turns: tuple[Message, ...]
    settings: ChatSettings
    context: LessonContext | None = None


@dataclass(frozen=True)
class Prepare(Request):
    """A question for the tutor is being typed: have ready what looking it up takes."""

    text: str


@dataclass(frozen=True)
class Look(Request):
    """Ask what went on inside when token ``len(before)`` of ``message`` was chosen."""

    message: int
    turns: tuple[Message, ...]
    settings: ChatSettings
    before: tuple[int, ...]
    context: LessonContext | None = None


@dataclass(frozen=True)
class ShareMachine(Request):
    """Whether an experiment is training beside the chat; the chat then takes fewer threads."""

    busy: bool


@dataclass(frozen=True)
class Close(Request):
    """End the worker."""


# ------------------------------------------------------------------------------------------------
# What comes back


@dataclass(frozen=True)
class Loading:
    """A model is being opened; ``part`` is 0…1 where it is known."""

    path: Path
    part: float | None = None


@dataclass(frozen=True)
class Loaded:
    """The model can be talked to."""

    info: ModelInfo


@dataclass(frozen=True)
class Unloaded:
    """No model is loaded; ``error`` says why when one should have been."""

    error: GlassboxError | None = None
    offers: tuple[LoadOffer, ...] = ()
    """What would fit instead, when memory is short."""
    path: Path | None = None
    """The model that was to be loaded, if there was one."""


@dataclass(frozen=True)
class Began:
    """The prompt is being read: its tokens, and how many old messages did not fit."""

    message: int
    prompt_tokens: int
    left_out: int
    sources: tuple[Source, ...] = ()
    """Where in the course the answer comes from."""


@dataclass(frozen=True)
class Token:
    """One token of an answer; ``entropy`` in nats says how undecided the model was."""

    message: int
    place: int
    record: TokenRecord
    entropy: float = 0.0


@dataclass(frozen=True)
class Ended:
    """An answer is over and kept. ``state`` is that of its message."""

    message: int
    state: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Failed:
    """Something could not be done; ``message`` is the answer's, or 0."""

    message: int
    error: GlassboxError
    offers: tuple[LoadOffer, ...] = ()
    """How the model could be loaded to go on, when memory ran out."""


@dataclass(frozen=True)
class Previewed:
    """The answer to ``Preview``."""

    tokens: tuple[PromptToken, ...]
    left_out: int


@dataclass(frozen=True)
class Guess:
    """A token some layer would choose, and its probability there."""

    label: str
    probability: float


@dataclass(frozen=True, eq=False)
class Inspection:
    """What went on inside when one token was chosen.

    ``attention`` (layers, heads, tokens) belongs to ``tokens``, everything the model had read.
    ``lens`` holds, from the embedding to the last layer, the best guesses; ``ranks`` the place the
    chosen token had in each of these rankings (1 is the first), when one was chosen.
    """

    message: int
    place: int
    tokens: tuple[str, ...]
    attention: NDArray[np.float32]
    lens: tuple[tuple[Guess, ...], ...]
    ranks: tuple[int, ...] = ()
    prompt_tokens: int = 0
