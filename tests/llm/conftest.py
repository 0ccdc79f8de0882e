"""What the tests of the language model share: one thread, a small model, our C code compiled as it stands."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from desktop.llm import kernels_native, model_folder
from desktop.llm.kernels_native import Library
from desktop.llm.phi import Phi
from desktop.llm.tokenizer import Tokenizer
from tests.llm.small_model import random_phi

SOURCES = [Path(kernels_native.__file__).with_name(name) for name in ("native.c", "native_fit.c")]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Models this small are computed several times as fast by one thread as by two that wait for
    each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def letters() -> Tokenizer:
    """A vocabulary of single letters."""
    return Tokenizer.characters("abcdefghijklmnopqrstuvwxyz .,?\n:IO")


@pytest.fixture(scope="session")
def small_model() -> Phi:
    """Random weights."""
    return random_phi()


@pytest.fixture(scope="session")
def small_folder(
    small_model: Phi, letters: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The small model's files."""
    folder = tmp_path_factory.mktemp("models") / "small"
    model_folder.save(folder, small_model, letters)
    return folder


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Compiled anew, with every warning an error, as an installation does it."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler here")
    made = tmp_path_factory.mktemp("native") / "_native.so"
    flags = ["-O3", "-fopenmp", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
    include = f"-I{sysconfig.get_paths()['include']}"
    subprocess.run([compiler, *flags, include, *map(str, SOURCES), "-o", made, "-lm"], check=True)
    functions = ctypes.CDLL(str(made))
    level = functions.native_level()
    if not level:
        pytest.skip("a processor without AVX2")
    return Library(functions, level)
