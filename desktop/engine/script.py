"""“Copy as script”: the code that runs, as one file that needs torch and nothing of ours.

The script is put together from the real sources: the functions and classes in an experiment's
``shown_code``, its ``script_main``, and whatever these refer to, what ``script_definitions`` adds for
the present values (a learner's own formula), and a call with these values. Imports are those of the modules the code came from, reduced to the standard library,
torch and NumPy, and to the names in use. If the code refers to anything else of ours, that is a
mistake in the lesson and raises ``ScriptError`` naming it; a generic test runs every lesson's script
and compares its numbers with the experiment's. Imports no torch by itself, no Qt.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import pprint
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from desktop.bilingual import Bilingual, GlassboxError
from desktop.engine.parameters import ParameterSet

if TYPE_CHECKING:
    from desktop.engine.experiment import Experiment

ALLOWED = frozenset(sys.stdlib_module_names) | {"torch", "numpy"}
TITLE = "# Made by Glassbox from the code that was running. Needs Python 3.11 or newer, and torch."
FUTURE = "from __future__ import annotations"


class ScriptError(GlassboxError):
    """A lesson's code that cannot stand alone; ``details`` says what it refers to."""


def standalone_script(
    experiment_type: type[Experiment[Any]], parameters: ParameterSet, seed: int, steps: int
) -> str:
    """A script that trains with these values and prints each step's scalars."""
    main = experiment_type.script_main
    if main is None:
        raise _problem("the experiment has no script_main")
    parts = _collect([*_shown(experiment_type), *_located([main])])
    call = _call(main, parameters, seed, steps)
    blocks = [
        "\n".join([TITLE, "", FUTURE, "", *parts.import_lines()]),
        *parts.blocks(),
        *filter(None, [experiment_type.script_definitions(parameters)]),
        f'if __name__ == "__main__":\n{textwrap.indent(call, "    ")}',
    ]
    return _joined(blocks)


def shown_source(experiment_type: type[Experiment[Any]]) -> str:
    """The source of ``shown_code`` as a learner reads it, in its order."""
    pieces = [_piece(module, name) for module, name in _shown(experiment_type)]
    return _joined([piece.source for piece in pieces])


# ------------------------------------------------------------------------------------------------
# What is listed


def _shown(experiment_type: type[Experiment[Any]]) -> list[tuple[ModuleType, str]]:
    """(module, name) of everything in ``shown_code``; a text names a constant of one of their
    modules, the experiment's own first."""
    listed = experiment_type.shown_code
    located = _located([entry for entry in listed if not isinstance(entry, str)])
    modules = [sys.modules[experiment_type.__module__], *(module for module, _ in located)]
    functions = iter(located)
    shown: list[tuple[ModuleType, str]] = []
    for entry in listed:
        if not isinstance(entry, str):
            shown.append(next(functions))
            continue
        home = next((module for module in modules if entry in _definitions(module)), None)
        if home is None:
            raise _problem(f"shown_code names {entry!r}, which no module of the lesson defines")
        shown.append((home, entry))
    return shown


def _located(entries: Iterable[Any]) -> list[tuple[ModuleType, str]]:
    found = []
    for entry in entries:
        plain = inspect.unwrap(entry)
        module = sys.modules[plain.__module__]
        if plain.__name__ not in _definitions(module):
            raise _problem(f"{plain.__name__} is not at the top level of {module.__name__}")
        found.append((module, plain.__name__))
    return found


# ------------------------------------------------------------------------------------------------
# Reading a module's source


@dataclass(frozen=True)
class Piece:
    """One top-level definition: its source and the global names it reads."""

    name: str
    source: str
    constant: bool
    uses: frozenset[str]
    annotations: frozenset[str]


@cache
def _tree(module: ModuleType) -> tuple[str, ast.Module]:
    source = inspect.getsource(module)
    return source, ast.parse(source)


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Top-level statements, those under ``if TYPE_CHECKING:`` included."""
    for node in body:
        if isinstance(node, ast.If):
            yield from _statements(node.body)
        else:
            yield node


@cache
def _definitions(module: ModuleType) -> dict[str, ast.stmt]:
    """Top-level functions, classes and constants by name."""
    found: dict[str, ast.stmt] = {}
    for node in _tree(module)[1].body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                found |= {name.id: node for name in ast.walk(target) if isinstance(name, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


@cache
def _imports(module: ModuleType) -> dict[str, tuple[str, str]]:
    """Imported names of a module: (module it comes from, name there or "" for a module)."""
    found: dict[str, tuple[str, str]] = {}
    for node in _statements(_tree(module)[1].body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                found[bound] = (alias.name if alias.asname else bound, "")
                if "." in alias.name and not alias.asname:
                    found[f"{bound}:{alias.name}"] = (alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            for alias in node.names:
                found[alias.asname or alias.name] = (origin, alias.name)
    return found


@cache
def _piece(module: ModuleType, name: str) -> Piece:
    node = _definitions(module)[name]
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    lines = _tree(module)[0].splitlines()
    source = "\n".join(lines[_comment_above(lines, first) - 1 : node.end_lineno])
    code = compile(f"{FUTURE}\n{source}", name, "exec", dont_inherit=True)
    constant = not isinstance(node, (ast.FunctionDef, ast.ClassDef))
    return Piece(name, source, constant, frozenset(_used(code)), frozenset(_annotations(node)))


def _comment_above(lines: list[str], first: int) -> int:
    """Comments directly above a definition belong to it, rulers between sections do not."""
    while first > 1 and lines[first - 2].startswith("# ") and "----" not in lines[first - 2]:
        first -= 1
    return first


def _used(code: CodeType) -> set[str]:
    """Global names that are read, found in the compiled code: it knows what is local. Annotations
    are not part of it; they are never evaluated."""
    names = {
        str(instruction.argval)
        for instruction in dis.get_instructions(code)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _used(constant)
    return names


def _annotations(node: ast.AST) -> set[str]:
    """Names in annotations."""
    found: set[str] = set()
    for inner in ast.walk(node):
        for part in (getattr(inner, "annotation", None), getattr(inner, "returns", None)):
            if isinstance(part, ast.AST):
                found |= {name.id for name in ast.walk(part) if isinstance(name, ast.Name)}
    return found


# ------------------------------------------------------------------------------------------------
# Putting it together


@dataclass
class _Parts:
    """What goes into the script, in order."""

    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    pieces: dict[str, tuple[ModuleType, Piece]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def import_lines(self) -> list[str]:
        """Import statements, the standard library first, sorted as a linter would."""
        plain: set[str] = set()
        chosen: dict[str, set[str]] = {}
        for key, (origin, name) in self.imports.items():
            bound = key.partition(":")[0]
            if not name:
                same = bound in (origin, origin.partition(".")[0])
                plain.add(origin if same else f"{origin} as {bound}")
            else:
                chosen.setdefault(origin, set()).add(
                    name if name == bound else f"{name} as {bound}"
                )
        lines = [(origin, f"import {origin}") for origin in sorted(plain)]
        lines += [(o, f"from {o} import {', '.join(sorted(chosen[o]))}") for o in sorted(chosen)]
        first = [line for origin, line in lines if _top(origin) in sys.stdlib_module_names]
        second = [line for origin, line in lines if _top(origin) not in sys.stdlib_module_names]
        return [*first, *([""] if first and second else []), *second]

    def blocks(self) -> list[str]:
        """Sources; constants that follow one another stay together."""
        blocks: list[str] = []
        seen: set[str] = set()
        after_constant = False
        for _, piece in self.pieces.values():
            if piece.source in seen:  # one statement that assigns several names
                continue
            seen.add(piece.source)
            if after_constant and piece.constant:
                blocks[-1] += "\n" + piece.source
            else:
                blocks.append(piece.source)
            after_constant = piece.constant
        return blocks + [f"{used} = {name}" for used, name in self.aliases.items()]


def _collect(listed: list[tuple[ModuleType, str]]) -> _Parts:
    parts = _Parts()
    for module, name in listed:
        _add(parts, module, name, [])
    return parts


def _add(parts: _Parts, module: ModuleType, name: str, below: list[str]) -> None:
    """Add a definition after everything it refers to that is not in the script yet."""
    if name in below:
        return
    known = parts.pieces.get(name)
    if known is not None:
        if known[0] is not module:
            raise _problem(f"{name} is defined in {known[0].__name__} and in {module.__name__}")
        return
    piece = _piece(module, name)
    for used in sorted(piece.uses - {name}):
        _resolve(parts, module, name, used, [*below, name])
    for used in sorted(piece.annotations - piece.uses - {name}):
        _add_if_possible(parts, module, name, used, [*below, name])
    parts.pieces[name] = (module, piece)


def _add_if_possible(
    parts: _Parts, module: ModuleType, name: str, used: str, below: list[str]
) -> None:
    """A name in an annotation: good to have in the script, and harmless when it is missing."""
    trial = _Parts(dict(parts.imports), dict(parts.pieces), dict(parts.aliases))
    try:
        _resolve(trial, module, name, used, below)
    except ScriptError:
        return
    parts.imports, parts.pieces, parts.aliases = trial.imports, trial.pieces, trial.aliases


def _resolve(parts: _Parts, module: ModuleType, name: str, used: str, below: list[str]) -> None:
    if used in _definitions(module):
        _add(parts, module, used, below)
        return
    origin = _imports(module).get(used)
    if origin is None:
        if not hasattr(builtins, used) and hasattr(module, used) and not used.startswith("__"):
            raise _problem(f"{name} uses {used}, which is made in a way that cannot be copied")
        return  # a local name or a builtin
    if _allowed(origin[0]):
        parts.imports[used] = origin
        for key, value in _imports(module).items():
            if key.startswith(f"{used}:"):
                parts.imports[key] = value
        return
    _add_imported(parts, module, name, used, origin, below)


def _add_imported(
    parts: _Parts,
    module: ModuleType,
    name: str,
    used: str,
    origin: tuple[str, str],
    below: list[str],
) -> None:
    """Something imported from another file of ours: its source is copied, if it can stand alone."""
    value = getattr(module, used, None)
    if value is None or isinstance(value, ModuleType) or _is_glassbox(value):
        raise _problem(f"{name} uses {used} from {origin[0]}, which a script cannot contain")
    home = sys.modules[_absolute(module, origin[0])]
    while origin[1] not in _definitions(home):  # re-exported: follow it to where it is defined
        further = _imports(home).get(origin[1])
        if further is None:
            raise _problem(f"{name} uses {used}, which {home.__name__} does not define")
        home, origin = sys.modules[_absolute(home, further[0])], further
    _add(parts, home, origin[1], below)
    if used != origin[1]:
        parts.aliases[used] = origin[1]


def _absolute(module: ModuleType, origin: str) -> str:
    level = len(origin) - len(origin.lstrip("."))
    if not level:
        return origin
    package = module.__name__.split(".")[:-level]
    return ".".join([*package, *filter(None, [origin[level:]])])


def _is_glassbox(value: Any) -> bool:
    """Whether ``value`` is part of the application rather than of what is being taught."""
    home = getattr(value, "__module__", "") or ""
    ours = ("bilingual", "engine.experiment", "engine.frames", "engine.parameters")
    return home in {f"desktop.{name}" for name in ours}


def _top(origin: str) -> str:
    """The package of a dotted name, without “as …”."""
    return origin.partition(" ")[0].partition(".")[0]


def _allowed(origin: str) -> bool:
    return not origin.startswith(".") and _top(origin) in ALLOWED


def _call(main: Any, parameters: ParameterSet, seed: int, steps: int) -> str:
    values = {**parameters.to_json(), "seed": seed, "steps": steps}
    wanted = inspect.signature(main).parameters
    unknown = [
        name
        for name, parameter in wanted.items()
        if name not in values and parameter.default is parameter.empty
    ]
    if unknown:
        raise _problem(f"{main.__name__} asks for {', '.join(unknown)}, no parameter has that name")
    lines = [f"{main.__name__}("]
    for name in wanted:
        if name in values:
            value = getattr(parameters, name, values[name])
            shown = pprint.pformat(value, width=90, compact=True, sort_dicts=False)
            lines.append(textwrap.indent(f"{name}={shown},", "    "))
    return "\n".join([*lines, ")"])


def _joined(blocks: Iterable[str]) -> str:
    return "\n\n\n".join(block.strip("\n") for block in blocks) + "\n"


def _problem(details: str) -> ScriptError:
    return ScriptError(
        Bilingual(
            "这一课的代码没法单独成为一个脚本。",
            "This lesson's code cannot stand alone as a script.",
        ),
        Bilingual(
            "这是课程本身的问题，请告诉我们。", "This is a mistake in the lesson; please report it."
        ),
        details,
    )
