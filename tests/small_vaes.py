"""Small VAEs for the tests of what has latent vectors."""

from typing import Any

import torch

from defaults import node_of
from ostinato.config import Config
from ostinato.models.bundle import build_network
from ostinato.models.variational.vae import VAE


def vae_config(hierarchical: bool = False, **changed: Any) -> Config:
    """A config of a small VAE on voices, at eighths so that segments are short.

    `changed` are values of the model, but for `voices` of the representation, 0 for piano-rolls,
    `objective` and `hidden_size`.
    """
    count = changed.pop("voices", 1)
    if count:
        eighths = {"steps_per_quarter": 2, "bar_steps": 8}
        representation = node_of("representation=voices", voices=count, **eighths)
    else:
        representation = node_of("representation=pianoroll", step="1/2")
    hidden, objective = changed.pop("hidden_size", 12), changed.pop("objective", {})
    model = "vae_hierarchical" if hierarchical else "vae"
    sizes = {"embedding_size": 8, "hidden_size": hidden}
    conductor = {"conductor_size": 10} if hierarchical else {}
    parts = {
        "encoder": node_of("model=vae.encoder", **sizes),
        "decoder": node_of(f"model={model}.decoder", **sizes, **conductor),
        "objective": node_of("model=vae.objective", **objective),
    }
    return Config(
        {
            "representation": representation,
            "model": node_of("model=vae", **{"latent_size": 6, **parts, **changed}),
            "method": node_of("method=variational.method"),
            "choices": {"model": "vae", "representation": "voices" if count else "pianoroll"},
        }
    )


def vae_of(seed: int = 0, **changed: Any) -> VAE:
    """A small VAE with weights drawn by a seed."""
    config = vae_config(**changed)
    torch.manual_seed(seed)
    network = build_network(config, config.build("representation"))
    assert isinstance(network, VAE)
    return network
