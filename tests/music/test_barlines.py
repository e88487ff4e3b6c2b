import numpy as np
import pytest

from ostinato.music.barlines import signatures_at_barlines
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
