"""Attribute vectors move what they are called after, and by how much is known."""

import numpy as np
import pytest
import torch

from ostinato.evaluation.attribute_vectors import measure_attribute_vectors, solve_shortest
from ostinato.evaluation.latents import decode_attributes
from ostinato.models.segments import OneHotRoll
from ostinato.models.variational.vae import VAE
from small_vaes import vae_of
from voice_rolls import one_hot

SPREAD = 1.5  # of pitch height, in semitones


class Known(VAE):
    """What it draws is known: the first two numbers say how high and how dense a segment is."""

    def draw(self, noise: torch.Tensor, conditioning: OneHotRoll | None = None) -> OneHotRoll:
        del conditioning
        height = (24 + SPREAD * (noise[:, :1] + noise[:, 1:2])).round().long()
        pitch = height[:, None].expand(-1, 1, self.spec.steps)
        rests = self.spec.steps - (self.spec.steps / 2 * (1 + noise[:, 1:2] / 4)).round()
        sounds = torch.arange(self.spec.steps) >= rests
        pitch = torch.where(sounds[:, None], pitch, self.spec.pitches)
        return one_hot(pitch, sounds[:, None], self.spec.pitches)


@pytest.fixture
def network() -> VAE:
    network = vae_of()
    network.__class__ = Known
    return network


def test_the_shortest_vectors_change_one_value_each() -> None:
    random = np.random.default_rng(0)
    latent = random.normal(size=(5000, 4))
    slopes = np.array([[1.0, 0, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 0, 0]])
    rows = solve_shortest(latent, latent @ slopes.T)
    assert np.round(rows @ slopes.T, 1).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert np.abs(rows[:, 2:]).max() < 0.02, "what changes nothing is left as it is"


def test_a_step_of_one_is_a_standard_deviation_and_changes_nothing_else(network: VAE) -> None:
    directions = measure_attribute_vectors(network, torch.randn(100, 6) / 2, seed=0)
    density, height, syncopation = directions
    assert syncopation.tolist() == [0.0] * 6, "where all are alike there is no more"
    latent = torch.randn(500, 6) / 2
    before = decode_attributes(network, latent)
    higher = decode_attributes(network, latent + height) - before
    denser = decode_attributes(network, latent + density) - before
    assert higher[:, 1].mean() == pytest.approx(SPREAD * 2**0.5, rel=0.2)
    assert abs(higher[:, 0].mean()) < 0.05
    spread = decode_attributes(network, torch.randn(2000, 6))[:, 0].std()
    assert denser[:, 0].mean() == pytest.approx(spread, rel=0.2)
    assert abs(denser[:, 1].mean()) < 0.3


def test_a_step_is_as_long_as_it_must_be_where_small_ones_change_little(network: VAE) -> None:
    draw = network.draw

    class Stubborn(Known):
        def draw(self, noise: torch.Tensor, conditioning: OneHotRoll | None = None) -> OneHotRoll:
            return draw(torch.where(noise.abs() < 2.0, 0.0, noise), conditioning)

    plain = measure_attribute_vectors(network, torch.zeros(20, 6), seed=0)[1]
    network.__class__ = Stubborn
    longer = measure_attribute_vectors(network, torch.zeros(20, 6), seed=0)[1]
    assert longer.norm() > 2.0 > 1.5 * plain.norm()
    assert decode_attributes(network, longer[None])[0, 1] > 60


def test_what_is_always_silent_has_no_directions() -> None:
    network = vae_of()

    class Silent(VAE):
        def draw(self, noise: torch.Tensor, conditioning: OneHotRoll | None = None) -> OneHotRoll:
            del conditioning
            pitch = torch.full((len(noise), 1, self.spec.steps), self.spec.pitches)
            return one_hot(pitch, torch.zeros_like(pitch), self.spec.pitches)

    network.__class__ = Silent
    assert not measure_attribute_vectors(network, torch.zeros(20, 6), seed=0).any()
