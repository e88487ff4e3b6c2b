"""The interleaved backbone has the properties of every backbone."""

import functools

import pytest
from test_backbones import (  # noqa: F401
    Maker,
    maker_of,
    test_a_seed_decides_every_weight_and_every_step_of_training,
    test_a_state_can_be_continued_in_two_ways,
    test_dropout_is_for_training,
    test_every_weight_learns_from_the_last_step,
    test_long_music_is_scored_a_thousand_steps_at_a_time,
    test_the_present_and_the_step_before_are_heard,
    test_without_dropout_training_hears_what_generating_hears,
)

from defaults import build

outer_gru = maker_of("gru", hidden_size=8, layers=1, dropout=0.0)
outer_transformer = maker_of(
    "transformer",
    **{"hidden_size": 8, "layers": 1, "heads": 2, "feed_forward": 16},
    max_distance=5,
    dropout=0.0,
)
interleaved = functools.partial(
    build,
    "experiment=likelihood/jsb16_best.model.backbone",
    **{"hidden_size": 7, "layers": 1, "context": "all"},
    dropout=0.0,
    outer_dropout=0.0,
)
MAKERS: dict[str, Maker] = {
    "interleaved": functools.partial(interleaved, outer=outer_gru, period=3),
    "interleaved transformer": functools.partial(interleaved, outer=outer_transformer, period=4),
}


@pytest.fixture(params=MAKERS.values(), ids=MAKERS)
def maker(request: pytest.FixtureRequest) -> Maker:
    made_by: Maker = request.param
    return made_by
