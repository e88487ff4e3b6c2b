"""The verdict says what the figures allow, and no more."""

import numpy as np
import pytest

from ostinato.evaluation.bootstrap import FEWEST, Advantage, compare_pieces, overlap_gap
from ostinato.evaluation.segments import overlap, overlaps
from ostinato.evaluation.sets import Comparison, Spread
from ostinato.evaluation.verdict import judge_likelihood, judge_samples, judge_segments
from ostinato.representations.voice_roll import VoiceRoll

NOTES = np.full(40, 50)


def nats(mean: float, spread: float, seed: int, pieces: int = 40) -> np.ndarray:
    """Nats of pieces of 50 notes: about so many per note."""
    return 50 * np.random.default_rng(seed).normal(mean, spread, pieces)


def verdict(model: np.ndarray, unigram: np.ndarray, bigram: np.ndarray) -> tuple[str, str, list]:
    notes = NOTES[: len(model)]
    means = {"model": model, "unigram": unigram, "bigram": bigram}
    per_note = {name: float(values.sum() / notes.sum()) for name, values in means.items()}
    gains = {n: compare_pieces(model, means[n], notes) for n in ("unigram", "bigram")}
    found = judge_likelihood(per_note, gains)
    return found.headline, " ".join(found.details), list(found.warnings)


def test_a_clearly_better_model_is_said_to_be_better_than_the_best_baseline() -> None:
    headline, details, warnings = verdict(nats(2, 0.3, 1), nats(6, 0.3, 2), nats(4, 0.3, 3))
    assert headline.startswith("Better than the best baseline, bigram counts: ")
    assert "better on 40 of the 40 test pieces" in details
    assert not warnings


def test_a_difference_within_chance_is_not_distinguishable() -> None:
    base = nats(4, 0.3, 1)
    headline, *_ = verdict(base + nats(0, 0.5, 2), nats(6, 0.3, 3), base)
    assert headline.startswith("Not distinguishable from the best baseline, bigram counts")


def test_a_model_worse_than_unigram_is_warned_of() -> None:
    headline, _, warnings = verdict(nats(8, 0.3, 1), nats(6, 0.3, 2), nats(4, 0.3, 3))
    assert headline.startswith("Worse than the best baseline, bigram counts")
    [warning] = warnings
    assert "worse than unigram counts" in warning


def test_a_model_between_the_baselines_is_warned_of_the_better_one() -> None:
    _, _, [warning] = verdict(nats(5, 0.3, 1), nats(6, 0.3, 2), nats(4, 0.3, 3))
    assert "worse than bigram counts" in warning


@pytest.mark.parametrize(("best", "words"), [("ngram", "an n-gram (Kneser-Ney)"), ("ppm", "PPM")])
def test_a_network_that_does_not_beat_longer_contexts_is_warned_of(best: str, words: str) -> None:
    model = nats(3, 0.3, 1)
    others = {"unigram": nats(6, 0.3, 2), "bigram": nats(4, 0.3, 3), best: nats(2.5, 0.3, 4)}
    per_note = {
        name: float(x.sum() / NOTES.sum()) for name, x in (("model", model), *others.items())
    }
    gains = {name: compare_pieces(model, x, NOTES) for name, x in others.items()}
    found = judge_likelihood(per_note, gains)
    assert found.headline.startswith(f"Worse than the best baseline, {words}: ")
    [warning] = found.warnings
    assert f"worse than {words}" in warning


@pytest.mark.parametrize("pieces", [1, 2, FEWEST - 1])
def test_of_a_few_pieces_no_interval_is_given(pieces: int) -> None:
    figures = [nats(mean, 0.3, seed, pieces) for seed, mean in enumerate((2, 6, 4))]
    headline, details, _ = verdict(*figures)
    assert "too few pieces to tell" in headline
    assert "%" not in details
    gain = compare_pieces(figures[0], figures[1], NOTES[:pieces])
    assert gain.low is None
    assert gain.high is None


def test_pairing_sees_a_small_difference_that_all_pieces_share() -> None:
    easy_and_hard = nats(4, 2.0, 1)
    gain = compare_pieces(easy_and_hard - 2.5, easy_and_hard, NOTES)
    assert gain.mean == pytest.approx(0.05)
    assert gain.low == pytest.approx(0.05)
    assert gain.high == pytest.approx(0.05)
    assert gain.sign == 1


def test_the_interval_covers_the_true_difference_as_often_as_it_says() -> None:
    random, covered = np.random.default_rng(5), 0
    for _ in range(200):
        gains = random.normal(0.3, 1.0, 40) * 50
        found = compare_pieces(np.zeros(40), gains, NOTES)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.3 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_equal_figures_have_equal_intervals() -> None:
    figures = nats(2, 0.3, 1), nats(6, 0.3, 2), NOTES
    assert compare_pieces(*figures) == compare_pieces(*figures)


def test_an_advantage_has_a_sign_only_where_its_interval_has() -> None:
    assert Advantage(1.0, 0.5, 1.5, 9, 10).sign == 1
    assert Advantage(-1.0, -1.5, -0.5, 1, 10).sign == -1
    assert Advantage(0.1, -0.5, 0.7, 6, 10).sign == 0
    assert Advantage(1.0, None, None, 2, 2).sign == 0


def test_the_music_is_told_apart_where_it_is_a_standard_deviation_away() -> None:
    far = Comparison(Spread(0.88, 0.05, 6), Spread(0.94, 0.03, 41), 0.3)
    near = Comparison(Spread(4.0, 0.3, 6), Spread(4.01, 0.3, 41), 0.9)
    found = judge_samples({"scale_consistency": far, "polyphony": near}, 0, 2, 6)
    words = " ".join(found.details)
    assert "scale consistency 0.880 (test split 0.940)" in words
    assert "polyphony" not in words
    assert "2 of 6 samples were cut" in words


def test_two_samples_are_no_evidence() -> None:
    far = Comparison(Spread(0.5, 0.05, 2), Spread(0.94, 0.03, 41), 0.0)
    found = judge_samples({"scale_consistency": far}, 0, 0, 2)
    assert "scale consistency" not in " ".join(found.details)
    assert "2 samples say little" in " ".join(found.details)


def test_silent_and_endless_samples_are_warned_of() -> None:
    found = judge_samples({}, silent=1, cut=6, pieces=6)
    assert "1 of 6 samples is silent." in found.warnings
    assert any("all were cut" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        ((0.05, 0.15), "below the 0.94 of training segments"),
        ((-0.05, 0.05), "not distinguishable from the 0.94 of training segments"),
        ((-0.15, -0.05), "above the 0.94 of training segments"),
    ],
)
def test_segments_are_judged_beside_training_segments(gap: tuple[float, float], words: str) -> None:
    assert words in judge_segments(0.83, 0.94, gap, 7, None).headline


def test_of_an_autoencoder_first_comes_what_it_gives_back() -> None:
    found = judge_segments(0.83, 0.94, (0.05, 0.15), 7, 0.979)
    assert found.headline == "Gives back 97.9% of the notes of unseen segments exactly"


def rolls(seed: int, high: int, count: int = 60) -> VoiceRoll:
    """Segments of one voice: 32 quarter notes of pitches from 60 up to `high`."""
    pitch = np.random.default_rng(seed).integers(60, high, (count, 1, 32))
    return VoiceRoll(pitch, np.ones_like(pitch, bool), beat_steps=1, bar_steps=4)


def test_the_gap_of_segments_like_any_others_cannot_be_told() -> None:
    low, high = overlap_gap(rolls(1, 72), rolls(2, 72), rolls(3, 72))
    assert low < 0 < high


def test_the_gap_of_other_segments_lies_around_what_was_measured() -> None:
    ours, known, test = rolls(1, 64), rolls(2, 72), rolls(3, 72)
    low, high = overlap_gap(ours, known, test)
    measured = overlap(overlaps(known, test)) - overlap(overlaps(ours, test))
    assert 0 < low < measured < high
