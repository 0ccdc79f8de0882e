"""The fonts a package brings besides Inter: Chinese, so that it shows on a machine without any, and
JetBrains Mono for code.

Both are openly licensed (SIL OFL 1.1) and taken from the Debian packages ``fonts-noto-cjk`` and
``fonts-jetbrains-mono``, or from the folder in ``GLASSBOX_FONTS`` on other systems. Of Noto Sans CJK
only the simplified-Chinese face is kept, with every character of the Unicode block *CJK Unified
Ideographs* that it has (20,976), kana, Latin and punctuation; vertical forms, the shapes of other
regions and hinting are dropped.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDERS = ("/usr/share/fonts/opentype/noto", "/usr/share/fonts/truetype/jetbrains-mono")
CHINESE = {"NotoSansCJK-Regular.ttc": "NotoSansSC-Regular.otf"}
MONO = ("JetBrainsMono-Regular.ttf",)
FACE = "Noto Sans CJK SC"
RANGES = (
    (0x0020, 0x024F),  # Latin
    (0x0370, 0x03FF),  # Greek
    (0x2000, 0x23FF),  # punctuation, arrows, mathematics
    (0x2460, 0x27BF),  # circled numbers, shapes
    (0x3000, 0x30FF),  # Chinese punctuation, kana
    (0x3200, 0x33FF),  # enclosed characters, units
    (0x4E00, 0x9FFF),  # ideographs
    (0xFE30, 0xFE4F),
    (0xFF00, 0xFFEF),  # full-width forms
)
NOTICES = {"fonts-noto-cjk": "LICENSE-NotoSansSC.txt", "fonts-jetbrains-mono": "LICENSE-Mono.txt"}


def packaged(made: Path) -> list[tuple[str, str]]:
    """(file, folder in the package); raises ``FileNotFoundError`` naming a font that is missing."""
    folder = made / "fonts"
    folder.mkdir(exist_ok=True)
    found = []
    for source, name in CHINESE.items():
        target = folder / name
        if not target.exists():
            _simplified_chinese(_find(source), target)
        found.append(target)
    found += [_find(name) for name in MONO]
    for package, name in NOTICES.items():
        notice = Path("/usr/share/doc") / package / "copyright"
        if notice.exists():
            (folder / name).write_bytes(notice.read_bytes())
            found.append(folder / name)
    return [(str(path), "resources/fonts") for path in found]


def _find(name: str) -> Path:
    for folder in (os.environ.get("GLASSBOX_FONTS", ""), *FOLDERS):
        if folder and (Path(folder) / name).is_file():
            return Path(folder) / name
    raise FileNotFoundError(
        f"{name} is needed for the package: apt-get install {' '.join(NOTICES)}"
    )


def _simplified_chinese(source: Path, target: Path) -> None:
    import logging

    from fontTools import subset
    from fontTools.ttLib import TTCollection

    logging.getLogger("fontTools").setLevel(logging.WARNING)
    faces = TTCollection(str(source), lazy=True).fonts
    font = next(face for face in faces if face["name"].getDebugName(1) == FACE)
    options = subset.Options()
    options.layout_features = ["kern", "halt", "palt"]
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    worker = subset.Subsetter(options)
    worker.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    worker.subset(font)
    subset.save_font(font, str(target), options)
