"""MIDI tracks written anew where symusic would lose notes, shift them, or miss their program.

Source: the Standard MIDI Files 1.0 and General MIDI specifications, for what a player does with
note ons without an end, with channel mode messages and with channels that tracks share.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from ostinato.errors import UnreadableError
from ostinato.music import midi_events, remarks
from ostinato.music.midi_checks import SILENCING
from ostinato.music.midi_events import Event
from ostinato.untrusted import MIB

LARGEST = 4 * MIB  # bytes of tracks; each event is a Python object here

Key = tuple[int, int, int]  # track, channel, pitch


@dataclass
class _Changes:
    """Events to insert before another, by its track and place in it, and those to leave out."""

    inserted: dict[tuple[int, int], list[Event]] = field(default_factory=lambda: defaultdict(list))
    removed: set[tuple[int, int]] = field(default_factory=set)
    guessed: int = 0  # notes whose end is written nowhere


class _KeyEvent(NamedTuple):
    """A note on or off of one key."""

    begins: bool
    tick: int
    place: int


def repair_tracks(tracks: Sequence[bytes]) -> list[bytes]:
    """Return the tracks so that symusic reads what a player would play.

    Packets of system exclusive data are left out, and their time is kept. Controllers 120 and 123
    to 127 end all notes of their channel. A note without an end lasts until its pitch is struck
    again, or else to the end of its track; how many there are becomes a remark. A channel without a
    program change in a track has the program that another track gave it.

    Raises `UnreadableError` for tracks that are no events, and for those of more than 4 MiB.
    """
    if (size := sum(map(len, tracks))) > LARGEST:
        raise UnreadableError(
            f"it needs repair, for notes without an end or system exclusive packets, and has "
            f"{size / MIB:.1f} MiB: up to {LARGEST // MIB} are repaired"
        )
    read = [_with_end(list(midi_events.walk(track))) for track in tracks]
    changes = _find_changes(read)
    if changes.guessed:
        which = (
            "1 note has no end: it lasts"
            if changes.guessed == 1
            else (f"{changes.guessed} notes have no end: they last")
        )
        remarks.add(f"{which} until the pitch is struck again, or to the end of the track")
    return [_rewrite(track, number, changes) for number, track in enumerate(read)]


def _with_end(track: list[Event]) -> list[Event]:
    if (
        not track
        or track[-1].status != midi_events.META
        or track[-1].data[0] != midi_events.END_OF_TRACK
    ):
        last = track[-1].tick if track else 0
        track.append(Event(last, midi_events.META, bytes([midi_events.END_OF_TRACK, 0])))
    return track


def _rewrite(track: list[Event], number: int, changes: _Changes) -> bytes:
    out: list[Event] = []
    for place, event in enumerate(track):
        if (number, place) in changes.inserted:
            out += sorted(changes.inserted[number, place], key=lambda event: event.tick)
        packet = event.status in (midi_events.SYSEX, midi_events.ESCAPE)
        if not packet and (number, place) not in changes.removed:
            out.append(event)
    return midi_events.write(out)


class _Player:
    """Goes through the events of all tracks by time, as a player does."""

    def __init__(self) -> None:
        self.changes = _Changes()
        self.since_silence: dict[Key, list[_KeyEvent]] = defaultdict(list)
        """Of each key, what was said since no note of it sounded."""
        self.sounding: dict[int, dict[Key, int]] = defaultdict(dict)
        """By channel, the keys that sound, and how many notes of each."""
        self.programs: dict[int, int] = {}
        self.own: set[tuple[int, int]] = set()
        """Tracks and channels that have had a program change of their own."""
        self.given: dict[tuple[int, int], int] = {}
        self.places: dict[int, int] = defaultdict(int)

    def play(self, track: int, place: int, event: Event) -> None:
        """Take up one event."""
        self.places[track] = place
        if event.begins:
            self._begin(track, place, event)
        elif event.ends:
            self._end((track, event.channel, event.data[0]), event.tick, place)
        elif event.kind == midi_events.PROGRAM:
            self.programs[event.channel] = event.data[0]
            self.own.add((track, event.channel))
        elif event.kind == midi_events.CONTROL and event.data[0] in SILENCING:
            self._silence(event.channel, event.tick)

    def _begin(self, track: int, place: int, event: Event) -> None:
        pitch, channel = event.data[0], event.channel
        if pitch > 127:
            raise UnreadableError(f"it has a pitch of {pitch}: MIDI's end at 127")
        program, part = self.programs.get(channel, 0), (track, channel)
        if part not in self.own and program != self.given.get(part, 0):
            self.given[part] = program
            change = Event(event.tick, midi_events.PROGRAM | channel, bytes([program]))
            self.changes.inserted[track, place].append(change)
        key = (track, channel, pitch)
        self.sounding[channel][key] = self.sounding[channel].get(key, 0) + 1
        self.since_silence[key].append(_KeyEvent(True, event.tick, place))

    def _end(self, key: Key, tick: int, place: int) -> None:
        sounding = self.sounding[key[1]]
        if key not in sounding:
            return
        sounding[key] -= 1
        self.since_silence[key].append(_KeyEvent(False, tick, place))
        if not sounding[key]:
            del sounding[key], self.since_silence[key]

    def _silence(self, channel: int, tick: int) -> None:
        for key, count in self.sounding.pop(channel, {}).items():
            off = Event(tick, midi_events.NOTE_OFF | channel, bytes([key[2], 0]))
            self.changes.inserted[key[0], self.places[key[0]] + 1] += [off] * count
            del self.since_silence[key]


def _find_changes(tracks: list[list[Event]]) -> _Changes:
    noted = {(n, e.channel) for n, track in enumerate(tracks) for e in track if e.begins}
    # a track that only chooses programs does so before notes at the same tick
    order = sorted(
        (
            event.tick,
            event.kind != midi_events.PROGRAM or (number, event.channel) in noted,
            number,
            place,
        )
        for number, track in enumerate(tracks)
        for place, event in enumerate(track)
    )
    player = _Player()
    for *_, number, place in order:
        player.play(number, place, tracks[number][place])
    last = max((track[-1].tick for track in tracks), default=0)
    for key, notes in player.since_silence.items():
        _end_hanging(key, notes, tracks[key[0]], last, player.changes)
    return player.changes


def _end_hanging(
    key: Key, notes: list[_KeyEvent], track: list[Event], last: int, changes: _Changes
) -> None:
    """End the notes of one key that have no end; an end is that of the latest note before it."""
    number, channel, pitch = key
    hanging: list[int] = []
    for index, note in enumerate(notes):
        if note.begins:
            hanging.append(index)
        else:
            hanging.pop()
    places = [index for index, note in enumerate(notes) if note.begins]
    following = dict(pairwise(places))
    for index in hanging:
        begun, end = notes[index], len(track) - 1
        tick = track[end].tick if track[end].tick > begun.tick else last
        if index in following:
            tick, end = notes[following[index]].tick, notes[following[index]].place
        if tick == begun.tick:
            changes.removed.add((number, begun.place))  # of two struck at once, one is heard
            continue
        off = Event(tick, midi_events.NOTE_OFF | channel, bytes([pitch, 0]))
        changes.inserted[number, end].insert(0, off)
        changes.guessed += 1
