"""The command line as a person or a script meets it."""

import json
from dataclasses import dataclass

import pytest

from desktop.cli import main


def _strict(text):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


@dataclass
class Answer:
    """What a command printed and how it ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self):
        return [_strict(line) for line in self.out.splitlines()]


@pytest.fixture
def glassbox(capsys, monkeypatch, tmp_path):
    """Call the command in this process, English unless it says otherwise."""
    monkeypatch.setenv("LANGUAGE", "en_GB")
    monkeypatch.setenv("GLASSBOX_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("GLASSBOX_DEBUG", raising=False)

    def call(*arguments):
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Answer(status, printed.out, printed.err)

    return call
