"""What the build chooses and writes: lessons and resources complete, icons that decode, files valid."""

from __future__ import annotations

import configparser
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from desktop import paths
from desktop.course import find_lessons

TOP = paths.root()


@pytest.fixture(autouse=True)
def steps_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOP / ".dev"))


def test_lessons_go_with_their_sources() -> None:
    from packaging_steps import bundle

    folders = find_lessons(paths.lessons())
    packed = {Path(source) for source, _ in bundle.lessons(TOP, folders)}
    for folder in folders:
        for name in ("lesson.toml", "zh.md", "en.md", "experiment.py", "parameters.py"):
            assert folder / name in packed
        assert folder.parent / "chapter.toml" in packed
    assert all((TOP / place).is_dir() for _, place in bundle.lessons(TOP, folders))


def test_what_lessons_import_is_packed() -> None:
    from packaging_steps import bundle

    names = bundle.lesson_imports(find_lessons(paths.lessons()))
    assert {"torch", "numpy", "desktop.engine.experiment"} <= set(names)
    assert not [name for name in names if name.startswith(".")]


def test_resources_leave_out_what_is_never_read() -> None:
    from packaging_steps import bundle

    places = {place for _, place in bundle.resources(TOP)}
    assert {"resources/fonts", "resources/glossary", "resources/translations"} <= places
    assert not [place for place in places if "screenshots" in place or "packaging" in place]


def test_icons_decode(qapp: object, tmp_path: Path) -> None:
    from packaging_steps import icons
    from PySide6.QtGui import QImage

    image = QImage.fromData(icons.png(64))
    assert (image.width(), image.height()) == (64, 64)
    assert image.pixelColor(32, 8).alpha() == 255
    data = icons.ico(tmp_path / "x.ico").read_bytes()
    count = struct.unpack("<HHH", data[:6])[2]
    for number in range(count):
        size, offset = struct.unpack("<II", data[6 + 16 * number + 8 : 6 + 16 * number + 16])
        assert not QImage.fromData(data[offset : offset + size]).isNull()
    data = icons.icns(tmp_path / "x.icns").read_bytes()
    assert data[:4] == b"icns"
    assert struct.unpack(">I", data[4:8])[0] == len(data)


def test_menu_entry_and_metadata_speak_both_languages() -> None:
    files = TOP / "resources" / "packaging"
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(files / "glassbox.desktop", encoding="utf-8")
    values = entry["Desktop Entry"]
    for key in ("Name", "Comment", "GenericName", "Keywords"):
        assert values[key]
        assert values[f"{key}[zh_CN]"]
    metadata = ET.parse(files / "glassbox.metainfo.xml").getroot()
    languages = [
        element.get("{http://www.w3.org/XML/1998/namespace}lang") for element in metadata.iter("p")
    ]
    assert languages.count(None) == languages.count("zh-CN") > 0


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf reads ELF files")
def test_needed_libraries_are_read_from_elf_files(tmp_path: Path) -> None:
    from packaging_steps import bundle

    assert any(name.startswith("libc.") for name in bundle.needed(Path("/bin/sh").resolve()))
    plain = tmp_path / "plain.txt"
    plain.write_text("no library", encoding="utf-8")
    assert bundle.needed(plain) == set()


@pytest.mark.skipif(sys.platform != "linux", reason="the installer for Linux")
def test_the_installer_installs_updates_and_removes_but_not_under_an_open_window(
    tmp_path: Path,
) -> None:
    files = TOP / "resources" / "packaging"
    archive, home = tmp_path / "un packed", tmp_path / "家 home"
    for folder in ("glassbox", "share/applications", "share/metainfo", "share/icons/hicolor"):
        (archive / folder).mkdir(parents=True)
    shutil.copy(str(shutil.which("sleep")), archive / "glassbox" / "glassbox")
    for name in ("install.sh", "uninstall.sh", "README.txt"):
        shutil.copy(files / name, archive)
    shutil.copy(files / "glassbox.desktop", archive / "share" / "applications")
    metadata = archive / "share" / "metainfo" / "io.github.glassbox.Glassbox.metainfo.xml"
    shutil.copy(files / "glassbox.metainfo.xml", metadata)
    data = home / ".local/share/Glassbox"
    data.mkdir(parents=True)
    (data / "glassbox.sqlite3").write_text("mine", encoding="utf-8")

    def run(script: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(script)],
            capture_output=True,
            text=True,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        )

    place = home / ".local/opt/glassbox"
    assert run(archive / "install.sh").returncode == 0
    assert f'Exec="{place}/glassbox"' in (
        home / ".local/share/applications/glassbox.desktop"
    ).read_text(encoding="utf-8")
    open_window = subprocess.Popen([str(home / ".local/bin/glassbox"), "60"])
    try:
        for script in (archive / "install.sh", place / "uninstall.sh"):
            refused = run(script)
            assert refused.returncode == 1
            assert "Close it first" in refused.stderr
        assert open_window.poll() is None
    finally:
        open_window.kill()
        open_window.wait()
    (place / "of the older version").touch()
    assert run(archive / "install.sh").returncode == 0
    assert not (place / "of the older version").exists()
    assert run(place / "uninstall.sh").returncode == 0
    left = [path for path in home.rglob("*") if not path.is_dir()]
    assert left == [data / "glassbox.sqlite3"]
