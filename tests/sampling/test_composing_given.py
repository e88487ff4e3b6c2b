"""What a VAE makes of segments that it is given."""

import numpy as np
import pytest
import torch

from defaults import build, node_of
from ostinato.data.segments import first_segment
from ostinato.errors import ConfigError
from ostinato.models.variational.vae import VAE
from ostinato.music.piece import NOTE, Piece, array
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll
from ostinato.sampling.segments import compose_segments
from ostinato.sampling.settings import Sampling
from ostinato.sampling.voice_rolls import draw_segments, encode
from small_vaes import vae_config, vae_of

VOICES = build("representation=voices", voices=1, steps_per_quarter=2, bar_steps=8)
SEGMENT, BAR = 16, 8


@pytest.fixture(scope="module")
def network() -> VAE:
    network = vae_of()
    with torch.no_grad():  # so that latent vectors make a difference
        for weight in network.parameters():
            weight.mul_(3)
    return network


@pytest.fixture(scope="module")
def given(network: VAE) -> VoiceRoll:
    """Two segments."""
    roll = draw_segments(network, network.noise(2, torch.Generator().manual_seed(1)))
    assert not np.array_equal(roll.pitch[0], roll.pitch[1])
    return roll


def shown(
    network: VAE, settings: Sampling, given: VoiceRoll, seed: int = 0
) -> list[list[list[int]]]:
    """The segments of each piece, as tokens."""
    pieces = compose_segments(network, VOICES, settings, seed, given)
    return [piece.steps.reshape(-1, SEGMENT + BAR)[:, :SEGMENT].tolist() for piece in pieces]


def test_variations_follow_what_is_varied_and_come_from_the_seed(
    network: VAE, given: VoiceRoll
) -> None:
    settings = build("sampling=vary", pieces=4, distance=3.0)
    pieces = shown(network, settings, given)
    assert [first for first, _ in pieces] == VOICES.from_grid(given).tolist() * 2
    assert pieces == shown(network, settings, given)
    assert pieces != shown(network, settings, given, seed=1)
    assert pieces[0][1] != pieces[2][1], "each has its own noise"


def test_at_no_distance_a_variation_is_the_reconstruction(network: VAE, given: VoiceRoll) -> None:
    means = network.encode(encode(given, network.spec)).mean
    expected = VOICES.from_grid(draw_segments(network, means)).tolist()
    pieces = shown(network, build("sampling=vary", pieces=2, distance=0.0), given)
    assert [second for _, second in pieces] == expected


def test_a_way_leads_between_the_latent_vectors_of_given_segments(
    network: VAE, given: VoiceRoll
) -> None:
    [way] = shown(
        network,
        build("sampling=ancestral", interpolation_steps=5, start="a.mid", to="b.mid"),
        given,
    )
    means = network.encode(encode(given, network.spec)).mean
    expected = VOICES.from_grid(draw_segments(network, means)).tolist()
    assert len(way) == 5
    assert [way[0], way[-1]] == expected


def test_more_of_an_attribute_is_the_segment_of_a_vector_farther_in_its_direction(
    given: VoiceRoll,
) -> None:
    network = vae_of(seed=1)
    density = torch.arange(6.0)
    network.directions[0] = density
    settings = build("sampling=attribute", pieces=1, attribute="note_density", amounts=(0.0, 1.0))
    [[plain, more]] = shown(network, settings, given)
    mean = network.encode(encode(given, network.spec)).mean[:1]
    latent = torch.cat([mean, mean + density])
    assert [plain, more] == VOICES.from_grid(draw_segments(network, latent)).tolist()


def melody(pitches: list[int]) -> Piece:
    notes = array(
        NOTE, onset=4 * np.arange(len(pitches)), duration=4, pitch=np.array(pitches), velocity=80
    )
    return Piece("melody", 4, notes)


def test_the_first_segment_of_a_piece_is_its_first_whole_bars_within_the_pitches() -> None:
    pitch = build("representation=pitch")
    batch = first_segment(melody([90] * 4 + [60, 62, 64, 65, 67]), pitch, 1, (48, 83))
    assert batch is not None
    assert batch.pitch[0, 0, ::4].tolist() == [60, 62, 64, 65]
    short = first_segment(melody([60, 62, 64, 65, 67]), pitch, 2, (48, 83))
    assert short is not None
    assert short.pitch[0, 0, ::4].tolist() == [60, 62, 64, 65, 67, REST, REST, REST], "rests follow"
    assert first_segment(melody([60]), pitch, 2, (48, 83)) is None
    assert first_segment(melody([90] * 8), pitch, 2, (48, 83)) is None
    for voices in (
        build("representation=voices", voices=1),
        build("representation=pitch", hold=False),
    ):
        same = first_segment(melody([60, 62, 64, 65, 67]), voices, 2, (48, 83))
        assert same is not None
        assert same.pitch.tolist() == short.pitch.tolist()


@pytest.mark.parametrize(
    ("option", "values", "sentence"),
    [
        ("ancestral", {"start": "a.mid"}, "start=a.mid and to=null go together"),
        ("ancestral", {"start": "a.mid", "to": "b.mid"}, "start=a.mid needs interpolation_steps"),
        (
            "ancestral",
            {"interpolation_steps": 7, "prompt": "test"},
            "does not go with interpolation_steps=7",
        ),
        (
            "vary",
            {"interpolation_steps": 7},
            "prompt and interpolation_steps do not go with a piece",
        ),
        ("vary", {"distance": -1.0}, r"distance=-1\.0 does not fit"),
        ("attribute", {"attribute": "mood"}, "attribute=.mood. does not fit"),
        ("attribute", {"amounts": []}, "amounts=.* does not fit"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    option: str, values: dict[str, object], sentence: str
) -> None:
    config = vae_config()
    config.tree["sampling"] = node_of(f"sampling={option}", **values)
    with pytest.raises(ConfigError, match=sentence):
        config.build("sampling")


def test_an_interpolation_is_conditioned_on_its_ends() -> None:
    settings = build("sampling=ancestral", start="a.mid", to="b.mid", interpolation_steps=7)
    assert settings.conditions == ("a.mid", "b.mid")
