"""What sounds in each step of time."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from random_music import polyphonic_pieces

from defaults import build
from ostinato.errors import UnencodableError
from ostinato.music.conversion import to_muspy
from ostinato.music.piece import LOUDNESS, NOTE, Piece, array
from ostinato.music.reading import read_midi
from ostinato.music.writing import write_midi
from ostinato.representations.instrument import separate_unisons
from ostinato.representations.pianoroll import Pianoroll

STEPS = ["1/64", "1/24", "1/4", "1/3", 0.5, 1, "3/2", "5/7", 4]
PIANO = (21, 108)


def by_muspy(piece: Piece, velocity: bool) -> np.ndarray:
    import muspy

    return muspy.to_pianoroll_representation(to_muspy(piece), encode_velocity=velocity)


def rolled(*notes: tuple[int, int, int], **columns: Any) -> Piece:
    """Notes (onset, duration, pitch) in sixteenths."""
    onset, duration, pitch = np.array(notes).T
    columns = {"velocity": 80, **columns}
    return Piece("", 4, array(NOTE, onset=onset, duration=duration, pitch=pitch, **columns))


def random_frames(roll: Pianoroll, time: int, density: float, seed: int) -> np.ndarray:
    """Any values from 0 to 255, the share `density` of them not 0."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(1, 256, (time, roll.size), np.uint8)
    return frames * (rng.random(frames.shape) < density)


@pytest.mark.parametrize("velocity", [False, True])
@pytest.mark.parametrize("steps", [4, 24])
def test_pianoroll_equals_muspy_on_every_chorale(
    steps: int, velocity: bool, chorales: list[Piece]
) -> None:
    roll = build("representation=pianoroll", step=f"1/{steps}", velocity=velocity, onsets=False)
    for piece in chorales:
        expected = by_muspy(piece.at_resolution(steps), velocity)[:-1]
        assert np.array_equal(roll.encode(piece), expected), piece.name


@pytest.mark.parametrize(("steps", "velocity"), [(4, True), (24, True), (24, False)])
def test_pianoroll_equals_muspy_on_pop_songs(
    steps: int, velocity: bool, published: Callable[[str], Path]
) -> None:
    roll = build("representation=pianoroll", step=f"1/{steps}", velocity=velocity, onsets=False)
    paths = sorted(published("pop909").glob("*.mid"))
    assert len(paths) == 200
    for song in map(read_midi, paths):
        expected = by_muspy(song.at_resolution(steps), velocity)[:-1]
        assert np.array_equal(roll.encode(song), expected), song.name


def test_muspy_adds_an_empty_frame_and_takes_drums_for_pitches() -> None:
    piece = rolled((0, 2, 60), (2, 2, 36), drum=[False, True], track=[0, 1])
    theirs = by_muspy(piece, velocity=False)
    assert theirs.shape == (5, 128)
    assert theirs[:, 36].tolist() == [0, 0, 1, 1, 0]
    ours = build("representation=pianoroll", onsets=False).encode(piece)
    assert ours.shape == (2, 128)
    assert np.argwhere(ours).tolist() == [[0, 60], [1, 60]]


def test_muspy_sees_no_repeated_notes_and_a_channel_of_onsets_does() -> None:
    import muspy

    repeated = rolled((0, 2, 60), (2, 2, 60))
    theirs = by_muspy(repeated, velocity=False)
    heard = muspy.from_pianoroll_representation(theirs, 4, encode_velocity=False)
    assert [(note.time, note.duration) for note in heard.tracks[0].notes] == [(0, 4)]
    without, roll = (
        build("representation=pianoroll", onsets=False),
        build("representation=pianoroll"),
    )
    merged = without.decode(without.encode(repeated))
    assert merged.notes[["onset", "duration"]].tolist() == [(0, 4)]
    assert np.array_equal(roll.decode(roll.encode(repeated)).notes, repeated.notes)


def test_the_note_that_began_last_says_how_loud() -> None:
    piece = rolled((0, 6, 60), (2, 2, 60), (2, 1, 60), velocity=[80, 40, 120])
    frames = build("representation=pianoroll", velocity=True).encode(piece)
    assert frames[:, 60].tolist() == [80, 80, 40, 40, 80, 80]
    assert frames[:, 128 + 60].tolist() == [1, 0, 1, 0, 0, 0]


@given(piece=polyphonic_pieces())
@settings(deadline=None)
def test_with_onsets_what_sounds_and_what_begins_comes_back(piece: Piece) -> None:
    roll = build("representation=pianoroll", step="1/8")
    decoded = roll.decode(roll.encode(piece))
    expected = Piece("", 8, separate_unisons(piece.notes))
    keys = ["onset", "duration", "pitch"]
    assert np.array_equal(decoded.notes[keys], expected.notes[keys])


@given(piece=polyphonic_pieces())
@settings(deadline=None)
def test_with_velocities_notes_of_one_instrument_come_back_whole(piece: Piece) -> None:
    played = Piece("", 8, separate_unisons(piece.notes))
    roll = build("representation=pianoroll", step="1/8", velocity=True)
    assert np.array_equal(roll.decode(roll.encode(played)).notes, played.notes)


@given(piece=polyphonic_pieces(), velocity=st.booleans())
@settings(deadline=None)
def test_without_onsets_what_sounds_comes_back(piece: Piece, velocity: bool) -> None:
    roll = build("representation=pianoroll", step="1/8", velocity=velocity, onsets=False)
    frames = roll.encode(piece)
    decoded = roll.decode(frames)
    assert np.array_equal(roll.encode(decoded) > 0, frames > 0)
    assert len(decoded.notes) <= len(separate_unisons(piece.notes))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("velocity", "onsets"), [(False, False), (True, True)])
@given(
    time=st.integers(0, 40),
    density=st.sampled_from([0.0, 0.03, 0.5, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=30, deadline=None)
def test_any_frames_decode_to_a_valid_piece(
    step: Any, velocity: bool, onsets: bool, time: int, density: float, seed: int
) -> None:
    roll = build(
        "representation=pianoroll", step=step, velocity=velocity, onsets=onsets, pitch_range=PIANO
    )
    frames = random_frames(roll, time, density, seed)
    piece = roll.decode(frames, "drawn")
    notes = piece.notes
    assert notes.dtype == NOTE
    assert piece.name == "drawn"
    assert piece.resolution == roll.resolution
    assert np.isin(notes["pitch"], np.arange(21, 109)).all()
    assert (notes["duration"] >= 1).all()
    assert ((notes["velocity"] >= 1) & (notes["velocity"] <= 127)).all()
    assert Fraction(piece.end, piece.resolution) <= len(frames) * roll.step
    if len(notes):
        again = roll.encode(piece)
        sounds = frames.reshape(len(frames), -1, 88).any(axis=1)
        assert np.array_equal(again[:, :88] > 0, sounds[: len(again)])
        assert not sounds[len(again) :].any()


def test_decoded_pieces_write_as_midi(tmp_path: Path) -> None:
    roll = build("representation=pianoroll", step="3/2", velocity=True)
    piece = roll.decode(random_frames(roll, 30, 0.2, seed=1))
    write_midi(piece, tmp_path / "drawn.mid")
    heard = read_midi(tmp_path / "drawn.mid")
    sounds = ["onset", "duration", "pitch", "velocity"]
    assert np.array_equal(np.sort(heard.notes[sounds]), np.sort(piece.notes[sounds]))


def test_an_onset_is_heard_whether_or_not_its_pitch_is_said_to_sound() -> None:
    roll = build("representation=pianoroll", velocity=True)
    frames = np.zeros((3, roll.size), np.uint8)
    frames[1, 128 + 60] = 1
    frames[2, 60] = 33
    rows = roll.decode(frames).notes[["onset", "duration", "pitch", "velocity"]].tolist()
    assert rows == [(1, 2, 60, LOUDNESS)]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_a_whole_number_of_ticks(step: Any) -> None:
    roll = build("representation=pianoroll", step=step)
    frames = np.zeros((7, roll.size), np.uint8)
    frames[3:5, 60] = 1
    piece = roll.decode(frames)
    (note,) = piece.notes
    assert Fraction(int(note["onset"]), piece.resolution) == 3 * roll.step
    assert Fraction(int(note["duration"]), piece.resolution) == 2 * roll.step
    assert np.array_equal(roll.encode(piece)[3:5, :128], frames[3:5, :128])


def test_steps_longer_than_a_beat_round_as_shorter_ones_do() -> None:
    piece = rolled((0, 2, 60), (2, 2, 62), (3, 9, 64))  # in sixteenths; a step is six of them
    frames = build("representation=pianoroll", step="3/2", onsets=False).encode(piece)
    assert np.argwhere(frames).tolist() == [[0, 60], [0, 62], [1, 64]]


@pytest.mark.parametrize("step", [*STEPS, "1/1", " 2 ", "63/64", 0.125])
def test_steps_that_can_be_said(step: Any) -> None:
    hints = get_type_hints(Pianoroll.__init__, include_extras=True)
    assert TypeAdapter(hints["step"]).validate_python(step) == step
    assert max(build("representation=pianoroll", step=step).position_features.values()) <= 256


@pytest.mark.parametrize(
    "step", [0, -1, "0/4", "1/0", "1/65", 0.3333, 5, "1e9", "quarter", "", "1/4/4", True, None]
)
def test_other_steps_are_refused_with_a_sentence(step: Any) -> None:
    with pytest.raises(ValueError, match="a fraction of a quarter note from 1/64 to 4, such as"):
        build("representation=pianoroll", step=step)
    hints = get_type_hints(Pianoroll.__init__, include_extras=True)
    with pytest.raises(ValidationError, match="a fraction of a quarter note"):
        TypeAdapter(hints["step"]).validate_python(step)


@pytest.mark.parametrize(
    ("step", "steps"), [("1/4", 16), ("1/64", 256), ("1/3", 12), ("3/2", 8), (3, 4), (4, 1)]
)
def test_positions_come_back_with_the_bar_or_the_fewest_bars_of_whole_steps(
    step: Any, steps: int
) -> None:
    roll = build("representation=pianoroll", step=step)
    assert roll.position_features == {"step": steps}
    known = roll.positions(np.zeros((2 * steps + 1, roll.size), np.uint8))
    assert known.dtype == np.uint8
    assert known[:, 0].tolist() == [*range(steps), *range(steps), 0]
    assert (steps * roll.step) % 4 == 0


def test_positions_can_count_through_a_phrase() -> None:
    roll = build("representation=pianoroll", step=1, position_bars=4)
    assert roll.position_features == {"step": 16}
    assert roll.positions(np.zeros((18, roll.size), np.uint8))[-2:, 0].tolist() == [0, 1]
    with pytest.raises(ValueError, match="position_bars=64 with steps of 1/4 makes 1024 positions"):
        build("representation=pianoroll", step="1/4", position_bars=64)


def test_every_column_has_its_own_description() -> None:
    roll = build("representation=pianoroll", pitch_range=PIANO)
    assert roll.size == 176
    words = [roll.describe(column) for column in range(roll.size)]
    assert len(set(words)) == roll.size
    assert words[0] == "A0 (21) sounds"
    assert words[87 + 88] == "C8 (108) begins"


@pytest.mark.parametrize("onsets", [False, True])
def test_transposed_frames_are_the_frames_of_the_transposed_piece(
    onsets: bool, chorales: list[Piece]
) -> None:
    roll = build("representation=pianoroll", velocity=True, onsets=onsets, pitch_range=PIANO)
    semitones = np.array([-5, 0, 7])
    for piece in chorales[::20]:
        moved = roll.transpose(np.stack([roll.encode(piece)] * 3), semitones)
        assert moved.dtype == np.uint8
        for frames, step in zip(moved, semitones, strict=True):
            assert np.array_equal(frames, roll.encode(piece.transposed(int(step))))


def test_a_pitch_that_leaves_the_range_falls_silent() -> None:
    roll = build("representation=pianoroll", pitch_range=(60, 62))
    frames = np.ones((2, 1, 6), np.uint8)
    moved = roll.transpose(frames, np.array([1, -2]))
    assert moved[:, 0].tolist() == [[0, 1, 1, 0, 1, 1], [1, 0, 0, 1, 0, 0]]


def test_pieces_that_cannot_be_held_are_refused_with_the_reason() -> None:
    with pytest.raises(UnencodableError, match="has no notes besides drums"):
        build("representation=pianoroll").encode(rolled((0, 4, 36), drum=True))
    with pytest.raises(UnencodableError, match="has 2 notes outside of the pitches 21 to 108"):
        build("representation=pianoroll", pitch_range=PIANO).encode(
            rolled((0, 4, 20), (0, 4, 60), (0, 4, 109))
        )
    with pytest.raises(UnencodableError, match="as 8,388,609 frames of 1/4 quarter notes; a piece"):
        build("representation=pianoroll").encode(rolled((2**23, 1, 60)))


def test_a_piece_of_long_unisons_is_refused_before_it_takes_all_memory() -> None:
    piece = rolled(*[(0, 10**5, 60)] * 1000)
    with pytest.raises(UnencodableError, match=r"would take 2\.3 GiB"):
        build("representation=pianoroll").encode(piece)


@pytest.mark.parametrize("onsets", [False, True])
@given(piece=polyphonic_pieces())
@settings(deadline=None, max_examples=40)
def test_as_many_notes_are_counted_as_are_decoded(onsets: bool, piece: Piece) -> None:
    roll = build("representation=pianoroll", step="1/8", onsets=onsets)
    frames = roll.encode(piece)
    before = frames.copy()
    assert roll.note_count(frames) == len(roll.decode(frames).notes)
    assert np.array_equal(frames, before)
