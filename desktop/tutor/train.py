"""Trains the built-in tutor from nothing: ``python -m desktop.tutor.train --out FOLDER``.

Three stages: a byte-level BPE tokenizer from the course's text; pre-training on that text; tuning on
questions with their sources and answers. Every ``--keep-every`` steps a checkpoint (safetensors) is
written beside and renamed; started again with the same folder, training goes on from it and ends in
the same weights as without the stop. ``--begin-with MODEL`` starts from a finished model's tokenizer
and weights instead, to tune it further when the data have grown. ``log.jsonl`` has one line for each report. The finished model
is an ordinary model folder (``FOLDER/model``). Imports torch, the language model and the course.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from desktop import paths
from desktop.course.catalog import load_course
from desktop.llm import model_folder
from desktop.llm.phi import Phi, PhiConfig, initialise
from desktop.llm.tokenizer import Tokenizer
from desktop.tutor.corpus import Examples, reading
from desktop.tutor.records import Dialogue, Record, load_dialogues, load_records
from desktop.tutor.titles import Titles
from desktop.tutor.training import (
    Batch,
    encoded,
    example_batches,
    learning_rate,
    loss_of,
    packed,
    text_batch,
)

CONTEXT = 1024
REPORT_EVERY = 20


@dataclass(frozen=True)
class Plan:
    """Everything that decides the result."""

    vocabulary: int = 6144
    width: int = 256
    layers: int = 6
    heads: int = 4
    reading_steps: int = 500
    tuning_steps: int = 2000
    batch_tokens: int = 6144
    reading_rate: float = 2e-3
    tuning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    seed: int = 0
    begin_with: str = ""


class Trainer:
    """One training run in a folder: it can be stopped anywhere and goes on where it stood."""

    def __init__(self, plan: Plan, folder: Path, data: Path, lessons: Path) -> None:
        self.plan, self.folder = plan, folder
        folder.mkdir(parents=True, exist_ok=True)
        course = load_course(lessons)
        records, dialogues = load_records(data), load_dialogues(data)
        texts = reading(records, dialogues, course)
        self.tokenizer = self._tokenizer(texts, records, dialogues)
        self.examples = Examples(records, Titles(course))
        self.stream = self._stream(texts)
        self.model = self._model()
        self.optimizer = torch.optim.AdamW(
            _groups(self.model, plan.weight_decay), betas=(0.9, 0.95), fused=True
        )
        self.step = 0
        self._restore()

    # ---- parts

    def _tokenizer(
        self, texts: Sequence[str], records: Sequence[Record], dialogues: Sequence[Dialogue]
    ) -> Tokenizer:
        path = self.folder / "tokenizer.json"
        if not path.exists() and self.plan.begin_with:
            path.write_bytes((Path(self.plan.begin_with) / "tokenizer.json").read_bytes())
        elif not path.exists():
            asked = [question for record in records for question in record.questions]
            said = [text for dialogue in dialogues for turn in dialogue.turns for text in turn]
            everything = "\n".join([*texts, *asked, *said])
            made = Tokenizer.train_bpe(everything, self.plan.vocabulary)
            path.write_text(made.to_json(), encoding="utf-8")
        return Tokenizer.from_json(path.read_text(encoding="utf-8"))

    def _model(self) -> Phi:
        if self.plan.begin_with:
            return model_folder.load(Path(self.plan.begin_with)).model.float()
        model = Phi(self._config())
        initialise(model, torch.Generator().manual_seed(self.plan.seed))
        return model

    def _stream(self, texts: Sequence[str]) -> Tensor:
        end = self.tokenizer.end_of_text
        assert end is not None
        ids = [token for text in texts for token in [*self.tokenizer.encode(text), end]]
        return torch.tensor(ids)

    def _config(self) -> PhiConfig:
        plan = self.plan
        return PhiConfig(
            vocab_size=self.tokenizer.size,
            hidden_size=plan.width,
            intermediate_size=4 * plan.width,
            num_hidden_layers=plan.layers,
            num_attention_heads=plan.heads,
            num_key_value_heads=plan.heads,
            max_position_embeddings=CONTEXT,
        )

    # ---- training

    def run(self, until: int | None = None) -> None:
        """Train to the end of the plan (or of step ``until``), reporting and keeping on the way."""
        plan = self.plan
        total = plan.reading_steps + plan.tuning_steps
        last = total if until is None else min(until, total)
        tuning = example_batches(
            self.examples,
            self.tokenizer,
            plan.batch_tokens,
            plan.seed,
            max(0, self.step - plan.reading_steps),
        )
        started, tokens, losses = time.perf_counter(), 0, list[float]()
        while self.step < last:
            batch = self._text() if self.step < plan.reading_steps else next(tuning)
            losses.append(self._update(batch))
            tokens += batch.ids.numel()
            self.step += 1
            if self.step % REPORT_EVERY == 0 or self.step == last:
                self._report(losses, tokens / (time.perf_counter() - started))
                losses.clear()
            if self.step % 200 == 0 or self.step == last:
                self._keep()

    def _text(self) -> Batch:
        rng = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + self.step)
        return text_batch(self.stream, self.plan.batch_tokens, rng)

    def _update(self, batch: Batch) -> float:
        plan = self.plan
        if self.step < plan.reading_steps:
            rate = learning_rate(self.step, plan.reading_steps, plan.reading_rate)
        else:
            rate = learning_rate(
                self.step - plan.reading_steps, plan.tuning_steps, plan.tuning_rate
            )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of(self.model, batch)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()

    def validation(self) -> float:
        """Loss on questions in wordings that were never trained on."""
        sequences = [encoded(one, self.tokenizer) for one in self.examples.validation()]
        total, count = 0.0, 0
        with torch.no_grad():
            for batch in packed(sequences, self.plan.batch_tokens):
                places = int((batch.targets >= 0).sum())
                total += loss_of(self.model, batch).item() * places
                count += places
        return total / count

    def _report(self, losses: Sequence[float], speed: float) -> None:
        stage = "reading" if self.step <= self.plan.reading_steps else "tuning"
        line: dict[str, Any] = {
            "step": self.step,
            "stage": stage,
            "loss": round(sum(losses) / len(losses), 4),
            "tokens_per_second": round(speed),
            "at": round(time.time()),
        }
        if self.step % 100 == 0:
            line["validation"] = round(self.validation(), 4)
        print(json.dumps(line), flush=True)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    # ---- stopping and going on

    def _keep(self) -> None:
        tensors = {f"model.{name}": one for name, one in self.model.state_dict().items()}
        for place, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{place}.{name}": one for name, one in state.items()}
        beside = self.folder / ".checkpoint"
        save_file(tensors, beside, metadata={"step": str(self.step), "plan": self._plan_text()})
        beside.replace(self.folder / "checkpoint.safetensors")

    def _restore(self) -> None:
        path = self.folder / "checkpoint.safetensors"
        if not path.exists():
            return
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            notes = file.metadata()
        if notes["plan"] != self._plan_text():
            raise SystemExit(f"{path} belongs to another plan: {notes['plan']}")
        tensors = load_file(path)
        self.model.load_state_dict(
            {name[6:]: one for name, one in tensors.items() if name.startswith("model.")}
        )
        state = self.optimizer.state_dict()
        for name, one in tensors.items():
            if name.startswith("optimizer."):
                _, place, key = name.split(".")
                state["state"].setdefault(int(place), {})[key] = one
        self.optimizer.load_state_dict(state)
        self.step = int(notes["step"])

    def _plan_text(self) -> str:
        return json.dumps(asdict(self.plan), sort_keys=True)

    def save(self, folder: Path) -> None:
        """The model as it ships: bfloat16, in the format of any model folder."""
        notes = {"name": "tutor", "made_by": "desktop.tutor.train", "plan": asdict(self.plan)}
        small = Phi(self.model.config).to(torch.bfloat16)
        small.load_state_dict(self.model.state_dict())
        model_folder.save(folder, small, self.tokenizer, notes)


def _groups(model: Phi, decay: float) -> list[dict[str, Any]]:
    """Matrices shrink a little with every step; biases and norms do not."""
    matrices = [one for one in model.parameters() if one.dim() > 1]
    others = [one for one in model.parameters() if one.dim() <= 1]
    return [
        {"params": matrices, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m desktop.tutor.train", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for log, checkpoint, model")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    for name, default in asdict(Plan()).items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=type(default), default=default, help=f"default {default}")
    given = vars(parser.parse_args(arguments))
    folder, threads = given.pop("out"), given.pop("threads")
    torch.set_num_threads(threads)
    resources = paths.resources()
    trainer = Trainer(Plan(**given), folder, resources / "tutor" / "data", paths.lessons())
    print(
        f"{trainer.model.config.parameter_count:,} parameters, "
        f"vocabulary {trainer.tokenizer.size}, step {trainer.step}",
        flush=True,
    )
    trainer.run()
    trainer.save(folder / "model")


if __name__ == "__main__":
    main()
