"""Under which licences the parts of Glassbox come, with the texts where they can be found.

A package brings its list along (``resources/licences``, written when it is built, with the fonts and
system libraries it contains). From source the list is read from the installed distributions that
Glassbox requires. Imports nothing of ours but paths; no torch, no Qt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path

from desktop import __version__, paths

LIST = "licences.json"
_NOTICE = re.compile(r"(^|/)(LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*$", re.IGNORECASE)
_REQUIREMENT = re.compile(r"^[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Part:
    """Something Glassbox is made of. ``texts`` are files below ``folder()``, or absolute."""

    name: str
    version: str
    licence: str
    texts: tuple[str, ...] = ()

    def text(self) -> str:
        """The licence texts that came with it; empty when it brought none."""
        found = [
            (folder() / name).read_text(encoding="utf-8", errors="replace").strip()
            for name in self.texts
        ]
        return "\n\n\n".join(found)


def folder() -> Path:
    """Where a package keeps the texts."""
    return paths.resources() / "licences"


def parts() -> list[Part]:
    """Everything inside, Glassbox first, then by name."""
    listed = folder() / LIST
    if listed.is_file():
        return from_json(listed.read_text(encoding="utf-8"))
    ours = Part("Glassbox", __version__, "MIT", (str(paths.root() / "LICENSE"),))
    inter = Part("Inter", "4", "OFL-1.1", (str(paths.resources() / "fonts/LICENSE-Inter.txt"),))
    return [
        ours,
        *sorted([*of_distributions(required()), inter], key=lambda part: part.name.lower()),
    ]


def to_json(listed: list[Part]) -> str:
    """The list as a package keeps it."""
    return json.dumps([asdict(part) for part in listed], ensure_ascii=False, indent=1)


def from_json(text: str) -> list[Part]:
    """What ``to_json`` wrote."""
    return [Part(**{**entry, "texts": tuple(entry["texts"])}) for entry in json.loads(text)]


def required(root: str = "glassbox") -> list[str]:
    """Names of the installed distributions that ``root`` requires, directly or through others."""
    found: dict[str, str] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # an optional or foreign-platform requirement
        found[key] = distribution.metadata["Name"]
        waiting += [
            _required_name(line) for line in distribution.requires or [] if "extra ==" not in line
        ]
    return sorted(name for key, name in found.items() if key != root)


def of_distributions(names: list[str]) -> Iterator[Part]:
    """A part for each installed distribution."""
    for name in names:
        distribution = metadata.distribution(name)
        texts = [
            str(distribution.locate_file(file))
            for file in distribution.files or []
            if _NOTICE.search(file.as_posix()) and ".dist-info/" in file.as_posix()
        ]
        yield Part(
            distribution.metadata["Name"],
            distribution.version,
            licence_of(distribution),
            tuple(sorted(texts)),
        )


def licence_of(distribution: metadata.Distribution) -> str:
    """What its metadata say in a few words; empty when they say nothing."""
    about = distribution.metadata
    expression = " ".join(about.get_all("License-Expression") or [])
    stated = " ".join(about.get_all("License") or []).strip()
    classifiers = [
        line.rpartition(" :: ")[2].removesuffix(" License")
        for line in about.get_all("Classifier") or []
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    short = stated if stated and len(stated) <= 60 and "\n" not in stated else ""
    return expression or short or ", ".join(classifiers)


def _required_name(line: str) -> str:
    found = _REQUIREMENT.match(line)
    return found[0] if found else ""


def relative(part: Part, texts: tuple[str, ...]) -> Part:
    """``part`` with its texts elsewhere."""
    return replace(part, texts=texts)
