"""What can be downloaded, from where, and how a download stands. Opens no connection.

Imports the standard library only.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from desktop.bilingual import Bilingual

HUB = "https://huggingface.co"


@dataclass(frozen=True)
class HubModel:
    """A published model, pinned to one revision. ``sha256`` holds checksums that we know ourselves,
    so that a mirror cannot hand out another file under that name."""

    repository: str
    revision: str
    sha256: Mapping[str, str] = field(default_factory=dict)


KNOWN: Mapping[str, HubModel] = {
    "phi-2": HubModel(
        "microsoft/phi-2",
        "810d367871c1d460086d9f82db8696f2e0a0fcd0",
        {
            "model-00001-of-00002.safetensors": (
                "7fbcdefa72edf7527bf5da40535b57d9f5bd3d16829b94a9d25d2b457df62e84"
            )
        },
    )
}


@dataclass(frozen=True)
class Connection:
    """How to reach the hub: a mirror's address, a proxy's (both may be empty), and how many seconds
    without a sign of life are a broken connection."""

    endpoint: str = ""
    proxy: str = ""
    timeout: float = 20.0

    @property
    def address(self) -> str:
        """The hub's or the mirror's, from here, from ``HF_ENDPOINT``, or the usual one."""
        return (self.endpoint or os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")


@dataclass(frozen=True)
class RemoteFile:
    """A file on the hub: large ones come with a SHA-256, small ones with git's checksum."""

    name: str
    bytes: int
    sha256: str = ""
    git: str = ""


@dataclass(frozen=True)
class Offer:
    """What a download would mean; show it before starting one."""

    model: HubModel
    address: str
    licence: str
    files: tuple[RemoteFile, ...]
    folder: Path

    @property
    def bytes(self) -> int:
        """All files together."""
        return sum(file.bytes for file in self.files)

    @property
    def here(self) -> int:
        """Bytes that are already in the folder."""
        return sum(min(bytes_here(self.folder, file), file.bytes) for file in self.files)

    @property
    def free(self) -> int:
        """Free bytes on the disk that the folder is on."""
        existing = next(p for p in (self.folder, *self.folder.parents) if p.exists())
        return shutil.disk_usage(existing).free


@dataclass(frozen=True)
class DownloadProgress:
    """Where a download stands. ``done`` and ``total`` count bytes of all files. While ``waiting``,
    ``wait`` is how many seconds are left until the next try, and ``reason`` why."""

    state: Literal["checking", "downloading", "waiting", "done"]
    file: str
    done: int
    total: int
    wait: float = 0.0
    reason: Bilingual = field(default_factory=lambda: Bilingual("", ""))


def bytes_here(folder: Path, file: RemoteFile) -> int:
    """How much of a file is there, finished or not."""
    for path in (folder / file.name, folder / f"{file.name}.part"):
        if path.is_file():
            return path.stat().st_size
    return 0
