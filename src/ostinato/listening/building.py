"""A listening test: pairs of systems become a page without names, and a key that has them."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ostinato.files import fingerprint
from ostinato.listening.page import TestPage, show_pairs
from ostinato.listening.pairs import Pair, Pairing
from ostinato.listening.protocol import PROTOCOL, Clip, Key, KeyClip, KeySystem
from ostinato.listening.sound import Recording, record
from ostinato.listening.systems import System, unique_names
from ostinato.music.writing import midi_bytes

Place = tuple[int, int]  # of a piece: its system, and which of the system's pieces, from 0


@dataclass(frozen=True)
class ListeningTest:
    """A test: its page, without names, and its key."""

    page: str
    key: Key


def build_test(
    systems: Sequence[System], pairing: Pairing, seed: int, seconds: float
) -> ListeningTest:
    """Return the page and the key of a test; equal arguments give equal bytes.

    `seconds` is how long a piece plays at most after what both were given.
    """
    names = unique_names(systems)
    test = _identify(systems, names, pairing.pairs, seed, seconds)
    places = sorted({side for pair in pairing.pairs for side in (pair.first, pair.second)})
    ids = _draw_ids(test, len(systems) + len(places) + len(pairing.pairs))
    system_ids = [ids.pop() for _ in systems]
    clips = {place: Clip(system=system_ids[place[0]], clip=ids.pop()) for place in places}
    pairs = {ids.pop(): pair for pair in pairing.pairs}
    recordings = {place: _record(systems, pairing.pairs, place, seconds) for place in places}
    key = Key(
        protocol=PROTOCOL,
        test=test,
        seed=seed,
        systems={
            id_: KeySystem(name=name, source=system.source, about=dict(system.about))
            for id_, name, system in zip(system_ids, names, systems, strict=True)
        },
        clips={
            clip.clip: _describe(systems, place, clip, recordings[place])
            for place, clip in clips.items()
        },
        pairs={id_: (clips[pair.first], clips[pair.second]) for id_, pair in pairs.items()},
        left_out=_sum_counts([pairing.left_out, *(system.left_out for system in systems)]),
    )
    given = {id_: pair.given for id_, pair in pairs.items()}
    sounds = {clips[place].clip: recording.mp3 for place, recording in recordings.items()}
    return ListeningTest(show_pairs(TestPage(key, given, sounds)), key)


def _describe(systems: Sequence[System], place: Place, clip: Clip, recording: Recording) -> KeyClip:
    piece = systems[place[0]].music[place[1]].piece
    return KeyClip(system=clip.system, piece=piece.name, seconds=recording.seconds)


def _sum_counts(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for some in counts:
        total.update(some)
    return dict(total)


def _record(
    systems: Sequence[System], pairs: Sequence[Pair], place: Place, seconds: float
) -> Recording:
    """Record a piece up to `seconds` after the last thing that it shares with a partner."""
    given = [
        own
        for pair in pairs
        for side, own in zip((pair.first, pair.second), pair.given, strict=True)
        if side == place
    ]
    return record(systems[place[0]].music[place[1]].piece, max(given) + seconds)


def _identify(
    systems: Sequence[System],
    names: Sequence[str],
    pairs: Sequence[Pair],
    seed: int,
    seconds: float,
) -> str:
    """Return the id of a test: what is heard in it, of whom, and in which pairs."""
    music = [[midi_bytes(music.piece).hex() for music in system.music] for system in systems]
    places = [[pair.first, pair.second] for pair in pairs]
    return fingerprint(PROTOCOL, seed, seconds, names, music, places)


def _draw_ids(test: str, count: int) -> list[str]:
    """Return different ids of eight hexadecimal digits."""
    draw, ids = random.Random(test), dict[str, None]()
    while len(ids) < count:
        ids[f"{draw.getrandbits(32):08x}"] = None
    return list(ids)
