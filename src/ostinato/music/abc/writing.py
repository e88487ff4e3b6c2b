"""Melodies as ABC, which tune books and abcjs read (the ABC music standard 2.1)."""

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from ostinato.files import write_text
from ostinato.music.keys import list_keys, spell
from ostinato.music.naming import key_name
from ostinato.music.piece import DEFAULT_QPM, Piece
from ostinato.untrusted import printable

UNIT = Fraction(1, 2)  # quarter notes of a note without a length: L:1/8
BARS_A_LINE = 4
ACCIDENTALS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
SHARPS = "FCGDAEB"
MOST_IN_TUPLET = 9  # notes
MIDDLE = 4  # the octave that begins at middle C


def is_melody(piece: Piece) -> bool:
    """Return whether a piece is one track without drums, in which one note sounds at a time."""
    notes = piece.notes
    if not len(notes) or notes["drum"].any() or len(np.unique(notes["track"])) > 1:
        return False
    ends = notes["onset"] + notes["duration"]
    return bool((notes["onset"][1:] >= ends[:-1]).all())


def write_abc(piece: Piece, path: Path) -> None:
    """Write a melody as ABC; raises `ValueError` for a piece that is none."""
    write_text(path, abc_text(piece))


def abc_text(piece: Piece) -> str:
    """Return a melody as ABC: the same piece, the same text.

    Notes are spelled as in its key, or else in the one that its notes suggest. Raises `ValueError`
    for a piece that is no melody, or that has lengths which ABC cannot write.
    """
    if not is_melody(piece):
        raise ValueError("it is no melody: several notes sound together, or drums do")
    metres = _list_metres(piece)
    keys = dict(list_keys(piece))
    tempo = float(piece.tempos["qpm"][0]) if len(piece.tempos) else DEFAULT_QPM
    header = [
        "X:1",
        f"T:{printable(piece.name, 100) or 'untitled'}",
        f"M:{_metre(metres[0])}",
        "L:1/8",
        f"Q:1/4={tempo:g}",
        f"K:{_key(keys[0])}",
    ]
    bars = list(_write_bars(piece, metres, keys))
    lines = ["".join(bars[i : i + BARS_A_LINE]) for i in range(0, len(bars), BARS_A_LINE)]
    return "\n".join([*header, *lines]) + "]\n"


def _write_bars(
    piece: Piece, metres: dict[int, tuple[int, int]], keys: dict[int, int]
) -> Iterator[str]:
    """Yield each bar with the barline after it."""
    lines = [*piece.barlines().tolist(), piece.end]
    onsets, ends = piece.times_at(piece.resolution).tolist()
    notes = list(zip(onsets, ends, piece.notes["pitch"].tolist(), strict=True))
    fifths = keys[0]
    for start, end in itertools.pairwise(lines):
        fifths = keys.get(start, fifths)
        words = [_change("M", _metre(metres[start]))] if start and start in metres else []
        words += [_change("K", _key(fifths))] if start and start in keys else []
        altered: dict[tuple[str, int], int] = {}  # by step and octave, in this bar
        at = start
        for onset, off, pitch in notes:
            if off <= start or onset >= end:
                continue
            first, last = max(onset, start), min(off, end)
            if first > at:
                words.append(_sized("z", first - at, piece))
            tie = "-" if off > end else ""
            words.append(_sized(_pitch(pitch, fifths, altered), last - first, piece) + tie)
            at = last
        if at < end:
            words.append(_sized("z", end - at, piece))
        yield " ".join(words) + " |"


def _pitch(pitch: int, fifths: int, altered: dict[tuple[str, int], int]) -> str:
    """Return a pitch, with the accidental that it needs in its bar, which `altered` remembers."""
    step, alter, octave = spell(pitch, fifths)
    own = altered.get((step, octave), _in_key(step, fifths))
    sign = "" if own == alter else ACCIDENTALS[alter]
    altered[step, octave] = alter
    if octave > MIDDLE:
        return sign + step.lower() + "'" * (octave - MIDDLE - 1)
    return sign + step + "," * (MIDDLE - octave)


def _in_key(step: str, fifths: int) -> int:
    """Return how a key signature of so many sharps alters a step."""
    if fifths >= 0:
        return int(step in SHARPS[:fifths])
    return -int(step in SHARPS[::-1][:-fifths])


def _sized(note: str, ticks: int, piece: Piece) -> str:
    """Return a note with its length in units: C for one, C3/2 for one and a half.

    A third of a power of two is written as a tuplet of one note, and so are fifths to ninths.
    """
    length, tuplet = Fraction(ticks, piece.resolution) / UNIT, ""
    odd = length.denominator
    while odd % 2 == 0:
        odd //= 2
    if odd > MOST_IN_TUPLET:
        raise ValueError(f"a note of {length} eighths has no tuplet of ABC's")
    if odd > 1:
        of = 1 << (odd.bit_length() - 1)  # as many as the tuplet takes the time of
        tuplet, length = f"({odd}:{of}:1", length * odd / of
    if length == 1:
        return tuplet + note
    return f"{tuplet}{note}{length.numerator if length.denominator == 1 else length}"


def _list_metres(piece: Piece) -> dict[int, tuple[int, int]]:
    """Return the metres of a piece by their tick; the first is at 0."""
    found = {
        int(row["onset"]): (int(row["numerator"]), int(row["denominator"]))
        for row in piece.time_signatures
    }
    return {0: (4, 4)} | found


def _metre(metre: tuple[int, int]) -> str:
    return f"{metre[0]}/{metre[1]}"


def _key(fifths: int) -> str:
    """Return the name of a major key: F♯ as F#."""
    return key_name(fifths, False).split()[0].replace("♯", "#").replace("♭", "b")


def _change(field: str, value: str) -> str:
    return f"[{field}:{value}]"
