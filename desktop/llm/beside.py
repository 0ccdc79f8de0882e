"""Folders that are there entirely or not at all: written beside their place, then renamed.

What is being written lies in ``.partial-<process>-…`` next to the target, an older version that is
about to be replaced in ``.replaced-<process>-<name>``. A process that was killed leaves such folders
behind; the next one that works in the same place clears up. Imports psutil; no torch.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from desktop.bilingual import Bilingual, GlassboxError

PARTIAL = re.compile(r"\.partial-(\d{1,10})-.*")
REPLACED = re.compile(r"\.replaced-(\d{1,10})-(.+)")
SPARE = 64 * 2**20
"""Bytes that stay free on the disk whatever is written."""
CHUNK = 8 * 2**20


class WriteError(GlassboxError):
    """Something could not be written."""


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """A new folder to fill; becomes ``target`` if the block ends well, and vanishes if it does not.

    An older folder at ``target`` is replaced in the same moment.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent)
        prefix = f".partial-{os.getpid()}-"
        beside = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    except OSError as error:
        raise cannot_write(target, error) from error
    try:
        yield beside
        _sync(beside)
        _swap(beside, target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _swap(new: Path, target: Path) -> None:
    new.chmod(0o755)  # a temporary folder is made for its owner alone
    if not target.exists():
        new.rename(target)
        return
    aside = target.parent / f".replaced-{os.getpid()}-{target.name}"
    shutil.rmtree(aside, ignore_errors=True)
    target.rename(aside)
    try:
        new.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def remove_folder(target: Path) -> None:
    """Remove a folder so that it is never seen half removed."""
    aside = Path(tempfile.mkdtemp(prefix=f".partial-{os.getpid()}-", dir=target.parent))
    try:
        target.rename(aside / target.name)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Clear up what processes that are no more left unfinished here.

    What one of them had put aside, and not yet replaced, goes back to its place.
    """
    for path in folder.iterdir():
        match = PARTIAL.fullmatch(path.name) or REPLACED.fullmatch(path.name)
        if match is None or psutil.pid_exists(int(match[1])):
            continue
        if match.re is REPLACED and not (folder / match[2]).exists():
            path.rename(folder / match[2])
        else:
            shutil.rmtree(path, ignore_errors=True)


def check_space(folder: Path, needed: int) -> None:
    """Raise ``WriteError`` unless the disk has room for ``needed`` bytes."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed + SPARE > free:
        raise WriteError(
            Bilingual(
                f"磁盘空间不够：需要 {gigabytes(needed + SPARE)}，空闲 {gigabytes(free)}。",
                f"The disk is too full: {gigabytes(needed + SPARE)} are needed, "
                f"{gigabytes(free)} are free.",
            ),
            Bilingual(
                "腾出一些空间，或者把数据文件夹换到别的磁盘。",
                "Free some space, or keep the data folder on another disk.",
            ),
            str(existing),
        )


def cannot_write(target: Path, error: OSError) -> WriteError:
    """The system refused; says whether the disk is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        message = Bilingual(
            f"写到一半磁盘满了，“{target.name}”没有保存。",
            f"The disk became full; “{target.name}” was not saved.",
        )
        hint = Bilingual("腾出一些空间再试一次。", "Free some space and try again.")
    else:
        message = Bilingual(f"“{target.name}”没能写入。", f"“{target.name}” could not be written.")
        hint = Bilingual("看看这个位置是否允许写入。", "Check that this place may be written to.")
    return WriteError(message, hint, str(error))


def hash_file(path: Path) -> Iterator[tuple[int, str]]:
    """SHA-256 piece by piece: (bytes so far, "") … and last (all bytes, digest)."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            yield done, ""
    yield done, digest.hexdigest()


def gigabytes(count: int) -> str:
    """A size for people."""
    if count >= 1e9:
        return f"{count / 1e9:.2f} GB"
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
