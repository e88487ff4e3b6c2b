"""Samples that copy training pieces are drawn anew, and left out where that does not help."""

from dataclasses import replace

import numpy as np
import pytest

from ostinato.errors import UserError
from ostinato.evaluation.originality.assessment import Music
from ostinato.methods.base import Sample, Samples
from ostinato.music.piece import NOTE, Piece
from ostinato.stages.novelty import keep_most_original, replace_copies

SEED = 5


def invent(seed: int) -> Piece:
    rng = np.random.default_rng(seed)
    onsets = np.flatnonzero(rng.random(96) < 0.6)
    rows = [(onset * 6, 6, rng.integers(48, 80), 64, 0, False, 0) for onset in onsets]
    return Piece(f"piece {seed}", 24, np.array(rows, NOTE))


def music(validation: int = 20) -> Music:
    return Music([invent(n) for n in range(10)], [invent(n) for n in range(50, 50 + validation)])


def samples(*seeds: int) -> Samples:
    return Samples([Sample(invent(seed), None) for seed in seeds], continued="bwv1")


def names(sampled: Samples) -> list[str]:
    return [sample.piece.name for sample in sampled.samples]


def test_a_copy_gives_its_place_to_another_draw() -> None:
    seeds: list[int] = []

    def draw(seed: int) -> Samples:
        seeds.append(seed)
        return samples(300, 4, 302) if len(seeds) == 1 else samples(400, 401, 402)

    replaced, counts = replace_copies(samples(200, 3, 202), draw, 5, SEED, music())
    assert names(replaced) == ["piece 200", "piece 401", "piece 202"], "the second draw was new"
    assert replaced.continued == "bwv1"
    assert counts == {"copies_drawn_anew": 1, "copies_left_out": 0}
    assert len(set(seeds)) == 2
    assert SEED not in seeds


def test_new_samples_are_not_drawn_again() -> None:
    def draw(seed: int) -> Samples:
        raise AssertionError(f"drawn again from {seed}")

    replaced, counts = replace_copies(samples(200, 201), draw, 5, SEED, music())
    assert names(replaced) == ["piece 200", "piece 201"]
    assert counts["copies_drawn_anew"] == 0


def test_a_copy_that_stays_one_is_left_out_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    replaced, counts = replace_copies(samples(200, 3), lambda _: samples(300, 4), 2, SEED, music())
    assert names(replaced) == ["piece 200"]
    assert counts == {"copies_drawn_anew": 1, "copies_left_out": 1}
    said = " ".join(capsys.readouterr().out.split())
    assert "1 of 2 samples copied training pieces and was drawn anew, 1 of them left out" in said


def test_a_model_that_only_copies_is_refused() -> None:
    with pytest.raises(UserError, match="has learned them by heart"):
        replace_copies(samples(1, 2), lambda _: samples(3, 4), 2, SEED, music())


def test_the_candidate_that_shares_least_with_training_is_kept_for_each_place() -> None:
    # pieces 1 to 9 are training pieces, those from 200 on share nothing but chance
    draws = iter([samples(1, 200, 3), samples(300, 2, 4), samples(5, 6, 302)])
    seeds: list[int] = []

    def draw(seed: int) -> Samples:
        seeds.append(seed)
        return next(draws)

    kept = keep_most_original(draw, 3, SEED, music())
    assert names(kept) == ["piece 300", "piece 200", "piece 302"]
    assert kept.continued == "bwv1"
    assert seeds[0] == SEED
    assert len(set(seeds)) == 3


def test_a_candidate_that_ended_and_has_notes_comes_before_a_more_original_one() -> None:
    silent = replace(invent(7), notes=invent(7).notes[:0])
    cut = Samples([Sample(invent(200), False), Sample(silent, True)])
    copies = Samples([Sample(invent(1), True), Sample(invent(2), True)])
    draws = iter([cut, copies])
    assert names(keep_most_original(lambda _: next(draws), 2, SEED, music())) == [
        "piece 1",
        "piece 2",
    ]
