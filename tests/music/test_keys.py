"""Keys are named as musicians name them, and estimated where none is written."""

import numpy as np
import pytest

from ostinato.music.keys import Key, estimate_key, written_key
from ostinato.music.piece import KEY_SIGNATURE, NOTE, Piece, array

SCALES = {False: (0, 2, 4, 5, 7, 9, 11, 12), True: (0, 2, 3, 5, 7, 8, 11, 12)}


def scale(tonic: int, minor: bool) -> Piece:
    """A scale up from a tonic, which is held at the end, over its fifth."""
    pitches = [60 + tonic + step for step in (*SCALES[minor], 7, 0)]
    notes = array(NOTE, onset=np.arange(10) * 4, duration=[4] * 9 + [16], pitch=pitches)
    return Piece("scale", 4, notes)


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("tonic", range(12))
def test_a_scale_is_in_the_key_of_its_tonic(tonic: int, minor: bool) -> None:
    assert estimate_key(scale(tonic, minor)) == Key(tonic, minor)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (Key(0, False), "C major"),
        (Key(9, True), "A minor"),
        (Key(10, False), "B♭ major"),
        (Key(6, False), "F♯ major"),
        (Key(3, True), "E♭ minor"),
        (Key(8, False), "A♭ major"),
        (Key(8, True), "G♯ minor"),
    ],
)
def test_keys_have_their_usual_names(key: Key, name: str) -> None:
    assert key.name == name


def test_the_written_key_is_the_one_in_force_longest() -> None:
    signatures = array(
        KEY_SIGNATURE, onset=[0, 4, 36], fifths=[0, -2, 3], minor=[False, True, True]
    )
    piece = Piece("x", 4, scale(0, False).notes, key_signatures=signatures)
    assert written_key(piece) == Key(7, True)
    assert written_key(scale(0, False)) is None


def test_nothing_is_estimated_from_drums_a_few_notes_or_a_chromatic_scale() -> None:
    few = scale(0, False)
    assert estimate_key(Piece("few", 4, few.notes[:7])) is None
    assert estimate_key(Piece("drums", 4, array(NOTE, onset=np.arange(9), drum=True))) is None
    chromatic = array(NOTE, onset=np.arange(12), duration=1, pitch=np.arange(60, 72))
    assert estimate_key(Piece("chromatic", 4, chromatic)) is None


def test_most_chorales_get_the_signature_that_is_written(short_chorales: list[Piece]) -> None:
    def major(key: Key | None) -> int:
        assert key is not None
        return (key.tonic + 3 * key.minor) % 12

    same = [major(estimate_key(p)) == major(written_key(p)) for p in short_chorales]
    assert np.mean(same) > 0.75
