"""The events of a MIDI track as bytes: looked through for what symusic must not be given.

symusic 0.5.9 keeps a table of 128 pitches for each of 16 channels. A pitch beyond 127 on the last
channel is outside of it, and ends the process.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ostinato.errors import UnreadableError

LAST_CHANNEL, NOTE_ON_BIT = 0x9F, 0x10  # a note on; without the bit a note off
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, CHANNEL_PRESSURE = 0x80, 0x90, 0xB0, 0xC0, 0xD0
KIND, CHANNEL = 0xF0, 0x0F  # of a status byte
META, SYSEX, ESCAPE = 0xFF, 0xF0, 0xF7
END_OF_TRACK = 0x2F
ONE_BYTE = range(PROGRAM, CHANNEL_PRESSURE + 16)  # all others have two
LONGEST_NUMBER = 4  # bytes
CUT = "a track ends within an event"


class NoEventsError(UnreadableError):
    """Bytes of a track are no events."""


class Event(NamedTuple):
    """A MIDI event at a tick: a status byte, and the bytes that follow it."""

    tick: int
    status: int
    data: bytes

    @property
    def kind(self) -> int:
        """Return the status without its channel."""
        return self.status & KIND

    @property
    def channel(self) -> int:
        """Return the channel, from 0."""
        return self.status & CHANNEL

    @property
    def begins(self) -> bool:
        """Return whether a note begins; a note on without velocity is a note off."""
        return self.kind == NOTE_ON and self.data[1] > 0

    @property
    def ends(self) -> bool:
        """Return whether a note ends."""
        return self.kind == NOTE_OFF or (self.kind == NOTE_ON and not self.data[1])


def suspicious(data: bytes) -> bool:
    """Return whether there are bytes that may be such a note; mostly they are text or times."""
    values = np.frombuffer(data, np.uint8)
    found = ((values[:-1] | NOTE_ON_BIT) == LAST_CHANNEL) & (values[1:] > 127)
    return bool(found.any())


def check(track: bytes) -> None:
    """Raise `UnreadableError` for a note whose pitch is beyond 127.

    Going through events is slow, so it is done only where `suspicious` bytes are.
    """
    if not suspicious(track):
        return
    for event in walk(track + bytes(LONGEST_NUMBER), len(track)):
        if event.kind in (NOTE_OFF, NOTE_ON) and event.data[0] > 127:
            raise UnreadableError(f"it has a pitch of {event.data[0]}: MIDI's end at 127")


def walk(track: bytes, stop: int | None = None) -> Iterator[Event]:
    """Yield the events of a track that begin before byte `stop`, told apart as symusic does it.

    The last is the end of the track, where it has one. Raises `NoEventsError`.
    """
    at = status = tick = 0
    stop = len(track) if stop is None else stop
    try:
        while at < stop:
            delta, at = _number(track, at)
            tick += delta
            if track[at] >= SYSEX:
                kind = track[at]
                event, at = _long_event(track, at, tick)
                yield event
                if kind == META and event.data[0] == END_OF_TRACK:
                    return
                status = status if kind == META else 0
                continue
            if track[at] & 0x80:
                status, at = track[at], at + 1
            elif not status:
                raise NoEventsError("it has an event without a status")
            length = 1 if status in ONE_BYTE else 2
            if at + length > len(track):
                raise NoEventsError(CUT)
            yield Event(tick, status, track[at : at + length])
            at += length
    except IndexError:
        raise NoEventsError(CUT) from None


def write(events: Iterable[Event]) -> bytes:
    """Return events in order of time as the bytes of a track; what is too early comes at once."""
    out = bytearray()
    now = 0
    for tick, status, data in events:
        out += _as_number(max(tick - now, 0))
        now = max(tick, now)
        out.append(status)
        out += data
    return bytes(out)


def read_long_event(track: bytes, at: int) -> tuple[Event, int]:
    """Return the meta event, or that of the system, whose time begins at a byte, and its end."""
    tick, at = _number(track, at)
    return _long_event(track, at, tick)


def _long_event(track: bytes, at: int, tick: int) -> tuple[Event, int]:
    """Return a meta event or one of the system, and where it ends; its data hold its length too."""
    kind = track[at]
    if kind not in (META, SYSEX, ESCAPE):
        raise NoEventsError(f"it has an event 0x{kind:x}, which no file should have")
    first = at + 1
    length, begin = _number(track, first + (kind == META))
    if begin + length > len(track):
        raise NoEventsError(CUT)
    return Event(tick, kind, track[first : begin + length]), begin + length


def _number(track: bytes, at: int) -> tuple[int, int]:
    """Return a number of one to four bytes, and where it ends."""
    value = 0
    for byte in track[at : at + LONGEST_NUMBER]:
        value, at = value << 7 | byte & 0x7F, at + 1
        if byte < 0x80:
            return value, at
    raise NoEventsError("it has a time or a length of more than four bytes")


def _as_number(value: int) -> bytes:
    """Return the inverse of `_number`."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))
