"""Small networks and stores for the tests of what is learned."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from ostinato.config import Config
from ostinato.data.store import TokenStore, write_store
from ostinato.models.bundle import build_network
from ostinato.models.sequence import SequenceModel
from ostinato.music.piece import Piece
from ostinato.representations.base import Representation, TokenRepresentation
from ostinato.representations.event import Event
from ostinato.representations.pitch import Pitch
from ostinato.representations.voices import Voices

torch.set_num_threads(1)  # several wait for each other longer than these networks take

REPRESENTATIONS: dict[str, TokenRepresentation] = {
    "voices": Voices(),
    "event": Event(),
    "pitch": Pitch(),
    "pitch without holds": Pitch(hold=False, end_token=False),
}
TARGETS = {
    "voices": "ostinato.representations.voices.Voices",
    "event": "ostinato.representations.event.Event",
    "pitch": "ostinato.representations.pitch.Pitch",
    "pianoroll": "ostinato.representations.pianoroll.Pianoroll",
}
BACKBONES = ("RNN", "GRU", "LSTM")
MODULES = {"Transformer": "transformer", "WaveNet": "convolutional", "TCN": "convolutional"}


def config_of(
    representation: str = "voices",
    backbone: str = "GRU",
    hidden: int = 16,
    layers: int = 1,
    **settings: Any,
) -> Config:
    """A config of a small sequence model, for a representation as it is set."""
    models = "ostinato.models"
    return Config(
        {
            "representation": {"_target_": TARGETS[representation], **settings},
            "model": {
                "_target_": f"{models}.sequence.SequenceModel",
                "input": {
                    "_target_": f"{models}.inputs.Embedding",
                    "_partial_": True,
                    "embedding_size": 8,
                },
                "backbone": {
                    "_target_": f"{models}.{MODULES.get(backbone, 'recurrent')}.{backbone}",
                    "_partial_": True,
                    "hidden_size": hidden,
                    "layers": layers,
                },
                "head": {"_target_": f"{models}.heads.softmax.Softmax", "_partial_": True},
                "frame_input": {
                    "_target_": f"{models}.inputs.Frames",
                    "_partial_": True,
                    "embedding_size": 8,
                },
                "frame_head": {
                    "_target_": f"{models}.heads.bernoulli.Bernoulli",
                    "_partial_": True,
                },
            },
            "method": {"_target_": "ostinato.methods.likelihood.Likelihood"},
            "choices": {"model": backbone.lower(), "representation": representation},
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
