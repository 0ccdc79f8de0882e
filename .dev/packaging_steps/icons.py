"""``resources/icons/app.svg`` as each system wants it: PNG sizes, ``.ico``, ``.icns``."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "resources" / "icons" / "app.svg"
ICNS_TYPES = {16: b"icp4", 32: b"icp5", 64: b"icp6", 128: b"ic07", 256: b"ic08", 512: b"ic09"}


def for_system(made: Path) -> str | None:
    """The icon file for the executable being built; Linux executables carry none."""
    if sys.platform == "win32":
        return str(ico(made / "glassbox.ico"))
    if sys.platform == "darwin":
        return str(icns(made / "glassbox.icns"))
    return None


def png(size: int) -> bytes:
    """The icon as a PNG of ``size`` × ``size`` pixels."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QBuffer, QIODevice
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(SOURCE)).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    del application
    return bytes(buffer.data())


def ico(target: Path) -> Path:
    """A Windows icon: PNG images behind a table of offsets."""
    sizes = (16, 24, 32, 48, 64, 128, 256)
    images = [png(size) for size in sizes]
    offset = 6 + 16 * len(images)
    head = struct.pack("<HHH", 0, 1, len(images))
    for size, image in zip(sizes, images, strict=True):
        side = size % 256  # 256 is written as 0
        head += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(image), offset)
        offset += len(image)
    target.write_bytes(head + b"".join(images))
    return target


def icns(target: Path) -> Path:
    """A macOS icon: PNG images, each with its type and length."""
    body = b""
    for size, kind in ICNS_TYPES.items():
        image = png(size)
        body += kind + struct.pack(">I", 8 + len(image)) + image
    target.write_bytes(b"icns" + struct.pack(">I", 8 + len(body)) + body)
    return target
