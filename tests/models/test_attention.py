"""How a transformer knows distances, and how far back it looks."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from defaults import build, node_of
from ostinato.config import Config, compose
from ostinato.errors import ConfigError
from ostinato.models.attention import (
    Attention,
    DistanceBias,
    Positions,
    RelativeLogits,
    rotate,
)

CONF = Path(__file__).parents[2] / "conf"
shapes = given(time=st.integers(1, 9), before=st.integers(0, 9), farthest=st.integers(1, 12))


@shapes
@settings(deadline=None, max_examples=40)
def test_relative_logits_compare_queries_with_distances(
    time: int, before: int, farthest: int
) -> None:
    torch.manual_seed(0)
    relative, queries = RelativeLogits(2, 4, farthest), torch.randn(3, 2, time, 4)
    said = relative(queries, before + time)
    for i in range(time):
        for j in range(before + i + 1):
            vector = relative.vectors[:, min(before + i - j, farthest)]
            expected = (queries[:, :, i] * vector).sum(-1) / 4**0.5
            torch.testing.assert_close(said[:, :, i, j], expected)


@shapes
@settings(deadline=None, max_examples=40)
def test_a_bias_goes_by_distance(time: int, before: int, farthest: int) -> None:
    bias = DistanceBias(2, farthest)
    torch.nn.init.normal_(bias.bias)
    said = bias(torch.randn(3, 2, time, 4), before + time)
    for i in range(time):
        for j in range(before + i + 1):
            assert torch.equal(said[:, i, j], bias.bias[:, min(before + i - j, farthest)])


@given(first=st.integers(0, 5000), apart=st.integers(0, 300), later=st.integers(0, 5000))
@settings(deadline=None, max_examples=40)
def test_rotation_knows_distances_alone(first: int, apart: int, later: int) -> None:
    query, key = torch.randn(2, 1, 8, generator=torch.Generator().manual_seed(0))

    def product(time: int) -> Tensor:
        return (rotate(query, time + apart) * rotate(key, time)).sum()

    torch.testing.assert_close(product(first), product(first + later), atol=1e-2, rtol=0)
    torch.testing.assert_close(rotate(query, first).norm(), query.norm())


@pytest.mark.parametrize("positions", ["relative", "bias", "rotary", "none"])
@pytest.mark.parametrize("memory", [None, 4])
def test_attention_is_the_weighted_mean_of_the_values(
    positions: Positions, memory: int | None
) -> None:
    torch.manual_seed(0)
    attention, x = Attention(12, 3, positions, 5, memory), torch.randn(2, 9, 12)
    queries, keys, values = attention.projection(x).reshape(2, 9, 3, 3, 4).permute(2, 0, 3, 1, 4)
    if positions == "rotary":
        queries, keys = rotate(queries, 0), rotate(keys, 0)
    logits = queries @ keys.mT / 2
    if attention.distances is not None:
        logits = logits + attention.distances(queries, 9)
    distance = torch.arange(9)[:, None] - torch.arange(9)
    unseen = (distance < 0) | (distance > (9 if memory is None else memory))
    weights = logits.masked_fill(unseen, -torch.inf).softmax(-1)
    expected = attention.output((weights @ values).transpose(1, 2).reshape(2, 9, 12))
    torch.testing.assert_close(attention(x, None, 0)[0], expected, atol=1e-5, rtol=0)


def last_of(positions: Positions, x: Tensor) -> Tensor:
    torch.manual_seed(0)
    transformer = build(
        "model=transformer.backbone",
        hidden_size=16,
        layers=1,
        heads=2,
        feed_forward=16,
        positions=positions,
        input_size=4,
    ).eval()
    for name, parameter in transformer.named_parameters():
        if name.endswith("distances.bias"):
            torch.nn.init.normal_(parameter)
    with torch.no_grad():
        return transformer(x)[0][:, -1]


@pytest.mark.parametrize("positions", ["relative", "bias", "rotary"])
def test_the_order_of_the_past_matters(positions: Positions) -> None:
    x = torch.randn(1, 8, 4)
    assert not torch.allclose(
        last_of(positions, x), last_of(positions, x[:, [3, 1, 0, 2, 6, 5, 4, 7]]), atol=1e-4
    )


def test_without_positions_one_layer_hears_the_past_as_a_set() -> None:
    x = torch.randn(1, 8, 4)
    torch.testing.assert_close(
        last_of("none", x), last_of("none", x[:, [3, 1, 0, 2, 6, 5, 4, 7]]), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("positions", ["relative", "bias", "rotary", "none"])
def test_a_layer_looks_no_further_back_than_its_memory(positions: Positions) -> None:
    torch.manual_seed(0)
    transformer = build(
        "model=transformer.backbone",
        hidden_size=16,
        layers=1,
        heads=2,
        feed_forward=16,
        positions=positions,
        memory=3,
        input_size=4,
    ).eval()
    x = torch.randn(1, 12, 4)
    changed = x.clone()
    changed[:, 2] += 1.0
    with torch.no_grad():
        before, after = transformer(x)[0], transformer(changed)[0]
    differs = (before - after).abs().amax(dim=(0, 2)) > 1e-6
    assert differs.nonzero().flatten().tolist() == [2, 3, 4, 5]


def test_memory_bounds_what_is_kept_however_long_the_music_is() -> None:
    transformer = build(
        "model=transformer.backbone",
        hidden_size=16,
        layers=2,
        heads=2,
        feed_forward=16,
        memory=10,
        input_size=4,
    ).eval()
    state = None
    with torch.no_grad():
        for length in (3, 40, 1, 1, 300):
            _, state = transformer(torch.randn(2, length, 4), state)
    assert state is not None
    assert state.steps == 345
    assert all(
        t.shape == (2, 2, 10, 8) for cache in state.caches for t in (cache.keys, cache.values)
    )


@pytest.mark.parametrize("positions", ["relative", "bias", "rotary", "none"])
@pytest.mark.parametrize("memory", [None, 70])
def test_steps_that_share_memory_give_what_the_whole_pass_gives(
    positions: Positions, memory: int | None
) -> None:
    transformer = small_transformer(positions=positions, memory=memory, max_distance=90)
    x = torch.randn(3, 300, 4)
    state, found = None, []
    with torch.no_grad():
        for part in (x[:, :1], x[:, 1:140], *x[:, 140:].split(1, dim=1)):
            y, state = transformer(part, state)
            found.append(y)
        torch.testing.assert_close(torch.cat(found, dim=1), transformer(x)[0], atol=1e-5, rtol=0)


def test_two_that_go_on_from_one_state_do_not_meet() -> None:
    transformer = small_transformer()
    start, one, other = torch.randn(3, 2, 5, 4)
    with torch.no_grad():
        _, state = transformer(start[:, :1])
        for i in range(1, 5):  # so that the state has memory with room in it
            _, state = transformer(start[:, i : i + 1], state)
        kept = [cache.keys.clone() for cache in state.caches]
        ones, others, of_one, of_other = [], [], state, state
        for i in range(5):
            y, of_one = transformer(one[:, i : i + 1], of_one)
            ones.append(y)
            y, of_other = transformer(other[:, i : i + 1], of_other)
            others.append(y)
        swapped = transformer.select(state, torch.tensor([1, 1]))
        y, _ = transformer(one[:, :1].flip(0), swapped)
        for made, after in ((ones, one), (others, other)):
            whole = transformer(torch.cat([start, after], dim=1))[0][:, 5:]
            torch.testing.assert_close(torch.cat(made, dim=1), whole, atol=1e-5, rtol=0)
        torch.testing.assert_close(y[0], ones[0][1], atol=1e-5, rtol=0)
    assert all(torch.equal(a.keys, b) for a, b in zip(state.caches, kept, strict=True))


def test_a_step_copies_nothing_of_those_before() -> None:
    transformer = small_transformer()
    with torch.no_grad():
        _, state = transformer(torch.randn(2, 100, 4))
        _, state = transformer(torch.randn(2, 1, 4), state)
        first = state.caches[0].keys.data_ptr()
        for _ in range(99):
            _, state = transformer(torch.randn(2, 1, 4), state)
    assert state.caches[0].keys.data_ptr() == first
    assert state.caches[0].keys.shape[-2] == 200


def small_transformer(**changed: Any) -> Any:
    shape = {"hidden_size": 16, "layers": 2, "heads": 2, "feed_forward": 16, "input_size": 4}
    torch.manual_seed(0)
    made = build("model=transformer.backbone", **{**shape, **changed}).eval()
    for name, parameter in made.named_parameters():
        if name.endswith("distances.bias"):  # which begins at 0
            torch.nn.init.normal_(parameter)
    return made


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["heads=3"], "model.backbone.heads=3 does not fit: it should divide hidden_size=128."),
        (
            ["hidden_size=12", "positions=rotary"],
            'model.backbone.positions="rotary" does not fit: rotary turns pairs of units, so '
            "hidden_size=12 should be an even multiple of heads=4.",
        ),
        (["layers=0"], "model.backbone.layers=0 does not fit: it should be greater than or"),
    ],
)
def test_what_cannot_be_shared_is_refused_when_composed(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        compose(["model=transformer", *(f"model.backbone.{o}" for o in overrides)], CONF)
    assert str(refused.value).startswith(said)


def test_heads_that_do_not_share_the_units_are_refused_by_the_class() -> None:
    with pytest.raises(ValueError, match="heads=4 should divide hidden_size=6"):
        build("model=transformer.backbone", hidden_size=6, heads=4, input_size=4)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hidden_size": 6}, "b.heads=4 does not fit: it should divide hidden_size=6."),
        (
            {"hidden_size": 9, "heads": 3, "positions": "rotary"},
            'b.positions="rotary" does not fit: rotary turns pairs of units, so hidden_size=9 '
            "should be an even multiple of heads=3.",
        ),
    ],
)
def test_what_cannot_be_shared_is_refused_when_built(values: dict[str, object], said: str) -> None:
    node = node_of("model=transformer.backbone", **values)
    del node["_partial_"]
    with pytest.raises(ConfigError) as refused:
        Config({"b": node}).build("b", input_size=4)
    assert str(refused.value) == said
