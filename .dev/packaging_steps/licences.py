"""The licences of everything in the package, for *About* and ``glassbox licenses``.

Python distributions are those whose files PyInstaller collected, system libraries those it copied
from the build machine: their Debian packages name the licence. Texts go to ``resources/licences``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from desktop import __version__, licences, paths

PACKAGING = Path(__file__).resolve().parents[2] / "resources" / "packaging"
QT = ("LGPL-3.0.txt", "GPL-3.0.txt")
MISSING = {
    "pyside6-essentials": QT,
    "shiboken6": QT,
    "tokenizers": ("Apache-2.0.txt",),
    "latex2mathml": ("MIT-latex2mathml.txt",),
}
"""Licence texts that these distributions leave out of their wheels."""
BUILD_TOOLS = {"pyinstaller-hooks-contrib", "setuptools", "pip", "pytest", "hypothesis"}


def collected(analysis: Any, made: Path) -> list[tuple[str, str, str]]:
    """Entries for PyInstaller: the list and the texts."""
    folder = made / "licences"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    parts = [_kept(part, folder) for part in _parts(analysis, made)]
    (folder / licences.LIST).write_text(licences.to_json(parts), encoding="utf-8")
    return [
        (f"resources/licences/{path.name}", str(path), "DATA") for path in sorted(folder.iterdir())
    ]


def _parts(analysis: Any, made: Path) -> list[licences.Part]:
    ours = licences.Part("Glassbox", __version__, "MIT", (str(paths.root() / "LICENSE"),))
    others = [_python(), *_distributions(analysis), *_fonts(made), *_libraries(analysis.binaries)]
    return [ours, *sorted(others, key=lambda part: part.name.lower())]


def _python() -> licences.Part:
    version = ".".join(str(number) for number in sys.version_info[:3])
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    places = [
        Path(sys.base_prefix) / "lib" / name,
        Path(sys.base_prefix),
        Path("/usr/share/doc") / name,
    ]
    texts = [place / file for place in places for file in ("LICENSE.txt", "LICENSE", "copyright")]
    return licences.Part(
        "Python", version, "PSF-2.0", tuple(str(t) for t in texts if t.is_file())[:1]
    )


def _distributions(analysis: Any) -> list[licences.Part]:
    """Those of which at least one module or library was collected, and PyInstaller's start code."""
    owners = metadata.packages_distributions()
    entries = [*analysis.pure, *analysis.binaries]
    tops = {re.split(r"[./\\]", name)[0] for name, _, _ in entries}
    names = {owner for top in tops for owner in owners.get(top, [])} | {"pyinstaller"}
    names = {name for name in names if name.lower() not in {"glassbox", *BUILD_TOOLS}}
    found = []
    for part in licences.of_distributions(sorted(names)):
        ours = MISSING.get(part.name.lower().replace("_", "-"), ())
        texts = part.texts or tuple(str(PACKAGING / name) for name in ours)
        found.append(licences.relative(part, texts))
    return found


def _fonts(made: Path) -> list[licences.Part]:
    fonts = made / "fonts"
    return [
        licences.Part(
            "Inter", "4", "OFL-1.1", (str(paths.resources() / "fonts/LICENSE-Inter.txt"),)
        ),
        *(
            licences.Part(name, "", "OFL-1.1", (str(fonts / text),))
            for name, text in (
                ("Noto Sans CJK SC", "LICENSE-NotoSansSC.txt"),
                ("JetBrains Mono", "LICENSE-Mono.txt"),
            )
            if (fonts / text).is_file()
        ),
    ]


def _libraries(binaries: list[tuple[str, str, str]]) -> list[licences.Part]:
    """Debian packages of the system libraries that were copied."""
    system = sorted(
        {
            str(Path(source).resolve())
            for _, source, _ in binaries
            if source.startswith(("/lib/", "/usr/lib/"))
        }
    )
    if not system or not shutil.which("dpkg-query"):
        return []
    packages = {package for path in system for package in _owners(path)}
    found = []
    for package in sorted(packages):
        version = _query("-W", "-f=${Version}", package)
        name = package.partition(":")[0]
        notice = Path("/usr/share/doc") / name / "copyright"
        texts = (str(notice),) if notice.is_file() else ()
        found.append(licences.Part(name, version, _debian_licences(notice), texts))
    return found


def _owners(path: str) -> set[str]:
    """Debian lists files by their path before /lib became a link to /usr/lib."""
    for written in (path, path.removeprefix("/usr")):
        line = _query("-S", written)
        if line:
            return {line.partition(": ")[0].partition(", ")[0]}
    return set()


def _query(*arguments: str) -> str:
    done = subprocess.run(["dpkg-query", *arguments], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def _debian_licences(notice: Path) -> str:
    """The short names in a machine-readable copyright file."""
    if not notice.is_file():
        return ""
    text = notice.read_text(encoding="utf-8", errors="replace")
    names = re.findall(r"^License: *(\S.*)$", text, re.MULTILINE)
    return ", ".join(dict.fromkeys(name.strip() for name in names))[:120]


def _kept(part: licences.Part, folder: Path) -> licences.Part:
    """The part with its texts copied beside the list."""
    plain = re.sub(r"[^A-Za-z0-9.+-]+", "-", part.name)
    names = []
    for number, source in enumerate(part.texts):
        name = f"{plain}-{number + 1}.txt" if len(part.texts) > 1 else f"{plain}.txt"
        shutil.copyfile(source, folder / name)
        (folder / name).chmod(0o644)
        names.append(name)
    return licences.relative(part, tuple(names))
