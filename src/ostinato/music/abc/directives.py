"""The directives of ABC and abc2midi that say which notes are played, and with what.

All others only dress the print or the performance, or reach for files, and are left out.
"""

import re

MIDI = re.compile(
    r"MIDI\s*=?\s*(program|channel|transpose|rtranspose|drummap)\s+([-\w^,'= ]{1,40})"
)
PROPAGATE = re.compile(r"propagate-accidentals\s+(not|octave|pitch)\b")
NO_BARLINES = re.compile(r"MIDI\s*=?\s*(nobarlines|barlines)\b")


def read(text: str) -> tuple[str, str] | None:
    """Return a directive as abc2midi reads it and the name of what it sets, or None.

    `text` is what follows %% or I:.
    """
    if match := MIDI.match(text):
        return f"%%MIDI {match[1]} {match[2].strip()}", f"MIDI {match[1]}"
    if match := PROPAGATE.match(text):
        return f"%%propagate-accidentals {match[1]}", "propagate"
    if match := NO_BARLINES.match(text):
        how = "not" if match[1] == "nobarlines" else "pitch"
        return f"%%propagate-accidentals {how}", "propagate"
    return None
