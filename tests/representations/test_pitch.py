"""A melody as one token per time step."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_music import sampled, voiced_pieces

from defaults import build
from ostinato.errors import UnencodableError
from ostinato.music.conversion import to_muspy
from ostinato.music.piece import NOTE, Piece, array
from ostinato.representations.monophonic import HOLD, REST


def melody(*notes: tuple[int, int, int], **columns: Any) -> Piece:
    """Notes (onset, duration, pitch) in sixteenths."""
    onset, duration, pitch = np.array(notes).T
    return Piece(
        "", 4, array(NOTE, onset=onset, duration=duration, pitch=pitch, velocity=80, **columns)
    )


def by_muspy(piece: Piece, track: int, hold: bool) -> np.ndarray:
    import muspy

    music = to_muspy(piece)
    music.tracks = [music.tracks[track]]
    return muspy.to_pitch_representation(music, use_hold_state=hold).ravel()


@pytest.mark.parametrize("hold", [True, False])
def test_pitch_representation_equals_muspy_on_every_monophonic_track(
    hold: bool, chorales: list[Piece]
) -> None:
    equal, refused = 0, 0
    for piece in chorales:
        on_grid = piece.at_resolution(4)
        for track in range(len(piece.track_names)):
            expected = by_muspy(on_grid, track, hold)
            together = len(np.unique(on_grid.track(track)["onset"])) < len(on_grid.track(track))
            if together:  # MusPy writes the highest of the notes and says nothing of the others
                with pytest.raises(UnencodableError, match="not monophonic"):
                    build("representation=pitch", track=track, hold=hold).encode(piece)
                refused += 1
            else:
                assert np.array_equal(
                    build("representation=pitch", track=track, hold=hold).encode(piece), expected
                )
                equal += 1
    assert (equal, refused) == (1737, 17)


def test_muspy_holds_a_note_on_after_its_end_where_an_earlier_one_is_longer() -> None:
    nested = melody((0, 6, 60), (2, 2, 64))
    assert by_muspy(nested, 0, True).tolist() == [60, HOLD, 64, HOLD, HOLD, HOLD]
    assert build("representation=pitch").encode(nested).tolist() == [60, HOLD, 64, HOLD]


def test_a_note_is_cut_where_the_next_begins() -> None:
    legato = melody((0, 5, 60), (4, 4, 62))
    assert build("representation=pitch").encode(legato).tolist() == [
        60,
        HOLD,
        HOLD,
        HOLD,
        62,
        HOLD,
        HOLD,
        HOLD,
    ]


def test_a_hold_after_a_rest_is_a_rest() -> None:
    piece = build("representation=pitch").decode(
        np.array([HOLD, REST, 60, HOLD, REST, HOLD, 60, 60])
    )
    assert piece.notes[["onset", "duration"]].tolist() == [(2, 2), (6, 1), (7, 1)]


def test_without_hold_rests_are_0_and_repeated_notes_merge() -> None:
    piece = melody((1, 2, 60), (3, 1, 60), (5, 2, 62))
    without = build("representation=pitch", hold=False)
    tokens = without.encode(piece)
    assert tokens.tolist() == [0, 60, 60, 60, 0, 62, 62]
    assert without.size == 129
    assert without.decode(tokens).notes[["onset", "duration", "pitch"]].tolist() == [
        (1, 3, 60),
        (5, 2, 62),
    ]


@given(piece=voiced_pieces(1))
@settings(deadline=None)
def test_melodies_come_back_as_they_were(piece: Piece) -> None:
    assert np.array_equal(
        build("representation=pitch").decode(build("representation=pitch").encode(piece)).notes,
        piece.notes,
    )


@given(piece=voiced_pieces(1))
@settings(deadline=None)
def test_without_hold_what_sounds_comes_back(piece: Piece) -> None:
    without = build("representation=pitch", hold=False)
    tokens = without.encode(piece)
    decoded = without.decode(tokens)
    assert np.array_equal(without.encode(decoded), tokens)
    assert decoded.notes["duration"].sum() == piece.notes["duration"].sum()


@pytest.mark.parametrize("hold", [True, False])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_legal_tokens_come_back(hold: bool, seed: int) -> None:
    pitch = build("representation=pitch", hold=hold)
    for row in sampled(pitch, 4, 120, seed):
        tokens = pitch.before_end(row)
        sounding = np.flatnonzero(tokens != (REST if hold else 0))
        expected = tokens[: sounding[-1] + 1]  # rests at the end are not music
        assert np.array_equal(pitch.encode(pitch.decode(tokens)), expected)


@pytest.mark.parametrize("hold", [True, False])
def test_silence_lasts_two_bars_at_most(hold: bool) -> None:
    grammar = build("representation=pitch", hold=hold).grammar(1)
    rest = REST if hold else 0
    for _ in range(32):
        assert grammar.legal()[0, rest]
        grammar.advance(np.array([rest]))
    assert not grammar.legal()[0, rest]
    grammar.advance(np.array([60]))
    assert grammar.legal()[0, rest]


def test_tracks_that_are_no_melody_are_refused() -> None:
    piece = melody((0, 4, 60), (4, 4, 0))
    with pytest.raises(UnencodableError, match=r"has 1 track, so no track 2 \(counted from 0\)"):
        build("representation=pitch", track=2).encode(piece)
    with pytest.raises(UnencodableError, match="1 note of pitch 0"):
        build("representation=pitch", hold=False).encode(piece)
    with pytest.raises(UnencodableError, match="has drums in track"):
        build("representation=pitch").encode(melody((0, 4, 36), drum=True))
    with pytest.raises(UnencodableError, match="2 of 3 notes begin together"):
        build("representation=pitch").encode(melody((0, 4, 60), (0, 4, 64), (0, 4, 67)))
