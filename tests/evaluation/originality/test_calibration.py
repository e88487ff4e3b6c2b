"""Training pieces stand for held-out ones where validation pieces are few."""

from dataclasses import replace

import numpy as np

from ostinato.evaluation.originality import calibration
from ostinato.evaluation.originality.calibration import measure_held_out
from ostinato.evaluation.originality.index import build_index
from ostinato.evaluation.originality.measure import measure_originality
from ostinato.music.piece import NOTE, Piece


def invent(seed: int) -> Piece:
    rng = np.random.default_rng(seed)
    onsets = np.flatnonzero(rng.random(160) < 0.6)
    rows = [(onset * 6, 6, rng.integers(48, 80), 64, 0, False, 0) for onset in onsets]
    return Piece(f"piece {seed}", 24, np.array(rows, NOTE))


def transposed(piece: Piece) -> Piece:
    notes = piece.notes.copy()
    notes["pitch"] += 3
    return replace(piece, name=f"{piece.name} up", notes=notes)


def test_a_hidden_piece_is_not_found() -> None:
    pieces = [invent(seed) for seed in range(6)]
    index = build_index(pieces)
    seen = measure_originality(index, pieces[2])
    hidden = measure_originality(index, pieces[2], hidden=[2])
    assert seen.nearest == ("piece 2", 1.0)
    assert seen.notes > 50 > hidden.notes
    assert hidden.evidence < seen.evidence / 5
    assert all(passage.training != "piece 2" for passage in hidden.longest.values())


def test_what_is_rare_without_the_hidden_pieces_counts_as_rare() -> None:
    pieces = [invent(seed) for seed in range(6)]
    alone = build_index([piece for place, piece in enumerate(pieces) if place != 2])
    sample = transposed(pieces[4])
    without = measure_originality(alone, sample).evidence
    hidden = measure_originality(build_index(pieces), sample, hidden=[2]).evidence
    assert abs(hidden / without - 1) < 0.05  # the index is larger, which adds to each n-gram


def test_training_pieces_are_measured_without_themselves_and_those_alike() -> None:
    pieces = [invent(seed) for seed in range(8)]
    pieces += [transposed(piece) for piece in pieces[:3]]
    found = measure_held_out(build_index(pieces), pieces, [invent(99)], 1e9)
    assert [one.name for one in found] == ["piece 99", *(piece.name for piece in pieces)]
    assert max(one.notes for one in found) < 30


def test_enough_validation_pieces_need_no_training_pieces() -> None:
    pieces = [invent(seed) for seed in range(3)]
    validation = [invent(100)] * calibration.ENOUGH
    found = measure_held_out(build_index(pieces), pieces, validation, 1e9)
    assert {one.name for one in found} == {"piece 100"}
