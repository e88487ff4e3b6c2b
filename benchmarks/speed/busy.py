"""Training beside other work: how much of its fair share it keeps.

Each training is of the default, half a minute of it in a process of its own. Beside one that is its
equal, half of the machine is fair.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("training.py")


def measure(rounds: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each number of threads: steps per second alone, and beside another."""
    fair = 0.0  # half of what one makes with the whole machine to itself
    for threads in (None, 1):
        alone, both = [], []
        for _ in range(rounds):
            alone += _rates(1, threads)
            both.append(sum(_rates(2, threads)) / 2)
        fair = fair or median(alone) / 2
        yield {
            "threads": threads or "torch's own",
            "alone_per_second": round(median(alone), 3),
            "beside_another_per_second": round(median(both), 3),
            "of_fair_share": round(median(both) / fair, 3),
        }


def _rates(count: int, threads: int | None) -> list[float]:
    """Return the steps per second of so many trainings at once."""
    env = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
    if threads is None:
        env.pop("OMP_NUM_THREADS", None)
    running = [
        subprocess.Popen(
            [sys.executable, str(WORKER)], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    return [float(process.communicate()[0].split()[-1]) for process in running]
