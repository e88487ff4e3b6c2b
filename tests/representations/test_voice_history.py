"""What voices say of the piece so far, and what every representation as tokens has."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_every import (  # noqa: F401
    check_transposed_positions,
    test_a_piece_has_a_note_at_least,
    test_a_piece_without_notes_is_refused,
    test_decoded_pieces_write_as_midi,
    test_decoding_stops_at_the_first_end,
    test_every_token_has_its_own_description,
    test_grammar_and_tokens_agree_on_positions,
    test_nothing_decodes_to_silence,
    test_the_first_token_stands_at_the_beginning,
    test_tokens_begin_as_many_notes_as_they_say,
    test_transposed_tokens_are_the_tokens_of_the_transposed_piece,
)

from defaults import build
from ostinato.config import compose
from ostinato.errors import ConfigError
from ostinato.representations.voice_history import VoiceHistory
from ostinato.representations.voices import Voices

NOTHING = {"phrases": 0, "half_lives": (), "repeats": ()}


def history_of(**parts: Any) -> VoiceHistory:
    """A history with these parts alone."""
    made: VoiceHistory = build("representation=voices.history", **{**NOTHING, **parts})
    return made


def voices_of(history: VoiceHistory | None, **changed: Any) -> Voices:
    """Voices whose positions count through one bar, so that phrases are short."""
    values = {"position_bars": 1, **changed}
    made: Voices = build("representation=voices", history=history, **values)
    return made


REPRESENTATIONS = {
    "without a history": voices_of(None),
    "with what sounded before": voices_of(history_of()),
    "with phrases": voices_of(history_of(phrases=3)),
    "with pitch classes": voices_of(history_of(half_lives=(4, 16.5))),
    "with repeats": voices_of(history_of(repeats=(1, 2, 5))),
    "with all": voices_of(history_of(phrases=2, half_lives=(8,), repeats=(1, 2, 5))),
    "with all, without end": voices_of(
        history_of(phrases=2, half_lives=(8,), repeats=(1, 2, 5)), end_token=False
    ),
    "one voice": voices_of(history_of(phrases=2, half_lives=(8,), repeats=(1, 2)), voices=1),
    "of polyphonic tracks": voices_of(
        history_of(phrases=256, half_lives=(8,), repeats=(2,)), voices=6, by_track=(1, 2, 1, 2)
    ),
}
ENDING = [name for name, voices in REPRESENTATIONS.items() if voices.end_token]


@pytest.fixture(params=REPRESENTATIONS)
def representation(request: pytest.FixtureRequest) -> Voices:
    return REPRESENTATIONS[request.param]


@pytest.fixture(params=ENDING)
def ending(request: pytest.FixtureRequest) -> Voices:
    return REPRESENTATIONS[request.param]


def test_transposed_positions_are_those_of_transposed_tokens(representation: Voices) -> None:
    check_transposed_positions(representation)


def test_without_a_history_positions_are_a_voice_a_step_and_what_sounds() -> None:
    plain, with_history = REPRESENTATIONS["without a history"], REPRESENTATIONS["with all"]
    assert list(plain.position_features) == [
        *("voice_index", "step"),
        *(f"sounding.{voice}" for voice in range(4)),
    ]
    tokens = np.random.default_rng(5).integers(0, 131, 300)
    assert np.array_equal(plain.positions(tokens), with_history.positions(tokens)[:, :6])


def test_phrases_are_numbered_by_the_bars_that_positions_count() -> None:
    voices = voices_of(history_of(phrases=3), voices=2, bar_steps=4, position_bars=2)
    tokens = np.concatenate(([voices.end], np.full(2 * 40, 60), [voices.end], np.full(3, 60)))
    names = list(voices.position_features)
    phrase = voices.positions(tokens)[:, names.index("phrase")]
    in_a_phrase = 2 * 4 * 2
    expected = np.minimum(np.arange(2 * 40 + 1) // in_a_phrase, 2)
    assert phrase[:-4].tolist() == expected.tolist()
    assert phrase[-4:].tolist() == [0, 0, 0, 0]  # the next piece begins with its first phrase


@given(seed=st.integers(0, 999), voices=st.integers(1, 3), end=st.booleans())
@settings(deadline=None, max_examples=25)
def test_nothing_that_comes_later_is_known(seed: int, voices: int, end: bool) -> None:
    history = history_of(phrases=3, half_lives=(4,), repeats=(1, 3))
    representation = voices_of(history, voices=voices, end_token=end)
    random = np.random.default_rng(seed)
    tokens = random.choice([60, 62, 64, 128, 129, representation.size - 1], 60)
    cut = int(random.integers(1, 60))
    other = np.concatenate((tokens[:cut], random.permutation(tokens[cut:])))
    assert np.array_equal(
        representation.positions(tokens)[:cut], representation.positions(other)[:cut]
    )


def test_what_is_told_of_a_voice_begins_with_the_voice_whose_turn_it_is() -> None:
    voices = voices_of(history_of(repeats=(1,)), voices=2)
    rest, end = 128, voices.end
    # voice 0 goes 60 62 60, voice 1 rests, sings 67 and rests again
    tokens = np.array([end, 60, rest, 62, 67, 60, rest])
    last = dict(zip(voices.position_features, voices.positions(tokens)[-1].tolist(), strict=True))
    assert last["per_voice_match.0"] == 62  # what followed 60 in voice 0
    assert last["per_voice_match.1"] == 67  # what followed a rest in voice 1
    assert (last["joint_match.0"], last["joint_match.1"]) == (62, 67)
    assert last["joint_match_length"] == 1
    turn = voices.positions(np.append(tokens, 62))[-1].tolist()
    last = dict(zip(voices.position_features, turn, strict=True))
    assert last["voice_index"] == 1
    assert (last["per_voice_match.0"], last["per_voice_match.1"]) == (67, 62)
    assert (last["previous.0"], last["previous.1"]) == (128, 60)
    assert (last["sounding.0"], last["sounding.1"]) == (128, 62)


@pytest.mark.parametrize("lengths", ["[4,4]", "[8,4]"])
def test_lengths_rise(lengths: str) -> None:
    words = ["representation=voices", f"representation.history.repeats={lengths}"]
    with pytest.raises(ConfigError, match="each length should be more than the one before it"):
        compose(words).build("representation")
