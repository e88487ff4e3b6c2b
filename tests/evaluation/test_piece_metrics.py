"""Metrics of voice leading, harmony and structure; muspy's beside muspy."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.evaluation.measures import PieceViews, measure
from ostinato.evaluation.piece_metrics.pitch import mean_polyphony
from ostinato.evaluation.piece_metrics.views import SILENT, pitched_notes
from ostinato.evaluation.registry import find_metric, metrics
from ostinato.music.conversion import to_muspy
from ostinato.music.keys import estimate_key
from ostinato.music.piece import NOTE, TIME_SIGNATURE, Piece, array
from ostinato.music.reading import read_midi

BAR = 16  # steps
# silence before a piece is part of these
OF_SILENCE = {
    "length",
    "note_density",
    "polyphony_rate",
    "empty_quarter_rate",
    "empty_bar_rate",
    "empty_beat_rate",
    "empty_measure_rate",
    "groove_similarity",
    "groove_consistency",
}


def chorale(*voices: list[int | None], steps: int = 4) -> Piece:
    """Return a piece of one track a voice; each pitch lasts so many steps, None is a rest."""
    rows = [
        array(NOTE, onset=steps * place, duration=steps, pitch=pitch, velocity=80, track=track)
        for track, voice in enumerate(voices)
        for place, pitch in enumerate(voice)
        if pitch is not None
    ]
    return Piece("x", 4, np.concatenate(rows))


@st.composite
def pieces(draw: Callable[..., Any]) -> Piece:
    """Two to four tracks of notes and rests in an octave and a half each."""
    tracks = draw(st.integers(2, 4))
    rows = []
    for track in range(tracks):
        onset = 0
        floor = 40 + 12 * (tracks - track)
        for _ in range(draw(st.integers(1, 24))):
            duration = draw(st.sampled_from((1, 2, 4, 8)))
            pitch = draw(st.one_of(st.none(), st.integers(floor, floor + 18)))
            if pitch is not None:
                rows.append((onset, duration, pitch, 80, 0, False, track))
            onset += duration
    if not rows:
        rows.append((0, 4, 60, 80, 0, False, 0))
    return Piece("x", 4, np.array(rows, NOTE))


def by_muspy(name: str, piece: Piece) -> float:
    """Return muspy's value of a metric, called as the description of the metric says."""
    import muspy

    grid = PieceViews(piece).grid
    music = to_muspy(grid)
    if name in {"empty_measure_rate", "groove_consistency"}:
        first = array(TIME_SIGNATURE, onset=0, numerator=4, denominator=4)
        signature = (grid.time_signatures if len(grid.time_signatures) else first)[0]
        bar = round(16 * int(signature["numerator"]) / int(signature["denominator"]))
        return float(getattr(muspy, name)(music, bar))
    if name == "pitch_in_scale_rate":
        key = estimate_key(piece)
        assert key is not None
        mode = "minor" if key.minor else "major"
        return float(muspy.pitch_in_scale_rate(music, key.tonic, mode))
    if name.startswith("drum"):
        music = to_muspy(piece.at_resolution(24))
        meter = {"meter": "duple"} if name == "drum_in_pattern_rate" else {}
        return float(getattr(muspy, name)(music, **meter))
    return float(getattr(muspy, name)(music))


OF_VOICES = [metric.name for metric in metrics("piece") if metric.group == "voice leading"]
MUSPYS = [metric.name for metric in metrics("piece") if metric.source == "muspy"]


def check_against_muspy(piece: Piece) -> None:
    values = measure(piece)
    for name in set(MUSPYS) & set(values):
        assert values[name] == pytest.approx(by_muspy(name, piece), abs=1e-9), (piece.name, name)


def test_muspys_metrics_equal_muspys_on_every_chorale(chorales: list[Piece]) -> None:
    assert len(MUSPYS) == 14
    for piece in chorales:
        check_against_muspy(piece)


def test_muspys_metrics_equal_muspys_on_pop_songs(published: Callable[[str], Any]) -> None:
    paths = sorted(published("pop909").glob("*.mid"))
    for path in paths[::20]:
        check_against_muspy(read_midi(path))


def test_polyphony_is_muspys_in_the_resolution_of_the_file(chorales: list[Piece]) -> None:
    import muspy

    for piece in chorales[::80]:
        assert mean_polyphony(pitched_notes(piece)) == muspy.polyphony(to_muspy(piece))


@settings(deadline=None)  # importing muspy, or a machine that others use, takes its time
@given(pieces())
def test_muspys_metrics_equal_muspys_on_any_piece(piece: Piece) -> None:
    check_against_muspy(piece)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 127)), min_size=1, max_size=30))
def test_muspys_metrics_of_drums_equal_muspys(hits: list[tuple[int, int]]) -> None:
    onsets, pitches = zip(*hits, strict=True)
    notes = array(NOTE, onset=onsets, duration=3, pitch=pitches, velocity=80, drum=True)
    drums = Piece("x", 12, notes)
    assert {"drum_in_pattern_rate", "drum_pattern_consistency"} <= set(measure(drums))
    check_against_muspy(drums)


@settings(deadline=None)
@given(pieces(), st.integers(-12, 12))
def test_a_transposed_piece_measures_the_same(piece: Piece, semitones: int) -> None:
    before, after = measure(piece), measure(piece.transposed(semitones))
    for values in (before, after):  # of two keys that fit equally well, either may be found
        values.pop("pitch_in_scale_rate", None)
    assert after == pytest.approx(before)


@settings(deadline=None)
@given(pieces(), st.sampled_from((8, 24, 480)))
def test_the_resolution_changes_nothing(piece: Piece, resolution: int) -> None:
    assert measure(piece.at_resolution(resolution)) == pytest.approx(measure(piece))


@settings(deadline=None)
@given(pieces())
def test_a_silent_bar_before_the_piece_changes_only_what_counts_silence(piece: Piece) -> None:
    notes = piece.notes.copy()
    notes["onset"] += BAR
    before, after = measure(piece), measure(Piece("x", 4, notes))
    for name in OF_SILENCE:
        before.pop(name, None)
        after.pop(name, None)
    assert after == pytest.approx(before)


@settings(deadline=None)
@given(pieces())
def test_the_order_of_tracks_changes_nothing(piece: Piece) -> None:
    voices = PieceViews(piece).voices
    if voices is not None and len({line[line >= 0].mean() for line in voices.pitch}) < len(
        voices.pitch
    ):
        return  # two tracks of one height have no order
    notes = piece.notes.copy()
    notes["track"] = notes["track"].max() - notes["track"]
    assert measure(Piece("x", 4, notes)) == pytest.approx(measure(piece))


def test_parallels_are_counted_between_any_two_voices() -> None:
    fifths = measure(chorale([67, 69, 69, 71], [60, 62, 62, 64]))
    assert fifths["parallel_fifths"] == 2 / 4 * 100  # the chord that is struck again is none
    assert fifths["parallel_octaves"] == 0
    octaves = measure(chorale([67, 69, 62, 60, 64], [64, 65, 57, 55, 55], [55, 57, 53, 52, 50]))
    assert octaves["parallel_octaves"] == 1 / 5 * 100
    contrary = measure(chorale([67, 69, 65, 65], [60, 50, 58, 57]))
    assert contrary["parallel_fifths"] == 0


def test_a_fifth_reached_by_a_leap_in_one_direction_is_hidden() -> None:
    assert measure(chorale([60, 67], [52, 60]))["hidden_fifths_and_octaves"] == 50
    assert measure(chorale([65, 67], [57, 60]))["hidden_fifths_and_octaves"] == 0  # by a step
    assert measure(chorale([60, 67], [62, 60]))["hidden_fifths_and_octaves"] == 0  # contrary


def test_voices_that_cross_clash_and_part_are_seen() -> None:
    values = measure(chorale([72, 60, 79, 72], [64, 62, 65, 71], [50, 50, 50, 50]))
    assert values["voice_crossing"] == 1 / 4
    assert values["semitone_clashes"] == 1 / 4
    assert values["wide_spacing"] == 1 / 4


def test_leaps_are_counted_voice_by_voice() -> None:
    values = measure(chorale([60, 66, 65, None, 76], [48, 36, 43, 42, 42]))
    assert values["upper_voice_leaps"] == 1 / 2  # what comes after a rest is no step
    assert values["bass_leaps"] == 1 / 4


def test_a_doubled_voice_is_no_parallel() -> None:
    melody, bass = [67, 69, 71, 72], [48, 53, 50, 48]
    alone = measure(chorale(melody, bass))
    doubled = measure(chorale([pitch + 12 for pitch in melody], melody, bass))
    assert (alone["doubled_tracks"], doubled["doubled_tracks"]) == (0, pytest.approx(1 / 3))
    assert doubled["parallel_octaves"] == alone["parallel_octaves"] == 0


def test_what_is_not_of_voices_has_no_voice_leading() -> None:
    of_voices = set(OF_VOICES)
    chords = array(NOTE, onset=0, duration=4, pitch=[60, 64, 67], velocity=80, track=[0, 0, 1])
    assert not of_voices & set(measure(Piece("x", 4, chords)))
    assert not of_voices & set(measure(chorale([60, 62])))
    assert not of_voices & set(measure(chorale(*[[60 + n] for n in range(9)])))


def in_four_voices(chorales: list[Piece]) -> list[Piece]:
    """Return those of four tracks in which no notes overlap, that is nearly all."""
    return [p for p in chorales if len(p.track_names) == 4 and PieceViews(p).tracks is not None]


def grid_pairs(piece: Piece) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the pitches of any two tracks, step by step, written note by note."""
    grid = piece.at_resolution(4)
    lines = []
    for track in range(len(piece.track_names)):
        line = [SILENT] * grid.end
        for note in grid.track(track):
            for step in range(note["onset"], note["onset"] + note["duration"]):
                line[step] = int(note["pitch"])
        lines.append(line)
    yield from combinations(lines, 2)


def test_parallels_of_chorales_are_those_that_a_loop_finds(chorales: list[Piece]) -> None:
    for piece in in_four_voices(chorales)[::15]:
        found = {7: 0, 0: 0}
        for a, b in grid_pairs(piece):
            for t in range(1, len(a)):
                if (
                    min(a[t - 1], a[t], b[t - 1], b[t]) < 0
                    or (a[t] - a[t - 1]) * (b[t] - b[t - 1]) <= 0
                ):
                    continue
                intervals = {abs(a[t - 1] - b[t - 1]) % 12, abs(a[t] - b[t]) % 12}
                for interval in found:
                    found[interval] += intervals == {interval}
        values, views = measure(piece), PieceViews(piece)
        assert views.voices is not None
        quarters = views.voices.together.sum() / 4
        assert values["parallel_fifths"] == pytest.approx(100 * found[7] / quarters)
        assert values["parallel_octaves"] == pytest.approx(100 * found[0] / quarters)


def test_bach_keeps_the_rules(chorales: list[Piece]) -> None:
    measured = [measure(piece) for piece in in_four_voices(chorales)]
    assert len(measured) > 340
    names = [*OF_VOICES, "end_on_triad", "final_cadence"]
    means = {name: np.mean([values[name] for values in measured]) for name in names}
    assert means["parallel_fifths"] < 1
    assert means["parallel_octaves"] < 1
    assert means["voice_crossing"] < 0.05
    assert means["doubled_tracks"] == 0
    assert means["end_on_triad"] > 0.95
    assert means["final_cadence"] > 0.8


def test_chords_are_counted_at_quarter_notes_above_their_bass() -> None:
    values = measure(chorale([67, 69, 67, 71], [64, 65, 64, 67], [60, 62, 60, 62]))
    # C E G, D F A, C E G, D G B: major, minor and a fourth and a sixth
    assert values["chord_vocabulary"] == 3
    assert values["chord_entropy"] == pytest.approx(1.5)
    assert values["dissonance_rate"] == 0
    assert values["root_position_triad_rate"] == 3 / 4


@pytest.mark.parametrize("other", [61, 62, 66, 70, 71])
def test_seconds_sevenths_and_tritones_are_dissonant(other: int) -> None:
    assert measure(chorale([other, 67], [60, 60]))["dissonance_rate"] == 1 / 2
    assert measure(chorale([72, 67], [other, 60]))["dissonance_rate"] == 1 / 2


def test_an_authentic_cadence_is_a_dominant_and_its_tonic() -> None:
    authentic = measure(chorale([74, 72], [71, 67], [62, 64], [55, 48]))
    assert (authentic["end_on_triad"], authentic["final_cadence"]) == (1, 1)
    plagal = measure(chorale([72, 72], [69, 67], [60, 64], [53, 48]))
    assert (plagal["end_on_triad"], plagal["final_cadence"]) == (1, 0)
    first_inversion = measure(chorale([74, 72], [71, 67], [62, 60], [55, 52]))
    assert (first_inversion["end_on_triad"], first_inversion["final_cadence"]) == (0, 0)
    minor_dominant = measure(chorale([74, 72], [70, 67], [62, 64], [55, 48]))
    assert minor_dominant["final_cadence"] == 0


def test_a_chord_that_stands_still_ends_a_phrase() -> None:
    held = array(
        NOTE,
        onset=[0, 0, 0, 8, 8, 12, 12],
        duration=[8, 8, 8, 4, 4, 4, 4],
        pitch=[60, 65, 69, 60, 62, 60, 64],
        velocity=80,
    )
    assert measure(Piece("x", 4, held))["phrase_end_triads"] == 1 / 2


def test_a_bar_that_comes_back_is_alike_at_its_distance() -> None:
    first, second = [60, 64, 67, 72], [62, 65, 69, 74]
    values = measure(chorale(first + second + first + second, [48] * 16))
    assert values["bar_similarity_2"] == 1
    assert values["bar_similarity_1"] == pytest.approx(4 / 12)  # four notes of the bass of twelve
    assert values["repetition_distance"] == 2
    assert values["bar_self_similarity"] == pytest.approx((2 * 1 + 4 * 4 / 12) / 6)
    assert "bar_similarity_4" not in values


def test_a_piece_of_very_many_bars_is_not_compared_bar_by_bar() -> None:
    values = measure(chorale([60] * 2001, steps=BAR))
    assert values["bar_similarity_1"] == 1
    assert "bar_self_similarity" not in values
    assert measure(chorale([60] * 2000, steps=BAR))["bar_self_similarity"] == 1


@settings(deadline=None)
@given(pieces())
def test_similarities_are_those_of_sets(piece: Piece) -> None:
    bars: dict[int, set[tuple[int, int, int]]] = {}
    for note in piece.notes:
        bar, place = divmod(int(note["onset"]), BAR)
        bars.setdefault(bar, set()).add((int(note["pitch"]), int(note["duration"]), place))
    values = measure(piece)
    shares = {(i, j): len(bars[i] & bars[j]) / len(bars[i] | bars[j]) for i in bars for j in bars}
    for distance in (1, 2, 4, 8):
        at = [share for (i, j), share in shares.items() if j - i == distance]
        name = f"bar_similarity_{distance}"
        assert values.get(name) == (pytest.approx(np.mean(at)) if at else None)
    others = [share for (i, j), share in shares.items() if i != j]
    expected = pytest.approx(np.mean(others)) if others else None
    assert values.get("bar_self_similarity") == expected


def test_metrics_that_stand_beside_muspys_say_what_they_are() -> None:
    for name in ("empty_beat_rate", "empty_measure_rate", "groove_consistency"):
        metric = find_metric("piece", name)
        assert metric is not None
        assert metric.source == "muspy"
        assert "to compare with figures of muspy" in metric.description
