"""Small masked networks for the tests."""

from typing import Any

import torch

from defaults import node_of
from ostinato.config import Config
from ostinato.models.bundle import build_network
from ostinato.models.masked.cells import CLASSES, HOLD, REST
from ostinato.models.masked.model import MaskedModel

torch.set_num_threads(1)  # several wait for each other longer than these networks take


def masked_config(model: str = "masked", representation: str = "voices", **settings: Any) -> Config:
    """A config of a small masked model, in which nothing is dropped out."""
    node = node_of(f"model={model}", hidden_size=16, dropout=0.0, scored_masks=4)
    node["backbone"] |= {"layers": 2, "dropout": 0.0}
    return Config(
        {
            "representation": node_of(f"representation={representation}", **settings),
            "model": node,
            "method": node_of("method=masked.method"),
            "choices": {"model": model, "representation": representation},
        }
    )


def masked_of(seed: int = 0, **settings: Any) -> MaskedModel:
    """A small masked network with random weights that do say something."""
    config = masked_config(**settings)
    torch.manual_seed(seed)
    network: Any = build_network(config, config.build("representation"))
    for parameter in network.head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    network.eval()
    return network


def confined(network: MaskedModel, pitches: tuple[int, ...]) -> MaskedModel:
    """The network, to which all pitches but these have no probability worth a mention."""
    allowed = torch.zeros(CLASSES, dtype=torch.bool)
    allowed[[*pitches, REST, *(HOLD + pitch for pitch in pitches)]] = True
    for layer in network.head.scores:
        with torch.no_grad():
            layer.bias[:CLASSES].masked_fill_(~allowed, -1e4)
    return network
