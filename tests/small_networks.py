"""Small networks and stores for the tests of what is learned."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from defaults import build, node_of
from ostinato.config import Config
from ostinato.data.store import TokenStore, write_store
from ostinato.models.attention import KVCache
from ostinato.models.bundle import build_network
from ostinato.models.sequence import SequenceModel
from ostinato.music.piece import Piece
from ostinato.representations.base import Representation, TokenRepresentation

torch.set_num_threads(1)  # several wait for each other longer than these networks take

REPRESENTATIONS: dict[str, TokenRepresentation] = {
    "voices": build("representation=voices"),
    "event": build("representation=event"),
    "pitch": build("representation=pitch"),
    "pitch without holds": build("representation=pitch", hold=False, end_token=False),
}
BACKBONES = ("RNN", "GRU", "LSTM")
OTHERS = ("Transformer", "WaveNet", "TCN")


def config_of(
    representation: str = "voices",
    backbone: str = "GRU",
    hidden: int = 16,
    layers: int = 1,
    **settings: Any,
) -> Config:
    """A config of a small sequence model, for a representation as it is set.

    Nothing is dropped out, so that few steps teach it something.
    """
    kind, parts = backbone.lower(), ("input", "backbone", "head", "frame_input", "voices")
    model = {part: node_of(f"model={kind}.{part}") for part in parts}
    model["frame_head"] = node_of("model/frame_head=bernoulli")
    model["input"]["embedding_size"] = model["frame_input"]["embedding_size"] = 8
    model["backbone"] |= {"hidden_size": hidden, "layers": layers}
    model["voices"]["input"]["embedding_size"] = model["voices"]["backbone"]["hidden_size"] = 8
    model["voices"]["backbone"]["outer_dropout"] = 0.0
    dropping = [model[part] for part in ("backbone", "head", "frame_head")]
    for part in (*dropping, *(model["voices"][part] for part in ("input", "backbone", "head"))):
        part["dropout"] = 0.0
    return Config(
        {
            "representation": node_of(f"representation={representation}", **settings),
            "model": node_of(f"model={kind}", **model),
            "method": node_of("method=likelihood.method"),
            "choices": {"model": kind, "representation": representation},
        }
    )


def network_of(representation: str = "voices", seed: int = 0, **shape: Any) -> SequenceModel:
    """A small network with weights drawn by a seed."""
    config = config_of(representation, **shape)
    torch.manual_seed(seed)
    network = build_network(config, config.build("representation"))
    assert isinstance(network, SequenceModel)
    return network.eval()


def store_of(pieces: Iterable[Piece], representation: Representation, folder: Path) -> TokenStore:
    """A new token store of these pieces."""
    write_store([list(pieces)], representation, folder)
    return TokenStore.open(folder)


def tensors_of(state: Any) -> list[Tensor]:
    """Return all tensors of a state, in order."""
    if isinstance(state, Tensor):
        return [state]
    if isinstance(state, KVCache):
        return [state.keys, state.values]
    return [one for part in state for one in tensors_of(part)] if isinstance(state, tuple) else []
