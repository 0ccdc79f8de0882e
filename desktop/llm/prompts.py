"""From a conversation to the text the model continues, and where its answer has to end.

A language model continues a text; it does not know what a conversation is. Phi-2 was trained on
three kinds of text that can serve as one, described on its model card: a question after
``Instruct:``, a dialogue of two people, and code. It rarely ends by itself and goes on to write the
next question too, so every format names the strings at which its answer is over.

Imports nothing but the tokenizer's type; no torch, no Qt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.bilingual import Bilingual
from desktop.llm.tokenizer import Tokenizer

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One contribution to a conversation. A system message is background the user did not type."""

    role: Role
    text: str


@dataclass(frozen=True)
class PromptFormat:
    """How a conversation is written down: what stands before each side's text, and between them."""

    id: str
    name: Bilingual
    note: Bilingual
    user: str
    assistant: str
    between: str
    stop_strings: tuple[str, ...]

    def prompt(self, messages: Sequence[Message]) -> str:
        """The text the model gets; it ends where the answer begins.

        If the last message is the model's own, the text ends inside it, to be continued.
        """
        parts = [self._written(message) for message in messages]
        if not messages or messages[-1].role != "assistant":
            parts.append(self.assistant.rstrip(" "))
        return self.between.join(part for part in parts if part)

    def _written(self, message: Message) -> str:
        text = message.text.strip() if self.user else message.text  # code begins with spaces
        if message.role == "system":
            return text
        return (self.user if message.role == "user" else self.assistant) + text


INSTRUCT = PromptFormat(
    "instruct",
    Bilingual("问答", "Question and answer"),
    Bilingual(
        "适合直接提问；Phi-2 最常用的格式。", "For direct questions; the format Phi-2 knows best."
    ),
    "Instruct: ",
    "Output: ",
    "\n",
    ("\nInstruct:", "\nOutput:", "<|endoftext|>"),
)
CHAT = PromptFormat(
    "chat",
    Bilingual("对话", "Dialogue"),
    Bilingual(
        "两个人轮流说话，你是 Alice，模型是 Bob。",
        "Two people taking turns: you are Alice, the model is Bob.",
    ),
    "Alice: ",
    "Bob: ",
    "\n",
    ("\nAlice:", "\nBob:", "<|endoftext|>"),
)
CODE = PromptFormat(
    "code",
    Bilingual("代码", "Code"),
    Bilingual(
        "模型接着你的代码往下写，写到下一个函数或类为止。",
        "The model continues your code, up to the next function or class.",
    ),
    "",
    "",
    "\n",
    ("\ndef ", "\nclass ", "\nif __name__", "\n```", "<|endoftext|>"),
)
RAW = PromptFormat(
    "raw",
    Bilingual("原文", "Plain text"),
    Bilingual("原样交给模型，什么也不加。", "Given to the model as it is, with nothing added."),
    "",
    "",
    "\n",
    ("<|endoftext|>",),
)
FORMATS: dict[str, PromptFormat] = {one.id: one for one in (INSTRUCT, CHAT, CODE, RAW)}


@dataclass(frozen=True)
class PromptToken:
    """A token of the prompt, as shown to people: ``label`` makes white space visible."""

    id: int
    label: str


def preview(tokenizer: Tokenizer, text: str) -> tuple[PromptToken, ...]:
    """Exactly what the model gets, token by token."""
    return tuple(PromptToken(token, tokenizer.label(token)) for token in tokenizer.encode(text))


def fit(
    tokenizer: Tokenizer,
    template: PromptFormat,
    messages: Sequence[Message],
    capacity: int,
    room: int,
) -> tuple[list[int], int]:
    """The tokens of a conversation, without its oldest messages if it is too long, and how many
    messages were left out. ``room`` places stay free for the answer; system messages and the last
    message always stay."""
    kept = list(messages)
    while True:
        ids = tokenizer.encode(template.prompt(kept))
        oldest = next((place for place, one in enumerate(kept[:-1]) if one.role != "system"), None)
        if len(ids) + room <= capacity or oldest is None:
            return ids, len(messages) - len(kept)
        del kept[oldest]
