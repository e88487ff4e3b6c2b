"""Music is made to bars that are continued and to a voice that is accompanied."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import build
from ostinato.errors import ConfigError, UnencodableError
from ostinato.models.adversarial.gan import GAN
from ostinato.models.adversarial.voice import Relaxation
from ostinato.music.piece import NOTE, TIME_SIGNATURE, Piece, array
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll
from ostinato.sampling.conditioning import encode_prompt, sample_with_prompts
from ostinato.sampling.voice_rolls import draw_segments, from_one_hot, to_one_hot
from small_gans import check_voices, gan_of
from voice_rolls import voice_roll

VOICES = build("representation=voices", steps_per_quarter=2, bar_steps=8)
BAR = 8
WAYS: list[dict[str, Any]] = [{"given_bars": 1}, {"given_voice": 0}, {"given_voice": 3}]


def real(count: int, steps: int = 2 * BAR, seed: int = 0) -> VoiceRoll:
    """Four voices that hold notes and are silent at times."""
    random = torch.Generator().manual_seed(seed)
    pitch = torch.randint(10, 49, (count, 4, steps // 2), generator=random)
    pitch = 36 + pitch.repeat_interleave(2, dim=2).numpy()
    return voice_roll(*np.where(pitch == 84, REST, pitch), bar=BAR)


def mask_of(network: GAN) -> Any:
    assert network.condition_mask is not None
    return network.condition_mask.numpy()


@given(st.sampled_from(WAYS), st.sampled_from([None, Relaxation(0.5, 0.5)]), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_what_is_given_is_kept_and_the_rest_is_voices(
    way: dict[str, Any], relaxation: Relaxation | None, seed: int
) -> None:
    network, given = gan_of(seed, **way), real(3, seed=seed)
    made = network(network.noise(3), relaxation, to_one_hot(given, network.spec))
    check_voices(made, 4, 2 * BAR)
    roll, mask = from_one_hot(made, network.spec), mask_of(network)
    assert np.array_equal(roll.pitch[:, mask], given.pitch[:, mask])
    assert np.array_equal(roll.onset[:, mask], given.onset[:, mask])


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_looked_at_but_what_is_given(way: dict[str, Any]) -> None:
    network, noise = gan_of(leap_penalty=0.0, **way), gan_of().noise(3)
    encoder: Any = network.generator.encoder
    torch.nn.init.normal_(encoder.look[0].weight)  # so that it makes a difference untrained
    given, other = real(3, seed=1), real(3, seed=2)
    mask = mask_of(network)
    mixed = replace(
        given,
        pitch=np.where(mask, given.pitch, other.pitch),
        onset=np.where(mask, given.onset, other.onset),
    )
    pitch = draw_segments(network, noise, given).pitch
    assert np.array_equal(pitch, draw_segments(network, noise, mixed).pitch)
    changed = draw_segments(network, noise, other).pitch
    assert not np.array_equal(pitch[:, ~mask], changed[:, ~mask])


@pytest.mark.parametrize("way", WAYS)
def test_the_encoder_learns(way: dict[str, Any]) -> None:
    network = gan_of(**way)
    critic = network.new_critic()
    conditioning = to_one_hot(real(16), network.spec)
    critic(network(network.noise(16), Relaxation(1.0), conditioning)).sum().backward()
    weights = {n: w for n, w in network.named_parameters() if n.startswith("generator.encoder")}
    assert len(weights) == 8
    for name, weight in weights.items():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"given_bars": 2}, "given_bars=2 should be less than bars=2"),
        ({"given_voice": 4}, "given_voice=4 should leave a voice to make and be less than .*, 4"),
        ({"given_voice": 0, "voices": 1}, "given_voice=0 should leave a voice"),
        ({"given_voice": 0, "given_bars": 1}, "given_bars=1 does not go with given_voice=0"),
    ],
)
def test_what_would_leave_nothing_to_make_is_refused(
    changed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=f"^model: {sentence}"):
        gan_of(**changed)


def piece(bars: int, lowest: int = 50, steps: int = BAR) -> Piece:
    """Four voices of quarter notes, two steps of the grid each."""
    count = bars * steps // 2
    parts = [
        array(
            NOTE,
            onset=2 * np.arange(count),
            duration=2,
            pitch=lowest + 4 * (3 - voice) + np.arange(count) % 5,
            velocity=80,
            track=voice,
        )
        for voice in range(4)
    ]
    metre = array(TIME_SIGNATURE, onset=0, numerator=steps // 2, denominator=4)
    names = tuple(f"voice {voice}" for voice in range(4))
    return Piece("prompt", 2, np.concatenate(parts), time_signatures=metre, track_names=names)


def grid(tokens: Any) -> Any:
    return np.asarray(tokens).reshape(-1, 4)


def test_a_prompt_is_continued_until_there_are_bars_enough() -> None:
    network = gan_of(given_bars=1)
    prompts = [encode_prompt(network, VOICES, piece(bars)) for bars in (1, 3)]
    composed = sample_with_prompts(
        network, VOICES, build("sampling=ancestral", pieces=3, max_bars=6), 4, prompts
    )
    for i, (steps, ended) in enumerate(composed):
        prompt = grid(prompts[i % 2])
        assert ended
        assert len(grid(steps)) == 6 * BAR
        assert np.array_equal(grid(steps)[: len(prompt)], prompt)
        assert set(grid(steps)[len(prompt) :].ravel()) != {REST}
    again = sample_with_prompts(
        network, VOICES, build("sampling=ancestral", pieces=3, max_bars=6), 4, prompts
    )
    assert all(np.array_equal(a.steps, b.steps) for a, b in zip(composed, again, strict=True))
    assert not np.array_equal(composed[0].steps, composed[2].steps), "of one prompt, other noise"


@pytest.mark.parametrize("bars", [2, 3, 5])
def test_a_voice_is_accompanied_to_its_last_whole_bar(bars: int) -> None:
    network = gan_of(given_voice=1)
    prompt = encode_prompt(network, VOICES, piece(bars))
    [(steps, _)] = sample_with_prompts(
        network, VOICES, build("sampling=ancestral", pieces=1, max_bars=99), 4, [prompt]
    )
    made, told = grid(steps), grid(prompt)
    assert made.shape == told.shape == (bars * BAR, 4)
    assert np.array_equal(made[:, 1], told[:, 1])
    assert not np.array_equal(made[:, 0], told[:, 0])


def test_what_cannot_be_continued_is_told() -> None:
    network = gan_of(given_bars=1)
    tokens = encode_prompt(network, VOICES, piece(3))
    cut = replace(piece(3), notes=piece(3).notes[piece(3).notes["onset"] < 2 * BAR + 2])
    assert np.array_equal(encode_prompt(network, VOICES, cut), tokens[: 2 * BAR * 4])
    assert len(encode_prompt(network, VOICES, cut, end=3 * BAR)) == len(tokens), "silence ends it"
    for prompt, reason in (
        (piece(3, steps=6), "has bars of other lengths than 8 steps"),
        (piece(3, lowest=80), "leaves the pitches 36 to 83"),
    ):
        with pytest.raises(UnencodableError, match=reason):
            encode_prompt(network, VOICES, prompt)
    with pytest.raises(UnencodableError, match="has fewer than 2 whole bars"):
        encode_prompt(gan_of(given_voice=0), VOICES, piece(1))
