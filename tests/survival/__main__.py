"""``python -m tests.survival --kills 200``: kills at random moments, in a fixed mixture, with figures.

Takes about ten minutes for 200. The status is not 0 when anything was lost.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.survival.kills import Tally, kill_one

MIXTURE = (
    "save",
    "migrate",
    "save",
    "chat",
    "migrate",
    "save",
    "window",
    "migrate",
    "save",
    "chat",
)


def main() -> int:
    """Kill, count, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    tallies = {name: Tally() for name in dict.fromkeys(MIXTURE)}
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="glassbox kills 数据 ") as folder:
        for number in range(arguments.kills):
            name = MIXTURE[number % len(MIXTURE)]
            kill_one(name, Path(folder) / name, rng, tallies[name])
            if tallies[name].faults:
                print(tallies[name].faults[-1], flush=True)
    for name, tally in tallies.items():
        print(
            f"{name}: {tally.kills} kills, {tally.transactions} transactions saved, "
            f"{tally.under_way} times in the middle of one, {len(tally.faults)} faults"
        )
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if any(tally.faults for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
