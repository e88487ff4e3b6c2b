"""A start after kills at random moments ends as one that was never killed."""

import os
import time
from collections.abc import Callable
from random import Random

import pytest
from checking import Faults
from kinds import KINDS
from workshop import Kind, Workshop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
ALL = int(os.environ.get("CHAOS_KILLS", "100"))
EARLIER = 0.05  # seconds before the first file operation and after the last
IN_A_ROW = 3  # kills before the start that nothing disturbs
SHARES = {  # of a hundred kills
    "fetch a folder": 3,
    "fetch a folder anew": 3,
    "fetch an archive": 4,
    "compose": 3,
    "preprocess": 6,
    "preprocess anew": 6,
    "preprocess, two workers": 2,
    "split": 2,
    "train": 16,
    "train, no MLflow store yet": 4,
    "train again": 4,
    "train, checkpoints elsewhere": 14,
    "generate": 9,
    "evaluate": 8,
    "run": 10,
    "run -m": 6,
}


class Killer:
    """Kills starts of one command at random moments of their work."""

    def __init__(self, workshop: Workshop, kind: Kind, random: Random) -> None:
        self.workshop, self.kind, self.random = workshop, kind, random
        self.pace = 1.0  # of the machine: lower where starts end sooner than the first one did

    def kill(self) -> str | None:
        """Kill a start; returns the moment, None where it had ended before."""
        points = self.workshop.undisturbed(self.kind).points
        first, last = points[0].seconds, points[-1].seconds
        delay = self.pace * self.random.uniform(first - EARLIER, last + EARLIER)
        began = time.time()
        started = self.workshop.start(self.kind.words, self.kind.elsewhere)
        if started.wait(began + delay - time.time()) is not None:
            self.pace *= 0.9
            return None
        whole = not self.kind.workers or self.random.random() < 0.5
        started.kill(group=whole)
        self.pace = min(1.0, 1.02 * self.pace)
        return f"{delay:.3f} s{'' if whole else ', its workers not'}"


@pytest.mark.parametrize("name", SHARES)
def test_a_start_after_kills_ends_as_one_that_was_never_killed(
    name: str, workshop: Workshop, random: Random, report: Callable[..., None]
) -> None:
    kind, faults, killed = KINDS[name], Faults(), 0
    killer = Killer(workshop, kind, random)
    while killed < -(-ALL * SHARES[name] // 100):
        workshop.undisturbed(kind)
        workshop.prepare(kind)
        moments = [killer.kill() for _ in range(random.randint(1, IN_A_ROW))]
        happened = [moment for moment in moments if moment]
        killed += len(happened)
        workshop.finish(kind, f"killed after {', '.join(happened) or 'nothing'}", faults)
    report("random kills", name, killed, faults)
