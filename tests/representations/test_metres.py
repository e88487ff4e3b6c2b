"""Barlines come back from MidiTok's tokens: odd metres, pickups, changes within a bar."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import build
from ostinato.music.piece import NOTE, TEMPO, TIME_SIGNATURE, Piece, array
from ostinato.representations.metres import fit_signatures
from ostinato.representations.miditok.tokenizers import METRES, MidiTok

BARRED: list[MidiTok] = [
    build("representation=remi"),
    build("representation=tsd"),
    build("representation=midilike"),
    build("representation=cpword"),
]
RESOLUTION = 48
Rows = list[tuple[int, int, int]]


def music(signatures: Rows, quarters: float) -> Piece:
    """A note in every sixteenth, with these time signatures (onsets in ticks)."""
    onset = np.arange(0, round(quarters * RESOLUTION), RESOLUTION // 4)
    notes = array(NOTE, onset=onset, duration=RESOLUTION // 4, pitch=60, velocity=64)
    return Piece("", RESOLUTION, notes, time_signatures=np.array(signatures, TIME_SIGNATURE))


def barlines(piece: Piece) -> list[Fraction]:
    return [Fraction(int(tick), piece.resolution) for tick in piece.barlines()]


def metres(piece: Piece) -> list[tuple[Fraction, int, int]]:
    rows = piece.time_signatures.tolist()
    return [(Fraction(onset, piece.resolution), *metre) for onset, *metre in rows]


def again(representation: MidiTok, piece: Piece) -> Piece:
    return representation.decode(representation.encode(piece))


@pytest.mark.parametrize("representation", BARRED, ids=lambda r: r.name)
@pytest.mark.parametrize("metre", METRES, ids=lambda m: f"{m[0]}_{m[1]}")
def test_a_metre_comes_back(metre: tuple[int, int], representation: MidiTok) -> None:
    piece = music([(0, *metre)], 3 * 4 * float(Fraction(*metre)))
    decoded = again(representation, piece)
    assert metres(decoded) == metres(piece)
    assert barlines(decoded) == barlines(piece)
    assert fit_signatures(piece, METRES)[1] == 0


@pytest.mark.parametrize("representation", BARRED, ids=lambda r: r.name)
@pytest.mark.parametrize(
    ("metre", "same"), [((1, 1), (2, 2)), ((2, 1), (4, 2)), ((18, 8), (9, 4)), ((24, 16), (12, 8))]
)
def test_an_unknown_metre_is_written_as_one_of_the_same_length_and_counted(
    metre: tuple[int, int], same: tuple[int, int], representation: MidiTok
) -> None:
    piece = music([(0, *metre)], 3 * 4 * float(Fraction(*metre)))
    decoded = again(representation, piece)
    assert metres(decoded) == [(0, *same)]
    assert barlines(decoded) == barlines(piece)
    assert fit_signatures(piece, METRES)[1] == 3


@pytest.mark.parametrize("metre", [(17, 8), (21, 16), (29, 16), (13, 4), (40, 4)])
def test_a_bar_of_no_known_length_is_several_that_last_as_long(metre: tuple[int, int]) -> None:
    piece = music([(0, *metre), (round(8 * Fraction(*metre) * RESOLUTION), 4, 4)], 90)
    for representation in BARRED:
        decoded = barlines(again(representation, piece))
        assert set(barlines(piece)) < set(decoded)
        assert len(decoded) > len(barlines(piece))
    assert fit_signatures(piece, METRES)[1] == 2


@given(st.lists(st.tuples(st.integers(1, 60), st.sampled_from(METRES)), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_changes_anywhere_begin_bars_there(rows: list[tuple[int, tuple[int, int]]]) -> None:
    """Onsets in sixteenths after the one before: most cut a bar short."""
    onsets = np.cumsum([0, *(after for after, _ in rows)])[:-1] * RESOLUTION // 4
    signatures = [(int(o), *metre) for o, (_, metre) in zip(onsets, rows, strict=True)]
    piece = music(signatures, onsets[-1] / RESOLUTION + 8)
    kept = again(BARRED[0], piece)
    assert set(barlines(piece)) <= set(barlines(kept))
    if not fit_signatures(piece, METRES)[1]:
        assert barlines(kept) == barlines(piece)


def test_pickups_of_chorales_stay_short(short_chorales: list[Piece]) -> None:
    pickups = 0
    for piece in short_chorales:
        lines = barlines(piece)
        pickups += lines[1] < lines[2] - lines[1]
        kept = again(BARRED[0], piece)
        assert barlines(kept) == lines, piece.name
    assert pickups >= 8


def test_bars_of_no_whole_sixteenths_are_counted() -> None:
    piece = music([(0, 4, 4), (50, 3, 4)], 8)
    assert fit_signatures(piece, METRES)[1] == 1


@pytest.mark.parametrize("representation", BARRED, ids=lambda r: r.name)
def test_what_changes_after_the_last_note_adds_no_bar(representation: MidiTok) -> None:
    piece = music([(0, 4, 4)], 4)
    late = 3000 * RESOLUTION
    changed = Piece(
        "",
        RESOLUTION,
        piece.notes,
        tempos=array(TEMPO, onset=[0, late], qpm=[120, 100]),
        time_signatures=array(TIME_SIGNATURE, onset=[0, late], numerator=[4, 3], denominator=4),
    )
    first = Piece("", RESOLUTION, piece.notes, changed.tempos[:1], changed.time_signatures[:1])
    assert np.array_equal(representation.encode(changed), representation.encode(first))


def test_steps_of_the_longest_bars_fit_a_byte() -> None:
    fine = build("representation=remi", steps_per_quarter=32)
    piece = music([(0, 6, 2)], 24)
    positions = fine.positions(fine.encode(piece))
    assert positions.max() == fine.position_features["step"] - 1 == 255
