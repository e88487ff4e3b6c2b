import numpy as np
import pytest

from ostinato.music.barlines import begin_at_first_note, signatures_at_barlines
from ostinato.music.piece import NOTE, TIME_SIGNATURE, Piece, array

COMMON = array(TIME_SIGNATURE, onset=0, numerator=4, denominator=4)


def barlines_of(signatures: np.ndarray, end: int) -> list[int]:
    notes = array(NOTE, onset=0, duration=end, pitch=60, velocity=64)
    return Piece("", 24, notes, time_signatures=signatures).barlines().tolist()


def test_a_pickup_becomes_a_bar_of_its_own_signature() -> None:
    signatures = signatures_at_barlines([0, 24, 120], COMMON, 24, 216)
    assert signatures.tolist() == [(0, 1, 4), (24, 4, 4)]


@pytest.mark.parametrize(
    "lines",
    [
        [0, 96, 192],
        [0, 24, 120],
        [0, 96, 168, 192, 288],  # a bar cut in two by a repeat
        [0, 240, 336],  # a bar of ten quarter notes
        [0, 12, 108],
        [0, 16, 112],  # a pickup of two triplet eighths: no note value divides it
    ],
)
def test_bars_begin_where_the_score_has_barlines(lines: list[int]) -> None:
    end = lines[-1] + 96
    assert barlines_of(signatures_at_barlines(lines, COMMON, 24, end), end) == lines


def test_the_last_bar_may_be_short_and_a_long_one_has_its_own_signature() -> None:
    short = signatures_at_barlines([0, 96], COMMON, 24, 168)
    assert short.tolist() == [(0, 4, 4)]
    long = signatures_at_barlines([0, 96], COMMON, 24, 288)
    assert barlines_of(long, 288) == [0, 96]


def test_without_barlines_the_signatures_stay() -> None:
    assert np.array_equal(signatures_at_barlines([], COMMON, 24, 96), COMMON)


def begun(onset: int, *signatures: tuple[int, int, int]) -> Piece:
    """Eight crotchets from a tick on, at 24 to the quarter note, as they begin with the first."""
    notes = array(NOTE, onset=onset + 24 * np.arange(8), duration=24, pitch=60, velocity=80)
    rows = np.array(list(signatures), TIME_SIGNATURE)
    return begin_at_first_note(Piece("", 24, notes, time_signatures=rows))


def test_silence_before_a_pickup_becomes_a_short_first_bar() -> None:
    piece = begun(72, (0, 4, 4))
    assert piece.time_signatures.tolist() == [(0, 1, 4), (24, 4, 4)]
    assert piece.barlines().tolist() == [0, 24, 120]
    assert piece.notes["onset"].tolist() == [24 * beat for beat in range(8)]


def test_empty_bars_before_the_first_note_go() -> None:
    assert begun(96 + 84, (0, 4, 4)).time_signatures.tolist() == [(0, 1, 8), (12, 4, 4)]
    assert begun(2 * 96, (0, 4, 4)).time_signatures.tolist() == [(0, 4, 4)]
    assert begun(72 + 48).barlines().tolist() == [0, 72, 168]  # in 4/4, where nothing says so


def test_changes_of_metre_stay_at_their_notes() -> None:
    piece = begun(12, (0, 3, 8), (36, 2, 4), (84, 3, 4))
    assert piece.time_signatures.tolist() == [(0, 1, 4), (24, 2, 4), (72, 3, 4)]


def test_music_that_begins_at_once_or_ends_within_its_bar_keeps_its_metre() -> None:
    assert begun(0, (0, 4, 4)).time_signatures.tolist() == [(0, 4, 4)]
    assert begun(24, (0, 12, 4)).time_signatures.tolist() == [(0, 12, 4)]
    nothing = Piece("", 24, np.zeros(0, NOTE))
    assert begin_at_first_note(nothing) is nothing
