"""Refusals of sampling that several methods share."""

from ostinato.config import Config
from ostinato.errors import ConfigError


def refuse_segments(config: Config) -> None:
    """Refuse sampling of models of segments: ways between segments, and latent vectors."""
    chosen, sampling = config["choices"], config.build("sampling")
    if sampling.interpolation_steps is not None:
        raise ConfigError(
            f"sampling.interpolation_steps={sampling.interpolation_steps} does not fit: "
            f"model={chosen['model']} makes no segments to interpolate between: set it to null."
        )
    if sampling.conditions and sampling.needs != "fill":
        raise ConfigError(
            f"sampling={chosen['sampling']} begins with given music "
            f"({', '.join(sampling.conditions)}), and model={chosen['model']} has no latent "
            "vectors: set model=vae."
        )


def refuse_without_voices(config: Config) -> None:
    """Refuse to fill in what a representation writes without voices."""
    chosen, representation = config["choices"], config.build("representation")
    if representation.layout != "voices" or representation.falling:
        raise ConfigError(
            f"sampling={chosen['sampling']} fills in voices, and "
            f"representation={chosen['representation']} has none: say representation=voices."
        )
