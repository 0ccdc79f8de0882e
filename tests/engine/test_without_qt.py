"""The engine, the course and the language model work on a machine without Qt."""

import subprocess
import sys

PROGRAM = """
import importlib, pkgutil, sys


class NoQt:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("PySide6", "shiboken6", "pyqtgraph"):
            raise ImportError(f"{name} is not here")


sys.meta_path.insert(0, NoQt())
import desktop.course, desktop.engine, desktop.llm
for package in (desktop.engine, desktop.course, desktop.llm):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)

from desktop import paths
from desktop.course import find_lessons
from desktop.engine.loading import load_experiment, load_parameters
from desktop.engine.run import Run
for folder in find_lessons(paths.lessons()):
    kind = load_experiment(folder)
    if folder.name != "gpt":
        Run(kind, load_parameters(folder)[0](), 0).frame()
    print(folder.name)
"""


def test_everything_below_the_interface_imports_without_qt():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "gradient-descent" in done.stdout
