"""Training the tutor: the loss falls, a stop changes nothing, what ships answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from desktop import paths, tutor
from desktop.llm import model_folder
from desktop.tutor.train import Plan, Trainer, main

SMALL = Plan(
    vocabulary=600,
    width=32,
    layers=1,
    heads=2,
    reading_steps=6,
    tuning_steps=6,
    batch_tokens=512,
    reading_rate=5e-3,
    tuning_rate=5e-3,
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """The same sums in the same order, whatever else the machine does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thin slice of the real data: every ninth line of each file, so that both languages are in."""
    folder = tmp_path_factory.mktemp("data")
    for path in tutor.data_folder().glob("*.jsonl"):
        lines = path.read_text(encoding="utf-8").splitlines()
        (folder / path.name).write_text("\n".join(lines[::9]) + "\n", encoding="utf-8")
    return folder


def trainer(folder: Path, data: Path, plan: Plan = SMALL) -> Trainer:
    """A run in a folder, over the slice and no lessons."""
    nothing = folder.parent / "no-lessons"
    nothing.mkdir(exist_ok=True)
    return Trainer(plan, folder, data, nothing)


def test_a_short_run_lowers_the_loss_and_writes_its_log(tmp_path: Path, data: Path) -> None:
    run = trainer(tmp_path / "run", data, replace(SMALL, reading_steps=70, tuning_steps=70))
    before = run.validation()
    run.run()
    assert run.step == 140
    assert run.validation() < before - 0.5
    lines = (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    assert last["step"] == run.step
    assert last["loss"] > 0


@pytest.mark.parametrize("stop", [4, 9])
def test_a_stop_changes_nothing(tmp_path: Path, data: Path, stop: int) -> None:
    whole = trainer(tmp_path / "whole", data)
    whole.run()
    trainer(tmp_path / "halves", data).run(until=stop)
    resumed = trainer(tmp_path / "halves", data)
    assert resumed.step == stop
    resumed.run()
    for name, weights in whole.model.state_dict().items():
        assert torch.equal(weights, resumed.model.state_dict()[name]), name


def test_another_plan_does_not_go_on_from_a_checkpoint(tmp_path: Path, data: Path) -> None:
    trainer(tmp_path / "run", data).run(until=2)
    with pytest.raises(SystemExit, match="another plan"):
        trainer(tmp_path / "run", data, replace(SMALL, tuning_rate=1.0))


def test_the_result_is_an_ordinary_model_folder(tmp_path: Path, data: Path) -> None:
    run = trainer(tmp_path / "run", data)
    run.save(tmp_path / "model")
    loaded = model_folder.load(tmp_path / "model")
    assert loaded.model.config == run.model.config
    assert loaded.notes["name"] == "tutor"


def test_the_command_says_what_it_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "--tuning-steps" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------------
# What ships


def test_the_shipped_file_is_small_and_its_vocabulary_takes_both_languages() -> None:
    loaded = model_folder.load(tutor.model_folder())
    assert (tutor.model_folder() / "model.safetensors").stat().st_size < 40 * 10**6
    for text in ("过拟合是什么意思？🙂", "What is a learning rate, η = 0.1?", "中英 mixed 一起"):
        ids = loaded.tokenizer.encode(text)
        assert loaded.tokenizer.decode(ids) == text
    assert (paths.resources() / "tutor" / "MODEL_CARD.md").is_file()


def test_a_finished_model_can_be_tuned_further(tmp_path: Path, data: Path) -> None:
    first = trainer(tmp_path / "first", data, replace(SMALL, reading_steps=2, tuning_steps=2))
    first.run()
    first.save(tmp_path / "model")
    plan = replace(SMALL, reading_steps=0, tuning_steps=3, begin_with=str(tmp_path / "model"))
    second = trainer(tmp_path / "second", data, plan)
    assert second.tokenizer.to_json() == first.tokenizer.to_json()
    name, tensor = next(iter(second.model.named_parameters()))
    kept = first.model.get_parameter(name).to(torch.bfloat16).float()
    assert torch.equal(tensor, kept)
    second.run()
    assert not torch.equal(tensor, kept)
