"""What holds for every representation as tokens."""

from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from random_music import encodable, illegal_tokens, longest_silence, sampled

from defaults import build
from ostinato.errors import UnencodableError
from ostinato.music.piece import NOTE, Piece
from ostinato.music.reading import read_midi
from ostinato.music.writing import write_midi
from ostinato.representations.base import TokenRepresentation
from ostinato.representations.miditok.tokenizers import MIDILike, MidiTok
from ostinato.representations.pitch import Pitch
from ostinato.representations.voices import Voices

REPRESENTATIONS = {
    "pitch": build("representation=pitch"),
    "pitch without hold": build("representation=pitch", hold=False),
    "pitch without end": build("representation=pitch", end_token=False),
    "event": build("representation=event"),
    "event with velocities": build(
        "representation=event", steps_per_quarter=24, max_time_shift=30, velocity_bins=32
    ),
    "event without end": build("representation=event", end_token=False),
    "note": build("representation=note"),
    "note with velocities": build(
        "representation=note", steps_per_quarter=24, max_shift=30, max_duration=12, velocity_bins=32
    ),
    "note without end": build("representation=note", end_token=False),
    "voices": build("representation=voices"),
    "three voices in 3/4": build(
        "representation=voices", voices=3, steps_per_quarter=2, bar_steps=6
    ),
    "voices without end": build("representation=voices", end_token=False),
    "voices of polyphonic tracks": build("representation=voices", voices=6, by_track=(1, 2, 1, 2)),
    "chords": build("representation=chords"),
    "remi": build("representation=remi"),
    "remi of one track": build(
        "representation=remi", programs=False, velocities=0, tempos=0, time_signatures=False
    ),
    "remi with byte pairs": build("representation=remi", steps_per_quarter=4, vocabulary=1000),
    "tsd": build("representation=tsd"),
    "tsd without end": build("representation=tsd", programs=False, end_token=False),
    "midilike": build("representation=midilike"),
    "midilike with byte pairs": build("representation=midilike", programs=False, vocabulary=900),
    "structured": build("representation=structured"),
    "cpword": build("representation=cpword"),
    "cpword of one track": build(
        "representation=cpword", programs=False, tempos=0, time_signatures=False
    ),
}
LEARNED_FROM = 12  # chorales
ENDING = [name for name, r in REPRESENTATIONS.items() if r.end_token]


@pytest.fixture(scope="module", autouse=True)
def _taught(short_chorales: list[Piece]) -> None:
    for representation in REPRESENTATIONS.values():
        if representation.trainable:
            representation.train(short_chorales[:LEARNED_FROM])


@pytest.fixture(params=REPRESENTATIONS)
def representation(request: pytest.FixtureRequest) -> TokenRepresentation:
    return REPRESENTATIONS[request.param]


@pytest.fixture(params=ENDING)
def ending(request: pytest.FixtureRequest) -> TokenRepresentation:
    """A representation with an end token."""
    return REPRESENTATIONS[request.param]


def random_tokens(representation: TokenRepresentation, length: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, representation.size, length, np.uint16)


@pytest.mark.parametrize("name", REPRESENTATIONS)
@given(length=st.integers(0, 300), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_any_tokens_decode_to_a_valid_piece(name: str, length: int, seed: int) -> None:
    representation = REPRESENTATIONS[name]
    piece = representation.decode(random_tokens(representation, length, seed))
    notes = piece.notes
    assert notes.dtype == NOTE
    assert (notes["pitch"] <= 127).all()
    assert (notes["duration"] >= 1).all()
    assert (notes["onset"] >= 0).all()
    assert ((notes["velocity"] >= 1) & (notes["velocity"] <= 127)).all()
    assert piece.resolution == representation.resolution


def test_decoded_pieces_write_as_midi(representation: TokenRepresentation, tmp_path: Path) -> None:
    piece = representation.decode(sampled(representation, 1, 300, seed=1)[0], "drawn")
    write_midi(piece, tmp_path / "drawn.mid")
    heard = read_midi(tmp_path / "drawn.mid")
    assert piece.name == "drawn"
    sounds = ["onset", "duration", "pitch", "velocity"]
    assert np.array_equal(np.sort(heard.notes[sounds]), np.sort(piece.notes[sounds]))


def test_nothing_decodes_to_silence(representation: TokenRepresentation, tmp_path: Path) -> None:
    piece = representation.decode(np.zeros(0, np.uint16))
    assert len(piece.notes) == 0
    write_midi(piece, tmp_path / "silence.mid")


def test_decoding_stops_at_the_first_end(ending: TokenRepresentation) -> None:
    first = np.random.default_rng(2).integers(0, ending.size - 1, 200)
    more = np.concatenate([first, [ending.end], first])
    assert len(ending.decode(first).notes)
    assert ending.decode(more) == ending.decode(first)


def test_grammar_and_tokens_agree_on_positions(representation: TokenRepresentation) -> None:
    tokens = np.stack([random_tokens(representation, 400, seed) for seed in range(4)])
    if representation.end is not None:
        tokens[:, [90, 91, 200]] = representation.end
    known = np.stack([representation.positions(row) for row in tokens])
    assert known.dtype == np.uint8
    assert (known < np.array(list(representation.position_features.values()))).all()
    grammar = representation.grammar(len(tokens))
    for step in range(tokens.shape[1]):
        grammar.advance(tokens[:, step])
        assert np.array_equal(grammar.positions(), known[:, step])


def test_rows_of_a_grammar_are_those_of_sequences_that_grew_by_themselves(
    representation: TokenRepresentation,
) -> None:
    rows, steps = np.array([3, 0, 3, 3, 2]), 90
    before = sampled(representation, 4, steps, seed=1)
    grammar, expected = representation.grammar(4), representation.grammar(len(rows))
    for step in range(steps):
        grammar.advance(before[:, step])
        expected.advance(before[rows, step])
    selected = grammar.select(rows)
    unmoved = grammar.legal(), grammar.positions(), grammar.quarters.copy()
    random = np.random.default_rng(2)
    for _ in range(60):
        legal = selected.legal()
        assert np.array_equal(legal, expected.legal())
        assert np.array_equal(selected.positions(), expected.positions())
        assert np.array_equal(selected.quarters, expected.quarters)
        tokens = np.argmax(random.random(legal.shape) * legal, axis=1)
        selected.advance(tokens)
        expected.advance(tokens)
    still = grammar.legal(), grammar.positions(), grammar.quarters
    assert all(np.array_equal(a, b) for a, b in zip(unmoved, still, strict=True))


def test_transposed_positions_are_those_of_transposed_tokens() -> None:
    check_transposed_positions(REPRESENTATIONS["voices"])


def check_transposed_positions(voices: TokenRepresentation) -> None:
    tokens = np.stack([random_tokens(voices, 200, seed) for seed in range(4)])
    notes = voices.note_counts()[tokens] > 0
    tokens = np.where(notes, 40 + tokens % 40, tokens).astype(np.uint16)
    semitones = np.array([-7, 0, 3, 12])
    moved = voices.transpose(tokens, semitones)
    where = np.stack([voices.positions(row) for row in tokens])
    expected = np.stack([voices.positions(row) for row in moved])
    assert np.array_equal(voices.transpose_positions(where, semitones), expected)


def test_the_first_token_stands_at_the_beginning(ending: TokenRepresentation) -> None:
    before = random_tokens(ending, 50, seed=0)
    known = ending.positions(np.append(before, ending.end))
    assert np.array_equal(known[-1], ending.grammar(1).positions()[0])


def test_a_piece_has_a_note_at_least(ending: TokenRepresentation) -> None:
    for row in sampled(ending, 4, 400, seed=3):
        pieces = np.split(row, np.flatnonzero(row == ending.end))
        assert all(ending.note_counts()[piece].any() for piece in pieces[:-1])


def test_tokens_begin_as_many_notes_as_they_say(representation: TokenRepresentation) -> None:
    begins = representation.note_counts()
    assert begins.shape == (representation.size,)
    decoded = [
        len(representation.decode(np.array([token], np.uint16)).notes)
        for token in range(representation.size)
    ]
    assert np.array_equal(decoded, begins)


def test_every_token_has_its_own_description(representation: TokenRepresentation) -> None:
    words = {representation.describe(token) for token in range(representation.size)}
    assert len(words) == representation.size
    assert any("C4 (60)" in word for word in words)
    assert ("end" in words) == representation.end_token


def test_transposed_tokens_are_the_tokens_of_the_transposed_piece(
    representation: TokenRepresentation, chorales: list[Piece]
) -> None:
    if not representation.transposes:
        pytest.skip("byte pairs moved by semitones may be other tokens, or more or fewer")
    pieces = chorales[::20]
    if isinstance(representation, Voices) and (tracks := len(representation.by_track)) < 4:
        pieces = [replace(p, notes=p.notes[p.notes["track"] < tracks]) for p in pieces]
        pieces = [replace(p, track_names=p.track_names[:tracks]) for p in pieces]
    encoded = encodable(representation, pieces)
    assert len(encoded) > 15
    for number, tokens in encoded.items():
        piece = pieces[number]
        semitones = np.array([-5, 0, 7])
        moved = representation.transpose(np.stack([tokens] * 3), semitones)
        assert moved.dtype == tokens.dtype
        for row, step in zip(moved, semitones, strict=True):
            assert np.array_equal(row, representation.encode(piece.transposed(int(step))))


@pytest.mark.parametrize(
    ("representation", "tracks"),
    [
        (build("representation=pitch"), (0,)),
        (build("representation=pitch", hold=False), (0,)),
        (build("representation=event"), tuple(range(20))),
        (build("representation=event", steps_per_quarter=24, velocity_bins=32), tuple(range(20))),
        (build("representation=note"), tuple(range(20))),
        (
            build(
                "representation=note",
                steps_per_quarter=24,
                max_shift=30,
                max_duration=12,
                velocity_bins=32,
            ),
            tuple(range(20)),
        ),
        (build("representation=voices"), tuple(range(20))),
    ],
    ids=[
        "pitch",
        "pitch without hold",
        "event",
        "event with velocities",
        "note",
        "note with velocities",
        "voices",
    ],
)
def test_chorales_are_legal_token_by_token(
    representation: TokenRepresentation, tracks: tuple[int, ...], chorales: list[Piece]
) -> None:
    encoded = encodable(representation, chorales)
    illegal = illegal_tokens(representation, list(encoded.values()))
    silent = [longest_silence(chorales[number], tracks) > 8 for number in encoded]
    assert len(encoded) >= 364
    assert np.array_equal(illegal > 0, silent)
    assert sum(silent) <= 8


MIDITOK = [name for name, r in REPRESENTATIONS.items() if isinstance(r, MidiTok) and r.end_token]


@pytest.mark.parametrize("name", MIDITOK)
def test_chorales_as_miditok_writes_them_are_legal(name: str, chorales: list[Piece]) -> None:
    pieces = chorales[::8]
    encoded = encodable(REPRESENTATIONS[name], pieces)
    illegal = illegal_tokens(REPRESENTATIONS[name], list(encoded.values()))
    assert len(encoded) == len(pieces)
    silent = [longest_silence(piece, tuple(range(20))) > 8 for piece in pieces]
    assert np.array_equal(illegal > 0, silent)


@pytest.mark.parametrize("name", MIDITOK)
def test_grammar_of_miditok_tells_when_the_last_note_begins(
    name: str, chorales: list[Piece]
) -> None:
    representation, piece = REPRESENTATIONS[name], chorales[7]
    grammar = representation.grammar(1)
    for token in representation.encode(piece):
        grammar.advance(np.array([token]))
    notes = piece.at_resolution(representation.resolution).notes
    last = notes["onset"].max()
    if isinstance(representation, MIDILike):  # there the end is written
        last = (notes["onset"] + notes["duration"]).max()
    assert grammar.quarters[0] == last / representation.resolution
    grammar.advance(np.array([representation.end]))
    assert grammar.quarters[0] == 0


@pytest.mark.parametrize(
    "representation",
    [
        build("representation=pitch"),
        build("representation=event"),
        build("representation=note"),
        build("representation=voices"),
    ],
    ids=lambda r: r.name,
)
def test_grammar_tells_the_time(representation: TokenRepresentation, chorales: list[Piece]) -> None:
    piece = next(piece for piece in chorales if len(piece.track_names) == 4)
    grammar = representation.grammar(1)
    for token in representation.encode(piece):
        grammar.advance(np.array([token]))
    notes = piece.at_resolution(representation.resolution)
    notes = notes.track(0) if isinstance(representation, Pitch) else notes.notes
    end = (notes["onset"] + notes["duration"]).max()
    assert grammar.quarters[0] == end / representation.resolution
    grammar.advance(np.array([representation.end]))
    assert grammar.quarters[0] == 0


def test_a_piece_without_notes_is_refused(representation: TokenRepresentation) -> None:
    names = ("a", "b", "c", "d")[: getattr(representation, "voices", 4)]
    with pytest.raises(UnencodableError, match="has no notes"):
        representation.encode(Piece("", 4, np.zeros(0, NOTE), track_names=names))


@pytest.mark.parametrize("name", ["pitch", "event", "note", "voices"])
def test_positions_fit_a_byte_on_the_finest_grid_allowed(name: str) -> None:
    kind = type(build(f"representation={name}"))
    hints = get_type_hints(kind.__init__, include_extras=True)
    allowed = TypeAdapter(hints["steps_per_quarter"])
    for wrong in (0, 65):
        with pytest.raises(ValidationError):
            allowed.validate_python(wrong)
    finest = build(f"representation={name}", steps_per_quarter=allowed.validate_python(64))
    assert max(finest.position_features.values()) <= 256


@pytest.mark.parametrize("name", ["remi", "tsd", "midilike", "structured", "cpword"])
def test_positions_fit_a_byte_on_the_finest_grid_of_miditok(name: str) -> None:
    kind = type(build(f"representation={name}"))
    hints = get_type_hints(kind.__init__, include_extras=True)
    steps = TypeAdapter(hints["steps_per_quarter"]).validate_python(32)
    with pytest.raises(ValidationError):
        TypeAdapter(hints["steps_per_quarter"]).validate_python(33)
    finest = build(f"representation={name}", steps_per_quarter=steps)
    assert max(finest.position_features.values()) <= 256
