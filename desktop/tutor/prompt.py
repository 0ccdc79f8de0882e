"""The words around a question: what the tutor's model is given to answer from.

The background is one system message of the ordinary question-and-answer format, so the chat, the
prompt preview and other models treat it like any conversation::

    Source: learning rate
    The learning rate is the factor that … For example: …
    Now: step 40, loss = 0.12. Diagnosis: …
    Instruct: what does a learning rate do?
    Output:

The model was trained on exactly this shape (see ``corpus``). Imports the prompt formats; no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from desktop.bilingual import Bilingual, Language
from desktop.llm.prompts import INSTRUCT, Message

SOURCE = Bilingual("资料：", "Source: ")
NOTHING_FOUND = Bilingual("资料：无", "Source: none")
NOW = Bilingual("现场：", "Now: ")
FOR_EXAMPLE = Bilingual("比如：", "For example: ")
RELATED = Bilingual("相关：", "Related: ")
MISTAKE = Bilingual("常见误区：", "A common mistake: ")


@dataclass(frozen=True)
class Passage:
    """A text to answer from, with what it is called."""

    title: str
    text: str


@dataclass(frozen=True)
class LessonState:
    """What the open experiment shows: the step of training, its numbers, the diagnosis in words."""

    step: int = 0
    scalars: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    diagnosis: str = ""

    def to_mapping(self) -> dict[str, Any]:
        """As plain values, to be kept with a question."""
        return {
            "step": self.step,
            "scalars": dict(self.scalars),
            "parameters": dict(self.parameters),
            "diagnosis": self.diagnosis,
        }

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> LessonState:
        """From what was kept; what does not fit is left out."""
        scalars, parameters = values.get("scalars"), values.get("parameters")
        step = values.get("step")
        return cls(
            step if isinstance(step, int) else 0,
            {
                str(name): float(value)
                for name, value in (scalars if isinstance(scalars, Mapping) else {}).items()
                if isinstance(value, (int, float))
            },
            {
                str(name): str(value)
                for name, value in (parameters if isinstance(parameters, Mapping) else {}).items()
            },
            str(values.get("diagnosis", "")),
        )

    def text(self, lang: Language) -> str:
        """One line, numbers with four significant digits."""
        numbers = [f"{name} = {value:.4g}" for name, value in self.scalars.items()]
        numbers += [f"{name} = {value}" for name, value in self.parameters.items()]
        if lang == "zh":
            line = "，".join([f"第 {self.step} 步", *numbers]) + "。"
            return line + (f"诊断：{self.diagnosis}" if self.diagnosis else "")
        line = ", ".join([f"step {self.step}", *numbers]) + "."
        return line + (f" Diagnosis: {self.diagnosis}" if self.diagnosis else "")


def background(
    passages: Sequence[Passage], lang: Language, state: LessonState | None = None
) -> str:
    """The text of the system message: the passages, then the experiment's state."""
    lines = [f"{SOURCE[lang]}{one.title}\n{one.text}" for one in passages]
    if not lines and state is None:
        lines.append(NOTHING_FOUND[lang])
    if state is not None:
        lines.append(NOW[lang] + state.text(lang))
    return "\n".join(lines)


def tutor_prompt(
    question: str, background_text: str, history: Sequence[tuple[str, str]] = ()
) -> str:
    """The whole prompt, up to where the answer begins; ``history`` holds (question, answer)."""
    messages = [Message("system", background_text)]
    for asked, answered in history:
        messages += [Message("user", asked), Message("assistant", answered)]
    return INSTRUCT.prompt([*messages, Message("user", question)])
