"""The interleaved backbone has the properties of every backbone."""

import functools

import pytest
from test_backbones import (  # noqa: F401
    Maker,
    test_a_seed_decides_every_weight_and_every_step_of_training,
    test_a_state_can_be_continued_in_two_ways,
    test_dropout_is_for_training,
    test_every_weight_learns_from_the_last_step,
    test_long_music_is_scored_a_thousand_steps_at_a_time,
    test_the_present_and_the_step_before_are_heard,
    test_without_dropout_training_hears_what_generating_hears,
)

from chorales.interleaved import Interleaved
from ostinato.models.recurrent import GRU
from ostinato.models.transformer import Transformer

outer_gru = functools.partial(GRU, 8, 1)
outer_transformer = functools.partial(Transformer, 8, 1, 2, 16, "relative", 5, dropout=0.0)
MAKERS: dict[str, Maker] = {
    "interleaved": functools.partial(Interleaved, outer_gru, 3, 7, 1),
    "interleaved transformer": functools.partial(Interleaved, outer_transformer, 4, 7, 1),
}


@pytest.fixture(params=MAKERS.values(), ids=MAKERS)
def maker(request: pytest.FixtureRequest) -> Maker:
    made_by: Maker = request.param
    return made_by
