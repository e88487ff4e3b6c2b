"""Voices with a history have the properties of every representation as tokens."""

import pytest
from chorales.voices import HistoryVoices
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

REPRESENTATIONS = {
    "with neither": build(
        "experiment=likelihood/jsb16_best.representation", history=(), repeats=(), position_bars=1
    ),
    "with a history": build(
        "experiment=likelihood/jsb16_best.representation",
        history=(4, 16.5),
        repeats=(),
        position_bars=1,
    ),
    "with repeats": build(
        "experiment=likelihood/jsb16_best.representation",
        repeats=(1, 2, 5),
        history=(),
        position_bars=1,
    ),
    "with both": build(
        "experiment=likelihood/jsb16_best.representation",
        repeats=(1, 2, 5),
        history=(8,),
        position_bars=1,
    ),
    "of polyphonic tracks": build(
        "experiment=likelihood/jsb16_best.representation",
        voices=6,
        by_track=(1, 2, 1, 2),
        history=(8,),
        repeats=(),
        position_bars=1,
    ),
}


@pytest.fixture(params=REPRESENTATIONS)
def representation(request: pytest.FixtureRequest) -> HistoryVoices:
    return REPRESENTATIONS[request.param]


@pytest.fixture
def ending(representation: HistoryVoices) -> HistoryVoices:
    return representation


def test_transposed_positions_are_those_of_transposed_tokens(representation: HistoryVoices) -> None:
    check_transposed_positions(representation)


def test_without_history_and_repeats_positions_are_those_of_voices() -> None:
    assert (
        build(
            "experiment=likelihood/jsb16_best.representation",
            history=(),
            repeats=(),
            position_bars=1,
        ).position_features
        == build("representation=voices").position_features
    )
