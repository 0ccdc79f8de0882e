"""``glassbox chat``: lines of JSON, conversations, mistakes in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desktop import cli


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def chat(small_folder: Path, *more: str) -> int:
    return cli.main(["chat", "--model", str(small_folder), "--lang", "en", "--threads", "1", *more])


def test_chat_prints_a_line_for_each_token(
    small_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--json", "--prompt", "the cat", "--raw", "--max-tokens", "5", "--temperature", "0"]
    assert chat(small_folder, *given, "--system-info") == 0
    system, *tokens, done = lines(capsys)
    assert system["type"] == "system"
    assert done["type"] == "done"
    assert done["prompt_tokens"] == 7
    assert done["device"] == "cpu"
    assert "".join(token["text"] for token in tokens) == done["text"]
    assert all(len(token["top"]) == 5 and token["ms"] > 0 for token in tokens)
    assert chat(small_folder, *given) == 0
    assert [t["id"] for t in lines(capsys)[:-1]] == [t["id"] for t in tokens]


def test_chat_takes_ids_and_beams(small_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--json", "--ids", "3,4,5", "--max-tokens", "4", "--beams", "3"]
    assert chat(small_folder, *given, "--no-repeat-ngram", "2") == 0
    *tokens, done = lines(capsys)
    assert done["prompt_tokens"] == 3
    assert done["score"] == pytest.approx(sum(t["logprob"] for t in tokens) / len(tokens), abs=1e-3)


def test_a_conversation_from_a_pipe(
    small_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["hello", "", "too long " * 60, "again"])

    def ask(prompt: str = "") -> str:
        try:
            return next(said)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", ask)
    assert chat(small_folder, "--json", "--max-tokens", "3") == 0
    told = lines(capsys)
    assert len([line for line in told if line["type"] == "error"]) == 1
    done = [line for line in told if line["type"] == "done"]
    assert len(done) == 2
    assert done[1]["prompt_tokens"] > done[0]["prompt_tokens"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--ids", "1,x"],
        ["--ids", "99999"],
        ["--prompt", "a", "--temperature", "-1"],
        ["--prompt", "a", "--top-p", "7"],
        ["--prompt", "a" * 500],
    ],
)
def test_mistakes_are_one_sentence(
    wrong: list[str], small_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chat(small_folder, "--json", *wrong) != 0
    printed = capsys.readouterr()
    assert json.loads(printed.out.splitlines()[-1])["type"] == "error"
    assert printed.err.count("\n") == 1


def test_no_model_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.tutor.model_folder", lambda: tmp_path / "no tutor")
    assert cli.main(["chat", "--prompt", "a", "--data-dir", str(tmp_path), "--lang", "en"]) != 0
    assert "no model" in capsys.readouterr().err


def test_the_tutor_is_called_by_its_name(
    small_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.tutor.model_folder", lambda: small_folder)
    given = ["--model", "tutor", "--json", "--raw", "--prompt", "a", "--max-tokens", "1"]
    assert cli.main(["chat", *given, "--system-info"]) == 0
    assert lines(capsys)[0]["model"] == "tutor"
