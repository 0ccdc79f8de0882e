"""The Linux packages around PyInstaller's folder: ``.tar.zst`` with an installer for one user, and
``.deb``. Called by ``.dev/build``: ``python -m packaging_steps.linux DIST WORK``.

The libraries that the folder expects from the system are read from its ELF files, and the Debian
packages that hold them become the ``.deb``'s dependencies.
"""

from __future__ import annotations

import datetime
import shutil
import subprocess
import sys
from pathlib import Path

from desktop import __version__
from packaging_steps import icons
from packaging_steps.bundle import needed

FILES = Path(__file__).resolve().parents[2] / "resources" / "packaging"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
BASE = {"libc6", "libgcc-s1", "libstdc++6", "zlib1g"}
"""On every Debian system, or brought along."""
RENAMED = {"libglib2.0-0": "libglib2.0-0 | libglib2.0-0t64"}
OPENED_LATER = ("libEGL.so.1", "libGL.so.1")
"""Opened by Qt when it needs them rather than named in a file."""


def main(dist: Path, work: Path) -> None:
    """Write both packages into ``dist``."""
    folder = dist / "glassbox"
    share = work / "share"
    shutil.rmtree(share, ignore_errors=True)
    _write_share(share)
    print(archive(folder, share, dist, work))
    if shutil.which("dpkg-deb"):
        print(deb(folder, share, dist, work))


def archive(folder: Path, share: Path, dist: Path, work: Path) -> Path:
    """``glassbox-VERSION-linux-x86_64.tar.zst``: the folder, the desktop files, the installer."""
    name = f"glassbox-{__version__}-linux-{_machine()}"
    top = work / name
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir(parents=True)
    _copy(folder, top / "glassbox")
    shutil.copytree(share, top / "share")
    for file in ("install.sh", "uninstall.sh"):
        shutil.copyfile(FILES / file, top / file)
        (top / file).chmod(0o755)
    (top / "README.txt").write_text(_filled("README.txt"), encoding="utf-8")
    target = dist / f"{name}.tar.zst"
    owned_by_root = ("--owner=0", "--group=0", "--numeric-owner", "--sort=name")
    command = ["tar", *owned_by_root, "-I", "zstd -T0 -12", "-C", work, "-cf", target, name]
    subprocess.run([str(part) for part in command], check=True)
    shutil.rmtree(top)
    return target


def deb(folder: Path, share: Path, dist: Path, work: Path) -> Path:
    """A Debian package: /opt/glassbox, a command, menu entry, icons, metadata."""
    top = work / "deb"
    shutil.rmtree(top, ignore_errors=True)
    (top / "opt").mkdir(parents=True)
    _copy(folder, top / "opt" / "glassbox")
    shutil.copytree(share, top / "usr" / "share")
    (top / "usr" / "bin").mkdir()
    (top / "usr" / "bin" / "glassbox").symlink_to("/opt/glassbox/glassbox")
    notice = top / "usr" / "share" / "doc" / "glassbox"
    notice.mkdir(parents=True)
    shutil.copyfile(FILES.parents[1] / "LICENSE", notice / "copyright")
    size = sum(file.stat().st_size for file in top.rglob("*") if file.is_file()) // 1024
    control = top / "DEBIAN" / "control"
    control.parent.mkdir()
    depends = ", ".join(["libc6 (>= " + _glibc() + ")", *system_packages(folder)])
    control.write_text(
        f"""Package: glassbox
Version: {__version__}
Section: education
Priority: optional
Architecture: {_debian_machine()}
Installed-Size: {size}
Depends: {depends}
Maintainer: The Glassbox authors <glassbox@localhost>
Description: learn how deep learning and language models work by running them
 Every lesson is a real PyTorch experiment that moves while you watch, and a
 language model that runs on your own computer can be looked into while it
 answers. Offline, in Chinese and English.
""",
        encoding="utf-8",
    )
    target = dist / f"glassbox_{__version__}_{_debian_machine()}.deb"
    build = ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z12", "--build"]
    subprocess.run([*build, str(top), str(target)], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(top)
    return target


def system_packages(folder: Path) -> list[str]:
    """Debian packages of the libraries that the folder needs and does not contain."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    present = {path.name for path in folder.rglob("*")}
    wanted = set(OPENED_LATER)
    for path in files:
        if ".so" in path.name or path.parent == folder:
            wanted |= needed(path)
    names = {_package(library) for library in wanted - present}
    return [RENAMED.get(name, name) for name in sorted(names - BASE - {""})]


def _package(library: str) -> str:
    done = subprocess.run(["dpkg-query", "-S", f"*/{library}"], capture_output=True, text=True)
    owners = [
        line.partition(":")[0]
        for line in done.stdout.splitlines()
        if "/x86_64" in line or "/aarch64" in line or "/lib64" in line
    ]
    return min(owners, default="")


def _write_share(share: Path) -> None:
    for name, inside in (("glassbox.desktop", "applications"),):
        (share / inside).mkdir(parents=True)
        shutil.copyfile(FILES / name, share / inside / name)
    (share / "metainfo").mkdir()
    (share / "metainfo" / "io.github.glassbox.Glassbox.metainfo.xml").write_text(
        _filled("glassbox.metainfo.xml"), encoding="utf-8"
    )
    for size in SIZES:
        target = share / "icons" / "hicolor" / f"{size}x{size}" / "apps" / "glassbox.png"
        target.parent.mkdir(parents=True)
        target.write_bytes(icons.png(size))
    target = share / "icons" / "hicolor" / "scalable" / "apps" / "glassbox.svg"
    target.parent.mkdir(parents=True)
    shutil.copyfile(icons.SOURCE, target)


def _filled(name: str) -> str:
    text = (FILES / name).read_text(encoding="utf-8")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    values = {"@VERSION@": __version__, "@DATE@": today, "@GLIBC@": _glibc()}
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def _copy(folder: Path, target: Path) -> None:
    """Hard links where that is possible: the same files go into two packages."""
    subprocess.run(["cp", "-al", str(folder), str(target)], check=True)


def _glibc() -> str:
    import platform

    return platform.libc_ver()[1]


def _machine() -> str:
    import platform

    return platform.machine()


def _debian_machine() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(_machine(), _machine())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
