"""A copy is found in any key, and the tables of MuseGAN are what one counts by hand."""

import numpy as np
import pytest

from ostinato.evaluation.memorisation import nearest_distances
from ostinato.evaluation.musegan import TABLE, musegan_table
from ostinato.evaluation.segments import (
    FEATURES,
    count_differences,
    features,
    set_statistics,
    unisons,
)
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll
from voice_rolls import voice_roll

C, D, E, G = 60, 62, 64, 67
R = REST


@pytest.mark.parametrize("semitones", [-6, 0, 5])
def test_a_copy_in_any_key_is_no_way_off(semitones: int) -> None:
    known = np.random.default_rng(1).integers(50, 70, (40, 2, 8))
    known[:, 1, 3] = R
    moved = np.where(known == R, R, known + semitones)
    assert nearest_distances(
        voice_roll(*moved[7:9].tolist()), voice_roll(*known.tolist())
    ).tolist() == [0, 0]


def test_what_differs_is_counted_step_by_step_and_silence_stays_silence() -> None:
    known = voice_roll([[C, C, D, R]], [[C, D, E, G]])
    ours = voice_roll([[C, C, E, R]], [[D, D, E, R]], [[R, R, R, R]])
    assert nearest_distances(ours, known).tolist() == [1 / 4, 0, 3 / 4]


def test_a_pitch_that_leaves_midi_in_another_key_is_no_silence() -> None:
    known, highest = voice_roll([[R, R, R, C]]), voice_roll([[122, 122, 122, 125]])
    assert nearest_distances(highest, known).tolist() == [1.0]
    lowest = voice_roll([[5, 5, 5, 2]])
    assert nearest_distances(lowest, known).tolist() == [1.0]


def each_alone(voices: int) -> list[slice]:
    return [slice(voice, voice + 1) for voice in range(voices)]


def roll(*segments: dict[int, list[int]], pitches: int = 8) -> VoiceRoll:
    """Piano-rolls of four steps from pitch 60 on, by what steps each pitch sounds in."""
    pitch = np.full((len(segments), pitches, 4), R)
    for row, segment in enumerate(segments):
        for number, steps in segment.items():
            pitch[row, number - 60, steps] = number
    return VoiceRoll(pitch, pitch != R, 2, 4, one_voice_per_pitch=True)


def test_of_piano_rolls_what_sounds_in_both_is_set_against_what_sounds_in_one() -> None:
    known = roll({60: [0, 1], 64: [0, 1, 2, 3]}, {67: [0]})
    moved = roll({62: [0, 1], 66: [0, 1, 2, 3]})
    assert nearest_distances(moved, known).tolist() == [0.0]
    other = roll({60: [0, 1], 65: [0, 1, 2, 3]}, {60: [0], 64: [0, 1, 2]})
    assert nearest_distances(other, known) == pytest.approx([1 - 4 / 8, 1 - 4 / 6])
    assert count_differences(known.pitch[0], other.pitch, is_pianoroll=True) == pytest.approx(
        [8 / 10, 2 / 6]
    )
    assert nearest_distances(roll({}), known).tolist() == [1.0]


def test_what_is_only_of_voices_is_not_measured_of_piano_rolls() -> None:
    some = roll({60: [0, 1], 64: [0, 1, 2, 3]}, {67: [0]})
    assert set(FEATURES) - set(features(some)) == {"jump", "tonal_distance"}
    assert set(set_statistics(some)) == {"diversity", "qualified_notes"}
    assert set_statistics(some)["diversity"] == 1.0, "no place sounds in both"


def test_the_table_of_musegan_by_hand() -> None:
    made = voice_roll(
        [[C, D, C, D, R, R, R, R], [C, C, E, E, G, G, G, G], [R, R, G, G, G, G, C, C]]
    )
    table = musegan_table(made, each_alone(3))
    assert list(table) == list(TABLE)
    assert table["empty_bars"] == [1 / 2, 0, 0]
    assert table["pitch_classes"] == [2 / 2, 3 / 2, 3 / 2]
    assert table["qualified_notes"] == [1, 1, 1]  # a step is an eighth
    assert table["polyphonicity"] == 2 / 8
    assert table["tonal_distance"]["1-2"] > 0
    assert list(table["tonal_distance"]) == ["1-2", "1-3", "2-3"]
    assert musegan_table(voice_roll([[C, C], [R, R]], bar=2), each_alone(2))["tonal_distance"] == {
        "1-2": None
    }
    shorter = musegan_table(voice_roll([[C, D, D, D]], beat=4), each_alone(1))
    assert shorter["qualified_notes"] == [1 / 2]
    assert shorter["tonal_distance"] == {}


def test_the_table_of_musegan_takes_the_voices_of_a_track_together() -> None:
    made = voice_roll(
        [[C, D, C, D, R, R, R, R], [C, C, E, E, R, R, R, R], [R, R, G, G, G, G, C, C]]
    )
    table = musegan_table(made, [slice(0, 2), slice(2, 3)])
    assert table["empty_bars"] == [1 / 2, 0]
    assert table["pitch_classes"] == [3 / 2, 3 / 2]
    assert list(table["tonal_distance"]) == ["1-2"]
    same = voice_roll([[C, C, R, R], [G, G, R, R], [C, C, C, C], [G, G, G, G]])
    assert musegan_table(same, [slice(0, 2), slice(2, 4)])["tonal_distance"] == {"1-2": 0}


def test_two_voices_on_one_pitch_are_a_unison_and_two_silent_ones_are_none() -> None:
    assert unisons(voice_roll([[C, D, R, R], [C, E, R, C], [C, D, G, R]])) == 2 / 4
