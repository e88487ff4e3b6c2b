"""Every architecture goes with every representation that it says it takes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ostinato.config import compose, group_options
from ostinato.data.store import TokenStore, write_store
from ostinato.data.windows import TrainingWindows, WindowSettings
from ostinato.models.bundle import build_network
from ostinato.models.sequence import SequenceModel
from ostinato.music.piece import Piece
from ostinato.representations.base import Representation
from ostinato.stages.compose import is_compatible

CONF = Path(__file__).parents[2] / "conf"
BACKBONES = ("rnn", "gru", "lstm", "transformer", "wavenet", "tcn")
HEADS = ("bernoulli", "autoregressive")


def learns_a_little(
    network: SequenceModel, store: TokenStore, representation: Representation
) -> None:
    every = np.arange(len(store.names))
    settings = WindowSettings(24, 2, (-1, 1), 1)
    windows = TrainingWindows(store, every, representation, settings, epoch=1)
    batch = windows[0]
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        nll = network.nll(batch.inputs, batch.positions, batch.targets, batch.semitones)
        loss = nll.sum() / (nll != 0).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


@pytest.fixture(scope="module")
def stores(
    short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Representation, TokenStore]]:
    folder, made = tmp_path_factory.mktemp("stores"), {}
    for name in group_options(CONF, "representation"):
        representation = compose([f"representation={name}"], CONF).build("representation")
        write_store([short_chorales[:3]], representation, folder / name)
        made[name] = (representation, TokenStore.open(folder / name))
    return made


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_backbone_learns_from_every_representation(
    backbone: str, stores: dict[str, tuple[Representation, TokenStore]]
) -> None:
    for name, (representation, store) in stores.items():
        for head in HEADS if representation.kind == "frames" else HEADS[:1]:
            words = [f"model={backbone}", "model.size=tiny", f"representation={name}"]
            words.append(f"model/frame_head={head}")
            config = compose(words, CONF)
            assert is_compatible(config), words
            torch.manual_seed(0)
            network = build_network(config, representation)
            assert isinstance(network, SequenceModel)
            learns_a_little(network, store, representation)
