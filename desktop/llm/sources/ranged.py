"""Reading parts of large files without mapping them.

What is read is ordinary memory, given back when done with; a mapped file would count as memory of
ours as far as it has been touched, and a file cut short while mapped ends the process. Imports the
standard library only.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from desktop.llm.sources.errors import damaged


class RangedFiles:
    """Files that stay open until ``close``. For one thread."""

    def __init__(self) -> None:
        self._open: dict[Path, BinaryIO] = {}

    def read(self, path: Path, start: int, count: int) -> bytearray:
        """``count`` bytes from ``start`` on, all of them; raises ``SourceError``."""
        try:
            if path not in self._open:
                self._open[path] = path.open("rb", buffering=0)
            file = self._open[path]
            file.seek(start)
            data = bytearray(count)
            got, view = 0, memoryview(data)
            while got < count:
                more = file.readinto(view[got:])  # type: ignore[attr-defined]
                if not more:
                    raise damaged(path.name, f"ends at {start + got}")
                got += more
        except OSError as error:
            raise damaged(path.name, str(error)) from error
        return data

    def close(self) -> None:
        """Let go of the files."""
        for file in self._open.values():
            file.close()
        self._open.clear()
