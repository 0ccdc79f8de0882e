"""Lesson prose: steps, links, boxes, and the plain text for search.

Only what the course must know is read here, with line-based rules that skip code and formulas; the
full Markdown is typeset by the window. One step is ``## heading {#id}`` and what follows it. Links::

    [text](glossary:learning-rate)   [text](lesson:playground)   [text](lesson:playground#draw)
    [text](do:set?learning_rate=1.1&play)   [text](do:reset&play)   [text](https://…)

Boxes open with ``::: try`` and close with ``:::``. Imports ``CourseError`` only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from urllib.parse import unquote

from desktop.course.errors import CourseError

BOXES = ("try", "mistake", "sources", "note")
LinkKind = Literal["action", "term", "lesson", "web"]

_HEADING = re.compile(r"^## +(?P<title>.*?) *\{#(?P<id>[a-z0-9][a-z0-9-]*)\} *$")
_ANY_HEADING = re.compile(r"^#{1,6} ")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_BOX = re.compile(r"^:::+ *(?P<kind>.*?) *$")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\[\]]*)\]\((?P<target>[^()\s]*)\)")
_CODE_OR_FORMULA = re.compile(
    r"(?P<ticks>`+).+?(?<!`)(?P=ticks)(?!`)|(?<!\\)\$\$.+?\$\$|(?<!\\)\$[^$\n]+?(?<!\\)\$",
    re.DOTALL,
)
_SCHEMES = {"do": "action", "glossary": "term", "lesson": "lesson", "http": "web", "https": "web"}


class ActionSyntaxError(ValueError):
    """A ``do:`` link that cannot be understood; the text says why, in English for authors."""


@dataclass(frozen=True)
class Action:
    """What one ``do:`` link does, in this order: pause, reset (or a new ``seed``), seek, fork, set,
    step, play. Values of ``set`` are texts, read by ``ParameterSpec.parse``."""

    set: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    play: bool = False
    pause: bool = False
    reset: bool = False
    step: int = 0
    seek: int | None = None
    fork: bool = False
    seed: int | None = None


@dataclass(frozen=True)
class Link:
    """A link in the prose. ``target`` is what follows the scheme (the whole address for ``web``);
    for lessons ``step`` is the part after ``#``."""

    kind: LinkKind
    target: str
    text: str
    step: str = ""
    action: Action | None = None


@dataclass(frozen=True)
class Section:
    """The prose of one step: heading, body, and the line of the heading in its file."""

    id: str
    title: str
    markdown: str
    line: int


def parse_action(target: str) -> Action:
    """Read what follows ``do:``; raises ``ActionSyntaxError``."""
    query, sets = (target[4:], True) if target.startswith("set?") else (target, False)
    values: dict[str, str] = {}
    flags: dict[str, bool] = {}
    numbers: dict[str, int] = {}
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if name in ("play", "pause", "reset", "fork"):
            if equals:
                raise ActionSyntaxError(f"“{name}” takes no value")
            flags[name] = True
        elif name in ("step", "seek", "seed"):
            numbers[name] = _whole_number(name, value if equals or name != "step" else "1")
        elif not sets or not equals or not name.isidentifier():
            raise ActionSyntaxError(
                f"“{part}” is neither play, pause, reset, fork, step=…, seek=…, seed=… "
                "nor name=value after “set?”"
            )
        elif name in values:
            raise ActionSyntaxError(f"“{name}” is set twice")
        else:
            values[name] = unquote(value)
    return Action(set=MappingProxyType(values), **flags, **numbers)  # type: ignore[arg-type]


def _whole_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ActionSyntaxError(f"“{name}” needs a whole number, not “{text}”")
    return int(text)


def parse_link(text: str, target: str) -> Link:
    """Read one link; raises ``ActionSyntaxError`` for an unknown scheme or a bad action."""
    scheme, colon, rest = target.partition(":")
    if not colon or scheme not in _SCHEMES or not rest:
        raise ActionSyntaxError(
            f"link “{target}”: use do:…, glossary:…, lesson:… or an https address"
        )
    kind: LinkKind = _SCHEMES[scheme]  # type: ignore[assignment]
    if kind == "action":
        return Link(kind, rest, text, action=parse_action(rest))
    if kind == "lesson":
        slug, _, step = rest.partition("#")
        return Link(kind, slug, text, step=step)
    return Link(kind, target if kind == "web" else rest, text)


def links(markdown: str) -> tuple[Link, ...]:
    """All links of a piece of prose, in order, those in code and formulas left out."""
    prose = without_code_and_formulas(markdown)
    return tuple(parse_link(m["text"], m["target"]) for m in _LINK.finditer(prose))


def actions(markdown: str) -> tuple[Action, ...]:
    """What the ``do:`` links of a piece of prose do."""
    return tuple(link.action for link in links(markdown) if link.action is not None)


def boxes(markdown: str) -> tuple[str, ...]:
    """The kinds of the boxes, in order."""
    opened = (_BOX.match(line) for _, line, code in _lines(markdown) if not code)
    return tuple(match["kind"] for match in opened if match and match["kind"])


def read_sections(path: Path, text: str) -> tuple[Section, ...]:
    """Cut one language's file into steps and check each; raises ``CourseError`` with the line."""
    found: list[tuple[str, str, int]] = []
    bodies: list[list[str]] = []
    for number, line, code in _lines(text):
        heading = None if code else _HEADING.match(line)
        if heading:
            found.append((heading["id"], heading["title"], number))
            bodies.append([])
        elif not code and _ANY_HEADING.match(line):
            raise CourseError(
                path,
                f"line {number}",
                "标题要写成“## 标题 {#id}”，id 用小写英文。",
                "headings are written “## Title {#id}” with an id in lower case.",
            )
        elif bodies:
            bodies[-1].append(line)
        elif line.strip():
            raise CourseError(
                path,
                f"line {number}",
                "第一个标题之前不能有文字。",
                "there is text before the first heading.",
            )
    sections = tuple(
        Section(step, title, "\n".join(body).strip("\n"), line)
        for (step, title, line), body in zip(found, bodies, strict=True)
    )
    for section, body in zip(sections, bodies, strict=True):
        _check_section(path, section, body)
    return sections


def _check_section(path: Path, section: Section, body: list[str]) -> None:
    if not section.title or not section.markdown.strip():
        raise CourseError(
            path,
            f"line {section.line}",
            f"步骤 {section.id} 没有标题或正文。",
            f"step {section.id} has no title or no text.",
        )
    _check_boxes(path, section, body)
    try:
        links(section.markdown)
    except ActionSyntaxError as error:
        raise CourseError(
            path,
            f"step {section.id}",
            f"链接有误：{error}。",
            f"a link cannot be understood: {error}.",
        ) from error


def _check_boxes(path: Path, section: Section, body: list[str]) -> None:
    opened = 0
    for number, line, code in _lines("\n".join(body)):
        match = None if code else _BOX.match(line)
        if not match:
            continue
        place, kind = f"line {section.line + number}", match["kind"]
        if kind and kind not in BOXES:
            raise CourseError(
                path,
                place,
                f"没有“{kind}”这种框，可用的有：{', '.join(BOXES)}。",
                f"there is no box “{kind}”; choose from {', '.join(BOXES)}.",
            )
        if bool(kind) == bool(opened):
            raise CourseError(
                path,
                place,
                "框没有成对：用“：：：种类”打开，用“：：：”关闭，不能嵌套。",
                "boxes open with “::: kind”, close with “:::” and do not nest.",
            )
        opened = section.line + number if kind else 0
    if opened:
        raise CourseError(path, f"line {opened}", "框没有关闭。", "this box is never closed.")


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Lines with their number from 1 and whether they belong to a code fence."""
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        mark = _FENCE.match(line)
        inside = bool(fence) or bool(mark)
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        yield number, line, inside


def without_code(markdown: str) -> str:
    """The prose with code blocks dropped."""
    return "\n".join(line for _, line, code in _lines(markdown) if not code)


def without_code_and_formulas(markdown: str) -> str:
    """The prose with code blocks dropped and inline code and formulas blanked."""
    return _CODE_OR_FORMULA.sub(" ", without_code(markdown))


_MARKUP = (
    (re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)"), r"\1"),  # links and images: their text
    (re.compile(r"^ {0,3}(:::+.*|\|?[-:| ]{3,}\|?)$", re.MULTILINE), ""),  # boxes, table rules
    (re.compile(r"^ {0,3}(?:[-*+>] |\d+[.)] )+", re.MULTILINE), ""),  # list and quote marks
    (re.compile(r"\*{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)|`+"), ""),  # emphasis, code marks
    (re.compile(r" *\| *"), " "),  # table cells
    (re.compile(r"\s+"), " "),
)


_INLINE_FORMULA = re.compile(r"(?<!\\)\$([^$\n]+?)(?<!\\)\$")
_DISPLAYED_FORMULA = re.compile(r"(?<!\\)\$\$.+?\$\$", re.DOTALL)
_COMMAND = re.compile(r"\\([A-Za-z]+) ?")
_SYMBOLS = {
    **{name: chr(0x3B1 + place) for place, name in enumerate(
        ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "varphi", "chi", "psi", "omega"]
    )},
    "phi": "φ", "Delta": "Δ", "Sigma": "Σ", "nabla": "∇", "partial": "∂", "times": "×",
    "cdot": "·", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠",
    "approx": "≈", "pm": "±", "infty": "∞", "to": "→", "leftarrow": "←", "sqrt": "√",
    "log": "log ", "exp": "exp ", "max": "max ", "min": "min ", "dots": "…", "ldots": "…",
    "in": "∈", "sum": "Σ", "quad": " ", "top": "T", "mathrm": "", "text": "", "ell": "ℓ",
}  # fmt: skip


def _formula_text(match: re.Match[str]) -> str:
    """A short formula in ordinary letters, such as η or w² as w^2; “…” if it is more than that."""
    text = _COMMAND.sub(lambda m: _SYMBOLS.get(m[1], m[0]), match[1])
    text = re.sub(r"\\[,;:! ]", " ", text).replace("{", "").replace("}", "")
    return "…" if "\\" in text else text


def plain_text(markdown: str) -> str:
    """The words a reader sees, on one line, without code blocks, displayed formulas and marks."""
    text = _DISPLAYED_FORMULA.sub(" ", without_code(markdown))
    text = _INLINE_FORMULA.sub(_formula_text, text)
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return text.strip()
