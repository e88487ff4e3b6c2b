"""What holds for a piece of music."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.music.piece import NOTE, TEMPO, TIME_SIGNATURE, Piece, array, order_by


def melody(*onsets: int, duration: int = 4, resolution: int = 4, **changes: Any) -> Piece:
    notes = array(NOTE, onset=list(onsets), duration=duration, pitch=60, velocity=80)
    return Piece("melody", resolution, notes, **changes)


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 10_000),
                st.integers(1, 5_000),
                st.integers(0, 127),
                st.integers(1, 127),
            ),
            max_size=30,
        )
    )
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    notes = np.zeros(len(rows), NOTE)
    for name, values in zip(("onset", "duration", "pitch", "velocity"), columns, strict=True):
        notes[name] = values
    return Piece("any", draw(st.sampled_from([4, 24, 96, 480])), notes)


def test_notes_are_sorted_whatever_order_they_are_given_in(bach: list[Piece]) -> None:
    piece = bach[0]
    shuffled = np.random.default_rng(1).permutation(piece.notes)
    other = Piece("x", piece.resolution, shuffled, piece.tempos, piece.time_signatures)
    assert np.array_equal(other.notes, piece.notes)


@given(
    rows=st.lists(st.tuples(*[st.integers(-3, 3)] * 3), max_size=40),
    scale=st.sampled_from([1, 1000, 2**40, 2**60]),
)
def test_rows_are_in_the_order_of_their_columns_however_large(
    rows: list[tuple[int, ...]], scale: int
) -> None:
    columns = np.array(rows, np.int64).reshape(-1, 3).T * scale
    assert np.array_equal(order_by(*columns), np.lexsort(columns[::-1]))


def test_the_name_is_not_part_of_the_music() -> None:
    a, b = melody(0, 4), melody(0, 4)
    assert a == Piece("another name", 4, b.notes)
    assert a != melody(0, 5)


def test_barlines_of_three_four_then_two_two() -> None:
    signatures = array(TIME_SIGNATURE, onset=[0, 24], numerator=[3, 2], denominator=[4, 2])
    piece = melody(0, 52, time_signatures=signatures)
    assert piece.barlines().tolist() == [0, 12, 24, 40]


def test_a_pickup_is_a_bar_of_its_own() -> None:
    signatures = array(TIME_SIGNATURE, onset=[0, 4], numerator=[1, 4], denominator=[4, 4])
    piece = melody(0, 4, 36, time_signatures=signatures)
    assert piece.barlines().tolist() == [0, 4, 20, 36]


def test_music_without_a_metre_is_in_four_four() -> None:
    assert melody(0, 36).barlines().tolist() == [0, 16, 32]


def test_no_bar_begins_after_the_music_has_ended() -> None:
    signatures = array(TIME_SIGNATURE, onset=[0, 160], numerator=[4, 3], denominator=[4, 4])
    assert melody(0, 36, time_signatures=signatures).barlines().tolist() == [0, 16, 32]


def test_length_in_seconds_follows_the_tempo_changes() -> None:
    tempos = array(TEMPO, onset=[0, 8], qpm=[120.0, 60.0])
    assert melody(0, 12, tempos=tempos).seconds == pytest.approx(2 * 0.5 + 2 * 1.0)


def test_before_the_first_tempo_the_tempo_is_120() -> None:
    tempos = array(TEMPO, onset=8, qpm=60.0)
    assert melody(0, 12, tempos=tempos).seconds == pytest.approx(2 * 0.5 + 2 * 1.0)


@given(pieces(), st.sampled_from([2, 3, 5]))
def test_a_finer_resolution_loses_nothing(piece: Piece, factor: int) -> None:
    finer = piece.at_resolution(factor * piece.resolution)
    assert finer.quarters == piece.quarters
    assert finer.at_resolution(piece.resolution) == piece


@given(pieces(), st.sampled_from([1, 4, 8, 24, 1000]))
def test_any_resolution_keeps_every_note_and_moves_it_by_half_a_tick(
    piece: Piece, resolution: int
) -> None:
    other = piece.at_resolution(resolution)
    assert len(other.notes) == len(piece.notes)
    assert np.array_equal(np.sort(other.notes["pitch"]), np.sort(piece.notes["pitch"]))
    assert np.all(other.notes["duration"] >= 1)
    before = np.sort(piece.notes["onset"]) / piece.resolution
    after = np.sort(other.notes["onset"]) / resolution
    assert np.all(np.abs(after - before) <= 0.5 / resolution + 1e-9)


@given(pieces(), st.sampled_from([1, 4, 24]), st.sampled_from([1, 2, 3]))
def test_a_step_of_several_ticks_is_as_many_ticks_long(
    piece: Piece, resolution: int, ticks: int
) -> None:
    step = Fraction(ticks, resolution)

    def nearest(tick: int) -> int:
        return math.floor(Fraction(int(tick), piece.resolution) / step + Fraction(1, 2))

    notes = piece.notes_at(1 / step)
    onsets = [nearest(tick) for tick in piece.notes["onset"]]
    ends = [nearest(tick) for tick in piece.notes["onset"] + piece.notes["duration"]]
    assert notes["onset"].tolist() == onsets
    lasting = [max(end - onset, 1) for onset, end in zip(onsets, ends, strict=True)]
    assert notes["duration"].tolist() == lasting
    assert np.array_equal(notes["pitch"], piece.notes["pitch"])


def test_times_halfway_between_two_ticks_are_rounded_up() -> None:
    notes = array(NOTE, onset=[1, 3, 5], duration=2, pitch=60, velocity=80)
    assert Piece("x", 2, notes).at_resolution(1).notes["onset"].tolist() == [1, 2, 3]


def test_quantising_twice_is_quantising_once(bach: list[Piece]) -> None:
    for piece in bach:
        fine = piece.at_resolution(480)
        once = fine.quantised(2)
        assert once.resolution == 480
        assert np.all(once.notes["onset"] % 240 == 0)
        assert once.quantised(2) == once


@given(st.integers(-36, 36))
def test_transposing_back_gives_the_same_piece(semitones: int) -> None:
    piece = melody(0, 4, 8)
    up = piece.transposed(semitones)
    assert set(up.notes["pitch"].tolist()) == {60 + semitones}
    assert up.transposed(-semitones) == piece


def test_drums_are_not_transposed() -> None:
    notes = array(NOTE, onset=[0, 0], duration=1, pitch=[60, 36], velocity=80, drum=[False, True])
    piece = Piece("x", 4, notes).transposed(5)
    assert piece.notes["pitch"][piece.notes["drum"]].tolist() == [36]
    assert piece.notes["pitch"][~piece.notes["drum"]].tolist() == [65]


def test_transposing_out_of_midi_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves the MIDI range"):
        melody(0).transposed(68)


def test_a_crop_begins_at_zero_and_ends_at_its_end(bach: list[Piece]) -> None:
    for piece in bach:
        lines = piece.barlines()
        start, end = int(lines[2]), int(lines[6])
        crop = piece.cropped(start, end)
        begin = (piece.notes["onset"] >= start) & (piece.notes["onset"] < end)
        assert len(crop.notes) == int(begin.sum()) > 0
        assert np.array_equal(crop.notes["onset"], piece.notes["onset"][begin] - start)
        assert crop.end <= end - start


def test_a_crop_keeps_the_tempo_and_metre_in_force() -> None:
    tempos = array(TEMPO, onset=[0, 8, 40], qpm=[120.0, 60.0, 90.0])
    signatures = array(TIME_SIGNATURE, onset=[0, 24], numerator=[3, 2], denominator=[4, 4])
    crop = melody(0, 12, 24, 40, tempos=tempos, time_signatures=signatures).cropped(12, 30)
    assert crop.tempos.tolist() == [(0, 60.0)]
    assert crop.time_signatures.tolist() == [(0, 3, 4), (12, 2, 4)]


def test_notes_are_cut_where_a_crop_ends_and_dropped_where_they_began_before() -> None:
    crop = melody(0, 10, duration=8).cropped(4, 12)
    assert crop.notes[["onset", "duration"]].tolist() == [(6, 2)]


def test_a_piece_without_notes_has_no_length() -> None:
    piece = Piece("silence", 4, np.zeros(0, NOTE))
    assert (piece.end, piece.quarters, piece.seconds) == (0, 0.0, 0.0)
    assert piece.barlines().tolist() == [0]
