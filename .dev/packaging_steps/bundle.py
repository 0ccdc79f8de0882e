"""Which files the package holds and which parts of torch and Qt stay out.

What stays out was chosen by two rules: it is never imported by any lesson, command or window
(``sys.modules`` after running them all), and it is a developer's tool: headers, test programs,
Qt Quick, Designer. Everything that torch imports by itself stays, however unlikely its use.
"""

from __future__ import annotations

import ast
import fnmatch
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

SYSTEM = ("/lib/", "/usr/lib/")
Toc = list[tuple[str, str, str]]

EXCLUDED_MODULES = [
    # Test and build tools of the virtual environment, and optional companions of our libraries.
    *("pytest", "_pytest", "hypothesis", "mypy", "ruff", "sklearn", "scipy", "transformers"),
    *("pyqtgraph", "pandas", "matplotlib", "IPython", "tkinter", "setuptools", "pip", "wheel"),
    *("fontTools", "PyInstaller", "grimp", "importlinter", "tensorboard", "triton", "torchvision"),
    *("PIL", "numba", "llvmlite", "joblib", "lib2to3", "pydantic", "PySide6.QtTest"),
    *("py", "rich", "threadpoolctl"),
    *("readline", "curses"),  # a terminal's line editor under the GPL; nothing here asks for lines
]
TUTOR_SOURCES = ("desktop.tutor.train",)
"""Training the tutor is done before packaging, by the command in its module."""

LEFT_OUT = [
    # Headers, test programs and data that only somebody extending torch needs.
    "torch/include/*",
    "torch/test/*",
    "torch/bin/[!t]*",
    "torch/bin/test_*",
    "torch/share/*",
    "torch/lib/libaoti_custom_ops.so",
    "torch/lib/libbackend_with_compiler.so",
    "torch/lib/libjitbackend_test.so",
    "torch/lib/libtorchbind_test.so",
    "torch/lib/libshm_windows/*",
    "torch/utils/model_dump/*",
    "torch/_inductor/codegen/*",
    "torch/_export/db/*",
    "hypothesis-*.dist-info/*",
    # Qt: no Quick, no on-screen keyboard, no databases (Python's sqlite3 is used), no printing, no
    # network; screens are X11, Wayland and offscreen.
    "*libQt6Quick*",
    "*libQt6Qml*",
    "*libQt6VirtualKeyboard*",
    "*libQt6Pdf*",
    "*libQt6Sql*",
    "*libQt6PrintSupport*",
    "*libQt6Network*",
    "*libQt6EglFS*",
    "*PySide6/QtNetwork*",
    "*/plugins/platforminputcontexts/libqtvirtualkeyboardplugin*",
    "*/plugins/platforms/libqeglfs*",
    "*/plugins/platforms/libqlinuxfb*",
    "*/plugins/platforms/libqminimal*",
    "*/plugins/platforms/libqvnc*",
    "*/plugins/platforms/libqvkkhrdisplay*",
    "*/plugins/egldeviceintegrations/*",
    "*/plugins/generic/*",
    "*/plugins/networkinformation/*",
    "*/plugins/tls/*",
    "*/plugins/sqldrivers/*",
    "*/plugins/printsupport/*",
    "*/plugins/imageformats/libqpdf*",
    # The GTK theme would pull in the whole of GTK; the portal plug-in opens the same file dialogs.
    "*/plugins/platformthemes/libqgtk3*",
    # Part of every Linux desktop, and tied to its settings: fonts, X11, the message bus.
    "libfontconfig.so*",
    "libfreetype.so*",
    "libX11*",
    "libXau*",
    "libXdmcp*",
    "libXext*",
    "libXrender*",
    "libdbus-1*",
    "libglib-2.0*",
    "libgobject-2.0*",
    "libgio-2.0*",
    "libgthread-2.0*",
    "libgmodule-2.0*",
]
STRIPPED = ("torch/lib/libtorch_cpu.so", "torch/lib/libtorch_python.so", "libpython3")
KEPT_QT_TEXTS = ("qtbase_zh_CN.qm",)


def belongs(module: str) -> bool:
    """Whether a module of ours is part of the application."""
    return module not in TUTOR_SOURCES


def resources(top: Path) -> list[tuple[str, str]]:
    """(file, folder) for everything under ``resources`` that the running application reads."""
    unread = ("packaging", "screenshots", "tutor/held-out", "tutor/marks")
    found = []
    for path in sorted((top / "resources").rglob("*")):
        inside = path.relative_to(top / "resources").as_posix()
        if path.is_file() and not inside.startswith(unread):
            found.append((str(path), str(path.parent.relative_to(top))))
    return found


def lessons(top: Path, folders: Iterable[Path]) -> list[tuple[str, str]]:
    """Every file of every lesson found, and of the chapters that hold them."""
    found = {}
    for folder in folders:
        chapter = [path for path in folder.parent.iterdir() if path.is_file()]
        for path in [*chapter, *folder.rglob("*")]:
            if path.is_file() and "__pycache__" not in path.parts:
                found[str(path)] = str(path.parent.relative_to(top))
    return sorted(found.items())


def lesson_imports(folders: Iterable[Path]) -> list[str]:
    """Modules that lessons import: PyInstaller does not read them, as they are shipped as sources."""
    names = set()
    for file in [path for folder in folders for path in folder.rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module)
    return sorted(names - {"__future__"})


def lean(binaries: Toc, made: Path) -> Toc:
    """Libraries without those left out; torch's large ones without their table of local symbols."""
    kept = [entry for entry in binaries if not _left_out(entry[0])]
    if not sys.platform.startswith("linux") or not shutil.which("strip"):
        return kept
    kept = _asked_for(kept)
    return [_stripped(entry, made) if entry[0].startswith(STRIPPED) else entry for entry in kept]


def lean_data(datas: Toc) -> Toc:
    """Data files without those left out, and of Qt's own texts those in our languages."""
    kept = []
    for entry in datas:
        name = entry[0].replace("\\", "/")
        foreign = name.endswith(".qm") and not name.endswith(KEPT_QT_TEXTS)
        if not foreign and not _left_out(name):
            kept.append(entry)
    return kept


def _left_out(name: str) -> bool:
    name = name.replace("\\", "/")
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in LEFT_OUT)


def _asked_for(binaries: Toc) -> Toc:
    """Without system libraries that only something left out had asked for."""
    system = {name: source for name, source, _ in binaries if source.startswith(SYSTEM)}
    waiting = [source for name, source, _ in binaries if name not in system]
    reached: set[str] = set()
    while waiting:
        for name in needed(Path(waiting.pop())):
            if name in system and name not in reached:
                reached.add(name)
                waiting.append(system[name])
    return [entry for entry in binaries if entry[0] not in system or entry[0] in reached]


def needed(path: Path) -> set[str]:
    """The libraries an ELF file names; empty for another kind of file."""
    done = subprocess.run(["readelf", "-d", str(path)], capture_output=True, text=True)
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", done.stdout))


def _stripped(entry: tuple[str, str, str], made: Path) -> tuple[str, str, str]:
    """Without the symbols that only a debugger reads: 85 MB of libtorch_cpu.so."""
    name, source, kind = entry
    target = made / Path(name).name
    if not target.exists() or target.stat().st_mtime < Path(source).stat().st_mtime:
        subprocess.run(["strip", "--strip-unneeded", "-o", target, source], check=True)
    return name, str(target), kind
