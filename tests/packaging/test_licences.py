"""Every part of Glassbox has a licence, from source and from a package's list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desktop import licences, paths
from desktop.cli import main


def test_every_requirement_is_listed_with_a_licence() -> None:
    listed = {part.name.lower().replace("_", "-"): part for part in licences.parts()}
    assert {"glassbox", "torch", "numpy", "pyside6-essentials", "sympy", "inter"} <= listed.keys()
    assert not {"pytest", "scikit-learn", "transformers"} & listed.keys()
    nameless = [part.name for part in listed.values() if not part.licence and not part.text()]
    assert not nameless


def test_texts_are_those_of_the_part() -> None:
    listed = {part.name: part for part in licences.parts()}
    assert "Permission is hereby granted" in listed["Glassbox"].text()
    assert "SIL OPEN FONT LICENSE" in listed["Inter"].text().upper()
    assert "NumPy Developers" in listed["numpy"].text()


def test_a_package_brings_its_own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "licences"
    folder.mkdir()
    (folder / "thing.txt").write_text("Do what you like.", encoding="utf-8")
    parts = [licences.Part("Thing", "2", "Free", ("thing.txt",)), licences.Part("Other", "1", "")]
    (folder / licences.LIST).write_text(licences.to_json(parts), encoding="utf-8")
    monkeypatch.setattr(paths, "resources", lambda: tmp_path)
    assert licences.parts() == parts
    assert licences.parts()[0].text() == "Do what you like."
    assert licences.parts()[1].text() == ""


def test_the_command_prints_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["licenses", "--json"]) == 0
    names = [part["name"] for part in json.loads(capsys.readouterr().out)]
    assert names[0] == "Glassbox"
    assert "torch" in names
    assert main(["licenses", "--full", "--lang", "en"]) == 0
    assert "===== torch" in capsys.readouterr().out
