"""Autoencoders of segments: what they say is music, their terms are what they should be."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from defaults import build
from ostinato.errors import ConfigError
from ostinato.models.bundle import Bundle, load_bundle, save_bundle
from ostinato.models.variational.elbo import BIT
from ostinato.models.variational.encoder import Posterior
from ostinato.models.variational.vae import VAE
from ostinato.models.variational.voice_tokens import decode, encode
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.representations.monophonic import REST
from ostinato.sampling.voice_rolls import draw_segments, from_one_hot
from ostinato.sampling.voice_rolls import encode as encode_roll
from small_vaes import vae_config, vae_of
from voice_rolls import roll_of, segment_spec

SHAPES = {"voices": st.integers(0, 3), "bars": st.integers(1, 3), "hierarchical": st.booleans()}


def segments(network: VAE, count: int, seed: int = 0) -> Tensor:
    """Tokens (count, steps, voices) of random music."""
    random = torch.Generator().manual_seed(seed)
    spec = network.spec
    size = (count, spec.voices, spec.steps)
    pitch = torch.randint(0, spec.pitches + 1, size, generator=random)
    pitch = pitch[..., ::2].repeat_interleave(2, dim=2)
    onset = torch.ones(size)
    onset[..., 1:] = (pitch[..., 1:] != pitch[..., :-1]).float()
    return encode(pitch, (onset > 0) & (pitch < spec.pitches), spec)


@given(st.fixed_dictionaries(SHAPES), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_segments_are_encoded_scored_and_drawn(given: dict[str, Any], seed: int) -> None:
    network = vae_of(seed, **given)
    tokens, noise = segments(network, 3, seed), network.noise(3)
    nll, kl = network(tokens, noise, scheduled_sampling_rate=0.5)
    assert nll.shape == (3,)
    assert kl.shape == (3, 6)
    assert (nll > 0).all()
    assert (kl >= 0).all()
    drawn = network.decoder.draw(noise)
    assert drawn.shape == tokens.shape
    roll = draw_segments(network, noise)
    assert roll.pitch.shape == (3, given["voices"] or 48, network.spec.steps)
    assert torch.equal(encode_roll(roll, network.spec), drawn), "silence is never held"
    again = draw_segments(network, noise[1:])
    assert np.array_equal(again.pitch, roll.pitch[1:])


def test_tokens_say_what_voices_do() -> None:
    spec = segment_spec(voices=1, steps=8, pitches=3)
    pitch = torch.tensor([[[0, 0, 0, 1, 3, 3, 2, 2]]])
    onset = torch.tensor([[[1.0, 0, 1, 1, 0, 0, 1, 0]]])
    roll = roll_of(pitch, onset, spec)
    tokens = encode_roll(roll, spec)
    assert tokens[0, :, 0].tolist() == [0, 4, 0, 1, 3, 3, 2, 4]
    decoded = from_one_hot(decode(tokens, spec), spec)
    assert np.array_equal(decoded.pitch, roll.pitch)
    assert np.array_equal(decoded.onset, roll.onset)
    held = torch.tensor([[[4], [4], [0], [3], [4], [1], [4], [4]]])
    held_roll = from_one_hot(decode(held, spec), spec)
    assert held_roll.pitch[0, 0].tolist() == [REST, REST, 60, REST, REST, 61, 61, 61]
    assert held_roll.onset[0, 0].tolist() == [0, 0, 1, 0, 0, 1, 0, 0]


def test_the_divergence_is_that_of_normal_distributions() -> None:
    torch.manual_seed(0)
    posterior = Posterior(torch.randn(5, 7), torch.rand(5, 7) + 0.1)
    expected = kl_divergence(Normal(*posterior), Normal(torch.zeros(5, 7), torch.ones(5, 7)))
    torch.testing.assert_close(posterior.kl(), expected)
    drawn = posterior.sample(torch.randn(20_000, 5, 7))
    torch.testing.assert_close(drawn.mean(0), posterior.mean, atol=0.05, rtol=0)
    torch.testing.assert_close(drawn.std(0), posterior.scale, atol=0.05, rtol=0)


@pytest.mark.parametrize("hierarchical", [False, True])
def test_given_a_latent_vector_all_segments_together_have_probability_one(
    hierarchical: bool,
) -> None:
    network = vae_of(voices=2, bars=1, hierarchical=hierarchical, pitch_range=[60, 60])
    network.double()
    short = torch.cartesian_prod(*[torch.arange(3)] * 4).reshape(-1, 2, 2)
    whole = torch.nn.functional.pad(short, (0, 0, 0, 6))
    latent = torch.randn(6, dtype=torch.float64).expand(len(whole), -1)
    likelihood = -network.decoder(latent, whole)[:, :2].sum(dim=1)
    assert float(likelihood.detach().logsumexp(0).exp()) == pytest.approx(1.0)


def test_given_a_latent_vector_all_piano_rolls_together_have_probability_one() -> None:
    network = vae_of(voices=0, bars=1, pitch_range=[60, 62]).double()
    short = torch.cartesian_prod(*[torch.arange(3)] * 3)[:, None]
    first = torch.nn.functional.pad(short, (0, 0, 0, 7), value=1)
    latent = torch.randn(6, dtype=torch.float64).expand(len(first), -1)
    likelihood = -network.decoder(latent, first)[:, 0]
    assert float(likelihood.detach().logsumexp(0).exp()) == pytest.approx(1.0)


def test_what_does_not_sound_yet_cannot_be_held_by_a_piano_roll() -> None:
    network = vae_of(seed=2, voices=0)
    sounding = torch.zeros(1, 48, dtype=torch.bool)
    y = torch.randn(1, 12)
    tokens = network.decoder.head.decode_step(y, sounding)
    assert set(tokens.flatten().tolist()) == {0, 1}, "begins or rests"
    held = network.decoder.head.decode_step(y, ~sounding)
    assert torch.equal(held == 1, tokens == 1), "what rests is the same"


def test_the_bound_is_below_the_likelihood() -> None:
    """Of a segment, by importance samples of its posterior (Burda et al. 2016)."""
    torch.manual_seed(0)
    network = vae_of(bars=1).double()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(2)
        tokens = segments(network, 1).expand(4000, -1, -1)
        noise = torch.randn(4000, 6, dtype=torch.float64)
        posterior = network.encoder(tokens)
        latent = posterior.sample(noise)
        nll = network.nll(latent, tokens)
        ratio = (Normal(0, 1).log_prob(latent) - Normal(*posterior).log_prob(latent)).sum(1)
        likelihood = (ratio - nll).logsumexp(0) - math.log(len(nll))
        bound = -(nll.mean() + posterior.kl()[0].sum())
    assert bound < likelihood < bound + 20


def test_free_bits_cost_nothing_and_the_weight_rises() -> None:
    objective = build(
        "model=vae.objective", weight=0.5, free_bits=2.0, annealed=0.4, scheduled_sampling=0.8
    )
    nll, kl = torch.tensor([1.0, 1.0]), torch.tensor([BIT, 3.0])
    expected = [1.0, 1.0 + 0.5 * (3.0 - 2 * BIT)]
    assert objective.cost(nll, kl).tolist() == pytest.approx(expected)
    assert objective.cost(nll, kl, 0.0).tolist() == [1.0, 1.0]
    assert [objective.weight_at(s) for s in (0, 0.2, 0.4, 1)] == pytest.approx([0, 0.25, 0.5, 0.5])
    assert [objective.scheduled_sampling_rate(s) for s in (0, 0.5, 1, 2)] == pytest.approx(
        [0, 0.4, 0.8, 0.8]
    )
    assert build("model=vae.objective", annealed=0.0, weight=0.3).weight_at(0.0) == 0.3


@pytest.mark.parametrize("hierarchical", [False, True])
@pytest.mark.parametrize("voices", [2, 0])
def test_gradients_reach_every_weight(hierarchical: bool, voices: int) -> None:
    network = vae_of(voices=voices, hierarchical=hierarchical, pitch_range=[60, 65])
    nll, kl = network(segments(network, 8), network.noise(8), scheduled_sampling_rate=0.3)
    (nll.sum() + kl.sum()).backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("hierarchical", "voices"), [(False, 1), (True, 1), (False, 0)])
def test_a_batch_is_learned_by_heart_and_reconstructed(hierarchical: bool, voices: int) -> None:
    network = vae_of(
        hidden_size=48, bars=2, hierarchical=hierarchical, voices=voices, pitch_range=[60, 67]
    )
    tokens = segments(network, 8)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(250):
        nll, kl = network(tokens, network.noise(8))
        loss = (nll + 0.01 * kl.sum(dim=1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    again = network.decoder.draw(network.encode(tokens).mean)
    assert (again == tokens).float().mean() > 0.98


def test_a_loaded_bundle_draws_the_same(tmp_path: Path) -> None:
    network, config = vae_of(), vae_config()
    bundle = Bundle(config, config.build("representation"), network, PieceDefaults())
    save_bundle(bundle, tmp_path / "model")
    loaded = load_bundle(tmp_path / "model").network
    noise = network.noise(4, torch.Generator().manual_seed(2))
    assert torch.equal(network.draw(noise).sound, loaded.draw(noise).sound)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"pitch_range": [60, 50]}, r"model\.pitch_range.* the lowest pitch and then the highest"),
        ({"latent_size": 0}, r"model\.latent_size=0 does not fit"),
        ({"objective": {"free_bits": -1.0}}, r"free_bits=-1\.0 does not fit"),
        ({"objective": {"annealed": 2.0}}, r"annealed=2\.0 does not fit"),
    ],
)
def test_values_that_do_not_fit_are_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        vae_config(**changed).check("model")
