"""The key of a piece: as it is written, or estimated from its notes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.music.naming import key_name, longest
from ostinato.music.piece import OCTAVE, Piece

FIFTH, RELATIVE = 7, 3  # semitones; a major key lies a minor third above its relative minor
STEPS, NATURALS = "FCGDAEB", (5, 0, 7, 2, 9, 4, 11)  # by fifths, and their pitch classes
FLATTEST = -3  # fifths from the tonic of a major key; E♭ in C major, where G♯ is the sharpest
FEWEST = 8  # pitched notes, below which a key is not estimated
# How often each pitch class sounds in a key on C, in per cent: Bellman, "About the determination of
# key of a musical excerpt" (CMMR 2005), after Budge's counts of chords
MAJOR = (16.80, 0.86, 12.95, 1.41, 13.49, 11.93, 1.25, 20.28, 1.80, 8.04, 0.62, 10.57)
MINOR = (18.16, 0.69, 12.99, 13.34, 1.07, 11.15, 1.38, 21.07, 7.49, 1.53, 0.92, 10.21)


class Key(NamedTuple):
    """A tonic, as a pitch class (C is 0), and the mode."""

    tonic: int
    minor: bool

    @property
    def name(self) -> str:
        """Return the key in words, spelled with at most six flats or sharps."""
        major = self.tonic + RELATIVE * self.minor
        most_flats = 5 + self.minor  # F♯ major, but E♭ minor
        fifths = (major * FIFTH + most_flats) % OCTAVE - most_flats
        return key_name(fifths, self.minor)


def written_key(piece: Piece) -> Key | None:
    """Return the key whose signature is in force longest; None where a piece has no signature."""
    found = longest(piece.key_signatures, piece.end)
    if found is None:
        return None
    minor = bool(found["minor"])
    return Key((int(found["fifths"]) * FIFTH - RELATIVE * minor) % OCTAVE, minor)


def estimate_key(piece: Piece) -> Key | None:
    """Return the key whose profile correlates best with how long each pitch class sounds.

    The method of Krumhansl and Schmuckler, by the profiles of Bellman and Budge. On the 408 Bach
    chorales that music21 carries, 87 % get the signature that is written. None for fewer than eight
    pitched notes, and where all pitch classes sound equally long.
    """
    notes = piece.notes[~piece.notes["drum"]]
    if len(notes) < FEWEST:
        return None
    sounds = np.bincount(notes["pitch"] % OCTAVE, notes["duration"], OCTAVE)
    if np.ptp(sounds) == 0:
        return None
    # profiles have one length in every key, so that products are in the order of correlations
    best = int((_deviations() @ sounds).argmax())
    return Key(best % OCTAVE, best >= OCTAVE)


def list_keys(piece: Piece) -> list[tuple[int, int]]:
    """Return the tick of each key signature and its sharps.

    The first is at 0: where a piece has none there, it is the one that its notes suggest.
    """
    found = [(int(row["onset"]), int(row["fifths"])) for row in piece.key_signatures]
    if found and found[0][0] == 0:
        return found
    key = estimate_key(piece)
    major = 0 if key is None else key.tonic + RELATIVE * key.minor
    return [(0, (major * FIFTH + 5) % OCTAVE - 5), *found]


def spell(pitch: int, fifths: int) -> tuple[str, int, int]:
    """Return the step, the alteration in semitones and the octave of a MIDI pitch.

    They are as a key of so many sharps (flats are negative) has it. Middle C begins octave 4.
    """
    flattest = fifths + FLATTEST
    place = (pitch * FIFTH - flattest) % OCTAVE + flattest  # on the line of fifths from C
    alter, step = divmod(place + 1, len(STEPS))
    octave, rest = divmod(pitch - alter - NATURALS[step], OCTAVE)
    assert rest == 0
    return STEPS[step], alter, octave - 1


def _deviations() -> NDArray[np.float64]:
    """Return centred profiles of length 1 of the 24 keys: (key, pitch class), major first."""
    rows = np.array([np.roll(p, tonic) for p in (MAJOR, MINOR) for tonic in range(OCTAVE)])
    rows -= rows.mean(axis=1, keepdims=True)
    scaled: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled
