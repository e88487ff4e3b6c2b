"""Keys, metres, transpositions and tempos as MusicXML writes them; None where unreadable."""

import re
from fractions import Fraction
from xml.etree.ElementTree import Element

from ostinato.music.arrays import DENOMINATORS, MOST_BEATS, MOST_FIFTHS
from ostinato.music.musicxml.numbers import decimal, whole
from ostinato.music.piece import OCTAVE

FIFTHS_IN_CIRCLE = 12
FURTHEST = 1_000  # semitones: out of MIDI's range, which is said later
TYPES = ("1024th", "512th", "256th", "128th", "64th", "32nd", "16th", "eighth", "quarter")
# In quarter notes.
LENGTHS = {name: Fraction(1, 2 ** (8 - power)) for power, name in enumerate(TYPES)}
LENGTHS |= {"half": Fraction(2), "whole": Fraction(4), "breve": Fraction(8), "long": Fraction(16)}
MOST_DOTS = 4
NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?")


def metre(time: Element) -> tuple[int, int] | None:
    """Return numerator and denominator of a `time`; 3+2/8, and 3/8 + 2/4, are added up."""
    beats, types = time.findall("beats"), time.findall("beat-type")
    whole_notes, finest = Fraction(0), 1
    for numbers, kind in zip(beats, types, strict=False):
        denominator = whole(kind.text)
        if denominator not in DENOMINATORS:
            return None
        for number in (numbers.text or "").split("+"):
            beat = whole(number)
            if beat is None or not 1 <= beat <= MOST_BEATS:
                return None
            whole_notes += Fraction(beat, denominator)
        finest = max(finest, denominator)
    numerator = int(whole_notes * finest)
    return (numerator, finest) if 1 <= numerator <= MOST_BEATS else None


def key(element: Element, transpose: Element | None) -> tuple[int, bool] | None:
    """Return sharps (flats negative) as they sound, and whether the mode is minor.

    Keys of single accidentals (`key-step`) and of more than seven sharps or flats are None.
    """
    fifths = whole(element.findtext("fifths"))
    if fifths is None or abs(fifths) > MOST_FIFTHS:
        return None
    moved = fifths + _fifths(transpose)
    if abs(moved) > MOST_FIFTHS:  # seven sharps up a tone are as far as five flats
        moved -= FIFTHS_IN_CIRCLE if moved > 0 else -FIFTHS_IN_CIRCLE
    return moved, (element.findtext("mode") or "").strip() == "minor"


def _fifths(transpose: Element | None) -> int:
    """Return how far sounding keys lie from written ones on the circle of fifths."""
    if transpose is None:
        return 0
    chromatic = whole(transpose.findtext("chromatic")) or 0
    diatonic = whole(transpose.findtext("diatonic"))
    exact = 0 if diatonic is None else 7 * chromatic - FIFTHS_IN_CIRCLE * diatonic
    if exact and abs(exact) <= MOST_FIFTHS:
        return exact
    return (7 * chromatic + 5) % FIFTHS_IN_CIRCLE - 5


def semitones(transpose: Element) -> tuple[int, ...]:
    """Return by how many semitones notes sound higher; twice where an octave is doubled."""
    moved = whole(transpose.findtext("chromatic")) or 0
    moved += OCTAVE * (whole(transpose.findtext("octave-change")) or 0)
    moved = min(max(moved, -FURTHEST), FURTHEST)
    double = transpose.find("double")
    if double is None:
        return (moved,)
    above = double.get("above") == "yes"
    return (moved, moved + (OCTAVE if above else -OCTAVE))


Tempo = tuple[float, bool]
"""Quarter notes per minute; or, where True, the number by which the tempo is multiplied."""


def tempo_of_sound(sound: Element) -> Tempo | None:
    """Return what the `tempo` of a `sound` says."""
    value = decimal(sound.get("tempo"))
    return None if value is None else (float(value), False)


def tempo_of_metronome(metronome: Element) -> Tempo | None:
    """Return what a metronome mark says: "ca. 72" is 72, and a value equal to another a ratio."""
    units = _units(metronome)
    if not units:
        return None
    if len(units) == 2:  # as long as the first was, the second is now
        return float(units[1] / units[0]), True
    number = NUMBER.search((metronome.findtext("per-minute") or "")[:100])
    return (float(Fraction(number[0]) * units[0]), False) if number else None


def _units(metronome: Element) -> list[Fraction]:
    """Return lengths of the beat units in quarter notes with dots; none where one is unknown."""
    units: list[Fraction] = []
    dots = 0
    for child in metronome:
        if child.tag == "beat-unit":
            length = LENGTHS.get((child.text or "").strip())
            if length is None:
                return []
            units.append(length)
            dots = 0
        elif child.tag == "beat-unit-dot" and units and dots < MOST_DOTS:
            dots += 1  # a length l with n dots is l (2 - 1 / 2^n)
            units[-1] *= 2 - Fraction(1, 2**dots)
            units[-1] /= 2 - Fraction(1, 2 ** (dots - 1))
    return units
