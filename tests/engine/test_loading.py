"""Lesson folders are imported by path, without torch where none is needed."""

import subprocess
import sys

import pytest

from desktop.engine.loading import LoadingError, load_experiment, load_parameters

PARAMETERS = """
from dataclasses import dataclass
from desktop.engine.parameters import ParameterSet, number, scalar
@dataclass(frozen=True)
class Parameters(ParameterSet):
    rate: float = number({default}, low=0.0, high=9.0, zh=("率", ""), en=("rate", ""))
SCALARS = (scalar("loss", "损失", "loss"),)
"""
EXPERIMENT = """
from desktop.engine.experiment import Experiment
from .parameters import SCALARS, Parameters
class Lesson(Experiment):
    Parameters = Parameters
    scalars = SCALARS
    def build(self): pass
    def step(self): return {}
    def frame(self): return {}
"""


@pytest.fixture
def make_folder(tmp_path):
    def make(root="lessons", slug="a-lesson", parameters=None, experiment=EXPERIMENT):
        folder = tmp_path / root / "1-first" / slug
        folder.mkdir(parents=True)
        text = PARAMETERS.format(default=1.0) if parameters is None else parameters
        (folder / "parameters.py").write_text(text, encoding="utf-8")
        (folder / "experiment.py").write_text(experiment, encoding="utf-8")
        return folder

    return make


def test_a_lesson_loads_and_knows_its_siblings(make_folder):
    folder = make_folder()
    parameters, scalars = load_parameters(folder)
    experiment = load_experiment(folder)
    assert experiment.Parameters is parameters
    assert [scalar.name for scalar in scalars] == ["loss"]
    assert load_experiment(folder) is experiment
    assert experiment.__module__.startswith("glassbox_lessons.1_first.a_lesson")


def test_two_folders_of_one_name_do_not_mix(make_folder):
    first = load_parameters(make_folder("one"))[0]
    second = load_parameters(make_folder("two", parameters=PARAMETERS.format(default=2.0)))[0]
    assert (first().rate, second().rate) == (1.0, 2.0)


def load_both(folder):
    return load_parameters(folder), load_experiment(folder)


@pytest.mark.parametrize(
    ("parameters", "experiment", "said"),
    [
        ("nonsense(", EXPERIMENT, "SyntaxError"),
        ("1 / 0", EXPERIMENT, "ZeroDivisionError"),
        ("Parameters = int", EXPERIMENT, "class Parameters"),
        (PARAMETERS.format(default=1.0) + "SCALARS = (1,)", EXPERIMENT, "SCALARS"),
        (None, "from desktop.engine.experiment import Experiment", "none"),
        (None, EXPERIMENT + "class Other(Lesson): pass", "Lesson, Other"),
        (None, "import no_such_module", "no_such_module"),
    ],
)
def test_a_broken_file_is_named_and_explained(make_folder, parameters, experiment, said):
    folder = make_folder(parameters=parameters, experiment=experiment)
    with pytest.raises(LoadingError, match="a-lesson") as caught:
        load_both(folder)
    assert said in caught.value.details
    assert "1-first/a-lesson" in caught.value.message.zh


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LoadingError, match=r"parameters\.py"):
        load_parameters(tmp_path / "1-first" / "nothing")


def test_parameters_load_without_torch(make_folder):
    code = (
        "import sys, pathlib; from desktop.engine.loading import load_parameters;"
        f"load_parameters(pathlib.Path({str(make_folder())!r})); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
