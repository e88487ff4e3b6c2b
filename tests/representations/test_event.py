"""Notes that begin and end, and the time between."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_music import polyphonic_pieces, sampled

from defaults import build
from ostinato.music.conversion import to_muspy
from ostinato.music.piece import NOTE, Piece, array
from ostinato.representations.instrument import separate_unisons

ON, OFF, SHIFT = 0, 128, 255


def events(piece: Piece, velocity_bins: int = 0) -> np.ndarray:
    import muspy

    return muspy.to_event_representation(
        to_muspy(piece), encode_velocity=velocity_bins > 0, velocity_bins=velocity_bins or 32
    ).ravel()


def unison() -> Piece:
    """Two voices meet on middle C: one holds it for eight steps, the other repeats it."""
    notes = array(NOTE, onset=[0, 2], duration=[8, 2], pitch=60, velocity=80, track=[0, 1])
    return Piece("", 8, notes)


def sounds(piece: Piece) -> np.ndarray:
    """Which pitches sound and begin at each step: (time, 128, 2)."""
    roll = np.zeros((piece.end, 128, 2), bool)
    for note in piece.notes:
        roll[note["onset"] : note["onset"] + note["duration"], note["pitch"], 0] = True
        roll[note["onset"], note["pitch"], 1] = True
    return roll


@pytest.mark.parametrize(("steps", "bins"), [(8, 0), (24, 0), (8, 32), (24, 20)])
def test_events_of_the_same_notes_equal_muspy_on_every_chorale(
    steps: int, bins: int, chorales: list[Piece]
) -> None:
    representation = build("representation=event", steps_per_quarter=steps, velocity_bins=bins)
    for piece in chorales:
        on_grid = piece.at_resolution(steps)
        assert np.array_equal(representation.encode_notes(on_grid.notes), events(on_grid, bins)), (
            piece.name
        )


def test_event_representation_equals_muspy_where_unisons_are_one_instrument_s(
    chorales: list[Piece],
) -> None:
    """MusPy's own sequences differ in the 402 chorales in which voices overlap on one pitch."""
    as_they_are = 0
    for piece in chorales:
        on_grid = piece.at_resolution(8)
        one_instrument = Piece("", 8, separate_unisons(on_grid.notes))
        tokens = build("representation=event").encode(piece)
        assert np.array_equal(tokens, events(one_instrument)), piece.name
        as_they_are += np.array_equal(tokens, events(on_grid))
    assert as_they_are == 6


def test_muspy_swaps_unisons_and_events_here_do_not() -> None:
    import muspy

    tokens = events(unison())
    assert tokens.tolist() == [60, SHIFT + 2, 60, SHIFT + 2, OFF + 60, SHIFT + 4, OFF + 60]
    heard = muspy.from_event_representation(tokens[:, None], resolution=8).tracks[0].notes
    assert [(note.time, note.duration) for note in heard] == [(0, 4), (2, 6)]
    assert build("representation=event").encode(unison()).tolist() == [
        *(60, SHIFT + 2, OFF + 60, 60),  # begins again, after its own note-off
        *(SHIFT + 6, OFF + 60),  # and sounds as long as either voice
    ]


@given(piece=polyphonic_pieces())
@settings(deadline=None)
def test_what_sounds_and_what_begins_comes_back(piece: Piece) -> None:
    decoded = build("representation=event").decode(build("representation=event").encode(piece))
    assert np.array_equal(sounds(decoded), sounds(piece))
    assert len(decoded.notes) == len(np.unique(piece.notes[["onset", "pitch"]]))


@given(piece=polyphonic_pieces())
@settings(deadline=None)
def test_velocities_come_back_to_their_bin(piece: Piece) -> None:
    representation = build("representation=event", velocity_bins=32)
    tokens = representation.encode(piece)
    decoded = representation.decode(tokens)
    loudest = np.sort(separate_unisons(piece.notes), order=["onset", "pitch"])["velocity"]
    assert np.array_equal(decoded.notes["velocity"] // 4, loudest // 4)
    assert np.array_equal(representation.encode(decoded), tokens)


@pytest.mark.parametrize("bins", range(1, 65))
def test_a_velocity_stands_for_its_own_bin(bins: int) -> None:
    representation = build("representation=event", velocity_bins=bins)
    for velocity in range(bins):
        tokens = np.array([representation.first_velocity + velocity, 60, SHIFT + 1, OFF + 60])
        assert np.array_equal(representation.encode(representation.decode(tokens)), tokens)


@pytest.mark.parametrize("bins", [0, 32])
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 300))
@settings(max_examples=50, deadline=None)
def test_decoded_tokens_are_written_alike_for_good(bins: int, seed: int, length: int) -> None:
    representation = build("representation=event", velocity_bins=bins)
    tokens = np.random.default_rng(seed).integers(0, representation.size - 1, length)
    piece = representation.decode(tokens)
    if len(piece.notes):
        assert representation.decode(representation.encode(piece)) == piece


@pytest.mark.parametrize("bins", [0, 32])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_every_legal_note_on_is_a_note(bins: int, seed: int) -> None:
    representation = build("representation=event", velocity_bins=bins)
    for row in sampled(representation, 4, 150, seed):
        tokens = representation.before_end(row)
        piece = representation.decode(tokens)
        assert len(piece.notes) == (tokens < OFF).sum()
        if len(tokens) < len(row):  # it ended, so every note was closed
            again = representation.encode(piece)
            assert np.array_equal(np.sort(again[again < 256]), np.sort(tokens[tokens < 256]))


def test_notes_left_open_end_with_the_last_token() -> None:
    piece = build("representation=event").decode(np.array([60, SHIFT + 4, 64, SHIFT + 2, OFF + 70]))
    assert piece.notes[["onset", "duration", "pitch"]].tolist() == [(0, 6, 60), (4, 2, 64)]


def test_a_note_on_of_a_sounding_pitch_begins_it_again() -> None:
    piece = build("representation=event").decode(
        np.array([60, SHIFT + 4, 60, SHIFT + 2, OFF + 60, OFF + 60])
    )
    assert piece.notes[["onset", "duration"]].tolist() == [(0, 4), (4, 2)]


def test_a_note_without_duration_lasts_one_step() -> None:
    piece = build("representation=event").decode(np.array([SHIFT + 3, 60, OFF + 60, SHIFT + 5]))
    assert piece.notes[["onset", "duration"]].tolist() == [(3, 1)]


def test_long_gaps_take_several_shifts() -> None:
    notes = array(NOTE, onset=[250, 450], duration=200, pitch=60, velocity=80)
    tokens = build("representation=event").encode(Piece("", 8, notes))
    shifts = tokens[tokens > SHIFT] - SHIFT
    assert shifts.tolist() == [100, 100, 50, 100, 100, 100, 100]


def test_drums_are_left_out() -> None:
    notes = array(NOTE, onset=0, duration=4, pitch=[60, 36], drum=[False, True], track=[0, 1])
    assert build("representation=event").encode(Piece("", 8, notes)).tolist() == [
        60,
        SHIFT + 4,
        OFF + 60,
    ]


def test_grammar_opens_and_closes_notes() -> None:
    representation = build("representation=event")
    grammar = representation.grammar(1)

    def legal(*tokens: int) -> list[bool]:
        return grammar.legal()[0, list(tokens)].tolist()

    assert representation.end is not None
    assert legal(60, OFF + 60, SHIFT + 64, SHIFT + 65, representation.end) == [1, 0, 1, 0, 0]
    grammar.advance(np.array([60]))
    assert legal(60, OFF + 60, SHIFT + 100, representation.end) == [0, 0, 1, 0]
    grammar.advance(np.array([SHIFT + 100]))
    assert legal(60, OFF + 60, OFF + 61, representation.end) == [0, 1, 0, 0]
    grammar.advance(np.array([OFF + 60]))
    assert legal(60, OFF + 60, SHIFT + 64, SHIFT + 65, representation.end) == [1, 0, 1, 0, 1]
    grammar.advance(np.array([SHIFT + 64]))
    assert legal(60, SHIFT + 1, representation.end) == [1, 0, 1]


def test_a_velocity_comes_before_every_note_and_nowhere_else() -> None:
    representation = build("representation=event", velocity_bins=4)
    grammar = representation.grammar(1)
    velocities = slice(representation.first_velocity, representation.first_velocity + 4)
    assert not grammar.legal()[0, :OFF].any()
    assert grammar.legal()[0, velocities].all()
    grammar.advance(np.array([representation.first_velocity]))
    assert grammar.legal()[0, :OFF].all()
    assert not grammar.legal()[0, OFF:].any()
