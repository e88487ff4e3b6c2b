"""What is declared a headline ranks music that is wrong in a known way below real music."""

import json
from pathlib import Path

import numpy as np
import pytest

from defaults import build
from ostinato.evaluation.distances.assessment import measure_pieces
from ostinato.evaluation.distances.controls import (
    TOLD,
    UNTOLD,
    build_controls,
    draw_notes,
    shuffle_bars,
    shuffle_pitches,
)
from ostinato.evaluation.distances.measures import DISTANCES, HEADLINES
from ostinato.evaluation.distances.ranking import REAL, Ranking, rank_controls
from ostinato.music.piece import Piece

RESULTS = Path(__file__).parents[3] / "benchmarks" / "controls.json"
FEW, COUNT = 6, 20
Rankings = dict[str, Ranking]


@pytest.fixture(scope="module")
def rankings(chorales: list[Piece]) -> Rankings:
    """What each distance says of the controls: 20 pieces of each, against 30 real chorales."""
    in_voices = [piece for piece in chorales if len(piece.track_names) == 4]
    order = np.random.default_rng(3).permutation(len(in_voices))
    shuffled = [in_voices[i] for i in order]
    real, held_out, training = shuffled[:30], shuffled[30:50], shuffled[50:]
    controls = {
        REAL: held_out,
        **build_controls(training, COUNT, build("representation=voices"), 12, seed=1),
    }
    vectors = {name: measure_pieces(pieces) for name, pieces in controls.items()}
    theirs, beside = measure_pieces(real), measure_pieces(training[:150])
    return {d.name: rank_controls(d, vectors, theirs, beside, (FEW, COUNT)) for d in DISTANCES}


@pytest.mark.parametrize("control", TOLD)
@pytest.mark.parametrize("headline", HEADLINES)
def test_a_headline_ranks_every_control_below_real_music(
    headline: str, control: str, rankings: Rankings
) -> None:
    assert rankings[headline].tells(control), rankings[headline]


@pytest.mark.parametrize("name", [distance.name for distance in DISTANCES])
def test_copies_are_not_told_by_distances(name: str, rankings: Rankings) -> None:
    assert not rankings[name].tells("training_copied")


def test_notes_drawn_independently_fool_distances_of_piece_metrics(rankings: Rankings) -> None:
    fooled = [name for name, ranking in rankings.items() if not all(map(ranking.tells, TOLD))]
    assert fooled
    assert not set(fooled) & set(HEADLINES)


def test_headlines_are_those_that_survive_the_benchmark() -> None:
    found = json.loads(RESULTS.read_text(encoding="utf-8"))["distances"]
    assert set(found) == {distance.name for distance in DISTANCES}
    assert {name for name, figures in found.items() if figures["survives"]} == set(HEADLINES)
    assert HEADLINES


def test_controls_are_what_they_are_called(short_chorales: list[Piece]) -> None:
    controls = build_controls(short_chorales, 4, build("representation=voices"), 4, seed=1)
    assert set(controls) == {*TOLD, *UNTOLD}
    assert all(len(pieces) == 4 for pieces in controls.values())
    assert len({id(piece) for piece in controls["one_repeated"]}) == 1
    assert all(piece in short_chorales for piece in controls["training_copied"])


def test_shuffled_pitches_leave_rhythm_and_the_pitches_of_each_track(
    short_chorales: list[Piece],
) -> None:
    piece, random = short_chorales[0], np.random.default_rng(1)
    found = shuffle_pitches(piece, random)
    for column in ("onset", "duration"):
        assert sorted(found.notes[column]) == sorted(piece.notes[column])
    for track in np.unique(piece.notes["track"]):
        own, others = (p.notes["pitch"][p.notes["track"] == track] for p in (piece, found))
        assert sorted(own) == sorted(others)
    assert (found.notes["pitch"] != piece.notes["pitch"]).any()


def test_drawn_notes_keep_rhythm_and_the_range_of_each_track(short_chorales: list[Piece]) -> None:
    piece = short_chorales[0]
    found = draw_notes(piece, np.random.default_rng(1))
    assert (found.notes["onset"] == piece.notes["onset"]).all()
    for track in np.unique(piece.notes["track"]):
        own, drawn = (set(p.notes["pitch"][p.notes["track"] == track]) for p in (piece, found))
        assert drawn <= own


def test_shuffled_bars_hold_the_same_notes_at_the_same_places_of_bars(
    short_chorales: list[Piece],
) -> None:
    piece = short_chorales[0]
    found = shuffle_bars(piece, np.random.default_rng(1))
    assert len(found.notes) == len(piece.notes)
    assert sorted(found.notes["pitch"]) == sorted(piece.notes["pitch"])
    assert found.end <= piece.end
    assert (found.notes["onset"] != piece.notes["onset"]).any()
