"""Every mistake ends in one sentence in the user's language, a status, and JSON if asked."""

import os
import subprocess
import sys

import pytest

from desktop.bilingual import Bilingual, GlassboxError
from desktop.commands.output import plain, system_language, table

MISTAKES = {
    "unknown lesson": (["run", "alchemy"], "alchemy"),
    "no lesson": (["run"], "SLUG"),
    "unknown parameter": (["run", "playground", "--set", "magic=1"], "magic"),
    "out of range": (["run", "playground", "--set", "learning_rate=99"], "99"),
    "not a number": (["run", "playground", "--set", "learning_rate=fast"], "fast"),
    "not a choice": (["run", "playground", "--set", "activation=step"], "activation"),
    "no equals sign": (["run", "playground", "--set", "learning_rate"], "learning_rate"),
    "steps not a number": (["run", "playground", "--steps", "many"], "many"),
    "steps below zero": (["run", "playground", "--steps", "-4"], "-4"),
    "seed below zero": (["run", "playground", "--seed", "-1"], "-1"),
    "option without value": (["run", "playground", "--steps"], "--steps"),
    "unknown option": (["lessons", "--colour"], "--colour"),
    "unknown command": (["dance"], "dance"),
    "bench of nothing": (["bench"], "train"),
    "unknown bench": (["bench", "juggling"], "juggling"),
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_in_one_sentence(glassbox, name, language):
    arguments, said = MISTAKES[name]
    answer = glassbox(*arguments, "--lang", language)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.err) is (language == "zh")


@pytest.mark.parametrize("name", MISTAKES)
def test_with_json_the_error_is_an_object_too(glassbox, name):
    answer = glassbox(*MISTAKES[name][0], "--json")
    (error,) = answer.lines
    assert error["type"] == "error"
    assert error["message"] in answer.err
    assert "hint" in error


def test_an_experiment_that_fails_says_where(glassbox, monkeypatch):
    from desktop.engine.run import Run

    real = Run.advance

    def fail_at_three(run):
        if run.step == 2:
            raise ArithmeticError("no more numbers")
        return real(run)

    monkeypatch.setattr(Run, "advance", fail_at_three)
    answer = glassbox("run", "gradient-descent", "--steps", 5, "--json")
    assert answer.status == 1
    *steps, error = answer.lines
    assert [line["step"] for line in steps] == [0, 1, 2]
    assert "step 3" in error["message"]
    assert "no more numbers" in error["message"]


def test_an_error_of_ours_is_still_a_sentence(glassbox, monkeypatch):
    monkeypatch.setattr("desktop.commands.lessons.load_course", lambda root: 1 / 0)
    answer = glassbox("lessons")
    assert answer.status == 1
    assert "ZeroDivisionError" in answer.err
    assert "GLASSBOX_DEBUG" in answer.err
    assert answer.err.count("\n") == 1
    monkeypatch.setenv("GLASSBOX_DEBUG", "1")
    assert "Traceback" in glassbox("lessons").err


def test_a_broken_lesson_is_told_and_the_others_are_listed(glassbox, monkeypatch):
    from desktop.commands import lessons as command

    class Broken:
        chapters = ()
        problems = (GlassboxError(Bilingual("坏了", "broken")),)

    monkeypatch.setattr(command, "load_course", lambda root: Broken)
    answer = glassbox("lessons")
    assert answer.status == 0
    assert answer.err == "glassbox: broken\n"


def test_interrupting_ends_quietly(glassbox, monkeypatch):
    def interrupt(root):
        raise KeyboardInterrupt

    monkeypatch.setattr("desktop.commands.lessons.load_course", interrupt)
    assert glassbox("lessons").status == 130


@pytest.mark.skipif(os.name != "posix", reason="pipes end otherwise there")
def test_a_reader_that_goes_away_ends_the_run_quietly():
    command = [sys.executable, "-m", "desktop", "run", "gradient-descent", "--steps", "200000"]
    process = subprocess.Popen(
        [*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith('{"step": 0')
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def test_chinese_survives_a_pipe_in_a_plain_locale():
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-m", "desktop", "lessons", "--lang", "zh"],
        capture_output=True,
        env=environment | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        check=True,
    )
    assert "梯度下降" in done.stdout.decode("utf-8")


def test_without_streams_nothing_breaks(monkeypatch):
    """A frozen window has neither standard output nor standard error."""
    from desktop.cli import main

    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["lessons"]) == 0
    assert main(["run", "alchemy"]) == 2


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW"}, "zh"),
        ({"LANGUAGE": "en:zh", "LANG": "zh_CN"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_follows_the_system(monkeypatch, environment, language):
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert system_language() == language


def test_numbers_become_plain_json():
    import numpy as np
    import torch

    values = {
        "nan": float("nan"),
        "array": np.array([[1.0, np.inf], [np.nan, 2.0]]),
        "number": np.float32(0.5),
        "whole": np.int64(3),
        "yes": np.bool_(True),
        "tensor": torch.tensor([1, 2]),
        "tuple": (1, "二", None),
        "text": Bilingual("甲", "a"),
    }
    assert plain(values) == {
        "nan": None,
        "array": [[1.0, None], [None, 2.0]],
        "number": 0.5,
        "whole": 3,
        "yes": True,
        "tensor": [1, 2],
        "tuple": [1, "二", None],
        "text": {"zh": "甲", "en": "a"},
    }
    with pytest.raises(TypeError):
        plain(object())


def test_columns_are_aligned_with_wide_characters():
    assert table([("学习率", "0.1"), ("ab", "2")], indent="") == ["学习率  0.1", "ab      2"]
