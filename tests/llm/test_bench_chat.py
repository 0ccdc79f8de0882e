"""``glassbox bench chat`` with a small model."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch

from desktop import cli
from desktop.commands import bench_chat_random
from desktop.commands.bench_chat import measure
from desktop.commands.bench_chat_random import RandomWeights
from desktop.llm.fast import FastDecoder, QuantizedPhi, prepare
from desktop.llm.kernels_choice import Choice, choose_for_processor
from desktop.llm.phi import Phi
from tests.llm.small_model import CONFIG


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def few_of(*, tokens: int, repeats: int) -> list[str]:
    """Arguments for a short measurement."""
    counts = ["--tokens", str(tokens), "--repeats", str(repeats)]
    return ["--prompts", "20", "--contexts", "4", "--threads", "1", *counts]


def test_bench_measures_a_model(small_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = few_of(tokens=3, repeats=2)
    assert cli.main(["bench", "chat", "--model", str(small_folder), "--json", *few]) == 0
    report = lines(capsys)[0]
    assert (report["what"], report["device"], report["repeats"]) == ("chat", "cpu", 2)
    for name in ("prefill_20", "decode_4"):
        assert 0 < report[name]["min"] <= report[name]["median"] <= report[name]["max"]
    assert report["peak_rss_bytes"] > 1e8


def test_random_weights_have_the_shapes_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = RandomWeights(CONFIG)
    decoder = FastDecoder(
        prepare(QuantizedPhi(CONFIG, weights), Choice("int4", choose_for_processor().why).make)
    )
    assert len(weights) == len(Phi(CONFIG).state_dict())
    assert torch.isfinite(decoder.prefill([1, 2])).all()
    assert "decode_4" in measure(decoder, [5], [4], 2, 1)


def test_bench_measures_looking_inside(
    small_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = few_of(tokens=6, repeats=2)
    assert (
        cli.main(["bench", "chat", "--model", str(small_folder), "--json", "--inside", *few]) == 0
    )
    report = lines(capsys)[0]
    for name in ("plain_4", "answer_4", "inside_4"):
        assert 0 < report[name]["min"] <= report[name]["median"] <= report[name]["max"]
    assert report["inside_slower_4"]["median"] > -100
    assert 1 <= report["lenses_4"]["min"] <= report["lenses_4"]["max"] <= 7


def test_bench_measures_a_conversion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way with another shape: float16 files, conversion, opening, figures, no traces."""
    monkeypatch.setattr(bench_chat_random, "phi_2", lambda: CONFIG)
    few = few_of(tokens=3, repeats=1)
    place = ["--data-dir", str(tmp_path), "--json", "--lang", "en"]
    assert cli.main(["bench", "chat", "--random", "phi-2", "--convert", *few, *place]) == 0
    report = lines(capsys)[0]
    assert 0.05 < report["convert_error"] < 0.1
    assert report["convert_s"] > 0
    assert report["convert_bytes"] > CONFIG.parameter_count / 2
    assert report["decode_4"]["median"] > 0
    assert list(tmp_path.iterdir()) == []
    assert cli.main(["bench", "chat", "--model", "x", "--convert", *place]) != 0
    assert "--random" in capsys.readouterr().err


def test_a_worker_measures_what_is_asked_for(
    small_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ['{"op": "decode", "n": 3, "ctx": 5}', '{"op": "prefill", "n": 20}']
    few = [*few_of(tokens=3, repeats=1), "--worker"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(asked) + "\n"))
    assert cli.main(["bench", "chat", "--model", str(small_folder), *few]) == 0
    ready, wrote, read = lines(capsys)
    assert ready["ready"]
    assert wrote["tok_s"] == pytest.approx(3 / wrote["t"])
    assert read["tok_s"] == pytest.approx(20 / read["t"])
    for wrong in ('{"op": "sing", "n": 3}', "not json", '{"op": "decode", "n": 1000000}'):
        monkeypatch.setattr("sys.stdin", io.StringIO(wrong + "\n"))
        assert cli.main(["bench", "chat", "--model", str(small_folder), *few]) != 0
        assert wrong in capsys.readouterr().err
