"""Voices on a grid, interleaved by time step."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_music import encodable, sampled, voiced_pieces

from defaults import build
from ostinato.errors import UnencodableError
from ostinato.music.barlines import begin_at_first_note
from ostinato.music.conversion import from_muspy
from ostinato.music.piece import NOTE, TIME_SIGNATURE, Piece, array
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.music.sound import render
from ostinato.representations.monophonic import HOLD, REST


def with_signatures(piece: Piece, *signatures: tuple[int, int, int]) -> Piece:
    return Piece(
        piece.name,
        piece.resolution,
        piece.notes,
        time_signatures=np.array(list(signatures), TIME_SIGNATURE),
        track_names=piece.track_names,
    )


def four_voices(*onsets: int) -> Piece:
    """A chord of four crotchets at each onset, in sixteenths."""
    onset, pitch = np.repeat(onsets, 4), np.tile([72, 67, 64, 48], len(onsets))
    track = np.tile(np.arange(4), len(onsets))
    return Piece("", 4, array(NOTE, onset=onset, duration=4, pitch=pitch, velocity=80, track=track))


def test_voices_take_turns_from_soprano_to_bass() -> None:
    tokens = build("representation=voices").encode(four_voices(0)).reshape(-1, 4)
    assert tokens.tolist() == [[72, 67, 64, 48], [HOLD] * 4, [HOLD] * 4, [HOLD] * 4]


@given(piece=voiced_pieces(4, least=0).filter(lambda piece: len(piece.notes)))
@settings(deadline=None)
def test_four_voices_come_back_as_they_were(piece: Piece) -> None:
    voices = build("representation=voices")
    decoded = voices.decode(voices.encode(piece))
    assert np.array_equal(decoded.notes, piece.notes)
    assert decoded.track_names == piece.track_names


@given(seed=st.integers(0, 2**32 - 1), voices=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_legal_tokens_come_back(seed: int, voices: int) -> None:
    representation = build("representation=voices", voices=voices)
    for row in sampled(representation, 4, 40 * voices, seed):
        tokens = representation.before_end(row).reshape(-1, voices)
        sounding = np.flatnonzero((tokens != REST).any(axis=1))
        expected = tokens[: sounding[-1] + 1].ravel()  # rests at the end are not music
        again = representation.encode(representation.decode(tokens.ravel()))
        assert np.array_equal(again, expected)


def test_chorales_of_four_parts_come_back_on_the_grid(chorales: list[Piece]) -> None:
    encoded = encodable(build("representation=voices"), chorales)
    assert len(encoded) == 364 == sum(len(piece.track_names) == 4 for piece in chorales)
    lost = total = 0
    for number, tokens in encoded.items():
        on_grid = chorales[number].at_resolution(4).notes
        decoded = build("representation=voices").decode(tokens).notes
        keys = ["onset", "pitch", "track"]
        assert np.isin(decoded[keys], on_grid[keys]).all()
        together = len(on_grid) - len(np.unique(on_grid[["onset", "track"]]))
        assert len(decoded) == len(on_grid) - together
        lost, total = lost + together, total + len(on_grid)
    assert 0 < lost < total / 1000


def test_a_pickup_is_filled_up_to_a_whole_bar() -> None:
    piece = with_signatures(four_voices(0, 4, 8), (0, 1, 4), (4, 4, 4))
    tokens = build("representation=voices").encode(piece).reshape(-1, 4)
    assert (tokens[:12] == REST).all()
    assert tokens[12].tolist() == tokens[16].tolist() == [72, 67, 64, 48]
    positions = build("representation=voices").positions(
        np.append(build("representation=voices").end, tokens.ravel())
    )
    assert positions[16 * 4, :6].tolist() == [0, 16, 72, 67, 64, 48]  # the second bar of four
    assert build("representation=voices").decode(tokens.ravel()).notes["onset"].min() == 12


@pytest.mark.parametrize(
    ("signatures", "missing"),
    [
        ([], 0),
        ([(0, 4, 4)], 0),
        ([(0, 1, 8), (2, 3, 4)], 10),
        ([(0, 3, 4), (12, 4, 4)], 4),
        ([(0, 4, 4), (16, 3, 4)], 0),
        ([(0, 3, 4), (4, 3, 4)], 8),  # a pickup written as a 3/4 that is cut short
    ],
)
def test_only_a_first_bar_shorter_than_the_second_is_filled_up(
    signatures: list[tuple[int, int, int]], missing: int
) -> None:
    piece = with_signatures(four_voices(0, 4, 8, 12, 16, 20), *signatures)
    assert (
        build("representation=voices")
        .decode(build("representation=voices").encode(piece))
        .notes["onset"]
        .min()
        == missing
    )


def test_the_bars_of_a_real_chorale_begin_at_step_0() -> None:
    import music21
    import muspy

    path = Path(music21.__file__).parent / "corpus" / "bach" / "bwv1.6.mxl"
    music = muspy.read_musicxml(str(path))
    first = music.barlines[1].time
    piece = from_muspy(music, "bwv1.6")
    assert first == piece.resolution  # it begins with a crotchet before the bar
    piece = Piece("", piece.resolution, piece.notes[piece.notes["track"] < 4])  # the singers
    piece = with_signatures(piece, (0, 1, 4), (first, 4, 4))
    voices = build("representation=voices")
    onsets = voices.decode(voices.encode(piece)).notes["onset"]
    on_barline = [(onsets == 16 * bar).sum() for bar in range(1, 9)]
    assert onsets.min() == 12
    assert min(on_barline) >= 2


def test_other_numbers_of_tracks_are_refused(chorales: list[Piece]) -> None:
    seven = next(piece for piece in chorales if len(piece.track_names) == 7)
    with pytest.raises(UnencodableError, match="has 7 tracks, and this representation takes 4"):
        build("representation=voices").encode(seven)


def test_of_notes_that_begin_together_the_highest_stays() -> None:
    soprano = [(4 * beat, 4, 72, 80, 0, False, 0) for beat in range(40)]
    second = [(8, 2, 69, 80, 0, False, 0)]
    piece = Piece("", 4, np.array(soprano + second, NOTE))
    kept = build("representation=voices", voices=1).decode(
        build("representation=voices", voices=1).encode(piece)
    )
    assert kept.notes["pitch"].tolist() == [72] * 40


def test_a_piece_of_chords_is_refused() -> None:
    chords = four_voices(0, 4, 8)
    notes = chords.notes.copy()
    notes["track"] = 0
    with pytest.raises(UnencodableError, match="9 notes, of 12, that begin together"):
        build("representation=voices", voices=1).encode(Piece("", 4, notes))


def test_a_step_cut_short_is_held() -> None:
    chord = np.array([72, 67, 64, 48, 74, REST])
    notes = (
        build("representation=voices")
        .decode(chord)
        .notes[["onset", "duration", "pitch", "track"]]
        .tolist()
    )
    assert notes == [(0, 1, 72, 0), (0, 1, 67, 1), (0, 2, 64, 2), (0, 2, 48, 3), (1, 1, 74, 0)]


def test_a_decoded_piece_has_the_metre_of_its_bars() -> None:
    waltz = build("representation=voices", voices=1, bar_steps=12).decode(np.array([60] * 24))
    assert waltz.barlines().tolist() == [0, 12]


def test_grammar_holds_only_what_sounds_and_ends_between_steps() -> None:
    voices = build("representation=voices", voices=2)
    assert voices.end is not None
    grammar = voices.grammar(1)
    for token, hold, end in [(60, 0, 0), (REST, 0, 0), (HOLD, 1, 1), (REST, 0, 0), (REST, 1, 1)]:
        assert grammar.legal()[0, [HOLD, voices.end]].tolist() == [bool(hold), bool(end)]
        grammar.advance(np.array([token]))
    assert grammar.legal()[0, [HOLD, voices.end]].tolist() == [False, False]


def test_silence_in_all_voices_lasts_two_bars_at_most() -> None:
    grammar = build("representation=voices", voices=2, bar_steps=12).grammar(1)
    for _ in range(2 * 24):
        assert grammar.legal()[0, REST]
        grammar.advance(np.array([REST]))
    assert grammar.legal()[0, REST]  # the last voice can still sing
    grammar.advance(np.array([REST]))
    assert not grammar.legal()[0, REST]


def test_positions_can_count_through_several_bars() -> None:
    two, tokens = (
        build("representation=voices", voices=1, bar_steps=4, position_bars=2),
        np.full(12, HOLD),
    )
    assert two.positions(tokens)[:, 1].tolist() == [1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4]
    grammar = two.grammar(1)
    for position in two.positions(np.concatenate(([two.end], np.full(9, 60))))[:, 1]:
        assert grammar.positions()[0, 1] == position
        grammar.advance(np.array([60]))
    with pytest.raises(ValueError, match="position_bars=64 with bars of 16 steps makes 1024"):
        build("representation=voices", position_bars=64)


def test_pickups_of_chorales_are_written_as_short_first_bars(short_chorales: list[Piece]) -> None:
    """What encoding fills up with rests is heard by nobody, and barlines are where they were."""
    pickups = 0
    in_one_metre = [piece for piece in short_chorales if len(piece.time_signatures) <= 2]
    for piece in in_one_metre:
        *_, (_, numerator, denominator) = piece.time_signatures.tolist()
        voices = build("representation=voices", bar_steps=16 * numerator // denominator)
        decoded = voices.decode(voices.encode(piece))
        whole = PieceDefaults.of([piece]).apply_to(decoded)
        written = begin_at_first_note(whole)
        original = piece.at_resolution(4)
        assert written.barlines().tolist() == original.barlines().tolist(), piece.name
        columns = ["onset", "pitch", "track"]  # of notes in one voice at once the highest stays
        assert np.isin(written.notes[columns], original.notes[columns]).all()
        silence = whole.notes["onset"].min()
        pickups += silence > 0
        wave = render(written, sample_rate=8000)
        assert np.abs(wave[:800]).max() > 0.01  # a tenth of a second
    assert pickups >= 8
