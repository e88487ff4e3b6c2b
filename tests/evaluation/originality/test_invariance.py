"""A copy stays one in any key, octave and place, and with some of its notes changed."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.evaluation.originality.alignment import align
from ostinato.evaluation.originality.index import Index, build_index, hash_ngrams, share_known
from ostinato.evaluation.originality.measure import cut_excerpts, measure_originality
from ostinato.evaluation.originality.passages import TEXTURE, TRACK
from ostinato.evaluation.originality.streams import UPPER, WHOLE, extract_streams
from ostinato.music.piece import NOTE, Piece, array

RESOLUTION = 24
STEP = RESOLUTION // 4


def invent(seed: int, bars: int = 16, name: str = "") -> Piece:
    """Three random tracks: a melody, a middle voice and chords."""
    rng = np.random.default_rng(seed)
    rows = []
    for track, (low, high, every) in enumerate([(67, 84, 2), (55, 67, 4), (36, 55, 8)]):
        for onset in range(0, bars * 16, every):
            if rng.random() < 0.85:
                chord = rng.integers(low, high, 1 if track < 2 else 3)
                rows += [
                    (onset * STEP, every * STEP, pitch, 64, 0, False, track) for pitch in chord
                ]
    return Piece(name or f"piece {seed}", RESOLUTION, np.array(rows, NOTE))


def changed(piece: Piece, **columns: object) -> Piece:
    notes = piece.notes.copy()
    for name, values in columns.items():
        notes[name] = values
    return Piece("sample", piece.resolution, notes)


def planted(host: Piece, notes: np.ndarray, bar: int, bars: int) -> Piece:
    """The host with some bars replaced by notes that begin at tick 0."""
    begin, end = bar * 16 * STEP, (bar + bars) * 16 * STEP
    kept = host.notes[(host.notes["onset"] < begin) | (host.notes["onset"] >= end)]
    moved = notes.copy()
    moved["onset"] += begin
    return Piece("sample", RESOLUTION, np.concatenate([kept, moved]))


def bars_of(piece: Piece, first: int, bars: int) -> np.ndarray:
    begin, end = first * 16 * STEP, (first + bars) * 16 * STEP
    notes = piece.notes[(piece.notes["onset"] >= begin) & (piece.notes["onset"] < end)].copy()
    notes["onset"] -= begin
    return notes


@cache
def training() -> tuple[list[Piece], Index]:
    pieces = [invent(seed) for seed in range(30)]
    return pieces, build_index(pieces)


@settings(deadline=None, max_examples=30)
@given(
    which=st.integers(0, 29),
    semitones=st.integers(-6, 6),
    later=st.integers(0, 50),
    seed=st.integers(0, 1000),
)
def test_a_copy_is_whole_in_any_key_octave_and_place(
    which: int, semitones: int, later: int, seed: int
) -> None:
    pieces, index = training()
    notes = pieces[which].notes
    octaves = 12 * np.random.default_rng(seed).integers(-1, 2, len(notes))
    copy = changed(
        pieces[which],
        pitch=notes["pitch"] + octaves + semitones,
        onset=notes["onset"] + later,  # ticks, which need not be on the grid
    )
    found = measure_originality(index, copy)
    passage = found.strongest[TEXTURE]
    assert passage.training == found.nearest[0] == pieces[which].name
    assert found.nearest[1] == 1.0
    assert (passage.semitones + semitones) % 12 == 0
    assert passage.other == 0
    assert passage.here.start - passage.there.start == pytest.approx(later / RESOLUTION)
    assert set(found.shares.values()) == {1.0}


def test_bars_of_a_training_piece_are_found_in_other_music_where_they_are() -> None:
    pieces, index = training()
    sample = planted(invent(99), bars_of(pieces[7], 5, 4), 9, 4)
    passage = measure_originality(index, sample).strongest[TEXTURE]
    assert passage.training == "piece 7"
    assert (passage.here.start, passage.there.start) == pytest.approx((36, 20), abs=0.5)
    assert passage.here.end == pytest.approx(52, abs=1)
    assert (passage.here.bars, passage.there.bars) == ((10, 13), (6, 9))


def test_a_passage_with_a_tenth_of_its_notes_changed_is_found() -> None:
    pieces, index = training()
    rng = np.random.default_rng(3)
    for which in range(10):
        notes = bars_of(pieces[which], 2, 8)
        some = rng.permutation(len(notes))[: len(notes) // 10]
        notes["pitch"][some] += 1
        passage = measure_originality(index, planted(invent(200 + which), notes, 4, 8)).strongest
        assert passage[TEXTURE].training == f"piece {which}"
        assert passage[TEXTURE].here.quarters > 24
        assert 0 < passage[TEXTURE].changed < 0.25


def test_one_track_is_found_under_other_music() -> None:
    pieces, index = training()
    host = invent(300)
    melody = pieces[11].track(0)
    sample = Piece(
        "sample", RESOLUTION, np.concatenate([melody, host.notes[host.notes["track"] > 0]])
    )
    found = measure_originality(index, sample)
    assert found.strongest[TRACK].training == "piece 11"
    assert found.strongest[TRACK].notes == len(melody) == found.longest[0].notes
    assert all(passage.notes < 12 for track, passage in found.longest.items() if track > 0)


def test_new_music_shares_little() -> None:
    _, index = training()
    found = measure_originality(index, invent(12345))
    assert found.notes < 15
    assert found.shares[12] == 0.0
    assert found.nearest[1] < 0.3


def test_music_without_pitched_notes_shares_nothing() -> None:
    _, index = training()
    drums = changed(invent(1), drum=True)
    for silent in (drums, Piece("silent", 24, np.zeros(0, NOTE))):
        found = measure_originality(index, silent)
        assert (found.notes, found.shares, found.nearest, found.passage) == (0, {}, ("", 0.0), None)


def test_an_index_of_nothing_finds_nothing() -> None:
    found = measure_originality(build_index([]), invent(1))
    assert found.passage is None
    assert set(found.shares.values()) == {0.0}


def test_streams_are_the_texture_each_track_and_the_upper_voice() -> None:
    streams = extract_streams([invent(1), changed(invent(2), track=0)])
    assert streams.track.tolist() == [WHOLE, 0, 1, 2, UPPER, WHOLE, UPPER]
    line = Piece("line", 24, array(NOTE, onset=np.arange(8) * 24, duration=24, pitch=60))
    assert extract_streams([line]).track.tolist() == [WHOLE], "a line is its own upper voice"


def test_ngrams_do_not_reach_into_the_next_stream() -> None:
    streams = extract_streams([invent(1, bars=2), invent(2, bars=2)])
    valid = hash_ngrams(streams).valid
    sizes = np.diff(streams.start)
    assert valid.sum() == np.maximum(sizes - 3, 0).sum()


def test_an_alignment_counts_what_is_in_one_alone() -> None:
    c, d, e = 1, 1 << 2, 1 << 4
    time = np.arange(6, dtype=np.int32)
    ours = (time, np.array([c, d, e, c, d, e], np.uint16))
    same = align(ours, ours, 0, 0)
    assert same is not None
    assert (same.first, same.last, same.notes, same.other, same.cardinality) == (0, 5, 6, 0, 1.0)
    theirs = (time + 10, np.array([c, d, d, c, d, e], np.uint16))  # one of six is another
    found = align(ours, theirs, 10, 0)
    assert found is not None
    assert (found.first, found.last, found.notes, found.other) == (0, 5, 5, 2)
    assert found.cardinality == 5 / 6
    assert align(ours, theirs, 10, 1) is None


def line(*pitches: int) -> Piece:
    onsets = np.arange(len(pitches)) * 4
    return Piece("line", 4, array(NOTE, onset=onsets, duration=4, pitch=pitches))


def test_shares_count_ngrams_by_their_length() -> None:
    index = build_index([line(60, 62, 67, 61, 66, 64)])
    shares = share_known(index, extract_streams([line(60, 62, 67, 61, 66, 64, 71)]))
    assert shares == {4: 3 / 4, 5: 2 / 3, 6: 1 / 2, 7: 0.0}


def test_excerpts_are_as_long_as_they_should_be() -> None:
    piece = invent(5, bars=40)  # 160 quarter notes
    excerpts = cut_excerpts(piece, 16)
    assert len(excerpts) == 4
    assert all(excerpt.quarters <= 18 for excerpt in excerpts)
    assert cut_excerpts(piece, 100)[0] is piece
