"""What several tests of the language model need: our C code, compiled as it stands in the source."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from desktop.llm import kernels_native
from desktop.llm.kernels_native import Library

SOURCES = [Path(kernels_native.__file__).with_name(name) for name in ("native.c", "native_fit.c")]


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
