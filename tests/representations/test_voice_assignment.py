"""Polyphonic tracks as several voices each."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_music import encodable, polyphonic_pieces, spread_pieces

from defaults import build
from ostinato.corpora.bar_alignment import align_bars
from ostinato.errors import UnencodableError
from ostinato.music.piece import NOTE, Piece, array
from ostinato.music.reading import read_midi
from ostinato.music.writing import write_midi
from ostinato.representations.instrument import separate_unisons
from ostinato.representations.monophonic import HOLD, REST, to_monophonic
from ostinato.representations.voice_assignment import assign_voices

SOUNDS = ["onset", "duration", "pitch", "track"]
BAND = build("representation=voices", voices=6, by_track=(1, 2, 3))


def piano(*notes: tuple[int, int, int]) -> Piece:
    """One track of notes: onset and duration in sixteenths, pitch."""
    onset, duration, pitch = np.array(notes).T
    return Piece("", 4, array(NOTE, onset=onset, duration=duration, pitch=pitch, velocity=80))


def grid(piece: Piece, voices: int) -> list[list[int]]:
    representation = build("representation=voices", voices=voices, by_track=(voices,))
    return representation.encode(piece).reshape(-1, voices).T.tolist()


@given(piece=spread_pieces(BAND.by_track).filter(lambda piece: len(piece.notes)))
@settings(deadline=None)
def test_tracks_with_enough_voices_come_back_as_they_were(piece: Piece) -> None:
    decoded = BAND.decode(BAND.encode(piece))
    assert np.array_equal(decoded.notes[SOUNDS], piece.notes[SOUNDS])
    assert len(decoded.track_names) == 3


@given(piece=polyphonic_pieces(resolution=4), voices=st.integers(1, 6))
@settings(deadline=None)
def test_only_inner_notes_that_begin_with_too_many_others_are_lost(
    piece: Piece, voices: int
) -> None:
    notes = separate_unisons(piece.notes)
    lines = assign_voices(notes, voices)
    kept = np.sort(np.concatenate(lines), order=["onset", "pitch"])
    together = Counter(notes["onset"].tolist())
    assert len(notes) - len(kept) == sum(max(0, n - voices) for n in together.values())
    ends = {(n["onset"], n["pitch"]): n["onset"] + n["duration"] for n in notes}
    for note in kept:
        assert 1 <= note["duration"] <= ends[note["onset"], note["pitch"]] - note["onset"]
    for onset in together:
        before, after = (n["pitch"][n["onset"] == onset] for n in (notes, kept))
        assert after.max() == before.max()
        assert voices == 1 or after.min() == before.min()
        chord = np.concatenate([line[line["onset"] == onset]["pitch"] for line in lines])
        assert np.array_equal(chord, np.sort(after)[::-1]), "higher voices are higher"
    for line in lines:
        assert (line["onset"][:-1] + line["duration"][:-1] <= line["onset"][1:]).all()
    assert sum(len(line) for line in lines) == len(np.unique(kept[["onset", "pitch"]]))


@given(piece=polyphonic_pieces(resolution=4))
@settings(deadline=None)
def test_one_voice_is_what_every_track_had(piece: Piece) -> None:
    notes = separate_unisons(piece.notes)
    assert np.array_equal(assign_voices(notes, 1)[0], to_monophonic(notes))


def test_a_chord_is_spread_from_the_highest_note_down() -> None:
    chords = piano((0, 4, 48), (0, 4, 64), (0, 4, 72), (4, 4, 50), (4, 4, 65), (4, 4, 71))
    assert grid(chords, 3) == [
        [72, HOLD, HOLD, HOLD, 71, HOLD, HOLD, HOLD],
        [64, HOLD, HOLD, HOLD, 65, HOLD, HOLD, HOLD],
        [48, HOLD, HOLD, HOLD, 50, HOLD, HOLD, HOLD],
    ]


def test_a_sounding_note_keeps_its_voice_and_those_above_it_stay_above() -> None:
    broken = piano((0, 4, 40), (1, 1, 60), (2, 2, 64), (4, 1, 62))
    assert grid(broken, 2) == [[REST, 60, 64, HOLD, 62], [40, HOLD, HOLD, HOLD, REST]]


def test_where_no_voice_is_free_the_note_that_would_end_first_ends() -> None:
    three = piano((0, 8, 40), (0, 4, 60), (2, 4, 67))
    assert grid(three, 2) == [[60, HOLD, 67, HOLD, HOLD, HOLD, REST, REST], [40] + [HOLD] * 7]


def test_more_than_a_twentieth_of_the_notes_lost_is_too_much() -> None:
    chords = piano(*((8 * i, 4, 60 + j) for i in range(5) for j in range(4)))
    told = r"5 notes, of 20, that begin together with another in the same track, .* by_track=\[3\]"
    with pytest.raises(UnencodableError, match=told):
        build("representation=voices", voices=3, by_track=(3,)).encode(chords)
    assert len(grid(chords, 4)) == 4


def test_notes_of_one_pitch_at_once_are_one_note_and_not_lost() -> None:
    doubled = piano(*((4 * i, 4, 60) for i in range(4)), *((4 * i, 2, 60) for i in range(4)))
    decoded = build("representation=voices", voices=2, by_track=(2,))
    notes = decoded.decode(decoded.encode(doubled)).notes
    assert notes["pitch"].tolist() == [60] * 4


def test_voices_of_a_track_in_unison_are_written_as_midi(tmp_path: Path) -> None:
    two = build("representation=voices", voices=3, by_track=(1, 2))
    unison = np.array([72, 60, 60, HOLD, HOLD, 60, HOLD, HOLD, HOLD])
    piece = two.decode(unison)
    write_midi(piece, tmp_path / "unison.mid")
    assert piece.track(1)[["onset", "duration", "pitch"]].tolist() == [(0, 1, 60), (1, 2, 60)]
    assert len(read_midi(tmp_path / "unison.mid").notes) == 3
    assert piece.track_names == ("voice 1", "voices 2 to 3")


def test_voices_by_track_must_be_as_many_as_the_voices() -> None:
    told = r"by_track=\[1, 1, 4\] makes 6 voices; voices=4 should be as many"
    with pytest.raises(ValueError, match=told):
        build("representation=voices", by_track=(1, 1, 4))


def test_other_numbers_of_tracks_are_refused() -> None:
    with pytest.raises(UnencodableError, match="has 1 track, and this representation takes 3"):
        BAND.encode(piano((0, 4, 60)))


def test_songs_of_pop909_in_seven_voices(published: Callable[[str], Path]) -> None:
    paths = sorted(published("pop909").glob("*.mid"))[:40]
    songs = [align_bars(read_midi(path), 4, 4) for path in paths]
    voices = build("representation=voices", voices=7, by_track=(1, 2, 4))
    encoded = encodable(voices, songs)
    assert len(encoded) >= 36
    decoded = [voices.decode(tokens) for tokens in encoded.values()]
    kept = sum(len(piece.notes) for piece in decoded)
    assert kept > 0.97 * sum(len(songs[number].notes) for number in encoded)
    for piece in decoded[::6]:
        assert np.array_equal(voices.decode(voices.encode(piece)).notes, piece.notes)
