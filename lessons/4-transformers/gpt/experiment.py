"""A small GPT that is pre-trained in front of the learner, sampled, looked into and kept.

``training.py`` has the training itself, ``desktop/llm/phi.py`` the model: the architecture of Phi-2
at a size that a laptop trains in a minute, in the format that the chat loads. Training takes the
fused attention; the matrices on screen come from the spelled-out one, which gives the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.engine.experiment import ActionError, Experiment
from desktop.engine.frames import Explanation, Finding, Item
from desktop.engine.history import History
from desktop.llm import model_folder
from desktop.llm.phi import Phi, PhiBlock, PhiConfig, PhiOutput, attend, rotate, rotation
from desktop.llm.tokenizer import Tokenizer

from . import arithmetic, findings, pictures
from .parameters import SCALARS, Parameters
from .training import (
    character_ids,
    fixed_passages,
    loss_on,
    make_model,
    make_optimizer,
    next_token_loss,
    perplexity,
    random_passages,
    sample,
    split,
    train_step,
)

MEASURE_EVERY = 10
SAMPLE_EVERY = 50
EARLY_SAMPLES = (0, 10, 25)
SAMPLE_CHARACTERS = 160
SAMPLES_KEPT = 12
OPENINGS = {"en": "The cat sat on the wall and ", "zh": "有一天，小盒看见"}


def course_text(language: str) -> str:
    """The stories of the robot Pip, written for this lesson."""
    text = (Path(__file__).parent / f"corpus_{language}.txt").read_text(encoding="utf-8")
    return text.replace("\n\n", "\n")  # one story a line


def text_ids() -> tuple[list[int], int]:
    """The ids of the text and the size of the vocabulary."""
    return character_ids(course_text("en"))


def train(
    layers: int,
    heads: str,
    width: str,
    context: int,
    batch: int,
    learning_rate: float,
    seed: int,
    steps: int,
) -> None:
    """The whole lesson as one loop: read passages, predict the next token, follow the gradient."""
    rng = torch.Generator().manual_seed(seed)
    numbers, vocabulary = text_ids()
    training, held_out = split(torch.tensor(numbers))
    model = make_model(vocabulary, layers, int(heads), int(width), context, rng)
    optimizer = make_optimizer(model, learning_rate)
    unseen = fixed_passages(held_out, context)
    heldout_loss = loss_on(model, unseen)
    for step in range(1, steps + 1):
        inputs, targets = random_passages(training, batch, context, rng)
        loss, length = train_step(model, optimizer, inputs, targets)
        if step % MEASURE_EVERY == 0:
            heldout_loss = loss_on(model, unseen)
        print(f"step {step} loss={loss:.6g} gradient={length:.6g} heldout_loss={heldout_loss:.6g}")


class Prompt(NamedTuple):
    """The learner's prompt run through the model: ids (tokens,) and everything inside."""

    ids: list[int]
    output: PhiOutput


class SmallGpt(Experiment[Parameters]):
    """The lesson's experiment."""

    Parameters = Parameters
    scalars = SCALARS
    state_names = ("model", "optimizer", "samples", "measured", "taken", "rng")
    shown_code = (
        train_step,
        next_token_loss,
        random_passages,
        fixed_passages,
        loss_on,
        perplexity,
        split,
        character_ids,
        make_model,
        make_optimizer,
        sample,
        PhiConfig,
        Phi,
        PhiBlock,
        attend,
    )
    script_main = train

    @classmethod
    def script_definitions(cls, parameters: Parameters) -> str:
        """The learner's text in the script; for byte pairs, its ids, so that torch is enough."""
        text = the_text(parameters)
        if parameters.tokenizer == "characters":
            body = f"    return character_ids({text!r})\n"
        else:
            tokenizer = make_tokenizer(parameters, text)
            body = f"    return {tokenizer.encode(text)!r}, {tokenizer.size}\n"
        return (
            "def text_ids() -> tuple[list[int], int]:\n"
            '    """The ids of the text and the size of the vocabulary."""\n' + body
        )

    def build(self) -> None:
        """Text into ids, a model with random weights, an optimizer."""
        p = self.parameters
        text = the_text(p)
        self.tokenizer = make_tokenizer(p, text)
        training, held_out = split(torch.tensor(self.tokenizer.encode(text)))
        if len(held_out) < 10:
            raise too_few_tokens(len(training) + len(held_out))
        self.training = training
        self.seen_passages = fixed_passages(training, p.context)
        self.unseen_passages = fixed_passages(held_out, p.context)
        vocabulary = self.tokenizer.size
        self.model = make_model(
            vocabulary, p.layers, int(p.heads), int(p.width), p.context, self.rng
        )
        self.optimizer = make_optimizer(self.model, p.learning_rate)
        self.taken = 0
        self.samples: list[tuple[int, str]] = []
        self.seconds_per_step = 0.0
        self.activation_bytes = pictures.activation_bytes(self.model, self.seen_passages, p.batch)
        self.measured = self._measure_both()
        self._write_sample()

    def adopt(self, parameters: Parameters) -> None:
        """Live changes: learning rate, prompt, temperature, head shown."""
        self.parameters = parameters
        for group in self.optimizer.param_groups:
            group["lr"] = parameters.learning_rate

    # ---- training

    def step(self) -> Mapping[str, float]:
        """One batch, one update; every so often measure and write a sample."""
        p = self.parameters
        started = time.perf_counter()
        inputs, targets = random_passages(self.training, p.batch, p.context, self.rng)
        loss, length = train_step(self.model, self.optimizer, inputs, targets)
        self._note_time(time.perf_counter() - started)
        self.taken += 1
        scalars = {"loss": loss, "gradient": length}
        if self.taken % MEASURE_EVERY == 0:
            self.measured = self._measure_both()
        if self.taken % SAMPLE_EVERY == 0 or self.taken in EARLY_SAMPLES:
            self._write_sample()
        return {**scalars, **self.measured}

    def measure(self) -> Mapping[str, float]:
        """Loss and perplexity before training."""
        return {"loss": self.measured["train_loss"], **self.measured}

    def _measure_both(self) -> dict[str, float]:
        seen = loss_on(self.model, self.seen_passages)
        unseen = loss_on(self.model, self.unseen_passages)
        return {
            "train_loss": seen,
            "heldout_loss": unseen,
            "train_perplexity": perplexity(seen),
            "heldout_perplexity": perplexity(unseen),
        }

    def _write_sample(self) -> None:
        """Continue the prompt; its randomness is its own, so that training does not depend on it."""
        p = self.parameters
        rng = torch.Generator().manual_seed(self.seed + 1 + self.taken)
        per_token = 1 if p.tokenizer == "characters" else 2
        count = SAMPLE_CHARACTERS // per_token
        if self._is_chinese:
            count //= 2
        written = ""
        if all_finite(self.model):
            ids = sample(self.model, self._prompt_ids(), count, p.temperature, rng)
            written = self.tokenizer.decode(ids)
        self.samples = [(self.taken, self.prompt_text + written), *self.samples][:SAMPLES_KEPT]

    @property
    def _is_chinese(self) -> bool:
        p = self.parameters
        return not p.own_text and p.language == "zh"

    def _note_time(self, seconds: float) -> None:
        """A running mean of the time a step takes; only for show, no part of the state."""
        old = self.seconds_per_step or seconds
        self.seconds_per_step = 0.9 * old + 0.1 * seconds

    # ---- looking

    @property
    def prompt_text(self) -> str:
        """The learner's prompt, or one that fits the text."""
        p = self.parameters
        return p.prompt or (p.own_text[:24] if p.own_text else OPENINGS[p.language])

    def _prompt_ids(self) -> list[int]:
        return self.tokenizer.encode(self.prompt_text)[-self.parameters.context :]

    @torch.no_grad()
    def look(self) -> Prompt:
        """The prompt through the spelled-out attention, all weights kept."""
        ids = self._prompt_ids()
        return Prompt(ids, self.model(torch.tensor([ids]), look=True))

    @torch.no_grad()
    def queries_and_keys(self, prompt: Prompt, layer: int) -> tuple[Tensor, Tensor]:
        """What one layer compares: (heads, tokens, size) each, rotated by position."""
        block = self.model.model.layers[layer]
        attention = block.self_attn
        normed = block.input_layernorm(prompt.output.hidden[layer])
        by = rotation(self.model.config, torch.arange(len(prompt.ids)), normed.dtype)
        q, k = (
            rotate(attention.split(project(normed)), by)
            for project in (attention.q_proj, attention.k_proj)
        )
        return q[0], k[0]

    def frame(self) -> Mapping[str, Item]:
        """Samples, attention, next tokens, sizes."""
        return pictures.items(self, self.look())

    def explain(self, item: str, index: tuple[int, ...]) -> Explanation | None:
        """The arithmetic of an attention weight, a probability, or a token's surprise."""
        return arithmetic.explain(self, self.look(), item, index)

    def diagnose(self, history: History) -> list[Finding]:
        """Divergence, overfitting, a learning rate that is too high or too low."""
        return findings.find(self, history)

    def keep(self, folder: Path) -> None:
        """Save the model where the chat can load it."""
        if not all_finite(self.model):
            raise ActionError(
                Bilingual(
                    "模型里已经有 NaN，保存下来也不能用。",
                    "The model holds NaN and would be useless.",
                ),
                Bilingual("倒回到发散之前再保存。", "Rewind to before it diverged, then keep it."),
            )
        p = self.parameters
        notes = {
            "format": 1,
            "lesson": "gpt",
            "steps": self.taken,
            "seed": self.seed,
            "text": "own" if p.own_text else p.language,
            "tokenizer": p.tokenizer,
            **self._measure_both(),
        }
        model_folder.save(folder, self.model, self.tokenizer, notes)


def the_text(parameters: Parameters) -> str:
    """The learner's text, or the course text when there is none."""
    return parameters.own_text or course_text(parameters.language)


def make_tokenizer(parameters: Parameters, text: str) -> Tokenizer:
    """The tokenizer the learner chose, made from the text."""
    if parameters.tokenizer == "bpe":
        return Tokenizer.train_bpe(text, parameters.vocabulary)
    return Tokenizer.characters(text)


def all_finite(model: Phi) -> bool:
    """True as long as no weight has become NaN or infinite."""
    return all(bool(torch.isfinite(weights).all()) for weights in model.parameters())


def too_few_tokens(count: int) -> ActionError:
    """The text is long enough in characters but the tokenizer makes too few tokens of it."""
    return ActionError(
        Bilingual(
            f"这段文字只切出 {count} 个词元，太少了。",
            f"The text gives only {count} tokens, too few.",
        ),
        Bilingual(
            "换一段长一些、重复少一些的文字，或者改用单个字符。",
            "Use a longer, less repetitive text, or single characters.",
        ),
    )
