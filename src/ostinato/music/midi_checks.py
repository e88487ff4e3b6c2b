"""Checks for what symusic misreads in MIDI tracks, without going through their events."""

import re
from collections.abc import Iterator, Sequence, Set

from ostinato.errors import UnreadableError
from ostinato.music import midi_events

DELTA = rb"[\x80-\xff]{0,3}+[\0-\x7f]"
MORE = {count: rb"(?:%s[\0-\x7f]{%d})*+" % (DELTA, count) for count in (1, 2)}
RUN = re.compile(
    DELTA
    + rb"(?:([\x80-\xbf\xe0-\xef])[\0-\x7f]{2}%s|([\xc0-\xdf])[\0-\x7f]%s)" % (MORE[2], MORE[1])
)  # events of one status
SILENCES = tuple(
    re.compile(rb"%c(?:[\0-\x7f]{2}%s)*?[\x78\x7b-\x7f]" % (midi_events.CONTROL | channel, DELTA))
    for channel in range(16)
)  # what may be a controller that ends all notes, by channel
CONTROLLER = re.compile(rb"%s(?:[\xb0-\xbf])?([\0-\x7f])[\0-\x7f]" % DELTA)
SILENCING = (120, *range(123, 128))  # controllers that end all notes of a channel
ASKED = (midi_events.NOTE_ON, midi_events.CONTROL, midi_events.PROGRAM)
NOTES_ON = frozenset(range(midi_events.NOTE_ON, midi_events.NOTE_ON + 16))
PROGRAMS = frozenset(range(midi_events.PROGRAM, midi_events.PROGRAM + 16))
CHOOSES = midi_events.PROGRAM - midi_events.NOTE_ON
"""From a note on to the program change of its channel."""
UNKNOWN = 0  # the status of events that are told apart in no quick way


UNASKED = bytes(
    b for b in range(256) if b & midi_events.KIND not in ASKED and b != midi_events.ESCAPE
)
Present = Set[int]


def statuses_present(track: bytes) -> Present:
    """Return the bytes of a track that may be the statuses that are asked for here."""
    return set(track.translate(None, UNASKED))


def have_packets_or_silence(tracks: Sequence[bytes], present: Sequence[Present]) -> bool:
    """Return whether there are system exclusive packets, or controllers that end all notes.

    present: of each track, what `statuses_present` gives. Most tracks have no bytes that may be
    such events; in the others the events are looked at.
    """
    found = (track for track, there in zip(tracks, present, strict=True) if _may_be(track, there))
    return any(_is_packet_or_silence(*run) for track in found for run in _runs(track))


def _may_be(track: bytes, present: Present) -> bool:
    return (midi_events.ESCAPE in present and _may_have_packets(track)) or any(
        status & midi_events.KIND == midi_events.CONTROL
        and SILENCES[status & midi_events.CHANNEL].search(track)
        for status in present
    )


def share_programs(tracks: Sequence[bytes], present: Sequence[Present], sounding: int) -> bool:
    """Return whether a track has notes on a channel whose program another track chooses.

    sounding: how many tracks symusic found notes in; where they are as many as the tracks that may
    have chosen their own program, none needs another's.
    """
    if len(tracks) == 1:
        return False
    own = sum(any(status + CHOOSES in there for status in there & NOTES_ON) for there in present)
    if sounding == own or not any(there & PROGRAMS for there in present):
        return False
    known = [{status for status, _ in _runs(track)} for track in tracks]
    chosen = set().union(*known) & PROGRAMS
    return any(UNKNOWN in statuses for statuses in known) or any(
        change - CHOOSES in statuses and change not in statuses
        for change in chosen
        for statuses in known
    )


def _may_have_packets(track: bytes) -> bool:
    """Return whether a byte 0xF7 may begin an event: it ends one where a length says so."""
    at = track.find(midi_events.ESCAPE)
    while at >= 0:
        begin = track.rfind(midi_events.SYSEX, 0, at)
        if begin < 0 or track[begin + 1] != at - begin - 1:
            return True
        at = track.find(midi_events.ESCAPE, at + 1)
    return False


def _is_packet_or_silence(status: int, run: bytes) -> bool:
    if status & midi_events.KIND == midi_events.CONTROL:
        return any(match[1][0] in SILENCING for match in CONTROLLER.finditer(run))
    return status in (midi_events.ESCAPE, UNKNOWN)


def _runs(track: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield statuses and the bytes of the events that follow one another with each of them."""
    at = 0
    while at < len(track):
        while run := RUN.match(track, at):
            yield (run[1] or run[2])[0], run[0]
            at = run.end()
        try:
            event, at = midi_events.read_long_event(track, at)
        except (IndexError, UnreadableError):
            yield UNKNOWN, b""
            return
        yield event.status, event.data
        if event.status == midi_events.META and event.data[0] == midi_events.END_OF_TRACK:
            return
