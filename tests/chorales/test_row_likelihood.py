"""The network of the benchmark row scores chorales as it did when the figures were made."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ostinato.config import compose
from ostinato.models.bundle import build_network
from ostinato.models.sequence import SequenceModel
from ostinato.music.piece import Piece
from ostinato.representations.base import TokenRepresentation

KNOWN = json.loads(Path(__file__).with_name("likelihood.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def network_and_voices() -> tuple[SequenceModel, TokenRepresentation]:
    """The untrained network, its weights by a seed, with noise where its head begins at zero."""
    config = compose(["experiment=jsb16_best"])
    voices = config.build("representation")
    torch.manual_seed(0)
    network = build_network(config, voices)
    assert isinstance(network, SequenceModel)
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=noise) * 0.05)
    return network.eval(), voices


@pytest.mark.parametrize("number", range(3))
def test_three_chorales_are_as_likely_as_they_were(
    number: int,
    network_and_voices: tuple[SequenceModel, TokenRepresentation],
    short_chorales: list[Piece],
) -> None:
    """Nats of every time step, to 1e-6 as they were written down; other machines round a little."""
    network, voices = network_and_voices
    piece = short_chorales[number]
    tokens = np.concatenate(([voices.end], voices.encode(piece), [voices.end])).astype(np.int64)
    positions = voices.positions(tokens)[:-1].astype(np.int64)
    inputs, targets = torch.from_numpy(tokens[:-1]), torch.from_numpy(tokens[1:])
    nll = network.score(inputs[None], torch.from_numpy(positions)[None], targets[None])[0]
    expected = torch.tensor(KNOWN["nats_of_time_steps"][piece.name])
    torch.testing.assert_close(nll[::4], expected, rtol=1e-5, atol=1e-6)
    assert int(nll.count_nonzero()) == len(expected)


def test_weights_have_the_names_and_shapes_that_they_had(
    network_and_voices: tuple[SequenceModel, TokenRepresentation],
) -> None:
    network, _ = network_and_voices
    shapes = {name: list(weight.shape) for name, weight in network.state_dict().items()}
    assert shapes == KNOWN["weights"]
