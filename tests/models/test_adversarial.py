"""Generators make voices, critics score them, and the penalty is what it should be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from defaults import build
from ostinato.errors import ConfigError
from ostinato.models.adversarial.critic import find_note_ends, find_repeats
from ostinato.models.adversarial.gan import GAN
from ostinato.models.adversarial.voice import (
    Relaxation,
    compute_leap_scores,
    decode_voice,
    gumbel_sigmoid,
    gumbel_softmax,
    mask_offbeats,
)
from ostinato.models.adversarial.wasserstein import gradient_penalty
from ostinato.models.bundle import Bundle, load_bundle, save_bundle
from ostinato.models.segments import OneHotRoll, SegmentSpec
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.sampling.voice_rolls import draw_segments
from small_gans import check_voices, gan_config, gan_of
from voice_rolls import one_hot

SHAPES = {"voices": st.integers(1, 5), "bars": st.integers(1, 3), "bar_steps": st.integers(2, 12)}


@given(
    st.fixed_dictionaries(SHAPES),
    st.sampled_from([None, Relaxation(0.3), Relaxation(1.0, 0.2)]),
    st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_whatever_is_generated_is_voices(
    shape: dict[str, int], relaxation: Relaxation | None, seed: int
) -> None:
    network = gan_of(seed, leap_penalty=seed % 3 / 2, **shape)
    steps = shape["bars"] * shape["bar_steps"]
    check_voices(network(network.noise(3), relaxation), shape["voices"], steps)


@given(st.fixed_dictionaries(SHAPES), st.booleans())
@settings(max_examples=15, deadline=None)
def test_a_critic_gives_each_segment_a_number(shape: dict[str, int], spectral: bool) -> None:
    network = gan_of(spectral_norm=spectral, **shape)
    critic = network.new_critic()
    score = critic(network.draw(network.noise(3)))
    assert score.shape == (3,)
    assert torch.isfinite(score).all()


def test_what_is_drawn_follows_from_the_noise() -> None:
    network = gan_of()
    noise = network.noise(5, torch.Generator().manual_seed(3))
    assert torch.equal(noise, network.noise(5, torch.Generator().manual_seed(3)))
    once, again = network.draw(noise), network.draw(noise)
    assert torch.equal(once.sound, again.sound)
    part = network.draw(noise[1:3])
    assert torch.equal(once.sound[1:3], part.sound)


def test_gradients_reach_every_weight_through_the_choices() -> None:
    network = gan_of()
    critic = network.new_critic()
    critic(network(network.noise(16), Relaxation(1.0))).sum().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


def test_a_note_is_held_until_the_next_begins() -> None:
    says = torch.tensor([[0, 1, 1, 1, 2, 0, 0]])
    choice = torch.nn.functional.one_hot(says, 3).transpose(1, 2).float()
    begins = torch.tensor([[0.0, 0, 1, 1, 1, 0, 1]])
    line = decode_voice(choice, begins, torch.zeros(3, 3), None)
    assert line.sound.argmax(dim=1).tolist() == [[0, 0, 1, 1, 2, 2, 0]]
    assert line.onset.tolist() == [[1, 0, 1, 1, 0, 0, 1]]


def test_a_near_pitch_is_drawn_for_a_far_one_that_is_hardly_likelier() -> None:
    logits = torch.zeros(1, 21, 4)
    logits[0, 10, 0] = 1.0
    logits[0, 17, 1], logits[0, 12, 1] = 3.0, 2.0
    logits[0, 19, 2], logits[0, 12, 2] = 9.0, 2.0
    logits[0, 20, 3], logits[0, 19, 3] = 3.0, 2.9
    begins = torch.ones(1, 4)

    def drawn(leap_penalty: float, relaxation: Relaxation | None = None) -> list[int]:
        sound = decode_voice(
            logits, begins, compute_leap_scores(20, leap_penalty), relaxation
        ).sound
        said: list[int] = sound.argmax(dim=1)[0].tolist()
        return said

    assert drawn(0.0) == [10, 17, 19, 20]
    assert drawn(0.3) == [10, 12, 19, 20], "what is far likelier stays, and silence stays silence"
    assert drawn(3.0) == [10, 10, 10, 20]
    assert drawn(3.0, Relaxation(1.0, noise_scale=0.0)) == [10, 17, 19, 20], (
        "while learning it is nothing"
    )


def test_no_pitch_is_near_to_silence() -> None:
    near = compute_leap_scores(4, 0.5)
    assert near.shape == (5, 5)
    assert near[2].tolist() == [-1.0, -0.5, 0.0, -0.5, 0.0]
    assert not near[4].any()
    first, then = torch.tensor([[0.0, 0, 0, 0, 1]]), torch.tensor([[0.0, 2, 1, 0, 1]])
    line = decode_voice(torch.stack([first, then], dim=2), torch.ones(1, 2), near, None)
    assert line.sound.argmax(dim=1).tolist() == [[4, 1]]


def doubled(network: GAN, relaxation: Relaxation | None = None) -> int:
    """How often a voice begins a note on a pitch that a voice below sings."""
    torch.manual_seed(5)
    sound, onset = network(network.noise(20), relaxation)
    pitch, onset = sound.argmax(dim=2), onset > 0.5
    below = [(pitch[:, :v] == pitch[:, v, None]) & onset[:, :v] for v in range(1, 4)]
    return sum(int(b.sum()) for b in below)


def test_where_the_likeliest_is_drawn_voices_begin_apart() -> None:
    usual, penalised = (
        gan_of(unison_penalty=weight, pitch_range=[60, 66]) for weight in (0.0, 10.0)
    )
    assert doubled(usual) > 100
    assert doubled(penalised) == 0
    assert doubled(usual, Relaxation(1.0)) == doubled(penalised, Relaxation(1.0)) > 100


def test_notes_between_two_eighths_are_drawn_where_they_are_spoken_for() -> None:
    assert mask_offbeats(SegmentSpec(1, 2, 6, 4, 60, 5)).tolist() == 2 * [0, 1, 0, 1, 0, 1]
    assert mask_offbeats(SegmentSpec(1, 1, 3, 3, 60, 5)).tolist() == [0, 1, 1]
    assert not mask_offbeats(SegmentSpec(1, 2, 4, 2, 60, 5)).any(), "steps are eighths"
    usual, biased = (gan_of(offbeat_bias=weight, steps_per_quarter=4) for weight in (0.0, 10.0))
    noise = usual.noise(30, torch.Generator().manual_seed(1))
    before, after = (draw_segments(network, noise) for network in (usual, biased))
    begins = after.onset | ~after.sounding
    assert begins[..., 1::2].all()
    assert not before.onset[..., 1::2].all()
    assert np.array_equal(before.onset[:, -1, ::2], after.onset[:, -1, ::2])


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_choices_are_drawn_by_their_odds_and_learn_by_soft_ones(temperature: float) -> None:
    torch.manual_seed(0)
    logits = torch.tensor([0.0, 1.0, 2.0]).repeat(20_000, 1).requires_grad_()
    drawn = gumbel_softmax(logits, Relaxation(temperature))
    expected = logits[0].detach().softmax(0)
    torch.testing.assert_close(drawn.mean(0).detach(), expected, atol=0.02, rtol=0)
    (drawn[:, 0].sum()).backward()
    assert logits.grad is not None
    assert (logits.grad[:, 0] >= 0).all()
    assert (logits.grad[:, 1:] <= 0).all()
    torch.testing.assert_close(
        gumbel_sigmoid(torch.full((20_000,), 1.0), Relaxation(temperature)).mean(),
        torch.tensor(1.0).sigmoid(),
        atol=0.02,
        rtol=0,
    )


@pytest.mark.parametrize("relaxation", [None, Relaxation(0.7, noise_scale=0.0)])
def test_without_noise_the_likeliest_is_chosen(relaxation: Relaxation | None) -> None:
    logits = torch.tensor([[0.1, 3.0, -1.0], [2.0, 1.0, 1.5]])
    torch.testing.assert_close(
        gumbel_softmax(logits, relaxation), torch.tensor([[0.0, 1, 0], [1, 0, 0]])
    )
    assert gumbel_sigmoid(torch.tensor([0.2, -0.2]), relaxation).tolist() == [1, 0]


def lines(seed: int = 0, count: int = 4) -> OneHotRoll:
    random = torch.Generator().manual_seed(seed)
    pitch = torch.randint(0, 3, (count, 2, 6), generator=random)
    onset = torch.randint(0, 2, (count, 2, 6), generator=random)
    return one_hot(pitch, onset, 2)


def test_the_penalty_of_a_linear_critic_is_that_of_its_weights() -> None:
    """The gradient is the same everywhere: 12 · 3 sounds by 0.5, 12 onsets by 2."""

    def critic(given: OneHotRoll) -> Tensor:
        return 0.5 * given.sound.flatten(1).sum(1) + 2.0 * given.onset.flatten(1).sum(1)

    expected = ((36 * 0.5**2 + 12 * 2.0**2) ** 0.5 - 1) ** 2
    mix = torch.tensor([0.0, 0.2, 0.5, 1.0])
    penalty = gradient_penalty(critic, lines(0), lines(1), mix)
    assert float(penalty) == pytest.approx(expected, rel=1e-5)


def test_the_penalty_is_taken_between_real_and_generated() -> None:
    """Of a critic x²/2 the gradient at x is x itself."""

    def critic(given: OneHotRoll) -> Tensor:
        return sum((part.flatten(1) ** 2).sum(1) / 2 for part in given)  # type: ignore[return-value]

    real, fake = lines(0), lines(1)
    mix = torch.tensor([0.0, 0.25, 0.75, 1.0])
    ours, theirs = (torch.cat([part.flatten(1) for part in given], dim=1) for given in (fake, real))
    between = mix[:, None] * theirs + (1 - mix[:, None]) * ours
    expected = (between.norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(gradient_penalty(critic, real, fake, mix), expected)


def test_the_critic_can_learn_from_its_penalty() -> None:
    network = gan_of()
    critic = network.new_critic()
    fake, real = network.draw(network.noise(4)), network.draw(network.noise(4))
    gradient_penalty(critic, real, fake, torch.rand(4)).backward()
    assert all(
        p.grad is not None and torch.isfinite(p.grad).all()
        for name, p in critic.named_parameters()
        if not name.endswith("last.bias")
    )


def test_without_a_penalty_the_gap_alone_is_minimised() -> None:
    loss, gap, penalty = build("model=gan.objective", penalty=0.0).critic_loss(
        lambda given: given.onset.sum((1, 2)), lines(0), lines(1)
    )
    assert float(loss) == -float(gap)
    assert float(penalty) == 0.0


def test_the_temperature_falls_by_even_factors_and_noise_by_even_steps() -> None:
    objective = build("model=gan.objective", temperature=(1.0, 0.25), noise_scale=(1.0, 0.1))
    relaxations = [objective.relaxation_at(share) for share in (0.0, 0.45, 0.5, 0.9, 1.0, 1.1)]
    assert [relaxations[i].temperature for i in (0, 2, 4, 5)] == pytest.approx(
        [1.0, 0.5, 0.25, 0.25]
    )
    assert [one.noise_scale for one in relaxations] == pytest.approx(
        [1.0, 0.55, 0.5, 0.1, 0.1, 0.1]
    )


def test_notes_end_where_they_are_not_held_on_and_are_repeated_where_they_begin_again() -> None:
    pitch = torch.tensor([[[0, 0, 0, 1, 1, 2, 2, 0]]])
    onset = torch.tensor([[[1, 0, 1, 1, 0, 0, 0, 1]]])
    assert find_note_ends(one_hot(pitch, onset, 2)).tolist() == [[[0, 1, 1, 0, 1, 0, 0, 0]]]
    assert find_repeats(one_hot(pitch, onset, 2)).tolist() == [[[0, 0, 1, 0, 0, 0, 0, 0]]]


@pytest.mark.parametrize("spectral", [False, True])
def test_all_keys_are_alike_to_what_hears_tonality(spectral: bool) -> None:
    torch.manual_seed(0)
    critic: Any = gan_of(spectral_norm=spectral).new_critic().eval()
    pitch, onset = torch.randint(0, 40, (3, 4, 16)), torch.ones(3, 4, 16)

    def features(semitones: int) -> Tensor:
        by_class = critic.to_pitch_classes(one_hot(pitch + semitones, onset, 48))
        embedded: Tensor = critic.embed_tonality(by_class, onset)
        return embedded

    for semitones in (1, 5, 7):
        torch.testing.assert_close(features(0), features(semitones))
    pitch = torch.where(torch.rand(3, 4, 16) < 0.5, pitch + 1, pitch)
    assert not torch.allclose(features(0), features(0) * 0)


def test_a_critic_is_told_how_much_a_batch_differs() -> None:
    network = gan_of()
    critic = network.new_critic()
    different = network.draw(network.noise(6))
    alike = OneHotRoll(*(part[:1].expand(6, *part.shape[1:]) for part in different))
    torch.testing.assert_close(critic(alike), critic(alike)[:1].expand(6))
    assert (critic(different)[0] - critic(alike)[0]).abs() > 1e-6


def test_a_loaded_bundle_draws_the_same(tmp_path: Path) -> None:
    network, config = gan_of(), gan_config()
    bundle = Bundle(config, config.build("representation"), network, PieceDefaults())
    save_bundle(bundle, tmp_path / "model")
    loaded = load_bundle(tmp_path / "model").network
    noise = network.noise(4)
    assert torch.equal(network.draw(noise).sound, loaded.draw(noise).sound)  # type: ignore[operator]
    assert loaded.state_dict().keys() == network.state_dict().keys()
    assert not [name for name in loaded.state_dict() if "critic" in name]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"pitch_range": [60, 50]}, r"model\.pitch_range.* the lowest pitch and then the highest"),
        ({"bars": 0}, r"model\.bars=0 does not fit"),
        ({"objective": {"critic_steps": 0}}, r"critic_steps=0 does not fit"),
    ],
)
def test_values_that_do_not_fit_are_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        gan_config(**changed).check("model")
