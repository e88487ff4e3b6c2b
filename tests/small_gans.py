"""Small GANs for the tests of what makes segments."""

from typing import Any

import torch
from torch import Tensor

from defaults import node_of
from ostinato.config import Config
from ostinato.models.adversarial.gan import GAN
from ostinato.models.adversarial.voice import Relaxation
from ostinato.models.adversarial.wasserstein import gradient_penalty
from ostinato.models.bundle import build_network
from ostinato.models.segments import OneHotRoll


def gan_config(objective: dict[str, Any] | None = None, **changed: Any) -> Config:
    """A config of a small GAN on voices, at eighths so that segments are short.

    `changed` are values of the model; `voices`, `bar_steps` and `steps_per_quarter` those of the
    representation; `leap_penalty`, `unison_penalty` and `offbeat_bias`
    those of the generator.
    """
    voices = {"steps_per_quarter": changed.pop("steps_per_quarter", 2)}
    voices["bar_steps"] = changed.pop("bar_steps", 8)
    voices["voices"] = changed.pop("voices", 4)
    spectral = changed.pop("spectral_norm", False)
    weights = {"leap_penalty": 0.3, "unison_penalty": 0.0, "offbeat_bias": 0.0}
    weights = {name: changed.pop(name, usual) for name, usual in weights.items()}
    sizes = {"noise": 6, "bar_noise": 3, "hidden_size": 12, "layers": 1}
    sizes |= {"fine_size": 8, "head_size": 8}
    parts = {
        "generator": node_of("model=gan.generator", **sizes, **weights),
        "critic": node_of("model=gan.critic", hidden_size=4, spectral_norm=spectral),
        "objective": node_of("model=gan.objective", **(objective or {})),
    }
    return Config(
        {
            "representation": node_of("representation=voices", **voices),
            "model": node_of("model=gan", **{**parts, **changed}),
            "method": node_of("method=adversarial.method"),
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


def is_of_zeros_and_ones(x: Tensor) -> bool:
    return bool(((x == 0) | (x == 1)).all())


def check_voices(roll: OneHotRoll, voices: int, steps: int) -> None:
    """Each voice sings one thing at a time, and begins where its pitch changes."""
    sound, onset = (part.detach().round(decimals=5) for part in roll)
    assert sound.shape[1:] == (voices, 49, steps)
    assert onset.shape == (len(sound), voices, steps)
    assert is_of_zeros_and_ones(sound)
    assert is_of_zeros_and_ones(onset)
    assert (sound.sum(dim=2) == 1).all()
    pitch, begins = roll.sound.argmax(dim=2), roll.onset > 0.5
    assert not (begins & (pitch == 48)).any(), "silence begins nothing"
    changed = (pitch[..., 1:] != pitch[..., :-1]) & (pitch[..., 1:] != 48)
    assert (begins[..., 1:] | ~changed).all()
    assert torch.equal(begins[..., 0], pitch[..., 0] != 48)


def check_gradients(network: GAN, relaxation: Relaxation) -> None:
    """They reach every weight of the generator and of its critic."""
    critic = network.new_critic()
    critic(network(network.noise(16), relaxation)).sum().backward()
    for part in (network, critic):
        for name, weight in part.named_parameters():
            assert weight.grad is not None, name
            assert torch.isfinite(weight.grad).all(), name
            assert weight.grad.abs().sum() > 0, name


def check_penalty(network: GAN) -> None:
    """The penalty of gradients teaches every weight of the critic, if not every bias."""
    critic = network.new_critic()
    real, fake = (network.draw(network.noise(4)) for _ in range(2))
    gradient_penalty(critic, real, fake, torch.full((4,), 0.5)).backward()
    for name, weight in critic.named_parameters():
        if "weight" in name:
            assert weight.grad is not None, name
            assert weight.grad.abs().sum() > 0, name
