"""MuseGAN makes voices of any shape, by binary neurons through which gradients pass."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.models.adversarial.generator import Choosing
from ostinato.models.adversarial.muse import played
from ostinato.models.segments import Lines
from small_gans import (
    MUSE,
    check_gradients,
    check_lines,
    check_penalty,
    gan_of,
    is_of_zeros_and_ones,
)

SHAPES = {"voices": st.integers(1, 5), "bars": st.integers(1, 3), "bar_steps": st.integers(2, 9)}
BINARY = [Choosing(1.0, 0.0), Choosing(0.7, 1.0)]


@given(st.fixed_dictionaries(SHAPES), st.integers(0, 99))
@settings(max_examples=12, deadline=None)
def test_what_is_drawn_is_voices(shape: dict[str, int], seed: int) -> None:
    network = gan_of(seed, **MUSE, **shape)
    steps = shape["bars"] * shape["bar_steps"]
    check_lines(network.draw(network.noise(3)), shape["voices"], steps)


@pytest.mark.parametrize("pitches", [[60, 60], [50, 61], [36, 84]])
def test_a_range_need_be_no_whole_octaves(pitches: list[int]) -> None:
    network = gan_of(**MUSE, pitch_range=pitches)
    lines = network.draw(network.noise(2))
    assert lines.sound.shape == (2, 4, pitches[1] - pitches[0] + 2, 16)
    assert network.new_critic()(lines).shape == (2,)


@given(st.fixed_dictionaries(SHAPES), st.sampled_from(BINARY))
@settings(max_examples=12, deadline=None)
def test_while_learning_neurons_are_binary_and_silence_is_where_none_is_on(
    shape: dict[str, int], choosing: Choosing
) -> None:
    network = gan_of(**MUSE, **shape)
    lines = network(network.noise(2), choosing)
    sound, onset = (part.detach().round(decimals=5) for part in lines)
    assert is_of_zeros_and_ones(sound)
    assert is_of_zeros_and_ones(onset)
    silent = sound[:, :, :-1].sum(dim=2) == 0
    assert torch.equal(sound[:, :, -1] == 1, silent)
    assert not (onset.bool() & silent).any()
    critic = network.new_critic()
    score = critic(lines)
    assert score.shape == (2,)
    assert torch.isfinite(score).all()


@pytest.mark.parametrize("choosing", BINARY)
def test_gradients_reach_every_weight_of_both(choosing: Choosing) -> None:
    check_gradients(gan_of(**MUSE), choosing)


def test_the_penalty_teaches_the_critic() -> None:
    check_penalty(gan_of(**MUSE))


def said(rows: list[list[float]]) -> torch.Tensor:
    """Logits of one voice: a row for each pitch."""
    return torch.tensor(rows)[None, None]


def test_of_several_pitches_the_likeliest_is_drawn_and_all_are_learned_from() -> None:
    notes = said([[1.0, 1.0, -1.0, -1.0], [2.0, 0.5, 3.0, -2.0]])
    again = torch.full((1, 1, 4), -1.0)
    drawn = played(notes, again, None)
    assert drawn.said()[0].tolist() == [[[1, 0, 1, 2]]]
    assert drawn.onset.tolist() == [[[1, 1, 1, 0]]]
    learned = played(notes, again, Choosing(1.0, 0.0))
    assert learned.sound[0, 0].round().tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1]]
    assert learned.onset.round().tolist() == [[[1, 0, 0, 0]]], "what goes on is held"


def test_a_note_that_goes_on_begins_again_where_its_neuron_says() -> None:
    notes, again = said([[1.0, 1.0, 1.0]]), torch.tensor([[[-1.0, 1.0, -1.0]]])
    for choosing in (None, Choosing(1.0, 0.0)):
        assert played(notes, again, choosing).onset.round().tolist() == [[[1, 1, 0]]]


def test_bars_of_one_course_follow_from_their_own_vectors_alone() -> None:
    """Unfolding does not look across barlines: MuseGAN makes a bar at a time."""
    network: Any = gan_of(**MUSE, bars=3)
    bars = torch.randn(1, 2 * 3, 3)
    shared = network.generator.shared.layers[0](bars[..., None, None])
    changed = bars.clone()
    changed[..., 1] += 1
    other = network.generator.shared.layers[0](changed[..., None, None])
    differ = (shared != other).flatten(3).any(dim=3).any(dim=1)[0]
    assert differ.tolist() == [False, True, False]
    assert isinstance(network.draw(network.noise(1)), Lines)
