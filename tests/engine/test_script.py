"""The stand-alone script really runs, with torch alone, and prints the experiment's numbers."""

import subprocess
import sys
import textwrap

import pytest

from desktop.engine.loading import load_experiment, load_parameters
from desktop.engine.script import ScriptError, shown_source, standalone_script

PARAMETERS = """
from __future__ import annotations
from dataclasses import dataclass
from desktop.engine.parameters import ParameterSet, number, scalar, text
@dataclass(frozen=True)
class Parameters(ParameterSet):
    learning_rate: float = number(0.1, low=0.0, high=1.0, zh=("学习率", ""), en=("rate", ""))
    word: str = text("“a\\nb' c", zh=("词", ""), en=("word", ""))
SCALARS = (scalar("loss", "损失", "loss"),)
"""

HELPERS = '''
from __future__ import annotations
from collections import namedtuple
from collections.abc import Callable
import torch
import torch.nn.functional as F
from torch import Tensor

LOW, HIGH = -1.0, 1.0
Loss = Callable[[Tensor], Tensor]
Pair = namedtuple("Pair", "a b")

# A comment that belongs to it.
def soft(x: Tensor) -> Tensor:
    """Softplus between bounds."""
    return F.softplus(x).clamp(LOW, HIGH * 9)

def twice(f: Loss) -> Loss:
    return lambda x: f(f(x))
'''

EXPERIMENT = '''
from __future__ import annotations
import math
from functools import cache, partial
import torch
from torch import Tensor, nn
import numpy as np
from desktop.bilingual import Bilingual
from desktop.engine.experiment import Experiment
from . import helpers
from .helpers import soft as gentle, twice
from .parameters import SCALARS, Parameters

EPS = 1e-3
UNUSED = Bilingual("无", "none")

class Net(nn.Module):
    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.full((size,), 0.5 + EPS))
    def forward(self, x: Tensor, helpers: int = 0) -> Tensor:
        return twice(gentle)(x @ self.w)

@cache
def scale(n: int) -> float:
    return math.sqrt(n) + float(np.float64(EPS))

def update(net: Net, x: Tensor, learning_rate: float) -> float:
    loss = net(x).mean() * scale(2)
    loss.backward()
    with torch.no_grad():
        net.w -= learning_rate * net.w.grad
    net.w.grad = None
    return loss.item()

def main(learning_rate: float, word: str, seed: int, steps: int) -> None:
    """Train and print."""
    rng = torch.Generator().manual_seed(seed)
    x, net = torch.rand(4, 2, generator=rng), Net()
    for step in range(1, steps + 1):
        print(f"step {step} loss={update(net, x, learning_rate)!r} word={len(word)}")

class Lesson(Experiment[Parameters]):
    Parameters = Parameters
    scalars = SCALARS
    state_names = ("net",)
    shown_code = ("EPS", Net, update)
    script_main = main
    def build(self):
        self.x, self.net = torch.rand(4, 2, generator=self.rng), Net()
    def step(self):
        return {"loss": update(self.net, self.x, self.parameters.learning_rate)}
    def frame(self):
        return {}
'''


@pytest.fixture
def make_lesson(tmp_path):
    def make(experiment=EXPERIMENT):
        folder = tmp_path / "1-toys" / "a-toy"
        folder.mkdir(parents=True)
        for name, source in [
            ("parameters", PARAMETERS),
            ("helpers", HELPERS),
            ("experiment", experiment),
        ]:
            (folder / f"{name}.py").write_text(source, encoding="utf-8")
        return folder

    return make


def run_alone(script, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(script, encoding="utf-8")
    command = [sys.executable, "-I", "-W", "error", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_script_prints_the_experiments_numbers(make_lesson, tmp_path):
    folder = make_lesson()
    experiment_type = load_experiment(folder)
    parameters = load_parameters(folder)[0](learning_rate=0.3)
    script = standalone_script(experiment_type, parameters, seed=4, steps=5)
    experiment = experiment_type(parameters, 4)
    expected = [experiment.step()["loss"] for _ in range(5)]
    lines = run_alone(script, tmp_path)
    assert lines == [
        f"step {step} loss={loss!r} word=7" for step, loss in enumerate(expected, start=1)
    ]


def test_the_script_holds_what_it_needs_and_nothing_of_ours(make_lesson):
    folder = make_lesson()
    parameters = load_parameters(folder)[0]()
    script = standalone_script(load_experiment(folder), parameters, 0, 5)
    for ours in ("desktop", "glassbox_lessons", "Bilingual", "Experiment", "Pair"):
        assert ours not in script
    assert "# A comment that belongs to it.\ndef soft" in script
    assert "gentle = soft" in script
    assert script.count("LOW, HIGH = -1.0, 1.0") == 1
    assert "Loss = Callable[[Tensor], Tensor]" in script
    imports = [line for line in script.splitlines() if line.startswith(("import", "from"))]
    assert imports == [
        "from __future__ import annotations",
        "import math",
        "from collections.abc import Callable",
        "from functools import cache",
        "import numpy as np",
        "import torch",
        "import torch.nn.functional as F",
        "from torch import Tensor, nn",
    ]


def test_shown_source_is_the_source_in_order(make_lesson):
    source = shown_source(load_experiment(make_lesson()))
    assert source.startswith("EPS = 1e-3\n\n\nclass Net(nn.Module):")
    assert source.index("class Net") < source.index("def update")
    assert "def main" not in source


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("loss.backward()", "loss.backward(); print(UNUSED)", "Bilingual"),
        ("loss.backward()", "loss.backward(); helpers.soft(x)", "helpers"),
        ('("EPS",', '("NOWHERE",', "NOWHERE"),
        ("def main(learning_rate", "def main(missing, learning_rate", "missing"),
        ("script_main = main", "script_main = None", "script_main"),
    ],
)
def test_what_cannot_stand_alone_is_named(make_lesson, old, new, named):
    folder = make_lesson(EXPERIMENT.replace(old, new))
    with pytest.raises(ScriptError) as caught:
        standalone_script(load_experiment(folder), load_parameters(folder)[0](), 0, 1)
    assert named in caught.value.details


def test_long_values_are_written_readably(make_lesson, tmp_path):
    folder = make_lesson()
    parameters = load_parameters(folder)[0](word="长 " * 90)
    script = standalone_script(load_experiment(folder), parameters, 0, 1)
    assert run_alone(script, tmp_path)[-1].endswith("word=180")
    assert max(map(len, script.splitlines())) < 120


def test_the_main_call_is_guarded(make_lesson):
    folder = make_lesson()
    script = standalone_script(load_experiment(folder), load_parameters(folder)[0](), 3, 7)
    call = script[script.index('if __name__ == "__main__":') :]
    expected = """\
        if __name__ == "__main__":
            main(
                learning_rate=0.1,
                word="“a\\nb' c",
                seed=3,
                steps=7,
            )
        """
    assert call == textwrap.dedent(expected)
