"""How much memory a command took at most. Imports neither torch nor Qt."""

from __future__ import annotations

import sys


def peak_memory() -> int:
    """The most main memory this process has held, in bytes."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
