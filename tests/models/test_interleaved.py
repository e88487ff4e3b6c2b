"""The interleaved backbone has the properties of every backbone."""

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_backbones import (  # noqa: F401
    Maker,
    in_parts,
    made,
    maker_of,
    noise,
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
    "model=gru.voices.backbone",
    **{"hidden_size": 7, "layers": 1, "context": "all"},
    dropout=0.0,
    outer_dropout=0.0,
)
MAKERS: dict[str, Maker] = {
    "interleaved": functools.partial(interleaved, outer=outer_gru, period=3),
    "interleaved transformer": functools.partial(interleaved, outer=outer_transformer, period=4),
    "of one voice": functools.partial(interleaved, outer=outer_gru, period=1),
}


@pytest.fixture(params=MAKERS.values(), ids=MAKERS)
def maker(request: pytest.FixtureRequest) -> Maker:
    made_by: Maker = request.param
    return made_by


any_groups = given(
    outer=st.sampled_from([outer_gru, outer_transformer]),
    context=st.sampled_from(["all", "last"]),
    period=st.integers(1, 5),
    time=st.integers(1, 30),
    seed=st.integers(0, 999),
)


@any_groups
@settings(deadline=None, max_examples=40)
def test_parts_of_any_length_equal_the_full_pass(
    outer: Maker, context: str, period: int, time: int, seed: int
) -> None:
    backbone = made(functools.partial(interleaved, outer=outer, period=period, context=context))
    x = noise(2, time, seed)
    lengths = torch.randint(1, 9, (time,), generator=torch.Generator().manual_seed(seed)).tolist()
    with torch.no_grad():
        whole, _ = backbone(x)
    torch.testing.assert_close(in_parts(backbone, x, lengths)[0], whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(in_parts(backbone, x, [1] * time)[0], whole, atol=1e-5, rtol=0)


@any_groups
@settings(deadline=None, max_examples=40)
def test_what_comes_later_is_not_heard(
    outer: Maker, context: str, period: int, time: int, seed: int
) -> None:
    backbone = made(functools.partial(interleaved, outer=outer, period=period, context=context))
    x, now = noise(2, time, seed), seed % time
    otherwise = torch.cat([x[:, :now], noise(2, time - now, seed + 1)], dim=1)
    with torch.no_grad():
        torch.testing.assert_close(
            backbone(x)[0][:, :now], backbone(otherwise)[0][:, :now], atol=1e-6, rtol=0
        )


def test_of_earlier_groups_the_last_token_alone_is_heard_where_the_context_is_last() -> None:
    """The first of a group is the input of its first prediction: the last of the group before."""
    heard = {}
    for context in ("all", "last"):
        backbone = made(functools.partial(interleaved, outer=outer_gru, period=3, context=context))
        x = noise(1, 11).requires_grad_()
        backbone(x)[0][:, -1].sum().backward()
        assert x.grad is not None
        heard[context] = x.grad.abs().sum(-1)[0].nonzero()[:, 0].tolist()
    # of the last group, 9 and 10, both are heard
    assert heard == {"all": list(range(11)), "last": [0, 3, 6, 9, 10]}
