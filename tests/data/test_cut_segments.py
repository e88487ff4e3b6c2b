"""Segments are whole bars of voices, what is held over a barline begins with them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import build
from ostinato.data.segments import Segments, TrainingSegments, cut
from ostinato.music.piece import NOTE, TIME_SIGNATURE, Piece, array
from ostinato.representations.monophonic import REST, grid_to_tokens, tokens_to_grid
from ostinato.representations.voice_roll import VoiceRoll
from small_networks import store_of

ALL = (0, 127)


def in_metre(piece: Piece, *signatures: tuple[int, int, int]) -> Piece:
    return replace(piece, time_signatures=np.array(list(signatures), TIME_SIGNATURE))


def line(*notes: tuple[int, int, int], name: str = "line") -> Piece:
    """One voice of notes: onset and duration in sixteenths, pitch."""
    onset, duration, pitch = np.array(notes).T
    rows = array(NOTE, onset=onset, duration=duration, pitch=pitch, velocity=80)
    return Piece(name, 4, rows)


def segments(pieces: list[Piece], folder: Path, bars: int = 1, **changed: Any) -> Segments:
    voices = build("representation=voices", **{"voices": 1, **changed.pop("voices", {})})
    store = store_of(pieces, voices, folder / "tokens")
    pitches = changed.get("pitches", ALL)
    return cut(store, np.arange(len(store.names)), pieces, voices, bars, pitches)


def every(found: Segments) -> VoiceRoll:
    return found.batch(np.arange(len(found)))


def test_a_segment_begins_at_every_barline_after_which_it_is_whole(tmp_path: Path) -> None:
    found = segments([line((0, 16, 60), (16, 32, 62), (48, 8, 64))], tmp_path, bars=2)
    batch = every(found)
    assert batch.pitch.shape == (2, 1, 32)
    assert batch.pitch[:, 0, ::16].tolist() == [[60, 62], [62, 62]]


def test_what_is_held_over_a_barline_begins_there_and_nowhere_else(tmp_path: Path) -> None:
    batch = every(segments([line((0, 4, 60), (4, 24, 62), (28, 4, 62))], tmp_path))
    assert [np.flatnonzero(row[0]).tolist() for row in batch.onset] == [[0, 4], [0, 12]]
    assert (batch.pitch[1] == 62).all(), "a repeated note is told by its onset alone"


def test_silence_is_a_rest_whatever_pitches_there_are(tmp_path: Path) -> None:
    batch = every(segments([line((0, 8, 60), (12, 4, 62))], tmp_path, pitches=(60, 63)))
    assert batch.pitch[0, 0].tolist() == [60] * 8 + [REST] * 4 + [62] * 4
    assert batch.onset[0, 0].sum() == 2


def test_bars_of_other_lengths_are_kept_apart_and_counted(tmp_path: Path) -> None:
    music = line(*[(4 * i, 4, 60 + i) for i in range(21)])
    mixed = in_metre(replace(music, name="mixed"), (0, 4, 4), (32, 3, 4), (56, 4, 4))
    waltz = in_metre(replace(music, name="waltz"), (0, 3, 4))
    found = segments([mixed, waltz], tmp_path)
    assert every(found).pitch[:, 0, 0].tolist() == [60, 64, 74]
    assert found.other_bars == 1
    assert len(segments([mixed, waltz], tmp_path / "two", bars=2)) == 1
    in_three = segments([mixed, waltz], tmp_path / "three", voices={"bar_steps": 12})
    assert every(in_three).pitch[:, 0, 0].tolist() == [68, 71, *range(60, 81, 3)]


def test_a_pickup_moves_the_bars(tmp_path: Path) -> None:
    music = in_metre(line(*[(4 * i, 4, 60 + i) for i in range(9)]), (0, 1, 4), (4, 4, 4))
    assert every(segments([music], tmp_path)).pitch[:, 0, ::4].tolist() == [
        [61, 62, 63, 64],
        [65, 66, 67, 68],
    ]


def test_what_leaves_the_pitches_is_counted(tmp_path: Path) -> None:
    found = segments([line((0, 16, 60), (16, 16, 72), (32, 16, 61))], tmp_path, pitches=(58, 64))
    assert every(found).pitch[:, 0, 0].tolist() == [60, 61]
    assert found.outside == 1


def test_silent_bars_alone_make_no_segment(tmp_path: Path) -> None:
    assert len(segments([line((0, 4, 60), (36, 12, 61))], tmp_path)) == 2


def test_segments_of_chorales_are_their_bars(short_chorales: list[Piece], tmp_path: Path) -> None:
    found = segments(short_chorales, tmp_path, bars=2, voices={"voices": 4})
    assert len(found) > 10 * (len(short_chorales) - found.other_bars)
    batch = every(found)
    assert batch.pitch.shape == (len(found), 4, 32)
    first = next(
        piece for piece in short_chorales if len(build("representation=voices").bars(piece)) > 2
    )
    lines = first.at_resolution(4).barlines()
    bar = lines[2 if lines[1] < lines[2] - lines[1] else 1]
    expected = first.at_resolution(4).cropped(int(bar), int(bar) + 32)
    starts = [
        (track, onset, pitch)
        for track in range(4)
        for onset, pitch in expected.track(track)[["onset", "pitch"]].tolist()
    ]
    shown = []
    for row in range(len(batch)):
        at = np.argwhere(batch.onset[row])
        shown.append({(v, s, int(batch.pitch[row, v, s])) for v, s in at})
    assert any(set(starts) <= notes for notes in shown)


@st.composite
def grids(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Pitches and onsets (2, 8, 3) as `tokens_to_grid` says them."""
    cells = draw(st.lists(st.sampled_from([60, 61, 62, REST]), min_size=48, max_size=48))
    again = draw(st.lists(st.booleans(), min_size=48, max_size=48))
    pitch = np.array(cells, np.uint8).reshape(2, 8, 3)
    changed = np.ones(pitch.shape, bool)
    changed[:, 1:] = pitch[:, 1:] != pitch[:, :-1]
    return pitch, (np.array(again).reshape(pitch.shape) | changed) & (pitch < REST)


@given(grids())
@settings(deadline=None)
def test_what_is_heard_can_be_written_and_heard_again(
    given: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> None:
    pitch, onset = tokens_to_grid(grid_to_tokens(*given))
    assert np.array_equal(pitch, given[0])
    assert np.array_equal(onset, given[1])


def rolls(pieces: list[Piece], folder: Path, pitches: tuple[int, int], **changed: Any) -> Segments:
    roll = build("representation=pianoroll", **changed)
    store = store_of(pieces, roll, folder / "frames")
    return cut(store, np.arange(len(store.names)), pieces, roll, 1, pitches)


def test_a_piano_roll_has_a_voice_for_each_pitch(tmp_path: Path) -> None:
    music = line((0, 8, 60), (0, 4, 62), (8, 16, 60), (24, 8, 63))
    batch = every(rolls([music], tmp_path, (60, 63)))
    assert batch.pitch.shape == (2, 4, 16)
    assert batch.sounding.sum(axis=2).tolist() == [[16, 0, 4, 0], [8, 0, 0, 8]]
    begins = [[np.flatnonzero(voice).tolist() for voice in row] for row in batch.onset]
    assert begins == [[[0, 8], [], [0], []], [[0], [], [], [8]]], "onsets keep repeated notes apart"


def test_without_onsets_repeated_notes_of_a_piano_roll_are_one(tmp_path: Path) -> None:
    batch = every(rolls([line((0, 8, 60), (8, 8, 60))], tmp_path, (60, 63), onsets=False))
    assert np.flatnonzero(batch.onset[0, 0]).tolist() == [0]


def test_a_moved_piano_roll_sounds_in_other_voices(tmp_path: Path) -> None:
    found = rolls([line((0, 16, 60), (0, 16, 64))], tmp_path, (58, 66))
    assert (found.lowest.tolist(), found.highest.tolist()) == ([60], [64])
    moved = found.batch(np.array([0]), np.array([2]))
    assert np.flatnonzero(moved.sounding[0].all(axis=1)).tolist() == [4, 8]
    assert np.flatnonzero(moved.onset[0, :, 0]).tolist() == [4, 8]


def test_bars_of_a_piano_roll_may_be_of_three_quarters(tmp_path: Path) -> None:
    waltz = in_metre(line(*[(4 * i, 4, 60 + i) for i in range(6)]), (0, 3, 4))
    assert len(rolls([waltz], tmp_path, ALL)) == 0
    found = rolls([waltz], tmp_path / "three", ALL, bar_steps=12)
    assert every(found).pitch.shape == (2, 128, 12)


def test_segments_of_piano_rolls_can_be_written_again(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    found = rolls(short_chorales, tmp_path, (36, 83))
    roll, batch = found.representation, every(found)
    frames = roll.from_grid(batch)
    expected = [found.store.steps[start : start + 16] for start in found.starts]
    for row, frame in enumerate(frames):
        assert np.array_equal(frame[:, : roll.size // 2], expected[row][:, : roll.size // 2])
        assert np.array_equal(frame[1:], expected[row][1:]), "onsets too, but for what is held over"


@pytest.fixture(scope="module")
def found(short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> Segments:
    folder = tmp_path_factory.mktemp("segments")
    return segments(short_chorales, folder, bars=2, voices={"voices": 4}, pitches=(36, 83))


def epoch(found: Segments, number: int = 0, **changed: Any) -> TrainingSegments:
    arguments = {"batch_size": 16, "transpose": (-6, 6), "transposed": 1.0, "seed": 1}
    return TrainingSegments(found, **{**arguments, **changed}, epoch=number)


def test_an_epoch_shows_every_segment_but_what_fills_no_batch(found: Segments) -> None:
    rows = np.concatenate(epoch(found).batches)
    assert len(rows) == len(set(rows)) == len(found) // 16 * 16
    assert all(len(batch) == 16 for batch in epoch(found).batches)


def test_fewer_segments_than_a_batch_are_the_only_batch(found: Segments) -> None:
    shown = epoch(found, batch_size=len(found) + 1)
    assert len(shown) == 1
    assert len(shown[0]) == len(found)


def test_transposed_segments_stay_within_the_pitches(found: Segments) -> None:
    shown, plain = epoch(found), epoch(found, transpose=(0, 0))
    for i in range(len(shown)):
        moved, still = shown[i].pitch, plain[i].pitch
        assert moved.min() >= 36
        assert moved[moved != REST].max() <= 83
        assert np.array_equal(moved == REST, still == REST), "silence stays"
    assert set(shown.semitones) == set(range(-6, 7))


def test_an_epoch_follows_from_its_seed_and_number(found: Segments) -> None:
    def first(*place: int) -> Any:
        return epoch(found, place[0], seed=place[1])[0].pitch

    assert np.array_equal(first(2, 1), first(2, 1))
    assert not np.array_equal(first(2, 1), first(3, 1))
    assert not np.array_equal(first(2, 1), first(2, 2))
