"""``lessons``, ``run`` and ``doctor``: what they print, for people and for programs."""

import json
import math
import os
import subprocess
import sys

import pytest
import torch

import desktop
from desktop import paths
from desktop.course import load_course
from desktop.engine.loading import load_experiment, load_parameters
from desktop.engine.run import Run


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_version(glassbox):
    answer = glassbox("--version")
    assert answer.status == 0
    assert answer.out == f"glassbox {desktop.__version__}\n"


@pytest.mark.parametrize("command", [[], ["lessons"], ["run"], ["doctor"], ["bench"]])
def test_help_in_both_languages(glassbox, command):
    english = glassbox(*command, "--help")
    chinese = glassbox(*command, "--help", "--lang", "zh")
    assert english.status == chinese.status == 0
    assert "usage: glassbox" in english.out
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in english.out)
    assert "用法：glassbox" in chinese.out.replace(" ", "")
    assert "usage" not in chinese.out


# ---- lessons


def test_lessons_lists_every_lesson_with_its_parameters(glassbox):
    answer = glassbox("lessons", "--json")
    assert answer.status == 0
    (listed,) = answer.lines
    course = load_course(paths.lessons())
    assert [entry["slug"] for entry in listed] == [lesson.slug for lesson in course.lessons]
    for entry, lesson in zip(listed, course.lessons, strict=True):
        assert entry["chapter"] == lesson.chapter
        assert entry["title"] == {"zh": lesson.title.zh, "en": lesson.title.en}
        assert entry["steps"] == len(lesson.steps)
        assert [check["id"] for check in entry["checks"]] == [c.id for c in lesson.checks]
        specs = load_parameters(lesson.folder)[0].specs()
        assert [parameter["name"] for parameter in entry["parameters"]] == list(specs)
        for parameter in entry["parameters"]:
            assert {"type", "min", "max", "choices", "default", "unit"} <= set(parameter)
            spec = specs[parameter["name"]]
            assert spec.check(parameter["default"]) == spec.default


def test_lessons_for_people_in_both_languages(glassbox):
    english, chinese = glassbox("lessons"), glassbox("lessons", "--lang", "zh")
    for lesson in load_course(paths.lessons()).lessons:
        assert f"{lesson.slug}  {lesson.title.en}" in english.out
        assert f"{lesson.slug}  {lesson.title.zh}" in chinese.out
    assert english.err == chinese.err == ""


# ---- run


def test_run_prints_the_numbers_of_the_run(glassbox):
    answer = glassbox(
        "run", "gradient-descent", "--steps", 7, "--seed", 3, "--set", "learning_rate=0.1", "--json"
    )
    assert answer.status == 0
    *steps, last = answer.lines
    folder = load_course(paths.lessons()).lesson("gradient-descent").folder
    run = Run(load_experiment(folder), load_parameters(folder)[0](learning_rate=0.1), 3)
    assert [line["step"] for line in steps] == list(range(8))
    assert steps[0]["scalars"] == run.experiment.measure()
    for line in steps[1:]:
        assert line["scalars"] == run.advance()
    final = last["final"]
    assert final["scalars"] == steps[-1]["scalars"]
    assert final["seed"] == 3
    assert final["parameters"]["learning_rate"] == 0.1
    for name, item in run.frame().items.items():
        for array in item.arrays():
            assert f"{name}.{array}" in final["arrays"]
    assert isinstance(final["diagnosis"], list)


def test_a_diverging_run_is_valid_json_and_is_diagnosed(glassbox):
    answer = glassbox(
        "run", "gradient-descent", "--steps", 1500, "--set", "learning_rate=3", "--json"
    )
    assert answer.status == 0
    *steps, last = answer.lines
    assert any(None in line["scalars"].values() for line in steps) or all(
        math.isfinite(line["scalars"]["loss"]) for line in steps
    )
    codes = {finding["code"] for finding in last["final"]["diagnosis"]}
    assert codes & {"diverging", "nonfinite"}
    for finding in last["final"]["diagnosis"]:
        assert finding["message"]["zh"]
        assert finding["message"]["en"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_run_for_people(glassbox, language):
    answer = glassbox("run", "playground", "--steps", 3, "--lang", language)
    assert answer.status == 0
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["0", "1", "2", "3"]
    assert "train_loss=" in lines[3]


def test_no_steps_shows_the_beginning(glassbox):
    *steps, last = glassbox("run", "playground", "--steps", 0, "--json").lines
    assert [line["step"] for line in steps] == [0]
    assert last["final"]["step"] == 0


# ---- doctor


@pytest.mark.parametrize("language", ["zh", "en"])
def test_doctor_reports_this_machine(glassbox, qapp, language, tmp_path):
    answer = glassbox("doctor", "--json", "--lang", language)
    assert answer.status == 0, answer.out
    (report,) = answer.lines
    assert report["version"] == desktop.__version__
    assert report["torch"] == torch.__version__
    assert report["qt"]
    assert report["problems"] == []
    assert report["data_dir"] == str(tmp_path / "data")
    assert set(report["fonts"]) >= {"zh"}
    assert report["devices"][0]["kind"] == "cpu"
    for device in report["devices"]:
        assert device["memory_bytes"] >= device["free_bytes"] > 0
        assert device["chat_path"]
        assert device["why"]["zh"]
        assert device["why"]["en"]
    text = glassbox("doctor", "--lang", language)
    assert str(tmp_path / "data") in text.out
    assert not (tmp_path / "data").exists()


def test_doctor_lists_models_and_says_which_are_incomplete(glassbox, qapp, tmp_path):
    from desktop.llm import model_folder
    from desktop.llm.phi import Phi, PhiConfig
    from desktop.llm.tokenizer import Tokenizer

    tokenizer = Tokenizer.characters("once upon a time")
    model = Phi(PhiConfig(tokenizer.size, 16, 32, 1, 2, 2, 24))
    for name in ("half", "whole"):
        model_folder.save(tmp_path / "data" / "models" / name, model, tokenizer)
    (tmp_path / "data" / "models" / "half" / "model.safetensors").unlink()
    (report,) = glassbox("doctor", "--json").lines
    assert [(m["name"], m["complete"], m["type"]) for m in report["models"]] == [
        ("half", False, None),
        ("whole", True, "phi"),
    ]


def test_doctor_says_what_is_missing_and_does_not_fail(glassbox, qapp, monkeypatch):
    from desktop.commands import doctor

    real = doctor.importlib.import_module

    def broken(name, *rest):
        if name == "tokenizers":
            raise ImportError("libsomething.so: no such file")
        return real(name, *rest)

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    monkeypatch.setattr(doctor, "_writable", lambda folder: False)
    answer = glassbox("doctor", "--json")
    assert answer.status == 1
    (report,) = answer.lines
    assert [p["en"].split()[0] for p in report["problems"]] == ["tokenizers", "The"]
    assert "libsomething" in report["problems"][0]["zh"]


# ---- what is imported


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["lessons"],
        ["run", "--help"],
        ["run", "no-such-lesson"],
        ["run", "playground", "--set", "learning_rate=much"],
        ["doctor", "--help"],
        ["shot", "--help"],
        ["bench", "--help"],
        ["bench", "ui", "--help"],
        ["bench", "start", "--help"],
        ["bench", "train", "--help"],
    ],
    ids=" ".join,
)
def test_answers_that_need_neither_torch_nor_qt_do_not_load_them(arguments):
    program = (
        "import sys; from desktop.cli import main;"
        f"status = main({arguments!r});"
        "loaded = {'torch', 'PySide6'} & set(sys.modules);"
        "sys.exit(99 if loaded else status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 2), done.stdout + done.stderr


@pytest.mark.slow
def test_bench_ui_watches_the_window_while_a_model_writes():
    watch = ["bench", "ui", "--seconds", "1", "--chat", "random", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "desktop", *watch],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)
    assert report["chat"].startswith("random")
    assert report["chat_tokens_per_s"]["median"] > 0
    assert report["steps_per_s"]["median"] > 0
    assert 0 < report["p99_ms"]["median"] <= report["max_ms"]["median"]
