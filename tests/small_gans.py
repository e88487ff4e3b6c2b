"""Small GANs for the tests of what makes segments."""

from typing import Any

import torch

from ostinato.config import Config
from ostinato.models.adversarial.gan import GAN
from ostinato.models.bundle import build_network
from small_networks import TARGETS

PARTS = "ostinato.models.adversarial"


def gan_config(objective: dict[str, Any] | None = None, **changed: Any) -> Config:
    """A config of a small GAN on voices, at eighths so that segments are short.

    `changed` are values of the model, `voices` and `bar_steps` those of the representation.
    """
    voices = {"steps_per_quarter": 2, "bar_steps": changed.pop("bar_steps", 8)}
    voices["voices"] = changed.pop("voices", 4)
    spectral = changed.pop("spectral_norm", False)
    return Config(
        {
            "representation": {"_target_": TARGETS["voices"], **voices},
            "model": {
                "_target_": f"{PARTS}.gan.GAN",
                "generator": {
                    "_target_": f"{PARTS}.generator.BeatGenerator",
                    "_partial_": True,
                    **{"noise": 6, "bar_noise": 3, "hidden_size": 12, "layers": 1},
                    **{"fine_size": 8, "head_size": 8},
                },
                "critic": {
                    "_target_": f"{PARTS}.critic.ChromaCritic",
                    "_partial_": True,
                    "hidden_size": 4,
                    "spectral_norm": spectral,
                },
                "objective": {"_target_": f"{PARTS}.wasserstein.Wasserstein", **(objective or {})},
                **changed,
            },
            "choices": {"model": "gan", "representation": "voices"},
        }
    )


def gan_of(seed: int = 0, **changed: Any) -> GAN:
    """A small GAN with weights drawn by a seed."""
    config = gan_config(**changed)
    torch.manual_seed(seed)
    network = build_network(config, config.build("representation"))
    assert isinstance(network, GAN)
    return network
