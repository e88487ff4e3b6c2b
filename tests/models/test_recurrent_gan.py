"""A recurrent GAN writes voices, and gradients pass through every token."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.models.adversarial.generator import Choosing
from small_gans import PARTS, check_gradients, check_lines, check_penalty, gan_of

RECURRENT: dict[str, Any] = {
    "generator": {
        "_target_": f"{PARTS}.recurrent.RecurrentGenerator",
        "_partial_": True,
        **{"noise": 6, "bar_noise": 3, "hidden_size": 12},
    },
    "critic": {
        "_target_": f"{PARTS}.recurrent.RecurrentCritic",
        "_partial_": True,
        "hidden_size": 8,
    },
}
SHAPES = {"voices": st.integers(1, 5), "bars": st.integers(1, 3), "bar_steps": st.integers(2, 9)}


@given(
    st.fixed_dictionaries(SHAPES),
    st.sampled_from([None, Choosing(0.3), Choosing(1.0, 0.2)]),
    st.integers(0, 99),
)
@settings(max_examples=12, deadline=None)
def test_what_is_written_is_voices(
    shape: dict[str, int], choosing: Choosing | None, seed: int
) -> None:
    network = gan_of(seed, **RECURRENT, **shape)
    lines = network(network.noise(3), choosing)
    check_lines(lines, shape["voices"], shape["bars"] * shape["bar_steps"])
    score = network.new_critic()(lines)
    assert score.shape == (3,)
    assert torch.isfinite(score).all()


def test_gradients_reach_every_weight_of_both() -> None:
    check_gradients(gan_of(**RECURRENT), Choosing(1.0))


def test_the_penalty_teaches_the_critic() -> None:
    check_penalty(gan_of(**RECURRENT))


@pytest.mark.parametrize("choosing", [None, Choosing(0.5, 0.0)])
def test_bars_follow_from_their_noise_and_from_the_bars_before(choosing: Choosing | None) -> None:
    network = gan_of(**RECURRENT)
    torch.nn.init.normal_(network.generator.told.weight)  # type: ignore[union-attr, arg-type]
    noise = network.noise(8)
    changed = noise.clone()
    changed[:, -3:] += 3  # of the second bar
    first, second = (network(each, choosing).said()[0] for each in (noise, changed))
    assert torch.equal(first[..., :8], second[..., :8])
    assert not torch.equal(first[..., 8:], second[..., 8:])


def test_what_holds_goes_on_with_what_its_voice_had() -> None:
    network: Any = gan_of(**RECURRENT)
    generator = network.generator
    torch.nn.init.zeros_(generator.choose.weight)
    torch.nn.init.zeros_(generator.choose.bias)
    generator.choose.bias.data[-1], generator.choose.bias.data[7] = 2.0, 1.0
    pitch, onset = network.draw(network.noise(2)).said()
    assert (pitch == 7).all()
    assert onset[..., 0].all()
    assert not onset[..., 1:].any()
