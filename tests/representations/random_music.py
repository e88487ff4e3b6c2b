"""Random pieces and random tokens for the tests of representations."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from ostinato.errors import UnencodableError
from ostinato.music.piece import NOTE, TEMPO, TIME_SIGNATURE, Piece, changes
from ostinato.representations.base import TokenRepresentation
from ostinato.representations.instrument import separate_unisons


@st.composite
def melodies(draw: st.DrawFn, resolution: int, track: int = 0, least: int = 1) -> list[Any]:
    """Rows of one monophonic track; rests before, between and none after its notes."""
    onset, rows = 0, []
    for _ in range(draw(st.integers(least, 12))):
        onset += draw(st.integers(0, 2 * resolution))
        duration = draw(st.integers(1, 3 * resolution))
        rows.append((onset, duration, draw(st.integers(1, 127)), 80, 0, False, track))
        onset += duration
    return rows


@st.composite
def voiced_pieces(draw: st.DrawFn, voices: int, resolution: int = 4, least: int = 1) -> Piece:
    rows = [row for v in range(voices) for row in draw(melodies(resolution, v, least))]
    names = tuple(f"voice {v + 1}" for v in range(voices))
    return Piece("", resolution, np.array(rows, NOTE), track_names=names)


@st.composite
def spread_pieces(draw: st.DrawFn, by_track: tuple[int, ...]) -> Piece:
    """Tracks in which no more notes sound at once than said, those of one pitch apart."""
    tracks = []
    for track, voices in enumerate(by_track):
        rows = [row for _ in range(voices) for row in draw(melodies(4, track, least=0))]
        tracks.append(separate_unisons(np.array(sorted(rows), NOTE)))
    names = tuple(f"track {track}" for track in range(len(by_track)))
    return Piece("", 4, np.concatenate(tracks), track_names=names)


@st.composite
def polyphonic_pieces(draw: st.DrawFn, resolution: int = 8) -> Piece:
    """One track with chords, overlaps and unisons."""
    times = st.tuples(st.integers(0, 64), st.integers(1, 40))
    sounds = st.tuples(st.integers(55, 66), st.integers(1, 127))
    drawn = draw(st.lists(st.tuples(times, sounds), min_size=1, max_size=30))
    rows = [(*when, *sound, 0, False, 0) for when, sound in drawn]
    return Piece("", resolution, np.array(rows, NOTE))


def sampled(representation: TokenRepresentation, batch: int, steps: int, seed: int) -> np.ndarray:
    """Sequences (batch, steps) drawn uniformly from what the grammar allows."""
    rng = np.random.default_rng(seed)
    grammar = representation.grammar(batch)
    tokens = np.zeros((batch, steps), np.int64)
    for step in range(steps):
        legal = grammar.legal()
        assert legal.any(axis=1).all(), "the grammar leads nowhere"
        tokens[:, step] = np.argmax(rng.random(legal.shape) * legal, axis=1)
        grammar.advance(tokens[:, step])
    return tokens


def encodable(representation: TokenRepresentation, pieces: list[Piece]) -> dict[int, np.ndarray]:
    """Tokens of the pieces that the representation takes, by the number of the piece."""
    encoded = {}
    for number, piece in enumerate(pieces):
        try:
            encoded[number] = representation.encode(piece)
        except UnencodableError:
            continue
    return encoded


def illegal_tokens(representation: TokenRepresentation, sequences: list[np.ndarray]) -> np.ndarray:
    """How many tokens of each sequence, the end included, the grammar does not allow."""
    end = representation.end
    assert end is not None
    rows = np.arange(len(sequences))
    length = max(len(sequence) for sequence in sequences) + 1
    padded = np.full((len(sequences), length), end)
    for row, sequence in enumerate(sequences):
        padded[row, : len(sequence)] = sequence
    lengths = np.array([len(sequence) for sequence in sequences])
    grammar = representation.grammar(len(sequences))
    illegal = np.zeros(len(sequences), int)
    for step in range(length):
        tokens = padded[:, step]
        illegal += ~grammar.legal()[rows, tokens] & (step <= lengths)
        grammar.advance(tokens)
    return illegal


def longest_silence(piece: Piece, tracks: tuple[int, ...]) -> float:
    """Quarter notes in which none of the tracks sounds, the longest time in a row."""
    notes = piece.notes[np.isin(piece.notes["track"], tracks)]
    ends = np.maximum.accumulate(notes["onset"] + notes["duration"])
    return float((notes["onset"] - np.append(0, ends[:-1])).max() / piece.resolution)


@st.composite
def bands(draw: st.DrawFn, resolution: int = 8, least: int = 1) -> Piece:
    """Several tracks with programs and drums, tempo changes and time signatures anywhere."""
    times = st.tuples(st.integers(0, 20 * resolution), st.integers(1, 14 * resolution))
    sounds = st.tuples(st.integers(0, 127), st.integers(1, 127))
    players = st.lists(
        st.tuples(st.integers(0, 127), st.booleans()), min_size=1, max_size=4, unique=True
    )
    rows: list[Any] = []
    for track, (program, drum) in enumerate(draw(players)):
        drawn = draw(st.lists(st.tuples(times, sounds), min_size=least, max_size=12))
        rows += [(*when, *sound, 0 if drum else program, drum, track) for when, sound in drawn]
    onsets = st.integers(0, 24 * resolution)
    metres = st.sampled_from([(4, 4), (3, 4), (6, 8), (3, 8), (5, 4), (3, 2), (7, 16)])
    qpm = st.floats(30, 300)
    return Piece(
        "",
        resolution,
        np.array(rows, NOTE),
        tempos=changes(draw(st.lists(st.tuples(onsets, qpm), max_size=3)), TEMPO),
        time_signatures=changes(
            [(t, *m) for t, m in draw(st.lists(st.tuples(onsets, metres), max_size=3))],
            TIME_SIGNATURE,
        ),
    )
