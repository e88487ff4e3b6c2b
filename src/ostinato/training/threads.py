"""Threads that a training computes with, and other work on the same cores."""

import psutil
import torch

from ostinato import console
from ostinato.training.settings import Training
from ostinato.wording import quantity

LISTENED = 0.3  # seconds
SOME = 0.5  # of a core: what a machine does by itself is less


def warn_of_others(training: Training) -> None:
    """Warn where other programs use cores that a training computes on with several threads.

    Each step of a training ends when its last thread does. One that shares its core with another
    program is late, and the others wait for it.
    """
    threads, cores = torch.get_num_threads(), psutil.cpu_count() or 1
    if threads == 1 or training.accelerator != "cpu":
        return
    used = psutil.cpu_percent(LISTENED) / 100 * cores
    if used > SOME and used + threads > cores:
        console.warn(
            f"other programs use {used:.1f} of {quantity(cores, 'core')}: beside them a training "
            f"with {threads} threads can take several times as long as one with "
            "training.threads=1."
        )
