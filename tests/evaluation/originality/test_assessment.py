"""Samples are set beside held-out music, and copies are drawn beside what they copy."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from ostinato.evaluation.originality.assessment import (
    Assessment,
    Music,
    assess_originality,
    spread,
)
from ostinato.evaluation.originality.pictures import cut_passage, draw_copies
from ostinato.evaluation.originality.table import write_table
from ostinato.music.piece import NOTE, Piece

TRAINING, VALIDATION, TEST = range(20), range(20, 45), range(45, 65)


def invent(seed: int, name: str = "") -> Piece:
    rng = np.random.default_rng(seed)
    onsets = np.flatnonzero(rng.random(128) < 0.6)
    rows = [
        (onset * 6, 6, rng.integers(low, low + 14), 64, 0, False, track)
        for track, low in ((0, 67), (1, 45))
        for onset in onsets
    ]
    return Piece(name or f"piece {seed}", 24, np.array(rows, NOTE), track_names=("high", "low"))


@pytest.fixture(scope="module")
def assessed() -> Assessment:
    samples = [replace(invent(3), name="copy"), invent(500, "new")]
    music = Music(*([invent(seed) for seed in part] for part in (TRAINING, VALIDATION, TEST)))
    return assess_originality(samples, music)


def test_a_copy_is_flagged_and_new_music_is_not(assessed: Assessment) -> None:
    assert assessed.flagged == [0]
    metrics = assessed.metrics()
    assert metrics["flagged"] == 1
    assert metrics["samples"] == 2
    assert metrics["held_out_flagged"] <= 2
    assert metrics["held_out_excerpts"] == 20
    assert metrics["notes"]["generated_max"] > 100 > metrics["notes"]["held_out_max"]
    assert metrics["known_ngrams"]["12"] == {
        "generated": 0.5,
        "generated_max": 1.0,
        "held_out": 0.0,
        "held_out_max": 0.0,
    }


def test_figures_for_mlflow_are_numbers(assessed: Assessment) -> None:
    figures = assessed.figures()
    assert all(name.startswith("originality/") for name in figures)
    assert figures["originality/flagged"] == 1
    assert figures["originality/most_notes"] > 100
    assert figures["originality/held_out_known_12grams"] == 0.0


def test_the_table_says_where_each_part_is_in_training(assessed: Assessment) -> None:
    rows = list(csv.DictReader(io.StringIO(write_table(assessed))))
    copied = [row for row in rows if row["piece"] == "copy"]
    assert {row["part"] for row in copied} >= {"texture", "high", "low"}
    assert {row["training_piece"] for row in copied} == {"piece 3"}
    assert {row["copies"] for row in rows if row["piece"] == "new"} == {"no"}
    assert {row["nearest_piece"] for row in copied} == {"piece 3"}
    assert {(row["known_4grams"], row["known_12grams"]) for row in copied} == {("1.0", "1.0")}
    assert len({row["threshold"] for row in rows}) == 1


def test_both_passages_are_drawn(assessed: Assessment) -> None:
    drawn = draw_copies(assessed, lambda name: invent(int(name.split()[1]), name))
    [(caption, png)] = drawn.items()
    assert "piece 3" in caption
    assert caption.startswith("copy: ")
    assert png.startswith(b"\x89PNG")


def test_a_passage_is_cut_out(assessed: Assessment) -> None:
    place = assessed.samples[0].strongest["texture"].here
    cut = cut_passage(invent(3), place, "cut")
    assert cut.notes["onset"][0] == 0
    assert cut.track_names == ("high", "low")


def test_without_validation_pieces_training_pieces_say_what_is_usual() -> None:
    found = assess_originality([invent(3)], Music([invent(seed) for seed in TRAINING], left_out=4))
    assert found.flagged == [0]
    assert found.metrics()["calibrated_on"] == len(TRAINING)
    assert "4 training pieces were not compared with" in " ".join(found.sentences())
    assert found.rows()[0][2] == "–"
    assert found.metrics()["notes"]["held_out"] is None
    assert "originality/held_out_longest_notes" not in found.figures()


def test_of_no_training_piece_nothing_is_flagged_and_it_is_said() -> None:
    found = assess_originality([invent(3)], Music([]))
    assert found.metrics()["flagged"] is None
    assert found.flagged == found.warnings() == found.details() == []
    assert "none is flagged" in " ".join(found.sentences())
    assert "originality/flagged" not in found.figures()


def test_a_sample_that_shares_nothing_has_a_row_all_the_same() -> None:
    lone = Piece("lone", 24, np.array([(0, 6, 60, 64, 0, False, 0)], NOTE))
    found = assess_originality([lone], Music([invent(seed) for seed in TRAINING]))
    [row] = csv.DictReader(io.StringIO(write_table(found)))
    assert (row["piece"], row["notes"], row["copies"], row["known_4grams"]) == (
        "lone",
        "0",
        "no",
        "",
    )


def test_pieces_are_spread_over_their_order() -> None:
    assert spread(list("abcdefghij"), 3) == ["a", "d", "g"]
    assert spread(["a"], 3) == ["a"]
