"""A start after one that ended before any of its file operations ends as if there had been none."""

import os
from collections.abc import Callable, Sequence
from random import Random

import pytest
from checking import Faults
from crashing import Crash
from kinds import KINDS
from workshop import Kind, Workshop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
MOST = int(os.environ.get("CHAOS_POINTS", "10"))  # of a command that trains, which has hundreds


def choose(
    points: Sequence[tuple[int, bool]], kind: Kind, random: Random
) -> list[tuple[int, bool]]:
    """Return all points, or of a command that trains a sample, in order."""
    return sorted(random.sample(points, min(MOST, len(points)) if kind.jobs else len(points)))


def crash(workshop: Workshop, kind: Kind, at: int, emptied: bool, faults: Faults) -> None:
    points = workshop.undisturbed(kind).points
    words = points[at].words.replace(f"{workshop.project}/", "")
    prefix = f"{'after emptying' if emptied else 'before'} {at}: {words}"
    workshop.prepare(kind)
    crashing = Crash(workshop.places(kind), at, emptied)
    code = workshop.start(kind.words, kind.elsewhere, crashing).wait()
    if code != -9:  # threads made it end before it came to as many operations
        prefix = f"not {prefix} but after all others"
    workshop.finish(kind, prefix, faults)


@pytest.mark.parametrize("name", KINDS)
def test_a_start_after_one_that_ended_at_a_file_operation_ends_as_if_there_had_been_none(
    name: str, workshop: Workshop, random: Random, report: Callable[..., None]
) -> None:
    kind, faults = KINDS[name], Faults()
    points = workshop.undisturbed(kind).points
    every = [(at, False) for at in range(len(points))]
    every += [(at, True) for at, point in enumerate(points) if point.words.startswith("open ")]
    chosen = choose(every, kind, random)
    for at, emptied in chosen:
        crash(workshop, kind, at, emptied, faults)
    report("crash points", f"{name} ({len(every)} points)", len(chosen), faults)
