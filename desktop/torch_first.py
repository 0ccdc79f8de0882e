"""Imported before any Qt module by ``desktop.app``: on Windows, torch has to come first.

Since torch 2.9 its ``c10.dll`` fails to initialise (WinError 1114) in a process that has loaded Qt's
DLLs before. Elsewhere torch is imported later, by the experiment's worker thread after the first
paint, because it takes about two seconds. On Windows those seconds are spent here, before the window:
no toolkit may be loaded to show a splash meanwhile, except the boot loader's own splash in a packaged
build, which lives in another process image and closes by itself.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import torch  # noqa: F401
