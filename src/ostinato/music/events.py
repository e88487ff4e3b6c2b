"""The events of a MIDI track, looked through for what symusic must not be given.

symusic 0.5.9 keeps a table of 128 pitches for each of 16 channels. A pitch beyond 127 on the last
channel is outside of it, and ends the process.
"""

from collections.abc import Iterator

import numpy as np

from ostinato.errors import UnreadableError

LAST_CHANNEL, NOTE_ON_BIT = 0x9F, 0x10  # a note on; without the bit a note off
META, SYSEX, ESCAPE = 0xFF, 0xF0, 0xF7
END_OF_TRACK = 0x2F
ONE_BYTE = range(0xC0, 0xE0)  # program changes and channel pressure; all others have two
LONGEST_NUMBER = 4  # bytes


def suspicious(data: bytes) -> bool:
    """Whether there are bytes that may be such a note; mostly they are text or times."""
    values = np.frombuffer(data, np.uint8)
    found = ((values[:-1] | NOTE_ON_BIT) == LAST_CHANNEL) & (values[1:] > 127)
    return bool(found.any())


def check(track: bytes) -> None:
    """Raise `UnreadableError` for a note whose pitch is beyond 127.

    Going through events is slow, so it is done only where `suspicious` bytes are.
    """
    if not suspicious(track):
        return
    for status, first in _events(track + bytes(LONGEST_NUMBER)):
        if status & 0xE0 == 0x80 and first > 127:
            raise UnreadableError(f"it has a pitch of {first}: MIDI's end at 127")


def _events(track: bytes) -> Iterator[tuple[int, int]]:
    """Status and first data byte of every event of a channel, told apart as symusic does it."""
    at = status = 0
    while at < len(track) - LONGEST_NUMBER:
        _, at = _number(track, at)
        if track[at] >= SYSEX:
            kind, at = track[at], at + 1
            if kind == META and track[at] == END_OF_TRACK:
                return
            if kind not in (META, SYSEX, ESCAPE):
                raise UnreadableError(f"it has an event 0x{kind:x}, which no file should have")
            status = status if kind == META else 0
            length, at = _number(track, at + (kind == META))
            at += length
            continue
        if track[at] & 0x80:
            status, at = track[at], at + 1
        elif not status:
            raise UnreadableError("it has an event without a status")
        yield status, track[at]
        at += 1 if status in ONE_BYTE else 2


def _number(track: bytes, at: int) -> tuple[int, int]:
    """A number of one to four bytes, and where it ends."""
    value = 0
    for byte in track[at : at + LONGEST_NUMBER]:
        value, at = value << 7 | byte & 0x7F, at + 1
        if byte < 0x80:
            return value, at
    raise UnreadableError("it has a time or a length of more than four bytes")
