"""``glassbox chat``: a conversation in the terminal, or one answer to one prompt.

The text appears as it is written; with ``--json`` each token is a line with its probability, the
alternatives and the time it took. Without ``--prompt`` or ``--ids`` it is a conversation: a line in,
an answer out, until the input ends; Ctrl+C stops an answer. Imports torch when it runs; no Qt.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop import paths, tutor
from desktop.bilingual import Bilingual, GlassboxError
from desktop.commands.chat_arguments import add_arguments, ids_of, settings_of
from desktop.commands.output import Output

if TYPE_CHECKING:
    from desktop.llm.fast_open import OpenedModel
    from desktop.llm.generate import GeneratedToken, Settings, Summary
    from desktop.llm.prompts import Message, PromptFormat
    from desktop.runtime.chat_tutor import Backgrounds
    from desktop.tutor.grounding import Source

__all__ = ["add_arguments", "find_model", "run"]
TUTOR = "tutor"
"""The name of the built-in model on the command line."""


class NoModelError(GlassboxError):
    """There is no model of that name, or none at all."""


def run(arguments: argparse.Namespace) -> int:
    """Open the model, then answer once or talk."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages; read when torch is imported
    path = find_model(arguments.model, arguments.data_dir)
    import torch

    from desktop.llm.fast_open import open_for_chat

    torch.set_num_threads(arguments.threads or os.cpu_count() or 1)
    is_tutor = path.resolve() == tutor.model_folder().resolve()
    settings = settings_of(arguments, tutor=is_tutor)
    opened = open_for_chat(path, capacity=arguments.context, device=arguments.device)
    chat = _Chat(arguments, opened, settings, is_tutor)
    if arguments.system_info:
        chat.describe()
    ids = ids_of(arguments.ids, opened.tokenizer.size) if arguments.ids else None
    if ids is not None or arguments.prompt is not None:
        chat.answer(ids if ids is not None else chat.encode(_message(arguments.prompt)))
        return 0
    chat.talk()
    return 0


def find_model(named: str | None, data_dir: str | None) -> Path:
    """The files of a model given by name or path; without either, the first one installed, or the
    built-in tutor."""
    from desktop.llm.store import ModelStore

    if named and (Path(named).expanduser().exists() or "/" in named or os.sep in named):
        return Path(named).expanduser()
    store = ModelStore(paths.data_dir(data_dir) / "models")
    models = store.list()
    built_in = tutor.model_folder()
    if built_in.exists() and (named == TUTOR or not (named or models)):
        return built_in
    if named:
        return store.get(named).path
    if not models:
        raise NoModelError(
            Bilingual("还没有模型。", "There is no model yet."),
            Bilingual(
                "用 glassbox model import 导入一个，或者用 --model 指定路径。",
                "Import one with glassbox model import, or name a path with --model.",
            ),
        )
    return models[0].path


def _message(text: str) -> list[Message]:
    from desktop.llm.prompts import Message

    return [Message("user", text)]


class _Chat:
    """A model, and how answers are shown."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        opened: OpenedModel,
        settings: Settings,
        is_tutor: bool,
    ) -> None:
        from desktop.llm.prompts import FORMATS
        from desktop.runtime.chat_tutor import Backgrounds

        self._arguments, self._opened = arguments, opened
        self._name = TUTOR if is_tutor else opened.name
        self._output: Output = arguments.output
        raw = arguments.raw or arguments.ids
        self._backgrounds: Backgrounds | None = Backgrounds() if is_tutor and not raw else None
        self._sources: tuple[Source, ...] = ()
        self._format: PromptFormat = FORMATS["raw" if raw else arguments.format]
        stops = (*self._format.stop_strings, *settings.stop_strings)
        self._settings = replace(settings, stop_strings=settings.stop_strings if raw else stops)

    def describe(self) -> None:
        """Where and how the model is computed."""
        opened = self._opened
        self._output.data({"type": "system", **self._system()})
        self._output.say(f"{self._name} · {opened.device} · {opened.path}")
        self._output.say(opened.why)
        self._output.say()

    def _system(self) -> dict[str, Any]:
        import torch

        opened = self._opened
        return {
            "model": self._name,
            "device": opened.device,
            "path": opened.path,
            "why": opened.why,
            "threads": torch.get_num_threads(),
            "load_s": opened.load_s,
            "memory_bytes": opened.nbytes,
            "context": opened.decoder.capacity,
        }

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The prompt's tokens; a long conversation loses its oldest messages. The tutor is given
        what the course says about the question."""
        from desktop.llm.prompts import fit
        from desktop.llm.quoting import Quoting

        if self._backgrounds is not None:
            told = self._backgrounds.for_tutor(messages)
            messages, self._sources = told.turns, told.sources
            quoting = Quoting.of(self._opened.tokenizer, told.lines, told.further)
            self._settings = replace(self._settings, quoting=quoting)
        capacity = self._opened.decoder.capacity
        room = min(self._settings.max_tokens, capacity // 4)
        ids, dropped = fit(self._opened.tokenizer, self._format, messages, capacity, room)
        if dropped:
            self._output.warn(
                Bilingual(
                    f"对话太长，最早的 {dropped} 条模型看不到了。",
                    f"The conversation is long: the model no longer sees its first {dropped} messages.",
                )
            )
        return ids

    def talk(self) -> None:
        """A line in, an answer out. What is too long is said and forgotten; the talk goes on."""
        from desktop.llm.generate import PromptTooLongError
        from desktop.llm.prompts import Message

        messages: list[Message] = []
        ask: Callable[[str], str] = input if sys.stdin.isatty() else lambda _: input()
        while True:
            try:
                text = ask("> ").strip()
            except EOFError:
                return
            if not text:
                continue
            messages.append(Message("user", text))
            try:
                answer = self.answer(self.encode(messages))
            except KeyboardInterrupt:
                self._output.say()
                messages.pop()
                continue
            except PromptTooLongError as error:
                self._output.error(error)
                messages.pop()
                continue
            messages.append(Message("assistant", answer))

    def answer(self, ids: Sequence[int]) -> str:
        """Write the answer to a prompt, show it as it comes, and return its text."""
        if self._arguments.beams > 1:
            return self._search(ids)
        from desktop.llm.generate import generate

        generation = generate(self._opened.decoder, self._opened.tokenizer, ids, self._settings)
        first = True
        while True:
            try:
                token = next(generation)
            except StopIteration as end:
                return self._done(end.value)
            self._show(token, first=first)
            first = False

    def _show(self, token: GeneratedToken, *, first: bool) -> None:
        self._output.stream(token.text.lstrip(" ") if first else token.text)
        self._output.data(
            {
                "type": "token",
                "id": token.id,
                "text": token.text,
                "logprob": token.logprob,
                "top": token.alternatives,
                "entropy": token.entropy,
                "ms": token.ms,
            }
        )

    def _done(self, summary: Summary) -> str:
        self._output.stream("\n")
        if self._sources:
            names = "; ".join(self._output.pick(source.title) for source in self._sources)
            self._output.say(Bilingual(f"课程出处：{names}", f"From the course: {names}"))
        self._output.data(
            {
                "type": "done",
                "stop": summary.stop,
                "sources": [source.to_mapping() for source in self._sources],
                "prompt_tokens": summary.prompt_tokens,
                "reused_tokens": summary.reused_tokens,
                "tokens": len(summary.ids),
                "prefill_s": summary.prefill_s,
                "decode_tok_s": summary.tokens_per_second,
                "text": summary.text,
                **(self._system() if self._arguments.system_info else {}),
            }
        )
        return summary.text

    def _search(self, ids: Sequence[int]) -> str:
        """Beam search: the answer is known only at the end."""
        import time

        from desktop.llm.beam import Beam, beam_search
        from desktop.llm.generate import PromptTooLongError

        tokenizer, decoder = self._opened.tokenizer, self._opened.decoder
        if len(ids) >= decoder.capacity:
            raise PromptTooLongError(
                Bilingual("提示太长，放不下回答。", "The prompt leaves no room for an answer.")
            )
        end = tokenizer.end_of_text
        started = time.perf_counter()
        search = beam_search(
            decoder,
            ids,
            beams=self._arguments.beams,
            max_tokens=self._settings.max_tokens,
            stop_tokens=() if end is None else (end,),
            real_ids=min(tokenizer.size, decoder.config.vocab_size),
            sampling=self._settings.sampling,
        )
        best = Beam()
        for step in search:
            best = (step.finished or step.running or (best,))[0]
        seconds = time.perf_counter() - started
        for token, logprob in zip(best.ids, best.logprobs, strict=True):
            text = tokenizer.decode([token])
            self._output.data({"type": "token", "id": token, "text": text, "logprob": logprob})
        text = tokenizer.decode(best.ids)
        self._output.stream(text + "\n")
        self._output.data(
            {
                "type": "done",
                "stop": "eos" if best.ids and best.ids[-1] == end else "limit",
                "prompt_tokens": len(ids),
                "tokens": len(best.ids),
                "beams": self._arguments.beams,
                "score": best.score,
                "seconds": seconds,
                "text": text,
                **(self._system() if self._arguments.system_info else {}),
            }
        )
        return text
