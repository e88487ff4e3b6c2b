"""MIDI files in which more instruments play than there are channels."""

import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ostinato.music import midi_events
from ostinato.music.conversion import Part
from ostinato.music.midi_events import Event

DRUMS = 9  # the channel of percussion
PITCHED = (*range(DRUMS), *range(DRUMS + 1, 16))
HEADER = 14  # bytes


def share_channels(data: bytes, parts: Sequence[Part]) -> tuple[bytes, int]:
    """Return a file in which each note sounds with its program, and how many notes may not last.

    data: the file with a track for each of `parts`, as symusic writes it, which gives sixteen
    instruments and more the channels of the first ones. Tracks that share a channel choose their
    program before a note wherever another was chosen meanwhile; what sounds keeps its own. Those of
    one program share first, and those that would strike a pitch of each other last: a note counts
    as one that may not last where it does, because a note off may be taken for that of the other.
    """
    kits = {part.program for part in parts if part.drum}
    if sum(not part.drum for part in parts) <= len(PITCHED) and len(kits) <= 1:
        return data, 0
    channels, clashes = _assign(parts)
    tracks = [
        [_on(channel, event) for event in midi_events.walk(track)]
        for channel, track in zip(channels, _tracks(data), strict=True)
    ]
    written = [midi_events.write(track) for track in _with_programs(tracks)]
    chunks = [b"MTrk" + struct.pack(">I", len(track)) + track for track in written]
    return b"".join([data[:HEADER], *chunks]), clashes


def _tracks(data: bytes) -> Iterator[bytes]:
    at = HEADER
    while at < len(data):
        (size,) = struct.unpack(">I", data[at + 4 : at + 8])
        yield data[at + 8 : at + 8 + size]
        at += 8 + size


class _Channel:
    """The notes of one channel."""

    def __init__(self) -> None:
        self.programs: set[int] = set()
        self.parts = 0
        self.begins = self.ends = np.zeros(0, np.int64)

    def clashes(self, part: Part) -> int:
        """Return how many notes of a part meet a note of the same pitch here, or touch it."""
        begins, ends = _spans(part)
        found = np.searchsorted(self.begins, ends, "right") - np.searchsorted(self.ends, begins)
        return int(np.count_nonzero(found))

    def add(self, part: Part) -> None:
        """Take up a part."""
        begins, ends = _spans(part)
        self.programs.add(part.program)
        self.parts += 1
        self.begins = np.sort(np.concatenate([self.begins, begins]))
        self.ends = np.sort(np.concatenate([self.ends, ends]))

    def cost(self, part: Part) -> tuple[int, int, int]:
        """Return what speaks against a part here, the worst first."""
        other = 2 if self.programs - {part.program} else 1
        return self.clashes(part), 0 if self.programs == {part.program} else other, self.parts


def _spans(part: Part) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return when notes begin and end, those of one pitch apart from those of others."""
    place = part.notes["pitch"].astype(np.int64) << 40
    begins = place + part.notes["onset"]
    return begins, begins + part.notes["duration"]


def _assign(parts: Sequence[Part]) -> tuple[list[int], int]:
    """Return the channel of each part, and how many notes clash."""
    channels = {number: _Channel() for number in (*PITCHED, DRUMS)}
    assigned, clashes = [], 0
    for part in parts:
        possible = (DRUMS,) if part.drum else PITCHED
        costs = {number: channels[number].cost(part) for number in possible}
        chosen = min(possible, key=costs.__getitem__)
        channels[chosen].add(part)
        assigned.append(chosen)
        clashes += costs[chosen][0]
    return assigned, clashes


def _on(channel: int, event: Event) -> Event:
    return (
        event if event.status >= midi_events.SYSEX else event._replace(status=event.kind | channel)
    )


def _with_programs(tracks: list[list[Event]]) -> list[list[Event]]:
    """Return the same tracks, with a program change before each note that needs one, by time."""
    order = sorted(
        (event.tick, number, place)
        for number, track in enumerate(tracks)
        for place, event in enumerate(track)
    )
    chosen: dict[int, int] = {}
    own: dict[int, int] = {}
    out: list[list[Event]] = [[] for _ in tracks]
    for _, number, place in order:
        event = tracks[number][place]
        if event.kind == midi_events.PROGRAM:
            chosen[event.channel] = own[number] = event.data[0]
        elif event.begins and chosen.get(event.channel, 0) != own.get(number, 0):
            chosen[event.channel] = own.get(number, 0)
            change = bytes([chosen[event.channel]])
            out[number].append(Event(event.tick, midi_events.PROGRAM | event.channel, change))
        out[number].append(event)
    return out
