"""Loads a lesson's Python files by path, so that a lesson is one folder and nothing else.

Lesson folders have names no ``import`` statement accepts (``1-learning/gradient-descent``), so each
becomes a package ``glassbox_lessons.1_learning.gradient_descent`` made here; its files import their
siblings relatively. ``load_parameters`` imports no torch, which lets the window draw every control
before torch has been loaded; ``load_experiment`` imports everything. No Qt.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import threading
import traceback
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from desktop.bilingual import Bilingual, GlassboxError
from desktop.engine.parameters import ParameterSet, ScalarSpec

if TYPE_CHECKING:
    from desktop.engine.experiment import Experiment

PACKAGE = "glassbox_lessons"

_lock = threading.Lock()


class LoadingError(GlassboxError):
    """A lesson folder whose Python files cannot be used; ``details`` has the traceback."""


def load_parameters(folder: Path) -> tuple[type[ParameterSet], tuple[ScalarSpec, ...]]:
    """The ``Parameters`` class and ``SCALARS`` of ``parameters.py``, without importing torch."""
    module = _load(folder, "parameters")
    parameters = getattr(module, "Parameters", None)
    if not (isinstance(parameters, type) and issubclass(parameters, ParameterSet)):
        raise _broken(folder, "parameters.py", "It defines no class Parameters(ParameterSet).")
    scalars = tuple(getattr(module, "SCALARS", ()))
    if not all(isinstance(scalar, ScalarSpec) for scalar in scalars):
        raise _broken(folder, "parameters.py", "SCALARS has to be a tuple of scalar(...).")
    return parameters, scalars


def load_experiment(folder: Path) -> type[Experiment[Any]]:
    """The one ``Experiment`` subclass defined in ``experiment.py``."""
    from desktop.engine.experiment import Experiment

    module = _load(folder, "experiment")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Experiment)
        and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        names = ", ".join(kind.__name__ for kind in found) or "none"
        raise _broken(folder, "experiment.py", f"It needs exactly one Experiment; found: {names}.")
    return found[0]


def package_name(folder: Path) -> str:
    """The importable name of a lesson folder."""
    folder = folder.resolve()
    plain = [part.replace("-", "_") for part in (folder.parent.name, folder.name)]
    return ".".join([PACKAGE, *plain])


def _load(folder: Path, name: str) -> ModuleType:
    folder = folder.resolve()
    if not (folder / f"{name}.py").is_file():
        raise _broken(folder, f"{name}.py", f"There is no file {folder / name}.py.")
    with _lock:
        package = _ensure_package(folder)
    try:
        return importlib.import_module(f"{package}.{name}")
    except GlassboxError:
        raise
    except Exception as error:
        raise _broken(folder, f"{name}.py", traceback.format_exc()) from error


def _ensure_package(folder: Path) -> str:
    """Make the packages above a lesson's modules; two folders of one name get two packages."""
    name = package_name(folder)
    known = sys.modules.get(name)
    if known is not None and list(known.__path__) != [str(folder)]:
        name += "_" + hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    top, chapter, _ = name.split(".")
    _make_package(top, [])
    _make_package(f"{top}.{chapter}", [])
    _make_package(name, [str(folder)])
    return name


def _make_package(name: str, path: list[str]) -> None:
    if name in sys.modules:
        return
    package = ModuleType(name)
    package.__path__ = path
    package.__package__ = name
    sys.modules[name] = package
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, package)
    importlib.invalidate_caches()


def _broken(folder: Path, file: str, details: str) -> LoadingError:
    where = f"{folder.parent.name}/{folder.name}/{file}"
    return LoadingError(
        Bilingual(f"这一课的程序文件 {where} 用不了。", f"The lesson file {where} cannot be used."),
        Bilingual(
            "其他课不受影响。如果你改过这个文件，请看下面的详细信息。",
            "Other lessons are not affected. If you edited this file, the details say where to look.",
        ),
        details,
    )
