"""Chinese punctuation: full width in Chinese text, whatever an editor or keyboard produced.

``fullwidth`` corrects a text and is the definition of what is correct: a text is well set when it
comes back unchanged. Code, formulas, link targets, ``{…}`` places and
the ``;;`` of file filters are left alone. Authors run

    python -m desktop.course.typography lessons resources desktop

which rewrites ``zh.md`` files, the ``zh = "…"`` values of TOML files and the Chinese string literals
of Python files. Imports nothing of ours.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from pathlib import Path

_CJK = "\u3400-\u9fff\uf900-\ufaff"
_FULL_MARKS = "\u3001\u3002\uff0c\uff1a\uff1b\uff1f\uff01\uff08\uff09\u201c\u201d\u300a\u300b\u300c\u300d\u2026\u2014"
_HELD = re.compile(
    r"^ {0,3}(?P<fence>```+|~~~+).*?^ {0,3}(?P=fence) *$"  # code blocks
    r"|(?P<ticks>`+).+?(?P=ticks)"  # code
    r"|(?<!\\)\$\$.+?\$\$|(?<!\\)\$[^$\n]+?(?<!\\)\$"  # formulas
    r"|\]\([^()\s]*\)"  # link targets
    r"|\{[^{}\n]*\}"  # heading ids, places to fill
    r"|https?://[^\s)]+"
    r"|;;",  # between the filters of a file dialog
    re.MULTILINE | re.DOTALL,
)
_PLACE = "\ue000"  # stands for one held piece while the rest is corrected
_BRACES = "\ue001"  # stands for {…}, which may hold a number as well as a word
_WIDE = {",": "\uff0c", ":": "\uff1a", ";": "\uff1b", "?": "\uff1f", "!": "\uff01"}
_NEAR = rf"[{_CJK}{_FULL_MARKS}{_PLACE}]"
_MARK = re.compile(rf"(?<={_NEAR})[,:;?!] *|[,:;?!] *(?={_NEAR})")
_MARK_AFTER_MARKUP = re.compile(rf"(?<={_NEAR})(\*+|\]){_PLACE}?[,:;?!] *")
_PARENTHESES = re.compile(r"(.?)\(([^()\n]*)\)(.?)")
_SPACED_PARENTHESIS = re.compile("(?<=[^ \n]) *[\uff08\uff09] *")
_TOML_ZH = re.compile(
    r"""(?P<open>\bzh *= *(?P<quote>\"{3}|\"|'))(?P<text>.*?)(?<!\\)(?P=quote)""", re.DOTALL
)


def fullwidth(text: str) -> str:
    """The text with full-width punctuation wherever it stands beside Chinese."""
    if not re.search(f"[{_CJK}]", text):
        return text
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(match[0])
        return _BRACES if match[0].startswith("{") else _PLACE

    masked = _HELD.sub(hold, text)
    while (wider := _widen(masked)) != masked:
        masked = wider
    pieces = iter(held)
    return re.sub(f"[{_PLACE}{_BRACES}]", lambda _: next(pieces), masked)


def _widen(text: str) -> str:
    text = _PARENTHESES.sub(_wide_parentheses, text)
    text = _MARK_AFTER_MARKUP.sub(lambda m: _wide_mark(m[0]), text)
    text = _MARK.sub(lambda m: _wide_mark(m[0]), text)
    text = "\n".join(_wide_tight_marks(line) for line in text.split("\n"))
    return _SPACED_PARENTHESIS.sub(lambda m: m[0].strip(" "), text)


def _wide_tight_marks(line: str) -> str:
    """In a Chinese line, a comma with no space after it was meant as a Chinese one, even between
    Latin letters; not inside parentheses, as in (a,b), nor inside a number."""
    if not re.search(f"[{_CJK}]", line):
        return line
    depth, letters = 0, list(line)
    for place, letter in enumerate(letters[:-1]):
        depth += (letter in "([") - (letter in ")]")
        before, after = line[place - 1 : place], line[place + 1]
        number = before.isdigit() and after.isdigit()
        if letter in ",;" and depth <= 0 and not after.isspace() and not number and before:
            letters[place] = _WIDE[letter]
    return "".join(letters)


def _wide_mark(text: str) -> str:
    return "".join(_WIDE.get(letter, letter) for letter in text.rstrip(" "))


def _wide_parentheses(match: re.Match[str]) -> str:
    before, inside, after = match.groups()
    if re.search(f"[{_CJK}]", inside) or re.match(_NEAR, before) or re.match(f"[{_CJK}]", after):
        return f"{before}\uff08{inside}\uff09{after}"
    return match[0]


def halfwidth_faults(text: str) -> list[str]:
    """Short excerpts of a Chinese text where half-width punctuation stands; empty if none does."""
    right = fullwidth(text)
    if right == text:
        return []
    pairs = zip(text.splitlines(), right.splitlines(), strict=False)
    return [_excerpt(old, new) for old, new in pairs if old != new]


def _excerpt(old: str, new: str) -> str:
    place = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    return old[max(0, place - 8) : place + 8]


def corrected_file(path: Path) -> str:
    """What the file should hold: Markdown as a whole, TOML in its ``zh`` values, Python in its
    string literals."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return fullwidth(text)
    if path.suffix == ".py":
        return _corrected_python(text)
    return _TOML_ZH.sub(
        lambda m: f"{m['open']}{fullwidth(m['text'])}{m['quote']}",
        text,
    )


def _corrected_python(text: str) -> str:
    lines = text.splitlines(keepends=True)
    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if tokenize.tok_name[token.type] in ("STRING", "FSTRING_MIDDLE")
    ]
    for token in reversed(tokens):
        (first, start), (last, end) = token.start, token.end
        if first == last:
            line = lines[first - 1]
            right = fullwidth(line[start:end])
            lines[first - 1] = line[:start] + right + line[end:]
    return "".join(lines)


def files(places: list[Path]) -> list[Path]:
    """The Chinese course files in these folders, and the files named directly."""
    found = [path for place in places for path in (place.rglob("*") if place.is_dir() else [place])]
    return [path for path in found if path.name == "zh.md" or path.suffix in (".toml", ".py")]


def main(arguments: list[str]) -> int:
    """Correct the files named; says which changed."""
    for path in files([Path(name) for name in arguments]):
        right = corrected_file(path)
        if right != path.read_text(encoding="utf-8"):
            path.write_text(right, encoding="utf-8", newline="\n")
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
