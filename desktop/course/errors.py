"""What is wrong with a course file, said so that its author finds the place.

Every message names the file, and inside it the key or line. Imports ``desktop.bilingual`` only.
"""

from __future__ import annotations

from pathlib import Path

from desktop.bilingual import Bilingual, GlassboxError


class CourseError(GlassboxError):
    """A lesson, chapter or glossary file that cannot be used; ``file`` and ``where`` point at it."""

    def __init__(self, file: Path, where: str, zh: str, en: str, details: str = "") -> None:
        place = f"{'/'.join(file.parts[-3:])}" + (f", {where}" if where else "")
        super().__init__(
            Bilingual(f"{place}：{zh}", f"{place}: {en}"),
            Bilingual(
                "请改正这个课程文件，其他课程不受影响。",
                "Correct this course file; the other lessons are not affected.",
            ),
            details or str(file),
        )
        self.file = file
        self.where = where
