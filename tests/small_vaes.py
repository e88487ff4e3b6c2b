"""Small VAEs for the tests of what has latent vectors."""

from typing import Any

import torch

from ostinato.config import Config
from ostinato.models.bundle import build_network
from ostinato.models.variational.vae import VAE
from small_networks import TARGETS

PARTS = "ostinato.models.variational"


def vae_config(hierarchical: bool = False, **changed: Any) -> Config:
    """A config of a small VAE on voices, at eighths so that segments are short.

    `changed` are values of the model, but for `voices` of the representation, 0 for piano-rolls,
    `objective` and `hidden_size`.
    """
    voices: dict[str, Any] = {"_target_": TARGETS["voices"], "steps_per_quarter": 2, "bar_steps": 8}
    if not (count := changed.pop("voices", 1)):
        voices = {"_target_": TARGETS["pianoroll"], "step": "1/2"}
    else:
        voices["voices"] = count
    hidden, objective = changed.pop("hidden_size", 12), changed.pop("objective", {})
    decoder: dict[str, Any] = {"embedding_size": 8, "hidden_size": hidden}
    if hierarchical:
        decoder["conductor_size"] = 10
    kind = "HierarchicalDecoder" if hierarchical else "FlatDecoder"
    return Config(
        {
            "representation": voices,
            "model": {
                "_target_": f"{PARTS}.vae.VAE",
                "latent_size": 6,
                "encoder": {
                    "_target_": f"{PARTS}.encoder.BidirectionalEncoder",
                    "_partial_": True,
                    **{"embedding_size": 8, "hidden_size": hidden},
                },
                "decoder": {"_target_": f"{PARTS}.decoder.{kind}", "_partial_": True, **decoder},
                "objective": {"_target_": f"{PARTS}.elbo.ELBO", **objective},
                **changed,
            },
            "method": {"_target_": "ostinato.methods.variational.Variational"},
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
