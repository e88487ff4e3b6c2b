"""A start after kills at random moments ends as one that was never killed."""

import os
import time
from collections.abc import Callable
from random import Random

import pytest
from checking import Faults
from kinds import KINDS
from workshop import Kind, Workshop

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
    "train, $TMPDIR elsewhere": 14,
    "generate": 9,
    "evaluate": 8,
    "run": 10,
    "run -m": 6,
}


def kill(workshop: Workshop, kind: Kind, random: Random) -> str | None:
    """Kill a start at a random moment of its work; returns the moment, None where it had ended."""
    undisturbed = workshop.undisturbed(kind)
    first, last = undisturbed.points[0].seconds, undisturbed.points[-1].seconds
    delay = random.uniform(first - EARLIER, last + EARLIER)
    began = time.time()
    started = workshop.start(kind.words, kind.elsewhere)
    if started.wait(began + delay - time.time()) is not None:
        return None
    whole = not kind.workers or random.random() < 0.5
    started.kill(group=whole)
    return f"{delay:.3f} s{'' if whole else ', its workers not'}"


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARES)
def test_a_start_after_kills_ends_as_one_that_was_never_killed(
    name: str, workshop: Workshop, random: Random, report: Callable[..., None]
) -> None:
    kind, faults, killed = KINDS[name], Faults(), 0
    workshop.undisturbed(kind)
    while killed < -(-ALL * SHARES[name] // 100):
        workshop.prepare(kind)
        moments = [kill(workshop, kind, random) for _ in range(random.randint(1, IN_A_ROW))]
        happened = [moment for moment in moments if moment]
        killed += len(happened)
        workshop.finish(kind, f"killed after {', '.join(happened) or 'nothing'}", faults)
    report("random kills", name, killed, faults)
