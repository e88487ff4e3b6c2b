"""Bars are measured as controls are named, and a model that has seen them does what is asked."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from defaults import build, node_of
from ostinato.config import Config
from ostinato.errors import ConfigError
from ostinato.methods.likelihood import Likelihood
from ostinato.models.bundle import build_network
from ostinato.models.sequence import SequenceModel
from ostinato.models.voices.controls import BarControls, measure_bars
from ostinato.music.piece import NOTE, Piece, array
from ostinato.representations.voices import Voices
from ostinato.sampling.sequence import Predictor, compose
from ostinato.sampling.settings import Control
from small_networks import config_of

NAMES = ("density", "polyphony", "pitch", "duration")
BAR = 16


def config_with(*names: str, **settings: Any) -> Config:
    """A config of a small model of two voices that has these controls."""
    config = config_of("voices", voices=2, history=None, hidden=32, **settings)
    config.tree["model"]["voices"]["controls"] |= {"names": list(names), "levels": 2}
    return config


def network_with(*names: str, seed: int = 0) -> tuple[SequenceModel, Voices]:
    config = config_with(*names)
    representation = config.build("representation")
    torch.manual_seed(seed)
    network = build_network(config, representation)
    assert isinstance(network, SequenceModel)
    return network.eval(), representation


def windows(pieces: list[Piece], representation: Voices) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, positions and targets of pieces of one length."""
    end = [representation.end]
    tokens = np.stack([np.concatenate([end, representation.encode(p), end]) for p in pieces])
    positions = np.stack([representation.positions(row)[:-1] for row in tokens])
    steps = torch.from_numpy(tokens.astype(np.int64))
    return steps[:, :-1], torch.from_numpy(positions.astype(np.int64)), steps[:, 1:]


def song(*bars: int, low: bool = True) -> Piece:
    """A piece of two voices: so many notes in each bar above, a whole note below or silence."""
    parts = []
    for number, notes in enumerate(bars):
        each = BAR // notes
        parts.append(
            array(
                NOTE,
                onset=number * BAR + each * np.arange(notes),
                duration=each,
                pitch=70 + np.arange(notes) % 2,
                velocity=80,
            )
        )
        if low:
            parts.append(
                array(NOTE, onset=number * BAR, duration=BAR, pitch=50, velocity=80, track=1)
            )
    return Piece("song", 4, np.concatenate(parts), track_names=("high", "low"))


def test_bars_are_measured_in_their_units() -> None:
    _, representation = network_with("density")
    spec = network_with("density")[0].spec
    _, positions, targets = windows([song(4, 2), song(4, 2, low=False)], representation)
    values, bar = measure_bars(targets, positions, NAMES, spec)
    assert bar[0].tolist() == [0] * 32 + [1] * 33, "the end is of the last bar"
    expected = [
        # notes in a quarter, voices, mean pitch, quarter notes of a note
        [[5 / 4, 2, (70.5 + 50) / 2, 8 / 5], [3 / 4, 2, (70.5 + 50) / 2, 8 / 3]],
        [[1, 1, 70.5, 1], [0.5, 1, 70.5, 2]],
    ]
    assert torch.allclose(values, torch.tensor(expected))


def test_a_bar_of_rests_has_a_density_and_no_pitch() -> None:
    network, representation = network_with(*NAMES)
    notes = array(NOTE, onset=[0, 2 * BAR], duration=4, pitch=60, velocity=80)
    piece = Piece("rests", 4, notes, track_names=("high", "low"))
    _, positions, targets = windows([piece], representation)
    values, _ = measure_bars(targets, positions, NAMES, network.spec)
    assert values[0, 1, :2].tolist() == [0, 0]
    assert values[0, 1, 2:].isnan().all()
    assert isinstance(network.controls, BarControls)
    assert network.controls.to_levels(values)[0, 1, 2:].tolist() == [0, 0]


def test_unknown_levels_change_nothing_and_known_ones_do() -> None:
    network, representation = network_with(*NAMES)
    inputs, positions, targets = windows([song(4, 2)], representation)
    plain = network.nll(inputs, positions, targets)
    unknown = torch.zeros(*inputs.shape, len(NAMES), dtype=torch.long)
    assert torch.equal(network.nll(inputs, positions, targets, levels=unknown), plain)
    known = network.nll(inputs, positions, targets, levels=unknown + 1)
    assert not torch.allclose(known, plain)
    assert torch.allclose(network.score(inputs, positions, targets), plain, atol=1e-5)


def test_what_is_asked_is_a_share_of_the_training_bars() -> None:
    network, representation = network_with("density", "pitch")
    controls = network.controls
    assert controls is not None
    pieces = [song(n, n) for n in (1, 2, 4, 8)]
    for piece in pieces:
        _, positions, targets = windows([piece], representation)
        controls.fit([(targets, positions)])
    batches = [windows([piece], representation) for piece in pieces]
    controls.fit((targets, positions) for _, positions, targets in batches)
    least, most = controls.percentiles[0, [0, -1]].tolist()
    assert (least, most) == (0.5, 9 / 4)
    asked = controls.request_levels({"density": (0.0, 1.0)}, 4)
    assert asked.tolist() == [[1, 0], [2, 0], [2, 0], [2, 0]], "the last holds for later bars"


def test_training_sees_levels_of_the_bars_and_often_none() -> None:
    network, representation = network_with("density")
    controls = network.controls
    assert controls is not None
    batches = [windows([song(n, n)], representation) for n in (1, 8)]
    controls.fit((targets, positions) for _, positions, targets in batches)
    _, positions, targets = windows([song(1, 8)] * 400, representation)
    torch.manual_seed(0)
    levels = controls.draw(targets, positions)[..., 0]
    assert set(levels[:, :32].unique().tolist()) == {0, 1}
    assert set(levels[:, 32:].unique().tolist()) == {0, 2}
    # 70 % of the windows have controls, of these 70 % this one, and of its bars 90 % are known
    assert float((levels[:, 0] > 0).float().mean()) == pytest.approx(0.441, abs=0.08)
    assert (levels[:, :32] == levels[:, :1]).all(), "one bar, one level"


@pytest.fixture(scope="module")
def steered() -> tuple[SequenceModel, Voices]:
    """A network that has learned bars of one note and of eight, each as likely."""
    network, representation = network_with("density")
    controls = network.controls
    assert controls is not None
    random = np.random.default_rng(0)
    pieces = [song(*random.choice([1, 8], 4)) for _ in range(64)]
    inputs, positions, targets = windows(pieces, representation)
    controls.fit([(targets, positions)])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    torch.manual_seed(0)
    network.train()
    for _ in range(120):
        rows = torch.randint(len(inputs), (16,))
        levels = controls.draw(targets[rows], positions[rows])
        loss = network.nll(inputs[rows], positions[rows], targets[rows], levels=levels).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval(), representation


def asked(*density: float) -> Control:
    return Control(density=density, polyphony=None, pitch=None, duration=None)


def densities(pieces: list[Any], representation: Voices) -> list[list[int]]:
    """How many notes the upper voice begins in each bar."""
    found = []
    for piece in pieces:
        upper = representation.decode(piece.steps).track(0)["onset"] // BAR
        found.append(np.bincount(upper, minlength=4)[:4].tolist())
    return found


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_a_model_that_was_trained_with_controls_does_what_is_asked(
    steered: tuple[SequenceModel, Voices], guidance: float
) -> None:
    network, representation = steered

    def drawn(*density: float) -> list[list[int]]:
        settings = build(
            "sampling=ancestral",
            pieces=8,
            candidates=1,
            max_bars=4,
            min_bars=4,
            guidance=guidance,
            control=asked(*density),
        )
        return densities(compose(network, representation, settings, 1), representation)

    sparse, dense, mixed = drawn(0.1), drawn(0.9), drawn(0.1, 0.9, 0.9, 0.1)
    assert np.mean(sparse) < 2.5 < 6 < np.mean(dense)
    means = np.mean(mixed, axis=0)
    assert max(means[0], means[3]) < 3 < 5 < min(means[1], means[2])


def test_of_candidates_the_one_nearest_to_what_is_asked_is_kept(
    steered: tuple[SequenceModel, Voices],
) -> None:
    network, representation = steered
    shape = {"pieces": 4, "max_bars": 4, "min_bars": 4, "guidance": 0.0}  # draws as if not asked
    control = asked(0.9)
    many = build("sampling=ancestral", candidates=8, choose="control", control=control, **shape)
    one = build("sampling=ancestral", candidates=1, control=control, **shape)
    predictor = Predictor(network, representation, many)

    def miss(settings: Any) -> float:
        pieces = compose(network, representation, settings, 1)
        return float(np.mean([predictor.mean_error(piece.steps.tolist()) for piece in pieces]))

    assert miss(many) < miss(one) - 0.1
    misses = [predictor.mean_error(representation.encode(song(*[n] * 4)).tolist()) for n in (1, 8)]
    assert misses == [1.0, 0.0]


@pytest.mark.parametrize("idle", [{"guidance": 2.0}, {"choose": "control"}])
def test_what_heeds_nothing_is_refused(idle: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"needs something to"):
        build("sampling=ancestral", **idle)


def test_what_a_model_was_not_trained_with_is_refused() -> None:
    control = node_of("sampling=ancestral.control", density=0.5)
    sampling = node_of("sampling=ancestral", control=control)
    for names, fits in ((("density", "pitch"), True), (("pitch",), False), ((), False)):
        config = config_with(*names)
        config.tree["sampling"] = sampling
        config.tree["choices"]["sampling"] = "ancestral"
        if fits:
            Likelihood().check_sampling(config)
            continue
        with pytest.raises(ConfigError, match=r"sampling\.control\.density needs a model that was"):
            Likelihood().check_sampling(config)


def test_what_is_the_same_in_most_bars_is_known() -> None:
    network, representation = network_with("density", "polyphony")
    controls = network.controls
    assert controls is not None
    batches = [windows([song(n, n)], representation) for n in (1, 2, 4, 8)]
    controls.fit((targets, positions) for _, positions, targets in batches)
    assert controls.uniform == ["polyphony"]
