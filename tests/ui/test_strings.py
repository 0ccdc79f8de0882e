"""Every text exists in both languages, with the same places to fill, and is used."""

from __future__ import annotations

import ast
import re
import string
import tomllib

import pytest

from desktop import paths
from desktop.ui import commands
from desktop.ui.strings import table

SOURCES = sorted((paths.root() / "desktop").rglob("*.py"))
START = re.compile(r"[a-z_]+\.[a-z0-9_]*")


def trees() -> list[ast.AST]:
    return [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]


def constant(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def starts(tree: ast.AST) -> set[str]:
    """Beginnings of keys that are put together: f"panel.{name}", "progress." + state."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and node.values:
            found.add(constant(node.values[0]))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            found.add(constant(node.left))
    return {text for text in found if START.fullmatch(text)}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", sorted(table()))
def test_both_languages_say_something_with_the_same_places(key):
    text = table()[key]
    assert text.zh.strip()
    assert text.en.strip()
    assert places(text.zh) == places(text.en)


def test_no_section_stands_in_two_files():
    seen: dict[str, str] = {}
    for path in sorted((paths.resources() / "translations").glob("*.toml")):
        for section in tomllib.loads(path.read_text(encoding="utf-8")):
            assert section not in seen, f"[{section}] is in {seen.get(section)} and {path.name}"
            seen[section] = path.name


def test_every_key_asked_for_exists():
    asked = {
        constant(node.args[0])
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.args and getattr(node.func, "id", "") == "tr"
    }
    asked.discard("")
    assert asked
    assert not asked - table().keys()


def test_no_text_is_unused():
    named: set[str] = set()
    beginnings: set[str] = set()
    for tree in trees():
        named |= {constant(node) for node in ast.walk(tree)}
        beginnings |= starts(tree)
    unused = [
        key
        for key in table()
        if key not in named and not any(key.startswith(start) for start in beginnings)
    ]
    assert not unused


def test_every_command_has_a_name():
    for command in commands.TABLE:
        assert f"command.{command.id}" in table()
