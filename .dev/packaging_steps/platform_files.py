"""Version resources for Windows and bundle information for macOS. Untested on both."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def windows_version(made: Path, version: str, program: str) -> str | None:
    """PyInstaller's version file, which Explorer shows under *Details*."""
    if sys.platform != "win32":
        return None
    numbers = tuple(int(part) for part in [*version.split("."), "0", "0", "0"][:4])
    target = made / f"{program}-version.txt"
    target.write_text(
        f"""VSVersionInfo(
  ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, flags=0x0, OS=0x40004,
                    fileType=0x1, subtype=0x0, date=(0, 0)),
  kids=[
    StringFileInfo([
      StringTable("040904B0", [
        StringStruct("FileDescription", "Glassbox"),
        StringStruct("FileVersion", "{version}"),
        StringStruct("InternalName", "{program}"),
        StringStruct("LegalCopyright", "MIT licence"),
        StringStruct("OriginalFilename", "{program}.exe"),
        StringStruct("ProductName", "Glassbox"),
        StringStruct("ProductVersion", "{version}")]),
      StringTable("080404B0", [
        StringStruct("FileDescription", "透明盒"),
        StringStruct("FileVersion", "{version}"),
        StringStruct("ProductName", "透明盒"),
        StringStruct("ProductVersion", "{version}")])]),
    VarFileInfo([VarStruct("Translation", [0x0409, 1200, 0x0804, 1200])])
  ]
)
""",
        encoding="utf-8",
    )
    return str(target)


def macos_info(version: str) -> dict[str, Any]:
    """Entries of ``Info.plist``."""
    return {
        "CFBundleDisplayName": "Glassbox",
        "CFBundleShortVersionString": version,
        "CFBundleVersion": version,
        "CFBundleDevelopmentRegion": "en",
        "CFBundleLocalizations": ["en", "zh_CN"],
        "LSApplicationCategoryType": "public.app-category.education",
        "LSMinimumSystemVersion": "12.0",
        "NSHighResolutionCapable": True,
        "NSRequiresAquaSystemAppearance": False,
        "NSHumanReadableCopyright": "MIT licence",
    }
