"""Pairs of samples that a listener compares: of two systems, from the same prompt."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest

from ostinato.errors import UserError
from ostinato.listening.systems import UNPROMPTED, Music, System, shared_beginning, unique_names
from ostinato.wording import agree, quantity

SHORTEST = 1.0  # seconds of a piece that are not in the other, for there to be something to compare


@dataclass(frozen=True)
class Pair:
    """Two pieces by (system, piece) counted from 0, of two systems. given: how long each is the
    same as the other from its beginning, in seconds: that part tells nothing.
    """

    first: tuple[int, int]
    second: tuple[int, int]
    given: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Pairing:
    """The pairs of a test.

    apart: the names of each two systems that share no prompt; left_out: what cannot be compared, by
    reason, with a count.
    """

    pairs: list[Pair]
    left_out: dict[str, int]
    apart: list[tuple[str, str]]


def pair_systems(systems: Sequence[System], most: int, seed: int) -> Pairing:
    """Return up to so many pairs, as many of each two systems as there are, in random order.

    Every piece is used about as often as the others of its system. Raises `UserError` where a
    system has nothing in common with the others.
    """
    draw = random.Random(seed)
    two = list(combinations(range(len(systems)), 2))
    of_two = [_compare(systems, one, other, draw) for one, other in two]
    left_out = {"identical": sum(identical for _, identical in of_two)}
    found = [pairs for pairs, _ in of_two]
    _check_joined(systems, [pairs[0] for pairs in found if pairs])
    # one of each two systems, and again: a test that is cut stays balanced
    rounds = ([pair for pair in row if pair is not None] for row in zip_longest(*found))
    pairs = [pair for row in rounds for pair in row][:most]
    left_out["without_partner"] = _count_lonely(systems, found)
    names = unique_names(systems)
    apart = [(names[i], names[j]) for (i, j), some in zip(two, found, strict=True) if not some]
    return Pairing(pairs, {reason: count for reason, count in left_out.items() if count}, apart)


def _compare(
    systems: Sequence[System], one: int, other: int, draw: random.Random
) -> tuple[list[Pair], int]:
    """Return the pairs of two systems, each piece once before any again, and how many are alike."""
    pairs, identical = [], 0
    for first, second in _matches(systems[one].music, systems[other].music, draw):
        mine, theirs = systems[one].music[first], systems[other].music[second]
        given = _given(mine, theirs)
        if given is None:
            identical += 1
            continue
        pairs.append(Pair((one, first), (other, second), given))
    return pairs, identical


def _matches(
    ours: Sequence[Music], theirs: Sequence[Music], draw: random.Random
) -> Iterator[tuple[int, int]]:
    """Yield the pieces that continue the same prompt, or begin from nothing, two by two."""
    conditions = list(dict.fromkeys(music.condition for music in ours))
    groups = []
    for condition in conditions:
        left = [i for i, music in enumerate(ours) if music.condition == condition]
        right = [i for i, music in enumerate(theirs) if music.condition == condition]
        draw.shuffle(left)
        draw.shuffle(right)
        if right:
            groups.append(list(_rounds(left, right)))
    draw.shuffle(groups)
    for row in zip_longest(*groups):
        yield from (match for match in row if match is not None)


def _rounds(left: Sequence[int], right: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield every combination so that each piece comes once before any comes again."""
    longer = max(len(left), len(right))
    seen = set()
    for shift in range(longer):
        for i in range(longer):
            match = (left[i % len(left)], right[(i + shift) % len(right)])
            if match not in seen:
                seen.add(match)
                yield match


def _given(first: Music, second: Music) -> tuple[float, float] | None:
    """Return how long two pieces are the same, in seconds of each; None where too much of one is.

    Pieces that begin from nothing were given nothing: all of them counts, unless they are the same
    throughout.
    """
    shared = shared_beginning(first.harmony, second.harmony)
    lasting = []
    for music in (first, second):
        times = music.harmony.seconds
        same = times[shared] if shared < len(times) else music.piece.seconds
        if music.piece.seconds - same < SHORTEST:
            return None
        lasting.append(round(same, 3))
    if first.condition == UNPROMPTED:
        return 0.0, 0.0
    return lasting[0], lasting[1]


def _check_joined(systems: Sequence[System], pairs: Sequence[Pair]) -> None:
    """Raise `UserError` unless pairs join all systems: others could not be ranked together."""
    group = list(range(len(systems)))
    for pair in pairs:
        old, new = group[pair.second[0]], group[pair.first[0]]
        group = [new if own == old else own for own in group]
    called = list(zip(unique_names(systems), group, strict=True))
    names = [name for name, own in called if own == group[0]]
    others = [name for name, own in called if own != group[0]]
    if others:
        raise UserError(
            f"{' and '.join(names)} {agree(len(names), 'has', 'have')} no prompt in common with "
            f"{' and '.join(others)} ({_describe(systems)}): draw samples of all with the same "
            "sampling, from the same split."
        )


def _describe(systems: Sequence[System]) -> str:
    """Return from what the samples of each system begin."""
    return "; ".join(
        f"{name}: "
        + (
            f"prompts of {quantity(system.prompt_bars, 'bar')}"
            if system.prompt_bars
            else "from nothing"
        )
        for name, system in zip(unique_names(systems), systems, strict=True)
    )


def _count_lonely(systems: Sequence[System], found: Sequence[Sequence[Pair]]) -> int:
    """Return how many pieces have no partner in any other system."""
    used = {side for pairs in found for pair in pairs for side in (pair.first, pair.second)}
    return sum(len(system.music) for system in systems) - len(used)
