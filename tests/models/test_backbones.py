"""Every backbone hears the past alone, and says the same in steps, in chunks and at once."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from defaults import build
from ostinato.models.backbone import Backbone
from small_networks import tensors_of

torch.set_num_threads(1)  # several wait for each other longer than these networks take

INPUT = 6
Maker = Callable[..., Backbone]


def maker_of(model: str, **values: Any) -> Maker:
    """What builds the backbone of a model of conf/ from its inputs."""
    return functools.partial(build, f"model={model}.backbone", **values)


SMALL = {"hidden_size": 8, "layers": 2}
RECURRENT = {**SMALL, "dropout": 0.0}
HEADS = {**SMALL, "heads": 2, "feed_forward": 16}
MAKERS: dict[str, Maker] = {
    "rnn": maker_of("rnn", **RECURRENT),
    "gru": maker_of("gru", **RECURRENT),
    "lstm": maker_of("lstm", **RECURRENT),
    "relative": maker_of("transformer", **HEADS, positions="relative", max_distance=5),
    "bias": maker_of("transformer", **HEADS, positions="bias", max_distance=5),
    "rotary": maker_of("transformer", **HEADS, positions="rotary"),
    "none": maker_of("transformer", **HEADS, positions="none"),
    "remembering little": maker_of(
        "transformer", **HEADS, positions="relative", max_distance=5, memory=7
    ),
    "wavenet": maker_of("wavenet", hidden_size=8, layers=3, stacks=2, kernel=2),
    "tcn": maker_of("tcn", hidden_size=8, layers=3, stacks=1, kernel=3),
}


@pytest.fixture(params=MAKERS.values(), ids=MAKERS)
def maker(request: pytest.FixtureRequest) -> Maker:
    made_by: Maker = request.param
    return made_by


def made(maker: Maker, seed: int = 0, **more: Any) -> Backbone:
    torch.manual_seed(seed)
    backbone = maker(input_size=INPUT, **more)
    for name, parameter in backbone.named_parameters():
        if name.endswith("distances.bias"):  # begins at zero, where no distance can be told
            torch.nn.init.normal_(parameter)
    return backbone.eval()


def noise(batch: int, time: int, seed: int = 0) -> Tensor:
    return torch.randn(batch, time, INPUT, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def in_parts(backbone: Backbone, x: Tensor, lengths: list[int]) -> tuple[Tensor, Any]:
    """Chunks of these lengths, and of what is left, with the state passed on."""
    parts, state, start = [], None, 0
    for length in [*lengths, x.shape[1]]:
        if start < x.shape[1]:
            y, state = backbone(x[:, start : start + length], state)
            parts.append(y)
        start += length
    return torch.cat(parts, dim=1), state


recurrent = st.builds(
    maker_of,
    st.sampled_from(["rnn", "gru", "lstm"]),
    hidden_size=st.integers(1, 16),
    layers=st.integers(1, 3),
    dropout=st.just(0.0),
)
transformers = st.integers(1, 3).flatmap(
    lambda heads: st.builds(
        maker_of,
        st.just("transformer"),
        hidden_size=st.integers(1, 4).map(lambda half: 2 * half * heads),
        layers=st.integers(1, 3),
        heads=st.just(heads),
        feed_forward=st.integers(1, 16),
        positions=st.sampled_from(["relative", "bias", "rotary", "none"]),
        max_distance=st.integers(1, 40),
        memory=st.none() | st.integers(1, 40),
    )
)
convolutional = st.builds(
    maker_of,
    st.sampled_from(["wavenet", "tcn"]),
    hidden_size=st.integers(1, 12),
    layers=st.integers(1, 4),
    stacks=st.integers(1, 2),
    kernel=st.integers(1, 4),
)
makers = recurrent | transformers | convolutional
any_backbone = given(
    maker=makers, batch=st.integers(1, 3), time=st.integers(1, 40), seed=st.integers(0, 999)
)


@any_backbone
@settings(deadline=None, max_examples=40)
def test_stepping_equals_the_full_pass(maker: Maker, batch: int, time: int, seed: int) -> None:
    backbone, x = made(maker, seed), noise(batch, time, seed)
    with torch.no_grad():
        whole, last = backbone(x)
    steps, state = in_parts(backbone, x, [1] * time)
    assert whole.shape == (batch, time, backbone.output_size)
    torch.testing.assert_close(steps, whole, atol=1e-4, rtol=0)
    torch.testing.assert_close(tensors_of(state), tensors_of(last), atol=1e-4, rtol=0)


@any_backbone
@settings(deadline=None, max_examples=40)
def test_chunks_of_any_length_equal_the_full_pass(
    maker: Maker, batch: int, time: int, seed: int
) -> None:
    backbone, x = made(maker, seed), noise(batch, time, seed)
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 12, (time,), generator=generator).tolist()
    with torch.no_grad():
        whole, last = backbone(x)
    chunks, state = in_parts(backbone, x, lengths)
    torch.testing.assert_close(chunks, whole, atol=1e-4, rtol=0)
    torch.testing.assert_close(tensors_of(state), tensors_of(last), atol=1e-4, rtol=0)


@any_backbone
@settings(deadline=None, max_examples=40)
def test_what_comes_later_is_not_heard(maker: Maker, batch: int, time: int, seed: int) -> None:
    backbone, x = made(maker, seed), noise(batch, time, seed)
    now = seed % time
    otherwise = torch.cat([x[:, :now], noise(batch, time - now, seed + 1)], dim=1)
    with torch.no_grad():
        assert torch.equal(backbone(x)[0][:, :now], backbone(otherwise)[0][:, :now])


@any_backbone
@settings(deadline=None, max_examples=40)
def test_pieces_side_by_side_do_not_hear_each_other(
    maker: Maker, batch: int, time: int, seed: int
) -> None:
    backbone, x = made(maker, seed), noise(batch + 1, time, seed)
    with torch.no_grad():
        together, alone = backbone(x)[0], backbone(x[batch:])[0]
    torch.testing.assert_close(together[batch:], alone, atol=1e-5, rtol=0)


def test_the_present_and_the_step_before_are_heard(maker: Maker) -> None:
    backbone, x = made(maker), noise(2, 12)
    changed = x.clone()
    changed[:, 6] += 1.0
    with torch.no_grad():
        before, after = backbone(x)[0], backbone(changed)[0]
    assert not torch.allclose(before[:, 6], after[:, 6])
    assert not torch.allclose(before[:, 7], after[:, 7])


def test_long_music_is_scored_a_thousand_steps_at_a_time(maker: Maker) -> None:
    backbone, x = made(maker), noise(2, 2048)
    with torch.no_grad():
        whole, _ = backbone(x)
    torch.testing.assert_close(in_parts(backbone, x, [1024])[0], whole, atol=1e-4, rtol=0)
    torch.testing.assert_close(in_parts(backbone, x, [300, 1, 700])[0], whole, atol=1e-4, rtol=0)


def test_a_state_can_be_continued_in_two_ways(maker: Maker) -> None:
    """Going on from a state leaves it as it was: two endings can be tried of one beginning."""
    backbone, x = made(maker), noise(2, 10)
    with torch.no_grad():
        _, state = backbone(x)
        one, _ = backbone(noise(2, 3, 1), state)
        backbone(noise(2, 3, 2), state)
        again, _ = backbone(noise(2, 3, 1), state)
    assert torch.equal(one, again)


def test_rows_of_a_state_go_on_as_their_sequences_do(maker: Maker) -> None:
    backbone, x, rows = made(maker), noise(2, 10), torch.tensor([1, 1, 0])
    with torch.no_grad():
        _, state = backbone(x)
        _, expected = backbone(x[rows])
        taken = backbone.select(state, rows)
        torch.testing.assert_close(tensors_of(taken), tensors_of(expected))
        on, as_expected = backbone(noise(3, 2, 1), taken), backbone(noise(3, 2, 1), expected)
        torch.testing.assert_close(tensors_of(on), tensors_of(as_expected))


def test_every_weight_learns_from_the_last_step(maker: Maker) -> None:
    backbone, x = made(maker).train(), noise(4, 12).requires_grad_()
    (backbone(x)[0][:, -1] * torch.randn(backbone.output_size)).sum().backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name
    assert x.grad is not None
    assert torch.all(x.grad[:, -6:].abs().sum(-1) > 0)


def test_dropout_is_for_training(maker: Maker) -> None:
    backbone, x = made(maker, dropout=0.5), noise(2, 8)
    with torch.no_grad():
        assert torch.equal(backbone(x)[0], backbone(x)[0])
        backbone.train()
        assert not torch.equal(backbone(x)[0], backbone(x)[0])


def test_without_dropout_training_hears_what_generating_hears(maker: Maker) -> None:
    backbone, x = made(maker, dropout=0.0), noise(2, 8)
    with torch.no_grad():
        generating, training = backbone(x)[0], backbone.train()(x)[0]
    torch.testing.assert_close(training, generating, atol=1e-6, rtol=0)


def test_a_seed_decides_every_weight_and_every_step_of_training(maker: Maker) -> None:
    def trained(seed: int) -> Tensor:
        backbone = made(maker, seed, dropout=0.2).train()
        optimizer = torch.optim.AdamW(backbone.parameters(), 0.01)
        for step in range(3):
            optimizer.zero_grad()
            backbone(noise(4, 30, step))[0].square().mean().backward()
            optimizer.step()
        return torch.cat([p.detach().flatten() for p in backbone.parameters()])

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))
