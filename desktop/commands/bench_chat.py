"""``glassbox bench chat``: how fast a model reads and writes on this machine.

``--random phi-2`` needs no download: weights of Phi-2's exact shape are made up. Measured are the
reading of a prompt and writing at a short and a long context, in alternation, each token chosen
greedily; ``others`` says how much of the processors other programs used meanwhile, because with few
cores that decides more than anything else. ``--convert`` also measures the conversion of such a model
from float16, then opens what was converted; ``--inside`` what looking inside costs.
Nothing is printed that was not measured.

Speeds of two programs can only be compared in alternation. For that, ``--worker`` loads the model and
then answers requests, one JSON object a line: ``{"op": "decode", "n": 32, "ctx": 1024}`` writes 32
tokens behind 1024 others, ``{"op": "prefill", "n": 256}`` reads a prompt; each answer has the seconds
``t`` and ``tok_s``. Between requests it is idle. Imports torch when it runs; no Qt.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from desktop import paths
from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser, UsageError, whole
from desktop.commands.memory import peak_memory
from desktop.commands.output import Output, table

if TYPE_CHECKING:
    from desktop.llm.cache import Decoder
    from desktop.llm.fast_open import OpenedModel

FIRST_TOKEN = 100


def add_arguments(parser: Parser) -> None:
    """Which model, and how thoroughly."""
    parser.add_argument(
        "--model",
        metavar="NAME|PATH",
        help=parser.pick("已导入的模型名，或模型文件的路径", "an imported model, or a path"),
    )
    parser.add_argument(
        "--random",
        choices=("phi-2",),
        help=parser.pick(
            "用随机权重，形状和 Phi-2 完全一样", "random weights of exactly Phi-2's shape"
        ),
    )
    parser.add_argument(
        "--convert",
        action="store_true",
        help=parser.pick(
            "先写出这样一个 float16 模型，转换它，再测（暂用 8 GB 磁盘）",
            "write such a model in float16, convert it, then measure (8 GB of disk meanwhile)",
        ),
    )
    parser.add_argument(
        "--inside",
        action="store_true",
        help=parser.pick("另测看内部要多花多少时间", "also measure what looking inside costs"),
    )
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), help=parser.pick("在哪里计算", "where to compute")
    )
    for name, default, zh, en in (
        ("repeats", 5, "每个数字测几遍", "how often each figure is measured"),
        ("tokens", 32, "每遍写几个词元", "tokens written each time"),
        ("threads", os.cpu_count() or 1, "torch 用几个线程", "torch threads"),
    ):
        parser.add_argument(
            f"--{name}",
            type=whole(1, 10_000),
            default=default,
            metavar="N",
            help=parser.pick(f"{zh}(默认 {default})", f"{en} ({default})"),
        )
    for name, lengths, zh, en in (
        ("prompts", "256,1024", "提示的长度", "lengths of prompts"),
        ("contexts", "16,1024", "书写时的上下文长度", "contexts to write at"),
    ):
        parser.add_argument(
            f"--{name}",
            default=lengths,
            metavar="N,N",
            help=parser.pick(f"{zh}(默认 {lengths})", f"{en} ({lengths})"),
        )

    parser.add_argument(
        "--worker",
        action="store_true",
        help=parser.pick(
            "加载后按标准输入中每行一个 JSON 的请求测量，供交替比较",
            "load, then measure what standard input asks for, a JSON object a line",
        ),
    )


def run(arguments: argparse.Namespace) -> int:
    """Load, measure, print."""
    prompts, contexts = _numbers(arguments.prompts), _numbers(arguments.contexts)
    if bool(arguments.model) == bool(arguments.random):
        raise UsageError(
            Bilingual("请指定 --model 或 --random 其中之一。", "Name one of --model and --random.")
        )
    if arguments.convert and not arguments.random:
        raise UsageError(
            Bilingual("--convert 要和 --random 一起用。", "--convert goes with --random.")
        )
    import torch

    torch.set_num_threads(arguments.threads)
    longest = max([*prompts, *contexts]) + max(arguments.tokens, 64)
    with ExitStack() as spare:
        opened, extra = _open(arguments, longest, spare)
    if arguments.worker:
        _answer(opened, sys.stdin)
        return 0
    figures = measure(opened.decoder, prompts, contexts, arguments.tokens, arguments.repeats)
    if arguments.inside:
        from desktop.commands.bench_chat_inside import measure_inside

        figures |= measure_inside(opened, contexts, arguments.tokens, arguments.repeats)
    report = {
        "what": "chat",
        "model": opened.name,
        "device": opened.device,
        "path": opened.path,
        "why": opened.why,
        "threads": arguments.threads,
        "repeats": arguments.repeats,
        **figures,
        **extra,
        "load_s": opened.load_s,
        "peak_rss_bytes": peak_memory(),
    }
    _print(arguments.output, report)
    return 0


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    if not numbers or not all(0 < number < 1_000_000 for number in numbers):
        raise UsageError(
            Bilingual(
                f"“{text}”应该是用逗号分开的整数。", f"“{text}” should be whole numbers and commas."
            )
        )
    return numbers


# ------------------------------------------------------------------------------------------------
# The model


def _open(
    arguments: argparse.Namespace, capacity: int, spare: ExitStack
) -> tuple[OpenedModel, dict[str, Any]]:
    """The model, and figures of how it came about; ``spare`` holds a folder until it is open."""
    from desktop.commands.chat import find_model
    from desktop.llm.fast_open import open_for_chat

    if arguments.random and not arguments.convert:
        return _open_random(arguments.device or "cpu", capacity)
    extra: dict[str, Any] = {}
    if arguments.convert:
        from desktop.commands.bench_chat_random import convert_random, phi_2

        place = paths.data_dir(arguments.data_dir)
        place.mkdir(parents=True, exist_ok=True)
        made = TemporaryDirectory(prefix=".bench-", dir=place, ignore_cleanup_errors=True)
        path, extra = convert_random(Path(spare.enter_context(made)), phi_2())
    else:
        path = find_model(arguments.model, arguments.data_dir)
    return open_for_chat(path, capacity=capacity, device=arguments.device), extra


def _open_random(device: str, capacity: int) -> tuple[OpenedModel, dict[str, Any]]:
    from desktop.commands.bench_chat_random import RandomWeights, phi_2, random_tokenizer
    from desktop.llm.fast import QuantizedPhi
    from desktop.llm.fast_open import OpenedModel, open_quantized

    weights = RandomWeights(phi_2())
    started = time.perf_counter()
    decoder, path, why = open_quantized(QuantizedPhi(phi_2(), weights), capacity, device)
    seconds = time.perf_counter() - started - weights.seconds
    tokenizer = random_tokenizer(phi_2())
    opened = OpenedModel(decoder, tokenizer, "random phi-2", path, why, device, seconds, 0)
    return opened, {"make_random_s": weights.seconds}


# ------------------------------------------------------------------------------------------------
# Measuring


def measure(
    decoder: Decoder, prompts: list[int], contexts: list[int], tokens: int, repeats: int
) -> dict[str, Any]:
    """Tokens per second of every figure, measured in alternation."""
    work: dict[str, Callable[[], tuple[int, float]]] = {}
    for length in prompts:
        work[f"prefill_{length}"] = lambda length=length: _read(decoder, length)  # type: ignore[misc]
    for length in contexts:
        work[f"decode_{length}"] = lambda length=length: _write(decoder, length, tokens)  # type: ignore[misc]
    for job in work.values():
        job()  # the first time costs memory and start-up
    speeds: dict[str, list[float]] = {name: [] for name in work}
    others: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, job in work.items():
            before = _busy()
            count, seconds = job()
            speeds[name].append(count / seconds)
            others[name].append(_share_of_others(before))
    return {
        name: {
            "unit": "tok/s",
            "median": statistics.median(found),
            "min": min(found),
            "max": max(found),
            "others": statistics.median(others[name]),
        }
        for name, found in speeds.items()
    }


def _answer(opened: OpenedModel, requests: Iterable[str]) -> None:
    """Measure what is asked for, line by line, until the input ends."""
    _write(opened.decoder, 8, 4)  # the first time costs memory and start-up
    ready = {"engine": f"glassbox {opened.path}", "ready": True, "load_s": opened.load_s}
    print(json.dumps({**ready, "rss_gb": peak_memory() / 1e9}), flush=True)
    for line in requests:
        before = _busy()
        count, seconds = _asked(opened.decoder, line)
        answer = {"t": seconds, "tok_s": count / seconds, "foreign": _share_of_others(before)}
        print(json.dumps({**answer, "rss_gb": peak_memory() / 1e9}), flush=True)


def _asked(decoder: Decoder, line: str) -> tuple[int, float]:
    try:
        request = json.loads(line)
        op, count, context = request["op"], int(request["n"]), int(request.get("ctx") or 16)
        if op not in ("decode", "prefill") or not 0 < count + context < decoder.capacity:
            raise ValueError(op)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            Bilingual(f"看不懂的请求：{line[:200]}", f"not a request: {line[:200]}")
        ) from error
    return _read(decoder, count) if op == "prefill" else _write(decoder, context, count)


def some_ids(count: int, vocabulary: int) -> list[int]:
    """A prompt of that length."""
    return [(FIRST_TOKEN + n % 50) % vocabulary for n in range(count)]


def _read(decoder: Decoder, length: int) -> tuple[int, float]:
    """Read a prompt from the beginning."""
    decoder.rewind(0)
    started = time.perf_counter()
    int(decoder.read(some_ids(length, decoder.config.vocab_size)).argmax())
    return length, time.perf_counter() - started


def _write(decoder: Decoder, context: int, tokens: int) -> tuple[int, float]:
    """Write behind a context; the reading of the context is not timed."""
    token = int(decoder.read(some_ids(context, decoder.config.vocab_size)).argmax())
    started = time.perf_counter()
    for _ in range(tokens):
        token = int(decoder.decode(token).argmax())
    return tokens, time.perf_counter() - started


def _busy() -> tuple[float, float, float]:
    """Processor seconds: of everybody, of this process, and the clock."""
    import psutil

    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    own = psutil.Process().cpu_times()
    return sum(times[:8]) - idle, own.user + own.system, time.perf_counter()


def _share_of_others(before: tuple[float, float, float]) -> float:
    """Processors that others kept busy since ``before``, 1 for one of them all the time."""
    after = _busy()
    everybody, own, seconds = (b - a for a, b in zip(before, after, strict=True))
    return max(0.0, (everybody - own) / seconds) if seconds > 0 else 0.0


# ------------------------------------------------------------------------------------------------
# Printing


def _print(output: Output, report: dict[str, Any]) -> None:
    output.data(report)
    if output.as_json:
        return
    output.say(f"{report['model']} · {report['device']} · {report['path']}")
    output.say(report["why"])
    rows: list[tuple[str, ...]] = []
    for name, value in report.items():
        if isinstance(value, dict):
            spread = f"({value['min']:.1f}–{value['max']:.1f})"
            rows.append((name, f"{value['median']:.1f}", value["unit"], spread))
    if "convert_s" in report:
        rows.append(("convert", f"{report['convert_s']:.1f}", "s", ""))
        rows.append(
            ("convert: peak memory", _gigabytes(report["convert_peak_rss_bytes"]), "GB", "")
        )
        rows.append(("convert: result", _gigabytes(report["convert_bytes"]), "GB", ""))
        rows.append(("convert: relative error", f"{report['convert_error']:.4f}", "", ""))
    rows.append(("load", f"{report['load_s']:.1f}", "s", ""))
    rows.append(("peak memory", _gigabytes(report["peak_rss_bytes"]), "GB", ""))
    for line in table(rows):
        output.say(line)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f}"
