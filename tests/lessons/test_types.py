"""Lessons are type-checked like the application, although their folders have names Python cannot
import: they are checked under the names that ``desktop.engine.loading`` gives them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from desktop import paths
from desktop.course import find_lessons

NOT_MISTAKES = (
    # ``Parameters = Parameters`` in a class body: inside it the name means the attribute.
    r'Parameters" is not valid as a type',
    r"Parameters\? has no attribute",
    # torch types every attribute of a module that is not declared as ``Tensor | Module``.
    r'"Tensor" not callable',
    r"Tensor \| Module",
    r'"Parameter" and Module',
)


@pytest.mark.slow
def test_lessons_pass_the_type_checker(tmp_path: Path):
    package = tmp_path / "glassbox_lessons"
    for folder in find_lessons(paths.lessons()):
        chapter = "chapter_" + folder.parent.name.replace("-", "_")
        copy = package / chapter / folder.name.replace("-", "_")
        copy.mkdir(parents=True)
        for made in (package, package / chapter, copy):
            (made / "__init__.py").touch()
        for file in folder.glob("*.py"):
            shutil.copy(file, copy)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "-p", package.name],
        capture_output=True,
        text=True,
        cwd=paths.root(),
        env=os.environ | {"MYPYPATH": str(tmp_path)},
        check=False,
    )
    mistakes = [
        line
        for line in done.stdout.splitlines()
        if re.search(r"glassbox_lessons.*error:", line)
        and not any(re.search(pattern, line) for pattern in NOT_MISTAKES)
    ]
    assert mistakes == []
    assert "checked" in done.stdout or "Found" in done.stdout, done.stdout + done.stderr
